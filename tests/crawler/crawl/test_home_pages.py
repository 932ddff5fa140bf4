"""Home pages through a real server: found by replay, a twentieth of an index query each; nothing twice."""

from __future__ import annotations

import json
import sqlite3
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from policy_archive.archive_server import faults
from policy_archive.archive_server.answers import Answer, Request, build_text
from policy_archive.archive_server.faults import Fault
from policy_archive.archive_server.faults.base import Proceed
from policy_archive.archive_server.server import ArchiveServer
from policy_archive.crawler.core.failpoints import EXIT_STATUS
from policy_archive.crawler.core.records import Kind
from policy_archive.crawler.settings import ITEM_PIPELINES
from tests.support.generated import POLICY, GeneratedSource, crawl, generate, read
from tests.support.processes import content_of, finish, start_crawl

SITE = "x.example"
HOME = f"https://www.{SITE}/"
HOMES = """select timestamp, original, outcome, requests from captures
    join documents on documents.id = document_id where kind = 'home' order by timestamp"""


def build(homes: dict[str, str] | None = None) -> GeneratedSource:
    """Return a site with a policy of two years, and home pages: time → what they link to."""
    source = generate(24)
    for timestamp, target in (homes or {"20010301120000": "/privacy", "20021101120000": "/privacy"}).items():
        body = f'<p>Welcome to all of you.</p><a href="{target}">Privacy Policy</a>'
        source.add(timestamp, body.encode(), url=HOME)
    return source


def looks(archive: ArchiveServer) -> list[str]:
    """Return the instants at which replay was asked what is nearest to it: those that no row has."""
    dated = [entry.path.split("id_/") for entry in archive.log if entry.kind == "replay"]
    return [time[-14:] for time, url in dated if urlsplit(url).path == "/" and not url.startswith(HOME)]


def queries(archive: ArchiveServer) -> list[tuple[str, str]]:
    """Return what the index was asked for, and how."""
    asked = [parse_qs(urlsplit(entry.path).query) for entry in archive.log if entry.kind == "index"]
    return [(one["url"][0], one["matchType"][0]) for one in asked]


def test_home_pages_cost_no_index_query(database: Path) -> None:
    with ArchiveServer(source=build()) as archive:
        report = crawl(archive.url, database, SITE)
        assert (report.status, report.tally.versions) == ("done", 24)
        assert queries(archive) == [(SITE, "domain")]
        asked = sum(entry.kind == "replay" for entry in archive.log)
        assert report.tally.replay_requests == asked  # looks are counted, and within the budget
        assert len(looks(archive)) == 1  # where the last one is: its answer names the first
    # the real time, not the one asked for; the first is not read, as the policy reaches back to it
    assert read(database, HOMES) == [("20021101120000", HOME, "text", 1)]


def test_a_second_run_on_the_same_day_looks_nowhere(database: Path) -> None:
    with ArchiveServer(source=build()) as archive:
        crawl(archive.url, database, SITE)
        asked, before = len(archive.log), content_of(database)
        crawl(archive.url, database, SITE)
        assert (len(archive.log), content_of(database)) == (asked, before)


def test_a_crawl_killed_between_looks_asks_none_twice(database: Path, tmp_path: Path) -> None:
    with ArchiveServer(source=build()) as archive:
        crawl(archive.url, tmp_path / "undisturbed.db", SITE)
        alone = [entry.path for entry in archive.log]
        environment = {"POLICY_ARCHIVE_FAULT": "after-look:exit:1"}
        status, _, err = finish(start_crawl(archive, database, SITE, environment=environment))
        assert status == EXIT_STATUS, err
        crawl(archive.url, database, SITE)
        asked = [entry.path for entry in archive.log][len(alone) :]
        again = {path for path in asked if asked.count(path) > 1}
        # of the look whose answer died with its process, and the page that was on its way meanwhile
        assert set(asked) == set(alone) and len(again) <= 2
    assert content_of(database) == content_of(tmp_path / "undisturbed.db")


def test_a_later_search_reads_what_is_new_and_nothing_again(database: Path) -> None:
    source = build()
    with ArchiveServer(source=source) as archive:
        crawl(archive.url, database, SITE)
        asked = len(archive.log)
        crawl(archive.url, database, SITE, ask_again=True)
        later = [entry.path for entry in archive.log[asked:] if entry.kind == "replay"]
        assert len(later) == len(looks(archive)) - 1 == 2  # where the last one is, and the first
    assert len(read(database, HOMES)) == 1


def test_a_database_that_lists_home_pages_already_reads_none_of_them_again(database: Path) -> None:
    with ArchiveServer(source=build()) as archive:
        crawl(archive.url, database, SITE, settings={"POLICY_NEAREST": False})
        assert queries(archive)[1:] == [(f"http://{SITE}/", "exact")]
        before = read(database, HOMES)
        crawl(archive.url, database, SITE, ask_again=True)
        assert queries(archive)[2:] == [(SITE, "domain"), ("https://www.x.example/privacy", "exact")]
    assert before == read(database, HOMES) != []


def test_a_policy_that_moved_is_found_by_bisecting_time(database: Path) -> None:
    stays = {
        "/info/1": (2001, 2003),
        "/info/7": (2004, 2007),
        "/info/5": (2008, 2011),
        "/info/9": (2012, 2016),
    }
    source = GeneratedSource()
    for address, (first, last) in stays.items():
        link = f'<p>Welcome to all of you.</p><a href="{address}">Privacy Policy</a>'.encode()
        page = f"<html><h1>Privacy Policy</h1><p>At {address}. {POLICY}</p></html>".encode()
        for year in range(first, last + 1):
            source.add(f"{year}0601120000", link, url=HOME)
            source.add(f"{year}0701120000", page, url=f"https://www.{SITE}{address}")
    with ArchiveServer(source=source) as archive:
        crawl(
            archive.url, database, SITE, settings={"ITEM_PIPELINES": ITEM_PIPELINES, "READING_PROCESSES": 1}
        )
        assert queries(archive)[0] == (SITE, "domain")
        assert sorted(queries(archive)[1:]) == [
            (f"https://www.{SITE}/info/{number}", "exact") for number in (1, 5, 7, 9)
        ]
    assert read(database, "select count(*) from policy_versions where kind = 'privacy' and name = ''") == [
        (4,)
    ]


@pytest.mark.parametrize("form", ["403", "200", "page"])
def test_a_home_page_that_the_archive_does_not_show_is_told(database: Path, form: str) -> None:
    hidden = faults.Blocked(form=form, when=faults.replay)
    with ArchiveServer(source=GeneratedSource(), faults=[hidden]) as archive:
        crawl(archive.url, database, SITE)
        assert [kind for _, kind in queries(archive)] == ["domain"]
    assert read(database, "select outcome, reason from sites") == [
        ("blocked", "the archive does not show this site")
    ]
    assert kept_answers(database) == [("complete", 0), ("blocked", 0)]


def test_a_home_page_that_is_not_archived_is_told_and_not_asked_for_again(database: Path) -> None:
    with ArchiveServer(source=generate(3, url="https://y.example/privacy")) as archive:
        for _ in range(2):
            crawl(archive.url, database, SITE)
        assert [entry.kind for entry in archive.log] == ["index", "replay"]
    assert read(database, "select outcome, reason from sites") == [
        (
            "not-archived",
            "no policy found: no address with a policy word in it; home page not archived",
        )
    ]


def kept_answers(database: Path) -> list[tuple[str, int]]:
    """Return state and number of rows of the answers kept, in order of their questions' purposes."""
    found = read(
        database, "select state, rows, question from index_answers order by question like '%nearest%'"
    )
    return [(state, len(json.loads(zlib.decompress(rows)))) for state, rows, _ in found]


@dataclass(kw_only=True)
class Exact(Fault):
    """An archive that replays exact times alone; of others it says in its own words that it has nothing."""

    status: int = 404

    def answer(self, request: Request, proceed: Proceed) -> Answer:
        answer = proceed(request)
        leads = answer.status == 302 and not any(name == "memento-datetime" for name, _ in answer.headers)
        return build_text(self.status, "<h2>Not found</h2>") if leads else answer


@pytest.mark.parametrize("status", [404, 500])
def test_an_archive_that_does_not_lead_to_the_nearest_is_asked_by_its_index(
    database: Path, tmp_path: Path, status: int
) -> None:
    with ArchiveServer(source=build(), faults=[Exact(status=status, when=faults.replay)]) as archive:
        report = crawl(archive.url, database, SITE)
        assert queries(archive) == [(SITE, "domain"), (f"http://{SITE}/", "exact")]
    assert report.status == "done"
    with ArchiveServer(source=build()) as archive:
        crawl(archive.url, tmp_path / "a.db", SITE)
    fetched = "select original, timestamp, outcome from captures where state = 'fetched' order by 1, 2"
    assert read(database, fetched) == read(tmp_path / "a.db", fetched)


def test_redirects_and_errors_in_the_home_pages_place_are_gone_round(database: Path) -> None:
    source = build({"20010301120000": "/privacy", "20021001120000": "/privacy"})
    to_https = (("Location", HOME),)
    source.add("20021101120000", url=f"http://{SITE}/", status=301, headers=to_https)
    source.add("20021105120000", b"gone", url=f"http://{SITE}/", status=503)
    with ArchiveServer(source=source) as archive:
        crawl(archive.url, database, SITE)
        assert queries(archive) == [(SITE, "domain")]
    assert [(time[:8], outcome) for time, _, outcome, _ in read(database, HOMES)] == [
        ("20021001", "text"),
        ("20021105", "error-page"),
    ]


def test_where_nothing_near_is_a_page_the_index_tells_which_captures_are(database: Path) -> None:
    source = build({"20010301120000": "/privacy"})
    for month in range(1, 13):
        for year in (2002, 2003, 2004):
            source.add(f"{year}{month:02}01120000", b"gone", url=f"http://{SITE}/", status=503)
    with ArchiveServer(source=source) as archive:
        crawl(archive.url, database, SITE)
        assert queries(archive) == [(SITE, "domain"), (f"http://{SITE}/", "exact")]
    assert ("20010301120000", HOME, "text", 1) in read(database, HOMES)


def test_pywb_is_asked_by_its_index(tmp_path: Path, pywb_archive: str, demo_archive: ArchiveServer) -> None:
    found = "select distinct original, timestamp from captures where state = 'fetched' and kind <> 'home'"
    found = (
        found.replace("captures", "captures join documents on documents.id = document_id") + " order by 1, 2"
    )
    crawl(pywb_archive, tmp_path / "pywb.db", "copperlane.example", kinds=(Kind.PRIVACY,))
    crawl(demo_archive.url, tmp_path / "ours.db", "copperlane.example", kinds=(Kind.PRIVACY,))
    assert read(tmp_path / "pywb.db", found) == read(tmp_path / "ours.db", found) != []
    with sqlite3.connect(tmp_path / "pywb.db") as connection:
        asked: list[Any] = connection.execute("select question from index_answers").fetchall()
    connection.close()
    assert not any("nearest_to" in question for (question,) in asked)
