from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from policy_archive.browse.markdown import render_markdown
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


def test_tables_and_lists_stay_what_they_are() -> None:
    shown = render_markdown("| a | b |\n|---|---|\n| 1 | 2 |\n\n3. three\n4. four\n").html
    assert "<td>1</td>" in shown
    assert '<ol start="3">' in shown
