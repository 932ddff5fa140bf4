"""The tidy tables as CSV and as JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from policy_archive.crawler.core.safe_files import write_file
from policy_archive.pipelines.exchange.csv_lines import format_csv_line
from policy_archive.pipelines.exchange.export.exporter import Exported, ExportOptions
from policy_archive.pipelines.exchange.export.tables import TABLES, Table
from policy_archive.pipelines.store.selection import Row, Slice


def export_csv(corpus: Slice, target: Path, options: ExportOptions) -> Exported:
    """Write `versions.csv` and the other tables, header first.

    Cells that a spreadsheet would run as a formula begin with `'`, unless `raw_csv` is set.
    """
    return _export(corpus, target, options, "csv")


def export_jsonl(corpus: Slice, target: Path, options: ExportOptions) -> Exported:
    """Write `versions.jsonl` and the other tables, an object a line."""
    return _export(corpus, target, options, "jsonl")


def stream_csv(corpus: Slice, stream: BinaryIO, options: ExportOptions) -> Exported:
    """Write one table as CSV."""
    return _stream(corpus, stream, options, "csv")


def stream_jsonl(corpus: Slice, stream: BinaryIO, options: ExportOptions) -> Exported:
    """Write one table as JSON lines."""
    return _stream(corpus, stream, options, "jsonl")


def _export(corpus: Slice, target: Path, options: ExportOptions, form: str) -> Exported:
    versions = 0
    for table in TABLES.values():
        rows = table.rows(corpus)
        counted = _Counted(options.follow(rows) if table.name == "versions" else rows)
        lines = iter_lines(table, counted, form, raw=form == "csv" and options.raw_csv)
        write_file(target / f"{table.name}.{form}", lines, within=target)
        if table.name == "versions":
            versions = counted.count
    return Exported(versions=versions)


def _stream(corpus: Slice, stream: BinaryIO, options: ExportOptions, form: str) -> Exported:
    table = TABLES[options.table]
    counted = _Counted(table.rows(corpus))
    for line in iter_lines(table, counted, form, raw=form == "csv" and options.raw_csv):
        stream.write(line.encode("utf-8", "surrogatepass"))
    return Exported(versions=counted.count if table.name in ("versions", "changes") else 0)


def iter_lines(table: Table, rows: Iterable[Row], form: str, *, raw: bool = False) -> Iterator[str]:
    """Yield the lines of a table as `csv`, header first, or as `jsonl`."""
    if form == "jsonl":
        for row in rows:
            yield f"{json.dumps(row, ensure_ascii=False)}\n"
        return
    yield format_csv_line((column.name for column in table.columns), raw=True)
    for row in rows:
        yield format_csv_line((_cell(value) for value in row.values()), raw=raw)


def _cell(value: object) -> object:
    """Return truth as a table schema reads it: `true`, not Python's `True`."""
    return str(value).lower() if isinstance(value, bool) else value


class _Counted:
    """Rows that count themselves while they are read."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = rows
        self.count = 0

    def __iter__(self) -> Iterator[Row]:
        for row in self._rows:
            self.count += 1
            yield row
