from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from policy_archive.crawler.core.errors import UsageError
from policy_archive.pipelines.store.search_syntax import build_match, parse_query


@pytest.fixture(scope="module")
def index() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    connection.execute("create virtual table texts using fts5(text)")
    connection.executemany(
        "insert into texts values (?)",
        [("we do not sell children's data",), ("we sell the data of grown people",), ("a child reads",)],
    )
    yield connection
    connection.close()


def _find(index: sqlite3.Connection, query: str) -> list[int]:
    rows = index.execute("select rowid from texts where texts match ? order by rowid", (build_match(query),))
    return [row[0] for row in rows]


@given(
    st.lists(
        st.sampled_from(
            [
                *"\"()*:^-+,{};'",
                "AND",
                "OR",
                "NOT",
                "NEAR(",
                "NEAR",
                "text:",
                "sell",
                "data",
                "''--",
                "\x00",
                "５",
            ]
        )
        | st.text(max_size=5),
        max_size=12,
    ).map(" ".join)
)
@example('"x')
@example("a AND")
@example("NOT")
@example("col:x")
@example("*")
@example("NEAR(")
@example("NEAR()")
@example("")
@example("a AND OR b")
@example("( )")
@example("(a) (b)")
@example("a NOT NOT b")
@example(")a(")
@example("NEAR(a b, 999)")
@example("'; drop table texts; --")
@example("AND (b)")
@example("(AND b)")
@example("a (OR b)")
def test_whatever_is_typed_is_a_query_or_a_sentence(index: sqlite3.Connection, text: str) -> None:
    try:
        match = build_match(text)
    except UsageError as error:
        assert str(error).endswith(".")
        return
    index.execute("select count(*) from texts where texts match ?", (match,)).fetchone()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("sell", [1, 2]),
        ('"do not sell"', [1]),
        ("“do not sell”", [1]),
        ("child*", [1, 3]),
        ('"a child*"', [3]),
        ('"sell child*"', [1]),
        ('"sell child"*', [1]),
        ('"sell child"', []),
        ("SÉLL", [1, 2]),
        ("sell NOT grown", [1]),
        ("grown OR reads", [2, 3]),
        ("NEAR(sell people, 4)", [2]),
        ("NEAR(sell people, 2)", []),
        ("(grown OR reads) people", [2]),
        ("text:sell", []),
        ("sell; drop", []),
        ("and", []),
    ],
)
def test_queries_find_what_they_say(index: sqlite3.Connection, query: str, found: list[int]) -> None:
    assert _find(index, query) == found


@pytest.mark.parametrize(
    "query", ["", "  ", '"', "*", "()", "AND", "sell AND", "(sell", '"do not', '"do* sell"']
)
def test_what_cannot_be_meant_gets_a_sentence(query: str) -> None:
    with pytest.raises(UsageError, match=r"\.$"):
        build_match(query)


@pytest.mark.parametrize(
    ("query", "wider"),
    [
        ('"legitimate interest"', '"legitimate interest*"'),
        ("cookie policy", "cookie* policy*"),
        ('"legitimate interest*"', None),
        ("個人情報", None),
        ("sell NOT rent", "sell* NOT rent*"),
        ("NEAR(sell data, 3)", None),
        ("of", None),
    ],
)
def test_other_forms_of_the_words_are_asked_for_with_stars(query: str, wider: str | None) -> None:
    assert parse_query(query).wider == wider
