"""Pages that stand in a policy's place: errors, walls, parked domains, the archive's own words."""

from __future__ import annotations

from dataclasses import dataclass

from lxml.html import HtmlElement

from policy_archive.pipelines.judging.features import Page, prose_of, score_notices
from policy_archive.pipelines.judging.lexicon import lexical_length

_HINTS = {"parking-company": "parked", "login": "wall"}
"""Wordings that speak for a class of notices where nothing speaks for a policy."""
_LONG_WORDS = 600
"""A notice is shorter, a menu included; what is longer has something else to say."""
_CERTAIN_SCORE = 3.0
"""Of a page without text: nothing speaks for anything else."""
_EMPTY_WORDS = 12


@dataclass(frozen=True, kw_only=True)
class Notice:
    """What a page seems to be instead of a policy."""

    page_class: str
    score: float
    """1 for one wording in the text; a wording in the title counts double."""
    words: float


def find_notice(page: Page, *, asks_for_password: bool, reads_like_policy: bool = False) -> Notice | None:
    """Return the notice that a page is, or None if it says nothing of the kind or is too long for one.

    In a text that reads like a policy, the name of a parking company and the words of a login show
    nothing: the one may be the site's host, the others stand in every policy of a site with accounts.
    """
    words = lexical_length(prose_of(page.text))
    scores = dict(score_notices(page))
    for hint, page_class in _HINTS.items():
        score = scores.pop(hint, 0.0)
        if score and (not reads_like_policy or (page_class == "wall" and asks_for_password)):
            scores[page_class] = scores.get(page_class, 0.0) + score
    if asks_for_password:
        scores["wall"] = scores.get("wall", 0.0) + 1.5
    scores = {name: score for name, score in scores.items() if name != "empty"} or scores
    if not scores and words < _EMPTY_WORDS:
        return Notice(page_class="empty", score=_CERTAIN_SCORE, words=words)
    if not scores or words > _LONG_WORDS:
        return None
    page_class = max(scores, key=lambda name: (name == "archive-message", scores[name]))
    return Notice(page_class=page_class, score=scores[page_class], words=words)


def asks_for_password(tree: HtmlElement) -> bool:
    """Return whether a page has a field for a password."""
    return bool(tree.xpath("boolean(//input[translate(@type,'PASWORD','pasword')='password'])"))
