"""The same run again costs nothing, the same bytes give the same text, and odd rows are counted."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from policy_archive.archive_server.faults import Fault, index
from policy_archive.archive_server.index import Page, Query
from policy_archive.archive_server.server import ArchiveServer
from policy_archive.crawler.archive.cdx import Dialect, IndexQuery, IndexReader
from policy_archive.crawler.core.records import Document, Kind
from policy_archive.pipelines.reading.pool import ReadingPool
from policy_archive.pipelines.reading.read import read_body
from tests.support.generated import GeneratedSource, crawl, generate, outcomes, read
from tests.support.processes import ROOT, assert_sound, content_of


def test_a_second_run_needs_no_network_and_changes_no_row(database: Path) -> None:
    with ArchiveServer(source=generate(8)) as archive:
        url = archive.url
        first = crawl(url, database)
    before = content_of(database)
    again = crawl(url, database)  # nobody listens any more
    assert (again.status, again.exit_code) == (first.status, first.exit_code) == ("done", 0)
    assert (again.tally.index_requests, again.tally.replay_requests) == (0, 0)
    assert content_of(database) == before


PAGES = sorted((ROOT / "tests" / "pages").glob("*/input.html"))
READ_ALL = """
import hashlib, json, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from policy_archive.crawler.core.records import Document, Kind
from policy_archive.pipelines.reading.read import read_body
found = {}
for page in map(Path, sys.argv[2:]):
    reading = read_body(page.read_bytes(), document=Document(site="example.org", kind=Kind.PRIVACY),
        url="https://example.org/privacy", timestamp="20200101000000", content_type="text/html")
    found[str(page)] = [reading.outcome, hashlib.sha256(repr(reading).encode()).hexdigest()]
print(json.dumps(found))
"""


@pytest.mark.parametrize("seed", ["0", "1", "2"])
def test_the_same_bytes_give_the_same_reading_with_the_pool_and_in_any_process(seed: str) -> None:
    """Texts, dates, links, owners, and probabilities to the last digit.

    A second machine is stood in for by a process whose hashes, and so the order of its sets, differ."""
    command = [sys.executable, "-W", "ignore", "-c", READ_ALL, str(ROOT), *map(str, PAGES[::2])]
    out = subprocess.run(
        command,
        env={"PYTHONHASHSEED": seed, "TZ": "Pacific/Kiritimati", "LC_ALL": "C"},
        capture_output=True,
        check=True,
    ).stdout
    elsewhere = json.loads(out)
    assert len(elsewhere) >= 15
    with ReadingPool(1) as pool:
        for page in PAGES[::4]:
            reading = pool.run(
                read_body,
                page.read_bytes(),
                document=Document(site="example.org", kind=Kind.PRIVACY),
                url="https://example.org/privacy",
                timestamp="20200101000000",
                content_type="text/html",
            )
            digest = hashlib.sha256(repr(reading).encode()).hexdigest()
            assert [reading.outcome, digest] == elsewhere[str(page)]


IMPOSSIBLE = (
    "20110229120000",
    "99991231235959",
    "00000000000000",
    "20110131",
    "19700101000000",
    "2011013112000",
)


class OddRows(Fault):
    """Rows of the index whose timestamps are no instants."""

    def edit_page(self, query: Query, page: Page) -> Page:
        first = page.lines[0]
        odd = tuple((first[0], timestamp, *first[2:]) for timestamp in IMPOSSIBLE)
        return replace(page, lines=(*odd, *page.lines))


def test_odd_timestamps_are_kept_as_given_or_counted(database: Path) -> None:
    source = generate(2)
    source.add("20161231235960", b"<p>a leap second")
    source.add("20000008241731", b"<p>a known fault of the archive's clock")
    with ArchiveServer(source=source, faults=[OddRows(when=index)]) as archive:
        report = crawl(archive.url, database)
    stored = [row[0] for row in read(database, "select timestamp from captures order by timestamp")]
    assert stored == ["20000824173100", "20010115120000", "20010215120000", "20161231235960"]
    assert report.tally.malformed == len(IMPOSSIBLE)
    assert_sound(database)


def test_a_leap_second_is_sorted_and_shown_as_the_last_of_its_minute(database: Path) -> None:
    source = generate(1)
    source.add("20161231235960", b"<p>a leap second")
    with ArchiveServer(source=source) as archive:
        crawl(archive.url, database)
    times = [row[0] for row in read(database, "select first_captured from policy_versions order by version")]
    assert times == ["2001-01-15T12:00:00Z", "2016-12-31T23:59:59Z"]


def test_of_an_index_of_many_pages_one_is_held_at_a_time() -> None:
    query = IndexQuery(url="https://www.x.example/privacy")
    reader = IndexReader(archive_url="https://web.archive.org", query=query, dialect=Dialect.WAYBACK)
    pages, of_page = 20, 1_000
    bodies = list(iter_pages(pages, of_page))  # made before: what they take is not the reader's
    tracemalloc.start()
    try:
        counted = sum(len(reader.read(200, body).rows) for body in bodies)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert counted == pages * of_page
    assert peak < 4 * of_page * 1_000  # bytes: a few pages' worth, not twenty


def iter_pages(pages: int, of_page: int) -> Iterator[bytes]:
    start = datetime(2001, 1, 1, tzinfo=UTC)
    for page in range(pages):
        lines = [
            f"example,x)/privacy {start + timedelta(hours=number):%Y%m%d%H%M%S} "
            f"https://www.x.example/privacy text/html 200 {number:032} 900"
            for number in range(page * of_page, (page + 1) * of_page)
        ]
        key = "" if page == pages - 1 else f"\n\nkey+{page}"
        yield ("\n".join(lines) + key + "\n").encode()


def test_words_of_sql_in_an_address_are_words(database: Path) -> None:
    """What the archive says goes into the database as values, never as statements."""
    url = "https://www.x.example/privacy?q=');drop/**/table/**/captures;--\"]"
    source = GeneratedSource()
    source.add("20010115120000", b"<p>'; delete from texts; --", url=url)
    with ArchiveServer(source=source) as archive:
        crawl(archive.url, database, url)
    assert outcomes(database) == ["text"]
    assert_sound(database)
