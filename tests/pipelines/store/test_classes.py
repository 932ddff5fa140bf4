"""Classes of changes in a corpus: the same in any order, told once, passed over and counted."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import date
from itertools import permutations
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from policy_archive.cli import policy_archive
from policy_archive.crawler.core.records import OUTSIDE_ROOT, CdxRow, Channel, Reading
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


def read_capture(timestamp: str, tail: str, *, known: bool = True) -> tuple[CdxRow, Reading]:
    """Return a row, and a reading of which the places of its lines are known or not."""
    reading = make_reading(CORE + tail)
    assert reading.extraction
    places = (0,) * CORE.count("\n") + (OUTSIDE_ROOT,) * tail.count("\n")
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
    connection.execute("drop view policy_versions")
    connection.execute("alter table versions drop column class")
    connection.execute("alter table extractions drop column line_places")
    connection.execute(view.replace(",\n    versions.class as class", ""))
    connection.execute("delete from _sqlite_migrations where name = 'm006_classes'")
    connection.commit()
