"""Card data whose type never reveals it: no repr, str, format, json, pickle, copy, traceback shows a digit (SEC-20)."""

from dataclasses import dataclass
from typing import Any, NoReturn


class Secret:
    """A string that must be revealed on purpose. Used for PAN, CVV and PSP credentials alike.

    `reveal()` is the only way out, so a grep for it lists every place that sees a clear value: the vault and the
    connectors' last step (PCI DSS 3.4.1, 3.5.1).
    """

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        self.__value = value

    def reveal(self) -> str:
        return self.__value

    def __repr__(self) -> str:
        return f"{type(self).__name__}(***)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other.reveal() == self.__value

    def __hash__(self) -> int:
        return hash(type(self))

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError(f"{type(self).__name__} must not be pickled or copied")


class Pan(Secret):
    """A primary account number: 12 to 19 digits."""

    __slots__ = ()

    @property
    def bin(self) -> str:
        """First six digits: with the last four, all that PCI DSS 3.4.1 lets anyone see."""
        return self.reveal()[:6]

    @property
    def last4(self) -> str:
        return self.reveal()[-4:]


class Cvv(Secret):
    """Sensitive authentication data: gone when the authorization ends, approved or declined (PCI DSS 3.3.1)."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class CardSecret:
    """A card as the vault hands it to a connector's last step."""

    pan: Pan
    exp_month: int
    exp_year: int
    cvv: Cvv | None = None
    holder_name: str | None = None
