"""Nothing lost in silence: every word of the chosen body is in the text, or was left out by a named rule."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from lxml.html import HtmlElement

from policy_archive.pipelines.extract.characters import normalize_text
from policy_archive.pipelines.extract.outline import is_for_ears, is_read

_IN_LINE = frozenset(
    """a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark nobr rp rt ruby s samp
    small span strike strong time tt u var wbr""".split()
)
"""Elements that may stand in the middle of a word; all others part words."""

_MARKS = re.compile(r"[\\*_~`\[\]]+")
"""What Markdown puts into a word; taken out on both sides."""
_TARGET = re.compile(r"\]\((?:[^()\s]|\([^()\s]*\))*(?:\s\"(?:[^\"\\]|\\.)*\")?\)")
_WORD = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\W_\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+"
)
_CODE = frozenset(("not-read: script", "not-read: style"))
"""Rules that leave out what is no language: pieces between blanks are counted, which is quick."""
_MOST_COMPARED = 500
"""Words looked for inside of others one by one; of more only the letters are counted."""
_LONGEST_LOOKED_INTO = 1_000
"""Characters."""
_SHOWN = 80
"""Characters of what was left out that a reader is shown."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A part of the chosen body that is not in the text."""

    rule: str
    words: int
    start: str
    """Its first characters, white space folded."""


@dataclass(frozen=True, slots=True)
class Account:
    """What became of the words of a chosen body."""

    words: int
    """In its text nodes; scripts and styles have none."""
    left_out: tuple[LeftOut, ...]
    lost: tuple[str, ...]
    """Words that are neither in the text nor left out by a rule; () when all is well."""

    @property
    def lost_share(self) -> float:
        """Share of the body's words, 0 to 1."""
        return len(self.lost) / self.words if self.words else 0.0


def account_for(
    body: HtmlElement, text: str, *, dropped: Mapping[HtmlElement, str], also: Sequence[LeftOut] = ()
) -> Account:
    """Return what became of the words of `body`, an element of the page as the choice returned it.

    `text` is the Markdown written from it, `dropped` the elements that rules left out, with their names,
    `also` what was left out after the tree had been left: the words of its `start` (whole there) count.
    """
    runs: list[str] = []
    unread: list[tuple[str, HtmlElement]] = []
    _take_runs(body, dropped, runs, unread)
    parts = [_left_out(rule, "".join(_spaced(element))) for rule, element in unread]
    parts += [_left_out(part.rule, part.start) for part in also]
    wanted = _count("".join(runs))
    written = _count(_join_written(text, also))
    lost = _lost(wanted, written, text)
    words = wanted.total() + sum(part.words for part in parts if part.rule not in _CODE)
    return Account(words=words, left_out=tuple(part for part in parts if part.words), lost=lost)


def find_lost_share(
    body: HtmlElement, text: str, *, dropped: Mapping[HtmlElement, str], also: Sequence[LeftOut] = ()
) -> float:
    """Return the `lost_share` of what `account_for` returns, sooner.

    Of nearly every page it is 0. What stands between two blanks is written as it stands in the page nearly
    everywhere, and holds the same words then, whatever they are: the others alone are taken apart.
    """
    runs: list[str] = []
    _take_runs(body, dropped, runs, [])
    pieces = Counter("".join(runs).split())
    written = Counter(_join_written(text, also).split())
    rest = Counter({one: pieces[one] - written[one] for one, _ in pieces.items() ^ written.items()})
    missing, spare = (_count(" ".join(part.elements())) for part in (+rest, -rest))
    if not _lost(missing, spare, text):
        return 0.0
    return account_for(body, text, dropped=dropped, also=also).lost_share


def _join_written(text: str, also: Iterable[LeftOut]) -> str:
    return " ".join([_TARGET.sub("", text), *(part.start for part in also)])


def _left_out(rule: str, text: str) -> LeftOut:
    words = text.split()
    count = len(words) if rule in _CODE else _count(text).total()
    return LeftOut(rule, count, " ".join(words[:_SHOWN])[:_SHOWN])


def _take_runs(
    body: HtmlElement,
    dropped: Mapping[HtmlElement, str],
    runs: list[str],
    unread: list[tuple[str, HtmlElement]],
) -> None:
    """Add the text nodes to `runs`, blanks put where words part, and what a rule leaves out to `unread`."""
    if text := body.text:
        runs.append(text)
    for child in body:
        tag = child.tag
        apart = tag not in _IN_LINE
        if apart:
            runs.append(" ")
        if isinstance(tag, str):
            rule = _rule_on(child, dropped)
            if rule is None:
                _take_runs(child, dropped, runs, unread)
            else:
                unread.append((rule, child))
        if apart:
            runs.append(" ")
        if tail := child.tail:
            runs.append(tail)


def _spaced(element: HtmlElement) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        apart = "" if child.tag in _IN_LINE else " "
        yield apart
        if isinstance(child.tag, str):
            yield from _spaced(child)
        yield apart + (child.tail or "")


def _rule_on(element: HtmlElement, dropped: Mapping[HtmlElement, str]) -> str | None:
    if element in dropped:
        return dropped[element]
    if not isinstance(element.tag, str):
        return None
    if not is_read(element):
        return f"not-read: {element.tag}"
    if not element.keys():
        return None
    if element.get("data-cfemail"):
        return "hidden-address"
    if is_for_ears(element) and next(element.iterancestors("a"), None) is not None:
        return "for-screen-readers"
    return None


def _count(text: str) -> Counter[str]:
    plain = normalize_text(text)
    if not plain.isascii():
        plain = unicodedata.normalize("NFKC", plain)
    plain = _MARKS.sub("", plain)
    return Counter(_WORD.findall(plain.casefold()))


def _lost(wanted: Counter[str], written: Counter[str], text: str) -> tuple[str, ...]:
    """Return the words wanted that were not written, whole or joined to or parted from their neighbours."""
    lost = wanted - written
    if not lost:
        return ()
    spare = written - wanted
    if "](" in text:  # what looks like a link's target may be the page's own words
        spare += _count(text) - _count(_TARGET.sub("", text))
    if len(lost) <= _MOST_COMPARED and len(spare) <= _MOST_COMPARED:
        squeezed = " ".join(spare)
        pieces = sorted(spare, key=len, reverse=True)
        lost = Counter(
            {
                word: number
                for word, number in lost.items()
                if word not in squeezed and not _is_made_of(word, pieces)
            }
        )
    # joined here and parted there at once: then the letters are the same
    if Counter("".join(lost.elements())) <= Counter("".join(spare.elements())):
        return ()
    return tuple(lost.elements())


def _is_made_of(word: str, pieces: list[str]) -> bool:
    """Return whether a word is a row of pieces, the longest taken first; the longest words are not read."""
    if len(word) > _LONGEST_LOOKED_INTO:
        return False
    while word:
        piece = next((piece for piece in pieces if word.startswith(piece)), None)
        if piece is None:
            return False
        word = word[len(piece) :]
    return True
