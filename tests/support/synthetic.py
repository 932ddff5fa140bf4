"""Captures, readings and whole small corpora for tests of the store and of what reads it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from policy_archive.crawler.core.digests import body_digest
from policy_archive.crawler.core.records import (
    Capture,
    CdxRow,
    Document,
    Extraction,
    Kind,
    Outcome,
    PolicyLink,
    Reading,
    StatedDate,
    Verdict,
)
from policy_archive.crawler.core.urlkeys import urlkey
from policy_archive.crawler.core.urls import build_uri_m
from policy_archive.crawler.core.vocabularies import PageClass
from policy_archive.pipelines.store.writer import Store

from .extractions import bare_extraction

PRIVACY = Document(site="intently.example", kind=Kind.PRIVACY)
URL = "https://intently.example/privacy"


def open_new(path: Path) -> Store:
    """Return a new corpus, open; for tests that make one for each example.

    It is a copy of one that was made before: the migrations of a new file take longer than most examples.
    """
    path.write_bytes(_make_empty())
    return Store.open(path)


@cache
def _make_empty() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder, "empty.db")
        Store.open(path).close()
        return path.read_bytes()


def make_row(
    timestamp: str, *, original: str = URL, digest: str | None = None, status: str = "200"
) -> CdxRow:
    """Return an index row; its digest differs by timestamp unless given."""
    return CdxRow(
        urlkey=urlkey(original),
        timestamp=timestamp.ljust(14, "0"),
        original=original,
        mimetype="text/html",
        statuscode=status,
        digest=digest or body_digest(f"{original} {timestamp}".encode()),
        length=1234,
    )


def make_extraction(text: str, *, title: str = "Privacy", stated: date | None = None) -> Extraction:
    return bare_extraction(
        text,
        title,
        language="en",
        language_confidence=0.99,
        stated_dates=(StatedDate(kind="updated", as_written=f"Updated {stated}", day=stated),)
        if stated
        else (),
        kept_share=0.97,
        extractor="test/1",
    )


def make_reading(
    text: str,
    *,
    outcome: Outcome = Outcome.TEXT,
    title: str = "Privacy",
    stated: date | None = None,
    links: tuple[PolicyLink, ...] = (),
) -> Reading:
    return Reading(
        outcome=outcome,
        extraction=make_extraction(text, title=title, stated=stated),
        verdict=Verdict(page_class=PageClass.POLICY, kind=Kind.PRIVACY, probability=0.98, reason="words"),
        links=links,
    )


def make_capture(
    row: CdxRow,
    *,
    document: Document = PRIVACY,
    outcome: Outcome | None = None,
    body: bytes | None = None,
    reason: str = "",
) -> Capture:
    return Capture(
        document=document,
        row=row,
        outcome=outcome,
        reason=reason,
        http_status=200,
        served_timestamp=row.timestamp,
        content_type="text/html; charset=utf-8",
        body=body if body is not None or outcome is not None else f"<p>{row.timestamp}".encode(),
        digest_matches=True if outcome is None else None,
        replay_url=build_uri_m("https://web.archive.org", row.timestamp, row.original),
        fetched_at=datetime(2026, 11, 22, 12, 0, tzinfo=UTC),
        elapsed_seconds=0.2,
    )


def store_texts(
    store: Store,
    texts: Iterable[tuple[str, str]],
    *,
    document: Document = PRIVACY,
    original: str = URL,
    title: str = "Privacy",
) -> None:
    """Store a capture for each (timestamp, text), then fold the document's versions."""
    store.add_document(document)
    for timestamp, text in texts:
        row = make_row(timestamp, original=original)
        store.add_rows(document, [row])
        store.record_capture(make_capture(row, document=document), make_reading(text, title=title))
    store.fold_versions(document)
