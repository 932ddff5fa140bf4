"""`policy-archive changes`: new versions, since a date or since the last look."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click

from policy_archive.crawler.core.errors import UsageError
from policy_archive.crawler.core.plurals import plural
from policy_archive.crawler.core.timestamps import now_iso, parse_day
from policy_archive.pipelines.commands.options import OutputPath, db_option, row_options, weight_options
from policy_archive.pipelines.commands.site_names import site_argument
from policy_archive.pipelines.outputs.news import describe_left_out, describe_news, news_cells, write_feed
from policy_archive.pipelines.outputs.rows import print_rows
from policy_archive.pipelines.store import queries
from policy_archive.pipelines.store.connection import open_reader
from policy_archive.pipelines.store.monitoring.news import (
    NewsFilter,
    count_passed_over,
    last_look,
    list_news,
    newest_news,
    note_look,
)

SHOWN = 100
"""Versions shown when nobody says since when."""


@click.command("changes")
@site_argument
@click.option(
    "--since",
    metavar="DATE|last",
    help="Captured since that day: 2026-01-01, 2026-01, 2026; or 'last': become known since the last look. "
    f"[default: the newest {SHOWN}]",
)
@click.option(
    "--atom",
    type=OutputPath(),
    metavar="FILE",
    help="Write an Atom feed instead.",
)
@click.option("--all", "everything", is_flag=True, help="Show changes of the page around the text, too.")
@weight_options
@row_options
@db_option
def changes_command(
    site: str | None,
    since: str | None,
    atom: Path | None,
    everything: bool,
    substantive: bool,
    min_words: int,
    row_format: str,
    database: Path,
) -> None:
    """New versions of all sites or of one, the newest first.

    A date means the archive's: when a version was first captured. 'last' means this corpus's: it shows
    what no earlier 'changes --since last' has shown, however long ago it was captured.

    \b
    Example:
      policy-archive changes --since 2018 --substantive --db demo.db
      policy-archive changes --since last --json --db demo.db
      policy-archive changes --atom changes.atom --db demo.db
    """
    if atom is not None and row_format != "table":
        raise UsageError("--atom writes a file of its own: leave --json, --nl and --csv away.")
    with closing(open_reader(database)) as connection:
        site = site and queries.find_site(connection, site)
        newest = newest_news(connection)
        wanted = NewsFilter(
            site=site,
            captured_since=parse_day(since) if since not in (None, "last") else None,
            after_id=last_look(connection, site) if since == "last" else None,
            everything=everything,
            substantive=substantive,
            min_words=min_words,
        )
        news = list_news(connection, wanted, limit=None if since else SHOWN)
        passed_over = count_passed_over(connection, wanted)
        written = write_feed(atom, news, site=site, connection=connection) if atom is not None else False
    if atom is not None:
        count = plural(len(news), "version")
        click.echo(f"{count} in {atom}{'' if written else ', as before'}.", err=True)
    else:
        print_rows(describe_news(news), row_format, cells=news_cells)
        if not news:
            click.echo("Nothing new.", err=True)
    if passed_over:
        hint = "" if substantive or min_words else ": --all shows them"
        click.echo(f"{describe_left_out(passed_over, wanted)}{hint}.", err=True)
    if since == "last":
        from policy_archive.pipelines.store.writer import Store

        with Store.open(database) as store:  # only now: what could not be shown is shown again
            note_look(store.connection, site, newest, now=now_iso())
