"""A document's history → the timeline of the site page."""

from __future__ import annotations

from policy_archive.browse.corpus import DocumentHistory, is_junk
from policy_archive.browse.timeline_svg import Mark, Span, Tick, draw_timeline
from policy_archive.crawler.core.records import Document, Outcome
from policy_archive.crawler.core.timestamps import isoformat
from policy_archive.pipelines.outputs.addresses import Addresses
from policy_archive.pipelines.outputs.history import describe_interval
from policy_archive.pipelines.store.queries import AddressMove, Row


def draw_history(history: DocumentHistory, addresses: Addresses) -> str:
    """Return the SVG of one document, '' when no capture of it is known."""
    spans = [_span(history.key, row, addresses) for row in history.versions]
    foreign = [_foreign(row) for row in history.foreign]
    ticks = [
        Tick(
            timestamp=row["timestamp"],
            fetched=bool(row["outcome"]) and Outcome(row["outcome"]).is_text,
            junk=is_junk(row),
        )
        for row in history.captures
    ]
    moves = [_move(move) for move in history.moves]
    title = f"Timeline of {len(spans)} versions; the table below says the same"
    return draw_timeline(spans + foreign, ticks, moves, title=title)


def _span(document: Document, row: Row, addresses: Addresses) -> Span:
    label = f"Version {row['version']}, {describe_interval(row)}, last seen {row['last_captured'][:10]}"
    return Span(
        number=row["version"],
        first=row["timestamp"],
        last=_digits(row["last_captured"]),
        changed_after=row["changed_after"] and _digits(row["changed_after"]),
        label=f"{label}: {row['gist']}" if row["gist"] else label,
        href=addresses.version(document, row["timestamp"]),
        tone="returned" if row["returns_to"] else "even" if row["version"] % 2 == 0 else "odd",
    )


def _foreign(row: Row) -> Span:
    first, last = row["first_captured"][:10], row["last_captured"][:10]
    return Span(
        number=None,
        first=row["timestamp"],
        last=_digits(row["last_captured"]),
        changed_after=None,
        label=f"Somebody else’s text, {first} to {last}: {row['title'] or row['gist']}",
        href=None,
        tone="foreign",
    )


def _move(move: AddressMove) -> Mark:
    label = f"Moved to {move.new_url}, seen there from {isoformat(move.first_at_new)[:10]}"
    return Mark(timestamp=move.first_at_new, label=label)


def _digits(instant: str) -> str:
    return "".join(filter(str.isdigit, instant))
