"""News: versions that became known, each once, in the order of becoming known."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from crawler.records import Document
from pipelines.store.connection import write

Row = dict[str, Any]

# A version is the same one after another fold when its text stood for the same time: its number
# and its first capture may both change when captures between are fetched.
_OCCURRENCE = """(select count(*) from versions as same where same.document_id = versions.document_id
    and same.text_sha256 = versions.text_sha256 and same.version <= versions.version)"""

_INSERT = f"""
insert into news (document_id, text_sha256, occurrence, recorded_at, run_id, of_site)
select document_id, text_sha256, {_OCCURRENCE}, :now, :run_id, :of_site
from versions where document_id = :document_id and not exists (
    select 1 from news where news.document_id = versions.document_id
    and news.text_sha256 = versions.text_sha256 and news.occurrence = {_OCCURRENCE})
order by version returning id
"""  # noqa: S608 (a constant)

_COLUMNS = """versions.document_id as document_id, policy_versions.site as site, policy_versions.kind as kind,
    policy_versions.name as name, policy_versions.version as version, url, timestamp, first_captured,
    last_captured, policy_versions.changed_after as changed_after, title, language, words,
    policy_versions.words_added as words_added, policy_versions.words_removed as words_removed,
    policy_versions.change as change, policy_versions.returns_to as returns_to,
    policy_versions.stated_updated as stated_updated, policy_versions.stated_effective as stated_effective,
    policy_versions.text_sha256 as text_sha256, replay_url"""

_SELECT = f"""
select news.id as news_id, recorded_at, {_COLUMNS}
from news
join documents on documents.id = news.document_id
join versions on versions.document_id = news.document_id
    and versions.text_sha256 = news.text_sha256 and news.occurrence = {_OCCURRENCE}
join policy_versions on policy_versions.document_id = versions.document_id
    and policy_versions.version = versions.version
"""  # noqa: S608 (constants)


def write_news(
    connection: sqlite3.Connection, document: Document, *, run_id: int | None, of_site: bool, now: str
) -> list[int]:
    """Note the versions of a document that were not known before; return their ids. Inside a transaction."""
    values = {"document_id": document.id, "run_id": run_id, "of_site": of_site, "now": now}
    return [row["id"] for row in connection.execute(_INSERT, values)]


@dataclass(frozen=True, kw_only=True)
class NewsFilter:
    """Which news is wanted; None: all."""

    site: str | None = None
    captured_since: date | None = None
    """First captured on this day or later, by the archive's time."""
    after_id: int | None = None
    """Became known after this one."""
    run_id: int | None = None
    """Became known in this run."""

    def conditions(self) -> dict[str, object]:
        """Return SQL conditions with their values, None for those that are not wished."""
        day = self.captured_since and self.captured_since.strftime("%Y%m%d000000")
        return {
            "documents.site = ?": self.site,
            "versions.first_timestamp >= ?": day,
            "news.id > ?": self.after_id,
            "news.run_id = ?": self.run_id,
        }


def list_news(connection: sqlite3.Connection, wanted: NewsFilter, *, limit: int | None = None) -> list[Row]:
    """Return versions that the sites made, newest first by capture, without their texts.

    The columns are those of `policy_versions`, `change` as an object; `news_id` and `recorded_at` (when
    it became known to this corpus) stand first.
    """
    given = {sql: value for sql, value in wanted.conditions().items() if value is not None}
    conditions = " and ".join(["news.of_site", *given])
    rows = connection.execute(
        f"{_SELECT} where {conditions} order by timestamp desc, news.id desc limit ?",
        (*given.values(), -1 if limit is None else limit),
    )
    return [_parse_news(row) for row in rows]


def select_payloads(connection: sqlite3.Connection, news_ids: Sequence[int]) -> list[Row]:
    """Return news by its ids, in their order."""
    rows = connection.execute(
        f"{_SELECT} where news.id in (select value from json_each(?)) order by news.id",  # noqa: S608
        (json.dumps(news_ids),),
    )
    return [_parse_news(row) for row in rows]


def _parse_news(row: sqlite3.Row) -> Row:
    """Return one piece of news with its change as an object."""
    return dict(row) | {"change": json.loads(row["change"]) if row["change"] else None}


def newest_news(connection: sqlite3.Connection) -> int:
    """Return the id of what became known last, 0 when nothing is known."""
    (newest,) = connection.execute("select coalesce(max(id), 0) from news").fetchone()
    return int(newest)


def count_news(connection: sqlite3.Connection, run_id: int) -> int:
    """Return how many versions became known in a run."""
    (count,) = connection.execute(
        "select count(*) from news where run_id = ? and of_site", (run_id,)
    ).fetchone()
    return int(count)


def last_look(connection: sqlite3.Connection, site: str | None) -> int:
    """Return the id of the newest news that was shown, of a site or of all; 0 when nobody has looked."""
    row = connection.execute("select news_id from looks where site = ?", (site or "",)).fetchone()
    return row["news_id"] if row else 0


def note_look(connection: sqlite3.Connection, site: str | None, news_id: int, *, now: str) -> None:
    """Note that the news up to this one was shown."""
    values = (site or "", news_id, now)

    def work(connection: sqlite3.Connection) -> None:
        connection.execute("insert or replace into looks (site, news_id, looked_at) values (?, ?, ?)", values)

    write(connection, work)
