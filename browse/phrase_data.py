"""What the page of phrases, its table, its picture and its files are made of."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import urlencode

from policy_archive.browse.search_filters import settle_filters
from policy_archive.crawler.core.errors import UsageError
from policy_archive.pipelines.exchange.csv_lines import format_csv_line
from policy_archive.pipelines.store.mark import read_mark
from policy_archive.pipelines.store.phrases import (
    MOST_PHRASES,
    Event,
    Phrase,
    Spans,
    find_told,
    iter_events,
    read_spans,
    study_phrases,
)
from policy_archive.pipelines.store.queries import Row
from policy_archive.pipelines.store.search import SearchFilters
from policy_archive.pipelines.store.search_syntax import as_phrase
from policy_archive.pipelines.store.snippets import unmark

_SECONDS = 5.0
_SHOWN = 6
_A_PAGE = 25
IN_A_FILE = 200
"""Rows of each list in a file of the server: each needs its text read; the command gives all."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the page was asked for."""

    texts: tuple[str, ...]
    filters: SearchFilters
    event: Event | None = None
    """The one list that is shown, of the phrase `of`; None: the beginnings of all."""
    of: int = 0
    page: int = 0

    def query(self, **other: Any) -> str:
        """Return the part of an address behind the question mark."""
        given = [("q", text) for text in self.texts]
        given += [(name, value) for name, value in vars(self.filters).items() if value]
        return urlencode([*given, *((name, value) for name, value in other.items() if value is not None)])


@dataclass(frozen=True, kw_only=True)
class EventList:
    """One list of the page."""

    event: Event
    count: int
    """Of all that are the policies' own changes."""
    passed_over: int
    """Changes of the page around a text, which are not listed."""
    rows: list[Row]
    """The newest first; see phrases.iter_events."""
    has_more: bool


@dataclass(frozen=True, kw_only=True)
class Studied:
    """A phrase as the page shows it."""

    phrase: Phrase
    search: str
    """What a search for it is asked."""
    lists: list[EventList] = field(default_factory=list)
    first: Row | None = None
    """The first change with which it was taken in."""

    @property
    def last_year(self) -> Row | None:
        """The newest year in which any document was seen."""
        return next((row for row in reversed(self.phrase.years) if row["documents"]), None)


def parse_asked(connection: sqlite3.Connection, args: Mapping[str, Sequence[str]]) -> Asked:
    """Return what an address asks for; raises UsageError or NotKnownError with a sentence."""

    def one(name: str) -> str | None:
        return next(iter(args.get(name, ())), "").strip() or None

    texts = tuple(dict.fromkeys(text.strip() for text in args.get("q", ()) if text.strip()))
    if len(texts) > MOST_PHRASES:
        raise UsageError(f"Those are {len(texts)} phrases: {MOST_PHRASES} at the most.")
    event, of, page = one("list"), one("of") or "0", one("page") or "0"
    if event and event not in set(Event):
        raise UsageError(f"“{event[:40]}” is no list: {', '.join(Event)} are.")
    return Asked(
        texts=texts,
        filters=settle_filters(
            connection, SearchFilters(site=one("site"), kind=one("kind"), language=one("language"))
        ),
        event=Event(event) if event else None,
        of=int(of) if of.isascii() and of.isdecimal() and int(of) < len(texts) else 0,
        page=int(page) if page.isascii() and page.isdecimal() and len(page) < 5 else 0,
    )


_KEPT: dict[str, tuple[str, Spans]] = {}
"""The spans of one corpus, by its path, with the mark of what they were read from."""
_KEEPING = Lock()


def _read_spans(connection: sqlite3.Connection) -> Spans:
    """Return the spans of the whole corpus as they were kept, if nothing was written since."""
    path = str(connection.execute("pragma database_list").fetchone()[2])
    mark = read_mark(Path(path))
    with _KEEPING:
        kept = _KEPT.get(path)
    if kept and kept[0] == mark:
        return kept[1]
    spans = read_spans(connection)
    with _KEEPING:
        _KEPT.clear()  # one corpus at a time is looked at
        _KEPT[path] = mark, spans
    return spans


def study(connection: sqlite3.Connection, asked: Asked) -> tuple[Spans, list[Phrase]]:
    """Return what the corpus has to say of the phrases."""
    return study_phrases(
        connection, asked.texts, asked.filters, spans=_read_spans(connection), seconds=_SECONDS
    )


def read_studied(connection: sqlite3.Connection, asked: Asked) -> list[Studied]:
    """Return each phrase with its lists: the newest of each, or a page of the one that is asked for."""
    spans, phrases = study(connection, asked)
    studied = []
    for number, phrase in enumerate(phrases):
        if asked.event is not None and number != asked.of:
            continue
        wanted = list(Event) if asked.event is None else [asked.event]
        told = {event: find_told(connection, spans, phrase.events[event]) for event in wanted}
        first = told.get(Event.TOOK_IN, [])[:1]
        studied.append(
            Studied(
                phrase=phrase,
                search=as_phrase(phrase.text),
                lists=[_read_list(connection, spans, phrase, event, told[event], asked) for event in wanted],
                first=next(iter_events(connection, spans, phrase, Event.TOOK_IN, first), None),
            )
        )
    return studied


def _read_list(
    connection: sqlite3.Connection,
    spans: Spans,
    phrase: Phrase,
    event: Event,
    told: Sequence[int],
    asked: Asked,
) -> EventList:
    start, size = (0, _SHOWN) if asked.event is None else (asked.page * _A_PAGE, _A_PAGE)
    shown = told[::-1][start : start + size]
    return EventList(
        event=event,
        count=len(told),
        passed_over=len(phrase.events[event]) - len(told),
        rows=list(iter_events(connection, spans, phrase, event, shown)),
        has_more=start + size < len(told),
    )


def build_json(connection: sqlite3.Connection, asked: Asked) -> str:
    """Return all of it as JSON; `left_out` counts the rows of a list for which the server has no time."""
    spans, phrases = study(connection, asked)
    whole = {
        "filters": {name: value for name, value in vars(asked.filters).items() if value},
        "phrases": [
            {
                "phrase": phrase.text,
                "years": phrase.years,
                "events": list(_iter_rows(connection, spans, phrase)),
                "left_out": sum(max(len(places) - IN_A_FILE, 0) for places in phrase.events.values()),
            }
            for phrase in phrases
        ],
    }
    return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"


def _iter_rows(connection: sqlite3.Connection, spans: Spans, phrase: Phrase) -> Iterator[Row]:
    for event, places in phrase.events.items():
        for row in iter_events(connection, spans, phrase, event, places[::-1][:IN_A_FILE]):
            yield row | {"sentence": unmark(row["sentence"])}


def build_csv(connection: sqlite3.Connection, asked: Asked, *, documents: bool) -> str:
    """Return a row a year; with `documents` one for each time that a phrase was taken in or dropped."""
    spans, phrases = study(connection, asked)
    rows: list[Row] = [
        row
        for phrase in phrases
        for row in (
            _iter_rows(connection, spans, phrase)
            if documents
            else ({"phrase": phrase.text, **year} for year in phrase.years)
        )
    ]
    return "".join(map(format_csv_line, [list(rows[0]), *(row.values() for row in rows)])) if rows else ""
