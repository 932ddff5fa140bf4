"""`policy-archive bulk`: read whole collections of web archives, and say how far that is."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from policy_archive.crawler.core.exit_statuses import ExitStatus
from policy_archive.crawler.core.plurals import plural
from policy_archive.crawler.core.stored import Outcome
from policy_archive.pipelines.commands.options import FolderPath, row_options
from policy_archive.pipelines.outputs.bar import show_bar
from policy_archive.pipelines.outputs.rows import print_rows, say

if TYPE_CHECKING:
    from policy_archive.pipelines.bulk.run import Reader

_ADDRESS = re.compile(r"(tcp|tls)://[^\s/]+:[0-9]+")


@click.group(name="bulk")
def bulk_command() -> None:
    """Read whole collections of web archives, on one machine or many, into Parquet parts for 'import'."""


@bulk_command.command("read")
@click.argument("places", metavar="WARC|WACZ|CDXJ...", nargs=-1, required=True)
@click.option(
    "--to", "target", required=True, type=FolderPath(), help="Folder that the parts are written into."
)
@click.option(
    "--processes",
    type=click.IntRange(min=1),
    help="Pages read at a time on this machine.  [default: one a core]",
)
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Read on the workers of a Dask cluster: tcp://HOST:8786. All have files and folder under the same "
    "paths.",
)
@click.option("--workers", type=click.IntRange(min=1), help="Read in so many Dask workers of this machine.")
@click.option(
    "--policies-only",
    is_flag=True,
    help="Leave out pages whose address promises neither a policy nor a home page.",
)
@click.option(
    "--base", default="", help="Folder or address of the files that a CDXJ names.  [default: its own folder]"
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=1),
    default=30,
    show_default=True,
    help="CPU seconds that a page gets.",
)
def read_command(
    places: tuple[str, ...],
    target: Path,
    processes: int | None,
    scheduler: str | None,
    workers: int | None,
    policies_only: bool,
    base: str,
    timeout: float,
) -> int:
    """Read every page of WARC and WACZ files, of folders of them, or of the rows of an index (CDXJ).

    A file becomes a part: Parquet, a row a capture, with its text and what the page is. What is read is not
    read again: after Ctrl-C or any death the same command goes on. A page that hangs, crashes or eats memory
    costs its own row.

    \b
    Example:
      policy-archive bulk read crawls/ --to parts
      policy-archive bulk read index.cdxj --base https://data.example.org/ --to parts --processes 4
      policy-archive bulk read /shared/crawls --scheduler tcp://10.0.0.1:8786 --to /shared/parts
      policy-archive import parts
    """
    from policy_archive.pipelines.bulk.folder import BulkFolder, State
    from policy_archive.pipelines.bulk.inputs import find_jobs
    from policy_archive.pipelines.bulk.job import Settings, describe_code
    from policy_archive.pipelines.bulk.run import read_all

    reader = _choose_reader(processes, scheduler, workers)

    settings = Settings(policies_only=policies_only, timeout_seconds=timeout)
    jobs = find_jobs(places, target, code=describe_code(), settings=settings, base=base)
    folder = BulkFolder(target)
    states: Counter[State] = Counter()
    with show_bar("files") as bar:
        task = bar.add_task("read", total=len(jobs))
        for one in read_all(jobs, folder, reader):
            states[one.state] += 1
            if one.reason:
                say(f"{one.file}: {one.state}: {one.reason}")
            bar.update(task, completed=states.total())
    before = len(jobs) - states.total()
    failed = states[State.FAILED]
    say(
        f"{plural(len(jobs), 'file')}: {states[State.READ]} read, {before} read before, {failed} failed; "
        f"'policy-archive bulk status {target}' says more"
    )
    return ExitStatus.FAILED if failed else ExitStatus.DONE


def _choose_reader(processes: int | None, scheduler: str | None, workers: int | None) -> Reader:
    from policy_archive.pipelines.bulk.run import read_here

    if sum(one is not None for one in (processes, scheduler, workers)) > 1:
        raise click.UsageError("--processes, --workers and --scheduler are three ways of reading: give one.")
    if scheduler is None and workers is None:
        return read_here(processes)
    if scheduler is not None and not _ADDRESS.fullmatch(scheduler):
        raise click.UsageError(f"'{scheduler}' is no address of a scheduler: write tcp://HOST:8786.")
    from policy_archive.pipelines.bulk.cluster import read_on_cluster

    return read_on_cluster(scheduler or "", workers=workers, tell=say)


@bulk_command.command("status")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@row_options
def status_command(folder: Path, row_format: str) -> int:
    """Say of every file whether it is read, waits or failed, and why; exit status 1 unless all are read.

    \b
    Example:
      policy-archive bulk status parts
    """
    from policy_archive.pipelines.bulk.folder import BulkFolder, State, count_all

    files = BulkFolder.open(folder).list_files()
    print_rows(map(_row_of, files), row_format, cells=_cells)
    states = Counter(one.state for one in files)
    outcomes = count_all(files)
    seconds = sum(one.done.cpu_seconds for one in files if one.done)
    pace = f", {outcomes.total() / seconds:.0f} captures a CPU second" if seconds else ""
    counts = ", ".join(f"{number} {outcome}" for outcome, number in outcomes.most_common())
    say(", ".join(f"{states[state]} {state}" for state in State) + f"; {counts or 'no captures'}{pace}")
    return ExitStatus.DONE if states[State.READ] == len(files) else ExitStatus.FAILED


def _row_of(one: Any) -> dict[str, Any]:
    return {
        "file": one.file,
        "state": str(one.state),
        "reason": one.reason,
        "part": f"part-{one.done.part}.parquet" if one.done else None,
        "captures": one.done.captures if one.done else None,
        "texts": sum(one.done.outcomes.get(each, 0) for each in Outcome if each.is_text)
        if one.done
        else None,
        "cpu_seconds": one.done.cpu_seconds if one.done else None,
    }


def _cells(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "File": row["file"],
        "State": row["state"],
        "Captures": row["captures"],
        "Policies": row["texts"],
        "Reason": row["reason"],
    }
