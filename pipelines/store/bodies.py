"""Stored bodies, read back."""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Container

from policy_archive.crawler.core.errors import DamagedError
from policy_archive.crawler.core.records import Document, HomePage, Kind, Outcome
from policy_archive.crawler.core.timestamps import parse_timestamp
from policy_archive.pipelines.store.codec import restore_body

_KEPT_BYTES = 64 * 1024 * 1024
_LONGEST_CHAIN = 256
"""Bodies that one may stand on: `compact` makes chains of 16, of which a merge may put some together."""


class BodyReader:
    """Reads bodies, and keeps the last ones: who reads a document in order of time decodes each body once."""

    def __init__(self, connection: sqlite3.Connection, *, kept_bytes: int = _KEPT_BYTES) -> None:
        self._connection = connection
        self._kept_bytes = kept_bytes
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._bytes = 0
        """Of what is kept: not added up anew for each body, of which there may be thousands of small ones."""

    def load(self, digest: str) -> bytes:
        """Return the body with that digest, whatever it is compressed against.

        Raises DamagedError when there is none, or when it does not decode.
        """
        chain: dict[str, sqlite3.Row] = {}
        wanted: str | None = digest
        while wanted is not None and wanted not in self._kept:
            if len(chain) == _LONGEST_CHAIN:
                raise DamagedError(f"the body {digest} stands on more than {_LONGEST_CHAIN} others: not ours")
            chain[wanted] = self._read_row(wanted, chain)
            wanted = chain[wanted]["base_digest"]
        body = self._kept[wanted] if wanted is not None else None
        for row in reversed(chain.values()):
            body = restore_body(row["codec"], row["content"], body_bytes=row["bytes"], base=body)
            self._keep(row["digest"], body)
        assert body is not None
        return body

    def _read_row(self, digest: str, chain: Container[str]) -> sqlite3.Row:
        row: sqlite3.Row | None = self._connection.execute(
            "select digest, bytes, codec, base_digest, content from bodies where digest = ?", (digest,)
        ).fetchone()
        if row is None or digest in chain:
            raise DamagedError(f"the body {digest} is missing: run 'policy-archive verify'")
        return row

    def _keep(self, digest: str, body: bytes) -> None:
        self._bytes += len(body) - len(self._kept.pop(digest, b""))
        self._kept[digest] = body
        while self._bytes > self._kept_bytes:
            _, dropped = self._kept.popitem(last=False)
            self._bytes -= len(dropped)


def load_body(connection: sqlite3.Connection, digest: str) -> bytes:
    """Return one body; raises DamagedError as `BodyReader.load` does."""
    return BodyReader(connection).load(digest)


def load_home_near(connection: sqlite3.Connection, site: str, timestamp: str) -> HomePage | None:
    """Return the stored home page of a site captured nearest to an instant (14 digits); None without any.

    Raises DamagedError as `BodyReader.load` does.
    """
    homes = connection.execute(
        "select timestamp, original, content_type, body_digest from captures "
        "where document_id = ? and outcome = ? and body_digest is not null order by timestamp",
        (Document(site=site, kind=Kind.HOME).id, Outcome.HOME),
    ).fetchall()
    if not homes:
        return None
    wanted = parse_timestamp(timestamp)
    nearest = min(homes, key=lambda row: abs(parse_timestamp(row["timestamp"]) - wanted))
    return HomePage(
        body=load_body(connection, nearest["body_digest"]),
        url=nearest["original"],
        timestamp=nearest["timestamp"],
        content_type=nearest["content_type"],
    )
