"""What the shopper must do first: 3D Secure, native or by redirect, and methods that only exist as a redirect.

A flow is `{kind, step, done}` of a payment in state `action`. `step` is fingerprint, challenge or redirect; `done` is
what the shopper did on the simulator's page: a transStatus of EMV 3DS (`Y`, `N`), `cancelled`, or nothing yet.
"""

import base64
import hashlib
from typing import Any

import orjson

from simulators.adyen import standing
from simulators.kit.accounts import Account

Json = dict[str, Any]
FRICTIONLESS, CHALLENGE, FULL, REDIRECT = "frictionless", "challenge", "fingerprint_and_challenge", "redirect"
KINDS = (FRICTIONLESS, CHALLENGE, FULL, REDIRECT)
VERSION = "2.2.0"
RESULT_OF_STEP = {"fingerprint": "IdentifyShopper", "challenge": "ChallengeShopper", "redirect": "RedirectShopper"}


def begin(account: Account, payment: Json, kind: str, *, native: bool) -> None:
    """Let the payment wait for the shopper. Not native: every kind is a redirect, the page does the rest."""
    step = "redirect" if not native or kind == REDIRECT else "challenge" if kind == CHALLENGE else "fingerprint"
    payment |= {"state": "action", "result": RESULT_OF_STEP[step]}
    payment["flow"] = {"kind": kind, "step": step, "done": None, "server_transaction": _uuid(account)}
    payment["continuation"] = f"{account.new_id('', 8)}!{account.new_id('', 64)}"
    account.store.put(standing.PAYMENTS, payment)


def _uuid(account: Account) -> str:
    digits = account.new_id("", 32, "0123456789abcdef")
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def action(payment: Json, base_url: str) -> Json:
    """The `action` object of an answer. `base_url` is the address the client called: pages are below it."""
    flow = payment["flow"]
    if flow["step"] == "redirect":
        return {
            "type": "redirect",
            "method": "GET",
            "url": f"{base_url}/simulator/redirect/{payment['id']}",
            "paymentMethodType": payment["type"],
        }
    return {
        "type": "threeDS2",
        "subtype": flow["step"],
        "token": _encode(_token(payment, base_url)),
        "authorisationToken": payment["continuation"],
        "paymentData": payment["continuation"],
        "paymentMethodType": payment["type"],
    }


def _token(payment: Json, base_url: str) -> Json:
    flow = payment["flow"]
    token = {"threeDSServerTransID": flow["server_transaction"], "threeDSMessageVersion": VERSION}
    if flow["step"] == "fingerprint":
        return token | {"threeDSMethodURL": f"{base_url}/simulator/method/{payment['id']}"}
    acs = {
        "acsReferenceNumber": "PAYERA_SIMULATED_ACS",
        "acsTransID": flow["server_transaction"],
        "acsURL": f"{base_url}/simulator/challenge/{payment['id']}",
    }
    return token | acs


def _encode(value: Json) -> str:
    return base64.b64encode(orjson.dumps(value)).decode()


def decode(text: str) -> Json:
    """A base64 JSON object as components and SDKs send it; empty if it cannot be read."""
    try:
        value = orjson.loads(base64.b64decode(text + "=" * (-len(text) % 4), validate=False))
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def challenge_result(payment: Json, status: str) -> str:
    """The `threeDSResult` that a component makes of a finished challenge."""
    return _encode({"transStatus": status, "authorisationToken": payment["continuation"]})


def authenticated(payment: Json, status: str, *, challenged: bool) -> Json:
    """What is known after 3D Secure: a `three_ds` record. `status` is the transStatus."""
    flow = payment["flow"]
    digest = hashlib.sha256(flow["server_transaction"].encode()).digest()
    return {
        "status": status,
        "challenged": challenged,
        "version": VERSION,
        "server_transaction": flow["server_transaction"],
        "ds_transaction": flow["server_transaction"],
        "eci": standing.eci(payment["method"], status),
        "cavv": base64.b64encode(digest[:20]).decode(),
    }


def brought(mpi: Json, method: str) -> Json:
    """The same of an authentication that the merchant did elsewhere (`mpiData`)."""
    status = mpi.get("authenticationResponse") or mpi.get("directoryResponse") or "U"
    return {
        "status": status,
        "challenged": mpi.get("authenticationResponse") is not None,
        "version": mpi.get("threeDSVersion", VERSION),
        "server_transaction": mpi.get("dsTransID", ""),
        "ds_transaction": mpi.get("dsTransID", ""),
        "eci": mpi.get("eci") or standing.eci(method, status),
        "cavv": mpi.get("cavv", ""),
    }


def result_view(payment: Json) -> Json:
    """`threeDS2Result`: what an authentication alone gives to the merchant."""
    done = payment["three_ds"]
    return {
        "authenticationValue": done["cavv"],
        "dsTransID": done["ds_transaction"],
        "eci": done["eci"],
        "messageVersion": done["version"],
        "threeDSServerTransID": done["server_transaction"],
        "transStatus": done["status"],
    }
