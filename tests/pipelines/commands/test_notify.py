"""Alerts from the command line to a receiver: fetch, update, status, notify, as schedulers run them."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from policy_archive.archive_server.server import ArchiveServer
from policy_archive.cli import policy_archive
from policy_archive.crawler.core.failpoints import EXIT_STATUS
from tests.support.processes import run_cli as run
from tests.support.receivers import serve_chat

SITE = "quillfort.example"


def test_the_first_fetch_tells_nobody_and_a_refusal_is_seen_everywhere_until_it_is_taken(
    archive: ArchiveServer,
) -> None:
    with serve_chat("slack") as chat:
        notify = ("--notify-env", "slack=HOOK")
        fetched = run("fetch", SITE, *notify, HOOK=chat.url)
        assert (fetched.returncode, chat.keys) == (0, [])
        assert "are history, told to nobody: --notify-since tells them" in fetched.stderr
        assert run("watch", "add", SITE).returncode == 0
        assert run("status").returncode == 0
        chat.answers = [(500, {}, b"oops")] * 99
        refused = run("update", *notify, "--notify-since", "2000", days=1, HOOK=chat.url)
        assert refused.returncode == 69
        assert "slack 127.0.0.1: answered 500 Internal Server Error: oops; 1 message waits" in refused.stderr
        status = run("status", "--quiet", days=1)
        assert status.returncode == 1
        assert status.stdout.startswith("! slack 127.0.0.1 was not told: answered 500")
        (row,) = json.loads(run("notify", "waiting", "--json").stdout)
        assert (row["label"], row["site"], row["versions"] > 1) == ("slack 127.0.0.1", SITE, True)
        assert "oops" in row["error"]
        chat.answers = []
        sent = run("notify", "send", *notify, HOOK=chat.url)
        assert (sent.returncode, sent.stdout) == (0, "slack 127.0.0.1: told 1 message\n")
        assert (len(chat.taken), len(set(chat.keys))) == (1, 1)
        assert run("status", "--quiet", days=1).stdout == ""
        assert run("notify", "send", *notify, HOOK=chat.url).returncode == 0
        assert len(chat.taken) == 1


def test_a_first_fetch_that_died_on_the_way_is_no_news_when_it_goes_on(archive: ArchiveServer) -> None:
    with serve_chat("json") as chat:
        notify = ("--notify-env", "HOOK")
        died = run("fetch", SITE, *notify, HOOK=chat.url, POLICY_ARCHIVE_FAULT="after-text:exit:4")
        assert died.returncode == EXIT_STATUS
        assert run("fetch", SITE, *notify, HOOK=chat.url).returncode == 0
        assert run("fetch", SITE, "--kind", "all", *notify, HOOK=chat.url).returncode == 0
    assert chat.keys == []


def test_quiet_says_nothing_when_nothing_is_new_and_nothing_is_wrong(archive: ArchiveServer) -> None:
    assert run("fetch", SITE).returncode == 0
    assert run("watch", "add", SITE).returncode == 0
    quiet = run("update", "--quiet", days=8)
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")
    loud = run("update", days=16)
    assert "Nothing new." in loud.stderr and "health: " in loud.stderr


def test_an_update_of_a_new_site_counts_its_history_and_prints_none(archive: ArchiveServer) -> None:
    assert run("fetch", SITE).returncode == 0
    assert run("watch", "add", "tidelock.example").returncode == 0
    update = run("update", "--json", days=1)
    summary = json.loads(update.stdout)
    assert (summary["changes"], summary["history"] > 3) == ([], True)


def invoke(*words: str) -> Result:
    return CliRunner().invoke(policy_archive, ["notify", *words], standalone_mode=False)


@pytest.mark.parametrize("format_name", ["slack", "teams", "discord", "text", "json"])
def test_a_sample_arrives_in_the_first_minute(format_name: str) -> None:
    with serve_chat(format_name) as chat:
        result = invoke("test", "--notify-url", f"{format_name}={chat.url}", "--json")
        (row,) = json.loads(result.stdout)
        assert (result.return_value, row["told"], row["error"], chat.refused) == (0, True, "", [])
        assert b"We share your data with partners, for advertising" in chat.taken[0]
        assert b"Test: example" in chat.taken[0].replace(b"\\", b"") or format_name in ("json", "discord")
        chat.answers = [(404, {}, b"no_service")]
        refused = invoke("test", "--notify-url", f"{format_name}={chat.url}")
    assert refused.return_value == 69
    assert "no_service" in refused.stdout


def test_a_dry_run_sends_nothing_and_prints_what_it_would() -> None:
    with serve_chat("slack") as chat:
        result = invoke("test", "--dry-run", "--notify-url", f"slack={chat.url}")
    assert chat.keys == []
    assert json.loads(result.stdout)["blocks"]


def test_nobody_to_tell_is_a_sentence() -> None:
    assert "Who is to be told?" in str(invoke("test").exception)


# Schedules, run as they are printed

PROGRAM = Path(sys.executable).parent / "policy-archive"
needs_program = pytest.mark.skipif(not PROGRAM.exists(), reason="needs the installed program")


def schedule(scheduler: str, folder: Path, archive: ArchiveServer, home: Path) -> None:
    limits = ("--index-rate", "0", "--replay-rate", "0", "--contact", "100%@example.org")
    words = ("--notify-env", "json=HOOK", "--notify-since", "2000", *limits)
    written = run(
        "schedule", scheduler, "--to", str(folder), "--", *words, HOME=str(home), XDG_CONFIG_HOME=""
    )
    assert written.returncode == 0, written.stderr
    assert f"--archive={archive.url}" in written.stderr


def bare_environment(home: Path) -> dict[str, str]:
    """Return what cron and systemd give a program."""
    return {"HOME": str(home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}


@needs_program
def test_a_crontab_line_runs_as_it_is_printed(archive: ArchiveServer, tmp_path: Path) -> None:
    assert run("fetch", SITE, "--to", "2003").returncode == 0
    assert run("watch", "add", SITE).returncode == 0
    home = tmp_path / "my home"
    (home / ".config" / "policy-archive").mkdir(parents=True)
    schedule("cron", tmp_path / "units", archive, home)
    line = (tmp_path / "units" / "policy-archive.cron").read_text("utf-8").splitlines()[-1]
    command = line.split(" ", 5)[5].replace("\\%", "%")
    assert subprocess.run(["sh", "-n", "-c", command], check=False).returncode == 0
    with serve_chat("json") as chat:
        (home / ".config" / "policy-archive" / "environment").write_text(f"HOOK='{chat.url}'\n")
        for taken in (False, True):
            chat.answers = [] if taken else [(500, {}, b"")] * 9
            done = subprocess.run(
                ["sh", "-c", command], env=bare_environment(home), capture_output=True, text=True, check=False
            )
            assert (done.returncode == 0) is taken, done.stderr
        assert chat.taken and {json.loads(body)["site"] for body in chat.taken} == {SITE}


@needs_program
def test_a_unit_of_systemd_runs_as_it_is_printed(archive: ArchiveServer, tmp_path: Path) -> None:
    assert run("fetch", SITE, "--to", "2003").returncode == 0
    assert run("watch", "add", SITE).returncode == 0
    home = tmp_path / "home"
    (home / ".config" / "policy-archive").mkdir(parents=True)
    schedule("systemd", tmp_path / "units", archive, home)
    unit = (tmp_path / "units" / "policy-archive.service").read_text("utf-8").splitlines()
    (file,) = [line.partition("=")[2] for line in unit if line.startswith("EnvironmentFile=")]
    commands = [
        shlex.split(line.partition("=")[2].replace("%%", "%").replace("$$", "$"))
        for line in unit
        if line.startswith("ExecStart=")
    ]
    assert len(commands) == 2
    with serve_chat("json") as chat:
        Path(file).write_text(f"HOOK='{chat.url}'\n")
        secrets = dict(line.split("=", 1) for line in Path(file).read_text().splitlines())
        environment = bare_environment(home) | {
            name: shlex.split(value)[0] for name, value in secrets.items()
        }
        statuses = [subprocess.run(words, env=environment, check=False).returncode for words in commands]
    assert statuses == [0, 0]
    assert {json.loads(body)["site"] for body in chat.taken} == {SITE}


@needs_program
@pytest.mark.skipif(not (shutil.which("git") and shutil.which("sqlite3")), reason="needs git and sqlite3")
def test_the_steps_of_githubs_workflow_run_as_they_are_printed(
    archive: ArchiveServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, home = tmp_path / "repository", tmp_path / "home"
    home.mkdir()
    for words in (
        ("git", "init", "-q", "--bare", str(tmp_path / "origin.git")),
        ("git", "init", "-q", "-b", "main", str(work)),
        ("git", "-C", str(work), "remote", "add", "origin", str(tmp_path / "origin.git")),
        ("git", "-C", str(work), "config", "push.autoSetupRemote", "true"),
    ):
        subprocess.run(words, check=True, capture_output=True)
    monkeypatch.setenv("POLICY_ARCHIVE_DB", str(work / "policies.db"))
    assert run("fetch", SITE, "--to", "2003").returncode == 0
    assert run("watch", "add", SITE).returncode == 0
    schedule("github", tmp_path / "units", archive, home)
    workflow = yaml.safe_load((tmp_path / "units" / "policy-archive.yml").read_text("utf-8"))
    steps = [step for step in workflow["jobs"]["update"]["steps"] if "run" in step][1:]
    with serve_chat("json") as chat:
        for step in steps:
            secrets = step.get("env", {})
            given = {key: text.replace("${{ secrets.HOOK }}", chat.url) for key, text in secrets.items()}
            path = f"{PROGRAM.parent}:{os.environ['PATH']}"
            done = subprocess.run(
                ["bash", "-e", "-c", step["run"]],
                cwd=work,
                env=bare_environment(home) | {"PATH": path} | given,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, (step["run"], done.stderr)
    assert chat.taken
    pushed = subprocess.run(
        ["git", "-C", str(tmp_path / "origin.git"), "ls-tree", "--name-only", "main"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert pushed.stdout.split() == ["changes.atom", "policies.db"]
