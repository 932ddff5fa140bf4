"""A selection as one workbook for a spreadsheet: versions, changes, coverage by year."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from policy_archive.crawler.core.errors import UsageError
from policy_archive.crawler.core.safe_files import build_file
from policy_archive.pipelines.exchange.export.exporter import Exported, ExportOptions
from policy_archive.pipelines.exchange.export.tables import CHANGES, VERSIONS
from policy_archive.pipelines.store.selection import Slice

if TYPE_CHECKING:
    import xlsxwriter

LONGEST_CELL = 32_767
"""Characters that a cell of Excel takes (support.microsoft.com, "Excel specifications and limits")."""
MOST_ROWS = 1_048_576
_CUT = " [… cut here: a cell takes no more]"


def export_xlsx(corpus: Slice, target: Path, options: ExportOptions) -> Exported:
    """Write one workbook; texts longer than a cell takes are cut, with a mark, and counted.

    Raises UsageError when xlsxwriter is not installed, or a sheet would have too many rows.
    """
    if corpus.count_versions() >= MOST_ROWS:
        raise UsageError(f"a sheet holds {MOST_ROWS:,} rows, and this has more: choose fewer, or export csv.")
    # closed whatever comes: it keeps its rows in files of the system's until then
    with build_file(target, within=target.parent) as built, closing(_open_book(built.path)) as book:
        cut, count = 0, 0
        sheet = _Sheet(book, "versions", [column.name for column in VERSIONS.columns])
        for row in options.follow(VERSIONS.rows(corpus)):
            cut += sheet.add(row.values())
            count += 1
        changes = _Sheet(book, "changes", [column.name for column in CHANGES.columns])
        for row in CHANGES.rows(corpus):
            changes.add(row.values())
        coverage = _Sheet(book, "coverage", ["site", "kind", "name", "year", "captures"])
        for cells in _iter_coverage(corpus):
            coverage.add(cells)
    notes = (f"{cut:,} texts are longer than a cell takes, and cut: they end in{_CUT}",) if cut else ()
    return Exported(versions=count, notes=notes)


def _iter_coverage(corpus: Slice) -> Iterator[tuple[Any, ...]]:
    years: Counter[tuple[str, str, str, int]] = Counter(
        (row["site"], row["kind"], row["name"], int(row["timestamp"][:4])) for row in corpus.iter_captures()
    )
    for key, captures in sorted(years.items()):
        yield (*key, captures)


class _Sheet:
    def __init__(self, book: xlsxwriter.Workbook, name: str, columns: list[str]) -> None:
        self._sheet = book.add_worksheet(name)
        self._row = 0
        self.add(columns)
        self._sheet.freeze_panes(1, 0)

    def add(self, cells: Iterable[Any]) -> int:
        """Write a row; return how many cells were cut."""
        cut = 0
        for column, value in enumerate(cells):
            if isinstance(value, list):
                value = json.dumps(value, ensure_ascii=False)
            if isinstance(value, str):
                if len(value) > LONGEST_CELL:
                    value = value[: LONGEST_CELL - len(_CUT)] + _CUT
                    cut += 1
                # never by `write`, which would take "=…" for a formula and "http…" for a link
                self._sheet.write_string(self._row, column, value)
            elif isinstance(value, bool):
                self._sheet.write_boolean(self._row, column, value)
            elif value is not None:
                self._sheet.write_number(self._row, column, value)
        self._row += 1
        return cut


def _open_book(path: Path) -> xlsxwriter.Workbook:
    try:
        import xlsxwriter
    except ImportError as error:
        raise UsageError(
            "a workbook needs xlsxwriter: pip install 'policy-archive[exchange]', or export --format csv."
        ) from error
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True, "in_memory": False})
    book.set_properties({"created": datetime(2000, 1, 1, tzinfo=UTC)})  # the same rows, the same bytes
    return book
