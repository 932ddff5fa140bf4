"""The model applied: what a page's text makes likely."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from policy_archive.pipelines.judging.features import Page, measure
from policy_archive.pipelines.judging.lexicon import Lexicon
from policy_archive.pipelines.judging.weights import Weights

NO_POLICY = "none"
"""The class of pages that are no policies; the others are kinds."""
_BEGINNING = 2_000
"""Characters, some 300 words, in which a policy says what it is; further on it comes to everything."""


def weigh_page(page: Page, lexicon: Lexicon, weights: Weights) -> dict[str, float]:
    """Return the probability of each class; they add up to 1.

    Whether it is a policy is judged by the whole; of which kind by the whole and by the beginning alike.
    """
    whole = weights.weigh(measure(page, lexicon))
    if len(page.text) <= _BEGINNING:
        return whole
    beginning = weights.weigh(measure(replace(page, text=page.text[:_BEGINNING]), lexicon))
    return _blend_kinds(whole, beginning)


def _blend_kinds(whole: Mapping[str, float], beginning: Mapping[str, float]) -> dict[str, float]:
    """Return the first's probabilities, its kinds' shares as the geometric mean of both."""
    means = {kind: math.sqrt(whole[kind] * beginning[kind]) for kind in whole if kind != NO_POLICY}
    share = (1.0 - whole[NO_POLICY]) / (sum(means.values()) or 1.0)
    return {NO_POLICY: whole[NO_POLICY]} | {kind: mean * share for kind, mean in means.items()}
