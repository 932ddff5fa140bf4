"""Stored bodies, read back."""

from __future__ import annotations

import sqlite3
from collections import OrderedDict

from policy_archive.crawler.core.errors import StoreError
from policy_archive.pipelines.store.codec import restore_body

_KEPT_BYTES = 64 * 1024 * 1024


class BodyReader:
    """Reads bodies, and keeps the last ones: who reads a document in order of time decodes each body once."""

    def __init__(self, connection: sqlite3.Connection, *, kept_bytes: int = _KEPT_BYTES) -> None:
        self._connection = connection
        self._kept_bytes = kept_bytes
        self._kept: OrderedDict[str, bytes] = OrderedDict()

    def load(self, digest: str) -> bytes:
        """Return the body with that digest, whatever it is compressed against.

        Raises StoreError when there is none, or when it does not decode.
        """
        chain: list[sqlite3.Row] = []
        wanted: str | None = digest
        while wanted is not None and wanted not in self._kept:
            chain.append(self._read_row(wanted, chain))
            wanted = chain[-1]["base_digest"]
        body = self._kept[wanted] if wanted is not None else None
        for row in reversed(chain):
            body = restore_body(row["codec"], row["content"], body_bytes=row["bytes"], base=body)
            self._keep(row["digest"], body)
        assert body is not None
        return body

    def _read_row(self, digest: str, chain: list[sqlite3.Row]) -> sqlite3.Row:
        row: sqlite3.Row | None = self._connection.execute(
            "select digest, bytes, codec, base_digest, content from bodies where digest = ?", (digest,)
        ).fetchone()
        if row is None or any(row["digest"] == other["digest"] for other in chain):
            raise StoreError(f"the body {digest} is missing: run 'policy-archive verify'")
        return row

    def _keep(self, digest: str, body: bytes) -> None:
        self._kept[digest] = body
        self._kept.move_to_end(digest)
        while sum(map(len, self._kept.values())) > self._kept_bytes:
            self._kept.popitem(last=False)


def load_body(connection: sqlite3.Connection, digest: str) -> bytes:
    """Return one body; raises StoreError as `BodyReader.load` does."""
    return BodyReader(connection).load(digest)
