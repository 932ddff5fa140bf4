"""What is remembered, for how long, and by what."""

from __future__ import annotations

import ast
from pathlib import Path

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


ROOT = Path(__file__).resolve().parents[3]
NAMES_OF_OURS = {"name", "file", "section", "key", "list_name", "unspaced", "library", "kind", "way", "marks"}
"""Parameters that name our own files, lists, marks and libraries: there are as many as we write."""
FIXTURES = {"megabytes", "encoding"}
"""Of the archive server's faults, which tests name."""


def decorated(name: str) -> list[tuple[str, ast.FunctionDef]]:
    """Return all functions under a decorator, each with its file."""
    rooms = ("crawler", "pipelines", "browse", "archive_server", "data")
    return [
        (path.relative_to(ROOT).as_posix(), node)
        for room in rooms
        for path in sorted((ROOT / room).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef) and name in map(decorator_name, node.decorator_list)
    ]


def decorator_name(node: ast.expr) -> str:
    return ast.unparse(node.func if isinstance(node, ast.Call) else node).rpartition(".")[2]


def parameters(function: ast.FunctionDef) -> list[str]:
    return [one.arg for one in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]


def annotation_of_first(function: ast.FunctionDef) -> str:
    first = [*function.args.posonlyargs, *function.args.args][0]
    return ast.unparse(first.annotation) if first.annotation else ""


def test_what_is_kept_for_ever_is_ours() -> None:
    found = decorated("cache")
    assert len(found) > 15
    foreign = [f"{path}: {f.name}" for path, f in found if not {*parameters(f)} <= NAMES_OF_OURS | FIXTURES]
    assert foreign == []


def test_what_depends_on_foreign_text_is_remembered_and_nothing_else_keeps_results() -> None:
    assert decorated("lru_cache") == []
    found = decorated("remembered")
    assert len(found) > 15
    untyped = [
        f"{path}: {function.name}"
        for path, function in found
        if annotation_of_first(function) not in ("str", "bytes")
    ]
    assert untyped == [], "the first argument is the text whose length is bounded"
