"""The pages: a connection and what was asked for in, HTML out. Datasette and `publish` share them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, partial
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment

from policy_archive.browse import corpus, phrase_data
from policy_archive.browse.caching import version_of_file
from policy_archive.browse.changes_asked import CLASSES, parse_changes_asked
from policy_archive.browse.citing import (
    Quote,
    build_quote,
    describe_change_page,
    describe_version_page,
    frame_quote,
    plain_quote,
)
from policy_archive.browse.comparison import Comparison, read_comparison
from policy_archive.browse.days import list_days
from policy_archive.browse.diff_html import build_document
from policy_archive.browse.filters import build_environment
from policy_archive.browse.markdown import TextLinks, render_markdown
from policy_archive.browse.overview import Order, read_matrix
from policy_archive.browse.phrase_svg import draw_phrases
from policy_archive.browse.quotes import quote_changes, quote_diff
from policy_archive.browse.saying import describe_saying
from policy_archive.browse.search_filters import settle_filters
from policy_archive.browse.section_story import tell_story
from policy_archive.browse.security import COPY_POLICY, SEARCH_POLICY
from policy_archive.browse.timeline_data import draw_history
from policy_archive.browse.version_rows import list_rows
from policy_archive.crawler.core.errors import NotKnownError, PolicyArchiveError, UsageError
from policy_archive.crawler.core.records import POLICY_KINDS, Document, Kind
from policy_archive.crawler.core.steering import clean_text
from policy_archive.crawler.core.vocabularies import OwnerRelation, SiteOutcome
from policy_archive.pipelines.exchange.corpus_format import render_version
from policy_archive.pipelines.outputs.addresses import Addresses, document_of
from policy_archive.pipelines.outputs.citation import cite_version
from policy_archive.pipelines.store import queries
from policy_archive.pipelines.store import search as hits
from policy_archive.pipelines.store.at import read_at
from policy_archive.pipelines.store.monitoring.news import count_between, list_learnt
from policy_archive.pipelines.store.packed import is_dense
from policy_archive.pipelines.store.phrases import MOST_PHRASES
from policy_archive.pipelines.store.queries import Row
from policy_archive.pipelines.store.search_syntax import as_phrase, parse_query
from policy_archive.pipelines.text import count_words
from policy_archive.pipelines.versions.change import classify_change
from policy_archive.pipelines.versions.classes import PASSED_OVER
from policy_archive.pipelines.versions.diff import Diff, diff_texts
from policy_archive.pipelines.versions.gist import Change, change_from_values, describe_change

LONGEST_AT_ONCE = 200_000
"""Characters of two texts that are compared beside other readers' requests: half a second at the worst."""
_SITES_ON_HOME = 300
_HITS_A_PAGE = 20
CHANGES_A_PAGE = 20
CHANGES_PAGES = 25
"""Pages of changes in a static copy: the newest 500; the rest stands with the sites."""
_QUOTED_CHARACTERS = 1_500_000
"""Of texts that are compared for the quotations of one page: a quarter of a second."""
_FOLLOWED_CHARACTERS = 30_000_000
"""Of all versions of a document whose sections are followed: some two seconds."""
_TELLING_WORDS = 12
"""A preview begins with the first paragraph that has so many: no date, no line of contents."""
FILE_TYPES = {
    "md": "text/markdown; charset=utf-8",
    "json": "application/json; charset=utf-8",
    "bib": "application/x-bibtex; charset=utf-8",
    "csl.json": "application/vnd.citationstyles.csl+json; charset=utf-8",
    "ris": "application/x-research-info-systems; charset=utf-8",
}
"""Endings of the files that a version is given as."""


@cache
def _templates() -> Environment:
    return build_environment()


@dataclass(frozen=True, kw_only=True)
class Pages:
    """Renders every page with one set of addresses."""

    addresses: Addresses
    database_address: str | None = None
    """Where Datasette shows the tables; None in a static copy."""
    download: str | None = None
    """Where a static copy has its database."""
    root: str | None = None
    """What makes an address absolute, for those who read it elsewhere; None where it is not known."""

    def _render(self, template: str, **values: Any) -> str:
        shared = {
            "content_policy": COPY_POLICY if self.addresses.static else None,
            "download": self.download,
            "feed_address": None,
            "query": None,
            "database_address": self.database_address,
            "meta": None,
        }
        page = _templates().get_template(template)
        return page.render({**shared, "addresses": self.addresses, **values})

    def render_message(self, heading: str, message: str, *, site: str | None = None) -> str:
        """Return a page of one sentence."""
        return self._render("message.html", heading=heading, message=clean_text(message), site=site)

    def render_home(self, connection: sqlite3.Connection) -> str:
        """Return what is in the corpus."""
        # a static copy has nobody to ask for a site: its list is the whole of it
        most = -1 if self.addresses.static else _SITES_ON_HOME
        return self._render(
            "home.html",
            overview=corpus.read_overview(connection),
            sites=corpus.list_sites(connection, limit=most),
            is_dense=is_dense(connection),
        )

    def render_site(
        self, connection: sqlite3.Connection, site: str, *, years: tuple[int, int] | None = None
    ) -> str:
        """Return a site's documents with their timelines and versions; raises NotKnownError.

        `years` (the first and the last) is the time that timelines show, else all.
        """
        row, histories = corpus.read_site(connection, site)
        return self._render(
            "site.html",
            site=site,
            row=row,
            histories=histories,
            found=SiteOutcome.FOUND,
            compared=_choose_compared(histories),
            remarkable_owners=[relation for relation in OwnerRelation if relation.is_remarkable],
            timelines=[draw_history(history, self.addresses, years=years) for history in histories],
            rows=[list_rows(history.versions) for history in histories],
            years=years,
            feed_address=self.addresses.feed(site),
        )

    def render_version(
        self,
        connection: sqlite3.Connection,
        document: Document,
        timestamp: str,
        *,
        day: date | None = None,
        asked: str | None = None,
        sought: str | None = None,
        paragraph: int | None = None,
    ) -> str:
        """Return a version's text and where it comes from; what was `sought` (as typed) is marked in it.

        `day`, `asked` (14 digits): the day, the instant that was asked for where it is not the version's own.
        `paragraph`: the number of the one that is to be quoted; the page shows it with its proof.
        """
        version = corpus.read_version(connection, document, timestamp)
        evidence = corpus.read_evidence(connection, document, version["version"])
        before, after = corpus.find_neighbours(connection, document, version["version"])
        has_neighbours = before is not None or after is not None
        links = self._link_text(document, timestamp, is_elsewhere=day is not None, has_story=has_neighbours)
        text = render_markdown(version["text"], needles=_needles(sought), links=links)
        address = self._whole(self.addresses.version(document, timestamp))
        quoted = _quote_paragraph(version, text.paragraphs, paragraph, address)
        citation = cite_version(version, archived_digest=evidence["first_digest"])
        return self._render(
            "version.html",
            key=document,
            version=version,
            before=before,
            after=after,
            evidence=evidence,
            doubt=queries.list_doubts(connection, document).get(version["version"]),
            text=text,
            sought=sought,
            citation=citation,
            quoted=quoted,
            # a copy has no page for each paragraph: our script fills this in
            frame=frame_quote(version) if self.addresses.static else None,
            meta=describe_version_page(
                version,
                citation,
                address=address,
                quoted=quoted,
                text=next((words for words in text.paragraphs if count_words(words) >= _TELLING_WORDS), ""),
            ),
            feed_address=self.addresses.feed(document.site),
            day=day,
            asked=asked,
        )

    def _whole(self, address: str) -> str:
        """Return an address as others may keep it."""
        return f"{self.root}{address}" if self.root else address

    def _link_text(
        self, document: Document, timestamp: str, *, is_elsewhere: bool, has_story: bool
    ) -> TextLinks:
        """Return where the paragraphs and headings of a version lead; `is_elsewhere`: the page has another
        address than the version."""
        page = self.addresses.version(document, timestamp) if is_elsewhere else ""
        return TextLinks(
            paragraph=page if self.addresses.static else page + "?p={}",
            section=partial(self.addresses.section, document, timestamp) if has_story else None,
        )

    def render_section(
        self, connection: sqlite3.Connection, document: Document, timestamp: str, anchor: str
    ) -> str:
        """Return the history of a section, that of the heading which a version has at an anchor.

        Raises NotKnownError when it has none there, UsageError when the texts are too long to be followed.
        """
        known = corpus.read_texts(connection, document)
        told = [
            (version, text)
            for version, text in known
            if version["class"] not in PASSED_OVER or version["timestamp"] == timestamp
        ]
        if sum(len(text) for _, text in told) > _FOLLOWED_CHARACTERS:
            raise UsageError("The versions of this document are too long to be followed section by section.")
        start = [version["timestamp"] for version, _ in told].index(timestamp)
        try:
            story = tell_story(
                [version for version, _ in told],
                [text for _, text in told],
                start,
                anchor,
                passed_over=len(known) - len(told),
                characters=_QUOTED_CHARACTERS,
            )
        except KeyError as error:
            raise NotKnownError(f"This version has no heading “{anchor.removeprefix('s-')[:60]}”.") from error
        return self._render(
            "section.html",
            key=document,
            story=story,
            text=render_markdown(story.section.text),
            feed_address=self.addresses.feed(document.site),
        )

    def render_at(self, connection: sqlite3.Connection, document: Document, day: date) -> str:
        """Return the version in force on a day, or what is known around it; raises NotKnownError."""
        versions = queries.list_versions(connection, document)
        if not versions:
            corpus.read_version(connection, document, f"{day:%Y%m%d}000000")  # raises
        found = read_at(connection, document, day)
        if found["version"] is not None:
            stamp = versions[found["version"] - 1]["timestamp"]
            return self.render_version(connection, document, stamp, day=day)
        return self._render(
            "at.html",
            key=document,
            day=day,
            before=versions[found["before_version"] - 1] if found["before_version"] else None,
            after=versions[found["after_version"] - 1] if found["after_version"] else None,
            feed_address=self.addresses.feed(document.site),
        )

    def render_diff(
        self,
        connection: sqlite3.Connection,
        old: tuple[Document, str],
        new: tuple[Document, str],
        *,
        side_by_side: bool = True,
        other_view: str | None = None,
    ) -> str:
        """Return what differs between two versions, each (document, timestamp)."""
        return self.render_comparison(
            self.read_comparison(connection, old, new), side_by_side=side_by_side, other_view=other_view
        )

    def read_comparison(
        self, connection: sqlite3.Connection, old: tuple[Document, str], new: tuple[Document, str]
    ) -> Comparison:
        """Return all that the page of a difference asks of the corpus; raises NotKnownError."""
        return read_comparison(connection, self.addresses, old, new)

    def render_comparison(
        self, compared: Comparison, *, side_by_side: bool = True, other_view: str | None = None
    ) -> str:
        """Return what differs between two versions that were read."""
        old, new = compared.old, compared.new
        diff = diff_texts(old.version["text"], new.version["text"])
        gist = describe_change(_find_change(compared, diff))
        citation = compared.cite(gist)
        return self._render(
            "diff.html",
            old_key=old.key,
            new_key=new.key,
            old=old.version,
            new=new.version,
            diff=diff,
            gist=gist,
            next_versions=compared.is_step,
            steps=compared.steps,
            citation=citation,
            document=build_document(
                diff, old.version["text"], new.version["text"], side_by_side=side_by_side
            ),
            meta=describe_change_page(
                old.version,
                new.version,
                citation,
                address=self._whole(
                    self.addresses.diff(old.key, old.version["timestamp"], new.key, new.version["timestamp"])
                ),
                said=plain_quote(quote_diff(diff)),
                gist=gist,
            ),
            side_by_side=side_by_side,
            other_view=other_view,
        )

    def render_changes(
        self, connection: sqlite3.Connection, asked: Mapping[str, str], *, page: int = 0
    ) -> str:
        """Return what became known, newest first; `asked` has `since` (a day), `class`, `kind`, `site`.

        Raises UsageError for what is none of these, NotKnownError for a site that is not there.
        """
        wanted = parse_changes_asked(connection, asked)
        found = list_learnt(connection, wanted, limit=CHANGES_A_PAGE + 1, offset=page * CHANGES_A_PAGE)
        rows = found[:CHANGES_A_PAGE]
        is_narrowed = wanted.everything or wanted.change_class is not None
        passed_over = (
            count_between(connection, wanted, newest=rows[0]["news_id"], oldest=rows[-1]["news_id"])
            if rows and not is_narrowed
            else None
        )
        given = urlencode({name: text for name, text in asked.items() if text})
        has_more = len(found) > len(rows) and not (self.addresses.static and page + 1 >= CHANGES_PAGES)
        return self._render(
            "changes.html",
            rows=quote_changes(connection, rows, characters=_QUOTED_CHARACTERS),
            passed_over=passed_over,
            asked={name: asked.get(name, "") for name in ("since", "class", "kind", "site")},
            kinds=POLICY_KINDS,
            classes=CLASSES,
            previous_address=self.addresses.changes(page - 1, given) if page else None,
            next_address=self.addresses.changes(page + 1, given) if has_more else None,
        )

    def render_overview(self, connection: sqlite3.Connection, asked: Mapping[str, str]) -> str:
        """Return sites and quarters; `asked` has `kind`, `order` and `until` (a year). Raises UsageError."""
        kind = settle_filters(connection, hits.SearchFilters(kind=asked.get("kind") or None)).kind
        order, until = asked.get("order") or Order.CHANGES, asked.get("until") or ""
        if order not in set(Order):
            raise UsageError(f"“{order[:40]}” is no order: {', '.join(Order)} are.")
        if until and not (until.isascii() and until.isdecimal() and len(until) == 4):
            raise UsageError(f"“{until[:20]}” is no year: write four digits, like 2018.")
        wanted = kind or str(Kind.PRIVACY)
        matrix = read_matrix(
            connection, kind=wanted, order=Order(order), last_year=int(until) if until else None
        )
        return self._render("overview.html", matrix=matrix, kinds=POLICY_KINDS, kind_words=Kind(wanted).label)

    def render_days(self, connection: sqlite3.Connection, document: Document) -> str:
        """Return what held on each day, as one table."""
        versions = queries.list_versions(connection, document)
        return self._render(
            "days.html",
            key=document,
            spans=list_days(versions),
            feed_address=self.addresses.feed(document.site),
        )

    def render_static_search(self) -> str:
        """Return the page of a static copy that searches, with a script."""
        up = self.addresses.base
        return self._render(
            "static_search.html",
            index="./pagefind/parts.json",  # from the script's own address
            script=f"{up}/-/search.js?v={version_of_file('search.js')}",
            licence=f"{up}/-/pagefind/LICENSE.txt",
            content_policy=SEARCH_POLICY,
        )

    def render_phrases(self, connection: sqlite3.Connection, args: Mapping[str, Sequence[str]]) -> str:
        """Return who says some phrases, or a sentence that says what is wrong with them."""
        values: dict[str, Any] = {"asked": phrase_data.Asked(texts=(), filters=hits.SearchFilters())}
        values |= {"studied": [], "message": None, "picture": "", "asked_query": ""}
        try:
            asked = phrase_data.parse_asked(connection, args)
            values |= {"asked": asked, "asked_query": asked.query()}
            if asked.texts:
                values["studied"] = phrase_data.read_studied(connection, asked)
                values["picture"] = draw_phrases([one.phrase for one in values["studied"]])
        except (NotKnownError, UsageError) as error:
            values["message"] = str(error)
        return self._render(
            "phrase.html",
            kinds=POLICY_KINDS,
            most=MOST_PHRASES,
            in_a_file=phrase_data.IN_A_FILE,
            **values,
        )

    def find_change(
        self,
        connection: sqlite3.Connection,
        old: tuple[Document, str],
        new: tuple[Document, str],
        sought: str,
    ) -> str:
        """Return the address of the change in which a phrase came or went, of the difference else."""
        address = self.addresses.diff(*old, *new)
        texts = [corpus.read_version(connection, key, at)["text"] for key, at in (old, new)]
        needles = _needles(as_phrase(sought))
        if not needles or sum(map(len, texts)) > LONGEST_AT_ONCE:
            return address
        document = build_document(diff_texts(*texts), *texts, side_by_side=True)
        number = document.find_change(needles)
        return f"{address}#c{number}" if number else address

    def render_search(
        self, connection: sqlite3.Connection, query: str, filters: hits.SearchFilters, *, page: int = 0
    ) -> str:
        """Return one page of hits, or a sentence that says what is wrong with the query."""
        values: dict[str, Any] = {"query": query, "filters": filters, "result": None, "message": None}
        values |= {"previous_address": None, "next_address": None, "site": None}
        if query:
            try:
                filters = settle_filters(connection, filters)
                values |= self._find(connection, query, filters, page) | {"filters": filters}
            except (NotKnownError, UsageError) as error:
                values["message"] = str(error)
            values["site"] = _known_site(connection, query)
        return self._render("search.html", kinds=POLICY_KINDS, **values)

    def _find(
        self, connection: sqlite3.Connection, query: str, filters: hits.SearchFilters, page: int
    ) -> dict[str, Any]:
        result = hits.search_versions(
            connection,
            query,
            filters,
            limit=_HITS_A_PAGE,
            offset=page * _HITS_A_PAGE,
            by_document=True,
        )
        keys = [document_of(row).id for row in result.rows]
        saying = hits.list_saying(connection, query, keys)
        asked = {"q": query, **{name: value for name, value in vars(filters).items() if value}}
        base = self.addresses.search()
        wider = urlencode({**asked, "q": result.wider or ""})
        return {
            "result": result,
            "saying": [describe_saying(saying[key]) for key in keys],
            "sought": urlencode({"q": query}),
            "wider_address": f"{base}?{wider}",
            "previous_address": f"{base}?{urlencode({**asked, 'page': page - 1})}" if page else None,
            "next_address": f"{base}?{urlencode({**asked, 'page': page + 1})}" if result.has_more else None,
            "feed_address": f"{self.addresses.search_feed()}?{urlencode(asked)}",
        }


def _find_change(compared: Comparison, diff: Diff) -> Change:
    """Return the kind of change that a difference is: as it is stored, where it was of these two texts (what
    another reader's text was compared with has other words), for that takes a quarter of a long page."""
    stored = compared.new.version["change"] if compared.is_step else None
    counted = {"words_added": diff.words_added, "words_removed": diff.words_removed}
    if stored and all(stored.get(name) == number for name, number in counted.items()):
        return change_from_values(stored)
    return classify_change(diff)


def _quote_paragraph(
    version: Row, paragraphs: Sequence[str], number: int | None, address: str
) -> Quote | None:
    """Return the paragraph that was asked for; None for a number that the text has not."""
    if number is None or not 0 < number <= len(paragraphs):
        return None
    return build_quote(version, number=number, text=paragraphs[number - 1], address=f"{address}?p={number}")


def _needles(sought: str | None) -> tuple[str, ...]:
    """Return the patterns that find what was typed; none for what cannot be read."""
    try:
        return parse_query(sought).needles if sought else ()
    except UsageError:
        return ()


def _choose_compared(histories: Sequence[corpus.DocumentHistory]) -> list[tuple[Document, str]]:
    """Return the two versions that a form for any two begins with, (document, timestamp) each.

    The last two of the first document that has two; else those of two documents: never one with itself.
    """
    for history in histories:
        if len(history.versions) > 1:
            return [(history.key, row["timestamp"]) for row in history.versions[-2:]]
    return [(history.key, history.versions[-1]["timestamp"]) for history in histories if history.versions][:2]


def _known_site(connection: sqlite3.Connection, text: str) -> str | None:
    """Return the site that somebody typed in place of words to search for; None when it is none."""
    if "." not in text or " " in text:
        return None
    try:
        return queries.find_site(connection, text)
    except PolicyArchiveError:
        return None


def render_version_file(
    connection: sqlite3.Connection, document: Document, timestamp: str, extension: str
) -> str:
    """Return a version as `md`, `json`, `bib`, `csl.json` or `ris` (FILE_TYPES); raises NotKnownError."""
    version = corpus.read_version(connection, document, timestamp)
    if extension == "md":
        return render_version(version)
    evidence = corpus.read_evidence(connection, document, version["version"])
    if extension == "json":
        return json.dumps(_whole(version, evidence), ensure_ascii=False, indent=2) + "\n"
    citation = cite_version(version, archived_digest=evidence["first_digest"])
    return {"bib": citation.bibtex, "csl.json": citation.csl_json, "ris": citation.ris}[extension]


def _whole(version: Row, evidence: Row) -> Row:
    """Return a version with where it comes from and how good it is."""
    proof = {name: value for name, value in evidence.items() if name not in version}
    return {**version, "source": proof}
