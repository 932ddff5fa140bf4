"""`policy-archive notify`: try a channel, see what waits for one, and send it."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from policy_archive.crawler.core.errors import UsageError
from policy_archive.crawler.core.events import log_to_stderr
from policy_archive.crawler.core.exit_statuses import ExitStatus
from policy_archive.crawler.core.records import Channel
from policy_archive.pipelines.commands.alert_options import Alerts, alert_options
from policy_archive.pipelines.commands.options import db_option, row_options
from policy_archive.pipelines.notify.channels import parse_mail
from policy_archive.pipelines.notify.delivery import Delivery, deliver_news
from policy_archive.pipelines.notify.formats import FORMATS
from policy_archive.pipelines.notify.formats.mail import render_mail
from policy_archive.pipelines.notify.notice import build_sample
from policy_archive.pipelines.notify.senders import DeliveryError, send
from policy_archive.pipelines.outputs.rows import print_rows, say
from policy_archive.pipelines.store.connection import check_there, open_reader
from policy_archive.pipelines.store.monitoring.outbox import list_waiting
from policy_archive.pipelines.store.runlock import hold_lock

Row = dict[str, Any]


@click.group(name="notify")
def notify_command() -> None:
    """Tell chats, mailboxes and programs what changed: try it, see what waits, send it."""


@notify_command.command("test")
@click.option("--dry-run", is_flag=True, help="Print the messages in place of sending them.")
@alert_options
@row_options
def test_command(dry_run: bool, alerts: Alerts, row_format: str) -> int:
    """Send a sample message, so that you see how it arrives. Nothing is stored.

    \b
    Example:
      policy-archive notify test --notify-env SLACK_WEBHOOK
      policy-archive notify test --dry-run --notify-url slack=http://127.0.0.1:8065/hook
    """
    channels = _build(alerts)
    if dry_run:
        for channel in channels:
            click.echo(_render(channel).rstrip("\n"))
        return ExitStatus.DONE
    rows = [_send_sample(channel) for channel in channels]
    print_rows(rows, row_format, cells=_cells)
    return ExitStatus.NOT_TOLD if any(row["error"] for row in rows) else ExitStatus.DONE


def _build(alerts: Alerts) -> tuple[Channel, ...]:
    channels = alerts.build()
    if not channels:
        raise UsageError("Who is to be told? Give --notify-env NAME, --notify-file PATH or --notify-command.")
    return channels


def _render(channel: Channel) -> str:
    sample = build_sample()
    if channel.kind != "mail":
        return FORMATS[channel.format](sample).content.decode()
    server = parse_mail(channel.target, source=channel.label)
    return render_mail(sample, sender=server.sender, recipient=server.recipients[0]).as_string()


def _send_sample(channel: Channel) -> Row:
    error = ""
    try:
        send(channel, build_sample())
    except DeliveryError as failure:
        error = str(failure)
    return {"channel": channel.label, "format": channel.format, "told": not error, "error": error}


def _cells(row: Row) -> Row:
    return {
        "Channel": row["channel"],
        "Format": row["format"],
        "Told": "yes" if row["told"] else "no",
        "Why not": row["error"],
    }


@notify_command.command("waiting")
@row_options
@db_option
def waiting_command(row_format: str, database: Path) -> None:
    """List the messages that wait: for whom, of what, since when, and why.

    \b
    Example:
      policy-archive notify waiting --db demo.db
    """
    with closing(open_reader(database)) as connection:
        rows = list_waiting(connection)
    print_rows(rows, row_format, cells=_waiting_cells)
    if not rows:
        click.echo("Nothing waits.", err=True)


def _waiting_cells(row: Row) -> Row:
    return {
        "Channel": row["label"],
        "Document": " ".join(filter(None, [row["site"], row["kind"], row["name"]])),
        "Versions": row["versions"],
        "Since": row["since"][:10],
        "Tries": row["tries"],
        "Not before": row["wait_until"] or "",
        "Why": row["error"] or "",
    }


@notify_command.command("send")
@alert_options
@row_options
@db_option
def send_command(alerts: Alerts, row_format: str, database: Path) -> int:
    """Send what waits for these channels, and ask the archive nothing.

    With --notify-since, all that they were not told yet and that was captured since.

    \b
    Example:
      policy-archive notify send --notify-env SLACK_WEBHOOK
    """
    from policy_archive.pipelines.store.writer import Store

    channels = _build(alerts)
    check_there(database)
    with log_to_stderr(), hold_lock(database, "policy-archive notify"), Store.open(database) as store:
        deliveries = deliver_news(store.connection, channels, base_url=alerts.base_url)
    _print_deliveries(deliveries, row_format)
    return ExitStatus.NOT_TOLD if any(one.is_refused for one in deliveries) else ExitStatus.DONE


def _print_deliveries(deliveries: Iterable[Delivery], row_format: str) -> None:
    if row_format == "table":
        for delivery in deliveries:
            say(delivery.describe(), err=False)
    else:
        print_rows([asdict(delivery) for delivery in deliveries], row_format)
