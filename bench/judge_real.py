"""Real pages: what is judged of those that never trained, and of ../shared/negatives by halves."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from bench.judge_examples import SHARED, Example, half_of
from bench.judge_training import train
from policy_archive.crawler.core.errors import ExtractionError
from policy_archive.crawler.core.records import Kind
from policy_archive.crawler.core.vocabularies import PageClass
from policy_archive.pipelines.extract.extraction import extract_page
from policy_archive.pipelines.extract.language import identify_language
from policy_archive.pipelines.judging.model import Model
from policy_archive.pipelines.judging.page import judge_page, judge_text

_POLICIES_AMONG = frozenset({"aql-033"})
"""Of the home and inner pages."""
_MOST_PARTS = 12
_ERAS = ((1998, "to 1998"), (2006, "1999-2006"), (2012, "2007-2012"), (2019, "2013-2019"))


@dataclass(frozen=True, kw_only=True)
class RealPage:
    """A page as it was found, with what it is."""

    name: str
    corpus: str
    body: bytes
    url: str
    year: str
    kind: Kind | None
    """None: no policy."""


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What became of a page, judged blind and as one that was found at a policy's address."""

    name: str
    corpus: str
    year: str
    language: str
    is_policy: bool
    blind: bool
    """Called a policy."""
    found: bool


def iter_pages() -> Iterator[RealPage]:
    """Yield the pages of every set that is at hand."""
    yield from _iter_home_and_inner()
    yield from _iter_policies()
    yield from _iter_annotated()


def _read(*path: str) -> bytes:
    return gzip.decompress(SHARED.joinpath(*path).read_bytes())


def _rows(*path: str) -> list[dict[str, str]]:
    file = SHARED.joinpath(*path)
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()] if file.exists() else []


def _iter_home_and_inner() -> Iterator[RealPage]:
    for row in _rows("real-pages", "dev", "pages.jsonl"):
        if row["source"] != "opp115" and row["id"] not in _POLICIES_AMONG:
            yield RealPage(
                name=row["id"],
                corpus="home and inner pages",
                body=_read("real-pages", "dev", "pages", f"{row['id']}.html.gz"),
                url=row["url"],
                year=row["year"][:4],
                kind=None,
            )


def _iter_policies() -> Iterator[RealPage]:
    for row in _rows("negatives", "policies.jsonl"):
        named = row["policy_kind"]
        kind = Kind.PRIVACY if "privacy" in named else Kind.TERMS if "terms" in named else Kind.OTHER
        yield RealPage(
            name=row["id"],
            corpus="policies of unusual make",
            body=_read("negatives", "policies", f"{row['id']}.html.gz"),
            url=row["url"] or "",
            year=str(row["year"] or ""),
            kind=kind,
        )


def _iter_annotated() -> Iterator[RealPage]:
    folder = SHARED / "real-pages" / "dev" / "opp115" / "original"
    for path in sorted(folder.glob("*.gz")) if folder.exists() else ():
        body = gzip.decompress(path.read_bytes())
        yield RealPage(
            name=path.name, corpus="policies of 2015", body=body, url="", year="2015", kind=Kind.PRIVACY
        )


def judge_pages() -> list[Judged]:
    """Return the verdicts; pages without text are left out, they are nobody's policy."""
    return [judged for page in iter_pages() for judged in _judge(page)]


def _judge(page: RealPage) -> Iterator[Judged]:
    try:
        read = extract_page(
            page.body, url=page.url, timestamp=f"{page.year or '2015'}0601000000", content_type="text/html"
        )
    except ExtractionError:
        return
    blind = judge_page(read.extraction, tree=read.tree, url=page.url)
    host = urlsplit(page.url).hostname or "x.example"
    found_at = page.url if page.kind else f"https://{host}/privacy"
    found = judge_page(read.extraction, tree=read.tree, url=found_at, expected=page.kind or Kind.PRIVACY)
    yield Judged(
        name=f"{page.name} {page.url[:60]}",
        corpus=page.corpus,
        year=page.year,
        language=identify_language(read.extraction.text)[0] or "?",
        is_policy=page.kind is not None,
        blind=blind.page_class is PageClass.POLICY,
        found=found.page_class is PageClass.POLICY,
    )


def judge_halves(examples: Sequence[Example]) -> list[Judged]:
    """Return what a model that was trained on the other half of ../shared/negatives says of each page.

    The weights that ship know both halves.
    """
    judged = []
    for half in (0, 1):
        tested = [each for each in examples if each.source == "negatives" and half_of(each.group) == half]
        known = {id(each) for each in tested}
        model = train([each for each in examples if id(each) not in known])
        judged += [_weigh(each, model) for each in tested]
    return judged


def _weigh(example: Example, model: Model) -> Judged:
    page = example.page
    at_policy = replace(page, url=f"https://{urlsplit(page.url).hostname or 'x.example'}/privacy")
    found = judge_text(at_policy, model, expected=Kind.PRIVACY)
    return Judged(
        name=f"{page.title[:40]} {page.url[:60]}",
        corpus="negatives, by halves",
        year=example.year,
        language=example.language or "?",
        is_policy=False,
        blind=judge_text(page, model).page_class is PageClass.POLICY,
        found=found.page_class is PageClass.POLICY,
    )


def _era(year: str) -> str:
    return next(
        (name for last, name in _ERAS if year and int(year) <= last), "2020 on" if year else "no year"
    )


def print_judged(judged: Sequence[Judged], *, errors: bool) -> None:
    """Print how many pages of each corpus are called policies, blind and at a policy's address."""
    if not judged:
        print("  ../shared is not there")
    for corpus, rows in _by(judged, lambda one: one.corpus).items():
        print(f"  {corpus}: {_count(rows)}")
        if not rows[0].is_policy:
            print(f"    by era: {_parts(rows, lambda one: _era(one.year))}")
            print(f"    by language: {_parts(rows, lambda one: one.language)}")
        for one in rows if errors else ():
            if {one.blind, one.found} != {one.is_policy}:
                print(f"    {one.name}: blind {one.blind}, found {one.found}")


def _parts(rows: Sequence[Judged], key: Callable[[Judged], str]) -> str:
    parts = _by(rows, key)
    most = sorted(parts, key=lambda name: (-len(parts[name]), name))[:_MOST_PARTS]
    return "; ".join(f"{name} {_count(parts[name])}" for name in most)


def _by(rows: Sequence[Judged], key: Callable[[Judged], str]) -> dict[str, list[Judged]]:
    parts: dict[str, list[Judged]] = defaultdict(list)
    for one in rows:
        parts[key(one)].append(one)
    return dict(sorted(parts.items()))


def _count(rows: Sequence[Judged]) -> str:
    blind, found = sum(one.blind for one in rows), sum(one.found for one in rows)
    return f"{blind} and {found} of {len(rows)} ({blind / len(rows):.1%}, {found / len(rows):.1%})"
