"""The commands backup, restore and compact: what a corpus needs besides crawls."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import click

from policy_archive.crawler.core.errors import StoreError
from policy_archive.pipelines.commands.options import db_option, json_option
from policy_archive.pipelines.outputs.bar import follow, show_bar
from policy_archive.pipelines.store.connection import check_there, open_read_only, open_reader
from policy_archive.pipelines.store.maintenance.backup import copy_database
from policy_archive.pipelines.store.maintenance.compact import (
    Sizes,
    compact_document,
    give_back_space,
    list_documents,
    measure_sizes,
)
from policy_archive.pipelines.store.runlock import hold_lock
from policy_archive.pipelines.store.writer import Store


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
        _copy(connection, target, overwrite=force)


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
        _copy(connection, database, overwrite=force)


def _copy(connection: sqlite3.Connection, target: Path, *, overwrite: bool) -> None:
    with show_bar("MB") as bar:
        task = bar.add_task("copied", total=None)

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done // 2**20, total=total // 2**20)

        copied = copy_database(connection, target, overwrite=overwrite, on_progress=show)
    click.echo(f"{copied:,} bytes written to {target}.", err=True)


@click.command("compact")
@click.option("--no-vacuum", is_flag=True, help="Leave the space that becomes free inside the file.")
@json_option
@db_option
def compact_command(no_vacuum: bool, as_json: bool, database: Path) -> None:
    """Make the database small: pages and texts are stored as what changed since the one before.

    Nothing is lost and nothing reads differently; `policy_versions` stays plain SQL. A run that was stopped
    goes on where it was. The last step rewrites the file, which takes its size once more on the disk.

    \b
    Example:
      policy-archive compact --db policies.db
    """
    check_there(database)
    with hold_lock(database, "compact"), Store.open(database) as store:
        run_id = store.start_run("compact")
        before = measure_sizes(store.connection)
        documents = list_documents(store.connection)
        for document in follow(documents, "compacted", total=len(documents), unit="documents"):
            compact_document(store.connection, document)
        if not no_vacuum:
            give_back_space(store.connection)
        store.finish_run(run_id, "done")
        after = measure_sizes(store.connection)
    _print_sizes(before, after, as_json=as_json)


def _print_sizes(before: Sizes, after: Sizes, *, as_json: bool) -> None:
    sizes = {"before": asdict(before), "after": asdict(after)}
    if as_json:
        click.echo(json.dumps(sizes, indent=2))
        return
    for name in ("bodies", "texts", "file"):
        was, now = sizes["before"][name], sizes["after"][name]
        share = f" ({now / was:.1%})" if was else ""
        click.echo(f"{name:8}{was:>16,} → {now:>14,} bytes{share}")
