"""Exports read back by the programs that people have: git, DuckDB, polars, pandas, openpyxl, sqlite-utils,
warcio, pywb; and by our own fetch and import."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

import click
import duckdb
import httpx
import openpyxl
import pandas
import polars
import pytest
from click.testing import CliRunner, Result

from policy_archive.archive_server.server import ArchiveServer
from policy_archive.cli import policy_archive
from policy_archive.crawler.core.errors import PolicyArchiveError
from policy_archive.data import DATA
from policy_archive.pipelines.exchange.export.exporter import ExportOptions
from policy_archive.pipelines.exchange.export.git_repository import TRAILER, export_git
from policy_archive.pipelines.exchange.export.tables import TABLES, describe_tables
from policy_archive.pipelines.exchange.formats import FORMATS
from policy_archive.pipelines.store.connection import open_reader
from policy_archive.pipelines.store.selection import Selection, Slice
from policy_archive.pipelines.store.writer import Store
from tests.conftest import run_pywb
from tests.support.synthetic import store_texts

PROGRAMS = Path(sys.executable).parent
VERSION_COLUMNS = "site, kind, name, version, text_sha256, first_captured, last_captured, changed_after"


def export(database: Path, *words: str) -> Result:
    result = CliRunner().invoke(
        policy_archive, ["export", "--all", *words, "--db", str(database)], standalone_mode=False
    )
    assert result.exception is None, result.exception
    return result


def git(repository: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", repository, *words], capture_output=True, text=True, check=False, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def list_versions(database: Path) -> list[tuple[object, ...]]:
    with closing(open_reader(database)) as reader:
        query = f"select {VERSION_COLUMNS} from policy_versions order by 1, 2, 3, 4"
        return [tuple(row) for row in reader.execute(query)]


@pytest.fixture
def corpus(demo_database: Path) -> Iterator[Slice]:
    with closing(open_reader(demo_database)) as reader:
        yield Slice(reader, Selection())


def test_git_has_a_commit_a_version_and_each_file_its_history(
    demo_database: Path, corpus: Slice, tmp_path: Path
) -> None:
    target = tmp_path / "history.git"
    export(demo_database, "--to", str(target), "--format", "git", "--html")
    git(target, "fsck", "--strict")
    versions = list(corpus.iter_versions())
    assert int(git(target, "rev-list", "--count", "main")) == len(versions)
    assert int(git(target, "rev-list", "--count", "policy_html")) == len(versions)
    path = "t/ti/tid/tidelock.example/privacy.md"
    ours = [row for row in versions if (row["site"], row["kind"]) == ("tidelock.example", "privacy")]
    days = git(target, "log", "--follow", "--format=%as", "main", "--", path).split()
    assert days == [row["first_captured"][:10] for row in reversed(ours)]
    for row in ours:
        named = f'--grep="timestamp": "{row["timestamp"]}"'
        (commit,) = git(target, "log", "--format=%H", named, "main", "--", path).split()
        shown = CliRunner().invoke(
            policy_archive,
            ["show", "tidelock.example", "--at", row["timestamp"], "--db", str(demo_database)],
            standalone_mode=False,
        )
        assert git(target, "show", f"{commit}:{path}") == shown.stdout
        message = git(target, "log", "-1", "--format=%b", commit)
        assert json.loads(message[: message.rindex("}") + 1])["timestamp"] == row["timestamp"]


def test_git_again_adds_nothing_and_the_same_corpus_gives_the_same_commits(
    corpus: Slice, tmp_path: Path
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for target in (one, two, one):
        export_git(corpus, target, ExportOptions())
    assert git(one, "rev-parse", "main") == git(two, "rev-parse", "main")
    stream = tmp_path / "stream"
    with stream.open("wb") as out:
        FORMATS["git"].stream(corpus, out, ExportOptions())  # type: ignore[misc]
    three = tmp_path / "three"
    subprocess.run(["git", "init", "-q", "--bare", three], check=True)
    with stream.open("rb") as source:
        subprocess.run(["git", "-C", three, "fast-import", "--quiet"], stdin=source, check=True)
    assert git(three, "rev-parse", "main") == git(one, "rev-parse", "main")


def test_git_gets_what_is_new_and_what_was_found_late(tmp_path: Path) -> None:
    database, target = tmp_path / "policies.db", tmp_path / "history.git"
    for texts in ([("20180101", "Two.\n")], [("20190101", "Three.\n"), ("20150101", "One.\n")]):
        with Store.open(database) as store:
            store_texts(store, texts)
        with closing(open_reader(database)) as reader:
            export_git(Slice(reader, Selection()), target, ExportOptions())
    path = "i/in/int/intently.example/privacy.md"
    assert git(target, "show", f"main:{path}").endswith("Three.\n")
    commits = git(target, "log", "--format=%as %s", "main").splitlines()
    assert [line[:10] for line in commits] == ["2019-01-01", "2015-01-01", "2018-01-01"]
    trailers = git(target, "log", f"--format=%(trailers:key={TRAILER},valueonly)", "main").split()
    assert len(trailers) == len(set(trailers)) == 3
    with Store.open(database) as store:
        store_texts(store, [("20160101", "One and a half.\n")])
    with closing(open_reader(database)) as reader:
        assert export_git(Slice(reader, Selection()), target, ExportOptions()).versions == 1
    assert git(target, "show", f"main:{path}").endswith("Three.\n")
    assert "the newest text again" in git(target, "log", "-1", "--format=%s", "main")


def test_a_folder_of_something_else_is_refused(corpus: Slice, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign"
    subprocess.run(["git", "init", "-q", "--bare", foreign], check=True)
    blob = git(foreign, "hash-object", "-w", "-t", "tree", "/dev/null").strip()
    git(foreign, "tag", "somebodys", blob)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("x")
    for target in (foreign, tmp_path / "full"):
        with pytest.raises(Exception, match="name "):
            export_git(corpus, target, ExportOptions())
    assert (tmp_path / "full" / "file").read_text() == "x"


def test_parquet_is_read_alike_by_duckdb_and_polars_and_is_the_same_twice(
    corpus: Slice, tmp_path: Path
) -> None:
    digests = []
    for name in ("one", "two"):
        FORMATS["parquet"].write(corpus, tmp_path / name, ExportOptions())
        files = sorted((tmp_path / name).iterdir())
        digests.append([hashlib.sha256(file.read_bytes()).hexdigest() for file in files])
    assert digests[0] == digests[1]
    for name, table in TABLES.items():
        path = tmp_path / "one" / f"{name}.parquet"
        rows = list(table.rows(corpus))
        by_polars = polars.read_parquet(path).rows()
        assert by_polars == duckdb.read_parquet(str(path)).fetchall()
        assert len(by_polars) == len(rows)
        keys = [column.name for column in table.columns if column.type == "string"]
        read = polars.read_parquet(path).select(keys).rows()
        assert read == [tuple(row[key] for key in keys) for row in rows]
    frame = polars.read_parquet(tmp_path / "one" / "versions.parquet")
    assert frame["first_day"].dtype == polars.Date
    assert frame["first_captured"].dtype.is_temporal()


def test_csv_and_json_lines_are_read_by_pandas_and_duckdb(
    demo_database: Path, corpus: Slice, tmp_path: Path
) -> None:
    export(demo_database, "--to", str(tmp_path), "--format", "csv", "--raw-csv")
    export(demo_database, "--to", str(tmp_path), "--format", "jsonl")
    texts = [row["text"] for row in TABLES["versions"].rows(corpus)]
    assert pandas.read_csv(tmp_path / "versions.csv", keep_default_na=False)["text"].tolist() == texts
    assert pandas.read_json(tmp_path / "versions.jsonl", lines=True, dtype=False)["text"].tolist() == texts
    for name, table in TABLES.items():
        for ending in ("csv", "jsonl"):
            read = duckdb.sql(f"select count(*) from '{tmp_path / f'{name}.{ending}'}'").fetchall()
            assert read == [(len(list(table.rows(corpus))),)]


def test_the_sections_of_a_version_hold_its_words(corpus: Slice) -> None:
    sections: dict[tuple[str, int], int] = {}
    for row in TABLES["sections"].rows(corpus):
        key = row["document_id"], row["version"]
        sections[key] = sections.get(key, 0) + len(row["text"])
    for row in corpus.iter_versions():
        assert 0.5 * len(row["text"]) < sections[row["document_id"], row["version"]] <= len(row["text"])


def test_a_workbook_is_read_by_openpyxl_and_holds_no_formula(
    demo_database: Path, corpus: Slice, tmp_path: Path
) -> None:
    target = tmp_path / "corpus.xlsx"
    export(demo_database, "--to", str(target), "--format", "xlsx")
    again = tmp_path / "again.xlsx"
    export(demo_database, "--to", str(again), "--format", "xlsx")
    assert again.read_bytes() == target.read_bytes()
    book = openpyxl.load_workbook(target, read_only=True)
    assert book.sheetnames == ["versions", "changes", "coverage"]
    rows = list(book["versions"].iter_rows(values_only=True))
    assert rows[0] == tuple(column.name for column in TABLES["versions"].columns)
    assert [row[-1] for row in rows[1:]] == [row["text"] for row in corpus.iter_versions()]
    with zipfile.ZipFile(target) as container:
        sheets = [container.read(name) for name in container.namelist() if "sheet" in name]
    assert not any(b"<f>" in sheet for sheet in sheets)


def test_a_text_too_long_for_a_cell_is_cut_with_a_mark_and_counted(tmp_path: Path) -> None:
    database = tmp_path / "policies.db"
    with Store.open(database) as store:
        store_texts(store, [("20180101", "word " * 9_000)], title="=1+1")
    result = export(database, "--to", str(tmp_path / "x.xlsx"), "--format", "xlsx")
    assert "1 texts are longer than a cell takes" in result.stderr
    row = list(openpyxl.load_workbook(tmp_path / "x.xlsx")["versions"].iter_rows(values_only=True))[1]
    assert len(row[-1]) == 32_767 and row[-1].endswith("[… cut here: a cell takes no more]")
    assert "=1+1" in row


def test_the_corpus_s_own_query_runs_on_its_table(demo_database: Path, tmp_path: Path) -> None:
    target = tmp_path / "corpus.sqlite"
    export(demo_database, "--to", str(target), "--format", "princeton-leuven")
    tables = subprocess.run(
        [PROGRAMS / "sqlite-utils", "tables", "--counts", target], capture_output=True, check=True
    )
    mains = [row for row in list_versions(demo_database) if row[1:3] == ("privacy", "")]
    assert json.loads(tables.stdout) == [{"table": "policy_texts", "count": len(mains)}]
    with closing(sqlite3.connect(target)) as connection:
        rows = connection.execute("SELECT site_url, year, season FROM policy_texts").fetchall()
        assert len(rows) == len(mains) and ("lantern-radio.example", 1999, "A") in rows
        assert len(connection.execute("select * from policy_texts").description) == 16
    export(demo_database, "--to", str(target), "--format", "princeton-leuven", "--grid", "half-yearly")
    with closing(sqlite3.connect(target)) as connection:
        seasons = connection.execute("select site_url, year, season from policy_texts").fetchall()
        snapshots = connection.execute(
            "select policy_snapshot_url from policy_texts where site_url = 'tidelock.example' and year = 2012"
        ).fetchall()
    assert len(seasons) == len(set(seasons)) > len(mains)
    assert [url.split("/")[4][:14] for (url,) in snapshots] == ["20120219083102"]


@pytest.fixture(scope="module")
def web_archive(demo_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("warc") / "corpus.warc.gz"
    result = export(demo_database, "--to", str(target), "--format", "warc")
    assert "rows are left out: they were not asked for" in result.stderr
    return target


def test_warcio_finds_no_fault_and_the_records_say_that_heads_are_rebuilt(web_archive: Path) -> None:
    done = subprocess.run(
        [PROGRAMS / "warcio", "check", "-v", web_archive], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    index = subprocess.run(
        [PROGRAMS / "warcio", "index", "-f", "warc-type,warc-policy-archive-headers", web_archive],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    kinds = [json.loads(line) for line in index.stdout.splitlines()]
    assert kinds[0] == {"warc-type": "warcinfo"}
    assert {row["warc-type"] for row in kinds[1:]} == {"response", "revisit"}
    assert {row["warc-policy-archive-headers"] for row in kinds[1:]} == {"rebuilt"}


def test_a_warc_export_served_and_fetched_is_the_same_history(
    demo_database: Path, web_archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLICY_ARCHIVE_STATE", str(tmp_path))
    again = tmp_path / "again.db"
    with ArchiveServer([web_archive]) as archive:
        words = ["fetch", "--sites", str(DATA / "demo" / "sites.txt"), "--kind", "all"]
        words += ["--archive", archive.url, "--index-rate", "0", "--replay-rate", "0", "--db", str(again)]
        result = CliRunner().invoke(policy_archive, words, standalone_mode=False)
    assert result.exception is None, result.exception
    assert list_versions(again) == list_versions(demo_database)


def test_a_wacz_export_is_replayed_by_pywb(demo_database: Path, corpus: Slice, tmp_path: Path) -> None:
    target, again = tmp_path / "corpus.wacz", tmp_path / "again.wacz"
    for path in (target, again):
        export(demo_database, "--to", str(path), "--format", "wacz")
    assert target.read_bytes() == again.read_bytes()
    with zipfile.ZipFile(target) as container:
        container.extractall(tmp_path / "unpacked")
        package = json.loads(container.read("datapackage.json"))
        for entry in package["resources"]:
            content = container.read(entry["path"])
            assert entry["hash"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
            assert entry["bytes"] == len(content)
            assert container.getinfo(entry["path"]).compress_type == zipfile.ZIP_STORED
        pages = [json.loads(line) for line in container.read("pages/pages.jsonl").splitlines()[1:]]
        index = container.read("indexes/index.cdx").decode().splitlines()
    versions = list(corpus.iter_versions())
    assert {(row["url"], row["first_captured"]) for row in versions} <= {(p["url"], p["ts"]) for p in pages}
    assert index == sorted(index)
    warc = tmp_path / "unpacked" / "archive" / "data.warc.gz"
    for line in index[:5]:
        entry = json.loads(line.split(" ", 2)[2])
        piece = warc.read_bytes()[int(entry["offset"]) : int(entry["offset"]) + int(entry["length"])]
        assert piece.startswith(b"\x1f\x8b")
    with run_pywb([warc], tmp_path) as url:
        row = next(row for row in versions if row["site"] == "tidelock.example")
        answer = httpx.get(f"{url}/{row['timestamp']}id_/{row['url']}")
        assert answer.status_code == 200
        with closing(open_reader(demo_database)) as reader:
            (size,) = reader.execute(
                "select bytes from captures join bodies on bodies.digest = body_digest where captures.id = ?",
                (row["capture_id"],),
            ).fetchone()
        assert len(answer.content) == size


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--kind", "terms"), {"terms"}),
        (("--language", "de"), {"privacy", "terms"}),
        (("--from", "2024", "--kind", "privacy"), {"privacy"}),
        (("--class", "substantive", "--kind", "cookies"), {"cookies"}),
    ],
)
def test_filters_leave_out_what_was_not_asked_for(
    demo_database: Path, tmp_path: Path, words: tuple[str, ...], expected: set[str]
) -> None:
    export(demo_database, "--to", str(tmp_path), "--format", "jsonl", *words)
    rows = [json.loads(line) for line in (tmp_path / "versions.jsonl").read_text("utf-8").splitlines()]
    assert rows and {row["kind"] for row in rows} == expected
    if "--language" in words:
        assert {row["language"] for row in rows} == {"de"}
    if "--from" in words:
        assert min(row["last_captured"] for row in rows) >= "2024"
    documents = [json.loads(line) for line in (tmp_path / "documents.jsonl").read_text("utf-8").splitlines()]
    assert sum(row["versions"] for row in documents) == len(rows)


def test_docs_describe_every_format_table_and_column() -> None:
    page = (Path(__file__).parents[3] / "docs" / "exchange.md").read_text("utf-8")
    assert describe_tables().rstrip() in page
    assert [name for name in FORMATS if f"`{name}`" not in page] == []


def test_a_stream_is_one_table(demo_database: Path) -> None:
    result = export(
        demo_database, "--to", "-", "--format", "jsonl", "--table", "changes", "--class", "rewritten"
    )
    assert {json.loads(line)["class"] for line in result.stdout.splitlines()} <= {"rewritten"}


def test_an_export_to_git_that_was_interrupted_is_run_again(corpus: Slice, tmp_path: Path) -> None:
    target = tmp_path / "history.git"

    def stop(items: Iterable[object]) -> Iterator[object]:
        yield next(iter(items))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_git(corpus, target, ExportOptions(follow=stop))
    assert export_git(corpus, target, ExportOptions()).versions == corpus.count_versions()
    assert int(git(target, "rev-list", "--count", "HEAD")) >= corpus.count_versions()


def refuse(*words: str) -> tuple[str, int]:
    result = CliRunner().invoke(policy_archive, words, standalone_mode=False)
    exception = result.exception
    assert isinstance(exception, PolicyArchiveError | click.ClickException), exception
    if isinstance(exception, PolicyArchiveError):
        return str(exception), exception.exit_status
    return exception.format_message(), exception.exit_code


@pytest.mark.parametrize("form", FORMATS)
def test_a_selection_of_nothing_is_an_error_and_leaves_nothing(
    demo_database: Path, tmp_path: Path, form: str
) -> None:
    target = tmp_path / "out"
    common = ("--to", str(target), "--format", form, "--db", str(demo_database))
    said, status = refuse("export", "--all", "--language", "xx", *common)
    assert (status, list(tmp_path.iterdir())) == (1, []) and "filters" in said
    said, status = refuse("export", "stonecrop-walks.example", *common)
    assert (status, list(tmp_path.iterdir())) == (1, []) and "stonecrop-walks.example" in said


def test_the_table_of_sites_needs_no_version(demo_database: Path) -> None:
    words = ["export", "stonecrop-walks.example", "--to", "-", "--format", "jsonl", "--table", "sites"]
    result = CliRunner().invoke(policy_archive, [*words, "--db", str(demo_database)])
    assert result.exit_code == 0 and "no policy found" in json.loads(result.stdout)["reason"]


@pytest.mark.parametrize("form", ["warc", "wacz"])
def test_texts_without_pages_make_no_web_archive(tmp_path: Path, form: str) -> None:
    database, text, target = tmp_path / "policies.db", tmp_path / "policy.txt", tmp_path / "out" / "x"
    text.write_text("We keep your name and your address for a year.\n" * 20, "utf-8")
    words = ["--site", "intently.example", "--kind", "privacy", "--date", "2018-01-01"]
    made = CliRunner().invoke(policy_archive, ["import", str(text), *words, "--db", str(database)])
    assert made.exit_code == 0, made.output
    said, status = refuse("export", "--all", "--to", str(target), "--format", form, "--db", str(database))
    assert status == 1 and "no captured page" in said
    assert list(target.parent.iterdir()) == []
    result = export(database, "--to", str(tmp_path / "h.git"), "--format", "git", "--html")
    assert "there is no branch policy_html" in result.stderr


def test_a_table_of_privacy_policies_alone_needs_one(demo_database: Path, tmp_path: Path) -> None:
    form = ("--format", "princeton-leuven", "--kind", "terms", "--db", str(demo_database))
    said, status = refuse("export", "--all", "--to", str(tmp_path / "x.db"), *form)
    assert status == 1 and "main privacy policy" in said and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "words",
    [
        *(("export", "--all", "--format", name, "--to") for name, one in FORMATS.items()),
        ("bundle", "tidelock.example", "--to"),
        ("changes", "--atom"),
    ],
    ids=" ".join,
)
def test_no_output_takes_the_place_of_a_corpus(
    demo_database: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    corpus = tmp_path / "policies.db"
    shutil.copy(demo_database, corpus)
    before = corpus.read_bytes()
    said, status = refuse(*words, str(corpus), "--db", str(demo_database))
    assert status == 2 and "is a corpus" in said
    assert corpus.read_bytes() == before


@pytest.mark.parametrize("form", [name for name, one in FORMATS.items() if one.stream is None])
def test_what_is_no_stream_says_so(demo_database: Path, form: str) -> None:
    words = ["export", "--all", "--to", "-", "--format", form, "--db", str(demo_database)]
    result = CliRunner().invoke(policy_archive, words, standalone_mode=False)
    assert "is no stream" in str(result.exception)
