"""A page is of one state of the corpus, though a crawl commits between two of its statements."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from datasette import hookimpl
from datasette.plugins import pm

from policy_archive.pipelines.store.connection import one_state, open_reader
from policy_archive.pipelines.store.search import SearchFilters, search_versions
from policy_archive.pipelines.store.writer import Store
from tests.support.asking import HOME, ask
from tests.support.synthetic import PRIVACY, store_texts


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "policies.db"
    with Store.open(path) as store:
        store_texts(
            store, [("20150101", "We keep geese.\n"), ("20160101", "We keep hens.\n")], document=PRIVACY
        )
    return path


def _remove_on_reading(corpus: Path, told: list[str]) -> Callable[[str], None]:
    """Return what takes all versions and texts away, once, when texts or versions are about to be read."""

    def hear(sql: str) -> None:
        if told or not any(name in sql for name in ("from texts_search_content", "from policy_versions")):
            return
        told.append(sql)
        with closing(sqlite3.connect(corpus)) as writer:
            for table in ("news", "versions", "texts"):
                writer.execute(f"delete from {table}")
            writer.commit()

    return hear


@pytest.fixture
def told(corpus: Path) -> Iterator[list[str]]:
    """Have each connection of Datasette's hear what it reads."""
    heard: list[str] = []

    class Plugin:
        __name__ = "hears"  # Datasette's, of a module

        @hookimpl
        def prepare_connection(self, conn: sqlite3.Connection) -> None:
            conn.set_trace_callback(_remove_on_reading(corpus, heard))

    plugin = Plugin()
    pm.register(plugin, "hears")
    yield heard
    pm.unregister(plugin)


@pytest.mark.parametrize(
    "path",
    [
        "/-/search?q=geese",
        "/-/phrase?q=geese",
        "/-/changes",
        f"/{PRIVACY.site}",
        f"/{PRIVACY.site}/privacy/20150101000000",
    ],
)
def test_a_page_shows_one_state(corpus: Path, told: list[str], path: str) -> None:
    (answer,) = ask(corpus, HOME + path)
    assert answer.status_code == 200, answer.text
    assert told  # the crawl came between
    assert "geese" in answer.text or "version" in answer.text
    with closing(sqlite3.connect(corpus)) as connection:
        assert connection.execute("select count(*) from versions").fetchone() == (0,)


def test_a_search_in_one_state_finds_what_it_counts(corpus: Path) -> None:
    heard: list[str] = []
    with closing(open_reader(corpus)) as connection:
        connection.set_trace_callback(_remove_on_reading(corpus, heard))
        with one_state(connection), one_state(connection):
            result = search_versions(connection, "geese", SearchFilters())
        assert heard and result.hits == len(result.rows) == 1
        assert not connection.in_transaction
        assert search_versions(connection, "geese", SearchFilters()).rows == []
