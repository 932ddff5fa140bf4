"""The model applied: what a page's text makes likely."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

from policy_archive.pipelines.judging.features import WORDS, Page, measure
from policy_archive.pipelines.judging.lexicon import Lexicon, load_lexicon
from policy_archive.pipelines.judging.vocabulary import Vocabulary, load_vocabulary
from policy_archive.pipelines.judging.weights import Weights, load_weights

NO_POLICY = "none"
"""The class of pages that are no policies; the others are kinds."""
_BEGINNING = 2_000
"""Characters, some 300 words, in which a policy says what it is; further on it comes to everything."""


@dataclass(frozen=True, kw_only=True)
class Model:
    """All that was learnt: what words say, and two sets of weights, for texts with and without known words."""

    lexicon: Lexicon
    vocabulary: Vocabulary
    concepts: Weights
    """For texts in languages of which the vocabulary has no list: the concepts alone speak."""
    words: Weights

    def weigh(self, page: Page) -> dict[str, float]:
        """Return the probability of each class by the page's whole text."""
        features = measure(page, self.lexicon, self.vocabulary)
        known = any(name.startswith(WORDS) for name in features)
        return (self.words if known else self.concepts).weigh(features)


@cache
def load_model() -> Model:
    """Return the model that ships with the program."""
    return Model(
        lexicon=load_lexicon("policy_concepts"),
        vocabulary=load_vocabulary(),
        concepts=load_weights("concepts"),
        words=load_weights("words"),
    )


def weigh_page(page: Page, model: Model) -> dict[str, float]:
    """Return the probability of each class; they add up to 1.

    Whether it is a policy is judged by the whole; of which kind by the whole and by the beginning alike.
    """
    whole = model.weigh(page)
    if len(page.text) <= _BEGINNING:
        return whole
    return _blend_kinds(whole, model.weigh(replace(page, text=page.text[:_BEGINNING])))


def _blend_kinds(whole: Mapping[str, float], beginning: Mapping[str, float]) -> dict[str, float]:
    """Return the first's probabilities, its kinds' shares as the geometric mean of both."""
    means = {kind: math.sqrt(whole[kind] * beginning[kind]) for kind in whole if kind != NO_POLICY}
    share = (1.0 - whole[NO_POLICY]) / (sum(means.values()) or 1.0)
    return {NO_POLICY: whole[NO_POLICY]} | {kind: mean * share for kind, mean in means.items()}
