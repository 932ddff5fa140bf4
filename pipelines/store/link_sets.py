"""Links of captures as sets, each stored once: most captures have the links of the one before."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from hashlib import blake2b

from policy_archive.crawler.core.records import PolicyLink

LinkRow = tuple[str, str, str, str, str | None, float]
"""url, kind, label, place, language, confidence."""


def write_links(connection: sqlite3.Connection, links: Sequence[PolicyLink]) -> int | None:
    """Return the number of the set that these links are, stored now or before; None for no links."""
    if not links:
        return None
    rows: list[LinkRow] = [
        (link.url, str(link.kind), link.label, link.place, link.language, float(link.confidence))
        for link in links
    ]
    return write_rows(connection, rows)


def write_rows(connection: sqlite3.Connection, rows: Sequence[LinkRow]) -> int:
    """Return the number of the set that has these rows, in this order, stored now or before."""
    number = number_rows(rows)
    connection.executemany(
        "insert into link_sets (link_set, position, url, kind, label, place, language, confidence) "
        "values (?, ?, ?, ?, ?, ?, ?, ?) on conflict do nothing",
        [(number, position, *row) for position, row in enumerate(rows)],
    )
    return number


def number_rows(rows: Sequence[LinkRow]) -> int:
    """Return the number of a set, 63 bits: made of its rows alone, so that shards give it the same one."""
    source = json.dumps(rows, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(source, digest_size=8).digest(), "big") >> 1
