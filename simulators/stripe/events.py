"""Events and webhook endpoints: what happened, and where it is told."""

from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from simulators.kit.webhooks import ENDPOINTS
from simulators.stripe import lists, objects
from simulators.stripe.call import Call
from simulators.stripe.errors import invalid
from simulators.stripe.objects import Json
from simulators.stripe.params import merge_metadata

MAX_ENDPOINTS = 16
"""Endpoints per account, from the public webhooks page."""
MAX_TYPES = 20
RETENTION_S = 30 * 86_400
"""Events can be read for 30 days, as the public API reference says."""


def retrieve(call: Call) -> Json:
    """`GET /v1/events/{id}`."""
    return call.need("event", call.path[0], "id")


def list_all(call: Call) -> Json:
    """`GET /v1/events`: newest first, by `type` (with `*`) or `types[]`, at most 30 days back."""
    kind, kinds = call.params.get("type"), call.params.get("types")
    if kind is not None and kinds is not None:
        raise invalid("You may only specify one of these parameters: type, types.")
    if kinds is not None and len(kinds) > MAX_TYPES:
        raise invalid(f"You may specify at most {MAX_TYPES} types.", param="types")
    created = call.params.setdefault("created", {})
    created["gte"] = max(created.get("gte", 0), call.created - RETENTION_S)
    if kind is None and kinds is None:
        return lists.page(call, "event", "/v1/events")
    patterns = kinds or [kind]
    every = call.account.store.all("event", newest_first=True)
    items = [event for event in every if any(fnmatchcase(event["type"], pattern) for pattern in patterns)]
    return lists.page(call, "event", "/v1/events", items)


def create_endpoint(call: Call) -> Json:
    """`POST /v1/webhook_endpoints`; only this answer shows the secret."""
    params = call.params
    if call.account.store.count("webhook_endpoint") >= MAX_ENDPOINTS:
        raise invalid(f"You have reached the maximum of {MAX_ENDPOINTS} test webhook endpoints.")
    url = _checked_url(params["url"])
    endpoint = objects.webhook_endpoint(call.new_id("we_1", 23), call.created, url, params["enabled_events"])
    endpoint["api_version"] = params.get("api_version")
    endpoint["description"] = params.get("description")
    endpoint["metadata"] = merge_metadata({}, params.get("metadata", {}))
    secret = call.new_id("whsec_", 32)
    call.put("webhook_endpoint", endpoint)
    call.account.webhooks.put_endpoint(
        {"id": endpoint["id"], "url": url, "secret": secret, "events": endpoint["enabled_events"]}
    )
    return {**endpoint, "secret": secret}


def _checked_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        message = "Invalid URL: An explicit scheme (such as https) must be provided."
        raise invalid(message, code="url_invalid", param="url")
    return url


def retrieve_endpoint(call: Call) -> Json:
    """`GET /v1/webhook_endpoints/{id}`."""
    return call.need("webhook_endpoint", call.path[0], "webhook_endpoint", kind="webhook endpoint")


def update_endpoint(call: Call) -> Json:
    """`POST /v1/webhook_endpoints/{id}`."""
    before = retrieve_endpoint(call)
    params = call.params
    endpoint = dict(before)
    if "url" in params:
        endpoint["url"] = _checked_url(params["url"])
    for name in ("description", "enabled_events"):
        if name in params:
            endpoint[name] = params[name]
    if "disabled" in params:
        endpoint["status"] = "disabled" if params["disabled"] else "enabled"
    if "metadata" in params:
        endpoint["metadata"] = merge_metadata(before["metadata"], params["metadata"])
    kept = call.account.store.get(ENDPOINTS, endpoint["id"])
    if kept is not None:
        kept |= {
            "url": endpoint["url"],
            "events": endpoint["enabled_events"],
            "disabled": endpoint["status"] == "disabled",
        }
        call.account.webhooks.put_endpoint(kept)
    return call.put("webhook_endpoint", endpoint)


def delete_endpoint(call: Call) -> Json:
    """`DELETE /v1/webhook_endpoints/{id}`."""
    endpoint = retrieve_endpoint(call)
    call.delete("webhook_endpoint", endpoint["id"])
    call.account.webhooks.remove_endpoint(endpoint["id"])
    return objects.deleted(endpoint["id"], "webhook_endpoint")


def list_endpoints(call: Call) -> Json:
    """`GET /v1/webhook_endpoints`."""
    return lists.page(call, "webhook_endpoint", "/v1/webhook_endpoints")
