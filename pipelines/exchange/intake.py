"""Items of a source → the corpus: every item is counted, one that is bad never stops the rest."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import date

from policy_archive.crawler.core.cache import SHORT, remembered
from policy_archive.crawler.core.digests import body_digest
from policy_archive.crawler.core.errors import ExtractionError
from policy_archive.crawler.core.records import (
    Address,
    Capture,
    CdxRow,
    Document,
    Extraction,
    Outcome,
    Reading,
)
from policy_archive.crawler.core.timestamps import parse_timestamp
from policy_archive.crawler.core.urlkeys import urlkey
from policy_archive.crawler.core.vocabularies import AddressSource
from policy_archive.pipelines.exchange.imported import (
    ImportedAddress,
    ImportedPage,
    ImportedText,
    ImportOutcome,
    Item,
    Refusal,
)
from policy_archive.pipelines.exchange.open_terms import Declared
from policy_archive.pipelines.exchange.text_files import file_address
from policy_archive.pipelines.extract.dates import find_stated_dates
from policy_archive.pipelines.extract.language import identify_language
from policy_archive.pipelines.reading.pool import ReadingPool
from policy_archive.pipelines.store import queries
from policy_archive.pipelines.store.imports import ImportedCapture
from policy_archive.pipelines.store.writer import Store
from policy_archive.pipelines.text import count_words

_BATCH = 200
"""Captures a transaction: a quarter of a second's work, and few enough to be held."""
MOST_NAMED_FAULTS = 10_000
"""Faults whose names are kept; beyond, they are counted alone."""


@dataclass(kw_only=True)
class ImportReport:
    """What came of a source."""

    outcomes: Counter[ImportOutcome] = field(default_factory=Counter)
    """Of texts and pages; every one is counted once."""
    addresses: int = 0
    """Declared, and now known as hints."""
    documents: int = 0
    """That texts or pages came for."""
    versions: int = 0
    """That those documents have now, whatever they come from."""
    unweighed: int = 0
    """Documents of the corpus of which what changed is not compared yet, whichever import they came with."""
    faults: list[Refusal] = field(default_factory=list)
    """What could not be imported, at most MOST_NAMED_FAULTS of them."""

    @property
    def failed(self) -> int:
        return sum(number for outcome, number in self.outcomes.items() if outcome.is_fault)


class Intake:
    """Takes items into a corpus; `store` None: nothing is written, only counted."""

    def __init__(self, store: Store | None, pool: ReadingPool, report: ImportReport) -> None:
        self._store = store
        self._pool = pool
        self._batch: list[ImportedCapture] = []
        self._documents: set[str] = set()
        self.report = report

    def take(self, items: Iterable[Item]) -> Iterator[int]:
        """Take all items; yields how many are done from time to time, for a bar.

        Versions are for `fold`, when all are taken.
        """
        for done, read in enumerate(self._iter_read(items), 1):
            if isinstance(read, Refusal):
                self._refuse(read)
            elif read is not None:
                self._batch.append(read)
                if len(self._batch) >= _BATCH:
                    self._write()
            yield done
        self._write()

    def fold(self) -> Iterator[int]:
        """Give the documents their versions, also of a run that was stopped; yields how many are done."""
        if self._store is not None:
            yield from self._store.fold_imported()
            self.report.documents, self.report.versions = self._store.count_taken()
        else:
            self.report.documents = len(self._documents)

    def _iter_read(self, items: Iterable[Item]) -> Iterator[ImportedCapture | Refusal | None]:
        """Yield the items read; pages in other processes, a few at a time, in their order."""
        waiting: deque[tuple[ImportedPage, Future[Reading]]] = deque()
        for item in items:
            if isinstance(item, ImportedPage) and self._store is not None:
                waiting.append((item, self._pool.submit(_read_page, item)))
                if len(waiting) >= 2 * self._pool.processes:
                    yield _finish_page(*waiting.popleft())
            elif isinstance(item, ImportedPage):
                yield _page_capture(item, Reading(outcome=Outcome.TEXT))
            elif isinstance(item, ImportedText):
                yield _attempt_capture(item)
            elif isinstance(item, ImportedAddress):
                self._add_address(item)
                yield None
            else:
                yield item
        while waiting:
            yield _finish_page(*waiting.popleft())

    def _add_address(self, item: ImportedAddress) -> None:
        self.report.addresses += 1
        if self._store is None:
            return
        document = Document(site=item.site, kind=item.kind, name=item.name)
        self._store.add_document(document)
        self._store.add_address(
            document,
            Address(
                url=item.url, source=AddressSource.DECLARATION, evidence=item.evidence, last_seen=item.until
            ),
        )

    def _refuse(self, refusal: Refusal) -> None:
        self.report.outcomes[refusal.outcome] += 1
        if len(self.report.faults) < MOST_NAMED_FAULTS:
            self.report.faults.append(refusal)

    def _write(self) -> None:
        batch, self._batch = self._batch, []
        if self._store is None:
            self._documents.update(one.capture.document.id for one in batch)
            self.report.outcomes[ImportOutcome.IMPORTED] += len(batch)
            return
        for one, written in zip(batch, self._store.import_captures(batch), strict=True):
            outcome = ImportOutcome(written)
            if outcome is ImportOutcome.OTHER_TEXT:
                assert one.capture.origin is not None
                reason = f"another text of {one.capture.row.original} at {one.capture.row.timestamp} is there"
                self._refuse(Refusal(name=one.capture.origin.name, outcome=outcome, reason=reason))
                continue
            if outcome is ImportOutcome.IMPORTED and not one.reading.outcome.is_text:
                outcome = ImportOutcome.NO_POLICY
            self.report.outcomes[outcome] += 1


def _read_page(page: ImportedPage) -> Reading:
    """Return what a page is read as; only the process that reads loads the extractors."""
    from policy_archive.pipelines.reading.read import read_body

    document = Document(site=page.site, kind=page.kind, name=page.name)
    return read_body(
        page.body,
        document=document,
        url=page.url,
        timestamp=page.timestamp,
        content_type=page.content_type,
    )


def _finish_page(page: ImportedPage, future: Future[Reading]) -> ImportedCapture:
    try:
        reading = future.result()
    except ExtractionError as error:
        reading = Reading(outcome=Outcome(error.outcome), reason=str(error))
    return _page_capture(page, reading)


def _page_capture(page: ImportedPage, reading: Reading) -> ImportedCapture:
    document = Document(site=page.site, kind=page.kind, name=page.name)
    row = _row(page.url, page.timestamp, "text/html", body_digest(page.body))
    capture = Capture(
        document=document,
        row=row,
        outcome=None,
        http_status=200,
        served_timestamp=page.timestamp,
        served_original=page.url,
        content_type=page.content_type,
        body=page.body,
        requests=0,
        origin=page.origin,
    )
    return ImportedCapture(capture=capture, reading=reading, address=_address(page.url, page))


def _attempt_capture(item: ImportedText) -> ImportedCapture | Refusal:
    """Return a text as a capture; one that breaks what looks at it costs itself."""
    try:
        return read_text_capture(item)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"[:200]
        return Refusal(name=item.origin.name, outcome=ImportOutcome.UNREADABLE, reason=reason)


def read_text_capture(item: ImportedText) -> ImportedCapture | Refusal:
    """Return a text as a capture; its digest is the text's, by which it is known wherever it comes from."""
    words = count_words(item.text)
    if not words:
        return Refusal(name=item.origin.name, outcome=ImportOutcome.EMPTY, reason="it holds no words")
    language, confidence = (item.language, 1.0) if item.language else identify_language(item.text)
    stated = find_stated_dates(
        item.text, language=language, url=item.url or "", captured_on=_day(item.timestamp)
    )
    extraction = Extraction(
        text=item.text,
        title=item.title,
        language=language,
        language_confidence=confidence,
        words=words,
        stated_dates=stated,
        kept_share=1.0,
        replacement_characters=item.replacement_characters,
        charset="utf-8",
        hidden_text_used=False,
        documents_on_page=1,
        extractor=item.extractor,
    )
    url = item.url or file_address(item.origin.name)
    capture = Capture(
        document=Document(site=item.site, kind=item.kind, name=item.name),
        row=_row(url, item.timestamp, "text/markdown", body_digest(item.text.encode("utf-8", "replace"))),
        outcome=Outcome.TEXT,
        replay_url=item.replay_url,
        requests=0,
        origin=item.origin,
        dated_by=item.dated_by,
    )
    return ImportedCapture(
        capture=capture,
        reading=Reading(outcome=Outcome.TEXT, extraction=extraction),
        address=_address(item.url, item) if item.url else None,
    )


def _row(url: str, timestamp: str, mimetype: str, digest: str) -> CdxRow:
    return CdxRow(
        urlkey=_key_of(url),
        timestamp=timestamp,
        original=url,
        mimetype=mimetype,
        statuscode="200",
        digest=digest,
        length=None,
    )


@remembered(1_000, longest=SHORT)
def _key_of(url: str) -> str:
    return url if url.startswith("file:") else urlkey(url)


def _address(url: str, item: ImportedText | ImportedPage) -> Address:
    return Address(
        url=url,
        source=AddressSource.IMPORT,
        evidence=f"{item.origin.format}: {item.origin.name}",
        first_seen=item.timestamp,
        last_seen=item.timestamp,
    )


def _day(timestamp: str) -> date:
    return parse_timestamp(timestamp).date()


def read_declared(store: Store) -> dict[tuple[str, str], Declared]:
    """Return the declarations that a corpus holds from earlier imports."""
    rows = queries.list_addresses_from(store.connection, AddressSource.DECLARATION)
    found: dict[tuple[str, str], tuple[str, list[tuple[str, str | None]]]] = {}
    for row in rows:
        service, _, terms = row["evidence"].partition(": ")
        found.setdefault((service, terms), (row["site"], []))[1].append((row["url"], row["last_seen"]))
    return {key: Declared(site=site, urls=tuple(urls)) for key, (site, urls) in found.items()}
