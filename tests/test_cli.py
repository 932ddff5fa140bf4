"""The command line as a program: what goes wrong around it is one sentence and an exit status."""

from __future__ import annotations

import inspect
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from policy_archive.cli import SUMMARIES, module_of, policy_archive
from policy_archive.crawler.core.errors import StoreError
from policy_archive.pipelines.store.connection import open_reader
from policy_archive.pipelines.store.maintenance.backup import copy_database
from policy_archive.pipelines.store.writer import Store
from tests.support.synthetic import PRIVACY, store_texts


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "policies.db"
    with Store.open(path) as store:
        store_texts(store, [("20180101", "One.\n"), ("20190601", "One. Two.\n")])
    return path


def _run(*arguments: str, **streams: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "policy_archive", *arguments],
        text=True,
        check=False,
        **({"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | streams),  # type: ignore[call-overload]
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device that is always full")
@pytest.mark.parametrize("command", [["history"], ["show"], ["history", "--json"]], ids=" ".join)
def test_a_full_disk_under_the_output_is_one_sentence(database: Path, command: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        ended = _run(command[0], PRIVACY.site, *command[1:], "--db", str(database), stdout=full)
    as_json = '{"error": "No space left on device", "exit_status": 74}\n'
    told = as_json if "--json" in command else "Error: No space left on device\n"
    assert (ended.returncode, ended.stderr) == (74, told)


def test_a_reader_that_goes_away_is_no_failure_to_speak_of(database: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    ended = _run("history", PRIVACY.site, "--db", str(database), stdout=writer)
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (1, "")


@pytest.mark.parametrize("command", ["history", "documents", "show"])
def test_started_without_streams_it_ends_as_ever(database: Path, command: str) -> None:
    words = [sys.executable, "-m", "policy_archive", command, PRIVACY.site, "--db", str(database)]
    assert subprocess.run(["sh", "-c", 'exec "$@" >&- 2>&-', "sh", *words], check=False).returncode == 0


def _damage(database: Path, table: str, target: Path) -> Path:
    """Return a copy with a table's first page overwritten."""
    with open_reader(database) as connection:
        copy_database(connection, target)
    with sqlite3.connect(target) as connection:
        (size,) = connection.execute("pragma page_size").fetchone()
        (page,) = connection.execute("select rootpage from sqlite_master where name = ?", (table,)).fetchone()
    connection.close()
    with target.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    return target


@pytest.mark.parametrize("command", ["history", "show", "changes"])
@pytest.mark.parametrize("table", ["captures", "versions"])
def test_damage_that_a_reader_comes_upon_is_one_sentence(
    database: Path, tmp_path: Path, command: str, table: str
) -> None:
    damaged = _damage(database, table, tmp_path / "damaged.db")
    ended = _run(command, PRIVACY.site, "--db", str(damaged))
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("Error: the database is no SQLite database, or a damaged one")
    assert ended.stderr.count("\n") == 1


def test_a_backup_of_a_damaged_database_is_refused_in_one_line(database: Path, tmp_path: Path) -> None:
    damaged = _damage(database, "texts", tmp_path / "damaged.db")
    ended = _run("backup", str(tmp_path / "copy.db"), "--db", str(damaged))
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert "the copy is damaged" in ended.stderr and not (tmp_path / "copy.db").exists()


@pytest.mark.parametrize(
    "command",
    [
        "runs",
        "status --give-up x",
        "re-extract",
        "compact",
        "weigh",
        "update --dry-run",
        "verify",
        "watch list",
        "watch remove a.com",
    ],
)
def test_a_mistyped_name_makes_no_database(tmp_path: Path, command: str) -> None:
    path = tmp_path / "mistyped.db"
    words = [*command.split(), "--db", str(path)]
    result = CliRunner().invoke(policy_archive, words, standalone_mode=False)
    assert isinstance(result.exception, StoreError)
    assert f"there is no database {path}" in str(result.exception)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_is_said_to_be_empty(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    with pytest.raises(StoreError, match=r"empty\.db is empty: 'policy-archive fetch"):
        open_reader(tmp_path / "empty.db")


HEAVY = {
    *("aiohttp", "asyncio", "brotlicffi", "chardet", "lxml", "numpy", "py3langid", "pypdfium2", "requests"),
    *("scrapy", "sqlite_utils", "trafilatura", "twisted", "waybackpy", "warcio", "datasette"),
}
"""What takes a tenth of a second and more to load, and is for crawling, reading pages and browsing."""
OF_WRITERS = {"policy_archive.crawler.core.records", "policy_archive.pipelines.store.captures"}
"""Of ours: who only reads takes `core.stored` and `store.rows`, which build a quarter of the records."""


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["fetch", "--help"],
        ["watch", "list", "--help"],
        ["history", "intently.example"],
        ["show", "intently.example"],
        ["documents", "intently.example"],
        ["sites"],
        ["at", "2018"],
        ["cite", "intently.example"],
        ["search", "two"],
        ["diff", "intently.example", "2018-02", "2020"],
        ["changes"],
        ["status"],
        ["runs"],
    ],
    ids=" ".join,
)
def test_what_only_reads_does_not_wait_for_what_crawls(database: Path, words: list[str]) -> None:
    if "--help" not in words:
        words = [*words, "--db", str(database)]
    heavy = HEAVY - {"asyncio"} if words[0] in ("fetch", "watch") else HEAVY
    heavy = heavy if "--help" in words else heavy | OF_WRITERS
    heavy = heavy if words[0] == "diff" or "--help" in words else heavy | {"rapidfuzz"}
    code = f"""
import sys
from click.testing import CliRunner
from policy_archive.cli import policy_archive
result = CliRunner().invoke(policy_archive, {words!r}, standalone_mode=False)
if result.exception: raise result.exception
print(*sorted({heavy!r} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


def test_the_list_of_commands_says_what_each_says_of_itself() -> None:
    context = click.Context(policy_archive)
    told = {name: policy_archive.get_command(context, name) for name in SUMMARIES}
    assert {name: command.get_short_help_str(200) for name, command in told.items() if command} == SUMMARIES


def test_one_file_a_verb() -> None:
    written = {}
    for name in SUMMARIES:
        command = policy_archive.get_command(click.Context(policy_archive), name)
        assert command
        assert command.callback
        written[name] = inspect.unwrap(command.callback).__module__
    assert written == {name: module_of(name) for name in SUMMARIES}
    assert len(set(written.values())) == len(written)
