"""Rows as a table for people: one line a row, fitted to their terminal, with nothing in it that steers it."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click
from rich.cells import cell_len, set_cell_size

from policy_archive.crawler.core.steering import clean_text

Row = Mapping[str, Any]

_GAP = "  "
_WHOLE = 26
"""Columns up to this width are shown whole, or not at all: half a date, or half an interval, says nothing."""
_LEAST = 14
"""What a wider column keeps on a narrow terminal."""
_NUMBER = re.compile(r"[+-]?[\d,.]*")


def print_table(rows: Sequence[Row]) -> None:
    """Print one line a row: fitted to a terminal, in full and without colour elsewhere.

    A terminal does not see columns without content; what it has no room for is left out from the right,
    and named on stderr.
    """
    if not rows:
        return
    on_terminal = sys.stdout.isatty()
    columns = [
        column for column in rows[0] if not on_terminal or any(_clean_cell(row.get(column)) for row in rows)
    ]
    lines = [[_clean_cell(row.get(column)) for column in columns] for row in rows]
    numeric = [all(_NUMBER.fullmatch(line[index]) for line in lines) for index in range(len(columns))]
    widths = [max(cell_len(line[index]) for line in [columns, *lines]) for index in range(len(columns))]
    if on_terminal:
        widths = fit_widths(widths, shutil.get_terminal_size().columns)
    for number, line in enumerate([columns, *lines]):
        text = _GAP.join(map(_pad, line, widths, numeric)).rstrip()
        click.echo(click.style(text, bold=True) if number == 0 and wants_colour() else text)
    if left_out := columns[len(widths) :]:
        click.echo(f"No room on this terminal for: {', '.join(left_out)}.", err=True)


def wants_colour() -> bool:
    """Return whether stdout takes colour: a terminal, unless NO_COLOR or TERM=dumb says otherwise."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def fit_widths(widths: Sequence[int], available: int) -> list[int]:
    """Return the widths that columns get on a terminal, fewer than there are when the rest has no room.

    Columns stand in the order of their weight: a wide one gives way to those on its left.

    >>> fit_widths([7, 25, 90, 40], 80), fit_widths([7, 25, 90, 40], 40)
    ([7, 25, 28, 14], [7, 25])
    """
    fitted: list[int] = []
    room = available
    for width in widths:
        least = width if width <= _WHOLE else _LEAST
        if least > room:
            break
        fitted.append(least)
        room -= least + len(_GAP)
    if not fitted:
        return [available]
    room += len(_GAP)
    for at, width in enumerate(fitted):
        fitted[at] = min(widths[at], width + max(room, 0))
        room -= fitted[at] - width
    return fitted


def _clean_cell(value: Any) -> str:
    return "" if value is None else clean_text(" ".join(str(value).split()))


def _pad(cell: str, width: int, is_number: bool) -> str:
    if cell_len(cell) > width:
        return set_cell_size(cell, width - 1) + "…"
    space = " " * (width - cell_len(cell))
    return space + cell if is_number else cell + space
