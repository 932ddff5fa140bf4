"""What a page is: a policy and of which kind, or what stands in its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lxml.html import HtmlElement

from policy_archive.crawler.core.cache import remembered
from policy_archive.crawler.core.records import POLICY_KINDS, Extraction, Kind, Verdict
from policy_archive.crawler.core.vocabularies import PageClass
from policy_archive.crawler.discovery.words import fold, match_name
from policy_archive.pipelines.judging.features import (
    Page,
    iter_sections,
    label_group,
    linked_share,
    named_kinds,
    other_group,
    prose_of,
)
from policy_archive.pipelines.judging.lexicon import lexical_length
from policy_archive.pipelines.judging.likeness import is_nearly
from policy_archive.pipelines.judging.model import NO_POLICY, Model, load_model, weigh_page
from policy_archive.pipelines.judging.notices import Notice, asks_for_password, find_notice

POLICY_THRESHOLD = 0.6
"""Probability from which a page is called a policy; bench/judge.py prints what it gives."""
DOUBTFUL = 0.2
"""Probability by the text from which it is in doubt, and what is known beside it counts. Below, the text says
clearly that it is none; above the threshold nothing more is needed."""
NAME_LIKELIHOOD_RATIO = 6.0
"""The same of such a page whose title or heading is the name of the kind expected.

Three in four real policies are so named, none of 200 other pages, but errors, forms and settings at the
address of a policy are; bench/judge.py prints what comes of it.
"""
_NAMEABLE_WORDS = 40
"""Words outside of menus from which a page's name speaks for it."""
_SURE_NAME = 0.75
"""Strength from which a label is a name and not a sentence that holds one."""
_BARE_NAME = 0.9
"""Strength of a name with nothing of its own beside it."""
_PART_WORDS = 25
"""Words of a page's part from which it may be a policy."""
_CLEAR_KIND = 0.8
"""Share of the policies' probability from which a kind is believed against the one expected."""
_WORDS_A_WORDING = 150
"""A page that is no policy is a notice if it has one of its wordings for so many words."""
_WORDS_A_WORDING_OF_POLICY = 30
"""The same of a page that reads like a policy (terms speak of passwords), and of one that is but loading."""
_INDEX_LINKED = 0.7
"""Share of the text in links from which a page lists policies and is none."""


HOME_TITLE_LIKELIHOOD_RATIO = 0.5
"""How much likelier a policy is on a page with the title of the site's home page of that time: sites give all
their pages one title, so it is but a hint, and turns only what is near the threshold."""
AS_HOME = "nearly the text of the site's home page of that time"
TITLED_AS_HOME = "in doubt, and under the title of the site's home page of that time"
_SAME_AS_HOME = 0.99
"""Probability of no policy where the home page says the same."""
_ADDENDA = frozenset({"data-processing", "user-consent"})
"""Groups of `other` that read like privacy policies and bind others: customers, publishers, advertisers."""


def judge_page(
    extraction: Extraction,
    *,
    tree: HtmlElement | None,
    url: str,
    expected: Kind | None = None,
    home_text: str | Callable[[], str] = "",
    home_title: str | Callable[[], str] = "",
) -> Verdict:
    """Return what a page is, judged by its extracted text, its title, its address and, if given, its tree.

    `expected` is the kind that the page was found as, by its address or a link: something speaks for a
    policy then, where the text leaves it in doubt, and another kind must be clear. The address of a page
    that nobody sought names what a policy of kind `other` is, never that it is one. `home_text` is the
    Markdown of the site's home page of that time, `home_title` its title: what is nearly the same text is
    no policy, an equal title is a hint. Both may be given to be asked for, which only a page that reads
    like a policy makes worth it; '' where none is known. Never raises. `probability` is the model's for
    policies and for `other`; of notices it grows with the number of their wordings found.
    """
    asks = tree is not None and asks_for_password(tree)
    verdict = _judge(extraction.text, extraction.title, url, expected, asks)
    return hold_against_home(verdict, extraction, home_text=home_text, home_title=home_title)


def hold_against_home(
    verdict: Verdict,
    extraction: Extraction,
    *,
    home_text: str | Callable[[], str] = "",
    home_title: str | Callable[[], str] = "",
) -> Verdict:
    """Return what a page is, given what it was judged to be without its home page, and that page."""
    if verdict.page_class is not PageClass.POLICY:
        return verdict
    home = _ask(home_text)
    if home and is_nearly(extraction.text, home):
        return _other_verdict(_SAME_AS_HOME, AS_HOME)
    if _has_title(extraction, _ask(home_title)):
        policy = _make_likelier(verdict.probability, HOME_TITLE_LIKELIHOOD_RATIO)
        if policy < POLICY_THRESHOLD:
            return _other_verdict(1.0 - policy, TITLED_AS_HOME)
    return verdict


def _ask(known: str | Callable[[], str]) -> str:
    return known if isinstance(known, str) else known()


def _has_title(extraction: Extraction, title: str) -> bool:
    return bool(title.strip()) and fold(extraction.title) == fold(title)


@remembered(64)
def _judge(text: str, title: str, url: str, expected: Kind | None, asks_for_password: bool) -> Verdict:
    page = Page(title=title, text=text, url=url)
    return judge_text(page, load_model(), expected=expected, asks_for_password=asks_for_password)


def judge_text(
    page: Page, model: Model, *, expected: Kind | None = None, asks_for_password: bool = False
) -> Verdict:
    """Return what a page is by a model, nothing known of its site; bench/judge.py asks models of its own."""
    probabilities = weigh_page(page, model)
    by_text = 1.0 - probabilities[NO_POLICY]
    policy = by_text if expected is None else add_evidence(by_text, page, expected)
    likely = policy >= POLICY_THRESHOLD
    notice = find_notice(page, asks_for_password=asks_for_password, reads_like_policy=likely)
    if notice is not None and _outweighs(notice, policy):
        return _notice_verdict(notice)
    if policy < POLICY_THRESHOLD:
        return _other_verdict(1.0 - policy, "does not read like a policy")
    linked = linked_share(page.text)
    if linked >= _INDEX_LINKED:
        return _other_verdict(linked, "a list of links")
    kind, reason = _choose_kind(probabilities, page, expected, model)
    return Verdict(page_class=PageClass.POLICY, kind=kind, probability=policy, reason=reason)


def add_evidence(by_text: float, page: Page, expected: Kind) -> float:
    """Return the probability of a policy, given that discovery led here and what the page calls itself.

    It counts only where the text is in doubt: nothing lifts what does not read like a policy at all. A
    name with hardly a sentence below it proves nothing: an error at a policy's address bears it, too.
    """
    if by_text < DOUBTFUL:
        return by_text
    named = _calls_itself(page, expected) or label_group(page) in _ADDENDA
    if not named or lexical_length(prose_of(page.text)) < _NAMEABLE_WORDS:
        return by_text
    return _make_likelier(by_text, NAME_LIKELIHOOD_RATIO)


def _make_likelier(probability: float, ratio: float) -> float:
    weight = ratio * probability
    return weight / (weight + 1.0 - probability)


def _calls_itself(page: Page, kind: Kind) -> bool:
    return named_kinds(page).get(kind, 0.0) >= _SURE_NAME


def _choose_kind(
    probabilities: Mapping[str, float], page: Page, expected: Kind | None, model: Model
) -> tuple[Kind, str]:
    """Return a policy's kind with the reason.

    A page of two kinds ("Terms and privacy"), or one that reads like two, is of the kind expected.
    """
    shares = {
        Kind(name): share / (1.0 - probabilities[NO_POLICY])
        for name, share in probabilities.items()
        if name != NO_POLICY
    }
    kind = max(shares, key=shares.__getitem__)
    name = (other_group(page) or "further") if kind is Kind.OTHER else kind
    reason = f"reads like a policy: {name} ({shares[kind]:.2f} of its kind)"
    addendum = label_group(page)
    if addendum in _ADDENDA and not _calls_itself(page, Kind.PRIVACY):
        return Kind.OTHER, f"{reason}, but calls itself {addendum}"
    if expected is None or expected is kind:
        return kind, reason
    if expected not in shares:  # a kind that the model was not trained for: the page's name alone can say it
        named = expected in POLICY_KINDS and _calls_itself(page, expected)
        return (expected, f"{reason}, and calls itself a {expected.label}") if named else (kind, reason)
    if shares[kind] < _CLEAR_KIND:
        return expected, f"{reason}, not clearly another than the {expected} policy expected"
    if _calls_itself(page, expected):
        return expected, f"{reason}, but calls itself a {expected} policy"
    if _holds_part(page, expected, model):
        return expected, f"{reason}, but holds a {expected} policy beside"
    return kind, reason


def _holds_part(page: Page, kind: Kind, model: Model) -> bool:
    """Return whether a page of several policies holds one of a kind: under its name, and reading like one.

    Terms have a clause named "Privacy" that but points to the policy.
    """
    for heading, text in iter_sections(page.text):
        matches = match_name(fold(heading))
        named = any(match.kind is kind and match.strength >= _BARE_NAME for match in matches)
        if named and lexical_length(text) >= _PART_WORDS:
            probabilities = weigh_page(Page(title=heading, text=text, url=""), model)
            by_text = 1.0 - probabilities.pop(NO_POLICY)
            policy = _make_likelier(by_text, NAME_LIKELIHOOD_RATIO)
            if policy >= POLICY_THRESHOLD and max(probabilities, key=probabilities.__getitem__) == kind:
                return True
    return False


def _outweighs(notice: Notice, policy: float) -> bool:
    """Return whether a notice is to be believed against the model, which does not know notices."""
    if notice.page_class is PageClass.ARCHIVE_MESSAGE:
        return True
    rare = policy < POLICY_THRESHOLD and notice.page_class is not PageClass.EMPTY
    rarity = _WORDS_A_WORDING if rare else _WORDS_A_WORDING_OF_POLICY
    return notice.score >= max(1.0, notice.words / rarity)


def _other_verdict(probability: float, reason: str) -> Verdict:
    return Verdict(page_class=PageClass.OTHER, kind=None, probability=probability, reason=reason)


def _notice_verdict(notice: Notice) -> Verdict:
    probability = 1.0 - 0.5 ** (1.0 + notice.score)
    reason = f"{notice.words:.0f} words that read like: {notice.page_class}"
    return Verdict(page_class=notice.page_class, kind=None, probability=probability, reason=reason)
