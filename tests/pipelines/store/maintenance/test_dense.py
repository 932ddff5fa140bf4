"""Packed texts: what reads them, what does not and says so, and that they come back as they were."""

from __future__ import annotations

import hashlib
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import duckdb
import pandas
import pytest
import zstandard
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from sqlite_utils import Database

from policy_archive.archive_server.server import ArchiveServer
from policy_archive.cli import policy_archive
from policy_archive.crawler.core.errors import StoreError
from policy_archive.crawler.core.failpoints import EXIT_STATUS
from policy_archive.pipelines.store import packed, schema
from policy_archive.pipelines.store.connection import open_reader
from policy_archive.pipelines.store.maintenance.compact import (
    Texts,
    compact_document,
    end_texts,
    list_documents,
    measure_sizes,
)
from policy_archive.pipelines.store.maintenance.dense import begin_dense
from policy_archive.pipelines.store.maintenance.reextract import prune_extractions
from policy_archive.pipelines.store.writer import Store
from tests.pipelines.store.maintenance.test_merge import dump, merge
from tests.reliability.test_upkeep import OF_DENSE, build, edition, verify
from tests.support.generated import crawl, generate
from tests.support.processes import assert_sound, content_of, finish, start_crawl, start_program
from tests.support.synthetic import PRIVACY, URL, open_new, store_texts

EDITIONS = 40
ROOT = Path(__file__).resolve().parents[4]


def run(*words: str | Path) -> str:
    """Run a command in this process; return what it printed."""
    result = CliRunner().invoke(policy_archive, [str(word) for word in words], standalone_mode=False)
    assert result.exception is None, result.exception
    return result.output


def compact(database: Path, *options: str) -> str:
    return run("compact", *options, "--db", database)


def is_dense(database: Path) -> bool:
    with closing(open_reader(database)) as connection:
        return packed.is_dense(connection)


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLICY_ARCHIVE_STATE", str(tmp_path / "state"))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a history of forty texts that differ by a paragraph."""
    return build(tmp_path_factory.mktemp("built") / "policies.db", EDITIONS)


@pytest.fixture
def plain(built: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(built, tmp_path / "plain.db"))


@pytest.fixture(scope="module")
def packed_once(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = Path(shutil.copy(built, tmp_path_factory.mktemp("dense") / "policies.db"))
    compact(path, "--dense")
    return path


@pytest.fixture
def dense(packed_once: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(packed_once, tmp_path / "dense.db"))


@pytest.fixture(scope="module")
def dense_demo(demo_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = Path(shutil.copy(demo_database, tmp_path_factory.mktemp("demo") / "demo.db"))
    compact(path, "--dense")
    return path


# There and back


def test_a_dense_file_is_small_and_reads_as_before(plain: Path, built: Path) -> None:
    with closing(open_reader(plain)) as connection:
        before = measure_sizes(connection).texts
    compact(plain, "--dense")
    with closing(open_reader(plain)) as connection:
        assert measure_sizes(connection).texts < before / 15
        assert connection.execute("select count(*) from texts where content is not null").fetchone()[0] == 0
    assert content_of(plain) == content_of(built)
    assert_sound(plain)
    assert verify(plain, "--thorough")[0] == 0
    assert "Edition 7" in run("search", '"edition 7"', "--db", plain)
    assert "Edition 7." in run("show", PRIVACY.site, "--version", "8", "--db", plain)
    assert "Edition 8." in run("diff", PRIVACY.site, "v8", "v9", "--db", plain)


def test_status_says_that_a_file_is_dense(plain: Path, dense: Path) -> None:
    for path, is_dense in ((plain, False), (dense, True)):
        said = CliRunner().invoke(policy_archive, ["status", "--db", str(path)]).output
        assert ("texts are packed" in said) is is_dense


@pytest.mark.parametrize("way", [("--dense",), (), ("--dense", "--readable", "--dense")], ids=" ".join)
def test_readable_gives_the_same_texts_back_whatever_the_file_was(
    plain: Path, built: Path, way: tuple[str, ...]
) -> None:
    expected = Path(shutil.copy(built, plain.with_name("expected.db")))
    compact(expected)
    for option in way or ("",):
        compact(plain, *[option] if option else [])
    compact(plain, "--readable")
    assert dump(plain) == dump(built)
    assert not is_dense(plain)
    with closing(sqlite3.connect(plain)) as one, closing(sqlite3.connect(expected)) as other:
        for table in ("texts", "text_lines", "text_runs", "packed_texts"):
            count = f"select count(*) from {table}"
            assert one.execute(count).fetchone() == other.execute(count).fetchone(), table
        read = "select text from policy_texts order by sha256"
        assert one.execute(read).fetchall() == other.execute(read).fetchall()
    assert_sound(plain)


def test_a_second_dense_compaction_changes_nothing(dense: Path) -> None:
    packed_rows = "select * from packed_texts order by text_id"
    with closing(sqlite3.connect(dense)) as connection:
        before = connection.execute(packed_rows).fetchall()
    for options in ((), ("--dense",)):
        compact(dense, *options)
        with closing(sqlite3.connect(dense)) as connection:
            assert connection.execute(packed_rows).fetchall() == before


LINES = st.lists(st.sampled_from(["", "one", "two", "three \N{SNOWMAN}", "\x00", "\r", "  "]), max_size=12)


@given(st.lists(LINES, min_size=1, max_size=5), st.lists(st.sampled_from(list(Texts)), max_size=4))
def test_any_texts_come_back_whatever_is_done_to_them(
    tmp_path_factory: pytest.TempPathFactory, texts: list[list[str]], steps: list[Texts]
) -> None:
    path = tmp_path_factory.mktemp("lines") / "policies.db"
    whole = ["\n".join(lines) for lines in texts]
    with open_new(path) as store:
        for number, text in enumerate(whole):
            store_texts(store, [(f"20{number:02}0101", text)])
            for step in steps[number : number + 1]:
                pack(store.connection, step)
        for step in steps:
            pack(store.connection, step)
            found = {row[0] for row in store.connection.execute("select text from policy_texts")}
            assert found == set(whole)
            assert packed.is_dense(store.connection) == (step is Texts.DENSE)


def pack(connection: sqlite3.Connection, texts: Texts) -> None:
    """Do what the command does, without its lock and its last step."""
    if texts is Texts.DENSE:
        begin_dense(connection)
    for document in list_documents(connection):
        compact_document(connection, document, texts)
    assert end_texts(connection, texts) == []


# Who reads it


def test_the_command_says_first_who_will_not_read_it_and_the_file_says_who_does(plain: Path) -> None:
    said = compact(plain, "--dense")
    assert said.startswith("The texts are packed: plain SQL, DuckDB and R read them no longer.")
    assert "'--readable' takes it back" in " ".join(said.split())
    with closing(sqlite3.connect(plain)) as connection:
        told = " ".join(" ".join(row) for row in connection.execute("select * from read_me_first"))
    for word in ("compact --dense", "browse", "register(connection)", "--format parquet", "--readable"):
        assert word in told
    assert "This database is dense" in compact(plain)
    assert "go back to plain SQL" in compact(plain, "--readable")
    assert "packed" not in compact(plain)
    with closing(sqlite3.connect(plain)) as connection:
        assert connection.execute("select 1 from sqlite_master where name = 'read_me_first'").fetchall() == []


def test_plain_sql_reads_all_but_the_texts_and_says_why(dense: Path) -> None:
    with closing(sqlite3.connect(dense)) as connection:
        assert (
            connection.execute("select count(*), sum(words) from policy_versions").fetchone()[0] == EDITIONS
        )
        for view in ("policy_versions", "policy_texts", "texts_search_content"):
            with pytest.raises(
                sqlite3.OperationalError, match=r"packed.*the table read_me_first of this file"
            ):
                connection.execute(f"select text from {view}").fetchall()
    with closing(duckdb.connect()) as reader:
        try:
            reader.execute(f"attach '{dense}' as corpus (type sqlite)")
        except duckdb.Error:
            return  # its extension is not there, and is not fetched here
        with pytest.raises(duckdb.Error, match="packed"):
            reader.execute("select text from corpus.policy_versions").fetchall()


def test_one_documented_line_reads_it_in_plain_python(dense: Path, built: Path) -> None:
    told = dict(line.split("  -- ", 1) for line in [read_notice(dense, "Python")])
    (code,) = told
    page = (ROOT / "docs" / "schema.md").read_text("utf-8")
    assert "policy_archive.pipelines.store.packed.register(connection)" in page
    with closing(sqlite3.connect(f"{dense.as_uri()}?mode=ro", uri=True)) as connection:
        connection.row_factory = lambda cursor, row: {"rows": "of any kind", "are": len(row)}
        exec(code, {"connection": connection})  # what our own table tells people to type
        exec(code, {"connection": connection})  # twice does no harm
        connection.row_factory = None
        read = "select version, text, text_sha256 from policy_versions order by version"
        found = connection.execute(read).fetchall()
        frame = pandas.read_sql(read, connection)
    with closing(sqlite3.connect(built)) as connection:
        assert found == connection.execute(read).fetchall()
    assert list(frame["text"]) == [text for _, text, _ in found]
    assert all(hashlib.sha256(text.encode()).hexdigest() == sha256 for _, text, sha256 in found)


def read_notice(database: Path, title: str) -> str:
    with closing(sqlite3.connect(database)) as connection:
        (what,) = connection.execute("select what from read_me_first where title = ?", (title,)).fetchone()
    return str(what)


def test_a_connection_to_anything_else_is_left_as_it_is(tmp_path: Path, built: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "x.db")) as connection:
        connection.execute("create table packed_texts (x)")
        packed.register(connection)
        assert connection.execute("select * from sqlite_temp_master").fetchall() == []
    with closing(open_reader(built)) as reader:
        assert reader.execute("pragma query_only").fetchone()[0] == 1


def test_who_had_the_file_open_before_reads_it_afterwards(plain: Path) -> None:
    read = "select text from policy_versions order by version"
    with closing(open_reader(plain)) as reader:
        before = [row[0] for row in reader.execute(read)]
        for option in ("--dense", "--readable", "--dense"):
            compact(plain, option)
            assert [row[0] for row in reader.execute(read)] == before


def test_questions_take_the_same_way_through_a_registered_connection(built: Path) -> None:
    """The views of a connection stand on those of the file: no index may be lost on the way."""
    questions = [
        "select version, words from policy_versions where document_id = 'x' order by version",
        "select text from policy_texts where sha256 = 'x'",
        "select text from texts_search_content where id = 3",
    ]
    plans = []
    with closing(sqlite3.connect(built)) as plain, closing(open_reader(built)) as registered:
        for connection in (plain, registered):
            rows = [list(connection.execute(f"explain query plan {question}")) for question in questions]
            plans.append(
                [
                    [
                        row[3]
                        for row in plan
                        if re.match(r"(SEARCH|SCAN) (?!packed_texts|one|chain|CON)", row[3])
                    ]
                    for plan in rows
                ]
            )
    assert plans[0] == plans[1] and all(plans[0])


# Everything goes on


def test_what_is_fetched_into_a_dense_file_is_packed_by_the_next_compaction(tmp_path: Path) -> None:
    whole, grown = tmp_path / "whole.db", tmp_path / "grown.db"
    with ArchiveServer(source=generate(12)) as archive:
        assert crawl(archive.url, whole).status == "done"
        fault = {"POLICY_ARCHIVE_FAULT": "after-fetch:exit:6"}
        assert finish(start_crawl(archive, grown, environment=fault))[0] == EXIT_STATUS
        compact(grown, "--dense")
        assert crawl(archive.url, grown).status == "done"
    assert_sound(grown)
    assert content_of(grown) == content_of(whole)
    with closing(open_reader(grown)) as connection:
        loose = "select count(*) from texts where content is not null"
        assert 0 < connection.execute(loose).fetchone()[0] < 12
    compact(grown)
    with closing(open_reader(grown)) as connection:
        assert connection.execute(loose).fetchone()[0] == 0
    assert_sound(grown)


def test_texts_that_come_later_stand_on_those_before_them_and_no_chain_grows(dense: Path) -> None:
    with Store.open(dense) as store:
        for number in range(EDITIONS, EDITIONS + 20):
            store_texts(store, [(f"20{number}0101", edition(number))])
        for number in range(200, 210):  # between the others
            store_texts(store, [(f"20{number - 200:02}0601", edition(number))])
    before = content_of(dense)
    compact(dense)
    assert content_of(dense) == before
    with closing(open_reader(dense)) as connection:
        ids = [row[0] for row in connection.execute("select text_id from packed_texts")]
        depths = [packed.measure_chain(connection, one)[0] for one in ids]
        assert len(ids) == EDITIONS + 30
        assert max(depths) == packed.LONGEST_CHAIN + 1
        assert (
            connection.execute("select count(*) from packed_texts where base_id is null").fetchone()[0] < 10
        )
    assert_sound(dense)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["dense last", "dense first"])
def test_dense_and_readable_shards_make_the_same_whole(
    demo_database: Path, dense_demo: Path, tmp_path: Path, order: tuple[int, int]
) -> None:
    parts = [Path(shutil.copy(demo_database, tmp_path / f"part{number}.db")) for number in range(2)]
    compact(parts[1])
    expected, found = tmp_path / "expected.db", tmp_path / "found.db"
    merge(expected, [parts[0]])
    merge(found, [(parts[1], dense_demo)[one] for one in order])
    assert dump(found) == dump(expected)
    into = Path(shutil.copy(dense_demo, tmp_path / "into.db"))
    with Store.open(into) as store:
        store_texts(store, [("20180101", "Another.\n")])
    merge(into, [parts[1]])
    assert is_dense(into)
    compact(into)
    assert_sound(into)


EXPORTS = {
    "markdown": "out",
    "jsonl": "out",
    "csv": "out",
    "parquet": "out",
    "git": "out.git",
    "princeton-leuven": "out.sqlite",
    "xlsx": "out.xlsx",
    "warc": "out.warc.gz",
    "wacz": "out.wacz",
}


def read_all(path: Path) -> dict[str, str]:
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return {
        str(file.relative_to(path)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in files
        if file.suffix != ".lock"
    }


def test_every_export_is_known_here() -> None:
    from policy_archive.pipelines.exchange.formats import FORMATS

    assert EXPORTS.keys() == FORMATS.keys()


@pytest.mark.parametrize("name", EXPORTS)
def test_every_export_of_a_dense_file_is_the_same(
    demo_database: Path, dense_demo: Path, tmp_path: Path, name: str
) -> None:
    written = []
    for folder, database in (("plain", demo_database), ("dense", dense_demo)):
        (tmp_path / folder).mkdir()
        target = tmp_path / folder / EXPORTS[name]
        run("export", "--all", "--format", name, "--to", target, "--db", database)
        written.append(target)
    if name == "git":
        heads = [
            subprocess.run(["git", "-C", target, "rev-parse", "HEAD"], capture_output=True, check=True).stdout
            for target in written
        ]
        assert heads[0] == heads[1] and heads[0]
        return
    if name == "warc":
        written = [Path(shutil.move(target, target.with_name("out"))) for target in written]
    found = [read_all(target) for target in written]
    assert found[0] == found[1] and found[0]


def test_evidence_of_a_dense_file_proves_the_same(
    demo_database: Path, dense_demo: Path, tmp_path: Path
) -> None:
    for database in (demo_database, dense_demo):
        target = tmp_path / database.parent.name / "bundle.zip"
        target.parent.mkdir()
        run("bundle", "tidelock.example", "--to", target, "--db", database)
        assert "faults: 0" in run("verify", target) or "holds" in run("verify", target)


@pytest.mark.parametrize(
    "words",
    [
        "history tidelock.example",
        "documents",
        "sites",
        "at 2020-01-01",
        "changes --json",
        "phrase cookies",
        'search "personal data"',
        "cite tidelock.example",
        "diff tidelock.example v1 v2",
        "show tidelock.example --json",
    ],
)
def test_every_reading_command_says_the_same(demo_database: Path, dense_demo: Path, words: str) -> None:
    said = [
        re.sub(r"[\d,]+ bytes", "", run(*shlex.split(words), "--db", database).replace(str(database), "DB"))
        for database in (demo_database, dense_demo)
    ]
    assert said[0] == said[1] and said[0].strip()


def test_texts_that_others_stand_on_may_go(dense: Path) -> None:
    """`re-extract --prune` deletes texts of earlier extractors: those packed against them stay whole."""
    with Store.open(dense) as store:
        gone = [
            row[0]
            for row in store.connection.execute("select text_sha256 from versions where version % 3 = 2")
        ]
        for capture, sha256 in store.connection.execute(
            "select capture_id, text_sha256 from extractions where text_sha256 in (select text_sha256 "
            "from versions where version % 3 = 2)"
        ).fetchall():
            assert sha256 in gone
            store.connection.execute("update extractions set current = 0 where capture_id = ?", (capture,))
            store.connection.execute(
                "insert into extractions select capture_id, 'new/1', 1, (select text_sha256 from versions "
                "where version = 1), title, language, language_confidence, kept_share, "
                "replacement_characters, charset, hidden_text_used, documents_on_page, stated_dates, "
                "line_places from extractions where capture_id = ?",
                (capture,),
            )
        store.fold_versions(PRIVACY)
        left = {
            row["sha256"]: row["text"]
            for row in store.connection.execute("select sha256, text from policy_texts")
            if row["sha256"] not in gone
        }
        assert prune_extractions(store) == len(gone)
        found = store.connection.execute("select sha256, text from policy_texts").fetchall()
        assert {row["sha256"]: row["text"] for row in found} == left
    assert_sound(dense)


def test_a_file_of_an_earlier_release_is_upgraded_and_packed(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    database = Database(path)
    schema.migrations.apply(database, stop_before="m013_packed_texts")
    database.close()
    with Store.open(path) as store:
        store_texts(store, [("20180101", "One.\n"), ("20190101", "Two.\n")])
    compact(path, "--dense")
    assert_sound(path)


def test_a_migration_of_later_finds_the_views_of_the_file(dense: Path) -> None:
    """Such as add a column do so before the connection's own views hide the file's."""
    database = Database(dense)
    schema._grow_view(database, "'more' as grown")
    database.close()
    with closing(open_reader(dense)) as connection:
        rows = connection.execute("select grown, text from policy_versions").fetchall()
    assert {row["grown"] for row in rows} == {"more"}
    assert all(row["text"] for row in rows)


# Death


@pytest.mark.parametrize("name", OF_DENSE)
@pytest.mark.parametrize("passing", [1, 3])
def test_a_compaction_killed_there_loses_nothing_and_is_ended_by_the_next(
    tmp_path: Path, name: str, passing: int
) -> None:
    path, option = tmp_path / "policies.db", "--readable" if name != "in-pack-text" else "--dense"
    with Store.open(path) as store:
        store_texts(store, [(f"20{number:02}0101", edition(number)) for number in range(6)])
        for number in range(4):  # of one text each: they share no lines
            document = PRIVACY.__class__(site=f"x{number}.example", kind=PRIVACY.kind)
            store_texts(
                store, [("20100101", f"Of {number} alone.\n")], document=document, original=f"{URL}{number}"
            )
    if option == "--readable":
        compact(path, "--dense")
    before = content_of(path)
    passing = 1 if name == "before-end-of-dense" else passing
    fault = {"POLICY_ARCHIVE_FAULT": f"{name}:exit:{passing}"}
    status, _, err = finish(start_program("compact", option, "--db", str(path), environment=fault))
    assert status == EXIT_STATUS, err
    assert content_of(path) == before
    assert_sound(path)
    assert is_dense(path)  # as long as one text may be packed
    half = Path(shutil.copy(path, tmp_path / "half.db"))
    for other in ("--dense", "--readable"):  # either way on from there
        again = Path(shutil.copy(half, tmp_path / f"{other}.db"))
        compact(again, other)
        assert content_of(again) == before
        assert is_dense(again) == (other == "--dense")
        assert_sound(again)


# Damage


def damage(database: Path, sql: str, *values: object) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        assert connection.execute(sql, values).rowcount >= 1


def chain_of(database: Path, text_id: int) -> set[int]:
    """Return the ids of the texts that stand on one, itself among them."""
    with closing(sqlite3.connect(database)) as connection:
        sql = """with recursive on_it(id) as (select ? union select text_id from packed_texts
            join on_it on base_id = id) select id from on_it"""
        return {row[0] for row in connection.execute(sql, (text_id,))}


def flip(content: bytes) -> bytes:
    place = len(content) // 2
    return content[:place] + bytes([content[place] ^ 0x55]) + content[place + 1 :]


def test_a_damaged_text_costs_those_that_stand_on_it_and_is_named(dense: Path) -> None:
    with closing(sqlite3.connect(dense)) as connection:
        (content,) = connection.execute("select content from packed_texts where text_id = 20").fetchone()
    damage(dense, "update packed_texts set content = ? where text_id = 20", flip(content))
    lost = chain_of(dense, 20)
    assert 1 < len(lost) <= packed.LONGEST_CHAIN
    status, found = verify(dense)
    assert status == 1
    named = [one for one in found["faults"] if one["fault"] == "text-does-not-unpack"]  # type: ignore[attr-defined]
    assert len(named) == len(lost)
    assert all("unpack" in one["detail"] for one in named)
    with closing(open_reader(dense)) as connection:
        rows = connection.execute("select id, text from texts_search_content").fetchall()
    assert {row["id"] for row in rows if row["text"] is None} == lost
    result = CliRunner().invoke(
        policy_archive, ["compact", "--readable", "--db", str(dense)], standalone_mode=False
    )
    assert isinstance(result.exception, StoreError)
    assert f"{len(lost)} texts did not unpack" in str(result.exception)
    assert is_dense(dense)


HOSTILE = {
    "a text that stands on itself": "update packed_texts set base_id = text_id where text_id = 20",
    "two that stand on each other": "update packed_texts set base_id = 21 where text_id = 20",
    "a base that is not there": "update packed_texts set base_id = 999 where text_id = 20",
    "a base that is another": "update packed_texts set base_id = 3 where text_id = 20",
    "a size that is none": "update packed_texts set bytes = -1 where text_id = 20",
    "a size of all memory": "update packed_texts set bytes = 1 << 40 where text_id = 20",
    "no bytes": "update packed_texts set content = x'' where text_id = 20",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_chain_is_a_fault_with_a_reason(dense: Path, name: str) -> None:
    damage(dense, HOSTILE[name])
    status, found = verify(dense)
    assert status == 1
    faults = found["faults"]
    named = [one for one in faults if one["fault"] == "text-does-not-unpack"]  # type: ignore[attr-defined]
    assert named and all(one["detail"].startswith("packed text ") for one in named)
    with closing(open_reader(dense)) as connection:
        rows = connection.execute("select id, text from texts_search_content where id <= 19").fetchall()
        assert len([row for row in rows if row["text"]]) == 19
        with pytest.raises(StoreError, match="packed text 20"):
            packed.read_packed(connection, 20)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_shard_is_a_sentence_and_changes_nothing(dense: Path, tmp_path: Path, name: str) -> None:
    into = tmp_path / "into.db"
    with Store.open(into) as store:
        store_texts(store, [("20180101", "One.\n")])
    before = dump(into)["policy_texts"]
    damage(dense, HOSTILE[name])
    result = CliRunner().invoke(
        policy_archive, ["merge", str(dense), "--db", str(into)], standalone_mode=False
    )
    assert isinstance(result.exception, StoreError)
    assert str(dense) in str(result.exception)
    assert dump(into)["policy_texts"] == before


@pytest.mark.parametrize("size", [packed.MOST_BYTES // 4, packed.MOST_BYTES + 1])
def test_a_bomb_is_refused_before_it_is_unpacked(dense: Path, size: int) -> None:
    """A chain of texts, each of which is within the limit, is none in sum; one beyond it is none at all."""
    bomb = zstandard.ZstdCompressor().compress(bytes(size))
    damage(dense, "update packed_texts set bytes = ?, content = ?", size, bomb)
    code = (
        "import sys, resource; from pathlib import Path; "
        "from policy_archive.pipelines.store.connection import open_reader; "
        "c = open_reader(Path(sys.argv[1])); "
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss; "
        "print(c.execute('select text from texts_search_content where id = 16').fetchone()[0]); "
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(dense)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["None", "True"]


def test_a_chain_longer_than_any_of_ours_is_refused(dense: Path) -> None:
    with closing(open_reader(dense)) as connection:
        alone = [r[0] for r in connection.execute("select text_id from packed_texts where base_id is null")]
    damage(dense, "update packed_texts set base_id = ? where text_id = ?", alone[1] - 1, alone[1])
    with closing(open_reader(dense)) as connection, pytest.raises(StoreError, match="longer than ours"):
        packed.read_packed(connection, alone[1])


@given(st.binary(max_size=60), st.integers(-2, 2**40), st.booleans())
def test_what_anybody_writes_there_is_a_text_or_an_error(content: bytes, size: int, alone: bool) -> None:
    unpacking = packed._Unpacking()
    unpacking.step(0, int(alone), size, content)
    try:
        assert isinstance(unpacking.unpack(), str)
    except StoreError as error:
        assert str(error)


def test_a_text_that_is_too_long_for_a_chain_stands_for_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from policy_archive.pipelines.store.maintenance import dense as dense_module

    path = tmp_path / "policies.db"
    monkeypatch.setattr(dense_module, "MOST_BYTES", 5_000)
    with Store.open(path) as store:
        store_texts(store, [(f"20{number:02}0101", edition(number)) for number in range(9)])
        store_texts(store, [("20200101", "word " * 2_000)])
        pack(store.connection, Texts.DENSE)
        sizes = [
            packed.measure_chain(store.connection, row[0])[1]
            for row in store.connection.execute("select text_id from packed_texts")
        ]
        left = store.connection.execute("select count(*) from texts where content is not null").fetchone()[0]
    assert (max(sizes) <= 5_000, len(sizes), left) == (True, 9, 1)
