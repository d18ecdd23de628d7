"""POST to merchants' endpoints: under the egress policy, bounded in time and size, no redirects, nothing remembered."""

import asyncio
import socket
from collections.abc import Mapping
from types import TracebackType

import aiohttp

from gateway.adapters.egress import EgressPolicy
from gateway.domain.errors import EgressRefused
from gateway.use_cases.deliver_webhook import TIMEOUT_S, Answer

_ANSWER_BYTES = 64 * 1024
_USER_AGENT = "Payera-Webhooks/1"


class HttpWebhookSender:
    """The port `WebhookSender` over one pooled session. Use as an async context manager.

    What it tells of a failure is fit for the merchant and says nothing about our network: a merchant who gives a URL
    must not learn from the error which inside addresses answer (SEC-12).
    """

    def __init__(self, egress: EgressPolicy, timeout_s: float = TIMEOUT_S, connections_per_host: int = 16) -> None:
        self._egress = egress
        self._timeout_s = timeout_s
        self._connections_per_host = connections_per_host
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> "HttpWebhookSender":
        connector = aiohttp.TCPConnector(
            resolver=self._egress.resolver(),
            # A name is resolved and judged for every connection: a cached answer is one that nobody checked now.
            use_dns_cache=False,
            limit=0,
            limit_per_host=self._connections_per_host,
            keepalive_timeout=15,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=self._timeout_s),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
            headers={"user-agent": _USER_AGENT},
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """One try. The URL is judged again each time; the answer's body is read and thrown away."""
        assert self._session is not None
        try:
            self._egress.check_url(url)
            async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as response:
                await _drain(response)
                return Answer(status=response.status)
        except EgressRefused:
            return Answer(failure="the address is not allowed")
        except TimeoutError:
            return Answer(failure="no answer in time")
        except (aiohttp.ClientError, OSError, asyncio.IncompleteReadError, ValueError, socket.gaierror):
            return Answer(failure="the connection failed")


async def _drain(response: aiohttp.ClientResponse) -> None:
    """Read a short body so that the connection can serve the next POST; a long one costs its connection."""
    left = _ANSWER_BYTES
    async for chunk in response.content.iter_any():
        left -= len(chunk)
        if left < 0:
            response.close()
            return
