"""`payera kafka`: Apache Kafka's broker on this machine, and the topics on it."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from compose import topics as kafka_topics
from compose.embedded import environment
from compose.embedded.apache_kafka import cache_folder, jars_folder
from compose.embedded.environment import EnvironmentFailed
from compose.embedded.java import NoJava, find_java
from compose.embedded.layout import default_state
from compose.kafka_jars import lock, sources
from compose.kafka_jars.fetch import fetch

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Apache Kafka without containers: jars and topics.")
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def _fail(error: Exception) -> typer.Exit:
    err.print(f"[red]payera:[/red] {escape(str(error))}")
    return typer.Exit(1)


@app.command()
def install(
    place: Annotated[
        str | None,
        typer.Option("--from", help="Folder or repository URL instead of mvn (default: $PAYERA_MAVEN_REPOSITORY)."),
    ] = None,
) -> None:
    """Bring the locked version into the user's cache folder; each jar's checksum is compared."""
    try:
        jars = lock.read()
        folder = jars_folder()
        out.print(f"Apache Kafka {lock.version(jars)}: {len(jars)} jars, about 45 MB, to {folder}")
        fresh = fetch(folder, jars, sources.choose(place), lambda line: out.print(f"[dim]{escape(line)}[/dim]"))
    except (sources.SourceFailed, lock.LockInvalid, OSError) as error:
        raise _fail(error) from None
    out.print(f"[green]{'installed' if fresh else 'already installed'}[/green], all checksums as locked")
    try:
        out.print(f"java: {find_java()}")
    except NoJava as error:
        out.print(f"[yellow]{escape(str(error))}[/yellow]")


@app.command()
def status() -> None:
    """Is there a Java, and are the jars there and whole? Exit code 0: `payera up --kafka apache` can start."""
    ready = True
    try:
        out.print(f"java      {find_java()}")
    except NoJava as error:
        ready = False
        out.print(f"java      [red]{escape(str(error))}[/red]")
    jars = lock.read()
    folder = jars_folder()
    wrong = lock.complaints(jars, folder)
    if not folder.exists():
        out.print(f"kafka     [red]{lock.version(jars)} is not installed[/red]: `payera kafka install`")
    elif wrong:
        out.print(f"kafka     [red]{lock.version(jars)} is damaged[/red] in {folder}: `payera kafka install`")
        for line in wrong:
            out.print(f"          {escape(line)}")
    else:
        out.print(f"kafka     {lock.version(jars)} in {folder}, {len(jars)} jars as locked")
    others = sorted(path.name for path in cache_folder().glob("*") if path != folder and not path.name.startswith("."))
    if others:
        out.print(f"others    {', '.join(others)} (not used; remove them at will)")
    raise typer.Exit(0 if ready and not wrong else 1)


@app.command()
def topics(
    bootstrap: Annotated[str | None, typer.Option(help="host:port (default: the running environment's).")] = None,
    state: Annotated[Path | None, typer.Option("--state", help="State folder of the environment.")] = None,
) -> None:
    """Make the topics as compose/topics.yaml says. `payera up --kafka apache` has done it already."""
    try:
        lines = [f"{topic.name}: nothing to do" for topic in kafka_topics.load()]
        env = (
            {"kafka": bootstrap} if bootstrap else environment.read_env(state.absolute() if state else default_state())
        )
        if env.get("broker") != "librdkafka":  # it knows no administration, and makes topics when they are asked for
            lines = kafka_topics.ensure(env["kafka"], kafka_topics.load())
    except (EnvironmentFailed, kafka_topics.TopicsFailed, OSError) as error:
        raise _fail(error) from None
    for line in lines:
        out.print(escape(line))
