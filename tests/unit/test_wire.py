"""Goal: every outcome survives its way through JSON, and nothing else is taken for one."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.card import Secret
from gateway.domain.decline import DeclineReason
from gateway.domain.outcome import Absent, ActionRequired, Approved, Declined, NotSent, Outcome, Pending, Unknown
from gateway.use_cases.ports import ProviderAccount
from gateway.use_cases.wire import outcome_from_json, outcome_to_json, provider_call
from tests.unit.fakes import dispatch

texts = st.text(max_size=20)
maybe = st.none() | texts
outcomes: st.SearchStrategy[Outcome] = st.one_of(
    st.builds(Approved, texts, st.integers(1, 10**12), st.sampled_from(["EUR", "JPY"]), st.booleans(), maybe),
    st.builds(Declined, st.sampled_from(DeclineReason), texts, maybe, maybe, maybe),
    st.builds(Pending, texts),
    st.builds(ActionRequired, texts, st.dictionaries(texts, texts, max_size=2)),
    st.builds(NotSent, texts),
    st.builds(Absent),
    st.builds(Unknown, st.sampled_from(["timeout", "reset", "conflict"]), maybe, maybe),
)


@given(outcomes)
def test_there_and_back(outcome: Outcome) -> None:
    assert outcome_from_json(orjson.loads(orjson.dumps(outcome_to_json(outcome)))) == outcome


def test_a_decline_carries_its_advice() -> None:
    json = outcome_to_json(Declined(DeclineReason.EXPIRED_CARD, "54"))
    assert json == {
        "kind": "declined",
        "reason": "expired_card",
        "advice": "after_update",
        "provider_code": "54",
    }


def test_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="no such kind"):
        outcome_from_json({"kind": "maybe"})


def test_a_dispatch_becomes_a_call() -> None:
    account = ProviderAccount("pa_1", "dummypay", "http://127.0.0.1:1", {"api_key": Secret("k")})
    call = provider_call(
        dispatch("capture", final=False, parent_reference="p", reference="order 1"), account, timeout_s=2, send_by_s=5
    )
    assert (call.kind, call.final, call.parent_reference, call.merchant_reference) == ("capture", False, "p", "order 1")
    assert (call.amount, call.currency, call.timeout_s, call.send_by_s) == (4200, "EUR", 2, 5)
