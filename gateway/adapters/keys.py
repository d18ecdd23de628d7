"""The keys folder: everything that turns ciphertext into data lives here and never in PostgreSQL (PCI DSS 3.6.1).

kek.json          {"current": id, "keys": {id: base64 of 32 bytes}}: wraps the data keys that the database keeps
pepper.key        keys the hash of API keys
fingerprint.key   keys the fingerprint of a PAN
idempotency.key   keys the fingerprint of a request body
codec.key         keys what Temporal stores
cvv/<token id>    one key per token's CVV; deleting the file destroys the CVV wherever its ciphertext was copied
"""

import base64
import binascii
import contextlib
import hashlib
import hmac
import json
import os
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from gateway.domain.errors import VaultFailed

CVV_LIFETIME_S = 15 * 60
"""The longest that sensitive authentication data may wait for its authorization to end."""

_KEY_BYTES = 32
_TOKEN_ID = re.compile(r"(?:tok|pay)_[0-9a-z]{26}", re.ASCII)


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Keys as loaded at start. Nothing of it shows in repr."""

    current_kek: str
    keks: dict[str, bytes] = field(repr=False)
    pepper: bytes = field(repr=False)
    fingerprint: bytes = field(repr=False)
    idempotency: bytes = field(repr=False)
    codec: bytes = field(repr=False)
    cvv: "CvvKeys"

    def api_key_hash(self, key: str) -> str:
        """Keyed hash of an API key: a copy of the table is worth nothing without the pepper (SEC-06)."""
        return _hmac_hex(self.pepper, key.encode())

    def pan_fingerprint(self, merchant: str, pan: str) -> str:
        """Equal for equal PANs of one merchant; keyed over the whole PAN (PCI DSS 3.5.1.1)."""
        return _hmac_hex(self.fingerprint, f"{merchant}|{pan}".encode())

    def request_fingerprint(self, path: str, body: Any) -> str:
        """Equal for equal requests: keyed hash of path and canonical JSON. `body` must hold no CVV any more.

        Keyed, since the body may hold a PAN; without CVV, since not even a hash of one may be kept.
        """
        canonical = orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
        return _hmac_hex(self.idempotency, path.encode() + b"\0" + canonical)


class CvvKeys:
    """One random key per token, each in a file of its own, for 15 minutes at most."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def create(self, token_id: str) -> bytes:
        """Make the key of a token's CVV. Raises `FileExistsError` for a token that has one."""
        key = os.urandom(_KEY_BYTES)
        handle = os.open(self._path(token_id), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(handle, key)
        finally:
            os.close(handle)
        return key

    def read(self, token_id: str) -> bytes | None:
        """The key, or None once it is destroyed or past its lifetime."""
        try:
            handle = os.open(self._path(token_id), os.O_RDONLY)
        except FileNotFoundError:
            return None
        try:
            too_old = time.time() - os.fstat(handle).st_mtime > CVV_LIFETIME_S
            return None if too_old else os.read(handle, _KEY_BYTES)
        finally:
            os.close(handle)

    def destroy(self, token_id: str) -> None:
        """Delete the key. Safe to repeat."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path(token_id))

    def purge(self, older_than_s: float = CVV_LIFETIME_S) -> int:
        """Delete every key older than that, and return how many. Runs once a minute, whatever the database says."""
        limit = time.time() - older_than_s
        purged = 0
        for path in self._folder.iterdir():
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime < limit:
                    path.unlink()
                    purged += 1
        return purged

    def _path(self, token_id: str) -> str:
        # A string, not a Path: this runs three times in every payment.
        if not _TOKEN_ID.fullmatch(token_id):
            raise VaultFailed("not a token id")
        return f"{self._folder}/{token_id}"


def load_keys(folder: Path) -> KeyRing:
    """Read the keys folder. Raises `VaultFailed` naming the file that is missing or wrong, never what is in it."""
    try:
        document = json.loads((folder / "kek.json").read_text())
        keks = {str(kid): _decode(text, "kek.json") for kid, text in document["keys"].items()}
        current = str(document["current"])
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        raise VaultFailed("keys folder: kek.json is missing or not as docs/architecture.md says") from None
    if current not in keks:
        raise VaultFailed("keys folder: kek.json names a current key that it does not hold")
    cvv = folder / "cvv"
    if not cvv.is_dir():
        raise VaultFailed("keys folder: the folder cvv is missing")
    return KeyRing(
        current_kek=current,
        keks=keks,
        pepper=_read(folder, "pepper.key"),
        fingerprint=_read(folder, "fingerprint.key"),
        idempotency=_read(folder, "idempotency.key"),
        codec=_read(folder, "codec.key"),
        cvv=CvvKeys(cvv),
    )


def create_keys(folder: Path) -> None:
    """Write a fresh keys folder, readable by its owner alone. Raises `FileExistsError` rather than replace a key."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / "cvv").mkdir(mode=0o700, exist_ok=True)
    kid = f"kek_{os.urandom(4).hex()}"
    _write(folder / "kek.json", json.dumps({"current": kid, "keys": {kid: _fresh()}}))
    for name in ("pepper.key", "fingerprint.key", "idempotency.key", "codec.key"):
        _write(folder / name, _fresh())


def _fresh() -> str:
    return base64.b64encode(os.urandom(_KEY_BYTES)).decode()


def _write(path: Path, text: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)


def _read(folder: Path, name: str) -> bytes:
    try:
        return _decode((folder / name).read_text().strip(), name)
    except OSError:
        raise VaultFailed(f"keys folder: {name} cannot be read") from None


def _decode(text: str, name: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise VaultFailed(f"keys folder: {name} is not base64") from None
    if len(key) != _KEY_BYTES:
        raise VaultFailed(f"keys folder: {name} must hold {_KEY_BYTES} bytes")
    return key


def _hmac_hex(key: bytes, message: bytes) -> str:
    return hmac.new(key, message, hashlib.sha256).hexdigest()
