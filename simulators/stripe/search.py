"""Search: the part of Stripe's query language that payments need: `field:"value"`, `metadata["key"]:"value"`, AND, OR.

What was written becomes searchable after the account's index lag (`search_index` in `rules.yaml`, seconds on the
account's clock): the real index is behind by up to a minute, and that is what a resolver has to live with.
"""

import re
from collections.abc import Callable
from typing import Any

from simulators.stripe.call import Call
from simulators.stripe.errors import invalid
from simulators.stripe.lists import limit_of
from simulators.stripe.objects import Json

_CLAUSE = re.compile(
    r"""\s*(?P<negated>-)?
        (?:metadata\[(?P<quote>["'])(?P<key>.*?)(?P=quote)\]|(?P<field>[a-z_]+))
        \s*(?P<operator>:|~|>=|<=|>|<)\s*
        (?:(?P<q2>["'])(?P<text>(?:\\.|(?!(?P=q2)).)*)(?P=q2)|(?P<number>\d+)|(?P<null>null))\s*""",
    re.VERBOSE,
)
_JOIN = re.compile(r"\s*(AND|OR)\s+", re.IGNORECASE)
TEXT_FIELDS = frozenset(["currency", "customer", "status"])
NUMBER_FIELDS = frozenset(["amount", "created"])

Test = Callable[[Json], bool]


def search(call: Call, collection: str, url: str) -> Json:
    """A page of a search result, newest first. Raises `invalid_request_error` for a query that can't be read."""
    test = parse_query(call.params["query"])
    limit = limit_of(call)
    skip = _page_number(call.params.get("page"))
    lag = call.account.mode("search_index").seconds or 0
    newest = call.account.clock.now() - lag
    found = []
    for item in call.account.store.all(collection, newest_first=True):
        if item["created"] <= newest and test(item):
            found.append(item)
            if len(found) > skip + limit:
                break
    more = len(found) > skip + limit
    return {
        "object": "search_result",
        "data": found[skip : skip + limit],
        "has_more": more,
        "next_page": f"page_{skip + limit}" if more else None,
        "url": url,
    }


def _page_number(page: str | None) -> int:
    if page is None:
        return 0
    number = page.removeprefix("page_")
    if not number.isdecimal() or number == page:
        raise invalid("Invalid page token.", param="page")
    return int(number)


def parse_query(query: str) -> Test:
    """Turn a query into a test of an object. Clauses are joined all by AND or all by OR; a mixture is refused."""
    tests: list[Test] = []
    words: set[str] = set()
    position = 0
    while True:
        clause = _CLAUSE.match(query, position)
        if clause is None:
            raise invalid(
                f"We were unable to parse your search query at: {query[position : position + 40]}", param="query"
            )
        tests.append(_test(clause))
        position = clause.end()
        if position == len(query):
            break
        joined = _JOIN.match(query, position)
        words.add(joined[1].upper() if joined else "AND")
        position = joined.end() if joined else position
    if len(words) > 1:
        raise invalid("AND and OR can't be mixed in one query.", param="query")
    if words == {"OR"}:
        return lambda item: any(test(item) for test in tests)
    return lambda item: all(test(item) for test in tests)


def _test(clause: re.Match[str]) -> Test:
    key, name, operator = clause["key"], clause["field"], clause["operator"]
    negated = clause["negated"] is not None
    if key is None and name not in TEXT_FIELDS | NUMBER_FIELDS:
        raise invalid(f"Field `{name}` is an unsupported search field.", param="query")
    wanted: Any = clause["text"]
    if wanted is not None:
        wanted = re.sub(r"\\(.)", r"\1", wanted)
    elif clause["number"] is not None:
        wanted = int(clause["number"])
    if key is None and name in NUMBER_FIELDS and wanted is not None:
        if not isinstance(wanted, int) and not wanted.isdecimal():
            raise invalid(f"Field `{name}` takes a number.", param="query")
        wanted = int(wanted)
    if operator in (">", "<", ">=", "<=") and (key is not None or name not in NUMBER_FIELDS):
        raise invalid(f"The operator {operator} needs a numeric field.", param="query")

    def test(item: Json) -> bool:
        value: Any = item["metadata"].get(key) if key is not None else item.get(name)
        return _holds(value, operator, wanted) != negated

    return test


def _holds(value: Any, operator: str, wanted: Any) -> bool:
    if operator == ":":
        return bool(value == wanted)
    if value is None or wanted is None:
        return False
    if operator == "~":
        return str(wanted) in str(value)
    return bool({">": value > wanted, "<": value < wanted, ">=": value >= wanted, "<=": value <= wanted}[operator])
