"""The Princeton-Leuven corpus, in: its Markdown files, its git repository and its SQLite table.

A file begins with a block quote that names site, kind, day and the capture's replay address; exports of
our own begin the same way, and are read by the same rule.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from typing import Any
from urllib.parse import quote

from policy_archive.crawler.core.cache import SHORT, remembered
from policy_archive.crawler.core.errors import CdxError, UsageError
from policy_archive.crawler.core.records import Kind, Origin
from policy_archive.crawler.core.timestamps import parse_timestamp
from policy_archive.crawler.core.urls import archive_of, parse_site, split_uri_m
from policy_archive.pipelines.exchange.corpus_format import source_of_date
from policy_archive.pipelines.exchange.imported import (
    MOST_FILE_BYTES,
    MOST_HEADER_CHARACTERS,
    ImportedText,
    ImportOutcome,
    Item,
    RefusedError,
    attempt,
)

FORMAT = "princeton-leuven"
LICENCE = "annotations of the corpus: public domain; texts: their owners'"
ATTRIBUTION = "Princeton-Leuven Longitudinal Corpus of Privacy Policies (Amos et al., 2021)"
_MARKDOWN = "princeton-leuven-2021"
_PLAIN = "princeton-leuven-2021-plain"
"""The SQLite table holds the text without links and emphasis: next to the Markdown all would look changed."""
_OURS = "corpus-format"

OPENING = "> *The following text is extracted and transformed from the "
_HEADER = re.compile(
    re.escape(OPENING) + r"(?P<site>\S{1,253}) (?P<kind>[^\n]{1,200}?) "
    r"(?:that was archived on (?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"|of (?P<written>[0-9]{4}(?:-[0-9]{2}){0,2}) \(dated by (?P<by>[a-z ]{1,40})\))\. Please check the "
    r"(?:\[original snapshot (?:on the Wayback Machine|in the [^\]\n]{1,2000})\]\((?P<uri_m>\S{1,8000})\)"
    r"|file that it was imported from, (?P<file>[^\n]{1,8000}) \((?P<digest>[a-z0-9]+:[0-9a-f]{1,128})\),) "
    r"for the most accurate reproduction\.\*\r?\n\r?\n# (?P<title>[^\n]*?)\r?\n(?:\r?\n)?"
)
"""The corpus's own sentence; and ours, of what another archive had, or of a file that nobody archived."""
_NAMED = re.compile(r"(?P<label>[^()]+?)(?: \((?P<name>[^\n]+)\))?")
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_PRINTED = "!#$%&'()*+,/:;=?@[]~"
"""What the index prints unescaped in an address, as the quote did before it was quoted."""
_EXPORTED = re.compile(r"[0-9]{14}(?:-[0-9a-f]{8})?(?:\.[^.]+)?")
TABLE = "policy_texts"


def is_corpus_file(text: str) -> bool:
    """Return whether a text begins as files of the corpus do."""
    return text.startswith(OPENING)


def read_corpus_file(text: str, *, path: str, digest: str, attribution: str = "") -> ImportedText:
    """Return the text of one file of the corpus, of its repository or of an export of ours.

    `path` is relative to what the user named; only the file's name is kept. The text stays as it is,
    to the last blank. Raises RefusedError.
    """
    match = _HEADER.match(text[:MOST_HEADER_CHARACTERS])
    if match is None:
        raise RefusedError(ImportOutcome.BAD_HEADER, "its block quote is cut, or not the corpus's")
    stem = path.rpartition("/")[2]
    ours = _is_of_export(path)
    url, timestamp, origin, replay_url = None, "", None, ""
    if match["file"] is not None:
        timestamp = stem[:14] if ours else f"{match['day'] or match['written']}-01-01".replace("-", "")[:8]
        timestamp = timestamp.ljust(14, "0")
        origin = Origin(
            format="markdown", name=_ESCAPE.sub(r"\1", match["file"]), digest=match["digest"],
            licence="", attribution=attribution,
        )  # fmt: skip
    else:
        memento = split_uri_m(match["uri_m"])
        if memento is None:
            raise RefusedError(ImportOutcome.BAD_HEADER, "its block quote names no capture")
        timestamp, url = memento[0], quote(memento[1], safe=_PRINTED)
        replay_url = match["uri_m"] if archive_of(match["uri_m"]) else ""
    if len(timestamp) != 14 or timestamp.startswith("0000"):
        raise RefusedError(ImportOutcome.BAD_DATE, f"{timestamp} is no instant")
    kind, name = _parse_kind(match["kind"])
    return ImportedText(
        site=parse_stated_site(match["site"]),
        kind=kind,
        name=name,
        url=url,
        timestamp=check_instant(timestamp),
        title=_ESCAPE.sub(r"\1", match["title"]),
        text=text[match.end() :],
        extractor=_OURS if ours else _MARKDOWN,
        language=None if ours else "en",  # the corpus took English sites alone
        origin=origin
        or Origin(
            format="markdown" if ours else FORMAT,
            name=stem,
            digest=digest,
            licence="" if ours else LICENCE,
            attribution=attribution or ("" if ours else ATTRIBUTION),
        ),
        replacement_characters=text.count("\ufffd"),
        dated_by=f"{source_of_date(match['by'])} {match['written']}" if match["written"] else "",
        replay_url=replay_url,
    )


def _is_of_export(path: str) -> bool:
    """Return whether a path is laid out as our export does: …/intently.co/privacy/20180127122821.md."""
    return _EXPORTED.fullmatch(path.rpartition("/")[2]) is not None


@cache
def _labels() -> dict[str, Kind]:
    return {kind.label: kind for kind in Kind if kind is not Kind.HOME}


def _parse_kind(words: str) -> tuple[Kind, str]:
    match = _NAMED.fullmatch(words)
    kind = _labels().get(match["label"]) if match else None
    if kind is None or match is None:
        raise RefusedError(ImportOutcome.NO_KIND, f"{words[:80]!a} is no kind of policy that is known")
    return kind, match["name"] or ""


@remembered(20_000, longest=SHORT)
def _site_of(text: str) -> str | None:
    try:
        return parse_site(text)
    except UsageError:
        return None


def parse_stated_site(text: str) -> str:
    """Return the site that a source names; raises RefusedError when it is none."""
    site = _site_of(text[:300])
    if site is None:
        raise RefusedError(ImportOutcome.BAD_SITE, f"{text[:80]!a} is no site")
    return site


def check_instant(timestamp: str) -> str:
    """Return 14 digits that are an instant; raises RefusedError for others."""
    try:
        parse_timestamp(timestamp)
    except CdxError as error:
        raise RefusedError(ImportOutcome.BAD_DATE, str(error)) from error
    return timestamp


def iter_table(connection: sqlite3.Connection, *, name: str, digest: str) -> Iterator[Item]:
    """Yield the texts of the corpus's SQLite table, by site; the connection's rows are by name.

    The rows are sorted by what is short in them, and each is read by its number: a sort of whole rows would
    write the whole table to a temporary file.
    """
    origin = Origin(format=FORMAT, name=name, digest=digest, licence=LICENCE, attribution=ATTRIBUTION)
    with closing(connection.execute(_NUMBERS)) as rows:
        for (number,) in rows:
            yield attempt(f"{name} row {number}", _read_numbered, connection, number, origin)


_NUMBERS = f"select rowid from {TABLE} order by substr(site_url, 1, 300)"  # noqa: S608 (a constant)
_ROW = f"select site_url, policy_snapshot_url, policy_text from {TABLE} where rowid = ?"  # noqa: S608


def _read_numbered(connection: sqlite3.Connection, number: int, origin: Origin) -> ImportedText:
    try:
        row = connection.execute(_ROW, (number,)).fetchone()
    except sqlite3.DataError as error:  # the connection's own limit of length
        raise RefusedError(ImportOutcome.TOO_LARGE, f"more than {MOST_FILE_BYTES:,} bytes") from error
    except sqlite3.DatabaseError as error:
        raise RefusedError(ImportOutcome.UNREADABLE, str(error)) from error
    if row is None:
        raise RefusedError(ImportOutcome.UNREADABLE, "the file is damaged: the row is listed, and not there")
    return _read_row(row, origin)


def _read_row(row: sqlite3.Row, origin: Origin) -> ImportedText:
    text = _cell(row, "policy_text")
    memento = split_uri_m(_cell(row, "policy_snapshot_url"))
    if memento is None or len(memento[0]) != 14:
        raise RefusedError(ImportOutcome.BAD_DATE, "policy_snapshot_url names no capture")
    if not text.strip():
        raise RefusedError(ImportOutcome.EMPTY, "policy_text holds nothing")
    timestamp, original = memento
    return ImportedText(
        site=parse_stated_site(_cell(row, "site_url")),
        kind=Kind.PRIVACY,
        name="",
        url=original,
        timestamp=check_instant(timestamp),
        title="",
        text=text if text.endswith("\n") else f"{text}\n",
        extractor=_PLAIN,
        language="en",
        origin=origin,
        replay_url=_cell(row, "policy_snapshot_url"),
    )


def _cell(row: sqlite3.Row, column: str) -> str:
    value: Any = row[column]
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return "" if value is None else str(value)
