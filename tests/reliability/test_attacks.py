"""Attacks from outside, small: the same ones stand full size in bench/attacks.py."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterable
from pathlib import Path

import httpx
import pytest

from policy_archive.archive_server import faults
from policy_archive.archive_server import warc as warc_module
from policy_archive.archive_server.server import ArchiveServer
from policy_archive.crawler.core.errors import UnreachableError, UsageError
from policy_archive.crawler.core.records import Document, Kind, Outcome, Reading
from policy_archive.pipelines.reading.pool import ReadingPool
from tests.support import attacks
from tests.support.generated import GeneratedSource, crawl, generate, outcomes, read
from tests.support.processes import assert_sound, finish, start_crawl

from ..support.patience import PATIENCE

PDFS = {
    "a page of 64 MB": lambda: attacks.pdf_bomb(64),
    "packed four times": lambda: attacks.pdf_bomb(64, layers=4),
    "forms that double": lambda: attacks.pdf_of_forms(40),
    "a form that draws itself": attacks.pdf_form_in_a_circle,
    "a form that lost its resources": attacks.pdf_of_forms_without_end,  # found by fuzzing
    "pages in a circle": attacks.pdf_in_a_circle,
    "arrays in arrays": lambda: attacks.pdf_of_arrays(100_000),
}


def read_in_pool(body: bytes, content_type: str, **limits: float) -> Reading:
    """Return what a body was read as, and assert that the pool goes on."""
    with ReadingPool(1, timeout_seconds=3, memory_bytes=400 * 2**20) as pool:
        task = pool.read(
            body,
            document=Document(site="example.org", kind=Kind.PRIVACY),
            url="https://example.org/privacy",
            timestamp="20200101000000",
            content_type=content_type,
        )
        reading = asyncio.run(task)
        assert pool.run(os.getpid)
    return reading


@pytest.mark.parametrize("name", PDFS)
def test_a_pdf_that_explodes_costs_its_own_capture(name: str) -> None:
    body = PDFS[name]()
    assert len(body) < 2 * 2**20
    reading = read_in_pool(body, "application/pdf")
    assert reading.outcome not in (Outcome.TEXT, Outcome.INCOMPLETE_TEXT)
    assert reading.reason


def test_a_page_whose_elements_have_a_thousand_attributes_is_read() -> None:
    reading = read_in_pool(attacks.attributes_page(20, 1000), "text/html")
    assert reading.outcome is Outcome.TEXT
    assert reading.extraction and "We keep it." in reading.extraction.text


def test_a_page_of_one_element_with_very_many_attributes_ends() -> None:
    reading = read_in_pool(attacks.attributes_page(1, 100_000), "text/html")
    assert reading.outcome in (Outcome.TEXT, Outcome.EXTRACTOR_TIMEOUT, Outcome.EXTRACTION_FAILED)
    assert reading.outcome is Outcome.TEXT or reading.reason


@pytest.mark.parametrize("kind", attacks.TLS_FAULTS)
def test_whatever_is_wrong_with_tls_ends_in_a_reason(
    kind: str, database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with attacks.tls_fault(kind, tmp_path) as (port, certificate):
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        try:
            report = crawl(f"https://localhost:{port}", database)
        except UnreachableError as error:
            assert str(error)
            return
    assert (report.status, report.exit_code) == ("incomplete", 1)
    assert report.reason
    assert_sound(database, complete=False)


def test_an_index_that_never_ends_is_left_and_its_rows_are_settled(database: Path) -> None:
    source = GeneratedSource()
    source.add("19970101000000", b"<p>the one text there is")
    limit = {"POLICY_MOST_INDEX_ROWS": 5000}
    with ArchiveServer(source=source, faults=[faults.Endless(rows_a_page=1000)]) as archive:
        report = crawl(archive.url, database, settings=limit)
        pages = sum(entry.kind == "index" for entry in archive.log)
    assert (report.status, report.exit_code) == ("incomplete", 1)
    assert "more than 5,000 rows" in report.reason
    assert pages <= 7
    states = dict(read(database, "select state, count(*) from captures group by state"))
    assert states == {"fetched": 1, "same-digest": sum(states.values()) - 1}
    assert 5000 <= sum(states.values()) <= 6000
    assert_sound(database)


# A WARC that somebody else made


def serve_all(path: Path) -> list[tuple[str, int]]:
    """Return (timestamp, status) of every capture that is listed, asked for over HTTP."""
    with ArchiveServer([path]) as archive:
        listed = httpx.get(f"{archive.url}/cdx/search/cdx?url=*.x.example").text
        rows = [line.split(" ") for line in listed.splitlines()]
        replay = [f"{archive.url}/web/{row[1]}id_/{row[2]}" for row in rows]
        return [(row[1], httpx.get(url).status_code) for row, url in zip(rows, replay, strict=True)]


ODD = {
    "no address": {"WARC_Target_URI": None},
    "an address that is none": {"WARC_Target_URI": "http://[::1"},
    "no date": {"WARC_Date": None},
    "a date that is none": {"WARC_Date": "9999-99-99T99:99:99Z"},
    "digits of another script": {"WARC_Date": "\u0662\u0660\u0661\u0668-01-01T00:00:00Z"},
    "a status in words": {"http": "HTTP/1.1 fine\r\n\r\n"},
    "a status of many digits": {"http": f"HTTP/1.1 {'9' * 5000} OK\r\n\r\n"},
    "a length below zero": {"Content_Length": "-5"},
    "a length of many digits": {"Content_Length": "9" * 5000},
    "no type": {"WARC_Type": None},
}


@pytest.mark.parametrize("name", ODD)
def test_a_record_that_is_odd_is_served_left_out_or_said_to_be_damaged(tmp_path: Path, name: str) -> None:
    good = attacks.warc_record(WARC_Date="2017-01-01T00:00:00Z")
    path = attacks.write_warc(tmp_path / "odd.warc.gz", good, attacks.warc_record(**ODD[name]))
    try:
        served = serve_all(path)
    except UsageError as error:
        assert "damaged" in str(error)
        return
    assert ("20170101000000", 200) in served
    assert {status for _, status in served} <= {200, 502}


@pytest.mark.parametrize("http", [True, False], ids=["of the answer", "of the record"])
def test_headers_that_never_end_are_a_damaged_file(
    tmp_path: Path, http: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warc_module, "MOST_HEADER_BYTES", 10_000)
    head = b"WARC/1.0\r\nWARC-Type: response\r\nX: " if not http else None
    record = (
        attacks.warc_record(attacks.zeros(4), length=4 * 2**20, http="HTTP/1.1 200 OK\r\nX: ")
        if http
        else iter([head or b"", *attacks.zeros(4)])
    )
    with pytest.raises(UsageError, match="damaged"):
        serve_all(attacks.write_warc(tmp_path / "long.warc.gz", record))


def test_a_chunk_of_gigabytes_is_listed_and_not_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warc_module, "MOST_BODY_BYTES", 100_000)
    http = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7fffffff\r\n"
    record = attacks.warc_record(attacks.zeros(4), length=4 * 2**20, http=http)
    assert serve_all(attacks.write_warc(tmp_path / "chunk.warc.gz", record)) == [("20180101000000", 502)]


# For months


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs Linux: counts what /proc has open")
def test_update_after_update_leaves_nothing_open_and_nothing_behind(database: Path) -> None:
    source = generate(3)
    with ArchiveServer(source=source) as archive:
        crawl(archive.url, database)
    counts, kept = [], []
    for number in range(8):
        source.add(f"2010{number + 1:02}01000000", f"<p>edition {number}".encode())
        with ArchiveServer(source=source) as archive:
            assert crawl(archive.url, database, ask_again=True, command="update").status == "done"
        counts.append(sum(1 for _ in Path("/proc/self/fd").iterdir()))
        kept.append(sorted(path.name for path in database.parent.rglob("*")))
    assert len(set(counts[2:])) == 1
    assert len({tuple(names) for names in kept}) == 1
    assert not [name for name in kept[-1] if name.startswith("policies.db-")]
    assert outcomes(database) == ["text"] * 11
    assert read(database, "select count(*) from runs") == [(9,)]


# A clock that steps

FAKETIME = next(Path("/usr").glob("lib/*/faketime/libfaketime.so.1"), None)


@pytest.mark.skipif(FAKETIME is None, reason="needs libfaketime, which sets the clock of one process")
@pytest.mark.parametrize(
    ("steps", "monotonic"),
    [(("+1d", "-1d", "+0"), False), (("+3650d",), False), (("+1h", "+2h"), True)],
    ids=["a day ahead and back", "ten years ahead", "the monotonic clock too"],
)
def test_a_clock_that_steps_under_a_run_costs_nothing(
    database: Path, tmp_path: Path, steps: Iterable[str], monotonic: bool
) -> None:
    clock = tmp_path / "clock"
    clock.write_text("+0\n")
    environment = {
        "LD_PRELOAD": str(FAKETIME),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "0" if monotonic else "1",
    }
    storm = faults.RateLimited(when=faults.replay, after=4, times=1, retry_after="2")
    with ArchiveServer(source=generate(10), faults=[storm, faults.Slow(seconds=0.05)]) as archive:
        process = start_crawl(archive, database, environment=environment)
        deadline = time.monotonic() + PATIENCE
        while not archive.log and time.monotonic() < deadline:
            time.sleep(0.02)
        for step in steps:
            time.sleep(0.3)
            clock.write_text(f"{step}\n")
        status, _, err = finish(process)
        log = list(archive.log)
    assert status == 0, err
    assert outcomes(database) == ["text"] * 10
    assert_sound(database)
    if not monotonic:  # a pause runs by it: where it jumps, so does the pause
        (told,) = [entry.monotonic for entry in log if entry.status == 429]
        # what was sent before the answer came may be late by half of the pause: the machine may be busy
        assert not [entry for entry in log if 1 < entry.monotonic - told < 2 - 0.05]
