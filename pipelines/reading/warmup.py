"""Loaded once, in the server that reading processes are forked from: word lists, models, patterns."""

from __future__ import annotations

import gc

from policy_archive.crawler.core.records import Document, Kind
from policy_archive.pipelines.reading.read import read_body

_PAGE = b"""<title>Privacy policy</title><h1>Privacy policy</h1><p>Last updated: 1 May 2018. We collect the
personal data that you give us, and share it with nobody. Write to <a href="/contact">us</a>.</p>"""


def warm_up() -> None:
    """Read a small page, which loads what is loaded when first needed, and hand it down to all forks.

    A reading process of its own would spend half a second on it; the pages of memory are shared.
    """
    document = Document(site="example.com", kind=Kind.PRIVACY)
    address = "https://example.com/privacy"
    read_body(_PAGE, document=document, url=address, timestamp="20180501000000", content_type="text/html")
    gc.freeze()


warm_up()
