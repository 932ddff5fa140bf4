"""What addresses say of the pages behind them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy_archive.crawler.core.records import Kind
from policy_archive.crawler.discovery.addresses import parse_code, read_address


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/privacy", Kind.PRIVACY),
        ("/privacy-policy.html", Kind.PRIVACY),
        ("/legal/PrivacyStatement.aspx", Kind.PRIVACY),
        ("/about/privacy/default.asp", Kind.PRIVACY),
        ("/datenschutzerklaerung", Kind.PRIVACY),
        ("/datenschutzerkl%C3%A4rung/", Kind.PRIVACY),
        ("/politica-de-privacidade", Kind.PRIVACY),
        ("/mentions/politique_de_confidentialite.php", Kind.PRIVACY),
        ("/%E9%9A%90%E7%A7%81%E6%94%BF%E7%AD%96", Kind.PRIVACY),
        ("/index.php?page=privacy", Kind.PRIVACY),
        ("/tos", Kind.TERMS),
        ("/legal/terms/service", Kind.TERMS),
        ("/agb.htm", Kind.TERMS),
        ("/CGU", Kind.TERMS),
        ("/terminos-y-condiciones", Kind.TERMS),
        ("/cookie-policy", Kind.COOKIES),
        ("/privacy/cookies", Kind.COOKIES),
        ("/impressum", Kind.OTHER),
        ("/legal/dpa", Kind.OTHER),
        ("/site-policy/dmca-takedown-policy", Kind.OTHER),
    ],
)
def test_a_plain_address_is_exact(path: str, kind: Kind) -> None:
    reading = read_address(f"https://example.com{path}")
    assert reading is not None
    assert (reading.kind, reading.names if kind is not Kind.OTHER else ()) == (kind, ())
    assert reading.exactness >= 0.9


@pytest.mark.parametrize(
    "path",
    [
        "/privacy.css",
        "/img/privacy.png",
        "/police",
        "/fotos",
        "/login?next=/privacy",
        "/share?url=https://example.com/privacy",
        "/personal-loans",
        "/",
        "",
    ],
)
def test_an_address_without_a_policys_name_says_nothing(path: str) -> None:
    assert read_address(f"https://example.com{path}") is None


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ("/privacy", "/blog/2019/05/privacy"),
        ("/privacy", "/privacy/settings"),
        ("/privacy", "/tag/privacy"),
        ("/privacy", "/privacy?share=twitter"),
        ("/privacy", "/privacy/how-we-won-the-lawsuit"),
        ("/acme-privacy-policy", "/why-our-new-privacy-policy-matters-to-all"),
        ("/privacy-policy", "/privacy-policy-generator"),
        ("/legal/terms", "/glossary/terms"),
    ],
)
def test_the_policy_is_more_exact_than_a_page_about_it(better: str, worse: str) -> None:
    one, other = read_address(f"https://x.org{better}"), read_address(f"https://x.org{worse}")
    assert one is not None
    assert other is None or other.exactness < one.exactness * 0.9


@pytest.mark.parametrize(
    ("url", "names", "variant"),
    [
        ("https://example.com/kids/privacy", ("children",), ""),
        ("https://example.com/privacy-policy-california", ("california",), ""),
        ("https://example.com/careers/applicant-privacy-notice", ("candidates",), ""),
        ("https://store.example.com/privacy", ("shop",), ""),
        ("https://labs.example.com/privacy", ("labs",), ""),
        ("https://de.example.com/privacy", (), "de"),
        ("https://www.example.com/en-GB/privacy", (), "en-gb"),
        ("https://www.example.com/privacy?hl=fr", (), "fr"),
        ("https://docs.example.com/privacy", (), ""),
        ("https://www.example.com/example-privacy-policy", (), ""),
        ("https://www.example.com/tulip-terms-of-service", ("tulip",), ""),
    ],
)
def test_an_address_names_whose_or_which_policy_it_is(url: str, names: tuple[str, ...], variant: str) -> None:
    reading = read_address(url)
    assert reading is not None
    assert (reading.names, reading.variant) == (names, variant)


@pytest.mark.parametrize("text", ["tos", "faq", "www", "", "en-xx", "../", "english-policy"])
def test_what_is_no_language_is_none(text: str) -> None:
    assert parse_code(text) == ""


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    for url in (text, f"https://example.com/{text}", f"https://example.com/?page={text}"):
        reading = read_address(url)
        assert reading is None or 0 <= reading.exactness <= 1
