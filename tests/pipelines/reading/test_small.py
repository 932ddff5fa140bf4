"""Texts that are too small beside their neighbours: which they are, and which way of reading wins."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy_archive.archive_server.server import ArchiveServer
from policy_archive.crawler.core.records import CdxRow, Outcome, Reading
from policy_archive.crawler.crawl.run import FetchOptions, build_target
from policy_archive.crawler.planning.plan import PlanName, PlanOptions
from policy_archive.crawler.runner import run_fetch
from policy_archive.pipelines.extract.body.ways import OTHER_WAYS, Way
from policy_archive.pipelines.reading.small import FirstReading, choose_way, find_small
from tests.support.extractions import bare_extraction
from tests.support.generated import GeneratedSource

URL = "https://www.club.example/privacy"
SUBJECTS = "names addresses payments visits photographs letters invoices minutes telephones partners".split()
POLICY = "<h1>Privacy policy</h1>" + "".join(
    f"<p>We collect the {one} of our members as personal data, and share them with nobody but our bank.</p>"
    for one in SUBJECTS * 4
)
FRONT = "<h1>The club</h1>" + "".join(
    f"<p>On the river there was a race of {one} boats on Sunday, and all of the town came to look at it.</p>"
    for one in SUBJECTS[:4]
)
USUAL = f"<body><main>{POLICY}</main></body>"
IN_A_DIALOG = f"<body><div>{FRONT}</div><div role=dialog>{POLICY}</div></body>"


def first(
    day: int, words: int, kept_share: float, outcome: Outcome = Outcome.TEXT, name: str = ""
) -> FirstReading:
    row = CdxRow(
        urlkey="example,club)/privacy",
        timestamp=f"2015{day // 28 + 1:02}{day % 28 + 1:02}000000",
        original=URL,
        mimetype="text/html",
        statuscode="200",
        digest=name or f"D{day}",
        length=None,
    )
    return FirstReading(row=row, outcome=outcome, text_sha256=f"t{day}", words=words, kept_share=kept_share)


def test_a_text_is_small_beside_larger_ones_when_its_page_is_as_large() -> None:
    usual, lost, later = first(1, 3316, 0.95), first(2, 67, 0.02), first(3, 3300, 0.95)

    (small,) = find_small([later, lost, usual])

    assert (small.reading, small.neighbours) == (lost, (usual, later))
    times = f"{usual.row.timestamp} and {later.row.timestamp}"
    assert small.finding == f"at first 67 words where its neighbours of {times} have 3,316"


@pytest.mark.parametrize(
    "reading",
    [
        pytest.param(first(2, 67, 0.97), id="its page has become small itself"),
        pytest.param(first(2, 67, 0.2), id="its page holds little more"),
        pytest.param(first(2, 2000, 0.4), id="it is not much smaller"),
        pytest.param(first(2, 67, 0.02, Outcome.FOREIGN), id="it is somebody else's"),
    ],
)
def test_a_text_is_as_it_is_when(reading: FirstReading) -> None:
    assert find_small([first(1, 3316, 0.95), reading, first(3, 3300, 0.95)]) == []


@given(
    st.lists(
        st.tuples(
            st.integers(0, 60),
            st.sampled_from([20, 67, 900, 3000]),
            st.sampled_from([0.0, 0.02, 0.4, 0.6, 1.0]),
            st.sampled_from([Outcome.TEXT, Outcome.NOT_A_POLICY, Outcome.EMPTY]),
        ),
        max_size=12,
        unique_by=lambda one: one[0],
    ),
    st.randoms(use_true_random=False),
)
def test_the_order_of_the_readings_does_not_matter(readings, random) -> None:  # type: ignore[no-untyped-def]
    found = [first(*one) for one in readings]
    shuffled = random.sample(found, len(found))

    assert find_small(shuffled) == find_small(found)
    assert all(not other.is_doubtful for small in find_small(found) for other in small.neighbours)


def read_as(text: str, outcome: Outcome = Outcome.TEXT) -> Reading:
    return Reading(outcome=outcome, extraction=bare_extraction(text))


@pytest.mark.parametrize(
    ("readings", "way"),
    [
        ({Way.MAIN: read_as("one two three four five six\n")}, Way.MAIN),
        ({Way.PROSE: read_as("one two three four five six\n", Outcome.NOT_A_POLICY)}, Way.CHOSEN),
        ({way: read_as("one two three four five six\n") for way in OTHER_WAYS}, Way.MAIN),
        ({Way.MAIN: read_as("one two\n"), Way.SECOND: read_as("one two three four seven\n")}, Way.SECOND),
        ({Way.MAIN: read_as("boats on the river and all the town\n")}, Way.CHOSEN),
        ({}, Way.CHOSEN),
    ],
    ids=["agrees", "no policy", "several agree", "agrees best", "none agrees", "none at all"],
)
def test_the_way_that_agrees_best_with_the_neighbours_wins(readings: dict[Way, Reading], way: Way) -> None:
    assert choose_way("one\n", readings, ["one two three four five six\n", "other\n"]) is way


def fetch(database: Path, since: date | None = None, until: date | None = None) -> None:
    source = GeneratedSource()
    for day, page in (("20150101", USUAL), ("20150301", IN_A_DIALOG), ("20150501", f"{USUAL} ")):
        source.add(f"{day}000000", page.encode(), url=URL)
    with ArchiveServer(source=source) as archive:
        options = FetchOptions(
            targets=(build_target(URL),),
            database=database,
            archive_url=archive.url,
            index_per_minute=0,
            replay_per_second=0,
            plan=PlanOptions(plan=PlanName.ALL, since=since, until=until),
        )
        assert run_fetch(options).status == "done"


def read(database: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(database)) as connection:
        return [tuple(row) for row in connection.execute(query)]


def test_a_policy_that_the_first_way_lost_is_found_by_another_in_any_order(tmp_path: Path) -> None:
    fetch(tmp_path / "at-once.db")
    fetch(tmp_path / "lost-first.db", date(2015, 2, 1), date(2015, 4, 1))
    assert read(tmp_path / "lost-first.db", "select outcome from captures") == [("not-a-policy",)]
    fetch(tmp_path / "lost-first.db")

    told = "select timestamp, outcome, reason, text_sha256, extractor from captures join extractions on "
    told += "capture_id = id and current order by timestamp"
    assert read(tmp_path / "at-once.db", told) == read(tmp_path / "lost-first.db", told)
    rows = read(tmp_path / "at-once.db", told)
    assert [row[1] for row in rows] == ["text"] * 3
    assert len({row[3] for row in rows}) == 1
    assert "read again by its largest-prose" in str(rows[1][2])
    assert str(rows[1][4]).endswith(" largest-prose")
    assert read(tmp_path / "at-once.db", "select count(*) from versions") == [(1,)]
