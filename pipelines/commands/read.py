"""Commands that read a corpus: history, show, diff, documents."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import click

from policy_archive.crawler.core.errors import NotKnownError, UsageError
from policy_archive.crawler.core.records import POLICY_KINDS, Document
from policy_archive.crawler.core.timestamps import isoformat, parse_day
from policy_archive.pipelines.commands.options import db_option, json_option, row_options
from policy_archive.pipelines.exchange.corpus_format import describe_kind, render_version
from policy_archive.pipelines.outputs.coverage import LEGEND, iter_years, list_months
from policy_archive.pipelines.outputs.diff import (
    describe_lines,
    iter_marked_lines,
    render_html,
    render_unified,
)
from policy_archive.pipelines.outputs.history import describe_interval, iter_lines, read_history
from policy_archive.pipelines.outputs.rows import echo_foreign, format_json, print_rows
from policy_archive.pipelines.outputs.table import clean_for_terminal, print_table, wants_colour
from policy_archive.pipelines.store import queries
from policy_archive.pipelines.store.connection import open_reader
from policy_archive.pipelines.versions.change import Change, classify_change, describe_change
from policy_archive.pipelines.versions.diff import diff_texts

Row = dict[str, Any]
_Command = TypeVar("_Command", bound=Callable[..., Any])


def document_options(command: _Command) -> _Command:
    """Add --kind and --name, which choose among a site's documents."""
    for option in (
        click.option(
            "--name", help="Name of a document beside the main one of its kind ('documents' lists them)."
        ),
        click.option(
            "--kind",
            type=click.Choice([kind.value for kind in POLICY_KINDS]),
            help="Kind of document.  [default: privacy, or what there is]",
        ),
    ):
        command = option(command)
    return command


@click.command("history")
@click.argument("site")
@document_options
@click.option("--coverage", is_flag=True, help="Show what is known of every month instead.")
@click.option("--captures", is_flag=True, help="Show every row of the index, and what became of it, instead.")
@click.option(
    "--include-foreign", is_flag=True, help="Show somebody else's policies found at the address too."
)
@row_options
@db_option
def history_command(
    site: str,
    kind: str | None,
    name: str | None,
    coverage: bool,
    captures: bool,
    include_foreign: bool,
    row_format: str,
    database: Path,
) -> None:
    """One line a version: when it came to be, its words, what changed.

    A change lies in an interval: after the last capture of the text before, by the first capture of the
    new one. Days is the interval's width. Texts that take turns within days are one line.

    \b
    Example:
      policy-archive history intently.co
      policy-archive history intently.co --coverage
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
            _print_history(
                read_history(connection, document, include_foreign=include_foreign), document, row_format
            )


def _print_history(history: list[Row], document: Document, row_format: str) -> None:
    if row_format != "table":
        print_rows(history, row_format)
    elif history:
        print_table(list(iter_lines(history)))
    if not history:
        click.echo(f"No version of the {_name(document)} is known.", err=True)
        sys.exit(1)


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
        "State": row["outcome"] or row["state"],
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


def _name(document: Document) -> str:
    return f"{document.site} {describe_kind(document.kind, document.name)}"


@click.command("show")
@click.argument("site")
@click.option(
    "--at",
    "day",
    metavar="DATE",
    help="The text in force on that day; a month or a year (2018-01, 2018) means its first.",
)
@click.option("--version", "number", type=click.IntRange(min=1), help="The version of that number.")
@document_options
@json_option
@db_option
def show_command(
    site: str,
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
      policy-archive show intently.co --at 2018-01-27
      policy-archive show intently.co --version 3 --json
    """
    if day is not None and number is not None:
        raise UsageError("give --at or --version, not both.")
    with closing(open_reader(database)) as connection:
        document = queries.find_document(connection, site, kind=kind, name=name)
        if number is None:
            number = _number_at(connection, document, day)
        version = queries.read_version(connection, document, number)
        quality = queries.read_quality(connection, document, number)
    whole = version | {"quality": quality}
    echo_foreign(format_json(whole, indent=2) + "\n" if as_json else _render(version))


def _render(version: Row) -> str:
    """Return a version in the corpus format; to a terminal without what would steer it."""
    rendered = render_version(version)
    return clean_for_terminal(rendered) if sys.stdout.isatty() else rendered


def _number_at(connection: sqlite3.Connection, document: Document, day: str | None) -> int:
    """Return the number of the version in force; raises NotKnownError, which says what is known instead."""
    versions = queries.list_versions(connection, document)
    if not versions:
        raise NotKnownError(f"no version of the {_name(document)} is known.")
    if day is None:
        return int(versions[-1]["version"])
    at = queries.find_at(versions, parse_day(day))
    if at.in_force is None:
        raise NotKnownError(_describe_unknown(document, versions, day, at))
    return at.in_force


def _describe_unknown(document: Document, versions: list[Row], day: str, at: queries.AtDay) -> str:
    before = at.before and versions[at.before - 1]
    after = at.after and versions[at.after - 1]
    if before and after:
        return (
            f"on {parse_day(day)} the {_name(document)} was version {at.before} or version {at.after}: "
            f"it changed {describe_interval(after)}. 'show {document.site} --version {at.before}' "
            f"prints the one, '--version {at.after}' the other."
        )
    if before:
        return (
            f"nothing is known of the {_name(document)} on {parse_day(day)}: version {at.before} was last "
            f"seen on {before['last_captured'][:10]}, and no later capture is in the corpus."
        )
    assert after
    return (
        f"nothing is known of the {_name(document)} on {parse_day(day)}: "
        f"the first capture in the corpus is of {after['first_captured'][:10]}."
    )


@click.command("documents")
@click.argument("site")
@row_options
@db_option
def documents_command(site: str, row_format: str, database: Path) -> None:
    """The documents known of a site: kind, years, captures, versions, addresses, whose they are.

    \b
    Example:
      policy-archive documents intently.co
    """
    with closing(open_reader(database)) as connection:
        documents = queries.list_documents(connection, queries.find_site(connection, site))
    described = [_describe_document(row) for row in documents]
    if row_format == "table":
        print_table([line for row in described for line in _iter_document_lines(row)])
    else:
        print_rows(described, row_format)
    if not documents:
        click.echo(f"No document of {site} is known.", err=True)
        sys.exit(1)


def _describe_document(row: Row) -> Row:
    keys = (
        "site",
        "kind",
        "name",
        "captures",
        "incomplete",
        "versions",
        "owner",
        "owner_name",
        "owner_reason",
        "confidence",
    )
    return {
        **{key: row[key] for key in keys},
        "main": row["name"] == "",
        "first_capture": row["first_capture"] and isoformat(row["first_capture"]),
        "last_capture": row["last_capture"] and isoformat(row["last_capture"]),
        "addresses": row["addresses"],
    }


def _iter_document_lines(row: Row) -> Iterator[Row]:
    """Yield a line for each address of a document; what holds for all of them stands in the first."""
    years = [row[key][:4] for key in ("first_capture", "last_capture") if row[key]]
    owner = f"{row['owner'] or ''} {row['owner_name'] or ''}".strip()
    cells = {
        "Kind": row["kind"],
        "Name": row["name"] or "(main)",
        "Years": "-".join(dict.fromkeys(years)),
        "Captures": f"{row['captures']} ({row['incomplete']} incomplete)"
        if row["incomplete"]
        else row["captures"],
        "Versions": row["versions"],
        "Address": "",
        "Owner": owner or "unknown",
        "Sure": row["confidence"] if row["confidence"] is None else round(row["confidence"], 2),
        "Found": "",
    }
    addresses = [{"Address": each["url"], "Found": _found(each)} for each in row["addresses"]]
    yield cells | (addresses[0] if addresses else {})
    yield from (dict.fromkeys(cells, "") | address for address in addresses[1:])


def _found(address: Row) -> str:
    return f"{address['source']}: {address['evidence']}" if address["evidence"] else str(address["source"])


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
        raise NotKnownError(f"no version of the {_name(document)} is known{f' by {when}' if when else ''}.")
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
