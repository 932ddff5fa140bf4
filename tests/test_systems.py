"""Where the program runs, and what it says where it does not."""

from __future__ import annotations

import subprocess
import sys

import pytest

WITHOUT = """
import sys
sys.modules[sys.argv.pop(1)] = None
from policy_archive.cli import main
main()
"""


@pytest.mark.parametrize("module", ["fcntl", "resource"])
@pytest.mark.parametrize("command", ["--help", "fetch x.example", "status"])
def test_a_system_without_what_is_needed_is_one_sentence(module: str, command: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT, module, *command.split()], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.count("\n") == 1
    assert "WSL" in ended.stderr
