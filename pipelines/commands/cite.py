"""The command cite."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from policy_archive.crawler.core.errors import NotKnownError, UsageError
from policy_archive.crawler.core.stored import Document
from policy_archive.pipelines.commands.options import (
    db_option,
    document_options,
    row_options,
    version_options,
)
from policy_archive.pipelines.commands.show import find_version
from policy_archive.pipelines.commands.site_names import site_argument
from policy_archive.pipelines.exchange.corpus_format import describe_document
from policy_archive.pipelines.outputs.citation import FORMS, Citation, cite_change, cite_version
from policy_archive.pipelines.outputs.history import describe_version
from policy_archive.pipelines.outputs.rows import echo_foreign, print_rows
from policy_archive.pipelines.store import queries
from policy_archive.pipelines.store.connection import open_reader

Row = dict[str, Any]


@click.command("cite")
@site_argument
@version_options
@click.option("--capture", metavar="TIMESTAMP", help="The version that a capture (14 digits) holds.")
@click.option(
    "--change", is_flag=True, help="Cite how that version came to be: the captures before and after."
)
@document_options
@click.option("--format", "form", type=click.Choice(list(FORMS)), default="text", show_default=True)
@row_options
@db_option
def cite_command(
    site: str | None,
    day: str | None,
    number: int | None,
    capture: str | None,
    change: bool,
    kind: str | None,
    name: str | None,
    form: str,
    row_format: str,
    database: Path,
) -> None:
    """Cite a version, or a change, for a paper or a court: by its capture, with what proves it.

    The newest version known unless --at, --version or --capture says which. Version numbers move when an
    older version is found, so none is cited; the archive named is the one that was asked.

    \b
    Example:
      policy-archive cite tidelock.example --at 2018-07-01 --db demo.db
      policy-archive cite tidelock.example --change --format bibtex --db demo.db
    """
    if sum(given is not None for given in (day, number, capture)) > 1:
        raise UsageError("give one of --at, --version and --capture.")
    with closing(open_reader(database)) as connection:
        document = queries.find_document(connection, site, kind=kind, name=name)
        if capture is not None:
            number = queries.find_number_of_capture(connection, document, capture)
        version = find_version(connection, document, day=day, number=number)
        citation = (_cite_change if change else _cite_version)(connection, document, version)
    if row_format == "table":
        echo_foreign(getattr(citation, FORMS[form]) + ("\n" if form == "text" else ""))
    else:
        print_rows([_describe(citation, version, change=change)], row_format)


def _cite_version(connection: sqlite3.Connection, document: Document, version: Row) -> Citation:
    digest = queries.read_first_digest(connection, document, version["version"])
    return cite_version(version, archived_digest=digest)


def _cite_change(connection: sqlite3.Connection, document: Document, version: Row) -> Citation:
    if version["version"] == 1:
        first = version["first_captured"][:10]
        raise NotKnownError(
            f"no change is known before {first}: the {describe_document(document)} was first captured then."
        )
    old = queries.read_version(connection, document, version["version"] - 1)
    digests = [queries.read_first_digest(connection, document, side["version"]) for side in (old, version)]
    return cite_change(
        old, version, old_digest=digests[0], new_digest=digests[1], gist=describe_version(version)
    )


def _describe(citation: Citation, version: Row, *, change: bool) -> Row:
    keys = ("site", "kind", "name", "timestamp", "first_captured", "last_captured", "changed_after")
    cited = asdict(citation) | {"csl_json": json.loads(citation.csl_json)[0]}
    return {"of": "change" if change else "version", **{key: version[key] for key in keys}, **cited}
