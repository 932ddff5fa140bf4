"""What a command exits with: the one table, which the errors, --help and the docs take it from."""

from __future__ import annotations

from enum import IntEnum


class ExitStatus(IntEnum):
    """How a command ended, as its caller sees it; above 2 by sysexits.h, and 128 + signal."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    LINES_LEFT_OUT = 65  # EX_DATAERR
    NOT_TOLD = 69  # EX_UNAVAILABLE
    DISK_FULL = 74  # EX_IOERR
    IN_USE = 75  # EX_TEMPFAIL: schedulers try again later
    INTERRUPTED = 130  # as a shell has it of SIGINT

    @property
    def meaning(self) -> str:
        """Return what it says, in a few words."""
        return _MEANINGS[self][0]

    @property
    def advice(self) -> str:
        """Return what its caller may know and do, a sentence; '' when there is nothing to do."""
        return _MEANINGS[self][1]


_MEANINGS: dict[ExitStatus, tuple[str, str]] = {
    ExitStatus.DONE: ("done", ""),
    ExitStatus.FAILED: (
        "failed or incomplete",
        "stderr says what is missing or not known; of a crawl, the same command goes on",
    ),
    ExitStatus.USAGE: (
        "usage",
        "what was typed cannot be meant: stderr says what to write",
    ),
    ExitStatus.LINES_LEFT_OUT: (
        "lines of a list left out",
        "all else was done: stderr names the lines of --sites that hold no site",
    ),
    ExitStatus.NOT_TOLD: (
        "done, and somebody not told",
        "a receiver of news did not take it: stderr and 'status' say why; it waits and is tried again",
    ),
    ExitStatus.DISK_FULL: ("disk full", "what was committed is kept, the same command goes on"),
    ExitStatus.IN_USE: ("database in use", "another run holds it, stderr says which: try again later"),
    ExitStatus.INTERRUPTED: ("interrupted", "what was finished is kept, the same command goes on"),
}


def describe_exit_statuses() -> str:
    """Return all of them in one line: what --help ends with."""
    return "Exit status: " + ", ".join(f"{status.value} {status.meaning}" for status in ExitStatus) + "."
