"""The demo merchant with accounts at the simulators, made through the public doors as in the embedded environment."""

import json
from typing import Any

from compose.containers.state import Folder, Published
from compose.embedded.http import CallFailed, call
from compose.embedded.layout import read_json
from compose.embedded.process import write_private
from compose.embedded.seed import PROVIDERS, connect, new_merchant

Json = dict[str, Any]


class DemoFailed(Exception):
    """A door did not answer as it should; the message says which."""


def seed(folder: Folder, published: Published, gateway_inside: str) -> tuple[Json, Json]:
    """The merchant and the simulators with its accounts: those of an earlier start, whose volumes live on, or new ones.

    A simulator's `url` is the one for this machine; the gateway was told the one that its containers know.
    """
    file = folder.path / "merchant.json"
    known = read_json(file)
    try:
        if known is None:
            known = _make(folder, published, gateway_inside)
            write_private(file, json.dumps(known, indent=1))
    except CallFailed as error:
        raise DemoFailed(str(error)) from error
    ports = published.simulators()
    simulators: Json = {slug: {"url": f"http://127.0.0.1:{port}"} for slug, port in ports.items()}
    for slug, account in known["accounts"].items():
        simulators[slug] = {**account, **simulators[slug]}
    merchant: Json = known["merchant"]
    return merchant, simulators


def _make(folder: Folder, published: Published, gateway_inside: str) -> Json:
    gateway, control = published.url("gateway"), published.url("control")
    merchant = new_merchant(gateway, folder.secret("admin_key"), "demo")
    there = {entry["slug"] for entry in call("GET", f"{control}/v1/simulators")}
    key = merchant["secret_key"]
    accounts = {
        slug: connect(gateway, control, key, slug, webhooks_to=gateway_inside) for slug in PROVIDERS if slug in there
    }
    call("PUT", f"{gateway}/v1/routing", {"providers": list(accounts), "max_fallbacks": 1}, bearer=key)
    return {"merchant": merchant, "accounts": accounts}
