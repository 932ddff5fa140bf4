"""Version 0.1.0 beside this one: how a benchmark gets it, and the environment that both are measured in."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RELEASE = "e1fc501"
"""The commit that 0.1.0 was made of."""
COMMAND = (sys.executable, "-P", "-c", "import sys; sys.path.insert(0, '.'); import cli; cli.main()")
"""Starts it in its folder, by this Python: its dependencies are the same."""


def unpack(folder: Path, commit: str = RELEASE) -> bool:
    """Lay the release's files into a folder; False, with a reason on stderr, where git does not have it."""
    packed = subprocess.run(["git", "-C", str(ROOT), "archive", commit], capture_output=True, check=False)
    if packed.returncode:
        reason = packed.stderr.decode("utf-8", "replace").strip()
        print(f"0.1.0 is left out: {reason}", file=sys.stderr)
        return False
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return True


def as_users_run_it(**variables: str) -> dict[str, str]:
    """Return this environment with variables of one's own, and with modules compiled once, not at each start.

    That Python writes no bytecode is a habit of containers; where people work it does.
    """
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | variables
