"""The command merge: shards of one corpus into one."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from policy_archive.crawler.core.errors import UsageError
from policy_archive.crawler.core.plurals import plural
from policy_archive.crawler.core.vocabularies import RunStatus
from policy_archive.pipelines.commands.options import db_option, json_option
from policy_archive.pipelines.outputs.bar import follow
from policy_archive.pipelines.outputs.rows import format_json, say
from policy_archive.pipelines.store.connection import check_there
from policy_archive.pipelines.store.maintenance.merge import MergeReport, MergingStore, attach, merge_site
from policy_archive.pipelines.store.runlock import hold_lock


@click.command("merge")
@click.argument(
    "shards",
    nargs=-1,
    required=True,
    metavar="SHARD.db...",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@json_option
@db_option
def merge_command(shards: tuple[Path, ...], as_json: bool, database: Path) -> None:
    """Merge databases, fetched by several machines or people, into the one of --db.

    They may overlap, and come in any order: each capture, text and body is there once, of two readings the
    later one counts, versions are made anew from all captures, watch lists are joined. Shards are only read.
    --db is made when it is not there; a merge that was stopped is simply run again. Nobody is told of what
    becomes known so, and messages that wait in a shard stay there.

    \b
    Example:
      policy-archive merge north.db south.db --db whole.db
    """
    for shard in shards:
        check_there(shard)
        if database.exists() and shard.samefile(database):
            raise UsageError(f"'{shard}' is --db itself: name the others alone.")
    reports = {}
    with hold_lock(database, "merge"), MergingStore.open(database) as store:
        store.run_id = store.start_run("merge", {"shards": [shard.name for shard in shards]})
        for shard in shards:
            report = reports[str(shard)] = MergeReport()
            with attach(store, shard) as sites:
                for site in follow(sites, f"merging {shard.name}", total=len(sites), unit="sites"):
                    merge_site(store, site, report)
        store.finish_run(store.run_id, RunStatus.DONE)
    if as_json:
        click.echo(format_json({name: asdict(report) for name, report in reports.items()}, indent=2))
        return
    for name, report in reports.items():
        say(
            f"{name}: {plural(report.sites, 'site')}, {plural(report.captures, 'new capture')}, "
            f"{report.known:,} known ({report.taken_over:,} better by this one), "
            f"{plural(report.texts, 'new text')}"
        )
