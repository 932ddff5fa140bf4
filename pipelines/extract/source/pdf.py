"""A PDF's text layer → Markdown: no running heads, lines joined to paragraphs, headings by size of type."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from ctypes import c_int, create_string_buffer
from dataclasses import dataclass, replace
from itertools import pairwise

import pypdfium2  # type: ignore[import-untyped]
from pypdfium2 import raw

from policy_archive.crawler.core.errors import ExtractionError
from policy_archive.crawler.core.records import Outcome

_MAX_PAGES = 2000
_END_WITHIN_BYTES = 4096
_MARGIN_SHARE = 0.12  # of a page's height, above and below, where running heads stand
_HEADING_SIZE = 1.12  # times the size of most of the text
_HEADING_CHARACTERS = 200
_BOLD_WEIGHT = 600
_PARAGRAPH_PITCH = 1.35  # times the usual distance of lines
_SHORT_LINE = 0.85  # of the column's width: a line that ends a paragraph
_FONT_NAME_BYTES = 128

_SOFT_BREAK = re.compile("[\x02\ufffe\u00ad]$")
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f\ufffe\uffff\u00ad]")
_LIGATURES = str.maketrans(
    {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st", "\u00a0": " "}
)
_BULLET = re.compile(r"^[•◦▪▫●○■□‣⁃∙·–—*-][\s\u200b]+(?=\S)|^[•◦▪▫●○■□‣⁃∙]")
_MARKER = re.compile(r"[\W\d_]{0,8}")  # has a font of its own more often than not
_LONE_MARKER = re.compile(r"[•◦▪▫●○■□‣⁃∙·–*-]|\d{1,2}[.)]|\(?[a-z]{1,3}\)")
_NUMBER = re.compile(r"^(\d{1,2})[.)]\s+(?=\S)")
_PAGE_NUMBER = re.compile(
    r"\W*(?:[^\W\d]{1,6}\.?\s)?\d{1,4}(?:\s?(?:/|of|von|de|sur|di|z|av|из)\s?\d{1,4})?\W*", re.IGNORECASE
)
_SENTENCE_END = re.compile(r"[.!?:;。！？：；][\"”’»)\]]*$")
_EAST_ASIAN_END = re.compile("[\u3000-\u9fff\uac00-\ud7af\uff00-\uffef]$")
_MISREAD = re.compile(r"^(?=[#>+]|={3,}|-{3,})")


@dataclass(frozen=True, kw_only=True)
class PdfText:
    """The text of a PDF."""

    text: str
    """Markdown, ends with one newline."""
    title: str
    """Of the document's properties, else its first heading; '' when it has neither."""


@dataclass(frozen=True, kw_only=True)
class _Line:
    text: str
    page: int
    left: float
    right: float
    top: float
    """From the bottom of the page up, in points."""
    size: float
    """Height of the type, in points."""
    bold: bool
    place: float
    """Of the line on its page: 0 at the bottom, 1 at the top."""
    broken: bool
    """Ends inside a word."""


def read_pdf(body: bytes) -> PdfText:
    """Return the text of a PDF; the reading engine is PDFium, chosen by measurement (docs/reading.md).

    Raises ExtractionError: `no-text-layer` for a scanned one, `truncated` when its end is missing,
    `too-large` beyond 2,000 pages, `extraction-failed` when it is locked or broken.
    """
    if b"%%EOF" not in body[-_END_WITHIN_BYTES:]:
        raise ExtractionError("the PDF breaks off before its end", outcome=Outcome.TRUNCATED)
    try:
        with pypdfium2.PdfDocument(body) as document:
            if len(document) > _MAX_PAGES:
                raise ExtractionError(f"a PDF of {len(document)} pages", outcome=Outcome.TOO_LARGE)
            title = " ".join(document.get_metadata_value("Title").translate(_LIGATURES).split())
            pages = [list(_iter_lines(document[number], number)) for number in range(len(document))]
    except pypdfium2.PdfiumError as error:
        raise ExtractionError(f"unreadable PDF: {error}", outcome=Outcome.EXTRACTION_FAILED) from error
    return _compose(pages, title)


def _compose(pages: list[list[_Line]], title: str) -> PdfText:
    lines = _join_markers(list(_without_furniture(pages)))
    if not any(character.isalpha() for line in lines for character in line.text):
        raise ExtractionError("a PDF without text, of pictures perhaps", outcome=Outcome.NO_TEXT_LAYER)
    styles = _Styles.of(lines)
    blocks = [_render(block, styles) for block in _iter_blocks(lines, styles)]
    heading = next((block.lstrip("# ") for block in blocks if block.startswith("#")), "")
    return PdfText(text="".join(_spaced(blocks)).strip("\n") + "\n", title=title or heading)


def _iter_lines(page: pypdfium2.PdfPage, number: int) -> Iterator[_Line]:
    """Yield a page's lines in the order in which they were set."""
    height = page.get_height()
    textpage = page.get_textpage()
    text = textpage.get_text_range()
    for match in re.finditer(r"[^\r\n]+", text):
        words = " ".join(_CONTROLS.sub("", match[0].translate(_LIGATURES)).split())
        if not words:
            continue
        first = match.start() + len(match[0]) - len(match[0].lstrip())
        last = match.end() - 1 - len(_SOFT_BREAK.findall(match[0]))
        letter = min(first + len(_MARKER.match(match[0].lstrip())[0]), last)  # type: ignore[index]
        left = textpage.get_charbox(first, loose=True)[0]
        _, bottom, _, top = textpage.get_charbox(letter, loose=True)
        right = textpage.get_charbox(last, loose=True)[2]
        yield _Line(
            text=words,
            page=number,
            left=left,
            right=right,
            top=top,
            size=round(top - bottom, 1),
            bold=_is_bold(textpage, letter),
            place=top / height if height else 0.5,
            broken=_SOFT_BREAK.search(match[0]) is not None,
        )


def _is_bold(textpage: pypdfium2.PdfTextPage, index: int) -> bool:
    if raw.FPDFText_GetFontWeight(textpage, index) >= _BOLD_WEIGHT:
        return True
    name = create_string_buffer(_FONT_NAME_BYTES)
    raw.FPDFText_GetFontInfo(textpage, index, name, _FONT_NAME_BYTES, c_int())
    return b"bold" in name.value.lower()


def _without_furniture(pages: list[list[_Line]]) -> Iterator[_Line]:
    """Yield the lines but those at the edges that come back on half of the pages, and page numbers."""
    seen = Counter(key for lines in pages for key in {_key(line) for line in lines if _is_at_edge(line)})
    often = max(2, len(pages) / 2)
    for lines in pages:
        for line in lines:
            if _is_at_edge(line) and (seen[_key(line)] >= often or _PAGE_NUMBER.fullmatch(line.text)):
                continue
            yield line


def _is_at_edge(line: _Line) -> bool:
    return not _MARGIN_SHARE < line.place < 1 - _MARGIN_SHARE / 2


def _key(line: _Line) -> str:
    return re.sub(r"\d+", "0", line.text)


def _join_markers(lines: list[_Line]) -> list[_Line]:
    """Put a bullet or number that was set apart before the line that it belongs to."""
    joined: list[_Line] = []
    for line in lines:
        before = joined[-1] if joined else None
        if before and _LONE_MARKER.fullmatch(before.text) and abs(before.top - line.top) < line.size:
            joined[-1] = replace(line, text=f"{before.text} {line.text}", left=before.left)
        else:
            joined.append(line)
    return joined


@dataclass(frozen=True, kw_only=True)
class _Styles:
    """What is usual in a document, so that what is not stands out."""

    size: float
    pitch: float
    right: float
    levels: dict[float, int]
    bold: bool
    """Most of the text is bold: boldness says nothing."""

    @classmethod
    def of(cls, lines: list[_Line]) -> _Styles:
        weights: Counter[float] = Counter()
        for line in lines:
            weights[line.size] += len(line.text)
        size = weights.most_common(1)[0][0]
        larger = sorted(
            {
                line.size
                for line in lines
                if line.size > size * _HEADING_SIZE and len(line.text) < _HEADING_CHARACTERS
            },
            reverse=True,
        )
        pitches = Counter(
            round(one.top - two.top)
            for one, two in pairwise(lines)
            if one.page == two.page and one.size == two.size == size and one.top > two.top
        )
        rights = sorted(line.right for line in lines if line.size == size)
        bold = sum(len(line.text) for line in lines if line.bold)
        return cls(
            size=size,
            pitch=pitches.most_common(1)[0][0] if pitches else size * 1.2,
            right=rights[int(len(rights) * 0.9)],
            levels={size: min(level, 6) for level, size in enumerate(larger, 1)},
            bold=bold > sum(weights.values()) / 2,
        )

    def level(self, line: _Line) -> int:
        """Return the heading level that a line's type speaks of, 0 for none."""
        if line.size in self.levels:
            return self.levels[line.size]
        stands_out = line.bold and not self.bold and line.size >= self.size
        if stands_out and len(line.text) < _HEADING_CHARACTERS / 2 and not _SENTENCE_END.search(line.text):
            return min(max(self.levels.values(), default=1) + 1, 6)
        return 0


def _iter_blocks(lines: list[_Line], styles: _Styles) -> Iterator[list[_Line]]:
    """Yield the lines of each heading, paragraph and list item."""
    block: list[_Line] = []
    for line in lines:
        if block and not _continues(block, line, styles):
            yield block
            block = []
        block.append(line)
    if block:
        yield block


def _continues(block: list[_Line], line: _Line, styles: _Styles) -> bool:
    before = block[-1]
    if styles.level(before) != styles.level(line) or _BULLET.match(line.text) or _NUMBER.match(line.text):
        return False
    if before.broken:
        return True
    ended = _SENTENCE_END.search(before.text) is not None
    if before.page != line.page or line.top > before.top:  # next page, or next column
        return not ended and (line.text[:1].islower() or _EAST_ASIAN_END.search(before.text) is not None)
    if before.top - line.top > max(styles.pitch, line.size) * _PARAGRAPH_PITCH:
        return False
    return not (ended and before.right < styles.right * _SHORT_LINE and line.text[:1].isupper())


def _render(block: list[_Line], styles: _Styles) -> str:
    text = _join(line for line in block)
    if level := styles.level(block[0]):
        return f"{'#' * level} {text}"
    if _BULLET.match(text):
        return f"  * {_BULLET.sub('', text)}"
    if number := _NUMBER.match(text):
        return f"  {number[1]}. {text[number.end() :]}"
    return _MISREAD.sub(r"\\", text)


def _join(lines: Iterable[_Line]) -> str:
    """Return the lines as one: a word that was divided is whole again, East Asian text has no spaces."""
    text = ""
    broken = False
    for line in lines:
        divided = text.endswith("-") and line.text[:1].islower() and text[-2:-1].isalpha()
        if divided:
            text = text[:-1] + line.text if broken else text + line.text
        elif broken or _EAST_ASIAN_END.search(text):
            text += line.text
        else:
            text = f"{text} {line.text}" if text else line.text
        broken = line.broken
    return text


def _spaced(blocks: list[str]) -> Iterator[str]:
    """Yield the blocks with the corpus's distances: items together, three empty lines after a list."""
    for block, following in zip(blocks, [*blocks[1:], ""], strict=True):
        is_item, is_next_item = block.startswith("  "), following.startswith("  ")
        yield block + ("\n" if is_item and is_next_item else "\n\n\n\n" if is_item else "\n\n")
