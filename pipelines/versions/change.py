"""Text, text → what kind of change it is: how much, and whether only dates, links or marks changed."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import combinations, groupby

from policy_archive.pipelines.text import cut_addresses, iter_headings, strip_links
from policy_archive.pipelines.versions.diff import Diff, DiffLine, LineKind, diff_texts
from policy_archive.pipelines.versions.gist import Change

_YEAR = r"(?:19|20)[0-9]{2}"
_DAY = r"[0-9]{1,2}(?:st|nd|rd|th|er|º|\.)?"
# The shape of a date, not the names of months: a word beside a year is one in any language.
_DATE = re.compile(
    rf"""\b(?:
        {_YEAR}[-/.][0-9]{{1,2}}[-/.][0-9]{{1,2}}
        |[0-9]{{1,2}}[-/.][0-9]{{1,2}}[-/.](?:{_YEAR}|[0-9]{{2}})
        |{_YEAR}\s?[年년]\s?[0-9]{{1,2}}\s?[月월]\s?(?:[0-9]{{1,2}}\s?[日일])?
        |{_DAY}\s+(?:of\s+|de\s+)?[^\W\d_]{{3,14}}\.?,?\s+(?:de\s+|del\s+)?{_YEAR}
        |[^\W\d_]{{3,14}}\.?\s+{_DAY},?\s+{_YEAR}
        |[^\W\d_]{{3,14}}\.?,?\s+(?:de\s+)?{_YEAR}
        |{_YEAR}
    )(?![\d年]|[-/.][0-9])""",
    re.VERBOSE,
)
_SAME_LINES = "\ua66e"  # a letter, so that no cut takes it away, which no policy is written with
_MARK = re.compile(r"[\W_]+")


def compare_texts(old: str, new: str) -> Change:
    """Return the kind of change from one Markdown text to another."""
    return classify_change(diff_texts(old, new))


def classify_change(diff: Diff) -> Change:
    """Return the kind of change that a difference is."""
    words = diff.words_old + diff.words_new
    return Change(
        words_added=diff.words_added,
        words_removed=diff.words_removed,
        share=round((diff.words_added + diff.words_removed) / words, 4) if words else 0.0,
        only=() if diff.is_coarse else _only_of(diff),
        moved=sum(1 for line in diff.lines if line.kind is LineKind.MOVED_HERE),
        sections_added=_headings(diff, LineKind.ADDED),
        sections_removed=_headings(diff, LineKind.REMOVED),
    )


def _only_of(diff: Diff) -> tuple[str, ...]:
    only = _find_only(_changed_text(diff, "old"), _changed_text(diff, "new"))
    # marks that join or part words change them: "L.L.C." and "LLC" are other words
    has_words = bool(diff.words_added or diff.words_removed)
    return () if only == ("punctuation",) and has_words else only


def _changed_text(diff: Diff, side: str) -> str:
    """Return one side with a mark for each stretch of lines that is the same on the other."""
    lines = []
    for is_same, group in groupby(diff.lines, key=lambda line: line.kind is LineKind.SAME):
        spans = [getattr(line, side) for line in group]
        lines += [_SAME_LINES] if is_same else ["".join(span.text for span in line) for line in spans if line]
    return "\n".join(lines)


def _cut_whitespace(text: str) -> str:
    return "".join(text.split())


def _cut_links(text: str) -> str:
    return cut_addresses(strip_links(text))


def cut_dates(text: str) -> str:
    """Return a text with 1970 for each date and year in it.

    >>> cut_dates("Stand: 25. Mai 2018")
    'Stand: 1970'
    """
    return _DATE.sub("1970", text)


def _cut_marks(text: str) -> str:
    return _MARK.sub("", text)


def _cut_case(text: str) -> str:
    return text.casefold()


# In the order in which they are cut: marks last, for a link or a date is known by its marks.
_CUTS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("links", _cut_links),
    ("dates", cut_dates),
    ("punctuation", _cut_marks),
    ("case", _cut_case),
)


def _find_only(old: str, new: str) -> tuple[str, ...]:
    """Return the fewest things that, set aside, leave the two texts equal; empty when none do."""
    if _cut_whitespace(old) == _cut_whitespace(new):
        return ("whitespace",)
    # what was cut for fewer things is cut further for more of them: the patterns of dates take their time
    sides: dict[tuple[str, ...], tuple[str, str]] = {(): (old, new)}
    for size in range(1, len(_CUTS) + 1):
        for cuts in combinations(_CUTS, size):
            names, (_, cut) = tuple(name for name, _ in cuts), cuts[-1]
            before, after = sides[names[:-1]]
            sides[names] = cut(before), cut(after)
            if _cut_whitespace(sides[names][0]) == _cut_whitespace(sides[names][1]):
                return names
    return ("order",) if _sorted_lines(old) == _sorted_lines(new) else ()


def _sorted_lines(text: str) -> list[str]:
    return sorted(line.strip() for line in text.split("\n") if line.strip())


def _headings(diff: Diff, kind: LineKind) -> tuple[str, ...]:
    lines = () if diff.is_coarse else (line for line in diff.lines if line.kind is kind)
    return tuple(heading for line in lines if (heading := _heading(line)))


def _heading(line: DiffLine) -> str | None:
    text = "".join(span.text for span in (line.new or line.old))
    return next((heading.text or None for heading in iter_headings(text)), None)
