"""The simulators for the length of a block, in a thread of this process, on ports of their own, without state."""

import asyncio
import contextlib
import dataclasses
import importlib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from compose.embedded.http import call
from simulators.kit.serving import Simulators
from simulators.kit.spec import SimulatorSpec

HOST = "127.0.0.1"
START_WITHIN_S = 20.0
Change = Callable[[SimulatorSpec], SimulatorSpec]


@dataclass(frozen=True, slots=True)
class Running:
    """Where simulators are: the control plane's URL and each simulator's, by slug."""

    control: str
    urls: Mapping[str, str]


def at(control: str) -> Running:
    """Simulators that run already. Raises `CallFailed` if nobody answers at that control plane."""
    return Running(control, {one["slug"]: one["url"] for one in call("GET", f"{control}/v1/simulators")})


@contextlib.contextmanager
def simulated(slugs: Iterable[str], change: Change = lambda spec: spec) -> Iterator[Running]:
    """Serve these simulators, each as `change` makes it. Only their own packages are imported."""
    specs = {slug: change(importlib.import_module(f"simulators.{slug}").SIMULATOR) for slug in slugs}
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="simulators")
    thread.start()
    try:
        group = asyncio.run_coroutine_threadsafe(_start(specs), loop).result(START_WITHIN_S)
        try:
            yield Running(group.control_url, {slug: world.url for slug, world in group.worlds.items()})
        finally:
            asyncio.run_coroutine_threadsafe(group.stop(), loop).result(START_WITHIN_S)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _start(specs: Mapping[str, SimulatorSpec]) -> Simulators:
    group = Simulators({slug: dataclasses.replace(spec) for slug, spec in specs.items()}, host=HOST)
    await group.start()
    return group
