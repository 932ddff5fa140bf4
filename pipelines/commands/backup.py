"""The command backup."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import click

from policy_archive.pipelines.commands.options import db_option
from policy_archive.pipelines.outputs.bar import show_bar
from policy_archive.pipelines.store.connection import open_reader
from policy_archive.pipelines.store.maintenance.backup import copy_database


@click.command("backup")
@click.argument("target", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace FILE when it is there already.")
@db_option
def backup_command(target: Path, force: bool, database: Path) -> None:
    """Copy the database to FILE, also while a crawl writes to it.

    FILE holds one moment of the database, and is there whole or not at all.

    \b
    Example:
      policy-archive backup policies-2026-11-22.db
    """
    with closing(open_reader(database)) as connection:
        copy_showing_progress(connection, target, overwrite=force)


def copy_showing_progress(connection: sqlite3.Connection, target: Path, *, overwrite: bool) -> None:
    """Copy a database to a file and say how far it is, then how large it became."""
    with show_bar("MB") as bar:
        task = bar.add_task("copied", total=None)

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done // 2**20, total=total // 2**20)

        copied = copy_database(connection, target, overwrite=overwrite, on_progress=show)
    click.echo(f"{copied:,} bytes written to {target}.", err=True)
