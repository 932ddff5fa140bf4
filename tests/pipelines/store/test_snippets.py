"""The surroundings of a hit: what was searched for stands marked in them, and it takes time in proportion."""

from __future__ import annotations

from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy_archive.pipelines.store.search_syntax import parse_query
from policy_archive.pipelines.store.search_text import plain_text
from policy_archive.pipelines.store.snippets import cut_snippet
from tests.support.linear import growth

_LONG = "Nothing of it. " * 400


def marked(text: str, query: str) -> str:
    return cut_snippet(text, parse_query(query).needles).replace("\x01", "<").replace("\x02", ">")


@pytest.mark.parametrize(
    ("text", "query", "expected"),
    [
        pytest.param("We sell data.", "DATA", "We sell <data>.", id="another case"),
        pytest.param("Die Überprüfung", "uberprufung", "Die <Überprüfung>", id="without its marks"),
        pytest.param("do  not,\nsell it", '"do not sell"', "<do not, sell> it", id="a phrase over marks"),
        pytest.param("children and child", "child*", "<children> and <child>", id="a beginning"),
        pytest.param("resell, sells, sell", "sell", "resell, sells, <sell>", id="whole words alone"),
        pytest.param("a name and a b", "NEAR(name b, 5)", "a <name> and a <b>", id="near"),
        pytest.param("İstanbul ve sell", "sell", "İstanbul ve <sell>", id="a letter that folds to two"),
        pytest.param("nothing here", "absent", "nothing here", id="not found"),
    ],
)
def test_what_was_searched_for_is_marked(text: str, query: str, expected: str) -> None:
    assert marked(text, query) == expected


def test_the_stretch_where_most_of_it_stands_is_shown() -> None:
    text = f"harbour {_LONG} the keeper of the harbour {_LONG}"
    shown = marked(text, "harbour keeper")
    assert "the <keeper> of the <harbour>" in shown
    assert shown.startswith("…") and shown.endswith("…")
    assert len(shown) < 400


@given(st.text(max_size=400), st.lists(st.from_regex(r"[a-z]{1,3}", fullmatch=True), min_size=1, max_size=4))
def test_a_snippet_is_of_the_text_and_its_marks_close(text: str, words: list[str]) -> None:
    text = text.replace("\x01", "").replace("\x02", "")
    shown = cut_snippet(text, parse_query(" ".join(words)).needles)
    assert shown.replace("\x01", "").replace("\x02", "").strip("…") in " ".join(
        normalize("NFKC", plain_text(text)).split()
    )
    marks = [character for character in shown if character in "\x01\x02"]
    assert marks == ["\x01", "\x02"] * (len(marks) // 2)


@pytest.mark.parametrize("unit", ["the ", "the       ", "a-", "the the x ", "ä"])
def test_it_takes_time_in_proportion(unit: str) -> None:
    needles = parse_query('"the the the" the* "a a a" x').needles
    assert growth(lambda size: cut_snippet(unit * (size // len(unit)), needles)) < 3
