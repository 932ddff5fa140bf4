"""Pages that stand in a policy's place: errors, walls, parked domains, the archive's own words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from lxml.html import HtmlElement

from policy_archive.crawler.core.vocabularies import PageClass
from policy_archive.pipelines.judging.features import Page, prose_of, score_notices
from policy_archive.pipelines.judging.lexicon import lexical_length

_HINTS = {page_class.hint: page_class for page_class in PageClass if page_class.hint}
_SMALL = str.maketrans("PASWORD", "pasword")
_LONG_WORDS = 600
"""A notice is shorter, a menu included; what is longer has something else to say."""
_CERTAIN_SCORE = 3.0
"""Of a page without text: nothing speaks for anything else."""
_EMPTY_WORDS = 12


@dataclass(frozen=True, kw_only=True)
class Notice:
    """What a page seems to be instead of a policy."""

    page_class: PageClass
    score: float
    """1 for one wording in the text; a wording in the title counts double."""
    words: float


def find_notice(page: Page, *, asks_for_password: bool, reads_like_policy: bool = False) -> Notice | None:
    """Return the notice that a page is, or None if it says nothing of the kind or is too long for one.

    In a text that reads like a policy, the name of a parking company and the words of a login show
    nothing: the one may be the site's host, the others stand in every policy of a site with accounts.
    """
    words = lexical_length(prose_of(page.text))
    scores = _score_classes(page, asks_for_password=asks_for_password, reads_like_policy=reads_like_policy)
    if not scores and words < _EMPTY_WORDS:
        return Notice(page_class=PageClass.EMPTY, score=_CERTAIN_SCORE, words=words)
    if not scores or words > _LONG_WORDS:
        return None
    page_class = max(scores, key=lambda each: (each is PageClass.ARCHIVE_MESSAGE, scores[each]))
    return Notice(page_class=page_class, score=scores[page_class], words=words)


def _score_classes(
    page: Page, *, asks_for_password: bool, reads_like_policy: bool
) -> Mapping[PageClass, float]:
    """Return how much speaks for each class of notices."""
    counted = score_notices(page)
    scores: dict[PageClass, float] = defaultdict(float)
    scores |= {PageClass(name): score for name, score in counted.items() if name not in _HINTS}
    for hint, page_class in _HINTS.items():
        score = counted.get(hint, 0.0)
        if score and (not reads_like_policy or (page_class is PageClass.WALL and asks_for_password)):
            scores[page_class] += score
    if asks_for_password:
        scores[PageClass.WALL] += 1.5
    if len(scores) > 1:
        scores.pop(PageClass.EMPTY, None)  # whatever else is said says more
    return scores


def asks_for_password(tree: HtmlElement) -> bool:
    """Return whether a page has a field for a password."""
    return any((field.get("type") or "").translate(_SMALL) == "password" for field in tree.iter("input"))
