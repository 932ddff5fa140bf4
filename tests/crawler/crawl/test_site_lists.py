"""Lists of sites, as they are handed out."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy_archive.crawler.core.errors import UsageError
from policy_archive.crawler.crawl.site_lists import BadLine, ListedSite, decode_list, iter_sites


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


def meant(text: str, column: str | None = None) -> list[str | None]:
    """Return the page or site that each line means, None for a bad one."""
    items = iter_sites(text.splitlines(), column=column)
    return [item.url or item.site if isinstance(item, ListedSite) else None for item in items]


TABLE = (
    ("Company", "Website", "Sector"),
    ("Acme Inc.", "acme.example", "Retail"),
    ("Bolt & Co", "www.bolt.example", ""),
)
PAGES = (
    ("Name", "Policy page"),
    ("Acme Inc.", "https://acme.example/privacy"),
    ("Bolt", "https://bolt.example/legal/p.html"),
)


@pytest.mark.parametrize("heading", [True, False], ids=["heading", "no heading"])
@pytest.mark.parametrize("mark", [",", ";", "\t", "|"], ids=["comma", "semicolon", "tab", "bar"])
def test_tables_are_read_whatever_parts_their_cells(mark: str, heading: bool) -> None:
    text = "\n".join(mark.join(row) for row in TABLE[not heading :])
    assert meant(text) == ["acme.example", "bolt.example"]
    text = "\n".join(mark.join(row) for row in PAGES[not heading :])
    assert meant(text)[0] == "https://acme.example/privacy"
    assert meant(text, "2") == ["https://acme.example/privacy", "https://bolt.example/legal/p.html"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://acme.example/privacy;ACME", ["https://acme.example/privacy"]),
        ("ACME;https://acme.example/privacy", ["https://acme.example/privacy"]),
        ('"Acme Inc.",acme.example,Retail', ["acme.example"]),
        (
            '"Amazon.com, Inc.",shop.amazon.example\n"Booking.com",booking.example',
            ["amazon.example", "booking.example"],
        ),
        ("Acme;info@acme.example;acme.org\nBolt;me@bolt.example;bolt.org", ["acme.org", "bolt.org"]),
        ("sep=;\nFirma;Webseite\nAcme;acme.example", ["acme.example"]),
        (
            "https://x.example/0,1518,7.html\nhttps://y.example/0,1519,8.html",
            ["https://x.example/0,1518,7.html", "https://y.example/0,1519,8.html"],
        ),
        ("https://x.example/p;jsessionid=1\ny.example", ["https://x.example/p;jsessionid=1", "y.example"]),
        ("Name;Website\nAcme;n/a\nBolt;bolt.example", [None, "bolt.example"]),
        ("Acme;n/a;Retail\nBolt;bolt.example;Tools", [None, "bolt.example"]),
        ("Company,Website\nAcme,\nBolt,bolt.example", [None, "bolt.example"]),
        ("Website,URL\nacme.example,https://acme.example/en/p7", ["https://acme.example/en/p7"]),
        ("Company,Website\nAcme,https://acme.example/en/home", ["acme.example"]),
        ("1;google.example\n2;x.example", ["google.example", "x.example"]),
    ],
)
def test_of_a_line_the_right_cell_is_taken(text: str, expected: list[str | None]) -> None:
    assert meant(text) == expected


def test_a_column_is_named_by_its_heading_or_its_number() -> None:
    text = "Company;Group;Own site\nAcme;group.example;acme.example\nBolt;group.example;"
    assert meant(text, "own site") == ["acme.example", None]
    assert meant(text, "2") == ["group.example"]
    with pytest.raises(UsageError, match="no column 'URL': it has Company, Group, Own site"):
        meant(text, "URL")
    with pytest.raises(UsageError, match="3 columns by number"):
        meant(text, "4")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
def test_a_file_is_read_in_the_encoding_that_it_has(encoding: str, newline: str) -> None:
    text = newline.join(["Firma;Webseite", "Bücher Müller;bücher.example", "Acme;acme.example"] * 3000)
    items = list(iter_sites(decode_list(io.BytesIO(text.encode(encoding)))))
    assert [item.site for item in items if isinstance(item, ListedSite)] == [
        "xn--bcher-kva.example",
        "acme.example",
    ]


@pytest.mark.parametrize("beginning", [b"PK\x03\x04", b"\xd0\xcf\x11\xe0"], ids=["xlsx", "xls"])
def test_of_a_workbook_it_is_said_what_to_do(beginning: bytes) -> None:
    with pytest.raises(UsageError, match=r"sites.xlsx is a workbook .*save its sheet as CSV"):
        list(decode_list(io.BytesIO(beginning + b"\0" * 99), name="sites.xlsx"))


@given(st.binary(max_size=200))
def test_any_file_is_read_or_refused(body: bytes) -> None:
    try:
        items = list(iter_sites(decode_list(io.BytesIO(body))))
    except UsageError:
        assert body.startswith((b"PK", b"\xd0"))
    else:
        assert all(item.number >= 1 for item in items)
