"""Every option of export against every format: heeded, or refused in a sentence."""

from __future__ import annotations

import json
import re
import shutil
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from policy_archive.cli import policy_archive
from policy_archive.crawler.core.errors import UsageError
from policy_archive.pipelines.commands.export import _CHOICES
from policy_archive.pipelines.exchange.export.exporter import ExportOptions
from policy_archive.pipelines.exchange.formats import FORMATS
from policy_archive.pipelines.store.connection import open_reader
from policy_archive.pipelines.store.selection import Selection, Slice

WORDS = {
    "table": ("--table", "changes"),
    "html": ("--html",),
    "grid": ("--grid", "half-yearly"),
    "no_homes": ("--no-homes",),
    "raw_csv": ("--raw-csv",),
}
FILTERS = (
    ("--kind", "privacy"),
    ("--language", "en"),
    ("--from", "2016"),
    ("--to-date", "2015"),
    ("--class", "substantive"),
    ("--at", "2013-07-01"),
)
TARGETS = [(name, False) for name in FORMATS] + [(name, True) for name, one in FORMATS.items() if one.stream]


HAVE_NOT = [
    (name, stream, option)
    for name, stream in TARGETS
    for option, field in _CHOICES.items()
    if field not in (FORMATS[name].stream_heeds if stream else FORMATS[name].heeds)
]


class Noted(ExportOptions):
    """Notes which fields are read."""

    def __getattribute__(self, name: str) -> Any:
        read.add(name)
        return super().__getattribute__(name)


read: set[str] = set()


def export(database: Path, *words: str) -> Result:
    return CliRunner().invoke(
        policy_archive, ["export", "--all", "--db", str(database), *words], standalone_mode=False
    )


def needs(name: str) -> None:
    if name in ("parquet", "xlsx"):
        pytest.importorskip({"parquet": "duckdb", "xlsx": "openpyxl"}[name])
    if name == "git" and shutil.which("git") is None:
        pytest.skip("git is not installed")


@pytest.mark.parametrize(("name", "stream", "option"), HAVE_NOT)
def test_an_option_that_a_format_has_not_is_refused(
    demo_database: Path, tmp_path: Path, name: str, stream: bool, option: str
) -> None:
    target = tmp_path / "out"
    result = export(demo_database, "--format", name, "--to", "-" if stream else str(target), *WORDS[option])
    assert isinstance(result.exception, UsageError)
    assert str(result.exception).startswith(f"{WORDS[option][0]} is not of {name} ")
    assert not target.exists() and result.stdout == ""


@pytest.mark.parametrize(("name", "stream"), TARGETS)
def test_a_format_reads_what_it_says_that_it_heeds_and_nothing_else(
    demo_database: Path, tmp_path: Path, name: str, stream: bool
) -> None:
    needs(name)
    form = FORMATS[name]
    with closing(open_reader(demo_database)) as connection:
        corpus = Slice(connection, Selection(sites=["tidelock.example"]))
        read.clear()
        if stream:
            assert form.stream is not None
            form.stream(corpus, BytesIO(), Noted())
        else:
            form.write(corpus, tmp_path / "out", Noted())
    assert read - {"follow"} == (form.stream_heeds if stream else form.heeds)
    assert set(WORDS) == set(_CHOICES)
    assert set(_CHOICES.values()) | {"follow"} == set(ExportOptions.__dataclass_fields__)


@pytest.mark.parametrize("option", [*WORDS, "format"])
def test_a_release_takes_no_option_of_a_format(demo_database: Path, tmp_path: Path, option: str) -> None:
    words = WORDS.get(option, ("--format", "csv"))
    result = export(demo_database, "--release", str(tmp_path / "out"), *words)
    assert isinstance(result.exception, UsageError) and str(result.exception).startswith(
        f"{words[0]} is of --to"
    )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("option", ["--title", "--author", "--licence", "--release-version"])
def test_what_a_release_says_of_itself_goes_with_a_release(
    demo_database: Path, tmp_path: Path, option: str
) -> None:
    result = export(demo_database, "--to", str(tmp_path / "out"), option, "x")
    assert isinstance(result.exception, UsageError) and option in str(result.exception)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("filter_", FILTERS, ids=[words[0] for words in FILTERS])
@pytest.mark.parametrize("name", [name for name in FORMATS if name != "princeton-leuven"])
def test_every_filter_leaves_the_same_versions_in_every_format(
    demo_database: Path, tmp_path: Path, name: str, filter_: tuple[str, str]
) -> None:
    needs(name)
    wanted = len(export(demo_database, "--format", "jsonl", "--to", "-", *filter_).stdout.splitlines())
    everything = len(export(demo_database, "--format", "jsonl", "--to", "-").stdout.splitlines())
    result = export(demo_database, "--format", name, "--to", str(tmp_path / "out"), *filter_)
    assert result.exception is None
    assert 0 < wanted < everything
    written, _, notes = result.stderr.partition(" versions written")
    missing = re.search(r"([0-9]+) versions? ha(?:s|ve) no page in it", notes)
    assert int(written.split()[-1]) + int(missing[1] if missing else 0) == wanted
    assert missing is None or name in ("warc", "wacz")
    narrowed = "chose documents" in notes
    assert narrowed == (name in ("warc", "wacz") and filter_[0] in ("--language", "--class", "--at"))


@pytest.mark.parametrize("filter_", FILTERS, ids=[words[0] for words in FILTERS])
def test_every_filter_counts_in_the_table_of_the_other_corpus(
    demo_database: Path, tmp_path: Path, filter_: tuple[str, str]
) -> None:
    words = filter_ if filter_[0] == "--kind" else (*filter_, "--kind", "privacy")
    lines = export(demo_database, "--format", "jsonl", "--to", "-", *words).stdout.splitlines()
    wanted = sum(not json.loads(line)["name"] for line in lines)
    result = export(demo_database, "--format", "princeton-leuven", "--to", str(tmp_path / "out.db"), *filter_)
    assert f"{wanted} versions written" in result.stderr


def test_what_a_config_file_gives_is_no_mistake_beside_another_format(
    demo_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[export]\nraw-csv = true\n")
    monkeypatch.setenv("POLICY_ARCHIVE_CONFIG", str(file))
    result = export(demo_database, "--to", str(tmp_path / "out"))
    assert result.exception is None
