"""What the judge gets right on pages that it was not trained on; also makes the weights that ship.

    python bench/judge.py                  cross-validation by service, languages held back, notices, time
    python bench/judge.py --errors         … and each page judged wrong
    python bench/judge.py --write          … and data/judge/*.json, trained on all pages that train

Needs scikit-learn (the program does not). What is printed:

- policy or not: precision and recall at POLICY_THRESHOLD, five folds; no service is in training and test.
  `plain` is the page as it is, `bare` without its title and headings, `short` its first 150 words;
  `found` is judged as a page that discovery took for a policy: the kind is known beforehand. `news` are
  articles; `kinds` has the real pages of ../shared/negatives beside them.
- kinds: F1 of privacy, terms, cookies, other and their mean. Where the curators gave one text two
  kinds, either is right. `strict` counts contracts with developers, sellers, businesses as `other`,
  not as terms.
- languages held back: trained without any text of the language, tested on it. The texts
  (bench/judge_pages) were written by those who wrote the lexicon: this is the best case. Few are real.
- notices: pages of bench/judge_pages/notices.toml that got their class, by `judge_page` with the shipped
  weights. They were written beside data/words/page-notices.toml: this, too, is the best case.
- unseen: bench/judge_pages/unseen.toml, whole pages on the way that a fetched page goes, with the shipped
  weights. No weight was learnt from them, but settings and some wordings were chosen with an eye on most.
- real pages, by era and language: those of ../shared/real-pages and policies of unusual make, none of which
  trained, with the shipped weights; ../shared/negatives, each half, by a hash of the site, with a model
  that was trained without it (the shipped weights know both).
"""

from __future__ import annotations

import argparse
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from sklearn.metrics import f1_score

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.judge_examples import NONE, WRITTEN, Example, load_examples, strip_labels
from bench.judge_real import judge_halves, judge_pages, print_judged
from bench.judge_training import split_by_group, train, write_model
from bench.judge_unseen import FOREIGN, KEPT, LOST, MISJUDGED, TAKEN, find_fault, load_unseen
from policy_archive.crawler.core.records import Extraction, Kind
from policy_archive.crawler.core.vocabularies import PageClass
from policy_archive.data import DATA
from policy_archive.pipelines.judging.features import Page
from policy_archive.pipelines.judging.model import Model, load_model, weigh_page
from policy_archive.pipelines.judging.page import POLICY_THRESHOLD, add_evidence, judge_page, judge_text

SHORT_WORDS = 150
_TESTED = {
    "kinds and news": ("kinds", "pages"),
    "kinds": ("kinds", "pages", "negatives"),
    "extraction": ("extraction", "pages", "negatives"),
    "written": ("written", "neighbours", "notices"),
}
_KINDS = ("privacy", "terms", "cookies", "other")

Odds = list[tuple[Example, dict[str, float]]]


def cross_validate(examples: Sequence[Example]) -> dict[str, Odds]:
    """Return what models that never saw its service say of each page, in each form.

    What `judge_text` calls no policy for another reason, such as a list of links, is weighed so.
    """
    probabilities: dict[str, Odds] = {form: [] for form in ("plain", "bare", "short", "found", "found short")}
    folds = split_by_group(examples)
    for number, tested in enumerate(folds):
        model = train([each for place, fold in enumerate(folds) if place != number for each in fold])
        for example in tested:
            page = example.page
            short = _first_words(page, SHORT_WORDS)
            forms = {"plain": page, "bare": strip_labels(page), "short": short}
            for form, changed in forms.items():
                probabilities[form].append((example, weigh(changed, model, None)))
            for form, changed in {"found": page, "found short": short}.items():
                expected = Kind.PRIVACY if example.label == NONE else Kind(example.label)
                probabilities[form].append((example, weigh(changed, model, expected)))
    return probabilities


def weigh(page: Page, model: Model, expected: Kind | None) -> dict[str, float]:
    """Return the probabilities of a page, blind or as one that discovery took for a policy of a kind."""
    probabilities = weigh_page(page, model)
    verdict = judge_text(page, model, expected=expected)
    by_text = 1.0 - probabilities[NONE]
    policy = by_text if expected is None else add_evidence(by_text, page, expected)
    if verdict.page_class is not PageClass.POLICY and policy >= POLICY_THRESHOLD:
        policy = 0.0
    return {name: odd * policy / max(by_text, 1e-9) for name, odd in probabilities.items()} | {
        NONE: 1.0 - policy
    }


def hold_back_languages(examples: Sequence[Example]) -> Odds:
    """Return what a model trained on English and the real French pages says of all other languages."""
    seen = [each for each in examples if each.language == "en" or each.source in ("kinds", "pages")]
    model = train([each for each in seen if each.source != "written"])
    unseen = [each for each in examples if each.language != "en"]
    return [(each, weigh(each.page, model, None)) for each in unseen]


def _first_words(page: Page, count: int) -> Page:
    return replace(page, text=" ".join(page.text.split(" ")[:count]))


def print_figures(name: str, probabilities: Iterable[tuple[Example, dict[str, float]]]) -> None:
    """Print precision, recall and F1 of the kinds in one line."""
    rows = list(probabilities)
    called = [1 - each[NONE] >= POLICY_THRESHOLD for _, each in rows]
    truly = [example.label != NONE for example, _ in rows]
    right = sum(a and b for a, b in zip(called, truly, strict=True))
    precision, recall = right / max(1, sum(called)), right / max(1, sum(truly))
    policies = [(example, each) for example, each in rows if example.label != NONE]
    found = [max(_KINDS, key=each.__getitem__) for _, each in policies]
    pairs = list(zip(policies, found, strict=True))
    lenient = [kind if kind in example.also else example.label for (example, _), kind in pairs]
    strict = [example.strict_label for (example, _), _ in pairs]
    scores = f1_score(lenient, found, average=None, labels=_KINDS, zero_division=0)
    kinds = " ".join(f"{kind} {score:.3f}" for kind, score in zip(_KINDS, scores, strict=True))
    print(
        f"{name:32} {sum(truly):4} policies {len(rows) - sum(truly):4} others  "
        f"precision {precision:.4f} recall {recall:.4f}  macro F1 {scores.mean():.3f} "
        f"(strict {f1_score(strict, found, average='macro', labels=_KINDS, zero_division=0):.3f})  {kinds}"
    )


def print_thresholds(probabilities: Odds) -> None:
    """Print precision and recall on kinds/dev at other thresholds."""
    rows = [
        (example.label != NONE, 1 - each[NONE])
        for example, each in probabilities
        if example.source in _TESTED["kinds"]
    ]
    for threshold in (0.5, 0.6, 0.65, 0.7, 0.72, 0.75, 0.8, 0.9):
        called = [truly for truly, policy in rows if policy >= threshold]
        recall = sum(called) / sum(truly for truly, _ in rows)
        print(f"  threshold {threshold:.2f}: precision {sum(called) / len(called):.4f} recall {recall:.4f}")


def print_errors(probabilities: Odds) -> None:
    """Print the pages that were judged wrong."""
    for example, each in probabilities:
        found = max(_KINDS, key=each.__getitem__) if 1 - each[NONE] >= POLICY_THRESHOLD else NONE
        if found not in (example.label, *example.also):
            names = f"{example.source} {example.group}: {example.page.title[:40]}"
            print(f"  {example.label} → {found} ({each[found]:.2f}): {names} {example.page.text[:40]!r}")


def print_notices() -> None:
    """Print how many notices got their class, and the others."""
    pages = tomllib.loads((WRITTEN / "notices.toml").read_text("utf-8"))
    for page_class, rows in pages.items():
        found = [judge_page(as_extraction(row["title"], row["text"]), tree=None, url="") for row in rows]
        right = sum(verdict.page_class == page_class for verdict in found)
        print(f"  {page_class:16} {right} of {len(rows)}")


def print_unseen(*, errors: bool) -> None:
    """Print what becomes of the unseen pages: wrongly kept, taken for the site's, lost, misjudged."""
    faults = Counter[str]()
    pages = load_unseen()
    for page in pages:
        fault = find_fault(page)
        faults[fault] += 1
        if fault and errors:
            print(f"  {fault}: {page.name}")
    expected = Counter(page.expected if page.expected in (NONE, FOREIGN) else "policy" for page in pages)
    print(
        f"unseen pages: {faults[KEPT]} of {expected[NONE]} that are no policies kept, "
        f"{faults[TAKEN]} of {expected[FOREIGN]} foreign ones taken for the site's, "
        f"{faults[LOST]} of {expected['policy']} policies lost, {faults[MISJUDGED]} of another kind or owner"
    )


def print_time(examples: Sequence[Example]) -> None:
    """Print the processor's milliseconds that judging a page takes, by the shipped weights."""
    load_model()
    pages = [as_extraction(each.page.title, each.page.text) for each in examples[:300]]
    began = time.process_time()
    for page in pages:
        judge_page(page, tree=None, url="")
    print(
        f"  {1000 * (time.process_time() - began) / len(pages):.1f} ms of a core a page ({len(pages)} pages)"
    )


def as_extraction(title: str, text: str) -> Extraction:
    """Return an extraction of which nothing but title and text is known."""
    return Extraction(
        text=text.strip() + "\n",
        title=title,
        language=None,
        language_confidence=0.0,
        words=len(text.split()),
        stated_dates=(),
        kept_share=1.0,
        replacement_characters=0,
        charset="utf-8",
        hidden_text_used=False,
        documents_on_page=1,
        extractor="bench",
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help="write data/judge/*.json, trained on all pages")
    parser.add_argument("--errors", action="store_true", help="print each page judged wrong, as it is")
    arguments = parser.parse_args()
    examples = load_examples()
    if arguments.write:
        write_model(train(examples), DATA / "judge")
    unseen = cross_validate(examples)
    for form, probabilities in unseen.items():
        for name, sources in _TESTED.items():
            print_figures(f"{name}, {form}", [pair for pair in probabilities if pair[0].source in sources])
    print_thresholds(unseen["plain"])
    if arguments.errors:
        print_errors(unseen["plain"])
    held_back = hold_back_languages(examples)
    print_figures("languages held back", held_back)
    if arguments.errors:
        print_errors(held_back)
    print("notices that got their class:")
    print_notices()
    print_unseen(errors=arguments.errors)
    print("real pages called policies, blind and at a policy's address:")
    print_judged([*judge_halves(examples), *judge_pages()], errors=arguments.errors)
    print_time(examples)


if __name__ == "__main__":
    main()
