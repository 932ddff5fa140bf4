"""Stretches of a history in which a few texts take turns: variants by region or language, not changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf

from policy_archive.crawler.core.stored import Version
from policy_archive.crawler.core.timestamps import DAY_SECONDS, seconds_between

BRIEF_DAYS = 31
"""A text that can have stood no longer than this, between two captures of another text, flaps."""


@dataclass(frozen=True, kw_only=True)
class Flapping:
    """A stretch in which a few texts take turns."""

    first: int
    """Number of the stretch's first version."""
    last: int
    texts: int
    """How many texts take turns."""

    def __contains__(self, number: object) -> bool:
        return isinstance(number, int) and self.first <= number <= self.last


def find_flapping(versions: Sequence[Version]) -> list[Flapping]:
    """Return the stretches that flap, in order, none overlapping.

    A stretch flaps when its texts come back more often than new ones come
    (A, B, A, B; A, B, A, C, A), and no version between its ends can have stood
    for more than a month. A, B, A alone is a change that was undone. From each
    version on the longest stretch counts.
    """
    return [
        Flapping(
            first=versions[first].number,
            last=versions[last].number,
            texts=len({version.text_sha256 for version in versions[first : last + 1]}),
        )
        for first, last in _iter_stretches(versions)
    ]


def _iter_stretches(versions: Sequence[Version]) -> Iterator[tuple[int, int]]:
    """Yield first and last index of each stretch; what stood long may be its end or its beginning."""
    start = 0
    for end in (*_iter_lasting(versions), len(versions) - 1):
        begin, texts = start, [version.text_sha256 for version in versions[start : end + 1]]
        if len(set(texts)) < len(texts):  # else nothing comes back
            for first, last in _iter_flapping(texts):
                yield begin + first, begin + last
                start = begin + last + 1
        start = max(start, end)


def _iter_lasting(versions: Sequence[Version]) -> Iterator[int]:
    """Yield the indexes of versions between others that stood for more than a month."""
    for index in range(1, len(versions) - 1):
        # from the capture before it to the one after it
        stood = seconds_between(versions[index - 1].last.timestamp, versions[index + 1].first.timestamp)
        if stood > BRIEF_DAYS * DAY_SECONDS:
            yield index


def _iter_flapping(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield first and last index of each stretch in texts that were all brief."""
    following = _find_following(texts)
    deficits = _Deficits(texts)
    start = 0
    for index, next_same in enumerate(following):
        if index >= start and next_same is not None:
            last = deficits.find_last()
            # three texts of which one came back are a change that was undone
            if last is not None and last >= max(next_same, index + 3):
                yield index, last
                start = last + 1
        deficits.leave(index, next_same)


def _find_following(texts: Sequence[str]) -> list[int | None]:
    """Return for each text the index at which it comes again."""
    following: list[int | None] = [None] * len(texts)
    seen: dict[str, int] = {}
    for index, text in enumerate(texts):
        if text in seen:
            following[seen[text]] = index
        seen[text] = index
    return following


class _Deficits:
    """How many returns each stretch from one start lacks: 2 * texts - versions - 1, for every end at once.

    To try all ends for all starts is quadratic, and pages that change daily have thousands of versions. A
    start that is left changes all ends before its text's return by -1 and those after it by +1, so that a
    tree whose nodes hold the least deficit below them answers in logarithmic time.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._size = 1 << max(len(texts) - 1, 1).bit_length()
        self._sums = [0] * (2 * self._size)
        """Of the differences below a node: an end's deficit is the sum from its leaf to the last one."""
        self._least: list[float] = [inf] * (2 * self._size)
        """Least sum from a leaf below to the node's last one, over the ends whose text is a return."""
        self._added = 0
        """To all deficits."""
        self._last_leaf = self._size + len(texts) - 1
        self._fill(texts)

    def _fill(self, texts: Sequence[str]) -> None:
        seen: set[str] = set()
        before: int | None = None
        for index, text in enumerate(texts):
            is_return = text in seen
            seen.add(text)
            deficit = 2 * len(seen) - (index + 1) - 1
            leaf = self._size + index
            if before is not None:
                self._sums[leaf - 1] = before - deficit
            self._sums[leaf] = before = deficit
            self._least[leaf] = 0.0 if is_return else inf
        for leaf in range(self._size, 2 * self._size):
            if self._least[leaf] == 0.0:
                self._least[leaf] = self._sums[leaf]
        for node in range(self._size - 1, 0, -1):
            self._join(node)

    def _join(self, node: int) -> None:
        left, right = 2 * node, 2 * node + 1
        self._sums[node] = self._sums[left] + self._sums[right]
        self._least[node] = min(self._least[right], self._least[left] + self._sums[right])

    def _update(self, leaf: int) -> None:
        node = leaf // 2
        while node:
            self._join(node)
            node //= 2

    def leave(self, index: int, next_same: int | None) -> None:
        """Make the version after `index` the start; `next_same` is where its text comes again."""
        self._added += 1
        leaf = self._last_leaf if next_same is None else self._size + next_same - 1
        self._sums[leaf] -= 2
        self._least[leaf] -= 2
        self._update(leaf)
        if next_same is not None:
            self._least[leaf + 1] = inf  # no return any more: it is the first of its text
            self._update(leaf + 1)

    def find_last(self) -> int | None:
        """Return the last end that is a return and lacks none, None when there is none."""
        if self._least[1] + self._added > 0:
            return None
        node, after = 1, self._added
        while node < self._size:
            node = 2 * node + 1
            if self._least[node] + after > 0:
                after += self._sums[node]
                node -= 1
        return node - self._size
