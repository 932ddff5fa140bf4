"""Datasette asked in its own process, as its tests do."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
from datasette.app import Datasette

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
