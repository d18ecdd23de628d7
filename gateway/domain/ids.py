"""Identifiers: a prefix that names the kind, then 26 characters that sort by time of creation."""

import secrets
import time

_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = tuple(first + second for first in _CROCKFORD for second in _CROCKFORD)


def new_id(prefix: str) -> str:
    """Return `<prefix>_` and 26 lower-case Crockford base-32 characters: 48 bits of milliseconds, 80 random bits.

    Sorting by id is sorting by creation time to the millisecond, which keeps B-tree inserts at the right edge and
    makes lists stable. Prefixes: pay, att, cap, void, ref, tok, evt, we, del, pa, mer, key.
    """
    value = (time.time_ns() // 1_000_000 << 80) | secrets.randbits(80)
    pairs = [_PAIRS[(value >> shift) & 1023] for shift in range(120, -1, -10)]
    return f"{prefix}_{''.join(pairs)}"
