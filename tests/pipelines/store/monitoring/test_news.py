"""What is news: each version once, however often it is folded, and never what an extractor made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from policy_archive.crawler.core.records import Channel, Document, Kind
from policy_archive.crawler.core.timestamps import format_timestamp, utc_now
from policy_archive.crawler.core.vocabularies import SiteOutcome
from policy_archive.pipelines.store.monitoring import outbox
from policy_archive.pipelines.store.monitoring.news import (
    NewsFilter,
    count_history,
    last_look,
    list_news,
    newest_news,
    note_look,
)
from policy_archive.pipelines.store.writer import Store
from tests.support.synthetic import PRIVACY, make_capture, make_reading, make_row, store_texts

COMMAND = Channel(kind="command", target="/opt/bin/tell me --token=secret", since=date(2000, 1, 1))
URL = Channel(kind="url", target="https://hooks.example.org/T0/secret", since=date(2000, 1, 1))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "policies.db") as opened:
        yield opened


def versions(store: Store, **wanted: object) -> list[tuple[int, str]]:
    news = list_news(store.connection, NewsFilter(**wanted))  # type: ignore[arg-type]
    return [(row["version"], row["timestamp"][:8]) for row in news]


def waiting(store: Store, channel: Channel) -> list[int]:
    """Return the versions that a channel has still to be told of."""
    found = outbox.list_messages(store.connection, channel)
    return [row["version"] for message in found for row in outbox.list_versions(store.connection, message)]


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


def test_news_of_a_run_waits_for_each_channel_as_one_message_a_document(store: Store) -> None:
    store_texts(store, [("20180101", "One.\n")])
    store.channels = (COMMAND, URL)
    store.start_run("update")
    store_texts(store, [("20190101", "Two.\n")])
    store_texts(store, [("20200101", "Three.\n")])
    other = Document(site="other.example", kind=Kind.TERMS)
    store_texts(store, [("20200101", "Terms.\n")], document=other)
    assert waiting(store, COMMAND) == waiting(store, URL) == [2, 3, 1]
    first, second = outbox.list_messages(store.connection, URL)
    assert (len(first.news_ids), len(second.news_ids)) == (2, 1)
    outbox.note_failed(store.connection, first, "answered 500", now="2026-01-01T00:00:00Z")
    told = outbox.list_messages(store.connection, COMMAND)
    assert [one.id for one in told] == [first.id, second.id]
    outbox.note_delivered(store.connection, told[0], now="2026-01-01T00:00:00Z")
    assert waiting(store, COMMAND) == [1]
    backlog = {row["label"]: (row["waiting"], row["failed"]) for row in outbox.read_backlog(store.connection)}
    assert backlog == {"command tell": (1, 0), "url hooks.example.org": (2, 1)}
    assert outbox.forget_channel(store.connection, "url hooks.example.org") == 2
    assert waiting(store, URL) == []


def test_another_run_tells_in_another_message(store: Store) -> None:
    store.channels = (URL,)
    for timestamp, text in (("20180101", "One.\n"), ("20190101", "Two.\n")):
        store.start_run("update")
        store_texts(store, [(timestamp, text)])
    first, second = outbox.list_messages(store.connection, URL)
    assert first.id != second.id


def test_no_secret_of_a_channel_is_written_into_the_database(store: Store) -> None:
    store.channels = (COMMAND, URL)
    store_texts(store, [("20180101", "One.\n")])
    assert "secret" not in "\n".join(store.connection.iterdump())


NEW = Channel(kind="url", target="https://hooks.example.org/new")
FETCHED = "20200301000000"


def follow(store: Store) -> None:
    """Let the site have been fetched whole; its newest capture was of 2020-03-01."""
    store_texts(store, [("20180101", "One.\n"), ("20190101", "Two.\n"), (FETCHED, "Two.\n")])
    store.set_site_outcome(PRIVACY.site, SiteOutcome.FOUND)


def test_a_channel_begins_at_the_first_whole_fetch(store: Store) -> None:
    store.channels = (NEW,)
    store_texts(store, [("20180101", "One.\n")])
    store.set_site_outcome(PRIVACY.site, SiteOutcome.ARCHIVE_ERROR)
    store_texts(store, [("20190101", "Two.\n")])
    store.set_site_outcome(PRIVACY.site, SiteOutcome.FOUND)
    store_texts(store, [("20180601", "Between.\n")])
    assert waiting(store, NEW) == []
    today = format_timestamp(utc_now())
    store_texts(store, [(today, "New.\n")])
    store.set_site_outcome(PRIVACY.site, SiteOutcome.FOUND)
    assert waiting(store, NEW) == [4]
    assert count_history(store.connection, NewsFilter()) == 3
    assert [row["version"] for row in list_news(store.connection, NewsFilter(new_only=True))] == [4]


def test_what_the_index_learnt_late_is_news_and_what_is_much_older_is_history(store: Store) -> None:
    follow(store)
    store.channels = (NEW,)
    late, old = utc_now() - timedelta(days=20), utc_now() - timedelta(days=200)
    store_texts(store, [(format_timestamp(late), "Late.\n")])
    store_texts(store, [(format_timestamp(old), "Old.\n")])
    (message,) = outbox.list_messages(store.connection, NEW)
    (row,) = outbox.list_versions(store.connection, message)
    assert row["timestamp"] == format_timestamp(late)


def test_a_document_that_is_found_later_is_history_but_for_what_it_says_since(store: Store) -> None:
    follow(store)
    store.channels = (NEW,)
    terms = Document(site=PRIVACY.site, kind=Kind.TERMS)
    tomorrow = format_timestamp(utc_now() + timedelta(days=1))
    store_texts(store, [("20150101", "One.\n"), (tomorrow, "Two.\n")], document=terms)
    assert waiting(store, NEW) == [2]


def test_who_asks_for_a_day_is_told_what_is_known_already_and_each_once(store: Store) -> None:
    follow(store)
    since = replace(NEW, since=date(2018, 6, 1))
    assert outbox.catch_up(store.connection, NEW, now="2026-01-01T00:00:00Z") == 0
    assert outbox.catch_up(store.connection, since, now="2026-01-01T00:00:00Z") == 1
    assert outbox.catch_up(store.connection, since, now="2026-01-01T00:00:00Z") == 0
    (message,) = outbox.list_messages(store.connection, since)
    outbox.note_delivered(store.connection, message, now="2026-01-01T00:00:00Z")
    earlier = replace(NEW, since=date(2017, 1, 1))
    assert outbox.catch_up(store.connection, earlier, now="2026-01-01T00:00:00Z") == 1
    assert waiting(store, earlier) == [1]


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
