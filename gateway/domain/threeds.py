"""A proof of authentication made elsewhere: what 3-D Secure gave to whoever authenticated the shopper, as PSPs take it.

It goes with every attempt of its payment, so that a fallback PSP does not challenge the shopper again. The cryptogram
(CAVV) is sensitive authentication data: sealed like a CVV, and destroyed with it when the authorization ends.
"""

import base64
import binascii
import re
from dataclasses import dataclass

from gateway.domain.card import Secret

VERSIONS = ("2.1.0", "2.2.0", "2.3.0", "2.3.1")
"""EMV 3-D Secure protocol versions that PSPs accept proofs of. Version 1 was switched off in October 2022."""

CAVV_BYTES = 20

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_THREE_DOMAIN = frozenset({"05", "06"})
ECI: dict[str, frozenset[str]] = {
    "mastercard": frozenset({"02", "01"}),
    "maestro": frozenset({"02", "01"}),
    "visa": _THREE_DOMAIN,
    "amex": _THREE_DOMAIN,
    "discover": _THREE_DOMAIN,
    "diners": _THREE_DOMAIN,
    "jcb": _THREE_DOMAIN,
    "unionpay": _THREE_DOMAIN,
}
"""By brand: authenticated, attempted. Other values say that nothing was proved, so there is nothing to carry."""


class Cavv(Secret):
    """The cryptogram of an authentication, base64 of 20 bytes. Never kept after the authorization (PCI DSS 3.3.1)."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class ThreeDsProof:
    """One proof. `eci` has two digits, `ds_transaction_id` is the directory server's UUID, `xid` base64 of 20 bytes."""

    version: str
    eci: str
    cavv: Cavv
    ds_transaction_id: str
    xid: str | None = None


def is_cryptogram(text: str) -> bool:
    """Whether a text is base64 of exactly 20 bytes."""
    try:
        return len(base64.b64decode(text, validate=True)) == CAVV_BYTES
    except (binascii.Error, ValueError):
        return False


def is_transaction_id(text: str) -> bool:
    """Whether a text is a UUID as the directory server writes it."""
    return _UUID.fullmatch(text) is not None


def eci_fits(brand: str, eci: str) -> bool:
    """Whether an issuer of this brand gives this indicator for a shopper who was authenticated or who tried to be."""
    return eci in ECI.get(brand, frozenset())
