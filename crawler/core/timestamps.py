"""14-digit timestamps and aware UTC instants."""

from __future__ import annotations

import os
import re
import time
from datetime import UTC, date, datetime, timedelta

from policy_archive.crawler.core.cache import SHORT, remembered
from policy_archive.crawler.core.errors import CdxError, UsageError

_FOURTEEN = re.compile("[0-9]{14}")
_PARTIAL = re.compile(r"([0-9]{4})(?:-?([0-9]{2})(?:-?([0-9]{2}))?)?")
_EARLIEST_YEAR = 1990  # the web; an earlier capture is a broken clock

CLOCK_VARIABLE = "POLICY_ARCHIVE_CLOCK"
"""For tests of clocks that are wrong: `3600` runs an hour ahead, `-3600@5` goes back an hour after 5 s."""
_shift, _, _after = os.environ.get(CLOCK_VARIABLE, "0").partition("@")  # fixed when the process starts
_shift_seconds, _shift_at = float(_shift or 0), time.monotonic() + float(_after or 0)


DAY_SECONDS = 86_400
YEAR_SECONDS = 365.25 * DAY_SECONDS


def seconds_now() -> float:
    """Return our own clock's seconds since 1970. A capture's time is never taken from it."""
    return time.time() + (_shift_seconds if time.monotonic() >= _shift_at else 0.0)


def utc_now() -> datetime:
    """Return our own clock's instant, aware, UTC."""
    return datetime.fromtimestamp(seconds_now(), UTC)


@remembered(1 << 14, longest=SHORT)  # a long history asks for the same few hundred ten thousands of times
def parse_timestamp(text: str) -> datetime:
    """Return the instant of a 14-digit CDX timestamp, aware, UTC.

    Some rows of 2000 hold a stray "00" before month or day and have
    lost their seconds: repaired, seconds set to 0. Second 60 counts as 59.

    Raises CdxError if it is no instant even so.
    Source: EDGI wayback, `_utils.parse_timestamp`.

    >>> parse_timestamp("20000008241731").isoformat()
    '2000-08-24T17:31:00+00:00'
    """
    return _instant(repair_timestamp(text))


def repair_timestamp(text: str) -> str:
    """Return 14 digits that are an instant, mended where the archive's own clock fault is known.

    Raises CdxError if they cannot be mended.

    >>> repair_timestamp("20000012170449")
    '20001217044900'
    """
    # fullmatch, because strptime accepts 13 digits and digits of other scripts
    if not _FOURTEEN.fullmatch(text):
        raise CdxError(f"'{text[:40]}' is no timestamp: 14 digits are expected")
    candidates = [text]
    # only a "00" is stray: 29 February 2011 is no clock fault, and must not become another day
    candidates += [f"{text[:at]}{text[at + 2 :]}00" for at in (4, 6) if text[at : at + 2] == "00"]
    for candidate in candidates:
        if _is_instant(candidate):
            return candidate
    raise CdxError(f"'{text}' is no timestamp: no such instant")


def _is_instant(digits: str) -> bool:
    try:
        return _instant(digits).year >= _EARLIEST_YEAR
    except ValueError:
        return False


def _instant(digits: str) -> datetime:
    second = min(int(digits[12:14]), 59) if digits[12:14] == "60" else int(digits[12:14])
    parts = (int(digits[:4]), *(int(digits[i : i + 2]) for i in range(4, 12, 2)), second)
    year, month, day, hour, minute, second = parts
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)


def format_timestamp(instant: datetime) -> str:
    """Return the 14 digits of an aware instant.

    >>> format_timestamp(datetime(2018, 1, 27, 12, 28, 21, tzinfo=UTC))
    '20180127122821'
    """
    return instant.astimezone(UTC).strftime("%Y%m%d%H%M%S").zfill(14)


def isoformat(timestamp: str) -> str:
    """Return `2018-01-27T12:28:21Z` for 14 digits: sorts as text, read by every database tool."""
    return format_instant(parse_timestamp(timestamp))


def format_instant(instant: datetime) -> str:
    """Return an aware instant as the database has it, `2018-01-27T12:28:21Z`."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def now_iso() -> str:
    """Return this moment, by our own clock, as the database has it."""
    return format_instant(utc_now())


def seconds_between(earlier: str, later: str) -> float:
    """Return the seconds from one 14-digit timestamp to another; negative if they stand the other way."""
    return (parse_timestamp(later) - parse_timestamp(earlier)).total_seconds()


def parse_day(text: str, *, end: bool = False) -> date:
    """Return the day meant by `2018`, `2018-05`, `2018-05-25`, `20180525` or 14 digits.

    A year or month stands for its first day, or with `end` for its last.

    Raises UsageError if it is none of these.

    >>> parse_day("2018-02", end=True).isoformat()
    '2018-02-28'
    """
    match = _PARTIAL.fullmatch(text[:8] if _FOURTEEN.fullmatch(text) else text)
    if match:
        year, month, day = match.groups()
        try:
            first = date(int(year), int(month or 1), int(day or 1))
        except ValueError:
            first = None
        if first is not None:
            return _last_day(first, month, day) if end else first
    raise UsageError(f"'{text}' is no date: write 2018, 2018-05, 2018-05-25 or 14 digits.")


def _last_day(first: date, month: str | None, day: str | None) -> date:
    if day:
        return first
    if month:
        return (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    return first.replace(month=12, day=31)


def parse_span(
    since: str | None, until: str | None, *, names: tuple[str, str] = ("--from", "--to")
) -> tuple[date | None, date | None]:
    """Return first and last day of a span; raises UsageError if they stand the wrong way round.

    `names` are what the user's options are called.
    """
    first = parse_day(since) if since else None
    last = parse_day(until, end=True) if until else None
    if first and last and first > last:
        raise UsageError(f"{names[0]} {since} is after {names[1]} {until}: swap them.")
    return first, last
