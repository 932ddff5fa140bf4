"""Rows as a table for people: one line a row, fitted to their terminal, with nothing in it that steers it."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
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
    columns = _shown_columns(rows)
    lines = [[_clean_cell(row.get(column)) for column in columns] for row in rows]
    numeric = [all(map(_NUMBER.fullmatch, cells)) for cells in zip(*lines, strict=True)]
    widths = _fitted_widths([columns, *lines])
    for number, line in enumerate([columns, *lines]):
        text = _GAP.join(map(_pad, line, widths, numeric)).rstrip()
        click.echo(click.style(text, bold=True) if number == 0 and wants_colour() else text)
    if left_out := columns[len(widths) :]:
        click.echo(f"No room on this terminal for: {', '.join(left_out)}.", err=True)


def print_figures(lines: Iterable[tuple[str, int | str, str]]) -> None:
    """Print what was counted, the number, and a remark, one line each, without a head."""
    cells = [[name, str(number), _clean_cell(remark)] for name, number, remark in lines]
    widths = _fitted_widths(cells)
    for line in cells:
        click.echo(_GAP.join(map(_pad, line, widths, (False, True, False))).rstrip())


def _shown_columns(rows: Sequence[Row]) -> list[str]:
    """Return the columns; on a terminal only those that hold something."""
    everything = not sys.stdout.isatty()
    return [column for column in rows[0] if everything or any(_clean_cell(row.get(column)) for row in rows)]


def _fitted_widths(lines: Sequence[Sequence[str]]) -> list[int]:
    """Return how wide each column is shown; on a terminal, fewer than there are when the rest has no room."""
    widths = [max(map(cell_len, cells)) for cells in zip(*lines, strict=True)]
    return fit_widths(widths, shutil.get_terminal_size().columns) if sys.stdout.isatty() else widths


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
