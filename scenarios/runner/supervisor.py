"""The environment's supervisor, over its Unix socket: kill and restart a process as a scenario's step."""

import asyncio
import json
from pathlib import Path
from typing import Any

TIMEOUT_S = 30.0
"""A restart waits until the process is healthy again."""


class SupervisorError(Exception):
    """The supervisor is not there, or refused."""


async def order(socket: Path, **order: Any) -> dict[str, Any]:
    """Send one order, `order(socket, do="kill", name="api", signal=9)`, and return the answer.

    Raises `SupervisorError` if there is no supervisor, it answers too late, or it says that the order failed.
    """
    try:
        async with asyncio.timeout(TIMEOUT_S):
            reader, writer = await asyncio.open_unix_connection(str(socket))
            try:
                writer.write(json.dumps(order).encode() + b"\n")
                await writer.drain()
                line = await reader.readline()
            finally:
                writer.close()
                await writer.wait_closed()
    except (OSError, TimeoutError) as error:
        raise SupervisorError(f"the supervisor at {socket} does not answer {order}: {error!r}") from error
    answer = json.loads(line) if line.strip() else {}
    if not isinstance(answer, dict) or answer.get("error") or answer.get("ok") is False:
        raise SupervisorError(f"the supervisor refused {order}: {answer}")
    return answer
