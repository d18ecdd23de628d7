"""Financial reports over the balance transactions: report types, runs, and the result as a CSV file.

A run is `pending` when it is created and done at the first look (lifecycle `report_run`). Amounts in the files are in
main units with a point, as in Stripe's own; times are `YYYY-MM-DD hh:mm:ss` in UTC.
"""

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from simulators.kit import lifecycle
from simulators.stripe import balance, lists, objects
from simulators.stripe.call import Call
from simulators.stripe.errors import invalid, missing, not_found
from simulators.stripe.money import exponent
from simulators.stripe.objects import Json

DAY_S = 86_400
TYPES: dict[str, tuple[str, int, tuple[str, ...]]] = {
    "balance.summary.1": ("Balance summary", 1, ("category", "description", "net_amount", "currency")),
    "balance_change_from_activity.itemized.3": (
        "Balance change from activity, itemized",
        3,
        ("balance_transaction_id", "created_utc", "available_on_utc", "currency", "gross", "fee", "net",
         "reporting_category", "source_id", "description", "charge_id", "payment_intent_id"),
    ),
    "payout_reconciliation.itemized.5": (
        "Payout reconciliation, itemized",
        5,
        ("automatic_payout_id", "automatic_payout_effective_at_utc", "balance_transaction_id", "created_utc",
         "available_on_utc", "currency", "gross", "fee", "net", "reporting_category", "source_id", "description",
         "charge_id", "payment_intent_id"),
    ),
    "payouts.itemized.3": (
        "Payouts, itemized",
        3,
        ("payout_id", "effective_at_utc", "currency", "gross", "fee", "net", "reporting_category",
         "balance_transaction_id", "payout_status", "payout_reversed_at_utc", "payout_type"),
    ),
}  # fmt: skip
"""Report type → name, version, default columns; types and columns are those of the public page "Reporting"."""

Row = dict[str, Any]


def _type(call: Call, identifier: str) -> Json:
    name, version, columns = TYPES[identifier]
    return {
        "id": identifier,
        "object": "reporting.report_type",
        "data_available_end": call.created - call.created % DAY_S,
        "data_available_start": 1_262_304_000,  # 2010: before any account
        "default_columns": list(columns),
        "livemode": False,
        "name": name,
        "updated": call.created - call.created % DAY_S,
        "version": version,
    }


def list_types(call: Call) -> Json:
    """`GET /v1/reporting/report_types`."""
    return objects.listing("/v1/reporting/report_types", [_type(call, one) for one in sorted(TYPES)], False)


def retrieve_type(call: Call) -> Json:
    """`GET /v1/reporting/report_types/{id}`."""
    if call.path[0] not in TYPES:
        raise not_found("report type", call.path[0], "report_type")
    return _type(call, call.path[0])


def create(call: Call) -> Json:
    """`POST /v1/reporting/report_runs`."""
    kind = call.params["report_type"]
    if kind not in TYPES:
        raise not_found("report type", kind, "report_type", status=400)
    given = call.params.get("parameters", {})
    if "payout" not in given or not kind.startswith("payout_reconciliation"):
        for name in ("interval_start", "interval_end"):
            if name not in given:
                raise missing(f"parameters[{name}]")
        if given["interval_start"] >= given["interval_end"]:
            raise invalid("interval_start must be before interval_end.", param="parameters[interval_start]")
    odd = [name for name in given.get("columns", ()) if name not in TYPES[kind][2]]
    if odd:
        raise invalid(f"Invalid column: {odd[0]}", param="parameters[columns]")
    run: Json = {
        "id": call.new_id("frr_1", 23),
        "object": "reporting.report_run",
        "created": call.created,
        "error": None,
        "livemode": False,
        "parameters": given,
        "report_type": kind,
        "result": None,
        "status": "pending",
        "succeeded_at": None,
    }
    call.put("report_run", run)
    mode = call.account.mode("report_run")
    if mode == lifecycle.IMMEDIATE:
        return finish(call, run)
    call.look_or_wait(run["id"], "finish_report", mode)
    return run


def finish(call: Call, run: Json) -> Json:
    """Write the file; the run has succeeded."""
    text = _file(call, run)
    identifier = call.new_id("file_1", 23)
    made = {
        "id": identifier,
        "object": "file",
        "created": call.created,
        "expires_at": call.created + 365 * DAY_S,
        "filename": f"{run['id']}.csv",
        "links": objects.listing(f"/v1/file_links?file={identifier}", [], False),
        "purpose": "finance_report_run",
        "size": len(text.encode()),
        "title": f"FinanceReportRun {run['id']}",
        "type": "csv",
        "url": f"{call.base_url}/v1/files/{identifier}/contents",
    }
    call.put("file", made)
    call.put("file_text", {"id": identifier, "text": text})
    after = {**run, "status": "succeeded", "succeeded_at": call.created, "result": made}
    call.emit("reporting.report_run.succeeded", after)
    return call.put("report_run", after)


def _file(call: Call, run: Json) -> str:
    kind, given = run["report_type"], run["parameters"]
    columns = given.get("columns") or TYPES[kind][2]
    makers: dict[str, Callable[[Call, Json], list[Row]]] = {"balance": _summary, "payouts": _payouts}
    rows = makers.get(kind.partition(".")[0], _items)(call, run)
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _within(call: Call, run: Json) -> list[Json]:
    """The balance transactions that a run is about, oldest first."""
    given = run["parameters"]
    found = []
    for item in balance.every(call):
        wanted = given.get("interval_start", 0) <= item["created"] < given.get("interval_end", item["created"] + 1)
        if given.get("currency", item["currency"]).lower() != item["currency"]:
            continue
        if given.get("reporting_category", item["reporting_category"]) != item["reporting_category"]:
            continue
        if wanted and given.get("payout", item["payout"]) == item["payout"]:
            found.append(item)
    return found


def _items(call: Call, run: Json) -> list[Row]:
    """One row per balance transaction; a reconciliation leaves out the payouts themselves and what is in none."""
    reconciles = run["report_type"].startswith("payout_reconciliation")
    rows = []
    for item in _within(call, run):
        if item["type"].startswith("payout") or (reconciles and item["payout"] is None):
            continue
        source = item["source"]
        moved: Json = next((f for name in ("refund", "dispute") if (f := call.get(name, source)) is not None), {})
        charge = call.get("charge", moved.get("charge") or str(source)) or {}
        row = {**_money(item), "source_id": source, "description": item["description"]}
        row |= {"charge_id": charge.get("id"), "payment_intent_id": charge.get("payment_intent")}
        if reconciles:
            payout = call.need("payout", item["payout"], "payout")
            row |= {
                "automatic_payout_id": payout["id"],
                "automatic_payout_effective_at_utc": _moment(payout["arrival_date"]),
            }
        rows.append(row)
    return rows


def _money(item: Json) -> Row:
    currency = item["currency"]
    return {
        "balance_transaction_id": item["id"],
        "created_utc": _moment(item["created"]),
        "available_on_utc": _moment(item["available_on"]),
        "currency": currency,
        "gross": _main_units(item["amount"], currency),
        "fee": _main_units(item["fee"], currency),
        "net": _main_units(item["net"], currency),
        "reporting_category": item["reporting_category"],
    }


def _payouts(call: Call, run: Json) -> list[Row]:
    rows = []
    for item in _within(call, run):
        payout = call.get("payout", item["source"])
        if payout is not None:
            row = {**_money(item), "payout_id": payout["id"], "effective_at_utc": _moment(payout["arrival_date"])}
            rows.append({**row, "payout_status": payout["status"], "payout_type": payout["type"]})
    return rows


def _summary(call: Call, run: Json) -> list[Row]:
    """Starting balance, activity, payouts, ending balance, per currency."""
    start, end = run["parameters"]["interval_start"], run["parameters"]["interval_end"]
    sums: dict[str, dict[str, int]] = {}
    for item in balance.every(call):
        if item["created"] >= end or run["parameters"].get("currency", item["currency"]).lower() != item["currency"]:
            continue
        place = sums.setdefault(item["currency"], {"starting_balance": 0, "activity": 0, "payouts": 0})
        paid = "payouts" if item["type"].startswith("payout") else "activity"
        place["starting_balance" if item["created"] < start else paid] += item["net"]
    rows = []
    for currency, place in sorted(sums.items()):
        for category, amount in {**place, "ending_balance": sum(place.values())}.items():
            words = category.replace("_", " ").capitalize()
            shown = _main_units(amount, currency)
            rows.append({"category": category, "description": words, "net_amount": shown, "currency": currency})
    return rows


def _moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _main_units(amount: int, currency: str) -> str:
    """`-42.00`: minor units in main units, by integer arithmetic."""
    digits = exponent(currency)
    sign, amount = "-" if amount < 0 else "", abs(amount)
    whole, part = divmod(amount, 10**digits)
    return f"{sign}{whole}.{part:0{digits}d}" if digits else f"{sign}{whole}"


def retrieve(call: Call) -> Json:
    """`GET /v1/reporting/report_runs/{id}`."""
    return call.need("report_run", call.path[0], "report_run", kind="report run")


def list_all(call: Call) -> Json:
    """`GET /v1/reporting/report_runs`."""
    return lists.page(call, "report_run", "/v1/reporting/report_runs")


def retrieve_file(call: Call) -> Json:
    """`GET /v1/files/{id}`: the file object; its `url` gives the text, with the same key."""
    return call.need("file", call.path[0], "file")
