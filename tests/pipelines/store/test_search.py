from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from policy_archive.crawler.core.errors import UsageError
from policy_archive.crawler.core.records import Document, Kind
from policy_archive.pipelines.store import search as hits
from policy_archive.pipelines.store.connection import open_reader
from policy_archive.pipelines.store.search import SearchFilters, search_versions
from policy_archive.pipelines.store.writer import Store
from tests.support.synthetic import store_texts

_SITES = 150
_EACH = 15
_COMMON = "harbour"


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    """Yield a corpus where a common word stands in more texts than are ranked."""
    path = tmp_path_factory.mktemp("many") / "policies.db"
    with Store.open(path) as store:
        store.connection.execute("pragma synchronous = off")
        for site in range(_SITES):
            texts = [
                (
                    f"{2000 + year}{1 + site % 12:02}01000000",
                    f"# Site {site}\n\nThe {_COMMON} of {2000 + year}.\n",
                )
                for year in range(_EACH)
            ]
            store_texts(store, texts, document=Document(site=f"site{site}.example", kind=Kind.PRIVACY))
    with closing(open_reader(path)) as connection:
        yield connection


def test_few_hits_are_counted_and_ranked(many: sqlite3.Connection) -> None:
    result = search_versions(many, "2007", SearchFilters())
    assert (result.hits, result.ranked, len(result.rows), result.has_more) == (_SITES, True, 20, True)
    assert result.rows[0]["snippet"].count("\x01") == 1


def test_many_hits_come_newest_first_and_are_not_counted(many: sqlite3.Connection) -> None:
    assert _SITES * _EACH > hits.RANKED_TEXTS
    result = search_versions(many, _COMMON, SearchFilters())
    assert (result.hits, result.ranked, len(result.rows)) == (None, False, 20)
    stamps = [row["timestamp"] for row in result.rows]
    assert stamps == sorted(stamps, reverse=True)
    assert stamps[0] == "20141201000000"
    assert result.first is not None and result.first["timestamp"] == "20000101000000"
    assert result.last is not None and result.last["timestamp"] == "20141201000000"


def test_pages_of_many_hits_neither_repeat_nor_leave_out(many: sqlite3.Connection) -> None:
    filters = SearchFilters(year="2003")
    pages = [search_versions(many, _COMMON, filters, limit=40, offset=at) for at in range(0, 160, 40)]
    found = [(row["site"], row["version"]) for page in pages for row in page.rows]
    assert len(found) == len(set(found)) == _SITES
    assert [page.has_more for page in pages] == [True, True, True, False]


def test_a_site_is_searched_alone(many: sqlite3.Connection) -> None:
    result = search_versions(many, _COMMON, SearchFilters(site="site7.example"))
    assert result.hits == _EACH
    assert {row["site"] for row in result.rows} == {"site7.example"}


def test_the_newest_are_told_also_of_few(many: sqlite3.Connection) -> None:
    result = search_versions(many, '"Site 7"', SearchFilters(), newest_first=True)
    assert [row["version"] for row in result.rows] == list(range(_EACH, 0, -1))


def test_an_expression_that_sqlite_refuses_gets_a_sentence(many: sqlite3.Connection) -> None:
    with pytest.raises(UsageError, match="at least one word"):
        search_versions(many, "AND AND", SearchFilters())
