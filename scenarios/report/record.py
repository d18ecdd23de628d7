"""What a run remembers in the environment's folder, so that a payment's timeline can be told after the run."""

import json
from pathlib import Path
from typing import Any

import aiohttp

from scenarios.runner import timeline
from scenarios.runner.run import Verdict, calls
from scenarios.runner.store import Store
from scenarios.runner.surroundings import Surroundings
from scenarios.runner.wire import Control, Unexpected

FILE = "scenarios.json"


class NotRecorded(Exception):
    """Nothing is known of what was asked for; the message says what is."""


def write(verdict: Verdict, folder: Path) -> None:
    """Remember every scenario's payments, merchants, accounts and calls. No bodies: they hold cards."""
    rows: list[dict[str, Any]] = []
    for result in verdict.results:
        world = verdict.worlds.get(result.scenario.id)
        if world is None:
            continue
        rows.append(
            {
                "scenario": result.scenario.id,
                "passed": result.passed,
                "merchant": world.merchant,
                "payments": result.payments,
                "accounts": {provider: account.path for provider, account in world.accounts.items()},
                "calls": calls(world),
            }
        )
    (folder / FILE).write_text(json.dumps({"seed": verdict.seed, "scenarios": rows}), encoding="utf-8")


async def stories(surroundings: Surroundings, folder: Path, wanted: str) -> list[tuple[str, list[str]]]:
    """Timelines, as (title, lines), of a payment id or of every payment of a scenario of the last run.

    A payment that no run made is told from the database alone. Raises `NotRecorded` if there is no such thing.
    """
    path = folder / FILE
    recorded = json.loads(path.read_text(encoding="utf-8"))["scenarios"] if path.exists() else []
    chosen = [row for row in recorded if wanted in row["payments"].values() or row["scenario"] == wanted]
    if not chosen:
        moments = await timeline.from_database(surroundings.postgres, wanted)
        if not moments:
            names = ", ".join(row["scenario"] for row in recorded) or "none"
            raise NotRecorded(f"{wanted} is no payment here and no scenario of the last run ({names})")
        return [(wanted, timeline.lines(moments))]
    told = []
    for row in chosen:
        for name, payment in row["payments"].items():
            if wanted in {payment, row["scenario"]}:
                title = f"{payment}: {name} of {row['scenario']}"
                told.append((title, timeline.lines(await _moments(surroundings, row, payment))))
    return told


async def _moments(surroundings: Surroundings, row: dict[str, Any], payment: str) -> list[timeline.Moment]:
    moments = await timeline.from_database(surroundings.postgres, payment)
    moments += timeline.from_calls(row["calls"], payment)
    store = Store(surroundings.postgres)
    await store.start()
    try:
        rows = await store.operations(row["merchant"])
    finally:
        await store.stop()
    operations = frozenset(operation.id for operation in rows if operation.payment == payment)
    async with aiohttp.ClientSession() as session:
        control = Control(session, surroundings.control)
        for provider, account in row["accounts"].items():
            try:
                requests = await control.call("GET", f"{account}/requests")
                journal = await control.call("GET", f"{account}/journal")
            except Unexpected:
                continue  # the simulators have been restarted or reset: what the gateway knows is still worth telling
            listed = requests if isinstance(requests, list) else next(iter(requests.values()))
            moments += timeline.from_requests(provider, listed, operations)
            moments += timeline.from_journal(provider, journal["entries"], payment)
    return moments
