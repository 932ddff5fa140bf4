"""Two texts → what was added, removed, changed and moved: lines first, then words inside changed lines.

The longest common subsequence is rapidfuzz's: difflib needs 0.9 s for two texts of 6 KB.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from itertools import groupby, takewhile

from policy_archive.pipelines.text import count_words, is_word, split_tokens, split_whole

MOST_COMPARISONS = 10**9
"""Lines times lines, or tokens times tokens, that are compared at once; their bit matrix has 125 MB then."""
MOST_CHARACTERS = 2_000_000
MOST_LINES = 200_000
"""Of two texts together, some twenty times the longest pair of policies; more are compared coarsely. Up to
here the worst texts take seconds, and every line some hundred bytes."""
_ALIKE_SHARE = 0.5
"""Two lines are one line changed when half of the longer one's words stayed."""
_MOVED_WORDS = 4
"""A line of fewer words that is gone here and new there moved by chance."""


class LineKind(StrEnum):
    SAME = "same"
    CHANGED = "changed"
    ADDED = "added"
    REMOVED = "removed"
    MOVED_AWAY = "moved-away"
    """Stands elsewhere in the new text."""
    MOVED_HERE = "moved-here"
    """Stood elsewhere in the old text."""


@dataclass(frozen=True, kw_only=True)
class Span:
    """A stretch of one line."""

    text: str
    changed: bool
    """Removed if it is of the old line, added if it is of the new one."""


@dataclass(frozen=True, kw_only=True)
class DiffLine:
    """A line of either text or of both. Blank lines are left out."""

    kind: LineKind
    old_number: int | None
    """Line number in the old text, from 1; None when it has no such line."""
    new_number: int | None
    old: tuple[Span, ...]
    new: tuple[Span, ...]


@dataclass(frozen=True, kw_only=True)
class Hunk:
    """Lines to show together, and how many equal ones are left out before them."""

    folded: int
    lines: tuple[DiffLine, ...]


@dataclass(frozen=True, kw_only=True)
class Diff:
    lines: tuple[DiffLine, ...]
    words_added: int
    """Words in the new text and not in the old, moved lines aside."""
    words_removed: int
    words_old: int
    words_new: int
    is_coarse: bool = False
    """The texts are too long to be compared by lines: of what is between their equal ends all changed."""

    @cached_property
    def is_equal(self) -> bool:
        return all(line.kind is LineKind.SAME for line in self.lines)

    def fold(self, context: int = 2) -> list[Hunk]:
        """Return the changed lines with `context` equal ones around them; a last hunk may hold no line."""
        shown = _near_changes(self.lines, context)
        hunks, folded = [], 0
        for is_shown, group in groupby(zip(self.lines, shown, strict=True), key=lambda pair: pair[1]):
            lines = tuple(line for line, _ in group)
            if is_shown:
                hunks.append(Hunk(folded=folded, lines=lines))
            folded = 0 if is_shown else len(lines)
        return [*hunks, Hunk(folded=folded, lines=())] if folded else hunks


@dataclass(frozen=True, kw_only=True)
class _Line:
    number: int
    text: str

    @property
    def key(self) -> str:
        return " ".join(self.text.split())


def diff_texts(old: str, new: str) -> Diff:
    """Return the difference of two texts, white space and blank lines aside."""
    if len(old) + len(new) > MOST_CHARACTERS or old.count("\n") + new.count("\n") > MOST_LINES:
        return diff_coarsely(old, new)
    old_lines, new_lines = _split_lines(old), _split_lines(new)
    stretches = list(_iter_stretches(old_lines, new_lines))
    moved = _find_moved([stretch for stretch in stretches if not stretch[0]])
    lines: list[DiffLine] = []
    added = removed = 0
    for equal, before, after in stretches:
        if equal:
            lines += [_same(*pair) for pair in zip(before, after, strict=True)]
        else:
            stretch = _compare_stretch(before, after, moved)
            lines += stretch.lines
            added, removed = added + stretch.words_added, removed + stretch.words_removed
    return Diff(
        lines=tuple(lines),
        words_added=added,
        words_removed=removed,
        words_old=count_words(old),
        words_new=count_words(new),
    )


def diff_coarsely(old: str, new: str) -> Diff:
    """Return the difference as blocks: the same lines before, all that changed, the same lines behind."""
    before, after = old.split("\n"), new.split("\n")
    start = _count_same(zip(before, after, strict=False))
    rest = min(len(before), len(after)) - start
    end = min(rest, _count_same(zip(reversed(before), reversed(after), strict=False)))
    gone = _block(before, start, len(before) - end)
    come = _block(after, start, len(after) - end)
    last = _same_blocks(
        _block(before, len(before) - end, len(before)), _block(after, len(after) - end, len(after))
    )
    still = _Moved(old=frozenset(), new=frozenset())
    lines = [*_same_blocks(_block(before, 0, start), _block(after, 0, start))]
    lines += [_gone(line, still) for line in gone] + [_come(line, still) for line in come]
    return Diff(
        lines=(*lines, *last),
        words_added=_count(come),
        words_removed=_count(gone),
        words_old=count_words(old),
        words_new=count_words(new),
        is_coarse=True,
    )


def _count_same(pairs: Iterable[tuple[str, str]]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _block(lines: Sequence[str], start: int, end: int) -> list[_Line]:
    """Return lines as one, none when nothing stands in them."""
    text = "\n".join(lines[start:end])
    return [_Line(number=start + 1, text=text)] if text and not text.isspace() else []


def _same_blocks(old: Sequence[_Line], new: Sequence[_Line]) -> list[DiffLine]:
    return [_same(*pair) for pair in zip(old, new, strict=True)]


def _split_lines(text: str) -> list[_Line]:
    return [
        _Line(number=number, text=line)
        for number, line in enumerate(text.split("\n"), start=1)
        if line and not line.isspace()
    ]


_Stretch = tuple[bool, Sequence[_Line], Sequence[_Line]]


def _iter_stretches(old: Sequence[_Line], new: Sequence[_Line]) -> Iterator[_Stretch]:
    """Yield (equal, old lines, new lines) in order; neighbouring changes are one stretch."""
    operations = iter_operations([line.key for line in old], [line.key for line in new])
    for equal, group in groupby(operations, key=lambda operation: operation.equal):
        parts = list(group)
        first, last = parts[0], parts[-1]
        yield equal, old[first.old_start : last.old_end], new[first.new_start : last.new_end]


@dataclass(frozen=True, kw_only=True)
class Operation:
    """Items of two sequences, from start to before end, that are the same or not."""

    equal: bool
    old_start: int
    old_end: int
    new_start: int
    new_end: int


def iter_operations(old: Sequence[str], new: Sequence[str]) -> Iterator[Operation]:
    """Yield what became of each item, in order.

    Sequences too long to be compared as a whole are cut at items that each has exactly once; a piece
    that is too long even so is changed as a whole.
    """
    if len(old) * len(new) <= MOST_COMPARISONS:
        yield from _operations_within(old, new, 0, 0)
        return
    i = j = 0
    for next_i, next_j in [*_find_anchors(old, new), (len(old), len(new))]:
        piece, other = old[i:next_i], new[j:next_j]
        if len(piece) * len(other) <= MOST_COMPARISONS:
            yield from _operations_within(piece, other, i, j)
        else:
            yield Operation(equal=False, old_start=i, old_end=next_i, new_start=j, new_end=next_j)
        i, j = next_i, next_j


def _operations_within(
    old: Sequence[str], new: Sequence[str], old_start: int, new_start: int
) -> Iterator[Operation]:
    from rapidfuzz.distance import Indel  # 0.05 s, which commands that compare nothing need not pay

    for operation in Indel.opcodes(old, new):
        yield Operation(
            equal=operation.tag == "equal",
            old_start=old_start + operation.src_start,
            old_end=old_start + operation.src_end,
            new_start=new_start + operation.dest_start,
            new_end=new_start + operation.dest_end,
        )


def _find_anchors(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """Return places of items that both sequences have once: the longest row of them that keeps its order."""
    once_old, once_new = ({key for key, n in Counter(side).items() if n == 1} for side in (old, new))
    places = {key: j for j, key in enumerate(new) if key in once_new}
    pairs = [(i, places[key]) for i, key in enumerate(old) if key in once_old and key in places]
    ends: list[int] = []  # ends[n]: the smallest place at which a row of n + 1 pairs ends
    last: list[int] = []  # last[n]: that pair
    before: list[int] = []  # before[p]: the pair that stands before pair p in its row
    for index, (_, j) in enumerate(pairs):
        length = bisect_left(ends, j)
        before.append(last[length - 1] if length else -1)
        ends[length : length + 1] = [j]
        last[length : length + 1] = [index]
    row, at = [], last[-1] if last else -1
    while at >= 0:
        row.append(pairs[at])
        at = before[at]
    return row[::-1]


@dataclass(frozen=True, kw_only=True)
class _Moved:
    """Numbers of the lines that stand elsewhere, as many on either side: words gone here came there."""

    old: frozenset[int]
    new: frozenset[int]


def _find_moved(stretches: Sequence[_Stretch]) -> _Moved:
    """Return the lines that are gone in one place and new in another, each as often as on the other side."""
    gone = [line for _, before, _ in stretches for line in before]
    come = [line for _, _, after in stretches for line in after]
    both = Counter(line.key for line in gone) & Counter(line.key for line in come)
    times = {key: number for key, number in both.items() if count_words(key) >= _MOVED_WORDS}
    return _Moved(old=_first(gone, times), new=_first(come, times))


def _first(lines: Iterable[_Line], times: Mapping[str, int]) -> frozenset[int]:
    left = dict(times)
    found = []
    for line in lines:
        if left.get(line.key):
            left[line.key] -= 1
            found.append(line.number)
    return frozenset(found)


@dataclass(frozen=True, kw_only=True)
class _Compared:
    lines: list[DiffLine]
    words_added: int
    words_removed: int


def _compare_stretch(before: Sequence[_Line], after: Sequence[_Line], moved: _Moved) -> _Compared:
    """Return a changed stretch line by line, and its words added and removed."""
    stayed_before = [line for line in before if line.number not in moved.old]
    stayed_after = [line for line in after if line.number not in moved.new]
    matches = _match_tokens(_tokens_of(stayed_before), _tokens_of(stayed_after))
    pairs = _pair_lines(stayed_before, stayed_after, matches)
    return _Compared(
        lines=list(_iter_lines(before, after, pairs, moved)),
        words_added=_count(stayed_after) - matches.words,
        words_removed=_count(stayed_before) - matches.words,
    )


def _count(lines: Sequence[_Line]) -> int:
    return sum(count_words(line.text) for line in lines)


_Token = tuple[int, str]


def _tokens_of(lines: Sequence[_Line]) -> list[_Token]:
    """Return (index of its line, token) for every word and mark, trailing space cut."""
    return [(index, token.strip()) for index, line in enumerate(lines) for token in split_tokens(line.text)]


@dataclass(frozen=True, kw_only=True)
class _Matches:
    by_lines: Counter[tuple[int, int]]
    """How many words of line i stand in line j."""
    words: int


def _match_tokens(before: Sequence[_Token], after: Sequence[_Token]) -> _Matches:
    by_lines: Counter[tuple[int, int]] = Counter()
    if before and after and len(before) * len(after) <= MOST_COMPARISONS:
        from rapidfuzz.distance import Indel

        for operation in Indel.opcodes([token for _, token in before], [token for _, token in after]):
            if operation.tag == "equal":
                old = before[operation.src_start : operation.src_end]
                new = after[operation.dest_start : operation.dest_end]
                by_lines.update((i, j) for (i, token), (j, _) in zip(old, new, strict=True) if is_word(token))
    return _Matches(by_lines=by_lines, words=by_lines.total())


def _pair_lines(before: Sequence[_Line], after: Sequence[_Line], matches: _Matches) -> dict[int, _Line]:
    """Return for the number of an old line the new line that it became; crossing pairs cannot be."""
    pairs: dict[int, _Line] = {}
    last = -1
    best: dict[int, tuple[int, int]] = {}
    for (i, j), words in matches.by_lines.items():
        best[i] = max(best.get(i, (0, 0)), (words, j))
    for i, (shared, j) in sorted(best.items()):
        longer = max(count_words(before[i].text), count_words(after[j].text))
        if j > last and shared >= _ALIKE_SHARE * longer:
            pairs[before[i].number] = after[j]
            last = j
    return pairs | _pair_rest(before, after, pairs)


def _pair_rest(
    before: Sequence[_Line], after: Sequence[_Line], pairs: Mapping[int, _Line]
) -> dict[int, _Line]:
    """Return further pairs: of lines left over between two pairs those that are alike, commas and all.

    A date that changed leaves less than half of its line's words, and is no other line.
    """
    places = {line.number: j for j, line in enumerate(after)}
    chosen = [(i, places[pairs[line.number].number]) for i, line in enumerate(before) if line.number in pairs]
    found: dict[int, _Line] = {}
    i = j = 0
    for next_i, next_j in [*chosen, (len(before), len(after))]:
        gone, come = before[i:next_i], after[j:next_j]
        tokens = [[_said(line) for line in side] for side in (gone, come)]
        for first, second in pair_alike(*tokens, least=_ALIKE_SHARE):
            found[gone[first].number] = come[second]
        i, j = next_i + 1, next_j + 1
    return found


def _said(line: _Line) -> list[str]:
    """Return a line's words and marks but for Markdown's: two headings are not alike for being such."""
    return [token for token in split_tokens(line.text) if token.strip() not in _DRAWN]


_DRAWN = frozenset("#*_>-+|`\\")
_MOST_PAIRS = 10_000
_MOST_TOKEN_PAIRS = 10**8
"""Sequences times sequences, and all tokens times all tokens, that are held against each other."""


def pair_alike(
    before: Sequence[Sequence[str]], after: Sequence[Sequence[str]], *, least: float
) -> list[tuple[int, int]]:
    """Return (i, j) of sequences of tokens that are one sequence changed, both in order.

    Of all pairs that keep the order those that are most alike in sum; each has at least the share `least`
    of both sides' tokens in common. Too many to be compared have none.
    """
    tokens = [[[token.strip() for token in one] for one in side] for side in (before, after)]
    sizes = [sum(map(len, side)) for side in tokens]
    if not 0 < len(before) * len(after) <= _MOST_PAIRS or sizes[0] * sizes[1] > _MOST_TOKEN_PAIRS:
        return []
    from rapidfuzz.distance import Indel

    alike = [
        [Indel.normalized_similarity(old, new, score_cutoff=least) for new in tokens[1]] for old in tokens[0]
    ]
    return _choose_in_order(alike)


def _choose_in_order(scores: Sequence[Sequence[float]]) -> list[tuple[int, int]]:
    """Return the pairs of rows and columns, each used once and in order, with the greatest sum of scores."""
    rows, columns = len(scores), len(scores[0])
    best = [[0.0] * (columns + 1) for _ in range(rows + 1)]
    for i in range(rows - 1, -1, -1):
        for j in range(columns - 1, -1, -1):
            taken = best[i + 1][j + 1] + scores[i][j]
            best[i][j] = max(best[i + 1][j], best[i][j + 1], taken)
    pairs, i, j = [], 0, 0
    while i < rows and j < columns:
        if best[i][j] == best[i + 1][j]:
            i += 1
        elif best[i][j] == best[i][j + 1]:
            j += 1
        else:
            pairs.append((i, j))
            i, j = i + 1, j + 1
    return pairs


def _iter_lines(
    before: Sequence[_Line], after: Sequence[_Line], pairs: dict[int, _Line], moved: _Moved
) -> Iterator[DiffLine]:
    position = 0
    for line in before:
        partner = pairs.get(line.number)
        if partner is None:
            yield _gone(line, moved)
            continue
        while after[position].number < partner.number:
            yield _come(after[position], moved)
            position += 1
        yield _changed(line, partner)
        position += 1
    for line in after[position:]:
        yield _come(line, moved)


def _same(old: _Line, new: _Line) -> DiffLine:
    return DiffLine(
        kind=LineKind.SAME,
        old_number=old.number,
        new_number=new.number,
        old=(Span(text=old.text, changed=False),),
        new=(Span(text=new.text, changed=False),),
    )


def _gone(line: _Line, moved: _Moved) -> DiffLine:
    kind = LineKind.MOVED_AWAY if line.number in moved.old else LineKind.REMOVED
    return DiffLine(
        kind=kind, old_number=line.number, new_number=None, old=(Span(text=line.text, changed=True),), new=()
    )


def _come(line: _Line, moved: _Moved) -> DiffLine:
    kind = LineKind.MOVED_HERE if line.number in moved.new else LineKind.ADDED
    return DiffLine(
        kind=kind, old_number=None, new_number=line.number, old=(), new=(Span(text=line.text, changed=True),)
    )


def _changed(old: _Line, new: _Line) -> DiffLine:
    before, after = split_whole(old.text), split_whole(new.text)
    operations = list(
        iter_operations([piece.strip() for piece in before], [piece.strip() for piece in after])
    )
    old_spans = [
        Span(text="".join(before[op.old_start : op.old_end]), changed=not op.equal) for op in operations
    ]
    new_spans = [
        Span(text="".join(after[op.new_start : op.new_end]), changed=not op.equal) for op in operations
    ]
    return DiffLine(
        kind=LineKind.CHANGED,
        old_number=old.number,
        new_number=new.number,
        old=tuple(span for span in old_spans if span.text),
        new=tuple(span for span in new_spans if span.text),
    )


def _near_changes(lines: Sequence[DiffLine], context: int) -> list[bool]:
    shown = [False] * len(lines)
    for index, line in enumerate(lines):
        if line.kind is not LineKind.SAME:
            start = max(index - context, 0)
            shown[start : index + context + 1] = [True] * len(lines[start : index + context + 1])
    return shown
