"""Classes of changes in a corpus: the same in any order, told once, passed over and counted."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import replace
from datetime import date
from itertools import permutations
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from policy_archive.cli import policy_archive
from policy_archive.crawler.core.records import (
    OUTSIDE_ROOT,
    CdxRow,
    Channel,
    Document,
    Kind,
    Outcome,
    Reading,
)
from policy_archive.pipelines.reading.read import read_body
from policy_archive.pipelines.store.captures import parse_places, write_places
from policy_archive.pipelines.store.monitoring.news import NewsFilter, count_passed_over, list_news
from policy_archive.pipelines.store.versions import build_versions, read_versions
from policy_archive.pipelines.store.writer import Store
from tests.support.synthetic import PRIVACY, make_capture, make_reading, make_row

SENTENCE = "We collect your name and your address when you order, and keep both while the law asks us to."
CORE = "".join(f"{SENTENCE} Point {word}.\n\n" for word in ("one", "two", "three", "four", "five", "six"))
CHANNEL = Channel(kind="command", target="true", since=date(2000, 1, 1))
HISTORY = [
    ("20180101", "Join us\n"),
    ("20180601", "\n"),
    ("20190101", "Join us\n"),
    ("20190601", "Join us\n\nWe sell your data to everybody who pays for it and to some who do not.\n"),
    ("20200101", "Join us\n"),
]


def read_capture(
    timestamp: str, tail: str, *, known: bool = True, core: str = CORE
) -> tuple[CdxRow, Reading]:
    """Return a row, and a reading of which the places of its lines are known or not."""
    reading = make_reading(core + tail)
    assert reading.extraction
    places = (0,) * core.count("\n") + (OUTSIDE_ROOT,) * tail.count("\n")
    extraction = replace(reading.extraction, line_places=places if known else ())
    return make_row(timestamp), replace(reading, extraction=extraction)


def store_capture(store: Store, timestamp: str, tail: str, *, known: bool = True) -> None:
    row, reading = read_capture(timestamp, tail, known=known)
    store.add_rows(PRIVACY, [row])
    store.record_capture(make_capture(row), reading)


def classes(store: Store) -> list[str | None]:
    rows = store.connection.execute("select class from policy_versions order by version")
    return [row["class"] for row in rows]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store.open(tmp_path / "policies.db")
    store.add_document(PRIVACY)
    return store


def test_captures_in_every_order_give_the_same_classes_and_each_is_told_at_most_once(tmp_path: Path) -> None:
    for number, order in enumerate(permutations(HISTORY)):
        if number % 6:
            continue
        with Store.open(tmp_path / f"{number}.db") as store:
            store.add_document(PRIVACY)
            store.channels = (CHANNEL,)
            for timestamp, tail in order:
                store_capture(store, timestamp, tail)
                store.fold_versions(PRIVACY)
            assert classes(store) == [None, "page", "page", "substantive", "substantive"]
            told = store.connection.execute(
                "select news_id, count(*) from outbox group by news_id"
            ).fetchall()
            assert all(count == 1 for _, count in told)
            assert len(told) <= len(HISTORY)
            assert read_versions(store.connection, PRIVACY) == build_versions(
                store.connection, PRIVACY, compare_afresh=True
            )


def test_in_order_of_time_a_change_of_the_page_is_no_message_and_no_news(store: Store) -> None:
    store.channels = (CHANNEL,)
    for timestamp, tail in HISTORY:
        store_capture(store, timestamp, tail)
    run = store.start_run("test")
    store.fold_versions(PRIVACY)
    assert store.connection.execute("select count(*) from outbox").fetchone()[0] == 3
    assert [news["version"] for news in list_news(store.connection, NewsFilter())] == [5, 4, 1]
    assert count_passed_over(store.connection, NewsFilter(run_id=run)) == 2
    assert store.count_news(run) == 3
    assert store.count_news(run) + store.count_news_passed_over(run) == len(
        list(store.connection.execute("select 1 from news where run_id = ?", (run,)))
    )
    assert len(list_news(store.connection, NewsFilter(everything=True))) == 5


def test_where_places_are_not_known_nothing_is_hidden(store: Store) -> None:
    for timestamp, tail in HISTORY:
        store_capture(store, timestamp, tail, known=False)
    store.fold_versions(PRIVACY)
    assert not {"page", "layout", "variant"} & set(classes(store))
    (cell,) = store.connection.execute("select distinct line_places from extractions").fetchone()
    assert cell is None


def test_places_that_become_known_judge_anew_where_the_text_is_the_same(store: Store) -> None:
    for timestamp, tail in HISTORY:
        store_capture(store, timestamp, tail, known=False)
    store.fold_versions(PRIVACY)
    assert classes(store) == [None, "small", "small", "substantive", "substantive"]
    for timestamp, tail in HISTORY:
        row, reading = read_capture(timestamp, tail)
        store.record_reading(PRIVACY, row, reading)
    store.fold_versions(PRIVACY, of_site=False)
    assert classes(store) == [None, "page", "page", "substantive", "substantive"]


TERMS = Document(site=PRIVACY.site, kind=Kind.TERMS)
HOME = Document(site=PRIVACY.site, kind=Kind.HOME)
STEPS = [
    (PRIVACY, "20180101", ""),
    (PRIVACY, "20190101", "Join our club today\n"),
    (PRIVACY, "20200101", "Join our club today\n\nAsk us\n"),
    (TERMS, "20200201", "Ask us\n"),
    (TERMS, "20210201", "Ask us\n\nWe may end your account.\n"),
    (HOME, "20190301", "Join our club today\n"),
]
JUDGED = {PRIVACY: [None, "page", "page"], TERMS: [None, "substantive"]}


def store_step(store: Store, document: Document, timestamp: str, tail: str) -> None:
    core = CORE if document is PRIVACY else CORE.replace("We collect", "You give us")
    row, reading = read_capture(timestamp, tail, core=core)
    if document is HOME:
        reading = Reading(outcome=Outcome.HOME, lines=tuple(tail.split("\n")))
    store.add_rows(document, [row])
    store.record_capture(make_capture(row, document=document), reading)


def classes_of_site(store: Store) -> dict[Document, list[str | None]]:
    return {
        document: [row[-1] for row in read_versions(store.connection, document)]
        for document in (PRIVACY, TERMS)
    }


def fold_site(store: Store, *documents: Document) -> None:
    asyncio.run(store.fold_site(PRIVACY.site, documents))


def test_pages_of_a_site_in_any_order_give_the_same_classes_and_each_is_told_at_most_once(
    tmp_path: Path,
) -> None:
    """A site is crawled again and again, each time one page more is there: what was told stays told."""
    for number, order in enumerate(permutations(STEPS)):
        if number % 90:
            continue
        with Store.open(tmp_path / f"{number}.db") as store:
            store.channels = (CHANNEL,)
            for document in (PRIVACY, TERMS, HOME):
                store.add_document(document)
            for document, timestamp, tail in order:
                store_step(store, document, timestamp, tail)
                fold_site(store, *(one for one in (document,) if one is not HOME))
            assert classes_of_site(store) == JUDGED
            told = store.connection.execute("select news_id, count(*) from outbox group by news_id")
            assert all(count == 1 for _, count in told)
            for document in JUDGED:
                afresh = build_versions(store.connection, document, compare_afresh=True)
                assert read_versions(store.connection, document) == afresh


def test_a_second_crawl_of_the_same_pages_judges_nothing_and_writes_nothing(store: Store) -> None:
    store.add_document(TERMS)
    store.add_document(HOME)
    for step in STEPS:
        store_step(store, *step)
    fold_site(store, PRIVACY, TERMS)
    assert classes_of_site(store) == JUDGED
    before = store.connection.total_changes
    fold_site(store, PRIVACY, TERMS)
    store.judge_site(PRIVACY.site)
    assert store.connection.total_changes == before


def test_what_a_page_of_the_site_shows_at_once_is_no_message(store: Store) -> None:
    store.channels = (CHANNEL,)
    store.add_document(HOME)
    store_step(store, HOME, "20190301", "Join our club today\n")
    for document, timestamp, tail in STEPS[:2]:
        store_step(store, document, timestamp, tail)
    fold_site(store, PRIVACY)
    assert store.connection.execute("select count(*) from outbox").fetchone()[0] == 1


def test_documents_that_were_folded_alone_are_judged_together(store: Store) -> None:
    store.add_document(TERMS)
    for document, timestamp, tail in STEPS[:3]:
        store_step(store, document, timestamp, tail)
    store.fold_versions(PRIVACY, of_site=False)
    assert classes_of_site(store) == {PRIVACY: [None, "small", "small"], TERMS: []}
    for document, timestamp, tail in STEPS[3:5]:
        store_step(store, document, timestamp, tail)
    store.fold_versions(TERMS, of_site=False)
    assert run(store, "verify").exit_code == 0
    store.judge_site(PRIVACY.site)
    assert classes_of_site(store) == {PRIVACY: [None, "small", "page"], TERMS: [None, "substantive"]}
    assert run(store, "verify").exit_code == 0


def test_what_a_home_page_shows_is_read_line_by_line_without_links() -> None:
    body = b"""<title>S</title><body><header><a href=x>Shop</a></header><ul><li><a href=n>Our <b>news</b></a>
        <li>Join our club today</ul><p>News &amp; more</p><p>News &amp; more</p><button>Go</button>"""
    facts = {"url": "https://intently.example/", "timestamp": "20190301000000", "content_type": "text/html"}
    reading = read_body(body, document=HOME, **facts)  # type: ignore[arg-type]
    assert reading.outcome is Outcome.HOME
    assert reading.lines == ("Shop", "  * Our **news**", "  * Join our club today", "News & more")


def test_places_are_stored_as_ranges() -> None:
    places = (0, 1, 1, 2, 0, 3)
    assert parse_places(write_places(places), len(places)) == places
    assert parse_places(write_places((0, 0)), 2) == (0, 0)
    assert parse_places(None, 2) is None


def run(store: Store, *arguments: str) -> Result:
    (database,) = (
        row["file"] for row in store.connection.execute("pragma database_list") if row["name"] == "main"
    )
    return CliRunner().invoke(policy_archive, [*arguments, "--db", database], catch_exceptions=False)


def test_history_and_changes_pass_over_the_page_and_say_how_many(store: Store) -> None:
    for timestamp, tail in HISTORY:
        store_capture(store, timestamp, tail)
    store.fold_versions(PRIVACY)
    history = run(store, "history", PRIVACY.site)
    assert [line.split()[0] for line in history.stdout.splitlines()[1:]] == ["1", "4", "5"]
    assert history.stderr == "2 changes are passed over (2 page): --all shows them.\n"
    whole = run(store, "history", PRIVACY.site, "--all")
    assert whole.stdout.count("\n") == 6
    assert "only the page around the text" in whole.stdout
    assert whole.stderr == ""
    changes = run(store, "changes")
    assert "2 changes of the page are passed over: --all shows them." in changes.stderr
    assert run(store, "changes", "--all", "--nl").stdout.count("\n") == 5
    assert "5 (2 passed over)" in run(store, "documents", PRIVACY.site).stdout


def test_a_database_of_before_gets_the_classes_that_need_no_places(store: Store) -> None:
    for n, timestamp in enumerate(("20180101", "20180601", "20190101", "20190601")):
        store_capture(store, timestamp, f"node-{n}\n", known=False)
    store.fold_versions(PRIVACY)
    undo_classes(store.connection)
    path = Path(store.connection.execute("pragma database_list").fetchone()["file"])
    store.close()
    with Store.open(path) as again:
        assert classes(again) == [None, "page", "page", "page"]


def undo_classes(connection: sqlite3.Connection) -> None:
    """Make a database what it was before the migration."""
    view = connection.execute("select sql from sqlite_master where name = 'policy_versions'").fetchone()[0]
    for schema in ("temp", "main"):  # the connection's own lies over the file's
        connection.execute(f"drop view {schema}.policy_versions")
    connection.execute("alter table versions drop column class")
    connection.execute("alter table extractions drop column line_places")
    connection.execute(view.replace(",\n    versions.class as class", ""))
    connection.execute("delete from _sqlite_migrations where name = 'm006_classes'")
    connection.commit()
