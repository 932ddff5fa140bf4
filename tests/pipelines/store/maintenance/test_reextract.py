"""Stored bodies read again: what the extractor changed is told from what the site changed."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from policy_archive.crawler.core.records import Capture, CdxRow, Document, Extraction, Kind, Outcome, Reading
from policy_archive.pipelines.extract.extraction import current_extractors
from policy_archive.pipelines.reading.pool import ReadingPool
from policy_archive.pipelines.reading.read import read_body
from policy_archive.pipelines.store.maintenance.reextract import (
    DocumentReport,
    StoredBody,
    prune_extractions,
    read_again,
)
from policy_archive.pipelines.store.writer import Store

DOCUMENT = Document(site="books.example", kind=Kind.PRIVACY)
PAGE = (Path(__file__).parents[3] / "pages" / "consent-banner" / "input.html").read_text()
CHANGED = PAGE.replace("We do not sell your data", "We never sell your data")
HIDDEN = PAGE.replace("</h1>", "</h1><!-- a change that no reader sees -->")


@pytest.fixture(scope="module")
def pool() -> Iterator[ReadingPool]:
    with ReadingPool(2) as pool:
        yield pool


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A corpus of four captures whose text an older extractor got differently."""
    with Store.open(tmp_path / "policies.db") as store:
        store.add_document(DOCUMENT)
        for year, page, marker in (
            (2016, PAGE, "a"),
            (2017, HIDDEN, "b"),
            (2018, CHANGED, "c"),
            (2019, CHANGED, "c"),
        ):
            record(store, f"{year}0601120000", f"{page}<!-- {year} -->", marker)
        store.fold_versions(DOCUMENT)
        yield store


def record(store: Store, timestamp: str, page: str, marker: str) -> None:
    body = page.encode()
    row = CdxRow(
        urlkey="example,books)/privacy",
        timestamp=timestamp,
        original="https://books.example/privacy",
        mimetype="text/html",
        statuscode="200",
        digest=base64.b32encode(hashlib.sha1(body).digest()).decode(),
        length=None,
    )
    store.add_rows(DOCUMENT, [row])
    capture = Capture(document=DOCUMENT, row=row, outcome=None, content_type="text/html", body=body)
    assert store.record_capture(capture, age(reading_of(capture), marker))


def reading_of(capture: Capture) -> Reading:
    assert capture.body is not None
    return read_body(
        capture.body,
        document=DOCUMENT,
        url=capture.row.original,
        timestamp=capture.row.timestamp,
        content_type=capture.content_type,
    )


def age(reading: Reading, marker: str) -> Reading:
    """Return the reading as an older extractor would have given it."""
    assert isinstance(reading.extraction, Extraction)
    old = replace(reading.extraction, text=f"{marker} of old\n", extractor="policy-archive/0.0.1")
    return replace(reading, outcome=Outcome.TEXT, extraction=old)


def run(
    store: Store, pool: ReadingPool, *, everything: bool = False
) -> tuple[list[StoredBody], list[DocumentReport]]:
    steps = list(read_again(store, pool, extractors=current_extractors(), everything=everything))
    reports = [step for step in steps if isinstance(step, DocumentReport)]
    return [step for step in steps if isinstance(step, StoredBody)], reports


def test_changes_of_the_extractor_are_told_from_those_of_the_site(store: Store, pool: ReadingPool) -> None:
    bodies, (report,) = run(store, pool)
    assert len(bodies) == 4
    assert (report.captures, report.texts_changed, report.lost) == (4, 4, [])
    assert (report.site_changes, report.only_before, report.only_now) == (1, 1, 0)
    assert (report.versions_before, report.versions_now) == (3, 2)


def test_the_old_texts_stay_labelled_until_they_are_pruned(store: Store, pool: ReadingPool) -> None:
    run(store, pool)
    count = "select count(*) from extractions where extractor = 'policy-archive/0.0.1' and not current"
    assert store.connection.execute(count).fetchone()[0] == 4
    assert prune_extractions(store) == 4
    assert store.connection.execute("select count(*) from texts").fetchone()[0] == 2
    found = "select count(*) from texts_search where texts_search match ?"
    assert store.connection.execute(found, ("old",)).fetchone()[0] == 0
    assert store.connection.execute(found, ("parcel",)).fetchone()[0] == 2
    store.connection.execute("insert into texts_search (texts_search) values ('integrity-check')")


def test_a_run_that_was_stopped_goes_on_where_it_was(store: Store, pool: ReadingPool) -> None:
    steps = read_again(store, pool, extractors=current_extractors())
    first = next(steps)
    assert isinstance(first, StoredBody)
    steps.close()
    assert store.connection.execute("select count(*) from versions").fetchone()[0] == 3
    bodies, (report,) = run(store, pool)
    assert first.row not in [body.row for body in bodies]
    assert report.versions_now == 2
    assert run(store, pool) == ([], [])


def test_all_reads_again_and_changes_nothing(store: Store, pool: ReadingPool) -> None:
    run(store, pool)
    bodies, (report,) = run(store, pool, everything=True)
    assert len(bodies) == 4
    assert (report.texts_changed, report.versions_before, report.versions_now) == (0, 2, 2)


def test_a_text_that_is_lost_is_named(store: Store) -> None:
    with ReadingPool(1, memory_bytes=1) as starved:
        _, (report,) = run(store, starved)
    assert len(report.lost) == 4
    assert report.versions_now == 0
