from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from policy_archive.browse.diff_html import DiffDocument, Fold, build_document
from policy_archive.browse.diff_words import compare_runs
from policy_archive.browse.line_shapes import Run, parse_runs, plain_text, shape_line, shape_lines
from policy_archive.pipelines.text import split_sentences
from policy_archive.pipelines.versions.diff import diff_texts

_OLD = """# Privacy

## [What we collect](#what)

We collect **your name** and [your address](https://a.example/old).

* One _thing_
* Another thing

| Data | Why |
| --- | --- |
| Name | To greet |

Effective date: February 1, 2024

Unchanged one.

Unchanged two.

Unchanged three.

Rights
------

You may ask us. We answer within a month. Write to the keeper of the harbour, who reads all letters.
"""
_NEW = (
    _OLD.replace("**your name**", "**your full name**")
    .replace("a.example/old", "a.example/new")
    .replace("* Another thing", "* Another *great* thing\n* A `third`")
    .replace("| Name | To greet |", "| Name | To greet you |\n| Mail | To write |")
    .replace("February 1, 2024", "April 27, 2026")
    .replace("We answer within a month. ", "We sell your letters to whoever pays. We answer within a year. ")
)
_MARKS = re.compile(r"\*\*|\]\(|^\s*[#|*]|\|\s*$|---|_thing_|`")


def _build(old: str = _OLD, new: str = _NEW, *, side_by_side: bool = True) -> DiffDocument:
    return build_document(diff_texts(old, new), old, new, side_by_side=side_by_side)


def _text(markup: str) -> str:
    return str(html.fromstring(f"<div>{markup}</div>").text_content())


def _cells(document: DiffDocument) -> list[str]:
    rows = [row for change in document.changes for row in change.rows]
    return [str(cell) for row in rows for cell in (row.old, row.new) if cell]


@pytest.mark.parametrize("side_by_side", [True, False])
def test_no_changed_line_shows_a_mark(side_by_side: bool) -> None:
    lines = [_text(cell) for cell in _cells(_build(side_by_side=side_by_side))]
    assert len(lines) > 6
    assert not [line for line in lines if _MARKS.search(line)]


def test_structure_is_shown_as_structure() -> None:
    cells = " ".join(_cells(_build()))
    assert '<div class="l li d0" dir="auto"><span class="marker">•</span> ' in cells
    assert "<ins>full </ins>" in re.sub("<strong>|</strong>", "", cells)
    assert "<code>third</code>" in cells
    assert '<span class="bar">' in cells


def test_changes_are_numbered_and_stand_under_their_headings() -> None:
    document = _build()
    assert [change.number for change in document.changes] == list(range(1, len(document.changes) + 1))
    assert [name for name, _ in document.by_section] == ["What we collect", "Rights"]


def test_an_address_is_shown_where_it_changed_and_nowhere_else() -> None:
    cells = _cells(_build())
    (told,) = [cell for cell in cells if "a.example" in cell]
    assert "“your address” leads to https://a.example/new, before to https://a.example/old" in _text(told)


def test_a_date_that_changed_leaves_one_line_and_not_two() -> None:
    (row,) = [row for change in _build().changes for row in change.rows if "Effective" in row.new]
    assert _text(row.old) == "Effective date: February 1, 2024"
    assert (row.old_class, row.new_class) == ("", "")
    assert "<ins>April 27</ins>" in row.new


def test_sentences_are_paired_inside_a_paragraph() -> None:
    (row,) = [row for change in _build().changes for row in change.rows if "sell your" in row.new]
    assert "<ins>We sell your letters to whoever pays. </ins>" in row.new
    assert "<ins>year</ins>" in row.new and "<del>month</del>" in row.old


def test_folds_name_the_sections_that_they_hide() -> None:
    long = "\n\n".join(f"## Part {number}\n\nWords of part {number}." for number in range(9))
    document = _build(long, long.replace("of part 8", "of the last part"))
    (fold,) = [part for part in document.parts if isinstance(part, Fold)]
    assert fold.words == "“Part 0” to “Part 7”: 15 unchanged lines"


def test_a_change_of_form_alone_says_so() -> None:
    (change,) = _build("Who we are\n", "## Who we are\n").changes
    assert "only its form" in change.rows[0].new
    assert (change.words_added, change.words_removed) == (0, 0)


def test_two_texts_too_long_for_lines_are_shown_as_blocks() -> None:
    old, new = "start\n" + "a\n" * 150_000, "start\n" + "b\n" * 150_000
    diff = diff_texts(old, new)
    assert diff.is_coarse
    (change,) = build_document(diff, old, new, side_by_side=False).changes
    assert [row.old_class + row.new_class for row in change.rows] == ["removed", "added"]


_WORDS = st.sampled_from(
    ["we", "**sell**", "_your_", "[data](/x)", "now.", "`id`", "a|b", "個人。", "*", "__", "~~no~~"]
)
_LINES = st.tuples(st.sampled_from(["", "# ", "* ", "> ", "1. ", "| "]), st.lists(_WORDS, max_size=9)).map(
    lambda parts: parts[0] + " ".join(parts[1])
)
_TEXTS = st.lists(_LINES, max_size=8).map("\n\n".join)


@given(old=_TEXTS, new=_TEXTS)
def test_both_views_show_every_changed_word_once(old: str, new: str) -> None:
    beside, inline = _build(old, new), _build(old, new, side_by_side=False)
    assert [change.number for change in beside.changes] == [change.number for change in inline.changes]
    for one, other in zip(beside.changes, inline.changes, strict=True):
        assert (one.words_added, one.words_removed) == (other.words_added, other.words_removed)


@given(old=st.lists(_WORDS).map(" ".join), new=st.lists(_WORDS).map(" ".join))
def test_the_pieces_of_a_side_are_its_line(old: str, new: str) -> None:
    sides = [parse_runs(shape_line(text)) for text in (old, new)]
    pieces = compare_runs(*sides)
    assert "".join(plain_text(piece.old) for piece in pieces) == plain_text(sides[0])
    assert "".join(plain_text(piece.new) for piece in pieces) == plain_text(sides[1])
    stayed = [piece for piece in pieces if not piece.tag]
    assert all(plain_text(piece.old).split() == plain_text(piece.new).split() for piece in stayed)


@given(st.text())
def test_sentences_joined_are_the_text(text: str) -> None:
    assert "".join(split_sentences(text)) == text


@given(st.text(alphabet="#*->|=_` a\n[](1.)~"))
def test_every_line_that_is_not_blank_has_a_shape(text: str) -> None:
    shapes = shape_lines(text)
    lines = text.split("\n")
    assert set(shapes) == {number for number, line in enumerate(lines, 1) if line and not line.isspace()}
    for shape in shapes.values():
        parse_runs(shape)


@pytest.mark.parametrize(
    "line",
    [
        "- * " * 50_000 + "x",
        "> " * 99_000,
        "# a" + " " * 190_000 + "b",
        "|" + "-" * 190_000 + "x",
        "![" * 9_000,
    ],
    ids=["lists", "quotes", "blanks", "bars", "brackets"],
)
def test_a_hostile_line_takes_time_by_its_length_alone(line: str) -> None:
    assert plain_text(parse_runs(shape_lines(line)[1]))


@pytest.mark.parametrize(
    ("line", "kind", "body"),
    [
        ("## Part ##", "h2", "Part"),
        ("# C#", "h1", "C#"),
        ("##", "h2", ""),
        ("#tag", "p", "#tag"),
        ("> * x", "li", "x"),
        ("* * deep", "li", "deep"),
        ("12) twelve", "li", "twelve"),
        ("- - -", "mark", ""),
    ],
)
def test_what_a_line_is(line: str, kind: str, body: str) -> None:
    shape = shape_line(line)
    assert (shape.kind, shape.body) == (kind, body)


def test_names_of_cookies_keep_their_underscores() -> None:
    assert parse_runs(shape_line("_ga and __utma")) == (Run("_ga and __utma"),)
