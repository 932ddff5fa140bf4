"""verify finds every kind of damage, backup copies one moment, compact changes nothing but the size."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import threading
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from policy_archive.archive_server import faults
from policy_archive.archive_server.server import ArchiveServer
from policy_archive.crawler.core.errors import StoreError
from policy_archive.crawler.core.failpoints import EXIT_STATUS
from policy_archive.pipelines.commands.verify import verify_command
from policy_archive.pipelines.store.bodies import BodyReader
from policy_archive.pipelines.store.connection import open_reader
from policy_archive.pipelines.store.maintenance.backup import copy_database
from policy_archive.pipelines.store.maintenance.compact import (
    LONGEST_CHAIN,
    compact_document,
    give_back_space,
    list_documents,
    measure_sizes,
)
from policy_archive.pipelines.store.maintenance.verify import check_search_words
from policy_archive.pipelines.store.search import SearchFilters, search_versions
from policy_archive.pipelines.store.writer import Store
from tests.support.processes import (
    RATES,
    assert_sound,
    content_of,
    finish,
    start_program,
)
from tests.support.synthetic import PRIVACY, make_capture, make_reading, make_row, open_new, store_texts

OF_COMPACTION = ("in-compact-body", "in-compact-text", "after-vacuum")
OF_DENSE = (
    "in-pack-text",
    "in-unpack-text",
    "before-end-of-dense",
)  # tests/pipelines/store/maintenance/test_dense.py
OF_BACKUP = ("in-backup",)
OF_MERGE = ("in-merge",)  # test_merge.py
PARAGRAPHS = [f"Paragraph {number} says {number * 7919} things of your data.\n\n" for number in range(40)]


def edition(number: int) -> str:
    """Return a text of forty paragraphs of which one tells it from its neighbours."""
    changed = number % len(PARAGRAPHS)
    return (
        "".join([*PARAGRAPHS[:changed], f"Edition {number}.\n\n", *PARAGRAPHS[changed:]]).rstrip("\n") + "\n"
    )


def build(path: Path, editions: int = 24) -> Path:
    """Store a history with bodies that resemble each other."""
    with Store.open(path) as store:
        store.add_document(PRIVACY)
        for number in range(editions):
            row = make_row(f"20{number:02}0101")
            store.add_rows(PRIVACY, [row])
            body = f"<html>{edition(number)}</html>".encode()
            store.record_capture(make_capture(row, body=body), make_reading(edition(number)))
        store.fold_versions(PRIVACY)
    return path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("built") / "policies.db")


@pytest.fixture
def database(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("POLICY_ARCHIVE_STATE", str(tmp_path / "state"))
    return Path(shutil.copy(built, tmp_path / "policies.db"))


def compact(database: Path) -> None:
    with Store.open(database) as store:
        for document in list_documents(store.connection):
            compact_document(store.connection, document)
        give_back_space(store.connection)


# verify


def verify(database: Path, *arguments: str) -> tuple[int, dict[str, object]]:
    done = CliRunner().invoke(
        verify_command, ["--db", str(database), "--json", *arguments], standalone_mode=False
    )
    assert done.exception is None, done.output
    return done.return_value, json.loads(done.stdout)


def test_a_sound_corpus_has_no_faults(database: Path) -> None:
    status, found = verify(database, "--thorough")
    assert (status, found["faults"]) == (0, [])
    assert found["looked_at"] == {
        "file": 1,
        "values": 1,
        "books": 1,
        "bodies": 24,
        "texts": 24,
        "search": 1,
        "documents": 1,
        "versions": 24,
    }


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (
            "update captures set outcome = null where id = (select min(id) from captures)",
            "fetch-without-outcome",
        ),
        (
            "update bodies set content = x'00' where digest = (select min(digest) from bodies)",
            "body-does-not-decode",
        ),
        (
            "update bodies set content = cast('<html>' as blob), codec = 0, bytes = 6 "
            "where digest = (select min(digest) from bodies)",
            "body-of-another-digest",
        ),
        ("update texts set content = content || ' ' where id = 3", "text-of-another-hash"),
        ("update texts set content = null where id = 3", "text-missing"),
        ("delete from texts_search_docsize where id = 3", "text-without-search"),
        ("insert into texts_search (rowid, text) values (999, 'a word')", "search-without-text"),
        ("update texts set words = 0 where id = 3", "empty-text"),
        ("delete from versions where version = 24", "versions-stale"),
        ("update versions set words_added = 5 where version = 3", "versions-stale"),
        ("delete from bodies where digest = (select min(digest) from bodies)", "dangling-reference"),
        (
            "insert into texts_search (rowid, text) values (3, 'strange')",
            "search-differs",
        ),
    ],
)
def test_damage_is_named_and_the_exit_status_says_so(database: Path, damage: str, fault: str) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(damage)
    status, found = verify(database, "--thorough")
    assert status == 1
    assert fault in {one["fault"] for one in found["faults"]}  # type: ignore[index, attr-defined]


def test_a_page_of_the_file_that_was_overwritten_is_found(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        sql = "select rootpage from sqlite_master where name = 'extractions'"
        (page,) = connection.execute(sql).fetchone()
    with database.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xff" * 4096)
    status, found = verify(database)
    assert status == 1
    assert found["faults"]


@pytest.mark.parametrize("words", [["verify"], ["show", PRIVACY.site], ["search", "things"]], ids=" ".join)
def test_a_text_that_is_no_unicode_any_more_is_damage_in_a_sentence(database: Path, words: list[str]) -> None:
    """Found by fuzzing: Python says so itself, and without SQLite's code of an error."""
    whole = database.read_bytes()
    assert b"says 7919 things" in whole
    database.write_bytes(whole.replace(b"says 7919 things", b"says \xff919 things"))
    status, out, err = finish(start_program(*words, "--db", str(database)))
    assert "Traceback" not in err
    assert status == 1, (out, err)
    assert "UTF-8" in out + err or "damaged" in out + err


def test_what_is_still_to_be_fetched_is_said_and_is_no_fault(database: Path) -> None:
    with Store.open(database) as store:
        store.add_rows(PRIVACY, [make_row("20300101")])
    status, found = verify(database)
    assert (status, found["faults"]) == (0, [])
    assert "1 captures have still to be fetched" in str(found["notes"])


def test_a_fault_is_a_line_for_people(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("delete from versions where version = 24")
    status, out, err = finish(start_program("verify", "--db", str(database)))
    assert status == 1
    assert out.startswith("versions-stale ")
    assert len(out.splitlines()) == 1
    assert "faults: 1" in err


def test_captures_are_held_against_the_archive(
    demo_archive: ArchiveServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLICY_ARCHIVE_STATE", str(tmp_path / "state"))
    database = tmp_path / "demo.db"
    archive = ("--archive", demo_archive.url, *RATES)
    status, _, err = finish(start_program("fetch", "tidelock.example", "--db", str(database), *archive))
    assert status == 0, err
    before = content_of(database)
    status, found = verify(database, "--against-archive", "5", *archive)
    assert (status, found["faults"], found["looked_at"]["archive"]) == (0, [], 5)  # type: ignore[index]
    demo_archive.faults = [faults.Body(body=b"<p>something else" * 5000)]
    status, found = verify(database, "--against-archive", "3", *archive)
    assert status == 1
    assert {one["fault"] for one in found["faults"]} == {"archive-differs"}  # type: ignore[index, attr-defined]
    assert content_of(database) == before


# backup


def test_a_backup_is_one_moment_of_a_database_that_is_being_written(database: Path, tmp_path: Path) -> None:
    done = threading.Event()

    def write_on() -> None:
        with Store.open(database) as store:
            number = 100
            while not done.is_set():
                store_texts(store, [(f"{2000 + number}0101", edition(number))])
                number += 1

    writer = threading.Thread(target=write_on)
    writer.start()
    copy = tmp_path / "copy.db"
    try:
        with closing(open_reader(database)) as connection:
            for _ in range(5):
                copy_database(connection, copy, overwrite=True)
                assert_sound(copy, complete=False)
    finally:
        done.set()
        writer.join()
    assert not list(tmp_path.glob("copy.db?*"))
    assert content_of(copy)


def test_a_backup_overwrites_nothing_unless_told_to(database: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    copy.write_text("precious")
    status, _, err = finish(start_program("backup", str(copy), "--db", str(database)))
    assert (status, copy.read_text()) == (2, "precious")
    assert "--force" in err
    assert finish(start_program("backup", str(copy), "--db", str(database), "--force"))[0] == 0
    assert content_of(copy) == content_of(database)
    status, _, err = finish(start_program("backup", str(database), "--db", str(database), "--force"))
    assert status == 2
    assert "itself" in err


def test_a_backup_that_dies_leaves_the_old_one_whole(database: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    copy.write_text("the backup of last week")
    process = start_program(
        "backup",
        str(copy),
        "--force",
        "--db",
        str(database),
        environment={"POLICY_ARCHIVE_FAULT": "in-backup:exit"},
    )
    assert finish(process)[0] == EXIT_STATUS
    assert copy.read_text() == "the backup of last week"
    assert finish(start_program("backup", str(copy), "--force", "--db", str(database)))[0] == 0
    assert_sound(copy)


# compact


def test_compaction_changes_nothing_but_the_size(database: Path) -> None:
    before, search = (
        content_of(database),
        "select rowid from texts_search where texts_search match '\"edition 7\"'",
    )
    with closing(open_reader(database)) as connection:
        sizes = measure_sizes(connection)
    status, out, err = finish(start_program("compact", "--db", str(database), "--json"))
    assert status == 0, err
    after = json.loads(out)["after"]
    assert after["bodies"] < sizes.bodies / 3
    assert after["texts"] < sizes.texts / 5
    assert after["file"] < sizes.file
    assert content_of(database) == before
    assert_sound(database)
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        assert check_search_words(connection, seconds=None)
        assert len(connection.execute(search).fetchall()) == 1
    with closing(open_reader(database)) as connection:
        found = search_versions(connection, '"edition 7"', SearchFilters())
        assert "\x01Edition 7\x02" in found.rows[0]["snippet"]


def test_any_tool_reads_the_versions_of_a_compacted_corpus(database: Path) -> None:
    compact(database)
    shell = shutil.which("sqlite3")
    if shell is None:
        pytest.skip("needs the sqlite3 command")
    sql = "select text from policy_versions where version = 7"
    out = subprocess.run(
        [shell, "-readonly", database, sql], capture_output=True, text=True, check=True
    ).stdout
    assert out == edition(6) + "\n"


def test_chains_are_bounded_and_a_second_compaction_changes_nothing(database: Path) -> None:
    compact(database)
    with Store.open(database) as store:
        first = content_of(database)
        bases = dict(store.connection.execute("select digest, base_digest from bodies").fetchall())
        depths = []
        for digest in bases:
            steps, at = 0, digest
            while bases[at] is not None:
                steps, at = steps + 1, bases[at]
            depths.append(steps)
        assert max(depths) == LONGEST_CHAIN
        assert depths.count(0) == 2  # of 24 bodies the first and the seventeenth stand for themselves
    written = database.read_bytes()
    compact(database)
    assert content_of(database) == first
    assert database.read_bytes()[100:] == written[100:]


def test_captures_that_come_after_a_compaction_are_compacted_by_the_next(database: Path) -> None:
    compact(database)
    with Store.open(database) as store:
        for number in range(24, 30):
            store_texts(store, [(f"20{number}0101", edition(number))])
        old = measure_sizes(store.connection)
    before = content_of(database)
    compact(database)
    with closing(open_reader(database)) as connection:
        assert measure_sizes(connection).texts < old.texts
    assert content_of(database) == before
    assert_sound(database)


def test_lines_that_no_text_holds_any_more_are_deleted(database: Path) -> None:
    compact(database)
    with Store.open(database) as store:
        store.connection.execute(
            "insert into text_lines (id, line) values (7000, 'of nobody'), (7001, 'too')"
        )
        give_back_space(store.connection)
        assert store.connection.execute("select count(*) from text_lines where id >= 7000").fetchone()[0] == 0
    assert_sound(database)


@pytest.mark.parametrize("name", OF_COMPACTION)
@pytest.mark.parametrize("passing", [1, 9])
def test_a_compaction_killed_there_loses_nothing_and_is_ended_by_the_next(
    database: Path, name: str, passing: int
) -> None:
    if name == "after-vacuum":
        passing = 1
    before = content_of(database)
    process = start_program(
        "compact", "--db", str(database), environment={"POLICY_ARCHIVE_FAULT": f"{name}:exit:{passing}"}
    )
    assert finish(process)[0] == EXIT_STATUS
    assert content_of(database) == before
    assert_sound(database)
    compact(database)
    assert content_of(database) == before
    with Store.open(database) as store:
        assert (
            store.connection.execute("select count(*) from texts where content is not null").fetchone()[0]
            == 0
        )
    assert_sound(database)


def test_a_body_in_a_chain_that_is_damaged_costs_those_that_stand_on_it_and_says_so(database: Path) -> None:
    compact(database)
    with Store.open(database) as store:
        first = store.connection.execute(
            "select body_digest from captures order by timestamp limit 1"
        ).fetchone()[0]
        store.connection.execute("update bodies set content = x'0102' where digest = ?", (first,))
        with pytest.raises(StoreError, match="does not decode"):
            BodyReader(store.connection).load(first)
    status, found = verify(database)
    assert status == 1
    broken = [one for one in found["faults"] if one["fault"] == "body-does-not-decode"]  # type: ignore[attr-defined]
    assert len(broken) == LONGEST_CHAIN + 1


LINES = st.lists(st.sampled_from(["", "one", "two", "three \N{SNOWMAN}", "\x00", "\r", "  "]), max_size=12)


@given(st.lists(LINES, min_size=2, max_size=5), st.booleans())
def test_any_texts_come_back_from_their_lines(
    tmp_path_factory: pytest.TempPathFactory, texts, closed: bool
) -> None:
    path = tmp_path_factory.mktemp("lines") / "policies.db"
    whole = ["\n".join(lines) + ("\n" if closed else "") for lines in texts]
    with open_new(path) as store:
        store_texts(store, [(f"20{number:02}0101", text) for number, text in enumerate(whole)])
        for document in list_documents(store.connection):
            compact_document(store.connection, document)
        found = {row[0] for row in store.connection.execute("select text from policy_texts")}
    assert found == set(whole)
