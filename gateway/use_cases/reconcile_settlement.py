"""Match the settlement files that wait: the connector reads the file, one stored procedure does the rest."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.tracing import use_case
from gateway.use_cases.ports import Clock, Json, Store
from gateway.use_cases.settlement import SettlementLine, SettlementParser, SettlementUnreadable

LEASE_S = 300.0
TRIES = 3
"""A file that ended its reader so often has failed."""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What became of one file: its discrepancies, or why it could not be read."""

    settlement_id: str
    matched: int = 0
    discrepancies: int = 0
    error: str | None = None


@use_case
async def reconcile_settlement(
    store: Store, parsers: Mapping[str, SettlementParser], clock: Clock
) -> Reconciled | None:
    """Take the oldest file that waits; None if none does. Raises `StoreUnavailable`; the file then waits again."""
    claim = {"lease_ms": int(LEASE_S * 1000), "most": TRIES, "at": clock.now().isoformat()}
    claimed = await store.system("settlement_claim_v1", claim)
    if claimed is None:
        return None
    settlement_id: str = claimed["settlement_id"]
    try:
        lines = _read(parsers, claimed["provider"], claimed["content"])
    except SettlementUnreadable as error:
        await store.system("settlement_fail_v1", {"settlement_id": settlement_id, "error": str(error)})
        return Reconciled(settlement_id, error=str(error))
    p = {"settlement_id": settlement_id, "lines": lines, "at": clock.now().isoformat()}
    done = await store.system("settlement_reconcile_v1", p)
    if done["result"] != "reconciled":
        return Reconciled(settlement_id)
    return Reconciled(settlement_id, done["matched"], done["discrepancies"])


def _read(parsers: Mapping[str, SettlementParser], provider: str, content: str) -> list[Json]:
    parser = parsers.get(provider)
    if parser is None:
        raise SettlementUnreadable(f"no connector reads the files of {provider}")
    return wire(parser(content))


def wire(lines: Iterable[SettlementLine]) -> list[Json]:
    """The lines as the stored procedure takes them."""
    return [
        {
            "line": line.line,
            "kind": line.kind,
            "reference": line.reference,
            "psp_refs": line.psp_references,
            "parent_refs": line.parent_references,
            "amount": line.amount,
            "currency": line.currency,
            "fee": line.fee,
            "net": line.net,
            "at": line.at.isoformat() if line.at is not None else None,
        }
        for line in lines
    ]
