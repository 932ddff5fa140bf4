"""Bodies against the captures before them, texts in shared lines: the same corpus in a tenth of the space.

Of a dense file the texts are packed instead (dense.py): into a quarter of that, and out of plain SQL's reach.
Every step is one transaction that is read back before it is committed, so a run may end at any moment; the
next one goes on where it was. New captures are stored as ever, and compacted by the next run.
"""

from __future__ import annotations

import re
import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from policy_archive.crawler.core.errors import StoreError
from policy_archive.crawler.core.failpoints import point
from policy_archive.pipelines.store.bodies import BodyReader
from policy_archive.pipelines.store.codec import Codec, compress_against, restore_body
from policy_archive.pipelines.store.connection import write
from policy_archive.pipelines.store.maintenance.dense import (
    end_dense,
    pack_document,
    pack_rest,
    unpack_rest,
)
from policy_archive.pipelines.store.packed import is_dense
from policy_archive.pipelines.store.stored_texts import find_numbered_text

LONGEST_CHAIN = 15
"""Bodies decoded before the one that is wanted: every 16th stands for itself, at the least."""

_LINE = re.compile(r"[^\n]*\n+|[^\n]+")
"""A line with the empty ones after it: what texts share is paragraphs, not empty lines."""


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """What a corpus takes, in bytes."""

    bodies: int
    texts: int
    """Texts, shared lines and runs, packed texts (some 12 bytes a row), without the full-text index."""
    file: int


def measure_sizes(connection: sqlite3.Connection) -> Sizes:
    """Return what bodies, texts and the whole file take now."""
    return Sizes(
        bodies=_number(connection, "select coalesce(sum(length(content)), 0) from bodies"),
        texts=_number(connection, _TEXT_BYTES),
        file=_number(connection, "pragma page_count") * _number(connection, "pragma page_size"),
    )


_TEXT_BYTES = """
select coalesce(sum(length(cast(content as blob))), 0)
    + (select coalesce(sum(length(cast(line as blob))), 0) from text_lines)
    + (select 12 * count(*) from text_runs)
    + (select coalesce(sum(length(content) + 12), 0) from packed_texts) from texts
"""


def _number(connection: sqlite3.Connection, sql: str) -> int:
    (number,) = connection.execute(sql).fetchone()
    return int(number)


def list_documents(connection: sqlite3.Connection) -> list[str]:
    """Return the ids of all documents, in the order that compaction takes them."""
    return [row[0] for row in connection.execute("select id from documents order by id")]


class Texts(StrEnum):
    """How a file has its texts."""

    READABLE = "readable"
    """In lines that they share, in plain SQL."""
    DENSE = "dense"
    """Packed: what reads them has to know how."""


def texts_of(connection: sqlite3.Connection) -> Texts:
    """Return how a file has its texts."""
    return Texts.DENSE if is_dense(connection) else Texts.READABLE


def compact_document(connection: sqlite3.Connection, document_id: str, texts: Texts = Texts.READABLE) -> None:
    """Compact a document's bodies and texts; what is compacted in that way already stays as it is.

    For DENSE the file has to say so first (dense.begin_dense); to READABLE a dense file comes when all its
    documents are compacted so, and end_texts has been called.
    """
    _compact_bodies(connection, document_id)
    if texts is Texts.DENSE:
        pack_document(connection, document_id)
    else:
        _compact_texts(connection, document_id)


def end_texts(connection: sqlite3.Connection, texts: Texts) -> list[str]:
    """Compact what texts are left of no document; return the hashes of those that could not be read.

    With one that could not be a dense file stays dense.
    """
    if texts is Texts.DENSE:
        pack_rest(connection)
        return []
    unpack_rest(connection)
    return end_dense(connection)


def give_back_space(connection: sqlite3.Connection) -> None:
    """Delete lines that no text holds any more, and give the file's free pages back to the system.

    The full-text index becomes one piece: texts came one by one, and each left a piece of its own that was
    merged with others only now and then (238 of 3,998 KB, recorded histories). Rewrites the whole file, which
    takes its size again on the disk for as long; writers wait.
    """
    write(connection, _delete_orphaned_lines)
    write(connection, _join_search)
    connection.execute("vacuum")
    point("after-vacuum")
    connection.execute("pragma wal_checkpoint(truncate)")


def _join_search(connection: sqlite3.Connection) -> None:
    connection.execute("insert into texts_search (texts_search) values ('optimize')")


# Bodies


def _compact_bodies(connection: sqlite3.Connection, document_id: str) -> None:
    """Compress each body against the one before it in time, where that is smaller."""
    reader = BodyReader(connection)
    depths: dict[str, int] = {}
    before: str | None = None
    for (digest,) in connection.execute(_BODIES_OF_DOCUMENT, (document_id,)).fetchall():
        if before is not None and _depth(connection, before, depths) < LONGEST_CHAIN:
            _compact_body(connection, reader, digest, before)
        depths[digest] = _depth(connection, digest, depths)
        before = digest


_BODIES_OF_DOCUMENT = """
select body_digest from captures where document_id = ? and body_digest is not null
group by body_digest order by min(timestamp), body_digest
"""


def _depth(connection: sqlite3.Connection, digest: str, depths: dict[str, int]) -> int:
    """Return how many bodies have to be decoded before this one."""
    steps = 0
    wanted: str | None = digest
    while wanted is not None:
        if wanted in depths:
            return steps + depths[wanted]
        row = connection.execute("select base_digest from bodies where digest = ?", (wanted,)).fetchone()
        wanted = row["base_digest"] if row else None
        steps += wanted is not None
    return steps


def _compact_body(connection: sqlite3.Connection, reader: BodyReader, digest: str, base_digest: str) -> None:
    row = connection.execute(_LOOSE_BODY, (digest,)).fetchone()
    if row is None:
        return
    body, base = reader.load(digest), reader.load(base_digest)
    content = compress_against(body, base)
    if len(content) >= row["stored"]:
        return
    restored = restore_body(Codec.ZSTD_AGAINST_BASE, content, body_bytes=len(body), base=base)
    if restored != body:
        raise StoreError(
            f"the body {digest} does not come back from its compressed form: nothing was changed"
        )
    write(connection, lambda c: _replace_body(c, digest, base_digest, content))


# A body that others stand on is left alone: no chain grows behind its back, none becomes a circle.
_LOOSE_BODY = """
select length(content) as stored from bodies where digest = ?1 and base_digest is null
    and not exists (select 1 from bodies where base_digest = ?1)
"""


def _replace_body(connection: sqlite3.Connection, digest: str, base_digest: str, content: bytes) -> None:
    if connection.execute(_LOOSE_BODY, (digest,)).fetchone() is not None:
        connection.execute(
            "update bodies set codec = ?, base_digest = ?, content = ? where digest = ?",
            (Codec.ZSTD_AGAINST_BASE, base_digest, content, digest),
        )
        point("in-compact-body")


# Texts


class _Lines:
    """The lines of a document's compacted texts, and where they stand."""

    def __init__(self) -> None:
        self._ids: dict[str, dict[int, None]] = defaultdict(dict)
        """In the order of being added; a text may hold one line a thousand times."""

    def add(self, line_id: int, line: str) -> None:
        self._ids[line][line_id] = None

    def find(self, line: str, *, after: int | None) -> int | None:
        """Return where a line stands, behind another one if it does; None when it is new."""
        ids = self._ids.get(line)
        if not ids:
            return None
        return after + 1 if after is not None and after + 1 in ids else next(iter(ids))


def _compact_texts(connection: sqlite3.Connection, document_id: str) -> None:
    """Put each text down as lines that it shares with the document's texts before it."""
    texts = connection.execute(_TEXTS_OF_DOCUMENT, (document_id,)).fetchall()
    if len(texts) < 2 or all(text["in_lines"] for text in texts):
        return
    lines = _read_lines(connection, [text["id"] for text in texts if text["in_lines"]])
    for text in texts:
        if not text["in_lines"]:
            _compact_text(connection, text["id"], lines)


_TEXTS_OF_DOCUMENT = """
select texts.id, exists (select 1 from text_runs where text_id = texts.id) as in_lines
from captures join extractions on capture_id = captures.id join texts on texts.sha256 = text_sha256
where document_id = ? group by texts.id order by min(timestamp), texts.id
"""

_LINES_OF_TEXT = """
select text_lines.id, line
from text_runs cross join text_lines on text_lines.id between first_line and last_line where text_id = ?
"""


def _read_lines(connection: sqlite3.Connection, text_ids: Sequence[int]) -> _Lines:
    found = {
        row["id"]: row["line"]
        for text_id in text_ids
        for row in connection.execute(_LINES_OF_TEXT, (text_id,))
    }
    lines = _Lines()
    for line_id, line in sorted(found.items()):
        lines.add(line_id, line)
    return lines


def _compact_text(connection: sqlite3.Connection, text_id: int, lines: _Lines) -> None:
    new = write(connection, lambda c: _replace_text(c, text_id, lines))
    for line_id, line in new:
        lines.add(line_id, line)


def _replace_text(connection: sqlite3.Connection, text_id: int, lines: _Lines) -> list[tuple[int, str]]:
    """Put a text down as lines, and return those that are new."""
    text = find_numbered_text(connection, text_id)
    if not text or connection.execute(_HAS_RUNS, (text_id,)).fetchone() is not None:
        return []  # without lines, or damaged; or another run was faster
    runs, new = _plan_runs(_LINE.findall(text), lines, first_free=_next_line(connection))
    connection.executemany("insert into text_lines (id, line) values (?, ?)", new)
    connection.executemany(
        "insert into text_runs (text_id, run, first_line, last_line) values (?, ?, ?, ?)",
        [(text_id, number, first, last) for number, (first, last) in enumerate(runs)],
    )
    connection.execute("update texts set content = null where id = ?", (text_id,))
    point("in-compact-text")
    if find_numbered_text(connection, text_id) != text:
        raise StoreError(f"text {text_id} does not come back from its lines: left as it is")
    return new


_HAS_RUNS = "select 1 from text_runs where text_id = ?"


def _plan_runs(
    text: Sequence[str], lines: _Lines, *, first_free: int
) -> tuple[list[list[int]], list[tuple[int, str]]]:
    """Return the text as runs [first, last] of line ids, and the lines that are new."""
    runs: list[list[int]] = []
    new: list[tuple[int, str]] = []
    for line in text:
        line_id = lines.find(line, after=runs[-1][1] if runs else None)
        if line_id is None:
            line_id = first_free + len(new)
            new.append((line_id, line))
        if runs and line_id == runs[-1][1] + 1:
            runs[-1][1] = line_id
        else:
            runs.append([line_id, line_id])
    return runs, new


def _next_line(connection: sqlite3.Connection) -> int:
    return _number(connection, "select coalesce(max(id), 0) + 1 from text_lines")


def _delete_orphaned_lines(connection: sqlite3.Connection) -> None:
    """Delete the lines between the runs that texts hold: `re-extract --prune` leaves them behind."""
    held = 0
    gaps: list[tuple[int, int]] = []
    for first, last in connection.execute(
        "select first_line, max(last_line) from text_runs group by first_line order by first_line"
    ):
        if first > held + 1:
            gaps.append((held + 1, first - 1))
        held = max(held, last)
    gaps.append((held + 1, _next_line(connection)))
    connection.executemany("delete from text_lines where id between ? and ?", gaps)
