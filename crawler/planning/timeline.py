"""What is known of a document's rows, in order of time: which can hold a text, and which text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from policy_archive.crawler.core.cache import SHORT, remembered
from policy_archive.crawler.core.records import (
    EMPTY_BODY_DIGEST,
    CdxRow,
    KnownCapture,
    RowDecision,
    RowState,
)
from policy_archive.crawler.core.timestamps import parse_timestamp

_TEXT_MIMETYPES = frozenset({"", "-", "unk", "unknown", "warc/revisit", "no-type"})
"""Mimetypes with no slash-word that names a text, and yet the capture may be one."""

_TEXT_APPLICATIONS = ("html", "xml", "pdf", "octet-stream", "msword", "officedocument", "rtf", "json", "http")
"""Parts of `application/...` types under which policies were really served."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineRow:
    """A timeline row: one row that may hold a text, with all that is known of it."""

    row: CdxRow
    at: float
    """Seconds since 1970."""
    asked: bool
    text: str | None = None
    """SHA-256; own, or that of a row with the same digest. None: unknown, or no text."""
    stated_days: tuple[date, ...] = ()
    """Days that this text states of itself."""
    language: str | None = None
    """ISO 639-1 of this text; None when it is not known."""
    has_no_text: bool = False
    """Known to hold no text: junk, or replay did not give it."""
    size: int | None = None
    """Compressed bytes of the body's capture; of a revisit, those of the row it repeats."""

    @property
    def body(self) -> str:
        """What tells bodies apart: the digest, where it proves sameness."""
        return self.row.digest if proves_sameness(self.row.digest) else repr(self.row)

    @property
    def unknown(self) -> bool:
        return self.text is None and not self.has_no_text


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """The spots in order of time, and what was settled without looking at their neighbours."""

    spots: tuple[TimelineRow, ...]
    decisions: dict[CdxRow, RowDecision]
    """Of rows that are no spots, were asked, or equal a row that was asked."""
    spokesmen: dict[str, CdxRow]
    """Of each digest that proves sameness and is not known yet: the row to ask, always the earliest."""

    def representative(self, spot: TimelineRow) -> CdxRow:
        """Return the row to ask when the text of `spot` is wanted."""
        return self.spokesmen.get(spot.row.digest, spot.row)


def order_of(row: CdxRow) -> tuple[str, ...]:
    """Return what rows are sorted by: time, then all else, so that ties stand the same way each time."""
    return (
        row.timestamp,
        row.original,
        row.digest,
        row.mimetype,
        row.statuscode,
        row.urlkey,
        str(row.length),
    )


@remembered(65_536, longest=SHORT)
def seconds_of(timestamp: str) -> float:
    """Return seconds since 1970 of 14 digits."""
    return parse_timestamp(timestamp).timestamp()


def proves_sameness(digest: str) -> bool:
    """Return whether two rows with this digest have the same body."""
    return digest not in ("", "-", EMPTY_BODY_DIGEST)


def build_timeline(
    known: Sequence[KnownCapture], *, since: date | None = None, until: date | None = None
) -> Timeline:
    """Return what `known` says of each row; rows before `since` or after `until` are not planned for."""
    captures = _unique(known)
    bodies, sizes = _bodies(captures), _sizes(captures)
    decisions: dict[CdxRow, RowDecision] = {}
    spots: list[TimelineRow] = []
    for capture in captures:
        decision = _settle(capture, bodies, since, until)
        if decision is not None:
            decisions[capture.row] = decision
        if decision is None or decision.state in (RowState.FETCHED, RowState.SAME_DIGEST):
            spots.append(_spot(capture, bodies, sizes))
    return Timeline(spots=tuple(spots), decisions=decisions, spokesmen=_spokesmen(spots))


def _unique(known: Iterable[KnownCapture]) -> list[KnownCapture]:
    """Return one entry a row in order of time; the one with an outcome if a row is given twice."""
    by_row: dict[CdxRow, KnownCapture] = {}
    for capture in known:
        if capture.row not in by_row or capture.outcome is not None:
            by_row[capture.row] = capture
    return sorted(by_row.values(), key=lambda capture: order_of(capture.row))


def _bodies(captures: Iterable[KnownCapture]) -> dict[str, KnownCapture]:
    """Return for each digest the first capture from which its body is known."""
    bodies: dict[str, KnownCapture] = {}
    for capture in captures:
        # what befell one request says nothing of the body: another row with its digest may be asked
        if capture.outcome is not None and not capture.outcome.is_unseen:
            bodies.setdefault(capture.row.digest, capture)
    return {digest: capture for digest, capture in bodies.items() if proves_sameness(digest)}


def _sizes(captures: Iterable[KnownCapture]) -> dict[str, int]:
    """Return for each digest the length of its first full record: that of a revisit says nothing."""
    sizes: dict[str, int] = {}
    for capture in captures:
        row = capture.row
        if row.length is not None and row.length > 0 and row.mimetype != "warc/revisit":
            sizes.setdefault(row.digest, row.length)
    return {digest: size for digest, size in sizes.items() if proves_sameness(digest)}


def _spokesmen(spots: Iterable[TimelineRow]) -> dict[str, CdxRow]:
    spokesmen: dict[str, CdxRow] = {}
    for spot in spots:
        if spot.unknown and proves_sameness(spot.row.digest):
            spokesmen.setdefault(spot.row.digest, spot.row)
    return spokesmen


def _spot(capture: KnownCapture, bodies: dict[str, KnownCapture], sizes: dict[str, int]) -> TimelineRow:
    source = capture if capture.outcome is not None else bodies.get(capture.row.digest)
    return TimelineRow(
        row=capture.row,
        at=seconds_of(capture.row.timestamp),
        asked=capture.outcome is not None,
        text=source.text_sha256 if source else None,
        stated_days=source.stated_days if source else (),
        language=source.language if source else None,
        has_no_text=source is not None and source.text_sha256 is None,
        size=sizes.get(capture.row.digest),
    )


_FETCHED = RowDecision(state=RowState.FETCHED)


def _settle(
    capture: KnownCapture, bodies: dict[str, KnownCapture], since: date | None, until: date | None
) -> RowDecision | None:
    """Return the decision that needs no look at other texts; None where one is needed."""
    row = capture.row
    if capture.outcome is not None:
        return _FETCHED
    day = f"{row.timestamp[:4]}-{row.timestamp[4:6]}-{row.timestamp[6:8]}"
    if (since and day < since.isoformat()) or (until and day > until.isoformat()):
        return RowDecision(state=RowState.UNPLANNED, reason="outside the dates asked for")
    decision = judge_by_index(row)
    if decision is None and row.digest in bodies:
        return RowDecision(state=RowState.SAME_DIGEST, same_as=bodies[row.digest].row)
    return decision


def judge_by_index(row: CdxRow) -> RowDecision | None:
    """Return why a row cannot hold a text, from the index alone; None if it may hold one."""
    status, mimetype = row.statuscode, row.mimetype.lower()
    if status[:1] == "3":
        return RowDecision(state=RowState.REDIRECT, reason=f"the index says {status}")
    if status[:1] in ("4", "5"):
        return RowDecision(state=RowState.ERROR_PAGE, reason=f"the index says {status}")
    if row.digest == EMPTY_BODY_DIGEST and not status.isdigit():
        return RowDecision(state=RowState.REDIRECT, reason="empty body, no status: a redirect seen again")
    if not _may_be_text(mimetype):
        return RowDecision(state=RowState.NOT_TEXT, reason=f"the index says {mimetype}")
    return None


def _may_be_text(mimetype: str) -> bool:
    kind, _, name = mimetype.partition("/")
    if mimetype in _TEXT_MIMETYPES or not name:
        return True
    if kind == "text":
        return not name.startswith(("css", "javascript", "calendar"))
    return kind == "application" and any(part in name for part in _TEXT_APPLICATIONS)
