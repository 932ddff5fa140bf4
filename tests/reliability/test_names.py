"""A site has one name in the corpus, however it is written; what only looks like another is shown as xn--."""

from __future__ import annotations

import pytest

from policy_archive.crawler.core.errors import UsageError
from policy_archive.crawler.core.urls import parse_site


@pytest.mark.parametrize(
    ("written", "site"),
    [
        ("bücher.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("BÜCHER.Example.", "xn--bcher-kva.example"),
        ("faß.de", "xn--fa-hia.de"),
        ("аpple.com", "xn--pple-43d.com"),  # the first letter is Cyrillic
        ("exa\u200bmple.com", "example.com"),
        ("example。com", "example.com"),
        ("ﬁsh.com", "fish.com"),
        ("foo_bar.com", "foo_bar.com"),
        ("xn--n3h.net", "xn--n3h.net"),  # a snowman: only as the index spells it
        ("https://user@www.Example.com:8443/privacy", "example.com"),
    ],
)
def test_a_name_has_one_form(written: str, site: str) -> None:
    assert parse_site(written) == site
    assert parse_site(site) == site


@pytest.mark.parametrize(
    "written", ["☃.net", "a..b", "a" * 70 + ".com", ".com", "-a.com", "1.2.3.4", "localhost", ""]
)
def test_what_is_no_domain_is_refused(written: str) -> None:
    with pytest.raises(UsageError):
        parse_site(written)
