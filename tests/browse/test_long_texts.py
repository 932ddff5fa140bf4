"""Texts that somebody made long: compared in a process that ends, searched for a limited time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from policy_archive.browse import plugin
from policy_archive.crawler.core.errors import UsageError
from policy_archive.pipelines.store.connection import open_reader
from policy_archive.pipelines.store.search import SearchFilters, search_versions
from policy_archive.pipelines.store.search_syntax import MOST_TERMS, build_match
from policy_archive.pipelines.store.writer import Store
from tests.support.asking import HOME, ask_one
from tests.support.synthetic import store_texts

OLD, NEW = "20100101000000", "20180525000000"
COMMON = (
    "the",
    "of",
    "and",
    "to",
    "a",
    "in",
    "is",
    "it",
    "you",
    "that",
    "he",
    "was",
    "for",
    "on",
    "are",
    "as",
)
DIFF = f"{HOME}/-/diff/intently.example/privacy/{OLD}/intently.example/privacy/{NEW}"


@pytest.fixture
def pool() -> Iterator[None]:
    plugin.comparing.cache_clear()
    yield
    plugin.comparing().shutdown()
    plugin.comparing.cache_clear()


def _store(path: Path, old: str, new: str) -> Path:
    with Store.open(path) as store:
        store_texts(store, [(OLD, old), (NEW, new)])
    return path


@pytest.mark.usefixtures("pool")
def test_long_texts_are_compared_in_another_process(tmp_path: Path) -> None:
    lines = [f"line {number} of a long policy\n\n" for number in range(6_000)]
    old = "".join(lines)
    new = "".join([*lines[:3000], "We sell your data.\n\n", *lines[3000:]])
    assert len(old) + len(new) > plugin.LONGEST_AT_ONCE
    answer = ask_one(_store(tmp_path / "policies.db", old, new), DIFF)
    assert answer.status_code == 200
    assert "We sell your data." in answer.text
    assert "line 2999 of" in answer.text


@pytest.mark.usefixtures("pool")
def test_a_comparison_that_takes_too_long_is_ended_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugin, "COMPARING_SECONDS", 0.01)
    old, new = "a b c d e f\n" * 20_000, "g h i j k l\n" * 20_000
    assert len(old) + len(new) > plugin.LONGEST_AT_ONCE
    database = _store(tmp_path / "policies.db", old, new)
    answer = ask_one(database, DIFF)
    assert answer.status_code == 503
    assert "policy-archive diff" in answer.text


def test_a_search_ends_at_its_limit_also_within_the_full_text_index(tmp_path: Path) -> None:
    words = " ".join(COMMON)
    texts = [(f"20{year:02}0101000000", f"{year} {words} " * 200) for year in range(12)]
    with Store.open(tmp_path / "policies.db") as store:
        store_texts(store, texts)
    assert len(COMMON) == MOST_TERMS
    with closing(open_reader(tmp_path / "policies.db")) as connection:
        whole = search_versions(connection, build_match(words), SearchFilters())
        assert whole.hits == len(texts)
        with pytest.raises(UsageError, match="takes too long"):
            search_versions(connection, build_match(words), SearchFilters(), seconds=0.001)
