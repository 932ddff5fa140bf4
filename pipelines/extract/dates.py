"""Dates that a policy states of itself, as in "Last updated: May 25, 2018"."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from itertools import accumulate
from urllib.parse import urlsplit

from policy_archive.crawler.core.cache import remembered
from policy_archive.crawler.core.records import StatedDate
from policy_archive.data import read_words
from policy_archive.pipelines.text import blank_signs, strip_links

_OLDEST_SHORT_YEAR = 90
_LATEST_YEAR = 2099
_CLOCKS_APART = timedelta(days=2)
_ANNOUNCED_AHEAD = timedelta(days=400)
_BEFORE_CHARACTERS = 110
_GLUE_CHARACTERS = 40
_SENTENCE_CHARACTERS = 600
"""Before a date, in which its sentence is sought: a line of dates alone would else be read anew for each."""
_FIRST_EAST_ASIAN = 0x2E80
_LABEL_BLOCK_CHARACTERS = 80

_NUMBER = r"(?<!\d)\d{1,2}"
_WORD = r"[^\W\d_]{3,14}"
# the digit in a group's name tells the form that it belongs to
_DATE = re.compile(
    "|".join(
        (
            r"(?P<y1>(?<!\d)(?:19|20)\d\d)\s?[年년]\s?(?P<m1>\d{1,2})\s?[月월](?:\s?(?P<d1>\d{1,2})\s?[日일号號])?",
            r"(?P<era>令和|平成)\s?(?P<y2>元|\d{1,2})年\s?(?P<m2>\d{1,2})月\s?(?P<d2>\d{1,2})日",
            r"(?P<y3>(?<!\d)(?:19|20)\d\d)(?P<s3>\s?[-/.]\s?)(?P<m3>\d{1,2})(?P=s3)(?P<d3>\d{1,2})(?!\d)",
            rf"(?P<a4>{_NUMBER})\s?(?P<s4>[./-])\s?(?P<b4>\d{{1,2}})\s?(?P=s4)\s?(?P<y4>(?:19|20)\d\d|\d\d)(?!\d)",
            rf"(?P<d5>{_NUMBER})(?:st|nd|rd|th|er|e)?[.oaº°]?[\s-]?(?:(?:of|de|den)\s|d')?"
            rf"(?P<w5>{_WORD})\.?,?[\s-]?(?:(?:of|de|del|do)\s)?(?P<y5>(?:19|20)\d\d)(?!\d)",
            rf"(?P<w6>{_WORD})\.?\s?(?P<d6>\d{{1,2}})(?:\s?(?:st|nd|rd|th))?(?:\s?,\s?|\.\s?|\s)(?:of\s)?"
            r"(?P<y6>(?:19|20)\d\d)(?!\d)",
            rf"(?P<y7>(?<!\d)(?:19|20)\d\d)[.,]?\s(?P<w7>{_WORD})\.?\s(?P<d7>\d{{1,2}})(?!\d)",
            r"(?<![\d/.-])(?P<m9>0?[1-9]|1[0-2])\s?/\s?(?P<y9>(?:19|20)\d\d)(?!\d)",
            rf"(?P<d0>{_NUMBER})-(?P<w0>{_WORD})-(?P<y0>\d\d)(?!\d)",
            rf"(?P<w8>{_WORD})\.?,?\s(?:(?:of|de|del|do)\s)?(?P<y8>(?:19|20)\d\d)(?!\d)",
        )
    )
)
_MONTH_GROUPS = ("w5", "w6", "w7", "w8", "w0")
_FOLDED_DIGIT = r"[\d¹²³¼½¾]"
_MAY_BE_DATE = re.compile(
    rf"(?:[1１¹¼½][9９]|[2２²][0０]){_FOLDED_DIGIT}{{2}}|年"
    rf"|{_FOLDED_DIGIT}(?=[\W_]*?[-./－．／])[\W_]++{_FOLDED_DIGIT}"
    rf"|{_FOLDED_DIGIT}[-－]\D{{3,60}}[-－]{_FOLDED_DIGIT}"
)
"""What one of the forms has before a line is folded and marks are cut: a year, two numbers with a sign of
dates between them."""
_DIGIT = re.compile(r"\d\d|元年")  # of a year, in whatever form
_DIGITS_AS_ZERO = bytes.maketrans(b"123456789", b"000000000")
_DIGITS = re.compile(r"\d+|元年")
_TO_DIGIT, _BETWEEN_DIGITS = 24, 48
"""Characters, at least; of "september., " and of "25th of september. del 2018"."""
_ERAS = {"令和": 2018, "平成": 1988}
_MARKUP = re.compile(r"(?<!\w)[*_]{1,3}|[*_]{1,3}(?!\w)|^[#>\s]+|^\s*[*+-]\s|\\(?=\W)|\|")
# "UpdatedMarch 2, 2023": label and date in elements of their own, with nothing between
_GLUED = re.compile(r"(?<=[a-zß-öø-ÿ])(?=[A-Z][^\W\d_]{2,13}\.? \d)")
_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_SENTENCE_END = re.compile(r"[.!?。！？;；:：(（\[【]")
_VERSION_NUMBER = re.compile(r"^\W*v?\d+(?:\.\d+)+")
_TOKEN = re.compile(r"[^\W_]+")
_LETTERS = re.compile(r"[^\W\d_]+")
_BRITISH = re.compile(
    r"\b(?:organis|personalis|recognis|authoris|behaviour|favour|centre|licence)", re.IGNORECASE
)
_AMERICAN = re.compile(
    r"\b(?:organiz|personaliz|recogniz|authoriz|behavior|favor|center|license)", re.IGNORECASE
)
_DAY_FIRST_SUFFIXES = frozenset(
    ("uk", "ie", "au", "nz", "in", "za", "sg", "my", "hk", "eu", "ng", "ke", "pk", "mt")
)


@dataclass(frozen=True, kw_only=True)
class _Words:
    strong: frozenset[str]
    labels: re.Pattern[str]
    first_words: frozenset[str]
    """That labels begin with, in scripts that set blanks."""
    unspaced: tuple[str, ...]
    """Labels of the other scripts."""
    kinds: dict[str, str]
    after: re.Pattern[str]
    after_kinds: dict[str, str]
    glue: frozenset[str]
    document: re.Pattern[str]
    months: dict[str, int]
    copulas: frozenset[str]
    others: re.Pattern[str]
    own: re.Pattern[str]
    pointers: frozenset[str]


def find_stated_dates(
    text: str, *, language: str | None, url: str = "", captured_on: date | None = None
) -> tuple[StatedDate, ...]:
    """Return the dates that a Markdown text states of itself, each (kind, day) once, in order of appearance.

    A month without a day stands for its first day. Of 03/04/2018 the reading
    follows the language: day first, except in English without a sign of
    Britain or the Commonwealth (host, spelling); a reading that lies after
    the capture gives way to one that does not. A day more than 400 days after
    the capture is a slip of the page and left out.
    """
    found: dict[tuple[str, date], StatedDate] = {}
    for dated in _dates_of(text):
        day = _choose_day(
            list(dated.readings()), captured_on, lambda: _writes_month_first(text, language, url)
        )
        for kind in dated.kinds if day else ():
            assert day is not None
            found.setdefault((kind, day), StatedDate(kind=kind, as_written=dated.as_written, day=day))
    return tuple(found.values())


def _choose_day(days: list[date], captured_on: date | None, month_first: Callable[[], bool]) -> date | None:
    """Return the likeliest of one or two readings, of which the first puts the day first."""
    limit = captured_on or date(_LATEST_YEAR, 12, 31)
    days = [day for day in days if day <= limit + _ANNOUNCED_AHEAD]
    days = [day for day in days if day <= limit + _CLOCKS_APART] or days
    if not days:
        return None
    return days[-1] if len(days) > 1 and month_first() else days[0]


@dataclass(frozen=True, kw_only=True)
class _Dated:
    kinds: tuple[str, ...]
    as_written: str
    match: re.Match[str]

    def readings(self) -> Iterator[date]:
        """Yield the possible days: two for 03/04/2018, day first."""
        for year, month, day in _iter_parts(self.match):
            try:
                yield date(year, month, day)
            except ValueError:
                continue


def states_a_day(as_written: str) -> bool:
    """Return whether a stated date names a day, not a month alone.

    >>> states_a_day("Last updated: Sept, 2023"), states_a_day("updated on 16th November 2020")
    (False, True)
    """
    matches = list(_iter_matches(_fold(as_written)))
    days = [value for name, value in matches[-1].groupdict().items() if name[0] in "da"] if matches else []
    return any(days)


@remembered(64)
def _dates_of(text: str) -> tuple[_Dated, ...]:
    return tuple(_iter_dates(text))


def _iter_dates(text: str) -> Iterator[_Dated]:
    """Yield every date that a label announces. Lines without a number are only looked at when one follows."""
    seen = text if text.isascii() else _UNSEEN.sub("", text)
    lines = seen.splitlines()
    for number in _lines_with_numbers(seen):
        if not may_hold_date(lines[number]):
            continue
        plain, folded, matches = _look_at(lines[number])
        previous = _line_above(lines, number) if matches else ""
        yield from filter(None, (_announce(match, plain, folded, previous) for match in matches))


@remembered(4_000, longest=2_000)
def _look_at(line: str) -> tuple[str, str, tuple[re.Match[str], ...]]:
    """Return a line as it is read, the same folded, and what has the form of a date in that: lines of one
    version stand in the next."""
    plain = _bare(line)
    folded = _fold(plain)
    return plain, folded, tuple(_iter_matches(folded))


def may_hold_date(line: str) -> bool:
    """Return whether a line may have the form of a date: half of those with numbers cannot.

    Where a link ends a year may have stood in parts.
    """
    return "](" in line or _MAY_BE_DATE.search(line) is not None


def _lines_with_numbers(text: str) -> Iterator[int]:
    """Yield the indexes of the lines that may hold a year."""
    ends = list(accumulate(map(len, text.splitlines(keepends=True))))
    line = -1
    for place in _iter_numbers(text):
        if line < 0 or place >= ends[line]:
            line = bisect_right(ends, place)
            yield line


def _iter_numbers(text: str) -> Iterator[int]:
    """Yield where two digits of a year may stand."""
    plain = blank_signs(text)
    if not plain.isascii():
        yield from (match.start() for match in _DIGIT.finditer(text))
        return
    # bytes are translated and searched in a tenth of the time
    digits = plain.encode().translate(_DIGITS_AS_ZERO)
    place = digits.find(b"00")
    while place >= 0:
        yield place
        place = digits.find(b"00", place + 1)


def _bare(line: str) -> str:
    """Return a line without marks, addresses and blanks that nobody sees."""
    # composed, so that a letter with its accent is one character to fold
    bare = _MARKUP.sub(" ", strip_links(line, before=" "))
    return _GLUED.sub(" ", unicodedata.normalize("NFC", " ".join(bare.split())))


def _line_above(lines: list[str], number: int) -> str:
    """Return the line above that may be a date's label: the last that is not blank, if it is short."""
    for above in range(number - 1, -1, -1):
        line = lines[above]
        if _DIGIT.search(line) is None and len(line) > 2 * _LABEL_BLOCK_CHARACTERS:
            return ""
        if plain := _bare(line):
            return plain if len(plain) <= _LABEL_BLOCK_CHARACTERS else ""
    return ""


def _iter_matches(folded: str) -> Iterator[re.Match[str]]:
    """Yield what has the form of a date, with a month where a month should be.

    A form begins at most _TO_DIGIT characters before its first digit, and no two of its digits stand more
    than _BETWEEN_DIGITS apart: elsewhere it need not be sought, and the pattern begins at any word.
    """
    for start, end in _iter_stretches(folded):
        yield from _iter_matches_within(folded, start, end)


def _iter_stretches(folded: str) -> Iterator[tuple[int, int]]:
    """Yield the stretches of a line around its digits."""
    start = end = -1
    for digits in _DIGITS.finditer(folded):
        begin = max(digits.start() - _TO_DIGIT, 0)
        if end < 0:
            start = begin
        elif begin > end:
            yield start, end
            start = begin
        end = digits.end() + _BETWEEN_DIGITS
    if end >= 0:
        yield start, end


def _iter_matches_within(folded: str, position: int, end: int) -> Iterator[re.Match[str]]:
    while match := _DATE.search(folded, position, end):
        group = next((group for group in _MONTH_GROUPS if match[group]), None)
        if group is None or match[group] in _words().months:
            yield match
            position = match.end()
        else:
            position = match.end(group)


def _announce(match: re.Match[str], plain: str, folded: str, previous: str) -> _Dated | None:
    """Return the date with what announces it: before it, in the short line above, or after it."""
    begin = max(0, match.start() - _SENTENCE_CHARACTERS)
    before, written = folded[begin : match.start()], plain[begin : match.end()]
    offset = -begin
    if previous and not _TOKEN.search(before):
        offset += len(previous) + 1
        before, written = f"{_fold(previous)} {before}", f"{previous} {written}"
    kinds, start = _labels_before(before)
    if kinds:
        return _Dated(kinds=kinds, as_written=written[start : offset + match.end()].strip(), match=match)
    after = _words().after.match(folded[match.end() : match.end() + 30])
    if after and _speaks_of_itself(folded[begin : match.start()]):
        kind = _words().after_kinds[after[1]]
        return _Dated(kinds=(kind,), as_written=plain[match.start() : match.end() + after.end()], match=match)
    return None


def _labels_before(before: str) -> tuple[tuple[str, ...], int]:
    """Return the kinds of the labels that lead up to a date, and where the first of them begins."""
    words = _words()
    kinds: list[str] = []
    start = end = len(before)
    floor = max(0, end - _BEFORE_CHARACTERS)
    for label in reversed(list(_iter_labels(before, floor))):
        name = " ".join(label[0].split())
        between = before[label.end() : end]
        if "vers" in name:
            between = _VERSION_NUMBER.sub("", between)
        # "updated and effective: " announces two dates, "Version Effective Date: " one
        if not _is_glue(between) or (kinds and not between.strip()):
            break
        if name not in words.strong and not _speaks_of_itself(before[: label.start()]):
            break
        if _speaks_of_another(before[: label.start()]):
            break
        kinds.insert(0, words.kinds[name])
        start = end = label.start()
    return tuple(dict.fromkeys(kinds)), start


def _iter_labels(before: str, floor: int) -> Iterator[re.Match[str]]:
    """Yield the labels from a place on; where words stand apart, sought at those that a label begins with.

    The pattern of all labels takes a millisecond to be sought everywhere.
    """
    words = _words()
    if not before.isascii() and any(label in before for label in words.unspaced):
        yield from words.labels.finditer(before, floor)
        return
    for word in _LETTERS.finditer(before, floor):
        if word.start() >= floor and word[0] in words.first_words:
            label = words.labels.match(before, word.start())
            if label is not None:
                yield label
                floor = label.end()


def _is_glue(between: str) -> bool:
    """Return whether only words such as "on", "as of", "Friday," stand between a label and its date."""
    if len(between) > _GLUE_CHARACTERS:
        return False
    odd = [token for token in _TOKEN.findall(between) if token not in _words().glue]
    return not odd or (len(odd) == 1 and between.rstrip().endswith(odd[0] + ",") and odd[0].isalpha())


def _speaks_of_itself(before: str) -> bool:
    """Return whether a weak label begins its sentence, or its sentence names the document."""
    sentence = _words().labels.sub(" ", _SENTENCE_END.split(before)[-1])
    odd = [token for token in _TOKEN.findall(sentence) if token not in _words().glue]
    return not odd or _words().document.search(sentence) is not None


def _speaks_of_another(before: str) -> bool:
    """Return whether a label hangs on the name of something else: a law, a list, the policy of another
    company.

    "The list of authorities was last updated", "the Privacy Act, last amended", "read the policy of Maps, …".
    """
    words = _words()
    sentence = _SENTENCE_END.split(before)[-1].strip()
    tokens = _TOKEN.findall(sentence)
    if not tokens or not (sentence.endswith(",") or tokens[-1] in words.copulas):
        return False
    if words.own.search(sentence):
        return False
    named = list(words.document.finditer(sentence))
    others = list(words.others.finditer(sentence))
    if others and (not named or others[-1].start() > named[-1].start()):
        return True
    if not named:
        return any(token not in words.glue and token not in words.copulas for token in tokens)
    return tokens[0] in words.pointers


def _iter_parts(match: re.Match[str]) -> Iterator[tuple[int, int, int]]:
    """Yield (year, month, day) as the matched form allows; impossible ones are the caller's to refuse."""
    found = {name: value for name, value in match.groupdict().items() if value is not None}
    form = next(name[1] for name in found if name[0] == "y")
    year = _year(found[f"y{form}"], found.get("era"))
    if form == "4":
        one, two = int(found["a4"]), int(found["b4"])
        yield year, two, one
        if one != two and found["s4"] != ".":
            yield year, one, two
        return
    word = found.get(f"w{form}")
    month = _words().months.get(word, 0) if word else int(found[f"m{form}"])
    yield year, month, int(found.get(f"d{form}") or 1)


def _year(digits: str, era: str | None) -> int:
    if era:
        return _ERAS[era] + (1 if digits == "元" else int(digits))
    year = int(digits)
    if year >= 100:
        return year
    return year + (2000 if year < _OLDEST_SHORT_YEAR else 1900)


def _writes_month_first(text: str, language: str | None, url: str) -> bool:
    if language not in ("en", None):
        return False
    host = urlsplit(url).hostname or ""
    if host.rpartition(".")[2] in _DAY_FIRST_SUFFIXES:
        return False
    return len(_BRITISH.findall(text)) <= len(_AMERICAN.findall(text))


class _Folding(dict[int, str]):
    """Lower case without accents, character by character, so that offsets stay; wide forms made narrow.

    `discovery.words.fold` drops marks and blanks, so that no place in the page could be told any more, and
    the points between the numbers of a date with them; `judging.lexicon.fold` keeps accents.
    """

    def __missing__(self, code: int) -> str:
        character = chr(code)
        if code < 0x530 or 0x1E00 <= code < 0x2000:
            folded = unicodedata.normalize("NFKD", character)[0].lower()[0]
        elif 0xFF01 <= code <= 0xFF5E:
            folded = chr(code - 0xFEE0).lower()
        else:
            folded = "'" if character == "’" else character
        self[code] = folded
        return folded


_FOLDING = _Folding()


def _fold(text: str) -> str:
    return text.translate(_FOLDING)


@cache
def _words() -> _Words:
    tables = read_words("dates")
    kinds = {
        _fold(label): kind
        for strength in ("weak", "strong")
        for kind in ("updated", "effective")
        for label in tables[kind][strength]
    }
    after = {_fold(label): kind for kind in ("updated", "effective") for label in tables[kind]["after"]}
    months = {
        _fold(word): number
        for names in tables["months"].values()
        for number, forms in enumerate(names, 1)
        for word in forms.split()
    }
    return _Words(
        strong=frozenset(
            _fold(label) for kind in ("updated", "effective") for label in tables[kind]["strong"]
        ),
        labels=re.compile(_any_of(kinds)),
        first_words=frozenset(_LETTERS.findall(label)[0] for label in kinds if not _is_unspaced(label)),
        unspaced=tuple(filter(_is_unspaced, kinds)),
        kinds=kinds,
        after=re.compile(rf"[\s)\],.:、・-]*({_any_of(after)})"),
        after_kinds=after,
        glue=frozenset(_fold(word) for word in (*tables["glue"]["words"], *_weekdays())),
        document=re.compile(_any_of({_fold(word) for word in tables["document"]["words"]})),
        months=months,
        copulas=frozenset(map(_fold, tables["another"]["copulas"])),
        others=re.compile(_any_of(set(map(_fold, tables["another"]["names"])))),
        own=re.compile(_any_of(set(map(_fold, tables["another"]["own"])))),
        pointers=frozenset(map(_fold, tables["another"]["pointers"])),
    )


def _weekdays() -> list[str]:
    lines = read_words("passing-lines")
    return [word for phrase in lines["weekdays"] for word in _TOKEN.findall(phrase)]


def _any_of(phrases: Iterable[str]) -> str:
    """Return a pattern of phrases, longest first, as whole words where the script has words.

    Those of scripts with blanks come first; of the others none begins with one of them. What stands around
    a word is looked at once for all: each with looks of its own took three times as long to compile.
    """
    ordered = sorted(phrases, key=len, reverse=True)
    spaced = "|".join(re.escape(phrase) for phrase in ordered if not _is_unspaced(phrase))
    words = [rf"(?<![^\W\d_])(?:{spaced})(?![^\W\d_])"] if spaced else []
    return f"(?:{'|'.join((*words, *map(re.escape, filter(_is_unspaced, ordered))))})"


def _is_unspaced(phrase: str) -> bool:
    return ord(phrase[-1]) > _FIRST_EAST_ASIAN
