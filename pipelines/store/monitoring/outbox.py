"""News on its way to the user's own programs: written with the versions, taken out when it has arrived."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from policy_archive.crawler.core.stored import content_id
from policy_archive.pipelines.store.connection import write
from policy_archive.pipelines.store.monitoring.news import select_payloads
from policy_archive.pipelines.versions.classes import ChangeClass

if TYPE_CHECKING:
    from policy_archive.crawler.core.records import Channel


@dataclass(frozen=True, kw_only=True)
class Message:
    """One piece of news for one channel."""

    id: int
    payload: dict[str, Any]


def enqueue(
    connection: sqlite3.Connection, news_ids: Sequence[int], channels: Iterable[Channel], *, now: str
) -> None:
    """Put news into the outbox, for every channel. Inside the transaction that writes the versions."""
    channels = tuple(channels)
    if not channels or not news_ids:
        return
    for payload in select_payloads(connection, news_ids):
        stamp = (payload["site"], payload["text_sha256"], payload["recorded_at"], str(payload["news_id"]))
        text = json.dumps({"event": "new-version", "id": content_id(*stamp)} | payload, ensure_ascii=False)
        connection.executemany(
            "insert into outbox (channel, label, news_id, payload, created_at) values (?, ?, ?, ?, ?)",
            [
                (channel.id, channel.label, payload["news_id"], text, now)
                for channel in channels
                if _wants(channel, payload)
            ],
        )


def _wants(channel: Channel, payload: dict[str, Any]) -> bool:
    """Return whether a channel is told of a version; first versions are told to all."""
    if payload["changed_after"] is None:
        return True
    matters = not payload["class"] or ChangeClass(payload["class"]).is_substantive
    words = (payload["words_added"] or 0) + (payload["words_removed"] or 0)
    return (matters or not channel.substantive) and bool(words >= channel.min_words)


def iter_messages(connection: sqlite3.Connection, channel: Channel) -> Iterator[Message]:
    """Yield what has still to be told to a channel, oldest first, each once."""
    last = 0
    while True:
        row = connection.execute(
            "select id, payload from outbox where channel = ? and id > ? order by id limit 1",
            (channel.id, last),
        ).fetchone()
        if row is None:
            return
        last = row["id"]
        yield Message(id=last, payload=json.loads(row["payload"]))


def count_messages(connection: sqlite3.Connection, channel: Channel) -> int:
    """Return how much has still to be told to a channel."""
    (count,) = connection.execute("select count(*) from outbox where channel = ?", (channel.id,)).fetchone()
    return int(count)


def note_delivered(connection: sqlite3.Connection, message: Message) -> None:
    """Take out what has arrived."""
    write(connection, lambda c: c.execute("delete from outbox where id = ?", (message.id,)))


def note_failed(connection: sqlite3.Connection, message: Message, error: str, *, now: str) -> None:
    """Note why a delivery failed; it is tried again in a later run."""
    values = (now, error[:500], message.id)
    write(
        connection,
        lambda c: c.execute(
            "update outbox set tries = tries + 1, tried_at = ?, error = ? where id = ?", values
        ),
    )


def forget_channel(connection: sqlite3.Connection, label: str) -> int:
    """Give up what was not delivered to the channels of a label; return how many messages that were."""
    return write(connection, lambda c: c.execute("delete from outbox where label = ?", (label,)).rowcount)


def read_backlog(connection: sqlite3.Connection) -> list[dict[str, Any]]:
    """Return a row for each channel that has not been told everything, the longest waiting first."""
    rows = connection.execute(
        """select label, count(*) as waiting, sum(tries > 0) as failed, min(created_at) as oldest,
            max(tried_at) as tried_at, max(error) as error
        from outbox group by channel order by oldest"""
    )
    return [dict(row) for row in rows]
