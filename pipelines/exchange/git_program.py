"""The user's own git program, started so that no repository's configuration names another program."""

from __future__ import annotations

import os
import subprocess

from policy_archive.crawler.core.errors import UsageError

SAFE = (
    "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "log.showSignature=false",
    "-c", "core.quotePath=false", "-c", "core.pager=cat", "-c", "protocol.allow=never",
    "-c", "protocol.file.allow=always",
)  # fmt: skip


def start_git(arguments: list[str], *, is_asked: bool = False) -> subprocess.Popen[bytes]:
    """Return git at work, its output a pipe; with `is_asked` its input, too; raises UsageError without it."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    quiet = {
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "LC_ALL": "C",
    }
    try:
        return subprocess.Popen(  # noqa: S603 (arguments are ours, hashes, and a folder)
            ["git", *arguments],  # noqa: S607 (the user's own git)
            stdin=subprocess.PIPE if is_asked else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=clean | quiet,
        )
    except FileNotFoundError as error:
        raise UsageError("git is not installed, and a git repository needs it.") from error
