"""The tidy tables as Parquet, written by DuckDB: one thread, so that the same rows give the same bytes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import closing
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from policy_archive.crawler.core.errors import UsageError
from policy_archive.crawler.core.safe_files import build_file
from policy_archive.pipelines.exchange.export.exporter import Exported, ExportOptions
from policy_archive.pipelines.exchange.export.tables import TABLES, Column, Table
from policy_archive.pipelines.store.names import MIGRATIONS
from policy_archive.pipelines.store.selection import Row, Slice

if TYPE_CHECKING:
    import duckdb

_TYPES = {
    "string": "varchar",
    "array": "varchar",
    "integer": "bigint",
    "number": "double",
    "boolean": "boolean",
    "date": "date",
    "datetime": "timestamp",
}
_ROWS_AT_ONCE = 2_000
ROW_GROUP = 20_000
"""Rows: what a reader holds at least, texts included."""


def export_parquet(corpus: Slice, target: Path, options: ExportOptions) -> Exported:
    """Write `versions.parquet` and the other tables; raises UsageError when duckdb is not installed."""
    versions = 0
    with closing(_connect()) as connection:
        for table in TABLES.values():
            rows = table.rows(corpus)
            followed = options.follow(rows) if table.name == "versions" else rows
            with build_file(target / f"{table.name}.parquet", within=target) as built:
                count = _write(connection, table, followed, built.path)
            versions = count if table.name == "versions" else versions
    return Exported(versions=versions)


def write_parquet(table: Table, rows: Iterable[Row], path: Path) -> int:
    """Write one table; return how many rows it has."""
    with closing(_connect()) as connection:
        return _write(connection, table, rows, path)


def _write(connection: duckdb.DuckDBPyConnection, table: Table, rows: Iterable[Row], path: Path) -> int:
    columns = ", ".join(f'"{column.name}" {_TYPES[column.type]}' for column in table.columns)
    connection.execute(f"create table rows ({columns})")
    # a list a column is a hundred times faster than a row at a time
    lists = ", ".join(_unnest(number, column) for number, column in enumerate(table.columns, 1))
    cells = itemgetter(*(column.name for column in table.columns))
    count = 0
    remaining = iter(rows)
    while some := list(map(cells, islice(remaining, _ROWS_AT_ONCE))):
        values = [
            [None if value is None else json.dumps(value, ensure_ascii=False) for value in column_values]
            if column.type == "array"
            else list(column_values)
            for column, column_values in zip(table.columns, zip(*some, strict=True), strict=True)
        ]
        connection.execute(f"insert into rows select {lists}", values)
        count += len(some)
    connection.execute(
        f"""copy rows to '{str(path).replace("'", "''")}' (format parquet, compression zstd,
            row_group_size {ROW_GROUP}, kv_metadata {{
                "made_by": 'policy-archive', "contents": '{table.name}',
                "schema": '{MIGRATIONS[-1]}'}})"""
    )
    connection.execute("drop table rows")
    return count


def _unnest(number: int, column: Column) -> str:
    kind = _TYPES[column.type]
    sql = f"unnest(${number}::{'varchar' if kind in ('date', 'timestamp') else kind}[])"
    if kind == "date":
        return f"try_cast({sql} as date)"
    # ISO 8601 with its Z: all of ours are UTC
    return f"cast(replace({sql}, 'Z', '') as timestamp)" if kind == "timestamp" else sql


def _connect() -> duckdb.DuckDBPyConnection:
    try:
        import duckdb
    except ImportError as error:
        raise UsageError(
            "Parquet needs DuckDB: pip install 'policy-archive[exchange]', or export with --format csv."
        ) from error
    settings: dict[str, Any] = {
        "threads": 1,  # of several, the order of the row groups is not the same twice
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "preserve_insertion_order": True,
    }
    return duckdb.connect(":memory:", config=settings)
