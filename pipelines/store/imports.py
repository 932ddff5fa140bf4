"""Captures out of files into the tables: each once, however often and from wherever they are imported."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from policy_archive.crawler.core.records import Address, Capture, CdxRow, Document, Origin, Reading
from policy_archive.crawler.core.urlkeys import urlkey
from policy_archive.crawler.core.vocabularies import SiteOutcome
from policy_archive.pipelines.store.captures import INSERT_ROW, row_values, write_capture, write_origin
from policy_archive.pipelines.store.rows import OF_OTHERS


@dataclass(frozen=True, kw_only=True)
class ImportedCapture:
    """A capture with its `origin`, and what it was read as, by us or by others."""

    capture: Capture
    reading: Reading
    address: Address | None
    """Where the document stood; None: the file does not say."""


def write_imported(connection: sqlite3.Connection, imported: ImportedCapture, run_id: int | None) -> str:
    """Write an imported capture with its site, document and address; return `imported`, `known` or
    `other-text`. Inside a transaction."""
    capture = imported.capture
    document = capture.document
    connection.execute("insert or ignore into sites (site) values (?)", (document.site,))
    connection.execute(
        "insert or ignore into documents (id, site, kind, name) values (?, ?, ?, ?)",
        (document.id, document.site, document.kind, document.name),
    )
    if capture.body is None and _has_other_text(connection, capture):
        return "other-text"
    if not write_capture(connection, capture, imported.reading, run_id, None):
        return "known"
    connection.execute(
        "update sites set outcome = ?, reason = 'imported' where site = ? and outcome is null",
        (SiteOutcome.FOUND, document.site),
    )
    if imported.address is not None:
        _write_address(connection, document.id, imported.address)
    return "imported"


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


def _write_address(connection: sqlite3.Connection, document_id: str, address: Address) -> None:
    connection.execute(
        """insert into addresses
            (document_id, urlkey, url, source, evidence, confidence, first_seen, last_seen)
        values (?, ?, ?, ?, ?, ?, ?, ?)
        on conflict (document_id, urlkey) do update set
            first_seen = coalesce(min(first_seen, excluded.first_seen), first_seen, excluded.first_seen),
            last_seen = coalesce(max(last_seen, excluded.last_seen), last_seen, excluded.last_seen)""",
        (
            document_id,
            urlkey(address.url),
            address.url,
            address.source,
            address.evidence,
            address.confidence,
            address.first_seen,
            address.last_seen,
        ),
    )
