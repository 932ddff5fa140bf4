"""`policy-archive fetch` itself on the recorded captures, served by the local archive server."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from bench.recorded import REPLAY, Truth
from policy_archive.archive_server.server import ArchiveServer
from policy_archive.crawler.core.urlkeys import urlkey

_VERSIONS = """
select addresses.urlkey, replace(replace(replace(changed_after, '-', ''), ':', ''), 'T', ''), timestamp
from policy_versions join addresses using (document_id) where addresses.source = 'given'
order by addresses.urlkey, version
"""
_REQUESTS = """
select addresses.urlkey, sum(captures.requests) from captures join addresses using (document_id)
where addresses.source = 'given' group by addresses.urlkey
"""


def fetch_recorded(
    truths: dict[str, list[Truth]], arguments: Iterable[str] = ()
) -> dict[str, tuple[list[tuple[str | None, str]], int]]:
    """Return for each document its versions as (changed after, first captured) and the requests spent.

    A document's requests are those for its captures and its part of all index queries.
    """
    keys = {name: urlkey(found[0].row.original) for name, found in truths.items()}
    urls = [found[0].row.original for found in truths.values()]
    warcs = sorted((REPLAY / "archive").glob("[0-9]*.warc.gz"))
    with tempfile.TemporaryDirectory() as folder, ArchiveServer(warcs) as archive:
        database = Path(folder) / "policies.db"
        rates = ("--index-rate", "0", "--replay-rate", "0")
        command = [sys.executable, "-m", "policy_archive", "fetch", *urls, "--kind", "all", *rates]
        subprocess.run(
            [*command, "--archive", archive.url, "--db", str(database), *arguments],
            cwd=Path(__file__).resolve().parent.parent,
            env={**os.environ, "POLICY_ARCHIVE_STATE": folder},
            stdout=sys.stderr,
            check=False,
        )
        index_requests = sum(entry.kind == "index" for entry in archive.log) / len(truths)
        versions, requests = _read(database)
    return {name: (versions[key], round(requests.get(key, 0) + index_requests)) for name, key in keys.items()}


def _read(database: Path) -> tuple[dict[str, list[tuple[str | None, str]]], dict[str, int]]:
    connection = sqlite3.connect(database)
    versions: dict[str, list[tuple[str | None, str]]] = defaultdict(list)
    for key, changed_after, timestamp in connection.execute(_VERSIONS):
        versions[key].append((changed_after and changed_after.rstrip("Z"), timestamp))
    requests = dict(connection.execute(_REQUESTS).fetchall())
    connection.close()
    return versions, requests
