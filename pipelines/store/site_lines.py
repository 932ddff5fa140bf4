"""The pages of a site as its documents' changes are judged by them, and whether they were."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from functools import cached_property
from itertools import groupby

from policy_archive.crawler.core.records import Document, Kind
from policy_archive.pipelines.store.captures import parse_places
from policy_archive.pipelines.store.rows import HAS_TEXT
from policy_archive.pipelines.store.stored_texts import read_text
from policy_archive.pipelines.versions.elsewhere import NOWHERE, Elsewhere, SeenPage, SiteLines

_RULES = 2
"""Raised whenever the same pages can give other classes than before: all sites are judged anew then."""

_MARKED = f"""
select capture_id, text_sha256, extractor, line_places is null from captures
join extractions on capture_id = captures.id and current
where document_id in (select id from documents where site = :site) and {HAS_TEXT} order by capture_id
"""  # noqa: S608 (a constant)
_HOMES = """
select captures.id as id, timestamp, lines from home_lines join captures on captures.id = capture_id
where document_id = :home order by timestamp, captures.id
"""
_TEXTS = f"""
select document_id, timestamp, text_sha256, line_places from captures
join extractions on capture_id = captures.id and current
where document_id in (select id from documents where site = :site) and {HAS_TEXT}
order by document_id, timestamp, original
"""  # noqa: S608 (a constant)


class JudgedBy:
    """What the classes of a site's changes hang on, beside each document's own texts: read when asked for."""

    def __init__(self, connection: sqlite3.Connection, site: str) -> None:
        self._connection = connection
        self._site = site

    @cached_property
    def mark(self) -> str:
        """A digest of all readings of the site that count, whoever was read first."""
        digest = hashlib.sha256(f"{_RULES}".encode())
        values = {"site": self._site, "home": Document(site=self._site, kind=Kind.HOME).id}
        for row in self._connection.execute(_MARKED, values):
            digest.update("\t".join(map(str, tuple(row))).encode())
        for row in self._connection.execute(_HOMES, values):
            digest.update(f"{row['id']} {row['lines']}".encode())
        return digest.hexdigest()[:16]

    @cached_property
    def is_current(self) -> bool:
        """Whether the stored classes were judged by these very readings."""
        stored = self._connection.execute(
            "select judged_by from sites where site = ?", (self._site,)
        ).fetchone()
        return stored is not None and stored["judged_by"] == self.mark

    @cached_property
    def _lines(self) -> SiteLines:
        return SiteLines(_iter_pages(self._connection, self._site))

    @cached_property
    def _is_alone(self) -> bool:
        """Whether the site has one document and no home page that was read."""
        home = Document(site=self._site, kind=Kind.HOME).id
        (documents, homes) = self._connection.execute(
            """select (select count(*) from documents where site = ? and id <> ?),
                exists (select 1 from home_lines join captures on id = capture_id where document_id = ?)""",
            (self._site, home, home),
        ).fetchone()
        return documents <= 1 and not homes

    def around(self, document: Document) -> Elsewhere:
        """Return what stands on the other pages of a document's site."""
        return NOWHERE if self._is_alone else self._lines.around(document.id)


def _iter_pages(connection: sqlite3.Connection, site: str) -> Iterator[SeenPage]:
    """Yield the home pages, and the texts of all documents, each with the time from first to last capture."""
    home = Document(site=site, kind=Kind.HOME).id
    for row in connection.execute(_HOMES, {"home": home}):
        yield SeenPage(
            document_id=home,
            span=(row["timestamp"], row["timestamp"]),
            lines=json.loads(row["lines"]),
            is_home=True,
        )
    rows = connection.execute(_TEXTS, {"site": site}).fetchall()
    for (document_id, sha256), group in groupby(
        rows, key=lambda row: (row["document_id"], row["text_sha256"])
    ):
        run = list(group)
        lines = read_text(connection, sha256).split("\n")
        for cell in dict.fromkeys(row["line_places"] for row in run):
            yield SeenPage(
                document_id=document_id,
                span=(run[0]["timestamp"], run[-1]["timestamp"]),
                lines=lines,
                places=parse_places(cell, len(lines)),
            )
