"""Shards merged: in any order and however they overlap, the whole comes out; labels are no changes."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policy_archive.cli import policy_archive
from policy_archive.crawler.core.errors import StoreError, UsageError
from policy_archive.crawler.core.records import Kind
from policy_archive.pipelines.store.connection import open_reader, open_writer
from policy_archive.pipelines.store.names import TABLES as TABLES_OF_A_CORPUS
from policy_archive.pipelines.store.writer import Store
from tests.support import programs
from tests.support.synthetic import PRIVACY, make_capture, make_reading, make_row, store_texts

TABLES = {
    "sites": "site, outcome, reason, checked_at, rank",
    "documents": "*",
    "addresses": "*",
    "listings": "*",
    "captures": "*",
    "bodies": "digest, bytes",
    "policy_texts": "*",
    "extractions": "*",
    "links": "*",
    "policy_versions": "*",
    "news": "document_id, text_sha256, occurrence, recorded_at, of_site",
    "watches": "*",
}


def dump(database: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return what a corpus holds, without what numbers its rows."""
    with closing(open_reader(database)) as reader:
        found = {}
        for table, columns in TABLES.items():
            cursor = reader.execute(f"select {columns} from {table}")
            skipped = [place for place, one in enumerate(cursor.description) if one[0] == "run_id"]
            rows = [tuple(v for place, v in enumerate(row) if place not in skipped) for row in cursor]
            found[table] = sorted(rows, key=repr)
        found["search"] = sorted(
            tuple(row)
            for row in reader.execute(
                "select sha256 from texts_search join texts on texts.id = texts_search.rowid "
                "where texts_search match 'privacy'"
            )
        )
        return found


def merge(target: Path, shards: Iterable[Path]) -> str:
    words = ["merge", *map(str, shards), "--db", str(target)]
    result = CliRunner().invoke(policy_archive, words, standalone_mode=False)
    assert result.exception is None, result.exception
    return result.output


def cut_shard(whole: Path, target: Path, kept: set[str]) -> None:
    """Make of a corpus one that has these captures alone, as if no other had ever been known."""
    shutil.copy(whole, target)
    with closing(open_writer(target)) as connection:
        connection.execute("pragma foreign_keys = off")
        connection.execute("create temp table kept (id text primary key)")
        connection.executemany("insert into kept values (?)", [(one,) for one in kept])
        connection.execute("begin")
        connection.execute("delete from captures where id not in (select id from kept)")
        for table in ("extractions", "home_lines"):
            connection.execute(f"delete from {table} where capture_id not in (select id from kept)")
        gone = "document_id not in (select document_id from captures)"
        for table in ("versions", "addresses", "listings", "news"):
            connection.execute(f"delete from {table} where {gone}")
        connection.execute("delete from documents where id not in (select document_id from captures)")
        connection.execute("delete from sites where site not in (select site from documents)")
        connection.execute("commit")
    with Store.open(target) as store:
        store.__class__.is_news = False
        try:
            for (site,) in store.connection.execute("select site from sites").fetchall():
                for document in store.documents_of(site):
                    if document.kind is not Kind.HOME:
                        store.fold_versions(document)
        finally:
            store.__class__.is_news = True


def close_over(references: dict[str, set[str]], chosen: set[str]) -> set[str]:
    found: set[str] = set()
    todo = list(chosen)
    while todo:
        one = todo.pop()
        if one not in found:
            found.add(one)
            todo += references[one]
    return found


@pytest.fixture(scope="module")
def whole(demo_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a corpus that is merged once, so that its news and marks are those of a merge."""
    target = tmp_path_factory.mktemp("whole") / "whole.db"
    source = target.with_name("demo.db")
    shutil.copy(demo_database, source)
    with closing(open_writer(source)) as connection:
        connection.execute("delete from sites where site not in (select site from documents join captures on "
                           "documents.id = document_id)")  # fmt: skip
    merge(target, [source])
    return target


@given(seed=st.integers(0, 10_000), parts=st.integers(2, 4))
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_random_shards_in_any_order_make_the_whole(
    whole: Path, tmp_path_factory: pytest.TempPathFactory, seed: int, parts: int
) -> None:
    folder = tmp_path_factory.mktemp("shards")
    rng = random.Random(seed)
    with closing(open_reader(whole)) as reader:
        rows = reader.execute("select id, same_as, after_id, before_id from captures").fetchall()
    references = {row["id"]: {one for one in tuple(row)[1:] if one} for row in rows}
    kept: list[set[str]] = [set() for _ in range(parts)]
    for one in references:
        for shard in rng.sample(range(parts), rng.randint(1, parts)):
            kept[shard].add(one)
    shards = [folder / f"{number}.db" for number in range(parts)]
    for shard, ids in zip(shards, kept, strict=True):
        cut_shard(whole, shard, close_over(references, ids))
    rng.shuffle(shards)
    merge(folder / "merged.db", shards)
    expected, merged = dump(whole), dump(folder / "merged.db")
    # what two parts of a history were taken for, nobody takes back: news of the whole are all there
    assert {row[:3] for row in merged.pop("news")} >= {row[:3] for row in expected.pop("news")}
    assert merged == expected
    again = dump(folder / "merged.db")
    merge(folder / "merged.db", shards[:1])
    assert dump(folder / "merged.db") == again
    result = CliRunner().invoke(policy_archive, ["verify", "--db", str(folder / "merged.db")])
    assert result.exit_code == 0, result.output


def test_the_newest_reading_counts_and_another_label_is_no_change(tmp_path: Path) -> None:
    shards = [tmp_path / "old.db", tmp_path / "new.db"]
    for path, label, fetched, stamps in (
        (shards[0], "policy-archive/0.1.0", "2026-01-01T00:00:00Z", ("20180101", "20190101")),
        (shards[1], "policy-archive/9", "2026-02-01T00:00:00Z", ("20190101", "20200101")),
    ):
        with Store.open(path) as store:
            store.add_document(PRIVACY)
            for stamp in stamps:
                row = make_row(stamp)
                store.add_rows(PRIVACY, [row])
                store.record_capture(make_capture(row), make_reading(f"Read by {label}.\n"))
            store.connection.execute("update extractions set extractor = ?", (label,))
            store.connection.execute("update captures set fetched_at = ?", (fetched,))
            store.fold_versions(PRIVACY)
    for order in (shards, shards[::-1]):
        target = tmp_path / f"{order[0].stem}.merged.db"
        merge(target, order)
        with closing(open_reader(target)) as reader:
            current = reader.execute(
                "select timestamp, extractor from extractions join captures on id = capture_id "
                "where current order by timestamp"
            ).fetchall()
            assert [row["extractor"] for row in current] == [
                "policy-archive/0.1.0", "policy-archive/9", "policy-archive/9",
            ]  # fmt: skip
            assert reader.execute("select count(*) from extractions").fetchone()[0] == 4
            classes = [row[0] for row in reader.execute("select class from policy_versions order by version")]
            assert classes == [None, "extractor"]


def test_watch_lists_are_joined(tmp_path: Path) -> None:
    for name, every, kind in (("a", "1mo", "privacy"), ("b", "1w", "terms")):
        with Store.open(tmp_path / f"{name}.db") as store:
            store_texts(store, [("20180101", "One.\n")])
        words = ["watch", "add", PRIVACY.site, "--every", every, "--kind", kind]
        result = CliRunner().invoke(policy_archive, [*words, "--db", str(tmp_path / f"{name}.db")])
        assert result.exit_code == 0, result.output
    for order in (("a", "b"), ("b", "a")):
        target = tmp_path / f"{order[0]}.merged.db"
        merge(target, [tmp_path / f"{name}.db" for name in order])
        with closing(open_reader(target)) as reader:
            row = reader.execute("select every, kinds from watches").fetchone()
        assert tuple(row) == ("1w", '["privacy", "terms"]')


def test_compacted_shards_are_merged_whole(demo_database: Path, whole: Path, tmp_path: Path) -> None:
    shutil.copy(whole, tmp_path / "packed.db")
    result = CliRunner().invoke(policy_archive, ["compact", "--db", str(tmp_path / "packed.db")])
    assert result.exit_code == 0, result.output
    merge(tmp_path / "merged.db", [tmp_path / "packed.db"])
    assert dump(tmp_path / "merged.db") == dump(whole)


def test_a_merge_that_is_killed_is_ended_by_the_next(whole: Path, tmp_path: Path) -> None:
    target = tmp_path / "merged.db"
    words = ["-m", "policy_archive", "merge", str(whole), "--db", str(target)]
    for nth in ("3", "5"):
        died = programs.run(words, environment={"POLICY_ARCHIVE_FAULT": f"in-merge:exit:{nth}"})
        assert died.returncode == 86, died.stderr
    assert programs.run(words).returncode == 0
    assert dump(target) == dump(whole)


def test_what_cannot_be_merged_is_one_sentence(whole: Path, tmp_path: Path) -> None:
    shutil.copy(whole, tmp_path / "a.db")
    (tmp_path / "b.db").write_bytes(b"no database at all, and long enough to be looked at")
    with closing(sqlite3.connect(tmp_path / "c.db")) as connection:
        connection.execute("create table x (y)")
    for shard, error in (("a.db", UsageError), ("b.db", StoreError), ("c.db", StoreError)):
        words = ["merge", str(tmp_path / shard), "--db", str(tmp_path / "a.db")]
        result = CliRunner().invoke(policy_archive, words, standalone_mode=False)
        assert isinstance(result.exception, error)


ENDLESS = "with recursive t(n) as (select 1 union all select n + 1 from t) select n as id from t"
PROGRAMS = {
    "a view for a table": ("listings", f"create view listings as {ENDLESS}"),
    "a table that is virtual": ("watches", "create virtual table watches using fts5(site)"),
    "a column that is computed": (
        "link_sets",
        "create table link_sets (link_set as (zeroblob(900000000)), x)",
    ),
    "a table without columns": ("origins", "create table origins (id)"),
    "another view": ("policy_texts", f"create view policy_texts as {ENDLESS}"),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_shard_that_holds_a_program_is_refused(tmp_path: Path, name: str) -> None:
    for database in ("whole.db", "shard.db"):
        with Store.open(tmp_path / database) as store:
            store_texts(store, [("20180101000000", "# Privacy\n\nOne.\n")])
    table, program = PROGRAMS[name]
    with closing(sqlite3.connect(tmp_path / "shard.db")) as connection:
        kind = "view" if table == "policy_texts" else "table"
        connection.execute("pragma legacy_alter_table = on")  # no view that reads it is asked
        connection.execute(f"drop {kind} {table}")
        connection.execute(program)
        connection.commit()
    words = ["merge", str(tmp_path / "shard.db"), "--db", str(tmp_path / "whole.db")]
    result = CliRunner().invoke(policy_archive, words, standalone_mode=False)
    assert isinstance(result.exception, StoreError)
    assert table in str(result.exception)
    if table not in ("policy_texts", "origins"):
        with pytest.raises(StoreError, match=table):
            open_reader(tmp_path / "shard.db").close()


def test_all_plain_tables_are_known_by_name(tmp_path: Path) -> None:
    with Store.open(tmp_path / "new.db") as store:
        sql = """select name from sqlite_master where type = 'table'
            and name not like 'texts_search%' and name not like 'sqlite_%'"""
        assert {name for (name,) in store.connection.execute(sql)} == set(TABLES_OF_A_CORPUS)


@pytest.fixture(scope="session")
def whole_shard(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("shard") / "shard.db"
    with Store.open(path) as store:
        store_texts(store, [(f"201{year}0101000000", f"# Privacy\n\nOf {year}.\n" * 9) for year in range(5)])
    return path.read_bytes()


@given(st.integers(0, 10**6), st.binary(min_size=1, max_size=40))
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_damaged_shard_is_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, whole_shard: bytes, at: int, bytes_: bytes
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    body = bytearray(whole_shard)
    at = 100 + at % (len(body) - 200)
    body[at : at + len(bytes_)] = bytes_
    (folder / "shard.db").write_bytes(body)
    words = ["merge", str(folder / "shard.db"), "--db", str(folder / "whole.db")]
    fault = CliRunner().invoke(policy_archive, words, standalone_mode=False).exception
    assert fault is None or (isinstance(fault, StoreError) and str(folder / "shard.db") in str(fault)), fault


CONTRADICTIONS = {
    "a text that is not there": "update texts set sha256 = '0' || substr(sha256, 2) where id = 2",
    "a text under another's hash": "update texts set sha256 = replace(sha256, '0', '1')",
    "a version of no text": "update versions set text_sha256 = '0'",
    "a capture of no document": "update captures set document_id = 'none'",
    "an outcome that is none": "update captures set outcome = 'tesser'",
    "a class that is none": "update versions set class = 'huge'",
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_a_shard_whose_rows_contradict_each_other_is_named(
    tmp_path: Path, whole_shard: bytes, name: str
) -> None:
    path = tmp_path / "shard.db"
    path.write_bytes(whole_shard)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("pragma foreign_keys = off")
        connection.execute("pragma ignore_check_constraints = on")
        assert connection.execute(CONTRADICTIONS[name]).rowcount
        connection.commit()
    words = ["merge", str(path), "--db", str(tmp_path / "whole.db")]
    fault = CliRunner().invoke(policy_archive, words, standalone_mode=False).exception
    assert isinstance(fault, StoreError), fault
    assert f"{path} is damaged" in str(fault)
    with Store.open(tmp_path / "whole.db") as store:
        assert not store.connection.execute("select count(*) from texts").fetchone()[0]
