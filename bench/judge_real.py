"""Real pages that never trained: the half of ../shared/negatives held back, ../shared/real-pages, policies."""

from __future__ import annotations

import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from bench.judge_examples import SHARED, is_held_back
from policy_archive.crawler.core.errors import ExtractionError
from policy_archive.crawler.core.records import Kind
from policy_archive.pipelines.extract.extraction import extract_page
from policy_archive.pipelines.extract.language import identify_language
from policy_archive.pipelines.judging.page import judge_page

_POLICIES_AMONG = frozenset({"aql-033"})
"""Of the home and inner pages."""
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

    page: RealPage
    language: str
    blind: bool
    found: bool


def iter_pages() -> Iterator[RealPage]:
    """Yield the pages of every set that is at hand."""
    yield from _iter_negatives()
    yield from _iter_home_and_inner()
    yield from _iter_policies()
    yield from _iter_annotated()


def _read(*path: str) -> bytes:
    return gzip.decompress(SHARED.joinpath(*path).read_bytes())


def _rows(*path: str) -> list[dict[str, str]]:
    file = SHARED.joinpath(*path)
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()] if file.exists() else []


def _iter_negatives() -> Iterator[RealPage]:
    for row in _rows("negatives", "pages.jsonl"):
        if is_held_back(row["site"] or (row["source"] if row["site_copy"] else row["id"])):
            yield RealPage(
                name=row["id"],
                corpus="negatives held back",
                body=_read("negatives", "pages", f"{row['id']}.html.gz"),
                url=row["url"] or "",
                year=str(row["year"] or ""),
                kind=None,
            )


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
        page=page,
        language=identify_language(read.extraction.text)[0] or "?",
        blind=blind.page_class == "policy",
        found=found.page_class == "policy",
    )


def _era(year: str) -> str:
    return next(
        (name for last, name in _ERAS if year and int(year) <= last), "2020 on" if year else "no year"
    )


def print_real(*, errors: bool) -> None:
    """Print how many real pages are called policies, blind and at a policy's address, by era and language."""
    judged = judge_pages()
    if not judged:
        print("real pages: ../shared is not there")
        return
    for corpus, rows in _by(judged, lambda one: one.page.corpus).items():
        print(f"{corpus}: {_count(rows)}")
        if rows[0].page.kind is None:
            for name, key in (
                ("era", lambda one: _era(one.page.year)),
                ("language", lambda one: one.language),
            ):
                parts = _by(rows, key)
                most = Counter({part: len(some) for part, some in parts.items()}).most_common(12)
                print(f"  by {name}: " + "; ".join(f"{part} {_count(parts[part])}" for part, _ in most))
        if errors:
            for one in rows:
                wrong = (one.blind, one.found) != ((True, True) if one.page.kind else (False, False))
                if wrong:
                    print(f"    {one.page.name} {one.page.url[:60]} blind {one.blind} found {one.found}")


def _by(rows: list[Judged], key: object) -> dict[str, list[Judged]]:
    parts: dict[str, list[Judged]] = defaultdict(list)
    for one in rows:
        parts[key(one)].append(one)  # type: ignore[operator]
    return dict(sorted(parts.items()))


def _count(rows: list[Judged]) -> str:
    blind, found = sum(one.blind for one in rows), sum(one.found for one in rows)
    return f"{blind} and {found} of {len(rows)} ({blind / len(rows):.1%}, {found / len(rows):.1%})"
