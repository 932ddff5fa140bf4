"""Is the corpus what it claims to be? Every check reads in short steps: a crawl may go on beside it."""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from zlib import crc32

from policy_archive.crawler.core.digests import body_digest
from policy_archive.crawler.core.errors import StoreError
from policy_archive.crawler.core.records import ConservationFault, Document, Kind
from policy_archive.pipelines.store.bodies import BodyReader
from policy_archive.pipelines.store.connection import error_code
from policy_archive.pipelines.store.invariants import CONSERVATION_SQL
from policy_archive.pipelines.store.maintenance.values import look_at_values
from policy_archive.pipelines.store.packed import is_packed, read_packed
from policy_archive.pipelines.store.search_text import prepare_text
from policy_archive.pipelines.store.site_lines import JudgedBy
from policy_archive.pipelines.store.versions import build_versions, read_versions, without_classes
from policy_archive.pipelines.store.weighing import is_unweighed

SEARCH_SECONDS = 45.0
"""The check of the full-text index keeps writers out: for less than a crawl waits (connection.py)."""
MOST_FAULTS_OF_FILE = 100
_STEPS_BETWEEN_LOOKS = 10_000


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing looked at."""

    check: str
    """Name of the check that it belongs to."""
    total: int
    """Things that this check looks at."""
    fault: ConservationFault | None = None


Findings = Iterator[ConservationFault | None]
"""One item a thing looked at: a fault, or None when it is sound. A check may end with further faults."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """One question put to the corpus."""

    name: str
    count: str
    """SQL: how many things there are to look at."""
    look: Callable[[sqlite3.Connection], Findings]


def list_checks(*, thorough: bool = False) -> tuple[Check, ...]:
    """Return all checks that need no more than to read; `thorough` compares the versions' texts afresh."""
    return (
        Check(name="file", count="select 1", look=_look_at_file),
        Check(name="values", count="select 1", look=look_at_values),
        Check(name="books", count="select 1", look=_look_at_books),
        Check(name="bodies", count="select count(*) from bodies", look=_look_at_bodies),
        Check(name="texts", count="select count(*) from texts", look=_look_at_texts),
        Check(name="search", count="select 1", look=_look_at_search),
        Check(
            name="documents",
            count="select count(*) from documents where kind <> 'home'",
            look=lambda connection: _look_at_versions(connection, compare_afresh=thorough),
        ),
    )


def iter_steps(connection: sqlite3.Connection, checks: tuple[Check, ...]) -> Iterator[Step]:
    """Yield what each check looked at, in order; damage that ends a check is a fault of its own."""
    for check in checks:
        total = 0
        try:
            (total,) = connection.execute(check.count).fetchone()
            for fault in check.look(connection):
                yield Step(check=check.name, total=total, fault=fault)
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:  # the latter of a text that is no UTF-8
            fault = ConservationFault(fault="unreadable", id=check.name, detail=str(error))
            yield Step(check=check.name, total=total, fault=fault)


def count_versions(connection: sqlite3.Connection) -> int:
    """Return how many versions the documents looked at have."""
    (versions,) = connection.execute("select count(*) from versions").fetchone()
    return int(versions)


def count_pending(connection: sqlite3.Connection) -> int:
    """Return how many captures have still to be fetched: no fault, but no complete corpus either."""
    (pending,) = connection.execute("select count(*) from captures where state = 'pending'").fetchone()
    return int(pending)


def _look_at_file(connection: sqlite3.Connection) -> Findings:
    yield None
    for (message,) in connection.execute(f"pragma integrity_check({MOST_FAULTS_OF_FILE})"):
        if message != "ok":
            yield ConservationFault(fault="damaged-file", id="integrity_check", detail=message)
    for table, row_id, parent, _ in connection.execute("pragma foreign_key_check"):
        yield ConservationFault(fault="dangling-reference", id=f"{table} {row_id}", detail=f"to {parent}")


def _look_at_books(connection: sqlite3.Connection) -> Findings:
    yield None
    for row in connection.execute(CONSERVATION_SQL):
        if row["fault"] != "pending":
            yield ConservationFault(**dict(row))


def _look_at_bodies(connection: sqlite3.Connection) -> Findings:
    """Decode every body: those of a document in order of time, so that each is decoded once."""
    for (document_id,) in connection.execute("select id from documents order by id").fetchall():
        reader = BodyReader(connection)
        for (digest,) in connection.execute(_BODIES_FIRST_SEEN_IN, {"document": document_id}).fetchall():
            yield _look_at_body(reader, digest)
    for (digest,) in connection.execute(_BODIES_OF_NOBODY).fetchall():
        yield _look_at_body(BodyReader(connection), digest)


_BODIES_FIRST_SEEN_IN = """
select body_digest from (
    select body_digest, min(timestamp) as first from captures
    where document_id = :document and body_digest is not null group by body_digest) as own
where not exists (select 1 from captures as other
    where other.body_digest = own.body_digest and other.document_id < :document)
order by first
"""
_BODIES_OF_NOBODY = """
select digest from bodies where not exists (select 1 from captures where body_digest = bodies.digest)
"""


def _look_at_body(reader: BodyReader, digest: str) -> ConservationFault | None:
    try:
        found = body_digest(reader.load(digest))
    except StoreError as error:
        return ConservationFault(fault="body-does-not-decode", id=digest, detail=str(error))
    if found != digest:
        return ConservationFault(fault="body-of-another-digest", id=digest, detail=f"it is {found}")
    return None


def _look_at_texts(connection: sqlite3.Connection) -> Findings:
    ids = [row[0] for row in connection.execute("select id from texts order by id")]
    for text_id in ids:
        row = connection.execute(_TEXT, (text_id,)).fetchone()
        # None: gone meanwhile, pruned by another run
        yield _look_at_text(connection, row) if row is not None else None


_TEXT = """
select texts.id, texts.sha256, texts_search_content.text,
    exists (select 1 from versions where text_sha256 = sha256) as of_version
from texts join texts_search_content using (id) where texts.id = ?
"""


def _look_at_text(connection: sqlite3.Connection, row: sqlite3.Row) -> ConservationFault | None:
    text = row["text"]
    if text is None and is_packed(connection, row["id"]):
        return _look_at_packed(connection, row)
    if text is None:
        return ConservationFault(fault="text-missing", id=row["sha256"], detail="neither text nor lines")
    found = hashlib.sha256(text.encode()).hexdigest()
    if found != row["sha256"]:
        return ConservationFault(fault="text-of-another-hash", id=row["sha256"], detail=f"it is {found}")
    if row["of_version"] and not text.strip():
        return ConservationFault(fault="empty-version", id=row["sha256"], detail="a version without a text")
    return None


def _look_at_packed(connection: sqlite3.Connection, row: sqlite3.Row) -> ConservationFault | None:
    try:
        read_packed(connection, row["id"])
    except StoreError as error:
        return ConservationFault(fault="text-does-not-unpack", id=row["sha256"], detail=str(error))
    return None


def _look_at_search(connection: sqlite3.Connection) -> Findings:
    """Look for entries without a text; texts without an entry are found by the books."""
    yield None
    for (row_id,) in connection.execute(
        "select id from texts_search_docsize where id not in (select id from texts)"
    ):
        yield ConservationFault(fault="search-without-text", id=str(row_id), detail="full-text entry")


def check_search_words(connection: sqlite3.Connection, *, seconds: float | None) -> bool:
    """Hold every word of the full-text index against the texts; return whether that came to its end.

    Both are indexed by the same tokeniser and compared by a sum for each text: of a contentless index
    SQLite itself checks only the structure. It counts that as writing: `connection` is a writer's, and
    others wait. After so many seconds it is given up, None: never.

    Raises sqlite3.DatabaseError when index and texts differ.
    """
    until = time.monotonic() + (seconds if seconds is not None else float("inf"))
    connection.set_progress_handler(lambda: time.monotonic() > until, _STEPS_BETWEEN_LOOKS)
    try:
        connection.execute("insert into texts_search (texts_search, rank) values ('integrity-check', 1)")
        _compare_search_words(connection)
    except sqlite3.OperationalError as error:
        if error_code(error) in (sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_BUSY):
            return False
        raise
    finally:
        connection.set_progress_handler(None, 0)
    return True


_TEXTS_AT_ONCE = 200


def _compare_search_words(connection: sqlite3.Connection) -> None:
    """Raise sqlite3.DatabaseError for the first text whose words in the index are not its own."""
    indexed = _sum_words(connection, "main", "texts_search")
    (declaration,) = connection.execute(
        "select sql from sqlite_master where name = 'texts_search'"
    ).fetchone()
    ids = [row[0] for row in connection.execute("select id from texts order by id")]
    try:
        for start in range(0, len(ids), _TEXTS_AT_ONCE):
            connection.execute(declaration.replace("texts_search", "temp.fresh_search", 1))
            for text_id in ids[start : start + _TEXTS_AT_ONCE]:
                row = connection.execute(
                    "select text from texts_search_content where id = ?", (text_id,)
                ).fetchone()
                connection.execute(
                    "insert into temp.fresh_search (rowid, text) values (?, ?)",
                    (text_id, prepare_text((row and row[0]) or "")),
                )
            fresh = _sum_words(connection, "temp", "fresh_search")
            connection.execute("drop table temp.fresh_search")
            for text_id in ids[start : start + _TEXTS_AT_ONCE]:
                if fresh.get(text_id) != indexed.get(text_id):
                    raise sqlite3.DatabaseError(f"the words of text {text_id} are not those in the index")
    finally:
        connection.execute("drop table if exists temp.fresh_search")


def _sum_words(connection: sqlite3.Connection, schema: str, table: str) -> dict[int, int]:
    """Return for each text of an index a sum over its words and their places, in no order."""
    connection.execute(
        f"create virtual table temp.search_words using fts5vocab('{schema}', '{table}', 'instance')"
    )
    sums: dict[int, int] = defaultdict(int)
    try:
        words = connection.execute("select doc, term, offset from temp.search_words")
        for text_id, term, offset in words:
            sums[text_id] += crc32(f"{offset} {term}".encode())
    finally:
        connection.execute("drop table temp.search_words")
    return sums


def _look_at_versions(connection: sqlite3.Connection, *, compare_afresh: bool) -> Findings:
    documents = connection.execute("select site, kind, name from documents where kind <> 'home'").fetchall()
    for row in documents:
        if row["kind"] not in set(Kind):  # the values' fault
            continue
        yield _look_at_document(
            connection,
            Document(site=row["site"], kind=Kind(row["kind"]), name=row["name"]),
            compare_afresh=compare_afresh,
        )


def _look_at_document(
    connection: sqlite3.Connection, document: Document, *, compare_afresh: bool
) -> ConservationFault | None:
    """Hold a document's versions against a fresh fold, both of one moment.

    Where captures have still to be fetched, the fold is the next run's to make; of an import that was stopped
    it is the business of 'weigh'.
    """
    connection.execute("begin")
    try:
        (pending,) = connection.execute(_PENDING_OF, {"document": document.id}).fetchone()
        stored = read_versions(connection, document)
        later = is_unweighed(connection, document)
        fresh = build_versions(connection, document, compare_afresh=compare_afresh and not later, later=later)
        if not JudgedBy(connection, document.site).is_current:  # the next run of the site judges its changes
            stored, fresh = without_classes(stored), without_classes(fresh)
    except (StoreError, ValueError, TypeError, LookupError) as error:  # of values that nobody of us wrote
        return ConservationFault(fault="versions-unreadable", id=document.id, detail=str(error))
    finally:
        connection.execute("commit")
    if stored == fresh or pending:
        return None
    name = f"{document.site} {document.kind} {document.name}".strip()
    detail = f"{name}: {len(stored)} stored, {len(fresh)} by the captures; the next fetch of it mends that"
    return ConservationFault(fault="versions-stale", id=document.id, detail=detail)


_PENDING_OF = """select (select count(*) from captures where document_id = :document and state = 'pending')
    + (select count(*) from unweighed where document_id = :document and not folded)"""
