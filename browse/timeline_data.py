"""A document's history → the timeline of the site page."""

from __future__ import annotations

from dataclasses import dataclass, replace

from markupsafe import Markup

from policy_archive.browse.corpus import DocumentHistory, is_junk
from policy_archive.browse.timeline_svg import (
    MARKS,
    History,
    Mark,
    Span,
    Tick,
    draw_timeline,
    whole_years,
)
from policy_archive.crawler.core.records import Document, Outcome
from policy_archive.crawler.core.timestamps import isoformat
from policy_archive.pipelines.outputs.addresses import Addresses
from policy_archive.pipelines.outputs.history import describe_interval
from policy_archive.pipelines.store.queries import AddressMove, Row
from policy_archive.pipelines.versions.classes import PASSED_OVER, ChangeClass

_NARROW = 360
"""Pixels of the picture for phones, which is not scaled down: its words stay as large as others."""
_FEWEST_TO_ZOOM = 12
"""Versions of a document whose years can be seen alone."""


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """The pictures of one document."""

    wide: Markup
    """With a link for each version; '' when no capture is known."""
    narrow: Markup
    """The same for phones, where the list below has the links."""
    marks: tuple[tuple[str, str], ...]
    """(kind of change, what it means) of the signs that stand in it."""
    most_words: int
    """Of the longest version: the height of the picture."""
    years: tuple[int, int] | None
    """The first and the last year of which anything is known."""


def draw_history(
    history: DocumentHistory, addresses: Addresses, *, years: tuple[int, int] | None = None
) -> Timeline:
    """Return the timeline of one document, of all time or from one year to another."""
    spans = [_span(history.key, row, addresses) for row in history.versions]
    whole = History(
        spans=spans + [_foreign(row) for row in history.foreign],
        ticks=[_tick(row) for row in history.captures],
        marks=[_move(move) for move in history.moves],
        title=f"Timeline of {len(spans)} versions; the table below says the same",
        year_address=addresses.site_years(history.key)
        if len(spans) >= _FEWEST_TO_ZOOM and years is None
        else None,
    )
    window = whole_years(*years) if years else None
    picture = replace(whole, title=f"Picture of {len(spans)} versions; the table below says the same")
    present = {span.mark for span in spans}
    return Timeline(
        wide=Markup(draw_timeline(whole, window=window)),  # noqa: S704 (all words in it are escaped)
        narrow=Markup(draw_timeline(picture, window=window, width=_NARROW, links=False)),  # noqa: S704
        marks=tuple((name, words) for name, words in MARKS.items() if name in present),
        most_words=max((span.words for span in spans), default=0),
        years=(int(min(whole.stamps)[:4]), int(max(whole.stamps)[:4])) if whole.stamps else None,
    )


def mark_of(row: Row) -> str | None:
    """Return what kind of change began a version, of MARKS; None where none is known."""
    if row["changed_after"] is None:
        return None
    if row["returns_to"]:
        return "returned"
    if row["class"] in PASSED_OVER:
        return "of-page"
    return str(row["class"] or ChangeClass.SUBSTANTIVE)


def _span(document: Document, row: Row, addresses: Addresses) -> Span:
    mark = mark_of(row)
    label = f"Version {row['version']}, {describe_interval(row)}, last seen {row['last_captured'][:10]}"
    label += f", {row['words']:,} words"
    return Span(
        number=row["version"],
        first=row["timestamp"],
        last=_digits(row["last_captured"]),
        changed_after=row["changed_after"] and _digits(row["changed_after"]),
        words=row["words"] or 0,
        label=f"{label}: {row['gist']}" if row["gist"] else label,
        href=addresses.version(document, row["timestamp"]),
        mark=mark,
        tone="returned" if mark == "returned" else "",
    )


def _foreign(row: Row) -> Span:
    first, last = row["first_captured"][:10], row["last_captured"][:10]
    return Span(
        number=None,
        first=row["timestamp"],
        last=_digits(row["last_captured"]),
        changed_after=None,
        words=row["words"] or 0,
        label=f"Somebody else’s text, {first} to {last}: {row['title'] or row['gist']}",
        href=None,
        mark=None,
        tone="foreign",
    )


def _tick(row: Row) -> Tick:
    fetched = bool(row["outcome"]) and Outcome(row["outcome"]).is_text
    return Tick(timestamp=row["timestamp"], fetched=fetched, junk=is_junk(row))


def _move(move: AddressMove) -> Mark:
    label = f"Moved to {move.new_url}, seen there from {isoformat(move.first_at_new)[:10]}"
    return Mark(timestamp=move.first_at_new, label=label)


def _digits(instant: str) -> str:
    return "".join(filter(str.isdigit, instant))
