"""The command weigh: what changed between the versions of an import, where that was left for later."""

from __future__ import annotations

from pathlib import Path

import click

from policy_archive.crawler.core.plurals import plural
from policy_archive.crawler.core.vocabularies import RunStatus
from policy_archive.pipelines.commands.options import db_option
from policy_archive.pipelines.outputs.bar import show_bar
from policy_archive.pipelines.reading.pool import ReadingPool
from policy_archive.pipelines.store.connection import check_there
from policy_archive.pipelines.store.queries import count_unweighed
from policy_archive.pipelines.store.runlock import hold_lock
from policy_archive.pipelines.store.writer import Store


@click.command("weigh")
@click.option(
    "--processes", type=click.IntRange(min=1), help="Documents compared at a time.  [default: one a core]"
)
@db_option
def weigh_command(processes: int | None, database: Path) -> None:
    """Compare the versions that an import left uncompared: words added and removed, what class of change.

    `import` does that at its end; this goes on where one was stopped, or was told to leave it (--later).
    Stopped itself, it goes on where it was.

    \b
    Example:
      policy-archive weigh --db policies.db
    """
    check_there(database)
    with hold_lock(database, "weigh"), Store.open(database) as store, ReadingPool(processes) as pool:
        store.close_dead_runs()
        run_id = store.start_run("weigh")
        done = weigh_all(store, pool)
        store.finish_run(run_id, RunStatus.DONE)
    click.echo(f"{plural(done, 'document')} weighed", err=True)


def weigh_all(store: Store, pool: ReadingPool) -> int:
    """Compare what imports left, and show how far that is; return how many documents it was."""
    for _ in store.fold_imported():
        pass
    total = count_unweighed(store.connection)
    done = 0
    with show_bar("documents") as bar:
        task = bar.add_task("weighed", total=total)
        for done in store.weigh_imported(pool):
            bar.update(task, completed=done)
    return done
