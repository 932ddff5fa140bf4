from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy_archive.crawler.core.errors import NotKnownError
from policy_archive.crawler.core.records import Document, Kind
from policy_archive.pipelines.outputs.addresses import Addresses, document_segment, parse_document

_TEXT = st.text(max_size=30).filter(lambda text: text.isprintable() and text == text.encode().decode())
_DOCUMENTS = st.builds(Document, site=_TEXT.filter(bool), kind=st.sampled_from(Kind), name=_TEXT)


@given(_DOCUMENTS)
def test_a_document_is_found_again_by_its_address(document: Document) -> None:
    address = Addresses().version(document, "20180525000000")
    _, _, _, site, segment, timestamp = address.split("/")
    assert parse_document(site, segment) == document
    assert timestamp == "20180525000000"


@given(_DOCUMENTS)
def test_a_file_of_a_copy_stays_below_its_folder(document: Document) -> None:
    path = unquote(Addresses(base="", static=True).version(document, "20180525000000"))
    empty, site, segment, timestamp, index = path.split("/")
    assert (empty, timestamp, index) == ("", "20180525000000", "index.html")
    for part in (site, segment):
        assert part.strip(".")
        assert part != "-"
        assert len(part) <= 120


@given(one=_DOCUMENTS, two=_DOCUMENTS)
def test_two_documents_never_share_a_file(one: Document, two: Document) -> None:
    addresses = Addresses(base="", static=True)
    same = addresses.version(one, "20180525000000") == addresses.version(two, "20180525000000")
    assert same == (one == two)


def test_addresses_are_permanent() -> None:
    children = Document(site="calm.example", kind=Kind.PRIVACY, name="children")
    addresses = Addresses()
    assert addresses.site("calm.example") == "/-/policies/calm.example"
    assert document_segment(children) == "privacy~children"
    assert addresses.at(children, "2018-05-25") == "/-/policies/calm.example/privacy~children/at/2018-05-25"
    assert addresses.version_file(children, "20180525000000", "md").endswith("/20180525000000.md")


def test_an_unknown_kind_is_no_document() -> None:
    with pytest.raises(NotKnownError, match="no kind"):
        parse_document("calm.example", "secrets")
