"""The command diff."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from policy_archive.crawler.core.errors import NotKnownError, UsageError
from policy_archive.crawler.core.stored import Document
from policy_archive.crawler.core.timestamps import parse_day
from policy_archive.pipelines.commands.options import db_option, document_options
from policy_archive.pipelines.commands.show import find_version
from policy_archive.pipelines.commands.site_names import site_argument
from policy_archive.pipelines.exchange.corpus_format import describe_document, describe_kind
from policy_archive.pipelines.outputs.at import describe_at
from policy_archive.pipelines.outputs.diff import (
    describe_lines,
    iter_marked_lines,
    iter_removed_lines,
    list_removed,
    render_html,
    render_unified,
)
from policy_archive.pipelines.outputs.history import describe_interval
from policy_archive.pipelines.outputs.rows import echo_foreign, format_json, say
from policy_archive.pipelines.outputs.table import wants_colour
from policy_archive.pipelines.store import queries
from policy_archive.pipelines.store.at import Certainty, read_at
from policy_archive.pipelines.store.connection import open_reader
from policy_archive.pipelines.versions.change import classify_change
from policy_archive.pipelines.versions.diff import diff_texts
from policy_archive.pipelines.versions.gist import Change, describe_change, name_section

Row = dict[str, Any]


@click.command("diff")
@site_argument
@click.argument("one", metavar="[A]", required=False)
@click.argument("other", metavar="[B]", required=False)
@document_options
@click.option("--html", is_flag=True, help="Print a page: words marked, nothing loaded.")
@click.option("--unified", is_flag=True, help="Print a unified diff.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print the changed lines and what kind of change it is."
)
@click.option("--removed", is_flag=True, help="Show only what was taken away, under its heading.")
@click.option("--colour/--no-colour", default=None, help="Mark words by colour.  [default: on a terminal]")
@click.option(
    "--context", type=click.IntRange(min=0), default=2, show_default=True, help="Equal lines to show."
)
@db_option
def diff_command(
    site: str | None,
    one: str | None,
    other: str | None,
    kind: str | None,
    name: str | None,
    html: bool,
    unified: bool,
    as_json: bool,
    removed: bool,
    colour: bool | None,
    context: int,
    database: Path,
) -> None:
    """What changed from A to B: words added, removed, sections moved.

    A and B are versions (v3) or dates (2013, 2018-05, 2018-05-25: the last version seen by the end of it);
    without B the newest version is meant, without both the last change. A day that lies in an interval of
    change is said to. Another site in place of A compares the two sites, each at B.

    \b
    Example:
      policy-archive diff tidelock.example --db demo.db
      policy-archive diff tidelock.example 2013 2018 --removed --db demo.db
      policy-archive diff tidelock.example v3 v4 --html --db demo.db > diff.html
      policy-archive diff tidelock.example bramblekit.example 2018 --db demo.db
    """
    form = _choose_form(html=html, unified=unified, json=as_json)
    if removed and form not in ("words", "json"):
        raise UsageError("--removed goes with --json or alone.")
    with closing(open_reader(database)) as connection:
        if one is None:
            sides = _find_last_change(
                connection, queries.find_document(connection, site, kind=kind, name=name)
            )
        else:
            sides = [
                _find_side(connection, queries.find_document(connection, of, kind=kind, name=name), when)
                for of, when in _parse_sides(site, one, other)
            ]
    colour = wants_colour() if colour is None else colour
    _print_diff(*sides, form=form, removed=removed, colour=colour, context=context)


def _choose_form(**wished: bool) -> str:
    chosen = [name for name, is_wished in wished.items() if is_wished]
    if len(chosen) > 1:
        raise UsageError(f"give one of {', '.join(f'--{name}' for name in chosen)}: a form excludes another.")
    return chosen[0] if chosen else "words"


def _parse_sides(site: str | None, one: str, other: str | None) -> list[tuple[str | None, str | None]]:
    """Return (site, when) of both sides; when None is the newest."""
    if "." in one:
        return [(site, other), (one, other)]
    return [(site, one), (site, other)]


def _find_last_change(connection: sqlite3.Connection, document: Document) -> list[Row]:
    newest = queries.find_newest(connection, document) or 0
    if newest < 2:
        have = "one version" if newest else "no version"
        raise NotKnownError(f"of the {describe_document(document)} {have} is known, and so no change.")
    return [queries.read_version(connection, document, number) for number in (newest - 1, newest)]


def _find_side(connection: sqlite3.Connection, document: Document, when: str | None) -> Row:
    if when is None:
        return find_version(connection, document, day=None, number=None)
    if when[:1] in "vV" and when[1:].isdecimal():
        return queries.read_version(connection, document, int(when[1:]))
    if when.isdecimal() and len(when) < 4:
        raise UsageError(f"'{when}' is no date: write v{when} for version {when}.")
    day = parse_day(when, end=True)
    at = read_at(connection, document, day)
    number = at["version"] or at.get("before_version")
    if number is None:
        raise NotKnownError(f"no version of the {describe_document(document)} is known by {when}.")
    if at["certainty"] != Certainty.IN_FORCE:
        say(
            f"On {day} the {describe_document(document)} was {describe_at(at)}. Version {number} is compared."
        )
    return queries.read_version(connection, document, number)


def _print_diff(old: Row, new: Row, *, form: str, removed: bool, colour: bool, context: int) -> None:
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
        lines = list_removed(diff) if removed else describe_lines(diff.lines)
        described = sides | {"change": asdict(change), "removed" if removed else "lines": lines}
        click.echo(format_json(described, indent=2))
    else:
        click.echo(_summary(change, **labels))
        for line in _iter_facts(old, new, change):
            say(line, err=False)
        if removed:
            for line in iter_removed_lines(diff, colour=colour):
                click.echo(line, color=colour)
            return
        for line in iter_marked_lines(diff, colour=colour, context=context):
            click.echo(line, color=colour)


def _iter_facts(old: Row, new: Row, change: Change) -> Iterator[str]:
    """Yield when the change came, and the names of the sections that came and went."""
    same_document = all(old[key] == new[key] for key in ("site", "kind", "name"))
    if same_document and new["version"] == old["version"] + 1:
        yield f"changed {describe_interval(new)}"
    for what, headings in (("new", change.sections_added), ("dropped", change.sections_removed)):
        if headings:
            names = "; ".join(map(name_section, headings))
            yield f"{what} {'section' if len(headings) == 1 else 'sections'}: {names}"


def _summary(change: Change, *, old_label: str, new_label: str) -> str:
    gist = describe_change(change) if old_label != new_label else "the same version"
    return f"{old_label} -> {new_label}: +{change.words_added} -{change.words_removed} words; {gist}"


def _label(version: Row) -> str:
    what = describe_kind(version["kind"], version["name"])
    return f"{version['site']} {what} v{version['version']} ({version['first_captured'][:10]})"


def _without_text(version: Row) -> Row:
    return {key: value for key, value in version.items() if key != "text"}
