"""Stored texts, read one by one, and versions held to be whole: what is damaged is said, and never left out.

A text is damaged when its row, its lines or what it is packed against are missing: the views then give null.
A version is when a row that it stands on is missing: the view `policy_versions` then does not have it at all.
"""

from __future__ import annotations

import hashlib
import sqlite3

from policy_archive.crawler.core.errors import DamagedError


def whole(text: str | None, of: str, *, sha256: str | None = None) -> str:
    """Return a text that is there; raises DamagedError, which says what it is the text of, for null.

    Also, where the hash is given that it is known by, for another text: what is handed out under that hash
    may be cited.
    """
    is_other = text is not None and sha256 is not None and hashlib.sha256(text.encode()).hexdigest() != sha256
    if text is None or is_other:
        raise DamagedError(f"the text of {of} is missing or damaged: run 'policy-archive verify'")
    return text


def read_text(connection: sqlite3.Connection, sha256: str) -> str:
    """Return the text of a hash; raises DamagedError when it is not there or damaged."""
    row = connection.execute("select text from policy_texts where sha256 = ?", (sha256,)).fetchone()
    return whole(row and row[0], f"hash {sha256[:16]}…")


def find_numbered_text(connection: sqlite3.Connection, text_id: int) -> str | None:
    """Return a text by `texts.id`, however it is stored; None when it is damaged, or gone."""
    row = connection.execute("select text from texts_search_content where id = ?", (text_id,)).fetchone()
    return row and row[0]  # type: ignore[no-any-return]


def read_numbered_text(connection: sqlite3.Connection, text_id: int) -> str:
    """Return a text by `texts.id`; raises DamagedError when it is not there or damaged."""
    return whole(find_numbered_text(connection, text_id), f"number {text_id}")


def check_versions(connection: sqlite3.Connection, document_id: str) -> None:
    """Raise DamagedError when a row is missing that a version of a document stands on."""
    row = connection.execute(_NOT_WHOLE, (document_id,)).fetchone()
    if row is not None:
        raise DamagedError(describe_broken(row["site"], row["kind"], row["name"], row["version"]))


def describe_broken(site: str, kind: str, name: str, number: int) -> str:
    """Return the sentence for a version of which a row is missing."""
    of = f"{site} {kind} {name}".strip()
    return f"version {number} of {of} stands on rows that are missing: run 'policy-archive verify'"


_NOT_WHOLE = """
select site, kind, name, versions.version from versions join documents on documents.id = versions.document_id
where versions.document_id = ? and not exists (
    select 1 from policy_versions as seen
    where seen.document_id = versions.document_id and seen.version = versions.version)
order by versions.version limit 1
"""
