"""Addresses of the pages: one form for Datasette, one for a static copy."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, unquote

PREFIX = "/-/policies"


@dataclass(frozen=True, kw_only=True)
class DocumentKey:
    """What names a document in an address: `privacy`, or `privacy~children` for one with a name."""

    site: str
    kind: str
    name: str = ""

    @property
    def segment(self) -> str:
        return quote(f"{self.kind}~{self.name}" if self.name else self.kind, safe="~")

    @classmethod
    def parse(cls, site: str, segment: str) -> DocumentKey:
        """Return the key of two path segments as they stand in an address."""
        kind, _, name = unquote(segment).partition("~")
        return cls(site=unquote(site), kind=kind, name=name)


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """Builds the address of every page. Versions are named by their first capture: that stays true when
    a version is found between two others, a number does not."""

    base: str = PREFIX
    """What every address begins with; in a static copy the way up to its root (`../..`)."""
    static: bool = False
    """Pages are files: a folder with index.html each."""

    def _page(self, *segments: str) -> str:
        path = "/".join((self.base, *segments))
        return f"{path}/index.html" if self.static else path

    def home(self) -> str:
        return self._page()

    def stylesheet(self) -> str:
        return f"{self.base}/-/policies.css"

    def search(self) -> str | None:
        """Return None in a static copy: there is nobody to ask."""
        return None if self.static else f"{self.base}/-/search"

    def feed(self, site: str | None = None) -> str:
        return f"{self.base}/{quote(site)}/feed.atom" if site else f"{self.base}/-/feed.atom"

    def site(self, site: str) -> str:
        return self._page(quote(site))

    def version(self, document: DocumentKey, timestamp: str) -> str:
        return self._page(quote(document.site), document.segment, timestamp)

    def version_file(self, document: DocumentKey, timestamp: str, extension: str) -> str:
        """Return where the version stands as `md`, `json`, `bib` or `csl.json`."""
        return f"{self.base}/{quote(document.site)}/{document.segment}/{timestamp}.{extension}"

    def at(self, document: DocumentKey, day: str) -> str | None:
        return None if self.static else self._page(quote(document.site), document.segment, "at", day)

    def diff(self, old: DocumentKey, old_timestamp: str, new: DocumentKey, new_timestamp: str) -> str:
        return self._page(
            "-",
            "diff",
            quote(old.site),
            old.segment,
            old_timestamp,
            quote(new.site),
            new.segment,
            new_timestamp,
        )
