"""Captures out of files into the tables: each once, however often and from wherever they are imported."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from policy_archive.crawler.core.records import Address, Capture, CdxRow, Document, Origin, Reading
from policy_archive.crawler.core.vocabularies import SiteOutcome
from policy_archive.pipelines.store.captures import (
    INSERT_ROW,
    row_values,
    write_capture,
    write_new_text,
    write_origin,
)
from policy_archive.pipelines.store.rows import OF_OTHERS


@dataclass(frozen=True, kw_only=True)
class ImportedCapture:
    """A capture with its `origin`, and what it was read as, by us or by others."""

    capture: Capture
    reading: Reading
    address: Address | None
    """Where the document stood; None: the file does not say."""


def write_batch(
    connection: sqlite3.Connection, batch: Sequence[ImportedCapture], run_id: int | None
) -> list[str]:
    """Write imported captures with their sites, documents and addresses; return what came of each:
    `imported`, `known` or `other-text`. Inside a transaction.

    Their documents are noted as unweighed until `weighing` has come to them.
    """
    documents = {document: document.id for document in {one.capture.document for one in batch}}
    _write_documents(connection, documents)
    origins = {one.capture.origin.id: one.capture.origin for one in batch if one.capture.origin is not None}
    for origin in origins.values():
        write_origin(connection, origin)
    outcomes = [_write_imported(connection, one, run_id) for one in batch]
    new = [one for one, outcome in zip(batch, outcomes, strict=True) if outcome == "imported"]
    _write_addresses(connection, new)
    connection.execute("create temp table if not exists taken (document_id text primary key) without rowid")
    connection.executemany("insert or ignore into taken values (?)", [(key,) for key in documents.values()])
    ids = {documents[one.capture.document] for one in new}
    connection.executemany(
        "insert into unweighed (document_id) values (?) on conflict do update set folded = 0",
        [(document_id,) for document_id in ids],
    )
    connection.executemany(
        "update sites set outcome = ?, reason = 'imported' where site = ? and outcome is null",
        [(SiteOutcome.FOUND, site) for site in {one.capture.document.site for one in new}],
    )
    return outcomes


def _write_documents(connection: sqlite3.Connection, documents: Mapping[Document, str]) -> None:
    sites = {document.site for document in documents}
    connection.executemany("insert or ignore into sites (site) values (?)", [(site,) for site in sites])
    connection.executemany(
        "insert or ignore into documents (id, site, kind, name) values (?, ?, ?, ?)",
        [(key, document.site, document.kind, document.name) for document, key in documents.items()],
    )


def _write_imported(connection: sqlite3.Connection, imported: ImportedCapture, run_id: int | None) -> str:
    capture, reading = imported.capture, imported.reading
    if capture.body is None:
        if _has_other_text(connection, capture):
            return "other-text"
        if write_new_text(connection, capture, reading, run_id):
            return "imported"
    return "imported" if write_capture(connection, capture, reading, run_id, None) else "known"


def count_taken(connection: sqlite3.Connection) -> tuple[int, int]:
    """Return how many documents a connection was given imports of, known ones too, and how many versions
    these have."""
    connection.execute("create temp table if not exists taken (document_id text primary key) without rowid")
    row = connection.execute(
        """select (select count(*) from taken),
            (select count(*) from versions where document_id in (select document_id from taken))"""
    ).fetchone()
    return row[0], row[1]


def read_seams(connection: sqlite3.Connection, document: Document) -> frozenset[tuple[str, str]]:
    """Return the first and the last capture of a page that others' texts were imported of."""
    rows = connection.execute(
        f"select timestamp, urlkey from captures where document_id = ? and {OF_OTHERS} "  # noqa: S608 (a constant)
        "and urlkey not like 'file:%' order by timestamp, urlkey",
        (document.id,),
    ).fetchall()
    ends = [rows[0], rows[-1]] if rows else []
    return frozenset((row["timestamp"], row["urlkey"]) for row in ends)


def write_rows(
    connection: sqlite3.Connection, document: Document, rows: Sequence[tuple[CdxRow, Origin]]
) -> int:
    """Write index rows of files; those that another archive listed too keep that. Return how many are new."""
    new = 0
    for row, origin in rows:
        if connection.execute(INSERT_ROW, row_values(document, row, None)).rowcount:
            write_origin(connection, origin)
            values = (origin.id, row.id_in(document.id))
            connection.execute("update captures set origin = ? where id = ?", values)
            new += 1
    return new


def select_outcomes(connection: sqlite3.Connection, origin_ids: Collection[str]) -> sqlite3.Cursor:
    """Return `outcome`, `run_id`, `captures` of what was taken from files."""
    return connection.execute(
        """select outcome, run_id, count(*) as captures from captures
        where origin in (select value from json_each(?)) and outcome is not null group by outcome, run_id""",
        (json.dumps(sorted(origin_ids)),),
    )


def count_documents(connection: sqlite3.Connection, origin_ids: Collection[str]) -> tuple[int, int]:
    """Return how many documents have captures from files, and how many versions these have; homes apart."""
    row = connection.execute(
        """with found as (
            select distinct document_id from captures join documents on documents.id = document_id
            where origin in (select value from json_each(?)) and outcome is not null and kind <> 'home')
        select (select count(*) from found),
            (select count(*) from versions where document_id in (select document_id from found))""",
        (json.dumps(sorted(origin_ids)),),
    ).fetchone()
    return row[0], row[1]


def _has_other_text(connection: sqlite3.Connection, capture: Capture) -> bool:
    """Return whether another text of the very capture was imported: one file of the two is wrong."""
    row, capture_id = capture.row, capture.row.id_in(capture.document.id)
    found = connection.execute(
        """select 1 from captures join extractions on capture_id = id and current
        where document_id = ? and timestamp = ? and original = ? and id <> ?
        and origin is not null and body_digest is null limit 1""",
        (capture.document.id, row.timestamp, row.original, capture_id),
    ).fetchone()
    return found is not None


def _write_addresses(connection: sqlite3.Connection, batch: Sequence[ImportedCapture]) -> None:
    """Write where documents stood, once each, with the years in which they were seen there."""
    seen: dict[tuple[str, str], list[Address]] = {}
    for one in batch:
        if one.address is not None:
            place = (one.capture.document.id, one.capture.row.urlkey)
            seen.setdefault(place, []).append(one.address)
    connection.executemany(
        """insert into addresses
            (document_id, urlkey, url, source, evidence, confidence, first_seen, last_seen)
        values (?, ?, ?, ?, ?, ?, ?, ?)
        on conflict (document_id, urlkey) do update set
            first_seen = coalesce(min(first_seen, excluded.first_seen), first_seen, excluded.first_seen),
            last_seen = coalesce(max(last_seen, excluded.last_seen), last_seen, excluded.last_seen)""",
        [(*place, *_address_values(addresses)) for place, addresses in seen.items()],
    )


def _address_values(addresses: Sequence[Address]) -> tuple[object, ...]:
    first = addresses[0]
    years = (
        min((one.first_seen for one in addresses if one.first_seen), default=None),
        max((one.last_seen for one in addresses if one.last_seen), default=None),
    )
    return (first.url, first.source, first.evidence, first.confidence, *years)
