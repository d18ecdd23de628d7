"""Goal: a ciphertext opens for its merchant, its row and its key, and for nothing else; the CVV goes when told."""

import base64
import os
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.adapters.keys import CVV_LIFETIME_S, CvvKeys, KeyRing, create_keys, load_keys
from gateway.adapters.vault import EnvelopeVault
from gateway.domain.card import CardSecret, Cvv, Pan
from gateway.domain.errors import InvalidCard, VaultFailed
from gateway.domain.ids import new_id
from gateway.use_cases.ports import Json
from tests.unit.fakes import NOW

PAN = "4242424242424242"


class KeyTable:
    """`data_key_get_v1` and `data_key_put_v1` in memory."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], Json] = {}
        self.asked = 0

    async def call(self, function: str, merchant: str, p: Json) -> Any:
        self.asked += 1
        if function == "data_key_get_v1":
            return self.rows.get((merchant, p["purpose"]))
        return self.rows.setdefault((merchant, p["purpose"]), {"key_id": p["key_id"], "wrapped": p["wrapped"]})

    async def system(self, function: str, p: Json) -> Any:
        raise AssertionError(function)


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    create_keys(tmp_path / "keys")
    return load_keys(tmp_path / "keys")


@pytest.fixture
def table() -> KeyTable:
    return KeyTable()


@pytest.fixture
def vault(ring: KeyRing, table: KeyTable) -> EnvelopeVault:
    return EnvelopeVault(ring, table, test_only=True)


def card(cvv: str | None = "123") -> CardSecret:
    return CardSecret(Pan(PAN), 12, 2030, Cvv(cvv) if cvv else None, "Jane Doe")


async def test_a_card_comes_back_whole(vault: EnvelopeVault, ring: KeyRing) -> None:
    token = new_id("tok")
    sealed = await vault.seal_card("mer_1", card(), token, NOW)
    assert PAN not in str(sealed)
    assert "Jane" not in str(sealed)
    assert (sealed["bin"], sealed["last4"], sealed["brand"]) == ("424242", "4242", "visa")
    assert sealed["fingerprint"] == ring.pan_fingerprint("mer_1", PAN)
    assert sealed["cvv_expires_at"] == "2026-03-01T12:15:00+00:00"
    assert await vault.open_card("mer_1", sealed) == card()


async def test_without_its_key_the_cvv_is_gone(vault: EnvelopeVault) -> None:
    sealed = await vault.seal_card("mer_1", card(), new_id("tok"), NOW)
    vault.forget_cvv(sealed["token_id"])
    vault.forget_cvv(sealed["token_id"])  # safe to repeat
    assert await vault.open_card("mer_1", sealed) == card(None)


async def test_another_merchant_row_or_key_does_not_open_it(vault: EnvelopeVault) -> None:
    mine, other = new_id("tok"), new_id("tok")
    sealed = await vault.seal_card("mer_1", card(None), mine, NOW)
    theirs = await vault.seal_card("mer_2", card(None), other, NOW)
    swapped: list[tuple[str, Json]] = [
        ("mer_1", sealed | {"token_id": other}),
        ("mer_1", sealed | {"ciphertext": theirs["ciphertext"]}),
        ("mer_2", sealed | {"key_id": theirs["key_id"]}),
        ("mer_2", sealed),
        ("mer_1", sealed | {"key_id": "dek_unknown"}),
    ]
    for merchant, row in swapped:
        with pytest.raises(VaultFailed):
            await vault.open_card(merchant, row)


async def test_a_wrapped_key_of_another_tenant_or_purpose_does_not_open(ring: KeyRing, table: KeyTable) -> None:
    sealed = await EnvelopeVault(ring, table, test_only=True).seal_text("mer_1", "pa_1", "credentials", "x")
    for place in (("mer_2", "credentials"), ("mer_1", "webhook_secret")):
        table.rows[place] = table.rows["mer_1", "credentials"]
        with pytest.raises(VaultFailed):
            await EnvelopeVault(ring, table, test_only=True).open_text(place[0], "pa_1", place[1], *sealed)


@given(position=st.integers(0, 10_000), flip=st.integers(1, 255))
def test_any_altered_byte_is_noticed(tmp_path_factory: pytest.TempPathFactory, position: int, flip: int) -> None:
    import asyncio

    folder = tmp_path_factory.getbasetemp() / "altered"
    if not folder.exists():
        create_keys(folder)
    vault = EnvelopeVault(load_keys(folder), KeyTable(), test_only=True)

    async def run() -> None:
        ciphertext, key_id = await vault.seal_text("mer_1", "pa_1", "credentials", "secret")
        raw = bytearray(base64.b64decode(ciphertext))
        raw[position % len(raw)] ^= flip
        with pytest.raises(VaultFailed):
            await vault.open_text("mer_1", "pa_1", "credentials", base64.b64encode(raw).decode(), key_id)

    asyncio.run(run())


async def test_nonces_do_not_repeat(vault: EnvelopeVault) -> None:
    sealed = [await vault.seal_text("mer_1", "pa_1", "credentials", "same") for _ in range(2000)]
    assert len({base64.b64decode(ciphertext)[:12] for ciphertext, _ in sealed}) == 2000
    assert len({key_id for _, key_id in sealed}) == 1


async def test_data_keys_are_asked_for_once(vault: EnvelopeVault, table: KeyTable) -> None:
    sealed = await vault.seal_card("mer_1", card(None), new_id("tok"), NOW)
    asked = table.asked
    for _ in range(5):
        await vault.open_card("mer_1", sealed)
        await vault.seal_card("mer_1", card(None), new_id("tok"), NOW)
    assert table.asked == asked == 2


async def test_two_makers_of_a_key_agree(ring: KeyRing, table: KeyTable) -> None:
    one, two = EnvelopeVault(ring, table, test_only=True), EnvelopeVault(ring, table, test_only=True)
    first = await one.seal_text("mer_1", "r", "credentials", "a")
    second = await two.seal_text("mer_1", "r", "credentials", "b")
    assert first[1] == second[1]
    assert (await two.open_text("mer_1", "r", "credentials", *first)).reveal() == "a"


async def test_a_live_card_is_refused_in_a_test_environment(ring: KeyRing, table: KeyTable) -> None:
    live = CardSecret(Pan("4556737586899855"), 12, 2030)  # the check digit is right, no PSP publishes it
    with pytest.raises(InvalidCard) as refusal:
        await EnvelopeVault(ring, table, test_only=True).seal_card("mer_1", live, new_id("tok"), NOW)
    assert refusal.value.code == "live_card_refused"
    assert "4556737586899855" not in str(refusal.value)
    assert await EnvelopeVault(ring, table, test_only=False).seal_card("mer_1", live, new_id("tok"), NOW)


def test_a_keys_folder_is_its_owners_alone(tmp_path: Path) -> None:
    create_keys(tmp_path / "keys")
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    for path in (tmp_path / "keys").glob("*.*"):
        assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        create_keys(tmp_path / "keys")
    shown = repr(load_keys(tmp_path / "keys"))
    assert "=b'" not in shown
    assert ": b'" not in shown


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("kek.json", "{}", "kek.json is missing or not"),
        ("kek.json", '{"current": "a", "keys": {}}', "names a current key"),
        ("kek.json", '{"current": "a", "keys": {"a": "AAAA"}}', "must hold 32 bytes"),
        ("pepper.key", "not base64!", "pepper.key is not base64"),
        ("codec.key", None, "codec.key cannot be read"),
    ],
)
def test_a_wrong_keys_folder_is_named(tmp_path: Path, name: str, text: str | None, complaint: str) -> None:
    create_keys(tmp_path / "keys")
    path = tmp_path / "keys" / name
    path.unlink()
    if text is not None:
        path.write_text(text)
    with pytest.raises(VaultFailed, match=complaint):
        load_keys(tmp_path / "keys")


def test_cvv_keys_live_for_fifteen_minutes(tmp_path: Path) -> None:
    keys = CvvKeys(tmp_path)
    fresh, old = new_id("tok"), new_id("tok")
    key = keys.create(fresh)
    keys.create(old)
    past = time.time() - CVV_LIFETIME_S - 1
    os.utime(tmp_path / old, (past, past))
    assert keys.read(fresh) == key
    assert keys.read(old) is None
    assert keys.purge() == 1
    assert [path.name for path in tmp_path.iterdir()] == [fresh]
    assert (tmp_path / fresh).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["../pepper.key", "tok_", "", "tok_" + "a" * 25 + "/", "TOK_" + "a" * 26])
def test_a_cvv_key_has_a_token_for_its_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(VaultFailed):
        CvvKeys(tmp_path).read(name)


def test_keyed_hashes(ring: KeyRing) -> None:
    assert ring.pan_fingerprint("mer_1", PAN) == ring.pan_fingerprint("mer_1", PAN)
    assert ring.pan_fingerprint("mer_1", PAN) != ring.pan_fingerprint("mer_2", PAN)
    assert ring.request_fingerprint("/a", {"x": 1, "y": 2}) == ring.request_fingerprint("/a", {"y": 2, "x": 1})
    assert ring.request_fingerprint("/a", {"x": 1}) != ring.request_fingerprint("/b", {"x": 1})
    assert ring.request_fingerprint("/a", {"x": 1}) != ring.request_fingerprint("/a", {"x": "1"})
