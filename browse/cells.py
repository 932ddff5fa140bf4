"""What Datasette shows in a cell of a corpus's tables: links to our pages, and no text of a whole policy."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from policy_archive.crawler.core.records import Document, Kind
from policy_archive.pipelines.outputs.addresses import Addresses, document_segment

_SHOWN = 160
"""Characters of a long value: a page of a hundred policies was 76,000 pixels high."""
_LINK = Markup('<a href="{}">{}</a>')
_STAMP_DIGITS = 14


def show_cell(row: Any, value: Any, column: str, addresses: Addresses) -> Markup | None:
    """Return the HTML of a cell, None where Datasette's own is good.

    A site leads to its page, and where a row names site, kind and name: the kind to the document, number and
    timestamp to the version, a text, cut, to the whole of it.
    """
    if column == "site" and isinstance(value, str) and value:
        return _LINK.format(addresses.site(value), value)
    if not isinstance(value, (str, int)):
        return None
    document = _document_of(row)
    if document is not None and column == "kind":
        return _LINK.format(f"{addresses.site(document.site)}#{document_segment(document)}", value)
    version = _version_of(row, document, addresses)
    if version and column in ("version", "timestamp"):
        return _LINK.format(version, value)
    if column == "text" and isinstance(value, str) and len(value) > _SHOWN:
        cut = " ".join(value[:_SHOWN].split())
        return Markup("{}{}").format(f"{cut}… ", _LINK.format(version, "all of it") if version else "")
    return None


def _document_of(row: Any) -> Document | None:
    site, kind, name = (_read(row, column) for column in ("site", "kind", "name"))
    if isinstance(site, str) and kind in set(Kind) and kind != Kind.HOME:
        return Document(site=site, kind=Kind(kind), name=name if isinstance(name, str) else "")
    return None


def _version_of(row: Any, document: Document | None, addresses: Addresses) -> str | None:
    stamp = _read(row, "timestamp")
    if stamp is None:  # what ready-made queries show: the same instant, as people write it
        stamp = "".join(filter(str.isdigit, str(_read(row, "first_captured") or "")))
    if document is None or not (isinstance(stamp, str) and stamp.isdecimal() and len(stamp) == _STAMP_DIGITS):
        return None
    return addresses.version(document, stamp)


def _read(row: Any, column: str) -> Any:
    try:
        return row[column]
    except (KeyError, IndexError, TypeError):  # a row of other columns; of an expanded label, a dictionary
        return None
