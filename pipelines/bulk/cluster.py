"""Files read on many machines, by Dask distributed: one task a file, and only its few figures come back.

What is done stands in the folder alone, which all machines see. So nothing that dies has to be mended: a
worker's file goes to another worker, and when scheduler or program die, the same command reads what is left.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from policy_archive.crawler.core.errors import UsageError
from policy_archive.pipelines.bulk.folder import BulkFolder, FileState, State
from policy_archive.pipelines.bulk.job import BulkError, Job, SkewError, describe_skew
from policy_archive.pipelines.bulk.run import Reader
from policy_archive.pipelines.bulk.task import read_file
from policy_archive.pipelines.reading.pool import ReadingPool

_CONNECT_SECONDS = 10
"""That scheduler and first worker get to answer."""
_LOOK_SECONDS = 5
"""Between two looks at whether anybody still works."""
_AHEAD = 4
"""Tasks a worker that are given out; few, so that a scheduler holds little."""
_LEAST_AHEAD = 64


def read_on_cluster(address: str = "", *, workers: int | None = None, tell: Callable[[str], None]) -> Reader:
    """Return what reads on a cluster: that of a scheduler's address, or so many workers of this machine.

    `tell` gets sentences on what the run waits for. What is returned raises UsageError when Dask is missing
    or nobody answers, SkewError before the first task when a worker has another release, BulkError when the
    cluster is lost.
    """
    distributed = _load_distributed()

    def read(jobs: Sequence[Job]) -> Iterator[FileState]:
        with _open_client(distributed, address, workers) as client:
            _check_workers(client, jobs[0].code, address)
            yield from _Run(distributed, client, tell).read(jobs)

    return read


def _load_distributed() -> Any:
    try:
        import distributed
    except ImportError as error:
        raise UsageError("Clusters need Dask distributed: pip install 'policy-archive[cluster]'.") from error
    return distributed


@contextmanager
def _open_client(distributed: Any, address: str, workers: int | None) -> Iterator[Any]:
    """Give a client; workers of this machine are gone when the block ends."""
    cluster = None
    if not address:
        # a process each, one thread: what is read is read in processes of their own anyway; and nobody looks
        # at the profile for which each is stopped a hundred times a second
        import dask

        dask.config.set({"distributed.worker.profile.enabled": False})
        cluster = distributed.LocalCluster(
            n_workers=workers, threads_per_worker=1, dashboard_address=None, silence_logs=logging.ERROR
        )
    try:
        client = distributed.Client(cluster or address, timeout=_CONNECT_SECONDS)
    except (OSError, ValueError) as error:
        if cluster is not None:
            cluster.close()
        raise UsageError(
            f"no scheduler answers at {address}: start one with 'dask scheduler', and name its address."
        ) from error
    try:
        yield client
    finally:
        with suppress(Exception):  # of a cluster that is lost
            client.close(timeout=_LOOK_SECONDS)
        if cluster is not None:
            cluster.close()


def _check_workers(client: Any, code: str, address: str) -> None:
    """Raise UsageError when nobody works, SkewError when somebody has another release."""
    try:
        client.wait_for_workers(1, timeout=_CONNECT_SECONDS)
        found: dict[str, str] = client.run(_reporter(), on_error="return")
    except TimeoutError as error:
        raise UsageError(
            f"no worker is connected to {address or 'the cluster'}: start some with 'dask worker {address}'."
        ) from error
    others = {worker: str(told) for worker, told in found.items() if told != code}
    if others:
        raise SkewError(describe_skew(others, code))


def _reporter() -> Callable[[], str]:
    """Return a function that tells which release a worker has.

    Defined within another, it is sent whole, not by its name: a worker without our package runs it, too.
    """

    def report() -> str:
        try:
            from policy_archive.pipelines.bulk.job import describe_code

            return describe_code()
        except Exception as error:
            return f"no-policy-archive-that-can-do-this ({type(error).__name__})"

    return report


def read_on_worker(job: Job) -> FileState:
    """Return what came of a file; for a worker."""
    settings = job.settings
    limits = {"timeout_seconds": settings.timeout_seconds, "memory_bytes": settings.memory_bytes}
    with ReadingPool(1, **limits) as pool:  # type: ignore[arg-type]
        return read_file(job, pool)


class _Run:
    """Tasks given out a few at a time, so that a scheduler holds little of a collection."""

    def __init__(self, distributed: Any, client: Any, tell: Callable[[str], None]) -> None:
        self._distributed = distributed
        self._client = client
        self._tell = tell
        self._told = ""

    def read(self, jobs: Sequence[Job]) -> Iterator[FileState]:
        waiting = list(reversed(jobs))
        pending: dict[Any, Job] = {}
        while waiting or pending:
            while waiting and len(pending) < max(_LEAST_AHEAD, _AHEAD * self._count_workers()):
                job = waiting.pop()
                # pure=False: a result of another program's run is none of ours
                pending[self._client.submit(read_on_worker, job, pure=False)] = job
            for future in self._wait(pending):
                yield self._finish(future, pending.pop(future))

    def _count_workers(self) -> int:
        return len(self._client.scheduler_info(n_workers=-1)["workers"])

    def _wait(self, pending: dict[Any, Job]) -> list[Any]:
        """Return the tasks that are done; says what it waits for meanwhile. Raises BulkError."""
        try:
            done = self._distributed.wait(
                list(pending), timeout=_LOOK_SECONDS, return_when="FIRST_COMPLETED"
            ).done
        except TimeoutError:
            done = set()
        except (asyncio.CancelledError, CancelledError, OSError) as error:
            raise self._lost() from error
        if self._client.status not in ("running", "connecting") or any(
            future.status in ("cancelled", "lost") for future in done
        ):
            raise self._lost()
        if not done:
            self._say_why(len(pending))
        else:
            self._told = ""
        return list(done)

    def _say_why(self, number: int) -> None:
        if self._client.status == "connecting":
            said = "the scheduler does not answer: waiting for it"
        elif not self._count_workers():
            said = f"no worker is connected: {number} files wait for one"
        else:
            return
        if said != self._told:
            self._told = said
            self._tell(said)

    def _lost(self) -> BulkError:
        return BulkError(
            "the scheduler is gone: what is read is kept, and the same command goes on once there is one"
        )

    def _finish(self, future: Any, job: Job) -> FileState:
        error = future.exception()
        if error is None:
            result: FileState = future.result()
            return result
        if isinstance(error, SkewError):  # a worker that came later
            raise error
        reason = self._describe(error)
        BulkFolder(Path(job.folder)).note_failed(job, reason)
        return FileState(id=job.id, file=job.name, state=State.FAILED, reason=reason)

    def _describe(self, error: BaseException) -> str:
        if isinstance(error, self._distributed.KilledWorker):
            return "every worker that read it died: too little memory, or a machine that kills"
        return f"{type(error).__name__}: {error}"[:300]
