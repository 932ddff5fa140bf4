"""One version as the corpus writes it: block quote, blank line, `# title`, blank line, body.

The format is that of the Princeton-Leuven corpus, byte for byte; the kinds that it does not have
get their own words in its sentence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from policy_archive.crawler.core.steering import STEERING
from policy_archive.crawler.core.stored import Document, Kind
from policy_archive.crawler.core.timestamps import parse_timestamp
from policy_archive.crawler.core.urls import (
    WAYBACK_MACHINE,
    build_uri_m,
    cited_uri_m,
    describe_archive,
)


def describe_kind(kind: str, name: str = "") -> str:
    """Return what a document is, in words.

    >>> describe_kind("privacy"), describe_kind("terms", "business")
    ('privacy policy', 'terms of service (business)')
    """
    words = Kind(kind).label
    return f"{words} ({name})" if name else words


def describe_document(document: Document) -> str:
    """Return which document it is, in words: its site and what it is."""
    return f"{document.site} {describe_kind(document.kind, document.name)}"


def render_version(version: Mapping[str, Any]) -> str:
    """Return a row of `policy_versions` in the corpus format."""
    return render_document(
        site=version["site"],
        kind=version["kind"],
        name=version["name"],
        timestamp=version["timestamp"],
        original=version["url"],
        title=version["title"],
        text=version["text"],
        archive=version.get("archive"),
        origin=version.get("origin"),
        dated_by=version.get("dated_by") or "",
    )


def render_document(
    *,
    site: str,
    kind: str,
    name: str = "",
    timestamp: str,
    original: str,
    title: str,
    text: str,
    archive: str | None = None,
    origin: str | None = None,
    dated_by: str = "",
) -> str:
    """Return one version in the corpus format.

    `timestamp` (14 digits) and `original` are those of the capture that is
    cited; `text` is the Markdown body as stored, its end untouched. A page
    without a title keeps an empty title line, so that the body is where it is
    in every file. `archive` is the base address of the one that was asked: the sentence names the Wayback
    Machine for captures of its own alone, for it may never have had those of another archive. A text out of
    a file names that (`origin`), and one that nobody captured what dates it (`dated_by`), as
    `policy_versions` has them.
    """
    day = parse_timestamp(timestamp).date().isoformat()
    return (
        f"> *The following text is extracted and transformed from the {site} {describe_kind(kind, name)} "
        f"{_describe_date(day, dated_by)}. Please check the "
        f"{_name_source(timestamp, original, archive, origin)} "
        "for the most accurate reproduction.*\n\n"
        f"# {_write_title(title)}\n\n{text}"
    )


def _describe_date(day: str, dated_by: str) -> str:
    """Return when a text is from, no finer than it is known.

    >>> _describe_date("2018-01-27", ""), _describe_date("2023-09-01", "statement 2023-09")
    ('that was archived on 2018-01-27', 'of 2023-09 (dated by its own statement)')
    """
    if not dated_by:
        return f"that was archived on {day}"
    source, _, written = dated_by.partition(" ")
    return f"of {written} (dated by {_DATED_BY.get(source, _DATED_BY['given'])})"


_DATED_BY = {
    "statement": "its own statement",
    "front-matter": "its front matter",
    "given": "who imported it",
}


def source_of_date(words: str) -> str:
    """Return what dates a text, as `Capture.dated_by` begins, by the words of the block quote.

    >>> source_of_date("its front matter")
    'front-matter'
    """
    return next((source for source, said in _DATED_BY.items() if said == words), "given")


def _name_source(timestamp: str, original: str, archive: str | None, origin: str | None) -> str:
    if archive is None and origin is not None:
        return f"file that it was imported from, {_write_title(origin)},"
    if archive in (None, WAYBACK_MACHINE):
        return f"[original snapshot on the Wayback Machine]({cited_uri_m(timestamp, original)})"
    return (
        f"[original snapshot in the {describe_archive(archive)}]({build_uri_m(archive, timestamp, original)})"
    )


def _write_title(title: str) -> str:
    """Return a page's title as the text of a heading, escaped: the page wrote it, the body's rules hold."""
    pieces = re.findall(r"\s+|\S+", STEERING.sub("", title))
    from policy_archive.pipelines.extract.blocks import Inline
    from policy_archive.pipelines.extract.markdown.inline import (
        write_inline,  # whoever prints a text needs it
    )

    return write_inline([Inline(piece, ()) for piece in pieces], escape_start=False, breaks=False)
