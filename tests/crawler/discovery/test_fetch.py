"""`fetch DOMAIN` over the demo archive: discovery, spider, reader and store together."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from policy_archive.archive_server import faults
from policy_archive.archive_server.faults import Fault
from policy_archive.archive_server.server import ArchiveServer
from policy_archive.crawler.core.records import Kind
from policy_archive.crawler.crawl.run import FetchOptions, FetchReport, build_target
from policy_archive.crawler.runner import run_fetch
from policy_archive.data import DATA
from tests.support.generated import GeneratedSource


@pytest.fixture(scope="module")
def archive() -> Iterator[ArchiveServer]:
    with ArchiveServer(sorted((DATA / "demo").glob("*.warc.gz"))) as server:
        yield server


def fetch(archive: ArchiveServer, database: Path, *sites: str, struck: tuple[Fault, ...] = ()) -> FetchReport:
    archive.faults = struck
    options = FetchOptions(
        targets=tuple(build_target(site) for site in sites),
        kinds=(Kind.PRIVACY,),
        database=database,
        archive_url=archive.url,
        index_per_minute=0,
        replay_per_second=0,
        settings=(("POLICY_RETRY_SECONDS", 0.01),),
    )
    return run_fetch(options)


def read(database: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(database)) as connection:
        return [tuple(row) for row in connection.execute(query)]


def addresses(database: Path, site: str) -> list[str]:
    query = "select url from addresses join documents on id = document_id where site = ? order by first_seen"
    with closing(sqlite3.connect(database)) as connection:
        return [row[0] for row in connection.execute(query, (site,))]


def test_sites_of_every_sort_end_in_documents_and_outcomes(archive: ArchiveServer, database: Path) -> None:
    report = fetch(
        archive, database, "hoshizora-bunko.example", "quillfort.example", "stonecrop-walks.example"
    )
    outcomes = dict(read(database, "select site, outcome from sites"))
    assert report.status == "done"
    assert outcomes == {
        "hoshizora-bunko.example": "found",
        "quillfort.example": "found",
        "stonecrop-walks.example": "nothing-found",
    }
    assert addresses(database, "hoshizora-bunko.example") == [
        "http://www.hoshizora-bunko.example/kojin.html",
        "https://hoshizora-bunko.example/privacy/",
    ]
    assert addresses(database, "quillfort.example") == ["http://www.quillfort.example/corp/l1.html"]
    (reason,) = read(database, "select reason from sites where site = 'stonecrop-walks.example'")[0]
    assert "no link matched" in str(reason)
    assert report.tally.versions >= 6


def test_two_documents_on_one_page_are_fetched_by_their_fragments(database: Path) -> None:
    def part(name: str, title: str, sentence: str) -> str:
        return f"<section id='{name}'><h1>{title}</h1>{f'<p>{sentence}</p>' * 14}</section>"

    privacy = "We collect the personal data that members give us, and we share it with nobody but our bank."
    terms = "By using the service you agree to these terms of use, and we may change the service at any time."
    page = f"<body>{part('privacy', 'Privacy policy', privacy)}{part('terms', 'Terms of use', terms)}</body>"
    source = GeneratedSource()
    source.add("20150601000000", page.encode(), url="https://club.example/legal")

    with ArchiveServer(source=source) as server:
        report = fetch(server, database, "club.example/legal#privacy", "https://club.example/legal#terms")

    assert report.status == "done"
    told = "text like '%personal data%', text like '%agree to these%' from policy_versions"
    assert read(database, f"select kind, {told} order by kind") == [("privacy", 1, 0), ("terms", 0, 1)]
    assert sorted(addresses(database, "club.example")) == [
        "https://club.example/legal#privacy",
        "https://club.example/legal#terms",
    ]


def test_a_second_run_finds_the_same_and_asks_nothing(archive: ArchiveServer, database: Path) -> None:
    fetch(archive, database, "tidelock.example")
    before = read(database, "select id, document_id, state, outcome from captures order by id")
    asked = len(archive.log)
    assert fetch(archive, database, "tidelock.example").status == "done"
    assert len(archive.log) == asked
    assert read(database, "select id, document_id, state, outcome from captures order by id") == before
    assert len(before) > 20


def test_a_site_too_large_to_be_searched_is_found_by_its_home_page(
    archive: ArchiveServer, database: Path
) -> None:
    struck = (faults.ServerError(status=504, when=faults.domain_queries),)
    before = len(archive.log)
    fetch(archive, database, "lantern-radio.example", struck=struck)
    assert sum(entry.status == 504 for entry in archive.log[before:]) == 2
    assert addresses(database, "lantern-radio.example") == [
        "http://www.lantern-radio.example/statement/priv.html"
    ]


@pytest.mark.parametrize("form", ["403", "200"])
def test_a_site_that_only_replay_does_not_show_is_blocked_not_without_a_policy(
    archive: ArchiveServer, database: Path, form: str
) -> None:
    fetch(archive, database, "quillfort.example", struck=(faults.Blocked(form=form, when=faults.replay),))
    assert read(database, "select outcome from sites") == [("blocked",)]
