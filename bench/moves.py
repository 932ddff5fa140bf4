"""Made sites whose policy moves, each with the addresses that its history has to hold."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.archived_site import ArchivedSite  # noqa: E402 (the path comes first)

from policy_archive.crawler.core.records import Kind  # noqa: E402
from policy_archive.crawler.core.urlkeys import urlkey  # noqa: E402
from policy_archive.crawler.discovery.records import DiscoveryPlan  # noqa: E402

SITE = "example.com"
HOME = f"http://{SITE}/"


@dataclass(frozen=True)
class Stay:
    """An address of the policy, and while it stood there."""

    url: str
    first: str
    """Year and month of its first capture: 2008-03."""
    last: str
    label: str = "Privacy Policy"
    """Of the home page's link to it; '' for none."""
    linked_as: str = ""
    """The link's address, where it is another than the one captured."""
    every: int = 6
    """Months between captures."""


@dataclass(frozen=True)
class Move:
    """A made site: where its policy stood, one address after the other."""

    name: str
    stays: Sequence[Stay]
    homes: Sequence[str] = ()
    """Months in which the home page was captured; () for every half year."""
    beside: Sequence[tuple[str, str, str]] = ()
    """Other addresses that were captured: (address, first, last)."""
    redirects: Sequence[tuple[str, str, str]] = ()
    """(month, address, target)."""
    expected: frozenset[str] | None = None
    """Addresses of the history, where they are not those of the stays."""

    @property
    def addresses(self) -> frozenset[str]:
        return frozenset(map(urlkey, self.expected or [stay.url for stay in self.stays]))

    def build(self) -> ArchivedSite:
        """Return the site with all its captures."""
        site = ArchivedSite(site=SITE)
        for stay in self.stays:
            for month in months(stay.first, stay.last, stay.every):
                site.capture(_day(month), stay.url)
        for url, first, last in self.beside:
            for month in months(first, last, 6):
                site.capture(_day(month), url)
        for month, url, target in self.redirects:
            site.capture(_day(month), url, to=target)
        first, last = min(s.first for s in self.stays), max(s.last for s in self.stays)
        for month in self.homes or tuple(months(first, last, 6)):
            site.capture(_day(month), HOME, self._home_of(month))
        return site

    def _home_of(self, month: str) -> str:
        links = [
            f'<a href="{stay.linked_as or stay.url}">{stay.label}</a>'
            for stay in self.stays
            if stay.first <= month <= stay.last and stay.label
        ]
        return f"<p>Welcome<footer><a href='/about'>About us</a> {' '.join(links)}</footer>"


def _day(month: str) -> str:
    return month.replace("-", "") + "15"


def months(first: str, last: str, every: int) -> Iterator[str]:
    """Yield every so many months from the first to the last, both written 2008-03; the last comes too."""
    start, end = (12 * int(text[:4]) + int(text[5:]) - 1 for text in (first, last))
    for month in sorted({*range(start, end + 1, every), end}):
        yield f"{month // 12:04}-{month % 12 + 1:02}"


def in_one_history(plan: DiscoveryPlan, move: Move) -> bool:
    """Return whether one main policy holds all addresses of a site."""
    return any(
        document.document.kind is Kind.PRIVACY
        and not document.document.name
        and move.addresses <= {address.urlkey for address in document.addresses}
        for document in plan.documents
    )


def found_addresses(plan: DiscoveryPlan, move: Move) -> int:
    """Return how many of a site's addresses some document holds."""
    found = {address.urlkey for document in plan.documents for address in document.addresses}
    return len(move.addresses & found)


_W = "http://www.example.com"
_S = "https://www.example.com"

MOVES = (
    Move(
        "renamed",
        (Stay(f"{_W}/privacy.html", "2003-01", "2010-06"), Stay(f"{_S}/legal/privacy", "2010-09", "2019-06")),
    ),
    Move(
        "from a number",
        (Stay(f"{_W}/info/l1.html", "2001-02", "2008-05"), Stay(f"{_S}/privacy", "2008-08", "2020-01")),
    ),
    Move(
        "to a number",
        (Stay(f"{_W}/privacy", "2005-02", "2014-05"), Stay(f"{_S}/doc/4711", "2014-08", "2022-01")),
    ),
    Move(
        "to a number, months before the end",
        (Stay(f"{_W}/privacy", "2005-02", "2014-01"), Stay(f"{_S}/doc/4711", "2014-03", "2014-09", every=2)),
        homes=("2005-03", "2009-06", "2013-09", "2014-08"),
    ),
    Move(
        "two numbers",
        (Stay(f"{_W}/a?id=17", "2002-02", "2009-05"), Stay(f"{_W}/b?id=99", "2009-06", "2017-01")),
    ),
    Move(
        "a variant alone has the newer text",
        (
            Stay(f"{_W}/privacy", "2006-01", "2011-06"),
            Stay(f"{_S}/privacy?_ref=footer", "2015-01", "2022-06", linked_as="/privacy?_ref=footer"),
        ),
    ),
    Move(
        "a variant that no home page shows",
        (
            Stay(f"{_W}/privacy", "2006-01", "2011-06"),
            Stay(f"{_S}/privacy?ref_=ft_1", "2015-01", "2021-06", label=""),
        ),
    ),
    Move(
        "variants beside the bare address",
        (Stay(f"{_S}/privacy", "2006-01", "2022-06"),),
        beside=(
            (f"{_S}/privacy?share=x", "2012-01", "2015-01"),
            (f"{_S}/privacy?utm_source=a", "2018-01", "2020-01"),
        ),
    ),
    Move(
        "linked with a variant, captured bare",
        (Stay(f"{_S}/privacy", "2012-01", "2022-06", linked_as="/privacy?ref=footer"),),
    ),
    Move(
        "in a folder called archived", (Stay(f"{_W}/archived/privacy.html", "2008-01", "2016-06", label=""),)
    ),
    Move(
        "in a folder called archive, and linked", (Stay(f"{_W}/archive/privacy.html", "2008-01", "2016-06"),)
    ),
    Move(
        "under a label of another subject", (Stay(f"{_W}/privacy.html", "2008-01", "2016-06", label="Jobs"),)
    ),
    Move(
        "a folder that is a number",
        (
            Stay(f"{_W}/p.html", "2003-01", "2009-01"),
            Stay(f"{_W}/2011/privacy-policy.html", "2009-03", "2018-01"),
        ),
    ),
    Move(
        "below an article's address",
        (Stay(f"{_W}/privacy", "2003-01", "2009-01"), Stay(f"{_W}/2011/11/18/y.html", "2009-03", "2018-01")),
    ),
    Move(
        "to a host of its own",
        (
            Stay(f"{_W}/privacy", "2008-01", "2016-06"),
            Stay("https://legal.example.com/privacy", "2016-08", "2023-01"),
        ),
    ),
    Move(
        "to another company's host",
        (
            Stay(f"{_W}/privacy", "2008-01", "2016-06"),
            Stay("https://policies.parent.example/privacy", "2016-08", "2023-01"),
        ),
    ),
    Move(
        "to a language",
        (Stay(f"{_W}/privacy", "2008-01", "2016-06"), Stay(f"{_S}/en-us/privacy", "2016-08", "2023-01")),
    ),
    Move(
        "to a PDF",
        (Stay(f"{_W}/privacy.html", "2008-01", "2013-06"), Stay(f"{_W}/privacy.pdf", "2013-08", "2017-01")),
    ),
    Move(
        "to a page with parameters",
        (
            Stay(f"{_W}/privacy.html", "2002-01", "2006-06"),
            Stay(f"{_W}/index.php?page=privacy", "2006-08", "2013-01"),
        ),
    ),
    Move(
        "from frames",
        (
            Stay(f"{_W}/fr/priv1.htm", "1999-01", "2003-06", label="Privacy Statement"),
            Stay(f"{_W}/privacy/", "2003-08", "2013-01"),
        ),
    ),
    Move(
        "three moves",
        tuple(Stay(f"{_W}/c{n}.html", f"{2000 + 5 * n}-02", f"{2004 + 5 * n}-11") for n in range(4)),
    ),
    Move(
        "a redirect alone tells",
        (
            Stay(f"{_W}/privacy", "2005-01", "2012-01", label=""),
            Stay(f"{_W}/corp/p-st.html", "2013-06", "2020-01", label=""),
        ),
        redirects=(("2013-03", f"{_W}/privacy", "/corp/p-st.html"),),
    ),
    Move(
        "both for a year",
        (
            Stay(f"{_W}/privacy.html", "2005-01", "2012-01"),
            Stay(f"{_S}/privacy-policy", "2011-03", "2020-01"),
        ),
        homes=("2005-01", "2009-01", "2012-02", "2016-01", "2020-01"),
    ),
    Move(
        "back again",
        (
            Stay(f"{_W}/privacy.html", "2003-01", "2008-01"),
            Stay(f"{_W}/legal/pp.html", "2008-03", "2013-01"),
            Stay(f"{_S}/privacy.html", "2013-03", "2020-01"),
        ),
    ),
    Move(
        "the home page was captured early only",
        (
            Stay(f"{_W}/privacy", "2005-02", "2011-05"),
            Stay(f"{_S}/about/privacy-notice", "2011-08", "2022-01"),
        ),
        homes=("2005-03", "2006-06"),
    ),
    Move(
        "renamed and another label",
        (
            Stay(f"{_W}/privacy", "2005-02", "2011-05"),
            Stay(f"{_S}/x/dp", "2011-08", "2022-01", label="Data Protection Notice"),
        ),
    ),
    Move(
        "the last home page months after the old address's end",
        (Stay(f"{_W}/privacy", "2005-02", "2013-12"), Stay(f"{_S}/n7", "2014-01", "2014-06", every=1)),
        homes=("2005-02", "2013-06", "2014-06"),
    ),
    Move(
        "in German",
        (
            Stay(f"{_W}/datenschutz.html", "2004-01", "2011-01", label="Datenschutz"),
            Stay(f"{_W}/de/27539/ds/", "2011-03", "2019-01", label="Datenschutzerklärung"),
        ),
    ),
    Move(
        "in Japanese",
        (
            Stay(f"{_W}/kojin.html", "2004-01", "2011-01", label="個人情報保護方針"),
            Stay(f"{_S}/policy/pv", "2011-03", "2019-01", label="プライバシーポリシー"),
        ),
    ),
    Move(
        "in Polish",
        (
            Stay(f"{_W}/polityka.html", "2006-01", "2013-01", label="Polityka prywatności"),
            Stay(f"{_S}/s/prywatnosc", "2013-03", "2021-01", label="politykę prywatności"),
        ),
    ),
)


def main() -> None:
    """Print a line a site: addresses found, whether in one history, and what that took."""
    addresses = found = together = 0
    for move in MOVES:
        site = move.build()
        plan = site.discover()
        got, one = found_addresses(plan, move), in_one_history(plan, move)
        addresses, found, together = addresses + len(move.addresses), found + got, together + one
        print(
            f"{move.name:56} {got}/{len(move.addresses)} {'one history' if one else 'APART':12} "
            f"index {len(site.asked)} replay {len(site.read)}"
        )
    print(f"{'all':56} {found}/{addresses} addresses, {together}/{len(MOVES)} sites in one history")


if __name__ == "__main__":
    main()
