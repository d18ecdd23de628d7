"""`payera sim …`: the simulators' control plane from a shell.

An account is named by its id, or by its API key; without one, a simulator's first account in env.json is meant.
"""

import asyncio
import fnmatch
import importlib
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
from email.message import Message
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from simulators.kit.examples import ExampleFailed, Examples

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="The simulated PSPs: faults, journals, requests, clocks, webhooks."
)
PIPE_WIDTH = 400
"""Characters of a line that goes into a file or a pipe: a key cut short is of no use there."""
out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else PIPE_WIDTH)
err = Console(stderr=True, highlight=False, soft_wrap=True)

Slug = Annotated[str, typer.Argument(help="Which simulator: stripe, dummypay, …")]
AccountOption = Annotated[
    str | None, typer.Option("--account", "-a", help="Account id or API key; default: the environment's own account.")
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]
TIMEOUT_S = 60.0
MONEY = ("authorize", "capture", "void", "refund")
"""What `seed` performs, in the words of the fault rules."""


class _Failed(Exception):
    """Shown as one line; exit code 1."""


def _environment() -> dict[str, Any]:
    state = Path(os.environ.get("PAYERA_STATE", ".payera"))
    try:
        found: dict[str, Any] = json.loads((state / "env.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found


def _control() -> str:
    url = os.environ.get("PAYERA_CONTROL") or _environment().get("control")
    if not url:
        raise _Failed("no control plane: start one with `payera up`, or name it in PAYERA_CONTROL")
    return str(url)


def _call(method: str, path: str, body: Any = None) -> Any:
    """One call to the control plane; its refusals and a silent address end the command with one line."""
    return json.loads(_fetch(method, path, body)[0])


def _fetch(method: str, path: str, body: Any = None) -> tuple[bytes, Message]:
    """The bytes that the control plane answers, and its headers."""
    try:
        request = urllib.request.Request(  # noqa: S310 - the control plane's own address
            _control() + path,
            None if body is None else json.dumps(body).encode(),
            {"content-type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
            return answer.read(), answer.headers
    except urllib.error.HTTPError as refused:
        with refused:
            try:
                said = json.load(refused)["error"]["message"]
            except (ValueError, KeyError):
                said = refused.reason
        raise _exit(f"{refused.code}: {said}") from None
    except (_Failed, OSError) as failed:
        raise _exit(str(failed)) from None


def _exit(message: str) -> typer.Exit:
    err.print(f"[red]payera sim:[/red] {escape(message)}")
    return typer.Exit(1)


def _account(slug: str, wanted: str | None) -> str:
    """The path of an account."""
    if wanted is None:
        wanted = _environment().get("simulators", {}).get(slug, {}).get("account")
        if wanted is None:
            raise _exit(f"the environment has no account at {slug}: name one with --account")
    known = _call("GET", f"/v1/{slug}/accounts")["accounts"]
    for account in known:
        if wanted in (account["account"], account["api_key"]):
            return f"/v1/{slug}/accounts/{account['account']}"
    raise _exit(f"no account {wanted!r} at {slug}")


def _yaml(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as wrong:
        raise _exit(f"not YAML: {wrong}") from None


def _show(value: Any) -> None:
    out.print(json.dumps(value, indent=2, ensure_ascii=False), markup=False)


def _table(rows: list[dict[str, Any]], columns: tuple[str, ...], empty: str) -> None:
    if not rows:
        out.print(empty)
        return
    table = Table(*columns)
    for row in rows:
        table.add_row(*(escape("" if row.get(name) is None else str(row[name])) for name in columns))
    out.print(table)


@app.command("list")
def simulators(as_json: AsJson = False) -> None:
    """The simulators that run."""
    found = _call("GET", "/v1/simulators")
    _show(found) if as_json else _table(found, ("slug", "title", "url"), "no simulator runs")


@app.command()
def accounts(slug: Slug, as_json: AsJson = False) -> None:
    """The accounts at a simulator."""
    found = _call("GET", f"/v1/{slug}/accounts")["accounts"]
    _show(found) if as_json else _table(found, ("account", "api_key", "url"), "no account")


@app.command()
def account(
    slug: Slug,
    api_key: Annotated[str | None, typer.Option(help="Its key; default: invented.")] = None,
    webhook_secret: Annotated[str | None, typer.Option(help="Its webhook secret; default: invented.")] = None,
    door: Annotated[bool, typer.Option("--door", help="A port of its own, which can refuse connections.")] = False,
    seed: Annotated[int | None, typer.Option(help="Seed of its ids and its chance.")] = None,
) -> None:
    """Create an account and print its keys."""
    wanted: dict[str, Any] = {"api_key": api_key, "webhook_secret": webhook_secret, "door": door, "seed": seed}
    _show(_call("POST", f"/v1/{slug}/accounts", {key: value for key, value in wanted.items() if value is not None}))


@app.command()
def faults(
    slug: Slug,
    rule: Annotated[
        str | None,
        typer.Argument(help="Set this RULE (YAML): '{when: {operation: authorize}, then: rate_limit}'"),
    ] = None,
    account: AccountOption = None,
    clear: Annotated[bool, typer.Option("--clear", help="Remove all faults (or one, with --id) first.")] = False,
    fault_id: Annotated[str | None, typer.Option("--id", help="With --clear: only this one.")] = None,
) -> None:
    """Show an account's faults, set one, or clear them."""
    path = _account(slug, account)
    if clear:
        removed = _call("DELETE", f"{path}/faults" + (f"/{fault_id}" if fault_id else ""))["removed"]
        out.print(f"{removed} removed")
    if rule is not None:
        _show(_call("POST", f"{path}/faults", _yaml(rule)))
    elif not clear:
        rows = [
            {**found, "when": json.dumps(found["when"]), "then": json.dumps(found["then"])}
            for found in _call("GET", f"{path}/faults")["faults"]
        ]
        _table(rows, ("id", "when", "then", "times", "fired"), "no faults")


@app.command()
def journal(slug: Slug, account: AccountOption = None, as_json: AsJson = False) -> None:
    """The money an account moved."""
    entries = _call("GET", f"{_account(slug, account)}/journal")["entries"]
    columns = ("seq", "at", "kind", "amount", "currency", "object", "parent", "reference", "payment", "code")
    _show(entries) if as_json else _table(entries, columns, "no money moved")


@app.command()
def requests(slug: Slug, account: AccountOption = None, as_json: AsJson = False) -> None:
    """The requests an account received, and which of them met a fault."""
    lines = _call("GET", f"{_account(slug, account)}/requests")["requests"]
    columns = ("seq", "at", "method", "path", "operation", "idempotency_key", "status", "fault", "committed")
    _show(lines) if as_json else _table(lines, columns, "no request yet")


@app.command()
def webhooks(
    slug: Slug,
    account: AccountOption = None,
    resend: Annotated[str | None, typer.Option(help="Send this event again.")] = None,
    to: Annotated[str | None, typer.Option(help="Send notifications to this URL from now on.")] = None,
) -> None:
    """The notifications an account sent or has waiting."""
    path = _account(slug, account)
    if to is not None:
        _show(_call("PUT", f"{path}/webhook", {"url": to}))
    if resend is not None:
        _show(_call("POST", f"{path}/webhooks/{resend}/resend"))
    if to is None and resend is None:
        rows = [
            {**found, "attempts": ", ".join(str(a["status"] or a["error"]) for a in found["attempts"])}
            for found in _call("GET", f"{path}/webhooks")["deliveries"]
        ]
        _table(rows, ("event", "type", "endpoint", "status", "attempts"), "no notification yet")


@app.command()
def clock(
    slug: Slug,
    account: AccountOption = None,
    advance: Annotated[float | None, typer.Option(help="Seconds to move forward.")] = None,
) -> None:
    """An account's virtual clock: show it, or move it forward."""
    path = _account(slug, account)
    _show(_call("GET", f"{path}/clock") if advance is None else _call("POST", f"{path}/clock", {"advance_s": advance}))


@app.command()
def settle(
    slug: Slug,
    thing: Annotated[str, typer.Argument(help="The id of what waits.")],
    action: Annotated[str | None, typer.Argument(help="What it shall do; default: what it waits for.")] = None,
    data: Annotated[str | None, typer.Option(help="What the action takes (YAML): '{reason: duplicate}'")] = None,
    account: AccountOption = None,
) -> None:
    """Move a resource by hand; `triggers` lists the actions."""
    wanted: dict[str, Any] = {"object": thing, "action": action, "data": _yaml(data) if data else None}
    given = {name: value for name, value in wanted.items() if value is not None}
    _show(_call("POST", f"{_account(slug, account)}/settle", given))


@app.command()
def triggers(slug: Slug, as_json: AsJson = False) -> None:
    """The magic values of a simulator, its decline codes, and what can be moved by hand."""
    found = _call("GET", f"/v1/simulators/{slug}/triggers")
    if as_json:
        _show(found)
        return
    rows = [{name: json.dumps(one[name], ensure_ascii=False) for name in one} for one in found["triggers"]]
    _table(rows, ("when", "then"), "no magic values")
    _table(found["declines"], ("code", "iso", "message"), "no decline codes")
    _table(found["actions"], ("name", "does"), "nothing moves by hand")


@app.command()
def openapi(
    slug: Annotated[str | None, typer.Argument(help="Which simulator; none: the control plane.")] = None,
) -> None:
    """The OpenAPI document of a simulator, or of the control plane."""
    _show(_call("GET", "/openapi.json" if slug is None else f"/v1/simulators/{slug}/openapi.json"))


@app.command()
def lifecycle(
    slug: Slug,
    modes: Annotated[str, typer.Argument(help="How resources move (YAML): '{refund: {after: 60}, payout: manual}'")],
    account: AccountOption = None,
) -> None:
    """Say how resources of an account move: at once, by hand, or after seconds of its clock."""
    _show(_call("PUT", f"{_account(slug, account)}/lifecycle", _yaml(modes)))


@app.command()
def seed(
    slug: Slug,
    account: AccountOption = None,
    rounds: Annotated[int, typer.Option(help="How many times over.")] = 1,
) -> None:
    """Fill an account: pay, hold, capture, release, refund, as in the simulator's own examples."""
    path = _account(slug, account)
    document, view = _call("GET", f"/v1/simulators/{slug}/openapi.json"), _call("GET", path)
    done = 0
    for _ in range(rounds):
        examples = Examples(document, view, _control())
        for method, place, operation in list(examples.operations()):
            if method != "GET" and operation.get("x-payera-operation") in MONEY and "x-payera-refuses" not in operation:
                try:
                    status, answer = examples.perform(method, place)
                except (ExampleFailed, OSError) as failed:
                    raise _exit(str(failed)) from None
                if status >= 400:
                    raise _exit(f"{method} {place}: {status} {answer[:500].decode('utf-8', 'replace')}")
                done += 1
    entries = len(_call("GET", f"{path}/journal")["entries"])
    out.print(f"{done} examples performed; the journal has {entries} entries")


@app.command()
def settlement(
    slug: Slug,
    account: AccountOption = None,
    begins: Annotated[
        str | None, typer.Option("--from", help="First day or moment; default: the first movement.")
    ] = None,
    ends: Annotated[str | None, typer.Option("--to", help="The end, exclusive; default: now.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A file, or a folder for a file named as the PSP does.")
    ] = None,
) -> None:
    """The settlement file of an account, in the PSP's own format: printed, or written."""
    bounds = {name: value for name, value in (("from", begins), ("to", ends)) if value is not None}
    path = f"{_account(slug, account)}/settlement" + (f"?{urllib.parse.urlencode(bounds)}" if bounds else "")
    content, headers = _fetch("GET", path)
    if output is None:
        typer.echo(content.decode(), nl=False)
        return
    target = output / (headers.get_filename() or "settlement.csv") if output.is_dir() else output
    target.write_bytes(content)
    out.print(str(target), markup=False)


@app.command()
def reset(slug: Slug, account: AccountOption = None) -> None:
    """Forget everything of an account but its keys and its webhook address."""
    _show(_call("POST", f"{_account(slug, account)}/reset"))


@app.command()
def conform(
    slug: Annotated[str | None, typer.Argument(help="Which simulator; not needed with --recorded.")] = None,
    *,
    spec: Annotated[Path, typer.Option(help="The PSP's OpenAPI file, JSON or YAML.")],
    recorded: Annotated[
        Path | None, typer.Option(help="Judge this exchanges.jsonl of `payera sim record` in place of a simulator.")
    ] = None,
    ignore: Annotated[
        list[str] | None, typer.Option(help="Leave out differences like this: a glob over METHOD /path#/pointer.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Hold answers against a PSP's published OpenAPI. Exit code 0: none differs; 1: drift; 2: it was not found out.

    A simulator performs every example of its own document on fresh accounts, so the environment's data stay untouched.
    """
    published = importlib.import_module("simulators.conform.published")
    tour = importlib.import_module("simulators.conform.tour")
    try:
        wanted = published.Spec.read(spec)
        answers = tour.recorded(recorded) if recorded is not None else _toured(slug, tour)
    except (published.NotASpec, OSError, ValueError) as wrong:
        err.print(f"[red]payera sim:[/red] {escape(str(wrong))}")
        raise typer.Exit(2) from None
    report = tour.compare(wanted, answers)
    shown = [
        {"operation": d.operation, "pointer": d.pointer, "kind": d.kind, "seen": seen, "message": d.message}
        for d, seen in sorted(report.drifts.items())
        if not any(fnmatch.fnmatchcase(str(d), pattern) for pattern in ignore or ())
    ]
    if as_json:
        _show({"answers": report.answers, "pages": report.pages, "drift": shown})
    else:
        _table(shown, ("operation", "pointer", "kind", "seen", "message"), "no drift")
        out.print(f"{report.answers} answers judged, {len(shown)} differences")
    if not report.answers:
        err.print("[red]payera sim:[/red] there was no answer to judge")
        raise typer.Exit(2)
    if shown:
        raise typer.Exit(1)


def _toured(slug: str | None, tour: Any) -> Any:
    """The answers of a simulator's own examples, each performed on an account that is closed afterwards."""
    if slug is None:
        raise ValueError("which simulator? or --recorded FILE")
    document = _call("GET", f"/v1/simulators/{slug}/openapi.json")
    answers = []
    for path, methods in document["paths"].items():
        for method in methods:
            made = _call("POST", f"/v1/{slug}/accounts", {})
            try:
                walk = tour.Tour(document, made, _control())
                if failed := walk.perform_at(method.upper(), path):
                    err.print(f"[yellow]not performed:[/yellow] {escape(failed)}")
                answers += walk.answers
            finally:
                _call("DELETE", f"/v1/{slug}/accounts/{made['account']}")
    return answers


@app.command()
def record(
    upstream: Annotated[str, typer.Option(help="The PSP's sandbox, e.g. https://api.sandbox.checkout.com.")],
    out_folder: Annotated[Path, typer.Option("--out", help="Where exchanges.jsonl and cases.yaml go.")],
    slug: Annotated[str | None, typer.Option(help="The simulator whose routes say what each request is for.")] = None,
    port: Annotated[int, typer.Option(help="Listen here; 0: any free port.")] = 0,
) -> None:
    """Pass a real sandbox through and keep its traffic, masked: point a connector's base URL here. Ctrl-C ends it."""
    recorder = importlib.import_module("simulators.conform.recorder")
    operation_of = importlib.import_module("simulators.conform.routes").operations(slug)

    def ready(url: str) -> None:
        typer.echo(json.dumps({"url": url, "out": str(out_folder)}))

    try:
        asyncio.run(recorder.record(upstream, out_folder, operation_of, port, ready))
    except KeyboardInterrupt:
        out.print("ended")
    except (OSError, LookupError) as failed:
        raise _exit(str(failed)) from None
