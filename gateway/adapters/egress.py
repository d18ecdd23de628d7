"""Where the gateway may connect to, in one place: PSPs' base URLs, merchants' webhook endpoints, any URL from outside.

Production: public https only. The test profile may also reach loopback, and hosts that the environment names. A URL is
checked when it is stored, and the addresses that a name resolves to are checked again at every connection, which then
goes to exactly these addresses: a name that changes its mind between check and use gains nothing (SEC-12).
"""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Iterable
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult

from gateway.domain.errors import EgressRefused

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Lookup = Callable[[str, int], Awaitable[list[str]]]

_RESOLVE_TIMEOUT_S = 5.0
_PORTS = frozenset({443, 8443})
_HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*", re.ASCII)
_NUMERIC_LABEL = re.compile(r"(0x[0-9a-f]*|[0-9]+)", re.ASCII)
_TRANSLATED = tuple(
    # Networks that lead to an IPv4 address inside: NAT64 (RFC 6052, 8215), 6to4 (RFC 3056), Teredo (RFC 4380),
    # and IPv4-compatible addresses (RFC 4291).
    ipaddress.ip_network(network)
    for network in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96")
)


class EgressPolicy:
    """The policy of one profile. `allow_hosts` names further hosts that the test profile may reach, by http too."""

    def __init__(self, *, test: bool, allow_hosts: Iterable[str] = (), lookup: Lookup | None = None) -> None:
        self._test = test
        self._allow_hosts = frozenset(allow_hosts) if test else frozenset()
        self._lookup = lookup or _system_lookup

    def check_url(self, url: str, where: str = "url") -> None:
        """Check what can be seen without resolving. Raises `EgressRefused` naming the rule."""
        host, port, scheme = _split(url, where)
        address = _literal(host)
        if address is None:
            if _NUMERIC_LABEL.fullmatch(host.rsplit(".", 1)[-1]) or not _HOST.fullmatch(host):
                # 2130706433, 0x7f.1 and 017700000001 are 127.0.0.1 to the system's resolver.
                raise EgressRefused("the host is neither a name nor a plain address", where)
        elif not self._address_allowed(address):
            raise EgressRefused("the address is not a public one", where)
        if self._is_ours(host, address):
            if scheme not in {"http", "https"}:
                raise EgressRefused("the scheme is neither http nor https", where)
            return
        if scheme != "https":
            raise EgressRefused("the scheme is not https", where)
        if port not in _PORTS:
            raise EgressRefused("the port is not 443 or 8443", where)

    async def check(self, url: str, where: str = "url") -> None:
        """Check a URL before it is stored: as `check_url`, and what its name resolves to. Raises `EgressRefused`."""
        self.check_url(url, where)
        host, port, _ = _split(url, where)
        if _literal(host) is None:
            await self.addresses(host, port, where)

    async def addresses(self, host: str, port: int, where: str = "url") -> list[str]:
        """Resolve a name to the addresses that may be connected to. One bad address refuses the name."""
        try:
            async with asyncio.timeout(_RESOLVE_TIMEOUT_S):
                found = await self._lookup(host, port)
        except (OSError, TimeoutError, UnicodeError):
            raise EgressRefused("the name does not resolve", where) from None
        for text in found:
            address = ipaddress.ip_address(text.partition("%")[0])
            if host not in self._allow_hosts and not self._address_allowed(address):
                raise EgressRefused("the name resolves to an address that is not public", where)
        if not found:
            raise EgressRefused("the name does not resolve", where)
        return found

    def resolver(self) -> AbstractResolver:
        """For `aiohttp.TCPConnector(resolver=…)`: connects only to addresses that were checked just now.

        aiohttp does not ask the resolver about literal addresses, so callers call `check_url` before each request.
        """
        return _PinningResolver(self)

    def _is_ours(self, host: str, address: Address | None) -> bool:
        if not self._test:
            return False
        if address is not None:
            return address.is_loopback
        return host == "localhost" or host in self._allow_hosts

    def _address_allowed(self, address: Address) -> bool:
        if self._test and address.is_loopback:
            return True
        return address.is_global and not address.is_multicast and not _leads_inside(address)


class _PinningResolver(AbstractResolver):
    def __init__(self, policy: EgressPolicy) -> None:
        self._policy = policy

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        try:
            found = await self._policy.addresses(host, port)
        except EgressRefused as refusal:
            raise OSError(None, refusal.detail) from None  # aiohttp's word for "cannot connect": nothing was sent
        return [
            ResolveResult(
                hostname=host,
                host=text,
                port=port,
                family=socket.AF_INET6 if ":" in text else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for text in found
        ]

    async def close(self) -> None:
        """Nothing to close."""


def _split(url: str, where: str) -> tuple[str, int, str]:
    """Host, port and scheme. Raises `EgressRefused` for what is no plain absolute URL."""
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise EgressRefused("the URL holds characters outside plain ASCII", where)
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise EgressRefused("this is not a URL", where) from None
    if not parts.scheme or not host:
        raise EgressRefused("this is not an absolute URL", where)
    if "@" in parts.netloc:
        raise EgressRefused("the URL carries user information", where)
    if port == 0:
        raise EgressRefused("the port is not a port", where)
    return host, port or (443 if parts.scheme == "https" else 80), parts.scheme


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _leads_inside(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv4Address):
        return False
    return address.ipv4_mapped is not None or any(address in network for network in _TRANSLATED)


async def _system_lookup(host: str, port: int) -> list[str]:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))
