"""The scan for card numbers: it sees every form, in every place, and is quiet where there is none."""

import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from confluent_kafka import KafkaException

from compose.embedded import environment
from compose.embedded.shared import temporary_root
from scenarios import pan_places, scan_cli
from scenarios.pan_scan import Scanner, chunks_of, forms, luhn_valid, mask, numbers_in
from scenarios.scan_cli import fresh_number

VISA, AMEX = "4242424242424242", "378282246310005"
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("written", "form"),
    [
        (b'{"number": "4242424242424242"}', "plain"),
        (b"number=4242+4242+4242+4242&cvc=123", "grouped by '+'"),
        (b"4242 4242 4242 4242", "grouped by ' '"),
        (b"4242-4242-4242-4242", "grouped by '-'"),
        (b"4242%204242%204242%204242", "grouped by '%20'"),
        (VISA.encode().hex().encode(), "hexadecimal"),
        (VISA.encode().hex().upper().encode(), "hexadecimal"),
        (VISA.encode("utf-16-le"), "UTF-16"),
        (VISA.encode("utf-16-be"), "UTF-16"),
        (int(VISA).to_bytes(8, "big"), "64-bit integer, big-endian"),
        (b"\x07" + int(VISA).to_bytes(8, "little"), "64-bit integer, little-endian"),
        (bytes.fromhex("9210") * 4, "PostgreSQL numeric"),
        (b"xx" + VISA[::-1].encode(), "reversed"),
        *((base64.b64encode(b"?" * n + VISA.encode() + b"!" * 5), f"base64 at offset {n}") for n in range(3)),
        *((base64.b64encode(b"?" * n + VISA.encode()), f"base64 at offset {n}") for n in range(3)),
    ],
)
def test_every_form_is_found_and_named(written: bytes, form: str) -> None:
    found = list(Scanner([AMEX, VISA]).scan("here", b"before " + written + b" after"))
    assert {hit.form for hit in found} == {form}
    assert {hit.number for hit in found} == {"16 digits ending 4242"}
    assert VISA not in repr(found)


def test_amex_is_grouped_as_it_is_printed() -> None:
    assert [hit.form for hit in Scanner([AMEX]).scan("here", b"3782 822463 10005")] == ["grouped by ' '"]


def test_what_is_no_card_number_is_left_alone() -> None:
    scanner = Scanner([VISA, AMEX])
    near = VISA[:-1] + "3"
    assert list(scanner.scan("here", f"{near} {VISA[:6]}******{VISA[-4:]} 424242".encode())) == []


def test_a_hit_across_the_border_of_two_chunks_is_found_once() -> None:
    scanner = Scanner([VISA])
    text = b"." * 37 + VISA.encode() + b"." * 50 + VISA.encode() + b"."
    for size in (1, 2, 3, 7, 16, 40, 1000):
        hits = list(scanner.scan_stream("stream", chunks_of(text, size)))
        assert [hit.offset for hit in hits if hit.form == "plain"] == [37, 103], size


def test_numbers_are_taken_from_texts_by_their_check_digit() -> None:
    assert numbers_in(f"ok: {VISA}, 5555555555554444; no: 4242424242424241 12345 {'4' * 25}") == [
        VISA,
        "5555555555554444",
    ]
    assert luhn_valid(fresh_number())
    assert mask(AMEX) == "15 digits ending 0005"
    assert len(forms(VISA)) == len({*forms(VISA)}) == 15


def test_nothing_to_look_for_is_an_error() -> None:
    with pytest.raises(ValueError, match="no card numbers"):
        Scanner([])


@pytest.fixture(scope="module")
def state() -> Iterator[Path]:
    """PostgreSQL, Temporal and Kafka as an environment of this module's own, so that planting disturbs nobody."""
    folder = Path(tempfile.mkdtemp(prefix="payera-test-", dir=temporary_root())) / "state"
    environment.up(folder, port_base=0, parts_only=True)
    yield folder
    environment.down(folder, erase=True)
    shutil.rmtree(folder.parent)


def scan(state: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "compose.cli.main", "scan", *words]
    env = {**os.environ, "PAYERA_STATE": str(state), "COLUMNS": "200"}
    return subprocess.run(command, capture_output=True, text=True, env=env, cwd=ROOT, check=False)


def test_a_planted_number_is_found_in_every_place_and_a_clean_environment_is_clean(state: Path) -> None:
    planted = scan(state, "--self-test")
    assert planted.returncode == 0, planted.stdout + planted.stderr
    places = ("PostgreSQL rows", "postgres/data/base", "postgres/data/pg_wal", "Temporal rows", "Temporal files")
    for place in (*places, "Kafka topic", "process logs", "simulators' state"):
        assert [line for line in planted.stdout.splitlines() if place in line and "found as" in line], place
    assert "planted a number in 8 places, missed it in 0" in planted.stdout
    assert " 0 hits" in planted.stdout


def test_a_place_that_is_not_read_fails_the_self_test(
    state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pan_places, "scan_kafka", lambda scanner, address, counts: iter(()))
    with pytest.raises(typer.Exit) as exited:
        scan_cli.scan(env_path=state / "env.json", pans=None, self_test=True)
    assert exited.value.exit_code == 1
    said = capsys.readouterr().out
    assert [line.split()[2:4] for line in said.splitlines() if "NOT FOUND" in line] == [["Kafka", "topic"]]


def test_a_compressed_row_is_seen_through_the_dump(state: Path) -> None:
    env = json.loads((state / "env.json").read_text(encoding="utf-8"))
    number = fresh_number()
    pan_places.run_sql(env["postgres"], f"create table packed as select repeat('{number} ', 5000) as v")
    try:
        hits, counts = pan_places.scan_everything(Scanner([number]), env)
    finally:
        pan_places.run_sql(env["postgres"], "drop table packed")
    assert len([hit for hit in hits if hit.place == "PostgreSQL rows"]) == 5000
    assert {count.place for count in counts} >= {"PostgreSQL rows", "Temporal rows", "Kafka topics", "process logs"}


def test_a_number_in_a_log_fails_the_scan_and_is_not_printed(state: Path, tmp_path: Path) -> None:
    number = fresh_number()
    wanted = tmp_path / "numbers.txt"
    wanted.write_text(f"{number}\n", encoding="utf-8")
    leak = state / "logs" / "api.log"
    leak.write_text(f"charging {number}\n", encoding="utf-8")
    try:
        found = scan(state, "--pans", str(wanted))
    finally:
        leak.unlink()
    assert found.returncode == 1
    assert f"found {mask(number)} (plain) in process logs: logs/api.log, byte 9" in found.stdout
    assert number not in found.stdout + found.stderr


def test_an_unreachable_place_is_an_error_not_a_clean_bill(state: Path) -> None:
    env = json.loads((state / "env.json").read_text(encoding="utf-8"))
    with pytest.raises(RuntimeError, match="psql"):
        pan_places.scan_everything(Scanner([VISA]), {**env, "postgres": "postgresql://postgres@127.0.0.1:1/payera"})
    with pytest.raises(KafkaException, match="transport"):
        list(pan_places.scan_kafka(Scanner([VISA]), "127.0.0.1:1", []))
