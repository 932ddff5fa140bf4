"""The command history."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from policy_archive.crawler.core.errors import UsageError
from policy_archive.crawler.core.exit_statuses import ExitStatus
from policy_archive.crawler.core.plurals import plural
from policy_archive.crawler.core.stored import Document
from policy_archive.crawler.core.timestamps import isoformat
from policy_archive.pipelines.commands.options import db_option, document_options, row_options, weight_options
from policy_archive.pipelines.commands.site_names import site_argument
from policy_archive.pipelines.exchange.corpus_format import describe_document
from policy_archive.pipelines.outputs.coverage import LEGEND, iter_years, list_months
from policy_archive.pipelines.outputs.history import describe_passed_over, iter_lines, matters, read_history
from policy_archive.pipelines.outputs.rows import print_rows, say
from policy_archive.pipelines.outputs.table import print_table
from policy_archive.pipelines.outputs.words import describe_capture
from policy_archive.pipelines.store import queries
from policy_archive.pipelines.store.connection import open_reader

Row = dict[str, Any]


@click.command("history")
@site_argument
@document_options
@click.option("--coverage", is_flag=True, help="Show what is known of every month instead.")
@click.option("--captures", is_flag=True, help="Show every row of the index, and what became of it, instead.")
@click.option("--all", "everything", is_flag=True, help="Show changes of the page around the text, too.")
@click.option(
    "--include-foreign", is_flag=True, help="Show somebody else's policies found at the address too."
)
@weight_options
@row_options
@db_option
def history_command(
    site: str | None,
    kind: str | None,
    name: str | None,
    coverage: bool,
    captures: bool,
    everything: bool,
    substantive: bool,
    min_words: int,
    include_foreign: bool,
    row_format: str,
    database: Path,
) -> None:
    """One line a version: when it came to be, its words, what changed.

    A change lies in an interval: after the last capture of the text before, by the first capture of the
    new one. Days is the interval's width. Texts that take turns within days are one line. Changes that are
    not the policy's own (menus, banners, another language served) are counted, and shown by --all. A text
    in doubt (small beside its neighbours, words missing) is marked, and why is said below.

    \b
    Example:
      policy-archive history tidelock.example --db demo.db
      policy-archive history tidelock.example --coverage --db demo.db
    """
    if coverage and captures:
        raise UsageError("give --coverage or --captures, not both.")
    with closing(open_reader(database)) as connection:
        document = queries.find_document(connection, site, kind=kind, name=name)
        if captures:
            print_rows(queries.list_captures(connection, document), row_format, cells=_capture_cells)
        elif coverage:
            _print_coverage(connection, document, row_format)
        else:
            history = read_history(connection, document, include_foreign=include_foreign)
            told = [row for row in history if matters(row, substantive=substantive, min_words=min_words)]
            _print_history(told, row_format, everything=everything)
            if len(told) < len(history):
                left_out = plural(len(history) - len(told), "smaller change is", "smaller changes are")
                click.echo(f"{left_out} left out.", err=True)
            if not history:
                foreign = 0 if include_foreign else len(queries.fold_foreign(connection, document))
                hint = f"; {plural(foreign, 'text')} of somebody else at its addresses: --include-foreign"
                name = describe_document(document)
                say(f"No version of the {name} is known{hint if foreign else ''}.")
                sys.exit(ExitStatus.FAILED)


def _print_history(history: list[Row], row_format: str, *, everything: bool) -> None:
    told = [row for row in history if everything or not row["passed_over"]]
    if row_format != "table":
        print_rows(told, row_format)
    elif told:
        print_table(list(iter_lines(told)))
        for row in told:
            if row.get("doubt"):
                click.echo(f"The text of version {row['version']} is in doubt: {row['doubt']}.", err=True)
    if len(told) < len(history):
        left_out = describe_passed_over([row for row in history if row["passed_over"]])
        click.echo(f"{left_out}: --all shows them.", err=True)


def _print_coverage(connection: sqlite3.Connection, document: Document, row_format: str) -> None:
    months = list_months(
        queries.list_captures(connection, document), queries.list_versions(connection, document)
    )
    if row_format != "table":
        print_rows(months, row_format)
        return
    print_table(list(iter_years(months)))
    click.echo(LEGEND, err=True)


def _capture_cells(row: Row) -> Row:
    return {
        "Captured": isoformat(row["timestamp"]),
        "State": describe_capture(row["state"], row["outcome"]),
        "Why": _describe_state(row),
        "Address": row["url"],
    }


def _describe_state(row: Row) -> str:
    """Return why a row stands where it does; the captures that prove it are named."""
    if row["same_as"]:
        return f"the body of {row['same_as']}"
    if row["after"] and row["before"]:
        return f"between {row['after']} and {row['before']}"
    return str(row["reason"])
