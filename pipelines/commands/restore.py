"""The command restore."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click

from policy_archive.crawler.core.errors import StoreError
from policy_archive.pipelines.commands.backup import copy_showing_progress
from policy_archive.pipelines.commands.options import db_option
from policy_archive.pipelines.store.connection import open_read_only


@click.command("restore")
@click.argument("source", metavar="BACKUP", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace the database when it is there already.")
@db_option
def restore_command(source: Path, force: bool, database: Path) -> None:
    """Make a BACKUP the database again; its pages are checked first.

    The database is the one or the other, whenever this is stopped. Do not copy a backup over a database by
    hand: SQLite would play what is left of the old one's log (`-wal`) over it.

    \b
    Example:
      policy-archive restore policies-2026-11-22.db --db policies.db --force
    """
    if not source.is_file():
        raise StoreError(f"there is no backup {source}: name a file that 'policy-archive backup' wrote.")
    with closing(open_read_only(source)) as connection:
        copy_showing_progress(connection, database, overwrite=force)
