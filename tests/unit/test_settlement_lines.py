"""Settlement files as the connectors read them: figures to the unit, mistakes by their line, never by their value."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.connectors.registry import settlement_parsers
from gateway.use_cases.settlement import Row, SettlementLine, SettlementUnreadable, rows

PARSERS = settlement_parsers()
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
STRIPE = (
    "balance_transaction_id,created_utc,reporting_category,currency,gross,fee,net,source_id,charge_id,payment_intent_id,"
    "payment_metadata[payera_operation],refund_metadata[payera_operation]\n"
)
ADYEN = (
    "Company Account,Merchant Account,Psp Reference,Merchant Reference,Payment Method,Creation Date,TimeZone,Type,"
    "Modification Reference,Gross Currency,Gross Debit (GC),Gross Credit (GC),Exchange Rate,Net Currency,"
    "Net Debit (NC),Net Credit (NC),Commission (NC),Markup (NC),Scheme Fees (NC),Interchange (NC),"
    "Payment Method Variant,Modification Merchant Reference\n"
)
CHECKOUT = (
    "Payment ID,Action ID,Reference,Action Type,Breakdown Type,Processed On,Processing Currency,"
    "Processing Currency Amount,Holding Currency,Holding Currency Amount\n"
)


def read(slug: str, text: str) -> list[SettlementLine]:
    return list(PARSERS[slug](text))


@pytest.mark.parametrize(
    ("text", "currency", "units"),
    [
        ("42.00", "EUR", 4200),
        ("-0.05", "EUR", -5),
        ("42", "EUR", 4200),
        ("42.5", "EUR", 4250),
        ("42.5000", "EUR", 4250),
        ("500", "JPY", 500),
        ("500.0", "JPY", 500),
        ("1.234", "KWD", 1234),
        ("", "EUR", None),
    ],
)
def test_a_figure_of_main_units_is_exact(text: str, currency: str, units: int | None) -> None:
    assert Row(2, {"x": text}).minor("x", currency) == units


@pytest.mark.parametrize(
    ("text", "currency"),
    [("42.005", "EUR"), ("1.5", "JPY"), ("1,000.00", "EUR"), ("1e3", "EUR"), ("+1", "EUR"), ("NaN", "EUR")],
)
def test_what_is_no_amount_is_refused_without_its_value(text: str, currency: str) -> None:
    with pytest.raises(SettlementUnreadable) as refused:
        Row(7, {"gross": text}).minor("gross", currency)
    assert str(refused.value) == f"line 7: gross is not an amount of {currency}"


@given(st.integers(-(10**11), 10**11), st.sampled_from([("EUR", 2), ("JPY", 0), ("KWD", 3)]))
def test_every_figure_comes_back(units: int, money: tuple[str, int]) -> None:
    currency, digits = money
    sign, figure = "-" if units < 0 else "", str(abs(units)).rjust(digits + 1, "0")
    text = f"{sign}{figure[: len(figure) - digits]}" + (f".{figure[-digits:]}" if digits else "")
    assert Row(2, {"x": text}).minor("x", currency) == units


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "line 1: there is no column a"),
        ("b\n1\n", "line 1: there is no column a"),
        ("a,a\n1,2\n", "line 1: a column appears twice"),
        ("a,b\n1\n", "line 2: 1 cells under 2 columns"),
        ('a,b\n1,"2\n', "line 2: no CSV: unexpected end of data"),
    ],
)
def test_what_is_no_table_is_refused(text: str, why: str) -> None:
    with pytest.raises(SettlementUnreadable) as refused:
        list(rows(text, ("a",)))
    assert str(refused.value) == why


def test_a_byte_order_mark_and_empty_lines_do_no_harm() -> None:
    assert [(row.line, dict(row.cells)) for row in rows("\ufeffa,b\r\n1,2\r\n\r\n", ("a",))] == [
        (2, {"a": "1", "b": "2"})
    ]


def test_stripe() -> None:
    found = read(
        "stripe",
        STRIPE
        + "txn_1,2026-11-22 12:00:00,charge,eur,42.00,0.88,41.12,ch_1,ch_1,pi_1,att_1,\n"
        + "txn_2,2026-11-22 12:00:00,refund,jpy,-500,0,-500,re_1,ch_1,pi_1,att_1,ref_1\n"
        + "txn_3,2026-11-22 12:00:00,dispute,eur,-42.00,20.00,-62.00,dp_1,ch_1,pi_1,att_1,\n"
        + "txn_4,2026-11-22 12:00:00,payout,eur,-41.12,0,-41.12,po_1,,,,\n",
    )
    assert found == [
        SettlementLine(2, "sale", 4200, "EUR", "att_1", ("pi_1", "ch_1"), (), 88, 4112, NOON),
        SettlementLine(3, "refund", 500, "JPY", "ref_1", ("re_1",), ("att_1", "pi_1", "ch_1"), 0, -500, NOON),
        SettlementLine(4, "chargeback", 4200, "EUR", None, ("dp_1",), ("att_1", "pi_1", "ch_1"), 2000, -6200, NOON),
        SettlementLine(5, "payout", 4112, "EUR", None, ("po_1",), (), 0, -4112, NOON),
    ]


def test_adyen() -> None:
    found = read(
        "adyen",
        ADYEN
        + "C,M,PSP1,att_1,visa,2026-11-22 13:00:00,CET,Settled,,EUR,,42.00,1,EUR,,41.43,,0.14,0.07,0.36,visa,\n"
        + "C,M,PSP2,att_2,visa,2026-11-22 12:00:00,UTC,Settled,MOD2,EUR,,10.00,1,EUR,,9.90,0.10,,,,visa,cap_2\n"
        + "C,M,PSP1,att_1,visa,2026-11-22 12:00:00,UTC,Refunded,MOD3,EUR,7.00,,1,EUR,7.00,,,,,,visa,ref_1\n"
        + "C,M,PSP1,att_1,visa,2026-11-22 12:00:00,XST,Chargeback,MOD4,EUR,35.00,,1,EUR,42.50,,7.50,,,,visa,\n"
        + "C,M,PSP5,att_5,visa,2026-11-22 12:00:00,UTC,Settled,,USD,,10.00,0.9,EUR,,9.00,,,,,visa,\n"
        + 'C,M,,,,2026-11-23 00:00:00,UTC,MerchantPayout,"TX1 batch 4, M",,,,,EUR,10.83,,,,,,,\n',
    )
    assert found == [
        SettlementLine(2, "sale", 4200, "EUR", "att_1", ("PSP1",), (), 57, 4143, NOON),
        SettlementLine(3, "sale", 1000, "EUR", "cap_2", ("MOD2",), ("PSP2", "att_2"), 10, 990, NOON),
        SettlementLine(4, "refund", 700, "EUR", "ref_1", ("MOD3",), ("PSP1", "att_1"), None, -700, NOON),
        SettlementLine(5, "chargeback", 3500, "EUR", None, ("MOD4",), ("PSP1", "att_1"), 750, -4250, None),
        SettlementLine(6, "sale", 1000, "USD", "att_5", ("PSP5",), (), None, None, NOON),
        SettlementLine(
            7, "payout", 1083, "EUR", None, ("TX1 batch 4, M",), (), None, -1083, datetime(2026, 11, 23, tzinfo=UTC)
        ),
    ]


def test_checkout() -> None:
    at = "2026-11-22T12:00:00.000"
    found = read(
        "checkout",
        CHECKOUT
        + f"pay_1,act_1,att_1,Capture,Capture,{at},EUR,42.00,EUR,42.00\n"
        + f"pay_1,act_1,att_1,Capture,Premium Variable Fee,{at},EUR,-0.48,EUR,-0.48\n"
        + f"pay_1,act_1,att_1,Capture,Scheme Fixed Fee,{at},EUR,-0.12,EUR,-0.12\n"
        + f"pay_1,act_1,att_1,Capture,Capture,{at},EUR,42.00,EUR,42.00\n"
        + f"pay_1,act_2,att_1,Refund,Refund,{at},EUR,-7.00,EUR,-7.00\n"
        + f"pay_2,act_3,att_2,Capture,Capture,{at},USD,10.00,EUR,9.00\n",
    )
    assert found == [
        SettlementLine(2, "sale", 4200, "EUR", "att_1", ("act_1", "pay_1"), (), 60, 4140, NOON),
        SettlementLine(5, "sale", 4200, "EUR", "att_1", ("act_1", "pay_1"), (), 0, 4200, NOON),
        SettlementLine(6, "refund", 700, "EUR", None, ("act_2",), ("pay_1", "att_1"), 0, -700, NOON),
        SettlementLine(7, "sale", 1000, "USD", "att_2", ("act_3", "pay_2"), (), None, None, NOON),
    ]


@pytest.mark.parametrize("slug", sorted(PARSERS))
def test_another_psps_file_is_refused(slug: str) -> None:
    with pytest.raises(SettlementUnreadable, match="line 1: there is no column"):
        read(slug, "date,what\n2026-11-22,nothing\n")
