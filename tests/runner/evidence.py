"""A merchant whose books are right: a refunded charge, a captured authorization, a cascade whose surplus was reversed.

The tests of the invariants change one thing in it at a time.
"""

import base64
import dataclasses
import hashlib
import hmac
import json
import time
from typing import Any

from scenarios.runner.evidence import NO_HASH, Endpoint, Entry, Evidence, Line, Operation, Payment, Posting
from scenarios.runner.sink import Received, signature_fault
from scenarios.runner.topic import Message
from scenarios.runner.wire import Call

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()


def operation(name: str, payment: str, kind: str, provider: str, **more: Any) -> Operation:
    facts: dict[str, Any] = {"status": "approved", "amount": 4200, "outcomes": ("approved",), "created_at": name}
    facts |= {"provider_reference": f"psp_{name}", "currency": "EUR"} | more
    return Operation(id=name, payment=payment, kind=kind, provider=provider, **facts)


def entry(seq: int, kind: str, amount: int, reference: str, payment: str, parent: str | None = None) -> Entry:
    return Entry(seq, kind, amount, "EUR", f"psp_{reference}", parent, reference, payment)


def post(payment: str, before: Posting | None, kind: str, by: Operation, amount: int, other: str) -> Posting:
    lines = (Line(f"psp:{by.provider}:receivable", "EUR", amount), Line(other, "EUR", -amount))
    previous = before.hash if before else NO_HASH
    posting = Posting(f"ltx_{by.id}", payment, kind, by.id, "", previous, lines)
    return dataclasses.replace(posting, hash=posting.recomputed())


def events(payment: str, *stages: tuple[str, dict[str, Any]], refund: int = 0) -> list[dict[str, Any]]:
    rows = []
    for sequence, (kind, amounts) in enumerate(stages, 1):
        view = {"amount": 4200, "currency": "EUR", "amount_authorized": 0, "amount_captured": 0} | amounts
        data: dict[str, Any] = {"payment": view}
        if kind.startswith("refund."):
            data["refund"] = {"id": f"ref_{payment}", "amount": refund}
        rows.append(
            {"id": f"evt_{payment}_{sequence}", "type": kind, "subject": payment, "sequence": sequence, "data": data}
        )
    return rows


def delivery(event: dict[str, Any], answered: int = 200) -> Received:
    """One delivery, judged by the sink's own check of its signature."""
    body, now = json.dumps(event).encode(), int(time.time())
    mac = hmac.new(base64.b64decode(SECRET[6:]), f"{event['id']}.{now}.".encode() + body, hashlib.sha256).digest()
    headers = {"webhook-id": event["id"], "webhook-timestamp": str(now)}
    headers["webhook-signature"] = "v1," + base64.b64encode(mac).decode()
    return Received(float(now), event["id"], body, answered, signature_fault(SECRET, headers, body, now))


def call(key: str, body: dict[str, Any], status: int, answer: dict[str, Any], started: float = 0.0) -> Call:
    text = json.dumps(answer).encode()
    return Call("POST", "/v1/payments", key, json.dumps(body).encode(), started, started + 0.1, status, text)


def _outbox() -> list[dict[str, Any]]:
    """What the gateway says happened to the three payments."""
    full, partly = {"amount_authorized": 4200, "amount_captured": 4200}, {"amount_authorized": 4200}
    return [
        *events(
            "pay_1",
            ("payment.created", {}),
            ("payment.captured", full),
            ("refund.created", full),
            ("refund.succeeded", full),
            refund=1200,
        ),
        *events(
            "pay_2",
            ("payment.created", {}),
            ("payment.authorized", partly),
            ("payment.captured", partly | {"amount_captured": 3000}),
        ),
        *events(
            "pay_3",
            ("payment.created", {}),
            ("payment.captured", full),
            ("payment.duplicate_approval", full),
            ("payment.duplicate_reversed", full),
        ),
    ]


def right() -> Evidence:
    """The evidence in which every invariant holds."""
    refunded = operation("ref_1", "pay_1", "refund", "stripe", amount=1200)
    surplus = operation("att_3a", "pay_3", "authorize", "stripe", status="reversed", surplus=True)
    surplus = dataclasses.replace(surplus, outcomes=("unknown", "absent", "approved"))
    operations = [
        operation("att_1", "pay_1", "authorize", "stripe", outcomes=("unknown", "approved")),
        refunded,
        operation("att_2", "pay_2", "authorize", "dummypay"),
        operation("cap_2", "pay_2", "capture", "dummypay", amount=3000),
        surplus,
        operation("att_3b", "pay_3", "authorize", "dummypay"),
        operation("ref_3", "pay_3", "refund", "stripe"),
    ]
    by = {one.id: one for one in operations}
    charge = post("pay_1", None, "capture", by["att_1"], 4200, "merchant:payable")
    won = post("pay_3", None, "capture", by["att_3b"], 4200, "merchant:payable")
    double = post("pay_3", won, "surplus", by["att_3a"], 4200, "suspense:duplicate")
    ledger = [
        charge,
        post("pay_1", charge, "refund", refunded, -1200, "merchant:payable"),
        post("pay_2", None, "capture", by["cap_2"], 3000, "merchant:payable"),
        won,
        double,
        post("pay_3", double, "surplus_reversal", by["ref_3"], -4200, "suspense:duplicate"),
    ]
    outbox = _outbox()
    partition = {"pay_1": 0, "pay_2": 1, "pay_3": 2}
    return Evidence(
        merchant="mer_1",
        payments=[
            Payment("pay_1", "captured", 4200, "EUR", 4200, 4200, 1200),
            Payment("pay_2", "captured", 4200, "EUR", 4200, 3000, 0),
            Payment("pay_3", "captured", 4200, "EUR", 4200, 4200, 0),
        ],
        operations=operations,
        ledger=ledger,
        events=outbox,
        messages=[Message(partition[row["subject"]], n, row["subject"], row) for n, row in enumerate(outbox)],
        journals={
            "stripe": [
                entry(1, "charge", 4200, "att_1", "pay_1"),
                entry(2, "refund", 1200, "ref_1", "pay_1", "psp_att_1"),
                entry(3, "charge", 4200, "att_3a", "pay_3"),
                entry(4, "refund", 4200, "ref_3", "pay_3", "psp_att_3a"),
            ],
            "dummypay": [
                entry(1, "authorize", 4200, "att_2", "pay_2"),
                entry(2, "capture", 3000, "cap_2", "pay_2", "psp_att_2"),
                entry(3, "charge", 4200, "att_3b", "pay_3"),
            ],
        },
        endpoints=[Endpoint("we_1", ("*",), tuple(delivery(row) for row in outbox))],
        calls=[
            call("k1", {"amount": 4200}, 202, {"id": "pay_1", "status": "processing"}),
            call("k1", {"amount": 4200}, 201, {"id": "pay_1", "status": "captured"}, 1.0),
            call("k1", {"amount": 4200}, 201, {"id": "pay_1", "status": "captured"}, 2.0),
            call("k1", {"amount": 4300}, 409, {"code": "idempotency_key_reused"}, 3.0),
        ],
    )
