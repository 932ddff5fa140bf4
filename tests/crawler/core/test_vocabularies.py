"""Closed vocabularies have one home each: nobody else lists their members, or writes their words by hand."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import pytest

from policy_archive.crawler.core.records import Outcome
from policy_archive.crawler.core.vocabularies import (
    AddressSource,
    OwnerRelation,
    PageClass,
    RunStatus,
    SiteOutcome,
)
from policy_archive.data import read_words

ROOT = Path(__file__).resolve().parents[3]
HOMES = {
    ROOT / "crawler/core/stored.py",
    ROOT / "crawler/core/vocabularies.py",
    ROOT
    / "pipelines/outputs/words.py",  # a word to print for each member; tests/test_examples.py asks for all
}
VOCABULARIES: tuple[type[StrEnum], ...] = (
    Outcome,
    SiteOutcome,
    RunStatus,
    PageClass,
    OwnerRelation,
    AddressSource,
)
FIELDS = ("outcome", "status", "page_class", "relation", "source")
"""What these words are called where they are stored or handed on."""


def find_lists(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the displays of tuples, sets, lists and dicts that sort out members of a vocabulary."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Set | ast.Tuple | ast.List):
            parts: list[ast.expr] = node.elts
        elif isinstance(node, ast.Dict):
            parts = [key for key in node.keys if key is not None]
            if any(len(parts) == len(words) == count_members(parts, words) for words in VOCABULARIES):
                continue  # a word for people for every member sorts nothing, and a new one is missed at once
        else:
            continue
        if any(count_members(parts, words) > 1 for words in VOCABULARIES):
            yield node


def count_members(parts: list[ast.expr], words: type[StrEnum]) -> int:
    return sum(is_member(part, words) for part in parts)


def is_member(node: ast.expr, words: type[StrEnum]) -> bool:
    """Return whether an expression is a member of a vocabulary, by its name or as its bare word."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return node.value.id == words.__name__
    return isinstance(node, ast.Constant) and node.value in {*words}


def find_bare_words(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the places where a word of a vocabulary is handed on, or compared, as a string."""
    words = {word.value for vocabulary in VOCABULARIES for word in vocabulary}
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg in FIELDS:
            sides: list[ast.expr] = [node.value]
        elif isinstance(node, ast.Compare) and any(names_field(side) for side in sides_of(node)):
            sides = sides_of(node)
        else:
            continue
        if any(isinstance(side, ast.Constant) and side.value in words for side in sides):
            yield node


def sides_of(node: ast.Compare) -> list[ast.expr]:
    return [node.left, *node.comparators]


def names_field(node: ast.expr) -> bool:
    """Return whether an expression is `x.outcome` or `row["outcome"]`, and so on."""
    if isinstance(node, ast.Attribute):
        return node.attr in FIELDS
    return (
        isinstance(node, ast.Subscript)
        and isinstance(node.slice, ast.Constant)
        and node.slice.value in FIELDS
    )


def find_lists_in_sql(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the strings that list words of a vocabulary for SQL: `in ('registrar', 'platform')`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for inside in re.findall(r"\bin \(('[\w-]+'(?:,\s*'[\w-]+')+)\)", node.value):
                listed = set(re.findall(r"'([\w-]+)'", inside))
                if any(listed <= {*words} for words in VOCABULARIES):
                    yield node


def modules() -> list[Path]:
    rooms = ("crawler", "pipelines", "browse", "archive_server", "data", "bench")
    found = [path for room in rooms for path in (ROOT / room).rglob("*.py") if path not in HOMES]
    assert len(found) > 150
    return [*found, ROOT / "cli.py"]


@pytest.mark.parametrize("find", [find_lists, find_bare_words, find_lists_in_sql])
def test_no_module_but_its_home_sorts_a_vocabulary_or_spells_its_words(find: object) -> None:
    assert callable(find)
    places = [
        f"{path.relative_to(ROOT)}: {ast.unparse(node)}"
        for path in modules()
        for node in find(ast.parse(path.read_text("utf-8")))
    ]
    assert places == []


@pytest.mark.parametrize(
    ("find", "source"),
    [
        (find_lists, "bad = (Outcome.DRIFT, Outcome.BLOCKED)"),
        (find_lists, "weights = {Outcome.TEXT: 1000, Outcome.FOREIGN: 1}"),
        (find_lists, "FAILURES = frozenset({'archive-error', 'failed'})"),
        (find_lists_in_sql, "sql = \"select 1 from documents where owner not in ('site', 'parent')\""),
        (find_bare_words, "Owner(relation='site', name=None, reason='')"),
        (find_bare_words, "is_done = report.status == 'done'"),
        (find_bare_words, "running = [run for run in runs if run['status'] != 'running']"),
    ],
)
def test_the_guard_sees_what_it_forbids(find: object, source: str) -> None:
    assert callable(find)
    assert len(list(find(ast.parse(source)))) == 1


def test_the_words_are_those_that_databases_hold() -> None:
    """The stored values of 0.1.0: no member may change its word, or old databases lose their meaning."""
    assert {*SiteOutcome} == {"found", "nothing-found", "not-archived", "blocked", "archive-error", "failed"}
    assert {*RunStatus} == {"running", "done", "incomplete", "interrupted", "failed"}
    assert {*PageClass} == {
        "policy", "soft-404", "parked", "wall", "block-page", "archive-message", "empty", "other",
    }  # fmt: skip
    assert {*OwnerRelation} == {"site", "parent", "policy-service", "registrar", "platform", "unknown"}
    assert {*AddressSource} >= {"given", "usual", "index", "home-link", "redirect", "policy-link"}


def test_the_word_files_name_members_only() -> None:
    hints = {page_class.hint for page_class in PageClass if page_class.hint}
    assert set(read_words("page-notices")) <= {*PageClass} | hints
    assert hints <= set(read_words("page-notices"))
    assert set(read_words("owners")) <= {*OwnerRelation}


def test_the_schema_page_tells_every_word() -> None:
    page = (ROOT / "docs" / "schema.md").read_text("utf-8")
    for words in VOCABULARIES[1:]:
        for word in words:
            assert f"`{word.value}`" in page, f"{words.__name__}.{word.name}"


@pytest.mark.parametrize("status", RunStatus)
def test_only_a_run_that_is_done_ends_with_status_0(status: RunStatus) -> None:
    assert (status.exit_status == 0) == (status is RunStatus.DONE)
