"""Steps, components, and the table of flows × steps × components with what ran and why the rest cannot."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from gateway.adapters.failpoints import POINTS
from tests.chaos.matrix_points import Step

COMPONENTS = ("api", "worker", "temporal")
_MIDDLE = tuple(point for point in POINTS if point.partition(".")[0] in {"begin", "send", "receive", "apply"})
_SIGNAL = ("signal.before", "signal.after")
STEPS = tuple(
    Step(process, point)
    for process, points in {
        "api": (*_MIDDLE, *_SIGNAL),
        "relay": _SIGNAL,
        "worker": ("activity.before", *_MIDDLE, "activity.after"),
    }.items()
    for point in points
)
"""Every point in every process that meets it, in the order in which a payment does. A begin in the worker is also the
claim before it looks."""


@dataclass(frozen=True, slots=True)
class Cell:
    """Where a kill happens: a flow, a step of it, and who dies."""

    flow: str
    step: Step
    component: str


def why_not(flow: str, step: Step) -> str:
    """Why a flow does not meet a step, whichever the seed."""
    if flow == "reversal" and step.process == "api":
        return "no request is under way: a notification of the PSP starts it"
    if step.process != "api" and flow == "pay":
        return "the request itself brings it to its end, nothing outlives it"
    if flow == "pay" and step.point.startswith("signal"):
        return "at rest with the PSP's answer: no workflow is needed"
    if flow == "unknown" and step == Step("api", "receive.before"):
        return "the answer is lost before it begins"
    if step.process == "worker" and step.point in {"send.before", "receive.after"}:
        return "the worker looks and sends nothing"
    return "not met by any seed when undisturbed"


def table(
    met: Mapping[tuple[str, int], Counter[Step]],
    ran: Mapping[Cell, int],
    well: Mapping[Cell, int],
    components: Sequence[str],
) -> str:
    """ok/ran per step (rows), flow (columns) and component (the figures in a cell)."""
    flows = list(dict.fromkeys(flow for flow, _ in met))
    width = max(10, 4 * len(components) + 2)
    lines = [f"ok/ran when killed: {', '.join(components)}", f"{'':24}" + "".join(f"{flow:<{width}}" for flow in flows)]
    impossible: list[tuple[str, str, Step]] = []
    for step in STEPS:
        row = f"{step!s:24}"
        for flow in flows:
            if not any(seen[step] for (name, _), seen in met.items() if name == flow):
                impossible.append((why_not(flow, step), flow, step))
                row += f"{'–':<{width}}"
                continue
            cells = [Cell(flow, step, component) for component in components]
            row += f"{' '.join(f'{well.get(cell, 0)}/{ran[cell]}' if cell in ran else '.' for cell in cells):<{width}}"
        lines.append(row.rstrip())
    lines.append("–: cannot occur;  .: not asked for")
    for reason, same in groupby(sorted(impossible, key=lambda each: each[:2]), key=lambda each: each[0]):
        lines.append(f"  {reason}:")
        for flow, steps in groupby(same, key=lambda each: each[1]):
            lines.append(f"    {flow}: {', '.join(str(step) for _, _, step in steps)}")
    return "\n".join(lines)
