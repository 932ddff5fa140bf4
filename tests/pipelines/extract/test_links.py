from __future__ import annotations

import pytest

from policy_archive.crawler.core.urls import original_address
from policy_archive.pipelines.extract.links import LinkReader, clean_address, decode_email
from policy_archive.pipelines.extract.page import transform_page
from policy_archive.pipelines.extract.source.parse import parse_html

PAGE = "https://example.com/legal/privacy?lang=en"


def address(href: str, *, url: str = PAGE, head: str = "") -> str | None:
    return LinkReader(parse_html(f"<head>{head}</head><p>text</p>"), url).address(href)


@pytest.mark.parametrize(
    ("href", "expected"),
    [
        ("/cookies", "https://example.com/cookies"),
        ("terms.html", "https://example.com/legal/terms.html"),
        ("//cdn.example.net/a.pdf", "https://cdn.example.net/a.pdf"),
        (" https://x.org/a\n b ", "https://x.org/a%20b"),
        ("mailto:a@b.c", "mailto:a@b.c"),
        ("mailto:&#97;&#x40;b.c", "mailto:a@b.c"),
        ("#part-2", "#part-2"),
        (f"{PAGE}#part-2", "#part-2"),
        ("https://x.org/a_(b)", "https://x.org/a_(b)"),
        ("https://x.org/a)", "https://x.org/a%29"),
        ("#", None),
        ("javascript:print()", None),
        ("", None),
        ("http://[", "http://["),
    ],
)
def test_a_link_is_written_as_it_stood_on_the_web(href: str, expected: str | None) -> None:
    assert address(href) == expected


@pytest.mark.parametrize(
    "href",
    [
        "https://web.archive.org/web/20200101000000/https://example.com/cookies",
        "/web/20200101000000id_/https://example.com/cookies",
        "//web.archive.org/web/20200101000000if_/https%3A//example.com/cookies",
        "https://archive.example/coll/20200101000000mp_/https:/example.com/cookies",
        "/cookies",
    ],
)
def test_no_link_leads_to_the_archive(href: str) -> None:
    replayed = f"https://web.archive.org/web/20200101000000/{PAGE}"

    assert address(href, url=replayed) == "https://example.com/cookies"


def test_links_resolve_against_base_even_when_replay_has_rewritten_it() -> None:
    head = '<base href="/web/20200101000000/https://docs.example.com/a/">'

    assert address("b", head=head) == "https://docs.example.com/a/b"


def test_a_page_of_unknown_address_uses_the_one_that_it_gives_itself() -> None:
    assert address("/b", url="", head='<link rel=canonical href="https://x.org/a">') == "https://x.org/b"
    assert address("/b", url="", head='<link rel=canonical href="//x.org/a">') == "https://x.org/b"
    assert (
        address("/b", url="", head='<meta property="og:url" content="https://x.org/a">') == "https://x.org/b"
    )
    german = '<link rel=alternate hreflang=de href="https://x.org/de/a">'
    assert address("/b", url="", head=german) == "https://x.org/b"
    assert address("/b", url="", head='<link rel=canonical href="/a">') == "/b"
    assert address("/b", url="") == "/b"


@pytest.mark.parametrize(
    ("url", "cleaned"),
    [
        ("https://x.org/a?utm_source=mail&id=3&fbclid=z", "https://x.org/a?id=3"),
        ("https://x.org/a;jsessionid=0F3A?b=1", "https://x.org/a?b=1"),
        ("https://x.org/(S(abc123))/a.aspx", "https://x.org/a.aspx"),
        ("https://x.org/a?PHPSESSID=1", "https://x.org/a"),
        ("https://x.org/a?version=2&side=b#c", "https://x.org/a?version=2&side=b#c"),
    ],
)
def test_what_changes_at_every_load_is_no_part_of_an_address(url: str, cleaned: str) -> None:
    assert clean_address(url) == cleaned


@pytest.mark.parametrize("key", [0x00, 0x5A, 0xFF])
def test_a_mail_address_hidden_by_cloudflare_is_the_same_text_whatever_the_key(key: int) -> None:
    code = bytes([key, *(byte ^ key for byte in b"dpo@example.com")]).hex()
    html = (
        f'<p>Write to <a href="/cdn-cgi/l/email-protection" class="__cf_email__" data-cfemail="{code}">'
        f'[email&#160;protected]</a> or <a href="/cdn-cgi/l/email-protection#{code}">'
        f'<span class="__cf_email__" data-cfemail="{code}">[email&#160;protected]</span></a> or '
        f'<a href="/cdn-cgi/l/email-protection#{code}">our officer</a>.</p>'
    )

    assert transform_page(parse_html(html), url=PAGE).text == (
        "Write to dpo@example.com or [dpo@example.com](mailto:dpo@example.com) or "
        "[our officer](mailto:dpo@example.com).\n"
    )
    assert decode_email("zz") == ""


def test_a_mail_address_hidden_twice_is_uncovered_twice() -> None:
    code = bytes([7, *(byte ^ 7 for byte in b"&#x61;&#64;b.c")]).hex()

    assert decode_email(code) == "a@b.c"


@pytest.mark.parametrize(
    "url", ["https://x.org/2020/01/report", "https://x.org/123456/a.html", "https://x.org/a/1999/b"]
)
def test_an_address_with_numbers_in_it_is_no_replay_address(url: str) -> None:
    assert original_address(url) == url
