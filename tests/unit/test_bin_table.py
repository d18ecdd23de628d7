"""The BIN table: ranges become prefixes, the narrowest row holds, and a wrong file is refused line by line."""

import json
import random
from pathlib import Path

import pytest

from gateway.domain.bin_table import LONGEST, BadBinTable, Issuer, cover, look_up, read_bin_table

TEST_BINS = Path(__file__).parents[2] / "compose/test_bins.csv"


def faults(text: str, form: str = "csv") -> list[str]:
    with pytest.raises(BadBinTable) as refused:
        read_bin_table(text, form=form)
    return [str(fault) for fault in refused.value.faults]


def test_a_file_of_prefixes() -> None:
    text = "prefix,brand,issuer_country,funding,issuer\n424242,VISA,us,Credit,A bank\n\n42424299,visa,DE,,\n"
    assert read_bin_table(text, form="csv") == {
        "424242": Issuer("visa", "US", "credit", "A bank"),
        "42424299": Issuer("visa", "DE", None, None),
    }
    rows = [{"prefix": "424242", "brand": "visa"}, {"low": "5555000", "high": "5555199", "issuer_country": "FR"}]
    assert read_bin_table(json.dumps(rows), form="json") == {
        "424242": Issuer("visa"),
        "55550": Issuer(None, "FR"),
        "55551": Issuer(None, "FR"),
    }


@pytest.mark.parametrize(
    ("low", "high", "prefixes"),
    [
        ("42424200000", "42424299999", ["424242"]),
        ("42424200", "42424209", ["4242420"]),
        ("424242", "424244", ["424242", "424243", "424244"]),
        ("4242429", "4242511", ["4242429", "424243", "424244", "424245", "424246", "424247", "424248", "424249",
                                "424250", "4242510", "4242511"]),
        ("40000", "49999", [f"4{n:03}" for n in range(1000)]),  # never shorter than four digits
        ("0000100", "0000199", ["00001"]),
    ],
)  # fmt: skip
def test_a_range_is_covered_by_the_fewest_prefixes(low: str, high: str, prefixes: list[str]) -> None:
    assert list(cover(low, high)) == prefixes


def test_the_narrowest_row_holds_wherever_rows_lie_within_each_other() -> None:
    """Against the plain reading of the rows, over random nested tables: the first digit decides nothing."""
    chance = random.Random(3)
    for _ in range(60):
        rows: list[tuple[str, str, str]] = []

        def nest(low: int, high: int, depth: int, rows: list[tuple[str, str, str]] = rows) -> None:
            rows.append((str(low), str(high), "".join(chance.choices("ABCDEFGHIJ", k=2))))
            for _ in range(chance.randint(0, 2) if depth < 4 else 0):
                width = max(1, (high - low) // chance.choice((2, 7, 10)))
                start = chance.randint(low, high - width)
                if all(
                    start + width < int(a) or start > int(b) or (int(a) <= start and start + width <= int(b))
                    for a, b, _ in rows
                ) and (str(start), str(start + width)) not in [row[:2] for row in rows]:
                    nest(start, start + width, depth + 1)  # fmt: skip

        nest(42_424_000, 42_424_999, 0)
        text = "low,high,issuer_country\n" + "".join(f"{low},{high},{code}\n" for low, high, code in rows)
        table = read_bin_table(text, form="csv")
        for _ in range(200):
            number = str(chance.randint(42_423_990, 42_425_010)) + "000"
            holding = [row for row in rows if row[0] <= number[:8] <= row[1]]
            narrowest = min(holding, key=lambda row: int(row[1]) - int(row[0]), default=None)
            found = look_up(table, number[:LONGEST])
            assert (found[1].issuer_country if found else None) == (narrowest[2] if narrowest else None)


def test_every_wrong_line_is_named() -> None:
    text = (
        "prefix,low,high,brand,issuer_country,funding,issuer\n"
        "424,,,visa,US,credit,x\n"
        "424242,,,visa,USA,credit,x\n"
        "424243,424243,424249,visa,US,credit,x\n"
        ",424250,42425,visa,US,credit,x\n"
        ",424260,424250,visa,US,credit,x\n"
        ",424260,,visa,US,credit,x\n"
        "424270,,,visa,US,gift,x\n"
        "424271,,,v1sa,US,credit,x\n"
        "424272,,,visa\n"
    )
    assert faults(text) == [
        "line 2: a prefix or bound is not 4 to 11 digits",
        "line 3: `issuer_country` is not two letters of ISO 3166-1",
        "line 4: give either a prefix or a range, not both",
        "line 5: `low` and `high` have different lengths",
        "line 6: `low` is above `high`",
        "line 7: no prefix, and no range from `low` to `high`",
        "line 8: `funding` is none of credit, debit, prepaid",
        "line 9: `brand` is not a word such as visa",
        "line 10: has more or fewer cells than the header",
    ]
    assert faults('[\n {"prefix": "424242"},\n\n {"prefix": 424242}\n]', "json") == [
        "line 4: `prefix` is not a text: quote it"
    ]
    assert faults('[{"prefix": "424242"},\n {"prefix": ', "json")[0].startswith("line 2: not JSON")
    assert faults('{"prefix": "424242"}', "json") == ["line 1: not a JSON list of objects"]
    assert faults('[{"bin": "424242"}]', "json")[0].startswith("line 1: unknown field 'bin'")
    assert faults("prefix,country\n") == [
        "line 1: unknown column 'country'; known: prefix, low, high, brand, issuer_country, funding, issuer"
    ]
    assert faults("brand,issuer\nvisa,x\n") == ["line 1: the header names neither `prefix` nor `low` and `high`"]
    assert faults("prefix,brand\n") == ["line 1: the file has no rows"]


def test_rows_that_contradict_each_other_are_refused() -> None:
    head = "low,high,issuer_country\n"
    assert faults(head + "424242,424242,US\n424242,424242,DE\n") == [
        "line 3: says something else about the same numbers than line 2"
    ]
    assert faults(head + "424240,424249,US\n424245,424255,DE\n") == [
        "line 3: overlaps with line 2, and neither lies within the other"
    ]
    assert read_bin_table(head + "424242,424242,US\n424242,424242,US\n", form="csv") == {"424242": Issuer(None, "US")}


def test_a_whole_card_number_is_refused_and_not_shown() -> None:
    (fault,) = faults("prefix,brand\n4242424242424242,visa\n")
    assert "4242" not in fault


def test_the_test_table_can_be_read() -> None:
    table = read_bin_table(TEST_BINS.read_text(encoding="utf-8"), form="csv")
    assert len(table) == len(TEST_BINS.read_text(encoding="utf-8").splitlines()) - 1
    assert look_up(table, "40000027600") == ("40000027", Issuer("visa", "DE", "credit", "Stripe test cards"))
    assert look_up(table, "40000018400") is None
