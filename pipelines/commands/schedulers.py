"""What schedulers of other people's need to run `update` now and then: texts, nothing is installed."""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from policy_archive.crawler.core.errors import UsageError

HOURS = (1, 2, 3, 4, 6, 8, 12)
"""Parts of a day that every scheduler can name."""


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Files for one scheduler."""

    files: dict[str, str]
    """Name → text."""
    install: str
    """The one command that would install them; `{folder}` stands for where they are."""
    says: str
    """What will then happen, one sentence."""
    needs: tuple[str, ...] = ()
    """What must be done by hand before, a sentence each: no file of ours holds a secret."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is to be run, and how often."""

    program: Sequence[str]
    """How policy-archive is called on this machine, absolute."""
    arguments: Sequence[str]
    """Of `update`, without --db."""
    database: Path
    """Absolute."""
    every: timedelta
    variables: Sequence[str] = ()
    """Names of the environment variables that hold addresses of channels."""
    files: Sequence[str] = ()
    """Files that hold some; absolute."""
    environment_file: Path = Path("/etc/policy-archive/environment")
    """Where cron and systemd read the variables: lines NAME='value'."""

    @property
    def command(self) -> list[str]:
        return [*self.program, "update", "--db", str(self.database), *self.arguments]

    @property
    def status_command(self) -> list[str]:
        """Return what says by its exit status, and prints, whether anything is wrong."""
        return [*self.program, "status", "--quiet", "--db", str(self.database)]

    @property
    def needs(self) -> tuple[str, ...]:
        """Return what must be done so that the variables are there."""
        if not self.variables:
            return ()
        lines = ", ".join(f"{name}='…'" for name in self.variables)
        quoted = shlex.quote(str(self.environment_file))
        return (f"Before, write {lines} into {quoted}, one a line, and 'chmod 600 {quoted}'.",)

    @property
    def lot(self) -> int:
        """Return a number that differs from corpus to corpus: not everybody asks at the full hour."""
        return int.from_bytes(hashlib.sha256(str(self.database).encode()).digest()[:4], "big")


def _parts(job: Job) -> tuple[str, int]:
    """Return hour, day, week or month, and how many hours; raises UsageError for other intervals."""
    units = {timedelta(days=1): "day", timedelta(days=7): "week", timedelta(days=30): "month"}
    if job.every in units:
        return units[job.every], 1
    hours, rest = divmod(job.every, timedelta(hours=1))
    if rest or hours not in HOURS:
        raise UsageError(
            "Schedulers know 1h, 2h, 3h, 4h, 6h, 8h, 12h, 1d, 1w and 1mo: each site has its own "
            "interval beside ('watch add --every')."
        )
    return "hour", hours


def build_cron_time(job: Job) -> str:
    """Return the five fields of a crontab line, at a minute that is the corpus's own."""
    unit, hours = _parts(job)
    minute, hour = job.lot % 60, job.lot // 60 % 24
    if unit == "hour":
        return f"{minute} {'*' if hours == 1 else f'*/{hours}'} * * *"
    day = {"day": "* * *", "week": f"* * {job.lot // 1440 % 7}", "month": f"{job.lot // 1440 % 28 + 1} * *"}
    return f"{minute} {hour} {day[unit]}"


def build_cron(job: Job) -> Schedule:
    """Return a crontab line: cron mails what it prints, so it prints what is new or wrong alone."""
    quiet = [] if "--quiet" in job.arguments else ["--quiet"]
    commands = f"{shlex.join([*job.command, *quiet])}; {shlex.join(job.status_command)}"
    if job.variables:
        commands = f"set -a; . {shlex.quote(str(job.environment_file))}; set +a; {commands}"
    if "\n" in commands:
        raise UsageError("A crontab line cannot hold a line break: rename the database.")
    # "%" ends the command of a crontab line
    line = f"{build_cron_time(job)} {commands}".replace("%", "\\%")
    return Schedule(
        files={"policy-archive.cron": f"# keeps {job.database} up to date\n{line}\n"},
        install="(crontab -l 2>/dev/null; cat {folder}/policy-archive.cron) | crontab -",
        says="cron runs 'update', then 'status'; what is new or wrong comes by mail.",
        needs=job.needs,
    )


def build_systemd(job: Job) -> Schedule:
    """Return a service and its timer, for the user's own systemd."""
    unit, hours = _parts(job)
    calendar = {"day": "daily", "week": "weekly", "month": "monthly"}.get(unit, f"00/{hours}:00")
    delay = min(job.every / 4, timedelta(hours=6))
    service = f"""\
[Unit]
Description=Ask the web archive for new versions of policies ({_plain(job.database)})
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
{_environment_line(job)}ExecStart={" ".join(_quote_systemd(word) for word in job.command)}
# fails, and so shows, when anything is wrong; 69 above it: somebody could not be told
ExecStart={" ".join(_quote_systemd(word) for word in job.status_command)}
# 75: another run is at work
SuccessExitStatus=75
Nice=10
"""
    timer = f"""\
[Unit]
Description=Policies of watched sites, kept up to date ({_plain(job.database)})

[Timer]
OnCalendar={calendar}
# not everybody at the full hour
RandomizedDelaySec={delay.total_seconds():.0f}
# what was missed while the machine was off is made up for
Persistent=true

[Install]
WantedBy=timers.target
"""
    return Schedule(
        files={"policy-archive.service": service, "policy-archive.timer": timer},
        install="systemctl --user link {folder}/policy-archive.service && "
        "systemctl --user enable --now {folder}/policy-archive.timer",
        says="systemd runs 'update', then 'status', and the unit fails when one does: 'systemctl --user "
        "--failed' lists it, 'journalctl --user -u policy-archive' shows why.",
        needs=job.needs,
    )


def _environment_line(job: Job) -> str:
    """Return where the unit reads its variables: without the file it fails, and does not tell nobody."""
    return f"EnvironmentFile={str(job.environment_file).replace('%', '%%')}\n" if job.variables else ""


def _plain(path: Path) -> str:
    return re.sub(r"[\x00-\x1f%]", "_", path.name)


def _quote_systemd(word: str) -> str:
    """Return a word as an ExecStart line takes it: `%` and `$` mean something there."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return escaped if re.fullmatch(r"[\w./:=@,+-]+", word) else f'"{escaped}"'


def build_github(job: Job, *, release: str) -> Schedule:
    """Return a workflow of GitHub Actions that keeps database and feed in the repository.

    Raises UsageError for a file of addresses: the runner has none, and the repository must not.
    """
    if job.files:
        raise UsageError(
            "GitHub's runner has no file of yours: give --notify-env NAME, and a repository secret."
        )
    database = shlex.quote(job.database.name)
    update = shlex.join(["policy-archive", "update", "--db", job.database.name, *job.arguments])
    secrets = "".join(f"\n          {name}: ${{{{ secrets.{name} }}}}" for name in job.variables)
    environment = f"\n        env:{secrets}" if secrets else ""
    workflow = f"""\
name: policy-archive
on:
  schedule:
    - cron: "{build_cron_time(job)}"
  workflow_dispatch:
concurrency: policy-archive
permissions:
  contents: write
jobs:
  update:
    runs-on: ubuntu-latest
    timeout-minutes: 350
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.12"
      - run: pip install {shlex.quote(f"policy-archive=={release}")}
      - run: |
          {update.replace("${{", "$ {{")}{environment}
      - run: |
          policy-archive changes --db {database} --atom changes.atom
          policy-archive compact --db {database}
          sqlite3 {database} "pragma wal_checkpoint(truncate)"
          git config user.name policy-archive
          git config user.email policy-archive@users.noreply.github.com
          git add {database} changes.atom
          git diff --cached --quiet || git commit -m "New captures"
          git push
        if: always()
      # fails, so that GitHub writes to you, when anything is wrong or somebody could not be told
      - run: |
          policy-archive status --quiet --db {database}
        if: always()
"""
    return Schedule(
        files={"policy-archive.yml": workflow},
        install="mkdir -p .github/workflows && cp {folder}/policy-archive.yml .github/workflows/ && "
        f"git add .github/workflows/policy-archive.yml {database}",
        says="GitHub runs 'update' and commits the database (100 MB at the most there) when it is pushed.",
        needs=tuple(f"Before, 'gh secret set {name}' asks for the address." for name in job.variables),
    )
