"""Export: a tree that nothing leaves, files whole or not at all."""

from __future__ import annotations

import csv
import json
import os
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from policy_archive.crawler.core.safe_files import ExportError, safe_name, site_folder, write_file
from policy_archive.pipelines.exchange.export.exporter import ExportOptions
from policy_archive.pipelines.exchange.export.markdown_tree import export_markdown, iter_paths
from policy_archive.pipelines.exchange.export.plain_tables import export_csv, export_jsonl
from policy_archive.pipelines.exchange.export.tables import TABLES
from policy_archive.pipelines.store.connection import open_reader
from policy_archive.pipelines.store.selection import Selection, Slice
from policy_archive.pipelines.store.writer import Store
from tests.support import programs
from tests.support.synthetic import store_texts


@given(st.text(max_size=300))
@example("../../etc/passwd")
@example("..")
@example("/etc/passwd")
@example("a\x00b")
@example("CON")
@example("con.txt")
@example("-rf")
@example("trailing.")
@example("x" * 300)
def test_any_name_stays_one_part_of_a_path(text: str) -> None:
    name = safe_name(text)
    assert 1 <= len(name.encode()) <= 100
    assert Path(name).name == name == Path(name).as_posix()
    assert not name.startswith((".", "-")) and not name.endswith(".")
    assert name.split(".")[0] not in {"con", "prn", "aux", "nul", "com1", "lpt1"}
    assert name.isascii() and name.isprintable()


@given(st.text(max_size=150), st.text(max_size=150))
def test_two_names_differ_also_where_case_does_not_count(one: str, two: str) -> None:
    assert (safe_name(one).casefold() == safe_name(two).casefold()) == (one == two)


@given(st.text(min_size=1, max_size=40))
def test_a_site_never_leaves_the_target(site: str) -> None:
    target = Path("/corpus")
    folder = site_folder(target, site)
    assert Path(os.path.normpath(folder)) == folder
    assert folder.is_relative_to(target) and folder != target


@pytest.fixture
def corpus(tmp_path: Path):
    with Store.open(tmp_path / "policies.db") as store:
        store_texts(store, [("20180101", "One.\n"), ("20190101", "Two.\n")], title="=HYPERLINK()")
    with closing(open_reader(tmp_path / "policies.db")) as reader:
        yield Slice(reader, Selection())


def test_markdown_is_a_file_a_version_and_a_second_export_writes_nothing(tmp_path: Path, corpus) -> None:
    target = tmp_path / "corpus"
    assert export_markdown(corpus, target, ExportOptions()).versions == 2
    folder = target / "i/in/int/intently.example/privacy"
    assert sorted(path.name for path in folder.iterdir()) == ["20180101000000.md", "20190101000000.md"]
    before = {path: path.stat().st_ino for path in folder.iterdir()}
    export_markdown(corpus, target, ExportOptions())
    assert {path: path.stat().st_ino for path in folder.iterdir()} == before


def test_texts_of_one_second_are_files_of_their_own(corpus) -> None:
    first = next(corpus.iter_versions())
    twins = [first, first | {"text_sha256": "f" * 64}, first | {"text_sha256": "e" * 64}]
    names = [path.name for path, _ in iter_paths(twins)]
    assert names == ["20180101000000.md", "20180101000000-ffffffff.md", "20180101000000-eeeeeeee.md"]


def test_json_lines_and_csv_hold_the_same_tables(tmp_path: Path, corpus) -> None:
    assert export_jsonl(corpus, tmp_path, ExportOptions()).versions == 2
    assert export_csv(corpus, tmp_path, ExportOptions()).versions == 2
    for name, table in TABLES.items():
        lines = (tmp_path / f"{name}.jsonl").read_text("utf-8").splitlines()
        objects = [json.loads(line) for line in lines]
        with (tmp_path / f"{name}.csv").open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == len(objects) and {tuple(row) for row in rows} <= {tuple(objects[0])}
        assert [column.name for column in table.columns] == list(rows[0])
    with (tmp_path / "versions.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["text"] for row in rows] == ["One.\n", "Two.\n"]
    assert {row["title"] for row in rows} == {"'=HYPERLINK()"}
    export_csv(corpus, tmp_path, ExportOptions(raw_csv=True))
    assert "'=" not in (tmp_path / "versions.csv").read_text("utf-8")


def test_a_link_in_the_target_is_not_followed(tmp_path: Path, corpus) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    target = tmp_path / "corpus"
    target.mkdir()
    (target / "i").symlink_to(outside)
    with pytest.raises(ExportError, match="leads out of"):
        export_markdown(corpus, target, ExportOptions())
    assert not list(outside.rglob("*.md"))


def test_a_link_in_place_of_a_file_is_replaced(tmp_path: Path, corpus) -> None:
    secret = tmp_path / "secret"
    secret.write_text("keep")
    path = tmp_path / "corpus" / next(iter_paths(corpus.iter_versions()))[0]
    path.parent.mkdir(parents=True)
    path.symlink_to(secret)
    export_markdown(corpus, tmp_path / "corpus", ExportOptions())
    assert secret.read_text() == "keep"
    assert not path.is_symlink()


def test_an_export_that_dies_leaves_the_old_file_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    assert write_file(path, ["old"], within=tmp_path)
    script = (
        "import sys; from pathlib import Path; from policy_archive.crawler.core.safe_files import write_file;"
        "write_file(Path(sys.argv[1]), ['new'], within=Path(sys.argv[1]).parent)"
    )
    died = programs.run(["-c", script, path], environment={"POLICY_ARCHIVE_FAULT": "before-rename:exit"})
    assert (died.returncode, path.read_text()) == (86, "old")
    assert write_file(path, ["new"], within=tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("fault", ["enospc"])
def test_a_full_disk_is_one_sentence(tmp_path: Path, fault: str) -> None:
    script = "from pathlib import Path; from policy_archive.crawler.core.safe_files import write_file; write_file(Path('f'), ['x'], within=Path())"  # noqa: E501
    died = programs.run(
        ["-c", script], folder=tmp_path, environment={"POLICY_ARCHIVE_FAULT": f"before-rename:{fault}"}
    )
    assert "DiskFullError" in died.stderr
    assert list(tmp_path.iterdir()) == []
