"""The chosen part of a page's tree → paragraphs, headings, lists, quotes, tables."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager

from lxml.html import HtmlElement

from policy_archive.pipelines.extract import tables
from policy_archive.pipelines.extract.blocks import (
    BREAK,
    Block,
    Definition,
    Heading,
    Inline,
    Item,
    ItemList,
    Mark,
    Paragraph,
    Preformatted,
    Quote,
    Rule,
    Table,
)
from policy_archive.pipelines.extract.characters import normalize_text
from policy_archive.pipelines.extract.markdown.inline import has_text, split_paragraphs, split_text
from policy_archive.pipelines.extract.outline import (
    HEADINGS,
    LISTS,
    is_container,
    is_for_ears,
    is_raised,
    is_read,
    is_set_apart,
)

_RAISED_NUMBER = re.compile(r"\s*[-+−–]?\d")

_FIELDS = frozenset(("button", "select", "textarea", "iframe", "object", "canvas", "video", "audio"))

_MARKS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "italic",
    "del": "strike",
    "s": "strike",
    "strike": "strike",
    "code": "code",
    "tt": "code",
}

LinkMark = Callable[[HtmlElement], Mark | None]
PlaceOf = Callable[[HtmlElement | None], int]


def build_pieces(
    element: HtmlElement,
    *,
    dropped: Container[HtmlElement] = (),
    link_mark: LinkMark,
    place_of: PlaceOf = lambda _: 0,
) -> tuple[Block, ...]:
    """Return what stands in an element, in document order, without the elements in `dropped`.

    `link_mark` says what a link or an obfuscated address amounts to (pipelines.extract.links), `place_of`
    where on the page an element stands (pipelines.extract.places).
    """
    builder = _Builder(dropped, link_mark, place_of)
    return builder.build(element)


class _Builder:
    def __init__(self, dropped: Container[HtmlElement], link_mark: LinkMark, place_of: PlaceOf) -> None:
        self._dropped = dropped
        self._link_mark = link_mark
        self._place_of = place_of
        self._around: HtmlElement | None = None
        """Element around the text taken last."""
        self._pieces: list[Block] = []
        self._atoms: list[Inline] = []
        self._marks: tuple[Mark, ...] = ()
        self._count = 0

    def build(self, element: HtmlElement) -> tuple[Block, ...]:
        with self._fresh() as pieces:
            self._element(element)
        return tuple(pieces)

    @contextmanager
    def _fresh(self) -> Iterator[list[Block]]:
        """Collect pieces apart from those around; links and emphasis around go on inside."""
        outer, self._pieces = self._pieces, []
        atoms, self._atoms = self._atoms, []
        try:
            yield self._pieces
            self._flush()
        finally:
            self._pieces, self._atoms = outer, atoms

    @contextmanager
    def _lent(self) -> Iterator[list[Block]]:
        """Collect the pieces of the text taken so far apart from those before."""
        outer, self._pieces = self._pieces, []
        try:
            yield self._pieces
        finally:
            self._pieces = outer

    def _flush(self) -> None:
        for paragraph in split_paragraphs(self._atoms):
            self._pieces.append(Paragraph(tuple(paragraph), self._place_of(self._around)))
        self._atoms = []

    def _content(self, element: HtmlElement) -> None:
        """Take in text and children of an element."""
        self._text(element.text, element)
        for child in element:
            if child not in self._dropped:
                self._element(child)
            self._text(child.tail, element)

    def _text(self, text: str | None, around: HtmlElement) -> None:
        if text:
            self._atoms.extend(split_text(normalize_text(text), self._marks))
            self._around = around if text.strip() else self._around

    def _element(self, element: HtmlElement) -> None:
        if not is_read(element):
            if element.tag in _FIELDS:
                self._text(" ", element)  # what stands on its two sides does not touch
            return
        tag = str(element.tag)
        handler = _HANDLERS.get(tag)
        if handler is not None:
            handler(self, element)
        elif is_container(element):
            self._flush()
            self._content(element)
            self._flush()
        else:
            self._inline(element)

    def _inline(self, element: HtmlElement) -> None:
        if self._marks and self._marks[-1].kind == "link" and is_for_ears(element):
            return
        apart = " " if is_set_apart(element) else ""
        self._text(apart or ("^" if self._is_glued_number(element) else ""), element)
        self._marked(element)
        self._text(apart, element)

    def _marked(self, element: HtmlElement) -> None:
        mark = self._mark(element)
        if mark is None:
            self._content(element)
            return
        if mark.kind == "address":
            self._text(mark.target, element)
            return
        outer, self._marks = self._marks, (*self._marks, mark)
        self._content(element)
        self._marks = outer

    def _is_glued_number(self, element: HtmlElement) -> bool:
        """Return whether this is a raised number that would run into what stands before it.

        10⁶, m², a note on a word.
        """
        if not is_raised(element) or any(mark.kind == "link" for mark in self._marks):
            return False
        if not self._atoms or not self._atoms[-1].text.strip() or next(element.iter("a"), None) is not None:
            return False
        return _RAISED_NUMBER.match(element.text_content()) is not None

    def _mark(self, element: HtmlElement) -> Mark | None:
        kind = _MARKS.get(str(element.tag))
        if kind is None:
            return self._link_mark(element)
        if any(mark.kind == kind for mark in self._marks):
            return None
        self._count += 1
        return Mark(kind, key=self._count)

    def _break(self, element: HtmlElement) -> None:
        self._atoms.append(Inline(BREAK, self._marks))

    def _rule(self, element: HtmlElement) -> None:
        self._flush()
        self._pieces.append(Rule())

    def _quotation(self, element: HtmlElement) -> None:
        self._text('"', element)
        self._content(element)
        self._text('"', element)

    def _line(self, element: HtmlElement) -> tuple[Inline, ...]:
        """Return all text of an element as one line, whatever stands in it."""
        return _one_line(self._inside(element))

    def _inside(self, element: HtmlElement) -> tuple[Block, ...]:
        with self._fresh() as pieces:
            self._content(element)
        return tuple(pieces)

    def _heading(self, element: HtmlElement) -> None:
        self._flush()
        pieces = self._inside(element)
        line = _one_line(pieces)
        if sum(len(atom.text) for atom in line) > _LONGEST_HEADING or any(
            isinstance(piece, ItemList | Table) for piece in pieces
        ):
            self._pieces.extend(pieces)  # a heading tag never closed: what follows is no heading
        elif has_text(line):
            self._pieces.append(Heading(int(element.tag[1]), line, self._place_of(element)))

    def _quote(self, element: HtmlElement) -> None:
        self._flush()
        blocks = self._inside(element)
        if blocks:
            self._pieces.append(Quote(blocks))

    def _preformatted(self, element: HtmlElement) -> None:
        self._flush()
        text = normalize_text("".join(_raw_text(element, self._dropped)))
        if text.strip():
            self._pieces.append(Preformatted(text.strip("\r\n").rstrip(), self._place_of(element)))

    def _list(self, element: HtmlElement) -> None:
        self._flush()
        items: list[Item] = []
        number = _first_number(element)
        step = -1 if element.get("reversed") is not None else 1
        for part, text in _iter_list(element, self._dropped):
            if text is not None:
                self._text(text, part)
                self._flush_into(items)
            elif part.tag == "li":
                number = _number(part.get("value"), number)
                self._item(part, number if element.tag == "ol" else None, items)
                number += step
            else:
                self._stray(part, items)
        if items:
            self._pieces.append(ItemList(tuple(items)))

    def _item(self, element: HtmlElement, number: int | None, items: list[Item]) -> None:
        blocks = self._inside(element)
        if blocks:
            items.append(Item(number, blocks, set_off=_is_set_off(element)))

    def _stray(self, element: HtmlElement, items: list[Item]) -> None:
        """Give what stands in a list outside of all items to the item before: browsers show it under that."""
        with self._fresh() as pieces:
            self._element(element)
        if not pieces:
            return
        if items:
            items[-1] = _extend(items[-1], pieces)
        elif all(isinstance(piece, ItemList) for piece in pieces):
            items.extend(item for piece in pieces if isinstance(piece, ItemList) for item in piece.items)
        else:
            self._pieces.extend(pieces)

    def _flush_into(self, items: list[Item]) -> None:
        with self._lent() as pieces:
            self._flush()
        if items:
            items[-1] = _extend(items[-1], pieces)
        else:
            self._pieces.extend(pieces)

    def _lone_item(self, element: HtmlElement) -> None:
        """Keep an item without a list around it, joined to the item before it."""
        self._flush()
        blocks = self._inside(element)
        if not blocks:
            return
        item = Item(None, blocks)
        last = self._pieces[-1] if self._pieces else None
        if (
            isinstance(last, ItemList)
            and element.getprevious() is not None
            and element.getprevious().tag == "li"
        ):
            self._pieces[-1] = ItemList((*last.items, item))
        else:
            self._pieces.append(ItemList((item,)))

    def _definitions(self, element: HtmlElement) -> None:
        self._flush()
        self._terms(element, element)
        self._flush()

    def _terms(self, element: HtmlElement, within: HtmlElement) -> None:
        """Take in terms and definitions, groups around them, and what stands stray between them."""
        self._text(element.text, element)
        for child in element:
            if child in self._dropped or not isinstance(child.tag, str):
                pass
            elif child.tag in ("dt", "dd"):
                self._flush()
                if child.tag == "dt":
                    self._pieces.extend(self._inside(child))
                else:
                    self._definition(child)
            elif any(_closest(part, "dl") is within for part in child.iter("dt", "dd")):
                self._flush()
                self._terms(child, within)
                self._flush()
            else:
                self._element(child)
            self._text(child.tail, element)

    def _definition(self, element: HtmlElement) -> None:
        blocks = self._inside(element)
        last = self._pieces[-1] if self._pieces else None
        term = element.getprevious()
        follows_term = term is not None and term.tag == "dt"
        if (
            follows_term
            and isinstance(last, Paragraph)
            and len(blocks) == 1
            and isinstance(blocks[0], Paragraph)
        ):
            self._pieces[-1] = Definition(last.atoms, blocks[0].atoms, last.place)
        else:
            self._pieces.extend(blocks)

    def _table(self, element: HtmlElement) -> None:
        self._flush()
        for caption in element.findall("caption"):
            if caption not in self._dropped:
                self._element(caption)
        self._flush()
        rows = tables.grid(element, self._dropped)
        layout = tables.is_layout(element, rows)
        for part in tables.scan(element, self._dropped):
            if isinstance(part, tables.Stray):
                self._stray_of_table(part)
            elif layout:
                for cell in part.cells:
                    self._element(cell)
        self._flush()
        if layout:
            return
        lines = [tuple(self._line(cell) if cell is not None else () for cell in row) for row in rows]
        kept = tuple(line for line in lines if any(has_text(cell) for cell in line))
        if kept:
            self._pieces.append(Table(kept, self._place_of(element)))

    def _stray_of_table(self, stray: tables.Stray) -> None:
        self._flush()
        if stray.text:
            self._text(stray.text, stray.element)
        else:
            self._element(stray.element)
        self._flush()


_LONGEST_HEADING = 1000
"""Characters; a longer one is a tag that was never closed."""

_HANDLERS: dict[str, Callable[[_Builder, HtmlElement], None]] = {
    **dict.fromkeys(HEADINGS, _Builder._heading),
    **dict.fromkeys(LISTS, _Builder._list),
    "br": _Builder._break,
    "hr": _Builder._rule,
    "q": _Builder._quotation,
    "blockquote": _Builder._quote,
    **dict.fromkeys(("pre", "listing", "xmp", "plaintext"), _Builder._preformatted),
    "textarea": _Builder._preformatted,
    "li": _Builder._lone_item,
    "dl": _Builder._definitions,
    "table": _Builder._table,
}


def _extend(item: Item, pieces: list[Block]) -> Item:
    return Item(item.number, (*item.blocks, *pieces), item.set_off)


def _one_line(pieces: tuple[Block, ...]) -> tuple[Inline, ...]:
    line: list[Inline] = []
    for piece in pieces:
        if line:
            line.append(Inline(" ", ()))
        line.extend(_atoms_of(piece))
    return tuple(line)


def _atoms_of(piece: Block) -> tuple[Inline, ...]:
    match piece:
        case Paragraph(atoms) | Heading(_, atoms):
            return atoms
        case ItemList(items):
            return _one_line(tuple(block for item in items for block in item.blocks))
        case Quote(blocks):
            return _one_line(blocks)
        case Preformatted(text):
            return (*split_text(text, ()),)
        case Definition(term, definition):
            return (*term, Inline(" ", ()), *definition)
        case Table(rows):
            return _one_line(tuple(Paragraph(cell) for row in rows for cell in row))
        case Rule():
            return ()


def _is_set_off(item: HtmlElement) -> bool:
    first = next(iter(item), None)
    return (
        first is not None
        and first.tag == "p"
        and not (item.text or "").strip()
        and first.find(".//br") is None
    )


def _first_number(element: HtmlElement) -> int:
    default = sum(child.tag == "li" for child in element) if element.get("reversed") is not None else 1
    return _number(element.get("start"), default)


def _number(text: str | None, default: int) -> int:
    try:
        number = int(text or "")
    except ValueError:
        return default
    return number if 0 <= number <= 999_999_999 else default  # Markdown has no others


def _iter_list(
    element: HtmlElement, dropped: Container[HtmlElement]
) -> Iterator[tuple[HtmlElement, str | None]]:
    """Yield the items of a list and what else stands in it, as (element, None) or (element around, text).

    Wrappers around items are opened.
    """
    if (element.text or "").strip():
        yield element, element.text
    for child in element:
        if isinstance(child.tag, str) and child not in dropped:
            if child.tag not in LISTS and child.tag != "li" and child.find("li") is not None:
                yield from _iter_list(child, dropped)
            else:
                yield child, None
        if (child.tail or "").strip():
            yield element, child.tail


def _closest(element: HtmlElement, tag: str) -> HtmlElement | None:
    return next(element.iterancestors(tag), None)


def _raw_text(element: HtmlElement, dropped: Container[HtmlElement]) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        if child.tag == "br":
            yield "\n"
        elif is_read(child) and child not in dropped:
            yield from _raw_text(child, dropped)
        yield child.tail or ""
