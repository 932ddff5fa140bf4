from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from policy_archive.browse.markdown import TextLinks, render_markdown
from tests.support.hostile import HOSTILE

_ALLOWED_TAGS = set(
    "p br hr blockquote pre code strong em s a ul ol li h1 h2 h3 h4 h5 h6 table thead tbody tr th td".split()
)


def _assert_harmless(rendered: str) -> None:
    for element in html.fragment_fromstring(rendered, create_parent="main").iterdescendants():
        assert element.tag in _ALLOWED_TAGS
        assert set(element.attrib) <= {"href", "title", "rel", "id", "start"}
        href = element.get("href")
        assert href is None or href.lower().startswith(("http://", "https://", "mailto:"))


@pytest.mark.parametrize("construct", HOSTILE.values(), ids=HOSTILE)
def test_nothing_hostile_is_left(construct: str) -> None:
    _assert_harmless(render_markdown(f"before {construct} after\n\n{construct}\n").html)


@pytest.mark.parametrize("construct", HOSTILE.values(), ids=HOSTILE)
def test_what_follows_something_hostile_is_still_there(construct: str) -> None:
    assert "the rest of the policy" in render_markdown(f"{construct}\n\nthe rest of the policy\n").html


@given(st.text(alphabet="<>[]()!\"'`#&;:/=*_ \n\tabjsx1", max_size=200))
def test_no_text_makes_more_than_the_allowed_elements(text: str) -> None:
    _assert_harmless(render_markdown(text).html)


def test_headings_of_the_same_words_have_anchors_of_their_own() -> None:
    text = render_markdown("# Data\n\n## Data\n\n## Your *rights*\n")
    assert [heading.anchor for heading in text.headings] == ["s-data", "s-data-2", "s-your-rights"]
    assert [heading.level for heading in text.headings] == [1, 2, 2]
    assert text.headings[2].text == "Your rights"
    assert '<h2 id="s-data-2">' in text.html


def test_links_lead_out_without_a_word_of_where_from() -> None:
    shown = render_markdown("[us](https://calm.example/a) and <mailto:a@calm.example>").html
    assert 'href="https://calm.example/a" rel="nofollow noopener noreferrer"' in shown
    assert 'href="mailto:a@calm.example"' in shown


_LINKS = TextLinks(paragraph="?p={}", section=lambda anchor: f"/section/{anchor}")


def test_paragraphs_items_and_rows_have_ids_in_order_and_links_to_them() -> None:
    text = "# Data\n\nOne **word**.\n\n- two\n- three\n  - four\n\n1. five\n\n2. six\n\n"
    text += "| a | b |\n|---|---|\n| 7 | 8 |\n"
    rendered = render_markdown(text, links=_LINKS)
    page = html.fragment_fromstring(rendered.html, create_parent="main")
    ids = [(one.tag, one.get("id")) for one in page.iter() if str(one.get("id")).startswith("p")]
    tags = ["p", "li", "li", "li", "p", "p", "tr", "tr"]
    assert ids == [(tag, f"p{number}") for number, tag in enumerate(tags, start=1)]
    assert rendered.paragraphs == ("One word.", "two", "three", "four", "five", "six", "a | b", "7 | 8")
    links = page.xpath(".//a[@class='pl']/@href")
    assert links == ["#s-data", *(f"?p={number}#p{number}" for number in range(1, 9))]
    assert page.xpath(".//h1/a[@class='story']/@href") == ["/section/s-data"]


@given(st.text(alphabet="-*+1.#>| ab\n\t\x01\x03\x04hp9", max_size=120))
def test_every_paragraph_has_one_id_whatever_the_text_holds(text: str) -> None:
    rendered = render_markdown(text, links=_LINKS)
    page = html.fragment_fromstring(rendered.html, create_parent="main")
    ids = page.xpath(".//@id[starts-with(., 'p')]")
    assert ids == [f"p{number}" for number in range(1, len(rendered.paragraphs) + 1)]
    assert not set("\x01\x03\x04") & set(rendered.html)


def test_tables_and_lists_stay_what_they_are() -> None:
    shown = render_markdown("| a | b |\n|---|---|\n| 1 | 2 |\n\n3. three\n4. four\n").html
    assert "<td>1</td>" in shown
    assert '<ol start="3">' in shown


FORGED = "&#3;h99&#4; &#1;x&#2; &#x3;7&#x4; \x03h99\x04"


@pytest.mark.parametrize(
    "text",
    [
        FORGED,
        f"# {FORGED}",
        f'[a](http://a.example/{FORGED} "{FORGED}")',
        f"    {FORGED}",
        f"| {FORGED} |\n|-|",
    ],
)
def test_a_text_cannot_forge_the_places_of_our_links(text: str) -> None:
    links = TextLinks(paragraph="/p", section=lambda anchor: f"/s/{anchor}")
    shown = render_markdown(text, needles=("x", "7", "3"), links=links)
    assert not set("\x01\x02\x03\x04") & set(shown.html)
    for element in html.fragment_fromstring(shown.html, create_parent="main").iter("a"):
        assert element.get("class") in (None, "pl", "story")
        assert "<" not in (element.get("title") or "")


@given(st.text(alphabet="0123456789 h#\n", max_size=60), st.sampled_from("0123456789h"))
def test_what_is_sought_is_not_found_in_the_places_of_links(text: str, sought: str) -> None:
    shown = render_markdown(text, needles=(sought,), links=TextLinks(paragraph="/p"))
    assert not set("\x01\x02\x03\x04") & set(shown.html)
