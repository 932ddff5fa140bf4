"""Stored bodies, read back."""

from __future__ import annotations

import sqlite3

from crawler.errors import StoreError
from pipelines.store.codec import restore_body


def load_body(connection: sqlite3.Connection, digest: str) -> bytes:
    """Return the body with that digest, whatever it is compressed against.

    Raises StoreError when there is none, or when it does not decode.
    """
    chain: list[sqlite3.Row] = []
    wanted: str | None = digest
    while wanted is not None:
        row = connection.execute(
            "select digest, bytes, codec, base_digest, content from bodies where digest = ?", (wanted,)
        ).fetchone()
        if row is None or any(row["digest"] == other["digest"] for other in chain):
            raise StoreError(f"the body {wanted} is missing: run 'policy-archive verify'")
        chain.append(row)
        wanted = row["base_digest"]
    body: bytes | None = None
    for row in reversed(chain):
        body = restore_body(row["codec"], row["content"], body_bytes=row["bytes"], base=body)
    assert body is not None
    return body
