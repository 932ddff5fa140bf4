"""Our own Markdown read back: words, links, headings, prose. The only tokeniser; every pattern is linear.

A word is what a reader counts: letters and digits up to a blank or a mark, an apostrophe inside included; in
scripts that set no blanks (Han, kana, Thai, Lao, Khmer, Burmese) each character is one. The address that a
link leads to is no word. So the words of two texts and of their difference add up.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from policy_archive.crawler.core.cache import remembered

_GLUED = (
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
_LONG = 2_000
_GLUED_CHARACTER = re.compile(_GLUED)
_LETTERS = r"[^\W_]+(?:['’][^\W_]+)*"
_TOKEN = re.compile(rf"{_GLUED}\s*|{_LETTERS}\s*|(?:[^\w\s]|_)\s*")
_WORD = re.compile(rf"(?=[^\W_]){_GLUED}|{_LETTERS}")
"""The tokens that are words, for those who only count them."""
_BLANKED = bytes(code if chr(code).isalnum() and code < 128 else 32 for code in range(256))
"""Of each byte of ASCII what `count_plain_words` splits: itself, a blank for a mark."""
_COMMON_SIGNS = "“”–—•’‘…©®™«»\xa0"
_APOSTROPHE = re.compile("'(?=[A-Za-z0-9])")
_IS_WORD = re.compile(r"[^\W_]")

_TARGET = r"\([^()\s]*(?:\([^()\s]*\)[^()\s]*){0,8}(?:[ ]\"[^\"\n]*\")?\)"
_LINK_TARGET = re.compile(rf"\]{_TARGET}|<(?:https?://|mailto:)[^<>\s]*>")
_TARGET_OF_WORDS = re.compile(rf"\]{_TARGET}")
_WEB_TARGET = re.compile(rf"\](?!\(mailto:){_TARGET}")
"""They begin with the bracket before the target: what begins with one character is found many times faster
than what only stands behind it."""
_LINK = re.compile(rf"!?\[([^\[\]]*)\]{_TARGET}")
_BRACKET = re.compile(rf"\\.|!\[|\[|\]{_TARGET}|\]")
_ADDRESS = re.compile(r"<(?:https?://|mailto:)[^<>\s]*>|https?://[^\s<>()]+")
# A mark that ends a sentence and a blank; scripts without blanks have marks of their own.
_SENTENCE = re.compile(r"[^.!?;。！？；]*(?:[.!?;]+[\"'”’)\]]*(?:\s+|$)|[。！？；]+\s*|[.!?;]+|$)")
_HEADING = re.compile(r"^(?:(#{1,6})[ \t]+(\S.*)|(\S.*)\n(={3,}|-{3,})[ \t]*)$", re.MULTILINE)
_MARKED_HEADING = re.compile(r"\n(#{1,6})[ \t]+(\S.*)$", re.MULTILINE)
"""The same where no line underlines another; what begins with a line's end is found ten times faster."""


def count_words(text: str) -> int:
    """Return how many words a Markdown text holds.

    >>> count_words("See [our *policy*](https://x.org/a-b). 個人"), count_words("it’s <https://x.org/a>")
    (5, 1)
    """
    if len(text) < _LONG:
        return _count_plainly(text)
    # of a text as a whole: one version has most paragraphs from the one before, and no word spans two
    return sum(map(_count_known, text.split("\n\n")))


def _count_plainly(text: str) -> int:
    plain = cut_targets(text).replace("’", "'")
    return _count_words(plain if plain.isascii() else blank_signs(plain))


_count_known = remembered(4_000, longest=2_000)(_count_plainly)


def blank_signs(text: str) -> str:
    """Return a text with blanks for the signs beyond ASCII that no word holds: quotes, dashes, points.

    >>> blank_signs("“Daten” – für")
    ' Daten    für'
    """
    text = blank_common_signs(text)
    for character in () if text.isascii() else set(text):
        if character > "\x7f" and unicodedata.category(character)[0] in "PSZ":
            text = text.replace(character, " ")
    return text


def blank_common_signs(text: str) -> str:
    """Return a text with blanks for the signs beyond ASCII that most texts have no others than."""
    for sign in () if text.isascii() else _COMMON_SIGNS:
        text = text.replace(sign, " ")
    return text


def count_plain_words(text: str) -> int:
    """Return how many runs of letters and digits a text in ASCII holds.

    By splitting at blanks, which takes a tenth of the time of a pattern; most lines are ASCII.

    >>> count_plain_words("it's 1_000")
    4
    """
    return len(text.encode("ascii").translate(_BLANKED).split())


def _count_words(plain: str) -> int:
    if plain.isascii():
        words = count_plain_words(plain)
        joined = (match.start() for match in _APOSTROPHE.finditer(plain)) if "'" in plain else ()
        return words - sum(1 for at in joined if plain[at - 1 : at].isalnum())
    lines = plain.split("\n")
    return sum(map(_count_words, lines)) if len(lines) > 1 else len(_WORD.findall(plain))


CHARACTERS_A_WORD = 2.5
"""Of Han, kana and Thai; between the 1.5 of Chinese and the 4 of Thai."""


def weigh_words(text: str) -> float:
    """Return how long a text is in words of English: characters of scripts without blanks count in part.

    >>> weigh_words("Three words here"), weigh_words("個人情報の取扱い") < 5
    (3.0, True)
    """
    found = _WORD.findall(cut_targets(text))
    glued = sum(1 for word in found if _GLUED_CHARACTER.match(word))
    return len(found) - glued + glued / CHARACTERS_A_WORD


def split_tokens(text: str) -> list[str]:
    """Return the words and marks of a text that count, blanks after each kept, the two apostrophes as one."""
    return _TOKEN.findall(cut_targets(text).replace("’", "'"))


def split_whole(line: str) -> list[str]:
    """Return a line in tokens that, joined, are the line again."""
    return list(iter_whole(line))


def iter_whole(line: str) -> Iterator[str]:
    """Yield the tokens of `split_whole`, each when it is asked for."""
    indent = len(line) - len(line.lstrip())
    if indent:
        yield line[:indent]
    for found in _TOKEN.finditer(line):
        yield found[0]


def split_sentences(text: str) -> list[str]:
    """Return a text in sentences that, joined, are the text again.

    >>> split_sentences("We sell. You pay; 3.5 % more.")
    ['We sell. ', 'You pay; ', '3.', '5 % more.']
    """
    return [part for part in _SENTENCE.findall(text) if part]


def is_word(token: str) -> bool:
    """Return whether a token is a word, not a mark."""
    return _IS_WORD.match(token) is not None


def cut_targets(text: str, *, keep_mail: bool = False) -> str:
    """Return a text with a blank for each address that a link leads to; what a reader reads stays.

    `keep_mail` leaves addresses of mail, which tell whose a text is.

    >>> cut_targets('See [us](https://x.org/a_(b) "Title") or <https://x.org>.')
    'See [us]  or  .'
    """
    if keep_mail:
        return _WEB_TARGET.sub("] ", text)
    if "<http" not in text and "<mailto:" not in text:
        return _TARGET_OF_WORDS.sub("] ", text)
    return _LINK_TARGET.sub(lambda match: "] " if match[0][0] == "]" else " ", text)


def strip_links(text: str, *, before: str = "") -> str:
    """Return a text with the words of links alone: no brackets, no targets; brackets of its own stay.

    `before` is put where a link's words begin, so that two links in a row stay two words.

    >>> strip_links("![a](x.png) [b [c]](https://x.org/(1)) [d] \\\\[e](f)")
    'a b [c] [d] \\\\[e](f)'
    """
    if "[" not in text:
        return text
    out: list[str] = []
    opened: list[int] = []
    position = 0
    for match in _BRACKET.finditer(text):
        out.append(text[position : match.start()])
        position = match.end()
        if match[0].endswith("[") and match[0][0] != "\\":
            opened.append(len(out))
            out.append(match[0])
        elif match[0].startswith("]") and opened:
            start = opened.pop()
            if len(match[0]) > 1:
                out[start] = before
            else:
                out.append("]")
        else:
            out.append(match[0])
    out.append(text[position:])
    return "".join(out)


def link_labels(text: str) -> list[str]:
    """Return the words of each link, innermost first where one holds another.

    >>> link_labels("[Privacy](/p) and [Terms](/t), [not this]")
    ['Privacy', 'Terms']
    """
    return [match[1] for match in _LINK.finditer(text)]


def iter_links(text: str) -> Iterator[tuple[str, str]]:
    """Yield words and target of each link and picture, innermost first where one holds another.

    >>> list(iter_links('[Privacy](/p "Title") and [Terms](https://x.org/t)'))
    [('Privacy', '/p'), ('Terms', 'https://x.org/t')]
    """
    for match in _LINK.finditer(text):
        yield match[1], match[0].partition("](")[2][:-1].partition(" ")[0]


def drop_links(text: str) -> str:
    """Return a text without its links, words and all."""
    return _LINK.sub("", text)


def cut_addresses(text: str) -> str:
    """Return a text without the addresses that are written out in it."""
    return _ADDRESS.sub("", text)


@dataclass(frozen=True, kw_only=True)
class Heading:
    """One heading of a text."""

    level: int
    """1 to 6."""
    text: str
    """Without its marks, those of emphasis included."""
    start: int
    """Where its line begins in the text."""
    end: int
    """Where its last line ends."""


def iter_headings(text: str) -> Iterator[Heading]:
    """Yield the headings of a Markdown text in order, underlined ones, which others write, too.

    >>> [(one.level, one.text) for one in iter_headings("# Privacy\\n\\n## **Who we are**\\n\\nx")]
    [(1, 'Privacy'), (2, 'Who we are')]
    """
    if "\n===" not in text and "\n---" not in text:
        for match in _MARKED_HEADING.finditer(f"\n{text}"):
            name = match[2].strip(" *_#")
            yield Heading(level=len(match[1]), text=name, start=match.start(), end=match.end() - 1)
        return
    for match in _HEADING.finditer(text):
        level = len(match[1]) if match[1] else 1 if match[4].startswith("=") else 2
        yield Heading(
            level=level, text=(match[2] or match[3]).strip(" *_#"), start=match.start(), end=match.end()
        )
