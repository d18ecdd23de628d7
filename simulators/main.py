"""`python -m simulators.main`: all simulators, each on its own port, and the control plane.

Once everything listens, one line of JSON goes to standard output: `{"control": URL, "simulators": {slug: URL}}`.
SIGTERM and SIGINT end it with 0.
"""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import uvloop

from simulators.kit.serving import CONTROL_PORT, FIRST_PORT, Simulators, default_ports, discover


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="simulators.main", description="Simulated PSPs and their control plane.")
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (loopback: there is no authentication)"
    )
    parser.add_argument("--public-host", help="the host that URLs name, where clients know it by another than --host")
    parser.add_argument("--control-port", type=int, default=CONTROL_PORT, help="control plane; 0: any free port")
    parser.add_argument("--port-base", type=int, default=FIRST_PORT, help="first simulator's port; 0: any free ports")
    parser.add_argument("--port", action="append", default=[], metavar="SLUG=PORT", help="one simulator's own port")
    parser.add_argument("--exact", action="store_true", help="fail on a taken port instead of taking a free one")
    parser.add_argument("--state", type=Path, help="folder of the durable logs; without it nothing is kept")
    parser.add_argument("--only", action="append", metavar="SLUG", help="serve only these")
    parser.add_argument("--account", action="append", default=[], metavar="SLUG:API_KEY[:WEBHOOK_SECRET]",
                        help="an account that exists from the start")  # fmt: skip
    return parser.parse_args(arguments)


async def serve(options: argparse.Namespace) -> None:
    """Run until SIGTERM or SIGINT. Raises SystemExit with a sentence for options that cannot be meant."""
    specs = discover()
    unknown = [slug for slug in options.only or () if slug not in specs]
    if unknown:
        raise SystemExit(f"no simulator {', '.join(unknown)}; there are: {', '.join(specs)}")
    if options.only:
        specs = {slug: spec for slug, spec in specs.items() if slug in options.only}
    ports = default_ports(specs, options.port_base)
    for pair in options.port:
        slug, _, port = pair.partition("=")
        if slug not in specs or not port.isdecimal():
            raise SystemExit(f"--port wants SLUG=PORT, not {pair!r}")
        ports[slug] = int(port)
    running = Simulators(specs, host=options.host, public_host=options.public_host, state=options.state)
    for wanted in options.account:
        slug, _, rest = wanted.partition(":")
        key, _, secret = rest.partition(":")
        if slug not in running.worlds or not key:
            raise SystemExit(f"--account wants SLUG:API_KEY[:WEBHOOK_SECRET], not {wanted!r}")
        if key not in running.worlds[slug].by_key:
            running.worlds[slug].create({"api_key": key, "webhook_secret": secret})
    over = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    await running.start(options.control_port, ports, exact=options.exact)
    urls = {slug: world.url for slug, world in running.worlds.items()}
    sys.stdout.write(json.dumps({"control": running.control_url, "simulators": urls}) + "\n")
    sys.stdout.flush()
    await over.wait()
    await running.stop()


def main(arguments: Sequence[str] | None = None) -> None:
    """The process."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(_options(arguments)))


if __name__ == "__main__":
    main()
