"""Lists: newest first, `starting_after` / `ending_before`, `limit` from 1 to 100 (10 by default), `created` ranges."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from simulators.stripe.call import Call
from simulators.stripe.errors import invalid, not_found
from simulators.stripe.objects import Json, listing
from simulators.stripe.params import Listed, Moment, Reader, Text, Whole

PAGE: Mapping[str, Reader] = {
    "limit": Whole(),
    "starting_after": Text(),
    "ending_before": Text(),
    "expand": Listed(Text()),
}
CREATED: Mapping[str, Reader] = {"created": Moment()}
DEFAULT_LIMIT, MAX_LIMIT = 10, 100


def limit_of(call: Call) -> int:
    """The page size. Raises `parameter_invalid_integer` outside 1..100."""
    limit: int = call.params.get("limit", DEFAULT_LIMIT)
    if limit < 1:
        raise invalid("This value must be greater than or equal to 1.", code="parameter_invalid_integer", param="limit")
    if limit > MAX_LIMIT:
        raise invalid(
            f"This value must be less than or equal to {MAX_LIMIT} (it currently is '{limit}').",
            code="parameter_invalid_integer",
            param="limit",
        )
    return limit


def page(call: Call, collection: str, url: str, items: list[Json] | None = None, **equal: Any) -> Json:
    """The page that the request asks for.

    `items` are the candidates, newest first; without them the whole collection is walked lazily. `equal` names fields
    and the values they must have; None is no condition. Raises `resource_missing` for a cursor that names nothing.
    """
    limit = limit_of(call)
    after, before = call.params.get("starting_after"), call.params.get("ending_before")
    if after is not None and before is not None:
        raise invalid("You cannot specify both starting_after and ending_before.")
    for param, cursor in (("starting_after", after), ("ending_before", before)):
        if cursor is not None and call.get(collection, cursor) is None:
            raise not_found(collection, cursor, param, status=400)
    wanted = {field: value for field, value in equal.items() if value is not None}
    source = _after(items, after) if items is not None else _walk(call, collection, after)
    created = call.params.get("created")
    if before is not None:
        newer = []
        for item in source:
            if item["id"] == before:
                break
            if _matches(item, wanted, created):
                newer.append(item)
        # The page that ends just before the cursor: the nearest ones, still newest first.
        return listing(url, newer[-limit:], len(newer) > limit)
    data = list(islice((item for item in source if _matches(item, wanted, created)), limit + 1))
    return listing(url, data[:limit], len(data) > limit)


def _after(items: list[Json], after: str | None) -> Iterator[Json]:
    identifiers = [item["id"] for item in items]
    return iter(items[identifiers.index(after) + 1 :] if after in identifiers else items)


def _walk(call: Call, collection: str, after: str | None) -> Iterator[Json]:
    """Stored objects, newest first, from behind the cursor; only those that are looked at are read."""
    identifiers = call.account.store.ids(collection, newest_first=True)
    start = identifiers.index(after) + 1 if after in identifiers else 0
    for identifier in islice(identifiers, start, None):
        found = call.account.store.get(collection, identifier)
        if found is not None:
            yield found


_COMPARE = {
    "gt": lambda value, limit: value > limit,
    "gte": lambda value, limit: value >= limit,
    "lt": lambda value, limit: value < limit,
    "lte": lambda value, limit: value <= limit,
}


def _matches(item: Json, wanted: Mapping[str, Any], created: Mapping[str, int] | None) -> bool:
    if any(item[field] != value for field, value in wanted.items()):
        return False
    return not created or within(item["created"], created)


def within(moment: int, limits: Mapping[str, int]) -> bool:
    """Whether a time lies in the range that a `Moment` parameter gave."""
    return all(_COMPARE[word](moment, limit) for word, limit in limits.items())
