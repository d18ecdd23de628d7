"""Goal: the gateway connects to public https addresses only, whatever spelling or name is used (SEC-12)."""

import pytest

from gateway.adapters.egress import EgressPolicy
from gateway.domain.errors import EgressRefused


def policy(*addresses: str, test: bool = False, allow: tuple[str, ...] = ()) -> EgressPolicy:
    async def lookup(host: str, port: int) -> list[str]:
        return list(addresses)

    return EgressPolicy(test=test, allow_hosts=allow, lookup=lookup)


REFUSED_EVERYWHERE = [
    "http://example.com/",
    "https://example.com:22/",
    "https://0.0.0.0/",
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://192.168.1.1/",
    "https://169.254.169.254/latest/meta-data",
    "https://100.64.0.1/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://[fc00::1]/",
    "https://[fe80::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:10.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[::]/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://017700000001/",
    "https://127.1/",
    "https://0x7f.1/",
    "https://user@example.com/",
    "https://user:secret@example.com/",
    "https://example.com@127.0.0.1/",
    "https://exämple.com/",
    "https://example.com\\@127.0.0.1/",
    "https://exa mple.com/",
    "https://example.com\r\nHost: x/",
    "https://localhost./",
    "gopher://example.com/",
    "file:///etc/passwd",
    "ftp://example.com/",
    "//example.com/",
    "example.com",
    "https:///path",
    "https://example.com:0/",
    "https://example.com:99999/",
    "",
]


@pytest.mark.parametrize("url", REFUSED_EVERYWHERE)
@pytest.mark.parametrize("test", [False, True])
async def test_refused_in_every_profile(url: str, test: bool) -> None:
    with pytest.raises(EgressRefused) as refusal:
        await policy("127.0.0.1" if not test else "10.0.0.1", test=test).check(url, "base_url")
    assert refusal.value.complaints[0].where == "base_url"


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:12111", "http://localhost:1/x", "https://127.0.0.5/", "http://[::1]:1/"]
)
async def test_loopback_is_for_the_test_profile(url: str) -> None:
    await policy("127.0.0.1", test=True).check(url)
    with pytest.raises(EgressRefused):
        await policy("127.0.0.1").check(url)


@pytest.mark.parametrize("url", ["https://example.com/hook?x=1", "https://8.8.8.8/", "https://a.b-c.example:8443/"])
async def test_public_https_is_allowed(url: str) -> None:
    await policy("93.184.216.34").check(url)


@pytest.mark.parametrize(
    "addresses",
    [("10.0.0.1",), ("93.184.216.34", "127.0.0.1"), ("::1",), ("fe80::1%eth0",), ("::ffff:10.0.0.1",), ()],
)
async def test_a_name_is_as_good_as_its_worst_address(addresses: tuple[str, ...]) -> None:
    with pytest.raises(EgressRefused):
        await policy(*addresses).check("https://example.com/")


async def test_every_connection_is_checked_and_pinned() -> None:
    """The name is public when it is stored and leads inside when it is used."""
    answers = [["93.184.216.34"], ["93.184.216.34"], ["127.0.0.1"]]

    async def lookup(host: str, port: int) -> list[str]:
        return answers.pop(0)

    rebinding = EgressPolicy(test=False, lookup=lookup)
    await rebinding.check("https://example.com/")
    resolver = rebinding.resolver()
    (found,) = await resolver.resolve("example.com", 443)
    assert (found["host"], found["port"]) == ("93.184.216.34", 443)
    with pytest.raises(OSError, match="not public"):
        await resolver.resolve("example.com", 443)


async def test_named_hosts_are_for_the_test_profile() -> None:
    await policy("172.18.0.5", test=True, allow=("simulators",)).check("http://simulators:12111")
    with pytest.raises(EgressRefused):
        await policy("172.18.0.5", test=False, allow=("simulators",)).check("https://simulators/")


async def test_a_name_that_does_not_resolve() -> None:
    async def lookup(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    with pytest.raises(EgressRefused, match="does not resolve"):
        await EgressPolicy(test=False, lookup=lookup).check("https://example.com/")
