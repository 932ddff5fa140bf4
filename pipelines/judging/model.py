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
_FULL_WORDS = 300
"""Words from which a text counts as long: a short one that speaks of a policy's matters is more often one."""
_MOST_SAID = 8.0
"""Up to which one opinion is heard, as a logit: what errs is sure of it, too."""
_LEAST = 1e-9
_BEGINNING = 2_000
"""Characters, some 300 words, in which a policy says what it is; further on it comes to everything."""


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a page's features say of it."""

    kinds: Mapping[str, float]
    """Probability of each class by one set of weights, of which the kinds' shares are taken."""
    opinions: Mapping[str, float]
    """What speaks for a policy, of whichever kind; see `gather_opinions`."""
    knows_words: bool
    """Whether the vocabulary has a list for the page's language."""


@dataclass(frozen=True, kw_only=True)
class Model:
    """All that was learnt: what words say, and weights for texts with known words and for those without."""

    lexicon: Lexicon
    vocabulary: Vocabulary
    concepts: Weights
    """For texts in languages of which the vocabulary has no list."""
    words: Weights
    opinions_with_words: Weights
    """How much each opinion counts for a policy, where all can be heard."""
    opinions: Weights
    """The same where the concepts alone speak."""

    def weigh(self, page: Page) -> dict[str, float]:
        """Return the probability of each class by the page's whole text."""
        said = hear(measure(page, self.lexicon, self.vocabulary), words=self.words, concepts=self.concepts)
        pool = self.opinions_with_words if said.knows_words else self.opinions
        (score,) = pool.add_up(said.opinions).values()
        return _share_out(1.0 / (1.0 + math.exp(score)), said.kinds)

    def weigh_kinds(self, page: Page) -> Mapping[str, float]:
        """Return the probability of each class, of which but the kinds' shares count."""
        features = measure(page, self.lexicon, self.vocabulary)
        return hear(features, words=self.words, concepts=self.concepts).kinds


def hear(features: Mapping[str, float], *, words: Weights, concepts: Weights) -> Said:
    """Return what two sets of weights say of a page's features."""
    knows_words = any(name.startswith(WORDS) for name in features)
    by_concepts = concepts.weigh(features)
    by_words = words.weigh(features) if knows_words else None
    opinions = gather_opinions(features, by_words=by_words, by_concepts=by_concepts)
    return Said(kinds=by_words or by_concepts, opinions=opinions, knows_words=knows_words)


def gather_opinions(
    features: Mapping[str, float], *, by_words: Mapping[str, float] | None, by_concepts: Mapping[str, float]
) -> dict[str, float]:
    """Return what speaks for a policy, as logits; `by_words` is None without a list.

    Three witnesses err on other pages: the weights of the concepts alone, those that know words, and the
    vocabulary by itself. Where the concepts are the only one, it counts how long the text is, from 0 to 1.
    """
    opinions = {"concepts": _logit(by_concepts)}
    if by_words is None:
        return opinions | {"long": min(1.0, math.exp(10.0 * features["length"]) / _FULL_WORDS)}
    kinds = (features.get(f"{WORDS}{name}", 0.0) for name in by_words if name != NO_POLICY)
    vocabulary = max(kinds) - features.get(f"{WORDS}{NO_POLICY}", 0.0)
    return opinions | {"words": _logit(by_words), "vocabulary": vocabulary}


def _logit(probabilities: Mapping[str, float]) -> float:
    none = min(max(probabilities[NO_POLICY], _LEAST), 1.0 - _LEAST)
    return min(max(math.log((1.0 - none) / none), -_MOST_SAID), _MOST_SAID)


@cache
def load_model() -> Model:
    """Return the model that ships with the program."""
    return Model(
        lexicon=load_lexicon("policy-concepts"),
        vocabulary=load_vocabulary(),
        concepts=load_weights("concepts"),
        words=load_weights("words"),
        opinions_with_words=load_weights("opinions-with-words"),
        opinions=load_weights("opinions"),
    )


def weigh_page(page: Page, model: Model) -> dict[str, float]:
    """Return the probability of each class; they add up to 1.

    Whether it is a policy is judged by the whole; of which kind by the whole and by the beginning alike.
    """
    whole = model.weigh(page)
    if len(page.text) > _BEGINNING:
        whole = _blend_kinds(whole, model.weigh_kinds(replace(page, text=page.text[:_BEGINNING])))
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
