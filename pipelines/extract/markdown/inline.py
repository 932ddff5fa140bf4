"""Runs of text with marks (bold, italic, link …) → one paragraph of Markdown."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from policy_archive.crawler.core.cache import remembered
from policy_archive.pipelines.extract.blocks import BREAK, Inline, Mark, Marks

_SPACES = re.compile(r" |[^ ]+")  # of a string of white space: blanks fold, no-break spaces do not
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]+")
_OPENING = frozenset("\"'([{“‘«‹„‚「『（【《")
_CLOSING = frozenset("\"')]}”’»›“‘」』）】》")


def split_text(text: str, marks: Marks) -> list[Inline]:
    """Return a text node as atoms, white space folded to one blank."""
    folded = _fold_blanks(text)
    core = folded.strip()
    if not core:
        return _split_space(folded, marks)
    start = folded.find(core)
    before, after = folded[:start], folded[start + len(core) :]
    return [*_split_space(before, marks), Inline(core, marks), *_split_space(after, marks)]


def _split_space(space: str, marks: Marks) -> list[Inline]:
    if space in ("", " "):
        return [Inline(space, marks)] if space else []
    return [Inline(one, marks) for one in _SPACES.findall(space)]


def _fold_blanks(text: str) -> str:
    """Return a text with one blank for each run of them; a pattern would stop at every word."""
    text = text.replace("\n", " ").replace("\t", " ").replace("\r", " ").replace("\f", " ")
    while "  " in text:
        text = text.replace("  ", " ")
    return text


def has_text(atoms: Sequence[Inline]) -> bool:
    """Return whether anything but white space stands in it."""
    for atom in atoms:
        text = atom.text if atom.text.isascii() else _INVISIBLE.sub("", atom.text)
        if text.strip():
            return True
    return False


def split_paragraphs(atoms: Sequence[Inline]) -> list[list[Inline]]:
    """Return the paragraphs that two or more breaks in a row make."""
    paragraphs: list[list[Inline]] = [[]]
    breaks = 0
    for atom in atoms:
        if atom.text == BREAK:
            breaks += 1
            if breaks == 2:
                paragraphs.append([])
        elif atom.text.strip():
            breaks = 0
        if breaks < 2:
            paragraphs[-1].append(atom)
    return [paragraph for paragraph in paragraphs if has_text(paragraph)]


def write_inline(atoms: Sequence[Inline], *, escape_start: bool = True, breaks: bool = True) -> str:
    """Return the Markdown of one paragraph: lines joined by hard breaks, no space at either end of a line.

    `escape_start`: the text stands where Markdown could misread its beginning.
    `breaks`: False writes a hard break as a blank (headings, table cells).
    """
    return _write("".join([atom.text for atom in atoms]), tuple(atoms), escape_start, breaks)


@remembered(8_000, longest=4_000)
def _write(_: str, atoms: tuple[Inline, ...], escape_start: bool, breaks: bool) -> str:
    tidy = _tidy([Inline(" ", atom.marks) if not breaks and atom.text == BREAK else atom for atom in atoms])
    if len(tidy) == 1 and not tidy[0].marks:
        written = _escape(tidy[0].text, _risky_characters(tidy), in_link=False)
    else:
        written = _Writer(tidy).write()
    lines = written.split("\n")
    if escape_start:
        lines = [escape_line_start(line) for line in lines]
    return "  \n".join(lines)


def _tidy(atoms: list[Inline]) -> list[Inline]:
    """Fold blanks, drop them at line ends, and free white space at the rim of a mark from that mark."""
    if len(atoms) == 1 and atoms[0].text.strip():
        return atoms
    kept: list[Inline] = []
    for atom in atoms:
        blank = atom.text == " "
        if blank and (not kept or kept[-1].text in (" ", BREAK)):
            continue
        if atom.text == BREAK and kept and kept[-1].text == " ":
            kept.pop()
        if atom.text == BREAK and not kept:
            continue
        kept.append(atom)
    while kept and kept[-1].text in (" ", BREAK):
        kept.pop()
    return _free_space(_join_marks(kept))


def _join_marks(atoms: list[Inline]) -> list[Inline]:
    """Make one mark of two alike that touch without a space: `**a****b**` is not what it looks like."""
    joined: list[Inline] = []
    same: dict[Mark, Mark] = {}
    for atom in atoms:
        marks = tuple(same.get(mark, mark) for mark in atom.marks)
        if joined and atom.text.strip() and joined[-1].text.strip():
            for mark in marks:
                twin = next((other for other in joined[-1].marks if _are_alike(mark, other)), mark)
                if twin != mark:
                    same[mark] = twin
            marks = tuple(same.get(mark, mark) for mark in marks)
        joined.append(Inline(atom.text, marks))
    return joined


def _are_alike(one: Mark, other: Mark) -> bool:
    return one.kind == other.kind and one.kind != "link"


def _free_space(atoms: list[Inline]) -> list[Inline]:
    freed: list[Inline] = []
    pending: list[Inline] = []
    before: Marks = ()
    for atom in atoms:
        if not atom.text.strip():
            pending.append(atom)
            continue
        shared = tuple(mark for mark in before if mark in atom.marks)
        freed += [Inline(space.text, shared) for space in pending]
        pending.clear()
        freed.append(atom)
        before = atom.marks
    return freed + [Inline(space.text, ()) for space in pending]


class _Writer:
    """Opens and closes marks as atoms ask for them; a mark that lasts longer stands outside."""

    def __init__(self, atoms: list[Inline]) -> None:
        self._atoms = atoms
        self._done: list[str] = []
        self._out = ""
        """What is written since the last point where no mark was open, and a little before."""
        self._open: list[tuple[Mark, str, int]] = []
        """Mark, the delimiter that closes it, where its content starts in the output."""
        self._risky = _risky_characters(atoms)

    def write(self) -> str:
        for index, atom in enumerate(self._atoms):
            self._close_unless(atom.marks, atom.text)
            for mark in self._to_open(index):
                self._start(mark, atom.text)
            code = any(mark.kind == "code" for mark in atom.marks)
            self._out += atom.text if code else self._escape(atom.text)
            if not self._open:
                self._done.append(self._out[:-_REACH])
                self._out = self._out[-_REACH:]
        self._close_unless((), "")
        return "".join(self._done) + self._out

    def _to_open(self, index: int) -> list[Mark]:
        opened = {mark for mark, _, _ in self._open}
        wanted = [mark for mark in self._atoms[index].marks if mark not in opened]
        return sorted(wanted, key=lambda mark: (mark.kind == "code", -self._extent(mark, index)))

    def _extent(self, mark: Mark, index: int) -> int:
        end = index
        while end < len(self._atoms) and mark in self._atoms[end].marks:
            end += 1
        return end

    def _close_unless(self, wanted: Marks, following: str) -> None:
        """Close what is no longer wanted; what was opened inside it is opened again by the caller."""
        keep = 0
        while keep < len(self._open) and self._open[keep][0] in wanted:
            keep += 1
        closed = False
        while len(self._open) > keep:
            mark, delimiter, start = self._open.pop()
            self._out = _close(self._out, mark, delimiter, start)
            closed = closed or mark.kind not in ("link", "code")
        if closed and following and _needs_space_after(self._out, following):
            self._out += " "

    def _start(self, mark: Mark, following: str) -> None:
        if mark.kind == "link":
            self._out += "["
            self._open.append((mark, "]", len(self._out)))
            return
        if mark.kind == "code":
            self._out += "`"
            self._open.append((mark, "`", len(self._out)))
            return
        before = self._out[-1:]
        delimiter = {"bold": "**", "italic": "_", "strike": "~~"}[mark.kind]
        if _needs_space_before(before, following, self._out):
            self._out += " "
        elif mark.kind == "italic" and before.isalnum():
            delimiter = "*"  # "_" inside a word is no emphasis
        self._out += delimiter
        self._open.append((mark, delimiter, len(self._out)))

    def _escape(self, text: str) -> str:
        in_link = any(mark.kind == "link" for mark, _, _ in self._open)
        return _escape(text, self._risky, in_link=in_link)


_REACH = 8
"""How many characters back it matters what was written."""

_HTML_LIKE = re.compile(r"<(?=[a-zA-Z/!?])|&(?=#?\w+;)|\\(?=[!-/:-@\[-`{-~]|$)")
_BRACKET = re.compile(r"[\[\]]")


def _escape(text: str, risky: re.Pattern[str] | None, *, in_link: bool) -> str:
    if "<" in text or "&" in text or "\\" in text:
        text = _HTML_LIKE.sub(r"\\\g<0>", text)
    if risky:
        text = risky.sub(r"\\\g<0>", text)
    return _BRACKET.sub(r"\\\g<0>", text) if in_link and _unbalanced(text) else text


def _unbalanced(text: str) -> bool:
    return text.count("[") != text.count("]")


def _risky_characters(atoms: Sequence[Inline]) -> re.Pattern[str] | None:
    """Return what must be escaped all through a paragraph: what could be read as the end of a mark."""
    text = "".join(atom.text for atom in atoms)
    kinds = {mark.kind for atom in atoms for mark in atom.marks}
    risky = []
    if text.count("*") > 1 or ("*" in text and kinds & {"bold", "italic"}):
        risky.append(r"(?<!\s)\*|\*(?!\s)")
    if "_" in text and ("italic" in kinds or len(_OUTER_UNDERSCORE.findall(text)) > 1):
        risky.append(_OUTER_UNDERSCORE.pattern)
    if text.count("`") > 1 or ("`" in text and "code" in kinds):
        risky.append("`")
    if "~" in text and ("strike" in kinds or text.count("~~") > 1):
        risky.append("~")
    if "](" in text or "][" in text:
        risky.append(r"\[")
    return re.compile("|".join(risky)) if risky else None


_OUTER_UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
"""An underscore that is not inside a word."""


def _close(out: str, mark: Mark, delimiter: str, start: int) -> str:
    content = out[start:]
    if mark.kind == "link":
        return _close_link(out[: start - 1], content, mark)
    if mark.kind == "code" and "`" in content:
        return f"{out[: start - 1]}`` {content} ``"
    return out + delimiter


def _close_link(before: str, label: str, mark: Mark) -> str:
    if label == mark.target and re.match(r"https?://[^\s<>]+$", label):
        return f"{before}<{label}>"
    title = f' "{mark.title}"' if mark.title else ""
    return f"{before}[{label}]({mark.target}{title})"


def _needs_space_before(before: str, following: str, out: str) -> bool:
    if not before or before.isspace():
        return False
    if out.endswith(("**", "_", "~~", "[")) and _is_punctuation(before):
        return False
    if before in _OPENING:
        return True  # as the corpus writes it: (“ **Policy** ”)
    return _is_punctuation(following[:1]) and not _is_punctuation(before)


def _needs_space_after(out: str, following: str) -> bool:
    after = following[0]
    if after.isspace() or following == BREAK:
        return False
    if after in _CLOSING:
        return True
    inner = out.rstrip("*_~")[-1:]
    if out[-1] == "_" and after.isalnum():
        return True
    return _is_punctuation(inner) and not _is_punctuation(after)


def _is_punctuation(character: str) -> bool:
    return bool(character) and unicodedata.category(character)[0] in "PS"


_LINE_STARTS = (
    (re.compile(r"^(\d{1,9})([.)])(?=\s|$)"), r"\1\\\2"),
    (re.compile(r"^([-+*])(?=\s|$)"), r"\\\1"),
    (re.compile(r"^(#{1,6})(?=\s|$)"), r"\\\1"),
    (re.compile(r"^([-=]+\s*$|>|\[[^\]]+\]:|```|~~~)"), r"\\\1"),
    (re.compile(r"^((?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,})$"), r"\\\1"),
    (re.compile(r"^([|:-][\s|:-]*)$"), r"\\\1"),
)

_LINE_START = re.compile("|".join(pattern.pattern for pattern, _ in _LINE_STARTS))


def escape_line_start(line: str) -> str:
    r"""Return a line that Markdown reads as text.

    >>> escape_line_start("1. What"), escape_line_start("------"), escape_line_start("-5 degrees")
    ('1\\. What', '\\------', '-5 degrees')
    """
    if _LINE_START.match(line) is None:  # nearly every line
        return line
    for pattern, replacement in _LINE_STARTS:
        escaped = pattern.sub(replacement, line, count=1)
        if escaped != line:
            return escaped
    return line
