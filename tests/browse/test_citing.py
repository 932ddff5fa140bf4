"""What reference managers, previews and people take from the pages."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from policy_archive.browse.citing import plain_quote, write_fragment
from tests.browse.conftest import MIDDLE, NEW, OLD, SITE, TERMS
from tests.support.asking import HOME, ask_one

_VERSION = f"{HOME}/{SITE}/privacy/{MIDDLE}"
_DIFF = f"{HOME}/-/diff/{SITE}/privacy/{OLD}/{SITE}/privacy/{MIDDLE}"


def _meta(database: Path, path: str) -> dict[str, str]:
    head = html.fromstring(ask_one(database, path).content).head
    return {
        str(one.get("name") or one.get("property")): str(one.get("content"))
        for one in head.iterfind("meta")
        if one.get("content")
    }


def _import_as_zotero(meta: dict[str, str]) -> dict[str, str]:
    """Return the item that Zotero's “Embedded Metadata” makes, as its code of 2015 to 2026 goes.

    The type is that of `og:type` (`website`: a web page), before the journal's article that `citation_title`
    alone would be. Fields come from Highwire's names first, then from Dublin Core, then from Open Graph.
    """
    types = {"website": "webpage", "article": "journalArticle"}
    guess = "journalArticle" if "citation_title" in meta else None
    fields = {
        "itemType": [types.get(meta.get("og:type", "")), guess],
        "title": [meta.get("citation_title"), meta.get("DC.title"), meta.get("og:title")],
        "creator": [meta.get("citation_author"), meta.get("DC.creator")],
        "date": [meta.get("citation_publication_date"), meta.get("DC.date")],
        "websiteTitle": [meta.get("DC.source"), meta.get("og:site_name")],
        "url": [meta.get("citation_public_url")],
        "abstractNote": [meta.get("citation_abstract"), meta.get("description")],
    }
    return {name: next(filter(None, found), "") for name, found in fields.items()}


def test_zotero_makes_a_web_page_of_a_version(database: Path) -> None:
    item = _import_as_zotero(_meta(database, _VERSION))
    assert item["itemType"] == "webpage"
    assert (item["title"], item["creator"]) == ("Privacy at Calm", SITE)
    assert (item["date"], item["websiteTitle"]) == ("2012/06/01", SITE)
    assert item["url"].endswith(_VERSION) and item["url"].startswith("http://")
    assert "changed after 2011-03-01" in item["abstractNote"] and "sha256:" in item["abstractNote"]


def test_zotero_makes_a_web_page_of_a_change(database: Path) -> None:
    item = _import_as_zotero(_meta(database, _DIFF))
    assert item["itemType"] == "webpage"
    assert item["title"] == (
        "What changed in the privacy policy of calm.example, between 2011-03-01 and 2012-06-01"
    )
    assert item["abstractNote"].count("sha256:") == 2


def test_a_comparison_of_two_documents_is_no_change_to_cite(database: Path) -> None:
    meta = _meta(database, f"{HOME}/-/diff/{SITE}/privacy/{NEW}/{SITE}/{TERMS.kind}/{OLD}")
    assert meta["og:title"] and not any(name.startswith("citation_") for name in meta)


def test_a_preview_has_the_sentence_that_was_linked(database: Path) -> None:
    assert (
        _meta(database, f"{_VERSION}?p=6")["og:description"] == "“We do not sell your personal information.”"
    )
    assert _meta(database, f"{_VERSION}?p=6")["og:url"].endswith(f"{_VERSION}?p=6")
    whole = _meta(database, _VERSION)
    assert whole["og:description"].startswith("We collect your name")
    assert whole["og:url"].endswith(_VERSION)
    assert "[+We do not sell your personal information.]" in _meta(database, _DIFF)["og:description"]


@pytest.mark.parametrize("number", ["0", "99", "x", "-1", "6666666666"])
def test_a_paragraph_that_is_not_there_is_not_quoted(database: Path, number: str) -> None:
    page = html.fromstring(ask_one(database, f"{_VERSION}?p={number}").content)
    assert not page.xpath("//section[@class='quote']")


def test_a_page_of_a_day_links_paragraphs_of_the_version(database: Path) -> None:
    page = html.fromstring(ask_one(database, f"{HOME}/{SITE}/privacy/at/2012-06-01").content)
    assert page.get_element_by_id("p6").xpath("./a/@href") == [f"{_VERSION}?p=6#p6"]


@given(st.text(max_size=200))
def test_a_fragment_holds_the_first_and_last_words_and_no_sign_of_its_own_grammar(text: str) -> None:
    fragment = write_fragment(text)
    words = text.split()
    if not words:
        assert fragment == ""
        return
    parts = fragment.removeprefix(":~:text=").split(",")
    assert len(parts) == (1 if len(words) <= 12 else 2)
    assert not any("-" in part or "&" in part for part in parts)
    assert unquote(parts[0]).split()[0] == words[0] and unquote(parts[-1]).split()[-1] == words[-1]


def test_a_change_in_words_alone_says_what_went_and_came() -> None:
    assert plain_quote("A <del>&lt;b&gt; </del><ins>c</ins>.") == "A [−<b>] [+c]."
