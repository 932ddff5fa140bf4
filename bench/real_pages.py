"""Links and whole sites, measured on real home pages whose policy links are known, by era and language.

The folder is made as ../shared/real-pages/dev: pages/ID.html.gz, pages.jsonl, and truth.jsonl, where `links`
of a page map an address (no scheme, no www, lower case, no fragment) to its kinds: p t c o, n for none.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.archived_site import ArchivedSite  # noqa: E402 (the path comes first)

from policy_archive.crawler.core.records import Kind, PolicyLink  # noqa: E402
from policy_archive.crawler.core.urls import parse_site  # noqa: E402
from policy_archive.crawler.discovery.links import find_policy_links  # noqa: E402
from policy_archive.pipelines.extract.language import identify_language  # noqa: E402
from policy_archive.pipelines.extract.source.decode import decode_body  # noqa: E402
from policy_archive.pipelines.extract.source.parse import parse_html  # noqa: E402

LETTERS = {Kind.PRIVACY: "p", Kind.TERMS: "t", Kind.COOKIES: "c"}
ERAS = ((2005, "1998-2005"), (2012, "2006-2012"), (2015, "2013-2015"), (2019, "2016-2019"), (9999, "2020-"))
FEWEST = 3  # pages of a language that has a line of its own


@dataclass
class PageScore:
    """How the links of one page were read."""

    era: str
    language: str
    wanted: dict[Kind, bool] = field(default_factory=dict)
    found: dict[Kind, bool] = field(default_factory=dict)
    links: int = 0
    wrong: int = 0
    """Links of the three kinds to what is no policy, or one of another kind."""


@dataclass(frozen=True)
class RealPage:
    """A page with its truth."""

    url: str
    year: int
    text: str
    truth: dict[str, set[str]]
    """Address → kinds, as letters; doubtful ones have `~`."""


def iter_pages(folder: Path) -> Iterator[RealPage]:
    """Yield the pages of a folder that have a truth."""
    types = {row["id"]: row.get("content_type") for row in _rows(folder / "pages.jsonl")}
    for row in _rows(folder / "truth.jsonl"):
        body = gzip.decompress((folder / "pages" / f"{row['page']}.html.gz").read_bytes())
        text = decode_body(body, types.get(row["page"]) or None).text
        truth = {address: set(kinds) for address, (kinds, _) in row["links"].items()}
        yield RealPage(url=row["url"], year=int(row["year"][:4]), text=text, truth=truth)


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    return map(json.loads, path.read_text("utf-8").splitlines())


def bare(url: str) -> str:
    """Return an address as the truth writes it."""
    text = re.sub(r"^https?://(www\.)?", "", unquote(url.partition("#")[0]))
    return re.sub(r":80(?=/|$)", "", text).rstrip("/").lower()


def score_page(page: RealPage) -> PageScore:
    """Return how the links of a page were read."""
    tree = parse_html(page.text)
    links = find_policy_links(tree, url=page.url)
    language = identify_language(" ".join(tree.text_content().split()))[0] or "?"
    score = PageScore(era=next(name for last, name in ERAS if page.year <= last), language=language)
    for kind, letter in LETTERS.items():
        wanted = {a for a, kinds in page.truth.items() if letter in kinds and "~" not in kinds}
        right = {a for a, kinds in page.truth.items() if letter in kinds}
        score.wanted[kind] = bool(wanted)
        score.found[kind] = any(link.kind is kind and bare(link.url) in right for link in links)
    judged = [link for link in links if link.kind in LETTERS]
    score.links = len(judged)
    score.wrong = sum(not _is_right(link, page) for link in judged)
    return score


def _is_right(link: PolicyLink, page: RealPage) -> bool:
    return bool(page.truth.get(bare(link.url), set()) & {LETTERS[link.kind], "n"})


def find_site(page: RealPage) -> bool | None:
    """Return whether a site built of a real home page is found with its policy; None if it links to none.

    The archive has the home page, the policy, and every other page that it links to, six years long.
    """
    policies = {a for a, kinds in page.truth.items() if "p" in kinds and "~" not in kinds}
    host = urlsplit(page.url).hostname or ""
    own = {a for a in policies if a.partition("/")[0].endswith(parse_site(host))}
    if not own:
        return None
    site = ArchivedSite(site=parse_site(host))
    # a page's own base goes before ours: a browser, too, heeds the first alone
    based = page.text if parse_html(page.text).find(".//base[@href]") is not None else ""
    home = based or f'<base href="{page.url}">{page.text}'
    others = {str(a.get("href")) for a in parse_html(page.text).iter("a") if a.get("href")}
    pages = {f"http://{a}" for a in own} | {o for o in others if o.startswith(f"http://{host}/")}
    for year in range(page.year, page.year + 6):
        site.capture(f"{year}0601", f"http://{site.site}/", home)
        for url in sorted(pages)[:200]:
            site.capture(f"{year}0701", url)
    plan = site.discover([Kind.PRIVACY])
    main = [d for d in plan.documents if not d.document.name]
    return any(bare(address.url) in policies for document in main for address in document.addresses)


def iter_makers(folder: Path, number: int) -> Iterator[Callable[[], ArchivedSite]]:
    """Yield so many makers of sites, each with a real home page that links to a policy of its own."""
    usable = [page for page in iter_pages(folder) if _own_policies(page)]
    paths = sorted({_path_of(href, page) for page in usable for href in _own_policies(page)})
    for seed in range(number):
        yield partial(make_site, usable[seed % len(usable)], paths, seed)


def _path_of(href: str, page: RealPage) -> str:
    parts = urlsplit(urljoin(page.url, href))
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _own_policies(page: RealPage) -> list[str]:
    """Return the addresses of the site's own privacy policy that a page links to, as they stand in it."""
    site = parse_site(urlsplit(page.url).hostname or "")
    hrefs = {str(a.get("href")).strip() for a in parse_html(page.text).iter("a") if a.get("href")}
    wanted = {a for a, kinds in page.truth.items() if "p" in kinds and "~" not in kinds}
    return sorted(
        href
        for href in hrefs
        if bare(urljoin(page.url, href)) in wanted
        and (urlsplit(urljoin(page.url, href)).hostname or "").endswith(site)
    )


_SILENT = 0.12
"""Of a made site's earlier addresses, how many are numbers that say nothing; of real policies' addresses 5 of
145 are, and these may have been better kept."""


def make_site(page: RealPage, paths: Sequence[str], seed: int) -> ArchivedSite:
    """Return a site whose home page is a real one; its policy moved up to three times before it stood there.

    `paths`: of other sites' policies, at which this one's stood before.
    A third of the sites have home pages that were captured as redirects to https and as errors as well,
    some more of these than pages; a third few captures of home pages, a third many.
    """
    random = Random(seed)  # chance, not secrets; the same site each time
    site = ArchivedSite(site=parse_site(urlsplit(page.url).hostname or ""))
    own = _own_policies(page)
    stays = [*random.sample(paths, random.choice((0, 0, 1, 1, 2, 3))), ""]
    stays = [f"/info/{seed}-{len(stay)}" if stay and random.random() < _SILENT else stay for stay in stays]
    begin = date(page.year - 3 * len(stays), random.randint(1, 12), 1)
    noise = random.choice((0.0, 0.0, random.uniform(0.05, 0.7)))
    homes_a_year = random.choice((0.7, 3, 20))
    for stay in stays:
        days = random.randint(200, 2000)
        end = begin + timedelta(days=days)
        text, address = page.text, urljoin(page.url, own[0])
        if stay:
            address = f"http://{urlsplit(page.url).hostname}{stay}"
            for href in own:
                text = text.replace(href, address)
        for day in _draw_days(random, begin, end, homes_a_year):
            _capture_home(site, f"{day:%Y%m%d}", f'<base href="{page.url}">{text}', random, noise)
        for day in _draw_days(random, begin, end, random.choice((0.5, 2, 8))):
            site.capture(f"{day:%Y%m%d}", address)
        if stay and random.random() < 0.3:
            site.capture(f"{end:%Y%m%d}", address, to=f"/{random.choice(('', 'privacy', 'legal'))}")
        begin = end
    return site


def _draw_days(random: Random, begin: date, end: date, a_year: float) -> list[date]:
    days = (end - begin).days
    number = max(1, round(days / 365 * a_year * random.uniform(0.5, 1.5)))
    return sorted({begin + timedelta(days=random.randrange(days)) for _ in range(number)})


def _capture_home(site: ArchivedSite, day: str, html: str, random: Random, noise: float) -> None:
    http, https = f"http://{site.site}/", f"https://{site.site}/"
    if random.random() >= noise:
        site.capture(f"{day}12", random.choice((http, https)), html)
    elif random.random() < 0.7:
        site.capture(f"{day}12", http, to=https)
    else:
        site.capture(f"{day}12", http, "<p>Sorry", status=random.choice(("404", "503")))


def print_real_pages(folder: Path) -> None:
    """Print recall and precision of links, by era and language, and how many built sites were found."""
    pages = list(iter_pages(folder))
    scores = [score_page(page) for page in pages]
    print(f"\nreal home pages\n{'':12} pages  {'privacy':14} {'terms':14} {'cookies':14} precision of links")
    _print_line("all", scores)
    for _, era in ERAS:
        _print_line(era, [score for score in scores if score.era == era])
    languages = sorted({score.language for score in scores})
    for language in languages:
        of_language = [score for score in scores if score.language == language]
        if len(of_language) >= FEWEST:
            _print_line(language, of_language)
    sites = [found for found in map(find_site, pages) if found is not None]
    print(f"sites built of them: {sum(sites)} of {len(sites)} found with the policy as the main one")


def _print_line(name: str, scores: Iterable[PageScore]) -> None:
    scores = list(scores)
    cells = []
    for kind in LETTERS:
        wanted = [score for score in scores if score.wanted[kind]]
        found = sum(score.found[kind] for score in wanted)
        cells.append(f"{found}/{len(wanted)} {found / len(wanted):.3f}" if wanted else "-")
    links, wrong = sum(score.links for score in scores), sum(score.wrong for score in scores)
    precision = f"{1 - wrong / links:.3f} of {links}" if links else "-"
    print(f"{name:12} {len(scores):>5}  {cells[0]:14} {cells[1]:14} {cells[2]:14} {precision}")


if __name__ == "__main__":
    print_real_pages(Path(sys.argv[1]))
