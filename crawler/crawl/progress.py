"""What a person sees of a running crawl, on stderr: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from policy_archive.crawler.crawl.run import Tally

TERMINAL_SECONDS = 0.2
LINE_SECONDS = 10.0


class Screen(Protocol):
    """Shows a tally, again and again."""

    seconds: float

    def show(self, tally: Tally, pause_seconds: float, pace: float | None) -> None:
        """Show how things stand; `pace` is the captures a second that are allowed, None: no limit."""
        ...

    def close(self) -> None:
        """Leave the terminal tidy."""
        ...


class Bar:
    """A bar with captures done and planned, their rate, what is left and how long that takes."""

    seconds = TERMINAL_SECONDS

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[detail]}"),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._progress.add_task("captures", total=None, detail="")
        self._progress.start()

    def show(self, tally: Tally, pause_seconds: float, pace: float | None) -> None:
        detail = describe_pace(tally, pause_seconds, pace)
        self._progress.update(
            self._task, completed=tally.fetched_as_planned, total=tally.planned or None, detail=detail
        )

    def close(self) -> None:
        self._progress.stop()


class Lines:
    """A line every now and then, when it says something new."""

    seconds = LINE_SECONDS

    def __init__(self) -> None:
        self._last = ""

    def show(self, tally: Tally, pause_seconds: float, pace: float | None) -> None:
        if not tally.planned and not pause_seconds:
            return
        done = f"{tally.fetched_as_planned} of {tally.planned} captures"
        line = f"{done}, {describe_pace(tally, pause_seconds, pace)}"
        if line != self._last:
            print(line, file=sys.stderr, flush=True)
        self._last = line

    def close(self) -> None:
        pass


def build_screen(style: str) -> Screen | None:
    """Return the screen for `bar`, `lines` or `off`."""
    screens: dict[str, Callable[[], Screen]] = {"bar": Bar, "lines": Lines}
    return screens[style]() if style != "off" else None


def describe_pace(tally: Tally, pause_seconds: float, pace: float | None) -> str:
    """Return the rate, what is left of the captures planned, and how long that takes at the allowed pace."""
    if pause_seconds > 0:
        return f"paused: the archive wants to be left alone for {format_seconds(pause_seconds)}"
    rate = tally.fetched / tally.seconds if tally.seconds else 0.0
    left = max(0, tally.planned - tally.fetched_as_planned)
    parts = [f"{rate:.1f}/s", f"{left} left"]
    fastest = min(rate, pace) if pace else rate
    if left and fastest:
        parts.append(f"about {format_seconds(left / fastest)}")
    if tally.sites_done:
        parts.append(f"{tally.sites_done} sites done")
    return ", ".join(parts)


def format_seconds(seconds: float) -> str:
    """Return a time as people say it.

    >>> format_seconds(59.6), format_seconds(3725)
    ('60 s', '1 h 2 min')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


async def show_progress(
    screen: Screen, tally: Tally, pause_seconds: Callable[[], float], pace: float | None
) -> None:
    """Keep the screen up to date until cancelled."""
    try:
        while True:
            screen.show(tally, pause_seconds(), pace)
            await asyncio.sleep(screen.seconds)
    finally:
        screen.close()
