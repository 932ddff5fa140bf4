"""The hot path: one capture into its tables, and the rows of a document out of them. Plain SQL."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from policy_archive.crawler.core.digests import body_digest
from policy_archive.crawler.core.failpoints import point
from policy_archive.crawler.core.records import (
    Capture,
    CdxRow,
    Document,
    Extraction,
    Kind,
    Origin,
    Outcome,
    PolicyLink,
    Reading,
    RowDecision,
    StoredCapture,
)
from policy_archive.crawler.core.timestamps import format_instant, now_iso
from policy_archive.crawler.core.urls import archive_of
from policy_archive.pipelines.store.codec import compress_body
from policy_archive.pipelines.store.link_sets import write_links
from policy_archive.pipelines.store.rows import ROW_COLUMNS, parse_row
from policy_archive.pipelines.store.search_text import prepare_text

INSERT_ROW = f"""insert into captures (id, document_id, {ROW_COLUMNS}, archive)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict do nothing"""  # noqa: S608 (a constant)

TAKE_ROW = f"""update captures set archive = ?
where id = ? and (outcome is null or outcome in ({", ".join(repr(one.value) for one in Outcome.retryable())}))
    and origin is null and archive is not ?"""  # noqa: S608 (constants)
"""A row that several archives list is asked of the one that listed it last, also where another failed."""

UPDATE_DECISION = """
update captures set state = :state, state_reason = :reason,
    same_as = :same_as, after_id = :after_id, before_id = :before_id
where id = :id and outcome is null
    and (state, state_reason, same_as, after_id, before_id)
        is not (:state, :reason, :same_as, :after_id, :before_id)
"""

_UPDATE_CAPTURE = """
update captures set
    state = 'fetched', state_reason = '', same_as = null, after_id = null, before_id = null,
    outcome = :outcome, reason = :reason, http_status = :http_status,
    served_timestamp = :served_timestamp, served_original = :served_original, location = :location,
    content_type = :content_type, body_digest = :body_digest, verified = :verified,
    page_class = :page_class, page_probability = :page_probability,
    replay_url = :replay_url, fetched_at = :fetched_at, elapsed_seconds = :elapsed_seconds,
    requests = requests + :requests, tries = tries + 1, run_id = :run_id,
    origin = :origin, dated_by = :dated_by, archive = :archive
where id = :id
"""


_DONE_COLUMNS = (
    "outcome", "reason", "http_status", "served_timestamp", "served_original", "location",
    "content_type", "verified", "page_class", "page_probability", "replay_url", "fetched_at",
    "elapsed_seconds", "requests", "origin", "dated_by",
)  # fmt: skip
_INSERT_DONE = f"""
insert into captures
    (id, document_id, {ROW_COLUMNS}, archive, state, tries, run_id, {", ".join(_DONE_COLUMNS)})
values ({", ".join("?" * 10)}, 'fetched', 1, ?, {", ".join("?" * len(_DONE_COLUMNS))}) on conflict do nothing
"""  # noqa: S608 (constants)


def row_values(document: Document, row: CdxRow, archive: str | None) -> tuple[Any, ...]:
    """Return the values that INSERT_ROW takes; `archive`: base address of the one that listed the row."""
    return (
        row.id_in(document.id),
        document.id,
        row.urlkey,
        row.timestamp,
        row.original,
        row.mimetype,
        row.statuscode,
        row.digest,
        row.length,
        archive,
    )


def decision_values(document: Document, row: CdxRow, decision: RowDecision) -> dict[str, str | None]:
    """Return the values that UPDATE_DECISION takes."""
    after, before = decision.bracket or (None, None)
    return {
        "id": row.id_in(document.id),
        "state": decision.state,
        "reason": decision.reason,
        "same_as": decision.same_as.id_in(document.id) if decision.same_as else None,
        "after_id": after.id_in(document.id) if after else None,
        "before_id": before.id_in(document.id) if before else None,
    }


def read_links(connection: sqlite3.Connection, document: Document) -> list[tuple[CdxRow, PolicyLink]]:
    """Return a document's policy links with their captures, in order of time, then of the page."""
    rows = connection.execute(
        f"""select {ROW_COLUMNS}, url, kind, label, place, language, confidence
        from captures join link_sets using (link_set)
        where document_id = ? order by timestamp, original, position""",  # noqa: S608 (a constant)
        (document.id,),
    )
    return [(parse_row(row), _parse_link(row)) for row in rows]


def _parse_link(row: sqlite3.Row) -> PolicyLink:
    return PolicyLink(
        url=row["url"],
        kind=Kind(row["kind"]),
        label=row["label"],
        place=row["place"],
        language=row["language"],
        confidence=row["confidence"],
    )


def write_capture(
    connection: sqlite3.Connection,
    capture: Capture,
    reading: Reading | None,
    run_id: int | None,
    archive: str | None,
) -> bool:
    """Write a capture and its reading; False when its row is done already. Inside a transaction.

    `archive`: base address of the one that was asked for it; None: the one that its replay address names.
    """
    capture_id = capture.row.id_in(capture.document.id)
    archive = archive or archive_of(capture.replay_url)
    connection.execute(INSERT_ROW, row_values(capture.document, capture.row, archive))
    if _has_final_outcome(connection, capture_id):
        return False
    if capture.origin is not None:
        write_origin(connection, capture.origin)
    body_digest = _write_body(connection, capture.body)
    point("after-body")
    found = {"id": capture_id, "body_digest": body_digest, "run_id": run_id, "archive": archive}
    connection.execute(_UPDATE_CAPTURE, _capture_values(capture, reading) | found)
    point("after-capture")
    if reading is not None:
        _write_findings(connection, capture_id, reading)
    return True


def write_new_text(
    connection: sqlite3.Connection, capture: Capture, reading: Reading, run_id: int | None
) -> bool:
    """Write a text without its page whose capture is new, in a third of write_capture's statements.

    Returns False, and writes nothing, when there is such a row. Inside a transaction.
    """
    assert capture.body is None and reading.extraction is not None and not reading.links
    values = _capture_values(capture, reading)
    row = row_values(capture.document, capture.row, archive_of(capture.replay_url))
    done = [values[column] for column in _DONE_COLUMNS]
    if not connection.execute(_INSERT_DONE, (*row, run_id, *done)).rowcount:
        return False
    point("after-capture")
    _write_text(connection, reading.extraction)
    point("after-text")
    _write_extraction(connection, row[0], reading.extraction, is_first=True)
    return True


def write_reading(connection: sqlite3.Connection, capture_id: str, reading: Reading) -> None:
    """Replace what a stored body was read as. Inside a transaction."""
    connection.execute(
        "update captures set outcome = ?, reason = ?, page_class = ?, page_probability = ? where id = ?",
        (reading.outcome, reading.reason, *_verdict_values(reading), capture_id),
    )
    _write_findings(connection, capture_id, reading)


def sample_stored(connection: sqlite3.Connection, number: int) -> list[StoredCapture]:
    """Return captures with a body, drawn by lot."""
    rows = connection.execute(
        f"""select site, kind, name, body_digest, {ROW_COLUMNS} from captures
        join documents on documents.id = document_id
        where body_digest is not null order by random() limit ?""",  # noqa: S608 (a constant)
        (number,),
    )
    return [
        StoredCapture(
            document=Document(site=row["site"], kind=Kind(row["kind"]), name=row["name"]),
            row=parse_row(row),
            body_digest=row["body_digest"],
        )
        for row in rows
    ]


def _has_final_outcome(connection: sqlite3.Connection, capture_id: str) -> bool:
    (outcome,) = connection.execute("select outcome from captures where id = ?", (capture_id,)).fetchone()
    return outcome is not None and not Outcome(outcome).is_retryable


def _capture_values(capture: Capture, reading: Reading | None) -> dict[str, Any]:
    outcome = capture.outcome or (reading and reading.outcome)
    assert outcome is not None, "a capture without an outcome needs a reading"
    page_class, page_probability = _verdict_values(reading)
    return {
        "outcome": outcome,
        "reason": capture.reason or (reading.reason if reading else ""),
        "http_status": capture.http_status,
        "served_timestamp": capture.served_timestamp,
        "served_original": capture.served_original,
        "location": capture.location,
        "content_type": capture.content_type,
        "verified": capture.digest_matches,
        "page_class": page_class,
        "page_probability": page_probability,
        "replay_url": capture.replay_url or None,
        "fetched_at": capture.fetched_at and format_instant(capture.fetched_at),
        "elapsed_seconds": capture.elapsed_seconds,
        "requests": capture.requests,
        "origin": capture.origin and capture.origin.id,
        "dated_by": capture.dated_by,
    }


def _verdict_values(reading: Reading | None) -> tuple[str | None, float | None]:
    verdict = reading.verdict if reading else None
    return (verdict.page_class, verdict.probability) if verdict else (None, None)


def write_origin(connection: sqlite3.Connection, origin: Origin) -> None:
    """Write the file that captures come from, once. Inside a transaction."""
    connection.execute(
        "insert or ignore into origins (id, format, name, digest, licence, attribution, imported_at) "
        "values (?, ?, ?, ?, ?, ?, ?)",
        (
            origin.id,
            origin.format,
            origin.name,
            origin.digest,
            origin.licence,
            origin.attribution,
            now_iso(),
        ),
    )


def _write_body(connection: sqlite3.Connection, body: bytes | None) -> str | None:
    """Return the digest of the body, stored now or before; None when there is none to store."""
    if not body:
        return None
    digest = body_digest(body)
    if connection.execute("select 1 from bodies where digest = ?", (digest,)).fetchone() is None:
        codec, content = compress_body(body)
        connection.execute(
            "insert into bodies (digest, bytes, codec, content) values (?, ?, ?, ?)",
            (digest, len(body), codec, content),
        )
    return digest


def _write_findings(connection: sqlite3.Connection, capture_id: str, reading: Reading) -> None:
    """Write what a reading found, in place of what an earlier one found."""
    connection.execute("update extractions set current = 0 where capture_id = ? and current", (capture_id,))
    if reading.extraction is not None:
        _write_text(connection, reading.extraction)
        point("after-text")
        _write_extraction(connection, capture_id, reading.extraction)
    connection.execute(
        "update captures set link_set = ? where id = ?", (write_links(connection, reading.links), capture_id)
    )
    if reading.lines is not None:
        connection.execute(
            "insert or replace into home_lines (capture_id, lines) values (?, ?)",
            (capture_id, json.dumps(reading.lines, ensure_ascii=False)),
        )
    point("after-links")


def _write_text(connection: sqlite3.Connection, extraction: Extraction) -> None:
    inserted = connection.execute(
        "insert into texts (sha256, words, content) values (?, ?, ?) on conflict do nothing",
        (extraction.text_sha256, extraction.words, extraction.text),
    )
    point("before-search")
    if inserted.rowcount:
        connection.execute(
            "insert into texts_search (rowid, text) values (?, ?)",
            (inserted.lastrowid, prepare_text(extraction.text)),
        )


_EXTRACTION = """into extractions
    (capture_id, extractor, current, text_sha256, title, language, language_confidence, kept_share,
    replacement_characters, charset, hidden_text_used, documents_on_page, stated_dates, line_places)
values (?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""


def _write_extraction(
    connection: sqlite3.Connection, capture_id: str, extraction: Extraction, *, is_first: bool = False
) -> None:
    stated = [
        {"kind": stated.kind, "as_written": stated.as_written, "day": stated.day.isoformat()}
        for stated in extraction.stated_dates
    ]
    # "or replace" makes the full-text index write down all it has gathered: not where nothing can be there
    connection.execute(
        f"insert {'' if is_first else 'or replace '}{_EXTRACTION}",
        (
            capture_id,
            extraction.extractor,
            extraction.text_sha256,
            extraction.title,
            extraction.language,
            extraction.language_confidence,
            extraction.kept_share,
            extraction.replacement_characters,
            extraction.charset,
            extraction.hidden_text_used,
            extraction.documents_on_page,
            json.dumps(stated, ensure_ascii=False),
            write_places(extraction.line_places) if extraction.line_places else None,
        ),
    )


def write_places(line_places: Sequence[int]) -> str:
    """Return the places of a text's lines as `extractions.line_places` holds them: lines that are not
    within the document, as [first line, last line, flags], lines counted from 1.

    >>> write_places((0, 1, 1, 0, 3))
    '[[2,3,1],[5,5,3]]'
    """
    ranges = []
    for flags, group in groupby(enumerate(line_places, start=1), key=lambda place: place[1]):
        numbers = [number for number, _ in group]
        if flags:
            ranges.append([numbers[0], numbers[-1], flags])
    return json.dumps(ranges, separators=(",", ":"))


def parse_places(cell: str | None, lines: int) -> tuple[int, ...] | None:
    """Return the place of each line of a text of so many lines; None when they are not known.

    >>> parse_places("[[2,3,1],[5,5,3]]", 5)
    (0, 1, 1, 0, 3)
    """
    if cell is None:
        return None
    places = [0] * lines
    for first, last, flags in json.loads(cell):
        places[first - 1 : last] = [flags] * (min(last, lines) - first + 1)
    return tuple(places)
