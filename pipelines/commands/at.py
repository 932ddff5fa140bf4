"""The command at."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from policy_archive.crawler.core.errors import NotKnownError
from policy_archive.crawler.core.exit_statuses import ExitStatus
from policy_archive.crawler.core.plurals import plural
from policy_archive.crawler.core.stored import POLICY_KINDS
from policy_archive.crawler.core.timestamps import parse_day
from policy_archive.crawler.core.urls import parse_site
from policy_archive.pipelines.commands.options import (
    FolderPath,
    ListedSites,
    db_option,
    row_options,
    sites_options,
)
from policy_archive.pipelines.commands.site_names import sites_argument
from policy_archive.pipelines.outputs.at import at_cells, described, write_at
from policy_archive.pipelines.outputs.rows import print_rows
from policy_archive.pipelines.store import queries
from policy_archive.pipelines.store.at import Certainty, iter_at
from policy_archive.pipelines.store.connection import open_reader

Row = dict[str, Any]


@click.command("at")
@click.argument("day", metavar="DATE")
@sites_argument
@sites_options
@click.option("--kind", type=click.Choice([kind.value for kind in POLICY_KINDS]), help="Only this kind.")
@click.option(
    "--to",
    "target",
    metavar="DIR",
    type=FolderPath(),
    help="Write the texts as files, and at.csv, which names them.",
)
@row_options
@db_option
def at_command(
    day: str,
    sites: tuple[str, ...],
    listed: ListedSites | None,
    kind: str | None,
    target: Path | None,
    row_format: str,
    database: Path,
) -> None:
    """The texts in force on a day, of all sites or of some: how surely, and those before and after.

    A day is meant by its end, in UTC; a month or a year (2018-01, 2018) by its last day. Nothing is guessed:
    where the text changed around the day both candidates stand there, with the day that each states.

    \b
    Example:
      policy-archive at 2018-05-25 --db demo.db
      policy-archive at 2018-05-25 tidelock.example --to texts --db demo.db
      policy-archive at 2018-05-25 --kind privacy --csv --db demo.db
    """
    with closing(open_reader(database)) as connection:
        chosen = list(_iter_chosen(connection, sites, listed)) if sites or listed else None
        rows = list(described(iter_at(connection, parse_day(day, end=True), sites=chosen, kind=kind)))
        if target is None:
            print_rows(rows, row_format, cells=at_cells)
        else:
            lines, texts = write_at(connection, rows, target)
            click.echo(
                f"{plural(texts, 'text')} and at.csv with {plural(lines, 'row')} in {target}.",
                err=True,
            )
    if not rows:
        click.echo("No site is in the corpus: 'policy-archive fetch example.com' fetches one.", err=True)
        sys.exit(ExitStatus.FAILED)
    click.echo(_summarise(rows), err=True)


def _iter_chosen(
    connection: sqlite3.Connection, named: tuple[str, ...], listed: ListedSites | None
) -> Iterator[str]:
    """Yield the sites meant, each once; of a list those that are not there are named and left out."""
    known = dict.fromkeys(queries.find_site(connection, site) for site in named)
    for item in listed or ():
        try:
            known[queries.find_site(connection, parse_site(item.site))] = None
        except NotKnownError as error:
            if listed is not None:
                listed.leave_out(item.number, str(error))
    yield from known


def _summarise(rows: list[Row]) -> str:
    words = {
        Certainty.IN_FORCE: "in force for certain",
        Certainty.CHANGED_AROUND: "changed around the day",
        Certainty.BEFORE_FIRST: "captured only later",
        Certainty.AFTER_LAST: "captured only earlier",
        Certainty.NO_POLICY: "without a policy",
    }
    counts = {what: sum(row["certainty"] == certainty for row in rows) for certainty, what in words.items()}
    return f"{plural(len(rows), 'row')}: {', '.join(f'{n} {what}' for what, n in counts.items() if n)}."
