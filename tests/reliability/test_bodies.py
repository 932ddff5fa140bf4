"""Damaged, hostile and enormous bodies: each is its own capture's outcome, and the crawl goes on."""

from __future__ import annotations

import asyncio
import gzip
import os
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import brotlicffi
import pytest

from policy_archive.archive_server import faults
from policy_archive.archive_server.server import ArchiveServer
from policy_archive.crawler.core.records import Document, Kind, Outcome
from policy_archive.pipelines.reading.pool import ReadingPool
from policy_archive.pipelines.reading.read import read_body
from tests.support.generated import GeneratedSource, crawl, generate, read
from tests.support.processes import LOAD, ROOT, assert_sound

from ..support.patience import PATIENCE

PAGE = f"<html><body><h1>Privacy</h1><p>{'We collect data about you. ' * 400}</p></body></html>".encode()


def deflate(body: bytes) -> bytes:
    return zlib.compress(body)


CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": deflate,
    "br": brotlicffi.compress,
}


@pytest.mark.parametrize("coding", CODINGS)
def test_a_captured_body_cut_at_every_tenth_is_kept_raw_and_is_no_version(
    database: Path, coding: str
) -> None:
    source, whole = GeneratedSource(), CODINGS[coding](PAGE)
    headers = (("Content-Encoding", coding),)
    for tenths in range(1, 11):
        body = whole[: len(whole) * tenths // 10]
        source.add(f"20{tenths:02}0115120000", body, headers=headers)
    with ArchiveServer(source=source) as archive:
        report = crawl(archive.url, database)
    found = read(
        database, "select outcome, body_digest is not null, verified from captures order by timestamp"
    )
    assert all(outcome in ("truncated", "bad-encoding") for outcome, _, _ in found[:9])
    assert [kept for _, kept, _ in found] == [1] * 10  # raw, as evidence
    assert found[9][0] == "text"
    assert report.tally.versions == 1
    assert_sound(database)


def test_wrong_doubled_and_overlong_codings_give_the_page_or_an_outcome(database: Path) -> None:
    def pack(content: bytes) -> bytes:
        # without the time, which would decide what brotli makes of the bytes
        return gzip.compress(content, mtime=0)

    flipped = bytearray(pack(PAGE))
    flipped[len(flipped) // 2] ^= 0xFF
    captures = [
        ("gzip", pack(PAGE) + b"junk after the end", "text"),
        ("gzip, gzip", pack(pack(PAGE)), "text"),
        ("br", PAGE, "text"),
        ("", pack(PAGE), "text"),
        ("gzip", bytes(flipped), "bad-encoding"),
        ("br", pack(PAGE + b" "), "bad-encoding"),
        ("made-up", pack(PAGE)[5:], "bad-encoding"),
    ]
    source = GeneratedSource()
    for year, (coding, body, _) in enumerate(captures, start=2001):
        source.add(f"{year}0115120000", body, headers=(("Content-Encoding", coding),))
    with ArchiveServer(source=source) as archive:
        report = crawl(archive.url, database)
    found = read(database, "select outcome from captures order by timestamp")
    assert [outcome for (outcome,) in found] == [outcome for _, _, outcome in captures]
    assert report.tally.versions == 1  # the page is one and the same, however it was packed
    assert_sound(database)


# Not getrusage: its peak is handed on from the process that started this one
BOMBS = f"""{LOAD}
report = crawl(sys.argv[2], Path(sys.argv[3]))
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(int(status["VmHWM"].split()[0]) // 1024)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux: reads the peak from /proc")
def test_bombs_cost_their_own_capture_and_little_memory(database: Path) -> None:
    strikes = [
        faults.Bomb(megabytes=210, when=faults.about("20010115")),
        faults.Bomb(megabytes=64, encoding="br", when=faults.about("20010215")),
        faults.Bomb(megabytes=64, encoding="zstd", when=faults.about("20010315")),
        faults.Bomb(megabytes=64, encoding="deflate", when=faults.about("20010415")),
        faults.Bomb(megabytes=64, members=16, when=faults.about("20010515")),
    ]
    peaks = []
    for path, bombs in ((database.with_name("plain.db"), []), (database, strikes)):
        with ArchiveServer(source=generate(7), faults=bombs) as archive:
            command = [sys.executable, "-W", "ignore", "-c", BOMBS, str(ROOT), archive.url, str(path)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True)
        peaks.append(int(done.stdout))
    outcomes = [row[0] for row in read(database, "select outcome from captures order by timestamp")]
    assert outcomes == ["too-large"] * 5 + ["text"] * 2
    plain, bombed = peaks
    assert bombed - plain < 200, "all five at once take less than the first alone has inside"
    assert_sound(database)


SAID = b"<p>We collect personal data about you and share it with nobody at all.</p>"
HOSTILE = {
    "260 levels": b"<div>" * 260 + SAID + b"</div>" * 260,
    "5,000 levels": b"<div>" * 5_000 + SAID,
    "200,000 levels": b"<div>" * 200_000 + SAID,
    "300 unclosed fonts": b"<font>" * 300 + SAID,
    "5,000 lists": b"<ul><li>" * 5_000 + SAID,
    "a node of 12 MB": b"<p>" + b"word " * 2_400_000 + b"</p>" + SAID,
    "a table of 10,000 rows": SAID + b"<table>" + b"<tr><td>a<td>b</tr>" * 10_000 + b"</table>",
    "a table of 100,000 rows, in 3 s": SAID + b"<table>" + b"<tr><td>a<td>b</tr>" * 100_000 + b"</table>",
    "20 MB of paragraphs": SAID + b"<p>and so on" * 1_700_000,
    "entities upon entities": b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><p>&b;' + SAID,
    "NUL and controls": b"<p>a\x00b\x01c\x02</p>" * 20 + SAID,
    "lone surrogates": "<p>\ud800\udfff".encode("utf-8", "surrogatepass") + SAID,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pages_give_their_whole_text_or_an_outcome_within_bounds(name: str) -> None:
    """What ends is within the pool's limits, what does not is an outcome."""
    limit = {"timeout_seconds": 3.0} if name.endswith("in 3 s") else {}
    with ReadingPool(1, **limit) as pool:
        read = pool.read(
            HOSTILE[name],
            document=Document(site="example.org", kind=Kind.PRIVACY),
            url="https://example.org/privacy",
            timestamp="20200101000000",
            content_type="text/html; charset=utf-8",
        )
        reading = asyncio.run(read)
        assert pool.run(os.getpid)
    if reading.extraction is not None and reading.outcome is not Outcome.TOO_LARGE:
        assert "We collect personal data about you" in reading.extraction.text
    else:
        assert reading.outcome in (Outcome.TOO_LARGE, Outcome.EXTRACTOR_TIMEOUT)
        assert reading.reason


LABELS = [
    *"utf-7 iso-2022-kr iso-2022-cn hz-gb-2312 utf-16 utf-32 x-user-defined punycode idna rot13".split(),
    *"base64 zlib unicode_escape raw_unicode_escape undefined mbcs".split(),
    "x" * 5000,
    "\x00",
]


@pytest.mark.parametrize("label", LABELS)
def test_no_label_of_a_charset_makes_markup_of_what_is_none(label: str) -> None:
    """As UTF-7, and as escapes that Python knows, these lines would be a script."""
    hidden = "+ADw-script+AD4-alert(1) ~{<:Ky2;~} \\u003cscript\\u003e and the end"
    found = read_body(
        PAGE.replace(b"</p>", f"</p><p>{hidden}</p>".encode()),
        document=Document(site="x.example", kind=Kind.PRIVACY),
        url="https://x.example/privacy",
        timestamp="20200101000000",
        content_type=f"text/html; charset={label}",
    )
    assert found.extraction is not None
    assert "We collect data about you." in found.extraction.text
    assert "script+AD4-alert(1)" in found.extraction.text
    assert "<script" not in found.extraction.text
