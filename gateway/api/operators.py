"""For the operator: reviews and their resolution, the audit, alerts, what is stuck. And the merchant's own reviews."""

from typing import Annotated, Literal

from fastapi import APIRouter, Header, Path, Query, Request
from pydantic import Field, StringConstraints
from starlette.responses import Response

from gateway.api.auth import Admin, Merchant
from gateway.api.common import (
    Cursor,
    Limit,
    PaymentPath,
    TheDoor,
    checked_id,
    documented_answers,
    json_response,
    list_of,
    list_response,
    page,
)
from gateway.api.operator_views import (
    AlertKind,
    AlertView,
    AuditEntryView,
    AuditProofView,
    OpenPaymentView,
    ResolvedReviewView,
    ReviewAction,
    ReviewView,
    StuckView,
    TimelineView,
    WokenPaymentView,
)
from gateway.api.schemas import ID, Amount, Body, LongText, PaymentId, Text
from gateway.domain.errors import Complaint, NotFound, Refused
from gateway.use_cases.operators import (
    Operator,
    ResolveReview,
    close_alert,
    operator_timeline,
    read_audit,
    resolve_review,
    wake_payment,
)

router = APIRouter(tags=["operators"])

_WORD = r"^[a-z_.]{1,60}$"
_NAME = r"^[!-~]([ -~]{0,98}[!-~])?$"
OperatorName = Annotated[
    str,
    Header(alias="Payera-Operator", pattern=_NAME, description="Who acts; written into the audit", examples=["ada"]),
]
OperationPath = Annotated[str, Path(json_schema_extra={"pattern": f"^(att|cap|void|ref)_{ID}$"})]
AlertPath = Annotated[str, Path(json_schema_extra={"pattern": f"^alr_{ID}$"})]
ReviewStatus = Annotated[Literal["open", "resolved"] | None, Query()]
Reason = Annotated[str | None, Query(pattern=_WORD, description="As `reason` of a review", examples=["no_proof"])]
OfPayment = Annotated[PaymentId | None, Query()]


class ResolveBody(Body):
    """What became of the operation, and how the operator knows."""

    action: ReviewAction
    evidence: Annotated[LongText, Field(description="What you go by: a ticket, a dashboard, a call", examples=["T-1"])]
    provider_reference: Annotated[Text | None, Field(description="The PSP's own id of an approval")] = None
    amount: Annotated[Amount | None, Field(description="What was really moved, if not what was asked")] = None
    confirmed_by: Annotated[
        Annotated[str, StringConstraints(strict=True, pattern=_NAME)] | None,
        Field(description="A second operator who has seen it too"),
    ] = None


class WhyBody(Body):
    """Why, for the audit."""

    why: LongText


def operator_of(request: Request, name: str) -> Operator:
    """Who acts: the name that came with the operator's key, and where from."""
    return Operator(name, request.client.host if request.client else "unknown")


# Reviews --------------------------------------------------------------------------------------------------------------

_REVIEWS = documented_answers({200: list_of(ReviewView)})


@router.get("/reviews", responses=_REVIEWS)
async def list_reviews(
    door: TheDoor,
    merchant: Merchant,
    limit: Limit = 20,
    cursor: Cursor = None,
    status: ReviewStatus = None,
    reason: Reason = None,
    payment: OfPayment = None,
) -> Response:
    """What of your payments waits for an operator of the gateway, or did; newest first."""
    p = page(limit, cursor, status=status, reason=reason, payment_id=payment)
    return list_response(await door.ports.store.call("review_list_v1", merchant, p))


@router.get("/operator/reviews", name="operator_list_reviews", responses=_REVIEWS)
async def list_all_reviews(
    door: TheDoor,
    _: Admin,
    name: OperatorName,
    limit: Limit = 20,
    cursor: Cursor = None,
    status: ReviewStatus = None,
    reason: Reason = None,
    payment: OfPayment = None,
) -> Response:
    """What waits for an operator, of all merchants; newest first."""
    p = page(limit, cursor, status=status, reason=reason, payment_id=payment)
    return list_response(await door.operator_store.system("review_list_v1", p))


@router.post(
    "/operator/reviews/{operation_id}/resolve",
    name="operator_resolve_review",
    status_code=200,
    responses=documented_answers({200: ResolvedReviewView}),
)
async def resolve(
    request: Request, door: TheDoor, _: Admin, name: OperatorName, operation_id: OperationPath, body: ResolveBody
) -> Response:
    """Say what became of the operation (`approved`, `declined`, `absent`), have the PSP asked again (`look_again`), or
    acknowledge what stands. Ledger, events and workflow follow as if the PSP had said it.
    """
    if body.confirmed_by == name:
        what, how = "is the operator", "let another person confirm it, or leave it out"
        raise Refused("invalid_request", f"confirmed_by {what}", (Complaint("confirmed_by", what, how),))
    command = ResolveReview(
        operator=operator_of(request, name),
        operation_id=_checked(operation_id, ("att", "cap", "void", "ref"), "operation"),
        action=body.action,
        evidence=body.evidence,
        provider_reference=body.provider_reference,
        amount=body.amount,
        confirmed_by=body.confirmed_by,
    )
    return json_response(await resolve_review(door.ports, door.operator_store, command))


# Payments -------------------------------------------------------------------------------------------------------------


@router.get(
    "/operator/payments/{payment_id}/timeline",
    name="operator_get_timeline",
    responses=documented_answers({200: TimelineView}),
)
async def timeline(door: TheDoor, _: Admin, name: OperatorName, payment_id: PaymentPath) -> Response:
    """Any payment's story, with what operators did."""
    return json_response(await operator_timeline(door.ports, door.operator_store, checked_id(payment_id, "pay")))


@router.post(
    "/operator/payments/{payment_id}/wake",
    name="operator_wake_payment",
    status_code=202,
    responses=documented_answers({202: WokenPaymentView}),
)
async def wake(
    request: Request, door: TheDoor, _: Admin, name: OperatorName, payment_id: PaymentPath, body: WhyBody
) -> Response:
    """Have a payment's workflow started or woken. It does what the database says is to do, so it can hurt nothing."""
    operator = operator_of(request, name)
    woken = await wake_payment(door.ports, door.operator_store, operator, checked_id(payment_id, "pay"), body.why)
    return json_response(woken, 202)


# Audit ----------------------------------------------------------------------------------------------------------------


@router.get("/operator/audit", name="operator_list_audit", responses=documented_answers({200: list_of(AuditEntryView)}))
async def list_audit(
    request: Request,
    door: TheDoor,
    _: Admin,
    name: OperatorName,
    limit: Limit = 20,
    cursor: Cursor = None,
    operator: Annotated[str | None, Query(pattern=_NAME)] = None,
    action: Annotated[str | None, Query(pattern=_WORD)] = None,
    payment: OfPayment = None,
) -> Response:
    """Who did what, when and why; newest first. Reading it is an entry as well."""
    p = page(limit, cursor, operator=operator, action=action, payment_id=payment)
    return list_response(await read_audit(door.ports, door.operator_store, operator_of(request, name), p))


@router.get("/operator/audit/proof", name="operator_prove_audit", responses=documented_answers({200: AuditProofView}))
async def prove_audit(door: TheDoor, _: Admin, name: OperatorName) -> Response:
    """Whether no entry was changed, taken out or cut off the end. Keep `head` elsewhere to be sure of the end."""
    return json_response(await door.operator_store.system("audit_verify_v1", {}))


# Alerts and what is stuck ---------------------------------------------------------------------------------------------


@router.get("/operator/alerts", name="operator_list_alerts", responses=documented_answers({200: list_of(AlertView)}))
async def list_alerts(
    door: TheDoor,
    _: Admin,
    name: OperatorName,
    limit: Limit = 20,
    cursor: Cursor = None,
    status: Annotated[Literal["open", "closed"] | None, Query()] = None,
    kind: Annotated[AlertKind | None, Query()] = None,
) -> Response:
    """Alerts, newest first. What a payment's own events tell (needs_review, duplicate_approval) is not among them."""
    return list_response(
        await door.operator_store.system("alert_list_v1", page(limit, cursor, status=status, kind=kind))
    )


@router.post(
    "/operator/alerts/{alert_id}/close",
    name="operator_close_alert",
    status_code=200,
    responses=documented_answers({200: AlertView}),
)
async def close(
    request: Request, door: TheDoor, _: Admin, name: OperatorName, alert_id: AlertPath, body: WhyBody
) -> Response:
    """Say that an alert was dealt with. What goes on is raised again."""
    checked = _checked(alert_id, ("alr",), "alert")
    return json_response(
        await close_alert(door.ports, door.operator_store, operator_of(request, name), checked, body.why)
    )


@router.get("/operator/stuck", name="operator_list_stuck", responses=documented_answers({200: StuckView}))
async def list_stuck(
    door: TheDoor,
    _: Admin,
    name: OperatorName,
    older_than_s: Annotated[int, Query(ge=0, le=31_536_000, description="Seconds without any move")] = 300,
    limit: Annotated[int, Query(ge=1, le=1000, description="Entries per kind")] = 100,
) -> Response:
    """What should have moved and has not; nothing of it waits for a PSP, a shopper or an operator."""
    found = await door.operator_store.system("stuck_v1", {"older_than_s": older_than_s, "limit": limit})
    return json_response({"object": "stuck"} | found)


@router.get(
    "/operator/open_work", name="operator_list_open_work", responses=documented_answers({200: list_of(OpenPaymentView)})
)
async def list_open_work(
    door: TheDoor, _: Admin, name: OperatorName, limit: Limit = 20, cursor: Cursor = None
) -> Response:
    """Payments that need a workflow, by id: what `payera ops stuck` compares with those that Temporal runs."""
    return list_response(await door.operator_store.system("open_work_v1", page(limit, cursor)))


def _checked(value: str, prefixes: tuple[str, ...], what: str) -> str:
    """`value` if it can be an id of one of these kinds. Raises the same `NotFound` as an id that nobody has."""
    if value.partition("_")[0] not in prefixes:
        raise NotFound(f"{what}_not_found", f"No such {what}.")
    return checked_id(value, value.partition("_")[0], what)
