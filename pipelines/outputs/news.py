"""News as rows and as an Atom feed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from html import escape
from itertools import repeat
from pathlib import Path
from typing import Any

from policy_archive.crawler.core.plurals import plural
from policy_archive.crawler.core.safe_files import write_file
from policy_archive.pipelines.exchange.corpus_format import describe_kind
from policy_archive.pipelines.outputs.citation import find_page
from policy_archive.pipelines.outputs.feed import Entry, build_feed, entry_id
from policy_archive.pipelines.outputs.history import (
    INTERVAL_HEADING,
    describe_interval,
    describe_version,
    interval_cell,
)
from policy_archive.pipelines.outputs.quotation import Quotation, quote_versions
from policy_archive.pipelines.store.monitoring.news import NewsFilter

Row = dict[str, Any]


def describe_news(news: Iterable[Row]) -> list[Row]:
    """Return news with the gist of what changed; what serves the database alone is left out."""
    return [
        {key: value for key, value in row.items() if key != "document_id"} | {"gist": describe_version(row)}
        for row in news
    ]


def describe_left_out(number: int, wanted: NewsFilter) -> str:
    """Return how many changes a list leaves out, and why.

    >>> describe_left_out(2, NewsFilter())
    '2 changes of the page are passed over'
    """
    if wanted.substantive or wanted.min_words:
        what = plural(
            number, "change of the page, or too small, is", "changes, of the page or too small, are"
        )
    else:
        what = plural(number, "change of the page is", "changes of the page are")
    return f"{what} passed over"


def news_cells(row: Row) -> Row:
    """Return what the table shows of one piece of news."""
    return {
        "Site": row["site"],
        "Version": " ".join(filter(None, [row["kind"], row["name"], f"v{row['version']}"])),
        INTERVAL_HEADING: interval_cell(row),
        "Gist": row["gist"],
        "Words": row["words"],
        "+": "" if row["words_added"] is None else f"+{row['words_added']}",
        "-": "" if row["words_removed"] is None else f"-{row['words_removed']}",
        "Title": row["title"],
    }


_QUOTED_CHARACTERS = 10_000_000
"""Of texts that are compared for one file's quotations: some seconds; entries beyond tell their gist."""


def write_feed(
    path: Path, news: Sequence[Row], *, site: str | None, connection: sqlite3.Connection | None = None
) -> bool:
    """Write news as an Atom feed, whole or not at all; False when the file held this already.

    With a connection its entries quote what changed.

    Entries have the ids that the browser's feeds give them: a reader may change from one to the other.
    """
    quotations: Iterable[Quotation | None] = repeat(None)
    if connection is not None:
        quotations = quote_versions(connection, news, characters=_QUOTED_CHARACTERS)
    feed = build_feed(
        id=f"tag:policy-archive,2026:changes/{site or ''}",
        title=f"Policy changes of {site}" if site else "Policy changes",
        link="https://web.archive.org/",
        self_link=path.resolve().as_uri(),
        entries=map(_build_entry, news, quotations),
    )
    return write_file(path, [feed], within=path.parent)


def _build_entry(row: Row, quotation: Quotation | None) -> Entry:
    what = describe_kind(row["kind"], row["name"])
    figures = "" if row["words_added"] is None else f" (+{row['words_added']} -{row['words_removed']} words)"
    summary = f"Changed {describe_interval(row)}: {describe_version(row)}{figures}"
    return Entry(
        id=entry_id(row["document_id"], row["text_sha256"], row["occurrence"]),
        title=f"{row['site']} {what}, version {row['version']}: {row['title']}".rstrip(": "),
        updated=row["first_captured"],
        link=find_page(row) or row["url"],
        summary=summary,
        content=_quote(summary, quotation) if quotation else None,
    )


def _quote(summary: str, quotation: Quotation) -> str:
    """Return a change in a sentence and in the words that went and came, as HTML."""
    parts = [f"<p>{escape(summary)}</p>"]
    if quotation.section:
        parts.append(f"<p>In “{escape(quotation.section)}”:</p>")
    for tag, text in (("del", quotation.removed), ("ins", quotation.added)):
        parts += [f"<blockquote><{tag}>{escape(text)}</{tag}></blockquote>"] if text else []
    parts += [f"<p>{escape(quotation.left_out)}</p>"] if quotation.left_out else []
    return "".join(parts)
