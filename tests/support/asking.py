"""Datasette asked in its own process, as its tests do, and the servers that people start."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import httpx
from datasette.app import Datasette

from . import programs
from .patience import PATIENCE

HOME = "/-/policies"


def ask(
    databases: Path | Sequence[Path], *paths: str, settings: Mapping[str, Any] | None = None
) -> list[httpx.Response]:
    """Return the answers to some addresses, redirects not followed."""
    files = [databases] if isinstance(databases, Path) else databases
    datasette = Datasette([str(file) for file in files], settings=dict(settings or {}))

    async def ask_all() -> list[httpx.Response]:
        await datasette.invoke_startup()
        try:
            return [await datasette.client.get(path) for path in paths]
        finally:
            for database in datasette.databases.values():
                database.close()
            datasette.executor.shutdown()

    return asyncio.run(ask_all())


def ask_one(database: Path, path: str) -> httpx.Response:
    (answer,) = ask(database, path)
    return answer


@contextmanager
def serve(*command: str | Path) -> Iterator[str]:
    """Run a server until the block ends; yields its address."""
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stderr is not None
            yield _read_address(process.stderr)
        finally:
            process.terminate()


@contextmanager
def browse(database: Path, *options: str) -> Iterator[str]:
    """Run `policy-archive browse` until the block ends; yields its address, when it answers."""
    words = ["-m", "policy_archive", "browse", "--db", database, "--port", "0", *options]
    with Path(os.devnull).open("w") as nowhere, programs.start(words, out=nowhere.fileno()) as program:
        try:
            address = _read_address(program.stderr)
            get_when_ready(address + HOME)
            yield address
        finally:
            program.terminate()


def _read_address(messages: IO[str]) -> str:
    said = ""
    while (line := messages.readline()) and "http://" not in line:
        said += line
    found = re.search(r"http://[\d.:]+", line)
    assert found, said
    return found[0]


def get_when_ready(url: str) -> httpx.Response:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            return httpx.get(url, timeout=PATIENCE, follow_redirects=True)
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError(f"{url} does not answer")
