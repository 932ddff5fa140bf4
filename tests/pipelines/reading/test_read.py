"""A body to a reading: the outcome that a capture is stored with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from policy_archive.crawler.core.records import Document, Kind, Outcome, Reading
from policy_archive.pipelines.extract.page import transform_page
from policy_archive.pipelines.reading.pool import ReadingPool
from policy_archive.pipelines.reading.read import read_body, read_unknown
from tests.support.calls import count_calls

PAGES = Path(__file__).parents[2] / "pages"

TERMS = b"""<title>Terms of service</title><h1>Terms of service</h1>
<p>These terms govern every order. By placing an order you agree that a contract is made.</p>
<p>Prices include tax. You bear the risk of loss once the goods have been handed to you.</p>
<p>Our liability for slight negligence is limited to the price of the goods. We give no warranty.</p>
<p>You must not misuse the service. We may suspend or terminate your account if you breach these terms.</p>
<h2>Governing law</h2><p>The law of Scotland applies, and its courts have exclusive jurisdiction.</p>"""


def read(body: bytes, kind: Kind = Kind.PRIVACY, *, content_type: str = "text/html") -> Reading:
    return read_body(
        body,
        document=Document(site="books.example", kind=kind),
        url="https://books.example/privacy",
        timestamp="20190611120000",
        content_type=content_type,
    )


def page(name: str) -> bytes:
    return (PAGES / name / "input.html").read_bytes()


def test_a_policy_of_the_kind_wanted_counts() -> None:
    reading = read(page("consent-banner"))
    assert (reading.outcome, reading.reason) == (Outcome.TEXT, "")
    assert reading.verdict is not None
    assert reading.verdict.kind is Kind.PRIVACY
    assert reading.owner is not None
    assert reading.owner.relation in ("site", "unknown")
    assert reading.extraction is not None


def test_a_policy_of_another_kind_is_told_apart_and_its_text_kept() -> None:
    reading = read(TERMS)
    assert reading.outcome is Outcome.OTHER_KIND
    assert reading.extraction is not None


def test_a_shell_that_scripts_would_fill_is_empty() -> None:
    body = b"<title>Privacy Policy</title><div id=root></div><noscript>Please enable JavaScript.</noscript>"
    reading = read(body)
    assert reading.outcome is Outcome.EMPTY
    assert reading.reason


def test_for_a_document_of_kind_other_every_policy_counts() -> None:
    assert read(TERMS, Kind.OTHER).outcome is Outcome.TEXT


def test_what_is_no_policy_carries_the_judges_class() -> None:
    body = b"<title>404 Not Found</title><h1>Page not found</h1><p>This page does not exist (any more).</p>"
    reading = read(body)
    assert (reading.outcome, reading.reason) == (Outcome.NOT_A_POLICY, "soft-404")
    assert reading.extraction is not None


def test_a_home_page_gives_its_links_and_no_text() -> None:
    body = b'<title>Books</title><p>Welcome</p><footer><a href="/legal/privacy">Privacy policy</a></footer>'
    reading = read(body, Kind.HOME)
    assert (reading.outcome, reading.extraction) == (Outcome.HOME, None)
    assert [(link.url, link.kind) for link in reading.links] == [
        ("https://books.example/legal/privacy", Kind.PRIVACY)
    ]


def test_a_frameset_says_where_its_text_is() -> None:
    reading = read(page("frameset"))
    assert reading.outcome is Outcome.EMPTY
    assert reading.extraction is not None
    assert reading.extraction.frame_url == "https://books.example/privacy_text.html"
    assert reading.extraction.frame_url in reading.reason


@pytest.mark.parametrize(
    ("body", "kind", "outcome"),
    [
        (b"", Kind.PRIVACY, Outcome.EMPTY),
        (b"", Kind.HOME, Outcome.EMPTY),
        (b"\x89PNG\r\n\x1a\n", Kind.HOME, Outcome.NOT_TEXT),
        (b"\x1f\x8b\x08\x00", Kind.PRIVACY, Outcome.TRUNCATED),
        (b"\x1f\x8b\x08\x00", Kind.HOME, Outcome.TRUNCATED),
        (b"GIF89a...", Kind.PRIVACY, Outcome.NOT_TEXT),
    ],
)
def test_what_gives_no_text_is_its_outcome(body: bytes, kind: Kind, outcome: Outcome) -> None:
    reading = read(body, kind)
    assert (reading.outcome, reading.extraction) == (outcome, None)
    assert reading.reason


DATED = TERMS + b"<p>Last updated: 03/04/2018</p>"
ALIKE = {
    "another title": {"body": DATED.replace(b"<title>Terms", b"<title>Old terms")},
    "more links": {"body": DATED + b"<a href=/privacy>Privacy</a>" * 9},
    "another paragraph": {"body": DATED.replace(b"Prices include tax.", b"Prices are net of tax.")},
    "another element": {"body": DATED.replace(b"<h2>Governing law</h2>", b"<p>Governing law</p>")},
    "a password field": {"body": DATED + b"<input type=password>"},
    "a part that is hidden": {"body": DATED.replace(b"<h2>", b"<h2 hidden>")},
    "another site": {"document": Document(site="shop.example", kind=Kind.TERMS)},
    "another kind": {"document": Document(site="books.example", kind=Kind.PRIVACY)},
    "another address": {"url": "https://books.example.org/datenschutz"},
    "another day": {"timestamp": "20010611120000"},
    "another charset": {"content_type": "text/html; charset=windows-1252"},
}
"""Pages that differ from one in a single respect, so that one remembered must not be taken for the other."""


@pytest.mark.parametrize("differing", ALIKE.values(), ids=ALIKE)
def test_what_was_read_before_changes_no_reading(differing: dict[str, Any]) -> None:
    facts: dict[str, Any] = {
        "body": DATED,
        "document": Document(site="books.example", kind=Kind.TERMS),
        "url": "https://books.example/terms",
        "timestamp": "20190611120000",
        "content_type": "text/html",
    }
    other = facts | differing
    with ReadingPool(1, tasks_per_process=1) as pool:
        alone = [pool.run(read_body, **each) for each in (facts, other)]
    assert [read_body(**each) for each in (facts, other, facts)] == [*alone, alone[0]]


LOADED = """<html data-load="{token}"><head><title>Privacy policy of {name}</title>
<meta name="csrf-token" content="{token}"><link rel="stylesheet" href="/built/{token}.css">
<script nonce="{token}">var token = "{token}" < 1;</script></head>
<body><nav><a href="/terms">Terms of service</a></nav><main data-page="{token}"><h1>Privacy policy</h1>
<p>We collect the personal data that you give us, and share it with nobody else. {added}</p>
<p>You have a right to know what we keep of you. Last updated: 03/04/2018.</p>
<script>load("{token}")</script><input type="hidden" name="token" value="{token}">
<!-- served by {token} --></main>{after}</body></html>"""


def loaded(token: str, *, name: str = "once", added: str = "", after: str = "") -> bytes:
    return LOADED.format(token=token, name=name, added=added, after=after).encode()


def test_a_page_that_differs_in_scripts_and_tokens_alone_is_read_once() -> None:
    readings: list[Reading] = []
    calls = count_calls(
        transform_page, lambda: readings.extend(read(loaded(token)) for token in ("a1", "b2", "c3", "d4"))
    )
    assert calls == 1
    assert len({repr(reading) for reading in readings}) == 1
    assert readings[0].extraction is not None
    assert readings[0].links


def test_a_word_more_a_link_or_another_address_is_read_anew() -> None:
    pages = (
        loaded("a1", name="more"),
        loaded("a1", name="more", added="Or with partners."),
        loaded("a1", name="more", after='<footer><a href="/cookies">Cookie policy</a></footer>'),
    )
    assert count_calls(transform_page, lambda: [read(page) for page in pages]) == len(pages)
    first, added, linked = map(read, pages)
    assert first.extraction != added.extraction
    assert len(linked.links) > len(first.links)


def test_the_dates_of_a_page_that_is_known_are_read_by_the_capture_s_own_day() -> None:
    """Of 03/04/2018 the reading that lies after the capture gives way."""
    days = []
    for token, timestamp in (("a1", "20180305000000"), ("b2", "20190305000000")):
        reading = read_body(
            loaded(token, name="dated"),
            document=Document(site="books.example", kind=Kind.PRIVACY),
            url="https://books.example/privacy",
            timestamp=timestamp,
            content_type="text/html",
        )
        assert reading.extraction is not None
        days += [stated.day.isoformat() for stated in reading.extraction.stated_dates]
    assert days[0] == "2018-03-04"
    assert len(days) == 2


def test_links_that_stand_in_scripts_are_looked_for_in_each_capture() -> None:
    page = b"""<title>Privacy policy</title><h1>Privacy policy</h1><p>We collect your personal data and
        share it with nobody.</p><script>var legal = "%s";</script>"""
    before, after = read(page % b"/legal/terms-of-service"), read(page % b"/legal/cookie-policy")
    assert [link.kind for link in before.links] == [Kind.TERMS]
    assert [link.kind for link in after.links] == [Kind.COOKIES]


EVERY_PAGE = sorted(PAGES.glob("*/input.html"))


@pytest.mark.parametrize("kind", [Kind.PRIVACY, Kind.TERMS, Kind.COOKIES, Kind.OTHER])
@pytest.mark.parametrize("path", EVERY_PAGE[::6], ids=lambda path: path.parent.name)
def test_a_page_that_nobody_knows_is_read_as_it_is_for_who_knows_it(path: Path, kind: Kind) -> None:
    body = path.read_bytes()
    facts: dict[str, Any] = {
        "url": "https://books.example/a", "timestamp": "20190611120000", "content_type": "text/html",
    }  # fmt: skip
    for sure in (True, False):
        found, reading = read_unknown(body, site="books.example", kind=kind, sure=sure, **facts)
        known = Document(site="books.example", kind=found)
        assert reading == read_body(body, document=known, **facts)


def test_terms_at_an_address_that_promises_nothing_are_read_as_terms() -> None:
    facts: dict[str, Any] = {
        "url": "https://x.example/a",
        "timestamp": "20190611120000",
        "content_type": None,
    }
    for kind, sure in ((Kind.OTHER, False), (Kind.PRIVACY, True)):
        found, reading = read_unknown(TERMS, site="x.example", kind=kind, sure=sure, **facts)
        assert (found, reading.outcome) == (Kind.TERMS, Outcome.TEXT)
