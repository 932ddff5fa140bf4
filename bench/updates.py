"""What keeping up costs: requests of a fetch, and of updates on top of it, on the demo archive.

    python bench/updates.py [YEAR ...]

All the demo's sites are fetched, home pages listed by the index and then found by replay, and the versions
compared. Then, for each year: the sites are fetched up to its end, then updated with all captures there, then
twice with nothing new. Versions are compared with those of one fetch in one go.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from policy_archive.archive_server.server import ArchiveServer
from policy_archive.crawler.core.records import POLICY_KINDS
from policy_archive.crawler.core.timestamps import parse_day
from policy_archive.crawler.core.vocabularies import RunStatus
from policy_archive.crawler.crawl.run import FetchOptions, Target, build_target
from policy_archive.crawler.planning.plan import PlanOptions
from policy_archive.crawler.runner import run_fetch
from policy_archive.pipelines.commands.demo import DEMO
from policy_archive.pipelines.commands.update import gather_targets
from policy_archive.pipelines.store.connection import write
from policy_archive.pipelines.store.monitoring.watches import write_watch
from policy_archive.pipelines.store.writer import Store

KINDS = POLICY_KINDS
SITES = [build_target(line) for line in (DEMO / "sites.txt").read_text("utf-8").split()]
_LINE = "{:28} {:>10} {:>6} {:>7} {:>9}"
_VERSIONS = "select site, kind, name, text_sha256, first_captured, changed_after from policy_versions"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("years", nargs="*", metavar="YEAR", default=["2005", "2012", "2018"])
    years = parser.parse_args().years
    print(_LINE.format("run", "documents", "index", "replay", "versions"))
    with ArchiveServer(sorted(DEMO.glob("*.warc.gz"))) as archive, tempfile.TemporaryDirectory() as folder:
        os.environ["POLICY_ARCHIVE_STATE"] = folder
        whole, listed = Path(folder) / "whole.db", Path(folder) / "listed.db"
        _measure(archive, listed, "fetch, homes by the index", SITES, settings=(("POLICY_NEAREST", False),))
        _measure(archive, whole, "fetch, homes by replay", SITES)
        _compare(listed, whole)
        _measure_updates(archive, whole, "update, nothing new")
        for year in years:
            database = Path(folder) / f"{year}.db"
            _measure(archive, database, f"fetch up to {year}", SITES, until=year)
            _measure_updates(archive, database, f"update after {year}", "again", "and again")
            _compare(whole, database)


def _compare(wanted: Path, database: Path) -> None:
    missing = Counter(row[:3] for row in _versions(wanted) - _versions(database))
    surplus = Counter(row[:3] for row in _versions(database) - _versions(wanted))
    print(f"  not found: {dict(missing) or 'none'}; found differently: {dict(surplus) or 'none'}")


def _measure_updates(archive: ArchiveServer, database: Path, *names: str) -> None:
    with Store.open(database) as store:
        for target in SITES:
            wanted = {"every": "1w", "kinds": KINDS, "now": "2026-01-01T00:00:00Z"}
            write(store.connection, lambda c, t=target, w=wanted: write_watch(c, t.site, **w))
    for name in names:
        _measure(archive, database, name, gather_targets(database, [], everything=True), is_update=True)


def _measure(
    archive: ArchiveServer,
    database: Path,
    name: str,
    targets: list[Target] | tuple[Target, ...],
    *,
    until: str | None = None,
    is_update: bool = False,
    settings: tuple[tuple[str, Any], ...] = (),
) -> None:
    before = len(archive.log)
    report = run_fetch(
        FetchOptions(
            targets=targets,
            kinds=KINDS,
            database=database,
            plan=PlanOptions(until=parse_day(until, end=True) if until else None),
            archive_url=archive.url,
            index_per_minute=0,
            replay_per_second=0,
            ask_again=is_update,
            settings=settings,
        )
    )
    assert report.status is RunStatus.DONE, report.reason
    asked = Counter(entry.kind for entry in archive.log[before:])
    versions = _versions(database)
    documents = len({row[:3] for row in versions})
    print(_LINE.format(name, documents, asked["index"], asked["replay"], len(versions)), flush=True)


def _versions(database: Path) -> set[tuple[str, ...]]:
    connection = sqlite3.connect(database)
    try:
        return set(connection.execute(_VERSIONS))
    finally:
        connection.close()


if __name__ == "__main__":
    main()
