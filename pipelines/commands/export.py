"""The command export: versions as files for other programs."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from policy_archive.crawler.core.errors import UsageError
from policy_archive.crawler.core.plurals import plural
from policy_archive.crawler.core.stored import Document, Kind
from policy_archive.crawler.core.timestamps import parse_day
from policy_archive.pipelines.commands.options import db_option
from policy_archive.pipelines.commands.site_names import sites_argument
from policy_archive.pipelines.exchange.formats import FORMATS
from policy_archive.pipelines.store import queries
from policy_archive.pipelines.store.at import iter_at
from policy_archive.pipelines.store.connection import open_reader


@click.command("export")
@sites_argument
@click.option("--all", "everything", is_flag=True, help="Export every site of the corpus.")
@click.option(
    "--to", "target", required=True, metavar="DIR", type=click.Path(file_okay=False, path_type=Path)
)
@click.option("--format", "form", type=click.Choice(list(FORMATS)), default="md", show_default=True)
@click.option(
    "--raw-csv", is_flag=True, help="Leave CSV cells alone that a spreadsheet would run as a formula."
)
@click.option(
    "--at",
    "day",
    metavar="DATE",
    help="Only the versions that were in force on that day for certain, as 'at' tells them.",
)
@db_option
def export_command(
    sites: tuple[str, ...],
    everything: bool,
    target: Path,
    form: str,
    raw_csv: bool,
    day: str | None,
    database: Path,
) -> None:
    """Write versions as files: Markdown in the corpus format, JSON lines or CSV.

    md writes DIR/i/in/int/intently.co/privacy/20180127122821.md; jsonl and csv one file. What is there
    already and has not changed is left alone.

    \b
    Example:
      policy-archive export tidelock.example --to corpus --db demo.db
      policy-archive export --all --to corpus --format jsonl --db demo.db
      policy-archive export --all --at 2018-05-25 --to corpus --db demo.db
    """
    if bool(sites) == everything:
        raise UsageError("name the sites to export, or --all.")
    with closing(open_reader(database)) as connection:
        chosen = None if everything else [queries.find_site(connection, site) for site in sites]
        versions = (
            queries.iter_texts(connection, chosen) if day is None else _iter_at(connection, day, chosen)
        )
        count = FORMATS[form](versions, target, raw=raw_csv)
    click.echo(f"{plural(count, 'version')} written to {target}.", err=True)


def _iter_at(connection: sqlite3.Connection, day: str, sites: list[str] | None) -> Iterator[dict[str, Any]]:
    """Yield the versions in force on a day, texts included."""
    for row in iter_at(connection, parse_day(day, end=True), sites=sites):
        if row["version"] is not None:
            document = Document(site=row["site"], kind=Kind(row["kind"]), name=row["name"])
            yield queries.read_version(connection, document, row["version"])
