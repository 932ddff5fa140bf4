"""Whether two readers' texts, which are never the same, changed by the same words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from policy_archive.pipelines.text import cut_targets, is_word, split_tokens

Difference = Counter[tuple[str, str, str]]
"""What went (below 0) and came between two texts: words with their neighbours, how many times."""

SAME_SHARE = 0.6
"""Of a difference in another one, from which on it is told there: readers part lines and leave out headings
otherwise, so that neighbours of what changed are not the same for all."""


def find_difference(old: str, new: str) -> Difference:
    """Return what changed from one text to another, wherever it stands; marks and addresses do not count.

    >>> sorted(find_difference("We keep it.", "We **sell** it.").items())  # doctest: +NORMALIZE_WHITESPACE
    [(('', 'we', 'keep'), -1), (('', 'we', 'sell'), 1), (('keep', 'it', ''), -1), (('sell', 'it', ''), 1),
     (('we', 'keep', 'it'), -1), (('we', 'sell', 'it'), 1)]
    """
    difference = Counter(_iter_triples(new))
    difference.subtract(_iter_triples(old))
    return Counter({triple: number for triple, number in difference.items() if number})


def measure_part(one: Difference, other: Difference) -> float:
    """Return which share of the first is in the second, from 0 to 1; of none that changed, nothing is.

    >>> one, both = find_difference("a b c d e", "x b c d e"), find_difference("a b c d e", "x b c d y")
    >>> measure_part(one, both), measure_part(both, one), measure_part(one, find_difference("a", "a"))
    (1.0, 0.5, 0.0)
    """
    whole = sum(map(abs, one.values()))
    common = sum(
        min(abs(number), abs(other[triple])) for triple, number in one.items() if number * other[triple] > 0
    )
    return common / whole if whole else 0.0


def _iter_triples(text: str) -> Iterator[tuple[str, str, str]]:
    words = [
        "",
        *(token.strip().casefold() for token in split_tokens(cut_targets(text)) if is_word(token)),
        "",
    ]
    return zip(words, words[1:], words[2:], strict=False)
