"""`payera sim …`: the simulators' control plane from a shell."""

import json
import urllib.parse
from pathlib import Path
from typing import Annotated, Any

import typer

from simulators import drift_cli
from simulators.kit.examples import ExampleFailed, Examples
from simulators.shell import (
    AccountOption,
    AsJson,
    Slug,
    account_path,
    call,
    control,
    fetch,
    from_yaml,
    out,
    print_table,
    refuse,
    show,
)

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="The simulated PSPs: faults, journals, requests, clocks, webhooks."
)
MONEY = ("authorize", "capture", "void", "refund")
"""What `seed` performs, in the words of the fault rules."""


@app.command("list")
def simulators(as_json: AsJson = False) -> None:
    """The simulators that run."""
    found = call("GET", "/v1/simulators")
    show(found) if as_json else print_table(found, ("slug", "title", "url"), "no simulator runs")


@app.command()
def accounts(slug: Slug, as_json: AsJson = False) -> None:
    """The accounts at a simulator."""
    found = call("GET", f"/v1/{slug}/accounts")["accounts"]
    show(found) if as_json else print_table(found, ("account", "api_key", "url"), "no account")


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
    show(call("POST", f"/v1/{slug}/accounts", {key: value for key, value in wanted.items() if value is not None}))


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
    path = account_path(slug, account)
    if clear:
        removed = call("DELETE", f"{path}/faults" + (f"/{fault_id}" if fault_id else ""))["removed"]
        out.print(f"{removed} removed")
    if rule is not None:
        show(call("POST", f"{path}/faults", from_yaml(rule)))
    elif not clear:
        rows = [
            {**found, "when": json.dumps(found["when"]), "then": json.dumps(found["then"])}
            for found in call("GET", f"{path}/faults")["faults"]
        ]
        print_table(rows, ("id", "when", "then", "times", "fired"), "no faults")


@app.command()
def journal(slug: Slug, account: AccountOption = None, as_json: AsJson = False) -> None:
    """The money an account moved."""
    entries = call("GET", f"{account_path(slug, account)}/journal")["entries"]
    columns = ("seq", "at", "kind", "amount", "currency", "object", "parent", "reference", "payment", "code")
    show(entries) if as_json else print_table(entries, columns, "no money moved")


@app.command()
def requests(slug: Slug, account: AccountOption = None, as_json: AsJson = False) -> None:
    """The requests an account received, and which of them met a fault."""
    lines = call("GET", f"{account_path(slug, account)}/requests")["requests"]
    columns = ("seq", "at", "method", "path", "operation", "idempotency_key", "status", "fault", "committed")
    show(lines) if as_json else print_table(lines, columns, "no request yet")


@app.command()
def webhooks(
    slug: Slug,
    account: AccountOption = None,
    resend: Annotated[str | None, typer.Option(help="Send this event again.")] = None,
    to: Annotated[str | None, typer.Option(help="Send notifications to this URL from now on.")] = None,
) -> None:
    """The notifications an account sent or has waiting."""
    path = account_path(slug, account)
    if to is not None:
        show(call("PUT", f"{path}/webhook", {"url": to}))
    if resend is not None:
        show(call("POST", f"{path}/webhooks/{resend}/resend"))
    if to is None and resend is None:
        rows = [
            {**found, "attempts": ", ".join(str(a["status"] or a["error"]) for a in found["attempts"])}
            for found in call("GET", f"{path}/webhooks")["deliveries"]
        ]
        print_table(rows, ("event", "type", "endpoint", "status", "attempts"), "no notification yet")


@app.command()
def clock(
    slug: Slug,
    account: AccountOption = None,
    advance: Annotated[float | None, typer.Option(help="Seconds to move forward.")] = None,
) -> None:
    """An account's virtual clock: show it, or move it forward."""
    path = account_path(slug, account)
    show(call("GET", f"{path}/clock") if advance is None else call("POST", f"{path}/clock", {"advance_s": advance}))


@app.command()
def settle(
    slug: Slug,
    thing: Annotated[str, typer.Argument(help="The id of what waits.")],
    action: Annotated[str | None, typer.Argument(help="What it shall do; default: what it waits for.")] = None,
    data: Annotated[str | None, typer.Option(help="What the action takes (YAML): '{reason: duplicate}'")] = None,
    account: AccountOption = None,
) -> None:
    """Move a resource by hand; `triggers` lists the actions."""
    wanted: dict[str, Any] = {"object": thing, "action": action, "data": from_yaml(data) if data else None}
    given = {name: value for name, value in wanted.items() if value is not None}
    show(call("POST", f"{account_path(slug, account)}/settle", given))


@app.command()
def triggers(slug: Slug, as_json: AsJson = False) -> None:
    """The magic values of a simulator, its decline codes, and what can be moved by hand."""
    found = call("GET", f"/v1/simulators/{slug}/triggers")
    if as_json:
        show(found)
        return
    rows = [{name: json.dumps(one[name], ensure_ascii=False) for name in one} for one in found["triggers"]]
    print_table(rows, ("when", "then"), "no magic values")
    print_table(found["declines"], ("code", "iso", "message"), "no decline codes")
    print_table(found["actions"], ("name", "does"), "nothing moves by hand")


@app.command()
def openapi(
    slug: Annotated[str | None, typer.Argument(help="Which simulator; none: the control plane.")] = None,
) -> None:
    """The OpenAPI document of a simulator, or of the control plane."""
    show(call("GET", "/openapi.json" if slug is None else f"/v1/simulators/{slug}/openapi.json"))


@app.command()
def lifecycle(
    slug: Slug,
    modes: Annotated[str, typer.Argument(help="How resources move (YAML): '{refund: {after: 60}, payout: manual}'")],
    account: AccountOption = None,
) -> None:
    """Say how resources of an account move: at once, by hand, or after seconds of its clock."""
    show(call("PUT", f"{account_path(slug, account)}/lifecycle", from_yaml(modes)))


@app.command()
def seed(
    slug: Slug,
    account: AccountOption = None,
    rounds: Annotated[int, typer.Option(help="How many times over.")] = 1,
) -> None:
    """Fill an account: pay, hold, capture, release, refund, as in the simulator's own examples."""
    path = account_path(slug, account)
    document, view = call("GET", f"/v1/simulators/{slug}/openapi.json"), call("GET", path)
    done = 0
    for _ in range(rounds):
        examples = Examples(document, view, control())
        for method, place, operation in list(examples.operations()):
            if method != "GET" and operation.get("x-payera-operation") in MONEY and "x-payera-refuses" not in operation:
                try:
                    status, answer = examples.perform(method, place)
                except (ExampleFailed, OSError) as failed:
                    raise refuse(str(failed)) from None
                if status >= 400:
                    raise refuse(f"{method} {place}: {status} {answer[:500].decode('utf-8', 'replace')}")
                done += 1
    entries = len(call("GET", f"{path}/journal")["entries"])
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
    path = f"{account_path(slug, account)}/settlement" + (f"?{urllib.parse.urlencode(bounds)}" if bounds else "")
    content, headers = fetch("GET", path)
    if output is None:
        typer.echo(content.decode(), nl=False)
        return
    target = output / (headers.get_filename() or "settlement.csv") if output.is_dir() else output
    target.write_bytes(content)
    out.print(str(target), markup=False)


@app.command()
def reset(slug: Slug, account: AccountOption = None) -> None:
    """Forget everything of an account but its keys and its webhook address."""
    show(call("POST", f"{account_path(slug, account)}/reset"))


app.command()(drift_cli.conform)
app.command()(drift_cli.record)
