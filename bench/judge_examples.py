"""Labelled pages for the judge: real ones of ../shared, written ones of bench/judge_pages; variations."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import re
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from policy_archive.crawler.core.errors import ExtractionError
from policy_archive.crawler.core.records import Extraction, Kind
from policy_archive.pipelines.extract.extraction import extract
from policy_archive.pipelines.judging.features import Page, Piece, count_pieces
from policy_archive.pipelines.judging.lexicon import Lexicon

HERE = Path(__file__).resolve().parent
SHARED = HERE.parent.parent / "shared"
WRITTEN = HERE / "judge_pages"
NONE = "none"
"""Class of a page that is no policy."""

_KINDS = {
    "Privacy Policy": "privacy",
    "Business Privacy Policy": "privacy",
    "Parent Organization Privacy Policy": "privacy",
    "Terms of Service": "terms",
    "Parent Organization Terms": "terms",
    "Trackers Policy": "cookies",
}
_CONTRACTS = {
    "Commercial Terms": "terms",
    "Developer Terms": "terms",
    "Platform to Business Notice": "terms",
    "In-App Purchases Policy": "terms",
    "Marketplace Sellers Conditions": "terms",
    "Premium Partner Conditions": "terms",
    "Seller Warranty": "terms",
    "Service Level Agreement": "terms",
}
"""Contracts with customers, developers, sellers: terms to us (`Business terms`, `API terms`)."""
_NOT_AS_LABELLED = frozenset(
    {
        "27b00704c98e938b",  # a form to sign in
        "da1e8138734f4ecf",  # the same, filed as two kinds
        "10f5186b317222c9",  # a service that was closed says so
        "fd57e8cb832079ab",  # the front page of the site's owner
        "1589342036b0eb70",  # questions and answers on who made the program
        "afb598ad2addae48",  # the front page of a documentation, filed as three kinds
        "8d2cab5d62a5dde0",  # a table of links to policies
        "564bd9f44d063d",  # the text that is read are the terms of a licence
        "74f599d8a72718",  # a statement on data protection
    }
)
"""Files of ../shared/kinds/dev whose text is no policy, seen by eye, and pages of ../shared/negatives that
hold one: they would teach the opposite of what they are, and neither train nor test."""
_HEADING_LINE = re.compile(r"^#.*$|^.*\n(?:={3,}|-{3,})[ \t]*$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Example:
    """One page with what it is."""

    page: Page
    label: str
    """privacy, terms, cookies, other, none."""
    strict_label: str
    """The same with every contract that is not the terms of service counted as `other`."""
    group: str
    """Service or page: never both in training and test."""
    source: str
    """kinds, pages, extraction, written, neighbours, notices, negatives."""
    language: str = "en"
    year: str = ""
    """'' where it is not known."""
    also: frozenset[str] = frozenset()
    """Every label that the curators gave to this very text."""


def load_examples() -> list[Example]:
    """Return all labelled pages, those that hold no text left out."""
    examples = [
        *_iter_kinds(),
        *_iter_extraction(),
        *_iter_written(),
        *_iter_short(),
        *_iter_neighbours(),
        *_iter_notices(),
        *iter_negatives(),
    ]
    labels = defaultdict(set)
    for example in examples:
        labels[example.page.text].add(example.label)
    return [
        replace(each, also=frozenset(labels[each.page.text])) for each in examples if each.page.text.strip()
    ]


def _iter_kinds() -> Iterator[Example]:
    folder = SHARED / "kinds" / "dev"
    for row in _rows(folder / "index.jsonl"):
        if Path(row["file"]).name.partition(".")[0] in _NOT_AS_LABELLED:
            continue
        body = gzip.decompress((folder / row["file"]).read_bytes())
        if row["document"] is None:
            extraction = _extract(body, "", None)
            if extraction:
                page = Page(title=extraction.title, text=extraction.text, url="")
                yield _labelled(page, None, row["page"], "pages")
        else:
            page = Page(title="", text=body.decode(errors="replace"), url="")
            yield _labelled(page, row["document"], row["service"], "kinds")


def _iter_extraction() -> Iterator[Example]:
    """First and last capture of each document: those between are nearly the same."""
    folder = SHARED / "extraction" / "dev"
    captures = defaultdict(list)
    for row in _rows(folder / "index.jsonl"):
        captures[row["service"], row["document"]].append(row)
    chosen = {row["id"]: row for rows in captures.values() for row in (rows[0], rows[-1])}
    for row in chosen.values():
        body = gzip.decompress((folder / f"{row['id']}.html.gz").read_bytes())
        kind = Kind(_KINDS.get(row["document"], _CONTRACTS.get(row["document"], "other")))
        extraction = _extract(body, row["url"] or "", kind)
        if extraction:
            page = Page(title=extraction.title, text=extraction.text, url=row["url"] or "")
            yield _labelled(page, row["document"], row["service"], "extraction", row["language"])


def _iter_written() -> Iterator[Example]:
    for language, kinds in tomllib.loads((WRITTEN / "policies.toml").read_text("utf-8")).items():
        for kind, markdown in kinds.items():
            text = markdown.strip()
            page = Page(title=text.partition("\n")[0].lstrip("# "), text=f"{text}\n", url="")
            yield Example(
                page=page,
                label=kind,
                strict_label=kind,
                group=f"written {language}",
                source="written",
                language=language,
            )


def _iter_short() -> Iterator[Example]:
    for row in tomllib.loads((WRITTEN / "short_policies.toml").read_text("utf-8")).values():
        yield Example(
            page=Page(title=row["title"], text=f"# {row['title']}\n\n{row['text'].strip()}\n", url=""),
            label=row["kind"],
            strict_label=row["kind"],
            group=f"written {row['language']}",
            source="written",
            language=row["language"],
        )


def _iter_neighbours() -> Iterator[Example]:
    for name, row in tomllib.loads((WRITTEN / "neighbours.toml").read_text("utf-8")).items():
        page = Page(title=row["title"], text=row["text"].strip() + "\n", url="")
        yield Example(
            page=page,
            label=NONE,
            strict_label=NONE,
            group=f"neighbour {name}",
            source="neighbours",
            language=row["language"],
        )


def _iter_notices() -> Iterator[Example]:
    for page_class, rows in tomllib.loads((WRITTEN / "notices.toml").read_text("utf-8")).items():
        for number, row in enumerate(rows):
            if page_class != "empty":
                page = Page(title=row["title"], text=row["text"].strip() + "\n", url="")
                yield Example(
                    page=page,
                    label=NONE,
                    strict_label=NONE,
                    group=f"notice {page_class} {number}",
                    source="notices",
                    language=row["language"],
                )


def iter_negatives() -> Iterator[Example]:
    """Yield the pages of ../shared/negatives, of which either half measures a model of the other."""
    folder = SHARED / "negatives"
    for row in _rows(folder / "pages.jsonl"):
        if row["id"] in _NOT_AS_LABELLED:
            continue
        body = gzip.decompress((folder / "pages" / f"{row['id']}.html.gz").read_bytes())
        extraction = _extract(body, row["url"] or "", None)
        if extraction:
            yield Example(
                page=Page(title=extraction.title, text=extraction.text, url=row["url"] or ""),
                label=NONE,
                strict_label=NONE,
                group=site_of(row),
                source="negatives",
                language=row["language"] or "",
                year=str(row["year"] or ""),
            )


def site_of(row: dict[str, Any]) -> str:
    """Return the site of a page of ../shared/negatives, or the repository that copies one whole."""
    return str(row["site"] or (row["source"] if row["site_copy"] else row["id"]))


def half_of(site: str) -> int:
    """Return the half, 0 or 1, that a site's pages are in, by a hash of its name."""
    return hashlib.sha256(site.encode()).digest()[0] % 2


def _labelled(page: Page, document: str | None, group: str, source: str, language: str = "en") -> Example:
    strict = NONE if document is None else _KINDS.get(document, "other")
    label = _CONTRACTS.get(document or "", strict)
    return Example(page=page, label=label, strict_label=strict, group=group, source=source, language=language)


def _extract(body: bytes, url: str, kind: Kind | None) -> Extraction | None:
    try:
        return extract(body, url=url, timestamp="", kind=kind)
    except ExtractionError:
        return None


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    return map(json.loads, path.read_text("utf-8").splitlines())


_PROMISES = [
    "Privacy Policy",
    "Terms of Service",
    "Cookie Policy",
    "Datenschutz",
    "Politique de confidentialité",
]
_FOOTERS = [
    "© 2015 Bluebird Inc. All rights reserved. Privacy Policy. Terms of Service. Cookie Policy.",
    "We use cookies to improve your experience.",
    "We use cookies here. By using this site you accept our use of cookies. Read our cookie policy.",
    "By signing up you agree to our Terms of Use and Privacy Policy. You may unsubscribe at any time.",
    "Wir verwenden Cookies. Impressum. Datenschutz. AGB. Alle Preise inkl. MwSt.",
    "Ce site utilise des cookies. Mentions légales. Politique de confidentialité. Données personnelles.",
    "Este sitio utiliza cookies. Aviso legal. Política de privacidad. Condiciones de uso.",
]
"""What stands below every page of a site."""
PROMISING = 0.05
"""Share of the pages that are no policies which get a policy's title."""
WHOLE, SHORT, THINNED = "whole", "short", "thinned"
"""Variations of a training page: as it is; cut short; without headings, in a language less well known."""


@cache
def count_concepts(lexicon: Lexicon, text: str) -> list[Piece]:
    """Return a text's pieces with the hits of each concept; every fold asks for the same ones."""
    return count_pieces(text, lexicon)


class Varier:
    """Makes of each training page some that are harder: cut short, without headings.

    What it takes away must not be needed: titles, words of a concept (other languages have fewer terms
    in the lexicon). What it adds to pages that are no policies, the names of policies in footers and
    titles, must not suffice.
    """

    def __init__(self, lexicon: Lexicon, seed: int = 1) -> None:
        self._lexicon = lexicon
        self._seed = seed
        self._random = random.Random(seed)

    def iter_variants(self, example: Example) -> Iterator[tuple[str, Page, list[Piece]]]:
        """Yield (variation, page, pieces with the hits they are to have) of the pages made of one.

        The cuts depend on the page alone: a model of another fold learns the same ones.
        """
        self._random = random.Random(f"{self._seed} {example.page.text}")
        for variation in (WHOLE, SHORT, THINNED):
            page = self._vary(example, short=variation == SHORT, bare=variation == THINNED)
            pieces = count_concepts(self._lexicon, page.text)
            yield variation, page, self._thin(pieces) if variation == THINNED else pieces

    def _vary(self, example: Example, *, short: bool, bare: bool) -> Page:
        page = example.page
        if example.label == NONE and self._random.random() < PROMISING:
            page = replace(page, title=self._random.choice(_PROMISES))
        if short:
            lengths = (15, 300) if example.label == NONE else (40, 300)
            page = replace(page, text=self._cut(page.text, lengths, whole_beginning=example.label != NONE))
        if example.label == NONE and self._random.random() < 0.5:
            page = replace(page, text=f"{page.text.rstrip()}\n\n{self._random.choice(_FOOTERS)}\n")
        return strip_labels(page, keep_title=self._random.random() > 0.7) if bare else page

    def _cut(self, text: str, lengths: tuple[int, int], *, whole_beginning: bool) -> str:
        words = text.split(" ")
        length = self._random.randrange(*lengths)
        begin = 0 if whole_beginning else self._random.randrange(max(1, len(words) - length))
        return " ".join(words[begin : begin + length])

    def _thin(self, pieces: list[Piece]) -> list[Piece]:
        """Take away hits, as if the list knew fewer words of each concept."""
        known = self._random.uniform(0.15, 1)
        shares: dict[str, float] = defaultdict(lambda: min(1.0, known * self._random.uniform(0.3, 1.7)))
        return [
            replace(
                piece,
                hits=+Counter(
                    {
                        concept: sum(self._random.random() < shares[concept] for _ in range(count))
                        for concept, count in sorted(piece.hits.items())  # a Counter keeps the order of sets
                    }
                ),
            )
            for piece in pieces
        ]


def strip_labels(page: Page, *, keep_title: bool = False) -> Page:
    """Return the page without its headings and, unless kept, its title."""
    return replace(page, title=page.title if keep_title else "", text=_HEADING_LINE.sub("", page.text))
