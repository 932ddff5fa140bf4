"""`policy-archive watch`: the list of sites that `update` keeps up."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from policy_archive.crawler.core.errors import NotKnownError
from policy_archive.crawler.core.plurals import plural
from policy_archive.crawler.core.records import Kind
from policy_archive.crawler.core.timestamps import format_instant, utc_now
from policy_archive.crawler.core.urls import parse_site
from policy_archive.crawler.crawl.run import KINDS, parse_kinds
from policy_archive.crawler.planning.due import Watch, parse_interval
from policy_archive.pipelines.commands.fetch import gather_targets
from policy_archive.pipelines.commands.options import (
    ListedSites,
    db_option,
    early_db_option,
    row_options,
    sites_options,
)
from policy_archive.pipelines.commands.site_names import complete_sites
from policy_archive.pipelines.outputs.rows import print_rows
from policy_archive.pipelines.store.connection import check_there, open_reader, write
from policy_archive.pipelines.store.monitoring import watches
from policy_archive.pipelines.store.writer import Store


@click.group(name="watch")
@early_db_option
def watch_command(early_database: Path | None) -> None:
    """Keep a list of sites for 'update', each with its own interval."""


@watch_command.command("add")
@click.argument("sites", nargs=-1, metavar="[SITE]...")
@sites_options
@click.option(
    "--every",
    metavar="TIME",
    help="Interval: 12h, 1d, 1w, 1mo, 1y.  [default: as it is watched already, or 1w]",
)
@click.option(
    "--kind",
    "kinds",
    type=click.Choice([*KINDS, "all"]),
    multiple=True,
    help="Kind of policy; may be given more than once.  "
    "[default: as it is watched already, or those that the corpus has, or privacy]",
)
@db_option
def add_command(
    sites: tuple[str, ...],
    listed: ListedSites | None,
    every: str | None,
    kinds: tuple[str, ...],
    database: Path,
) -> None:
    """Put sites on the list, or change how they are watched.

    Of a site that is on the list already, what is not given stays as it is.

    \b
    Example:
        policy-archive watch add example.com --every 1w
        policy-archive watch add --sites tranco.csv --every 1mo
    """
    if every is not None:
        parse_interval(every)
    names = dict.fromkeys(target.site for target in gather_targets(sites, listed))
    with Store.open(database) as store:
        chosen = list(_choose(store, names, every, parse_kinds(kinds)))
        write(store.connection, lambda c: _add(c, chosen))
    for line in _describe_added(chosen):
        click.echo(line, err=True)


_NAMED = 10
"""Sites that are named one by one; more are counted."""


def _describe_added(chosen: Sequence[tuple[str, str, tuple[Kind, ...]]]) -> Iterator[str]:
    if len(chosen) <= _NAMED:
        for site, interval, wanted in chosen:
            yield f"{site} is watched: {', '.join(wanted)}, every {interval}."
        return
    counts = Counter((interval, wanted) for _, interval, wanted in chosen)
    for (interval, wanted), number in counts.most_common():
        yield f"{plural(number, 'site is', 'sites are')} watched: {', '.join(wanted)}, every {interval}."


def _choose(
    store: Store, sites: Iterable[str], every: str | None, kinds: tuple[Kind, ...]
) -> Iterator[tuple[str, str, tuple[Kind, ...]]]:
    """Yield each site with its interval and kinds: those given, or as it is watched, or by what is known."""
    listed = {watch.site: watch for watch in watches.list_watches(store.connection)}
    for site in sites:
        watch = listed.get(site)
        known = watch.kinds if watch else watches.known_kinds(store.connection, site)
        yield site, every or (watch.every if watch else "1w"), kinds or known or (Kind.PRIVACY,)


def _add(connection: sqlite3.Connection, chosen: Iterable[tuple[str, str, tuple[Kind, ...]]]) -> None:
    now = _format(utc_now())
    for site, every, kinds in chosen:
        watches.write_watch(connection, site, every=every, kinds=kinds, now=now)


@watch_command.command("remove")
@click.argument("sites", nargs=-1, required=True, metavar="SITE...", shell_complete=complete_sites)
@db_option
def remove_command(sites: tuple[str, ...], database: Path) -> None:
    """Take sites off the list; what was fetched of them stays.

    \b
    Example:
        policy-archive watch remove example.com
    """
    names = dict.fromkeys(parse_site(site) for site in sites)
    check_there(database)
    with Store.open(database) as store:
        write(store.connection, lambda c: _remove(c, names))
    for site in names:
        click.echo(f"{site} is no longer watched.", err=True)


def _remove(connection: sqlite3.Connection, sites: Iterable[str]) -> None:
    """Take all of them off the list, or none when one is not on it."""
    for site in sites:
        if not watches.delete_watch(connection, site):
            raise NotKnownError(f"{site} is not watched; 'policy-archive watch list' shows what is.")


@watch_command.command("list")
@db_option
@row_options
def list_command(database: Path, row_format: str) -> None:
    """List the sites watched, those due first.

    \b
    Example:
        policy-archive watch list --json
    """
    with closing(open_reader(database)) as connection:
        listed = watches.list_watches(connection)
    now = utc_now()
    print_rows([describe_watch(watch, now) for watch in listed], row_format, cells=_cells)
    if not listed:
        click.echo("Nothing is watched: 'policy-archive watch add example.com' begins.", err=True)


def describe_watch(watch: Watch, now: datetime) -> dict[str, Any]:
    """Return a watched site as a row."""
    return {
        "site": watch.site,
        "kinds": list(watch.kinds),
        "every": watch.every,
        "checked_at": watch.checked_at and _format(watch.checked_at),
        "due_at": _format(watch.due_at),
        "due": watch.is_due(now),
        "outcome": watch.outcome,
        "misses": watch.misses,
        "reason": watch.reason if watch.outcome else "",
    }


def _cells(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "Site": row["site"],
        "Kinds": ", ".join(row["kinds"]),
        "Every": row["every"],
        "Checked": (row["checked_at"] or "never")[:10],
        "Due": "now" if row["due"] else row["due_at"][:10],
        "Outcome": row["outcome"] or "",
        "Why": row["reason"],
    }


def _format(instant: datetime) -> str:
    return format_instant(instant)
