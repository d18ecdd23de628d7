"""CPU time of processes and everything below them, from /proc (Linux; empty elsewhere)."""

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_s(pids: dict[str, int]) -> dict[str, float]:
    """Seconds of CPU that each named process and its living descendants have used so far."""
    parents: dict[int, int] = {}
    used: dict[int, float] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended while we looked
        pid = int(stat.parent.name)
        parents[pid] = int(fields[1])
        used[pid] = (int(fields[11]) + int(fields[12])) / _TICKS
    owner = {pid: name for name, pid in pids.items()}
    total = dict.fromkeys(pids, 0.0)
    for pid, seconds in used.items():
        above = pid
        while above and above not in owner:
            above = parents.get(above, 0)
        if above:
            total[owner[above]] += seconds
    return total
