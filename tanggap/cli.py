"""The `tanggap` command (CONTRACT, "Command line")."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from pipeline.settings import CoreSettings
from schemas.base import encode

EXIT_USAGE = 2

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
topics_app = typer.Typer(no_args_is_help=True, help="Kafka topics.")
search_app = typer.Typer(no_args_is_help=True, help="Elasticsearch templates and indices.")
sla_app = typer.Typer(no_args_is_help=True, help="Deadlines.")
app.add_typer(topics_app, name="topics")
app.add_typer(search_app, name="search")
app.add_typer(sla_app, name="sla")

Files = Annotated[list[str] | None, typer.Argument(help="Files; a folder reads each file in it; - is standard input.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def settings_or_exit(**changes: object) -> CoreSettings:
    """The settings, or exit 2 with what is wrong with them."""
    try:
        return CoreSettings().model_copy(update={name: value for name, value in changes.items() if value is not None})
    except (ValidationError, ValueError) as error:
        problems = error.errors(include_input=False, include_url=False) if isinstance(error, ValidationError) else []
        lines = [f"{'.'.join(map(str, one['loc'])) or 'settings'}: {one['msg']}" for one in problems] or [str(error)]
        raise stopped("Settings cannot be used:\n  " + "\n  ".join(lines)) from None


def stopped(message: str, code: int = EXIT_USAGE) -> typer.Exit:
    """Prints what happened and what to do next; to be raised."""
    typer.echo(message, err=True)
    return typer.Exit(code)


@app.command()
def up(
    kafka: Annotated[str | None, typer.Option(help="Use this cluster instead of the embedded stand-in.")] = None,
    elasticsearch: Annotated[str | None, typer.Option(help="Use this cluster; both or neither are given.")] = None,
    json: Json = False,
) -> None:
    """Start everything: the embedded broker and search, every service, the portal. Ctrl-C ends it."""
    from .standin import StandInError
    from .supervisor import StartError, absolute
    from .supervisor import up as run_up

    if (kafka is None) != (elasticsearch is None):
        raise stopped("Give both --kafka and --elasticsearch, or neither.")
    settings = absolute(settings_or_exit(kafka=kafka, elasticsearch=elasticsearch))
    try:
        asyncio.run(run_up(settings, embedded=kafka is None, as_json=json))
    except (StartError, StandInError) as error:
        raise stopped(str(error), 1) from None


@app.command()
def run(
    services: Annotated[list[str], typer.Argument(help="webhooks, portal, ingest CHANNEL, normalizer …")],
    json: Json = True,
) -> None:
    """Run one or more services in the foreground of this process. What it prints is its log, in JSON lines."""
    from .runner import run as run_services
    from .services import UnknownService

    try:
        code = run_services(services, settings_or_exit())
    except UnknownService as error:
        raise stopped(str(error)) from None
    raise typer.Exit(code)


@app.command()
def decode(
    channel: Annotated[str, typer.Argument(help="Channel name.")], files: Files = None, json: Json = True
) -> None:
    """Offline: raw vendor bytes in, one JSON line per resulting item out."""
    from . import offline

    try:
        found = offline.channel_named(channel)
        now = datetime.now(UTC)
        for source, body in offline.inputs(files or []):
            offline.write(offline.decode(found, source, body, now))
    except (offline.UnknownChannel, OSError) as error:
        raise stopped(str(error)) from None


@app.command()
def understand(file: Annotated[str, typer.Argument()] = "-", json: Json = True) -> None:
    """Offline: lines of text in, the normalizer's reading of each out."""
    from . import offline

    boundaries = settings_or_exit().boundaries
    offline.write(offline.understand(_lines(file), boundaries))


@app.command()
def route(file: Annotated[str, typer.Argument()] = "-", json: Json = True) -> None:
    """Offline: lines of text in, the agency (or the review queue) and why out."""
    from . import offline

    boundaries = settings_or_exit().boundaries
    offline.write(offline.route(_lines(file), boundaries))


@sla_app.command()
def replay(file: Annotated[str, typer.Argument()] = "-", json: Json = True) -> None:
    """Offline: ticket events in (any order, duplicates allowed), SLA events with exact due instants out."""
    from sla_monitor.policy import load_policy
    from sla_monitor.replay import replay as replay_lines

    from . import offline

    offline.write(replay_lines(_lines(file), load_policy()))


@topics_app.command("apply")
def topics_apply(json: Json = False) -> None:
    """Create missing Kafka topics. Safe to repeat."""
    from ingestors.registry import CHANNELS
    from pipeline import topics

    try:
        created = topics.apply(settings_or_exit(), list(CHANNELS))
    except topics.PartitionMismatch as error:
        raise stopped(str(error)) from None
    report({"created": created}, json, f"{len(created)} topics created.")


@search_app.command("apply")
def search_apply(json: Json = False) -> None:
    """Create or update index templates, indices and aliases. Safe to repeat."""
    from indexer.templates import search_apply as apply

    applied = apply(settings_or_exit())
    report({"applied": [str(one) for one in applied]}, json, f"{len(applied)} views in place.")


@app.command()
def rebuild(json: Json = False) -> None:
    """Delete and rebuild the search view from Kafka, without a gap."""
    from indexer.rebuild import rebuild as run_rebuild

    found = run_rebuild(settings_or_exit())
    report({"report": found}, json, str(found))


@app.command()
def reconcile(
    channel: Annotated[str, typer.Argument(help="Channel name.")],
    since: Annotated[str, typer.Option(help="How far back: 90m, 24h, 7d.")] = "24h",
    mend: Annotated[bool, typer.Option("--mend", help="Take in the pages that hold what is missing.")] = False,
    json: Json = False,
) -> None:
    """Compare a channel's own listing with what was captured. Exit code 1 when something is missing."""
    from kafka.errors import KafkaError

    from indexer.source import SourceStalled, TopicsMissing
    from pipeline.errors import TransientError

    from .reconcile import CannotReconcile, run

    try:
        found = asyncio.run(run(channel, since, settings_or_exit(), mend=mend))
    except (CannotReconcile, TopicsMissing, SourceStalled) as error:
        raise stopped(str(error)) from None
    except (TransientError, KafkaError, OSError) as error:
        raise stopped(f"{type(error).__name__}: the vendor, Kafka or the vault does not answer; run again") from None
    report(found, json, found.words())
    raise typer.Exit(1 if found.missing else 0)


@app.command()
def demo(json: Json = False) -> None:
    """Send real-format complaints through the real entrances of a running Tanggap and follow them."""
    from .demo import DemoError
    from .demo import run as run_demo
    from .supervisor import absolute

    try:
        asyncio.run(run_demo(absolute(settings_or_exit()), as_json=json))
    except DemoError as error:
        raise stopped(str(error), 1) from None


def report(data: object, as_json: bool, words: str) -> None:
    """One JSON line, or one sentence."""
    typer.echo(encode(data).decode() if as_json else words)


def _lines(file: str) -> list[bytes]:
    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise stopped(f"{file}: {error.strerror}") from None
    return [line for line in data.splitlines() if line.strip()]


def main() -> None:
    """Entry point."""
    app()
