"""A Dask cluster of real processes on 127.0.0.1, each of which a test may kill by its number."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from .processes import ROOT, wait_until


class Cluster:
    """Schedulers and workers, started one by one; all are gone when `running` ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started: list[subprocess.Popen[bytes]] = []
        self.address = ""

    def start_scheduler(self) -> None:
        """Start a scheduler, and wait until it can be asked."""
        said = self._folder / f"scheduler-{len(self._started)}.json"
        scheduler = self._start("scheduler", "--port", "0", "--no-dashboard", "--scheduler-file", str(said))

        def is_up() -> bool:
            assert scheduler.poll() is None, (self._folder / "log-0").read_text()
            with suppress(OSError, ValueError, KeyError):
                self.address = json.loads(said.read_text())["address"]
                return True
            return False

        wait_until(is_up)
        self.scheduler = scheduler

    def start_worker(self, environment: Mapping[str, str] = {}) -> subprocess.Popen[bytes]:
        """Start a nanny, whose child is the worker."""
        words = ("--nthreads", "1", "--no-dashboard", "--local-directory", str(self._folder))
        return self._start("worker", self.address, *words, environment=environment)

    def _start(self, *words: str, environment: Mapping[str, str] = {}) -> subprocess.Popen[bytes]:
        with (self._folder / f"log-{len(self._started)}").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", *words, "--host", "127.0.0.1"],
                cwd=ROOT,
                env={**os.environ, **environment},
                stdout=log,
                stderr=log,
                start_new_session=True,  # so that what it started can be ended with it
            )
        self._started.append(process)
        return process

    def stop(self) -> None:
        """Kill all of it, children too."""
        for process in self._started:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextmanager
def running(folder: Path, *, workers: int = 2, environment: Mapping[str, str] = {}) -> Iterator[Cluster]:
    """Run a scheduler and so many workers."""
    folder.mkdir()
    cluster = Cluster(folder)
    try:
        cluster.start_scheduler()
        for _ in range(workers):
            cluster.start_worker(environment)
        yield cluster
    finally:
        cluster.stop()
