"""Since when, until when and in which years a document says what was searched for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from policy_archive.crawler.core.timestamps import isoformat
from policy_archive.pipelines.store.queries import Row


@dataclass(frozen=True, kw_only=True)
class Saying:
    """A document of a search."""

    years: list[tuple[str, str]]
    """(year, `said` or `silent`) of every year from the first version to the last."""
    said: int
    versions: int
    came: str
    """When it came in, in words: an interval, or that it stood there when the document was first seen."""
    went: str
    """When it went, or that the last version still says it."""


def describe_saying(versions: Sequence[Row]) -> Saying:
    """Return what the versions of a document, as list_saying gives them, tell; one of them says it.

    What stood in the first version is not taken for taken in: it may have stood there for long.
    """
    saying = [row for row in versions if row["said"]]
    first, last = saying[0], saying[-1]
    later = [row for row in versions if row["version"] > last["version"]]
    if first["changed_after"] is None:
        came = f"said it when it was first seen, {_day(first['first_timestamp'])}"
    else:
        came = f"took it in {_between(first['changed_after'], first['first_timestamp'])}"
    gone = later[0] if later else None
    went = (
        f"dropped it {_between(gone['changed_after'] or last['last_timestamp'], gone['first_timestamp'])}"
        if gone
        else f"still said it on {_day(last['last_timestamp'])}"
    )
    return Saying(years=_list_years(versions), said=len(saying), versions=len(versions), came=came, went=went)


def _list_years(versions: Sequence[Row]) -> list[tuple[str, str]]:
    spans = [
        (int(row["first_timestamp"][:4]), int(row["last_timestamp"][:4]), row["said"]) for row in versions
    ]
    years = range(spans[0][0], max(end for _, end, _ in spans) + 1)
    said = {year for start, end, says in spans if says for year in range(start, end + 1)}
    return [(str(year), "said" if year in said else "silent") for year in years]


def _between(after: str, by: str) -> str:
    return f"on {_day(by)}" if _day(after) == _day(by) else f"between {_day(after)} and {_day(by)}"


def _day(timestamp: str) -> str:
    return isoformat(timestamp)[:10]
