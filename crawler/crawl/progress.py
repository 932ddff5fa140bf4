"""What a person sees of a running crawl, on stderr: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Protocol

from policy_archive.crawler.core.plurals import plural
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
        from rich.console import Console  # a run without a terminal need not wait for it
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

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
        self._progress.update(
            self._task,
            description="captures" if tally.planned else describe_search(tally),
            completed=tally.fetched_as_planned,
            total=tally.planned or None,
            detail=describe_pace(tally, pause_seconds, pace),
        )

    def close(self) -> None:
        self._progress.stop()


class Lines:
    """A line every now and then, when it says something new."""

    seconds = LINE_SECONDS

    def __init__(self) -> None:
        self._last = ""

    def show(self, tally: Tally, pause_seconds: float, pace: float | None) -> None:
        if not tally.planned and not pause_seconds and not tally.searching:
            return
        done = f"{tally.fetched_as_planned} of {tally.planned} captures"
        begin = done if tally.planned or pause_seconds else describe_search(tally)
        line = ", ".join(filter(None, [begin, describe_pace(tally, pause_seconds, pace)]))
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
    """Return the rate, what is left of the captures planned, how long that takes at the allowed pace (not
    before half of it is known), and how many sites are done of how many.
    """
    if pause_seconds > 0:
        return f"paused: the archive wants to be left alone for {format_seconds(pause_seconds)}"
    rate = tally.fetched / tally.seconds if tally.seconds else 0.0
    left = max(0, tally.planned - tally.fetched_as_planned)
    parts = [f"{rate:.1f}/s", f"{left} left"] if tally.planned else []
    fastest = min(rate, pace) if pace else rate
    if left and fastest and tally.is_half_known:
        parts.append(f"about {format_seconds(left / fastest)}")
    if tally.sites and tally.sites > 1:
        parts.append(f"{tally.sites_done} of {tally.sites} sites done")
    elif tally.sites is None and tally.sites_done:
        parts.append(f"{plural(tally.sites_done, 'site')} done")
    return ", ".join(parts)


def describe_search(tally: Tally) -> str:
    """Return whose policies are being looked for, before there is anything to count.

    >>> describe_search(Tally(searching={"x.example": None, "y.example": None}))
    'searching x.example and 1 more'
    """
    names = list(tally.searching)
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"searching {names[0]}{more}" if names else "captures"


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
