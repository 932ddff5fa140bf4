"""A difference laid out for a page: folded stretches and rows of two sides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, zip_longest

from policy_archive.pipelines.versions.diff import Diff, DiffLine, LineKind

_PAIRED = (LineKind.SAME, LineKind.CHANGED)


@dataclass(frozen=True, kw_only=True)
class Section:
    """Equal lines to fold away, then lines to show."""

    folded: tuple[DiffLine, ...]
    lines: tuple[DiffLine, ...]

    @property
    def rows(self) -> Iterator[tuple[DiffLine | None, DiffLine | None]]:
        """Yield (old side, new side); a removed and an added line stand beside each other."""
        return _iter_rows(self.lines)


def lay_out(diff: Diff, *, context: int = 2) -> list[Section]:
    """Return the difference in sections, with the lines that each fold hides."""
    sections, position = [], 0
    for hunk in diff.fold(context):
        start = position + hunk.folded
        sections.append(Section(folded=diff.lines[position:start], lines=hunk.lines))
        position = start + len(hunk.lines)
    return sections


def _iter_rows(lines: Iterable[DiffLine]) -> Iterator[tuple[DiffLine | None, DiffLine | None]]:
    for paired, group in groupby(lines, key=lambda line: line.kind in _PAIRED):
        if paired:
            yield from ((line, line) for line in group)
        else:
            stretch = list(group)
            old = [line for line in stretch if line.old_number is not None]
            new = [line for line in stretch if line.new_number is not None]
            yield from zip_longest(old, new)
