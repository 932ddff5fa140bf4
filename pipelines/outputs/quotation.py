"""A change in the texts' own words: the sentences that went and came, and how much is not quoted."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from policy_archive.crawler.core.errors import DamagedError
from policy_archive.crawler.core.plurals import plural
from policy_archive.crawler.core.steering import clean_text
from policy_archive.crawler.core.stored import Document, Kind
from policy_archive.pipelines.store import queries
from policy_archive.pipelines.store.search_text import plain_text
from policy_archive.pipelines.text import (
    count_words,
    iter_headings,
    iter_whole,
    split_sentences,
    split_whole,
)
from policy_archive.pipelines.versions.diff import Diff, DiffLine, LineKind, diff_texts, iter_operations

Row = dict[str, Any]

LONGEST_COMPARED = 400_000
"""Characters of two texts that are compared for a quotation: some 40 ms; of longer ones the gist is told."""
WIDTH = 400
"""Characters of either side that are quoted."""
_BEFORE = 100
"""Characters that stayed, before the first word that changed, of a sentence too long to be quoted."""
_LONGEST_HEADING = 120
_CHANGES = (LineKind.CHANGED, LineKind.ADDED, LineKind.REMOVED)


@dataclass(frozen=True, kw_only=True)
class Quotation:
    """The place of a change that says most, in plain text: no marks of Markdown, no line ends."""

    section: str = ""
    """Heading above it; '' when there is none."""
    removed: str = ""
    """What the old text says there; '' when nothing went. '…' stands where a sentence is cut, or left out."""
    added: str = ""
    cut_removed: int = 0
    """Words of these sentences that are not quoted."""
    cut_added: int = 0
    elsewhere_removed: int = 0
    """Words that changed in other places."""
    elsewhere_added: int = 0

    @property
    def left_out(self) -> str:
        """Return in a sentence what changed and is not quoted; '' when all is.

        >>> Quotation(cut_added=3, elsewhere_added=9, elsewhere_removed=1).left_out
        'Not quoted: 3 words of this place; elsewhere 9 words added, 1 removed.'
        """
        cut = self.cut_removed + self.cut_added
        parts = [f"{plural(cut, 'word')} of this place"] if cut else []
        if self.elsewhere_added or self.elsewhere_removed:
            added = f"{plural(self.elsewhere_added, 'word')} added"
            parts.append(f"elsewhere {added}, {self.elsewhere_removed:,} removed")
        return f"Not quoted: {'; '.join(parts)}." if parts else ""


def quote_versions(
    connection: sqlite3.Connection, rows: Iterable[Row], *, characters: int
) -> Iterator[Quotation | None]:
    """Yield for each version what changed since the one before it; None for a first one, or nothing to quote.

    `characters` is how much text may be compared for all of them; the first ones are served first.
    """
    for row in rows:
        number = row["version"] - 1
        if row["changed_after"] is None or not number or characters <= 0:
            yield None
            continue
        document = Document(site=row["site"], kind=Kind(row["kind"]), name=row["name"])
        try:
            old, new = (
                queries.read_version(connection, document, one)["text"] for one in (number, row["version"])
            )
        except DamagedError:  # `verify` names it; the other changes are told
            yield None
            continue
        characters -= len(old) + len(new)
        yield quote_change(old, new) if characters >= 0 else None


def quote_change(old: str, new: str, *, width: int = WIDTH) -> Quotation | None:
    """Return the change of two Markdown texts that says most, None when no word changed or they are too long.

    >>> quote_change("## Data\\n\\nHello. We **keep** it.", "## Data\\n\\nHello. We **sell** it.").added
    'We sell it.'
    """
    if len(old) + len(new) > LONGEST_COMPARED:
        return None
    diff = diff_texts(old, new)
    weighed = [(weigh_line(line), -index) for index, line in enumerate(diff.lines)]
    weight, place = max(weighed, default=(0, 0))
    if not weight or diff.is_coarse:
        return None
    chosen = _with_counterpart(diff.lines, -place)
    return _build(diff, chosen, section=_find_section(diff.lines[: -place + 1]), width=width)


def weigh_line(line: DiffLine) -> int:
    """Return how much a line says of a change: its words that came or went. What came counts twice, for that
    is what binds now."""
    came, went = _count_changed(line)
    return 2 * came + went if line.kind in _CHANGES else 0


def _count_changed(line: DiffLine) -> tuple[int, int]:
    """Return how many words of a line came, and how many went."""
    came, went = (
        sum(count_words(span.text) for span in side if span.changed) for side in (line.new, line.old)
    )
    return came, went


def _with_counterpart(lines: Sequence[DiffLine], place: int) -> list[DiffLine]:
    """Return a line of one side, and the heaviest of the other side that changed next to it, if any."""
    line = lines[place]
    other = {LineKind.ADDED: LineKind.REMOVED, LineKind.REMOVED: LineKind.ADDED}.get(line.kind)
    start = end = place
    while start and lines[start - 1].kind is other:
        start -= 1
    while end + 1 < len(lines) and lines[end + 1].kind is other:
        end += 1
    beside = [one for one in lines[start : end + 1] if one.kind is other]
    return [line, max(beside, key=weigh_line)] if beside else [line]


def _find_section(lines: Sequence[DiffLine]) -> str:
    """Return the heading that the last of these lines stands under, that line itself left out."""
    for line in reversed(lines[:-1]):
        for heading in iter_headings("".join(span.text for span in line.new or line.old)):
            return cut_words(_read(heading.text), _LONGEST_HEADING)
    return ""


def _build(diff: Diff, lines: Sequence[DiffLine], *, section: str, width: int) -> Quotation:
    old, new = ("".join(_text(side) for line in lines if (side := getattr(line, name))) for name in _SIDES)
    gone, come = _differing(split_sentences(old), split_sentences(new))
    removed, added = _cut(gone, come, width), _cut(come, gone, width)
    others = [_count_changed(line) for line in diff.lines if line.kind in _CHANGES and line not in lines]
    return Quotation(
        section=section,
        removed=removed,
        added=added,
        cut_removed=_left_out(gone, removed),
        cut_added=_left_out(come, added),
        elsewhere_added=sum(came for came, _ in others),
        elsewhere_removed=sum(went for _, went in others),
    )


_SIDES = ("old", "new")


def _text(side: Iterable[object]) -> str:
    return _read("".join(getattr(span, "text", "") for span in side))


_NO_LINK = re.compile(r"\\?<(?!https?://|mailto:|[^<>\s]+@[^<>\s]+>)")
_LESS = "\ua66e"  # a letter that no policy is written with, and no mark


def _read(markdown: str) -> str:
    """Return a Markdown text as a reader sees it, on one line, with nothing in it that steers what shows it.

    >>> _read("We **keep** <b>it</b>, see <https://x.org>")
    'We keep <b>it</b>, see https://x.org'
    """
    # the index, which plain_text was made for, needs no "<"; a quotation does
    text = plain_text(_NO_LINK.sub(_LESS, markdown)).replace(_LESS, "<")
    return " ".join(clean_text(text).split())


def _differing(old: Sequence[str], new: Sequence[str]) -> tuple[str, str]:
    """Return the sentences of either side that the other has not, each side as one text; '…' where others
    stand between them: what is quoted is never put together anew."""
    gone: list[str] = []
    come: list[str] = []
    operations = iter_operations([one.strip() for one in old], [one.strip() for one in new])
    for equal, group in groupby(operations, key=lambda operation: operation.equal):
        if not equal:
            of_group = list(group)
            gone.append("".join(part for one in of_group for part in old[one.old_start : one.old_end]))
            come.append("".join(part for one in of_group for part in new[one.new_start : one.new_end]))
    removed, added = (" … ".join(filter(None, map(str.strip, side))) for side in (gone, come))
    return removed, added


def _left_out(whole: str, quoted: str) -> int:
    return max(0, count_words(whole) - count_words(quoted))


def _cut(text: str, other: str, width: int) -> str:
    """Return a text of at most so many characters, at words, beginning shortly before it differs."""
    if len(text) <= width:
        return text
    tokens, others = split_whole(text), split_whole(other)
    same = 0
    for one, two in zip(tokens, others, strict=False):
        if one.strip() != two.strip():
            break
        same += 1
    start, room = same, _BEFORE
    while start and len(tokens[start - 1]) <= room:
        start -= 1
        room -= len(tokens[start])
    return ("… " if start else "") + cut_words("".join(tokens[start:]), width - (2 if start else 0))


def cut_words(text: str, width: int) -> str:
    """Return a text of at most so many characters, cut behind a word, with '…' where it goes on.

    >>> cut_words("We keep your data.", 12), cut_words("We keep", 12), cut_words("Donaudampfschiff", 6)
    ('We keep …', 'We keep', 'Donau…')
    """
    if len(text) <= width:
        return text
    taken, room = "", width - 2
    for token in iter_whole(text):  # of a long text the first few are wanted
        if len(taken) + len(token.rstrip()) > room:
            break
        taken += token
    # one word that is longer than all the room is cut within
    return f"{taken.rstrip()} …" if taken.strip() else f"{text[: max(0, width - 1)]}…"
