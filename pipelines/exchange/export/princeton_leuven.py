"""Privacy policies as the Princeton-Leuven corpus's SQLite table: its sixteen columns, its index.

Source of columns and season rule: the corpus's own code (github.com/citp/PrivacyPoliciesOverTime).
"""

from __future__ import annotations

import json
import re
import sqlite3
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing
from itertools import groupby
from pathlib import Path

from policy_archive.crawler.core.errors import NotKnownError
from policy_archive.crawler.core.plurals import plural
from policy_archive.crawler.core.safe_files import build_file
from policy_archive.crawler.core.stored import Kind
from policy_archive.crawler.core.timestamps import parse_timestamp
from policy_archive.crawler.core.urls import WAYBACK_MACHINE, build_uri_m
from policy_archive.pipelines.exchange.export.exporter import Exported, ExportOptions
from policy_archive.pipelines.exchange.princeton_leuven import TABLE
from policy_archive.pipelines.extract.source.decode import decode_body
from policy_archive.pipelines.store import queries
from policy_archive.pipelines.store.bodies import BodyReader
from policy_archive.pipelines.store.search_text import plain_text
from policy_archive.pipelines.store.selection import Row, Slice

COLUMNS = (
    "crawl_time", "site_url", "homepage_snapshot_url", "policy_snapshot_url", "year", "season", "alexa_rank",
    "policy_text", "policy_source", "raw_source_path", "policy_filetype", "link_text", "exact_match",
    "matching_pattern", "homepage_snapshot_redirected_url", "visit_info",
)  # fmt: skip
_VISIT = (
    "version", "first_captured", "last_captured", "changed_after", "class", "title", "language", "words",
    "text_sha256", "verified", "extractor", "origin", "dated_by",
)  # fmt: skip
"""What the corpus has no column for."""
_NOT_KNOWN = (
    "homepage_snapshot_url", "alexa_rank", "raw_source_path", "link_text", "exact_match", "matching_pattern",
    "homepage_snapshot_redirected_url",
)  # fmt: skip


def export_princeton_leuven(corpus: Slice, target: Path, options: ExportOptions) -> Exported:
    """Write one SQLite file: a row for each version of a site's main privacy policy; with `half_yearly` one
    for each half-year in which it was captured, of the capture nearest to its middle.
    """
    left_out = count = 0
    with build_file(target, within=target.parent) as built, closing(sqlite3.connect(built.path)) as made:
        made.execute("pragma journal_mode = off")
        made.execute("pragma synchronous = off")
        made.execute(f"create table {TABLE} ({', '.join(f'{name} {_type(name)}' for name in COLUMNS)})")
        insert = f"insert into {TABLE} values ({', '.join('?' * len(COLUMNS))})"  # noqa: S608 (constants)
        bodies = BodyReader(corpus.connection)
        versions = options.follow(corpus.iter_versions())
        for document_id, of_document in groupby(versions, key=lambda version: version["document_id"]):
            chosen = None
            for version in of_document:
                if version["kind"] != Kind.PRIVACY or version["name"]:
                    left_out += 1
                    continue
                if options.half_yearly and chosen is None:
                    chosen = _choose_captures(corpus, document_id)
                for timestamp, url in _captures_of(version, chosen):
                    row = _build_row(version, timestamp, url, bodies, corpus)
                    made.execute(insert, [row[name] for name in COLUMNS])
                    count += 1
        if not count:
            raise NotKnownError(
                "nothing was written: none of these versions is of a site's main privacy policy, "
                "and that table holds no others."
            )
        made.execute(f"create index site_year_season on {TABLE} (site_url, year, season)")
        made.commit()
        made.execute("vacuum")
    notes = [f"not known, and left empty: {', '.join(_NOT_KNOWN)}"]
    if left_out:
        what = plural(left_out, "version of another document is", "versions of other documents are")
        notes.append(f"{what} left out: the table holds a privacy policy a site")
    return Exported(versions=count, notes=tuple(notes))


def season_of(timestamp: str) -> tuple[int, str]:
    """Return year and half-year of 14 digits, as the corpus calls them.

    >>> season_of("20180630235959"), season_of("20180701000000")
    ((2018, 'A'), (2018, 'B'))
    """
    return int(timestamp[:4]), "A" if timestamp[4:6] <= "06" else "B"


def _choose_captures(corpus: Slice, document_id: str) -> dict[str, list[tuple[str, str]]]:
    """Return by text the captures that stand for a half-year: nearest to its middle, 1 April or 1 October."""
    nearest: dict[tuple[int, str], tuple[float, str, str, str]] = {}
    for timestamp, url, text_sha256 in queries.list_text_captures(corpus.connection, document_id):
        year, season = season_of(timestamp)
        middle = parse_timestamp(f"{year}{'0401' if season == 'A' else '1001'}000000")
        distance = abs((parse_timestamp(timestamp) - middle).total_seconds())
        found = (distance, timestamp, url, text_sha256)
        nearest[year, season] = min(nearest.get((year, season), found), found)
    chosen: dict[str, list[tuple[str, str]]] = {}
    for _, timestamp, url, text_sha256 in nearest.values():
        chosen.setdefault(text_sha256, []).append((timestamp, url))
    return chosen


def _captures_of(version: Row, chosen: dict[str, list[tuple[str, str]]] | None) -> Iterator[tuple[str, str]]:
    """Yield the captures (14 digits, address) that stand for a version."""
    if chosen is None:
        yield version["timestamp"], version["url"]
        return
    last = re.sub("[^0-9]", "", version["last_captured"])
    for timestamp, url in chosen.get(version["text_sha256"], []):
        if version["timestamp"] <= timestamp <= last:
            yield timestamp, url


def _build_row(version: Row, timestamp: str, url: str, bodies: BodyReader, corpus: Slice) -> Row:
    year, season = season_of(timestamp)
    digest = queries.read_body_digest(corpus.connection, version["capture_id"])
    body = bodies.load(digest) if digest else b""
    is_pdf = body[:1024].lstrip().startswith(b"%PDF-")
    archive = version["archive"] or WAYBACK_MACHINE
    visit = {key: version[key] for key in _VISIT}
    return dict.fromkeys(_NOT_KNOWN) | {
        "crawl_time": queries.read_fetched_at(corpus.connection, version["capture_id"]),
        "site_url": version["site"],
        "policy_snapshot_url": build_uri_m(archive, timestamp, url),
        "year": year,
        "season": season,
        "policy_text": plain_text(version["text"]),
        "policy_source": b64encode(body).decode() if is_pdf else decode_body(body, None).text,
        "policy_filetype": "pdf" if is_pdf else "html",
        "visit_info": json.dumps(visit, ensure_ascii=False),
    }


def _type(column: str) -> str:
    return "integer" if column in ("year", "alexa_rank", "exact_match") else "text"
