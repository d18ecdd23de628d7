"""`payera ops`: an operator's shell. Everything goes over the gateway's operator API, so everything is in its audit.

Only `stuck` looks elsewhere as well: it asks Temporal which workflows run, and compares.
"""

import asyncio
import getpass
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

import typer
from rich.console import Console
from rich.markup import escape
from temporalio.client import Client
from temporalio.service import RPCError

from compose.embedded.http import CallFailed, call
from scenarios.kinds import Kind, env_file

app = typer.Typer(no_args_is_help=True, add_completion=False, help="What an operator sees and does; all of it audited.")
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

NAMESPACE = "payera"
STUCK = 1
"""Exit code of `stuck` when something is."""

EnvFile = Annotated[
    Path | None, typer.Option("--env-file", help="env.json; without one PAYERA_GATEWAY, PAYERA_ADMIN_KEY.")
]
Env = Annotated[Kind, typer.Option("--env", help="embedded: `make up`; compose: on containers, `make env-up`.")]
Name = Annotated[
    str | None, typer.Option("--operator", help="Who you are (default: $PAYERA_OPERATOR, else your login).")
]
Why = Annotated[str, typer.Option("--why", help="For the audit.")]


@dataclass(frozen=True, slots=True)
class Gateway:
    """The operator's side of one gateway."""

    url: str
    admin_key: str
    operator: str
    temporal: str | None

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """One call. Ends the command with exit code 2 where it is refused."""
        told = urlencode({name: value for name, value in query.items() if value is not None})
        url = f"{self.url}/v1/operator{path}{'?' + told if told else ''}"
        try:
            return call(method, url, body, bearer=self.admin_key, more_headers={"Payera-Operator": self.operator})
        except CallFailed as error:
            raise _fail(str(error)) from None

    def pages(self, path: str, **query: Any) -> list[Any]:
        """Every entry of a list."""
        found: list[Any] = []
        cursor = None
        while True:
            page = self.call("GET", path, limit=100, cursor=cursor, **query)
            found += page["data"]
            cursor = page["next_cursor"]
            if cursor is None:
                return found


def _fail(message: str) -> typer.Exit:
    err.print(f"[red]payera ops:[/red] {escape(message)}")
    return typer.Exit(2)


def _gateway(file: Path | None, env: Kind, operator: str | None) -> Gateway:
    name = operator or os.environ.get("PAYERA_OPERATOR") or getpass.getuser()
    url, key = os.environ.get("PAYERA_GATEWAY"), os.environ.get("PAYERA_ADMIN_KEY")
    if file is None and url and key:
        return Gateway(url.rstrip("/"), key, name, os.environ.get("PAYERA_TEMPORAL"))
    path = env_file(file, env)
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise _fail(f"{path} is not there: `make up`, --env-file, or PAYERA_GATEWAY and PAYERA_ADMIN_KEY") from None
    return Gateway(told["gateway"].rstrip("/"), told["admin_key"], name, told.get("temporal"))


def _table(rows: list[Any], *columns: str) -> None:
    """Aligned, and never cut: ids are there to be copied."""
    cells = [[_cell(row, column) for column in columns] for row in rows]
    widths = [max(len(line[n]) for line in [list(columns), *cells]) for n in range(len(columns))]
    for line in [list(columns), *cells]:
        text = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        out.print(escape(text))


def _cell(row: Any, column: str) -> str:
    value = row.get(column)
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return "" if value is None else str(value)


@app.command()
def reviews(
    everything: Annotated[bool, typer.Option("--all", help="The resolved ones too.")] = False,
    payment: Annotated[str | None, typer.Option(help="Of this payment only.")] = None,
    file: EnvFile = None,
    env: Env = Kind.embedded,
    operator: Name = None,
) -> None:
    """What waits for an operator, and what can be done about it."""
    rows = _gateway(file, env, operator).pages("/reviews", status=None if everything else "open", payment=payment)
    columns = ["opened_at", "operation", "kind", "provider", "amount", "currency", "reason", "actions", "resolution"]
    _table(rows, *columns, "payment")


@app.command()
def resolve(
    operation: Annotated[str, typer.Argument(help="att_…, cap_…, void_… or ref_…, as `reviews` lists it.")],
    action: Annotated[str, typer.Argument(help="approved, declined, absent, look_again or acknowledge.")],
    evidence: Annotated[str, typer.Option(help="What you go by: a ticket, the PSP's dashboard, a call.")],
    reference: Annotated[str | None, typer.Option(help="approved: the PSP's own id.")] = None,
    amount: Annotated[int | None, typer.Option(help="approved: what was really moved, in minor units.")] = None,
    confirmed_by: Annotated[str | None, typer.Option(help="Who has seen it too.")] = None,
    file: EnvFile = None,
    env: Env = Kind.embedded,
    operator: Name = None,
) -> None:
    """Say what became of an operation under review. Ledger, events and workflow follow as if the PSP had said it."""
    told = {"provider_reference": reference, "amount": amount, "confirmed_by": confirmed_by}
    body = {"action": action, "evidence": evidence} | {name: value for name, value in told.items() if value is not None}
    answer = _gateway(file, env, operator).call("POST", f"/reviews/{operation}/resolve", body)
    out.print(
        f"{operation} is {answer['operation']['status']}, {answer['payment']['id']} is {answer['payment']['status']}"
    )


@app.command()
def audit(
    proof: Annotated[bool, typer.Option("--proof", help="Only whether it is whole; exit code 1 if not.")] = False,
    payment: Annotated[str | None, typer.Option(help="Of this payment only.")] = None,
    file: EnvFile = None,
    env: Env = Kind.embedded,
    operator: Name = None,
) -> None:
    """Who did what, when and why; newest first."""
    gateway = _gateway(file, env, operator)
    if not proof:
        rows = gateway.call("GET", "/audit", limit=100, payment=payment)["data"]
        _table(rows, "position", "at", "operator", "confirmed_by", "action", "result", "subject", "why")
        return
    found = gateway.call("GET", "/audit/proof")
    out.print(
        f"{found['entries']} entries, head {found['head']}, broken {found['broken']}, truncated {found['truncated']}"
    )
    raise typer.Exit(1 if found["broken"] or found["truncated"] else 0)


@app.command()
def alerts(
    everything: Annotated[bool, typer.Option("--all", help="The closed ones too.")] = False,
    file: EnvFile = None,
    env: Env = Kind.embedded,
    operator: Name = None,
) -> None:
    """What somebody should know; docs/operations.md says what to do about each kind."""
    rows = _gateway(file, env, operator).pages("/alerts", status=None if everything else "open")
    _table(rows, "raised_at", "id", "kind", "subject", "times", "details", "closed_at", "closed_by")


@app.command()
def close(alert: str, why: Why, file: EnvFile = None, env: Env = Kind.embedded, operator: Name = None) -> None:
    """Say that an alert was dealt with; what goes on is raised again."""
    closed = _gateway(file, env, operator).call("POST", f"/alerts/{alert}/close", {"why": why})
    out.print(f"{closed['kind']} of {closed['subject']} is closed")


@app.command()
def wake(payment: str, why: Why, file: EnvFile = None, env: Env = Kind.embedded, operator: Name = None) -> None:
    """Have a payment's workflow started or woken; it does what the database says is to do."""
    woken = _gateway(file, env, operator).call("POST", f"/payments/{payment}/wake", {"why": why})
    out.print(f"ordered; {woken['id']} is {woken['status']}")


@app.command()
def timeline(payment: str, file: EnvFile = None, env: Env = Kind.embedded, operator: Name = None) -> None:
    """One payment's story as the gateway has it, with what operators did."""
    story = _gateway(file, env, operator).call("GET", f"/payments/{payment}/timeline")
    _table(story["data"], "at", "source", "what", "operation", "details", "trace")


@app.command()
def stuck(
    older_than: Annotated[int, typer.Option(min=0, help="Seconds without any move.")] = 300,
    file: EnvFile = None,
    env: Env = Kind.embedded,
    operator: Name = None,
) -> None:
    """What should have moved and has not, and where database and Temporal disagree. Exit code 1: something."""
    gateway = _gateway(file, env, operator)
    found = gateway.call("GET", "/stuck", older_than_s=older_than, limit=1000)
    _table(found["data"], "since", "kind", "payment", "subject", "details")
    idle: set[str] = set()
    unserved: list[Any] = []
    if gateway.temporal is None:
        out.print("Temporal is not compared: say PAYERA_TEMPORAL=host:port")
    else:
        before = {row["id"] for row in gateway.pages("/open_work")}
        try:
            running = asyncio.run(_running(gateway.temporal))
        except (RPCError, RuntimeError, TimeoutError) as error:
            raise _fail(f"temporal at {gateway.temporal}: {type(error).__name__}") from None
        rows = gateway.pages("/open_work")
        # Both were moving while we looked: only what was so before and after counts.
        idle = running - before - {row["id"] for row in rows}
        unserved = [row for row in rows if row["id"] in before - running]
        out.print(
            f"{len(running)} workflows run; {len(idle)} of them have nothing to do, {len(unserved)} payments have none"
        )
        for payment in sorted(idle):
            out.print(f"  runs for nothing   {payment}")
        _table(unserved, "since", "id", "status", "merchant")
    raise typer.Exit(STUCK if found["counts"] or idle or unserved else 0)


async def _running(address: str) -> set[str]:
    """Ids of the payments whose workflow runs. Nothing of a workflow's content is read, so no key is needed."""
    client = await Client.connect(address, namespace=os.environ.get("PAYERA_TEMPORAL_NAMESPACE", NAMESPACE))
    query = 'WorkflowType = "payment" and ExecutionStatus = "Running"'
    return {execution.id async for execution in client.list_workflows(query)}
