"""The command browse."""

from __future__ import annotations

import os
import socket
from contextlib import closing
from pathlib import Path

import click

from policy_archive.browse.commands import NEEDS_EXTRA
from policy_archive.browse.security import HOSTS_VARIABLE
from policy_archive.crawler.core.errors import UsageError
from policy_archive.pipelines.commands.options import db_option
from policy_archive.pipelines.outputs.addresses import PREFIX
from policy_archive.pipelines.store.connection import open_reader


@click.command("browse")
@db_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8001, show_default=True, help="0 = any free one."
)
@click.option("--open", "open_browser", is_flag=True, help="Open the web browser too.")
@click.option(
    "--allow-host",
    "allowed_hosts",
    metavar="NAME",
    multiple=True,
    help="A further name by which the server may be asked, for a reverse proxy.",
)
def browse_command(
    database: Path, host: str, port: int, open_browser: bool, allowed_hosts: tuple[str, ...]
) -> None:
    """Read, search and compare the corpus in the web browser, with Datasette.

    The database is opened read-only: a crawl may write at the same time.

    Example: policy-archive browse --db policies.db
    """
    try:
        from datasette.cli import cli as datasette
    except ImportError as error:
        raise UsageError(NEEDS_EXTRA) from error

    open_reader(database).close()  # a sentence for a wrong file, before a server is started
    port = _free_port(host, port)
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}{PREFIX}"
    click.echo(f"Read at {address}  (Ctrl-C to end)", err=True)
    if open_browser:
        click.launch(address)
    os.environ[HOSTS_VARIABLE] = ",".join((host, *allowed_hosts))
    # No download: a copy of a file that is being written would be torn. `backup` makes a good one.
    settings = {
        "default_page_size": "50",
        "sql_time_limit_ms": "2000",
        "suggest_facets": "off",  # it reads a whole table once a column; the useful ones are in the metadata
        "allow_download": "off",
        "truncate_cells_html": "160",  # a column of policies made a page of 76,000 pixels
    }
    given = [part for name, value in settings.items() for part in ("--setting", name, value)]
    datasette.main(["serve", str(database), "-h", host, "-p", str(port), *given], standalone_mode=False)


def _free_port(host: str, port: int) -> int:
    """Return the port, or a free one for 0; raises UsageError when it is taken."""
    with closing(socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise UsageError(
                f"{host}:{port} cannot be used ({error.strerror}): choose another --port, or 0."
            ) from error
        return int(probe.getsockname()[1])
