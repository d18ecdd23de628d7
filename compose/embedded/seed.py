"""What a person finds in a fresh environment: a merchant with accounts at the simulators, and env.json to tell of it.

Everything goes through the public doors (the admin API and the simulators' control plane), so it shows on every start
that those work. A second start keeps the merchant and its accounts where they still fit the simulators' addresses.
"""

import json
from typing import Any
from urllib.parse import urlsplit

from compose.embedded.http import CallFailed, call
from compose.embedded.layout import read_json
from compose.embedded.process import write_private
from compose.embedded.services import DATABASE, TOPIC, Plan

Json = dict[str, Any]
PROVIDERS = ("stripe", "adyen", "checkout", "dummypay")
"""The demo merchant's route, in order."""


def describe(plan: Plan) -> Json:
    """Seed the demo merchant and return env.json. Raises `CallFailed` if a door does not answer as it should."""
    merchant: Json | None = None
    simulators: Json = {}
    if not plan.parts_only:
        merchant, simulators = _seed(plan)
    return {
        "gateway": None if plan.parts_only else plan.gateway_url,
        "console": None,
        "control": None if plan.parts_only else plan.control_url,
        "merchant": merchant,
        "admin_key": plan.secrets.admin_key,
        "simulators": simulators,
        "postgres": plan.postgres.dsn(DATABASE),
        "temporal": plan.temporal.address,
        "kafka": plan.kafka.address,
        "broker": plan.broker,
        "topic": TOPIC,
        "supervisor": str(plan.layout.socket),
        "state": str(plan.layout.state),
    }


def _seed(plan: Plan) -> tuple[Json, Json]:
    """The demo merchant and the simulators with its accounts at them."""
    merchant = _merchant(plan)
    simulators = {entry["slug"]: {"url": entry["url"]} for entry in call("GET", f"{plan.control_url}/v1/simulators")}
    plan.simulator_ports.update({slug: urlsplit(entry["url"]).port or 0 for slug, entry in simulators.items()})
    known = read_json(plan.layout.merchant_file) or {}
    accounts: Json = {}
    for slug in [slug for slug in PROVIDERS if slug in simulators]:
        account = known.get("accounts", {}).get(slug)
        if account is None or not _still_fits(plan, merchant, slug, account):
            account = connect(plan.gateway_url, plan.control_url, merchant["secret_key"], slug)
        accounts[slug] = account
        simulators[slug] = {**account, "url": account["url"]}
    if set(known.get("accounts", {})) != set(accounts) or known.get("accounts") != accounts:
        routing = {"providers": list(accounts), "max_fallbacks": 1}
        call("PUT", f"{plan.gateway_url}/v1/routing", routing, bearer=merchant["secret_key"])
    write_private(plan.layout.merchant_file, json.dumps({"merchant": merchant, "accounts": accounts}, indent=1))
    return merchant, simulators


def _merchant(plan: Plan) -> Json:
    """The demo merchant: the one of an earlier start if its key still opens the door."""
    known = read_json(plan.layout.merchant_file)
    if known is not None:
        merchant: Json = known["merchant"]
        try:
            call("GET", f"{plan.gateway_url}/v1/routing", bearer=merchant["secret_key"])
        except CallFailed as error:
            if "HTTP 404" not in str(error):  # no routing yet is fine; an unknown key is not
                return new_merchant(plan.gateway_url, plan.secrets.admin_key, "demo")
        return merchant
    return new_merchant(plan.gateway_url, plan.secrets.admin_key, "demo")


def new_merchant(gateway: str, admin_key: str, name: str) -> Json:
    """A merchant with its keys: `{id, secret_key, publishable_key}`."""
    made = call("POST", f"{gateway}/v1/merchants", {"name": name}, bearer=admin_key)
    return {key: made[key] for key in ("id", "secret_key", "publishable_key")}


def connect(
    gateway: str,
    control: str,
    secret_key: str,
    slug: str,
    settings: Json | None = None,
    *,
    webhooks_to: str | None = None,
) -> Json:
    """Open an account at a simulator and tell both sides of each other.

    `webhooks_to`: the gateway's URL as the simulators reach it, where that differs from `gateway`.

    The account as the control plane gave it, plus `provider_account` (the gateway's id of it). What the account's own
    `settings` say (Adyen: the merchant account) goes into the provider account's, beside `settings`.
    """
    account: Json = call("POST", f"{control}/v1/{slug}/accounts", {})
    body: Json = {"provider": slug, "base_url": account["url"]}
    body["credentials"] = {"api_key": account["api_key"], "webhook_secret": account["webhook_secret"]}
    if settings or account.get("settings"):
        body["settings"] = {**account.get("settings", {}), **(settings or {})}
    made = call("POST", f"{gateway}/v1/provider_accounts", body, bearer=secret_key)
    webhook = {"url": (webhooks_to or gateway) + made["webhook_path"], "events": made["webhook_events"]}
    call("PUT", f"{control}/v1/{slug}/accounts/{account['account']}/webhook", webhook)
    return {**account, "provider_account": made["id"]}


def _still_fits(plan: Plan, merchant: Json, slug: str, account: Json) -> bool:
    """True if the simulator remembers the account at the same address; else the gateway forgets it too."""
    key = merchant["secret_key"]
    try:
        found = call("GET", f"{plan.control_url}/v1/{slug}/accounts/{account['account']}")
        if found["url"] == account["url"]:
            known = call("GET", f"{plan.gateway_url}/v1/provider_accounts/{account['provider_account']}", bearer=key)
            webhook = {"url": plan.gateway_url + known["webhook_path"], "events": known["webhook_events"]}
            call("PUT", f"{plan.control_url}/v1/{slug}/accounts/{account['account']}/webhook", webhook)
            return True
        call("DELETE", f"{plan.gateway_url}/v1/provider_accounts/{account['provider_account']}", bearer=key)
    except CallFailed:
        return False
    return False
