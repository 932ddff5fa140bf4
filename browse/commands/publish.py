"""The command publish."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress, TextColumn

from policy_archive.browse.commands import NEEDS_EXTRA
from policy_archive.crawler.core.errors import UsageError
from policy_archive.pipelines.commands.options import FolderPath, db_option
from policy_archive.pipelines.outputs.rows import say
from policy_archive.pipelines.outputs.table import print_figures
from policy_archive.pipelines.store.connection import open_reader

_COLUMNS = (TextColumn("{task.completed:,.0f} files"), TextColumn("{task.description}", markup=False))


@click.command("publish")
@click.argument("target", type=FolderPath())
@db_option
@click.option("--root", metavar="URL", help="Address that the copy will have. Without it there are no feeds.")
@click.option(
    "--database/--no-database", "with_database", default=True, help="Put the database beside the pages."
)
@click.option(
    "--search/--no-search",
    "with_search",
    default=True,
    help="Make the index that a page searches, with Pagefind.",
)
def publish_command(
    target: Path, database: Path, root: str | None, with_database: bool, with_search: bool
) -> None:
    """Write a static copy of the pages into a folder, for any web server.

    What a site's pages were made of is noted in the folder: a second run
    makes those of changed sites alone, and leaves files as they are that would
    not change, so that a copy to a server moves only what is new.

    Example: policy-archive publish site --root https://policies.example.org
    """
    try:
        from policy_archive.browse.publish import DATABASE_NAME, Publisher
        from policy_archive.browse.static_search import NEEDS_PAGEFIND, has_pagefind
        from policy_archive.pipelines.store.maintenance.backup import copy_database
    except ImportError as error:
        raise UsageError(NEEDS_EXTRA) from error

    if root is not None and not root.startswith(("http://", "https://")):
        raise UsageError(f"'{root}' is no web address: write https://policies.example.org")
    with closing(open_reader(database)) as connection:
        publisher = Publisher(
            connection=connection,
            target=target,
            root=root,
            with_search=with_search and has_pagefind(),
            with_database=with_database,
        )
        console = Console(stderr=True)
        with Progress(
            *_COLUMNS, console=console, transient=True, disable=not console.is_terminal
        ) as progress:
            task = progress.add_task("", total=None)
            done = publisher.publish(
                tell=lambda path, files: progress.update(task, advance=files, description=path)
            )
        if with_database:
            copy_database(connection, target / DATABASE_NAME, overwrite=True)
            done.files_of["database"] = 1
            done.bytes_of["database"] = (target / DATABASE_NAME).stat().st_size
    print_figures(
        (kind, f"{done.files_of[kind]:,}", f"{size / 1e6:,.1f} MB") for kind, size in done.bytes_of.items()
    )
    if with_search and not done.has_search:
        say(f"{NEEDS_PAGEFIND}; lists of sites and changes are there.")
    removed = f", {done.removed} removed" if done.removed else ""
    click.echo(
        f"{done.written} files written, {done.unchanged} unchanged{removed}; open {target / 'index.html'}",
        err=True,
    )
