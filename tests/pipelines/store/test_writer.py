"""The writer: everything of a capture or nothing, and the same twice."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlite_utils import Database

from policy_archive.crawler.core.records import (
    Document,
    Kind,
    Outcome,
    PolicyLink,
    Reading,
    RowDecision,
    RowState,
)
from policy_archive.pipelines.store.schema import migrations
from policy_archive.pipelines.store.writer import Store
from tests.support.synthetic import PRIVACY, make_capture, make_reading, make_row, store_texts


@pytest.fixture
def store(tmp_path: Path):
    with Store.open(tmp_path / "policies.db") as opened:
        opened.add_document(PRIVACY)
        yield opened


def dump(store: Store) -> list[str]:
    return list(store.connection.iterdump())


def test_a_capture_is_stored_with_body_text_search_entry_extraction_and_links(store: Store) -> None:
    row = make_row("20180101")
    link = PolicyLink(
        url="https://x.example/terms",
        kind=Kind.TERMS,
        label="Terms",
        place="a",
        language="en",
        confidence=0.9,
    )
    assert store.record_capture(make_capture(row), make_reading("We share nothing.\n", links=(link,)))
    query = (
        "select t.content from texts_search s join texts t on t.id = s.rowid where texts_search match 'share'"
    )
    assert [text for (text,) in store.connection.execute(query)] == ["We share nothing.\n"]
    (known,) = store.known_captures(PRIVACY)
    assert (known.row, known.outcome) == (row, Outcome.TEXT)
    assert store.links_of(PRIVACY) == [(row, link)]
    assert store.connection.execute("select bytes from bodies").fetchone()["bytes"] == len(
        make_capture(row).body
    )


def make_link(path: str, confidence: float = 0.9) -> PolicyLink:
    return PolicyLink(
        url=f"https://x.example/{path}",
        kind=Kind.TERMS,
        label="Terms",
        place="a",
        language=None,
        confidence=confidence,
    )


def test_the_links_of_captures_that_have_the_same_are_stored_once_in_their_order(store: Store) -> None:
    both, turned = (make_link("b"), make_link("a")), (make_link("a"), make_link("b"))
    found = [both, both, turned, (), both]
    for number, links in enumerate(found, 1):
        store.record_capture(
            make_capture(make_row(f"2018010{number}"), body=b"%d" % number),
            make_reading(f"{number}.\n", links=links),
        )
    rows = [(row.timestamp[:8], link) for row, link in store.links_of(PRIVACY)]
    assert rows == [(f"2018010{number}", link) for number, links in enumerate(found, 1) for link in links]
    counts = "select (select count(*) from link_sets), (select count(*) from links)"
    assert tuple(store.connection.execute(counts).fetchone()) == (4, 8)


def test_links_of_an_older_database_are_made_sets_and_the_view_gives_what_the_table_gave(
    tmp_path: Path,
) -> None:
    path = tmp_path / "old.db"
    database = Database(path)
    migrations.apply(database, stop_before="m014_link_sets")
    database.execute("insert into sites (site) values ('x.example')")
    database.execute("insert into documents (id, site, kind) values ('d', 'x.example', 'privacy')")
    for number, paths in enumerate(["b a", "b a", "a b", "", "c"]):
        database.execute(
            """insert into captures
            (id, document_id, urlkey, timestamp, original, mimetype, statuscode, digest)
            values (?, 'd', 'k', ?, 'https://x.example/', 'text/html', '200', '-')""",
            (f"c{number}", f"2018010100000{number}"),
        )
        for name in paths.split():
            database.execute(
                "insert into links values (?, ?, 'terms', 'Terms', 'a', null, 0.9)", (f"c{number}", name)
            )
    before = database.execute("select * from links order by capture_id, url").fetchall()
    migrations.apply(database)
    assert database.execute("select * from links order by capture_id, url").fetchall() == before
    assert database.execute("select count(*), count(distinct link_set) from link_sets").fetchone() == (5, 3)
    ordered = """select url from captures join link_sets using (link_set) where id = ? order by position"""
    assert [url for (url,) in database.execute(ordered, ("c0",))] == ["b", "a"]
    assert [url for (url,) in database.execute(ordered, ("c2",))] == ["a", "b"]
    database.close()


def test_a_capture_delivered_twice_changes_nothing(store: Store) -> None:
    capture = make_capture(make_row("20180101"))
    store.record_capture(capture, make_reading("One.\n"))
    before = dump(store)
    assert store.record_capture(capture, make_reading("Two.\n")) is False
    assert dump(store) == before


def test_equal_bodies_and_texts_are_stored_once(store: Store) -> None:
    for timestamp in ("20180101", "20180202"):
        store.record_capture(make_capture(make_row(timestamp), body=b"<p>same"), make_reading("Same.\n"))
    counts = store.connection.execute("select (select count(*) from bodies), (select count(*) from texts)")
    assert tuple(counts.fetchone()) == (1, 1)


def test_rows_are_added_once_and_come_back_in_order_of_time(store: Store) -> None:
    rows = [make_row("20190101"), make_row("20180101")]
    assert store.add_rows(PRIVACY, rows) == 2
    assert store.add_rows(PRIVACY, rows) == 0
    assert [known.row.timestamp[:4] for known in store.known_captures(PRIVACY)] == ["2018", "2019"]


def test_a_failed_capture_is_asked_again_and_a_final_one_is_not(store: Store) -> None:
    failed, gone = make_row("20180101"), make_row("20190101")
    store.record_capture(make_capture(failed, outcome=Outcome.ARCHIVE_ERROR, reason="503 three times"))
    store.record_capture(make_capture(gone, outcome=Outcome.NOT_ARCHIVED))
    assert store.reopen_failed(PRIVACY) == 1
    assert [known.outcome for known in store.known_captures(PRIVACY)] == [None, Outcome.NOT_ARCHIVED]
    assert store.record_capture(make_capture(failed), make_reading("Here now.\n"))
    tries = store.connection.execute("select tries, requests from captures order by timestamp").fetchone()
    assert tuple(tries) == (2, 2)


def test_decisions_are_kept_for_rows_that_are_not_fetched_and_leave_the_others_alone(store: Store) -> None:
    first, second = make_row("20180101", digest="D" * 32), make_row("20180201", digest="D" * 32)
    store.add_rows(PRIVACY, [first, second])
    store.record_capture(make_capture(first), make_reading("Text.\n"))
    decisions = {
        first: RowDecision(state=RowState.UNPLANNED, reason="must not be stored"),
        second: RowDecision(state=RowState.SAME_DIGEST, same_as=first),
    }
    assert store.record_decisions(PRIVACY, decisions) == 1
    assert store.record_decisions(PRIVACY, decisions) == 0
    states = [
        tuple(row)
        for row in store.connection.execute("select state, outcome from captures order by timestamp")
    ]
    assert states == [("fetched", "text"), ("same-digest", None)]
    assert list(store.iter_conservation_faults()) == []


def test_folding_twice_changes_nothing_and_the_view_holds_the_versions(store: Store) -> None:
    texts = [("20180101", "Old words.\n"), ("20180601", "New words.\n"), ("20190101", "Old words.\n")]
    store_texts(store, texts)
    before = dump(store)
    assert store.fold_versions(PRIVACY) == 3
    assert dump(store) == before
    rows = store.connection.execute(
        "select version, first_captured, changed_after, text, returns_to, words_added, verified "
        "from policy_versions"
    )
    assert [tuple(row) for row in rows] == [
        (1, "2018-01-01T00:00:00Z", None, "Old words.\n", None, None, 1),
        (2, "2018-06-01T00:00:00Z", "2018-01-01T00:00:00Z", "New words.\n", None, 1, 1),
        (3, "2019-01-01T00:00:00Z", "2018-06-01T00:00:00Z", "Old words.\n", 1, 1, 1),
    ]


def test_a_version_whose_first_row_was_proven_by_digest_is_dated_by_it_and_read_from_the_fetched_one(
    store: Store,
) -> None:
    early, late = make_row("20180101", digest="D" * 32), make_row("20180301", digest="D" * 32)
    store.add_rows(PRIVACY, [early, late])
    store.record_capture(make_capture(late), make_reading("Text.\n"))
    store.record_decisions(PRIVACY, {early: RowDecision(state=RowState.SAME_DIGEST, same_as=late)})
    store.fold_versions(PRIVACY)
    (row,) = store.connection.execute(
        "select timestamp, captures, replay_url, text from policy_versions"
    ).fetchall()
    assert (row["timestamp"], row["captures"], row["text"]) == ("20180101000000", 2, "Text.\n")
    assert "20180301" in row["replay_url"]


def test_a_new_reading_of_a_stored_body_replaces_the_old_one(store: Store) -> None:
    row = make_row("20180101")
    store.record_capture(make_capture(row), make_reading("Old reading.\n"))
    store.record_reading(PRIVACY, row, make_reading("Better reading.\n"))
    store.fold_versions(PRIVACY)
    assert [text for (text,) in store.connection.execute("select text from policy_versions")] == [
        "Better reading.\n"
    ]
    assert list(store.iter_conservation_faults()) == []


def test_a_bracket_may_end_at_a_row_that_a_digest_proves(store: Store) -> None:
    rows = [
        make_row("20180101", digest="D" * 32),
        make_row("20180201"),
        make_row("20180301", digest="D" * 32),
    ]
    first, between, last = rows
    store.add_rows(PRIVACY, rows)
    store.record_capture(make_capture(first), make_reading("Text.\n"))
    decisions = {
        between: RowDecision(state=RowState.BRACKETED, bracket=(first, last)),
        last: RowDecision(state=RowState.SAME_DIGEST, same_as=first),
    }
    store.record_decisions(PRIVACY, decisions)
    store.fold_versions(PRIVACY)
    assert list(store.iter_conservation_faults()) == []
    assert store.connection.execute("select captures from policy_versions").fetchone()["captures"] == 3
    store.record_capture(make_capture(between), make_reading("Another text.\n"))
    assert store.fold_versions(PRIVACY) == 3


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        ("update captures set state = 'pending', outcome = null", "pending"),
        ("update captures set state = 'narrow'", "outcome-without-fetch"),
        ("update captures set outcome = null", "fetch-without-outcome"),
        ("update captures set state = 'lost', outcome = null", "unknown-state"),
        ("update captures set outcome = 'maybe'", "unknown-outcome"),
        ("update extractions set current = 0", "text-without-extraction"),
        ("update captures set body_digest = null", "text-without-body"),
        ("update texts set words = 0", "empty-text"),
        ("delete from texts_search_docsize", "text-without-search"),
        ("update captures set outcome = 'foreign'", "version-without-text"),
        ("update captures set state = 'same-digest', outcome = null", "same-digest-unproven"),
        ("update captures set state = 'bracketed', outcome = null", "bracket-unproven"),
    ],
)
def test_every_fault_in_the_books_is_found_by_name(store: Store, damage: str, fault: str) -> None:
    store_texts(store, [("20180101", "Text.\n")])
    assert list(store.iter_conservation_faults()) == []
    store.connection.execute(damage)
    assert fault in {found.fault for found in store.iter_conservation_faults()}


def test_a_run_is_noted_with_its_captures(store: Store) -> None:
    run = store.start_run("fetch", {"site": "intently.example"})
    store.record_capture(
        make_capture(make_row("20180101")), Reading(outcome=Outcome.NOT_A_POLICY, reason="parked")
    )
    store.finish_run(run, "done", index_requests=1, replay_requests=1)
    row = store.connection.execute(
        "select status, index_requests, run_id from runs join captures on run_id = runs.id"
    )
    assert tuple(row.fetchone()) == ("done", 1, run)


def test_a_foreign_key_that_does_not_exist_is_refused(store: Store) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        store.connection.execute(
            "insert into addresses (document_id, urlkey, url, source) values ('x','x','x','x')"
        )


def test_the_home_page_nearest_in_time_is_found(store: Store) -> None:
    site, url = PRIVACY.site, "https://intently.example/"
    home = Document(site=site, kind=Kind.HOME)
    assert store.home_near(site, "20180101000000") is None
    rows = [make_row(day, original=url) for day in ("20171115", "20180210", "20190101")]
    store.add_document(home)
    store.add_rows(home, rows)
    for row in rows:
        captured = make_capture(row, document=home, body=row.timestamp.encode())
        store.record_capture(captured, Reading(outcome=Outcome.HOME))
    asked = ("20010101000000", "20171231000000", "20180101000000", "20180201000000", "20260101000000")
    found = [store.home_near(site, timestamp) for timestamp in asked]
    assert [one and one.body[:8] for one in found] == [
        b"20171115", b"20180210", b"20180210", b"20180210", b"20190101",
    ]  # fmt: skip
