"""A run over many files: those that are read are passed over, the rest goes to whoever reads."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from policy_archive.pipelines.bulk.folder import BulkFolder, FileState
from policy_archive.pipelines.bulk.job import Job
from policy_archive.pipelines.bulk.task import read_file
from policy_archive.pipelines.reading.pool import ReadingPool

Reader = Callable[[Sequence[Job]], Iterator[FileState]]
"""Reads files, in any order, and yields where each stands then."""


def read_all(jobs: Sequence[Job], folder: BulkFolder, reader: Reader) -> Iterator[FileState]:
    """Read the files that are not read yet; yields where each of these stands then, as they come.

    The folder is held for as long. Raises UsageError, InUseError, BulkError.
    """
    with folder.hold():
        if jobs:
            folder.claim(jobs[0].code, jobs[0].settings)
        folder.add_inputs(jobs)
        waiting = [job for job in jobs if not folder.is_done(job)]
        if waiting:
            yield from reader(waiting)
        folder.tidy()


def read_here(processes: int | None = None) -> Reader:
    """Return what reads on this machine, in so many processes; None: one a core.

    A thread for each file, as many files at a time as processes: the threads only parse and write.
    """

    def read(jobs: Sequence[Job]) -> Iterator[FileState]:
        settings, count = jobs[0].settings, processes or os.cpu_count() or 1
        stop = threading.Event()
        with ReadingPool(
            count, timeout_seconds=settings.timeout_seconds, memory_bytes=settings.memory_bytes
        ) as pool:
            threads = ThreadPoolExecutor(min(count, len(jobs)), thread_name_prefix="bulk")
            try:
                pending = {threads.submit(read_file, job, pool, stop) for job in jobs}
                while pending:
                    done, pending = wait(pending, return_when=FIRST_COMPLETED)
                    yield from map(Future.result, done)
            finally:
                stop.set()
                pool.shutdown()
                threads.shutdown(cancel_futures=True)

    return read
