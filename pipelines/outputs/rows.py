"""Rows on stdout, as people or programs ask for them: a table, JSON, JSON lines, CSV."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import click
from rich.cells import cell_len, set_cell_size

Row = Mapping[str, Any]

_GAP = "  "
_NARROWEST = 8
_FORMULA_START = ("=", "+", "-", "@", "\t", "\r")
# An archived title may hold what would steer a terminal: control codes, and marks that turn the line round.
_STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def print_rows(
    rows: Iterable[Row], row_format: str, *, cells: Callable[[dict[str, Any]], Row] | None = None
) -> None:
    """Print rows as `table`, `json` (an array), `nl` (an object a line) or `csv`.

    `cells` makes of a row what the table shows; the other formats hold every
    column. CSV cells that a spreadsheet would run as a formula get a `'` before
    them (OWASP ASVS 1.2.10); JSON has the text as it is.
    """
    if row_format == "json":
        click.echo(json.dumps([dict(row) for row in rows], ensure_ascii=False, indent=2))
    elif row_format == "nl":
        for row in rows:
            click.echo(json.dumps(dict(row), ensure_ascii=False))
    elif row_format == "csv":
        _print_csv(rows)
    else:
        print_table([cells(dict(row)) if cells else row for row in rows])


def _print_csv(rows: Iterable[Row]) -> None:
    for number, row in enumerate(rows):
        if number == 0:
            click.echo(format_csv_line(row.keys()), nl=False)
        click.echo(format_csv_line(row.values()), nl=False)


def format_csv_line(values: Iterable[Any], *, raw: bool = False) -> str:
    """Return one line of CSV with its line end; lists and objects as JSON; `raw` leaves formulas alone."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow([_csv_cell(value, raw=raw) for value in values])
    return line.getvalue()


def _csv_cell(value: Any, *, raw: bool) -> Any:
    if isinstance(value, (dict, list, tuple)):
        value = json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and not raw and value.startswith(_FORMULA_START):
        return f"'{value}"
    return value


def print_table(rows: Sequence[Row]) -> None:
    """Print one line a row: fitted to a terminal, in full and without colour elsewhere."""
    if not rows:
        return
    columns = list(rows[0])
    lines = [[_table_cell(row.get(column)) for column in columns] for row in rows]
    numeric = [_is_numeric([row.get(column) for row in rows]) for column in columns]
    widths = [max(cell_len(line[index]) for line in [columns, *lines]) for index in range(len(columns))]
    if sys.stdout.isatty():
        widths = _fit(widths, shutil.get_terminal_size().columns)
    for number, line in enumerate([columns, *lines]):
        cells = (_pad(*cell) for cell in zip(line, widths, numeric, strict=True))
        text = _GAP.join(cells).rstrip()
        click.echo(click.style(text, bold=True) if number == 0 else text)


def clean_for_terminal(text: str) -> str:
    """Return the text without what would steer a terminal; line ends and tabs stay."""
    return _STEERING.sub("\ufffd", text)


def _table_cell(value: Any) -> str:
    if value is None:
        return ""
    return clean_for_terminal(" ".join(str(value).split()))


def _is_numeric(values: Sequence[Any]) -> bool:
    return all(value is None or isinstance(value, (int, float)) for value in values)


def _fit(widths: Sequence[int], available: int) -> list[int]:
    """Return widths that fit the terminal: the columns give way from the right, where the long ones stand."""
    excess = sum(widths) + len(_GAP) * (len(widths) - 1) - available
    fitted = []
    for width in reversed(widths):
        cut = max(min(excess, width - _NARROWEST), 0)
        fitted.append(width - cut)
        excess -= cut
    return fitted[::-1]


def _pad(cell: str, width: int, is_number: bool) -> str:
    if cell_len(cell) > width:
        return set_cell_size(cell, width - 1) + "…"
    space = " " * (width - cell_len(cell))
    return space + cell if is_number else cell + space
