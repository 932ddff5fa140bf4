"""Archives built of real home pages and real pages in a policy's place, crawled from end to end.

No site that has a policy is lost, and none is given a front page. The pages of ../shared/negatives are
among those that train the judge: what is tested is the whole way, where a page's address, its name and the
site's home page count, too. The home pages train nothing.
"""

from __future__ import annotations

import gzip
import json
import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bench.real_pages import RealPage, iter_pages
from policy_archive.archive_server.server import ArchiveServer
from policy_archive.crawler.core.records import Kind
from policy_archive.crawler.core.urls import parse_site
from policy_archive.crawler.crawl.run import FetchOptions, FetchReport, build_target
from policy_archive.crawler.runner import run_fetch
from tests.support.generated import GeneratedSource, read

MOST_SITES = 60
FEWEST_HOMES = 15
CAPTURES = 4
"""Of each site's policy address."""
WRITTEN = tomllib.loads(
    (Path(__file__).resolve().parent.parent / "bench" / "judge_pages" / "policies.toml").read_text("utf-8")
)
SOFT_404 = b"<title>Privacy Policy</title><h1>Page not found</h1><p>The page that you asked for is not here."
PARKED = b"""<title>%b</title><h1>This domain is for sale</h1><p>Buy this domain. Related searches: shoes,
insurance, hotels. Inquire about this domain. Privacy policy."""
CONSENT_WALL = b"""<title>Before you continue</title><h1>Before you continue</h1><p>We and our 431 partners
use cookies and data to deliver our pages, to measure audiences and to show personalised ads. <p>
<button>Accept all</button> <button>Reject all</button> <p>Choose "more options". Privacy policy. Terms."""
LOGIN = b"""<title>Log in</title><h1>Log in</h1><form><p>E-mail <input name=a><p>Password <input type=password
name=b><p><button>Log in</button></form><p>Forgot your password? New here? Sign up. Privacy. Terms."""


@dataclass(frozen=True)
class RealSite:
    """A real home page and the address of the site's own privacy policy, linked there."""

    site: str
    page: RealPage
    policy: str
    is_home: bool
    """Whether the page is one; under the addresses of some sites a policy is filed."""


def iter_sites(shared: Path) -> Iterator[RealSite]:
    """Yield a site for each real home page that links to a privacy policy of its own, each site once."""
    folder = shared / "real-pages" / "dev"
    rows = map(json.loads, (folder / "pages.jsonl").read_text("utf-8").splitlines())
    policies = {row["url"] for row in rows if row["source"] == "opp115"}  # under their site's address
    seen = set()
    for page in iter_pages(folder):
        site = parse_site(urlsplit(page.url).hostname or "")
        sure = [a for a, kinds in page.truth.items() if "p" in kinds and "~" not in kinds]
        own = [a for a in sure if f".{a.partition('/')[0]}".endswith(f".{site}") and "/" in a]
        if own and site not in seen and urlsplit(page.url).path in ("", "/"):
            seen.add(site)
            yield RealSite(site=site, page=page, policy=f"http://{own[0]}", is_home=page.url not in policies)


def body_of(site: RealSite) -> bytes:
    return f"<meta charset=utf-8>{site.page.text}".encode()


def capture_home(source: GeneratedSource, site: RealSite) -> None:
    for year in (site.page.year, site.page.year + 1):
        source.add(f"{year}0601000000", body_of(site), url=site.page.url)


def policy_of(site: RealSite, language: str) -> bytes:
    heading, _, text = WRITTEN[language]["privacy"].strip().partition("\n")
    paragraphs = "".join(f"<p>{part}</p>" for part in text.strip().split("\n") if part)
    title = heading.lstrip("# ")
    return (
        f"<meta charset=utf-8><title>{title} - {site.site}</title><ul><li><a href=/>Home</a><li>"
        f"<a href=/news>News</a></ul><h1>{title}</h1>{paragraphs}<p>© {site.site}"
    ).encode()


def negatives(shared: Path, *types: str) -> Iterator[bytes]:
    folder = shared / "negatives"
    for row in map(json.loads, (folder / "pages.jsonl").read_text("utf-8").splitlines()):
        if row["type"] in types:
            yield gzip.decompress((folder / "pages" / f"{row['id']}.html.gz").read_bytes())


def crawl(source: GeneratedSource, database: Path, sites: list[RealSite]) -> FetchReport:
    with ArchiveServer(source=source) as server:
        return run_fetch(
            FetchOptions(
                targets=tuple(build_target(site.site) for site in sites),
                kinds=(Kind.PRIVACY,),
                database=database,
                archive_url=server.url,
                index_per_minute=0,
                replay_per_second=0,
                settings=(("POLICY_RETRY_SECONDS", 0.01),),
            )
        )


@pytest.fixture(scope="module")
def sites(shared: Path) -> list[RealSite]:
    return list(iter_sites(shared))[:MOST_SITES]


def test_no_site_that_has_a_policy_is_lost(sites: list[RealSite], database: Path) -> None:
    source = GeneratedSource()
    languages = cycle(sorted(language for language in WRITTEN if "privacy" in WRITTEN[language]))
    for site in sites:
        capture_home(source, site)
        body = policy_of(site, next(languages))
        source.add(f"{site.page.year}0701000000", body, url=site.policy)

    report = crawl(source, database, sites)

    assert report.status == "done"
    stored = {site for (site,) in read(database, "select distinct site from policy_versions")}
    lost = [site for site in sites if site.site not in stored]
    assert [(site.site, site.policy) for site in lost] == []
    assert len(stored) > MOST_SITES // 2


def test_no_site_is_given_a_page_that_stands_in_its_policys_place(shared: Path, database: Path) -> None:
    homes = [site for site in iter_sites(shared) if site.is_home]
    shops = negatives(shared, "shop/product page", "listing")
    articles = negatives(shared, "news article", "blog/article")
    fronts = negatives(shared, "front page")
    makers: dict[str, Callable[[RealSite], bytes]] = {
        "its home page": body_of,
        "another front page": lambda _: next(fronts),
        "another site's home page": lambda site: body_of(homes[homes.index(site) - 1]),
        "soft 404": lambda _: SOFT_404,
        "parked domain": lambda site: PARKED % site.site.encode(),
        "login": lambda _: LOGIN,
        "consent wall": lambda _: CONSENT_WALL,
        "shop": lambda _: next(shops),
        "article": lambda _: next(articles),
        "redirect to the home page": lambda _: b"",
    }
    source = GeneratedSource()
    kinds: dict[str, list[str]] = defaultdict(list)
    chosen = cycle(makers.items())
    for site in homes:
        capture_home(source, site)
        for year in range(site.page.year, site.page.year + CAPTURES):
            kind, make = next(chosen)
            kinds[site.site].append(kind)
            moved = kind.startswith("redirect")
            source.add(
                f"{year}0701000000",
                make(site),
                url=site.policy,
                status=302 if moved else 200,
                headers=(("Location", site.page.url),) if moved else (),
            )

    report = crawl(source, database, homes)

    assert report.status in ("done", "incomplete")
    told = read(database, "select distinct site, title from policy_versions")
    assert [(kinds[site], site, title) for site, title in told] == []
    outcomes = read(database, "select outcome, count(*) from captures group by outcome")
    assert dict(outcomes)["not-a-policy"] >= 2 * len(homes) >= 2 * FEWEST_HOMES
