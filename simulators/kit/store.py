"""An account's objects: collections of JSON objects by id, in order of creation.

Objects are kept as the bytes that the log holds. Every read gives a fresh copy, so a handler that changes what it read
and then refuses has changed nothing; only `put` does. All writing happens inside `Account.transaction()`.
"""

from collections.abc import Callable, Iterator
from typing import Any

import orjson

Json = dict[str, Any]


class Store:
    """Collections come into being with their first object. `indexes`: collection → the fields `find` is fast on."""

    def __init__(self, indexes: dict[str, tuple[str, ...]] | None = None) -> None:
        self._declared = indexes or {}
        self._records: dict[str, dict[str, bytes]] = {}
        self._index: dict[str, dict[str, dict[Any, dict[str, None]]]] = {}
        self._undo: list[tuple[str, str, bytes | None]] | None = None
        self.hidden: Callable[[str], bool] | None = None  # set by the exchange while a read is answered

    # -- reading
    def get(self, collection: str, object_id: str) -> Json | None:
        """A copy of the object, or None if there is none (or it is hidden from reads just now)."""
        raw = self._records.get(collection, {}).get(object_id)
        if raw is None or (self.hidden is not None and self.hidden(object_id)):
            return None
        value: Json = orjson.loads(raw)
        return value

    def __contains__(self, place: tuple[str, str]) -> bool:
        return place[1] in self._records.get(place[0], {})

    def ids(self, collection: str, *, newest_first: bool = False) -> list[str]:
        """Ids in order of creation; hidden ones left out."""
        keys = self._records.get(collection, {})
        ordered = reversed(keys) if newest_first else iter(keys)
        return [key for key in ordered if self.hidden is None or not self.hidden(key)]

    def all(self, collection: str, *, newest_first: bool = False) -> Iterator[Json]:
        """Copies of all objects in order of creation."""
        for object_id in self.ids(collection, newest_first=newest_first):
            found = self.get(collection, object_id)
            if found is not None:
                yield found

    def find(self, collection: str, field: str, value: Any) -> list[Json]:
        """Objects whose `field` equals `value`, in order of creation; by index if one is declared, else by a scan."""
        if field in self._declared.get(collection, ()):
            keys = self._index.get(collection, {}).get(field, {}).get(value, {})
            found = [self.get(collection, key) for key in list(keys)]
            return [item for item in found if item is not None]
        return [item for item in self.all(collection) if item.get(field) == value]

    def count(self, collection: str) -> int:
        """How many objects the collection holds."""
        return len(self._records.get(collection, {}))

    # -- writing
    def put(self, collection: str, value: Json) -> None:
        """Create or replace the object `value["id"]`. Raises RuntimeError outside a transaction."""
        self._set(collection, value["id"], orjson.dumps(value), value)

    def delete(self, collection: str, object_id: str) -> None:
        """Remove the object if it is there. Raises RuntimeError outside a transaction."""
        self._set(collection, object_id, None, None)

    def begin(self) -> None:
        """Open a transaction. Raises RuntimeError if one is open: handlers do not nest them."""
        if self._undo is not None:
            raise RuntimeError("a transaction is open already")
        self._undo = []

    def changes(self) -> list[list[Any]]:
        """What the open transaction changed: `[collection, id, object or null]`, as the log writes them."""
        changed = {(collection, key): None for collection, key, _ in self._undo or ()}
        changes: list[list[Any]] = []
        for collection, key in changed:
            raw = self._records.get(collection, {}).get(key)
            changes.append([collection, key, None if raw is None else orjson.Fragment(raw)])
        return changes

    def commit(self) -> None:
        """Close the transaction; its changes stand."""
        self._undo = None

    def rollback(self) -> None:
        """Undo everything since `begin`."""
        undo, self._undo = self._undo or [], None
        for collection, key, old in reversed(undo):
            self._apply(collection, key, old, None if old is None else orjson.loads(old))

    def replay(self, changes: list[list[Any]]) -> None:
        """Apply changes read from the log."""
        for collection, key, value in changes:
            self._apply(collection, key, None if value is None else orjson.dumps(value), value)

    def clear(self) -> None:
        """Forget everything."""
        self._records.clear()
        self._index.clear()
        self._undo = None

    def dump(self) -> dict[str, list[Json]]:
        """Everything, for tests and for people who look inside."""
        return {name: [orjson.loads(raw) for raw in records.values()] for name, records in self._records.items()}

    # -- inside
    def _set(self, collection: str, key: str, raw: bytes | None, value: Json | None) -> None:
        if self._undo is None:
            raise RuntimeError("objects change only inside a transaction")
        self._undo.append((collection, key, self._records.get(collection, {}).get(key)))
        self._apply(collection, key, raw, value)

    def _apply(self, collection: str, key: str, raw: bytes | None, value: Json | None) -> None:
        records = self._records.setdefault(collection, {})
        fields = self._declared.get(collection, ())
        if fields:
            self._unindex(collection, key, records.get(key), fields)
        if raw is None or value is None:
            records.pop(key, None)
            return
        records[key] = raw
        for field in fields:
            held = value.get(field)
            if held is not None:
                index = self._index.setdefault(collection, {}).setdefault(field, {})
                index.setdefault(held, {})[key] = None

    def _unindex(self, collection: str, key: str, old: bytes | None, fields: tuple[str, ...]) -> None:
        if old is None:
            return
        before = orjson.loads(old)
        for field in fields:
            self._index.get(collection, {}).get(field, {}).get(before.get(field), {}).pop(key, None)
