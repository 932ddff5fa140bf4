"""`policy-archive runs`: what was run on a database, and what plans came to."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import click

from policy_archive.pipelines.commands.options import db_option, row_options
from policy_archive.pipelines.outputs.rows import print_rows
from policy_archive.pipelines.store.connection import open_reader
from policy_archive.pipelines.store.runs import iter_runs


@click.command(name="runs")
@db_option
@row_options
def runs_command(database: Path, row_format: str) -> None:
    """List what was run on a database: requests spent, and of a plan what its sites took since.

    \b
    Example:
        policy-archive runs --db demo.db
    """
    with closing(open_reader(database)) as connection:
        runs = list(iter_runs(connection))
    print_rows(runs, row_format, cells=_run_cells)
    if not runs:
        click.echo("Nothing was run on this database yet.", err=True)


def _run_cells(row: dict[str, Any]) -> dict[str, Any]:
    low, likely, high = (row[f"forecast_{name}"] for name in ("low", "likely", "high"))
    return {
        "Run": row["run"],
        "Command": row["command"],
        "Started": row["started"],
        "Status": row["status"],
        "Index": row["index_requests"],
        "Replay": row["replay_requests"],
        "Forecast": "" if likely is None else f"{likely} ({low}-{high})",
        "Took": row["took"],
        "Reason": row["reason"],
    }
