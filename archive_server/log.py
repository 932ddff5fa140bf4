"""What the archive saw of its clients: politeness is judged here, not at the client."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class LogEntry:
    """One answered request, for tests that judge a client at the archive's end."""

    monotonic: float
    """Seconds of the monotonic clock when the request was complete."""
    at: datetime
    """The same, aware, UTC."""
    kind: str
    """`index` or `replay`."""
    path: str
    """Target with its query."""
    status: int
    """0: the connection was reset or refused."""
    connection: int
    peer: str
    user_agent: str = field(default="", repr=False)


def count_busiest(log: Iterable[LogEntry], *, kind: str, seconds: float) -> int:
    """Return the most requests of a kind (`index` or `replay`) that came in any window of so many seconds."""
    times = sorted(entry.monotonic for entry in log if entry.kind == kind)
    busiest = first = 0
    for last, time in enumerate(times):
        while times[first] <= time - seconds:
            first += 1
        busiest = max(busiest, last - first + 1)
    return busiest
