"""Where *not sent* ends and *unknown* begins: a raw server that misbehaves at every point of an exchange."""

import asyncio
import contextlib
import socket
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from gateway.connectors.http import BODY_LIMIT_BYTES, Answer, HttpClient
from gateway.domain.errors import EgressRefused
from gateway.domain.outcome import NotSent, Unknown

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def server(handler: Handler) -> AsyncIterator[int]:
    """A TCP server on a free port; every connection is closed at the end."""
    writers: list[asyncio.StreamWriter] = []
    tasks: list[asyncio.Task[None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            await handler(reader, writer)

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.append(asyncio.create_task(serve(reader, writer)))

    listening = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in writers:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


async def request(reader: asyncio.StreamReader) -> None:
    """Read one request with a body of one byte."""
    await reader.readuntil(b"\r\n\r\n")
    await reader.readexactly(1)


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await request(reader)
    await asyncio.Event().wait()


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await request(reader)
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


async def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await request(reader)
    writer.close()


def saying(text: bytes) -> Handler:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        writer.write(text)
        await writer.drain()
        writer.close()

    return handler


TRUNCATED = saying(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
JUNK = saying(b"\x00\x01 what is this\r\n\r\n")
BIG = saying(b"HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n" + b"x" * (BODY_LIMIT_BYTES + 1))


@pytest.mark.parametrize(
    ("handler", "cause"),
    [(hang, "timeout"), (reset, "reset"), (close, "reset"), (TRUNCATED, "malformed"), (JUNK, "malformed")],
    ids=["hang", "reset", "close", "truncated", "junk"],
)
async def test_after_the_first_byte_everything_is_unknown(handler: Handler, cause: str) -> None:
    async with server(handler) as port, HttpClient() as http:
        answer = await http.send("POST", f"http://127.0.0.1:{port}/", {}, b"x", timeout_s=0.4)
    assert isinstance(answer, Unknown)
    assert answer.cause == cause


async def test_a_body_without_end_is_not_swallowed() -> None:
    async with server(BIG) as port, HttpClient() as http:
        answer = await http.send("POST", f"http://127.0.0.1:{port}/", {}, b"x", timeout_s=2)
    assert answer == Unknown(cause="malformed", detail="answer too large")


async def test_before_the_first_byte_everything_is_not_sent() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nobody = taken.getsockname()[1]
        async with HttpClient() as http:
            refused = await http.send("POST", f"http://127.0.0.1:{nobody}/", {}, b"x", timeout_s=1)
            no_name = await http.send("POST", "http://nobody.invalid/", {}, b"x", timeout_s=5)
            async with server(hang) as port:
                no_tls = await http.send("POST", f"https://127.0.0.1:{port}/", {}, b"x", timeout_s=0.3)
            async with server(JUNK) as port:
                bad_tls = await http.send("POST", f"https://127.0.0.1:{port}/", {}, b"x", timeout_s=1)
    assert refused == NotSent(cause="refused")
    assert no_name == NotSent(cause="dns")
    assert no_tls == NotSent(cause="connect_timeout")
    assert isinstance(bad_tls, NotSent)


async def test_a_fence_that_fell_lets_no_byte_out() -> None:
    seen = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.read(1))

    async with server(listen) as port, HttpClient() as http:
        past = time.monotonic() - 0.001
        answer = await http.send("POST", f"http://127.0.0.1:{port}/", {}, b"x", timeout_s=1, send_by=past)
    assert answer == NotSent(cause="fenced")
    assert b"".join(seen) == b""


async def test_a_process_can_be_held_between_the_request_and_its_answer() -> None:
    arrived = asyncio.Event()
    story: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        story.append("the whole request is here")
        arrived.set()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        await writer.drain()

    async def reached(point: str) -> None:
        if point == "send.after":
            await asyncio.wait_for(arrived.wait(), 5)  # nothing but our own standing still keeps the request back
        story.append(point)

    async with server(answer) as port, HttpClient(reached=reached) as http:
        got = await http.send("POST", f"http://127.0.0.1:{port}/", {}, b"x", timeout_s=10)
    assert isinstance(got, Answer)
    assert story == ["the whole request is here", "send.after", "receive.before"]


async def test_the_egress_policy_is_asked_first() -> None:
    def refuse(url: str) -> None:
        raise EgressRefused("no")

    async with HttpClient(refuse) as http:
        answer = await http.send("POST", "http://127.0.0.1:9/", {}, b"x", timeout_s=1)
    assert answer == NotSent(cause="url_not_allowed")


async def test_a_post_is_written_once_even_on_a_kept_connection() -> None:
    requests = 0

    async def answer_then_reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        await request(reader)
        requests += 1
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        await request(reader)
        requests += 1
        writer.transport.abort()

    async with server(answer_then_reset) as port, HttpClient() as http:
        url = f"http://127.0.0.1:{port}/"
        assert isinstance(await http.send("POST", url, {}, b"x", timeout_s=1), Answer)
        second = await http.send("POST", url, {}, b"x", timeout_s=1)
    assert isinstance(second, Unknown)
    assert requests == 2


async def test_a_kept_connection_that_was_closed_meanwhile_is_replaced_before_anything_is_sent() -> None:
    async def answer_then_close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        await writer.drain()
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()

    async with server(answer_then_close) as port, HttpClient() as http:
        url = f"http://127.0.0.1:{port}/"
        answers = [await http.send("POST", url, {}, b"x", timeout_s=1) for _ in range(5)]
    assert all(isinstance(answer, Answer) for answer in answers), answers


async def test_a_redirect_is_an_answer_and_no_errand() -> None:
    elsewhere = saying(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n")
    async with server(elsewhere) as port, HttpClient() as http:
        answer = await http.send("POST", f"http://127.0.0.1:{port}/", {}, b"x", timeout_s=1)
    assert isinstance(answer, Answer)
    assert answer.status == 302
