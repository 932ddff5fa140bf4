"""What is remembered, for how long, and by what."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from policy_archive.crawler.core.cache import remembered


def test_the_same_question_is_answered_once() -> None:
    asked: list[str] = []

    @remembered(2)
    def answer(text: str, number: int) -> str:
        asked.append(text)
        return f"{text} {number}"

    assert [answer("a", 1), answer("a", 1), answer("a", 2)] == ["a 1", "a 1", "a 2"]
    assert asked == ["a", "a"]


def test_what_was_not_asked_for_longest_is_forgotten_first() -> None:
    asked: list[str] = []

    @remembered(2)
    def answer(text: str) -> str:
        asked.append(text)
        return text

    for text in ("a", "b", "a", "c", "a", "b"):
        answer(text)
    assert asked == ["a", "b", "c", "b"]


def test_a_long_text_is_not_kept() -> None:
    asked: list[str] = []

    @remembered(2, longest=3)
    def answer(text: str) -> str:
        asked.append(text)
        return text

    assert [answer("long"), answer("long"), answer("abc"), answer("abc")] == ["long", "long", "abc", "abc"]
    assert asked == ["long", "long", "abc"]


def test_what_is_given_by_name_is_no_part_of_the_question() -> None:
    @remembered(2)
    def answer(text: str, *, means: int) -> int:
        return means

    assert [answer("a", means=1), answer("a", means=2), answer("b", means=2)] == [1, 1, 2]


@given(st.lists(st.text(alphabet="abc", max_size=3)))
def test_answers_are_the_function_s_own_in_any_order(texts: list[str]) -> None:
    @remembered(2, longest=2)
    def double(text: str) -> str:
        return text * 2

    assert [double(text) for text in texts] == [text * 2 for text in texts]
