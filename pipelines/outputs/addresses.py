"""Addresses of the pages: one form for Datasette, one for a static copy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from policy_archive.crawler.core.errors import NotKnownError
from policy_archive.crawler.core.safe_files import safe_name
from policy_archive.crawler.core.stored import Document, Kind

PREFIX = "/-/policies"


def document_segment(document: Document) -> str:
    """Return what names a document in an address: `privacy`, or `privacy~children` for one with a name."""
    return quote(f"{document.kind}~{document.name}" if document.name else document.kind, safe="~")


def document_of(row: Mapping[str, Any]) -> Document:
    """Return the document of a row that has site, kind and name."""
    return Document(site=row["site"], kind=Kind(row["kind"]), name=row["name"])


def parse_document(site: str, segment: str) -> Document:
    """Return the document of two path segments as they stand in an address.

    Raises NotKnownError when there is no such kind.
    """
    kind, _, name = unquote(segment).partition("~")
    if kind not in set(Kind):
        raise NotKnownError(f"“{kind}” is no kind of document: {', '.join(Kind)} are.")
    return Document(site=unquote(site), kind=Kind(kind), name=name)


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """Builds the address of every page. Versions are named by their first capture: that stays true when
    a version is found between two others, a number does not."""

    base: str = PREFIX
    """What every address begins with; in a static copy the way up to its root (`../..`)."""
    static: bool = False
    """Pages are files: a folder with index.html each. What needs somebody to ask has no address: None."""
    with_feeds: bool = True
    """False in a copy that does not know its own address: a feed's links are whole."""

    with_search: bool = False
    """Whether a static copy has a page that searches."""

    def _page(self, *segments: str) -> str:
        return self._file(*segments, *(["index.html"] if self.static else []))

    def _file(self, *segments: str) -> str:
        return "/".join((self.base, *segments))

    def _asked(self, *segments: str) -> str | None:
        return None if self.static else self._file(*segments)

    def _site(self, site: str) -> str:
        # a file's name may not hold what an address may; its own address is then quoted once more
        return quote(safe_name(site) if self.static else site, safe="")

    def _document(self, document: Document) -> tuple[str, str]:
        site = self._site(document.site)
        if self.static and document.name:
            return site, f"{document.kind}~{quote(safe_name(document.name))}"
        return site, document_segment(document)

    def home(self) -> str:
        return self._page()

    def script(self) -> str:
        return self._file("-", "policies.js")

    def stylesheet(self) -> str:
        return self._file("-", "policies.css")

    def search(self) -> str | None:
        return self._page("-", "search") if self.with_search else self._asked("-", "search")

    def search_feed(self) -> str | None:
        return self._asked("-", "search.atom")

    def phrase(self, ending: str = "") -> str | None:
        """Return where the page of phrases stands, or the like as `csv`, `json` or `svg`; they take `q`."""
        return self._asked("-", f"phrase.{ending}" if ending else "phrase")

    def change(self, old: Document, old_timestamp: str, new: Document, new_timestamp: str) -> str | None:
        """Return what leads to the place in a difference where `q` came or went."""
        sides = (*self._document(old), old_timestamp, *self._document(new), new_timestamp)
        return self._asked("-", "change", *sides)

    def changes(self, page: int = 0, query: str = "") -> str:
        """Return where the list of changes stands, newest known first; `query` has `since`, `class`, `kind`,
        `site`, which nobody is there to ask of a static copy."""
        if self.static:
            return self._page("-", "changes", *([str(page)] if page else []))
        asked = "&".join(filter(None, [query, f"page={page}" if page else ""]))
        return self._file("-", "changes") + (f"?{asked}" if asked else "")

    def overview(self) -> str:
        """Return where sites and quarters stand in one table; a server takes `kind`, `order`, `until`."""
        return self._page("-", "overview")

    def days(self, document: Document) -> str | None:
        """Return where a static copy tells of every day what held; a server is asked for one (`at`)."""
        return self._page(*self._document(document)) if self.static else None

    def find_site(self) -> str | None:
        """Return where the form that asks for a site leads."""
        return self._asked("-", "site")

    def compare(self, site: str) -> str | None:
        """Return where the form that asks for two versions leads."""
        return self._asked("-", "compare", self._site(site))

    def find_at(self, site: str) -> str | None:
        """Return where the form that asks for a day leads."""
        return self._asked("-", "at", self._site(site))

    def feed(self, site: str | None = None) -> str | None:
        return self._file(self._site(site) if site else "-", "feed.atom") if self.with_feeds else None

    def site(self, site: str) -> str:
        return self._page(self._site(site))

    def site_years(self, document: Document) -> Callable[[int], str] | None:
        """Return where a year of a document's timeline is seen alone; None where nobody can be asked."""
        if self.static:
            return None
        site, place = self.site(document.site), document_segment(document)
        return lambda year: f"{site}?from={year}&to={year}#{place}"

    def version(self, document: Document, timestamp: str) -> str:
        return self._page(*self._document(document), timestamp)

    def section(self, document: Document, timestamp: str, anchor: str) -> str | None:
        """Return where the history of a section stands, of the heading that a version has at an anchor."""
        return self._asked(*self._document(document), timestamp, "section", quote(anchor, safe=""))

    def version_file(self, document: Document, timestamp: str, extension: str) -> str:
        """Return where the version stands as `md`, `json`, `bib`, `csl.json` or `ris`."""
        return self._file(*self._document(document), f"{timestamp}.{extension}")

    def at(self, document: Document, day: str) -> str | None:
        return self._asked(*self._document(document), "at", day)

    def diff(self, old: Document, old_timestamp: str, new: Document, new_timestamp: str) -> str:
        sides = (*self._document(old), old_timestamp, *self._document(new), new_timestamp)
        return self._page("-", "diff", *sides)
