"""Texts as the full-text index holds them: without marks and addresses, folded, in words or, where a script
sets no blanks between words, in segments of two characters.

What is typed into a search goes the same way, so that both meet. A run of n characters is indexed as its
n - 1 neighbouring pairs and its last character alone; asked for, it is its pairs in a row: so each stretch of
a Japanese, Chinese, Thai or Khmer text is found, and of Korean, whose particles hang on the words, the word
inside. Trigrams would find no word of two characters, of which Japanese is full.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import chain, pairwise

from policy_archive.crawler.core.cache import remembered
from policy_archive.pipelines.text import blank_signs, strip_links

_AUTOLINK = re.compile(r"<((?:https?://|mailto:)?[^<>\s]*)>")
_PAIR = re.compile(r"\[[^\[\]\\]*\]")
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_LINE_MARKS = re.compile(
    r"\n[ \t]*+(?:#{1,6}[ \t]++|(?:>[ \t]?)++|[*+-][ \t]++|[-|:*][-|:* \t]*+$)", re.MULTILINE
)

_GLUED = (
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ece\u1000-\u1049\u1050-\u109f\u1780-\u17d3\u3041-\u3096\u3099\u309a"
)
_GLUED += "\u3005-\u3007\u309d\u309e\u30a1-\u30fa\u30fc-\u30fe\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff"
_GLUED += "\U00020000-\U0003ffff"
"""Thai, Lao, Burmese, Khmer, kana, Han and, for its particles, Hangul: letters and their signs, no marks."""
# Marks of accent and of vowels that the same word is written with and without: Latin, Greek and Cyrillic
# accents, Hebrew points, Arabic vowels, the Arabic stretch, joiners inside words
_OPTIONAL = re.compile("[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u200c\u200d]")
_SAME_LETTER = {"\u06cc": "\u064a", "\u06a9": "\u0643", "\u0649": "\u064a", "\u03c2": "\u03c3"}
"""Persian and Arabic letters that keyboards confuse, and the sigma at the end of a word."""


def plain_text(markdown: str) -> str:
    """Return a Markdown text as a reader sees it: no marks, no addresses behind links, no escapes.

    >>> plain_text("## We **do** not [sell](https://x.org/a_b) it\\\\.")
    'We do not sell it.'
    """
    text = _AUTOLINK.sub(r" \1 ", strip_links(markdown))
    text = _LINE_MARKS.sub("\n", f"\n{text}")[1:]
    if marks := "".join(mark for mark in "*_~`" if mark in text):
        text = _emphasis(marks).sub(_keep_inner, text)
    return _ESCAPE.sub(r"\1", text).replace("|", " ")


@cache
def _emphasis(marks: str) -> re.Pattern[str]:
    """Return the pattern of a row of these marks; of one it begins with a character, and is found at once."""
    return re.compile(rf"[{marks}]+" if len(marks) > 1 else rf"\{marks}[{marks}]*")


def _keep_inner(marks: re.Match[str]) -> str:
    """Return '' for marks of emphasis; a line under or a tilde inside a word, and an escaped mark, stay."""
    text, start, end = marks.string, marks.start(), marks.end()
    if text[start - 1 : start] == "\\":
        return marks[0]
    is_inside = text[start - 1 : start].isalnum() and text[end : end + 1].isalnum()
    return marks[0] if is_inside and marks[0] in ("_", "~") else ""


class _Folding(dict[int, str]):
    """Maps each character to what it is compared as; filled as characters come up."""

    def __missing__(self, code: int) -> str:
        whole = unicodedata.normalize("NFKD", chr(code).lower())
        folded = unicodedata.normalize("NFC", _OPTIONAL.sub("", whole))
        self[code] = "".join(_SAME_LETTER.get(character, character) for character in folded)
        return self[code]


_FOLDING = _Folding()
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")


def fold(text: str) -> str:
    """Return a text with letters alike that a reader takes for the same: case, accents, widths.

    >>> fold("Datenschutzerklärung"), fold("ＦＡＸ")
    ('datenschutzerklarung', 'fax')
    """
    return _NOT_ASCII.sub(lambda match: match[0].translate(_FOLDING), text.lower())


@cache
def _piece() -> re.Pattern[str]:
    signs = (chr(code) for code in range(0x0483, 0xABFF) if unicodedata.category(chr(code)) in ("Mn", "Mc"))
    glued = re.compile(f"[{_GLUED}]")
    others = "".join(sign for sign in signs if not glued.match(sign))
    return re.compile(f"([{_GLUED}]+)|(?:(?![{_GLUED}])[^\\W_]|[{others}])+")


def split_pieces(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the words of a folded text, and the runs of a script without blanks; True with a run.

    >>> list(split_pieces("we 個人情報 5"))
    [('we', False), ('個人情報', True), ('5', False)]
    """
    return ((match[0], match[1] is not None) for match in _piece().finditer(text))


_NO_WORD = {code: " " for code in range(128) if not chr(code).isalnum()}


def prepare_text(markdown: str) -> str:
    """Return what the full-text index is given of a text: its words and segments, a blank between.

    >>> prepare_text("The **data** of 個人情報")
    'the data of 個人 人情 情報 報'
    """
    parts = [_prepare_paragraph(paragraph) for paragraph in markdown.split("\n\n")]
    whole = [part for part in parts if part is not None]
    return " ".join(filter(None, whole)) if len(whole) == len(parts) else _prepare(markdown)


@remembered(4_000, longest=2_000)
def _prepare_paragraph(paragraph: str) -> str | None:
    """Return what prepare_text does, of a paragraph, of which one version has most from the one before; None
    for one in which a bracket is left open, for it may end in another."""
    rest = _PAIR.sub("", paragraph) if "[" in paragraph or "]" in paragraph else ""
    return None if "[" in rest or "]" in rest else _prepare(paragraph)


def _prepare(markdown: str) -> str:
    text = unicodedata.normalize("NFKC", plain_text(markdown))
    return " ".join(_iter_tokens(text if text.isascii() else blank_signs(text)))


def _iter_tokens(text: str) -> Iterable[str]:
    """Return the tokens of a text; in ASCII, as most are but for signs, there is nothing to fold but case."""
    if text.isascii():
        return text.lower().translate(_NO_WORD).split()
    lines = text.split("\n")
    if len(lines) > 1:
        return chain.from_iterable(map(_iter_tokens, lines))
    pieces = split_pieces(fold(text))
    return chain.from_iterable(_segment(piece) if is_run else (piece,) for piece, is_run in pieces)


def _segment(run: str) -> list[str]:
    return [run[at : at + 2] for at in range(len(run))]


def prepare_phrase(text: str) -> tuple[list[str], bool]:
    """Return the words and segments that stand for a phrase in the index; True when the last is a beginning.

    >>> prepare_phrase("個人情報"), prepare_phrase("Do not sell"), prepare_phrase("法")
    ((['個人', '人情', '情報'], False), (['do', 'not', 'sell'], False), (['法'], True))
    """
    pieces = list(split_pieces(fold(unicodedata.normalize("NFKC", text))))
    tokens: list[str] = []
    for number, (piece, is_run) in enumerate(pieces, start=1):
        segments = _segment(piece) if is_run else [piece]
        # inside the phrase the run ends here, so its last character stands there; at the end it may go on
        tokens += segments[:-1] if is_run and number == len(pieces) and len(piece) > 1 else segments
    return tokens, bool(pieces) and pieces[-1][1] and len(pieces[-1][0]) == 1


def build_needle(text: str, *, prefix: bool) -> str:
    """Return a pattern that finds a phrase in a folded text; '' when it holds no word."""
    pieces = list(split_pieces(fold(unicodedata.normalize("NFKC", text))))
    if not pieces:
        return ""
    # what stands between words is eaten whole, so that no stretch is looked at twice
    middle = re.escape(pieces[0][0])
    for (_, was_run), (piece, is_run) in pairwise(pieces):
        middle += (r"[\W_]*+" if was_run or is_run else r"[\W_]++") + re.escape(piece)
    start = "" if pieces[0][1] else r"(?<![^\W_])"
    end = "" if pieces[-1][1] else r"[^\W_]*+" if prefix else r"(?![^\W_])"
    return f"{start}{middle}{end}"


class _Places:
    """Where a character of a folded text stands in the text."""

    def __init__(self, text: str, folded: str) -> None:
        self._starts: list[int] | None = None
        if len(text) != len(folded):
            lengths = (len(_FOLDING[ord(character)]) for character in text)
            self._starts = [at for at, length in enumerate(lengths) for _ in range(length)] + [len(text)]

    def __call__(self, at: int) -> int:
        return at if self._starts is None else self._starts[at]


def fold_with_places(text: str) -> tuple[str, Callable[[int], int]]:
    """Return a text folded, and what tells where in the text a character of that stands."""
    folded = fold(text)
    return folded, _Places(text, folded)
