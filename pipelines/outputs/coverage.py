"""What is known of every month between a document's first capture and its last: missing is not gone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import groupby
from typing import Any

from policy_archive.crawler.core.stored import Outcome, RowState
from policy_archive.pipelines.outputs.words import describe_value

Row = dict[str, Any]


class MonthState(StrEnum):
    """The best that is known of a month."""

    TEXT = "text"
    """A text of that month was read."""
    PROVEN = "proven"
    """Captures there are; a digest or a bracket proves their text."""
    BETWEEN = "same-before-and-after"
    """No capture tells; the text before and the text after are the same."""
    NOT_A_TEXT = "not-a-text"
    """Captures were read and hold no text of this document: an error, a wall, somebody else's policy."""
    NOT_FETCHED = "not-fetched"
    """Captures are listed, none was asked for: the interval was narrow enough, or the plan ended."""
    ERROR = "error"
    """The index itself lists only errors, redirects, pictures."""
    FAILED = "failed"
    """Captures were asked for, and the archive did not give them."""
    NO_CAPTURE = "no-capture"
    """The archive lists none."""


SIGNS = {
    MonthState.TEXT: "T",
    MonthState.PROVEN: "=",
    MonthState.BETWEEN: "~",
    MonthState.NOT_A_TEXT: "x",
    MonthState.NOT_FETCHED: "?",
    MonthState.ERROR: "e",
    MonthState.FAILED: "!",
    MonthState.NO_CAPTURE: ".",
}
LEGEND = "T text read; = same text, by bytes or neighbours; ~ same text before and after; ? not fetched; \
x read, no policy; e errors or redirects only; ! not read: the archive or the reading failed; . no capture"

_BY_STATE = {
    RowState.SAME_DIGEST: MonthState.PROVEN,
    RowState.BRACKETED: MonthState.PROVEN,
    RowState.NARROW: MonthState.NOT_FETCHED,
    RowState.UNPLANNED: MonthState.NOT_FETCHED,
    RowState.PENDING: MonthState.NOT_FETCHED,
    RowState.ERROR_PAGE: MonthState.ERROR,
    RowState.REDIRECT: MonthState.ERROR,
    RowState.NOT_TEXT: MonthState.ERROR,
}
_BEST_FIRST = [MonthState.TEXT, MonthState.PROVEN, MonthState.NOT_A_TEXT, MonthState.NOT_FETCHED,
               MonthState.FAILED, MonthState.ERROR]  # fmt: skip


def list_months(captures: Sequence[Row], versions: Sequence[Row]) -> list[Row]:
    """Return a row for every month from the first capture to the last.

    `captures` have timestamp, state, outcome (in order of time); `versions` have
    first_captured and last_captured. A row has `month` (2013-02), `state` (MonthState), `captures`
    and `states`: how many captures have each state or outcome.
    """
    by_month = {
        month: list(group) for month, group in groupby(captures, key=lambda row: row["timestamp"][:6])
    }
    if not by_month:
        return []
    return [
        {
            "month": f"{month[:4]}-{month[4:]}",
            "state": _state_of(by_month.get(month, []), _is_within(month, versions)),
            "captures": len(by_month.get(month, [])),
            "states": dict(Counter(row["outcome"] or row["state"] for row in by_month.get(month, []))),
        }
        for month in _iter_months(min(by_month), max(by_month))
    ]


def _state_of(captures: Iterable[Row], within: bool) -> MonthState:
    states = {_state_of_row(row) for row in captures}
    best = next((state for state in _BEST_FIRST if state in states), MonthState.NO_CAPTURE)
    if within and best not in (MonthState.TEXT, MonthState.PROVEN):
        return MonthState.BETWEEN
    return best


def _state_of_row(row: Row) -> MonthState:
    if row["state"] == RowState.FETCHED:
        return _state_of_outcome(Outcome(row["outcome"]))
    return _BY_STATE[RowState(row["state"])]


def _state_of_outcome(outcome: Outcome) -> MonthState:
    if outcome.is_text:
        return MonthState.TEXT
    return MonthState.NOT_A_TEXT if outcome.is_evidence else MonthState.FAILED


def _is_within(month: str, versions: Sequence[Row]) -> bool:
    """Return whether one version was seen before the month and after it."""
    written = f"{month[:4]}-{month[4:]}"
    return any(row["first_captured"][:7] <= written <= row["last_captured"][:7] for row in versions)


def _iter_months(first: str, last: str) -> Iterator[str]:
    year, month = int(first[:4]), int(first[4:])
    while (found := f"{year:04}{month:02}") <= last:
        yield found
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)


def iter_years(months: Sequence[Row]) -> Iterator[Row]:
    """Yield the lines of the table: a year, a sign for each month, captures, and what became of them."""
    for year, group in groupby(months, key=lambda row: row["month"][:4]):
        rows = {row["month"][5:]: row for row in group}
        states: Counter[str] = Counter()
        for row in rows.values():
            states.update(row["states"])
        yield {
            "Year": year,
            "JFMAMJJASOND": "".join(
                SIGNS[rows[number]["state"]] if (number := f"{month:02}") in rows else " "
                for month in range(1, 13)
            ),
            "Captures": sum(row["captures"] for row in rows.values()),
            "Of these": ", ".join(
                f"{count} {describe_value(state)}" for state, count in states.most_common()
            ),
        }
