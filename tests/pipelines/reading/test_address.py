"""Which part of a captured page is read."""

from __future__ import annotations

import pytest

from policy_archive.crawler.core.records import Address, CdxRow
from policy_archive.crawler.core.vocabularies import AddressSource
from policy_archive.pipelines.reading.address import page_address


@pytest.mark.parametrize(
    ("known", "original", "read_as"),
    [
        ("http://x.example/legal#p", "http://x.example/legal", "http://x.example/legal#p"),
        ("http://x.example/legal#p", "https://www.x.example/legal", "https://www.x.example/legal#p"),
        ("http://x.example/legal", "http://x.example/legal", "http://x.example/legal"),
        ("http://x.example/legal#p", "http://x.example/other", "http://x.example/other"),
        ("http://x.example/legal#p", "http://x.example/legal#q", "http://x.example/legal#q"),
    ],
)
def test_a_page_is_read_with_the_fragment_of_the_documents_own_address(
    known: str, original: str, read_as: str
) -> None:
    key = "example,x)/other" if original.endswith("other") else "example,x)/legal"
    row = CdxRow(
        urlkey=key,
        timestamp="20200101000000",
        original=original,
        mimetype="text/html",
        statuscode="200",
        digest="A" * 32,
        length=1,
    )
    assert page_address([Address(url=known, source=AddressSource.HOME_LINK)], row) == read_as
