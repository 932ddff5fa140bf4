"""A static copy of the pages for any web server, with the database beside it."""

from __future__ import annotations

import itertools
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from browse import corpus
from browse.addresses import Addresses, DocumentKey
from browse.feeds import build_changes_feed
from browse.pages import Pages, render_version_file

_STYLESHEET = Path(__file__).parent / "static" / "policies.css"
_EXTENSIONS = ("md", "json", "bib", "csl.json")


@dataclass(frozen=True, kw_only=True)
class PublishedPage:
    """One file of the copy: where it goes below the target, and how its text is made."""

    path: str
    render: Callable[[], str]


def iter_pages(connection: sqlite3.Connection, *, root: str) -> Iterator[PublishedPage]:
    """Yield every page of the corpus. `root` is the address that the copy will have, for its feeds."""
    yield _page(("index.html",), lambda pages: pages.render_home(connection))
    yield _feed(connection, root, ("-", "feed.atom"), None)
    for (site,) in connection.execute("select site from sites order by site").fetchall():
        yield from _iter_site(connection, site, root)


def _iter_site(connection: sqlite3.Connection, site: str, root: str) -> Iterator[PublishedPage]:
    yield _page((site, "index.html"), lambda pages: pages.render_site(connection, site))
    yield _feed(connection, root, (site, "feed.atom"), site)
    _, histories = corpus.read_site(connection, site)
    for history in histories:
        stamps = [row["first_timestamp"] for row in history.versions]
        for stamp in stamps:
            yield from _iter_version(connection, history.key, stamp)
        for old, new in itertools.pairwise(stamps):
            yield _diff(connection, history.key, old, new)


def _iter_version(connection: sqlite3.Connection, key: DocumentKey, stamp: str) -> Iterator[PublishedPage]:
    folder = (key.site, key.segment)
    yield _page((*folder, stamp, "index.html"), lambda pages: pages.render_version(connection, key, stamp))
    for extension in _EXTENSIONS:
        yield PublishedPage(
            path="/".join((*folder, f"{stamp}.{extension}")),
            render=partial(_render_file, connection, key, stamp, extension),
        )


def _render_file(connection: sqlite3.Connection, key: DocumentKey, stamp: str, extension: str) -> str:
    return render_version_file(connection, key, stamp, extension)[1]


def _diff(connection: sqlite3.Connection, key: DocumentKey, old: str, new: str) -> PublishedPage:
    side = (key.site, key.segment)
    return _page(
        ("-", "diff", *side, old, *side, new, "index.html"),
        lambda pages: pages.render_diff(connection, (key, old), (key, new)),
    )


def _page(segments: tuple[str, ...], render: Callable[[Pages], str]) -> PublishedPage:
    up = "/".join([".."] * (len(segments) - 1)) or "."
    pages = Pages(addresses=Addresses(base=up, static=True))
    return PublishedPage(path="/".join(segments), render=lambda: render(pages))


def _feed(
    connection: sqlite3.Connection, root: str, segments: tuple[str, ...], site: str | None
) -> PublishedPage:
    addresses = Addresses(base="", static=True)
    return PublishedPage(
        path="/".join(segments),
        render=lambda: build_changes_feed(connection, addresses, root=root.rstrip("/"), site=site),
    )


def write_page(target: Path, page: PublishedPage) -> None:
    """Write one page below the target, whole or not at all."""
    path = target / page.path
    if not path.resolve().is_relative_to(target.resolve()):
        raise ValueError(f"{page.path} leaves the target")
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.write_text(page.render(), "utf-8")
    unfinished.replace(path)


def copy_static(target: Path) -> None:
    """Put the stylesheet where the pages look for it."""
    (target / "-").mkdir(parents=True, exist_ok=True)
    shutil.copyfile(_STYLESHEET, target / "-" / "policies.css")


def copy_database(connection: sqlite3.Connection, target: Path) -> None:
    """Copy the corpus, whole and consistent also while a crawl writes, to `policies.db` in the target."""
    unfinished = target / "policies.db.unfinished"
    unfinished.unlink(missing_ok=True)
    copy = sqlite3.connect(unfinished)
    try:
        connection.backup(copy)
        copy.execute("pragma journal_mode = delete")
    finally:
        copy.close()
    unfinished.replace(target / "policies.db")
