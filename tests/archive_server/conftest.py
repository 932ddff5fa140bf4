"""A tiny archive without WARC files, for tests of the server itself."""

from __future__ import annotations

import hashlib
from base64 import b32encode
from collections.abc import Iterator

import httpx
import pytest

from policy_archive.archive_server.captures import CapturedAnswer
from policy_archive.archive_server.server import ArchiveServer
from policy_archive.crawler.core.records import CdxRow
from policy_archive.crawler.core.urlkeys import urlkey

from ..support.patience import PATIENCE

_BODIES = {
    "20170101000000": b"<p>first</p>",
    "20180127122821": b"<p>second</p>",
    "20190101000000": b"",
    "20200101000000": b"busy",
    "20210101000000": b"query",
}
_HTML = ("Content-Type", "text/html; charset=utf-8")
_CAPTURES = (
    ("20170101000000", "https://www.x.example/privacy", 200, (_HTML,)),
    ("20180127122821", "https://www.x.example/privacy", 200, (_HTML, ("Server", "tiny"))),
    ("20190101000000", "http://x.example/old", 301, (_HTML, ("Location", "https://www.x.example/privacy"))),
    ("20200101000000", "http://x.example/busy", 429, (_HTML, ("Retry-After", "3600"))),
    ("20210101000000", "http://x.example/p?a=1&b=2", 200, (_HTML,)),
)


class TinySource:
    """Five captures and a revisit: what a generated archive looks like to the server."""

    bodies = _BODIES

    def __init__(self) -> None:
        self._answers = {
            build_row(timestamp, url, status): CapturedAnswer(
                status=status, reason="", headers=headers, body=_BODIES[timestamp]
            )
            for timestamp, url, status, headers in _CAPTURES
        }
        revisited = build_row("20180127122821", "https://www.x.example/privacy", 200)
        again = CdxRow(
            urlkey=revisited.urlkey,
            timestamp="20180301000000",
            original=revisited.original,
            mimetype="warc/revisit",
            statuscode="-",
            digest=revisited.digest,
            length=None,
        )
        self._answers[again] = self._answers[revisited]

    def iter_rows(self) -> Iterator[CdxRow]:
        yield from self._answers

    def load(self, row: CdxRow) -> CapturedAnswer:
        return self._answers[row]


def build_row(timestamp: str, url: str, status: int) -> CdxRow:
    body = _BODIES[timestamp]
    return CdxRow(
        urlkey=urlkey(url),
        timestamp=timestamp,
        original=url,
        mimetype="text/html",
        statuscode=str(status),
        digest=b32encode(hashlib.sha1(body, usedforsecurity=False).digest()).decode(),
        length=len(body),
    )


@pytest.fixture(scope="session")
def tiny() -> TinySource:
    return TinySource()


@pytest.fixture
def archive(tiny: TinySource) -> Iterator[ArchiveServer]:
    with ArchiveServer(source=tiny) as server:
        yield server


@pytest.fixture
def client(archive: ArchiveServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=archive.url, headers={"user-agent": "test"}, timeout=PATIENCE) as client:
        yield client
