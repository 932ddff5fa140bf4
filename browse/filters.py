"""How templates show a value: days, names, changes, snippets."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from policy_archive.browse.caching import version_of_file
from policy_archive.browse.corpus import count_outcomes
from policy_archive.browse.timeline_data import mark_of
from policy_archive.browse.timeline_svg import MARKS, draw_sign, find_gaps
from policy_archive.crawler.core.records import Document
from policy_archive.crawler.core.timestamps import isoformat
from policy_archive.crawler.core.urls import describe_archive, page_uri_m
from policy_archive.pipelines.exchange.corpus_format import describe_kind
from policy_archive.pipelines.outputs.addresses import document_of, document_segment
from policy_archive.pipelines.outputs.citation import find_page
from policy_archive.pipelines.outputs.coverage import SIGNS, MonthState
from policy_archive.pipelines.outputs.history import describe_version
from policy_archive.pipelines.outputs.words import show_share
from policy_archive.pipelines.store.queries import Row, width_in_days

_MONTH_WORDS = {
    MonthState.TEXT: "text read",
    MonthState.PROVEN: "same text, by equal bytes or its neighbours",
    MonthState.BETWEEN: "no capture tells, the same text before and after",
    MonthState.NOT_A_TEXT: "read, and no text of this document",
    MonthState.NOT_FETCHED: "captured, not fetched",
    MonthState.ERROR: "errors and redirects only",
    MonthState.FAILED: "the archive failed to give it",
    MonthState.NO_CAPTURE: "no capture",
}


def build_environment() -> Environment:
    """Return the templates, everything escaped, with the filters of this module."""
    environment = Environment(
        loader=PackageLoader("policy_archive.browse"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        day=show_day,
        digits=lambda instant: "".join(filter(str.isdigit, instant)),
        instant=show_instant,
        number=lambda number: f"{number:,}",
        kind_name=show_kind,
        document=document_of,
        segment=document_segment,
        magnitude=measure_change,
        share=show_share,
        interval_days=show_interval_days,
        gist=describe_version,
        outcomes=show_outcomes,
        page_address=page_uri_m,
        seen_at=find_page,
        archive_name=describe_archive,
        snippet=show_snippet,
        month_years=group_months,
        mark_of=mark_of,
    )
    environment.tests["web_address"] = is_web_address
    environment.globals["version_of_file"] = version_of_file
    environment.globals["find_gaps"] = find_gaps
    environment.globals["sign"] = show_sign
    environment.globals["mark_words"] = MARKS
    environment.globals["month_words"] = _MONTH_WORDS
    environment.globals["month_signs"] = SIGNS
    return environment


def show_day(instant: str) -> str:
    """Return `2018-01-27` of an ISO instant or of 14 digits."""
    return instant[:10] if "-" in instant else isoformat(instant)[:10]


def show_instant(instant: str) -> str:
    """Return `2018-01-27 12:28:21 UTC` of an ISO instant or of 14 digits."""
    written = instant if "-" in instant else isoformat(instant)
    return f"{written[:10]} {written[11:19]} UTC"


def show_kind(document: Document) -> str:
    """Return what a document is, as a heading.

    >>> from policy_archive.crawler.core.records import Kind
    >>> show_kind(Document(site="intently.example", kind=Kind.TERMS, name="business"))
    'Terms of service (business)'
    """
    return describe_kind(document.kind, document.name).capitalize()


def show_interval_days(version: Row) -> str:
    """Return how wide the interval of change is, in days; '' for a first version."""
    days = width_in_days(version)
    if days is None:
        return ""
    return "under 1" if days < 1 else f"{days:,.0f}"


def measure_change(share: float) -> int:
    """Return how large a change is to the eye, 0 to 5: each step is about three times the one before.

    >>> [measure_change(share) for share in (0, 0.001, 0.005, 0.05, 0.2, 0.9)]
    [0, 1, 2, 3, 4, 5]
    """
    return sum(share > step for step in (0, 0.003, 0.01, 0.1, 0.3))


def show_outcomes(captures: list[Row]) -> str:
    """Return what became of a document's captures, most frequent first."""
    found = count_outcomes(captures)
    return ", ".join(f"{count} {word}" for word, count in found.items()) or "no capture is known"


def is_web_address(url: str | None) -> bool:
    """Return whether an address may be a link: one that runs something may not."""
    return bool(url) and str(url).startswith(("http://", "https://"))


def show_snippet(text: str) -> Markup:
    """Return a hit's surroundings in one line, the words found marked; all else escaped.

    >>> show_snippet("## What\\n\\nwe \\x01sell\\x02 & keep")
    Markup('What we <mark>sell</mark> &amp; keep')
    """
    without_marks = re.sub(r"^#{1,6} ", "", text, flags=re.MULTILINE)
    escaped = escape(" ".join(without_marks.split()))
    return escaped.replace("\x01", Markup("<mark>")).replace("\x02", Markup("</mark>"))


def show_sign(mark: str) -> Markup:
    """Return the sign of a kind of change as it stands in the timelines; a screen reader is told nothing."""
    return Markup(draw_sign(mark))  # noqa: S704 (of our own signs)


def group_months(months: Iterable[Row]) -> list[tuple[str, list[Any]]]:
    """Return (year, its twelve months: rows of outputs.coverage, None outside what is known)."""
    years = []
    for year, group in groupby(months, key=lambda row: row["month"][:4]):
        by_number = {int(row["month"][5:]): row for row in group}
        years.append((year, [by_number.get(number) for number in range(1, 13)]))
    return years
