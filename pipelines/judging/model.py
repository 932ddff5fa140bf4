"""The model applied: what a page's text makes likely."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

from policy_archive.pipelines.judging.features import WORDS, Page, measure, prose_of
from policy_archive.pipelines.judging.lexicon import Lexicon, load_lexicon
from policy_archive.pipelines.judging.vocabulary import Vocabulary, load_vocabulary
from policy_archive.pipelines.judging.weights import Weights, load_weights

NO_POLICY = "none"
"""The class of pages that are no policies; the others are kinds."""
_CLEAR_SHARE = 0.5
"""Of the policies' probability, below which no kind is clear, and the words of the whole text have a say."""
_SAY_OF_WORDS = 0.25
"""What a score of the vocabulary counts then, as a logarithm."""
_BEGINNING = 2_000
"""Characters, some 300 words, in which a policy says what it is; further on it comes to everything."""


@dataclass(frozen=True, kw_only=True)
class Model:
    """All that was learnt: what words say, and weights for texts with known words and for those without."""

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
        lexicon=load_lexicon("policy-concepts"),
        vocabulary=load_vocabulary(),
        concepts=load_weights("concepts"),
        words=load_weights("words"),
    )


def weigh_page(page: Page, model: Model) -> dict[str, float]:
    """Return the probability of each class; they add up to 1.

    Whether it is a policy is judged by the whole; of which kind by the whole and by the beginning alike.
    """
    whole = model.weigh(page)
    if len(page.text) > _BEGINNING:
        whole = _blend_kinds(whole, model.weigh(replace(page, text=page.text[:_BEGINNING])))
    kinds = [probability for name, probability in whole.items() if name != NO_POLICY]
    if max(kinds) >= _CLEAR_SHARE * sum(kinds):
        return whole
    scores = model.vocabulary.score(prose_of(page.text))
    means = {name: whole[name] * math.exp(scores.get(name, 0.0) * _SAY_OF_WORDS) for name in whole}
    return _share_out(whole[NO_POLICY], means)


def _blend_kinds(whole: Mapping[str, float], beginning: Mapping[str, float]) -> dict[str, float]:
    """Return the first's probabilities, its kinds' shares as the geometric mean of both."""
    means = {kind: math.sqrt(whole[kind] * beginning[kind]) for kind in whole}
    return _share_out(whole[NO_POLICY], means)


def _share_out(none: float, means: Mapping[str, float]) -> dict[str, float]:
    """Return probabilities: `none` of no policy, what is left among the kinds in proportion to `means`."""
    total = sum(mean for kind, mean in means.items() if kind != NO_POLICY) or 1.0
    return {kind: none if kind == NO_POLICY else (1.0 - none) * mean / total for kind, mean in means.items()}
