"""The pages: a connection and what was asked for in, HTML out. Datasette and `publish` share them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment

from browse import corpus
from browse.addresses import Addresses, DocumentKey
from browse.citation import Citation, cite_version
from browse.filters import build_environment, show_day
from browse.markdown import render_markdown
from browse.searching import build_match
from browse.sections import lay_out
from browse.timeline import Move, Span, Tick, draw_timeline
from crawler.errors import UsageError
from crawler.records import Outcome
from pipelines.diffing import diff_texts

_SITES_ON_HOME = 400
_HITS_A_PAGE = 20
_JUNK = {Outcome.NOT_A_POLICY, Outcome.ERROR_PAGE, Outcome.BLOCKED, Outcome.EMPTY, Outcome.FOREIGN}


class PageNotFoundError(UsageError):
    """There is no such site, document or version."""


@cache
def _templates() -> Environment:
    return build_environment()


@dataclass(frozen=True, kw_only=True)
class Pages:
    """Renders every page with one set of addresses."""

    addresses: Addresses
    database_address: str | None = None
    """Where Datasette shows the tables; None in a static copy."""

    def _render(self, template: str, **values: Any) -> str:
        shared = {"feed_address": None, "query": None, "database_address": self.database_address}
        page = _templates().get_template(template)
        return page.render({**shared, "addresses": self.addresses, **values})

    def render_message(self, heading: str, message: str, *, site: str | None = None) -> str:
        """Return a page of one sentence."""
        return self._render("message.html", heading=heading, message=message, site=site)

    def render_home(self, connection: sqlite3.Connection) -> str:
        """Return what is in the corpus."""
        return self._render(
            "home.html",
            overview=corpus.read_overview(connection),
            sites=corpus.list_sites(connection, limit=_SITES_ON_HOME),
        )

    def render_site(self, connection: sqlite3.Connection, site: str) -> str:
        """Return a site's documents with their timelines and versions."""
        row, histories = corpus.read_site(connection, site)
        if row is None:
            raise PageNotFoundError(f"{site} is not in this corpus.")
        return self._render(
            "site.html",
            site=site,
            row=row,
            histories=histories,
            timelines=[self._draw(history) for history in histories],
            feed_address=self.addresses.feed(site),
            compare_address=f"{self.addresses.base}/-/compare/{site}",
        )

    def _draw(self, history: corpus.DocumentHistory) -> Any:
        from markupsafe import Markup

        spans = [self._span(history.key, row) for row in history.versions]
        ticks = [
            Tick(
                timestamp=row["timestamp"],
                fetched=row["outcome"] == Outcome.TEXT,
                junk=row["outcome"] in _JUNK,
            )
            for row in history.captures
        ]
        title = f"Timeline of the {history.key.kind} document, {len(spans)} versions"
        return Markup(draw_timeline(spans, ticks, _find_moves(history.captures), title=title))  # noqa: S704

    def _span(self, key: DocumentKey, row: corpus.Row) -> Span:
        days = f"{show_day(row['first_timestamp'])} to {show_day(row['last_timestamp'])}"
        label = f"Version {row['version']}, {days}"
        if row["changed_after"]:
            label += f", changed after {show_day(row['changed_after'])}"
        return Span(
            number=row["version"],
            first=row["first_timestamp"],
            last=row["last_timestamp"],
            changed_after=row["changed_after"],
            label=label,
            href=self.addresses.version(key, row["first_timestamp"]),
            returns_to=row["returns_to"],
        )

    def render_version(self, connection: sqlite3.Connection, key: DocumentKey, timestamp: str) -> str:
        """Return a version's text and where it comes from."""
        document, version = find_version(connection, key, timestamp)
        evidence = corpus.read_evidence(connection, version["capture_id"])
        listed = corpus.list_versions(connection, document["id"])
        number = version["version"]
        return self._render(
            "version.html",
            key=key,
            version=version,
            listed=listed[number - 1],
            before=listed[number - 2] if number > 1 else None,
            after=listed[number] if number < len(listed) else None,
            evidence=evidence,
            owner=document,
            text=render_markdown(version["text"]),
            citation=_cite(version, evidence),
            feed_address=self.addresses.feed(key.site),
        )

    def render_diff(
        self,
        connection: sqlite3.Connection,
        old: tuple[DocumentKey, str],
        new: tuple[DocumentKey, str],
        *,
        side_by_side: bool = True,
        other_view: str | None = None,
    ) -> str:
        """Return what differs between two versions, each (document, timestamp)."""
        _, old_version = find_version(connection, *old)
        _, new_version = find_version(connection, *new)
        diff = diff_texts(old_version["text"], new_version["text"])
        return self._render(
            "diff.html",
            old_key=old[0],
            new_key=new[0],
            old=old_version,
            new=new_version,
            diff=diff,
            sections=lay_out(diff),
            side_by_side=side_by_side,
            other_view=other_view,
        )

    def render_search(
        self, connection: sqlite3.Connection, query: str, filters: corpus.SearchFilters, *, page: int = 0
    ) -> str:
        """Return one page of hits, or a sentence that says what is wrong with the query."""
        values: dict[str, Any] = {"query": query, "filters": filters, "result": None, "message": None}
        values |= {"previous_address": None, "next_address": None}
        if query:
            try:
                values |= self._find(connection, query, filters, page)
            except UsageError as error:
                values["message"] = str(error)
        return self._render("search.html", **values)

    def _find(
        self, connection: sqlite3.Connection, query: str, filters: corpus.SearchFilters, page: int
    ) -> dict[str, Any]:
        result = corpus.search_versions(
            connection, build_match(query), filters, limit=_HITS_A_PAGE, offset=page * _HITS_A_PAGE
        )
        asked = {"q": query, **{name: value for name, value in vars(filters).items() if value}}
        shown = (page + 1) * _HITS_A_PAGE
        base = self.addresses.search()
        return {
            "result": result,
            "previous_address": f"{base}?{urlencode({**asked, 'page': page - 1})}" if page else None,
            "next_address": f"{base}?{urlencode({**asked, 'page': page + 1})}"
            if result.hits > shown
            else None,
            "feed_address": f"{self.addresses.base}/-/search.atom?{urlencode(asked)}",
        }


def find_version(
    connection: sqlite3.Connection, key: DocumentKey, timestamp: str
) -> tuple[corpus.Row, corpus.Row]:
    """Return the document and the version that held at a timestamp; raises PageNotFoundError."""
    document = corpus.find_document(connection, key)
    if document is None:
        raise PageNotFoundError(f"{key.site} has no document “{key.segment}” in this corpus.")
    version = corpus.read_version(connection, document["id"], timestamp)
    if version is None:
        raise PageNotFoundError(f"Nothing is known of this document before {show_day(timestamp)}.")
    return document, version


def version_at(connection: sqlite3.Connection, key: DocumentKey, day: date) -> tuple[str | None, str]:
    """Return (timestamp of the version in force on a day, '') or (None, what is not known)."""
    document = corpus.find_document(connection, key)
    versions = corpus.list_versions(connection, document["id"]) if document else []
    if not versions:
        raise PageNotFoundError(f"{key.site} has no versions of “{key.segment}” in this corpus.")
    return _choose_at(versions, day)


def _choose_at(versions: Sequence[corpus.Row], day: date) -> tuple[str | None, str]:
    wanted = f"{day:%Y%m%d}"
    begun = [row for row in versions if row["first_timestamp"][:8] <= wanted]
    if not begun:
        first = show_day(versions[0]["first_timestamp"])
        return None, f"The first capture is of {first}: what held on {day} is not known."
    current = begun[-1]
    if current["last_timestamp"][:8] >= wanted:
        return current["first_timestamp"], ""
    if current is versions[-1]:
        last = show_day(current["last_timestamp"])
        return None, f"Version {current['version']} was last seen on {last}: later captures are not known."
    following = versions[len(begun)]
    return None, (
        f"{day} lies in an interval of change: version {current['version']} was last seen on "
        f"{show_day(current['last_timestamp'])}, version {following['version']} first on "
        f"{show_day(following['first_timestamp'])}. Either may have held."
    )


def _find_moves(captures: Sequence[corpus.Row]) -> list[Move]:
    """Return where a document that has a text is first seen at another address."""
    moves: list[Move] = []
    current = None
    for row in captures:
        if row["outcome"] != Outcome.TEXT or row["urlkey"] == current:
            continue
        if current is not None:
            label = f"Seen at {row['original']} from {show_day(row['timestamp'])}"
            moves.append(Move(timestamp=row["timestamp"], label=label))
        current = row["urlkey"]
    return moves


def _cite(version: corpus.Row, evidence: dict[str, Any]) -> Citation:
    digest = evidence["digest"]
    return cite_version(dict(version), archived_digest=digest if digest != "-" else None)


def render_version_file(
    connection: sqlite3.Connection, key: DocumentKey, timestamp: str, extension: str
) -> tuple[str, str]:
    """Return (content type, text) of a version as `md`, `json`, `bib` or `csl.json`."""
    document, version = find_version(connection, key, timestamp)
    if extension == "md":
        from pipelines.outputs.document import render_document

        names = ("site", "kind", "name", "timestamp", "title", "text")
        text = render_document(**{name: version[name] for name in names}, original=version["url"])
        return "text/markdown; charset=utf-8", text
    evidence = corpus.read_evidence(connection, version["capture_id"])
    if extension == "json":
        whole = {**dict(version), "digest": evidence["digest"], "owner_reason": document["owner_reason"]}
        return "application/json; charset=utf-8", json.dumps(whole, ensure_ascii=False, indent=2)
    citation = _cite(version, evidence)
    if extension == "bib":
        return "application/x-bibtex; charset=utf-8", citation.bibtex
    return "application/vnd.citationstyles.csl+json; charset=utf-8", citation.csl_json
