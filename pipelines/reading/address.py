"""Under which address a captured page is read: the fragment says which part of it the document is."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urldefrag

from policy_archive.crawler.core.records import Address, CdxRow
from policy_archive.crawler.core.urlkeys import urlkey


def page_address(addresses: Iterable[Address], row: CdxRow) -> str:
    """Return the URI-R of a captured page, with the fragment of the document's address."""
    if "#" in row.original:
        return row.original
    fragments = (urldefrag(address.url)[1] for address in addresses if urlkey(address.url) == row.urlkey)
    fragment = next(filter(None, fragments), "")
    return f"{row.original}#{fragment}" if fragment else row.original
