"""The command show."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from policy_archive.crawler.core.errors import NotKnownError, UsageError
from policy_archive.crawler.core.stored import Document
from policy_archive.crawler.core.timestamps import parse_day
from policy_archive.pipelines.commands.options import (
    db_option,
    document_options,
    json_option,
    version_options,
)
from policy_archive.pipelines.commands.site_names import site_argument
from policy_archive.pipelines.exchange.corpus_format import describe_document, render_version
from policy_archive.pipelines.outputs.at import describe_at
from policy_archive.pipelines.outputs.rows import echo_foreign, format_json
from policy_archive.pipelines.store import queries
from policy_archive.pipelines.store.at import Certainty, read_at
from policy_archive.pipelines.store.connection import open_reader

Row = dict[str, Any]


@click.command("show")
@site_argument
@version_options
@document_options
@json_option
@db_option
def show_command(
    site: str | None,
    day: str | None,
    number: int | None,
    kind: str | None,
    name: str | None,
    as_json: bool,
    database: Path,
) -> None:
    """The text of one version, in the corpus format; without a date or number the newest known.

    Exit status 1 when it is not known what was in force that day: nothing is guessed.

    \b
    Example:
      policy-archive show tidelock.example --at 2018-07-01 --db demo.db
      policy-archive show tidelock.example --version 3 --json --db demo.db
    """
    if day is not None and number is not None:
        raise UsageError("give --at or --version, not both.")
    with closing(open_reader(database)) as connection:
        document = queries.find_document(connection, site, kind=kind, name=name)
        version = find_version(connection, document, day=day, number=number)
        quality = queries.read_quality(connection, document, version["version"])
    whole = version | {"quality": quality}
    echo_foreign(format_json(whole, indent=2) + "\n" if as_json else render_version(version))


def find_version(
    connection: sqlite3.Connection, document: Document, *, day: str | None, number: int | None
) -> Row:
    """Return the version of a number, or the one in force on a day, else the newest; its text included.

    Raises NotKnownError, which says what is known instead: nothing is guessed.
    """
    if number is None and day is not None:
        at = read_at(connection, document, parse_day(day, end=True))
        if at["version"] is None:
            raise NotKnownError(_describe_unknown(document, at))
        number = at["version"]
    if number is None:
        number = queries.find_newest(connection, document)
    if number is None:
        raise NotKnownError(f"no version of the {describe_document(document)} is known.")
    return queries.read_version(connection, document, number)


def _describe_unknown(document: Document, at: Row) -> str:
    name = describe_document(document)
    if at["certainty"] == Certainty.NO_POLICY:
        return f"no version of the {name} is known."
    if at["certainty"] != Certainty.CHANGED_AROUND:
        return f"on {at['day']} the text of the {name} is {describe_at(at)}."
    show = f"policy-archive show {document.site} --kind {document.kind}"
    show += f" --name {document.name}" if document.name else ""
    return (
        f"on {at['day']} the {name} was {describe_at(at)}. '{show} --version {at['before_version']}' prints "
        f"the one, '{show} --version {at['after_version']}' the other."
    )
