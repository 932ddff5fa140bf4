"""Learns the judge: words of a language, then the weights of all features, then how much each counts."""

from __future__ import annotations

import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import MaxAbsScaler

from bench.judge_examples import NONE, SHORT, THINNED, WHOLE, Example, Varier
from policy_archive.pipelines.extract.language import identify_language
from policy_archive.pipelines.judging.features import WORDS, describe, prose_of
from policy_archive.pipelines.judging.lexicon import load_lexicon
from policy_archive.pipelines.judging.model import Model, hear
from policy_archive.pipelines.judging.vocabulary import Vocabulary, count_words, damp, scale_of
from policy_archive.pipelines.judging.weights import Weights

FOLDS = 5
INNER_FOLDS = 4
LEXICON = load_lexicon("policy-concepts")
SOURCE_WEIGHTS = {"extraction": 0.5, "notices": 0.5, "written": 1.5}
"""Of extraction/dev two captures of a document are taken; of policies in a few sentences, in small languages,
there are few."""
TESTED_ONLY = frozenset({"pages"})
"""trafilatura's pages measure and never train."""
VARIATION_WEIGHTS = {
    "words": {WHOLE: 1.0, SHORT: 0.15},
    "concepts": {WHOLE: 1.0, SHORT: 0.15, THINNED: 0.3},
}
"""Cut pages teach that a little suffices, for which real pages that are no policies pay."""
REGULARISATION = {"words": 3.0, "concepts": 0.5}
"""scikit-learn's C."""
OPINION_VARIATIONS = frozenset({WHOLE, SHORT})
OPINION_WEIGHTS = {"extraction": 0.3, "neighbours": 0.5, "notices": 0.5}
"""The opinions are weighed on pages as they are met: of those written to be hard there are many."""
NONE_COUNTS = 2.0
"""How much more a page counts there that is no policy: those that stand in an archive are far more various
than those that train."""
LEAST_POLICIES = 100
"""Policies of a language, from which its words are learnt: of fewer sites they would be the sites' own."""
_WORD_REGULARISATION = 3.0
_LEAST_TEXTS = 3
"""Texts that a word stands in."""
_MOST_WORDS = 4_000
_CUT_WORDS = (60, 400)


def train(examples: Sequence[Example]) -> Model:
    """Return the model learnt from the variations of some pages.

    The words' scores of a page are those of a vocabulary that did not see it or its site: on its own
    pages a vocabulary is surer than it may be.
    """
    examples = [each for each in examples if each.source not in TESTED_ONLY]
    folds = split_by_group(examples, INNER_FOLDS)
    rows: list[list[Row]] = []
    for number, fold in enumerate(folds):
        others = [each for place, other in enumerate(folds) if place != number for each in other]
        vocabulary = learn_vocabulary(others)
        rows.append([row for example in fold for row in _iter_rows(example, vocabulary)])
    everything = [row for fold in rows for row in fold]
    with_words, without = _learn_opinions(rows)
    return Model(
        lexicon=LEXICON,
        vocabulary=learn_vocabulary(examples),
        concepts=_fit("concepts", everything),
        words=_fit("words", everything),
        opinions_with_words=with_words,
        opinions=without,
    )


@dataclass(frozen=True, kw_only=True)
class Row:
    """A variation of a page as it is learnt from."""

    example: Example
    variation: str
    features: Mapping[str, float]
    """The vocabulary's scores among them, in a language that it knows."""

    @property
    def knows_words(self) -> bool:
        return any(name.startswith(WORDS) for name in self.features)

    @property
    def without_words(self) -> dict[str, float]:
        return {name: value for name, value in self.features.items() if not name.startswith(WORDS)}


def _iter_rows(example: Example, vocabulary: Vocabulary) -> Iterable[Row]:
    for variation, page, pieces in Varier(LEXICON).iter_variants(example):
        features = describe(page, pieces, LEXICON, vocabulary)
        yield Row(example=example, variation=variation, features=features)


def _fit(name: str, rows: Sequence[Row]) -> Weights:
    """Return the weights `concepts`, learnt from every language, or `words`, from those with a list."""
    weights = VARIATION_WEIGHTS[name]
    rows = [row for row in rows if row.variation in weights and (name == "concepts" or row.knows_words)]
    importance = [weights[row.variation] * SOURCE_WEIGHTS.get(row.example.source, 1.0) for row in rows]
    vectorizer, scaler = DictVectorizer(), MaxAbsScaler()
    features = [row.without_words if name == "concepts" else row.features for row in rows]
    table = scaler.fit_transform(vectorizer.fit_transform(features))
    model = LogisticRegression(C=REGULARISATION[name], max_iter=3000)
    labels = [row.example.label for row in rows]
    return _as_weights(model.fit(table, labels, sample_weight=importance), vectorizer, scaler.scale_)


def _learn_opinions(folds: Sequence[Sequence[Row]]) -> tuple[Weights, Weights]:
    """Return how much each opinion counts, with words and without, by what is said of pages of other folds.

    Where no list knows a language the concepts speak as they do in any: that is learnt from all pages.
    """
    known: list[tuple[Row, Mapping[str, float]]] = []
    alone: list[tuple[Row, Mapping[str, float]]] = []
    for number, fold in enumerate(folds):
        others = [row for place, other in enumerate(folds) if place != number for row in other]
        words, concepts = _fit("words", others), _fit("concepts", others)
        for row in fold:
            if row.variation in OPINION_VARIATIONS:
                alone.append((row, hear(row.without_words, words=words, concepts=concepts).opinions))
                if row.knows_words:
                    known.append((row, hear(row.features, words=words, concepts=concepts).opinions))
    return _weigh_opinions(known), _weigh_opinions(alone)


def _weigh_opinions(rows: Sequence[tuple[Row, Mapping[str, float]]]) -> Weights:
    vectorizer = DictVectorizer()
    table = vectorizer.fit_transform([opinions for _, opinions in rows])
    labels = [row.example.label != NONE for row, _ in rows]
    importance = [
        OPINION_WEIGHTS.get(row.example.source, 1.0) * (1.0 if label else NONE_COUNTS)
        for (row, _), label in zip(rows, labels, strict=True)
    ]
    model = LogisticRegression(max_iter=3000).fit(table, labels, sample_weight=importance)
    return _as_weights(model, vectorizer, np.ones(table.shape[1]), classes=("policy",))


def _as_weights(model: Any, vectorizer: Any, scale: Any, classes: Sequence[str] = ()) -> Weights:
    """Return the model with the scaling multiplied into it, as the program applies it."""
    weights = model.coef_ / scale[None, :]
    names = vectorizer.get_feature_names_out()
    return Weights(
        classes=tuple(classes or map(str, model.classes_)),
        intercepts=tuple(round(float(value), 4) for value in model.intercept_),
        features={
            str(name): tuple(round(float(value), 4) for value in weights[:, place])
            for place, name in enumerate(names)
        },
    )


def learn_vocabulary(examples: Sequence[Example]) -> Vocabulary:
    """Return the words of each language that there are enough policies of."""
    texts: dict[str, list[tuple[str, str]]] = defaultdict(list)
    policies: Counter[str] = Counter()
    for example in examples:
        language = _language_of(example.page.text)
        policies[language] += example.label != NONE
        texts[language] += [(text, example.label) for text in _cut(prose_of(example.page.text))]
    known = sorted(language for language, count in policies.items() if language and count >= LEAST_POLICIES)
    classes = tuple(sorted({example.label for example in examples}))
    return Vocabulary(
        classes=classes, languages={language: _learn_words(texts[language], classes) for language in known}
    )


@cache
def _language_of(text: str) -> str:
    return identify_language(text)[0] or ""


def _cut(text: str) -> tuple[str, str]:
    """Return a text and a part of it: a page may be short."""
    chance = random.Random(text)
    words, length = text.split(" "), chance.randrange(*_CUT_WORDS)
    begin = chance.choice([0, chance.randrange(max(1, len(words) - length))])
    return text, " ".join(words[begin : begin + length])


@cache
def _count(text: str) -> Counter[str]:
    return count_words(text)


def _learn_words(texts: Sequence[tuple[str, str]], classes: Sequence[str]) -> dict[str, tuple[float, ...]]:
    counts = [_count(text) for text, _ in texts]
    frequency = Counter(word for each in counts for word in each)
    words = sorted(word for word, found in frequency.items() if found >= _LEAST_TEXTS)
    place = {word: number for number, word in enumerate(words)}
    cells = []
    for row, each in enumerate(counts):
        known = {word: count for word, count in each.items() if word in place}
        scale = scale_of(known)
        cells += [(row, place[word], damp(count) * scale) for word, count in known.items()]
    rows, columns, values = zip(*cells, strict=True)
    table = csr_matrix((values, (rows, columns)), shape=(len(texts), len(words)))
    model = LogisticRegression(C=_WORD_REGULARISATION, max_iter=1000, class_weight="balanced")
    model.fit(table, [label for _, label in texts])
    weights = np.zeros((len(words), len(classes)))
    for number, name in enumerate(model.classes_):
        weights[:, classes.index(name)] = model.coef_[number]
    chosen = sorted(np.argsort(-np.abs(weights).max(axis=1), kind="stable")[:_MOST_WORDS])
    return {words[number]: tuple(round(float(value), 2) for value in weights[number]) for number in chosen}


def split_by_group(examples: Sequence[Example], count: int = FOLDS) -> list[list[Example]]:
    """Return the pages in folds; pages of one service or of one text are in one fold."""
    parents: dict[str, str] = {}

    def find(name: str) -> str:
        while parents.setdefault(name, name) != name:
            name = parents[name]
        return name

    for example in examples:
        parents[find(example.group)] = find(f"text {example.page.text[:2000]}")
    roots = sorted({find(example.group) for example in examples})
    fold = {root: place * 7 % count for place, root in enumerate(roots)}
    return [[each for each in examples if fold[find(each.group)] == number] for number in range(count)]


def write_model(model: Model, folder: Path) -> None:
    """Write what was learnt as the program reads it: a feature or word a line, to read changes by."""
    for name, weights in (
        ("concepts", model.concepts),
        ("words", model.words),
        ("opinions", model.opinions),
        ("opinions-with-words", model.opinions_with_words),
    ):
        head = f'"classes": {json.dumps(weights.classes)},\n"intercepts": {json.dumps(weights.intercepts)},'
        text = f'{{{head}\n"features": {{\n{_lines(weights.features)}\n}}}}\n'
        (folder / f"{name}.json").write_text(text, "utf-8")
    languages = ",\n".join(
        f"{json.dumps(language)}: {{\n{_lines(words)}\n}}"
        for language, words in model.vocabulary.languages.items()
    )
    head = f'"classes": {json.dumps(model.vocabulary.classes)},'
    (folder / "vocabulary.json").write_text(f'{{{head}\n"languages": {{\n{languages}\n}}}}\n', "utf-8")


def _lines(rows: Mapping[str, tuple[float, ...]]) -> str:
    return ",\n".join(
        f"  {json.dumps(name, ensure_ascii=False)}: {json.dumps(row)}" for name, row in rows.items()
    )
