"""News on its way to the user's own programs: written with the versions, taken out when it has arrived.

What became known of a document in one run is one message. What is older than the site's first whole fetch is
history: nobody is told of it, unless a channel asks for a day since when.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from policy_archive.crawler.core.stored import content_id
from policy_archive.pipelines.store.connection import write
from policy_archive.pipelines.store.monitoring.news import (
    FROM_NEWS,
    IS_NEW,
    select_by_capture,
    select_versions,
)
from policy_archive.pipelines.store.queries import IS_FIRST, IS_TOLD, MATTERS_SQL

if TYPE_CHECKING:
    from policy_archive.crawler.core.records import Channel

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Message:
    """News of one document for one channel, which is told at once."""

    id: str
    """The same whenever it is tried again, and for every channel."""
    channel: str
    news_ids: tuple[int, ...]
    """In the order of becoming known."""


def enqueue(
    connection: sqlite3.Connection, news_ids: Sequence[int], channels: Iterable[Channel], *, now: str
) -> None:
    """Put what became known of a document into the outbox, for every channel that is to be told.

    Inside the transaction that writes the versions.
    """
    if not news_ids:
        return
    message = _message_id(connection, news_ids)
    for channel in channels:
        _put(connection, channel, _choose(connection, channel, news_ids), message, now)


def catch_up(connection: sqlite3.Connection, channel: Channel, *, now: str) -> int:
    """Put all news since a channel's day into the outbox that it was not told yet; return how many that are.

    One message a document. A channel without such a day begins now, and has nothing to catch up with.
    """
    if channel.since is None:
        return 0

    def work(connection: sqlite3.Connection) -> int:
        by_document: dict[str, list[int]] = {}
        for news_id, document_id in _choose_all(connection, channel):
            by_document.setdefault(document_id, []).append(news_id)
        for news_ids in by_document.values():
            _put(connection, channel, news_ids, content_id("since", *map(str, news_ids)), now)
        return sum(map(len, by_document.values()))

    return write(connection, work)


def _message_id(connection: sqlite3.Connection, news_ids: Sequence[int]) -> str:
    """Return what names the message of a document and run, or of these news where there is no run.

    By the run's start too: a restored database counts its runs anew, and receivers pass over ids they know.
    """
    document, run, started, recorded = connection.execute(
        """select document_id, run_id, started_at, recorded_at
        from news left join runs on runs.id = run_id where news.id = ?""",
        (news_ids[0],),
    ).fetchone()
    parts = [str(run), started] if run is not None else [recorded, *map(str, news_ids)]
    return content_id("message", document, *parts)


def _conditions(channel: Channel) -> tuple[str, list[object]]:
    """Return SQL for a row of FROM_NEWS that says whether a channel is told of it."""
    begun = "versions.first_timestamp >= ?" if channel.since else IS_NEW
    given: list[object] = [f"{channel.since:%Y%m%d}000000"] if channel.since else []
    told = ["news.of_site", IS_TOLD, begun]
    if channel.substantive:
        told.append(f"({IS_FIRST} or {MATTERS_SQL})")
    if channel.min_words:
        told.append(f"({IS_FIRST} or words_added + words_removed >= ?)")
        given.append(channel.min_words)
    return " and ".join(told), given


def _choose(connection: sqlite3.Connection, channel: Channel, news_ids: Sequence[int]) -> list[int]:
    told, given = _conditions(channel)
    chosen = "news.id in (select value from json_each(?))"
    sql = f"select news.id as id {FROM_NEWS} where {chosen} and {told} order by news.id"
    return [row["id"] for row in connection.execute(sql, [json.dumps(list(news_ids)), *given])]


def _choose_all(connection: sqlite3.Connection, channel: Channel) -> list[tuple[int, str]]:
    told, given = _conditions(channel)
    rows = connection.execute(
        f"""select news.id as id, news.document_id as document_id {FROM_NEWS} where {told}
        and not exists (select 1 from told where channel = ? and news_id = news.id)
        and not exists (select 1 from outbox where channel = ? and news_id = news.id) order by news.id""",  # noqa: S608 (our own conditions)
        [*given, channel.id, channel.id],
    )
    return [(row["id"], row["document_id"]) for row in rows]


def _put(
    connection: sqlite3.Connection, channel: Channel, news_ids: Iterable[int], message: str, now: str
) -> None:
    connection.executemany(
        f"""insert or ignore into outbox (channel, label, news_id, message, captured, created_at)
        select ?, ?, news.id, ?, versions.first_timestamp, ? {FROM_NEWS} where news.id = ?""",
        [(channel.id, channel.label, message, now, news_id) for news_id in news_ids],
    )


def list_messages(connection: sqlite3.Connection, channel: Channel) -> list[Message]:
    """Return what has still to be told to a channel, oldest first."""
    rows = connection.execute(
        "select message, news_id from outbox where channel = ? order by id", (channel.id,)
    )
    found: dict[str, list[int]] = {}
    for row in rows:
        found.setdefault(row["message"], []).append(row["news_id"])
    return [
        Message(id=name, channel=channel.id, news_ids=tuple(news_ids)) for name, news_ids in found.items()
    ]


def list_versions(connection: sqlite3.Connection, message: Message) -> list[Row]:
    """Return the versions that a message tells of as they are now, in their order: columns of `list_news`.

    A version whose text another extractor has read otherwise since is known again by its first capture. Those
    that are no versions any more are left out.
    """
    found = select_versions(connection, message.news_ids)
    numbers = {row["version"] for row in found}
    lost = set(message.news_ids) - {row["news_id"] for row in found}
    found += [
        row
        for row in select_by_capture(connection, message.channel, sorted(lost))
        if row["version"] not in numbers
    ]
    return sorted(found, key=lambda row: row["version"])


def count_messages(connection: sqlite3.Connection, channel: Channel) -> int:
    """Return how many messages have still to be told to a channel."""
    (count,) = connection.execute(
        "select count(distinct message) from outbox where channel = ?", (channel.id,)
    ).fetchone()
    return int(count)


def waits_until(connection: sqlite3.Connection, channel: Channel) -> str | None:
    """Return before when a channel's receiver wants to hear nothing (ISO 8601, UTC); None: never said."""
    row = connection.execute("select max(wait_until) from outbox where channel = ?", (channel.id,)).fetchone()
    return row[0] if row else None


def note_delivered(connection: sqlite3.Connection, message: Message, *, now: str) -> None:
    """Take out what has arrived, and note that it was told."""
    key = (message.channel, message.id)

    def work(connection: sqlite3.Connection) -> None:
        connection.execute(
            """insert or ignore into told (channel, news_id, told_at)
            select channel, news_id, ? from outbox where channel = ? and message = ?""",
            (now, *key),
        )
        connection.execute("delete from outbox where channel = ? and message = ?", key)

    write(connection, work)


def note_failed(
    connection: sqlite3.Connection, message: Message, error: str, *, now: str, wait_until: str | None = None
) -> None:
    """Note why a delivery failed; it is tried again in a later run, but not before `wait_until`."""
    values = (now, error[:500], wait_until, message.channel, message.id)
    sql = """update outbox set tries = tries + 1, tried_at = ?, error = ?, wait_until = ?
        where channel = ? and message = ?"""
    write(connection, lambda c: c.execute(sql, values))


def forget_channel(connection: sqlite3.Connection, label: str) -> int:
    """Give up what was not delivered to the channels of a label; return how many messages that were."""

    def work(connection: sqlite3.Connection) -> int:
        (count,) = connection.execute(
            "select count(*) from (select distinct channel, message from outbox where label = ?)", (label,)
        ).fetchone()
        connection.execute("delete from outbox where label = ?", (label,))
        return int(count)

    return write(connection, work)


def read_backlog(connection: sqlite3.Connection) -> list[Row]:
    """Return a row for each channel that has not been told everything, the longest waiting first.

    `label`, `waiting` and `failed` (messages: all, and those tried in vain), `oldest`, `tried_at`, `error` of
    the last try, `wait_until` (the receiver asked for no try before; ISO 8601, None: it did not).
    """
    rows = connection.execute(
        """select label, count(distinct message) as waiting,
            count(distinct case when tries > 0 then message end) as failed, min(created_at) as oldest,
            max(tried_at) as tried_at,
            (select error from outbox as latest where latest.channel = outbox.channel and error is not null
                order by tried_at desc, id desc limit 1) as error,
            max(wait_until) as wait_until
        from outbox group by channel order by oldest, label"""
    )
    return [dict(row) for row in rows]


def list_waiting(connection: sqlite3.Connection) -> list[Row]:
    """Return a row for each message that waits, oldest first: `label`, `site`, `kind`, `name`, `versions`
    (how many it tells of), `since`, `tries`, `tried_at`, `error`, `wait_until`, `message` (its id)."""
    rows = connection.execute(
        """select label, site, kind, name, count(*) as versions, min(outbox.created_at) as since,
            max(tries) as tries, max(tried_at) as tried_at, max(error) as error,
            max(wait_until) as wait_until, message
        from outbox join news on news.id = news_id join documents on documents.id = document_id
        group by channel, message order by min(outbox.id)"""
    )
    return [dict(row) for row in rows]
