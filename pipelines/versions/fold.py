"""Captures → versions: pure, and the same whatever order the captures came in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import groupby

from policy_archive.crawler.core.stored import CdxRow, KnownCapture, RowDecision, RowState, Version
from policy_archive.crawler.core.timestamps import parse_timestamp


@dataclass(frozen=True, kw_only=True)
class _Sighting:
    """A row that is known to hold a text: fetched, or of a digest that was."""

    row: CdxRow
    text_sha256: str
    fetched: bool
    reader: str = ""

    @property
    def order(self) -> tuple[str, bool, str, str]:
        """Of one capture that others read, too, theirs comes first: then ours tells what came after it."""
        return self.row.timestamp, not self.reader, self.row.original, self.row.digest


def fold_versions(
    known: Iterable[KnownCapture],
    decisions: Mapping[CdxRow, RowDecision] | None = None,
    readers: Mapping[CdxRow, str] | None = None,
) -> list[Version]:
    """Return the versions in order of time: the longest runs of captures with equal text.

    Captures without a text of the document's own (errors, walls, somebody
    else's policy) say nothing of the text and split no run. Rows that were not
    fetched count where a digest or a bracket proves what they hold. `readers` names who read the texts that
    we did not: a text of another reader is another version, and `seams` says what that means.
    """
    decisions = decisions or {}
    mentions = sorted(_iter_sightings(known, decisions, readers or {}), key=lambda mention: mention.order)
    runs = [list(run) for _, run in groupby(mentions, key=lambda one: (one.reader, one.text_sha256))]
    bracketed = _count_bracketed(runs, decisions)
    return list(_iter_versions(runs, bracketed))


def _iter_sightings(
    known: Iterable[KnownCapture],
    decisions: Mapping[CdxRow, RowDecision],
    readers: Mapping[CdxRow, str],
) -> Iterator[_Sighting]:
    texts = {
        capture.row: capture.text_sha256
        for capture in known
        if capture.outcome is not None and capture.outcome.is_text and capture.text_sha256 is not None
    }
    for row, text_sha256 in texts.items():
        yield _Sighting(row=row, text_sha256=text_sha256, fetched=True, reader=readers.get(row, ""))
    for row, decision in decisions.items():
        if decision.state is RowState.SAME_DIGEST and decision.same_as in texts and row not in texts:
            yield _Sighting(row=row, text_sha256=texts[decision.same_as], fetched=False)


def _count_bracketed(
    runs: Sequence[Sequence[_Sighting]], decisions: Mapping[CdxRow, RowDecision]
) -> list[int]:
    """Return how many rows each run brackets: both ends in that one run, or it proves nothing."""
    run_of = {mention.row: index for index, run in enumerate(runs) for mention in run}
    counts = [0] * len(runs)
    for row, decision in decisions.items():
        if decision.state is RowState.BRACKETED and decision.bracket is not None and row not in run_of:
            after, before = (run_of.get(end) for end in decision.bracket)
            if after is not None and after == before:
                counts[after] += 1
    return counts


def _iter_versions(runs: Sequence[Sequence[_Sighting]], bracketed: Sequence[int]) -> Iterator[Version]:
    first_with: dict[str, int] = {}
    for number, (run, between) in enumerate(zip(runs, bracketed, strict=True), start=1):
        text_sha256 = run[0].text_sha256
        yield Version(
            number=number,
            text_sha256=text_sha256,
            first=run[0].row,
            last=run[-1].row,
            changed_after=runs[number - 2][-1].row.timestamp if number > 1 else None,
            captures=len(run) + between,
            returns_to=first_with.get(text_sha256),
            rows=tuple(mention.row for mention in run if mention.fetched),
            reader=run[0].reader,
        )
        first_with.setdefault(text_sha256, number)


class StatedFlag(StrEnum):
    """How the date that a policy states of itself lies to the interval in which it changed."""

    AGREES = "agrees"
    BEFORE = "before"
    """Stated before the interval: edited without a new date, or archived late."""
    AFTER = "after"
    """Stated after it: announced ahead."""


def flag_stated_day(stated: date | None, version: Version) -> StatedFlag | None:
    """Return how a stated day lies to a version's interval of change; None when no day is stated.

    A first version has no start of its interval: a day before it agrees.
    """
    if stated is None:
        return None
    if stated > parse_timestamp(version.first.timestamp).date():
        return StatedFlag.AFTER
    if version.changed_after and stated < parse_timestamp(version.changed_after).date():
        return StatedFlag.BEFORE
    return StatedFlag.AGREES
