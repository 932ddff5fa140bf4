"""Named places where a test may let the program die, hang or run out of disk.

`POLICY_ARCHIVE_FAULT="after-text:exit:3"` lets the third passing of `after-text` end the process at
once. Actions: `exit` (no clean-up, as kill -9), `exception`, `enospc` (disk full), `sleep` (for ever,
after a line on stderr that says so).
"""

from __future__ import annotations

import errno
import os
import sys
import time
from dataclasses import dataclass

from policy_archive.crawler.core.errors import UsageError

VARIABLE = "POLICY_ARCHIVE_FAULT"
EXIT_STATUS = 86
ACTIONS = ("exit", "exception", "enospc", "sleep")


class InjectedFaultError(Exception):
    """Raised by the action `exception`: stands for a bug, so it is none of our expected errors."""


@dataclass
class _Fault:
    name: str
    action: str
    passings_left: int


def _read_fault() -> _Fault | None:
    setting = os.environ.get(VARIABLE)
    if not setting:
        return None
    name, _, rest = setting.partition(":")
    action, _, count = rest.partition(":")
    if action not in ACTIONS or not (count or "1").isdecimal():
        raise UsageError(
            f"{VARIABLE}='{setting}' is not name:action[:count], action one of {', '.join(ACTIONS)}."
        )
    return _Fault(name, action, int(count or 1))


_fault = _read_fault()  # the environment of a process under test is fixed when it starts


def point(name: str) -> None:
    """Pass a named place; do what the environment asks for here, normally nothing."""
    if _fault is not None and _fault.name == name:
        _fault.passings_left -= 1
        if _fault.passings_left == 0:
            _fail(name, _fault.action)


def _fail(name: str, action: str) -> None:
    if action == "exit":
        os._exit(EXIT_STATUS)
    if action == "enospc":
        raise OSError(errno.ENOSPC, f"no space left on device (injected at {name})")
    if action == "exception":
        raise InjectedFaultError(f"injected at {name}")
    print(f"asleep {name}", file=sys.stderr, flush=True)
    while True:
        time.sleep(60)
