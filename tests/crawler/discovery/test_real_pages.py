"""Home pages of real sites of 1998 to 2022: their policies' links are found, and little else."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from bench.real_pages import LETTERS, bare, find_site, iter_pages, score_page

LEAST_RECALL = 0.98
LEAST_PRECISION = 0.975
EACH = 3  # pages: a third of them tells, in seconds


def test_links_of_real_pages_are_read(shared: Path) -> None:
    pages = list(islice(iter_pages(shared / "real-pages" / "dev"), 0, None, EACH))
    scores = [score_page(page) for page in pages]
    assert len(scores) == 92
    for kind in LETTERS:
        wanted = [score.found[kind] for score in scores if score.wanted[kind]]
        assert sum(wanted) >= LEAST_RECALL * len(wanted) > 0
    links, wrong = sum(score.links for score in scores), sum(score.wrong for score in scores)
    assert links - wrong >= LEAST_PRECISION * links > 0


def test_sites_built_of_real_home_pages_are_found(shared: Path) -> None:
    pages = islice(iter_pages(shared / "real-pages" / "dev"), 0, None, 4 * EACH)
    found = [result for result in map(find_site, pages) if result is not None]
    assert len(found) >= 10
    assert all(found)


def test_an_address_is_written_as_the_truth_has_it() -> None:
    assert bare("http://www.Example.com:80/Legal%20Terms/#top") == "example.com/legal terms"
