"""Envelope encryption: a key-encryption key from the keys folder wraps one data key per merchant and purpose.

PostgreSQL keeps wrapped data keys and ciphertexts, the folder keeps what opens them: neither alone gives a card.
Every ciphertext is bound to its merchant, its row and its key by the additional data, so a row that is moved to
another tenant or another id does not open (PCI DSS 3.7.7, SEC-18).
"""

import base64
import os
from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.adapters.keys import CVV_LIFETIME_S, KeyRing
from gateway.domain.brand import check_card
from gateway.domain.card import CardSecret, Cvv, Pan, Secret
from gateway.domain.errors import VaultFailed
from gateway.domain.ids import new_id
from gateway.domain.threeds import Cavv
from gateway.use_cases.create_provider_account import CREDENTIALS
from gateway.use_cases.ports import Json, Store

CARD = "card"

_NONCE_BYTES = 12
_KEYS_CACHED = 10_000


class EnvelopeVault:
    """The vault over a `KeyRing` and the database's wrapped data keys. `test_only` refuses live card numbers."""

    def __init__(self, keys: KeyRing, store: Store, *, test_only: bool) -> None:
        self._keys = keys
        self._store = store
        self._test_only = test_only
        self._by_id: OrderedDict[tuple[str, str], AESGCM] = OrderedDict()
        self._current: OrderedDict[tuple[str, str], str] = OrderedDict()

    async def seal_card(self, merchant: str, card: CardSecret, token_id: str, at: datetime) -> Json:
        """Check, encrypt and fingerprint a card: the card object of `payment_begin_v1`. Raises `InvalidCard`.

        The holder's name is inside the ciphertext. The CVV has a key of its own that only the keys folder holds.
        """
        brand = check_card(card, year=at.year, month=at.month, test_only=self._test_only)
        pan = card.pan.reveal()
        clear = orjson.dumps({"pan": pan, "holder_name": card.holder_name})
        ciphertext, key_id = await self._seal(merchant, token_id, CARD, clear)
        sealed: Json = {
            "token_id": token_id,
            "ciphertext": ciphertext,
            "key_id": key_id,
            "fingerprint": self._keys.pan_fingerprint(merchant, pan),
            "bin": card.pan.bin,
            "last4": card.pan.last4,
            "brand": brand.name,
            "exp_month": card.exp_month,
            "exp_year": card.exp_year,
        }
        if card.cvv is not None:
            key = AESGCM(self._keys.cvv.create(token_id))
            sealed["cvv_ciphertext"] = _encrypt(key, card.cvv.reveal().encode(), _cvv_aad(merchant, token_id))
            sealed["cvv_expires_at"] = (at + timedelta(seconds=CVV_LIFETIME_S)).isoformat()
        return sealed

    async def open_card(self, merchant: str, card: Json) -> CardSecret:
        """Open DISPATCH.card for a connector's last step. Raises `VaultFailed`."""
        token_id = card["token_id"]
        clear = orjson.loads(await self._open(merchant, token_id, CARD, card["ciphertext"], card["key_id"]))
        return CardSecret(
            pan=Pan(clear["pan"]),
            exp_month=card["exp_month"],
            exp_year=card["exp_year"],
            cvv=self._open_cvv(merchant, token_id, card.get("cvv_ciphertext")),
            holder_name=clear["holder_name"],
        )

    async def open_credentials(self, merchant: str, account: Json) -> Mapping[str, Secret]:
        """Open DISPATCH.account's credentials. Raises `VaultFailed`."""
        clear = await self._open(
            merchant, account["id"], CREDENTIALS, account["credentials_ciphertext"], account["key_id"]
        )
        return {name: Secret(value) for name, value in orjson.loads(clear).items()}

    async def seal_text(self, merchant: str, row_id: str, purpose: str, text: str) -> tuple[str, str]:
        """Encrypt a text for one row: (ciphertext as base64, key id)."""
        return await self._seal(merchant, row_id, purpose, text.encode())

    async def open_text(self, merchant: str, row_id: str, purpose: str, ciphertext: str, key_id: str) -> Secret:
        """The reverse. Raises `VaultFailed` for another row's or another merchant's ciphertext."""
        return Secret((await self._open(merchant, row_id, purpose, ciphertext, key_id)).decode())

    def seal_cavv(self, merchant: str, payment_id: str, cavv: Cavv, at: datetime) -> Json:
        """Encrypt a payment's cryptogram under a key of its own that only the keys folder holds, like a CVV."""
        key = AESGCM(self._keys.cvv.create(payment_id))
        return {
            "cavv_ciphertext": _encrypt(key, cavv.reveal().encode(), _cavv_aad(merchant, payment_id)),
            "cavv_expires_at": (at + timedelta(seconds=CVV_LIFETIME_S)).isoformat(),
        }

    def open_cavv(self, merchant: str, payment_id: str, ciphertext: str | None) -> Cavv | None:
        """The reverse; None once it is destroyed. Raises `VaultFailed` for another payment's ciphertext."""
        key = self._keys.cvv.read(payment_id) if ciphertext else None
        if key is None or ciphertext is None:
            return None
        return Cavv(_decrypt(AESGCM(key), ciphertext, _cavv_aad(merchant, payment_id)).decode())

    def forget_cvv(self, token_id: str) -> None:
        """Destroy the key of this token's CVV, or of this payment's cryptogram. Safe to repeat."""
        self._keys.cvv.destroy(token_id)

    def _open_cvv(self, merchant: str, token_id: str, ciphertext: str | None) -> Cvv | None:
        key = self._keys.cvv.read(token_id) if ciphertext else None
        if key is None or ciphertext is None:
            return None
        return Cvv(_decrypt(AESGCM(key), ciphertext, _cvv_aad(merchant, token_id)).decode())

    async def _seal(self, merchant: str, row_id: str, purpose: str, clear: bytes) -> tuple[str, str]:
        key_id = self._current.get((merchant, purpose))
        if key_id is None:
            key_id = await self._load_current(merchant, purpose)
        key = await self._key(merchant, purpose, key_id)
        return _encrypt(key, clear, _aad(merchant, row_id, key_id)), key_id

    async def _open(self, merchant: str, row_id: str, purpose: str, ciphertext: str, key_id: str) -> bytes:
        key = await self._key(merchant, purpose, key_id)
        return _decrypt(key, ciphertext, _aad(merchant, row_id, key_id))

    async def _key(self, merchant: str, purpose: str, key_id: str) -> AESGCM:
        key = self._by_id.get((merchant, key_id))
        if key is None:
            row = await self._store.call("data_key_get_v1", merchant, {"purpose": purpose, "key_id": key_id})
            if row is None or row["key_id"] != key_id:
                raise VaultFailed("the data key of this ciphertext is not there")
            key = self._remember(merchant, purpose, row)
        return key

    async def _load_current(self, merchant: str, purpose: str) -> str:
        """The id of the merchant's data key for this purpose; the first use makes it. Two makers agree on one."""
        row = await self._store.call("data_key_get_v1", merchant, {"purpose": purpose})
        if row is None:
            key_id = new_id("dek")
            wrapped = self._wrap(merchant, purpose, key_id, os.urandom(32))
            p = {"purpose": purpose, "key_id": key_id, "wrapped": wrapped}
            row = await self._store.call("data_key_put_v1", merchant, p)
        self._remember(merchant, purpose, row)
        self._current[merchant, purpose] = row["key_id"]
        _bound(self._current)
        return str(row["key_id"])

    def _remember(self, merchant: str, purpose: str, row: Json) -> AESGCM:
        key = AESGCM(self._unwrap(merchant, purpose, row["key_id"], row["wrapped"]))
        self._by_id[merchant, row["key_id"]] = key
        _bound(self._by_id)
        return key

    def _wrap(self, merchant: str, purpose: str, key_id: str, data_key: bytes) -> str:
        kek = self._keys.current_kek
        aad = f"{merchant}|{purpose}|{key_id}".encode()
        return f"{kek}:{_encrypt(AESGCM(self._keys.keks[kek]), data_key, aad)}"

    def _unwrap(self, merchant: str, purpose: str, key_id: str, wrapped: str) -> bytes:
        kek, _, ciphertext = wrapped.partition(":")
        if kek not in self._keys.keks:
            raise VaultFailed("the key-encryption key of this data key is not in the keys folder")
        return _decrypt(AESGCM(self._keys.keks[kek]), ciphertext, f"{merchant}|{purpose}|{key_id}".encode())


def _aad(merchant: str, row_id: str, key_id: str) -> bytes:
    return f"{merchant}|{row_id}|{key_id}".encode()


def _cvv_aad(merchant: str, token_id: str) -> bytes:
    return f"{merchant}|{token_id}|cvv".encode()


def _cavv_aad(merchant: str, payment_id: str) -> bytes:
    return f"{merchant}|{payment_id}|cavv".encode()


def _encrypt(key: AESGCM, clear: bytes, aad: bytes) -> str:
    # A random nonce of 96 bits is safe below 2**32 messages per key (NIST SP 800-38D, 8.3): a key is one merchant's.
    nonce = os.urandom(_NONCE_BYTES)
    return base64.b64encode(nonce + key.encrypt(nonce, clear, aad)).decode()


def _decrypt(key: AESGCM, ciphertext: str, aad: bytes) -> bytes:
    try:
        raw = base64.b64decode(ciphertext, validate=True)
        return key.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], aad)
    except (InvalidTag, ValueError):
        raise VaultFailed("a ciphertext does not open: it was altered, or belongs to another row") from None


def _bound(cache: OrderedDict[tuple[str, str], Any]) -> None:
    while len(cache) > _KEYS_CACHED:
        cache.popitem(last=False)
