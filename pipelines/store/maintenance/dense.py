"""Texts packed against the one before them (`compact --dense`), and taken back into plain SQL (`--readable`).

A text that is packed is packed for good, until it is taken back: what comes later is packed against it, never
the other way round, so that no chain grows behind its back. Taking back leaves what is packed in its place
until every text stands in plain SQL again: a run that dies in the middle has lost nothing.
"""

from __future__ import annotations

import sqlite3
from functools import partial

from policy_archive.crawler.core.errors import StoreError
from policy_archive.crawler.core.failpoints import point
from policy_archive.pipelines.store.codec import pack_text
from policy_archive.pipelines.store.connection import write
from policy_archive.pipelines.store.packed import (
    LONGEST_CHAIN,
    MOST_BYTES,
    NOTICE,
    is_dense,
    is_packed,
    measure_chain,
    read_packed,
)
from policy_archive.pipelines.store.stored_texts import find_numbered_text

ABOUT = (
    (
        "What is different here",
        "The texts of this file are packed (policy-archive compact --dense): a quarter of the space, but "
        "plain SQL cannot read them. All other tables and columns are as ever.",
    ),
    (
        "What reads the texts",
        "policy-archive, its pages ('policy-archive browse'), and Datasette where policy-archive is "
        "installed beside it.",
    ),
    (
        "Python",
        "from policy_archive.pipelines.store.packed import register; register(connection)  -- then "
        "policy_versions.text reads as ever, in this connection (sqlite3, pandas)",
    ),
    (
        "DuckDB, R, anything else",
        "policy-archive export --to FOLDER --format parquet  -- writes the texts and all about them",
    ),
    ("Taking it back", "policy-archive compact --readable  -- the same texts in plain SQL again"),
)
"""Rows of the table that tells people: title, what it says."""


def begin_dense(connection: sqlite3.Connection) -> None:
    """Have a file say that it is dense, before the first text is packed."""

    def work(c: sqlite3.Connection) -> None:
        if is_dense(c):
            return
        c.execute(f"create table {NOTICE} (title text primary key, what text not null) strict")
        c.executemany(f"insert into {NOTICE} values (?, ?)", ABOUT)  # noqa: S608 (a constant)

    write(connection, work)


def pack_document(connection: sqlite3.Connection, document_id: str) -> None:
    """Pack the texts of a document that are not, each against the one before it in time."""
    before: int | None = None
    for text_id, is_done in connection.execute(_TEXTS_OF_DOCUMENT, (document_id,)).fetchall():
        if not is_done:
            _pack_text(connection, text_id, before)
        before = text_id


def pack_rest(connection: sqlite3.Connection) -> None:
    """Pack the texts that are of no document's captures any more, each for itself."""
    for (text_id,) in connection.execute(f"select id from texts where {_IN_PLAIN_SQL}").fetchall():  # noqa: S608
        _pack_text(connection, text_id, None)


_IN_PLAIN_SQL = (
    "(coalesce(texts.content, '') <> '' or exists (select 1 from text_runs where text_id = texts.id))"
)
_TEXTS_OF_DOCUMENT = f"""
select texts.id, not {_IN_PLAIN_SQL} as is_done
from captures join extractions on capture_id = captures.id join texts on texts.sha256 = text_sha256
where document_id = ? group by texts.id order by min(timestamp), texts.id
"""  # noqa: S608 (a constant)


def _pack_text(connection: sqlite3.Connection, text_id: int, base_id: int | None) -> None:
    text = find_numbered_text(connection, text_id)
    if not text or len(whole := text.encode()) > MOST_BYTES:
        return
    base = _read_base(connection, base_id, len(whole))
    content = pack_text(whole, base=base.encode() if base is not None else None)

    def work(c: sqlite3.Connection) -> None:
        if find_numbered_text(c, text_id) != text:
            return
        if is_packed(c, text_id):  # and in plain SQL as well: a run that took it back was stopped
            _check_packed(c, text_id, text)
        else:
            c.execute(
                "insert into packed_texts (text_id, base_id, bytes, content) values (?, ?, ?, ?)",
                (text_id, base_id if base is not None else None, len(whole), content),
            )
        c.execute("update texts set content = null where id = ?", (text_id,))
        c.execute("delete from text_runs where text_id = ?", (text_id,))
        point("in-pack-text")
        _check_packed(c, text_id, text)

    write(connection, work)


def _read_base(connection: sqlite3.Connection, base_id: int | None, size: int) -> str | None:
    """Return the text before, if it is packed and its chain has room for one more of that size."""
    if base_id is None:
        return None
    texts, chain_bytes = measure_chain(connection, base_id)
    if not 0 < texts <= LONGEST_CHAIN or chain_bytes + size > MOST_BYTES:
        return None
    try:
        return read_packed(connection, base_id)
    except StoreError:  # `verify` names it; what comes after it stands for itself
        return None


def _check_packed(connection: sqlite3.Connection, text_id: int, text: str) -> None:
    if read_packed(connection, text_id) != text:
        raise StoreError(f"text {text_id} does not come back from its packed form: it was left as it is")


def unpack_rest(connection: sqlite3.Connection) -> None:
    """Put the texts that are packed alone into plain SQL, whole: those that share no lines with others."""
    for (text_id,) in connection.execute(_ONLY_PACKED).fetchall():
        text = find_numbered_text(connection, text_id)
        if text is not None:
            write(connection, partial(_unpack_text, text_id=text_id, text=text))


_ONLY_PACKED = f"select id from texts join packed_texts on text_id = id where not {_IN_PLAIN_SQL}"  # noqa: S608


def _unpack_text(connection: sqlite3.Connection, *, text_id: int, text: str) -> None:
    connection.execute("update texts set content = ? where id = ?", (text, text_id))
    point("in-unpack-text")


def end_dense(connection: sqlite3.Connection) -> list[str]:
    """Drop what is packed, and what the file says of it; return the hashes of texts that did not unpack.

    When there is one nothing is dropped: the file stays dense, and says so.
    """
    if not is_dense(connection):
        return []

    def work(c: sqlite3.Connection) -> list[str]:
        left = [row["sha256"] for row in c.execute(_ONLY_PACKED.replace("select id", "select sha256"))]
        if not left:
            c.execute("delete from packed_texts")
            c.execute(f"drop table if exists {NOTICE}")
            point("before-end-of-dense")
        return left

    return write(connection, work)
