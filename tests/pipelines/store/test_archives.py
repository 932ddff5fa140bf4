"""Which archive was asked: of each capture, of what an index listed and answered; several do not mix."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlite_utils import Database

from policy_archive.archive_server.server import ArchiveServer
from policy_archive.archive_server.warc_files import find_warcs
from policy_archive.cli import policy_archive
from policy_archive.crawler.core.records import KeptAnswer, Outcome
from policy_archive.data import DATA
from policy_archive.pipelines.store.connection import open_reader
from policy_archive.pipelines.store.schema import migrations
from policy_archive.pipelines.store.writer import Store
from tests.support.synthetic import PRIVACY, URL, make_capture, make_reading, make_row, store_texts

SITE = "tidelock.example"
WAYBACK, OTHER = "https://web.archive.org", "http://127.0.0.1:8080/mine"


@pytest.fixture
def run(database: Path) -> Callable[..., Result]:
    def run_one(*words: str) -> Result:
        command = [*words, "--db", str(database)]
        result = CliRunner().invoke(policy_archive, command, standalone_mode=False)
        assert result.exception is None, result.exception
        return result

    return run_one


@pytest.fixture
def rows(database: Path) -> Callable[..., list[tuple[Any, ...]]]:
    def select(sql: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(database)) as connection:
            return connection.execute(sql).fetchall()

    return select


def fetch(run: Callable[..., Result], archive: ArchiveServer, *words: str) -> dict[str, Any]:
    limits = ("--index-rate", "0", "--replay-rate", "0", "--json")
    told = run("fetch", SITE, "--archive", archive.url, *limits, *words).stdout
    summary: dict[str, Any] = json.loads(told)
    return summary


def test_each_capture_knows_its_archive_and_what_is_printed_names_it(
    run: Callable[..., Result], rows: Callable[..., list[tuple[Any, ...]]]
) -> None:
    warcs = [warc for warc in find_warcs((DATA / "demo",)) if warc.name.startswith("tidelock")]
    with ArchiveServer(warcs) as first, ArchiveServer(warcs) as second:
        fetch(run, first, "--to", "2014")
        assert rows("select distinct archive from captures") == [(first.url,)]
        summary = fetch(run, second)
        assert summary["requests"]["index"] > 0  # what the first listed, nobody asked the second for
        mixed = rows(
            "select 1 from captures where replay_url is not null and instr(replay_url, archive || '/') != 1"
        )
        assert mixed == [] and rows("select 1 from captures where archive is null") == []
        by_archive = dict(rows("select archive, count(*) from policy_versions group by 1"))
        assert by_archive.keys() == {first.url, second.url}
        early, late = (run("show", SITE, "--at", day).stdout for day in ("2013-07-01", "2018-07-01"))
        assert f"snapshot in the archive at {first.url}]({first.url}/web/" in early
        assert f"snapshot in the archive at {second.url}]({second.url}/web/" in late
        assert first.url in run("cite", SITE, "--at", "2013-07-01").stdout
        before = rows("select id, archive, outcome, run_id from captures order by 1")
        fetch(run, first)
        fetched = {row[0]: row for row in before if row[2] is not None}
        after = {row[0]: row for row in rows("select id, archive, outcome, run_id from captures")}
        assert {key: after[key] for key in fetched} == fetched


def test_no_archive_is_asked_for_what_another_listed(
    run: Callable[..., Result], rows: Callable[..., list[tuple[Any, ...]]]
) -> None:
    warcs = find_warcs((DATA / "demo",))
    ours = [warc for warc in warcs if warc.name.startswith("tidelock")]
    with ArchiveServer(ours) as first:
        fetch(run, first, "--max-requests", "2")
    left = rows("select id, state, state_reason, archive from captures where outcome is null order by 1")
    assert left
    with ArchiveServer([warc for warc in warcs if warc not in ours]) as second:
        fetch(run, second)
        asked = [entry.path.partition("id_/")[2] for entry in second.log if entry.kind == "replay"]
        assert asked == [f"http://{SITE}/"]  # whether it has the home page, and nothing else
    ids = "select id, state, state_reason, archive from captures where outcome is null order by 1"
    assert rows(ids) == left


def test_a_row_that_two_archives_list_is_asked_of_the_one_that_listed_it_last(tmp_path: Path) -> None:
    row, fetched = make_row("20180101"), make_row("20190101")
    with Store.open(tmp_path / "a.db") as store:
        store.add_document(PRIVACY)
        store.archive = WAYBACK
        assert store.add_rows(PRIVACY, [row, fetched]) == 2
        store.record_capture(make_capture(fetched), make_reading("One.\n"))
        store.archive = OTHER
        assert [known.row for known in store.known_captures(PRIVACY)] == [fetched]
        assert store.add_rows(PRIVACY, [row, fetched]) == 0
        assert [known.row for known in store.known_captures(PRIVACY)] == [row, fetched]
        found = store.connection.execute("select timestamp, archive from captures order by 1").fetchall()
        assert [tuple(one) for one in found] == [(row.timestamp, OTHER), (fetched.timestamp, WAYBACK)]


def test_what_failed_at_one_archive_is_asked_again_of_it_alone(tmp_path: Path) -> None:
    with Store.open(tmp_path / "a.db") as store:
        store.add_document(PRIVACY)
        store.archive = WAYBACK
        store.record_capture(make_capture(make_row("20180101"), outcome=Outcome.ARCHIVE_ERROR))
        store.archive = OTHER
        assert store.reopen_failed(PRIVACY) == 0
        store.archive = WAYBACK
        assert store.reopen_failed(PRIVACY) == 1


def test_an_index_answer_and_a_listing_are_of_one_archive(tmp_path: Path) -> None:
    with Store.open(tmp_path / "a.db") as store:
        store_texts(store, [("20180101", "One.\n")])
        store.archive = WAYBACK
        store.keep_answer(PRIVACY.site, "{}", "complete", [make_row("20180101")])
        store.archive = OTHER
        assert store.recall_answer(PRIVACY.site, "{}") is None
        store.keep_answer(PRIVACY.site, "{}", "complete", [])
        assert store.recall_answer(PRIVACY.site, "{}") == KeptAnswer(state="complete", rows=())
        store.archive = WAYBACK
        kept = store.recall_answer(PRIVACY.site, "{}")
        assert kept is not None and len(kept.rows) == 1


# Databases of before


def old_database(path: Path, *, replays: list[tuple[str, str | None]], run_archive: str | None) -> None:
    """Make a corpus as it was before captures knew their archive.

    `replays`: of each capture, in order of time, the document (its site) and the archive that it was
    fetched from; None: it is an index row that nobody fetched.
    """
    database = Database(path)
    migrations.apply(database, stop_before="m011_archives")
    connection = database.conn
    connection.execute(
        "insert into runs (command, arguments, started_at) values ('fetch', ?, '2026-01-01')",
        (json.dumps({"archive": run_archive} if run_archive else {}),),
    )
    for number, (site, archive) in enumerate(replays):
        timestamp = f"2018010100{number:04}"
        connection.execute("insert or ignore into sites (site) values (?)", (site,))
        connection.execute(
            "insert or ignore into documents (id, site, kind) values (?, ?, 'privacy')", (site, site)
        )
        connection.execute(
            """insert or ignore into addresses (document_id, urlkey, url, source, listed_from, listed_to,
            listed_at) values (?, 'k', ?, 'given', '19960101000000', '20260101235959', '2026-01-01')""",
            (site, URL),
        )
        connection.execute(
            """insert into captures (id, document_id, urlkey, timestamp, original, mimetype, statuscode,
                digest, state, outcome, replay_url)
            values (?, ?, 'k', ?, ?, 'text/html', '200', '-', ?, ?, ?)""",
            (
                f"{number}", site, timestamp, URL,
                "fetched" if archive else "unplanned", "not-a-policy" if archive else None,
                f"{archive}/web/{timestamp}id_/{URL}" if archive else None,
            ),
        )  # fmt: skip
    connection.commit()
    database.close()


@pytest.mark.parametrize(
    ("replays", "run_archive", "archives", "listed"),
    [
        ([("a.com", WAYBACK), ("a.com", None)], WAYBACK, [WAYBACK, WAYBACK], {"a.com": WAYBACK}),
        ([("a.com", OTHER), ("b.com", None)], OTHER, [OTHER, OTHER], {"a.com": OTHER, "b.com": OTHER}),
        ([("a.com", None)], WAYBACK, [WAYBACK], {"a.com": WAYBACK}),
        ([("a.com", None)], None, [None], {"a.com": ""}),
        (
            [("a.com", WAYBACK), ("a.com", OTHER), ("a.com", None), ("b.com", OTHER), ("b.com", None)],
            WAYBACK,
            [WAYBACK, OTHER, None, OTHER, OTHER],
            {"a.com": "", "b.com": OTHER},
        ),
    ],
    ids=["one archive", "another document of it", "by the run", "nothing known", "several archives"],
)
def test_old_rows_get_the_archive_that_is_known(
    tmp_path: Path,
    replays: list[tuple[str, str | None]],
    run_archive: str | None,
    archives: list[str | None],
    listed: dict[str, str],
) -> None:
    path = tmp_path / "old.db"
    old_database(path, replays=replays, run_archive=run_archive)
    with Store.open(path) as store:
        found = store.connection.execute("select archive from captures order by timestamp").fetchall()
        assert [row[0] for row in found] == archives
        marks = store.connection.execute("select document_id, archive, listed_to from listings").fetchall()
        assert {row[0]: row[1] for row in marks} == listed
        assert {row[2] for row in marks} == {"20260101235959"}
    with closing(open_reader(path)) as connection:
        columns = [row["name"] for row in connection.execute("pragma table_info(policy_versions)")]
    assert columns[-1] == "archive"


def test_an_import_names_the_archive_of_its_file_and_no_server_of_ours(
    run: Callable[..., Result], rows: Callable[..., list[tuple[Any, ...]]]
) -> None:
    warcs = [str(warc) for warc in find_warcs((DATA / "demo",)) if warc.name.startswith("tidelock")]
    run("import", *warcs)
    assert rows("select distinct archive from captures") == [(None,)]
    assert rows("select 1 from captures where outcome is not null")
    assert "file that it was imported from" in run("show", SITE).stdout
