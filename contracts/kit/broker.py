"""A Pact Broker over its HAL API: pacts and results go there, and it says whether a version may be deployed.

Source: the broker's own API documentation (publish pact, publish verification results, can-i-deploy). Credentials come
from the environment under the names that every Pact tool uses: PACT_BROKER_TOKEN, or PACT_BROKER_USERNAME and
PACT_BROKER_PASSWORD.
"""

import base64
import json
import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

Json = dict[str, Any]
TIMEOUT_S = 30.0
DEPLOYED = ("gateway", "payera")
"""What a deployment brings: the gateway as consumer of the PSPs, and as provider of our events."""


class BrokerFailed(Exception):
    """The broker refused or did not answer; the message says what it said."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What the broker says about one participant. `deployable` None: it does not know (nothing verified yet)."""

    participant: str
    deployable: bool | None
    reason: str


class Broker:
    """One broker by its base URL. Raises BrokerFailed from every call."""

    def __init__(self, url: str, environment: Mapping[str, str] = os.environ) -> None:
        if urlsplit(url).scheme not in ("http", "https"):
            raise BrokerFailed(f"{url!r} is not the URL of a broker")
        self._url = url.rstrip("/")
        self._headers = {"Accept": "application/hal+json", "Content-Type": "application/json"}
        token, user = environment.get("PACT_BROKER_TOKEN"), environment.get("PACT_BROKER_USERNAME")
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        elif user:
            pair = f"{user}:{environment.get('PACT_BROKER_PASSWORD', '')}"
            self._headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"

    def publish(self, file: Path, version: str, branch: str | None) -> str:
        """Publish one pact under a version of its consumer; returns where to send results of its verification."""
        pact = file.read_bytes()
        read: Json = json.loads(pact)
        consumer, provider = read["consumer"]["name"], read["provider"]["name"]
        if branch is not None:
            path = f"/pacticipants/{quote(consumer, safe='')}/branches/{quote(branch, safe='')}"
            self._call("PUT", f"{self._url}{path}/versions/{quote(version, safe='')}", b"{}")
        path = f"/pacts/provider/{quote(provider, safe='')}/consumer/{quote(consumer, safe='')}"
        published = self._call("PUT", f"{self._url}{path}/version/{quote(version, safe='')}", pact)
        try:
            return str(published["_links"]["pb:publish-verification-results"]["href"])
        except KeyError:
            raise BrokerFailed(f"{file.name}: the broker does not say where results go") from None

    def result(self, href: str, version: str, *, success: bool) -> None:
        """Tell the result of a verification by a version of the provider."""
        body = {"success": success, "providerApplicationVersion": version}
        self._call("POST", href, json.dumps(body).encode())

    def can_i_deploy(self, participant: str, version: str, environment: str) -> Decision:
        """Whether this version fits what is deployed there."""
        query = urlencode({"pacticipant": participant, "version": version, "environment": environment})
        summary = self._call("GET", f"{self._url}/can-i-deploy?{query}").get("summary") or {}
        deployable = summary.get("deployable")
        return Decision(
            participant, deployable if isinstance(deployable, bool) else None, str(summary.get("reason", ""))
        )

    def _call(self, method: str, url: str, body: bytes | None = None) -> Json:
        request = urllib.request.Request(url, body, self._headers, method=method)  # noqa: S310 - http(s), checked above
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
                found = json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as refused:
            with refused:
                said = refused.read()[:500].decode(errors="replace")
            raise BrokerFailed(f"{method} {url}: HTTP {refused.code}: {said}") from None
        except (OSError, ValueError) as failed:
            raise BrokerFailed(f"{method} {url}: {failed}") from None
        if not isinstance(found, dict):
            raise BrokerFailed(f"{method} {url}: not a JSON object")
        return found
