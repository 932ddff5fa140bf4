"""How many documents say a phrase, year by year, and which took it in or dropped it.

One reading of `versions` answers for every phrase: a text that the index finds is looked up in it. That
reading (`Spans`) can be kept for as long as the database stays as it is.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from policy_archive.pipelines.store import queries
from policy_archive.pipelines.store.queries import IS_TOLD, Row
from policy_archive.pipelines.store.search import SearchFilters, explained
from policy_archive.pipelines.store.search_syntax import as_phrase, parse_query
from policy_archive.pipelines.store.snippets import cut_sentence
from policy_archive.pipelines.store.stored_texts import read_numbered_text

MOST_PHRASES = 5
"""Phrases that are set side by side: more lines than that no reader tells apart."""
_SECONDS = 60.0
_READ_AT_ONCE = 500
_FIRST_OF_ITS_DOCUMENT = -1
_NO_VERSION = 2
_YEARS_OF_A_NUMBER = 62
"""Bits of a machine's number that years may take; more of them are Python's own numbers, and slower."""
Column = NDArray[Any]


class Event(StrEnum):
    """What a document did with a phrase."""

    TOOK_IN = "took-in"
    """A version says it, the one before did not."""
    DROPPED = "dropped"
    """A version does not say it, the one before did."""
    FIRST_SEEN = "first-seen"
    """The first version known says it: since when is not known, so nobody took anything in."""


@dataclass(frozen=True, kw_only=True)
class Spans:
    """Every version asked about in order of time, as parallel columns; years as bits from `base` on."""

    base: int
    documents: list[str]
    """Ids of documents; `document` counts in it."""
    document: Column
    version: Column
    text: Column
    """`texts.id`."""
    seen: Column
    """Years from the first capture of the version to the last: in those it stood."""
    before: Column
    """Years of the interval in which it replaced the version before; 0 for a first one."""
    previous: Column
    """Place of the document's version before, or -1."""
    order: Column
    """The places by document, each document's in order of time."""
    starts: Column
    """Where in `order` each document that has a version begins."""
    stood: Column
    """By document: the years in which any of its versions stood."""
    counts: Counter[int]
    """By year: how many documents stood."""
    unseen: Counter[int]
    """By year: how many are known before and after it, but not in it."""

    def gather(self, years: Column) -> Column:
        """Return for each document all years that its versions have, by place."""
        gathered = np.zeros(len(self.documents), dtype=years.dtype)
        if len(self.order):
            which = self.document[self.order[self.starts]]
            gathered[which] = np.bitwise_or.reduceat(years[self.order], self.starts)
        return gathered


@dataclass(frozen=True, kw_only=True)
class Phrase:
    """What a corpus has to say of one phrase."""

    text: str
    """As it was typed."""
    years: list[Row]
    """`year`; `saying`: documents of which a version that stood in the year says it; `possible`: those, and
    documents that may have said it before or after they were seen in the year, for it came or went in an
    interval that reaches into it; `documents`: all that were seen in the year, or lay between two sights of
    one text; `unseen`: known before and after it, but not in it; `share` and `share_possible` of
    `documents`, 0 to 1, None without any."""
    events: dict[Event, list[int]]
    """Places in the spans of the versions with which it came or went, the oldest first."""
    returning: frozenset[int]
    """Places of TOOK_IN where an earlier version had said it already."""


def read_spans(connection: sqlite3.Connection) -> Spans:
    """Return all versions, in a quarter of a second for 200,000."""
    ids: list[str] = []
    version: list[int] = []
    text: list[int] = []
    years: list[str] = []
    for part in _iter_columns(connection):
        ids += part[0].split(",")
        version += json.loads(f"[{part[1]}]")
        text += json.loads(f"[{part[2]}]")
        years += part[3].split(",")
    numbers = {id: number for number, id in enumerate(dict.fromkeys(ids))}
    intervals = {text: _Years.parse(text) for text in set(years)}  # of which there are few
    base = min((one.earliest for one in intervals.values()), default=0)
    span = max((one.last for one in intervals.values()), default=0) - base
    bits = np.int64 if span < _YEARS_OF_A_NUMBER else object
    seen = {text: one.seen(base) for text, one in intervals.items()}
    before = {text: one.before(base) for text, one in intervals.items()}
    return _sum_spans(
        base=base,
        documents=list(numbers),
        document=np.array(list(map(numbers.__getitem__, ids)), dtype=np.int64),
        version=np.array(version, dtype=np.int64),
        text=np.array(text, dtype=np.int64),
        seen=np.array(list(map(seen.__getitem__, years)), dtype=bits),
        before=np.array(list(map(before.__getitem__, years)), dtype=bits),
    )


def _sum_spans(
    *,
    base: int,
    documents: list[str],
    document: Column,
    seen: Column,
    before: Column,
    is_narrowed: bool = False,
    **columns: Column,
) -> Spans:
    order = np.argsort(document, kind="stable")
    sorted_ = document[order]
    is_next = np.zeros(len(order), dtype=bool)
    is_next[1:] = sorted_[1:] == sorted_[:-1]
    previous = np.full(len(order), _FIRST_OF_ITS_DOCUMENT, dtype=np.int64)
    previous[order[1:][is_next[1:]]] = order[:-1][is_next[1:]]
    spans = Spans(
        base=base,
        documents=documents,
        document=document,
        seen=seen,
        # the version before may have been left out, and the interval with it
        before=np.where(previous >= 0, before, 0).astype(before.dtype) if is_narrowed else before,
        previous=previous,
        order=order,
        starts=np.flatnonzero(~is_next),
        stood=np.zeros(0, dtype=seen.dtype),
        counts=Counter(),
        unseen=Counter(),
        **columns,
    )
    stood, between = spans.gather(seen), spans.gather(spans.before)
    counts, unseen = _count_years(base, stood), _count_years(base, between & ~stood)
    return replace(spans, stood=stood, counts=counts, unseen=unseen)


def narrow_spans(connection: sqlite3.Connection, spans: Spans, filters: SearchFilters) -> Spans:
    """Return those versions that the filters leave."""
    if filters == SearchFilters():
        return spans
    kept = np.ones(len(spans.document), dtype=bool)
    if filters.site or filters.kind:
        wanted = _find_documents(connection, filters)
        chosen = np.fromiter((id in wanted for id in spans.documents), dtype=bool, count=len(spans.documents))
        kept &= chosen[spans.document]
    if filters.language:
        kept &= _flag_texts(spans, _find_in_language(connection, filters.language))
    if filters.year:
        bit = 1 << filters.first_year - spans.base if filters.first_year >= spans.base else 0
        is_known = bit.bit_length() <= _YEARS_OF_A_NUMBER or spans.seen.dtype == object
        kept &= (spans.seen & (bit if is_known else 0)).astype(bool)
    return _sum_spans(
        is_narrowed=True,
        base=spans.base,
        documents=spans.documents,
        document=spans.document[kept],
        version=spans.version[kept],
        text=spans.text[kept],
        seen=spans.seen[kept],
        before=spans.before[kept],
    )


def _flag_texts(spans: Spans, texts: Column) -> Column:
    """Return for each version whether its text is one of these, by `texts.id`."""
    if not len(spans.text):
        return np.zeros(0, dtype=bool)
    flags = np.zeros(int(spans.text.max()) + 1, dtype=bool)
    flags[texts[texts < len(flags)]] = True
    return flags[spans.text]


def _parse_ids(text: str | None) -> Column:
    return np.array(json.loads(f"[{text or ''}]"), dtype=np.int64)


def _find_documents(connection: sqlite3.Connection, filters: SearchFilters) -> set[str]:
    wanted = {name: value for name, value in (("site", filters.site), ("kind", filters.kind)) if value}
    conditions = " and ".join(f"{name} = :{name}" for name in wanted)
    return {row[0] for row in connection.execute(f"select id from documents where {conditions}", wanted)}  # noqa: S608


def _find_in_language(connection: sqlite3.Connection, language: str) -> Column:
    sql = """select group_concat(texts.id) from extractions cross join texts
        on texts.sha256 = extractions.text_sha256 where extractions.current and extractions.language = ?"""
    return _parse_ids(connection.execute(sql, (language,)).fetchone()[0])


def _iter_columns(connection: sqlite3.Connection) -> Iterator[tuple[str, ...]]:
    """Yield the versions that begin in each year, in order of time: ids, numbers, texts, packed years.

    Each as one text with commas: 200,000 rows of Python objects took twice as long to make as all the rest,
    and one text of all years could be longer than SQLite's limit. The index has every column and the order,
    so that no row is touched and nothing sorted; of versions that begin in one second the earlier ended
    first, or came first after the one before.
    """
    ends = connection.execute("select min(first_timestamp), max(first_timestamp) from versions").fetchone()
    if ends[0] is None:
        return
    sql = """select group_concat(document_id), group_concat(version), group_concat(text_id),
            group_concat(substr(first_timestamp, 1, 4) || substr(last_timestamp, 1, 4)
                || coalesce(substr(changed_after, 1, 4), ''))
        from versions indexed by versions_time where first_timestamp >= ? and first_timestamp < ?"""
    for year in range(int(ends[0][:4]), int(ends[1][:4]) + 1):
        row = connection.execute(sql, (f"{year:04}", f"{year + 1:04}")).fetchone()
        if row[0] is not None:
            yield tuple(row)


@dataclass(frozen=True)
class _Years:
    """Years in which a version was seen first and last, and the one before it last (None: there is none)."""

    first: int
    last: int
    after: int | None

    @classmethod
    def parse(cls, packed: str) -> _Years:
        return cls(int(packed[:4]), int(packed[4:8]), int(packed[8:]) if packed[8:] else None)

    @property
    def earliest(self) -> int:
        return self.first if self.after is None else self.after

    def seen(self, base: int) -> int:
        return _bits(self.first - base, self.last - base)

    def before(self, base: int) -> int:
        return 0 if self.after is None else _bits(self.after - base, self.first - base)


def _bits(first: int, last: int) -> int:
    """Return a number of which the bits from the first to the last are set."""
    return (2 << last) - (1 << first)


def _count_years(base: int, by_document: Column) -> Counter[int]:
    every = int(np.bitwise_or.reduce(by_document)) if len(by_document) else 0
    years = (offset for offset in range(every.bit_length()) if every >> offset & 1)
    return Counter({base + offset: int(((by_document >> offset) & 1).sum()) for offset in years})


def study_phrases(
    connection: sqlite3.Connection,
    texts: Sequence[str],
    filters: SearchFilters,
    *,
    spans: Spans | None = None,
    seconds: float = _SECONDS,
) -> tuple[Spans, list[Phrase]]:
    """Return each phrase, as search_syntax.as_phrase reads it, with the years from the first that says one.

    `spans` is what read_spans gave, where it was kept; returned are those that the filters leave. Raises
    UsageError as search.search_versions does.
    """
    queried = [parse_query(as_phrase(text)) for text in texts]
    with explained(connection, seconds):
        if spans is None:
            spans = read_spans(connection)
        spans = narrow_spans(connection, spans, filters)
        found = [_find_saying(connection, spans, query.match) for query in queried]
    counted = [_count_saying(spans, said) for said in found]
    first = min((min(saying) for saying, _ in counted if saying), default=None)
    years = range(first, max(spans.counts) + 1) if first is not None else range(0)
    studied = []
    for text, said, (saying, possible) in zip(texts, found, counted, strict=True):
        rows = [_describe_year(year, saying, possible, spans) for year in years]
        events, returning = _find_events(spans, said)
        studied.append(Phrase(text=text, years=rows, events=events, returning=returning))
    return spans, studied


@dataclass(frozen=True)
class _Said:
    """Which versions say a phrase, 1 or 0, at their places in the spans."""

    now: Column
    earlier: Column
    """The same of the document's version before; 2 where there is none."""


def _find_saying(connection: sqlite3.Connection, spans: Spans, match: str) -> _Said:
    sql = "select group_concat(rowid) from texts_search where texts_search match ?"
    found = _parse_ids(connection.execute(sql, (match,)).fetchone()[0])
    now = _flag_texts(spans, found).astype(np.int8)
    # a place of -1 is that of the 2 at the end
    return _Said(now, np.append(now, np.int8(_NO_VERSION))[spans.previous])


def _count_saying(spans: Spans, said: _Said) -> tuple[Counter[int], Counter[int]]:
    """Return by year how many documents said it for certain, and how many at the most."""
    saying = spans.gather(np.where(said.now == 1, spans.seen, 0).astype(spans.seen.dtype))
    # a version that says it may have come at once after the last sight of the one before; where it says it no
    # more, the one before may have stood until now
    turned = said.now != said.earlier
    near = spans.gather(np.where(turned, spans.before, 0).astype(spans.before.dtype))
    possible = saying | (near & spans.stood)
    return _count_years(spans.base, saying), _count_years(spans.base, possible)


def _describe_year(year: int, saying: Counter[int], possible: Counter[int], spans: Spans) -> Row:
    documents = spans.counts[year]
    return {
        "year": year,
        "saying": saying[year],
        "possible": possible[year],
        "documents": documents,
        "unseen": spans.unseen[year],
        "share": _share(saying[year], documents),
        "share_possible": _share(possible[year], documents),
    }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _find_events(spans: Spans, said: _Said) -> tuple[dict[Event, list[int]], frozenset[int]]:
    says = np.flatnonzero(said.now)
    took_in = np.flatnonzero((said.now == 1) & (said.earlier == 0))
    # of several places of a document the last one written stays: its first
    first_said = np.zeros(len(spans.documents), dtype=np.int64)
    first_said[spans.document[says[::-1]]] = says[::-1]
    returning = took_in[first_said[spans.document[took_in]] < took_in]
    events = {
        Event.TOOK_IN: took_in,
        Event.DROPPED: np.flatnonzero((said.now == 0) & (said.earlier == 1)),
        Event.FIRST_SEEN: np.flatnonzero((said.now == 1) & (said.earlier == _NO_VERSION)),
    }
    return {event: events[event].tolist() for event in Event}, frozenset(returning.tolist())


def find_told(connection: sqlite3.Connection, spans: Spans, places: Sequence[int]) -> list[int]:
    """Return the places of changes that are the policy's own, not the page's around it (versions.class).

    First versions are no changes, and all of them are returned.
    """
    sql = f"select {IS_TOLD} from versions where document_id = ? and version = ?"  # noqa: S608
    return [
        place
        for place in places
        if spans.previous[place] < 0 or connection.execute(sql, _key(spans, place)).fetchone()[0]
    ]


def iter_events(
    connection: sqlite3.Connection, spans: Spans, phrase: Phrase, event: Event, places: Sequence[int]
) -> Iterator[Row]:
    """Yield what became of a phrase at some places of it, in their order.

    `phrase`, `event`; `site`, `kind`, `name`; `version`: with which it came or went; `changed_after` …
    `first_captured`: the interval in which that was (`changed_after` None: before the first capture, when is
    not known); `again`: an earlier version had said it; `class`, see versions.class; `timestamp` and
    `before_timestamp`: 14 digits of the version and of the one before, None for a first one; `sentence`:
    where it stands, or stood, between snippets.BEGIN and END.
    """
    needles = parse_query(as_phrase(phrase.text)).needles
    for start in range(0, len(places), _READ_AT_ONCE):
        part = places[start : start + _READ_AT_ONCE]
        rows = queries.read_versions(connection, [_key(spans, place) for place in part])
        before = [place for place in (int(spans.previous[place]) for place in part) if place >= 0]
        stamps = _read_stamps(connection, [_key(spans, place) for place in before])
        for place, row in zip(part, rows, strict=True):
            earlier = int(spans.previous[place])
            # the text that says it: of a phrase that was dropped the one before
            text_id = int(spans.text[earlier if event is Event.DROPPED else place])
            yield {
                "phrase": phrase.text,
                "event": str(event),
                **{name: row[name] for name in ("site", "kind", "name", "version")},
                "changed_after": row["changed_after"],
                "first_captured": row["first_captured"],
                "again": place in phrase.returning,
                "class": row["class"],
                "timestamp": row["timestamp"],
                "before_timestamp": stamps.get(_key(spans, earlier)) if earlier >= 0 else None,
                "sentence": cut_sentence(read_numbered_text(connection, text_id), needles),
            }


def _key(spans: Spans, place: int) -> tuple[str, int]:
    return spans.documents[int(spans.document[place])], int(spans.version[place])


def _read_stamps(
    connection: sqlite3.Connection, keys: Sequence[tuple[str, int]]
) -> dict[tuple[str, int], str]:
    sql = "select first_timestamp from versions where document_id = ? and version = ?"
    return {key: connection.execute(sql, key).fetchone()[0] for key in keys}
