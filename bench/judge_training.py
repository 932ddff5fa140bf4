"""Learns the judge: words of a language first, then the weights of all features, words' scores among them."""

from __future__ import annotations

import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
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
from policy_archive.pipelines.judging.features import Page, Piece, describe, prose_of
from policy_archive.pipelines.judging.lexicon import load_lexicon
from policy_archive.pipelines.judging.model import Model
from policy_archive.pipelines.judging.vocabulary import Vocabulary, count_words, damp, scale_of
from policy_archive.pipelines.judging.weights import Weights

FOLDS = 5
INNER_FOLDS = 4
LEXICON = load_lexicon("policy-concepts")
SOURCE_WEIGHTS = {"extraction": 0.5, "neighbours": 2.0, "notices": 0.5, "written": 3.0}
"""Of extraction/dev two captures of a document are taken; of neighbours and policies in a few sentences, in
small languages, there are few, and each is hard."""
TESTED_ONLY = frozenset({"pages"})
"""trafilatura's pages measure and never train."""
VARIATION_WEIGHTS = {
    "words": {WHOLE: 1.0, SHORT: 0.15},
    "concepts": {WHOLE: 1.0, SHORT: 0.15, THINNED: 0.3},
}
"""Cut pages teach that a little suffices, for which real pages that are no policies pay."""
REGULARISATION = {"words": 3.0, "concepts": 0.5}
"""scikit-learn's C."""
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
    rows: dict[str, list[dict[str, float]]] = defaultdict(list)
    labels: dict[str, list[str]] = defaultdict(list)
    importance: dict[str, list[float]] = defaultdict(list)
    for number, fold in enumerate(folds):
        others = [each for place, other in enumerate(folds) if place != number for each in other]
        vocabulary = learn_vocabulary(others)
        for example in fold:
            for name, variation, features in _iter_rows(example, vocabulary):
                rows[name].append(features)
                labels[name].append(example.label)
                weight = VARIATION_WEIGHTS[name][variation]
                importance[name].append(weight * SOURCE_WEIGHTS.get(example.source, 1.0))
    concepts, words = (
        _fit(name, rows[name], labels[name], importance[name]) for name in ("concepts", "words")
    )
    return Model(lexicon=LEXICON, vocabulary=learn_vocabulary(examples), concepts=concepts, words=words)


def _iter_rows(example: Example, vocabulary: Vocabulary) -> Iterable[tuple[str, str, dict[str, float]]]:
    """Yield (weights that it trains, variation, features); concepts are learnt from every language."""
    for variation, page, pieces in Varier(LEXICON).iter_variants(example):
        if variation in VARIATION_WEIGHTS["concepts"]:
            yield "concepts", variation, _describe(page, pieces, _NO_WORDS)
        if variation in VARIATION_WEIGHTS["words"] and vocabulary.score(prose_of(page.text)):
            yield "words", variation, _describe(page, pieces, vocabulary)


def _describe(page: Page, pieces: Sequence[Piece], vocabulary: Vocabulary) -> dict[str, float]:
    return describe(page, pieces, LEXICON, vocabulary)


_NO_WORDS = Vocabulary(classes=(), languages={})


def _fit(
    name: str, rows: Sequence[Mapping[str, float]], labels: Sequence[str], importance: Sequence[float]
) -> Weights:
    vectorizer, scaler = DictVectorizer(), MaxAbsScaler()
    table = scaler.fit_transform(vectorizer.fit_transform(rows))
    model = LogisticRegression(C=REGULARISATION[name], max_iter=3000)
    return _as_weights(model.fit(table, labels, sample_weight=importance), vectorizer, scaler)


def _as_weights(model: Any, vectorizer: Any, scaler: Any) -> Weights:
    """Return the model with the scaling multiplied into it, as the program applies it."""
    weights = model.coef_ / scaler.scale_[None, :]
    names = vectorizer.get_feature_names_out()
    return Weights(
        classes=tuple(map(str, model.classes_)),
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
    for name, weights in (("concepts", model.concepts), ("words", model.words)):
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
