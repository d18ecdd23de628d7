"""Temporal as the gateway uses it: a client whose payloads are sealed, and the port `Workflows`.

Only ids and words cross into Temporal in the first place; the codec is the second layer. What stays readable there by
its nature: workflow ids, workflow and activity names, and the type of a failure.
"""

import asyncio
import dataclasses
import logging
import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from prometheus_client import Counter
from temporalio.api.common.v1 import Payload
from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.converter import DataConverter, DefaultFailureConverterWithEncodedAttributes, PayloadCodec
from temporalio.service import RPCError

from gateway import tracing
from gateway.adapters.failpoints import NoFailpoints
from gateway.adapters.temporal_traces import TraceInterceptor
from gateway.use_cases.ports import Failpoints
from workflows import versions
from workflows.messages import PaymentRef
from workflows.payment import PaymentWorkflow

ENCODING = b"binary/payera-aes256gcm"
WAKE_TIMEOUT = timedelta(seconds=5)

CALLS = Counter(
    "payera_workflow_calls_total",
    "Calls that start or wake a payment's workflow, and what came of them",
    ["call", "result"],
)

_NONCE_BYTES = 12
_AAD = b"payera.temporal.v1"
_GRACE_S = 0.5

_log = logging.getLogger(__name__)


class SealingCodec(PayloadCodec):
    """AES-256-GCM over every payload with the key `codec.key`. Refuses a payload that it did not seal."""

    def __init__(self, key: bytes) -> None:
        self._aead = AESGCM(key)

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [self._seal(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Raises `ValueError` for a payload that is not sealed, or sealed with another key."""
        return [self._open(payload) for payload in payloads]

    def _seal(self, payload: Payload) -> Payload:
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._aead.encrypt(nonce, payload.SerializeToString(), _AAD)
        return Payload(metadata={"encoding": ENCODING}, data=nonce + sealed)

    def _open(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != ENCODING:
            raise ValueError("a payload that is not sealed")
        try:
            clear = self._aead.decrypt(payload.data[:_NONCE_BYTES], payload.data[_NONCE_BYTES:], _AAD)
        except InvalidTag:
            raise ValueError("a payload sealed with another key") from None
        return Payload.FromString(clear)


def data_converter(codec_key: bytes) -> DataConverter:
    """What client, worker and replayer share. Failure messages and stack traces are sealed as well."""
    return dataclasses.replace(
        DataConverter.default,
        payload_codec=SealingCodec(codec_key),
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
    )


async def connect(address: str, namespace: str, codec_key: bytes) -> Client:
    """A client that connects when it is first used: the api starts, and takes payments, while Temporal is away."""
    return await Client.connect(
        address,
        namespace=namespace,
        data_converter=data_converter(codec_key),
        interceptors=[TraceInterceptor()],
        lazy=True,
    )


class TemporalWorkflows:
    """The port `Workflows`."""

    def __init__(self, client: Client, task_queue: str, failpoints: Failpoints | None = None) -> None:
        self._client = client
        self._task_queue = task_queue
        self._failpoints = failpoints or NoFailpoints()

    async def first_answer(self, merchant: str, payment_id: str, operation_id: str, budget_s: float) -> None:
        """Update-with-start, at most `budget_s`. Never raises: the order row starts the workflow if this could not."""
        start = WithStartWorkflowOperation(
            PaymentWorkflow.run,
            PaymentRef(merchant, payment_id),
            id=payment_id,
            task_queue=self._task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        )
        await self._failpoints.reach("signal.before", merchant)
        try:
            with tracing.exposed():
                async with asyncio.timeout(budget_s + _GRACE_S):
                    await self._client.execute_update_with_start_workflow(
                        versions.FIRST_ANSWER,
                        start_workflow_operation=start,
                        id=f"{operation_id}.{versions.FIRST_ANSWER}",
                        rpc_timeout=timedelta(seconds=budget_s),
                    )
            CALLS.labels("first_answer", "answered").inc()
        except (WorkflowUpdateRPCTimeoutOrCancelledError, WorkflowUpdateFailedError, RPCError, TimeoutError) as error:
            # A timeout means "started, no answer yet", and any other failure "perhaps not started": in both cases the
            # order row stands, so the caller reads the payment and answers `processing`.
            CALLS.labels("first_answer", "late").inc()
            _log.info("no first answer: %s", type(error).__name__, extra={"payment": payment_id})
            await _drop(start)
        except RuntimeError as error:  # what a lazy client raises while the server is away
            CALLS.labels("first_answer", "away").inc()
            _log.warning("temporal is away: %s", type(error).__name__, extra={"payment": payment_id})
            await _drop(start)
        await self._failpoints.reach("signal.after", merchant)

    async def wake(self, merchant: str, payment_id: str) -> None:
        """Signal-with-start. Raises `ConnectionError` when the server did not acknowledge."""
        await self._failpoints.reach("signal.before", merchant)
        try:
            with tracing.exposed():
                await self._client.start_workflow(
                    PaymentWorkflow.run,
                    PaymentRef(merchant, payment_id),
                    id=payment_id,
                    task_queue=self._task_queue,
                    id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                    start_signal=versions.WAKE,
                    rpc_timeout=WAKE_TIMEOUT,
                )
            CALLS.labels("wake", "acknowledged").inc()
        except (RPCError, RuntimeError) as error:  # RuntimeError: a lazy client that could not connect
            CALLS.labels("wake", "away").inc()
            raise ConnectionError(f"temporal did not acknowledge: {type(error).__name__}") from None
        await self._failpoints.reach("signal.after", merchant)


async def _drop(start: "WithStartWorkflowOperation[PaymentWorkflow, None]") -> None:
    """Take the operation's handle, or asyncio reports a future whose exception nobody looked at."""
    try:
        with suppress(Exception):
            async with asyncio.timeout(_GRACE_S):
                await start.workflow_handle()
    except asyncio.CancelledError:
        # The SDK's call that we timed out leaves its own cancellation in the handle; only ours is to be passed on, and
        # the task counts those.
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
