"""Two forms of one line → the stretches that stayed, went and came, in their styles and without marks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from policy_archive.browse.line_shapes import Run, plain_text
from policy_archive.pipelines.text import split_sentences, split_whole
from policy_archive.pipelines.versions.diff import Operation, iter_operations, pair_alike

_ALIKE_SENTENCES = 0.4
"""Sentences at one place in a changed paragraph are more surely one sentence than any two lines are."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a changed line."""

    tag: str
    """`del`, `ins`, or '' for what stayed."""
    old: tuple[Run, ...]
    new: tuple[Run, ...]


def compare_runs(old: Sequence[Run], new: Sequence[Run]) -> list[Piece]:
    """Return the pieces of a line in reading order: those of the old side, joined, are the old line again,
    and those of the new side the new one."""
    take_old, take_new = _Cutter(old), _Cutter(new)
    return [
        Piece(tag, take_old.take(gone), take_new.take(come))
        for tag, gone, come in _iter_lengths(plain_text(old), plain_text(new))
    ]


_Length = tuple[str, int, int]


def _iter_lengths(old: str, new: str) -> Iterator[_Length]:
    """Yield (tag, characters of the old text, characters of the new one)."""
    before, after = split_sentences(old), split_sentences(new)
    for equal, gone, come in _iter_stretches(before, after):
        if equal:
            yield "", len("".join(gone)), len("".join(come))
        else:
            yield from _compare_sentences(gone, come)


def _iter_stretches(
    before: Sequence[str], after: Sequence[str]
) -> Iterator[tuple[bool, Sequence[str], Sequence[str]]]:
    operations = iter_operations([one.strip() for one in before], [one.strip() for one in after])
    for equal, group in groupby(operations, key=_is_equal):
        parts = list(group)
        first, last = parts[0], parts[-1]
        yield equal, before[first.old_start : last.old_end], after[first.new_start : last.new_end]


def _is_equal(operation: Operation) -> bool:
    return operation.equal


def _compare_sentences(before: Sequence[str], after: Sequence[str]) -> Iterator[_Length]:
    if len(before) == len(after) == 1:
        yield from _compare_words(before[0], after[0])
        return
    old, new = [split_whole(one) for one in before], [split_whole(one) for one in after]
    i = j = 0
    for next_i, next_j in [*pair_alike(old, new, least=_ALIKE_SENTENCES), (len(before), len(after))]:
        gone, come = "".join(before[i:next_i]), "".join(after[j:next_j])
        if gone:
            yield "del", len(gone), 0
        if come:
            yield "ins", 0, len(come)
        if next_i < len(before):
            yield from _compare_words(before[next_i], after[next_j])
        i, j = next_i + 1, next_j + 1


def _compare_words(old: str, new: str) -> Iterator[_Length]:
    for equal, gone, come in _iter_stretches(split_whole(old), split_whole(new)):
        if equal:
            yield "", len("".join(gone)), len("".join(come))
            continue
        if gone:
            yield "del", len("".join(gone)), 0
        if come:
            yield "ins", 0, len("".join(come))


class _Cutter:
    """Gives away a row of runs from the front, so many characters at a time."""

    def __init__(self, runs: Sequence[Run]) -> None:
        self._runs = iter(runs)
        self._left = Run("")

    def take(self, length: int) -> tuple[Run, ...]:
        taken: list[Run] = []
        while length > 0:
            if not self._left.text:
                self._left = next(self._runs)
                continue
            run = self._left
            taken.append(Run(run.text[:length], run.style, run.href))
            self._left = Run(run.text[length:], run.style, run.href)
            length -= len(taken[-1].text)
        return tuple(taken)
