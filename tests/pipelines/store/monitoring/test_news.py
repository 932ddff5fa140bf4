"""What is news: each version once, however often it is folded, and never what an extractor made."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from policy_archive.crawler.core.records import Channel, Document, Kind
from policy_archive.pipelines.store.monitoring import outbox
from policy_archive.pipelines.store.monitoring.news import (
    NewsFilter,
    last_look,
    list_news,
    newest_news,
    note_look,
)
from policy_archive.pipelines.store.writer import Store
from tests.support.synthetic import PRIVACY, make_capture, make_reading, make_row, store_texts

COMMAND = Channel(kind="command", target="/opt/bin/tell me --token=secret")
URL = Channel(kind="url", target="https://hooks.example.org/T0/secret")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "policies.db") as opened:
        yield opened


def versions(store: Store, **wanted: object) -> list[tuple[int, str]]:
    news = list_news(store.connection, NewsFilter(**wanted))  # type: ignore[arg-type]
    return [(row["version"], row["timestamp"][:8]) for row in news]


def waiting(store: Store, channel: Channel) -> list[int]:
    return [message.payload["version"] for message in outbox.iter_messages(store.connection, channel)]


def test_each_version_is_news_once(store: Store) -> None:
    store_texts(store, [("20180101", "One.\n"), ("20190101", "Two.\n")])
    newest = newest_news(store.connection)
    store.fold_versions(PRIVACY)
    assert newest_news(store.connection) == newest == 2
    store_texts(store, [("20200101", "Three.\n")])
    assert versions(store, after_id=newest) == [(3, "20200101")]
    assert versions(store) == [(3, "20200101"), (2, "20190101"), (1, "20180101")]


def test_a_text_that_comes_back_is_news(store: Store) -> None:
    store_texts(store, [("20180101", "One.\n"), ("20190101", "Two.\n")])
    store_texts(store, [("20200101", "One.\n")])
    assert versions(store, after_id=2) == [(3, "20200101")]
    (news,) = list_news(store.connection, NewsFilter(after_id=2))
    assert news["returns_to"] == 1


def test_a_version_that_is_dated_more_narrowly_or_numbered_anew_is_not_news_again(store: Store) -> None:
    store_texts(store, [("20180101", "One.\n"), ("20190601", "Two.\n")])
    store_texts(store, [("20190101", "Two.\n"), ("20170101", "Zero.\n")])
    assert versions(store, after_id=2) == [(1, "20170101")]
    assert versions(store) == [(3, "20190101"), (2, "20180101"), (1, "20170101")]


def test_what_another_extractor_makes_of_the_same_pages_is_not_news(store: Store) -> None:
    store.channels = (COMMAND,)
    store_texts(store, [("20180101", "One.\n"), ("20190101", "Two.\n")])
    newest = newest_news(store.connection)
    for timestamp, text in (("20180101", "ONE.\n"), ("20190101", "TWO.\n")):
        store.record_reading(PRIVACY, make_row(timestamp), make_reading(text))
    store.fold_versions(PRIVACY, of_site=False)
    store.fold_versions(PRIVACY)
    assert versions(store, after_id=newest) == []
    assert len(waiting(store, COMMAND)) == 2
    store_texts(store, [("20200101", "Three.\n")])
    assert versions(store, after_id=newest) == [(3, "20200101")]


def test_news_is_chosen_by_site_day_and_run(store: Store) -> None:
    store_texts(store, [("20180101", "One.\n"), ("20190101", "Two.\n")])
    run = store.start_run("update")
    other = Document(site="other.example", kind=Kind.TERMS)
    store_texts(store, [("20200101", "Terms.\n")], document=other)
    assert versions(store, site="other.example") == [(1, "20200101")]
    assert versions(store, run_id=run) == [(1, "20200101")]
    assert versions(store, captured_since=date(2019, 1, 1)) == [(1, "20200101"), (2, "20190101")]
    assert versions(store, captured_since=date(2019, 1, 2)) == [(1, "20200101")]


def test_looks_at_a_site_and_at_all_are_kept_apart(store: Store) -> None:
    note_look(store.connection, "x.example", 3, now="2026-01-01T00:00:00Z")
    note_look(store.connection, None, 5, now="2026-01-01T00:00:00Z")
    note_look(store.connection, "x.example", 4, now="2026-01-01T00:00:00Z")
    looks = [last_look(store.connection, site) for site in ("x.example", None, "y.example")]
    assert looks == [4, 5, 0]


def test_news_waits_for_each_channel_of_the_run(store: Store) -> None:
    store_texts(store, [("20180101", "One.\n")])
    store.channels = (COMMAND, URL)
    store_texts(store, [("20190101", "Two.\n"), ("20200101", "Three.\n")])
    assert waiting(store, COMMAND) == waiting(store, URL) == [2, 3]
    message = next(outbox.iter_messages(store.connection, URL))
    outbox.note_failed(store.connection, message, "answered 500", now="2026-01-01T00:00:00Z")
    outbox.note_delivered(store.connection, next(outbox.iter_messages(store.connection, COMMAND)))
    assert waiting(store, COMMAND) == [3]
    backlog = {row["label"]: (row["waiting"], row["failed"]) for row in outbox.read_backlog(store.connection)}
    assert backlog == {"command tell": (1, 0), "url hooks.example.org": (2, 1)}
    assert outbox.forget_channel(store.connection, "url hooks.example.org") == 2
    assert waiting(store, URL) == []


def test_no_secret_of_a_channel_is_written_into_the_database(store: Store) -> None:
    store.channels = (COMMAND, URL)
    store_texts(store, [("20180101", "One.\n")])
    assert "secret" not in "\n".join(store.connection.iterdump())


def test_a_message_says_all_that_is_known_of_a_version(store: Store) -> None:
    store.channels = (URL,)
    store_texts(store, [("20180101", "One.\n"), ("20190101", "Two.\n")])
    payload = list(outbox.iter_messages(store.connection, URL))[1].payload
    assert payload["event"] == "new-version"
    assert (payload["site"], payload["version"]) == ("intently.example", 2)
    assert payload["changed_after"] == "2018-01-01T00:00:00Z"
    assert payload["change"]["words_added"] == payload["words_added"] == 1
    assert json.loads(json.dumps(payload)) == payload


def test_a_transaction_that_fails_leaves_neither_version_nor_message(store: Store) -> None:
    store.channels = (URL,)
    store.connection.execute(
        "create trigger broken before insert on outbox begin select raise(abort, 'broken'); end"
    )
    row = make_row("20180101")
    store.add_document(PRIVACY)
    store.add_rows(PRIVACY, [row])
    store.record_capture(make_capture(row), make_reading("One.\n"))
    with pytest.raises(Exception, match="broken"):
        store.fold_versions(PRIVACY)
    store.connection.execute("drop trigger broken")
    assert newest_news(store.connection) == 0
    assert store.connection.execute("select count(*) from versions").fetchone()[0] == 0
    assert store.fold_versions(PRIVACY) == 1
    assert waiting(store, URL) == [1]
