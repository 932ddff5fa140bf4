"""The command phrase."""

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
from policy_archive.pipelines.outputs.history import describe_interval
from policy_archive.pipelines.outputs.rows import print_rows, say
from policy_archive.pipelines.outputs.words import show_share
from policy_archive.pipelines.store import queries
from policy_archive.pipelines.store.connection import one_state, open_reader
from policy_archive.pipelines.store.phrases import (
    MOST_PHRASES,
    Event,
    Phrase,
    Spans,
    find_told,
    iter_events,
    study_phrases,
)
from policy_archive.pipelines.store.search import SearchFilters
from policy_archive.pipelines.store.snippets import unmark

Row = dict[str, Any]

_WORDS = {
    Event.TOOK_IN: "took it in",
    Event.DROPPED: "dropped it",
    Event.FIRST_SEEN: "said it when first seen",
}


@click.command("phrase")
@click.argument("phrases", nargs=-1, required=True)
@click.option("--site", help="Only this site.")
@click.option("--kind", type=click.Choice([kind.value for kind in POLICY_KINDS]), help="Only this kind.")
@click.option("--language", metavar="CODE", help="Only texts in that language: en, de, ja.")
@click.option(
    "--documents", is_flag=True, help="A row for each time that a document took a phrase in or dropped it."
)
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="With --documents: also where the page around the text changed, not the policy.",
)
@row_options
@db_option
def phrase_command(
    phrases: tuple[str, ...],
    site: str | None,
    kind: str | None,
    language: str | None,
    documents: bool,
    everything: bool,
    row_format: str,
    database: Path,
) -> None:
    """How many documents say a phrase, year by year, of how many seen; who took it in, who dropped it.

    Up to five phrases, each an argument; also what 'search' takes: words with a star, AND, OR, NOT.
    A document counts in the years in which a version that says it was seen, or lay between two sights.
    What a document said when it was first seen it has not taken in.

    \b
    Example:
      policy-archive phrase "personal information" "personal data" --db demo.db
      policy-archive phrase "personal information" --documents --csv --db demo.db
    """
    if len(phrases) > MOST_PHRASES:
        raise UsageError(f"Those are {len(phrases)} phrases: {MOST_PHRASES} at the most.")
    if everything and not documents:
        raise UsageError("--all is for --documents.")
    with closing(open_reader(database)) as connection, one_state(connection):
        filters = SearchFilters(
            site=site and queries.find_site(connection, site), kind=kind, language=language
        )
        spans, studied = study_phrases(connection, phrases, filters)
        if documents:
            rows = _iter_documents(connection, spans, studied, everything)
            print_rows(rows, row_format, cells=_document_cells)
        else:
            years = ({"phrase": phrase.text, **row} for phrase in studied for row in phrase.years)
            print_rows(years, row_format, cells=_year_cells)
    if not any(any(phrase.events.values()) for phrase in studied):
        click.echo("No version says this.", err=True)
        sys.exit(ExitStatus.FAILED)


def _iter_documents(
    connection: sqlite3.Connection, spans: Spans, studied: list[Phrase], everything: bool
) -> Iterator[Row]:
    for phrase in studied:
        passed_over = 0
        for event, places in phrase.events.items():
            told = places if everything else find_told(connection, spans, places)
            passed_over += len(places) - len(told)
            for row in iter_events(connection, spans, phrase, event, told):
                yield row | {"sentence": unmark(row["sentence"])}
        if passed_over:
            times = plural(passed_over, "time")
            say(f"{phrase.text}: {times} only the page around the text changed; --all lists them.")


def _document_cells(row: Row) -> Row:
    when = f"by {row['first_captured'][:10]}" if row["changed_after"] is None else describe_interval(row)
    return {
        "Phrase": row["phrase"],
        "Site": row["site"],
        "Document": describe_kind(row["kind"], row["name"]),
        "": _WORDS[Event(row["event"])] + (" again" if row["again"] else ""),
        "When": when,
        "Sentence": row["sentence"],
    }


def _year_cells(row: Row) -> Row:
    return {
        "Phrase": row["phrase"],
        "Year": row["year"],
        "Saying it": row["saying"],
        "At most": row["possible"],
        "Documents": row["documents"],
        "Share": show_share(row["share"]),
        "Not seen": row["unseen"],
    }
