"""Texts that are packed against the one before them (`compact --dense`), and how they are read.

Plain SQL cannot unpack. The views of the file give every text that is not packed, and a sentence, as an
error, to who asks for one that is. `register` teaches a connection the function that unpacks, and lays views
of the same names over the file's: `policy_texts`, `policy_versions` and `texts_search_content` then read as
those of any other file. They are the connection's own; the file is not touched.

A file may come from anybody: a chain is followed so far and no farther, and unpacked up to a size.
"""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b

from policy_archive.crawler.core.errors import DamagedError
from policy_archive.pipelines.store.names import APPLICATION_ID

LONGEST_CHAIN = 15
"""Texts unpacked before the one that is wanted: every 16th stands for itself, at the least."""
MOST_BYTES = 64 * 1024 * 1024
"""Of a chain of texts, unpacked: a thousand policies. A text that is longer stays as it is."""
NOTICE = "read_me_first"
"""The table that tells people that the file is dense: it is there as long as that is so."""
_KEPT_BYTES = 4 * 1024 * 1024
"""Of texts unpacked last: who reads a document in order of time unpacks each once."""

_SENTENCE = (
    "this text is packed, plain SQL cannot read it (the other columns it can): "
    f"the table {NOTICE} of this file says what can; text "
)
ASKED_PLAINLY = f"""(
    select json_extract('{{}}', '{_SENTENCE}' || text_id) from packed_texts where text_id = texts.id)"""  # noqa: S608
"""What stands for a packed text in the views of the file: an error, for a text that is left out without a
word would be taken for none. SQL raises one only by a function that fails, and quotes what it was given."""

_CHAIN = """with recursive chain(text_id, step) as (
    select {of}, 0
    union all
    select one.base_id, step + 1 from chain join {schema}.packed_texts as one on one.text_id = chain.text_id
    where one.base_id is not null and step < {most})"""


def text_sql(schema: str = "main") -> str:
    """Return SQL for the text of a row of `SCHEMA.texts`, known as `texts`, on a registered connection.

    Null when there is none, or when it does not unpack.
    """
    chain = _CHAIN.format(of="texts.id", schema=schema, most=LONGEST_CHAIN)
    return f"""coalesce(texts.content, (
    select group_concat(line, '') from (
        select text_lines.line as line
        from {schema}.text_runs as text_runs cross join {schema}.text_lines as text_lines
            on text_lines.id between first_line and last_line
        where text_runs.text_id = texts.id order by run, text_lines.id)), (
    {chain}
    select policy_text(step, one.base_id is null, one.bytes, one.content)
    from chain join {schema}.packed_texts as one on one.text_id = chain.text_id))"""  # noqa: S608 (constants)


def register(connection: sqlite3.Connection) -> None:
    """Let a connection to a corpus read packed texts; one to anything else is left as it is.

    The views `policy_texts`, `policy_versions` and `texts_search_content` of this connection then give every
    text, and null for one that is damaged: `policy-archive verify` says why. Any connection will do, a
    read-only one too; it may be told twice.
    """
    if not _may_have_packed_texts(connection):
        return
    try:
        views = _list_views(connection)
    except sqlite3.OperationalError:  # a view that cannot be read: whoever asks it is told why
        return
    kept = _Kept()
    # typeshed has SQLite's aggregates return numbers only
    connection.create_aggregate("policy_text", 4, lambda: _Unpacking(kept))  # type: ignore[arg-type, return-value]
    with _may_define(connection):
        for name, sql in views:
            connection.execute(f"drop view if exists temp.{name}")
            connection.execute(f"create temp view {name} as {sql}")


def _may_have_packed_texts(connection: sqlite3.Connection) -> bool:
    """Return whether this is a corpus of a release that packs texts."""
    if _ask(connection, "pragma main.application_id") != (APPLICATION_ID,):
        return False
    found = _ask(
        connection,
        "select count(*) from main.sqlite_master where name in ('packed_texts', 'policy_versions')",
    )
    return found == (2,)


def _ask(connection: sqlite3.Connection, sql: str, *values: object) -> tuple[object, ...] | None:
    cursor = connection.cursor()
    cursor.row_factory = None  # whatever rows its owner likes
    row: tuple[object, ...] | None = cursor.execute(sql, values).fetchone()
    return row


@contextmanager
def _may_define(connection: sqlite3.Connection) -> Iterator[None]:
    """Let a connection that may only query have views of its own, for the block."""
    found = _ask(connection, "pragma query_only")
    is_closed = found is not None and bool(found[0])
    if is_closed:
        connection.execute("pragma query_only = off")
    try:
        yield
    finally:
        if is_closed:
            connection.execute("pragma query_only = on")


def _list_views(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """Return names and SQL of the views of a connection; of the file's own no SQL is taken over."""
    cursor = connection.cursor()
    cursor.row_factory = None
    columns = [row[1] for row in cursor.execute("pragma main.table_info(policy_versions)")]
    whole = "(select text from temp.policy_texts as whole where whole.sha256 = text_sha256) as text"
    names = ", ".join(whole if name == "text" else _quoted(name) for name in columns)
    text = text_sql()
    return [
        ("policy_texts", f"select sha256, words, {text} as text from main.texts as texts"),  # noqa: S608
        ("texts_search_content", f"select id, {text} as text from main.texts as texts"),  # noqa: S608
        ("policy_versions", f"select {names} from main.policy_versions"),  # noqa: S608 (names of columns)
    ]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


class _Kept:
    """The texts unpacked last, by what they were unpacked from: an id may be another text's by now."""

    def __init__(self) -> None:
        self._texts: OrderedDict[bytes, bytes] = OrderedDict()
        self._bytes = 0

    def get(self, key: bytes) -> bytes | None:
        return self._texts.get(key)

    def put(self, key: bytes, text: bytes) -> None:
        self._bytes += len(text) - len(self._texts.pop(key, b""))
        self._texts[key] = text
        while self._bytes > _KEPT_BYTES:
            _, dropped = self._texts.popitem(last=False)
            self._bytes -= len(dropped)


class _Unpacking:
    """The aggregate `policy_text(step, is_alone, bytes, content)` over a text and those it stands on."""

    def __init__(self, kept: _Kept | None = None) -> None:
        self._kept = kept or _Kept()
        self._links: dict[int, tuple[bool, int, bytes]] = {}

    def step(self, step: int, is_alone: int, size: int, content: bytes, /) -> None:
        self._links[step] = (bool(is_alone), size, content)

    def finalize(self) -> str | None:
        # an exception would lose its words on the way through SQLite: `verify` asks by read_packed
        try:
            return self.unpack()
        except DamagedError:
            return None

    def unpack(self) -> str:
        """Return the text; raises DamagedError when there is none, or not within the limits."""
        from policy_archive.pipelines.store.codec import unpack_text  # zstd loads when a text is packed

        links = [self._links[step] for step in sorted(self._links, reverse=True)]
        if not links or not links[0][0]:
            raise DamagedError("what it is packed against is missing, or the chain is longer than ours")
        if sum(size for _, size, _ in links) > MOST_BYTES:
            raise DamagedError("it stands on longer texts than this program packs")
        text: bytes | None = None
        keys = list(_iter_keys(links))
        for (_, size, content), key in zip(links, keys, strict=True):
            known = self._kept.get(key)
            text = unpack_text(content, size=size, base=text) if known is None else known
            if known is None:
                self._kept.put(key, text)
        assert text is not None
        try:
            return text.decode()
        except UnicodeDecodeError as error:
            raise DamagedError(f"what comes out is no text: {error}") from error


def _iter_keys(links: list[tuple[bool, int, bytes]]) -> Iterator[bytes]:
    key = b""
    for _, size, content in links:
        key = blake2b(key + size.to_bytes(8, "big", signed=True) + content, digest_size=16).digest()
        yield key


def read_packed(connection: sqlite3.Connection, text_id: int) -> str:
    """Return a packed text; raises DamagedError, which says why, when it does not unpack."""
    unpacking = _Unpacking()
    for link in connection.execute(
        f"""{_CHAIN.format(of="?", schema="main", most=LONGEST_CHAIN)}
        select step, one.base_id is null, one.bytes, one.content
        from chain join packed_texts as one on one.text_id = chain.text_id""",  # noqa: S608 (constants)
        (text_id,),
    ):
        unpacking.step(*link)
    try:
        return unpacking.unpack()
    except DamagedError as error:
        raise DamagedError(f"packed text {text_id}: {error}") from error


def measure_chain(connection: sqlite3.Connection, text_id: int) -> tuple[int, int]:
    """Return how many texts have to be unpacked for a packed one, itself among them, and their bytes; 0 and 0
    when it is not packed."""
    sql = f"""{_CHAIN.format(of="?", schema="main", most=LONGEST_CHAIN)}
        select count(*), coalesce(sum(one.bytes), 0)
        from chain join packed_texts as one on one.text_id = chain.text_id"""  # noqa: S608 (constants)
    texts, size = connection.execute(sql, (text_id,)).fetchone()
    return int(texts), int(size)


def is_packed(connection: sqlite3.Connection, text_id: int) -> bool:
    """Return whether a text is packed; it may be in plain SQL too, when a run that took it back stopped."""
    return (
        connection.execute("select 1 from packed_texts where text_id = ?", (text_id,)).fetchone() is not None
    )


def is_dense(connection: sqlite3.Connection) -> bool:
    """Return whether a file is kept dense: whether it says so to people."""
    return _ask(connection, "select 1 from main.sqlite_master where name = ?", NOTICE) is not None


def free_dependents(connection: sqlite3.Connection, orphans: str) -> None:
    """Pack anew, for themselves, the texts that stand on some that go: `orphans` is SQL that selects ids.

    Inside a transaction, before these are deleted. Raises DamagedError when one does not unpack.
    """
    from policy_archive.pipelines.store.codec import pack_text

    dependents = connection.execute(
        f"""select text_id, bytes from packed_texts
        where base_id in ({orphans}) and text_id not in ({orphans})"""  # noqa: S608 (SQL of ours)
    ).fetchall()
    for text_id, _ in dependents:
        content = pack_text(read_packed(connection, text_id).encode(), base=None)
        connection.execute(
            "update packed_texts set base_id = null, content = ? where text_id = ?", (content, text_id)
        )
