"""A static copy of the pages for any web server, with the database beside it."""

from __future__ import annotations

import itertools
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import unquote

from policy_archive.browse.caching import STATIC, STATIC_FILES
from policy_archive.browse.feeds import build_changes_feed
from policy_archive.browse.pages import FILE_TYPES, Pages, render_version_file
from policy_archive.crawler.core.records import Document, Kind
from policy_archive.crawler.core.safe_files import write_file
from policy_archive.pipelines.outputs.addresses import Addresses
from policy_archive.pipelines.store import queries

_FROM_ROOT = Addresses(base="", static=True)


@dataclass(frozen=True, kw_only=True)
class PublishedPage:
    """One file of the copy: where it goes below the target, and how its text is made."""

    path: str
    render: Callable[[], str]


def iter_pages(connection: sqlite3.Connection, *, root: str | None) -> Iterator[PublishedPage]:
    """Yield every page of the corpus, the home page last: it stands when all it leads to does.

    `root` is the address that the copy will have; without it there are no feeds, whose addresses are whole.
    """
    for (site,) in connection.execute("select site from sites order by site").fetchall():
        yield from _iter_site(connection, site, root)
    yield from _iter_feed(connection, root, None)
    yield _page(_FROM_ROOT.home(), root, lambda pages: pages.render_home(connection))


def _iter_site(connection: sqlite3.Connection, site: str, root: str | None) -> Iterator[PublishedPage]:
    for row in queries.list_documents(connection, site):
        if row["kind"] != Kind.HOME:
            document = Document(site=site, kind=Kind(row["kind"]), name=row["name"])
            yield from _iter_document(connection, document, root)
    yield from _iter_feed(connection, root, site)
    yield _page(_FROM_ROOT.site(site), root, lambda pages: pages.render_site(connection, site))


def _iter_document(
    connection: sqlite3.Connection, document: Document, root: str | None
) -> Iterator[PublishedPage]:
    stamps = [row["timestamp"] for row in queries.list_versions(connection, document)]
    for stamp in stamps:
        render = partial(Pages.render_version, connection=connection, document=document, timestamp=stamp)
        yield _page(_FROM_ROOT.version(document, stamp), root, render)
        for extension in FILE_TYPES:
            yield PublishedPage(
                path=_path_of(_FROM_ROOT.version_file(document, stamp, extension)),
                render=partial(render_version_file, connection, document, stamp, extension),
            )
    for older, newer in itertools.pairwise(stamps):
        old, new = (document, older), (document, newer)
        show = partial(Pages.render_diff, connection=connection, old=old, new=new)
        yield _page(_FROM_ROOT.diff(*old, *new), root, show)


def _page(address: str, root: str | None, render: Callable[[Pages], str]) -> PublishedPage:
    path = _path_of(address)
    up = "/".join([".."] * path.count("/")) or "."
    pages = Pages(addresses=Addresses(base=up, static=True, with_feeds=root is not None))
    return PublishedPage(path=path, render=partial(render, pages))


def _iter_feed(connection: sqlite3.Connection, root: str | None, site: str | None) -> Iterator[PublishedPage]:
    if root is not None:
        yield PublishedPage(
            path=_path_of(_FROM_ROOT.feed(site) or ""),
            render=partial(build_changes_feed, connection, _FROM_ROOT, root=root.rstrip("/"), site=site),
        )


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


def copy_static(target: Path) -> None:
    """Put stylesheet and script where the pages look for them."""
    (target / "-").mkdir(parents=True, exist_ok=True)
    for name in STATIC_FILES:
        shutil.copyfile(STATIC / name, target / "-" / name)
    # archived policies are not for search engines: they would stand beside the ones in force
    (target / "robots.txt").write_text("User-agent: *\nDisallow: /\n", "utf-8")
