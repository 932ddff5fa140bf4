"""Rows on stdout, as people or programs ask for them: a table, JSON, JSON lines, CSV."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import click

from policy_archive.crawler.core.steering import clean_text, escape_steering
from policy_archive.pipelines.exchange.csv_lines import format_csv_line
from policy_archive.pipelines.outputs.table import print_table

Row = Mapping[str, Any]


def print_rows(
    rows: Iterable[Row], row_format: str, *, cells: Callable[[dict[str, Any]], Row] | None = None
) -> None:
    """Print rows as `table`, `json` (an array), `nl` (an object a line) or `csv`.

    `cells` makes of a row what the table shows; the other formats hold every
    column. CSV cells that a spreadsheet would run as a formula get a `'` before
    them (OWASP ASVS 1.2.10); JSON has the text as it is.
    """
    if row_format == "json":
        click.echo(format_json([dict(row) for row in rows], indent=2))
    elif row_format == "nl":
        for row in rows:
            click.echo(format_json(dict(row)))
    elif row_format == "csv":
        _print_csv(rows)
    else:
        print_table([cells(dict(row)) if cells else row for row in rows])


def _print_csv(rows: Iterable[Row]) -> None:
    for number, row in enumerate(rows):
        if number == 0:
            echo_foreign(format_csv_line(row.keys()))
        echo_foreign(format_csv_line(row.values()))


def format_json(value: object, *, indent: int | None = None) -> str:
    """Return JSON that reads back as it was and steers no terminal: such characters are written as numbers.

    >>> format_json("a\x9db é")
    '"a\\\\u009db é"'
    """
    return escape_steering(json.dumps(value, ensure_ascii=False, indent=indent))


def say(message: str, *, err: bool = True) -> None:
    """Print a line for people; names and reasons in it may be of others' making, and steer no terminal."""
    click.echo(clean_text(message), err=err)


def echo_foreign(text: str) -> None:
    """Print archived text as it is, but on a terminal without what would steer that."""
    click.echo(clean_text(text) if sys.stdout.isatty() else text, nl=False)
