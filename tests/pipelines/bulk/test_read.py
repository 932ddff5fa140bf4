"""`bulk read` on one machine: every capture once, whatever its page does, and whenever the run is killed."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import signal
import sqlite3
import zipfile
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner, Result

from policy_archive.archive_server.cdxj import keep_index
from policy_archive.archive_server.warc import iter_indexed
from policy_archive.archive_server.warc_files import WarcFile
from policy_archive.cli import policy_archive
from policy_archive.crawler.core.errors import InUseError, UsageError
from policy_archive.data import DATA
from policy_archive.pipelines.bulk.folder import BulkFolder, State
from policy_archive.pipelines.bulk.inputs import find_jobs
from policy_archive.pipelines.bulk.job import Settings, describe_code
from policy_archive.pipelines.bulk.run import read_all, read_here
from tests.support.attacks import warc_record, write_warc
from tests.support.processes import content_of, finish, start_program

TIDELOCK = DATA / "demo" / "tidelock.example.warc.gz"
OLDMILL = DATA / "demo" / "oldmill-inn.example.warc.gz"
PAGE = (
    b"<title>Privacy policy</title><h1>Privacy policy</h1><p>We collect personal data, such as your name and "
    b"address, when you use our service, and use cookies to remember you. We share it with nobody.</p>"
)


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    return tmp_path / "parts"


@pytest.fixture
def run(parts: Path) -> Callable[..., Result]:
    def run_bulk(*places: object) -> Result:
        words = ["bulk", "read", *map(str, places), "--to", str(parts), "--processes", "1"]
        return CliRunner().invoke(policy_archive, words, standalone_mode=False)

    return run_bulk


def status(parts: Path) -> tuple[int, list[dict[str, str]]]:
    words = ["bulk", "status", str(parts), "--csv"]
    result = CliRunner().invoke(policy_archive, words, standalone_mode=False)
    assert result.exception is None, result.exception
    return result.return_value, list(csv.DictReader(io.StringIO(result.stdout)))


def rows(parts: Path, columns: str = "original, timestamp, digest") -> list[Any]:
    with closing(duckdb.connect()) as connection:
        return sorted(connection.execute(f"select {columns} from '{parts}/part-*.parquet'").fetchall())


def outcomes(parts: Path) -> dict[str, int]:
    return Counter(outcome for (outcome,) in rows(parts, "coalesce(outcome, '')"))


def indexed(*warcs: Path) -> list[tuple[str, str, str]]:
    found = [row for warc in warcs for row, _ in iter_indexed(warc, []) if row]
    return sorted((row.original, row.timestamp, row.digest) for row in found)


def test_every_capture_is_in_a_part_once_and_a_second_run_reads_nothing(
    run: Callable[..., Result], parts: Path
) -> None:
    result = run(TIDELOCK, OLDMILL)
    assert (result.exception, result.return_value) == (None, 0)
    assert "2 files: 2 read, 0 read before, 0 failed" in result.stderr
    assert rows(parts) == indexed(TIDELOCK, OLDMILL)
    assert outcomes(parts)["text"] >= 10
    assert [(file["state"], int(file["captures"])) for file in status(parts)[1]] == [
        ("read", 11),
        ("read", 49),
    ]
    before = {path: path.stat().st_mtime_ns for path in parts.glob("*.parquet")}
    again = run(OLDMILL, TIDELOCK, TIDELOCK)
    assert "2 files: 0 read, 2 read before, 0 failed" in again.stderr
    assert {path: path.stat().st_mtime_ns for path in parts.glob("*.parquet")} == before
    assert list((parts / "_unfinished").iterdir()) == []


def test_the_same_bytes_are_the_same_part_and_a_file_that_changed_takes_its_place(
    run: Callable[..., Result], parts: Path, tmp_path: Path
) -> None:
    for name in ("a.warc.gz", "b.warc.gz"):
        shutil.copy(OLDMILL, tmp_path / name)
    run(tmp_path / "a.warc.gz", tmp_path / "b.warc.gz")
    assert rows(parts) == indexed(OLDMILL)
    assert {file["part"] for file in status(parts)[1]} == {path.name for path in parts.glob("*.parquet")}
    write_warc(tmp_path / "a.warc.gz", warc_record([PAGE]))
    shutil.copy(tmp_path / "a.warc.gz", tmp_path / "b.warc.gz")
    run(tmp_path / "a.warc.gz", tmp_path / "b.warc.gz")
    assert [row[0] for row in rows(parts)] == ["http://x.example/"]


def test_a_wacz_is_one_file_whose_archives_are_all_in_it(
    run: Callable[..., Result], parts: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "crawl.wacz", "w") as wacz:
        for warc in (TIDELOCK, OLDMILL):
            wacz.write(warc, f"archive/{warc.name}")
    assert run(tmp_path / "crawl.wacz").return_value == 0
    assert rows(parts) == indexed(TIDELOCK, OLDMILL)
    assert {file for (file,) in rows(parts, "distinct file")} == {
        f"crawl.wacz: {warc.name}" for warc in (TIDELOCK, OLDMILL)
    }


def test_rows_of_an_index_are_read_where_they_say(
    run: Callable[..., Result], parts: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "archives"
    folder.mkdir()
    shutil.copy(TIDELOCK, folder)
    kept = keep_index(WarcFile(path=TIDELOCK, name=TIDELOCK.name, container=TIDELOCK), tmp_path / "index")
    lines = list(kept.iter_lines())
    odd = [
        b"no row at all\n",
        lines[0].replace(b'"filename": "', b'"filename": "../'),
        lines[1].replace(TIDELOCK.name.encode(), b"missing.warc.gz"),
        lines[2].replace(b'"offset": ', b'"offset": 1'),
    ]
    (folder / "some.cdxj").write_bytes(b"".join([*lines, *odd]))
    result = run(folder / "some.cdxj")
    assert (result.exception, result.return_value) == (None, 0)
    assert rows(parts) == indexed(TIDELOCK)
    ((file,)) = status(parts)[1]
    assert file["file"] == f"some.cdxj, lines 1-{len(lines) + len(odd)}"
    assert all(word in file["reason"] for word in ("no row", "leads out", "No such file", "no capture at"))


def test_a_file_that_cannot_be_read_fails_with_a_reason_and_the_rest_goes_on(
    run: Callable[..., Result], parts: Path, tmp_path: Path
) -> None:
    (tmp_path / "bad.warc.gz").write_bytes(b"no archive")
    (tmp_path / "bad.wacz").write_bytes(b"no zip")
    (tmp_path / "cut.warc.gz").write_bytes(TIDELOCK.read_bytes()[:20_000])
    result = run(tmp_path / "bad.warc.gz", tmp_path / "bad.wacz", tmp_path / "cut.warc.gz", OLDMILL)
    assert (result.exception, result.return_value) == (None, 1)
    assert "bad.warc.gz: failed: " in result.stderr and "2 failed" in result.stderr
    code, files = status(parts)
    assert code == 1
    assert {file["file"]: file["state"] for file in files} == {
        "bad.warc.gz": "failed", "bad.wacz": "failed", "cut.warc.gz": "read", OLDMILL.name: "read",
    }  # fmt: skip
    assert all(file["reason"] for file in files if file["file"] != OLDMILL.name)
    assert set(rows(parts)) > set(indexed(OLDMILL))
    shutil.copy(TIDELOCK, tmp_path / "bad.warc.gz")
    (tmp_path / "bad.wacz").unlink()
    assert run(tmp_path / "bad.warc.gz").return_value == 0
    assert Counter(file["state"] for file in status(parts)[1]) == {"read": 3, "failed": 1}


def poisoned(path: Path, name: str, count: int) -> Path:
    """Write an archive with so many pages that the environment's fault strikes, and as many others."""
    records = []
    for number in range(count):
        for page in (name, "privacy"):
            url = f"http://x.example/{number}/{page}"
            records.append(warc_record([PAGE, b"<p>%d" % number], WARC_Target_URI=url))
    return write_warc(path, *records)


@pytest.mark.parametrize(
    ("action", "count", "outcome"), [("exit", 10, "extractor-crash"), ("sleep", 2, "extractor-timeout")]
)
def test_a_page_that_kills_or_stops_its_reader_costs_its_own_row(
    parts: Path, tmp_path: Path, action: str, count: int, outcome: str
) -> None:
    warc = poisoned(tmp_path / "a.warc.gz", "poison", count)
    words = ("bulk", "read", str(warc), "--to", str(parts), "--processes", "2", "--timeout", "1")
    code, _, errors = finish(
        start_program(*words, environment={"POLICY_ARCHIVE_FAULT": f"page-poison:{action}"})
    )
    assert code == 0, errors
    assert outcomes(parts) == {outcome: count, "text": count}
    assert status(parts)[0] == 0


def test_a_page_that_eats_memory_costs_its_own_row(parts: Path, tmp_path: Path) -> None:
    large = [b"<div><p>%d we share data" % number for number in range(400_000)]
    records = [warc_record([*large], WARC_Target_URI="http://x.example/terms"), warc_record([PAGE])]
    write_warc(tmp_path / "a.warc.gz", *records)
    settings = Settings(memory_bytes=100 << 20)
    jobs = find_jobs([str(tmp_path)], parts, code=describe_code(), settings=settings)
    (one,) = read_all(jobs, BulkFolder(parts), read_here(1))
    assert one.state is State.READ
    assert rows(parts, "outcome") == [("extractor-memory",), ("home",)]


@pytest.mark.parametrize(
    "fault", ["bulk-row:exit:1", "bulk-row:exit:30", "bulk-before-rename:exit", "bulk-before-note:exit"]
)
def test_a_run_that_is_killed_goes_on_and_nothing_is_lost_or_there_twice(
    run: Callable[..., Result], parts: Path, fault: str
) -> None:
    words = ("bulk", "read", str(OLDMILL), str(TIDELOCK), "--to", str(parts), "--processes", "1")
    code, _, _ = finish(start_program(*words, environment={"POLICY_ARCHIVE_FAULT": fault}))
    assert code == 86
    code, files = status(parts)
    assert code == 1 and "waiting" in {file["state"] for file in files}
    assert run(OLDMILL, TIDELOCK).return_value == 0
    assert rows(parts) == indexed(OLDMILL, TIDELOCK)
    assert list((parts / "_unfinished").iterdir()) == []


def test_ctrl_c_ends_it_at_once_and_the_same_command_goes_on(run: Callable[..., Result], parts: Path) -> None:
    words = ("bulk", "read", str(TIDELOCK), "--to", str(parts), "--processes", "1", "--timeout", "500")
    process = start_program(*words, environment={"POLICY_ARCHIVE_FAULT": "page-privacy.html:sleep"})
    assert process.stderr is not None
    while "asleep" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    code, _, errors = finish(process)
    assert code == 130, errors
    assert "nothing is left half done" in errors
    assert list(parts.glob("*.parquet")) == list((parts / "_unfinished").iterdir()) == []
    assert [file["state"] for file in status(parts)[1]] == ["waiting"]
    assert run(TIDELOCK, "--timeout", "500").return_value == 0
    assert rows(parts) == indexed(TIDELOCK)


def test_one_run_at_a_time_writes_into_a_folder(run: Callable[..., Result], parts: Path) -> None:
    with BulkFolder(parts).hold():
        assert isinstance(run(TIDELOCK).exception, InUseError)


def test_a_folder_has_the_rows_of_one_release_and_one_way_of_reading(
    run: Callable[..., Result], parts: Path
) -> None:
    run(OLDMILL)
    error = run(TIDELOCK, "--policies-only").exception
    assert isinstance(error, UsageError) and "name another folder" in str(error)
    assert rows(parts) == indexed(OLDMILL)


def test_policies_only_leaves_out_what_promises_none(
    run: Callable[..., Result], parts: Path, tmp_path: Path
) -> None:
    urls = ("http://x.example/privacy", "http://x.example/", "http://x.example/shop/7")
    write_warc(tmp_path / "a.warc.gz", *(warc_record([PAGE], WARC_Target_URI=url) for url in urls))
    run(tmp_path / "a.warc.gz", "--policies-only")
    assert rows(parts, "original, outcome, body is null") == [
        ("http://x.example/", "home", False),
        ("http://x.example/privacy", "text", False),
        ("http://x.example/shop/7", None, True),
    ]


@pytest.mark.parametrize("kept", ["parts", "part-files"])
def test_parts_are_imported_to_the_versions_of_their_archives(
    run: Callable[..., Result], parts: Path, tmp_path: Path, kept: str
) -> None:
    run(TIDELOCK, OLDMILL)
    databases = {name: tmp_path / f"{name}.db" for name in ("archives", "parts")}
    sources = {
        "archives": [TIDELOCK, OLDMILL],
        "parts": [parts] if kept == "parts" else sorted(parts.glob("*.parquet")),
    }
    for name, database in databases.items():
        words = ["import", *map(str, sources[name]), "--db", str(database), "--json"]
        result = CliRunner().invoke(policy_archive, words, standalone_mode=False)
        assert (result.exception, result.return_value) == (None, 0)
        assert json.loads(result.stdout)["outcomes"]["imported"] > 20
    assert content_of(databases["parts"]) == content_of(databases["archives"])
    for sql in (
        "select capture_id, extractor, title from extractions order by 1, 2",
        "select id, format, name, digest from origins order by 1",
        "select id, origin from captures order by 1",
    ):
        with (
            closing(sqlite3.connect(databases["parts"])) as one,
            closing(sqlite3.connect(databases["archives"])) as other,
        ):
            found = one.execute(sql).fetchall()
            assert found and found == other.execute(sql).fetchall()


def test_every_column_and_key_is_documented(run: Callable[..., Result], parts: Path) -> None:
    run(OLDMILL)
    page = (Path(__file__).parents[3] / "docs" / "bulk.md").read_text("utf-8")
    documented = set(re.findall("`([a-z0-9_]+)`", "".join(re.findall(r"^\| (`.*?) \|", page, re.MULTILINE))))
    (file,) = status(parts)[1]
    with closing(duckdb.connect()) as connection:
        found = connection.execute(f"describe select * from '{parts}/part-*.parquet'").fetchall()
    assert documented == {*file, *(name for name, *_ in found)}
