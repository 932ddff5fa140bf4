"""One tokeniser: the words of two texts and of their difference add up, in any script."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy_archive.crawler.core.failpoints import EXIT_STATUS
from policy_archive.pipelines.store.connection import open_reader
from policy_archive.pipelines.store.search_text import _prepare, prepare_text
from policy_archive.pipelines.store.writer import Store
from policy_archive.pipelines.text import (
    count_words,
    cut_addresses,
    cut_targets,
    drop_links,
    is_word,
    iter_headings,
    link_labels,
    split_tokens,
    split_whole,
    strip_links,
)
from policy_archive.pipelines.versions.diff import diff_texts
from tests.support.synthetic import store_texts

from ..support.linear import growth

PIECES = [
    *("we", "collect", "data", "it’s", "it's", "Datenschutzerklärung", "2018", "a-b", "(x)", "*bold*", "|"),
    *("個人情報", "ข้อมูล", "개인정보", "معلومات", "abc漢"),
    *("[our policy](https://x.org/a_(b))", "<https://x.org/privacy>", "![](x.png)", "[a [b]](c)"),
    *("](", "[", "\\["),
]
LINES = st.lists(st.sampled_from(PIECES), max_size=7).map(" ".join)
TEXTS = st.lists(st.one_of(LINES, st.sampled_from(["# Who we are", "We never sell your personal data."])))
CHANGES = "select version, words_added, words_removed, change from versions order by version"


def assert_adds_up(old: str, new: str) -> None:
    diff = diff_texts(old, new)
    assert count_words(old) + diff.words_added - diff.words_removed == count_words(new)
    assert diff.words_added >= 0
    assert diff.words_removed >= 0


@given(old=TEXTS.map("\n".join), new=TEXTS.map("\n".join))
def test_words_add_up_in_made_texts(old: str, new: str) -> None:
    assert_adds_up(old, new)


def test_words_add_up_in_real_histories(shared: Path) -> None:
    texts = sorted((shared / "replay" / "dev" / "texts").rglob("*.md"))
    assert len(texts) > 100
    for one, other in pairwise(texts[::3]):
        assert_adds_up(one.read_text("utf-8"), other.read_text("utf-8"))


@given(lines=TEXTS)
def test_a_text_has_the_words_of_its_lines_and_of_its_tokens(lines: list[str]) -> None:
    text = "\n".join(lines)
    assert count_words(text) == sum(map(count_words, lines))
    assert count_words(text) == sum(map(is_word, split_tokens(text)))
    assert all("".join(split_whole(line)) == line for line in lines)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("See [our *policy*](https://x.org/a-b).", 3),
        ("See <https://x.org/privacy-policy> and [it](mailto:a@x.org)", 3),
        ('[a](/b "a title of five words")', 1),
        ("個人情報の取り扱い", 9),
        ("it’s it's", 2),
        ("", 0),
    ],
)
def test_known_counts(text: str, words: int) -> None:
    assert count_words(text) == words


def test_headings_of_both_kinds_are_read() -> None:
    text = "Privacy\n=======\n\n## **Who we are**\n\nx\n\nCookies\n-------\n#no heading\n"
    found = [(one.level, one.text) for one in iter_headings(text)]
    assert found == [(1, "Privacy"), (2, "Who we are"), (2, "Cookies")]


def test_a_database_that_counted_otherwise_is_counted_again(tmp_path: Path) -> None:
    path = tmp_path / "policies.db"
    texts = [("20180101", "One [two](/three).\n"), ("20190101", "One 個人.\n"), ("20200101", "Four.\n")]
    with Store.open(path) as store:
        store_texts(store, texts)
        right = store.connection.execute(CHANGES).fetchall()
        store.connection.execute("update texts set words = 77")
        store.connection.execute("update versions set words_added = 9, change = '{}' where version > 1")
        store.connection.execute("delete from _sqlite_migrations where name = 'm005_words'")
        store.connection.commit()
    with Store.open(path):
        pass
    with closing(open_reader(path)) as connection:
        rows = [tuple(row) for row in connection.execute(CHANGES)]
        words = [
            row["words"] for row in connection.execute("select words from policy_versions order by version")
        ]
    assert rows == [tuple(row) for row in right]
    assert words == [2, 3, 1]
    assert json.loads(rows[1][3])["words_added"] == rows[1][1] == 2


RECOUNTED = """
select words, words_added, words_removed, change
from versions left join texts on sha256 = text_sha256 order by version
"""


def test_a_recount_killed_half_way_leaves_the_old_counts_and_the_next_does_it(tmp_path: Path) -> None:
    path = tmp_path / "policies.db"
    texts = [(f"20{year}0101", f"One [{year}](/three).\n") for year in range(10, 20)]
    with Store.open(path) as store:
        store_texts(store, texts)
        right = store.connection.execute(RECOUNTED).fetchall()
        store.connection.execute("update texts set words = 77")
        store.connection.execute("update versions set words_added = 9, change = '{}' where version > 1")
        store.connection.execute("delete from _sqlite_migrations where name = 'm005_words'")
        store.connection.commit()
        wrong = store.connection.execute(RECOUNTED).fetchall()
    code = "import sys; from policy_archive.pipelines.store.writer import Store; Store.open(sys.argv[1])"
    command = [sys.executable, "-W", "ignore", "-c", code, str(path)]
    for fault, status, expected in (("in-recount:exit:4", EXIT_STATUS, wrong), ("", 0, right)):
        environment = os.environ | {"POLICY_ARCHIVE_FAULT": fault}
        opened = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert opened.returncode == status, opened.stderr
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute(RECOUNTED).fetchall() == [tuple(row) for row in expected]


@pytest.mark.parametrize(
    "function", [count_words, strip_links, cut_targets, cut_addresses, link_labels, drop_links]
)
@pytest.mark.parametrize("piece", ["[", "](", "[a](", "<http://", "](x(", "\\[", "['", "http://a"])
def test_a_long_line_costs_in_proportion(function: Callable[[str], object], piece: str) -> None:
    assert growth(lambda times: function(piece * times), start=5_000, largest=160_000) < 3


@given(st.lists(st.sampled_from([*PIECES, "“", "”", "–", "\n", "’", "'", "</", "\u200c", "e\u0301", " "])))
def test_words_are_counted_as_they_are_split(pieces: list[str]) -> None:
    text = "".join(pieces)
    assert count_words(text) == sum(map(is_word, split_tokens(text)))


_UNDERLINED = re.compile(r"^(?:(#{1,6})[ \t]+(\S.*)|(\S.*)\n(={3,}|-{3,})[ \t]*)$", re.MULTILINE)


@given(
    st.lists(
        st.sampled_from(
            ["# A", "## **B** #", "####### no", "#no", " # no", "#\t C", "# ", "x", "", "===", "----",
             "- - -", "| --- |", "# D\r", "#  \u2028E", "\x0b# F"]
        ),
        max_size=9,
    ).map("\n".join)
)  # fmt: skip
def test_headings_are_the_same_whether_a_line_is_underlined_or_not(text: str) -> None:
    wanted = [
        (
            len(match[1]) if match[1] else 1 if match[4].startswith("=") else 2,
            (match[2] or match[3]).strip(" *_#"), match.start(), match.end(),
        )
        for match in _UNDERLINED.finditer(text)
    ]  # fmt: skip
    found = [(one.level, one.text, one.start, one.end) for one in iter_headings(text)]
    assert found == wanted


_PIECES = st.sampled_from(
    ["# Data", "[our policy](https://x.org/a-b)", "[open", "close](/c)", "] [", "\\[", "\\]", "it's", "’s",
     "個人情報", "<https://x.org>", "**bold", "bold**", "* item", "| a | b |", "|---|", "_a_b_", "\n", "\n\n",
     "\n\n\n", " ", "é", "“q”", "`", "x" * 90]
)  # fmt: skip


@given(st.lists(_PIECES, max_size=40).map("".join))
def test_a_text_by_its_paragraphs_is_the_same_as_whole(text: str) -> None:
    """Its words and its entry in the full-text index: one version has most paragraphs from the one before."""
    long = f"{text}\n\n{'word ' * 500}"
    assert count_words(long) == sum(count_words(line) for line in text.split("\n")) + 500
    assert prepare_text(text) == _prepare(text)
    assert prepare_text(long) == _prepare(long)
