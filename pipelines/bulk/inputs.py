"""What the user named → the tasks: a web archive each, or two thousand rows of an index."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from policy_archive.archive_server.warc_files import find_warcs, is_web_archive
from policy_archive.crawler.core.errors import UsageError
from policy_archive.pipelines.bulk.captures import split_index
from policy_archive.pipelines.bulk.job import Job, Settings
from policy_archive.pipelines.bulk.places import is_address, read_facts

_INDEX_SUFFIXES = (".cdxj", ".cdx")


def find_jobs(
    places: Sequence[str], folder: Path, *, code: str, settings: Settings, base: str = ""
) -> list[Job]:
    """Return the tasks, in order of what was named; a file that is named twice is one.

    Raises UsageError for a place where nothing is, or nothing of the kind.
    """
    jobs: dict[str, Job] = {}
    for place in places:
        for file in _iter_files(place):
            for job in _iter_jobs(file, folder, code, settings, base):
                jobs.setdefault(job.id, job)
    return list(jobs.values())


def _iter_files(place: str) -> Iterator[str]:
    if is_address(place):
        yield place
        return
    if not Path(place).exists():
        raise UsageError(f"there is no file or folder '{place}'.")
    yield from (str(path.absolute()) for path in find_warcs((Path(place),)))


def _iter_jobs(file: str, folder: Path, code: str, settings: Settings, base: str) -> Iterator[Job]:
    name = file.partition("?")[0].rpartition("/")[2] if is_address(file) else Path(file).name
    size, changed = read_facts(file)
    whole = Job(
        place=file,
        name=name,
        size=size,
        changed=changed,
        folder=str(folder.absolute()),
        code=code,
        settings=settings,
    )
    if is_web_archive(name):
        yield whole
    elif name.lower().endswith(_INDEX_SUFFIXES) and not is_address(file):
        yield from _iter_spans(whole, base or str(Path(file).parent))
    else:
        raise UsageError(
            f"'{name}' is none of .warc, .warc.gz, .arc, .arc.gz, .wacz and .cdxj: name such files, or a "
            "folder of them."
        )


def _iter_spans(whole: Job, base: str) -> Iterator[Job]:
    if not is_address(base):
        base = str(Path(base).absolute())
    for start, end, first, last in split_index(Path(whole.place)):
        yield replace(whole, name=f"{whole.name}, lines {first}-{last}", span=(start, end), base=base)
