from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy_archive.browse.markdown import render_markdown
from policy_archive.browse.sections import find_remains, follow_section, key_of, list_stages, split_sections

_SELL = "We never sell what you tell us to anybody, at any price."
_KEEP = "We keep it for two years and burn it then on the pier."
_TELL = "Our carriers hear your street and your house number."


def _policy(*sections: tuple[str, str]) -> str:
    return "# Privacy\n\n" + "\n\n".join(f"## {heading}\n\n{text}" for heading, text in sections) + "\n"


def _stages(texts: list[str], start: int, anchor: str) -> list[tuple[str, int, int]]:
    found = follow_section(texts, start, anchor)
    return [(stage.what, stage.first, stage.last) for stage in list_stages(found)]


def test_a_section_is_followed_when_it_is_numbered_anew() -> None:
    texts = [
        _policy(("1. Selling", _SELL), ("2. Keeping", _KEEP)),
        _policy(("1. Scope", "All of us."), ("2. Selling", _SELL), ("3. Keeping", _KEEP)),
        _policy(("1. Scope", "All of us."), ("2. Keeping", _KEEP.replace("two", "ten"))),
    ]
    assert _stages(texts, 0, "s-2-keeping") == [("first", 0, 0), ("renamed", 1, 1), ("changed", 2, 2)]
    assert _stages(texts, 0, "s-1-selling") == [("first", 0, 0), ("renamed", 1, 1), ("went", 2, 2)]


def test_a_section_under_another_heading_is_found_by_its_words_before_and_after() -> None:
    texts = [
        _policy(("Keeping", _KEEP), ("Selling", _SELL)),
        _policy(("Storage periods", _KEEP + " No copy stays."), ("Selling", _SELL)),
    ]
    assert _stages(texts, 0, "s-keeping") == [("first", 0, 0), ("changed", 1, 1)]
    found = follow_section(texts, 1, "s-storage-periods")
    assert found[0] is not None and found[0].heading == "Keeping"


def test_a_heading_that_stood_there_before_is_not_taken_for_one_that_went() -> None:
    alike = _SELL.replace("sell", "lend")
    texts = [_policy(("Selling", _SELL), ("Lending", alike)), _policy(("Lending", alike))]
    assert _stages(texts, 0, "s-selling") == [("first", 0, 0), ("went", 1, 1)]


def test_of_sections_with_one_name_each_is_followed_by_its_place() -> None:
    twice = [("Sharing", _TELL), ("Sharing", _SELL)]
    texts = [_policy(*twice), _policy(*twice, ("Keeping", _KEEP))]
    found = follow_section(texts, 0, "s-sharing-2")
    assert [section and section.text for section in found] == [_SELL, _SELL]


def test_what_went_and_came_back_is_told_so() -> None:
    with_it, without = _policy(("Keeping", _KEEP)), _policy(("Selling", _SELL))
    stages = [("came", 1, 1), ("went", 2, 3), ("back", 4, 4)]
    assert _stages([without, with_it, without, without, with_it], 1, "s-keeping") == stages


def test_a_section_that_lost_its_heading_is_known_by_its_lines() -> None:
    (gone,) = [one for one in split_sections(_policy(("Keeping", _KEEP))) if one.heading == "Keeping"]
    assert find_remains(gone, _policy(("Selling", f"{_SELL}\n\n{_KEEP}"))) == "Selling"
    assert find_remains(gone, f"{_KEEP}\n") == ""
    assert find_remains(gone, _policy(("Selling", _SELL))) is None


def test_a_section_holds_the_smaller_ones_inside_it() -> None:
    text = "# Privacy\n\n## Rights\n\nOf all.\n\n### Access\n\nAsk us.\n\n## Contact\n\nWrite.\n"
    assert {one.heading: one.text for one in split_sections(text)}[
        "Rights"
    ] == "Of all.\n\n### Access\n\nAsk us."


def test_an_anchor_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError):
        follow_section([_policy(("Keeping", _KEEP))], 0, "s-nothing")


def test_a_long_section_is_none_of_thousands_of_tiny_ones() -> None:
    """They are not compared: of a short text no more can stay than it has."""
    many = "\n\n".join(f"## Section {number}x\n\nfour words and {number}" for number in range(4_000))
    first = _policy(("Keeping", f"{_KEEP} " * 400))
    assert _stages([first, many, many], 0, "s-keeping") == [("first", 0, 0), ("went", 1, 2)]


@pytest.mark.parametrize(
    ("heading", "key"),
    [
        ("第3条 個人情報", "第3条 個人情報"),
        ("Übersicht", "übersicht"),
        ("1.", "1"),
        ("…", ""),
        ("Part IV: Fees", "fees"),
    ],
)
def test_headings_of_all_scripts_have_keys(heading: str, key: str) -> None:
    assert key_of(heading) == key


_HEADINGS = st.lists(
    st.sampled_from(["Keeping", "1. Keeping", "Selling", "*Sharing*", "[Rights](#r)", "…"]), max_size=6
)


@given(_HEADINGS)
def test_sections_have_the_anchors_that_the_page_gives_their_headings(headings: list[str]) -> None:
    text = _policy(*((heading, _SELL) for heading in headings))
    assert [one.anchor for one in split_sections(text)] == [
        one.anchor for one in render_markdown(text).headings
    ]


@given(st.lists(_HEADINGS, min_size=1, max_size=5), st.data())
def test_stages_cover_every_version_from_the_first_that_has_it(
    histories: list[list[str]], data: st.DataObject
) -> None:
    texts = [_policy(*((heading, f"{heading} {_SELL}") for heading in headings)) for headings in histories]
    start = data.draw(st.integers(0, len(texts) - 1))
    anchor = data.draw(st.sampled_from([one.anchor for one in split_sections(texts[start])]))
    found = follow_section(texts, start, anchor)
    stages = list_stages(found)
    first = next(index for index, one in enumerate(found) if one)
    covered = [index for stage in stages for index in range(stage.first, stage.last + 1)]
    assert covered == list(range(first, len(texts)))
    assert found[start] is not None
