"""A static copy of the pages for any web server, with the database beside it.

What was made of each site is noted in the copy: a second run makes again only the pages of sites of which
something changed, and the few that tell of all.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Container, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from policy_archive.browse import static_search
from policy_archive.browse.caching import STATIC, STATIC_FILES, read_program
from policy_archive.browse.feeds import build_changes_feed
from policy_archive.browse.pages import CHANGES_A_PAGE, CHANGES_PAGES, FILE_TYPES, Pages, render_version_file
from policy_archive.crawler.core.records import Document, Kind
from policy_archive.crawler.core.safe_files import write_file
from policy_archive.pipelines.outputs.addresses import Addresses
from policy_archive.pipelines.store import queries
from policy_archive.pipelines.store.connection import one_state
from policy_archive.pipelines.store.monitoring.news import NewsFilter, list_learnt

DATABASE_NAME = "policies.db"
_FROM_ROOT = Addresses(base="", static=True)
_ENDINGS = {".html", ".atom", *(f".{extension.rpartition('.')[2]}" for extension in FILE_TYPES)}
"""Of the files that stand in a site's folder."""
_NOTES = "-/made-of.json"
"""What the copy was made of: the program and its options, the sites by what was known of each, the index."""


@dataclass(frozen=True, kw_only=True)
class PublishedPage:
    """One file of the copy: where it goes below the target, and how its text is made."""

    path: str
    render: Callable[[], str]
    kind: str
    """What it is counted as: pages, differences, files, feeds."""


@dataclass(kw_only=True)
class Published:
    """What a run did."""

    written: int = 0
    unchanged: int = 0
    removed: int = 0
    """Pages of versions and sites that are no longer in the corpus."""
    bytes_of: Counter[str] = field(default_factory=Counter)
    """Size of all that is there now, by PublishedPage.kind; and of `search`."""
    files_of: Counter[str] = field(default_factory=Counter)
    has_search: bool = False


@dataclass(frozen=True, kw_only=True)
class Publisher:
    """Writes a copy into a folder."""

    connection: sqlite3.Connection
    target: Path
    root: str | None = None
    """The address that the copy will have; without it there are no feeds, whose addresses are whole."""
    with_search: bool = False
    """Pagefind is here (static_search.has_pagefind)."""
    with_database: bool = False
    """The database will lie beside the pages, which lead to it."""

    def publish(self, *, tell: Callable[[str], None] = lambda path: None) -> Published:
        """Write what changed; `tell` hears of each file. Raises ExportError when a link would lead out of the
        target."""
        self._copy_static()
        done = Published(has_search=self.with_search)
        noted = self._read_notes()
        notes: dict[str, object] = {"program": self._program}
        sites: dict[str, str] = {}
        known = noted.get("sites", {}) if noted.get("program") == self._program else {}
        for (site,) in self.connection.execute("select site from sites order by site").fetchall():
            sites[site] = fingerprint_site(self.connection, site)
            is_same = known.get(site) == sites[site]
            paths = set()
            for page in self._iter_site(site):
                self._put(page, done, is_same=is_same)
                paths.add(page.path)
                tell(page.path)
            if not is_same:
                done.removed += self._remove_others(site, paths)
        for site in noted.get("sites", {}).keys() - sites.keys():
            done.removed += self._remove_others(site, set())
        if self.with_search:
            notes["search"] = self._index(sites, noted, done)
        for page in self._iter_common():
            self._put(page, done, is_same=False)
            tell(page.path)
        notes["sites"] = sites
        write_file(self.target / _NOTES, [json.dumps(notes, indent=0)], within=self.target)
        return done

    @property
    def _program(self) -> str:
        """What makes other pages of the same site."""
        options = [read_program(), self.root, self.with_search, self.with_database]
        return hashlib.sha256(json.dumps(options).encode()).hexdigest()[:24]

    def _read_notes(self) -> dict[str, Any]:
        with suppress(OSError, ValueError):
            found = json.loads((self.target / _NOTES).read_text("utf-8"))
            return found if isinstance(found, dict) else {}
        return {}

    def _put(self, page: PublishedPage, done: Published, *, is_same: bool) -> None:
        path = self.target / page.path
        is_left = is_same and path.is_file() and not path.is_symlink()
        with one_state(self.connection):  # of a page: a copy of all may take hours, and keep the log growing
            is_written = not is_left and write_page(self.target, page)
        done.written += is_written
        done.unchanged += not is_written
        done.files_of[page.kind] += 1
        done.bytes_of[page.kind] += path.stat().st_size

    def _remove_others(self, site: str, paths: Container[str]) -> int:
        """Remove what earlier runs made of a site and this one did not; return how many files."""
        base = _path_of(_FROM_ROOT.site(site)).rpartition("/")[0]
        removed = 0
        for folder in (self.target / base, self.target / "-" / "diff" / base):
            if not folder.resolve().is_relative_to(self.target.resolve()):
                continue  # a link that somebody put there: what it leads to is not ours
            for path in [path for path in folder.rglob("*") if path.suffix in _ENDINGS and path.is_file()]:
                if path.relative_to(self.target).as_posix() not in paths:
                    path.unlink()
                    removed += 1
        return removed

    def _index(self, sites: dict[str, str], noted: dict[str, Any], done: Published) -> dict[str, str]:
        """Make the index anew where anything changed: Pagefind adds nothing to an old one."""
        said = json.dumps([self._program, sites]).encode()
        made_of = {"of": hashlib.sha256(said).hexdigest()[:24]}
        folder = self.target / static_search.FOLDER
        if noted.get("search") != made_of or not folder.is_dir():
            static_search.write_index(static_search.iter_records(self.connection), self.target)
        files = [path for path in folder.rglob("*") if path.is_file()]
        done.files_of["search"] = len(files)
        done.bytes_of["search"] = sum(path.stat().st_size for path in files)
        return made_of

    def _iter_common(self) -> Iterator[PublishedPage]:
        """Yield what tells of all sites, the home page last: it stands when all it leads to does."""
        if self.with_search:
            yield self._page(_FROM_ROOT_SEARCHED.search() or "", lambda pages: pages.render_static_search())
        count = len(
            list_learnt(self.connection, NewsFilter(changes_only=True), limit=CHANGES_A_PAGE * CHANGES_PAGES)
        )
        for number in range(max(1, -(-count // CHANGES_A_PAGE))):
            show = partial(Pages.render_changes, connection=self.connection, asked={}, page=number)
            yield self._page(_FROM_ROOT.changes(number), show)
        yield self._page(_FROM_ROOT.overview(), lambda pages: pages.render_overview(self.connection, {}))
        yield from self._iter_feed(None)
        yield self._page(_FROM_ROOT.home(), lambda pages: pages.render_home(self.connection))

    def _iter_site(self, site: str) -> Iterator[PublishedPage]:
        for row in queries.list_documents(self.connection, site):
            if row["kind"] != Kind.HOME:
                yield from self._iter_document(Document(site=site, kind=Kind(row["kind"]), name=row["name"]))
        yield from self._iter_feed(site)
        yield self._page(_FROM_ROOT.site(site), lambda pages: pages.render_site(self.connection, site))

    def _iter_document(self, document: Document) -> Iterator[PublishedPage]:
        stamps = [row["timestamp"] for row in queries.list_versions(self.connection, document)]
        for stamp in stamps:
            render = partial(
                Pages.render_version, connection=self.connection, document=document, timestamp=stamp
            )
            yield self._page(_FROM_ROOT.version(document, stamp), render)
            for extension in FILE_TYPES:
                yield PublishedPage(
                    path=_path_of(_FROM_ROOT.version_file(document, stamp, extension)),
                    render=partial(render_version_file, self.connection, document, stamp, extension),
                    kind="files",
                )
        for older, newer in itertools.pairwise(stamps):
            old, new = (document, older), (document, newer)
            show = partial(Pages.render_diff, connection=self.connection, old=old, new=new)
            yield self._page(_FROM_ROOT.diff(*old, *new), show, kind="differences")
        days = partial(Pages.render_days, connection=self.connection, document=document)
        yield self._page(_FROM_ROOT.days(document) or "", days)

    def _page(self, address: str, render: Callable[[Pages], str], *, kind: str = "pages") -> PublishedPage:
        path = _path_of(address)
        up = "/".join([".."] * path.count("/")) or "."
        addresses = Addresses(
            base=up, static=True, with_feeds=self.root is not None, with_search=self.with_search
        )
        pages = Pages(addresses=addresses, download=f"{up}/{DATABASE_NAME}" if self.with_database else None)
        return PublishedPage(path=path, render=partial(render, pages), kind=kind)

    def _iter_feed(self, site: str | None) -> Iterator[PublishedPage]:
        if self.root is not None:
            root = self.root.rstrip("/")
            yield PublishedPage(
                path=_path_of(_FROM_ROOT.feed(site) or ""),
                render=partial(build_changes_feed, self.connection, _FROM_ROOT, root=root, site=site),
                kind="feeds",
            )

    def _copy_static(self) -> None:
        """Put stylesheet and scripts where the pages look for them."""
        for name in (name for name in STATIC_FILES if name != "tables.css"):
            write_file(self.target / "-" / name, [(STATIC / name).read_bytes()], within=self.target)
        # archived policies are not for search engines: they would stand beside the ones in force
        robots = "User-agent: *\nDisallow: /\n"
        write_file(self.target / "robots.txt", [robots], within=self.target)


_FROM_ROOT_SEARCHED = Addresses(base="", static=True, with_search=True)

_ITS = "document_id in (select id from documents where site = :site)"
_OF_SITE = (
    "select * from sites where site = :site",
    "select * from documents where site = :site order by id",
    f"select * from addresses where {_ITS} order by document_id, urlkey",  # noqa: S608 (a constant)
    f"select * from versions where {_ITS} order by document_id, version",  # noqa: S608
    f"select * from captures where {_ITS} order by id",  # noqa: S608
    f"""select extractions.* from captures cross join extractions on capture_id = captures.id and current
    where {_ITS} order by capture_id""",  # noqa: S608
    f"select * from news where {_ITS} order by id",  # noqa: S608
)


def fingerprint_site(connection: sqlite3.Connection, site: str) -> str:
    """Return 24 hex digits of all that the pages of a site are made of: every row that is of it alone."""
    digest = hashlib.sha256()
    for sql in _OF_SITE:
        for row in connection.execute(sql, {"site": site}):
            digest.update(repr(tuple(row)).encode("utf-8", "surrogatepass"))
        digest.update(b";")
    return digest.hexdigest()[:24]


def _path_of(address: str) -> str:
    """Return the file that a web server gives for an address: so links and files cannot come apart."""
    return unquote(address).lstrip("/")


def write_page(target: Path, page: PublishedPage) -> bool:
    """Write one page below the target, whole or not at all; return False when it held this already.

    Raises ExportError when a link would lead it out of the target.
    """
    path, text = target / page.path, page.render()
    if (
        path.is_file()
        and not path.is_symlink()
        and path.read_bytes() == text.encode("utf-8", "surrogatepass")
    ):
        return False
    return write_file(path, [text], within=target)
