"""Goal: an operation is sent at most once, under its fence, and whatever is not proved is unknown."""

import asyncio
import logging

import pytest

from gateway.domain.card import Pan
from gateway.domain.decline import DeclineReason
from gateway.domain.errors import StoreUnavailable, VaultFailed
from gateway.domain.outcome import Absent, Approved, Declined, NotSent, Outcome, Pending, Unknown
from gateway.use_cases.dispatch import apply_outcome, send_operation
from gateway.use_cases.ports import ProviderCall, Timing
from tests.unit.fakes import TEST_PAN, FakeConnector, Outside, applied, away, dispatch


async def send(outside: Outside, kind: str = "authorize", began_s: float = 1000.0) -> Outcome:
    return await send_operation(outside.ports, "mer_1", dispatch(kind), began_s)


async def test_sends_with_its_fence_and_timeout() -> None:
    outside = Outside()
    assert await send(outside) == Approved("psp_1", 4200, "EUR", captured=True)
    (call,) = outside.connector.calls
    assert (call.operation_id, call.timeout_s) == ("att_1", 2)
    assert call.send_by_s == pytest.approx(1000.8)
    assert call.account.credentials["api_key"].reveal() == "key"
    assert outside.failpoints.reached == ["send.before", "receive.after"]


@pytest.mark.parametrize(("lease_s", "psp_timeout_s"), [(15, 10), (3, 2), (0.5, 0.1)])
def test_the_longest_answer_ends_inside_the_lease(lease_s: float, psp_timeout_s: float) -> None:
    timing = Timing(psp_timeout_s=psp_timeout_s, lease_s=lease_s)
    assert timing.send_within_s > 0
    assert timing.send_within_s + psp_timeout_s < lease_s


async def test_past_the_fence_nothing_is_sent() -> None:
    outside = Outside()

    async def dawdle() -> None:
        outside.clock.monotonic += 0.9

    outside.failpoints.at["send.before"] = dawdle
    assert await send(outside) == NotSent("fenced")
    assert outside.connector.calls == []


@pytest.mark.parametrize("failure", [VaultFailed("no key"), away()])
async def test_a_vault_that_fails_sends_nothing(failure: Exception) -> None:
    outside = Outside()
    outside.vault.fails = failure
    assert await send(outside) == NotSent(type(failure).__name__)
    assert outside.connector.calls == []


async def test_a_connector_that_raises_leaves_the_outcome_unknown_and_no_trace(
    caplog: pytest.LogCaptureFixture,
) -> None:
    outside = Outside(connector=FakeConnector(RuntimeError(f"sent {TEST_PAN}")))
    with caplog.at_level(logging.DEBUG):
        outcome = await send(outside)
    assert outcome == Unknown("malformed", detail="RuntimeError")
    assert "RuntimeError" in caplog.text
    assert TEST_PAN not in caplog.text


async def test_a_connector_that_hangs_is_unknown() -> None:
    async def hang(call: ProviderCall) -> Outcome:
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    outside = Outside(connector=FakeConnector(hang), timing=Timing(psp_timeout_s=0.02, lease_s=3))
    assert await send(outside) == Unknown("timeout")


@pytest.mark.parametrize(
    ("kind", "answer", "expected"),
    [
        (
            "authorize",
            Approved("p", 4201, "EUR"),
            Unknown("conflict", "p", "asked for 4200 EUR, the PSP says 4201 EUR"),
        ),
        ("capture", Approved("p", 4200, "USD"), Unknown("conflict", "p", "asked for 4200 EUR, the PSP says 4200 USD")),
        ("refund", Approved("p", 1, "EUR"), Unknown("conflict", "p", "asked for 4200 EUR, the PSP says 1 EUR")),
        ("void", Approved("p", 0, "EUR"), Approved("p", 0, "EUR")),
        ("authorize", Pending("p"), Pending("p")),
    ],
)
async def test_an_approval_of_another_amount_is_no_approval(kind: str, answer: Outcome, expected: Outcome) -> None:
    assert await send(Outside(connector=FakeConnector(answer)), kind) == expected


@pytest.mark.parametrize(
    ("kind", "outcome", "cascade"),
    [
        ("authorize", NotSent("refused"), True),
        ("authorize", Absent(), True),
        ("authorize", Declined(DeclineReason.ISSUER_UNAVAILABLE, "91"), True),
        ("authorize", Declined(DeclineReason.STOLEN_CARD, "43"), False),
        ("authorize", Declined(DeclineReason.UNMAPPED, "??"), False),
        ("authorize", Unknown("timeout"), False),
        ("authorize", Pending("p"), False),
        ("capture", NotSent("refused"), False),
    ],
)
async def test_the_verdict_on_a_fallback(kind: str, outcome: Outcome, cascade: bool) -> None:
    outside = Outside()
    outside.store.answers["payment_apply_v1"] = applied("processing", "unknown")
    await apply_outcome(outside.ports, "mer_1", dispatch(kind), outcome, source="inline")
    ((_, _, p),) = outside.store.asked
    assert p["cascade"] is cascade
    assert p["outcome"]["kind"] == outcome.kind
    assert len(set(p["event_ids"])) == 4


async def test_apply_is_repeated_while_the_database_is_away() -> None:
    outside = Outside()
    outside.store.answers["payment_apply_v1"] = [away(), away(), applied()]
    answer = await apply_outcome(outside.ports, "mer_1", dispatch(), Approved("p", 4200, "EUR"), source="inline")
    assert answer["payment"]["status"] == "captured"
    first, _, third = (p for _, _, p in outside.store.asked)
    assert first == third  # the same ids: the second try of a write that did happen must be recognised


async def test_apply_gives_up_in_the_end() -> None:
    outside = Outside()
    outside.store.answers["payment_apply_v1"] = away()
    with pytest.raises(StoreUnavailable):
        await apply_outcome(outside.ports, "mer_1", dispatch(), Approved("p", 4200, "EUR"), source="inline")
    assert outside.store.names() == ["payment_apply_v1"] * 3
    assert outside.vault.forgotten == []


@pytest.mark.parametrize(
    ("status", "operation", "forgotten"),
    [
        ("captured", "approved", True),
        ("declined", "declined", True),
        ("failed", "not_sent", True),
        ("processing", "unknown", False),
        ("processing", "declined", False),  # a fallback attempt may still need it
        ("requires_action", "requires_action", False),
    ],
)
async def test_the_cvv_goes_when_the_authorization_ends(status: str, operation: str, forgotten: bool) -> None:
    outside = Outside()
    outside.store.answers["payment_apply_v1"] = applied(status, operation)
    await apply_outcome(outside.ports, "mer_1", dispatch(), Approved("p", 4200, "EUR"), source="inline")
    assert outside.vault.forgotten == (["tok_1"] if forgotten else [])


def test_the_fake_pan_never_shows() -> None:
    assert TEST_PAN not in repr(Pan(TEST_PAN))
