"""Run as a script: a process that has loaded the program once, and forks it for whoever asks.

Each Python program that a test starts would load the same libraries, word lists and models for a second or
two. One that is forked from here is as good a process: it has its own environment, folder, arguments,
streams and signals, and may be killed. Modules that read the environment when they are loaded are loaded
again.

An order is a line of JSON with the descriptors of stdout, stderr and a pipe; the pipe is told the process id
and later the exit status, each as eight bytes. `programs.py` gives the orders.
"""

from __future__ import annotations

import atexit
import importlib
import io
import json
import os
import runpy
import selectors
import signal
import socket
import sys
import threading
import traceback
import types
import warnings
from contextlib import suppress
from multiprocessing import connection, forkserver
from typing import Any

LOADED = (
    "policy_archive.cli",
    "policy_archive.crawler.runner",
    "policy_archive.crawler.settings",
    "policy_archive.pipelines.commands.fetch",
    "policy_archive.pipelines.commands.update",
    "policy_archive.pipelines.item_pipelines",
    "policy_archive.archive_server.server",
    "policy_archive.browse.commands.browse",
    "policy_archive.browse.commands.publish",
    "policy_archive.browse.plugin",
    "datasette.cli",
    "uvicorn",
    "policy_archive.pipelines.reading.warmup",  # the last: it tells the collector to leave all of it alone
)
_QUIET = warnings.catch_warnings()
"""Of this process alone: a program forked from it warns as any does."""
READ_THE_ENVIRONMENT = ("policy_archive.crawler.core.timestamps", "policy_archive.crawler.core.failpoints")
READING = {
    "-c",
    "bulk",
    "crawl",
    "demo",
    "extract",
    "fetch",
    "import",
    "publish",
    "re-extract",
    "update",
    "weigh",
}
"""Words of programs that may start readers. A reader that others start is as good, and slower to begin."""


def serve(orders: socket.socket) -> None:
    """Take orders until whoever gives them is gone."""
    running: dict[int, int] = {}
    woken, wake = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with selectors.DefaultSelector() as selector:
        selector.register(orders, selectors.EVENT_READ)
        selector.register(woken, selectors.EVENT_READ)
        while True:
            ready = {key.fd for key, _ in selector.select()}
            if woken in ready:
                os.read(woken, 1 << 16)
                _report_the_dead(running)
            if orders.fileno() in ready:
                line, descriptors, _, _ = socket.recv_fds(orders, 1 << 16, 3)
                if not line:
                    return
                while not line.endswith(b"\n"):
                    line += orders.recv(1 << 16)
                *streams, told = descriptors
                pid = os.fork()
                if pid == 0:
                    ours = [orders.fileno(), woken, wake, told, *running.values()]
                    status = 1
                    try:
                        status = _become(json.loads(line), streams, ours)
                    except BaseException:
                        traceback.print_exc()
                    finally:
                        os._exit(status)
                for stream in streams:
                    os.close(stream)
                running[pid] = told
                os.write(told, pid.to_bytes(8, "big", signed=True))


def _report_the_dead(running: dict[int, int]) -> None:
    while running:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        told = running.pop(pid)
        with suppress(BrokenPipeError):  # nobody asks any more
            os.write(told, os.waitstatus_to_exitcode(status).to_bytes(8, "big", signed=True))
        os.close(told)


def _become(order: dict[str, Any], streams: list[int], not_ours: list[int]) -> int:
    """Be the program that was ordered; returns its exit status."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, stream in enumerate(streams, start=1):
        os.dup2(stream, number)
    for descriptor in (*not_ours, *streams):
        os.close(descriptor)
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    sys.stdout = io.TextIOWrapper(open(1, "wb", closefd=False), encoding="utf-8")  # noqa: SIM115
    sys.stderr = io.TextIOWrapper(
        open(2, "wb", closefd=False),  # noqa: SIM115
        encoding="utf-8",
        errors="backslashreplace",
        line_buffering=True,
    )
    sys.excepthook = sys.__excepthook__
    try:
        status = _run(order["words"])
    except KeyboardInterrupt:  # Python ends by the signal, so that a shell knows
        traceback.print_exc()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
        raise
    threading._shutdown()  # type: ignore[attr-defined]  # waits for threads, as the end of a program does
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(ValueError):  # closed
            stream.flush()
    return status


def _run(words: list[str]) -> int:
    """Do what `python WORDS` does, of `-W`, `-c`, `-m` and files; returns the exit status."""
    try:
        _QUIET.__exit__(None, None, None)
        for name in READ_THE_ENVIRONMENT:
            importlib.reload(sys.modules[name])
        if READING & {*words}:
            _fork_readers_from_here()
        while words[0] == "-W":
            warnings.simplefilter(words[1])  # type: ignore[arg-type]
            words = words[2:]
        if words[0] == "-c":
            sys.argv = ["-c", *words[2:]]
            sys.path.insert(0, "")
            sys.modules["__main__"] = main = types.ModuleType("__main__")
            exec(compile(words[1], "<string>", "exec"), main.__dict__)
        elif words[0] == "-m":
            sys.argv = words[1:]
            sys.path.insert(0, os.getcwd())  # noqa: PTH109 (as Python does)
            runpy.run_module(words[1], run_name="__main__", alter_sys=True)
        else:
            sys.argv = words
            sys.path.insert(0, os.path.dirname(os.path.abspath(words[0])))  # noqa: PTH100, PTH120
            runpy.run_path(words[0], run_name="__main__")
    except SystemExit as ended:
        if ended.code is None or isinstance(ended.code, int):
            return (ended.code or 0) & 0xFF
        print(ended.code, file=sys.stderr)
        return 1
    except Exception:
        traceback.print_exc()
        return 1
    return 0


def _fork_readers_from_here() -> None:
    """Start multiprocessing's fork server by forking, for all that it would load is loaded here."""
    if sys.version_info >= (3, 14):
        return  # it wants a key of its own; readers are then started as everywhere
    server: Any = forkserver._forkserver  # type: ignore[attr-defined]
    with socket.socket(socket.AF_UNIX) as listener:
        address = connection.arbitrary_address("AF_UNIX")  # type: ignore[attr-defined]
        listener.bind(address)
        listener.listen()
        ends, alive = os.pipe()
        pid = os.fork()
        if pid == 0:
            for descriptor in range(3, max(listener.fileno(), ends, alive) + 1):
                if descriptor not in (listener.fileno(), ends):
                    with suppress(OSError):
                        os.close(descriptor)
            try:
                forkserver.main(listener.detach(), ends, [])  # type: ignore[attr-defined]
            finally:
                os._exit(0)
        os.close(ends)
    server._forkserver_address, server._forkserver_alive_fd, server._forkserver_pid = address, alive, pid


if __name__ == "__main__":
    _QUIET.__enter__()
    warnings.simplefilter("ignore")
    del sys.path[0]  # this folder: what lies in it is no module of the program
    for module in LOADED:
        importlib.import_module(module)
    serve(socket.socket(fileno=int(sys.argv[1])))
