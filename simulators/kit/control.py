"""The control plane: JSON without authentication on a loopback port of its own, apart from every PSP's URLs."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulators.kit import lifecycle, openapi, settlement, triggers
from simulators.kit.accounts import Account, World, iso
from simulators.kit.actions import BadRule
from simulators.kit.control_openapi import control_document
from simulators.kit.settlement import BadSettlement
from simulators.kit.webhooks import OWN

if TYPE_CHECKING:
    from simulators.kit.serving import Simulators

Json = dict[str, Any]
END_OF_TIME = 32_503_680_000.0
"""The year 3000, in seconds since the epoch: dates behind it cannot be written any more once something adds to them."""


class ControlError(Exception):
    """Refused; `status` is the HTTP status, the message says what would do."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def _answer(status: int, value: Any) -> Response:
    return Response(orjson.dumps(value), status, media_type="application/json")


async def _body(request: Request) -> Json:
    raw = await request.body()
    try:
        value = orjson.loads(raw) if raw else {}
    except orjson.JSONDecodeError as wrong:
        raise ControlError(400, f"not JSON: {wrong}") from None
    if not isinstance(value, dict):
        raise ControlError(400, "a JSON object is needed")
    return value


def _only(body: Json, *known: str) -> None:
    unknown = sorted(set(body) - set(known))
    if unknown:
        raise ControlError(422, f"unknown field {', '.join(unknown)}; known: {', '.join(known)}")


def _view(account: Account) -> Json:
    return {
        "account": account.id,
        "simulator": account.world.slug,
        "url": account.door.url if account.door is not None else account.world.url,
        **account.credentials,
        **({"settings": account.settings} if account.settings else {}),
        "door": account.door is not None,
    }


class Control:
    """The handlers; each takes the Starlette request and the account it is about."""

    def __init__(self, running: "Simulators") -> None:
        self._running = running

    # -- the whole
    async def health(self, request: Request) -> Response:
        return _answer(200, {"status": "ok"})

    async def simulators(self, request: Request) -> Response:
        worlds = self._running.worlds.values()
        return _answer(200, [{"slug": w.slug, "title": w.spec.title, "url": w.url} for w in worlds])

    async def openapi(self, request: Request) -> Response:
        return _answer(200, openapi.of_world(self.world(request)))

    async def own_openapi(self, request: Request) -> Response:
        found = [(m, r.path) for r in request.app.routes for m in sorted((r.methods or set()) - {"HEAD"})]
        return _answer(200, control_document(str(request.base_url).rstrip("/"), found))

    async def triggers(self, request: Request) -> Response:
        return _answer(200, triggers.of_world(self.world(request)))

    def world(self, request: Request) -> World:
        slug = request.path_params["slug"]
        found = self._running.worlds.get(slug)
        if found is None:
            raise ControlError(404, f"no simulator {slug!r}; there are: {', '.join(self._running.worlds)}")
        return found

    # -- accounts
    async def create(self, request: Request) -> Response:
        world, body = self.world(request), await _body(request)
        _only(body, "api_key", "webhook_secret", "publishable_key", "settings", "door", "seed")
        door, seed, settings = body.pop("door", False), body.pop("seed", None), body.pop("settings", {})
        if not isinstance(door, bool) or (seed is not None and type(seed) is not int):
            raise ControlError(422, "door is true or false, seed an integer")
        if not all(value is None or (isinstance(value, str) and value) for value in body.values()):
            raise ControlError(422, "keys and secrets are strings")
        if not isinstance(settings, dict) or not all(isinstance(v, str) and v for v in settings.values()):
            raise ControlError(422, "settings is an object of strings")
        account = world.by_key.get(body.get("api_key") or "")
        status = 200
        if account is None:
            try:
                account, status = world.create({**body, "settings": settings}, seed), 201
            except ValueError:  # the keys follow from the seed
                raise ControlError(409, "an account with this seed exists: name other keys or another seed") from None
        elif any(value and account.credentials.get(name) != value for name, value in body.items()):
            raise ControlError(409, "an account with this API key exists and has other secrets")
        elif any(account.settings.get(name) != value for name, value in settings.items()):
            raise ControlError(409, "an account with this API key exists and has other settings")
        if door and account.door is None:
            self._running.give_door(account)
        return _answer(status, _view(account))

    async def accounts(self, request: Request) -> Response:
        return _answer(200, {"accounts": [_view(account) for account in self.world(request).accounts.values()]})

    async def show(self, request: Request, account: Account) -> Response:
        return _answer(200, _view(account))

    async def delete(self, request: Request, account: Account) -> Response:
        account.world.delete(account)
        return _answer(200, {"account": account.id, "deleted": True})

    async def reset(self, request: Request, account: Account) -> Response:
        account.world.reset(account)
        return _answer(200, {"account": account.id, "reset": True})

    # -- notifications
    async def put_webhook(self, request: Request, account: Account) -> Response:
        body = await _body(request)
        _only(body, "url", "events", "secret")
        url, events = body.get("url"), body.get("events", ["*"])
        if account.world.spec.dialect.sign is None:
            raise ControlError(422, f"{account.world.spec.title} sends no notifications")
        if not isinstance(url, str) or not url.startswith(("http://", "https://")):
            raise ControlError(422, "url: an http or https address is needed")
        if not isinstance(events, list) or not all(isinstance(event, str) for event in events):
            raise ControlError(422, 'events: a list of event types, or ["*"]')
        secret = body.get("secret") or account.webhook_secret
        await account.world.sender.ready()
        with account.transaction():
            account.webhooks.put_endpoint({"id": OWN, "url": url, "secret": secret, "events": events})
        return _answer(200, {"url": url, "events": events, "secret": secret})

    async def webhooks(self, request: Request, account: Account) -> Response:
        return _answer(200, {"deliveries": account.webhooks.deliveries()})

    async def resend(self, request: Request, account: Account) -> Response:
        event = request.path_params["event"]
        count = account.webhooks.resend(event)
        if count == 0:
            raise ControlError(404, f"no event {event!r} went to any endpoint of this account")
        return _answer(202, {"event": event, "endpoints": count})

    # -- faults
    async def add_fault(self, request: Request, account: Account) -> Response:
        rule = account.add_fault(await _body(request))
        return _answer(201, rule.view())

    async def faults(self, request: Request, account: Account) -> Response:
        return _answer(200, {"faults": [rule.view() for rule in account.faults.rules]})

    async def remove_faults(self, request: Request, account: Account) -> Response:
        rule_id = request.path_params.get("fault")
        removed = account.remove_faults(rule_id)
        if rule_id is not None and not removed:
            raise ControlError(404, f"no fault {rule_id!r}")
        return _answer(200, {"removed": removed})

    # -- looking
    async def journal(self, request: Request, account: Account) -> Response:
        return _answer(200, {"entries": account.journal.entries})

    async def settlement(self, request: Request, account: Account) -> Response:
        unknown = sorted(set(request.query_params) - {"from", "to"})
        if unknown:
            raise ControlError(422, f"unknown parameter {', '.join(unknown)}; known: from, to")
        begins, ends = (
            settlement.moment(request.query_params[name], name) if name in request.query_params else None
            for name in ("from", "to")
        )
        made = settlement.statement(account, begins, ends)
        layout = settlement.format_of(account.world.slug)
        named = {"content-disposition": f'attachment; filename="{layout.name(made)}"'}
        return Response(layout.render(made), 200, named, "text/csv")

    async def requests(self, request: Request, account: Account) -> Response:
        return _answer(200, {"requests": [{**line, "at": iso(line["at"])} for line in account.requests]})

    # -- time and movement
    async def clock(self, request: Request, account: Account) -> Response:
        return _answer(200, _clock(account))

    async def move_clock(self, request: Request, account: Account) -> Response:
        body = await _body(request)
        _only(body, "advance_s", "now")
        if len(body) != 1:
            raise ControlError(422, "either advance_s (seconds) or now (ISO 8601 or seconds since the epoch)")
        seconds = body["advance_s"] if "advance_s" in body else _moment(body["now"]) - account.clock.now()
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds < 0:
            raise ControlError(422, "a virtual clock only goes forward")
        if not account.clock.now() + seconds <= END_OF_TIME:
            raise ControlError(422, "a virtual clock goes up to the year 3000")
        done = await account.advance(float(seconds))
        return _answer(200, {**_clock(account), "fired": done})

    async def settle(self, request: Request, account: Account) -> Response:
        body = await _body(request)
        _only(body, "object", "action", "data")
        action, known = body.get("action"), account.world.spec.dialect.actions
        if not isinstance(body.get("object"), str) or (action is not None and action not in known):
            raise ControlError(422, f"object: its id; action: one of {', '.join(known) or 'none'}")
        data = body.get("data", {})
        if not isinstance(data, dict):
            raise ControlError(422, "data: an object of what the action takes")
        if not lifecycle.settle(account, body["object"], action, data):
            raise ControlError(409, "this object waits for nothing")
        return _answer(200, {"object": body["object"], "settled": True})

    async def lifecycle(self, request: Request, account: Account) -> Response:
        account.set_lifecycle(await _body(request))
        return _answer(200, {"lifecycle": sorted(account.lifecycle)})


def _clock(account: Account) -> Json:
    now = account.clock.now()
    return {"now": iso(now), "now_s": now, "offset_s": account.clock.offset, "waiting": account.clock.pending()}


def _moment(value: Any) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    try:
        return datetime.fromisoformat(str(value)).timestamp()
    except ValueError:
        raise ControlError(422, f"now: ISO 8601 or seconds since the epoch, not {value!r}") from None


def control_app(running: "Simulators") -> Starlette:
    """The application of docs/architecture.md, section 6."""
    control = Control(running)
    one = "/v1/{slug}/accounts/{account}"

    def about(handler: Callable[[Request, Account], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            found = control.world(request).accounts.get(request.path_params["account"])
            if found is None:
                raise ControlError(404, f"no account {request.path_params['account']!r}")
            return await handler(request, found)

        return endpoint

    routes = [
        Route("/healthz", control.health),
        Route("/openapi.json", control.own_openapi),
        Route("/v1/simulators", control.simulators),
        Route("/v1/simulators/{slug}/openapi.json", control.openapi),
        Route("/v1/simulators/{slug}/triggers", control.triggers),
        Route("/v1/{slug}/accounts", control.create, methods=["POST"]),
        Route("/v1/{slug}/accounts", control.accounts, methods=["GET"]),
        Route(one, about(control.show), methods=["GET"]),
        Route(one, about(control.delete), methods=["DELETE"]),
        Route(f"{one}/webhook", about(control.put_webhook), methods=["PUT"]),
        Route(f"{one}/faults", about(control.add_fault), methods=["POST"]),
        Route(f"{one}/faults", about(control.faults), methods=["GET"]),
        Route(f"{one}/faults", about(control.remove_faults), methods=["DELETE"]),
        Route(f"{one}/faults/{{fault}}", about(control.remove_faults), methods=["DELETE"]),
        Route(f"{one}/journal", about(control.journal)),
        Route(f"{one}/settlement", about(control.settlement)),
        Route(f"{one}/requests", about(control.requests)),
        Route(f"{one}/clock", about(control.clock), methods=["GET"]),
        Route(f"{one}/clock", about(control.move_clock), methods=["POST"]),
        Route(f"{one}/reset", about(control.reset), methods=["POST"]),
        Route(f"{one}/webhooks", about(control.webhooks)),
        Route(f"{one}/webhooks/{{event}}/resend", about(control.resend), methods=["POST"]),
        Route(f"{one}/settle", about(control.settle), methods=["POST"]),
        Route(f"{one}/lifecycle", about(control.lifecycle), methods=["PUT"]),
    ]

    async def refused(request: Request, error: Exception) -> Response:
        status = error.status if isinstance(error, ControlError) else 422
        return _answer(status, {"error": {"message": str(error)}})

    return Starlette(
        routes=routes, exception_handlers={ControlError: refused, BadRule: refused, BadSettlement: refused}
    )
