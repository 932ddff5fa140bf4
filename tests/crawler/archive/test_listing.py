"""What an index lists, page by page, and what becomes of each of its rows in a crawl."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pytest

from policy_archive.archive_server import faults
from policy_archive.archive_server.answers import Answer, Request
from policy_archive.archive_server.faults.base import Fault, Proceed, When, index
from policy_archive.archive_server.server import ArchiveServer
from policy_archive.crawler.planning.plan import PlanName, PlanOptions
from tests.support.generated import GeneratedSource, crawl, generate, outcomes, read


@dataclass(kw_only=True)
class FewRows(Fault):
    """A page of the index's answer has so many rows at the most, whatever limit is asked for."""

    rows: int = 2
    when: When = index

    def answer(self, request: Request, proceed: Proceed) -> Answer:
        return proceed(replace(request, target=re.sub(r"limit=[0-9]+", f"limit={self.rows}", request.target)))


def asked_of_the_index(archive: ArchiveServer) -> list[str]:
    return [entry.path for entry in archive.log if entry.kind == "index"]


@pytest.mark.parametrize("rows", [1, 2, 5, 7])
@pytest.mark.parametrize("style", ["today's", "old", "empty-page"])
def test_every_page_is_read_whatever_its_key_is_like(database: Path, style: str, rows: int) -> None:
    keys = [] if style == "today's" else [faults.ResumeKey(style=style)]
    with ArchiveServer(source=generate(7), faults=[*keys, FewRows(rows=rows)]) as archive:
        report = crawl(archive.url, database)
        asked = asked_of_the_index(archive)
    assert (report.status, outcomes(database)) == ("done", ["text"] * 7)
    assert len(asked) == len(set(asked))
    first, *later = (re.sub(r"&resumeKey=[^&]*", "", path) for path in asked)
    assert all(path == first for path in later)  # all else is repeated unchanged


@pytest.mark.parametrize("style", ["repeats", "cycles"])
def test_a_key_that_comes_again_is_no_end_but_said_to_be_a_fault(database: Path, style: str) -> None:
    with ArchiveServer(source=generate(7), faults=[faults.ResumeKey(style=style), FewRows()]) as archive:
        report = crawl(archive.url, database)
        assert len(asked_of_the_index(archive)) <= 5
    assert report.status == "incomplete"
    assert "repeated a resume key" in report.reason


def test_rows_of_one_second_that_a_page_cuts_apart_are_each_listed_once(database: Path) -> None:
    with ArchiveServer(source=generate(5), faults=[faults.Twins(), FewRows(rows=3)]) as archive:
        assert crawl(archive.url, database).status == "done"
    assert read(database, "select count(*), count(distinct original) from captures") == [(10, 2)]


def test_a_repaired_timestamp_is_asked_for_and_found(database: Path) -> None:
    source = GeneratedSource()
    source.add("20001217044900", b"<p>one")
    source.add("20000824162300", b"<p>two")
    with ArchiveServer(source=source, faults=[faults.BadTimestamps()]) as archive:
        assert crawl(archive.url, database).status == "done"
    assert read(database, "select timestamp, outcome from captures order by 1") == [
        ("20000824162300", "text"),
        ("20001217044900", "text"),
    ]


def test_a_revisit_proves_that_the_page_was_still_the_same_and_is_not_asked_for(database: Path) -> None:
    source = GeneratedSource()
    for month in range(1, 6):
        source.add(f"2001{month:02}15120000", b"<p>the same all the time")
    with ArchiveServer(source=source, faults=[faults.Revisit()]) as archive:
        assert crawl(archive.url, database).status == "done"
        assert [entry.kind for entry in archive.log].count("replay") == 1
    assert read(database, "select state, count(*) from captures group by 1 order by 1") == [
        ("fetched", 1),
        ("same-digest", 4),
    ]
    assert read(database, "select first_captured, last_captured from policy_versions") == [
        ("2001-01-15T12:00:00Z", "2001-05-15T12:00:00Z")
    ]


def test_a_revisit_of_what_was_never_listed_is_asked_for(database: Path) -> None:
    source = GeneratedSource()
    row = source.add("20010115120000", b"<p>only its revisit is listed", listed_status="-")
    source.answers = {replace(row, mimetype="warc/revisit"): source.answers[row]}
    with ArchiveServer(source=source) as archive:
        crawl(archive.url, database)
    assert outcomes(database) == ["text"]


def test_captures_of_http_https_and_www_are_one_history(database: Path) -> None:
    source = GeneratedSource()
    spellings = (
        "http://x.example:80",
        "https://www.x.example",
        "http://www.x.example",
        "https://X.example:443",
    )
    for month, base in enumerate(spellings, 1):
        source.add(f"2001{month:02}15120000", b"<p>edition %d" % month, url=f"{base}/privacy")
    with ArchiveServer(source=source) as archive:
        crawl(archive.url, database, "x.example/Privacy/")
        assert len(asked_of_the_index(archive)) == 1
    assert outcomes(database) == ["text"] * 4
    assert read(database, "select count(*) from policy_versions") == [(4,)]


@pytest.mark.parametrize("status", [413, 414, 431, 504])
def test_a_question_that_is_too_much_for_the_index_is_put_smaller(database: Path, status: int) -> None:
    refusal = faults.ServerError(status=status, when=faults.domain_queries)
    with ArchiveServer(source=generate(3), faults=[refusal]) as archive:
        report = crawl(archive.url, database, "x.example")
    assert refusal.struck
    assert (report.status, report.tally.site_outcomes) == ("done", {"found": 1})
    assert "text" in outcomes(database)


def test_only_the_days_that_are_wanted_are_asked_for_and_later_the_rest(database: Path) -> None:
    wanted = PlanOptions(plan=PlanName.ALL, since=date(2001, 2, 1), until=date(2001, 4, 30))
    with ArchiveServer(source=generate(6)) as archive:
        crawl(archive.url, database, plan=wanted)
        (path,) = asked_of_the_index(archive)
        assert "&from=20010201000000&to=20010430235959&" in path
        assert outcomes(database) == ["text"] * 3
        crawl(archive.url, database)
        assert len(asked_of_the_index(archive)) == 2
    assert outcomes(database) == ["text"] * 6
