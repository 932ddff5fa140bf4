"""The search of a static copy: indexes that Pagefind makes here and the browser reads in pieces.

Pagefind (MIT) is a program of its own in a Python package, which needs no network. Where it is not installed
the copy has no search, and its lists remain.

Pagefind adds nothing to an index that is there, and indexing takes milliseconds a text. So the index has
parts, of which each holds some sites and none is ever changed. Sites that changed go into a new part, with
those parts that are not twice as large: there are few therefore, and a text is indexed again a few times at
the most however many runs there are. What a part holds of a site that a later one holds is named in the list
of parts, and left out by the page that searches.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
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
PARTS = "parts.json"
"""The list of parts, which our page reads: written when all of them stand, so that it never leads nowhere."""
_HOLDS = "holds.json"
"""In each part: its sites, each by what is searched of it, and how many files there are beside this one."""
_MOST_PARTS = 12
"""A search asks each of them."""
_GROWTH = 2
"""A part that has less than so many times the sites of a new one goes into it."""
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
    "filter",
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
    site: str


def has_pagefind() -> bool:
    """Return whether an index can be made here."""
    try:
        import pagefind.index
        import pagefind_bin  # noqa: F401
    except ImportError:
        return False
    return bool(pagefind.index)


def fingerprint_search(connection: sqlite3.Connection, site: str) -> str:
    """Return 16 hex digits of all that the index holds of a site: most looks at a site change none of it."""
    digest = hashlib.sha256()
    rows = connection.execute(
        """select document_id, kind, name, version, text_sha256, first_timestamp, last_timestamp,
            changed_after
        from documents join versions on document_id = documents.id
        where site = ? order by document_id, version""",
        (site,),
    )
    for row in rows:
        digest.update(repr(tuple(row)).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:16]


def iter_records(connection: sqlite3.Connection, site: str) -> Iterator[Record]:
    """Yield the newest text of each document of a site, and of each earlier one what the next does not say.

    So whatever was ever said is found, in the last version that said it, without the same text 200 times.
    """
    cursor = connection.execute(
        """select site, kind, name, version, timestamp, first_captured, last_captured, changed_after, text
        from policy_versions where site = ? order by document_id, version desc""",
        (site,),
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
                site=site,
            )


def _dropped(old: str, new: str) -> str:
    kept = set(new.split("\n"))
    return "\n".join(line for line in old.split("\n") if line not in kept)


@dataclass(frozen=True, kw_only=True)
class Part:
    """An index of some sites."""

    name: str
    """Of its folder."""
    sites: Mapping[str, str]
    """Each with its fingerprint_search when it was indexed."""

    def live(self, sites: Mapping[str, str]) -> set[str]:
        """Return its sites that are still as they were indexed."""
        return {site for site, of in self.sites.items() if sites.get(site) == of}


def update_index(connection: sqlite3.Connection, target: Path, sites: Mapping[str, str]) -> int:
    """Make the index below the target one of these sites, each given with its fingerprint_search.

    Returns how many of them had to be indexed. Raises ExportError when a link would lead out of the target.
    """
    kept = list(read_parts(target))
    kept, wanted = choose_parts(kept, sites)
    if wanted or not kept:
        kept.append(_write_part(connection, target, {site: sites[site] for site in sorted(wanted)}))
    stale = sorted(
        _state(site, of) for part in kept for site, of in part.sites.items() if sites.get(site) != of
    )
    # the largest first: it is the one that has to be loaded anyhow
    names = [part.name for part in sorted(kept, key=lambda part: (-len(part.sites), part.name))]
    folder = target / FOLDER
    write_file(folder / "LICENSE.txt", [LICENCE.read_bytes()], within=target)
    write_file(folder / PARTS, [json.dumps({"parts": names, "stale": stale})], within=target)
    _remove_others(folder, {*names, PARTS, "LICENSE.txt"})
    return len(wanted)


def choose_parts(parts: Iterable[Part], sites: Mapping[str, str]) -> tuple[list[Part], set[str]]:
    """Return the parts that stay, and the sites that go into a new one.

    Each site is live in one part that stays, or goes into the new one.
    """
    live: dict[str, set[str]] = {}
    seen: set[str] = set()
    by_name = {part.name: part for part in parts}
    for name, part in by_name.items():
        live[name] = part.live(sites) - seen
        seen |= live[name]
    wanted = set(sites) - seen
    kept: list[Part] = []
    smallest_first = sorted(by_name.values(), key=lambda part: (len(live[part.name]), part.name))
    for at, part in enumerate(smallest_first):
        its = live[part.name]
        is_small = bool(wanted) and len(its) < _GROWTH * len(wanted)
        is_mostly_stale = 2 * len(its) < len(part.sites)
        is_twice = len(its) < sum(sites.get(site) == of for site, of in part.sites.items())
        if is_small or is_mostly_stale or is_twice or len(smallest_first) - at > _MOST_PARTS:
            wanted |= its
        else:
            kept.append(part)
    return kept, wanted


def read_parts(target: Path) -> Iterator[Part]:
    """Yield the parts that the list names and that are whole."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        for name in json.loads((target / FOLDER / PARTS).read_text("utf-8"))["parts"]:
            folder = target / FOLDER / Path(name).name
            with suppress(OSError, ValueError, KeyError, TypeError):
                holds = json.loads((folder / _HOLDS).read_text("utf-8"))
                if holds["files"] == sum(1 for path in folder.rglob("*") if path.is_file()) - 1:
                    yield Part(name=folder.name, sites=dict(holds["sites"]))


def _write_part(connection: sqlite3.Connection, target: Path, sites: Mapping[str, str]) -> Part:
    """Write an index of these sites into a folder that is named by them."""
    name = f"p-{hashlib.sha256(json.dumps(sorted(sites.items())).encode()).hexdigest()[:12]}"
    folder = f"{FOLDER}/{name}"
    with TemporaryDirectory() as built:
        records = (record for site in sites for record in iter_records(connection, site))
        asyncio.run(_build(records, sites, Path(built)))
        made = {path.relative_to(built).as_posix(): path for path in Path(built).rglob("*") if path.is_file()}
        needed = {name: path for name, path in made.items() if name.startswith(_NEEDED)}
        for file, path in needed.items():
            write_file(target / folder / file, [path.read_bytes()], within=target)
        # of a part that was not whole: an index made again names some of its files otherwise
        for path in [path for path in (target / folder).rglob("*") if path.is_file()]:
            if path.relative_to(target / folder).as_posix() not in needed:
                path.unlink()
        holds = {"files": len(needed), "sites": dict(sites)}
        write_file(target / folder / _HOLDS, [json.dumps(holds)], within=target)  # the last: now it is whole
    return Part(name=name, sites=sites)


def _remove_others(folder: Path, names: set[str]) -> None:
    for path in folder.iterdir():
        if path.name not in names:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()


def _state(site: str, fingerprint: str) -> str:
    """Return what a text is marked with, for the page that searches to leave it out when it is stale."""
    return f"{site} {fingerprint}"


async def _build(records: Iterable[Record], sites: Mapping[str, str], folder: Path) -> None:
    from pagefind.index import PagefindIndex

    # one index of all languages, for a page searches one alone
    async with PagefindIndex(config={"output_path": str(folder), "force_language": "en"}) as index:
        for record in records:
            await index.add_custom_record(
                url=record.address,
                content=record.content,
                language="en",
                meta={"title": record.title, "when": record.when},
                filters={"state": [_state(record.site, sites[record.site])]},
            )
