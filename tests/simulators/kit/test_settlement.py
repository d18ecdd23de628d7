"""Settlement files: what is settled, at which fee, in which period, in whose format."""

import asyncio
import csv
import io
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from gateway.domain.money import EXPONENTS
from simulators.cli import app as cli
from simulators.kit.settlement import PLAIN_COLUMNS, BadSettlement, Fee, exponent, load_fees, major, moment
from simulators.kit.testing import Refused, Sims, TestAccount, running, spawned

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def journaled(sims: Sims, account: TestAccount, *movements: tuple[Any, ...]) -> None:
    """Write movements `(kind, amount, currency, object, parent, reference)` into the journal, a minute apart."""
    assert sims.group is not None
    inside = sims.group.worlds[account.slug].accounts[account.view["account"]]
    for number, (kind, amount, currency, thing, parent, reference) in enumerate(movements):
        inside.journal.add(
            kind,
            at=(NOON + timedelta(minutes=number)).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            amount=amount,
            currency=currency,
            object_id=thing,
            parent=parent,
            reference=reference,
            payment="pay_1",
        )
    inside.journal.commit()


async def read(account: TestAccount, query: str = "") -> list[dict[str, str]]:
    """The rows of the account's file."""
    address = f"/v1/{account.slug}/accounts/{account.view['account']}/settlement{query}"
    async with account.sims._session.get(account.sims.control_url + address) as answer:
        assert answer.status == 200, await answer.text()
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        assert answer.headers["content-disposition"].endswith('.csv"')
        return list(csv.DictReader(io.StringIO(await answer.text())))


async def test_the_plain_file_holds_what_moved_money_and_nothing_else() -> None:
    async with running("dummypay") as sims:
        account = await sims.account("dummypay")
        journaled(
            sims,
            account,
            ("authorize", 9900, "EUR", "ch_0", None, "att_0"),
            ("charge", 4200, "EUR", "ch_1", None, "att_1"),
            ("capture", 1000, "EUR", "cap_1", "ch_0", "cap_a"),
            ("decline", 700, "EUR", "ch_2", None, "att_2"),
            ("refund", 4200, "EUR", "ref_1", "ch_1", "ref_a"),
            ("void", 8900, "EUR", "void_1", "ch_0", "void_a"),
            ("charge", 500, "JPY", "ch_3", None, "att_3"),
        )
        rows = await read(account)
        assert tuple(rows[0]) == PLAIN_COLUMNS
        told = [(row["type"], row["reference"], row["currency"], row["gross"], row["fee"], row["net"]) for row in rows]
        assert told == [
            ("sale", "att_1", "EUR", "4200", "52", "4148"),  # 1 % and 0.10
            ("sale", "cap_a", "EUR", "1000", "20", "980"),
            ("refund", "ref_a", "EUR", "-4200", "0", "-4200"),
            ("sale", "att_3", "JPY", "500", "5", "495"),  # yen have no hundredths
        ]
        assert (rows[1]["id"], rows[1]["parent"], rows[1]["payment"]) == ("cap_1", "ch_0", "pay_1")


async def test_a_period_begins_with_its_first_moment_and_ends_before_its_last() -> None:
    async with running("dummypay") as sims:
        account = await sims.account("dummypay")
        journaled(sims, account, *(("charge", 100 + n, "EUR", f"ch_{n}", None, f"att_{n}") for n in range(4)))
        assert [row["id"] for row in await read(account, "?from=2026-11-22T12:01:00Z&to=2026-11-22T12:03:00Z")] == [
            "ch_1",
            "ch_2",
        ]
        assert [row["id"] for row in await read(account, "?from=2026-11-22&to=2026-11-23")] == [
            f"ch_{n}" for n in range(4)
        ]
        assert await read(account, "?from=2026-11-23&to=2026-11-24") == []
        for query, wrong in (
            ("?from=yesterday", "ISO 8601"),
            ("?from=2026-11-23&to=2026-11-23", "before"),
            ("?x=1", "x"),
        ):
            with pytest.raises(Refused, match=wrong) as refused:
                await account.control("GET", f"/settlement{query}")
            assert refused.value.status == 422


async def test_an_account_settles_its_own_journal_only() -> None:
    async with running("dummypay") as sims:
        mine, other = await sims.account("dummypay"), await sims.account("dummypay")
        journaled(sims, mine, ("charge", 4200, "EUR", "ch_1", None, "att_1"))
        assert len(await read(mine)) == 1
        assert await read(other) == []


def test_fees_are_read_and_checked(tmp_path: Path) -> None:
    assert load_fees(tmp_path) == {}
    (tmp_path / "settlement.yaml").write_text("fees: {sale: {basis_points: 150, fixed: 25}, chargeback: {fixed: 2000}}")
    assert load_fees(tmp_path) == {"sale": Fee(150, 25), "chargeback": Fee(0, 2000)}
    for wrong in ("fees: {sold: {fixed: 1}}", "fees: {sale: {fixed: 0.5}}", "fees: {sale: {percent: 1}}", "[]"):
        (tmp_path / "settlement.yaml").write_text(wrong)
        with pytest.raises(BadSettlement):
            load_fees(tmp_path)


@pytest.mark.parametrize(
    ("amount", "currency", "fee"),
    [(4200, "EUR", 88), (3333, "EUR", 75), (100, "JPY", 2), (1000, "KWD", 265), (0, "EUR", 25), (33, "EUR", 25)],
)
def test_a_fee_is_rounded_half_up_in_the_currencys_units(amount: int, currency: str, fee: int) -> None:
    assert Fee(basis_points=150, fixed=25).of(amount, currency) == fee


def test_exponents_are_those_of_the_gateway() -> None:
    assert {currency: exponent(currency) for currency in EXPONENTS} == EXPONENTS


@given(st.integers(-(10**12), 10**12), st.sampled_from(["EUR", "JPY", "KWD"]))
def test_major_units_lose_nothing(amount: int, currency: str) -> None:
    text = major(amount, currency)
    assert int(text.replace(".", "")) == amount
    assert len(text.partition(".")[2]) == exponent(currency)


def test_a_bound_without_a_zone_is_utc() -> None:
    assert moment("2026-11-22", "from") == datetime(2026, 11, 22, tzinfo=UTC)
    assert moment("2026-11-22T10:00:00+02:00", "to") == datetime(2026, 11, 22, 8, tzinfo=UTC)


async def test_the_command_prints_the_file_or_writes_it_as_the_psp_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with spawned("stripe") as sims:
        account = await sims.account("stripe")
        monkeypatch.setenv("PAYERA_CONTROL", sims.control_url)
        period = ["--account", account.api_key, "--from", "2026-11-22", "--to", "2026-11-23"]
        ran = await asyncio.to_thread(CliRunner().invoke, cli, ["settlement", "stripe", *period])
        assert ran.exit_code == 0, ran.output
        assert ran.output.startswith("automatic_payout_id,")
        ran = await asyncio.to_thread(CliRunner().invoke, cli, ["settlement", "stripe", *period, "-o", str(tmp_path)])
        assert ran.exit_code == 0, ran.output
        assert os.listdir(tmp_path) == ["Itemized_payout_reconciliation_2026-11-22_to_2026-11-23.csv"]
        ran = await asyncio.to_thread(CliRunner().invoke, cli, ["settlement", "stripe", *period[:2], "--from", "soon"])
        assert ran.exit_code == 1
