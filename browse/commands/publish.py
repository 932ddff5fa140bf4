"""The command publish."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress, TextColumn

from policy_archive.browse.commands import NEEDS_EXTRA
from policy_archive.crawler.core.errors import UsageError
from policy_archive.pipelines.commands.options import db_option
from policy_archive.pipelines.store.connection import open_reader

_COLUMNS = (TextColumn("{task.completed:,.0f} files"), TextColumn("{task.description}", markup=False))


@click.command("publish")
@click.argument("target", type=click.Path(file_okay=False, path_type=Path))
@db_option
@click.option("--root", metavar="URL", help="Address that the copy will have. Without it there are no feeds.")
@click.option(
    "--database/--no-database", "with_database", default=True, help="Put the database beside the pages."
)
def publish_command(target: Path, database: Path, root: str | None, with_database: bool) -> None:
    """Write a static copy of the pages into a folder, for any web server.

    Files that would not change are left as they are, so that a copy to a
    server moves only what is new.

    Example: policy-archive publish site --root https://policies.example.org
    """
    try:
        from policy_archive.browse import publish
        from policy_archive.pipelines.store.maintenance.backup import copy_database
    except ImportError as error:
        raise UsageError(NEEDS_EXTRA) from error

    if root is not None and not root.startswith(("http://", "https://")):
        raise UsageError(f"'{root}' is no web address: write https://policies.example.org")
    with closing(open_reader(database)) as connection:
        publish.copy_static(target)
        written = unchanged = 0
        console = Console(stderr=True)
        with Progress(
            *_COLUMNS, console=console, transient=True, disable=not console.is_terminal
        ) as progress:
            task = progress.add_task("", total=None)
            for page in publish.iter_pages(connection, root=root):
                progress.update(task, advance=1, description=page.path)
                if publish.write_page(target, page):
                    written += 1
                else:
                    unchanged += 1
        if with_database:
            copy_database(connection, target / "policies.db", overwrite=True)
    click.echo(f"{written} files written, {unchanged} unchanged; open {target / 'index.html'}", err=True)
