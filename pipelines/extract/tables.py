"""Tables of a page: their cells in a grid, and whether they hold data or only lay out a page."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from lxml.html import HtmlElement

from policy_archive.pipelines.extract.outline import HEADINGS, PROSE_WORDS, reading_length

_TEXT_OF_A_PAGE = 40
"""Words in a cell that nearly fills its table."""

_WIDEST = 100
"""Columns; a larger span is a mistake of the page."""

_CELLS = frozenset(("td", "th"))

Cell: TypeAlias = "HtmlElement | None"
"""None where a cell spans in from the left or from above."""


@dataclass(frozen=True, slots=True)
class Row:
    """Cells as they stand in the source, spans not yet laid out."""

    cells: tuple[HtmlElement, ...]


@dataclass(frozen=True, slots=True)
class Stray:
    """What stands in a table outside of all cells; browsers show it above the table."""

    text: str
    """'' when it is an element."""
    element: HtmlElement
    """The element, or the one that the text stands in."""


def scan(table: HtmlElement, dropped: Container[HtmlElement] = ()) -> list[Row | Stray]:
    """Return the rows of a table and what stands between them, in document order.

    Forms, fonts and other elements around rows or cells are looked through, as browsers do; cells without
    a row make one.
    """
    found: list[Row | Stray] = []
    loose: list[HtmlElement] = []
    for part in _iter_parts(table, table, dropped):
        if isinstance(part, HtmlElement) and part.tag != "tr":
            loose.append(part)
            continue
        if loose:
            found.append(Row(tuple(loose)))
            loose.clear()
        if isinstance(part, Stray):
            found.append(part)
        else:
            inside = list(_iter_parts(part, table, dropped))
            found += [one for one in inside if isinstance(one, Stray)]
            found.append(Row(tuple(one for one in inside if isinstance(one, HtmlElement))))
    if loose:
        found.append(Row(tuple(loose)))
    return found


def _iter_parts(
    element: HtmlElement, table: HtmlElement, dropped: Container[HtmlElement]
) -> Iterator[HtmlElement | Stray]:
    """Yield the rows and cells right inside an element of a table, and what is neither."""
    if (element.text or "").strip():
        yield Stray(element.text or "", element)
    for child in element:
        is_caption = child.tag == "caption" and element is table
        if child in dropped or not isinstance(child.tag, str) or is_caption:
            pass
        elif child.tag in ("tr", "td", "th") and not (child.tag == "tr" and element.tag == "tr"):
            yield child
        elif child.tag not in _CELLS and _holds_part_of(child, table):
            yield from _iter_parts(child, table, dropped)
        else:
            yield Stray("", child)
        if (child.tail or "").strip():
            yield Stray(child.tail or "", element)


def _holds_part_of(element: HtmlElement, table: HtmlElement) -> bool:
    parts = element.iter("tr", "td", "th")
    return element.tag != "table" and any(next(part.iterancestors("table"), None) is table for part in parts)


def grid(table: HtmlElement, dropped: Container[HtmlElement] = ()) -> list[list[Cell]]:
    """Return the rows of a table, cells in their columns, without rows of tables inside it."""
    rows: list[list[Cell]] = []
    spanned: dict[int, int] = {}  # column → rows that a cell above still covers
    for row in scan(table, dropped):
        if isinstance(row, Stray):
            continue
        cells: list[Cell] = []
        for cell in row.cells:
            _fill_spanned(cells, spanned)
            width, height = _span(cell, "colspan"), _span(cell, "rowspan")
            spanned.update(dict.fromkeys(range(len(cells), len(cells) + width), height - 1))
            cells += [cell] + [None] * (width - 1)
        _fill_spanned(cells, spanned)
        rows.append(cells)
    return rows


def _fill_spanned(cells: list[Cell], spanned: dict[int, int]) -> None:
    while spanned.get(len(cells), 0) > 0:
        spanned[len(cells)] -= 1
        cells.append(None)


def _span(cell: HtmlElement, name: str) -> int:
    try:
        return max(1, min(int(cell.get(name) or 1), _WIDEST))
    except ValueError:
        return 1


def is_layout(table: HtmlElement, rows: list[list[Cell]]) -> bool:
    """Return whether a table only places things on the page; another one holds data.

    Layout is: declared so, one column, one row, or a table inside; nearly all text in one cell, or
    headings beside prose. A <th> says data, unless the table has another one inside.
    """
    if table.get("role") in ("presentation", "none") or table.find(".//table") is not None:
        return True
    used = [row for row in rows if any(_has_text(cell) for cell in row)]
    columns = {index for row in used for index, cell in enumerate(row) if _has_text(cell)}
    if len(columns) < 2:
        return True
    if table.find(".//th") is not None:
        return False
    return len(used) < 2 or _is_mostly_one_cell(used) or any(map(_puts_heading_beside_prose, used))


def _is_mostly_one_cell(rows: list[list[Cell]]) -> bool:
    words = [reading_length(cell.text_content()) for row in rows for cell in row if cell is not None]
    return max(words) >= _TEXT_OF_A_PAGE and max(words) * 5 >= sum(words) * 4


def _puts_heading_beside_prose(row: list[Cell]) -> bool:
    """Return whether this is a row in which a heading stands above or beside prose.

    A row of headings tops a data table.
    """
    words = titled = 0
    for cell in row:
        if cell is not None:
            words += reading_length(cell.text_content())
            titled += sum(reading_length(heading.text_content()) for heading in cell.iter(*HEADINGS))
    return titled > 0 and words - titled >= PROSE_WORDS


def _has_text(cell: Cell) -> bool:
    return cell is not None and any(text.strip() for text in cell.itertext())
