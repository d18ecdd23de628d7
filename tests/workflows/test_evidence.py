"""What a look proves, the one table of failures, the codec, and the registry's rules."""

import dataclasses
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.exceptions import ApplicationError

from gateway.adapters.temporal import SealingCodec
from gateway.connectors import registry
from gateway.connectors.http import HttpClient
from gateway.connectors.registry import ConnectorInvalid, discover
from gateway.domain import errors
from gateway.domain.decline import DeclineReason
from gateway.domain.outcome import Absent, Approved, Declined, NotSent, Outcome, Pending, Unknown
from gateway.use_cases.plan import rules_of
from gateway.use_cases.resolve_operation import evidence
from workflows.failures import RETRYABLE, retryable, translated

APPROVED = Approved("ch_1", 4200, "EUR")
INVALID = Declined(DeclineReason.INVALID_REQUEST, "authentication_failed")
STOLEN = Declined(DeclineReason.STOLEN_CARD, "43")


@pytest.mark.parametrize(
    ("found", "replay", "counts", "proved"),
    [
        (APPROVED, True, False, APPROVED),
        (APPROVED, False, False, APPROVED),
        (STOLEN, True, False, STOLEN),
        (Pending("ch_1"), False, False, Pending("ch_1")),
        # A look that never left says nothing of the request that may have.
        (NotSent("refused"), True, True, Unknown("timeout", detail="look not sent: refused")),
        (NotSent("cvv_gone"), True, False, Unknown("timeout", detail="look not sent: cvv_gone")),
        # A key that was revoked meanwhile refuses the replay, not what was done before.
        (INVALID, True, False, Unknown("conflict", detail="authentication_failed")),
        (INVALID, False, False, INVALID),
        (Absent(), False, False, Unknown("in_progress")),
        (Absent(), False, True, Absent()),
        (Unknown("reset"), True, True, Unknown("reset")),
    ],
    ids=str,
)
def test_what_a_look_proves(found: Outcome, replay: bool, counts: bool, proved: Outcome) -> None:
    assert evidence(found, replay=replay, counts=counts) == proved


def all_errors() -> list[type[errors.PayeraError]]:
    kinds = [value for value in vars(errors).values() if isinstance(value, type)]
    return [kind for kind in kinds if issubclass(kind, errors.PayeraError) and kind is not errors.PayeraError]


def test_only_an_unreachable_database_is_worth_the_same_call_again() -> None:
    retried = {kind.__name__ for kind in all_errors() if retryable(kind.__new__(kind))}
    assert retried == {"StoreUnavailable"}
    assert set(RETRYABLE) <= set(all_errors())


@pytest.mark.parametrize(("error", "retried"), [(errors.StoreUnavailable(), True), (errors.Bug("x", "why"), False)])
def test_only_the_code_of_a_refusal_crosses(error: errors.PayeraError, retried: bool) -> None:
    with pytest.raises(ApplicationError) as raised, translated():
        raise error
    assert (raised.value.type, raised.value.message, raised.value.non_retryable) == (
        error.code,
        error.code,
        not retried,
    )
    assert raised.value.__suppress_context__


async def test_a_payload_is_sealed_and_opened_by_its_key_alone() -> None:
    codec, other = SealingCodec(bytes(32)), SealingCodec(bytes([1]) * 32)
    clear = Payload(metadata={"encoding": b"json/plain"}, data=b'"pay_1"')
    [sealed] = await codec.encode([clear])
    [again] = await codec.encode([clear])
    assert b"pay_1" not in sealed.SerializeToString()
    assert sealed.data != again.data
    assert await codec.decode([sealed]) == [clear]
    with pytest.raises(ValueError, match="another key"):
        await other.decode([sealed])
    with pytest.raises(ValueError, match="not sealed"):
        await codec.decode([clear])


def test_the_registry_finds_every_folder_and_nothing_else() -> None:
    folders = {path.parent.name for path in Path(registry.__file__).parent.glob("*/__init__.py")}
    found = discover(HttpClient())
    assert set(found.slugs) == folders
    with pytest.raises(LookupError):
        found.get("nobody")


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"slug": "other"}, "it must be the folder's name"),
        ({"resolves": {"authorize": ("technical_cancel",)}}, "does not know"),
    ],
)
def test_the_registry_refuses_what_would_wait_for_ever(
    broken: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = __import__("gateway.connectors.dummypay", fromlist=["SPEC"])

    def import_module(name: str) -> ModuleType:
        fake = ModuleType(name)
        spec = dataclasses.replace(real.SPEC, **({"slug": name.rpartition(".")[2]} | broken))
        fake.__dict__.update(SPEC=spec, CONNECTOR=real.CONNECTOR)
        return fake

    monkeypatch.setattr(registry.importlib, "import_module", import_module)
    with pytest.raises(ConnectorInvalid, match=message):
        discover(HttpClient())


def test_an_account_may_shorten_the_times_and_a_lost_connector_has_no_means() -> None:
    found = discover(HttpClient())
    spec = found.get("stripe").spec
    assert rules_of(found, "stripe", None).max_processing_s == spec.max_processing_s
    shortened = rules_of(found, "stripe", {"max_processing_s": 0.5, "index_lag_s": 0.1})
    assert (shortened.max_processing_s, shortened.index_lag_s) == (0.5, 0.1)
    assert rules_of(found, "nobody", None).means == {}
