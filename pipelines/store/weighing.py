"""What an import leaves for its end: versions of the documents that it touched, and what changed in these.

An import of a corpus writes a thousand texts a second, and comparing two takes as long as ten of them. So
the documents are noted (`unweighed`) in the transaction that writes their texts, get their versions when all
are read, and are compared last; whenever it stops, what is left is a state that is seen and gone on with.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path

from policy_archive.crawler.core.stored import Document, Kind
from policy_archive.crawler.core.timestamps import now_iso
from policy_archive.pipelines.store.connection import open_reader, write
from policy_archive.pipelines.store.monitoring import news
from policy_archive.pipelines.store.versions import SiteFold, build_site, build_versions, replace_versions

_FOLDED_AT_ONCE = 100
"""Documents a transaction."""
WORTH_A_PROCESS = 50
"""Fewer documents are compared sooner than other processes have started."""
SITES_A_TASK = 8
"""Of another process: some tenths of a second."""

_Site = tuple[str, Sequence[Document]]
"""A site, and those of its documents that are not weighed."""


def is_unweighed(connection: sqlite3.Connection, document: Document) -> bool:
    """Return whether changes of a document are not compared yet."""
    found = connection.execute("select 1 from unweighed where document_id = ?", (document.id,)).fetchone()
    return found is not None


def iter_unweighed(connection: sqlite3.Connection) -> Iterator[_Site]:
    """Yield the sites of which documents are not weighed; what is done meanwhile is no hindrance."""
    last = ""
    while True:
        rows = connection.execute(
            """select site, kind, name from documents where site = (
                select site from documents where site > ?
                and exists (select 1 from unweighed where document_id = id) order by site limit 1)
            and id in (select document_id from unweighed) order by kind, name""",
            (last,),
        ).fetchall()
        if not rows:
            return
        last = rows[0]["site"]
        yield last, [Document(site=last, kind=Kind(row["kind"]), name=row["name"]) for row in rows]


def fold_imported(connection: sqlite3.Connection, run_id: int | None) -> Iterator[int]:
    """Give the documents of an import their versions, without what changed; yields how many are done."""
    done = 0
    documents = _iter_unfolded(connection)
    while some := list(islice(documents, _FOLDED_AT_ONCE)):
        _fold_all(connection, some, run_id)
        done += len(some)
        yield done


def build_sites(connection: sqlite3.Connection, sites: Sequence[_Site]) -> list[tuple[str, SiteFold]]:
    """Return what `build_site` does of some sites."""
    return [(site, build_site(connection, site, documents)) for site, documents in sites]


def build_aside(path: Path, sites: Sequence[_Site]) -> list[tuple[str, SiteFold]]:
    """Return what `build_sites` does, on a connection of its own: for another thread or process."""
    with closing(open_reader(path)) as connection:
        return build_sites(connection, sites)


def _fold_all(connection: sqlite3.Connection, documents: list[Document], run_id: int | None) -> None:
    def work(connection: sqlite3.Connection) -> None:
        for document in documents:
            replace_versions(connection, document, build_versions(connection, document, later=True))
            news.write_news(connection, document, run_id=run_id, of_site=False, now=now_iso())
        connection.executemany(
            "update unweighed set folded = 1 where document_id = ?", [(one.id,) for one in documents]
        )

    write(connection, work)


def _iter_unfolded(connection: sqlite3.Connection) -> Iterator[Document]:
    last = ""
    while True:
        rows = connection.execute(
            """select id, site, kind, name from unweighed join documents on id = document_id
            where document_id > ? and not folded order by document_id limit 1000""",
            (last,),
        ).fetchall()
        if not rows:
            return
        for row in rows:
            yield Document(site=row["site"], kind=Kind(row["kind"]), name=row["name"])
        last = rows[-1]["id"]
