"""Pages that stand in a policy's place: errors, walls, parked domains, the archive's own words."""

from __future__ import annotations

from dataclasses import dataclass

from lxml.html import HtmlElement

from pipelines.judging.features import Page, prose_of
from pipelines.judging.lexicon import count_words, load_lexicon

_NOTICES = "page_notices"
_BEGINNING = 2_500
"""Characters in which a notice says what it is."""
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


def find_notice(page: Page, *, asks_for_password: bool) -> Notice | None:
    """Return the notice that a page is, or None if it says nothing of the kind or is too long for one."""
    words = count_words(prose_of(page.text))
    scores = _score_classes(page)
    if asks_for_password:
        scores["wall"] = scores.get("wall", 0.0) + 1.5
    if not scores and words < _EMPTY_WORDS:
        return Notice(page_class="empty", score=_CERTAIN_SCORE, words=words)
    if not scores or words > _LONG_WORDS:
        return None
    page_class = max(scores, key=lambda name: (name == "archive-message", scores[name]))
    return Notice(page_class=page_class, score=scores[page_class], words=words)


def _score_classes(page: Page) -> dict[str, float]:
    lexicon = load_lexicon(_NOTICES)
    in_title = lexicon.count(page.title)
    in_text = lexicon.count(prose_of(page.text)[:_BEGINNING])
    scores = {name: 2.0 * in_title[name] + in_text[name] for name in in_title | in_text}
    return {name: score for name, score in scores.items() if name != "empty"} or scores


def asks_for_password(tree: HtmlElement) -> bool:
    """Tell whether a page has a field for a password."""
    return bool(tree.xpath("boolean(//input[translate(@type,'PASWORD','pasword')='password'])"))
