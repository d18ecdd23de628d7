"""Finds the connectors: every folder beside this file that defines `SPEC` and `CONNECTOR`. No list names a provider."""

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from gateway.connectors.http import HttpClient
from gateway.domain.resolution import LOOKS
from gateway.use_cases.ports import Connector, ConnectorSpec
from gateway.use_cases.settlement import SettlementParser

Factory = Callable[[HttpClient], Connector]


class ConnectorInvalid(Exception):
    """A connector's folder breaks a rule of the registry. The message names the folder and the rule."""


class Registry:
    """The connectors of this process, one object each, all over one HTTP client."""

    def __init__(self, connectors: Mapping[str, Connector]) -> None:
        self._connectors = dict(connectors)

    def get(self, slug: str) -> Connector:
        """Raises `LookupError` for a provider that has no connector."""
        try:
            return self._connectors[slug]
        except KeyError:
            raise LookupError(f"no connector for provider {slug}") from None

    @property
    def slugs(self) -> tuple[str, ...]:
        return tuple(self._connectors)

    @property
    def specs(self) -> dict[str, ConnectorSpec]:
        return {slug: connector.spec for slug, connector in self._connectors.items()}


def discover(http: HttpClient) -> Registry:
    """Import every connector folder and build its connector. Raises `ConnectorInvalid`."""
    return Registry({spec.slug: factory(http) for spec, factory in _folders()})


def settlement_parsers() -> dict[str, SettlementParser]:
    """By slug, who reads the settlement files of that provider. Raises `ConnectorInvalid`."""
    return {spec.slug: spec.settlement for spec, _ in _folders() if spec.settlement is not None}


def _folders() -> Iterator[tuple[ConnectorSpec, Factory]]:
    folder = Path(__file__).parent
    for module in sorted(pkgutil.iter_modules([str(folder)]), key=lambda module: module.name):
        if not module.ispkg:
            continue
        package = importlib.import_module(f"gateway.connectors.{module.name}")
        spec: ConnectorSpec | None = getattr(package, "SPEC", None)
        factory: Factory | None = getattr(package, "CONNECTOR", None)
        if spec is None or factory is None:
            raise ConnectorInvalid(f"{module.name}: __init__.py must define SPEC and CONNECTOR")
        _check(module.name, spec)
        yield spec, factory


def _check(folder: str, spec: ConnectorSpec) -> None:
    if spec.slug != folder:
        raise ConnectorInvalid(f"{folder}: SPEC.slug is {spec.slug}, it must be the folder's name")
    for kind in ("authorize", "capture", "void", "refund"):
        if kind not in spec.capabilities:
            continue
        means = spec.resolves.get(kind, ())
        # A declared means that nothing executes would leave an unknown waiting for it for ever.
        if strange := [name for name in means if name not in LOOKS and name != "webhook"]:
            raise ConnectorInvalid(f"{folder}: {kind} declares {strange}, which the resolver does not know")
