"""Find card numbers in bytes, in every form in which they usually leak.

For each number: plain digits, groups by blank, dash, plus or %20, hexadecimal of the ASCII digits, base64 at its three
offsets, UTF-16, reversed, a 64-bit integer, and PostgreSQL's numeric digits. All forms of all numbers are one trie, so
a file is read once. A hit names the number by its last four digits only.
"""

import base64
import mmap
import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_DIGITS = re.compile(r"(?<!\d)\d{13,19}(?!\d)")
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Hit:
    """One number found: where (file or place), at which byte, in which form. `number` is masked."""

    place: str
    offset: int
    form: str
    number: str


def luhn_valid(digits: str) -> bool:
    """True if the check digit of a card number is right (ISO/IEC 7812-1, annex B)."""
    doubled = [int(d) * (1 + i % 2) for i, d in enumerate(reversed(digits))]
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def numbers_in(text: str) -> list[str]:
    """Every card number in a text: 13 to 19 digits with a right check digit, sorted, each once."""
    return sorted({found for found in _DIGITS.findall(text) if luhn_valid(found)})


def mask(pan: str) -> str:
    """The number for people: its length and last four digits."""
    return f"{len(pan)} digits ending {pan[-4:]}"


def forms(pan: str) -> dict[bytes, str]:
    """Every byte sequence that stands for `pan`, with the name of its form."""
    plain = pan.encode("ascii")
    found = {plain: "plain", plain[::-1]: "reversed"}
    cuts = (4, 10) if len(pan) == 15 else tuple(range(4, len(pan), 4))
    groups = [pan[i:j] for i, j in zip((0, *cuts), (*cuts, len(pan)), strict=True)]
    for separator in (" ", "-", "+", "%20", "."):
        found[separator.join(groups).encode("ascii")] = f"grouped by {separator!r}"
    found[plain.hex().encode("ascii")] = "hexadecimal"
    for offset in range(3):
        found[_base64_core(plain, offset)] = f"base64 at offset {offset}"
    found[pan.encode("utf-16-le")[:-1]] = "UTF-16"  # without its last zero byte it stands for both byte orders
    if int(pan) < 1 << 63:
        # Without the zero bytes at their ends: no needle may begin with what most files are full of.
        found[struct.pack("<q", int(pan)).rstrip(b"\0")] = "64-bit integer, little-endian"
        found[struct.pack(">q", int(pan)).lstrip(b"\0")] = "64-bit integer, big-endian"
    found[_numeric(pan)] = "PostgreSQL numeric"
    return found


def _base64_core(data: bytes, offset: int) -> bytes:
    """The base64 characters that depend on `data` alone when it begins `offset` bytes after a multiple of three."""
    encoded = base64.b64encode(b"\0" * offset + data + b"\0" * 3)
    first = -(-offset * 8 // 6)  # characters that mix in bits of what stands before are left out
    return encoded[first : (offset + len(data)) * 8 // 6]


def _numeric(pan: str) -> bytes:
    padded = pan.zfill(-(-len(pan) // 4) * 4)
    return b"".join(struct.pack("<h", int(padded[i : i + 4])) for i in range(0, len(padded), 4))


class Scanner:
    """Searches for a fixed set of numbers. Build it once, then scan any number of places."""

    def __init__(self, pans: Iterable[str]) -> None:
        self._needles: dict[bytes, tuple[str, str]] = {}
        for pan in pans:
            for needle, form in forms(pan).items():
                self._needles.setdefault(needle, (mask(pan), form))
        if not self._needles:
            raise ValueError("no card numbers to search for")
        # Hexadecimal of ASCII digits has no letters, so case does not matter anywhere.
        self._pattern = re.compile(_trie_pattern(self._needles), re.DOTALL)
        self._longest = max(map(len, self._needles))

    def scan(self, place: str, data: bytes | mmap.mmap, base: int = 0) -> Iterator[Hit]:
        """Every hit in `data`; offsets are counted from `base`. Hits that overlap are each found."""
        position = 0
        while (match := self._pattern.search(data, position)) is not None:
            number, form = self._needles[match.group()]
            yield Hit(place, base + match.start(), form, number)
            position = match.start() + 1

    def scan_file(self, path: Path, place: str | None = None) -> Iterator[Hit]:
        """Every hit in a file, read through the page cache. A file that vanished meanwhile has none."""
        try:
            with path.open("rb") as stream:
                if stream.seek(0, 2) == 0:
                    return
                with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
                    yield from self.scan(place or str(path), data)
        except FileNotFoundError:
            return

    def scan_stream(self, place: str, chunks: Iterable[bytes]) -> Iterator[Hit]:
        """Every hit in a stream; one that crosses the border between two chunks is found, and found once."""
        kept, base = b"", 0
        for chunk in chunks:
            data = kept + chunk
            border = len(data) - self._longest + 1  # hits that begin after it are left to the next round
            for hit in self.scan(place, data, base):
                if hit.offset - base < border:
                    yield hit
            border = max(0, border)
            base += border
            kept = data[border:]
        yield from self.scan(place, kept, base)


def _trie_pattern(needles: Iterable[bytes]) -> bytes:
    """One regular expression for all needles, common beginnings shared; a needle that begins another wins."""
    trie: dict[int, dict] = {}  # type: ignore[type-arg]  # a dict of itself
    for needle in needles:
        node = trie
        for byte in needle:
            node = node.setdefault(byte, {})
        node[-1] = {}

    def build(node: dict[int, dict]) -> bytes:  # type: ignore[type-arg]  # as above
        if -1 in node:
            return b""
        tail = b""
        while len(node) == 1:  # a run without branches
            byte, node = next(iter(node.items()))
            tail += re.escape(bytes([byte]))
            if -1 in node:
                return tail
        return tail + b"(?:" + b"|".join(re.escape(bytes([byte])) + build(child) for byte, child in node.items()) + b")"

    return build(trie)


def chunks_of(data: bytes, size: int = _CHUNK) -> Iterator[bytes]:
    """Cut bytes into pieces of `size`."""
    for start in range(0, len(data), size):
        yield data[start : start + size]
