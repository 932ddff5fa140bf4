"""A data set to publish: complete, checked, the same twice."""

from __future__ import annotations

import csv
import filecmp
import gzip
import hashlib
import json
import subprocess
from pathlib import Path

import polars
import pytest
import yaml
from click.testing import CliRunner

from policy_archive.cli import policy_archive
from policy_archive.pipelines.exchange.export.tables import TABLES, describe_tables

WORDS = ("--author", "Jane Doe", "--author", 'The "X" Lab: #1', "--licence", "CC-BY-4.0", "--title", "A: b")


def release(database: Path, target: Path, *words: str) -> None:
    result = CliRunner().invoke(
        policy_archive,
        ["export", "--all", "--release", str(target), *(words or WORDS), "--db", str(database)],
        standalone_mode=False,
    )
    assert result.exception is None, result.exception


@pytest.fixture(scope="module")
def dataset(demo_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("release") / "dataset"
    release(demo_database, target)
    return target


def test_it_is_the_same_twice_and_its_checksums_hold(
    demo_database: Path, dataset: Path, tmp_path: Path
) -> None:
    release(demo_database, tmp_path / "again")
    names = sorted(path.name for path in dataset.iterdir())
    assert names == sorted(path.name for path in (tmp_path / "again").iterdir())
    assert filecmp.cmpfiles(dataset, tmp_path / "again", names, shallow=False)[1:] == ([], [])
    done = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=dataset, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout
    listed = {line.split("  ")[1] for line in (dataset / "SHA256SUMS").read_text().splitlines()}
    assert listed == set(names) - {"SHA256SUMS"}


def test_the_tables_say_the_same_in_both_forms_and_texts_have_their_hashes(dataset: Path) -> None:
    for name in TABLES:
        frame = polars.read_parquet(dataset / f"{name}.parquet")
        with gzip.open(dataset / f"{name}.csv.gz", "rt", encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert (list(rows[0]), len(rows)) == (frame.columns, frame.height)
        if name == "versions":
            for row in rows:
                assert hashlib.sha256(row["text"].encode()).hexdigest() == row["text_sha256"]


def test_its_metadata_say_who_made_it_when_and_of_what(dataset: Path) -> None:
    cff = yaml.safe_load((dataset / "CITATION.cff").read_text("utf-8"))
    assert (cff["cff-version"], cff["type"], cff["title"]) == ("1.2.0", "dataset", "A: b")
    assert cff["authors"] == [{"name": "Jane Doe"}, {"name": 'The "X" Lab: #1'}]
    zenodo = json.loads((dataset / ".zenodo.json").read_text("utf-8"))
    assert zenodo["creators"] == cff["authors"] and zenodo["license"] == "cc-by-4.0"
    readme = (dataset / "README.md").read_text("utf-8")
    head = yaml.safe_load(readme.split("---")[1])
    assert head["license"] == "cc-by-4.0" and {"config_name", "data_files"} <= head["configs"][0].keys()
    versions = polars.read_parquet(dataset / "versions.parquet").height
    assert f"{versions} versions of" in readme and "| 1999 | 1 | 1 |" in readme
    assert describe_tables(2).rstrip() in (dataset / "data-dictionary.md").read_text("utf-8")
    assert "no licence" in (dataset / "LICENSE-DATA").read_text("utf-8")


def test_days_come_from_the_data_or_from_source_date_epoch(
    demo_database: Path, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = max(polars.read_parquet(dataset / "captures.parquet")["timestamp"])
    cff = yaml.safe_load((dataset / "CITATION.cff").read_text("utf-8"))
    assert cff["date-released"].strftime("%Y%m%d") == last[:8]
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    release(demo_database, tmp_path / "dated")
    package = json.loads((tmp_path / "dated" / "datapackage.json").read_text("utf-8"))
    assert package["created"] == "2023-11-14T00:00:00Z"


def test_a_licence_that_is_no_identifier_is_said_and_named_nowhere_else(
    demo_database: Path, tmp_path: Path
) -> None:
    release(demo_database, tmp_path / "x", "--licence", "ask me: \n nicely")
    assert "license" not in yaml.safe_load((tmp_path / "x" / "CITATION.cff").read_text("utf-8"))
    assert "licenses" not in json.loads((tmp_path / "x" / "datapackage.json").read_text("utf-8"))
    assert "ask me" in (tmp_path / "x" / "LICENSE-DATA").read_text("utf-8")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "say where to write"),
        (("--release", "a", "--to", "b"), "say where to write"),
        (("--release", "."), "no release"),
    ],
)
def test_a_wrong_target_is_one_sentence(
    demo_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").write_text("x")
    result = CliRunner().invoke(
        policy_archive, ["export", "--all", *words, "--db", str(demo_database)], standalone_mode=False
    )
    assert said in str(result.exception)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
