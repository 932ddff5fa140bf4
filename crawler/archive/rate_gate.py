"""The gate before an archive: budgets and pauses shared by all processes of this machine."""

from __future__ import annotations

import asyncio
import os
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from policy_archive.crawler.core.defaults import INDEX_PER_MINUTE, REPLAY_PER_SECOND
from policy_archive.crawler.core.errors import RateLimitedError, StoreError
from policy_archive.crawler.core.timestamps import DAY_SECONDS, seconds_now

FIRST_PAUSE_SECONDS = 60.0  # EDGI wayback waits so when no Retry-After comes
LONGEST_PAUSE_SECONDS = 3600.0  # the archive's firewall blocks for an hour at first, EDGI wayback #137
_CREDIT_SECONDS = 0.5  # by so much a slot that was used late lets the next one come earlier
_WINDOW_SECONDS = 60.0
_NETWORK_SECONDS = 0.5  # by how much a request may take longer to arrive than another


class Budget(StrEnum):
    """What a request is counted against."""

    INDEX = "index"
    REPLAY = "replay"


@dataclass(frozen=True, kw_only=True)
class Politeness:
    """How much may be asked of one archive."""

    index_per_minute: float = INDEX_PER_MINUTE
    """0: no limit."""
    replay_per_second: float = REPLAY_PER_SECOND
    """0: no limit."""
    requests_a_day: int | None = None
    """By UTC days, over all processes; None: no limit."""
    first_pause_seconds: float = FIRST_PAUSE_SECONDS
    """After a 429 without Retry-After; doubles each time in a row, and for a refused connection."""
    longest_pause_seconds: float = LONGEST_PAUSE_SECONDS
    """A longer wait ends the run instead."""

    def spacing_seconds(self, budget: Budget) -> float:
        """Return the time between two slots of a budget.

        A little over the mean: with credit, and requests that arrive up to
        _NETWORK_SECONDS late, every minute stays below the budget.
        """
        replay = self.replay_per_second * _WINDOW_SECONDS
        per_minute = self.index_per_minute if budget is Budget.INDEX else replay
        return (_WINDOW_SECONDS + _CREDIT_SECONDS + _NETWORK_SECONDS) / per_minute if per_minute else 0.0

    def next_slot(self, budget: Budget, slot: float, now: float) -> float:
        """Return when the next request may be sent after one that used its slot `now`.

        A busy machine uses slots late. It may make good for that by one request
        at most, so no second holds more than a second's share and one.
        """
        spacing = self.spacing_seconds(budget)
        return max(slot, now - min(spacing, _CREDIT_SECONDS)) + spacing

    @property
    def is_unlimited(self) -> bool:
        return not (self.index_per_minute or self.replay_per_second or self.requests_a_day)


class GateClosedError(RateLimitedError):
    """The run ends: nobody passes any more."""


def gate_path() -> Path:
    """Return the file that all processes of this user share; POLICY_ARCHIVE_STATE names another folder."""
    folder = os.environ.get("POLICY_ARCHIVE_STATE")
    if folder:
        return Path(folder) / "gate.db"
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "policy-archive" / "gate.db"


_NUMBER = re.compile(r"\+?([0-9]{1,20}(?:\.[0-9]{1,9})?(?:e[0-9])?)\s?(?:s|sec|seconds?)?", re.IGNORECASE)
_WAITS = re.compile(r"\s*+(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*+,)?[^,]++", re.IGNORECASE)
"""Waits between commas; one stands within a date, behind the day of the week."""
_MOST_CHARACTERS = 2000
"""Of waits that are read; a header line holds 8,000 at most, and none of ours had more than one wait."""


def parse_retry_after(value: str | None, date: str | None = None) -> float | None:
    """Return the seconds that a Retry-After header asks for, None when it says nothing sensible.

    A date is counted from the answer's own Date, so that our clock may be wrong.
    Of several, as of a header sent twice, the longest counts. More than a day is taken for a day.

    >>> parse_retry_after("120"), parse_retry_after("soon"), parse_retry_after("-5")
    (120.0, None, None)
    >>> [parse_retry_after(odd) for odd in ("90.0", "+90 s", "30, 90", "1e2", "soon, 90")]
    [90.0, 90.0, 90.0, 100.0, 90.0]
    >>> parse_retry_after("5, Sun, 06 Nov 1994 08:51:07 GMT", "Sun, 06 Nov 1994 08:49:37 GMT")
    90.0
    """
    waits = (_seconds_of(part, date) for part in _WAITS.findall((value or "")[:_MOST_CHARACTERS]))
    seconds = max(waits, default=0.0)
    return min(seconds, float(DAY_SECONDS)) if seconds > 0 else None


def _seconds_of(text: str, date: str | None) -> float:
    number = _NUMBER.fullmatch(text.strip())
    return float(number[1]) if number else _seconds_until(text.strip(), date)


def _instant_of(text: str) -> float:
    """Return the time of an HTTP date, or of an ISO 8601 one, which some write; raises ValueError."""
    try:
        return parsedate_to_datetime(text).timestamp()
    except ValueError:
        instant = datetime.fromisoformat(text)
        return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp()


def _seconds_until(text: str, date: str | None) -> float:
    try:
        until = _instant_of(text)
    except (ValueError, OverflowError):
        return 0.0
    try:
        now = parsedate_to_datetime(date or "").timestamp()
    except (ValueError, OverflowError):
        now = seconds_now()
    return until - now


@dataclass(kw_only=True)
class _State:
    """The gate's row. Times are seconds of gate time, which no step of the wall clock moves."""

    clock_offset: float
    seen: float
    index_next: float = 0.0
    replay_next: float = 0.0
    blocked_at: float = 0.0
    blocked_until: float = 0.0
    pauses: int = 0
    day: int = 0
    spent: int = 0


_COLUMNS = tuple(_State.__dataclass_fields__)
_CREATE = f"create table if not exists gate (archive text primary key, {', '.join(_COLUMNS)})"
_READ = f"select {', '.join(_COLUMNS)} from gate where archive = ?"  # noqa: S608 - our own names
_WRITE = f"replace into gate (archive, {', '.join(_COLUMNS)}) values (?{', ?' * len(_COLUMNS)})"  # noqa: S608


class Gate:
    """Lets requests to one archive pass, each in its slot, none while the archive wants to be left alone.

    Slots and pauses stand in one SQLite row per archive. Gate time runs with the
    machine's monotonic clock, which all its processes share; after a restart it goes on
    from the wall clock, never backwards.
    """

    def __init__(
        self,
        archive_url: str,
        politeness: Politeness,
        *,
        path: Path | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = seconds_now,
    ) -> None:
        self.politeness = politeness
        self._archive = urlsplit(archive_url).netloc.lower()
        self._monotonic = monotonic
        self._wall = wall
        self._closed = asyncio.Event()
        self._turns = {budget: asyncio.Lock() for budget in Budget}
        self._paused = False
        self._connection = _connect(":memory:" if politeness.is_unlimited else path or gate_path())

    def close(self) -> None:
        """Let nobody pass any more: whoever waits gets GateClosedError."""
        self._closed.set()

    def dispose(self) -> None:
        """Close the file."""
        self.close()
        self._connection.close()

    async def wait(self, budget: Budget) -> float:
        """Return when one request may be sent, with the gate time of that moment.

        Raises RateLimitedError when that is too long from now, or the day's
        requests are spent; GateClosedError when the run ends.
        """
        async with self._turns[budget]:  # one asks for all: the others would only wake to see it taken
            while True:
                seconds, now = self._claim(budget)
                if not seconds:
                    return now
                await self.sleep(seconds)

    def blocked_seconds(self) -> float:
        """Return for how long the archive wants to be left alone, 0 when it does not."""
        with self._transaction() as state:
            return max(0.0, state.blocked_until - state.seen)

    def _claim(self, budget: Budget) -> tuple[float, float]:
        """Take the free slot and return 0, or the seconds until there may be one; and the gate time."""
        with self._transaction() as state:
            now = state.seen
            self._paused = state.pauses > 0
            if state.blocked_until > now:
                self._check_pause(state.blocked_until - now)
                return state.blocked_until - now, now
            name = f"{budget}_next"
            slot = getattr(state, name)
            if slot > now:
                return slot - now, now
            self._count(state)
            setattr(state, name, self.politeness.next_slot(budget, slot, now))
            return 0.0, now

    def _check_pause(self, seconds: float) -> None:
        if seconds > self.politeness.longest_pause_seconds:
            raise RateLimitedError(
                f"{self._archive} wants to be left alone for {_in_words(seconds)}.",
                retry_after_seconds=seconds,
            )

    def _count(self, state: _State) -> None:
        today = int(state.seen // DAY_SECONDS)
        if state.day != today:
            state.day, state.spent = today, 0
        if self.politeness.requests_a_day is not None and state.spent >= self.politeness.requests_a_day:
            rest = (today + 1) * DAY_SECONDS - state.seen
            raise RateLimitedError(
                f"The day's {state.spent} requests to {self._archive} are spent; "
                f"the next day begins in {_in_words(rest)}.",
                retry_after_seconds=rest,
            )
        state.spent += 1

    async def sleep(self, seconds: float) -> None:
        """Return after so many seconds; raises GateClosedError when the run ends before."""
        if self._closed.is_set():
            raise GateClosedError("The run ends.")
        if seconds <= 0:
            return
        try:
            await asyncio.wait_for(self._closed.wait(), seconds)
        except TimeoutError:
            return
        raise GateClosedError("The run ends.")

    def block(
        self, sent_at: float, retry_after_seconds: float | None = None, *, is_shut: bool = False
    ) -> float:
        """Stop all requests of this machine to the archive; return for how many seconds.

        `sent_at` is what `wait` gave for the request that was refused: requests that
        were under way together count as one refusal. `is_shut`: not even the
        connection was accepted, so the firewall blocks us, and minutes are right.

        Raises RateLimitedError when the pause is too long to wait for; it is noted all the same.
        """
        with self._transaction() as state:
            if sent_at > state.blocked_at or not state.blocked_at:
                state.pauses += 1
                state.blocked_at = state.seen
            doubled = self.politeness.first_pause_seconds * 2.0 ** min(state.pauses - 1 + is_shut, 30)
            longest = self.politeness.longest_pause_seconds
            pause = retry_after_seconds or min(doubled, longest)
            state.blocked_until = max(state.blocked_until, state.seen + pause)
            seconds, refusals = state.blocked_until - state.seen, state.pauses
        self._paused = True
        if doubled >= 2 * longest:
            raise RateLimitedError(f"{self._archive} refused us {refusals} times in a row.")
        self._check_pause(seconds)
        return seconds

    def note_success(self, sent_at: float) -> None:
        """Note that the archive answers again: the next pause starts small."""
        if self._paused:
            with self._transaction() as state:
                if sent_at > state.blocked_at:
                    state.pauses = 0
                    self._paused = False

    @contextmanager
    def _transaction(self) -> Iterator[_State]:
        """Yield the row with its clock set, and write it back, also when the block raises."""
        try:
            self._connection.execute("begin immediate")
            found = self._connection.execute(_READ, (self._archive,)).fetchone()
            state = self._set_clock(_State(**dict(zip(_COLUMNS, found, strict=True))) if found else None)
            try:
                yield state
            finally:
                values = (getattr(state, name) for name in _COLUMNS)
                self._connection.execute(_WRITE, (self._archive, *values))
                self._connection.execute("commit")
        except sqlite3.Error as error:
            raise _unusable(error) from error

    def _set_clock(self, state: _State | None) -> _State:
        monotonic = self._monotonic()
        if state is None:
            return _State(clock_offset=self._wall() - monotonic, seen=self._wall())
        now = monotonic + state.clock_offset
        if now < state.seen:  # the machine was started anew
            state.clock_offset = max(self._wall(), state.seen) - monotonic
        state.seen = max(monotonic + state.clock_offset, state.seen)
        return state


def _connect(path: Path | str) -> sqlite3.Connection:
    try:
        if isinstance(path, Path):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        connection = sqlite3.connect(path, timeout=30, isolation_level=None)
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = normal")
        connection.execute(_CREATE)
    except (OSError, sqlite3.Error) as error:
        raise _unusable(error) from error
    return connection


def _unusable(error: Exception) -> StoreError:
    return StoreError(
        f"The request budget's file {gate_path()} cannot be used: {error}. "
        "Make its folder writable, delete a damaged file, or name another folder with POLICY_ARCHIVE_STATE."
    )


def _in_words(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 7200 else f"{seconds / 3600:.1f} hours"
