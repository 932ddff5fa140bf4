"""`policy-archive status`: how an unattended corpus stands, for its owner and for a monitor."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click

from policy_archive.crawler.core.exit_statuses import ExitStatus
from policy_archive.crawler.core.plurals import plural
from policy_archive.crawler.core.timestamps import utc_now
from policy_archive.pipelines.commands.options import db_option, json_option
from policy_archive.pipelines.outputs.rows import format_json, say
from policy_archive.pipelines.outputs.table import print_table
from policy_archive.pipelines.store.connection import check_there, open_reader
from policy_archive.pipelines.store.monitoring.health import CorpusHealth, Row, read_health
from policy_archive.pipelines.store.monitoring.outbox import forget_channel


@click.command("status")
@click.option(
    "--give-up",
    "label",
    metavar="CHANNEL",
    help="First drop what could not be told to a channel, named as shown here ('url example.org').",
)
@click.option("--strict", is_flag=True, help="Notices count as wrong, too: watched sites without a policy.")
@click.option("--quiet", is_flag=True, help="Print nothing but what is wrong.")
@json_option
@db_option
def status_command(label: str | None, strict: bool, quiet: bool, as_json: bool, database: Path) -> int:
    """How the last runs went, what fails, what is overdue, what waits; exit status 1 if anything is wrong.

    \b
    Example:
      policy-archive status || mail -s "policy-archive" me@example.org
    """
    check_there(database)
    if label is not None:
        from policy_archive.pipelines.store.writer import Store

        with Store.open(database) as store:
            given_up = forget_channel(store.connection, label)
        click.echo(f"{plural(given_up, 'message')} to '{label}' given up.", err=True)
    with closing(open_reader(database)) as connection:
        health = read_health(connection, database, utc_now())
    wrong = [*health.complaints, *(health.notices if strict else [])]
    if as_json:
        click.echo(format_json(health.as_json(), indent=2))
    else:
        _print_sentences(wrong, [] if strict or quiet else health.notices, quiet=quiet)
        if not quiet:
            _print_health(health)
    return ExitStatus.FAILED if wrong else ExitStatus.DONE


def _print_sentences(wrong: list[str], notices: list[str], *, quiet: bool) -> None:
    for sentence in wrong:
        say(f"! {sentence}", err=False)
    if not wrong and not quiet:
        click.echo("healthy")
    for sentence in notices:
        say(f"  {sentence}", err=False)


def _print_health(health: CorpusHealth) -> None:
    held = f"in use: {health.holder.describe()}" if health.holder else "no run is under way"
    say(f"{held}; {plural(health.watched, 'site')} watched, {health.due} due now", err=False)
    waiting = ", ".join(_describe_backlog(row) for row in health.backlog) or "none"
    say(f"messages waiting: {waiting}; write-ahead log: {health.wal_bytes:,} bytes", err=False)
    if health.is_dense:
        say("texts are packed ('policy-archive compact --readable' takes that back)", err=False)
    print_table([_cells(run) for run in health.runs])


def _describe_backlog(row: Row) -> str:
    """Return how many messages wait for a channel, since when, and why."""
    why = f": {row['error']}" if row["error"] else ", not tried yet"
    until = f"; not before {row['wait_until']}" if row["wait_until"] else ""
    return f"{row['waiting']} to {row['label']} since {row['oldest'][:10]}{why}{until}"


def _cells(run: Row) -> Row:
    health = run["health"] or {}
    failed = ", ".join(f"{number} {reason}" for reason, number in health.get("failed", {}).items())
    return {
        "Run": run["id"],
        "Command": run["command"],
        "Started": run["started_at"],
        "Status": run["status"],
        "Due": health.get("sites_due"),
        "Done": health.get("sites_done"),
        "New": health.get("versions_new"),
        "Index": run["index_requests"],
        "Replay": run["replay_requests"],
        "Failed": failed,
        "Reason": run["reason"],
    }
