"""`make bench`: the gateway beside its floor, beside a workflow per payment, and simulators beside a bare endpoint.

Ratios, because they hold on any machine: all variants run in one environment, in turns, several rounds, so that noise
hits all alike. Between turns everything drains, so nobody pays for another's backlog. Exit code 0 when every target is
met. docs/bench.md says what each figure means.
"""

import argparse
import contextlib
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from compose.embedded import environment
from compose.embedded.http import answers, call
from compose.embedded.ports import Ports
from compose.embedded.postgres import binaries
from compose.embedded.seed import connect, new_merchant
from tests.load.cpu import cpu_s

Json = dict[str, Any]

BUSY = 16
DRAIN_WITHIN_S = 10.0
QUEUE = "bench"
ROOT = Path(__file__).parents[2]
CREATE = {
    "stripe": "/v1/payment_intents",
    "adyen": "/v71/payments",
    "checkout": "/payments",
    "dummypay": "/v1/charges",
}
"""Where a payment is made at each simulator."""
CARDS = (
    "4242424242424242",
    "4000056655665556",
    "5555555555554444",
    "2223003122003222",
    "5200828282828210",
    "5105105105105100",
    "378282246310005",
    "6011111111111117",
    "3056930009020004",
    "3566002020360505",
    "6200000000000005",
)
"""Several cards, as shoppers have: the schemes' caps bar a seventeenth payment at once with one card."""


@dataclass
class Measured:
    """One variant over all rounds."""

    title: str
    command: list[str]
    per_second: list[float] = field(default_factory=list)
    latencies_ms: list[float] = field(default_factory=list)
    refused: int = 0
    answered: int = 0
    cpu_s: Counter[str] = field(default_factory=Counter)

    @property
    def rate(self) -> float:
        """Answers per second, the median of the rounds."""
        return statistics.median(self.per_second)

    def latency_ms(self, part: float) -> float:
        """A quantile over all rounds, 0 < part < 1."""
        if len(self.latencies_ms) < 2:
            raise SystemExit(f"bench: {self.title}: {len(self.latencies_ms)} answers in all tell nothing")
        return statistics.quantiles(self.latencies_ms, n=1000, method="inclusive")[int(part * 1000) - 1]

    def turn(self) -> None:
        """One round."""
        done = subprocess.run([*self.command], capture_output=True, text=True, check=False, cwd=ROOT, timeout=60)
        if done.returncode != 0:
            said = f"the load client ended with {done.returncode}:\n{done.stderr[-2000:]}"
            raise SystemExit(f"bench: {self.title}: {said}")
        seen = json.loads(done.stdout)
        good = sum(count for status, count in seen["statuses"].items() if status in {"200", "201"})
        self.refused += sum(seen["statuses"].values()) - good
        self.answered += len(seen["latencies_ms"])
        self.per_second.append(good / seen["seconds"])
        self.latencies_ms += seen["latencies_ms"]


@dataclass(frozen=True)
class Target:
    """One line of the verdict."""

    title: str
    value: float
    limit: float
    at_least: bool
    unit: str = "×"

    @property
    def met(self) -> bool:
        return self.value >= self.limit if self.at_least else self.value <= self.limit


@contextlib.contextmanager
def processes() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start helpers; all are ended on the way out."""
    running: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        running.append(
            subprocess.Popen([sys.executable, "-m", *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        )
        return running[-1]

    try:
        yield start
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(10)
            if process.stdout is not None:
                process.stdout.close()


def wait_for(url: str, within_s: float = 20.0) -> None:
    """Until something answers there, whatever it answers."""
    deadline = time.monotonic() + within_s
    while not (answers(url) or _refuses(url)):
        if time.monotonic() > deadline:
            raise SystemExit(f"bench: nothing answers at {url}")
        time.sleep(0.05)


def _refuses(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=1)
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


class Backlog:
    """What still has to leave the gateway, read from PostgreSQL, and the workflows that payments have needed."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn

    def counts(self) -> tuple[int, int, int]:
        """Unsent events, pending deliveries, and events of merchants with an endpoint that were not delivered."""
        query = (
            "select (select count(*) from core.outbox) || ' ' || (select count(*) from core.delivery"
            " where status = 'pending') || ' ' || (select count(*) from core.event e join core.webhook_endpoint w"
            " using (merchant) where not exists (select from core.delivery d where d.event_id = e.id and"
            " d.endpoint_id = w.id and d.status = 'delivered'))"
        )
        command = [str(binaries() / "psql"), "-X", "-q", "-A", "-t", "-c", query, self._dsn]
        outbox, pending, missing = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        return int(outbox), int(pending), int(missing)

    def drain(self) -> tuple[float, float]:
        """Seconds until the outbox was empty, and until every webhook was delivered too."""
        began = time.monotonic()
        sent_s: float | None = None
        while True:
            outbox, pending, missing = self.counts()
            now = time.monotonic() - began
            if outbox == 0 and sent_s is None:
                sent_s = now
            if outbox == pending == missing == 0:
                return sent_s or now, now
            if now > 60:
                raise SystemExit(f"bench: after 60 s {outbox} events wait for Kafka, {missing} for their delivery")
            time.sleep(0.05)


def prepare(
    env: Json, folder: Path, start: Callable[..., subprocess.Popen[str]], seconds: float
) -> dict[str, Measured]:
    """A merchant with one endpoint, the rivals' processes, and every variant."""
    ports = Ports()
    port = {name: ports.take() for name in ("floor", "minimal", "sink")}
    merchant = new_merchant(env["gateway"], env["admin_key"], "bench")
    key = merchant["secret_key"]
    account = connect(env["gateway"], env["control"], key, "stripe")
    call("PUT", f"{env['gateway']}/v1/routing", {"providers": ["stripe"], "max_fallbacks": 0}, bearer=key)
    token = tokens(env, key)
    start("tests.load.rivals", "sink", str(port["sink"]))
    endpoint = {"url": f"http://127.0.0.1:{port['sink']}/hooks", "enabled_events": ["*"]}
    call("POST", f"{env['gateway']}/v1/webhook_endpoints", endpoint, bearer=key)
    second_key, second_token = merchant_with_a_fallback(env, endpoint)
    # An account of the floor's and the bare calls' own: no notifications from it, as nobody registered for them.
    bare = call("POST", f"{env['control']}/v1/stripe/accounts", {})
    start(
        "tests.load.rivals",
        "floor",
        str(port["floor"]),
        env["postgres"],
        bare["url"],
        bare["api_key"],
        merchant["id"],
        token,
    )
    start("tests.load.rivals", "minimal", str(port["minimal"]), str(folder / "minimal.journal"))
    worker = start("tests.load.per_workflow", "worker", env["temporal"], QUEUE)
    assert worker.stdout is not None
    if worker.stdout.readline().strip() != "ready":
        raise SystemExit("bench: the workflow worker did not start")
    for name in port:
        wait_for(f"http://127.0.0.1:{port[name]}/")

    def load(kind: str, url: str, connections: int, **given: str) -> list[str]:
        pairs = [f"{name}={value}" for name, value in given.items()]
        return [sys.executable, "-m", "tests.load.client", kind, url, str(connections), str(seconds), *pairs]

    pay, charge = f"{env['gateway']}/v1/payments", "/v1/payment_intents"
    floor_url, bare_url = f"http://127.0.0.1:{port['floor']}/pay", f"http://127.0.0.1:{port['minimal']}{charge}"
    per_workflow = [sys.executable, "-m", "tests.load.per_workflow", "client", env["temporal"], QUEUE]
    assert account["url"] == bare["url"]
    fallback = {"key": second_key, "token": second_token}
    return {
        "gateway": Measured(f"gateway, {BUSY} clients", load("gateway", pay, BUSY, key=key, token=token)),
        "floor": Measured(f"floor, {BUSY} clients", load("floor", floor_url, BUSY)),
        "workflow": Measured(f"workflow per payment, {BUSY} clients", [*per_workflow, str(BUSY), str(seconds)]),
        "fallback": Measured(f"gateway, one fallback, {BUSY} clients", load("gateway", pay, BUSY, **fallback)),
        "workflow1": Measured("workflow per payment, 1 client", [*per_workflow, "1", str(seconds)]),
        "fallback1": Measured("gateway, one fallback, 1 client", load("gateway", pay, 1, **fallback)),
        "psp": Measured("simulator's answer, 1 client", load("stripe", bare["url"] + charge, 1, key=bare["api_key"])),
        "gateway1": Measured("gateway, 1 client", load("gateway", pay, 1, key=key, token=token)),
        "floor1": Measured("floor, 1 client", load("floor", floor_url, 1)),
        "minimal": Measured(f"minimal endpoint, {BUSY} clients", load("stripe", bare_url, BUSY, key="-")),
        **simulators(env, load),
    }


def tokens(env: Json, key: str) -> str:
    """The cards of one merchant, kept: their ids, a comma list."""
    cards = ({"number": number, "exp_month": 12, "exp_year": 2030} for number in CARDS)
    url = f"{env['gateway']}/v1/tokens"
    return ",".join(call("POST", url, {"card": card}, bearer=key)["id"] for card in cards)


def merchant_with_a_fallback(env: Json, endpoint: Json) -> tuple[str, str]:
    """A merchant whose first PSP never reaches the issuer and whose second approves: secret key and tokens."""
    key = new_merchant(env["gateway"], env["admin_key"], "bench, fallback")["secret_key"]
    first = connect(env["gateway"], env["control"], key, "dummypay")
    connect(env["gateway"], env["control"], key, "stripe")
    routing = {"providers": ["dummypay", "stripe"], "max_fallbacks": 1}
    call("PUT", f"{env['gateway']}/v1/routing", routing, bearer=key)
    rule = {"when": {"operation": "authorize"}, "then": {"action": "decline", "code": "91"}}
    call("POST", f"{env['control']}/v1/dummypay/accounts/{first['account']}/faults", rule)
    call("POST", f"{env['gateway']}/v1/webhook_endpoints", endpoint, bearer=key)
    return key, tokens(env, key)


def simulators(env: Json, load: Callable[..., list[str]]) -> dict[str, Measured]:
    """Create and approve at each simulator, by an account of its own that sends no notifications."""
    found = {}
    for slug, path in CREATE.items():
        account = call("POST", f"{env['control']}/v1/{slug}/accounts", {})
        settings = account.get("settings", {})
        extra = settings.get("merchant_account") or settings.get("processing_channel_id") or "-"
        command = load(slug, account["url"] + path, BUSY, key=account["api_key"], extra=extra)
        found[f"sim_{slug}"] = Measured(f"simulated {slug}, {BUSY} clients", command)
    return found


def report(out: Console, variants: dict[str, Measured], drains: list[tuple[float, float]]) -> bool:
    """Print both tables; whether every target is met."""
    table = Table(title="Side by side", title_justify="left")
    for column in ("variant", "per second", "rounds", "p50 ms", "p99 ms", "refused"):
        table.add_column(column, justify="left" if column == "variant" else "right")
    for variant in variants.values():
        rounds = " ".join(f"{rate:.0f}" for rate in variant.per_second)
        p50, p99 = variant.latency_ms(0.5), variant.latency_ms(0.99)
        table.add_row(variant.title, f"{variant.rate:.0f}", rounds, f"{p50:.1f}", f"{p99:.1f}", str(variant.refused))
    out.print(table)
    rate = {name: variant.rate for name, variant in variants.items()}
    overhead_ms = variants["gateway1"].latency_ms(0.5) - variants["psp"].latency_ms(0.5)
    targets = [
        Target("throughput, gateway ÷ floor", rate["gateway"] / rate["floor"], 0.6, at_least=True),
        Target("throughput, gateway ÷ workflow per payment", rate["gateway"] / rate["workflow"], 6, at_least=True),
        *(
            Target(
                f"p50, one fallback ÷ workflow per payment, {clients}",
                variants[f"fallback{suffix}"].latency_ms(0.5) / variants[f"workflow{suffix}"].latency_ms(0.5),
                2,
                at_least=False,
            )
            for suffix, clients in (("", f"{BUSY} clients"), ("1", "1 client"))
        ),
        Target("overhead p50 at 1 client", overhead_ms, 10, at_least=False, unit=" ms"),
        *(
            Target(
                f"throughput, simulated {slug} ÷ minimal endpoint",
                rate[f"sim_{slug}"] / rate["minimal"],
                0.3,
                at_least=True,
            )
            for slug in CREATE
        ),
        Target(
            "outbox empty after the load", max(sent for sent, _ in drains), DRAIN_WITHIN_S, at_least=False, unit=" s"
        ),
        Target("payments and calls refused", sum(v.refused for v in variants.values()), 0, at_least=False, unit=""),
    ]
    verdict = Table(title="Targets", title_justify="left")
    for column in ("target", "limit", "seen", "verdict"):
        verdict.add_column(column, justify="left" if column in {"target", "verdict"} else "right")
    for target in targets:
        sign = "≥" if target.at_least else "≤"
        word = "[green]met[/green]" if target.met else "[red]missed[/red]"
        verdict.add_row(target.title, f"{sign} {target.limit:g}{target.unit}", f"{target.value:.2f}{target.unit}", word)
    out.print(verdict)
    for name in ("gateway", "fallback", "floor"):
        costs = {who: 1000 * used / variants[name].answered for who, used in variants[name].cpu_s.items()}
        parts = ", ".join(f"{who} {cost:.1f}" for who, cost in costs.items() if cost >= 0.05)
        out.print(f"CPU ms per payment, {variants[name].title}: {parts}")
    out.print(f"all webhooks delivered at most {max(everything for _, everything in drains):.1f} s after the load")
    return all(target.met for target in targets)


def main(rounds: int, seconds: float, only: list[str]) -> int:
    """Run everything in an environment of its own; 0 when every target is met."""
    out = Console(highlight=False)
    folder = Path(tempfile.mkdtemp(prefix="payera-bench-"))
    state = folder / "state"
    try:
        environment.up(state, port_base=0, progress=lambda _: None)
        env = environment.read_env(state)
        out.print(f"environment up; {rounds} rounds of {seconds:g} s per variant", style="dim")
        backlog = Backlog(env["postgres"])
        rows = (environment.status(state) or {"processes": []})["processes"]
        pids = {row["name"]: row["pid"] for row in rows if row.get("pid")}
        drains: list[tuple[float, float]] = []
        with processes() as start:
            variants = prepare(env, folder, start, seconds)
            for number in range(rounds):
                for name, variant in variants.items():
                    if only and name not in only:
                        continue
                    before = cpu_s(pids)
                    variant.turn()
                    drained = backlog.drain()
                    if name.startswith(("gateway", "fallback")):
                        drains.append(drained)
                    variant.cpu_s.update({who: used - before[who] for who, used in cpu_s(pids).items()})
                out.print(f"round {number + 1} of {rounds} done", style="dim")
        if only:
            for variant in (variants[name] for name in only):
                out.print(f"{variant.title}: {variant.rate:.0f}/s, p50 {variant.latency_ms(0.5):.1f} ms")
                out.print({who: round(1000 * used / variant.answered, 2) for who, used in variant.cpu_s.items()})
            return 0
        return 0 if report(out, variants, drains) else 1
    finally:
        environment.down(state, erase=True)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="tests.load.bench", description="The side-by-side performance table.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0, help="per variant and round")
    parser.add_argument("--only", nargs="*", default=[], help="some variants only, no verdict")
    given = parser.parse_args()
    sys.exit(main(given.rounds, given.seconds, given.only))
