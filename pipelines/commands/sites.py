"""The command sites."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path

import click

from policy_archive.crawler.core.exit_statuses import ExitStatus
from policy_archive.crawler.core.plurals import plural
from policy_archive.pipelines.commands.options import db_option, row_options
from policy_archive.pipelines.outputs.rows import print_rows
from policy_archive.pipelines.outputs.sites import read_sites, site_cells
from policy_archive.pipelines.store.connection import open_reader


@click.command("sites")
@click.option("--missing", is_flag=True, help="Only the sites without a text of any policy, and why.")
@row_options
@db_option
def sites_command(missing: bool, row_format: str, database: Path) -> None:
    """The sites of the corpus: what is there of each, since when, what is in doubt, why nothing is.

    \b
    Example:
      policy-archive sites --db demo.db
      policy-archive sites --missing --csv --db demo.db
    """
    with closing(open_reader(database)) as connection:
        rows = read_sites(connection)
    without = [row for row in rows if not row["versions"]]
    print_rows(without if missing else rows, row_format, cells=site_cells)
    if not rows:
        click.echo("No site is in the corpus: 'policy-archive fetch example.com' fetches one.", err=True)
        sys.exit(ExitStatus.FAILED)
    told = f"{plural(len(rows), 'site')}, {len(without)} without a policy"
    click.echo(f"{told}." if missing or not without else f"{told}: --missing lists them.", err=True)
