"""Phrases counted against a plain reading of the same history, day by day."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy_archive.crawler.core.errors import UsageError
from policy_archive.crawler.core.records import Document, Kind
from policy_archive.pipelines.store.connection import open_reader
from policy_archive.pipelines.store.phrases import (
    Event,
    find_told,
    iter_events,
    read_spans,
    study_phrases,
)
from policy_archive.pipelines.store.search import SearchFilters
from policy_archive.pipelines.store.search_syntax import parse_query
from policy_archive.pipelines.store.snippets import BEGIN, END, cut_sentence
from tests.support.synthetic import open_new, store_texts

_ALL = SearchFilters()
_SAYS, _SILENT = "We sell ducks. Nothing else.", "Nothing is sold here."


@contextmanager
def _corpus(histories: dict[str, Sequence[tuple[str, str]]]) -> Iterator[sqlite3.Connection]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "policies.db"
        with open_new(path) as store:
            for site, texts in histories.items():
                store_texts(store, texts, document=Document(site=site, kind=Kind.PRIVACY))
        with closing(open_reader(path)) as connection:
            yield connection


@pytest.fixture(scope="module")
def connection() -> Iterator[sqlite3.Connection]:
    histories = {
        # seen silent in 2014 and saying it in 2017: took it in between
        "took.example": [
            ("20130105", "None."),
            ("20140301", "None."),
            ("20170601", "We sell ducks, and more."),
        ],
        "first.example": [("20150105", "We sell ducks."), ("20180105", "We sell **ducks** still.")],
        "gone.example": [
            ("20120105", "We sell ducks."),
            ("20150601", "Gone."),
            ("20160601", "We sell ducks."),
        ],
        "geese.example": [("20160105", "We sell geese.")],
    }
    with _corpus(histories) as opened:
        yield opened


def _years(connection: sqlite3.Connection, text: str) -> dict[int, tuple[int, int, int, int]]:
    _, (phrase,) = study_phrases(connection, [text], _ALL)
    return {
        row["year"]: (row["saying"], row["possible"], row["documents"], row["unseen"]) for row in phrase.years
    }


def test_a_year_counts_who_said_it_who_may_have_and_who_was_not_seen(connection: sqlite3.Connection) -> None:
    assert _years(connection, "sell ducks") == {
        # saying, at most, seen, known and not seen
        2012: (1, 1, 1, 0),
        2013: (0, 0, 1, 1),
        2014: (0, 1, 1, 1),  # took.example may have taken it in after March
        2015: (1, 2, 2, 1),  # gone.example may have said it until June; took.example was not seen
        2016: (1, 1, 2, 2),
        2017: (1, 1, 1, 1),
        2018: (1, 1, 1, 0),
    }


def test_what_stood_at_first_sight_was_not_taken_in(connection: sqlite3.Connection) -> None:
    spans, (phrase,) = study_phrases(connection, ["sell ducks"], _ALL)
    told = {
        event: [
            (row["site"], row["changed_after"] and row["changed_after"][:10], row["first_captured"][:10])
            for row in iter_events(connection, spans, phrase, event, places)
        ]
        for event, places in phrase.events.items()
    }
    assert told == {
        Event.TOOK_IN: [
            ("gone.example", "2015-06-01", "2016-06-01"),
            ("took.example", "2014-03-01", "2017-06-01"),
        ],
        Event.DROPPED: [("gone.example", "2012-01-05", "2015-06-01")],
        Event.FIRST_SEEN: [
            ("gone.example", None, "2012-01-05"),
            ("first.example", None, "2015-01-05"),
        ],
    }
    again, took = iter_events(connection, spans, phrase, Event.TOOK_IN, phrase.events[Event.TOOK_IN])
    assert (again["again"], took["again"]) == (True, False)
    assert took["sentence"] == f"We {BEGIN}sell ducks{END}, and more."
    assert (took["before_timestamp"], took["timestamp"]) == ("20130105000000", "20170601000000")
    (dropped,) = iter_events(connection, spans, phrase, Event.DROPPED, phrase.events[Event.DROPPED])
    assert dropped["sentence"] == f"We {BEGIN}sell ducks{END}."


def test_phrases_side_by_side_have_the_same_years(connection: sqlite3.Connection) -> None:
    spans, (ducks, geese) = study_phrases(connection, ["sell ducks", "geese"], _ALL)
    assert (
        [row["year"] for row in ducks.years] == [row["year"] for row in geese.years] == [*range(2012, 2019)]
    )
    kept, again = study_phrases(connection, ["sell ducks", "geese"], _ALL, spans=spans)
    assert kept is spans and again == [ducks, geese]


def test_words_mean_a_phrase_and_grammar_means_what_it_says(connection: sqlite3.Connection) -> None:
    _, (phrase, both, wide) = study_phrases(connection, ["ducks sell", '"ducks" "sell"', "duck*"], _ALL)
    assert not any(phrase.events.values()) and phrase.years[0]["documents"]
    assert both.events == wide.events and len(both.events[Event.FIRST_SEEN]) == 2
    with pytest.raises(UsageError, match="no partner"):
        study_phrases(connection, ['"sell'], _ALL)


def test_filters_narrow_who_is_counted(connection: sqlite3.Connection) -> None:
    _, (phrase,) = study_phrases(connection, ["ducks"], SearchFilters(site="first.example"))
    assert {row["documents"] for row in phrase.years} <= {0, 1} and phrase.years[0]["year"] == 2015
    _, (stood,) = study_phrases(connection, ["ducks"], SearchFilters(year="2014"))
    assert not any(stood.events.values())
    _, (later,) = study_phrases(connection, ["ducks"], SearchFilters(year="2016"))
    assert len(later.events[Event.FIRST_SEEN]) == 1  # the version before is left out, and the interval too
    _, (none,) = study_phrases(connection, ["ducks"], SearchFilters(language="ja"))
    assert none.years == [] and not any(none.events.values())


def test_a_change_of_the_page_alone_is_no_news() -> None:
    texts = [("20150101", "We keep it."), ("20160101", "We keep it.\n\nSubscribe for ducks.")]
    with _corpus({"page.example": texts}) as connection:
        path = connection.execute("pragma database_list").fetchone()[2]
        with closing(sqlite3.connect(path)) as writer:
            writer.execute("update versions set class = 'page' where version = 2")
            writer.commit()
        spans, (phrase,) = study_phrases(connection, ["ducks"], _ALL)
        (place,) = phrase.events[Event.TOOK_IN]
        assert find_told(connection, spans, [place]) == []


_HISTORIES = st.dictionaries(
    st.sampled_from(["a.example", "b.example", "c.example"]),
    st.lists(
        st.tuples(st.integers(2010, 2020), st.booleans()),
        min_size=1,
        max_size=6,
        unique_by=lambda one: one[0],
    ),
    min_size=1,
)


@settings(max_examples=25, deadline=None)  # each example is a database
@given(_HISTORIES)
def test_counts_are_those_of_a_plain_reading(histories: dict[str, list[tuple[int, bool]]]) -> None:
    captured = {site: sorted(history) for site, history in histories.items()}
    texts = {
        site: [(f"{year}0601", _SAYS if says else _SILENT) for year, says in history]
        for site, history in captured.items()
    }
    with _corpus(texts) as connection:
        told = _years(connection, "sell ducks")
    saying_years = [year for history in captured.values() for year, says in history if says]
    assert bool(told) == bool(saying_years)
    for year, (saying, possible, documents, unseen) in told.items():
        plain = [_read_plainly(history, year) for history in captured.values()]
        assert saying == plain.count("says")
        assert possible == plain.count("says") + plain.count("may")
        assert documents == len(plain) - plain.count("unseen") - plain.count("unknown")
        assert unseen == plain.count("unseen")


def _read_plainly(history: list[tuple[int, bool]], year: int) -> str:
    """Return what is known of one document in a year: captured once in some years, in June."""
    before = [says for at, says in history if at < year]
    after = [says for at, says in history if at > year]
    here = [says for at, says in history if at == year]
    if not here:
        if not (before and after):
            return "unknown"
        if before[-1] != after[0]:
            return "unseen"
        return "says" if after[0] else "silent"  # the same text at both ends
    if here[0]:
        return "says"
    # silent in June: it may have said it in the spring, or in the autumn
    return "may" if before[-1:] == [True] or after[:1] == [True] else "silent"


def test_a_corpus_of_centuries_is_counted_as_one_of_years() -> None:
    """More years than a machine's number has bits."""
    histories = {
        "old.example": [("18900105", _SAYS), ("19500105", _SILENT)],
        "new.example": [("20200105", _SAYS)],
    }
    with _corpus(histories) as connection:
        spans, (studied,) = study_phrases(connection, ["sell ducks"], _ALL)
        assert {year["year"] for year in studied.years if year["saying"]} == {1890, 2020}
        assert {row["year"] for row in studied.years if row["possible"]} == {1890, 1950, 2020}
        _, (late,) = study_phrases(connection, ["sell ducks"], SearchFilters(year="2020"), spans=spans)
        assert [year["year"] for year in late.years] == [2020]
        assert studied.events[Event.DROPPED] == [1]


def test_spans_do_not_depend_on_the_order_of_storing() -> None:
    histories = {
        "a.example": [("20150101", "We sell ducks."), ("20100101", "None.")],
        "b.example": [("20120101", "x.")],
    }
    with _corpus(histories) as one, _corpus(dict(reversed(histories.items()))) as two:
        assert study_phrases(one, ["ducks"], _ALL)[1] == study_phrases(two, ["ducks"], _ALL)[1]
        assert len(read_spans(one).version) == 3


@pytest.mark.parametrize(
    ("markdown", "sentence"),
    [
        ("# Sell\n\nEver so. We sell ducks! And “geese.” Never.", "We <sell ducks>!"),
        ("See [here](/sell-ducks).\n\nWe do [sell](/x) ducks.", "We do <sell ducks>."),
        ("弊社は鴨を売る。sell ducks です。終わり。", "<sell ducks> です。"),
        ("| a | We sell ducks. |", "We <sell ducks>."),
        ("# Sell ducks\n\nWe, Pond Ltd. and others, sell ducks.", "We, Pond Ltd. and others, <sell ducks>."),
        ("# Sell ducks\n\nWe keep them.", "<Sell ducks>"),
    ],
)
def test_the_sentence_that_says_it_is_shown(markdown: str, sentence: str) -> None:
    shown = cut_sentence(markdown, parse_query('"sell ducks"').needles)
    assert shown.replace(BEGIN, "<").replace(END, ">").removeprefix("a ") == sentence


@given(st.integers(0, 400), st.integers(0, 400))
def test_a_long_sentence_is_cut_around_what_was_found(before: int, after: int) -> None:
    shown = cut_sentence("word " * before + "ducks" + " word" * after, ["ducks"])
    assert shown.count(f"{BEGIN}ducks{END}") == 1 and len(shown) < 620
