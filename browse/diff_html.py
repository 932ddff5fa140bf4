"""A difference as a document: numbered changes under their sections' names, no mark of Markdown in a line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from markupsafe import Markup, escape

from policy_archive.browse.diff_layout import Section, lay_out
from policy_archive.browse.diff_words import Piece, compare_runs
from policy_archive.browse.line_shapes import Run, Shape, parse_runs, plain_text, shape_line, shape_lines
from policy_archive.pipelines.store.search_text import fold
from policy_archive.pipelines.text import count_words
from policy_archive.pipelines.versions.diff import Diff, DiffLine, LineKind

_NOTED_LINKS = 5
_LONGEST_ADDRESS = 200
"""Characters of an address that are shown; links of a line of which a change is told."""
_EMPTY = Markup("")
_ELEMENTS = {
    "strong": Markup("<strong>{}</strong>"),
    "em": Markup("<em>{}</em>"),
    "s": Markup("<s>{}</s>"),
    "code": Markup("<code>{}</code>"),
}
_TAGS = {"del": (Markup("<del>"), Markup("</del>")), "ins": (Markup("<ins>"), Markup("</ins>"))}
_NOTES = {LineKind.MOVED_AWAY: "moved elsewhere", LineKind.MOVED_HERE: "moved here"}
_CLASSES = {
    LineKind.REMOVED: "removed",
    LineKind.ADDED: "added",
    LineKind.MOVED_AWAY: "moved",
    LineKind.MOVED_HERE: "moved",
}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One or two lines beside each other, or woven into one. HTML."""

    old: Markup = _EMPTY
    old_class: str = ""
    new: Markup = _EMPTY
    new_class: str = ""


@dataclass(frozen=True, kw_only=True)
class Fold:
    """Unchanged lines that are folded away."""

    words: str
    """What they are: "“Your rights” to “Contact”: 12 unchanged lines"."""
    lines: list[Markup]


@dataclass(kw_only=True)
class ShownChange:
    """One stretch of changed lines, or (number None) the unchanged ones around it."""

    number: int | None
    section: str
    """The heading that it stands under, '' before the first one."""
    words_added: int = 0
    words_removed: int = 0
    rows: list[Row] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class DiffDocument:
    """A difference in order: folds, unchanged rows, changes."""

    parts: list[Fold | ShownChange]

    @property
    def changes(self) -> list[ShownChange]:
        return [part for part in self.parts if isinstance(part, ShownChange) and part.number]

    def find_change(self, needles: Sequence[str]) -> int | None:
        """Return the number of the first change in which a pattern stands on one side and not on the other.

        `needles`: patterns of search_syntax.parse_query, for folded text.
        """
        for change in self.changes:
            for row in change.rows:
                old, new = (fold(side.striptags()) for side in (row.old, row.new))
                if any(bool(re.search(needle, old)) != bool(re.search(needle, new)) for needle in needles):
                    return change.number
        return None

    @property
    def by_section(self) -> list[tuple[str, list[ShownChange]]]:
        """Return (heading, its changes), in order."""
        return [(name, list(group)) for name, group in groupby(self.changes, key=lambda one: one.section)]


def build_document(diff: Diff, old_text: str, new_text: str, *, side_by_side: bool) -> DiffDocument:
    """Return the difference of two texts as it is shown: two columns, or one that weaves them together."""
    return _Builder(diff, old_text, new_text, side_by_side=side_by_side).build(lay_out(diff))


class _Builder:
    def __init__(self, diff: Diff, old_text: str, new_text: str, *, side_by_side: bool) -> None:
        self._beside = side_by_side
        # a coarse difference has blocks in place of lines, which are shown as they stand
        self._shapes = {
            "old": {} if diff.is_coarse else shape_lines(old_text),
            "new": {} if diff.is_coarse else shape_lines(new_text),
        }
        self._section = ""
        self._number = 0
        self._parts: list[Fold | ShownChange] = []

    def build(self, sections: Iterable[Section]) -> DiffDocument:
        for section in sections:
            if section.folded:
                self._parts.append(self._fold(section.folded))
            for is_same, rows in groupby(section.rows, key=_is_unchanged):
                self._add(is_same, list(rows))
        return DiffDocument(parts=self._parts)

    def _fold(self, lines: Sequence[DiffLine]) -> Fold:
        shown = [self._whole(line, "new") for line in lines]
        names = [self._section] if self._section else []
        names += [name for line in lines if (name := self._pass_heading(line))]
        return Fold(words=_describe_fold(names, len(lines)), lines=[line for line in shown if line])

    def _add(self, is_same: bool, rows: Sequence[tuple[DiffLine | None, DiffLine | None]]) -> None:
        if is_same:
            part = ShownChange(number=None, section=self._section)
        else:
            self._number += 1
            part = ShownChange(number=self._number, section=self._name_of(rows))
        for old, new in rows:
            self._add_row(part, old, new)
            for line in (old, new):
                if line:
                    self._pass_heading(line)
        self._parts.append(part)

    def _name_of(self, rows: Sequence[tuple[DiffLine | None, DiffLine | None]]) -> str:
        """Return the heading of a change: its own where it begins with one."""
        first = rows[0][1] or rows[0][0]
        return (first and self._heading(first)) or self._section

    def _pass_heading(self, line: DiffLine) -> str:
        name = self._heading(line)
        # what is gone names no section of the text that goes on
        if name and line.new_number is not None:
            self._section = name
        return name

    def _heading(self, line: DiffLine) -> str:
        side = "new" if line.new_number is not None else "old"
        shape = self._shape(line, side)
        is_heading = shape.kind[0] == "h" and shape.kind[1:].isdigit()
        return " ".join(plain_text(parse_runs(shape)).split()) if is_heading else ""

    def _shape(self, line: DiffLine, side: str) -> Shape:
        number = line.old_number if side == "old" else line.new_number
        spans = line.old if side == "old" else line.new
        text = "".join(span.text for span in spans)
        if "\n" in text:
            return Shape(kind="pre", body=text)
        return self._shapes[side].get(number or 0) or shape_line(text)

    def _add_row(self, part: ShownChange, old: DiffLine | None, new: DiffLine | None) -> None:
        line = old or new
        assert line is not None
        if line.kind is LineKind.SAME:
            shown = self._whole(line, "new")
            if shown:
                part.rows.append(Row(old=shown if self._beside else _EMPTY, new=shown))
        elif line.kind is LineKind.CHANGED:
            self._add_changed(part, line)
        elif self._beside:
            part.rows.append(self._pair(part, old, new))
        else:
            part.rows += [self._pair(part, one, None) for one in [old] if one]
            part.rows += [self._pair(part, None, one) for one in [new] if one]

    def _pair(self, part: ShownChange, old: DiffLine | None, new: DiffLine | None) -> Row:
        part.words_removed += self._count(old, "old")
        part.words_added += self._count(new, "new")
        return Row(
            old=self._one_sided(old, "old", "del"),
            old_class=_CLASSES[old.kind] if old else "",
            new=self._one_sided(new, "new", "ins"),
            new_class=_CLASSES[new.kind] if new else "",
        )

    def _count(self, line: DiffLine | None, side: str) -> int:
        if line is None or line.kind in _NOTES:
            return 0
        return count_words(plain_text(parse_runs(self._shape(line, side))))

    def _one_sided(self, line: DiffLine | None, side: str, tag: str) -> Markup:
        if line is None:
            return _EMPTY
        shape = self._shape(line, side)
        note = _NOTES.get(line.kind, "") or ("a line of layout" if shape.kind == "mark" else "")
        runs = _show_runs(parse_runs(shape))
        inner = _tag(tag, runs) if runs else runs
        return _show_line(shape, inner, note=[note] if note else [])

    def _whole(self, line: DiffLine, side: str) -> Markup:
        shape = self._shape(line, side)
        return _EMPTY if shape.kind == "mark" else _show_line(shape, _show_runs(parse_runs(shape)))

    def _add_changed(self, part: ShownChange, line: DiffLine) -> None:
        old, new = self._shape(line, "old"), self._shape(line, "new")
        pieces = compare_runs(parse_runs(old), parse_runs(new))
        part.words_removed += sum(count_words(plain_text(one.old)) for one in pieces if one.tag == "del")
        part.words_added += sum(count_words(plain_text(one.new)) for one in pieces if one.tag == "ins")
        notes = _note_links(pieces)
        if not notes and all(not piece.tag for piece in pieces):
            notes = ["only its form: a heading, a list, emphasis"]
        if self._beside:
            part.rows.append(
                Row(
                    old=_show_line(old, _weave(pieces, "del")),
                    new=_show_line(new, _weave(pieces, "ins"), note=notes),
                )
            )
        else:
            part.rows.append(Row(new=_show_line(new, _weave(pieces, "del", "ins"), note=notes)))


def _is_unchanged(row: tuple[DiffLine | None, DiffLine | None]) -> bool:
    return row[0] is not None and row[0].kind is LineKind.SAME


def _describe_fold(names: Sequence[str], count: int) -> str:
    lines = f"{count:,} unchanged line{'s' if count != 1 else ''}"
    if not names:
        return lines
    where = f"“{names[0]}”" if names[0] == names[-1] else f"“{names[0]}” to “{names[-1]}”"
    return f"{where}: {lines}"


def _weave(pieces: Sequence[Piece], *tags: str) -> Markup:
    """Return the pieces that stayed, and those with one of the tags."""
    return _EMPTY.join(_iter_woven(pieces, tags))


def _iter_woven(pieces: Sequence[Piece], tags: Sequence[str]) -> Iterator[Markup]:
    for piece in pieces:
        if not piece.tag:
            yield _show_runs(piece.old if tags == ("del",) else piece.new)
        elif piece.tag in tags:
            runs = piece.old if piece.tag == "del" else piece.new
            yield _tag(piece.tag, _show_runs(runs))


def _tag(name: str, inner: Markup) -> Markup:
    opening, closing = _TAGS[name]
    return opening + inner + closing


def _show_runs(runs: Sequence[Run]) -> Markup:
    return _EMPTY.join(map(_show_run, runs))


def _show_run(run: Run) -> Markup:
    if run.text == "\t":
        return Markup('<span class="bar">\t</span>')
    shown = escape(run.text)
    for name, element in _ELEMENTS.items():
        if name in run.style:
            shown = element.format(shown)
    return Markup('<span class="link">{}</span>').format(shown) if "link" in run.style else shown


def _show_line(shape: Shape, inner: Markup, *, note: Sequence[str] = ()) -> Markup:
    marker = f'<span class="marker">{escape(shape.marker)}</span> ' if shape.marker else ""
    depth = f" d{shape.depth}" if shape.kind == "li" else ""
    notes = "".join(f' <span class="note">{escape(one)}</span>' for one in note)
    # not Markup.format, which takes a third of the time of a long difference; the kind is a word of ours
    return Markup(f'<div class="l {shape.kind}{depth}" dir="auto">{marker}{escape(inner)}{notes}</div>')  # noqa: S704


def _note_links(pieces: Sequence[Piece]) -> list[str]:
    """Return a sentence for each link whose words stayed and whose address did not."""
    found = []
    for piece in pieces:
        if piece.tag or not any(run.href for run in (*piece.old, *piece.new)):
            continue
        before = {run.text.strip(): run.href for run in piece.old if run.text.strip()}
        for run in piece.new:
            words = run.text.strip()
            if words in before and before[words] != run.href:
                found.append(f"“{words}” leads to {_address(run.href)}, before to {_address(before[words])}")
    return found[:_NOTED_LINKS]


def _address(href: str) -> str:
    return href[:_LONGEST_ADDRESS] or "nothing"
