"""Addresses as people paste them, and archives as they name them."""

from __future__ import annotations

import re
from contextlib import suppress
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy_archive.crawler.core.errors import UsageError
from policy_archive.crawler.core.urlkeys import urlkey
from policy_archive.crawler.core.urls import build_uri_m, parse_archive, parse_page, split_uri_m
from policy_archive.crawler.crawl.run import build_target


@pytest.mark.parametrize(
    ("pasted", "url"),
    [
        ("example.com/privacy", "https://example.com/privacy"),
        (" HTTP://Example.com:80/Privacy\n", "http://Example.com:80/Privacy"),
        ("https://example.com/privacy#section-3", "https://example.com/privacy"),
        ("https://example.com/legal#terms-of-use", "https://example.com/legal#terms-of-use"),
        ("example.com/rechtliches#Datenschutz", "https://example.com/rechtliches#Datenschutz"),
        ("https://me:secret@example.com/privacy", "https://example.com/privacy"),
        ("https://example.com/p?b=2&a=%2Fx", "https://example.com/p?b=2&a=%2Fx"),
        ("https://example.com/ein text", "https://example.com/ein text"),
        ("bücher.example/datenschutz", "https://bücher.example/datenschutz"),
        ("example.com:8080/privacy", "https://example.com:8080/privacy"),
        ("https://example.com?page=privacy", "https://example.com?page=privacy"),
        ("https://web.archive.org/web/20180127122821/https://example.com/p", "https://example.com/p"),
        ("web.archive.org/web/2018id_/http%3A//example.com/p%3Fa", "http://example.com/p?a"),
        ("https://web.archive.org/web/20180501000000*/example.com/p", "https://example.com/p"),
        ("https://example.com/#top", None),
        ("https://web.archive.org/web/2018/http://example.com/", None),
    ],
)
def test_a_pasted_address_is_the_page_that_is_meant(pasted: str, url: str | None) -> None:
    target = build_target(pasted)
    assert target.url == url
    assert target.site in ("example.com", "xn--bcher-kva.example")


@pytest.mark.parametrize(
    "pasted", ["ftp://example.com/privacy", "file://example.com/x", "https://example.com/a\x00b", "//x.org/a"]
)
def test_what_is_no_page_of_the_web_is_refused(pasted: str) -> None:
    with pytest.raises(UsageError):
        build_target(pasted)


@pytest.mark.parametrize(
    ("named", "archive"),
    [
        ("https://web.archive.org", "https://web.archive.org"),
        ("https://web.archive.org/", "https://web.archive.org"),
        ("http://web.archive.org", "https://web.archive.org"),
        ("HTTPS://Web.Archive.org:443/web/", "https://web.archive.org"),
        ("https://archive.org", "https://web.archive.org"),
        ("http://127.0.0.1:8080/collection/", "http://127.0.0.1:8080/collection"),
        ("http://localhost:80", "http://localhost"),
        ("https://Archive.example:443/Wayback", "https://archive.example/Wayback"),
        ("http://[::1]:8080/x", "http://[::1]:8080/x"),
    ],
)
def test_one_archive_has_one_name_whatever_it_is_called(named: str, archive: str) -> None:
    assert parse_archive(named) == archive
    assert parse_archive(archive) == archive


@pytest.mark.parametrize(
    "named",
    [
        "",
        "web.archive.org",
        "localhost:8080/x",
        "ftp://archive.example",
        "https://",
        "http://archive.example:port",
        "http://[::1",
        "http://me:secret@archive.example/x",
        "https://archive.example/?a=b",
        "https://web.archive.org/web/2018/https://example.com",
    ],
)
def test_what_names_no_archive_is_refused(named: str) -> None:
    with pytest.raises(UsageError, match="is no archive's address"):
        parse_archive(named)


def test_a_fragment_goes_for_archives_key_without_it() -> None:
    asked = build_uri_m("https://web.archive.org", "20180127122821", "http://x.org/p%23a?b#c")
    assert asked.endswith("id_/http://x.org/p%23a?b")


@given(st.text(max_size=50))
def test_any_text_is_an_address_or_a_mistake_that_is_named(text: str) -> None:
    for parse in (build_target, parse_archive, parse_page):
        with suppress(UsageError):
            assert parse(text)


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=50))
def test_any_address_has_a_key_and_can_be_asked_for(text: str) -> None:
    assert urlkey(text)
    original = f"http://example.com/{text}"
    asked = build_uri_m("https://web.archive.org", "20180127122821", original)
    assert asked.isascii()
    assert urlsplit(asked).fragment == ""
    assert split_uri_m(asked) is not None


@given(st.text(max_size=40))
def test_all_that_http_forbids_is_escaped_and_nothing_else(text: str) -> None:
    forbidden = re.compile(r'[\x00-\x20\x7f-\U0010ffff"<>\\^`{|}]')
    page = text.partition("#")[0].encode("utf-8", "replace").decode()
    escaped = forbidden.sub(lambda match: quote(match[0], safe=""), page)
    address = build_uri_m("https://web.archive.org", "20180127122821", page)
    assert address == f"https://web.archive.org/web/20180127122821id_/{escaped}"
