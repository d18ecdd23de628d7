"""What the fixtures of `tests/conftest.py` hand out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from compose.embedded.shared import Parts

__all__ = ["Database", "Merchant", "Parts", "Simulators"]


@dataclass(frozen=True, slots=True)
class Database:
    """A migrated database of one's own. Each field is a DSN: the superuser's, the gateway's, the relay's."""

    name: str
    superuser: str
    app: str
    system: str


@dataclass(frozen=True, slots=True)
class Simulators:
    """Running simulators: the control plane's URL and each simulator's, by slug."""

    control: str
    urls: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Merchant:
    """A fresh merchant with its own simulator accounts. `accounts`: by slug, what the control plane answered."""

    id: str
    secret_key: str
    publishable_key: str
    gateway: str
    control: str
    accounts: Mapping[str, Mapping[str, Any]]
