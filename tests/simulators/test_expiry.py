"""Holds run out at every simulator, at its own PSP's time; what failed afterwards is taken back in the journal."""

from dataclasses import replace

import pytest

from gateway.domain.outcome import Approved, Expired, Reversed
from gateway.use_cases.ports import ProviderCall
from simulators.kit.testing import running
from tests.connectors.harness import REGISTRY, Bench, bench


async def lines(psp: Bench) -> list[tuple[str, int, str | None]]:
    return [(entry["kind"], entry["amount"], entry.get("code")) for entry in await psp.account.journal()]


def held(psp: Bench) -> ProviderCall:
    return psp.call("authorize", capture=False)


@pytest.mark.parametrize("slug", sorted(REGISTRY.specs))
@pytest.mark.parametrize("part", [0, 1000])
async def test_what_is_not_captured_runs_out_at_its_time(slug: str, part: int) -> None:
    async with running(slug) as sims, bench(sims, slug) as psp:
        call = held(psp)
        outcome = await psp.send(call)
        assert isinstance(outcome, Approved)
        if part:
            capture = psp.call("capture", part, parent_reference=outcome.provider_reference, final=False)
            assert isinstance(await psp.done(capture), Approved)
        validity = psp.connector.spec.authorization_validity_s
        await psp.account.advance(validity - 60)
        assert "void" not in [kind for kind, _, _ in await lines(psp)]
        await psp.account.advance(120)
        assert (await lines(psp))[-1] == ("void", 4200 - part, "expired")
        if psp.connector.spec.webhook_is_truth:
            told = [fact.outcome for fact in psp.facts() if isinstance(fact.outcome, Expired)]
            assert told == [Expired(outcome.provider_reference)]
        else:
            assert any(fact.undoes for fact in psp.facts())
            known = replace(call, provider_reference=outcome.provider_reference)
            assert await psp.connector.read(known) == Expired(outcome.provider_reference)
        await psp.quiet()


async def test_adyen_tells_of_a_capture_that_failed_as_of_its_own_operation() -> None:
    async with running("adyen") as sims, bench(sims, "adyen") as psp:
        call = psp.call("authorize")
        outcome = await psp.send(call)
        assert isinstance(outcome, Approved)
        await psp.account.control("POST", "/settle", {"object": outcome.provider_reference, "action": "fail_capture"})
        await psp.quiet()
        failed = [fact for fact in psp.facts() if fact.event_type == "CAPTURE_FAILED"]
        assert [(fact.operation_id, type(fact.outcome)) for fact in failed] == [(call.operation_id, Reversed)]
        assert await lines(psp) == [("charge", 4200, None), ("capture_failed", 4200, "CAPTURE_FAILED")]
