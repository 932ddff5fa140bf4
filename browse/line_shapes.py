"""Our Markdown line by line, as a reader sees it: what each line is, and its words without their marks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from markdown_it import MarkdownIt
from markdown_it.token import Token

from policy_archive.pipelines.text import strip_links

_LONGEST_PARSED = 20_000
"""Characters of a line whose emphasis and links are parsed; of longer ones the marks are cut alone."""
_HEADING = re.compile(r"\s{0,3}(#{1,6})(?:\s+|$)")
_MOST_NESTED = 8
"""Marks at the beginning of a line that are read, one within the other."""
_ITEM = re.compile(r"(\s*)([-*+]|[0-9]{1,9}[.)])(?:\s+(.*))?")
_RULE = re.compile(r"\s{0,3}([-*_])(?:[ \t]*\1){2,}\s*")
_UNDERLINE = re.compile(r"\s{0,3}(=+|-+)\s*")
_DRAWN = re.compile(r"\s*={3,}\s*")
_QUOTE = re.compile(r"\s{0,3}>\s?(.*)")
_ROW = re.compile(r"\s*\|(.*)\|\s*")
_BETWEEN_CELLS = re.compile(r"(?<!\\)\|")
_SEPARATOR = re.compile(r"[\s|:-]+")
_FENCE = re.compile(r"\s*(?:```|~~~)")
_MARKED = re.compile(r"[*_\[\]`<&~!\\]")
_STRAY = re.compile(r"\*\*+|~~")
_STRAY_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()]*\)")
_FLAGS = {"strong": "strong", "em": "em", "s": "s"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """What one line is."""

    kind: str
    """h1 to h6, li, p, quote, row, pre; `mark` for what draws a line, a table or a fence and says nothing."""
    body: str = ""
    """Its inline Markdown; of a row the cells, a tab between two."""
    depth: int = 0
    """Of a list's item, from 0."""
    marker: str = ""
    """Of an item: its number, or a bullet."""


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of a line in one style."""

    text: str
    style: frozenset[str] = frozenset()
    """strong, em, s, code, link."""
    href: str = ""


def shape_lines(text: str) -> dict[int, Shape]:
    """Return the shape of every line that is not blank, by its number from 1."""
    shapes: dict[int, Shape] = {}
    fenced = False
    previous = 0
    for number, line in enumerate(text.split("\n"), start=1):
        if not line or line.isspace():
            previous = 0
            continue
        if _FENCE.match(line):
            fenced = not fenced
            shapes[number] = Shape(kind="mark")
        elif fenced:
            shapes[number] = Shape(kind="pre", body=line)
        elif previous and shapes[previous].kind == "p" and (under := _UNDERLINE.fullmatch(line)):
            level = "h1" if under[1].startswith("=") else "h2"
            shapes[previous] = replace(shapes[previous], kind=level)
            shapes[number] = Shape(kind="mark")
        else:
            shapes[number] = shape_line(line)
        previous = number
    return shapes


def shape_line(line: str, *, nested: int = 0) -> Shape:
    """Return what a line is by itself.

    >>> shape_line("## [From you](#you)")
    Shape(kind='h2', body='[From you](#you)', depth=0, marker='')
    """
    if _is_drawn(line):
        return Shape(kind="mark")
    if nested == _MOST_NESTED:
        return Shape(kind="p", body=line.strip())
    if match := _HEADING.match(line):
        return Shape(kind=f"h{len(match[1])}", body=_cut_closing(line[match.end() :]))
    if match := _QUOTE.fullmatch(line):
        inner = shape_line(match[1], nested=nested + 1)
        return replace(inner, kind="quote") if inner.kind in ("p", "quote") else inner
    if match := _ITEM.fullmatch(line):
        body = match[3] or ""
        if heading := _HEADING.match(body):
            body = _cut_closing(body[heading.end() :])
        inner_item = _ITEM.fullmatch(body)
        if inner_item and inner_item[3]:  # an item that begins with a list of its own
            return shape_line(f"{match[1]}  {body}", nested=nested + 1)
        marker = match[2] if match[2][0].isdigit() else "•"
        return Shape(kind="li", body=body, depth=min(len(match[1].expandtabs(4)) // 2, 6), marker=marker)
    if match := _ROW.fullmatch(line):
        return Shape(kind="row", body="\t".join(cell.strip() for cell in _BETWEEN_CELLS.split(match[1])))
    return Shape(kind="p", body=line.strip())


def _is_drawn(line: str) -> bool:
    """Return whether a line draws something and says nothing."""
    is_separator = "|" in line and "-" in line and _SEPARATOR.fullmatch(line) is not None
    return is_separator or bool(_RULE.fullmatch(line) or _DRAWN.fullmatch(line))


def _cut_closing(heading: str) -> str:
    """Return a heading without the hashes that may close it."""
    text = heading.strip()
    cut = text.rstrip("#")
    return cut.rstrip() if not cut or cut[-1].isspace() else text


def _build_parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False, "linkify": False}).enable("strikethrough")


_PARSER = _build_parser()
_LINKLESS = _build_parser().disable(["link", "image"])
"""For lines that can hold no link: looking for the end of one is what takes long."""


def parse_runs(shape: Shape) -> tuple[Run, ...]:
    """Return a line's words in their styles, no mark of Markdown among them.

    >>> parse_runs(shape_line("See **our** [list](/x)"))[-1]
    Run(text='list', style=frozenset({'link'}), href='/x')
    """
    if shape.kind == "pre":
        return (Run(shape.body),)
    runs: list[Run] = []
    for index, cell in enumerate(shape.body.split("\t") if shape.kind == "row" else [shape.body]):
        if index:
            runs.append(Run("\t"))
        runs += _parse_cell(cell)
    return tuple(runs)


_UNSEEN = dict.fromkeys((0x200B, 0x2060, 0xFEFF))
"""Characters of no width, beside which a mark would not count as one."""


def _parse_cell(text: str) -> list[Run]:
    text = text.translate(_UNSEEN)
    if not _MARKED.search(text):
        return [Run(text)] if text else []
    if len(text) > _LONGEST_PARSED:
        return [Run(_cut_stray(strip_links(text)))]
    (inline,) = (_PARSER if "](" in text else _LINKLESS).parseInline(text)
    return [run for run in _iter_runs(inline.children or []) if run.text]


def _iter_runs(tokens: Sequence[Token]) -> Iterator[Run]:
    style: list[str] = []
    href = ""
    for token in tokens:
        name = token.type.rpartition("_")[0]
        if token.type == "link_open":
            href = str(token.attrGet("href") or "")
            style.append("link")
        elif token.type == "link_close":
            href = ""
            style.remove("link")
        elif token.type.endswith("_open"):
            style.append(_FLAGS.get(name, name))
        elif token.type.endswith("_close"):
            style.remove(_FLAGS.get(name, name))
        elif token.type in ("softbreak", "hardbreak"):
            yield Run(" ", frozenset(style), href)
        elif token.type == "code_inline":
            yield Run(token.content, frozenset([*style, "code"]), href)
        else:
            yield Run(_cut_stray(token.content), frozenset(style), href)


def _cut_stray(text: str) -> str:
    """Return a text without the marks that have no partner on their line, or lead nowhere."""
    return (
        _STRAY.sub("", _STRAY_LINK.sub(r"\1", text)) if "*" in text or "~" in text or "](" in text else text
    )


def plain_text(runs: Sequence[Run]) -> str:
    """Return the words of a line."""
    return "".join(run.text for run in runs)
