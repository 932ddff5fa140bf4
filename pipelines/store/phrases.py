"""How many documents say a phrase, year by year, and which took it in or dropped it.

One reading of `versions` answers for every phrase: a text that the index finds is looked up in it. That
reading (`Spans`) can be kept for as long as the database stays as it is.
"""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import compress, count

from policy_archive.pipelines.store import queries
from policy_archive.pipelines.store.queries import IS_TOLD, Row
from policy_archive.pipelines.store.search import SearchFilters, explained
from policy_archive.pipelines.store.search_syntax import as_phrase, parse_query
from policy_archive.pipelines.store.snippets import cut_sentence

MOST_PHRASES = 5
"""Phrases that are set side by side: more lines than that no reader tells apart."""
_SECONDS = 60.0
_READ_AT_ONCE = 500
_FIRST_OF_ITS_DOCUMENT = -1


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
    """Every version asked about in order of time, as parallel lists; years as sets of bits from `base` on."""

    base: int
    documents: list[str]
    """Ids of documents; `document` counts in it."""
    document: list[int]
    version: list[int]
    text: list[int]
    """`texts.id`."""
    seen: list[int]
    """Years from the first capture of the version to the last: in those it stood."""
    before: list[int]
    """Years of the interval in which it replaced the version before; 0 for a first one."""
    previous: list[int]
    """Place of the document's version before, or -1."""


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


def read_spans(connection: sqlite3.Connection, filters: SearchFilters) -> Spans:
    """Return all versions that the filters leave, in 0.2 s for 200,000."""
    conditions, values = filters.conditions()
    source = "versions indexed by versions_time"  # which has every column, so that no row is touched
    if conditions:
        source = "versions join documents on documents.id = versions.document_id"
    cursor = connection.cursor()
    cursor.row_factory = None
    rows = cursor.execute(
        f"""select document_id, version, text_id, substr(first_timestamp, 1, 4) + 0,
            substr(last_timestamp, 1, 4) + 0, substr(changed_after, 1, 4) + 0
        from {source} where 1 {conditions} order by first_timestamp, version""",  # noqa: S608
        values,
    ).fetchall()
    return _fold_spans(rows)


def _fold_spans(rows: Sequence[tuple[str, int, int, int, int, int | None]]) -> Spans:
    base = min((row[5] or row[3] for row in rows), default=0)
    bits = _YearBits(base)
    numbers: dict[str, int] = defaultdict(count().__next__)
    newest: dict[int, int] = {}
    document, version, text, seen, before, previous = [], [], [], [], [], []
    for place, (id, number, text_id, first, last, after) in enumerate(rows):
        which = numbers[id]
        document.append(which)
        version.append(number)
        text.append(text_id)
        seen.append(bits[first, last])
        # of a filtered corpus the version before may be left out, and the interval with it
        earlier = newest.get(which, _FIRST_OF_ITS_DOCUMENT)
        before.append(bits[after, first] if after is not None and earlier >= 0 else 0)
        previous.append(earlier)
        newest[which] = place
    return Spans(
        base=base,
        documents=list(numbers),
        document=document,
        version=version,
        text=text,
        seen=seen,
        before=before,
        previous=previous,
    )


class _YearBits(dict[tuple[int, int], int]):
    """Maps (first, last) to the bits of those years; there are few pairs."""

    def __init__(self, base: int) -> None:
        self._base = base

    def __missing__(self, pair: tuple[int, int]) -> int:
        first, last = pair
        self[pair] = (2 << (last - self._base)) - (1 << (first - self._base)) if last >= first else 0
        return self[pair]


def study_phrases(
    connection: sqlite3.Connection,
    texts: Sequence[str],
    filters: SearchFilters,
    *,
    spans: Spans | None = None,
    seconds: float = _SECONDS,
) -> tuple[Spans, list[Phrase]]:
    """Return each phrase, as search_syntax.as_phrase reads it, with the years from the first that says one.

    `spans` is what read_spans gave for these filters, where it was kept. Raises UsageError as
    search.search_versions does.
    """
    queried = [parse_query(as_phrase(text)) for text in texts]
    with explained(connection, seconds):
        if spans is None:
            spans = read_spans(connection, filters)
        found = [_flag_saying(connection, spans, query.match) for query in queried]
    seen, unseen = _sum_documents(spans)
    counted = [_count_saying(spans, said) for said in found]
    first = min((min(saying) for saying, _ in counted if saying), default=None)
    years = range(first, max(seen) + 1) if first is not None else range(0)
    studied = []
    for text, said, (saying, possible) in zip(texts, found, counted, strict=True):
        rows = [_describe_year(year, saying, possible, seen, unseen) for year in years]
        events, returning = _find_events(spans, said)
        studied.append(Phrase(text=text, years=rows, events=events, returning=returning))
    return spans, studied


def _flag_saying(connection: sqlite3.Connection, spans: Spans, match: str) -> bytearray:
    """Return for each version 1 if it says it, 0 if not; and behind them a 2, which stands for no version."""
    cursor = connection.cursor()
    cursor.row_factory = None
    ids = cursor.execute("select rowid from texts_search where texts_search match ?", (match,)).fetchall()
    found = {id for (id,) in ids}
    said = bytearray(map(found.__contains__, spans.text))
    said.append(2)
    return said


def _sum_documents(spans: Spans) -> tuple[Counter[int], Counter[int]]:
    """Return by year how many documents were seen, and how many only before and after it."""
    seen = _gather(spans, zip(spans.document, spans.seen, strict=True))
    between = _gather(spans, zip(spans.document, spans.before, strict=True))
    return (
        _count_years(spans, seen),
        _count_years(spans, [gap & ~stood for gap, stood in zip(between, seen, strict=True)]),
    )


def _count_saying(spans: Spans, said: bytearray) -> tuple[Counter[int], Counter[int]]:
    """Return by year how many documents said it for certain, and how many at the most."""
    saying = _gather(spans, zip(compress(spans.document, said), compress(spans.seen, said), strict=True))
    # where a version says it, it may have done so since the last sight of the one before; where it says it
    # no more, the one before may have stood until now
    near = [
        (spans.document[place], spans.before[place])
        for place, earlier in enumerate(spans.previous)
        if earlier >= 0 and (said[place] or said[earlier])
    ]
    seen = _gather(spans, zip(spans.document, spans.seen, strict=True))
    possible = [
        sure | (gap & stood) for sure, gap, stood in zip(saying, _gather(spans, near), seen, strict=True)
    ]
    return _count_years(spans, saying), _count_years(spans, possible)


def _gather(spans: Spans, pairs: Iterable[tuple[int, int]]) -> list[int]:
    """Return for each document all years that it has in the pairs."""
    years = [0] * len(spans.documents)
    for document, bits in pairs:
        years[document] |= bits
    return years


def _count_years(spans: Spans, by_document: Iterable[int]) -> Counter[int]:
    counted: Counter[int] = Counter()
    for bits, documents in Counter(by_document).items():
        for offset in range(bits.bit_length()):
            if bits >> offset & 1:
                counted[spans.base + offset] += documents
    return counted


def _describe_year(
    year: int, saying: Counter[int], possible: Counter[int], seen: Counter[int], unseen: Counter[int]
) -> Row:
    return {
        "year": year,
        "saying": saying[year],
        "possible": possible[year],
        "documents": seen[year],
        "unseen": unseen[year],
        "share": _share(saying[year], seen[year]),
        "share_possible": _share(possible[year], seen[year]),
    }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _find_events(spans: Spans, said: bytearray) -> tuple[dict[Event, list[int]], frozenset[int]]:
    events: dict[Event, list[int]] = {event: [] for event in Event}
    returning = set()
    have_said: set[int] = set()
    earlier = bytes(map(said.__getitem__, spans.previous))  # -1 is the 2 at the end
    for place in (place for place, pair in enumerate(zip(said, earlier, strict=False)) if pair[0] != pair[1]):
        document = spans.document[place]
        if earlier[place] == 2:
            if not said[place]:
                continue
            events[Event.FIRST_SEEN].append(place)
        elif said[place]:
            events[Event.TOOK_IN].append(place)
            if document in have_said:
                returning.add(place)
        else:
            events[Event.DROPPED].append(place)
        have_said.add(document)
    return events, frozenset(returning)


def find_told(connection: sqlite3.Connection, spans: Spans, places: Sequence[int]) -> list[int]:
    """Return the places of changes that are the policy's own, not the page's around it (versions.class)."""
    sql = f"select {IS_TOLD} from versions where document_id = ? and version = ?"  # noqa: S608
    return [place for place in places if connection.execute(sql, _key(spans, place)).fetchone()[0]]


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
        before = [place for place in (spans.previous[place] for place in part) if place >= 0]
        stamps = _read_stamps(connection, [_key(spans, place) for place in before])
        for place, row in zip(part, rows, strict=True):
            earlier = spans.previous[place]
            # the text that says it: of a phrase that was dropped the one before
            text_id = spans.text[earlier if event is Event.DROPPED else place]
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
                "sentence": cut_sentence(_read_text(connection, text_id), needles),
            }


def _key(spans: Spans, place: int) -> tuple[str, int]:
    return spans.documents[spans.document[place]], spans.version[place]


def _read_stamps(
    connection: sqlite3.Connection, keys: Sequence[tuple[str, int]]
) -> dict[tuple[str, int], str]:
    sql = "select first_timestamp from versions where document_id = ? and version = ?"
    return {key: connection.execute(sql, key).fetchone()[0] for key in keys}


def _read_text(connection: sqlite3.Connection, text_id: int) -> str:
    row = connection.execute("select text from texts_search_content where id = ?", (text_id,)).fetchone()
    return str(row[0])
