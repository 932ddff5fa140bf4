"""config, completion, --db before a command: what a person would type each time, and does not."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from policy_archive.cli import SUMMARIES, policy_archive
from policy_archive.crawler.core.defaults import INDEX_PER_MINUTE, REPLAY_PER_SECOND
from policy_archive.crawler.core.errors import PolicyArchiveError, UsageError
from policy_archive.pipelines.commands.completion import SHELLS
from policy_archive.pipelines.commands.config_file import SHARED, iter_keys
from policy_archive.pipelines.store.writer import Store
from tests.support.synthetic import store_texts

CONTACT = "archive.contact@example.org"


@pytest.fixture
def user_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the user's file, empty, of a person whose working folder is empty, too."""
    path = tmp_path / "home" / "config.toml"
    path.parent.mkdir()
    path.touch()
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("POLICY_ARCHIVE_CONFIG", str(path))
    for variable in ("POLICY_ARCHIVE_DB", "POLICY_ARCHIVE_URL", "POLICY_ARCHIVE_CONTACT"):
        monkeypatch.delenv(variable, raising=False)
    return path


def run(*words: str, fails: bool = False) -> Result:
    result = CliRunner().invoke(policy_archive, list(words), standalone_mode=False)
    assert (result.exception is not None) == fails, result.exception
    return result


def intent(*words: str) -> str:
    """Return what `fetch` would do, a sentence with archive and database."""
    return run("fetch", "tidelock.example", "--dry-run", *words).stdout.strip()


def rows(*words: str) -> dict[str, dict[str, Any]]:
    return {row["key"]: row for row in json.loads(run("config", "show", *words, "--json").stdout)}


# Precedence

LAYERS = ("user file", "project file", "environment", "command line")


@pytest.mark.parametrize("highest", range(len(LAYERS)), ids=LAYERS)
def test_what_is_nearer_to_the_person_goes_first(
    user_file: Path, monkeypatch: pytest.MonkeyPatch, highest: int
) -> None:
    archives = [f"http://127.0.0.1:{port}" for port in range(9001, 9005)]
    user_file.write_text(f'archive = "{archives[0]}"')
    if highest >= 1:
        Path("policy-archive.toml").write_text(f'archive = "{archives[1]}"')
    if highest >= 2:
        monkeypatch.setenv("POLICY_ARCHIVE_URL", archives[2])
    words = ["--archive", archives[3]] if highest >= 3 else []
    assert f"from {archives[highest]} into" in intent(*words)
    if highest < 3:
        row = rows()["archive"]
        assert (row["value"], row["source"]) == (archives[highest], LAYERS[highest])
        assert row["place"] in (str(user_file), "policy-archive.toml", "POLICY_ARCHIVE_URL")


def test_a_table_of_a_command_goes_before_the_top_of_its_file_and_holds_for_it_alone(user_file: Path) -> None:
    user_file.write_text('archive = "http://127.0.0.1:1"\n[fetch]\narchive = "http://127.0.0.1:2"\n')
    assert "http://127.0.0.1:2 " in intent()
    told = rows()
    assert told["archive"]["value"] == "http://127.0.0.1:1"
    assert told["fetch.archive"]["value"] == "http://127.0.0.1:2"


def test_the_project_file_stands_beside_the_database(user_file: Path, tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "policy-archive.toml").write_text('archive = "http://127.0.0.1:3"')
    assert "http://127.0.0.1:3 " in intent("--db", str(corpus / "a.db"))
    assert "web.archive.org" in intent()
    user_file.write_text(f'db = "{corpus / "b.db"}"')
    assert intent().endswith(f"from http://127.0.0.1:3 into {corpus / 'b.db'}")
    assert run("config", "path", "--project").stdout.strip() == str(corpus / "policy-archive.toml")


def test_a_relative_path_is_one_beside_its_file(user_file: Path) -> None:
    user_file.write_text('db = "mine/policies.db"')
    assert intent().endswith(f"into {user_file.parent / 'mine' / 'policies.db'}")


def test_kinds_lists_and_flags_reach_the_command(user_file: Path) -> None:
    user_file.write_text('[fetch]\nkind = ["terms", "cookies"]\ndry-run = true\nfrom = 2010-05-25\n')
    assert "the terms, cookies policies" in run("fetch", "tidelock.example").stdout
    told = rows("fetch")
    assert told["fetch.kind"]["value"] == ["terms", "cookies"]
    assert told["fetch.dry-run"]["value"] is True
    assert told["fetch.from"]["value"] == "2010-05-25"


def test_a_command_inside_a_command_has_a_table(user_file: Path) -> None:
    user_file.write_text('[watch.add]\nevery = "2w"\n')
    result = run("watch", "add", "tidelock.example", "--db", str(user_file.parent / "w.db"))
    assert "every 2w" in result.stderr


def test_without_files_everything_is_a_default(user_file: Path) -> None:
    told = rows()
    assert list(told) == list(SHARED)
    assert {row["source"] for row in told.values()} == {"default"}
    assert (told["index-rate"]["value"], told["replay-rate"]["value"]) == (
        INDEX_PER_MINUTE,
        REPLAY_PER_SECOND,
    )
    assert (told["contact"]["meaning"], told["max-requests-per-day"]["meaning"]) == ("nothing", "no limit")


def test_what_holds_is_shown_of_every_option_of_every_command(user_file: Path) -> None:
    root = policy_archive.make_context("policy-archive", ["config"])
    for name in policy_archive.list_commands(root):
        table = run("config", "show", name).stdout
        assert "help" not in table
        shown = rows(name)
        for row in shown.values():
            assert row["value"] is None or row["meaning"] is None or row["value"] == ""
    assert rows("re-extract")["re-extract.processes"]["meaning"] == "one a core"
    table = run("config", "show", "fetch").stdout
    assert any(line.split()[:2] == ["index-rate", "24.0"] for line in map(_unqualified, table.splitlines()))


def _unqualified(line: str) -> str:
    return line.replace("fetch.", "")


def test_the_demo_shows_what_it_always_shows(user_file: Path) -> None:
    user_file.write_text('[fetch]\nplan = "yearly"\nkind = "other"\n')
    group_defaults = run("demo", "--help").stdout
    assert "demo" in group_defaults
    context = policy_archive.make_context("policy-archive", ["fetch", "x.example"], default_map={})
    assert context.default_map == {}


# What is wrong in a file

WRONG = {
    "a mistyped key": ('achive = "x"', "there is no key 'achive'. Did you mean 'archive'?"),
    "an underscore": ("index_rate = 3", "there is no key 'index_rate'. Did you mean 'index-rate'?"),
    "a key of commands on top": ('kind = "terms"', "'kind' stands in a command's table: [fetch]"),
    "a table of no command": (
        "[fecth]\nplan = 1",
        "no command 'fecth' to have a table. Did you mean",
    ),
    "a mistyped key in a table": (
        "[fetch]\nprecison = 3",
        "[fetch] has no key 'precison'. Did you mean",
    ),
    "a number that is none": ('[fetch]\nprecision = "fast"', "fetch.precision: 'fast' is not a valid float"),
    "a choice that is none": ('[fetch]\nkind = "cookie"', "fetch.kind: 'cookie' is not one of"),
    "an archive that is none": (
        'archive = "archive"',
        "archive: --archive 'archive' is no archive's",
    ),
    "a flag that is none": ('[fetch]\ndry-run = "yes"', "fetch.dry-run: write true or false."),
    "two values of one": ('archive = ["a", "b"]', "archive: write one value, not several."),
    "a secret": ('notify-url = "https://x.example/T0"', "'notify-url' is read from no config file"),
    "a secret in a table": ('[update]\nnotify-url = "https://x"', "'notify-url' is read from no config file"),
    "a program": ('[fetch]\nnotify-command = "rm x"', "'notify-command' is read from no config file"),
    "no TOML": ("archive: x", "is no TOML: "),
}


@pytest.mark.parametrize(("text", "told"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_in_a_file_is_a_sentence_that_names_it(user_file: Path, text: str, told: str) -> None:
    user_file.write_text(text)
    for words in (("fetch", "tidelock.example", "--dry-run"), ("config", "show")):
        if words[0] == "config" or "[update]" not in text:
            error = run(*words, fails=True).exception
            assert isinstance(error, UsageError)
            assert str(error).startswith(f"{user_file}") and told in str(error) and "\n" not in str(error)
    assert "https://x" not in CliRunner().invoke(policy_archive, ["config", "show"]).output
    for words in (("fetch", "--help"), ("config", "path"), ("completion", "bash")):
        run(*words)


def test_bytes_that_are_no_text_and_a_file_that_is_not_there_are_sentences(
    user_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_file.write_bytes(b"archive = '\xff'")
    assert "is not in UTF-8" in str(run("sites", fails=True).exception)
    monkeypatch.setenv("POLICY_ARCHIVE_CONFIG", "gone.toml")
    assert "which POLICY_ARCHIVE_CONFIG names, is not there" in str(run("sites", fails=True).exception)


def test_no_file_gives_what_may_be_secret() -> None:
    context = click.Context(policy_archive)
    for name in SUMMARIES:
        command = policy_archive.get_command(context, name)
        assert command is not None
        keys = [key for key, _ in iter_keys(command)]
        assert not [key for key in keys if key.startswith("notify") or "password" in key or "secret" in key]


# --db before the command


def test_the_database_may_stand_before_the_command(user_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLICY_ARCHIVE_DB", "of-the-environment.db")
    early = run("--db", "early.db", "fetch", "tidelock.example", "--dry-run")
    assert early.stdout.strip().endswith("into early.db")
    late = run("--db", "early.db", "fetch", "tidelock.example", "--dry-run", "--db", "late.db")
    assert late.stdout.strip().endswith("into late.db")
    between = run("watch", "--db", "w.db", "list", fails=True).exception
    assert isinstance(between, PolicyArchiveError) and "there is no database w.db" in str(between)


# Completion


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_gets_a_script_that_asks_this_program(shell: str) -> None:
    told = run("completion", shell).stdout
    assert "_POLICY_ARCHIVE_COMPLETE" in told and "policy-archive" in told


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("hist", {"history"}),
        ("fetch --pla", {"--plan"}),
        ("fetch --plan month", {"monthly"}),
        ("show tide", {"tidelock.example"}),
        ("--db nowhere.db show tide", set()),
        ("watch rem", {"remove"}),
    ],
)
def test_bash_completes_by_the_printed_script(
    user_file: Path, tmp_path: Path, typed: str, completed: set[str]
) -> None:
    with Store.open(tmp_path / "c.db") as store:
        store_texts(store, [("20180101", "One.\n")])
        store.add_site("tidelock.example")
    user_file.write_text(f'db = "{tmp_path / "c.db"}"')
    program = tmp_path / "bin" / "policy-archive"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m policy_archive "$@"\n')
    program.chmod(0o755)
    words = ["policy-archive", *typed.split()]
    script = f"""
        PATH={program.parent}:$PATH
        eval "$(policy-archive completion bash)"
        COMP_WORDS=({" ".join(words)}); COMP_CWORD={len(words) - 1}
        _policy_archive_completion policy-archive
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert set(done.stdout.split()) == completed
