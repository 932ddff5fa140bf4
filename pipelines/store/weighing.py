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
from typing import Any

from policy_archive.crawler.core.stored import Document, Kind
from policy_archive.crawler.core.timestamps import now_iso
from policy_archive.pipelines.store.connection import open_reader, write
from policy_archive.pipelines.store.monitoring import news
from policy_archive.pipelines.store.versions import build_versions, replace_versions

_FOLDED_AT_ONCE = 100
"""Documents a transaction."""
WORTH_A_PROCESS = 50
"""Fewer documents are compared sooner than other processes have started."""
_WEIGHED_AT_ONCE = 8
"""Documents a task of another process: some tenths of a second."""


def is_unweighed(connection: sqlite3.Connection, document: Document) -> bool:
    """Return whether changes of a document are not compared yet."""
    found = connection.execute("select 1 from unweighed where document_id = ?", (document.id,)).fetchone()
    return found is not None


def iter_unweighed(connection: sqlite3.Connection) -> Iterator[list[Document]]:
    """Yield the documents that are not compared, some at a time; what is done meanwhile is no hindrance."""
    documents = _iter_documents(connection, "")
    while some := list(islice(documents, _WEIGHED_AT_ONCE)):
        yield some


def fold_imported(connection: sqlite3.Connection, run_id: int | None) -> Iterator[int]:
    """Give the documents of an import their versions, without what changed; yields how many are done."""
    done = 0
    documents = _iter_documents(connection, "and not folded")
    while some := list(islice(documents, _FOLDED_AT_ONCE)):
        _fold_all(connection, some, run_id)
        done += len(some)
        yield done


def build_aside(path: Path, documents: Sequence[Document]) -> list[list[tuple[Any, ...]]]:
    """Return what `build_versions` does of some documents, on a connection of its own: for another thread
    or process."""
    with closing(open_reader(path)) as connection:
        return [build_versions(connection, document) for document in documents]


def _fold_all(connection: sqlite3.Connection, documents: list[Document], run_id: int | None) -> None:
    def work(connection: sqlite3.Connection) -> None:
        for document in documents:
            replace_versions(connection, document, build_versions(connection, document, later=True))
            news.write_news(connection, document, run_id=run_id, of_site=False, now=now_iso())
        connection.executemany(
            "update unweighed set folded = 1 where document_id = ?", [(one.id,) for one in documents]
        )

    write(connection, work)


def _iter_documents(connection: sqlite3.Connection, condition: str) -> Iterator[Document]:
    last = ""
    while True:
        rows = connection.execute(
            f"""select id, site, kind, name from unweighed join documents on id = document_id
            where document_id > ? {condition} order by document_id limit 1000""",  # noqa: S608 (a constant)
            (last,),
        ).fetchall()
        if not rows:
            return
        for row in rows:
            yield Document(site=row["site"], kind=Kind(row["kind"]), name=row["name"])
        last = rows[-1]["id"]
