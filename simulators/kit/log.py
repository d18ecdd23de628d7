"""The append-only log: one line of JSON per committed change, written by one `write`.

What was answered is in the log before the answer leaves, so it survives `kill -9`. It does not promise to survive a
power cut (no `fsync` by default): the state of a simulator is worth a restart, not a disk's patience.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson


class CorruptLog(Exception):
    """A line before the last one cannot be read: the file was damaged, and guessing would forge money."""


class Log:
    """One file. `append` is the only way to change it; a truncated last line (a crash in mid-write) is cut off."""

    def __init__(self, path: Path, *, fsync: bool = False) -> None:
        self.path = path
        self._fsync = fsync
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)

    def read(self) -> Iterator[dict[str, Any]]:
        """All lines in order, to be read once before the first append.

        Raises CorruptLog for a damaged line that is not the last.
        """
        with self.path.open("rb") as lines:
            good = 0
            for line in lines:
                try:
                    value = orjson.loads(line) if line.endswith(b"\n") else None
                except orjson.JSONDecodeError:
                    value = None
                if value is None:
                    if lines.read(1):
                        raise CorruptLog(f"{self.path}: damaged line at byte {good}")
                    os.ftruncate(self._file, good)
                    return
                good += len(line)
                yield value

    def append(self, entry: dict[str, Any]) -> None:
        """Write one entry. Values may hold `orjson.Fragment`. Raises OSError if the disk refuses."""
        line = orjson.dumps(entry) + b"\n"
        written = os.write(self._file, line)
        while written < len(line):
            written += os.write(self._file, line[written:])
        if self._fsync:
            os.fsync(self._file)

    def close(self) -> None:
        """Close the file; harmless when repeated."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
