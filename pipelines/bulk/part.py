"""A part: the captures of one file as Parquet, with what each was read as. There whole, or not at all.

It holds all that an import needs, bodies too, so that the web archive may be gone by then. One thread
writes it, rows in the file's order: the same bytes by the same code give the same rows.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from policy_archive.crawler.core.errors import UsageError

if TYPE_CHECKING:
    import duckdb

COLUMNS = {
    "urlkey": ("varchar", "SURT form of the address."),
    "timestamp": ("varchar", "14 digits, UTC."),
    "original": ("varchar", "Address that was captured."),
    "mimetype": ("varchar", "As an index prints it; warc/revisit for a revisit."),
    "statuscode": ("varchar", "Three digits, or - for a revisit."),
    "digest": ("varchar", "Base-32 SHA-1 of the body as the archive stores it; - when unknown."),
    "length": ("bigint", "Bytes of the record in its WARC file."),
    "file": ("varchar", "The WARC file; of a WACZ, that and the file within it."),
    "offset": ("bigint", "Where the record begins in it."),
    "outcome": ("varchar", "What came of reading it (docs/schema.md); empty when it was not read."),
    "reason": ("varchar", "One sentence on the outcome."),
    "site": ("varchar", "Registrable domain of the address."),
    "kind": ("varchar", "Of the document that it was read as: privacy, terms, cookies, other, home."),
    "title": ("varchar", "The page's title."),
    "language": ("varchar", "ISO 639-1; empty when it cannot be told."),
    "words": ("bigint", "Words of the text."),
    "page_class": ("varchar", "What the judge took it for: policy, soft-404, parked, wall …"),
    "policy_kind": ("varchar", "Which kind of policy it reads like."),
    "probability": ("double", "0 to 1, that page_class is right."),
    "owner": ("varchar", "Whose policy it is: site, parent, policy-service, registrar …"),
    "text_sha256": ("varchar", "SHA-256 of the text, UTF-8, hex."),
    "text": ("varchar", "The Markdown body; empty when there is none."),
    "extractor": ("varchar", "Name and version of what read it."),
    "content_type": ("varchar", "As captured."),
    "http_status": ("bigint", "Of the captured answer."),
    "http_reason": ("varchar", "Likewise."),
    "headers": ("varchar", "JSON: the captured headers, a list of pairs."),
    "is_cut": ("boolean", "Whether the record ends early."),
    "body_digest": ("varchar", "Base-32 SHA-1 of the body that was read, all codings undone."),
    "reading": ("varchar", "JSON: all of the reading but its text, for `import`."),
    "body": ("blob", "The body as the archive stores it, zstd; empty for pictures, films, programs."),
}  # fmt: skip
"""Name: type, and one sentence for people."""
CONTENTS = "bulk part"
_HALF = re.compile("[\ud800-\udfff]")
_HELD_ROWS = 256
_HELD_BYTES = 8 << 20
"""What is collected before DuckDB gets it, a list a column."""
_MEMORY = "128MB"
"""Of DuckDB: the rest waits in a file beside the part."""
_ROW_GROUP = 2_048
"""Rows, the fewest that DuckDB takes: bodies make them large."""


@dataclass(frozen=True, kw_only=True)
class PartFacts:
    """What a part says of itself, in its key-value metadata."""

    code: str
    """`describe_code` of what read it."""
    key: str
    files: Mapping[str, tuple[str, str]]
    """By the column `file`: format and digest of the file that the user had, as `Origin` has them."""
    faults: Sequence[tuple[str, str]]
    """File, and what is wrong with it, one sentence."""
    left_out: int
    """Records without an address, a date or a status."""


class PartWriter:
    """Takes rows, and makes a part of them in the end; use it in a `with` block."""

    def __init__(self, scratch: Path) -> None:
        """`scratch`: a file that is there for as long as the block lasts."""
        self._scratch = scratch
        self._rows: list[dict[str, Any]] = []
        self._bytes = 0
        self._connection: duckdb.DuckDBPyConnection | None = None
        self.outcomes: Counter[str] = Counter()

    def __enter__(self) -> PartWriter:
        self._connection = connect(self._scratch, memory_limit=_MEMORY)
        columns = ", ".join(f'"{name}" {kind}' for name, (kind, _) in COLUMNS.items())
        self._connection.execute(f"create table rows ({columns})")
        return self

    def __exit__(self, *_: object) -> None:
        if self._connection is not None:
            self._connection.close()
        for path in (self._scratch, self._scratch.with_name(f"{self._scratch.name}.wal")):
            path.unlink(missing_ok=True)

    def add(self, row: dict[str, Any]) -> None:
        """Take one row, with a value for every column."""
        self.outcomes[row["outcome"] or "not read"] += 1
        self._rows.append(row)
        self._bytes += len(row["body"] or b"") + len(row["text"] or "") + len(row["reading"] or "")
        if len(self._rows) >= _HELD_ROWS or self._bytes >= _HELD_BYTES:
            self._flush()

    def _flush(self) -> None:
        rows, self._rows, self._bytes = self._rows, [], 0
        if rows:
            assert self._connection is not None
            # a list a column is a hundred times faster than a row at a time
            lists = ", ".join(f"unnest(${at}::{kind}[])" for at, (kind, _) in enumerate(COLUMNS.values(), 1))
            values = [[_storable(row[name]) for row in rows] for name in COLUMNS]
            self._connection.execute(f"insert into rows select {lists}", values)

    def write(self, path: Path, facts: PartFacts) -> None:
        """Write all rows, and have them on the disk."""
        self._flush()
        assert self._connection is not None
        said = {
            "made_by": "policy-archive", "contents": CONTENTS, "code": facts.code, "key": facts.key,
            "files": json.dumps(facts.files), "faults": json.dumps(facts.faults),
            "left_out": str(facts.left_out),
        }  # fmt: skip
        metadata = ", ".join(f"{name}: {_quoted(value)}" for name, value in said.items())
        self._connection.execute(
            f"copy rows to {_quoted(str(path))} (format parquet, compression zstd, "
            f"row_group_size {_ROW_GROUP}, kv_metadata {{{metadata}}})"
        )
        with path.open("rb") as written:
            os.fsync(written.fileno())


def connect(database: Path | None = None, **settings: str) -> duckdb.DuckDBPyConnection:
    """Return a connection that uses one thread and fetches no extension; raises UsageError without DuckDB."""
    try:
        import duckdb
    except ImportError as error:
        raise UsageError(
            "Parts are Parquet, which needs DuckDB: pip install 'policy-archive[exchange]'."
        ) from error
    config: dict[str, Any] = {
        "threads": 1,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        **settings,
    }
    return duckdb.connect(str(database) if database else ":memory:", config=config)


def read_facts(path: Path) -> PartFacts:
    """Return what a part says of itself; raises ValueError when it is no part, or a damaged one."""
    import duckdb

    with closing(connect()) as connection:
        try:
            found = connection.execute(
                "select decode(key), decode(value) from parquet_kv_metadata(?)", [str(path)]
            ).fetchall()
        except duckdb.Error as error:
            raise ValueError(f"no Parquet: {error}".split("\n")[0]) from error
    said = dict(found)
    if said.get("contents") != CONTENTS:
        raise ValueError("no part of 'bulk read'")
    try:
        return PartFacts(
            code=said["code"],
            key=said["key"],
            files={name: (form, digest) for name, (form, digest) in json.loads(said["files"]).items()},
            faults=[(file, reason) for file, reason in json.loads(said["faults"])],
            left_out=int(said["left_out"]),
        )
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"a part that does not say what it is ({error})") from error


def iter_part(path: Path, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a part in their order, these columns alone; raises ValueError when it is damaged."""
    import duckdb

    names = ", ".join(f'"{name}"' for name in columns)
    with closing(connect(memory_limit="256MB")) as connection:
        try:
            found = connection.execute(f"select {names} from read_parquet({_quoted(str(path))})")  # noqa: S608
            while rows := found.fetchmany(_HELD_ROWS):
                yield from rows
        except duckdb.Error as error:
            raise ValueError(f"damaged: {error}".split("\n")[0]) from error


def count_outcomes(path: Path) -> Counter[str]:
    """Return how many rows a part has of each outcome; raises ValueError as `iter_part`."""
    return Counter(outcome or "not read" for (outcome,) in iter_part(path, ["outcome"]))


def _storable(value: Any) -> Any:
    """Return a value that DuckDB takes: half of a character, of an odd header or address, is U+FFFD."""
    return _HALF.sub("\ufffd", value) if isinstance(value, str) and not value.isascii() else value


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
