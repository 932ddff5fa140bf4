"""Captures whose text is too small beside its neighbours, read again from their stored bodies."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from policy_archive.crawler.core.records import Address, Document, Outcome, Reading
from policy_archive.pipelines.extract.body.ways import Way
from policy_archive.pipelines.reading.address import page_address
from policy_archive.pipelines.reading.small import FirstReading, SmallText, choose_way, find_small
from policy_archive.pipelines.store.bodies import load_body, load_home_near
from policy_archive.pipelines.store.rows import ROW_COLUMNS, parse_row
from policy_archive.pipelines.store.stored_texts import read_text

_MOST = 50
"""Captures of a document that are read again in one go: a document of pages that no way can read is left."""


@dataclass(frozen=True, kw_only=True)
class Rereading:
    """One page to be read by the other ways."""

    small: SmallText
    text: str
    """As first read."""
    neighbours: tuple[str, ...]
    """Their texts."""
    arguments: Mapping[str, Any]
    """Of `read_body`, the way aside."""

    def conclude(self, readings: Mapping[Way, Reading]) -> Reading | str:
        """Return the reading that wins, or, where the first does, what is to be said of it."""
        way = choose_way(self.text, readings, self.neighbours)
        if way is Way.CHOSEN:
            return f"{self.small.finding}; no other way of reading it agrees better with them"
        return replace(readings[way], reason=f"{self.small.finding}; read again by its {way}")


def iter_rereadings(
    connection: sqlite3.Connection, document: Document, addresses: Sequence[Address]
) -> Iterator[Rereading]:
    """Yield what is to be read again; what was settled beside the very same neighbours is not.

    `addresses` are the document's: they say which part of a page it is.
    """
    found, said = _read_first_readings(connection, document)
    for small in find_small(found)[:_MOST]:
        row = small.reading.row
        if small.finding in said[row.id_in(document.id)]:
            continue
        digest, content_type = connection.execute(
            "select body_digest, content_type from captures where id = ?", (row.id_in(document.id),)
        ).fetchone()
        yield Rereading(
            small=small,
            text=_load_text(connection, small.reading.text_sha256),
            neighbours=tuple(_load_text(connection, one.text_sha256) for one in small.neighbours),
            arguments={
                "body": load_body(connection, digest),
                "document": document,
                "url": page_address(addresses, row),
                "timestamp": row.timestamp,
                "content_type": content_type,
                "home": load_home_near(connection, document.site, row.timestamp),
            },
        )


def _read_first_readings(
    connection: sqlite3.Connection, document: Document
) -> tuple[list[FirstReading], dict[str, str]]:
    """Return a document's first readings by the extractor that counts, and what is said of each capture."""
    rows = connection.execute(
        f"""select captures.id as id, {ROW_COLUMNS}, outcome, reason, first.text_sha256 as text_sha256, words,
            first.kept_share as kept_share
        from captures
        join extractions as now on now.capture_id = captures.id and now.current
        join extractions as first on first.capture_id = captures.id
            and (first.extractor = now.extractor or now.extractor like first.extractor || ' %')
        join texts on sha256 = first.text_sha256
        where document_id = ? and body_digest is not null
        order by captures.id, length(first.extractor) desc""",  # noqa: S608 (constants)
        (document.id,),
    ).fetchall()
    found = {
        row["id"]: FirstReading(
            row=parse_row(row),
            outcome=Outcome(row["outcome"]),
            text_sha256=row["text_sha256"],
            words=row["words"],
            kept_share=1.0 if row["kept_share"] is None else row["kept_share"],
        )
        for row in rows
    }
    return list(found.values()), {row["id"]: row["reason"] or "" for row in rows}


def _load_text(connection: sqlite3.Connection, sha256: str) -> str:
    return read_text(connection, sha256)
