"""Stored bodies read again by the current extractor: what it changed is told from what the sites changed."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice, pairwise

from policy_archive.crawler.core.errors import DamagedError, ExtractionError
from policy_archive.crawler.core.records import CdxRow, Document, HomePage, Kind, Outcome, Reading
from policy_archive.pipelines.reading.address import page_address
from policy_archive.pipelines.reading.pool import Done, ReadingPool
from policy_archive.pipelines.store.bodies import load_body
from policy_archive.pipelines.store.connection import write
from policy_archive.pipelines.store.packed import free_dependents
from policy_archive.pipelines.store.rows import ROW_COLUMNS, parse_row
from policy_archive.pipelines.store.search_text import prepare_text
from policy_archive.pipelines.store.stored_texts import read_numbered_text
from policy_archive.pipelines.store.writer import Store

_READ_OUTCOMES = tuple(outcome for outcome in Outcome if outcome.was_read)
"""Outcomes that reading gives. The others are the archive's answers, which no extractor changes."""


_ORPHANS = """select id from texts where sha256 not in (select text_sha256 from extractions)
    and sha256 not in (select text_sha256 from versions)"""


def _forget_in_search(connection: sqlite3.Connection) -> None:
    """Take the texts that nobody points to out of the index, which wants their words for that."""
    ids = [row["id"] for row in connection.execute(_ORPHANS).fetchall()]
    for text_id in ids:
        # of a damaged one nobody knows the words: it stays, and whoever prunes is told
        text = read_numbered_text(connection, text_id)
        connection.execute(
            "insert into texts_search (texts_search, rowid, text) values ('delete', ?, ?)",
            (text_id, prepare_text(text)),
        )


@dataclass(frozen=True, kw_only=True)
class StoredBody:
    """One capture whose body is stored."""

    document: Document
    row: CdxRow
    body_digest: str
    content_type: str | None
    outcome: Outcome
    text_sha256: str | None
    """Of the text that counts now; None when the outcome has none."""
    extractor: str | None


@dataclass(kw_only=True)
class DocumentReport:
    """What reading a document's bodies again came to."""

    document: Document
    captures: int = 0
    """With a text, before or after."""
    texts_changed: int = 0
    """Of these, how many the extractor gave another text: their bodies are the same."""
    site_changes: int = 0
    """Consecutive captures whose texts differ by both extractors: made by the site."""
    only_before: int = 0
    """Differences that only the old extractor saw: gone."""
    only_now: int = 0
    """Differences that only the new extractor sees: of the site, too, but unseen till now."""
    lost: list[str] = field(default_factory=list)
    """Captures that had a text and have none now: timestamp, outcome and reason."""
    unread: list[str] = field(default_factory=list)
    """Captures whose stored page is missing or damaged: timestamp and why. What was read of them stays."""
    versions_before: int = 0
    versions_now: int = 0


def list_documents(connection: sqlite3.Connection) -> list[Document]:
    """Return all documents that are stored."""
    rows = connection.execute("select site, kind, name from documents order by site, kind, name")
    return [Document(site=row["site"], kind=Kind(row["kind"]), name=row["name"]) for row in rows]


def list_bodies(connection: sqlite3.Connection, document: Document) -> list[StoredBody]:
    """Return a document's captures with stored bodies that an extractor has read, in order of time."""
    marks = ",".join("?" * len(_READ_OUTCOMES))
    rows = connection.execute(
        f"""select {ROW_COLUMNS}, body_digest, content_type, outcome, text_sha256, extractor
        from captures left join extractions on capture_id = id and current
        where document_id = ? and body_digest is not null and outcome in ({marks})
        order by timestamp, original, digest""",  # noqa: S608 (constants)
        (document.id, *_READ_OUTCOMES),
    )
    return [
        StoredBody(
            document=document,
            row=parse_row(row),
            body_digest=row["body_digest"],
            content_type=row["content_type"],
            outcome=Outcome(row["outcome"]),
            text_sha256=row["text_sha256"] if Outcome(row["outcome"]).is_text else None,
            extractor=row["extractor"],
        )
        for row in rows
    ]


def count_steps(connection: sqlite3.Connection) -> int:
    """Return how many things `read_again` yields when it reads everything: stored pages, and documents."""
    (number,) = connection.execute(
        "select (select count(*) from captures where body_digest is not null) + count(*) from documents"
    ).fetchone()
    return int(number)


def read_again(
    store: Store, pool: ReadingPool, *, extractors: frozenset[str], everything: bool = False
) -> Iterator[DocumentReport | StoredBody]:
    """Read stored bodies, all cores at work; yield each one that is done, and a report as a document ends.

    Bodies that one of `extractors` (the current labels) has read are passed over unless `everything`
    is asked for, so a run that was stopped goes on where it was. A document's versions are
    rebuilt when its last body is done: no version ever mixes two extractors' texts.
    """
    store.reader = pool
    bodies = {
        document: list_bodies(store.connection, document) for document in list_documents(store.connection)
    }
    todo = {
        document: [body for body in found if everything or body.extractor not in extractors]
        for document, found in bodies.items()
    }
    left = Counter({document: len(found) for document, found in todo.items()})
    for document in [document for document, found in todo.items() if not found]:
        store.fold_versions(document, of_site=False)
    unread: dict[Document, list[str]] = defaultdict(list)

    def iter_loaded() -> Iterator[_Loaded]:
        for body in _in_lanes(todo.values(), pool.processes):
            try:
                yield _load(store, body)
            except DamagedError as error:
                unread[body.document].append(f"{body.row.timestamp} {error}")
                left[body.document] -= 1

    def finish(document: Document) -> DocumentReport:
        try:
            asyncio.run(store.reread_small(document))
        except DamagedError as error:  # of a page that this release has read before
            unread[document].append(str(error))
        return _finish(store, document, bodies[document], unread[document])

    waiting = {document for document, found in todo.items() if found}
    for done in pool.map(_read_task, iter_loaded(), key=lambda one: one.stored.document):
        body = done.item.stored
        store.record_reading(body.document, body.row, _reading_of(done))
        yield body
        left[body.document] -= 1
        if not left[body.document]:
            waiting.remove(body.document)
            yield finish(body.document)
    for document in [document for document in todo if document in waiting]:  # the last ones were damaged
        yield finish(document)
    for site in dict.fromkeys(document.site for document in bodies):
        store.judge_site(site)


def _in_lanes(lists: Iterable[list[StoredBody]], lanes: int) -> Iterator[StoredBody]:
    """Yield all bodies, one of each of so many documents in turn: a process for each has always one to read.

    A process reads the bodies of a document quicker that has read the others.
    """
    waiting = iter(list(filter(None, lists)))
    beside = [iter(found) for found in islice(waiting, lanes)]
    while beside:
        for place, lane in enumerate(beside):
            body = next(lane, None)
            if body is not None:
                yield body
                continue
            following = next(waiting, None)
            if following is None:
                del beside[place]
                break
            beside[place] = iter(following)


@dataclass(frozen=True, kw_only=True)
class _Loaded:
    stored: StoredBody
    body: bytes
    url: str
    """The page's, with the fragment that leads to the document on it."""
    home: HomePage | None
    """The site's of that time."""


def _load(store: Store, body: StoredBody) -> _Loaded:
    return _Loaded(
        stored=body,
        body=load_body(store.connection, body.body_digest),
        url=page_address(store.addresses_of(body.document), body.row),
        home=None
        if body.document.kind is Kind.HOME
        else store.home_near(body.document.site, body.row.timestamp),
    )


def _read_task(loaded: _Loaded) -> Reading:
    from policy_archive.pipelines.reading.read import (
        read_body,  # heavy, and needed in the reading processes only
    )

    stored = loaded.stored
    return read_body(
        loaded.body,
        document=stored.document,
        url=loaded.url,
        timestamp=stored.row.timestamp,
        content_type=stored.content_type,
        home=loaded.home,
    )


def _reading_of(done: Done[_Loaded, Reading]) -> Reading:
    if done.result is not None:
        return done.result
    error = done.error
    assert isinstance(error, ExtractionError)
    return Reading(outcome=Outcome(error.outcome), reason=str(error))


def _finish(store: Store, document: Document, before: list[StoredBody], unread: list[str]) -> DocumentReport:
    """Rebuild a document's versions and return what changed, and by whom."""
    now = {body.row: body for body in list_bodies(store.connection, document)}
    report = DocumentReport(
        document=document, unread=unread, versions_before=_count_versions(store.connection, document)
    )
    texts = [(old.text_sha256, now[old.row].text_sha256) for old in before]
    both = [(old, new) for old, new in texts if old and new]
    report.captures = sum(1 for old, new in texts if old or new)
    report.texts_changed = sum(1 for old, new in both if old != new)
    report.lost = [
        _describe_loss(now[old.row]) for old in before if old.text_sha256 and not now[old.row].text_sha256
    ]
    _count_changes(report, both)
    report.versions_now = store.fold_versions(document, of_site=False)
    return report


def _count_changes(report: DocumentReport, texts: list[tuple[str, str]]) -> None:
    """Count changes from text to text: those of the site, and those that one extractor alone shows."""
    for (old_one, new_one), (old_two, new_two) in pairwise(texts):
        was, is_now = old_one != old_two, new_one != new_two
        report.site_changes += was and is_now
        report.only_before += was and not is_now
        report.only_now += is_now and not was


def _describe_loss(body: StoredBody) -> str:
    return f"{body.row.timestamp} {body.outcome}"


def _count_versions(connection: sqlite3.Connection, document: Document) -> int:
    row = connection.execute("select count(*) from versions where document_id = ?", (document.id,)).fetchone()
    return int(row[0])


def prune_extractions(store: Store) -> int:
    """Delete the texts of earlier extractors; return how many extractions went."""

    def work(connection: sqlite3.Connection) -> int:
        # the first reading of a page that was read again stays: what wins is judged by it
        pruned = connection.execute(
            """delete from extractions where not current and not exists (
                select 1 from extractions as now where now.capture_id = extractions.capture_id and now.current
                and now.extractor like extractions.extractor || ' %')"""
        ).rowcount
        _forget_in_search(connection)
        connection.execute(f"delete from text_runs where text_id in ({_ORPHANS})")  # noqa: S608 (constants)
        free_dependents(connection, _ORPHANS)
        connection.execute(f"delete from packed_texts where text_id in ({_ORPHANS})")  # noqa: S608 (constants)
        connection.execute(f"delete from texts where id in ({_ORPHANS})")  # noqa: S608 (constants)
        connection.execute(
            """delete from link_sets where link_set not in
            (select link_set from captures where link_set is not null)"""
        )
        return pruned

    return write(store.connection, work)
