"""Texts for schedulers: what they would run is what was asked, and nothing is installed."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from policy_archive.cli import policy_archive
from policy_archive.crawler.core.errors import UsageError
from policy_archive.crawler.planning.due import parse_interval
from policy_archive.pipelines.commands.schedulers import (
    Job,
    build_cron,
    build_cron_time,
    build_github,
    build_systemd,
)

DATABASE = Path("/srv/my corpus/100%.db")
JOB = Job(
    program=("/opt/venv/bin/policy-archive",),
    arguments=("--contact", "me@example.org", "--notify-command", 'sh -c "date +%F $HOME"'),
    database=DATABASE,
    every=timedelta(days=1),
)
COMMAND = [*JOB.program, "update", "--db", str(DATABASE), *JOB.arguments]


def job(every: str, name: str = "a.db") -> Job:
    return Job(program=("pa",), arguments=(), database=Path("/") / name, every=parse_interval(every))


@pytest.mark.parametrize(
    ("every", "shape"),
    [
        ("1h", r"\d+ \* \* \* \*"),
        ("6h", r"\d+ \*/6 \* \* \*"),
        ("1d", r"\d+ \d+ \* \* \*"),
        ("24h", r"\d+ \d+ \* \* \*"),
        ("1w", r"\d+ \d+ \* \* [0-6]"),
        ("1mo", r"\d+ \d+ \d+ \* \*"),
    ],
)
def test_cron_runs_as_often_as_asked(every: str, shape: str) -> None:
    assert re.fullmatch(shape, build_cron_time(job(every)))


@pytest.mark.parametrize("every", ["5h", "2d", "1y", "25h"])
def test_an_interval_that_schedulers_have_no_name_for_is_refused(every: str) -> None:
    with pytest.raises(UsageError, match="Schedulers know"):
        build_cron(job(every))


def test_not_every_corpus_asks_at_the_same_minute() -> None:
    times = {build_cron_time(job("1d", f"{n}.db")) for n in range(200)}
    assert len(times) > 150
    for time in times:
        minute, hour = map(int, time.split()[:2])
        assert 0 <= minute < 60
        assert 0 <= hour < 24


def test_the_crontab_line_runs_the_command_word_for_word() -> None:
    (text,) = build_cron(JOB).files.values()
    line = text.splitlines()[-1]
    assert "%" not in line.replace("\\%", "")
    command, status = line.split(" ", 5)[5].replace("\\%", "%").split("; ")
    assert shlex.split(command) == [*COMMAND, "--quiet"]
    assert shlex.split(status) == [*JOB.program, "status", "--quiet", "--db", str(DATABASE)]


def test_systemd_runs_the_command_word_for_word() -> None:
    files = build_systemd(JOB).files
    service = files["policy-archive.service"]
    line, status = re.findall("^ExecStart=(.*)$", service, re.MULTILINE)
    assert shlex.split(status.replace("%%", "%"))[1:] == ["status", "--quiet", "--db", str(DATABASE)]
    assert shlex.split(line.replace("%%", "%").replace("$$", "$")) == COMMAND
    assert "SuccessExitStatus=75" in service
    assert "OnCalendar=daily" in files["policy-archive.timer"]
    assert "Persistent=true" in files["policy-archive.timer"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
@pytest.mark.parametrize("every", ["1h", "3h", "1d", "1w", "1mo"])
def test_systemd_itself_takes_the_units(tmp_path: Path, every: str) -> None:
    files = build_systemd(
        Job(program=("/bin/true",), arguments=(), database=DATABASE, every=parse_interval(every))
    )
    for name, text in files.files.items():
        (tmp_path / name).write_text(text)
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, tmp_path.iterdir())],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "policy-archive" not in checked.stderr, checked.stderr


def test_the_workflow_is_yaml_and_runs_update() -> None:
    (text,) = build_github(JOB, release="1.2.3").files.values()
    workflow = yaml.safe_load(text)
    steps = workflow["jobs"]["update"]["steps"]
    runs = [step["run"] for step in steps if "run" in step]
    assert runs[0] == "pip install policy-archive==1.2.3"
    assert shlex.split(runs[1].strip()) == ["policy-archive", "update", "--db", "100%.db", *JOB.arguments]
    assert "policy-archive compact" in runs[2]
    assert shlex.split(runs[3]) == ["policy-archive", "status", "--quiet", "--db", "100%.db"]
    assert steps[-1]["if"] == "always()"
    assert workflow[True]["schedule"][0]["cron"] == build_cron_time(JOB)  # YAML 1.1 reads `on` as true


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(policy_archive, ["schedule", *arguments], standalone_mode=False)


def test_files_are_written_where_asked_and_the_one_command_is_named(tmp_path: Path) -> None:
    result = invoke("systemd", "--to", str(tmp_path / "units"), "--db", str(tmp_path / "p.db"))
    assert result.exception is None
    written = {path.name for path in (tmp_path / "units").iterdir()}
    assert written == {"policy-archive.service", "policy-archive.timer"}
    assert result.stderr.count("wrote ") == 2
    assert "Nothing is installed." in result.stderr
    assert f"systemctl --user link {tmp_path / 'units'}/policy-archive.service" in result.stderr
    again = invoke("systemd", "--to", str(tmp_path / "units"), "--db", str(tmp_path / "p.db"))
    assert again.stderr.count("unchanged: ") == 2


def test_without_a_folder_the_text_is_printed_and_no_file_is_made(tmp_path: Path) -> None:
    result = invoke("cron", "--db", str(tmp_path / "p.db"), "--", "--contact", "me@example.org")
    assert f"update --db {tmp_path / 'p.db'} --contact me@example.org" in result.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--notify-me", "x"), "No such option"),
        (("--db", "other.db"), "before the --"),
        (("no domain",), "is no domain"),
        (("--notify-url", "https://hooks.slack.com/services/T0/B0/x"), "holds a secret"),
        (("--notify-command", "curl https://hooks.slack.com/services/T0/B0/x"), "holds a secret"),
        (("--notify-url", "smtp://me:word@mail.example.org/?to=me@example.org"), "holds a secret"),
    ],
)
def test_what_update_would_refuse_every_night_is_refused_now(
    tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    result = invoke("cron", "--db", str(tmp_path / "p.db"), "--", *arguments)
    assert words in str(getattr(result.exception, "message", result.exception))
    assert result.stdout == ""


def test_what_the_environment_gives_here_is_written_out_and_secrets_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLICY_ARCHIVE_CONTACT", "me@example.org")
    monkeypatch.setenv("HOOK", "https://hooks.slack.com/services/T0/B0/secret")
    for scheduler, place in (
        ("cron", "; set +a; "),
        ("systemd", "EnvironmentFile="),
        ("github", "HOOK: ${{ secrets.HOOK }}"),
    ):
        result = invoke(scheduler, "--db", str(tmp_path / "p.db"), "--", "--notify-env", "HOOK")
        assert "--contact=me@example.org" in result.stdout
        assert "--notify-env HOOK" in result.stdout and place in result.stdout
        assert "secret" not in result.stdout.replace("secrets.HOOK", "")
        assert "HOOK" in result.stderr and "services" not in result.stderr


def test_a_file_of_addresses_is_named_from_the_root_and_not_on_githubs_machines(tmp_path: Path) -> None:
    result = invoke("cron", "--db", str(tmp_path / "p.db"), "--", "--notify-file", "slack=hooks")
    assert f"--notify-file slack={Path('hooks').resolve()} " in result.stdout
    refused = invoke("github", "--db", str(tmp_path / "p.db"), "--", "--notify-file=hooks")
    assert "give --notify-env NAME" in str(refused.exception)


@pytest.mark.parametrize("scheduler", ["systemd", "cron", "github"])
def test_braces_in_a_name_are_letters(tmp_path: Path, scheduler: str) -> None:
    result = invoke(scheduler, "--to", str(tmp_path / "{x}"), "--db", str(tmp_path / "{y}.db"))
    assert result.exception is None
    assert "{x}" in result.stderr


def test_cron_has_no_line_for_a_name_of_two_lines() -> None:
    with pytest.raises(UsageError, match="line break"):
        build_cron(job("1d", name="a\nb.db"))
