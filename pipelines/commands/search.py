"""The command search."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from policy_archive.crawler.core.errors import UsageError
from policy_archive.crawler.core.exit_statuses import ExitStatus
from policy_archive.crawler.core.plurals import plural
from policy_archive.crawler.core.stored import POLICY_KINDS
from policy_archive.pipelines.commands.options import db_option, row_options
from policy_archive.pipelines.exchange.corpus_format import describe_kind
from policy_archive.pipelines.outputs.history import INTERVAL_HEADING, describe_interval, interval_cell
from policy_archive.pipelines.outputs.rows import print_rows
from policy_archive.pipelines.outputs.words import show_share
from policy_archive.pipelines.store import queries
from policy_archive.pipelines.store.connection import one_state, open_reader
from policy_archive.pipelines.store.search import (
    SearchFilters,
    SearchResult,
    list_documents_saying,
    search_versions,
)
from policy_archive.pipelines.store.snippets import BEGIN, unmark

Row = dict[str, Any]

_SECONDS = 60.0
_SHOWN = 20
_BEFORE = 24


@click.command("search")
@click.argument("words", nargs=-1, required=True)
@click.option("--site", help="Only this site.")
@click.option("--kind", type=click.Choice([kind.value for kind in POLICY_KINDS]), help="Only this kind.")
@click.option("--year", metavar="YYYY", help="Only versions that stood in that year.")
@click.option("--language", metavar="CODE", help="Only texts in that language: en, de, ja.")
@click.option(
    "--documents", "form", flag_value="documents", help="A row a document: since when it says so, until when."
)
@click.option(
    "--years", "form", flag_value="years", help="A row a year: how many documents said so, of how many."
)
@click.option("--versions", "form", flag_value="versions", default="versions", hidden=True)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    help=f"Versions to list.  [default: {_SHOWN} as a table, else all]",
)
@row_options
@db_option
def search_command(
    words: tuple[str, ...],
    site: str | None,
    kind: str | None,
    year: str | None,
    language: str | None,
    form: str,
    limit: int | None,
    row_format: str,
    database: Path,
) -> None:
    """Find what versions say: words, "phrases", "word forms*", NEAR(sell data, 5), AND, OR, NOT.

    Marks and addresses behind links are no text; case, accents and widths do not count. Japanese, Chinese,
    Thai and Korean are found wherever the stretch of characters stands.

    \b
    Example:
      policy-archive search '"personal information"' --db demo.db
      policy-archive search '"we do not sell"' --documents --db demo.db
      policy-archive search 'cookie*' --years --csv --db demo.db
    """
    query = " ".join(words)
    with closing(open_reader(database)) as connection, one_state(connection):
        filters = SearchFilters(
            site=site and queries.find_site(connection, site), kind=kind, year=year, language=language
        )
        if form == "versions":
            found = _print_versions(connection, query, filters, limit, row_format)
        elif limit is not None:
            raise UsageError("--limit is for versions: leave --documents and --years away.")
        elif form == "documents":
            rows = list_documents_saying(connection, query, filters, seconds=_SECONDS)
            print_rows(rows, row_format, cells=_document_cells)
            found = bool(rows)
        else:
            from policy_archive.pipelines.store.phrases import study_phrases  # numpy takes a while to load

            _, (counted,) = study_phrases(connection, [query], filters, seconds=_SECONDS)
            rows = counted.years
            print_rows(rows, row_format, cells=_year_cells)
            found = bool(rows)
    if not found:
        click.echo("No version says this.", err=True)
        sys.exit(ExitStatus.FAILED)


def _print_versions(
    connection: sqlite3.Connection, query: str, filters: SearchFilters, limit: int | None, row_format: str
) -> bool:
    most = limit or (_SHOWN if row_format == "table" else -1)
    result = search_versions(connection, query, filters, limit=most, seconds=_SECONDS)
    rows = [row | {"snippet": _unmarked(row["snippet"], row_format)} for row in result.rows]
    print_rows(rows, row_format, cells=_version_cells)
    for line in _iter_summary(result):
        click.echo(line, err=True)
    return bool(rows)


def _unmarked(snippet: str, row_format: str) -> str:
    """Return a snippet without the marks; a table's begins right before what was found: room is little."""
    at = snippet.find(BEGIN) - _BEFORE
    if row_format == "table" and at > 0:
        snippet = f"…{snippet[at:].partition(' ')[2]}"
    return unmark(snippet)


def _iter_summary(result: SearchResult) -> Iterator[str]:
    """Yield how many say it, who first and who last, and whether other forms of the words find more."""
    if result.hits is None:
        yield f"more versions than are counted, newest first; {len(result.rows)} shown."
    elif result.hits:
        shown = f", {len(result.rows)} shown" if result.has_more else ""
        yield f"{plural(result.hits, 'version')}{shown}."
    if result.first and result.last:
        yield f"First to say this: {_name(result.first)}, {describe_interval(result.first)}."
        yield f"Last to say this: {_name(result.last)}, last seen {result.last['last_captured'][:10]}."
    if result.wider is not None:
        yield f"Other forms of the words are left out: '{result.wider}' finds {result.wider_hits} versions."


def _name(row: Row) -> str:
    return f"{row['site']} {describe_kind(row['kind'], row['name'])} version {row['version']}"


def _version_cells(row: Row) -> Row:
    return {
        "Site": row["site"],
        "Document": describe_kind(row["kind"], row["name"]),
        "Version": row["version"],
        INTERVAL_HEADING: interval_cell(row),
        "Last seen": row["last_captured"][:10],
        "Text": row["snippet"],
    }


def _document_cells(row: Row) -> Row:
    after, gone = row["changed_after"], row["gone_by"]
    first, last = row["first_captured"][:10], row["last_captured"][:10]
    return {
        "Site": row["site"],
        "Document": describe_kind(row["kind"], row["name"]),
        "Came": f"between {after[:10]} and {first}" if after else f"by {first}",
        "Went": f"between {last} and {gone[:10]}" if gone else f"still there {last}",
        "Versions": row["versions"],
        "First": row["first_version"],
        "Last": row["last_version"],
        "Between": "not in all" if row["interrupted"] else "",
    }


def _year_cells(row: Row) -> Row:
    return {
        "Year": row["year"],
        "Saying it": row["saying"],
        "At most": row["possible"],
        "Documents": row["documents"],
        "Share": show_share(row["share"]),
        "Not seen": row["unseen"],
    }
