"""Rows of `captures` read back; the module `captures` writes them, and loads what only writers need."""

from __future__ import annotations

import json
import sqlite3
import sys
from datetime import date

from policy_archive.crawler.core.stored import CDX_FIELDS, CdxRow, Document, KnownCapture, Outcome

HAS_TEXT = f"outcome in ({', '.join(repr(one.value) for one in Outcome if one.is_text)})"
"""Condition on `captures`: the capture's text counts for versions."""
ROW_COLUMNS = ", ".join(CDX_FIELDS)


def parse_row(row: sqlite3.Row) -> CdxRow:
    """Return the index row in a selection that holds its columns."""
    return CdxRow(  # what thousands of rows have in common is held once
        urlkey=sys.intern(row["urlkey"]),
        timestamp=row["timestamp"],
        original=sys.intern(row["original"]),
        mimetype=sys.intern(row["mimetype"]),
        statuscode=sys.intern(row["statuscode"]),
        digest=row["digest"],
        length=row["length"],
    )


OF_OTHERS = "origin is not null and body_digest is null and outcome is not null"
"""Condition on `captures`: a text that another program read, imported without its page."""
_NO_ARCHIVES = "origin is not null and body_digest is null"
"""Condition on `captures`: from a file, and without a page: no archive can be asked for it."""


def read_known(
    connection: sqlite3.Connection, document: Document, *, of_others: bool = True, archive: str | None = None
) -> list[KnownCapture]:
    """Return what is known of a document's rows, in order of time; texts of others only when wanted.

    `archive`: of the rows that nobody asked for yet only those that this one listed, or nobody knows who.
    """
    rows = connection.execute(
        f"""select {ROW_COLUMNS}, outcome, text_sha256, stated_dates, language
        from captures left join extractions on capture_id = id and current and {HAS_TEXT}
        where document_id = ? and (? or not ({_NO_ARCHIVES}))
            and (outcome is not null or coalesce(archive, ?) is coalesce(?, archive))
        order by timestamp, original, digest""",  # noqa: S608 (constants)
        (document.id, of_others, archive, archive),
    )
    return [
        KnownCapture(
            row=parse_row(row),
            outcome=Outcome(row["outcome"]) if row["outcome"] else None,
            text_sha256=row["text_sha256"],
            stated_days=parse_stated_days(row["stated_dates"]),
            language=row["language"],
        )
        for row in rows
    ]


def parse_stated_days(stated_dates: str | None) -> tuple[date, ...]:
    """Return the days in a cell of `extractions.stated_dates`."""
    return tuple(date.fromisoformat(stated["day"]) for stated in json.loads(stated_dates or "[]"))
