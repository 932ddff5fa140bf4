"""The table of exit statuses is the one home of the numbers."""

from __future__ import annotations

import re
from pathlib import Path

from click.testing import CliRunner

from policy_archive.cli import policy_archive
from policy_archive.crawler.core.exit_statuses import ExitStatus

ROOT = Path(__file__).resolve().parents[3]
ROOMS = ("crawler", "pipelines", "browse", "archive_server")


def test_no_number_is_written_anywhere_else() -> None:
    files = [ROOT / "cli.py", *(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))]
    bare = re.compile(r"(?:sys\.exit|ctx\.exit|SystemExit)\(\s*\d|exit_(?:status|code)\s*=\s*\d")
    found = [
        str(path.relative_to(ROOT))
        for path in files
        if bare.search(path.read_text("utf-8")) and path.name != "exit_statuses.py"
    ]
    assert found == []


def test_help_and_the_reference_name_each() -> None:
    told = " ".join(CliRunner().invoke(policy_archive, ["--help"]).output.split())
    reference = (ROOT / "docs" / "cli-reference.md").read_text("utf-8")
    for status in ExitStatus:
        assert f"{status.value} {status.meaning}" in told
        assert f"| {status.value} | {status.meaning} | {status.advice} |" in reference
