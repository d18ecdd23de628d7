"""Routes: method and path → handler. A tree of path segments, so that a hundred routes cost as much as ten."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from simulators.kit.faults import Facts
from simulators.kit.http import Answer, Request

if TYPE_CHECKING:
    from simulators.kit.accounts import Account, World
    from simulators.kit.exchange import Exchange

Handler = Callable[["Exchange"], Answer]


@dataclass(frozen=True, slots=True)
class Route:
    """One operation of a dialect.

    path       segments; `{name}` takes any one segment, given to the handler in `Exchange.params`
    handler    `(exchange) -> Answer`; plain function, no `await`: it runs inside one transaction
    operation  what fault rules call it: authorize, capture, void, refund, read; `*` for everything else
               (customers, payment methods …), which only rules without an operation match
    facts      finds what rules match (amount, card, reference …); None: only the operation is known
    account    for pages that carry no credential: finds the account another way; None: by the dialect's credential
    read_id    for reads: the parameter that names the object looked at (`manual(n)` lifecycles count looks)
    """

    method: str
    path: str
    handler: Handler
    operation: str = "*"
    facts: "Callable[[Exchange], Facts] | None" = None
    account: "Callable[[World, Request, Mapping[str, str]], Account | None] | None" = None
    read_id: str | None = None


@dataclass(slots=True)
class _Node:
    fixed: dict[str, "_Node"] = field(default_factory=dict)
    name: str | None = None
    any: "_Node | None" = None
    routes: dict[str, tuple[Route, tuple[str, ...]]] = field(default_factory=dict)


class Router:
    """Finds a route; a literal segment goes before a parameter, as in `/v1/things/search` beside `/v1/things/{id}`."""

    def __init__(self, routes: tuple[Route, ...]) -> None:
        self._root = _Node()
        for route in routes:
            self._add(route)

    def _add(self, route: Route) -> None:
        node, names = self._root, []
        for segment in route.path.strip("/").split("/"):
            if segment.startswith("{"):
                names.append(segment[1:-1])
                node.any = node.any or _Node()
                node = node.any
            else:
                node = node.fixed.setdefault(segment, _Node())
        if route.method in node.routes:
            raise ValueError(f"two routes for {route.method} {route.path}")
        node.routes[route.method] = (route, tuple(names))

    def find(self, method: str, path: str) -> tuple[Route | None, dict[str, str], bool]:
        """The route and its parameters; (None, {}, True) where the path exists with other methods only."""
        values: list[str] = []
        node = self._walk(self._root, path.strip("/").split("/"), 0, values)
        if node is None:
            return None, {}, False
        found = node.routes.get(method)
        if found is None:
            return None, {}, True
        return found[0], dict(zip(found[1], values, strict=True)), True

    def _walk(self, node: _Node, segments: list[str], depth: int, values: list[str]) -> _Node | None:
        if depth == len(segments):
            return node if node.routes else None
        following = node.fixed.get(segments[depth])
        if following is not None:
            found = self._walk(following, segments, depth + 1, values)
            if found is not None:
                return found
        if node.any is None or not segments[depth]:
            return None
        values.append(segments[depth])
        found = self._walk(node.any, segments, depth + 1, values)
        if found is None:
            values.pop()
        return found
