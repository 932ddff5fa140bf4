"""How templates show a value: days, names, gists, snippets."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from browse.addresses import DocumentKey
from crawler.timestamps import isoformat, parse_timestamp, seconds_between
from pipelines.changes import change_from_json, describe_change
from pipelines.diffing import DiffLine

_KIND_NAMES = {
    "privacy": "Privacy policy",
    "terms": "Terms of service",
    "cookies": "Cookie policy",
    "other": "Other policy",
}
_SECONDS_A_DAY = 86_400


def build_environment() -> Environment:
    """Return the templates, everything escaped, with the filters of this module."""
    environment = Environment(
        loader=PackageLoader("browse"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        day=show_day,
        instant=show_instant,
        kind_name=lambda kind: _KIND_NAMES.get(kind, kind),
        document_key=key_of,
        interval_days=show_interval_days,
        gist=show_gist,
        states=show_states,
        snippet=show_snippet,
        merged_spans=merge_spans,
    )
    return environment


def show_day(timestamp: str) -> str:
    """Return `2018-01-27` of 14 digits."""
    return isoformat(timestamp)[:10]


def show_instant(timestamp: str) -> str:
    """Return `2018-01-27 12:28:21 UTC` of 14 digits."""
    return parse_timestamp(timestamp).strftime("%Y-%m-%d %H:%M:%S UTC")


def key_of(row: sqlite3.Row) -> DocumentKey:
    """Return the document of a row that has site, kind and name."""
    return DocumentKey(site=row["site"], kind=row["kind"], name=row["name"])


def show_interval_days(version: sqlite3.Row) -> str:
    """Return how wide the interval of change is, in days; '' for a first version."""
    if version["changed_after"] is None:
        return ""
    days = seconds_between(version["changed_after"], version["first_timestamp"]) / _SECONDS_A_DAY
    return "under 1" if days < 1 else f"{days:,.0f}"


def show_gist(change: str | None) -> str:
    """Return a change's JSON in a few words."""
    return describe_change(change_from_json(change)) if change else ""


def show_states(captures: Iterable[sqlite3.Row]) -> str:
    """Return what became of a document's captures, most frequent first."""
    counts = Counter(row["outcome"] or row["state"] for row in captures)
    return ", ".join(f"{count} {name}" for name, count in counts.most_common()) or "no capture is known"


def show_snippet(text: str) -> Markup:
    """Return a hit's surroundings, the words found marked; all else escaped."""
    marked = (
        escape(text.replace("\n", " ")).replace("\x01", Markup("<mark>")).replace("\x02", Markup("</mark>"))
    )
    return Markup(marked)  # noqa: S704 - escaped in the line above


def merge_spans(line: DiffLine) -> Iterator[tuple[str, str]]:
    """Yield (text, `del`, `ins` or '') of a changed line, both sides woven into one."""
    old, new = list(line.old), list(line.new)
    while old or new:
        if old and old[0].changed:
            yield old.pop(0).text, "del"
        elif new and new[0].changed:
            yield new.pop(0).text, "ins"
        else:
            if old:
                old.pop(0)
            if new:
                yield new.pop(0).text, ""
