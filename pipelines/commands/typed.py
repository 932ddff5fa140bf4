"""Commands to type next, as this program was started."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

_NAME = "policy-archive"


def typed(*words: str) -> str:
    """Return a command of this program as it can be typed here: with the path that it was started by, if its
    name alone would not find it.
    """
    return shlex.join([*_program(), *words])


def _program() -> list[str]:
    started, python = Path(sys.argv[0]), Path(sys.executable)
    if started.name == "__main__.py":
        return [python.name if _is_on_path(python) else str(python), "-m", "policy_archive"]
    return [str(started)] if started.name == _NAME and not _is_on_path(started) else [_NAME]


def _is_on_path(program: Path) -> bool:
    found = shutil.which(program.name)
    return found is not None and Path(found).resolve() == program.resolve()
