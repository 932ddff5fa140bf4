"""The search of a static copy: an index that Pagefind makes here and the browser reads in pieces.

Pagefind (MIT) is a program of its own in a Python package, which needs no network. Where it is not installed
the copy has no search, and its lists remain.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from policy_archive.browse.filters import show_kind
from policy_archive.crawler.core.safe_files import write_file
from policy_archive.pipelines.outputs.addresses import Addresses, document_of
from policy_archive.pipelines.outputs.history import describe_interval
from policy_archive.pipelines.store.queries import Row
from policy_archive.pipelines.store.search_text import plain_text
from policy_archive.pipelines.store.stored_texts import whole

NEEDS_PAGEFIND = "no search: it needs pip install 'policy-archive[publish]'"
FOLDER = "-/pagefind"
LICENCE = Path(__file__).parent / "static" / "pagefind-licence.txt"
_FROM_ROOT = Addresses(base="", static=True)
_NEEDED = (
    "pagefind.js",
    "pagefind-worker.js",
    "pagefind-entry.json",
    "wasm.",
    "fragment",
    "index",
    "pagefind.",
)
"""Beginnings of what our page loads; Pagefind's own pages and styles stay out."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """One text that can be found."""

    address: str
    """From the root of the copy, without a slash before it."""
    title: str
    when: str
    content: str


def has_pagefind() -> bool:
    """Return whether an index can be made here."""
    try:
        import pagefind.index
        import pagefind_bin  # noqa: F401
    except ImportError:
        return False
    return bool(pagefind.index)


def iter_records(connection: sqlite3.Connection) -> Iterator[Record]:
    """Yield the newest text of each document, and of each earlier one what the next does not say.

    So whatever was ever said is found, in the last version that said it, without the same text 200 times.
    """
    cursor = connection.execute(
        """select site, kind, name, version, timestamp, first_captured, last_captured, changed_after, text
        from policy_versions order by document_id, version desc"""
    )
    newer: Row | None = None
    for row in map(dict, cursor):
        document = document_of(row)
        is_newest = newer is None or document_of(newer) != document
        whole(row["text"], f"version {row['version']} of {row['site']} {row['kind']}")
        content = row["text"] if is_newest or newer is None else _dropped(row["text"], newer["text"])
        newer = row
        if words := plain_text(content).strip():
            when = (
                "the newest text known"
                if is_newest
                else f"not in the next version, last seen {row['last_captured'][:10]}"
            )
            yield Record(
                address=_FROM_ROOT.version(document, row["timestamp"]).lstrip("/"),
                title=f"{row['site']} – {show_kind(document)}, version {row['version']}",
                when=f"{describe_interval(row)}; {when}",
                content=words,
            )


def _dropped(old: str, new: str) -> str:
    kept = set(new.split("\n"))
    return "\n".join(line for line in old.split("\n") if line not in kept)


def write_index(records: Iterable[Record], target: Path) -> int:
    """Write the index below the target, and take away what an earlier one had; return its bytes.

    Files of which the content is the same are left as they are. Raises ExportError when a link would lead it
    out of the target.
    """
    with TemporaryDirectory() as folder:
        asyncio.run(_build(records, Path(folder)))
        made = {
            path.relative_to(folder).as_posix(): path for path in Path(folder).rglob("*") if path.is_file()
        }
        needed = {name: path for name, path in made.items() if name.startswith(_NEEDED)}
        needed["LICENSE.txt"] = LICENCE
        for name, path in needed.items():
            write_file(target / FOLDER / name, [path.read_bytes()], within=target)
        for old in (target / FOLDER).rglob("*"):
            if old.is_file() and old.relative_to(target / FOLDER).as_posix() not in needed:
                old.unlink()
        return sum(path.stat().st_size for path in needed.values())


async def _build(records: Iterable[Record], folder: Path) -> None:
    from pagefind.index import PagefindIndex

    # one index of all languages, for a page searches one alone
    async with PagefindIndex(config={"output_path": str(folder), "force_language": "en"}) as index:
        for record in records:
            await index.add_custom_record(
                url=record.address,
                content=record.content,
                language="en",
                meta={"title": record.title, "when": record.when},
            )
