"""Crawls in processes of their own, which a test may kill; and what they left in the database."""

from __future__ import annotations

import sqlite3
import subprocess
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from policy_archive.archive_server.server import ArchiveServer
from policy_archive.crawler.core.records import CdxRow
from policy_archive.pipelines.store.connection import open_reader
from policy_archive.pipelines.store.invariants import CONSERVATION_SQL
from policy_archive.pipelines.store.maintenance.verify import iter_steps, list_checks
from policy_archive.pipelines.store.packed import register

from . import programs
from .patience import PATIENCE
from .programs import ROOT, Program

RATES = ("--index-rate", "0", "--replay-rate", "0")

DAY = 86_400


def run_cli(*arguments: str, days: float = 0, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command as it is started from a checkout, that many days later, at whatever rate."""
    rates = RATES if arguments[0] in ("fetch", "update") else ()
    clock = {"POLICY_ARCHIVE_CLOCK": str(days * DAY)}
    return programs.run(["cli.py", *arguments, *rates], environment=clock | environment)


LOAD = """
import sys, types
from pathlib import Path
sys.path.insert(0, sys.argv[1])
sys.modules["tests"] = tests = types.ModuleType("tests")  # other packages are called so as well
tests.__path__ = [sys.argv[1] + "/tests"]
from tests.support.generated import crawl
"""
CRAWL = f"""{LOAD}
report = crawl(sys.argv[2], Path(sys.argv[3]), *sys.argv[4:])
print(report.status, report.reason)
sys.exit(report.exit_code)
"""
"""A crawl of given addresses, every capture, without extraction: what is tested is what becomes of them."""


def start_crawl(
    archive: ArchiveServer, database: Path, *urls: str, environment: Mapping[str, str] = {}
) -> Program:
    """Start a crawl whose process does as `environment` says: POLICY_ARCHIVE_FAULT, POLICY_ARCHIVE_CLOCK."""
    words = ["-W", "ignore", "-c", CRAWL, ROOT, archive.url, database, *urls]
    return programs.start(words, environment=environment)


def start_program(*arguments: str, environment: Mapping[str, str] = {}) -> Program:
    """Start `policy-archive` itself."""
    words = ["-W", "ignore", "-m", "policy_archive", *arguments]
    return programs.start(words, environment=environment)


def finish(process: Program, *, within_seconds: float = PATIENCE) -> tuple[int, str, str]:
    """Return exit status, stdout and stderr of a process that ends by itself."""
    out, err = process.communicate(timeout=within_seconds)
    return process.returncode, out, err


def wait_until(condition: object, *, within_seconds: float = PATIENCE) -> None:
    """Return as soon as a callable says True."""
    deadline = time.monotonic() + within_seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.01)


def content_of(database: Path) -> list[tuple[object, ...]]:
    """Return all that a corpus knows of captures, texts and versions; not our own clock, not runs."""
    with closing(sqlite3.connect(database)) as connection:
        register(connection)  # it may be dense
        return [row for sql in _CONTENT for row in connection.execute(sql)]


_CONTENT = (
    "select id, state, state_reason, same_as, outcome, body_digest, verified from captures order by 1",
    "select digest, bytes from bodies order by 1",
    "select sha256, text from policy_texts order by 1",
    "select document_id, version, text_sha256, first_capture, last_capture from versions order by 1, 2",
    "select document_id, urlkey, listed_from, listed_to from listings order by 1, 2",
)


def assert_sound(database: Path, *, complete: bool = True) -> None:
    """Fail unless every check of `verify` passes, and, when `complete`, no run has anything left to do."""
    with closing(open_reader(database)) as connection:
        faults = [step.fault for step in iter_steps(connection, list_checks()) if step.fault]
        assert [one for one in faults if complete or one.fault != "versions-stale"] == []
        if complete:
            assert connection.execute(CONSERVATION_SQL).fetchall() == []
        twice = "select 1 from captures group by document_id, original, timestamp, digest having count(*) > 1"
        assert connection.execute(twice).fetchall() == []


def rows_of(source: object) -> list[CdxRow]:
    """Return the rows of a generated archive."""
    return list(source.iter_rows())  # type: ignore[attr-defined]
