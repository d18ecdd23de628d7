"""An operator in a scenario: looks at the queue of reviews and at the PSP's own books, and says what he saw."""

import json
from typing import Any

from scenarios.runner.wire import Account, Call, Gateway

OPERATOR = "qa"


async def resolve(
    operator: Gateway, accounts: dict[str, Account], payment: str, told: dict[str, Any]
) -> tuple[Call | None, str]:
    """Resolve the payment's open review as a step tells; the answer, or None and why there is nothing to resolve.

    An approval takes the PSP's id from the PSP's journal, and its amount where that is not what was asked.
    """
    rows = (await operator.get(f"/v1/operator/reviews?status=open&payment={payment}"))["data"]
    wanted = [row for row in rows if told.get("kind") in {None, row["kind"]}]
    if len(wanted) != 1:
        return None, f"{len(wanted)} reviews of {told['payment']} are open, of {[row['kind'] for row in rows]}"
    [review] = wanted
    if told["action"] not in review["actions"] and "problem" not in told:
        return None, f"only these are possible: {', '.join(review['actions'])}"
    body: dict[str, Any] = {"action": told["action"], "evidence": "the PSP's own books"}
    if told["action"] == "approved":
        journal = await accounts[review["provider"]].journal()
        moved = [row for row in journal if row.get("reference") == review["operation"] and row["kind"] != "decline"]
        if moved:
            body["provider_reference"] = moved[0]["object"]
            if moved[0]["amount"] != review["amount"]:
                body["amount"] = moved[0]["amount"]
    path = f"/v1/operator/reviews/{review['operation']}/resolve"
    return await operator.call_raw("POST", path, json.dumps(body).encode(), None), ""
