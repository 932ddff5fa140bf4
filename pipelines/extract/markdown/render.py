"""Pieces of a page → Markdown in the format of the Princeton-Leuven corpus (docs/format.md)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from policy_archive.pipelines.extract.blocks import (
    Block,
    Definition,
    Heading,
    Inline,
    Item,
    ItemList,
    Paragraph,
    Preformatted,
    Quote,
    Rule,
    Table,
)
from policy_archive.pipelines.extract.markdown.inline import escape_line_start, write_inline

Lines = list[str]

_COLUMN_0 = "\0"
"""Begins a line that is not to be indented, whatever list it stands in."""

_PLACES = "\1\2\3\4"
"""One of these ends each line with text on its way out: the flags of its place, 0 to 3. No page holds any."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A text, and for every line of it where on the page it stands."""

    text: str
    places: tuple[int, ...]
    """One for each line that "\n" ends; 0 for empty lines and rules."""


def render(pieces: Sequence[Block]) -> str:
    """Return the Markdown of a page's body: one line a paragraph, one newline at the end, '' for nothing."""
    return render_lines(pieces).text


def render_lines(pieces: Sequence[Block]) -> Rendered:
    """Return the Markdown of a page's body as `render` does, with the place of each line."""
    lines = _write(pieces, margin=3)
    while lines and not lines[-1].strip():
        lines.pop()
    text = "".join(f"{line.strip(_COLUMN_0 + _PLACES)}\n" for line in lines)
    return Rendered(text=text, places=tuple(max(0, _PLACES.find(line[-1:] or "-")) for line in lines))


def _write(pieces: Sequence[Block], *, margin: int = 1) -> Lines:
    """Return the lines of pieces; `margin` empty lines stand after a list, one after all else."""
    lines: Lines = []
    for piece, before, alternate in zip(pieces, [None, *pieces], _alternations(pieces), strict=False):
        if before is not None:
            lines += [""] * (margin if isinstance(before, ItemList) else 1)
        lines += _write_piece(piece, alternate=alternate)
    return lines


def _alternations(pieces: Sequence[Block]) -> list[bool]:
    """Return which pieces are lists that need the other marker, or they would run on from the one before."""
    alternations: list[bool] = []
    for piece, before in zip(pieces, [None, *pieces], strict=False):
        alternations.append(_runs_on(before, piece) and not alternations[-1])
    return alternations


def _runs_on(before: Block | None, piece: Block) -> bool:
    if not isinstance(before, ItemList) or not isinstance(piece, ItemList):
        return False
    return (before.items[0].number is None) == (piece.items[0].number is None)


def _write_piece(piece: Block, *, alternate: bool) -> Lines:
    match piece:
        case ItemList(items):
            return _write_list(items, alternate=alternate)
        case Quote(blocks):
            return _write_quote(blocks)
        case Rule():
            return ["* * *"]
        case _:
            mark = _PLACES[piece.place]
            return [line + mark if line else line for line in _write_leaf(piece)]


def _write_leaf(piece: Paragraph | Heading | Preformatted | Definition | Table) -> Lines:
    match piece:
        case Paragraph(atoms):
            return _inline(atoms)
        case Heading(level, atoms):
            return [f"{'#' * level} {_heading_text(atoms)}"]
        case Preformatted(text):
            return [f"    {line}".rstrip() for line in text.splitlines()]
        case Definition(term, definition):
            return _write_definition(term, definition)
        case Table(rows):
            return _write_table(rows)


def _inline(atoms: Sequence[Inline]) -> Lines:
    return write_inline(atoms).split("\n")


def _heading_text(atoms: Sequence[Inline]) -> str:
    text = write_inline(atoms, escape_start=False, breaks=False)
    end = text.rstrip("#")
    if end != text and (not end or end.endswith(" ")):
        return f"{end}\\{text[len(end) :]}"  # Markdown would drop a closing row of "#"
    return text


def _write_quote(blocks: Sequence[Block]) -> Lines:
    lines = [f"> {line.lstrip(_COLUMN_0)}" if line.strip() else ">" for line in _write(blocks)]
    return [*lines, "> "] if isinstance(blocks[-1], ItemList) else lines


def _write_definition(term: Sequence[Inline], definition: Sequence[Inline]) -> Lines:
    first, *others = _inline(definition)
    lines = _inline(term)
    return [*lines[:-1], f"{lines[-1]}  ", f"    {first}", *others]


def _write_table(rows: Sequence[Sequence[Sequence[Inline]]]) -> Lines:
    columns = max(len(row) for row in rows)
    lines = [_write_row([*row, *([()] * (columns - len(row)))]) for row in rows]
    return [lines[0], "|".join(["---"] * columns), *lines[1:]]


def _write_row(cells: Sequence[Sequence[Inline]]) -> str:
    texts = [write_inline(cell, escape_start=False, breaks=False).replace("|", r"\|") for cell in cells]
    texts = [f"{text} " if text.endswith("\\") else text for text in texts]  # or it would escape the bar
    texts[0] = escape_line_start(texts[0])
    # Markdown takes a bar at either end of a line for a frame, so an empty cell there needs a second one
    return ("| " if not texts[0] else "") + "| ".join(texts).rstrip() + (" |" if not texts[-1] else "")


def _write_list(items: Sequence[Item], *, alternate: bool) -> Lines:
    lines: Lines = []
    expected: int | None = None
    for item in items:
        if expected is not None and item.number not in (None, expected):
            alternate = not alternate  # only another marker makes Markdown begin to count anew
        written = _write_item(item, alternate=alternate)
        if lines and _is_spacious(item) and lines[-1].strip():
            lines.append("")
        lines += written
        if _is_spacious(item) and lines[-1].strip():
            lines.append("")
        expected = None if item.number is None else item.number + 1
    while lines and not lines[-1].strip():
        lines.pop()
    return lines


def _is_spacious(item: Item) -> bool:
    return sum(not isinstance(block, ItemList) for block in item.blocks) > 1


def _write_item(item: Item, *, alternate: bool) -> Lines:
    marker = _marker(item.number, alternate=alternate)
    indent = " " * len(marker)
    lines = list(_item_lines(item, indent))
    return [marker + lines[0][len(indent) :], *lines[1:]]


def _marker(number: int | None, *, alternate: bool) -> str:
    if number is None:
        return "  - " if alternate else "  * "
    return f"  {number}{')' if alternate else '.'} "


def _item_lines(item: Item, indent: str) -> Iterator[str]:
    """Yield the lines of an item, its first line indented too.

    A line after a hard break starts at column 0, as in the corpus: Markdown takes it for the paragraph's.
    """
    spacious = _is_spacious(item)
    alternations = _alternations(item.blocks)
    for index, block in enumerate(item.blocks):
        if index and (spacious or (item.set_off and index == 1)):
            yield ""
        lines = _write_piece(block, alternate=alternations[index])
        if isinstance(block, ItemList):
            lines = [line[2:] if line.startswith("  ") else line for line in lines]
        lazy = isinstance(block, Paragraph)
        for number, line in enumerate(lines):
            if not line.strip() or line.startswith(_COLUMN_0):
                yield line
            else:
                yield _COLUMN_0 + line if lazy and number else indent + line
