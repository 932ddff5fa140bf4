"""Where addresses and passwords must not be: nowhere but in the variable or file that they came from."""

from __future__ import annotations

import subprocess
from base64 import b64encode
from pathlib import Path
from urllib.parse import quote

import pytest

from policy_archive.archive_server.server import ArchiveServer
from tests.support import programs
from tests.support.mail_server import PASSWORD, USER, serve_mail
from tests.support.receivers import serve_chat

ROOT = Path(__file__).resolve().parents[3]
KEY = "K3yThatNobodyMayEverSee99"
LOGIN = f"{quote(USER, safe='')}:{quote(PASSWORD, safe='')}"
SITE = "quillfort.example"


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return programs.run(["cli.py", *arguments], environment=environment)


def iter_written(folder: Path) -> dict[str, bytes]:
    """Return all files below a folder, whatever they are: databases, logs, units."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("taken", [True, False], ids=["taken", "refused"])
def test_no_secret_is_in_database_log_message_schedule_or_error(
    demo_archive: ArchiveServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taken: bool
) -> None:
    monkeypatch.setenv("POLICY_ARCHIVE_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("POLICY_ARCHIVE_DB", str(tmp_path / "policies.db"))
    monkeypatch.setenv("POLICY_ARCHIVE_URL", demo_archive.url)
    limits = ("--index-rate", "0", "--replay-rate", "0")
    (tmp_path / "tls").mkdir()
    said, bodies = [], []
    with serve_chat("json") as chat, serve_mail(tmp_path / "tls", tls="starttls") as (mailbox, certificate):
        if not taken:  # a receiver that quotes the address it was called by, in every answer
            chat.answers = [(403, {}, f"no such hook /hook/{KEY}?sig={KEY}".encode())] * 9
            mailbox.refusals = [f"554 go away, {USER}:{PASSWORD}"] * 9
        variables = {
            "HOOK": f"{chat.url}/{KEY}?sig={KEY}",
            "MAIL": f"smtp://{LOGIN}@localhost:{mailbox.port}/?to=you@example.org&tls=starttls",
            "SSL_CERT_FILE": str(certificate),
        }
        notify = ("--notify-env", "HOOK", "--notify-env", "MAIL", "--notify-since", "2000")
        for words in (
            ("fetch", SITE, *limits, *notify),
            ("fetch", SITE, "--log-json", *limits, *notify),
            ("notify", "test", *notify),
            ("notify", "send", "--json", *notify),
            ("notify", "waiting", "--nl"),
            ("status", "--json"),
            ("runs", "--json"),
            *(
                ("schedule", scheduler, "--to", str(tmp_path / scheduler), "--", *notify)
                for scheduler in ("cron", "systemd", "github")
            ),
        ):
            result = run(*words, **variables)
            assert result.returncode in ((0,) if taken else (0, 1, 69)), (words, result.stderr)
            said.append(result.stdout + result.stderr)
        bodies = [*chat.taken, *(mail.as_bytes() for mail in mailbox.mails)]
        assert bool(bodies) is taken
    assert taken or any("403 Forbidden" in text for text in said)
    everything = iter_written(tmp_path) | {f"said {n}": text.encode() for n, text in enumerate(said)}
    everything |= {f"body {n}": body for n, body in enumerate(bodies)}
    assert any("crontab" in name or name.endswith(".cron") for name in everything)
    for name, content in everything.items():
        assert KEY.encode() not in content, name
        for secret in (PASSWORD, quote(PASSWORD, safe=""), b64encode(PASSWORD.encode()).decode()):
            assert secret.encode() not in content, name


def test_a_secret_on_the_command_line_is_refused_and_not_repeated(tmp_path: Path) -> None:
    url = f"https://hooks.slack.com/services/T0/B0/{KEY}"
    for words in (
        ("update", "--notify-url", url),
        ("fetch", SITE, "--dry-run", "--notify-url", f"slack={url}"),
        ("update", "--notify-command", f"curl --data @- {url}"),
        ("update", "--notify-env", url),
        ("schedule", "cron", "--", "--notify-url", url),
        ("notify", "test", "--notify-url", f"smtp://me:{KEY}@localhost/?to=you@example.org"),
    ):
        result = run(*words, POLICY_ARCHIVE_DB=str(tmp_path / "p.db"))
        assert result.returncode == 2, (words, result.stderr)
        assert KEY not in result.stdout + result.stderr
