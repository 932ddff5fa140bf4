"""Lists of sites, as they are handed out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy_archive.crawler.crawl.site_lists import BadLine, ListedSite, iter_sites


def read(text: str) -> list[tuple[str, int | None]]:
    return [(item.site, item.rank) for item in iter_sites(text.splitlines()) if isinstance(item, ListedSite)]


@pytest.mark.parametrize(
    ("text", "sites"),
    [
        ("example.com\n\n# a comment\nexample.org\n", [("example.com", None), ("example.org", None)]),
        ("1,google.com\n2,example.co.uk\n", [("google.com", 1), ("example.co.uk", 2)]),
        ("rank,domain\n1,google.com\n", [("google.com", 1)]),
        ("\ufeff1,google.com\r\n2,example.org\r\n", [("google.com", 1), ("example.org", 2)]),
        ("7,example.com/~user\n", [("example.com", 7)]),
        (
            "GlobalRank,TldRank,Domain,TLD,RefSubNets\n1,1,facebook.com,com,523\n",
            [("facebook.com", 1)],
        ),
        ("origin,rank\nhttps://www.example.com,1000\n", [("example.com", 1000)]),
        ("3\texample.com\n", [("example.com", 3)]),
        ("HTTPS://WWW.Bücher.example.:443/\n", [("xn--bcher-kva.example", None)]),
        ("example.com\nwww.example.com\nEXAMPLE.com.\n", [("example.com", None)]),
        ("", []),
    ],
)
def test_a_list_is_read(text: str, sites: list[tuple[str, int | None]]) -> None:
    assert read(text) == sites


def test_a_page_in_a_plain_list_stays_a_page() -> None:
    items = list(iter_sites(["https://example.com/legal,privacy", "example.com"]))
    assert [item.url for item in items if isinstance(item, ListedSite)] == [
        "https://example.com/legal,privacy",
        None,
    ]


def test_a_bad_line_is_named_with_its_number() -> None:
    items = list(iter_sites(["example.com", "nonsense", "1,co.uk", "example.org"]))
    bad = [item for item in items if isinstance(item, BadLine)]
    assert [(item.number, item.text) for item in bad] == [(2, "nonsense"), (3, "1,co.uk")]
    assert "is no domain" in bad[0].reason
    assert len(items) == 4


def test_of_a_bad_line_the_name_is_blamed_not_the_rank() -> None:
    (_, bad) = iter_sites(["1,example.com", "3,bad site"])
    assert isinstance(bad, BadLine)
    assert "'bad site'" in bad.reason


def test_a_first_line_that_is_a_broken_domain_is_no_heading() -> None:
    (item,) = iter_sites(["exa mple..com"])
    assert isinstance(item, BadLine)


def test_a_list_is_read_line_by_line() -> None:
    endless = (f"site{number}.example" for number in iter(int, 1))
    assert next(iter_sites(endless)) == ListedSite(number=1, site="site0.example")


@given(st.lists(st.text(max_size=40)))
def test_any_line_is_read_or_named(lines: list[str]) -> None:
    numbers = [item.number for item in iter_sites(lines)]
    assert numbers == sorted(set(numbers))
    assert all(1 <= number <= len(lines) for number in numbers)


def test_a_page_is_named_as_it_is_on_the_command_line() -> None:
    lines = (
        "x.example/privacy#top",
        "https://me:secret@x.example/terms",
        "https://web.archive.org/web/2018/https://y.example/privacy",
        "ftp://z.example/privacy",
    )
    *items, bad = iter_sites(lines)
    assert [(item.site, item.url) for item in items if isinstance(item, ListedSite)] == [
        ("x.example", "https://x.example/privacy"),
        ("x.example", "https://x.example/terms"),
        ("y.example", "https://y.example/privacy"),
    ]
    assert isinstance(bad, BadLine)
    assert "no page of the web" in bad.reason
