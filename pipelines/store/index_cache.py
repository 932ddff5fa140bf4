"""What the index answered to a site's discovery: kept, so that a run that starts again asks nothing twice."""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Sequence

from policy_archive.crawler.core.records import CDX_FIELDS, CdxRow, KeptAnswer
from policy_archive.crawler.core.timestamps import utc_now
from policy_archive.pipelines.store.connection import write


def recall_answer(
    connection: sqlite3.Connection, site: str, archive: str, question: str
) -> KeptAnswer | None:
    """Return the answer that an archive gave earlier on this day (UTC), None when it gave none."""
    found = connection.execute(
        """select state, rows from index_answers
        where site = ? and archive = ? and question = ? and asked_on = ?""",
        (site, archive, question, _today()),
    ).fetchone()
    if found is None:
        return None
    lines = json.loads(zlib.decompress(found["rows"]))
    rows = tuple(CdxRow(**dict(zip(CDX_FIELDS, line, strict=True))) for line in lines)
    return KeptAnswer(state=found["state"], rows=rows)


def keep_answer(
    connection: sqlite3.Connection,
    site: str,
    archive: str,
    question: str,
    state: str,
    rows: Sequence[CdxRow],
) -> None:
    """Store an answer in place of the one of an earlier day."""
    lines = [[getattr(row, name) for name in CDX_FIELDS] for row in rows]
    values = (site, archive, question, state, zlib.compress(json.dumps(lines).encode()), _today())

    def work(connection: sqlite3.Connection) -> None:
        connection.execute("insert or replace into index_answers values (?, ?, ?, ?, ?, ?)", values)

    write(connection, work)


def _today() -> str:
    return utc_now().date().isoformat()
