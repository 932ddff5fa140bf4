"""Diffs: both texts can be read out of one, moved lines are no change of words, long texts are fast."""

from __future__ import annotations

import random
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy_archive.pipelines.text import count_words
from policy_archive.pipelines.versions.diff import LineKind, diff_texts
from tests.support.linear import growth

WORDS = st.lists(
    st.sampled_from(["we", "share", "your", "data", "with", "parties", "never", ",", ".", "“"]), max_size=9
)
TEXTS = st.lists(WORDS.map(" ".join), max_size=12).map("\n".join)


def sides(diff) -> tuple[list[str], list[str]]:
    old = {line.old_number: "".join(span.text for span in line.old) for line in diff.lines if line.old_number}
    new = {line.new_number: "".join(span.text for span in line.new) for line in diff.lines if line.new_number}
    return [old[number] for number in sorted(old)], [new[number] for number in sorted(new)]


@given(TEXTS, TEXTS)
def test_both_texts_stand_in_their_diff(old: str, new: str) -> None:
    diff = diff_texts(old, new)
    assert sides(diff) == tuple([line for line in text.split("\n") if line.strip()] for text in (old, new))
    assert diff.words_new - diff.words_old == diff.words_added - diff.words_removed
    assert min(diff.words_added, diff.words_removed) >= 0


@given(TEXTS)
def test_a_text_does_not_differ_from_itself(text: str) -> None:
    diff = diff_texts(text, text)
    assert diff.is_equal
    assert (diff.words_added, diff.words_removed) == (0, 0)


@given(TEXTS, TEXTS, st.integers(0, 3))
def test_folding_leaves_no_line_out_of_account(old: str, new: str, context: int) -> None:
    diff = diff_texts(old, new)
    hunks = diff.fold(context)
    assert sum(hunk.folded + len(hunk.lines) for hunk in hunks) == len(diff.lines)
    shown = [line for hunk in hunks for line in hunk.lines]
    assert [line for line in shown if line.kind is not LineKind.SAME] == [
        line for line in diff.lines if line.kind is not LineKind.SAME
    ]


def test_only_the_words_that_changed_are_marked_in_a_changed_line() -> None:
    diff = diff_texts("We share data with *nobody* at all.\n", "We share data with *everybody* at all.\n")
    (line,) = diff.lines
    assert line.kind is LineKind.CHANGED
    assert [span.text for span in line.old if span.changed] == ["nobody"]
    assert [span.text for span in line.new if span.changed] == ["everybody"]
    assert (diff.words_added, diff.words_removed) == (1, 1)


def test_a_section_that_moved_is_marked_at_both_places_and_changes_no_words() -> None:
    one = "## Cookies\n\nWe set cookies to know you again.\n"
    two = "## Sharing\n\nWe never share what you tell us.\n\nNot with anybody else at all.\n"
    diff = diff_texts(one + "\n" + two, two + "\n" + one)
    kinds = {line.kind for line in diff.lines}
    assert {LineKind.MOVED_AWAY, LineKind.MOVED_HERE} <= kinds
    assert LineKind.CHANGED not in kinds
    assert diff.words_added <= 1  # the heading alone is too short to be known again


def test_lines_that_have_little_in_common_are_not_shown_as_one_line_changed() -> None:
    diff = diff_texts("The cat sat on the mat today.\n", "Any claim under the law is void, on notice.\n")
    assert [line.kind for line in diff.lines] == [LineKind.REMOVED, LineKind.ADDED]


def test_a_paragraph_that_was_split_has_no_new_words() -> None:
    diff = diff_texts(
        "One two three. Four five six seven eight.\n", "One two three.\n\nFour five six seven eight.\n"
    )
    assert (diff.words_added, diff.words_removed) == (0, 0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("we don't share", 3),
        ("**bold** [link](x) <https://y.example/z>", 2),
        ("我们不分享", 5),
        ("cookies 2018", 2),
        ("* * *", 0),
        ("", 0),
    ],
)
def test_words_are_counted_without_marks(text: str, words: int) -> None:
    assert count_words(text) == words


def long_text(seed: int, *, words: int, words_a_line: int) -> str:
    """Return a text of so many words out of a vocabulary of 3,000."""
    source = random.Random(seed)
    all_words = [f"word{source.randrange(3000)}" for _ in range(words)]
    lines = [" ".join(all_words[at : at + words_a_line]) for at in range(0, words, words_a_line)]
    return "\n\n".join(lines)


@pytest.mark.parametrize("words_a_line", [15, 80, 20_000], ids=["short lines", "paragraphs", "one line"])
@pytest.mark.parametrize("what", ["edited everywhere", "nothing in common"])
def test_texts_twice_as_long_take_no_more_than_four_times_as_long(words_a_line: int, what: str) -> None:
    """The subsequence is quadratic, 64 tokens at a step; nothing beside it may be."""

    @cache
    def texts(words: int) -> tuple[str, str]:
        old = long_text(1, words=words, words_a_line=words_a_line)
        if what == "edited everywhere":
            return old, old.replace("word7", "changed7")
        return old, long_text(2, words=words, words_a_line=words_a_line)

    def compare(words: int) -> None:
        assert diff_texts(*texts(words)).words_added > words // 40

    for words in (5_000, 10_000, 20_000):
        texts(words)  # not measured
    assert growth(compare, start=5_000, largest=10_000) < 5
