"""A section of a policy through all its versions: when it came, changed, was renamed, and went."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from rapidfuzz.distance import Indel

from policy_archive.browse.anchors import Anchors
from policy_archive.browse.line_shapes import parse_runs, plain_text, shape_line
from policy_archive.pipelines.text import iter_headings, split_tokens

_NUMBER = re.compile(
    r"^(?:(?:section|article|art|part|§)\.?\s*+)?(?:[0-9]++(?:\.[0-9]++)*+|[ivxlc]++|[a-z])?"
    r"(?:\s*+[.):–-]++)?\s++(?=\w)",
    re.IGNORECASE,
)
"""What a heading begins with where sections are numbered; it changes with each section put before."""
_ALIKE = 0.5
"""Of the words of a section, so many stayed where one with another heading is the same section."""
_ALIKE_AFTER_A_GAP = 0.7
_LONGEST_COMPARED = 4_000
"""Words of a section that are compared with those of others."""
_FEWEST_WORDS = 4
"""A section of less text is found by its heading alone."""


@dataclass(frozen=True, kw_only=True)
class Section:
    """A heading of one text with all that stands under it, smaller headings included."""

    anchor: str
    heading: str
    """Its words, without marks."""
    level: int
    text: str
    """In Markdown, the heading's own line left out."""

    @cached_property
    def key(self) -> str:
        """The heading without number, case and marks: what stays when sections are numbered anew."""
        return key_of(self.heading)

    @cached_property
    def words(self) -> tuple[str, ...]:
        return tuple(" ".join(split_tokens(self.text)).split()[:_LONGEST_COMPARED])


def key_of(heading: str) -> str:
    """Return what names a section apart from its number.

    >>> key_of("4.2 Your Rights:"), key_of("IV. Your rights"), key_of("§ 3 Cookies"), key_of("I agree")
    ('your rights', 'your rights', 'cookies', 'agree')
    """
    words = " ".join(heading.casefold().split())
    cut = _NUMBER.sub("", words, count=1)
    return " ".join(re.sub(r"[\W_]+", " ", cut or words).split())


def split_sections(text: str) -> list[Section]:
    """Return the sections of a Markdown text in order, each with those inside it."""
    headings = list(iter_headings(text))
    anchors = Anchors()
    found = []
    for index, heading in enumerate(headings):
        after = (later.start for later in headings[index + 1 :] if later.level <= heading.level)
        words = " ".join(plain_text(parse_runs(shape_line(f"# {heading.text}"))).split())
        found.append(
            Section(
                anchor=anchors.name(words),
                heading=words,
                level=heading.level,
                text=text[heading.end : next(after, len(text))].strip("\n"),
            )
        )
    return found


def follow_section(texts: Sequence[str], start: int, anchor: str) -> list[Section | None]:
    """Return a section in every one of a document's texts, None in those that lack it.

    It is that of the text at `start`; from there it is looked for in the texts after and before, each time as
    it last was: by its heading, whatever its number; then by its words, under a heading that is new there.

    Raises KeyError when the text at `start` has no such section.
    """
    split = [split_sections(text) for text in texts]
    found: list[Section | None] = [None] * len(texts)
    found[start] = next((one for one in split[start] if one.anchor == anchor), None)
    if found[start] is None:
        raise KeyError(anchor)
    for order in (range(start + 1, len(texts)), range(start - 1, -1, -1)):
        known = found[start]
        beside, missing = split[start], False
        for index in order:
            assert known is not None
            here = _find_again(known, beside, split[index], least=_ALIKE_AFTER_A_GAP if missing else _ALIKE)
            found[index] = here
            missing = here is None
            if here is not None:
                known, beside = here, split[index]
    return found


def _find_again(
    known: Section, beside: Sequence[Section], sections: Sequence[Section], *, least: float
) -> Section | None:
    named = [one for one in sections if one.key == known.key]
    if len(named) == 1:
        return named[0]
    if named:
        place = [one.anchor for one in beside if one.key == known.key].index(known.anchor)
        if len(named) == sum(one.key == known.key for one in beside):
            return named[place]
        return max(named, key=lambda one: compare_words(known.words, one.words))
    if len(known.words) < _FEWEST_WORDS:
        return None
    # headings that were there before stand for what they stood for
    old = {one.key for one in beside}
    strange = [one for one in sections if one.key not in old]
    likeness = [
        (compare_words(known.words, one.words), -index)
        for index, one in enumerate(strange)
        if _may_be_alike(known.words, one.words, least)
    ]
    best, index = max(likeness, default=(0.0, 0))
    return strange[-index] if best >= least else None


def _may_be_alike(old: Sequence[str], new: Sequence[str], least: float) -> bool:
    """Return whether two texts are near enough in length: of a short one no more can stay than it has."""
    return 2 * min(len(old), len(new)) >= least * (len(old) + len(new))


def compare_words(old: Sequence[str], new: Sequence[str]) -> float:
    """Return how alike two texts are, 0 to 1, word by word in order."""
    return float(Indel.normalized_similarity(old, new)) if old or new else 1.0


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A section over versions in which it stayed the same."""

    what: str
    """`first` (it stood in the first version), `came`, `changed`, `renamed` (its heading alone), `went`,
    `back` (it had gone)."""
    first: int
    """Indexes of the versions."""
    last: int
    section: Section | None
    """None for `went`."""
    before: Section | None
    """As it stood last."""


def list_stages(found: Sequence[Section | None]) -> list[Stage]:
    """Return what happened to a section, as follow_section found it, in order of time."""
    stages: list[Stage] = []
    known: Section | None = None
    for first, last, section in _iter_runs(found):
        what = _describe(
            section, known, is_start=first == 0, is_gone=bool(stages) and stages[-1].what == "went"
        )
        if what:
            stages.append(Stage(what=what, first=first, last=last, section=section, before=known))
        known = section or known
    return stages


def _describe(section: Section | None, known: Section | None, *, is_start: bool, is_gone: bool) -> str:
    if section is None:
        return "went" if known else ""
    if known is None:
        return "first" if is_start else "came"
    if is_gone:
        return "back"
    return "renamed" if _lines(section.text) == _lines(known.text) else "changed"


def _iter_runs(found: Sequence[Section | None]) -> Iterator[tuple[int, int, Section | None]]:
    """Yield (first index, last index, section) of neighbours that say the same."""
    start = 0
    for index in range(1, len(found) + 1):
        if index == len(found) or not _is_same(found[index], found[start]):
            yield start, index - 1, found[start]
            start = index


def _is_same(one: Section | None, other: Section | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.heading == other.heading and _lines(one.text) == _lines(other.text)


def _lines(text: str) -> list[str]:
    """Return a text as differences see it: white space and blank lines aside."""
    return [" ".join(line.split()) for line in text.split("\n") if not line.isspace() and line]


def find_remains(gone: Section, text: str) -> str | None:
    """Return the heading under which half of the lines of a section or more stand without a heading of their
    own, word for word; '' where no heading stands above them, None when they are gone."""
    lines = {line for line in _lines(gone.text) if len(line.split()) >= _FEWEST_WORDS}
    if not lines:
        return None

    def count(section: Section) -> int:
        return len(lines.intersection(_lines(section.text)))

    best = _best(split_sections(text), count)
    if best and count(best) * 2 >= len(lines):
        return best.heading
    return "" if len(lines.intersection(_lines(text))) * 2 >= len(lines) else None


def _best(sections: Iterable[Section], count: Callable[[Section], int]) -> Section | None:
    """Return the section that counts most; of equals the smallest, for a section holds those inside it."""
    return max(sections, key=lambda one: (count(one), -len(one.text)), default=None)
