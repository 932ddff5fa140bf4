"""Python programs that tests start: processes of their own, forked from one that has loaded them.

What is tested of the start itself, or of a process's memory, is started with `subprocess` as everywhere.
"""

from __future__ import annotations

import atexit
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TextIO

from .patience import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
_SERVER = Path(__file__).with_name("fork_server.py")


class Program:
    """A started program; of `subprocess.Popen` what tests use, with both streams as text."""

    def __init__(
        self,
        words: Sequence[str],
        *,
        folder: Path,
        environment: Mapping[str, str],
        out: int | None,
        err: int | None,
    ) -> None:
        self.args = list(words)
        self.returncode: int | None = None
        self._told, told = os.pipe()
        streams = [os.pipe(), os.pipe()]
        order = {"words": self.args, "folder": str(folder), "environment": dict(environment)}
        theirs = [stream[1] for stream in streams]
        given = [theirs[0] if out is None else out, theirs[1] if err is None else err, told]
        with _lock:
            socket.send_fds(_start_server(os.getpid()), [json.dumps(order).encode() + b"\n"], given)
            for descriptor in (*theirs, told):
                os.close(descriptor)
            self.pid = _read_number(self._told)
        self.stdout, self.stderr = (open(ours, encoding="utf-8") for ours, _ in streams)  # noqa: PTH123, SIM115
        self._said: dict[TextIO, str] = {}
        self._listening: list[threading.Thread] = []

    def poll(self) -> int | None:
        """Return the exit status, minus the signal's number for one that was killed; None while it runs."""
        return self._wait(0)

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit status, as soon as there is one. Raises subprocess.TimeoutExpired."""
        status = self._wait(timeout)
        if status is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return status

    def _wait(self, timeout: float | None) -> int | None:
        if self.returncode is None:
            with selectors.DefaultSelector() as selector:
                selector.register(self._told, selectors.EVENT_READ)
                if selector.select(timeout):
                    self.returncode = _read_number(self._told)
                    os.close(self._told)
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Return all that it says on stdout and stderr. Raises subprocess.TimeoutExpired."""
        deadline = None if timeout is None else time.monotonic() + timeout
        if not self._listening:
            for stream in (self.stdout, self.stderr):
                self._listening.append(threading.Thread(target=self._listen, args=(stream,), daemon=True))
                self._listening[-1].start()
        for thread in self._listening:
            thread.join(None if deadline is None else max(deadline - time.monotonic(), 0))
            if thread.is_alive():
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
        self.wait(None if deadline is None else max(deadline - time.monotonic(), 0))
        self.stdout.close()
        self.stderr.close()
        return self._said[self.stdout], self._said[self.stderr]

    def _listen(self, stream: TextIO) -> None:
        self._said[stream] = stream.read()

    def send_signal(self, number: int) -> None:
        """Send a signal, if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_: object) -> None:
        self.stdout.close()
        self.stderr.close()
        self.wait()


def start(
    words: Sequence[str | Path],
    *,
    folder: Path = ROOT,
    environment: Mapping[str, str] = {},
    out: int | None = None,
    err: int | None = None,
) -> Program:
    """Start `python WORDS` in a folder; `environment` is added to that of the tests.

    What it says goes to its pipes, or to the descriptors given: of a terminal, of /dev/null.
    """
    return Program(
        [str(word) for word in words],
        folder=folder,
        environment={**os.environ, **environment},
        out=out,
        err=err,
    )


def run(
    words: Sequence[str | Path], *, folder: Path = ROOT, environment: Mapping[str, str] = {}
) -> subprocess.CompletedProcess[str]:
    """Return how `python WORDS` ended, and what it said."""
    program = start(words, folder=folder, environment=environment)
    try:
        out, err = program.communicate(PATIENCE)
    except subprocess.TimeoutExpired:
        program.kill()
        raise
    assert program.returncode is not None
    return subprocess.CompletedProcess(program.args, program.returncode, out, err)


_lock = threading.Lock()


@cache
def _start_server(_: int) -> socket.socket:
    """Return the connection to the server of a process, given its id; it ends with the connection."""
    ours, theirs = socket.socketpair()
    command = [sys.executable, str(_SERVER), str(theirs.fileno())]
    server = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
    theirs.close()

    def end() -> None:
        ours.close()
        server.wait()

    atexit.register(end)
    return ours


def _read_number(descriptor: int) -> int:
    data = b""
    while len(data) < 8:
        more = os.read(descriptor, 8 - len(data))
        if not more:
            raise AssertionError("the fork server is gone")
        data += more
    return int.from_bytes(data, "big", signed=True)
