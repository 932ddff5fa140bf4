"""What a page is: a policy and of which kind, or what stands in its place."""

from __future__ import annotations

from lxml.html import HtmlElement

from crawler.records import Extraction, Kind, Verdict
from pipelines.judging.features import Page, measure
from pipelines.judging.lexicon import load_lexicon
from pipelines.judging.notices import Notice, find_notice
from pipelines.judging.weights import load_weights

POLICY_THRESHOLD = 0.75
"""Probability from which a page is called a policy; bench/judge.py prints what it gives."""
_WORDS_A_WORDING = 150
"""A page that is no policy is a notice if it has one of its wordings for so many words."""
_WORDS_A_WORDING_OF_POLICY = 30
"""The same of a page that reads like a policy: terms speak of passwords, a consent wall of cookies."""
_INDEX_LINKED = 0.7
"""Share of the text in links from which a page lists policies and is none."""
_NO_POLICY = "none"


def judge_page(extraction: Extraction, *, tree: HtmlElement | None, url: str) -> Verdict:
    """Return what a page is, judged by its extracted text, its title, its address and, if given, its tree.

    Never raises. `probability` is the model's for policies and for `other`; of notices it grows with
    the number of their wordings found.
    """
    page = Page(title=extraction.title, text=extraction.text, url=url)
    features = measure(page, load_lexicon("policy_concepts"))
    odds = load_weights().weigh(features)
    policy = 1.0 - odds[_NO_POLICY]
    notice = find_notice(page, tree)
    if notice is not None and _outweighs(notice, policy):
        return _notice_verdict(notice)
    if policy < POLICY_THRESHOLD:
        return Verdict(
            page_class="other", kind=None, probability=1.0 - policy, reason="does not read like a policy"
        )
    if features["linked"] >= _INDEX_LINKED:
        return Verdict(
            page_class="other", kind=None, probability=features["linked"], reason="a list of links"
        )
    kind = max((name for name in odds if name != _NO_POLICY), key=odds.__getitem__)
    reason = f"reads like a {kind} policy ({odds[kind] / policy:.2f} of its kind)"
    return Verdict(page_class="policy", kind=Kind(kind), probability=policy, reason=reason)


def _outweighs(notice: Notice, policy: float) -> bool:
    """Tell whether a notice is to be believed against the model, which does not know notices."""
    if notice.page_class in ("archive-message", "empty"):
        return True
    rarity = _WORDS_A_WORDING if policy < POLICY_THRESHOLD else _WORDS_A_WORDING_OF_POLICY
    return notice.score >= max(1.0, notice.words / rarity)


def _notice_verdict(notice: Notice) -> Verdict:
    probability = 1.0 - 0.5 ** (1.0 + notice.score)
    reason = f"{notice.words:.0f} words that read like: {notice.page_class}"
    return Verdict(page_class=notice.page_class, kind=None, probability=probability, reason=reason)
