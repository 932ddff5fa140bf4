"""News: versions that became known, each once, in the order of becoming known."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from policy_archive.crawler.core.stored import Document
from policy_archive.pipelines.store.connection import write
from policy_archive.pipelines.store.queries import IS_FIRST, IS_TOLD, MATTERS_SQL, OCCURRENCE

Row = dict[str, Any]

# A version is the same one after another fold when its text stood for the same time: its number
# and its first capture may both change when captures between are fetched.
_NUMBERED = """
select document_id, version, text_sha256,
    row_number() over (partition by text_sha256 order by version) as number
from versions where document_id = :document_id
"""

_INSERT = f"""
insert into news (document_id, text_sha256, occurrence, recorded_at, run_id, of_site)
select document_id, text_sha256, number, :now, :run_id, :of_site
from ({_NUMBERED}) as numbered where not exists (
    select 1 from news where news.document_id = numbered.document_id
    and news.text_sha256 = numbered.text_sha256 and news.occurrence = numbered.number)
order by version returning id
"""  # noqa: S608 (a constant)

# "+": of two indexes the document's is meant, for some texts stand in thousands of documents
FROM_NEWS = f"""
from news
join documents on documents.id = news.document_id
join versions on versions.document_id = news.document_id and +versions.text_sha256 = news.text_sha256
    and news.occurrence = {OCCURRENCE}
"""

IS_NEW = """versions.first_timestamp > coalesce(documents.news_after,
    (select news_after from sites where sites.site = documents.site))"""
"""SQL, for a row of FROM_NEWS: whether it is new to somebody who follows the site. What was captured before
its first whole fetch is its history; all is, as long as there was none."""

_COLUMNS = """policy_versions.document_id as document_id, site, kind, name,
    policy_versions.version as version, url, timestamp, first_captured, last_captured, changed_after,
    title, language, words, words_added, words_removed, change, policy_versions.class as class, returns_to,
    stated_updated, stated_effective, text_sha256, replay_url, archive"""


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
    everything: bool = False
    """Also changes that are not the policy's own, which are passed over else."""
    substantive: bool = False
    """Only changes that matter, by their class, and first versions."""
    kind: str | None = None
    learnt_since: date | None = None
    """Became known on this day or later, by this corpus's time."""
    change_class: str | None = None
    """Of this class alone, passed over or not; '': the policy's own words."""
    changes_only: bool = False
    """Not what a document said when it was first seen: that is no change."""
    min_words: int = 0
    """Only changes of at least so many words, and first versions."""
    new_only: bool = False
    """Not the history that a site's first whole fetch found."""

    def conditions(self) -> dict[str, object]:
        """Return SQL conditions with their values, None for those that are not wished."""
        day = self.captured_since and self.captured_since.strftime("%Y%m%d000000")
        return {
            "documents.site = ?": self.site,
            "versions.first_timestamp >= ?": day,
            "news.id > ?": self.after_id,
            "news.run_id = ?": self.run_id,
            f"({IS_FIRST} or words_added + words_removed >= ?)": self.min_words or None,
            "documents.kind = ?": self.kind,
            "news.recorded_at >= ?": self.learnt_since and self.learnt_since.isoformat(),
            "coalesce(versions.class, '') = ?": self.change_class,
        }


def list_news(connection: sqlite3.Connection, wanted: NewsFilter, *, limit: int | None = None) -> list[Row]:
    """Return versions that the sites made, newest first by capture, without their texts.

    The columns are those of `policy_versions`, `change` as an object; `news_id`, `recorded_at` (when
    it became known to this corpus) and `occurrence` (which time it is that the text stands) come first.
    """
    conditions, given = _conditions(wanted)
    values = [*given, -1 if limit is None else limit]
    # "+" keeps SQLite from walking the index of all versions' times: a few news are sooner sorted
    few = wanted.after_id is not None or wanted.run_id is not None
    order = f"{'+' if few else ''}first_timestamp desc, news_id desc"
    return _select(connection, f"{FROM_NEWS} where {conditions} order by {order} limit ?", values, order)


def list_learnt(
    connection: sqlite3.Connection, wanted: NewsFilter, *, limit: int, offset: int = 0
) -> list[Row]:
    """Return what list_news does, in the order of becoming known, newest first."""
    conditions, given = _conditions(wanted)
    sql = f"{FROM_NEWS} where {conditions} order by news.id desc limit ? offset ?"
    return _select(connection, sql, [*given, limit, offset], "news_id desc")


_LOOKED_THROUGH = 500
"""News among which as many documents as are asked for are looked for: some ten milliseconds."""


def list_learnt_widely(connection: sqlite3.Connection, wanted: NewsFilter, *, limit: int) -> list[Row]:
    """Return what list_learnt does, the last news of each document before others of it: one that was fetched
    whole would else fill a short list."""
    conditions, given = _conditions(wanted)
    found = connection.execute(
        f"""with last as (select news.id as id, news.document_id as document_id {FROM_NEWS}
            where {conditions} order by news.id desc limit {_LOOKED_THROUGH})
        select id from (select id, row_number() over (partition by document_id order by id desc) as nth
            from last) order by nth > 1, id desc limit ?""",  # noqa: S608 (our own conditions)
        [*given, limit],
    )
    ids = json.dumps([row["id"] for row in found])
    chosen = f"{FROM_NEWS} where news.id in (select value from json_each(?))"  # noqa: S608 (a constant)
    return _select(connection, chosen, [ids], "news_id desc")


@dataclass(frozen=True, kw_only=True)
class PassedOver:
    """What a list leaves out between its first and its last entry."""

    first_captures: int
    of_the_page: int
    """Changes that are not the policy's own."""


def count_between(
    connection: sqlite3.Connection, wanted: NewsFilter, *, newest: int, oldest: int
) -> PassedOver:
    """Return how much of what became known between two ids, both included, such a list passes over."""
    conditions, given = _conditions(
        replace(wanted, everything=True, substantive=False, min_words=0, changes_only=False)
    )
    first, of_page = connection.execute(
        f"""select coalesce(sum({IS_FIRST}), 0),
            coalesce(sum(not ({IS_FIRST}) and not ({IS_TOLD})), 0)
        {FROM_NEWS} where {conditions} and news.id between ? and ?""",
        [*given, oldest, newest],
    ).fetchone()
    return PassedOver(first_captures=first, of_the_page=of_page)


def count_passed_over(connection: sqlite3.Connection, wanted: NewsFilter) -> int:
    """Return how many versions `list_news` leaves out by their class, and by how little changed."""
    counts = []
    for filter_ in (replace(wanted, everything=True, substantive=False, min_words=0), wanted):
        conditions, given = _conditions(filter_)
        sql = f"select count(*) {FROM_NEWS} where {conditions}"
        counts.append(connection.execute(sql, given).fetchone()[0])
    return int(counts[0] - counts[1])


def _conditions(wanted: NewsFilter) -> tuple[str, list[object]]:
    given = {sql: value for sql, value in wanted.conditions().items() if value is not None}
    told = [] if wanted.everything or wanted.change_class is not None else [IS_TOLD]
    told += [f"not ({IS_FIRST})"] if wanted.changes_only else []
    told += [MATTERS_SQL] if wanted.substantive else []
    told += [IS_NEW] if wanted.new_only else []
    return " and ".join(["news.of_site", *told, *given]), list(given.values())


def select_told(connection: sqlite3.Connection, news_ids: Sequence[int]) -> list[Row]:
    """Return those of the news with these ids that are told, in their order."""
    chosen = f"{FROM_NEWS} where {IS_TOLD} and news.id in (select value from json_each(?))"  # noqa: S608
    return _select(connection, chosen, [json.dumps(news_ids)], "news_id")


def select_versions(connection: sqlite3.Connection, news_ids: Sequence[int]) -> list[Row]:
    """Return the news with these ids in the order of their versions; of those whose version is gone, none."""
    chosen = f"{FROM_NEWS} where news.id in (select value from json_each(?))"  # noqa: S608 (a constant)
    return _select(connection, chosen, [json.dumps(news_ids)], "version")


def select_by_capture(connection: sqlite3.Connection, channel: str, news_ids: Sequence[int]) -> list[Row]:
    """Return the versions that begin where those of waiting news began when they were put into the outbox."""
    chosen = """from outbox join news on news.id = outbox.news_id
        join versions on versions.document_id = news.document_id and versions.first_timestamp = captured
        where channel = ? and news.id in (select value from json_each(?))"""
    return _select(connection, chosen, [channel, json.dumps(news_ids)], "version")


def count_history(connection: sqlite3.Connection, wanted: NewsFilter) -> int:
    """Return how many versions of such a list are history: older than the following of their site, and
    therefore told to nobody who does not ask for them."""
    conditions, given = _conditions(replace(wanted, new_only=False))
    # what cannot be compared, for the site was never fetched whole, is history too
    sql = f"select count(*) {FROM_NEWS} where {conditions} and not coalesce(({IS_NEW}), 0)"
    (count,) = connection.execute(sql, given).fetchone()
    return int(count)


def _select(connection: sqlite3.Connection, chosen: str, values: Sequence[object], order: str) -> list[Row]:
    """Return the news that was chosen; its columns are worked out for that alone."""
    rows = connection.execute(
        f"""with chosen as (
            select news.id as news_id, recorded_at, occurrence,
                versions.document_id, versions.version, first_timestamp
            {chosen})
        select news_id, recorded_at, occurrence, {_COLUMNS}
        from chosen join policy_versions on policy_versions.document_id = chosen.document_id
            and policy_versions.version = chosen.version
        order by {order}""",  # noqa: S608 (our own conditions)
        values,
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
    """Return how many versions became known in a run, but for those that are passed over."""
    conditions, given = _conditions(NewsFilter(run_id=run_id))
    sql = f"select count(*) {FROM_NEWS} where {conditions}"
    (count,) = connection.execute(sql, given).fetchone()
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
