"""The dialect: how Stripe's requests become calls, and how answers and refusals become bytes."""

import base64
import hashlib
import hmac
import random
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from simulators.kit.accounts import World
from simulators.kit.app import Application
from simulators.kit.exchange import Exchange
from simulators.kit.faults import Facts, brought
from simulators.kit.http import Answer, Refusal, Request
from simulators.kit.idempotency import IdempotencyPolicy
from simulators.kit.routing import Route
from simulators.kit.spec import AsgiApp, Dialect, Problem, Signed
from simulators.stripe import errors, forms
from simulators.stripe.call import ACCOUNT_VERSION, INVOICE_REMOVED_IN, Call
from simulators.stripe.errors import CardDeclined, StripeError
from simulators.stripe.expand import expand
from simulators.stripe.movements import ACTIONS
from simulators.stripe.objects import Json
from simulators.stripe.pages import PAGES
from simulators.stripe.params import read_members
from simulators.stripe.routes import INDEXES, OPERATIONS, Operation

MAX_KEY = 255
"""Characters of an idempotency key, from the public API reference."""
KEY_RETENTION_S = 86_400.0
WEBHOOK_SCHEDULE_S = (3600.0, 7200.0)
"""Sandbox: three tries over a few hours. The pauses are a guess within that."""

_ids = random.SystemRandom()


def request_id() -> str:
    """A `Request-Id`; it names a request and is no part of the account's repeatable sequence."""
    return f"req_{_ids.getrandbits(80):020x}"[:18]


def _headers(request: Request, identifier: str) -> dict[str, str]:
    version = request.headers.get("stripe-version", ACCOUNT_VERSION)
    headers = {"request-id": identifier, "stripe-version": version}
    key = request.headers.get("idempotency-key")
    if key is not None and request.method == "POST":
        headers["idempotency-key"] = key
        headers["original-request"] = identifier
    return headers


def _error_answer(error: StripeError, request: Request, identifier: str | None = None) -> Answer:
    identifier = identifier or request_id()
    body = {**error.body, "request_log_url": f"https://dashboard.stripe.com/test/logs/{identifier}"}
    headers = _headers(request, identifier)
    headers["stripe-should-retry"] = "true" if error.status == 409 else "false"
    if error.status in (429, 500, 502, 503, 504):
        del headers["stripe-should-retry"]  # Stripe leaves these to the client's own judgement
    return Answer(error.status, orjson.dumps({"error": body}), headers)


def credential(request: Request) -> str | None:
    """The secret key: `Bearer`, or HTTP Basic with the key as the user name."""
    bearer = request.bearer()
    if bearer is not None:
        return bearer
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        return base64.b64decode(value, validate=True).decode("ascii").partition(":")[0]
    except ValueError:
        return None


def parse(request: Request) -> Json:
    """Query and body as one nested form. Raises `Refusal` with 400 for what can't be read."""
    try:
        form = forms.parse(request.query_string.encode("latin-1")) if request.query_string else {}
        if request.body:
            form.update(forms.parse_body(request.body, request.headers.get("content-type", "")))
    except forms.MalformedForm as malformed:
        refusal = errors.invalid(f"Invalid request (check that your request is form-encoded): {malformed}.")
        raise Refusal(_error_answer(refusal, request)) from None
    return form


def idempotency_key(request: Request) -> str | None:
    """The key, up to 255 characters. Raises `Refusal` for a longer one."""
    key = request.headers.get("idempotency-key")
    if key is not None and len(key) > MAX_KEY:
        refusal = errors.invalid(f"Idempotency keys can have up to {MAX_KEY} characters; yours has {len(key)}.")
        raise Refusal(_error_answer(refusal, request))
    return key or None


def problem(kind: Problem, detail: Mapping[str, Any], request: Request) -> Answer:
    """Stripe's answer to an error that the kit found."""
    key = request.headers.get("idempotency-key", "")
    makers: dict[Problem, Callable[[], StripeError]] = {
        "unauthenticated": lambda: errors.unauthorized(credential(request)),
        "unknown_route": lambda: errors.unrecognized_url(request.method, request.path),
        "method_not_allowed": lambda: errors.unrecognized_url(request.method, request.path),
        "malformed_request": lambda: errors.invalid("Invalid request: the body is too large."),
        "key_reused": lambda: errors.key_reused(key),
        "key_in_use": lambda: errors.key_in_use(key),
        "rate_limited": errors.rate_limited,
        "server_error": lambda: errors.server_error(int(detail["status"])),
    }
    answer = _error_answer(makers[kind](), request)
    if kind == "rate_limited":
        answer.headers["retry-after"] = str(detail["retry_after"])
        answer.headers["stripe-rate-limited-reason"] = "global-rate"
    return answer


def sign(secret: str, body: bytes, timestamp: int) -> Signed:
    """`Stripe-Signature` over `"<timestamp>.<body>"`, hexadecimal HMAC-SHA256 with the endpoint's secret."""
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {"stripe-signature": f"t={timestamp},v1={digest}"}, body


def _prepare(operation: Operation, needed: list[str]) -> Callable[[Exchange], Facts]:
    """Build the call, check its parameters, and say what rules can match. Refused here = refused before execution."""

    def facts(x: Exchange) -> Facts:
        request = x.request
        call = Call(x.account, path=tuple(x.params.values()), form=x.body, base_url=request.base_url)
        call.idempotency_key = x.key
        call.request_id = request_id()
        call.version = request.headers.get("stripe-version", ACCOUNT_VERSION)
        try:
            call.params = read_members(x.body, operation.members, needed)
            found = _facts(call, operation)
        except StripeError as refused:
            raise Refusal(_error_answer(refused, request, call.request_id)) from None
        x.body = {"call": call}
        return found

    return facts


def _facts(call: Call, operation: Operation) -> Facts:
    """What rules can match. Money operations know their amount, currency, card and our references."""
    rule, params = operation.rule, call.params
    facts = Facts(rule)
    if rule == "read" or rule == "*":
        return facts
    metadata = params.get("metadata") or {}
    facts.reference = metadata.get("payera_operation")
    facts.payment = metadata.get("payera_payment")
    facts.amount = params.get("amount", params.get("amount_to_capture"))
    intent = call.get("payment_intent", call.path[0]) if call.path else None
    if rule == "refund":
        charge = _refunded_charge(call)
        if charge is not None:
            facts.currency = charge["currency"].upper()
            facts.amount = charge["amount_captured"] if facts.amount is None else facts.amount
        return facts
    if intent is not None:
        facts.currency = intent["currency"].upper()
        if facts.amount is None:
            facts.amount = intent["amount_capturable"] if rule in ("capture", "void") else intent["amount"]
        facts.payment = facts.payment or intent["metadata"].get("payera_payment")
    if rule == "authorize":
        if intent is not None:
            facts.reference = facts.reference or intent["metadata"].get("payera_operation")
        if not call.path and not params.get("confirm"):
            facts.operation = "*"  # creating without confirming asks no issuer
        if "currency" in params:
            facts.currency = params["currency"].upper()
        _card_facts(call, facts, intent)
        facts.brought = _brought(params)
    return facts


def _brought(params: Json) -> Mapping[str, Any] | None:
    """What the request brings along from elsewhere, as the requests log shows it."""
    card = (params.get("payment_method_options") or {}).get("card") or {}
    proof = card.get("three_d_secure")
    authentication = None
    if proof:
        authentication = {
            "version": proof["version"],
            "eci": proof.get("electronic_commerce_indicator"),
            "ds_transaction_id": proof["transaction_id"],
            "cryptogram": proof["cryptogram"],
        }
    return brought((card.get("mit_exemption") or {}).get("network_transaction_id"), authentication)


def _refunded_charge(call: Call) -> Json | None:
    params = call.params
    identifier = params.get("charge")
    if identifier is None and "payment_intent" in params:
        intent = call.get("payment_intent", params["payment_intent"])
        identifier = intent["latest_charge"] if intent is not None else None
    return call.get("charge", identifier) if identifier is not None else None


def _card_facts(call: Call, facts: Facts, intent: Json | None) -> None:
    """Fingerprint, BIN, last four, name and e-mail of the card that is about to be charged."""
    params = call.params
    data = params.get("payment_method_data") or {}
    billing: Json = data.get("billing_details") or {}
    number = (data.get("card") or {}).get("number")
    method_id = params.get("payment_method") or (intent["payment_method"] if intent is not None else None)
    traits: tuple[str | None, str | None, str | None]
    if number is not None:
        traits = call.traits_of(number)
    elif method_id is not None:
        traits = call.traits_of_method(method_id)
        method = call.get("payment_method", method_id)
        billing = method["billing_details"] if method is not None else {}
    else:
        return
    facts.fingerprint, facts.bin, facts.last4 = traits
    facts.name, facts.email = billing.get("name"), billing.get("email") or params.get("receipt_email")


def _handle(operation: Operation) -> Callable[[Exchange], Answer]:
    """Run the handler and turn what it gives into bytes. A decline commits; another refusal undoes everything."""
    handler = operation.handler

    def run(x: Exchange) -> Answer:
        call: Call = x.body["call"]
        call.decision = x.decision
        status = 200
        try:
            answer = handler(call)
            if "expand" in call.params:
                answer = expand(call, answer)
        except CardDeclined as declined:
            result = _error_answer(declined, x.request, call.request_id)
            if declined.commits:
                call.flush()
            return result
        except StripeError as refused:
            result = _error_answer(refused, x.request, call.request_id)
            if refused.stored:
                return result
            raise Refusal(result) from None
        x.made = answer.get("id")
        if operation.method != "GET":
            call.flush()
        if call.version < INVOICE_REMOVED_IN:
            answer = with_invoice(answer)
        identifier = call.request_id or request_id()
        return Answer(status, orjson.dumps(answer), _headers(x.request, identifier))

    return run


def with_invoice(node: Json) -> Json:
    """Older versions show `invoice` on intents and charges. Events keep the account's version."""
    if node.get("object") in ("payment_intent", "charge"):
        node = {**node, "invoice": None}
    for name in ("latest_charge", "payment_intent", "charge"):
        if isinstance(node.get(name), dict):
            node = {**node, name: with_invoice(node[name])}
    if node.get("object") in ("list", "search_result"):
        node = {**node, "data": [with_invoice(item) for item in node["data"]]}
    return node


ROUTES = tuple(
    Route(
        operation.method,
        operation.path,
        _handle(operation),
        operation=operation.rule,
        facts=_prepare(operation, operation.needed),
        read_id=operation.path.rpartition("{")[2][:-1] if operation.path.endswith("}") else None,
    )
    for operation in OPERATIONS
)

DIALECT = Dialect(
    credential=credential,
    parse=parse,
    problem=problem,
    idempotency_key=idempotency_key,
    idempotency=IdempotencyPolicy(
        keeps="answered",
        repeat="bytes",
        same_request=True,
        retention_s=KEY_RETENTION_S,
        replay_header=("idempotent-replayed", "true"),
    ),
    actions=ACTIONS,
    indexes=INDEXES,
    sign=sign,
    webhook_schedule=WEBHOOK_SCHEDULE_S,
    webhook_headers={"user-agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)"},
    webhook_content_type="application/json; charset=utf-8",
)


def build(world: World) -> AsgiApp:
    """The ASGI application."""
    return Application(world, ROUTES + PAGES)


def new_credentials(source: random.Random) -> dict[str, str]:
    """Keys in Stripe's shape: `sk_test_51…`, `pk_test_51…`, and the secret of the control plane's endpoint."""
    letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    account = "".join(source.choices(letters, k=14))
    return {
        "api_key": f"sk_test_51{account}{''.join(source.choices(letters, k=80))}",
        "publishable_key": f"pk_test_51{account}{''.join(source.choices(letters, k=80))}",
        "webhook_secret": f"whsec_{''.join(source.choices(letters, k=32))}",
    }
