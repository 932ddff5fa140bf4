"""Atom feeds (RFC 4287) of new versions: one writer for files and for the browser."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, indent, tostring

_NAMESPACE = "http://www.w3.org/2005/Atom"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One new version."""

    id: str
    """URI that never changes (`tag:` or an address)."""
    title: str
    updated: str
    """ISO 8601 with zone: when the version was first captured, or when it became known."""
    link: str
    summary: str
    published: str | None = None
    """ISO 8601 with zone: when the version was first captured, where `updated` says something else."""
    content: str | None = None
    """Safe HTML that says more than the summary."""


def entry_id(document_id: str, text_sha256: str, occurrence: int) -> str:
    """Return the id of a version's entry, the same in every feed and for good.

    By the text and which time it is that it stands: a version's number and its first capture both move
    when an earlier capture of the same text is found, and a reader would see it twice.

    >>> entry_id("1fa31ac93d", "2c26b46b68ffc68ff99b453c1d304134", 1)
    'tag:policy-archive,2026:1fa31ac93d/2c26b46b68ffc68f/1'
    """
    return f"tag:policy-archive,2026:{document_id}/{text_sha256[:16]}/{occurrence}"


def build_feed(*, id: str, title: str, link: str, self_link: str, entries: Iterable[Entry]) -> str:
    """Return the feed as XML text, newest entry first as given; texts are escaped, never markup."""
    listed = list(entries)
    feed = Element("feed", xmlns=_NAMESPACE)
    for name, value in (("id", id), ("title", title)):
        SubElement(feed, name).text = _printable(value)
    # RFC 4287 wants a time even of an empty feed: the oldest there is says "nothing yet"
    SubElement(feed, "updated").text = max(
        (entry.updated for entry in listed), default="1970-01-01T00:00:00Z"
    )
    SubElement(feed, "link", rel="self", type="application/atom+xml", href=self_link)
    SubElement(feed, "link", rel="alternate", href=link)
    SubElement(SubElement(feed, "author"), "name").text = "policy-archive"
    for entry in listed:
        _add_entry(feed, entry)
    indent(feed)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + tostring(feed, encoding="unicode") + "\n"


def _add_entry(feed: Element, entry: Entry) -> None:
    element = SubElement(feed, "entry")
    for name, value in (("id", entry.id), ("title", entry.title), ("updated", entry.updated)):
        SubElement(element, name).text = _printable(value)
    SubElement(element, "link", rel="alternate", href=entry.link)
    if entry.published:
        SubElement(element, "published").text = _printable(entry.published)
    SubElement(element, "summary", type="text").text = _printable(entry.summary)
    if entry.content:
        SubElement(element, "content", type="html").text = _printable(entry.content)


def _printable(text: str) -> str:
    """XML 1.0 has no place for most control characters, not even escaped."""
    return "".join(character for character in text if character >= " " or character in "\t\n")
