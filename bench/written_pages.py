"""Links, measured on home pages written for it (bench/link_pages): what is found is right or wrong.

    python bench/written_pages.py            all sets; the mistakes of the one that was mended on first
    python bench/written_pages.py --unseen   the other sets' mistakes as well: a page once read is seen

Truth is written by address, so one page asks for each of its policies, where real_pages asks for one a kind.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from policy_archive.crawler.core.records import Kind  # noqa: E402 (the path comes first)
from policy_archive.crawler.discovery.links import find_policy_links  # noqa: E402
from policy_archive.pipelines.extract.source.parse import parse_html  # noqa: E402

LETTERS = {Kind.PRIVACY: "p", Kind.TERMS: "t", Kind.COOKIES: "c"}
HALVES = ("seen", "unseen", "later")


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How the links of one written page were read."""

    page: str
    missed: tuple[tuple[Kind, str], ...]
    wrong: tuple[tuple[Kind, str], ...]
    wanted: Mapping[Kind, int]
    links: int


def read_pages(half: str) -> Iterator[Reading]:
    """Yield how each page of a half (`seen`, `unseen`, `later`) is read."""
    pages = tomllib.loads((HERE / "link_pages" / f"{half}.toml").read_text("utf-8"))
    for name, page in pages.items():
        yield _read(name, page)


def _read(name: str, page: Mapping[str, Any]) -> Reading:
    url = page["url"]
    truth = {letter: {urljoin(url, address) for address in page.get(letter, ())} for letter in "ptcn"}
    found = [link for link in find_policy_links(parse_html(page["html"]), url=url) if link.kind in LETTERS]
    told = {(link.kind, link.url) for link in found}
    return Reading(
        page=name,
        missed=tuple(
            (kind, address)
            for kind, letter in LETTERS.items()
            for address in sorted(truth[letter])
            if (kind, address) not in told
        ),
        wrong=tuple(
            (link.kind, link.url) for link in found if link.url not in truth[LETTERS[link.kind]] | truth["n"]
        ),
        wanted={kind: len(truth[letter]) for kind, letter in LETTERS.items()},
        links=len(found),
    )


def print_written_pages(*, mistakes: Iterable[str] = ()) -> None:
    """Print recall by kind and precision of the two halves, and the mistakes of those named."""
    print(
        f"\nwritten home pages\n{'':8} pages  {'privacy':14} {'terms':14} {'cookies':14} precision of links"
    )
    for half in HALVES:
        readings = list(read_pages(half))
        cells = []
        for kind in LETTERS:
            wanted = sum(reading.wanted[kind] for reading in readings)
            missed = sum(missed is kind for reading in readings for missed, _ in reading.missed)
            cells.append(f"{wanted - missed}/{wanted} {1 - missed / wanted:.3f}")
        links, wrong = sum(r.links for r in readings), sum(len(r.wrong) for r in readings)
        print(f"{half:8} {len(readings):>5}  {cells[0]:14} {cells[1]:14} {cells[2]:14} ", end="")
        print(f"{1 - wrong / links:.3f} of {links}")
        if half in mistakes:
            for reading in readings:
                for title, found in (("missed", reading.missed), ("wrong", reading.wrong)):
                    for kind, address in found:
                        print(f"    {reading.page}: {title} {kind.value} {address}")


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--unseen", action="store_true", help="print mistakes of the half held back, too")
    print_written_pages(mistakes=HALVES if parser.parse_args().unseen else HALVES[:1])


if __name__ == "__main__":
    main()
