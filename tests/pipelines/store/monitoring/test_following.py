"""Databases of earlier releases: what they hold is history, and what waited in them still waits."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from policy_archive.crawler.core.records import Channel
from policy_archive.crawler.core.vocabularies import SiteOutcome
from policy_archive.pipelines.store.monitoring import outbox
from policy_archive.pipelines.store.writer import Store
from tests.support.synthetic import PRIVACY, store_texts

CHANNEL = Channel(kind="url", target="https://hooks.example.org/x", since=date(2000, 1, 1))
_AS_BEFORE = """
drop table outbox; drop table told;
alter table sites drop column news_after; alter table documents drop column news_after;
create table outbox (id integer primary key autoincrement, channel text not null, label text not null,
    news_id integer not null references news(id), payload text not null, created_at text not null,
    tries integer not null default 0, tried_at text, error text) strict;
create index outbox_channel on outbox(channel, id);
delete from _sqlite_migrations where name = 'm010_alerts';
"""


def test_an_older_database_opens_and_its_messages_are_told(tmp_path: Path) -> None:
    with Store.open(tmp_path / "old.db") as store:
        store_texts(store, [("20180101", "One.\n"), ("20190101", "Two.\n")])
        store.set_site_outcome(PRIVACY.site, SiteOutcome.FOUND)
        store.connection.executescript(_AS_BEFORE)
        for news_id, stamp in ((1, "20180101000000"), (2, "20190101000000")):
            store.connection.execute(
                """insert into outbox (channel, label, news_id, payload, created_at, tries, error)
                values (?, ?, ?, json_object('timestamp', ?), '2026-01-01T00:00:00Z', 1, 'answered 500')""",
                (CHANNEL.id, CHANNEL.label, news_id, stamp),
            )
        store.connection.commit()
    with Store.open(tmp_path / "old.db") as store:
        (message,) = outbox.list_messages(store.connection, CHANNEL)
        assert [row["version"] for row in outbox.list_versions(store.connection, message)] == [1, 2]
        (backlog,) = outbox.read_backlog(store.connection)
        assert (backlog["waiting"], backlog["failed"], backlog["error"]) == (1, 1, "answered 500")
        (after,) = store.connection.execute("select news_after from documents").fetchone()
        assert after == "20190101000000"
        (since,) = store.connection.execute("select news_after from sites").fetchone()
        assert len(since) == 14 and since.isdecimal()
