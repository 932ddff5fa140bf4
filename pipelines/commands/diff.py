"""The command diff."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from policy_archive.crawler.core.errors import NotKnownError
from policy_archive.crawler.core.records import Document
from policy_archive.crawler.core.timestamps import parse_day
from policy_archive.pipelines.commands.options import db_option, document_options
from policy_archive.pipelines.exchange.corpus_format import describe_document, describe_kind
from policy_archive.pipelines.outputs.diff import (
    describe_lines,
    iter_marked_lines,
    render_html,
    render_unified,
)
from policy_archive.pipelines.outputs.rows import echo_foreign, format_json
from policy_archive.pipelines.outputs.table import wants_colour
from policy_archive.pipelines.store import queries
from policy_archive.pipelines.store.connection import open_reader
from policy_archive.pipelines.versions.change import classify_change
from policy_archive.pipelines.versions.diff import diff_texts
from policy_archive.pipelines.versions.gist import Change, describe_change

Row = dict[str, Any]


@click.command("diff")
@click.argument("site")
@click.argument("one", metavar="A")
@click.argument("other", metavar="[B]", required=False)
@document_options
@click.option("--html", "form", flag_value="html", help="Print a page: words marked, nothing loaded.")
@click.option("--unified", "form", flag_value="unified", help="Print a unified diff.")
@click.option(
    "--json", "form", flag_value="json", help="Print the changed lines and what kind of change it is."
)
@click.option("--words", "form", flag_value="words", default="words", hidden=True)
@click.option("--colour/--no-colour", default=None, help="Mark words by colour.  [default: on a terminal]")
@click.option(
    "--context", type=click.IntRange(min=0), default=2, show_default=True, help="Equal lines to show."
)
@db_option
def diff_command(
    site: str,
    one: str,
    other: str | None,
    kind: str | None,
    name: str | None,
    form: str,
    colour: bool | None,
    context: int,
    database: Path,
) -> None:
    """What changed from A to B: words added, removed, sections moved.

    A and B are versions (v3) or dates (2013, 2018-05, 2018-05-25: the last version seen by then); without B
    the newest version is meant. Another site in place of A compares the two sites, each at B.

    \b
    Example:
      policy-archive diff intently.co 2013 2018
      policy-archive diff intently.co v3 v4 --html > diff.html
      policy-archive diff intently.co contactually.com 2018
    """
    with closing(open_reader(database)) as connection:
        sides = [
            _find_side(connection, queries.find_document(connection, of, kind=kind, name=name), when)
            for of, when in _parse_sides(site, one, other)
        ]
    _print_diff(*sides, form=form, colour=wants_colour() if colour is None else colour, context=context)


def _parse_sides(site: str, one: str, other: str | None) -> list[tuple[str, str | None]]:
    """Return (site, when) of both sides; when None is the newest."""
    if "." in one:
        return [(site, other), (one, other)]
    return [(site, one), (site, other)]


def _find_side(connection: sqlite3.Connection, document: Document, when: str | None) -> Row:
    if when is not None and when[:1] in "vV" and when[1:].isdecimal():
        return queries.read_version(connection, document, int(when[1:]))
    versions = queries.list_versions(connection, document)
    if when is not None:
        last_day = parse_day(when, end=True).isoformat()
        versions = [version for version in versions if version["first_captured"][:10] <= last_day]
    if not versions:
        by_then = f" by {when}" if when else ""
        raise NotKnownError(f"no version of the {describe_document(document)} is known{by_then}.")
    return queries.read_version(connection, document, versions[-1]["version"])


def _print_diff(old: Row, new: Row, *, form: str, colour: bool, context: int) -> None:
    labels = {"old_label": _label(old), "new_label": _label(new)}
    if form == "unified":
        echo_foreign(render_unified(old["text"], new["text"], **labels))
        return
    diff = diff_texts(old["text"], new["text"])
    change = classify_change(diff)
    if form == "html":
        click.echo(render_html(diff, change, **labels), nl=False)
    elif form == "json":
        sides = {"old": _without_text(old), "new": _without_text(new)}
        described = sides | {"change": asdict(change), "lines": describe_lines(diff.lines)}
        click.echo(format_json(described, indent=2))
    else:
        click.echo(_summary(change, **labels))
        for line in iter_marked_lines(diff, colour=colour, context=context):
            click.echo(line, color=colour)


def _summary(change: Change, *, old_label: str, new_label: str) -> str:
    gist = describe_change(change) if old_label != new_label else "the same version"
    return f"{old_label} -> {new_label}: +{change.words_added} -{change.words_removed} words; {gist}"


def _label(version: Row) -> str:
    what = describe_kind(version["kind"], version["name"])
    return f"{version['site']} {what} v{version['version']} ({version['first_captured'][:10]})"


def _without_text(version: Row) -> Row:
    return {key: value for key, value in version.items() if key != "text"}
