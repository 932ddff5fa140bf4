"""A static copy of the pages for any web server, with the database beside it.

What was made of each site is noted in the copy: a second run makes again only the pages of sites of which
something changed, and the few that tell of all. Of a site that did not change it looks at nothing but the
names of its files.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
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
from policy_archive.pipelines.store.packed import is_dense

DATABASE_NAME = "policies.db"
_FROM_ROOT = Addresses(base="", static=True)
_ENDINGS = {".html", ".atom", *(f".{extension.rpartition('.')[2]}" for extension in FILE_TYPES)}
"""Of the files that stand in a site's folder."""
_FILE_ENDINGS = tuple(sorted(_ENDINGS))
_NOTES = "-/made-of.json"
"""What the copy was made of: program and options, the sites (SiteNote), the pages that tell of all."""


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

    def add_sizes(self, counts: Mapping[str, tuple[int, int]]) -> None:
        """Count files and their bytes by kind."""
        for kind, (files, size) in counts.items():
            self.files_of[kind] += files
            self.bytes_of[kind] += size

    def add(self, counts: Mapping[str, tuple[int, int]]) -> None:
        """Count files that were left as they are."""
        self.add_sizes(counts)
        self.unchanged += sum(files for files, _ in counts.values())

    @property
    def counts(self) -> dict[str, tuple[int, int]]:
        """By kind: files and their bytes."""
        return {kind: (files, self.bytes_of[kind]) for kind, files in self.files_of.items()}


@dataclass(frozen=True, kw_only=True)
class SiteNote:
    """What was known of a site when its pages were made, and what they were."""

    of: str
    """As fingerprint_site gives it."""
    search: str
    """As static_search.fingerprint_search gives it; empty where there is no search."""
    names: str
    """Digest of the names of its files: a file that somebody took away is made again."""
    counts: Mapping[str, tuple[int, int]]
    """By PublishedPage.kind: files and their bytes."""

    def written(self) -> list[Any]:
        """Return it as it stands in the notes."""
        return [self.of, self.search, self.names, {kind: list(two) for kind, two in self.counts.items()}]

    @classmethod
    def read(cls, written: Any) -> SiteNote:
        """Return what was written; raises ValueError, TypeError or KeyError when it is none."""
        of, search, names, counts = written
        pairs = {kind: (int(files), int(size)) for kind, (files, size) in counts.items()}
        return cls(of=str(of), search=str(search), names=str(names), counts=pairs)


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

    def publish(self, *, tell: Callable[[str, int], None] = lambda path, files: None) -> Published:
        """Write what changed; `tell` hears of each page, and of each site that stays, with its files' number.

        Raises ExportError when a link would lead out of the target.
        """
        self._copy_static()
        done = Published(has_search=self.with_search)
        noted, common = self._read_notes()
        sites = [row[0] for row in self.connection.execute("select site from sites order by site")]
        notes: dict[str, SiteNote] = {}
        changed: dict[str, str] = {}
        for site in sites:
            of, known = fingerprint_site(self.connection, site), noted.get(site)
            if known is not None and known.of == of and self._digest_there(site) == known.names:
                notes[site] = known
                done.add(known.counts)
                tell(site, sum(files for files, _ in known.counts.values()))
            else:
                changed[site] = of
        if changed.keys() & noted.keys():
            # what is being made anew is nothing to rely on, should this run be ended in the middle
            self._write_notes(noted.keys() - changed.keys(), noted, common="")
        for site, of in changed.items():
            is_same = site in noted and noted[site].of == of
            notes[site] = self._make_site(site, of, done, tell, is_same=is_same)
        for site in noted.keys() - notes.keys():
            done.removed += self._remove_others(site, set())
        if self.with_search:
            self._index({site: note.search for site, note in sorted(notes.items())}, done)
        common = self._make_common(notes, common, done, tell)
        self._write_notes(sorted(notes), notes, common=common)
        return done

    def _make_site(
        self, site: str, of: str, done: Published, tell: Callable[[str, int], None], *, is_same: bool
    ) -> SiteNote:
        """Make the files of a site, or where it `is_same` those that are not there; return what to note."""
        search = static_search.fingerprint_search(self.connection, site) if self.with_search else ""
        made = Published()
        paths = set()
        for page in self._iter_site(site):
            self._put(page, made, is_same=is_same)
            paths.add(page.path)
            tell(page.path, 1)
        made.removed = self._remove_others(site, paths)
        done.written += made.written
        done.unchanged += made.unchanged
        done.removed += made.removed
        done.add_sizes(made.counts)
        return SiteNote(of=of, search=search, names=_digest_names(paths), counts=made.counts)

    def _make_common(
        self, notes: Mapping[str, SiteNote], known: str, done: Published, tell: Callable[[str, int], None]
    ) -> str:
        """Make the pages that tell of all sites where any of them changed; return what they were made of."""
        known_of = [[site, notes[site].of] for site in sorted(notes)]
        said = json.dumps([self._program, is_dense(self.connection), known_of])
        of = hashlib.sha256(said.encode()).hexdigest()[:24]
        for page in self._iter_common():
            self._put(page, done, is_same=of == known)
            tell(page.path, 1)
        return of

    @property
    def _program(self) -> str:
        """What makes other pages of the same site."""
        options = [read_program(), self.root, self.with_search, self.with_database]
        return hashlib.sha256(json.dumps(options).encode()).hexdigest()[:24]

    def _read_notes(self) -> tuple[dict[str, SiteNote], str]:
        """Return what an earlier run of this program noted: its sites, what the common pages were made of.

        Of other programs and options only the sites' names are known: none of their pages is relied on.
        """
        with suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
            found = json.loads((self.target / _NOTES).read_text("utf-8"))
            if found["program"] == self._program:
                sites = {site: SiteNote.read(written) for site, written in found["sites"].items()}
                return sites, str(found["common"])
            empty = SiteNote(of="", search="", names="", counts={})
            return dict.fromkeys(found["sites"], empty), ""
        return {}, ""

    def _write_notes(self, sites: Iterable[str], notes: Mapping[str, SiteNote], *, common: str) -> None:
        written = {site: notes[site].written() for site in sites}
        said = json.dumps({"program": self._program, "common": common, "sites": written}, indent=0)
        write_file(self.target / _NOTES, [said], within=self.target)

    def _put(self, page: PublishedPage, done: Published, *, is_same: bool) -> None:
        path = self.target / page.path
        is_left = is_same and path.is_file() and not path.is_symlink()
        with one_state(self.connection):  # of a page: a copy of all may take hours, and keep the log growing
            is_written = not is_left and write_page(self.target, page)
        done.written += is_written
        done.unchanged += not is_written
        done.add_sizes({page.kind: (1, path.stat().st_size)})

    def _folders(self, site: str) -> list[Path]:
        """Return the folders of a site's files that lie below the target."""
        base = _path_of(_FROM_ROOT.site(site)).rpartition("/")[0]
        folders = [self.target / base, self.target / "-" / "diff" / base]
        # a link that somebody put there: what it leads to is not ours
        return [folder for folder in folders if folder.resolve().is_relative_to(self.target.resolve())]

    def _digest_there(self, site: str) -> str:
        """Return the digest of the names of the files that a site has now."""
        base = _path_of(_FROM_ROOT.site(site)).rpartition("/")[0]
        top = os.fspath(self.target)
        return _digest_names(
            name for folder in (base, f"-/diff/{base}") for name in _iter_names(top, f"{folder}/")
        )

    def _remove_others(self, site: str, paths: Container[str]) -> int:
        """Remove what earlier runs made of a site and this one did not; return how many files."""
        removed = 0
        for folder in self._folders(site):
            for path in [path for path in folder.rglob("*") if path.suffix in _ENDINGS and path.is_file()]:
                if path.relative_to(self.target).as_posix() not in paths:
                    path.unlink()
                    removed += 1
        return removed

    def _index(self, sites: Mapping[str, str], done: Published) -> None:
        """Make the index one of these sites, each given with its fingerprint_search."""
        static_search.update_index(self.connection, self.target, sites)
        files = [path for path in (self.target / static_search.FOLDER).rglob("*") if path.is_file()]
        done.add_sizes({"search": (len(files), sum(path.stat().st_size for path in files))})

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


def _iter_names(top: str, folder: str) -> Iterator[str]:
    """Yield the files of ours below a folder, as the pages' paths name them; no link is one."""
    try:
        with os.scandir(f"{top}/{folder}") as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    yield from _iter_names(top, f"{folder}{entry.name}/")
                elif entry.name.endswith(_FILE_ENDINGS) and entry.is_file(follow_symlinks=False):
                    yield folder + entry.name
    except OSError:
        return


def _digest_names(names: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(names)).encode("utf-8", "surrogatepass")).hexdigest()[:16]


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
