"""What a browser may keep, and what it is sent compressed."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx
import pytest
from datasette.app import Datasette
from lxml import html

from policy_archive.pipelines.store.connection import one_state, open_reader
from policy_archive.pipelines.store.mark import read_changed_at, read_mark
from policy_archive.pipelines.store.writer import Store
from tests.browse.conftest import MIDDLE, OLD, PRIVACY, SITE
from tests.support.asking import HOME
from tests.support.synthetic import store_texts

_PAGES = [
    "",
    f"/{SITE}",
    f"/{SITE}/privacy/{OLD}",
    f"/{SITE}/privacy/{OLD}.json",
    f"/-/diff/{SITE}/privacy/{OLD}/{SITE}/privacy/{MIDDLE}",
    "/-/search?q=harbour",
    "/-/phrase?q=harbour",
    "/-/changes",
    "/-/feed.atom",
]


def _ask(database: Path, path: str, **headers: str) -> httpx.Response:
    named: Mapping[str, str] = {name.replace("_", "-"): value for name, value in headers.items()}

    async def ask() -> httpx.Response:
        datasette = Datasette([str(database)])
        await datasette.invoke_startup()
        try:
            return await datasette.client.get(HOME + path, headers=named)
        finally:
            for one in datasette.databases.values():
                one.close()
            datasette.executor.shutdown()

    return asyncio.run(ask())


@pytest.mark.parametrize("path", _PAGES)
def test_a_page_is_not_sent_again_while_nothing_was_written(database: Path, path: str) -> None:
    with closing(open_reader(database)):  # as a server's connections, it keeps the log
        _settle(database)
        first = _ask(database, path)
        assert first.status_code == 200
        assert first.headers["cache-control"] == "private, no-cache"
        assert parsedate_to_datetime(first.headers["last-modified"]).timestamp() <= time.time()
        again = _ask(database, path, if_none_match=first.headers["etag"])
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
        assert _ask(database, path, if_none_match='W/"other"').content == first.content


def test_what_was_written_is_sent(tmp_path: Path) -> None:
    database = tmp_path / "policies.db"
    with Store.open(database) as store:
        store_texts(store, [("20150101", "We keep geese.\n")], document=PRIVACY)
        first = _ask(database, "")
        store_texts(store, [("20160101", "We keep geese and hens.\n")], document=PRIVACY)
        second = _ask(database, "", if_none_match=first.headers["etag"])
    assert second.status_code == 200 and second.headers["etag"] != first.headers["etag"]


def test_errors_and_redirects_are_not_kept(database: Path) -> None:
    assert "etag" not in _ask(database, "/nowhere.example").headers
    assert "etag" not in _ask(database, f"/{SITE}/privacy").headers


def test_the_stylesheet_is_kept_by_its_name(database: Path) -> None:
    (address,) = html.fromstring(_ask(database, "").content).xpath("//link[@rel='stylesheet']/@href")
    assert "immutable" in _ask(database, address.removeprefix(HOME)).headers["cache-control"]
    other = _ask(database, "/-/policies.css?v=0")
    assert "immutable" not in other.headers["cache-control"] and other.status_code == 200


def _settle(database: Path) -> str:
    """Return the mark once it stays: what was written just now has one that nothing else has."""
    mark = read_mark(database)
    while (again := read_mark(database)) != mark:
        mark = again
    return mark


def test_the_mark_changes_with_every_commit_and_with_nothing_else(tmp_path: Path) -> None:
    database = tmp_path / "policies.db"
    Store.open(database).close()
    marks = [_settle(database)]
    with closing(open_reader(database)) as reader, closing(sqlite3.connect(database)) as writer:
        reader.execute("select count(*) from sites").fetchone()
        for number in range(10):
            writer.execute("insert into sites (site) values (?)", (f"site{number}.example",))
            writer.commit()
            marks.append(read_mark(database))  # at once, faster than a file's clock
            marks.append(_settle(database))
            reader.execute("select count(*) from sites").fetchone()  # a reader changes nothing
            assert read_mark(database) == marks[-1]
        writer.execute("pragma wal_checkpoint(restart)")  # the log is written from its beginning again
        for number in range(50):
            writer.execute("update sites set reason = ?", (f"{number:03}",))
            writer.commit()
            marks.append(read_mark(database))
    assert len(set(marks)) == len(marks)


def test_asking_for_the_mark_takes_no_lock_from_a_reader(tmp_path: Path) -> None:
    database = tmp_path / "policies.db"
    Store.open(database).close()
    code = """
import sqlite3, sys
writer = sqlite3.connect(sys.argv[1], timeout=0.1)
writer.execute("insert into sites (site) values ('new.example')")
writer.commit()
print(writer.execute("pragma wal_checkpoint(truncate)").fetchone()[0])
"""
    with closing(open_reader(database)) as reader, one_state(reader):
        assert reader.execute("select count(*) from sites").fetchone()[0] == 0
        read_mark(database)
        read_changed_at(database)
        done = subprocess.run(
            [sys.executable, "-c", code, database], capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == "1"  # busy: the reader's state is still needed
        assert reader.execute("select count(*) from sites").fetchone()[0] == 0


def test_answers_are_sent_compressed(database: Path) -> None:
    pytest.importorskip("datasette_gzip", reason="needs datasette-gzip: pip install -e '.[browse]'")
    packed = _ask(database, f"/{SITE}", accept_encoding="gzip")
    assert packed.headers["content-encoding"] == "gzip"
    assert "accept-encoding" in packed.headers["vary"].lower()
    plain = _ask(database, f"/{SITE}", accept_encoding="identity")
    assert "content-encoding" not in plain.headers
    assert plain.text == packed.text
    assert packed.num_bytes_downloaded < plain.num_bytes_downloaded / 2
