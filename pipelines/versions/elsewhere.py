"""What stands on a site's other pages, and when: a line that does is of the site, not of one of its policies.

Pure: the same pages give the same answers, in whatever order they came. A page that is the document in other
clothes (a front page that is the policy, two documents of one page) is no witness of it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from policy_archive.crawler.core.timestamps import parse_timestamp
from policy_archive.pipelines.versions.lines import Line

Span = tuple[str, str]
"""First and last timestamp, 14 digits each."""

_NEAR_DAYS = 366
"""Pages so far apart are of one time: home pages are read once a year or less."""
_OWN_SHARE = 0.25
"""Of a document's prose: a page with as much of it is that document."""


@dataclass(frozen=True, kw_only=True)
class SeenPage:
    """A page of the site, as it stood for some time."""

    document_id: str
    span: Span
    lines: Sequence[str]
    """Markdown, as in texts; of a home page all that a reader sees."""
    places: Sequence[int] | None = None
    """Of each line, as in `Run`; None: not known."""
    is_home: bool = False


class Elsewhere:
    """What one document's site shows on its other pages."""

    def on_home(self, key: str, span: Span) -> bool:
        """Return whether a line stands on the site's home page of that time; `key` is `Line.key`."""
        return False

    def beside_others(self, key: str, span: Span) -> bool:
        """Return whether a line stands beside the text of another document of that time."""
        return False


NOWHERE = Elsewhere()
"""Of no other page anything is known."""


class SiteLines:
    """The lines of all pages of a site."""

    def __init__(self, pages: Iterable[SeenPage]) -> None:
        self._prose: dict[str, set[str]] = defaultdict(set)
        self._homes: set[str] = set()
        self._days: dict[str, dict[str, list[tuple[int, int]]]] = defaultdict(lambda: defaultdict(list))
        lines: dict[str, Line] = {}
        for page in pages:
            self._note(page, lines)
        self._spans = {
            key: {document: _merged(days) for document, days in found.items()}
            for key, found in self._days.items()
        }
        self._days.clear()

    def _note(self, page: SeenPage, lines: dict[str, Line]) -> None:
        first, last = (_day(timestamp) for timestamp in page.span)
        if page.is_home:
            self._homes.add(page.document_id)
        places = page.places if page.places is not None else [0] * len(page.lines)
        for text, place in zip(page.lines, places, strict=False):
            if not text or text.isspace():
                continue
            line = lines.setdefault(text, Line(text=text))
            if line.is_prose:
                self._prose[page.document_id].add(line.key)
            if page.is_home or place:
                self._days[line.key][page.document_id].append((first, last))

    def around(self, document_id: str) -> Elsewhere:
        """Return what stands on the other pages than a document's own."""
        own = self._prose.get(document_id, set())
        witnesses = {
            other
            for other in {document for found in self._spans.values() for document in found}
            if other != document_id and len(own & self._prose.get(other, set())) <= _OWN_SHARE * len(own)
        }
        return _Around(self._spans, self._homes & witnesses, witnesses - self._homes)


_Days = list[tuple[int, int]]


@dataclass(frozen=True)
class _Around(Elsewhere):
    spans: dict[str, dict[str, _Days]]
    homes: set[str]
    others: set[str]

    def on_home(self, key: str, span: Span) -> bool:
        return self._stands(key, span, self.homes)

    def beside_others(self, key: str, span: Span) -> bool:
        return self._stands(key, span, self.others)

    def _stands(self, key: str, span: Span, documents: set[str]) -> bool:
        found = self.spans.get(key)
        if not found or not all(span):
            return False
        first, last = (_day(timestamp) for timestamp in span)
        return any(
            _meets(days, first - _NEAR_DAYS, last + _NEAR_DAYS)
            for document, days in found.items()
            if document in documents
        )


def _merged(days: _Days) -> _Days:
    """Return stretches of days in order, those that overlap joined."""
    merged: _Days = []
    for first, last in sorted(days):
        if merged and first <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(last, merged[-1][1])
        else:
            merged.append((first, last))
    return merged


def _meets(days: _Days, first: int, last: int) -> bool:
    """Return whether one of the stretches, which are in order and apart, meets that one."""
    index = bisect_right(days, (last, last)) - 1
    return (index >= 0 and days[index][1] >= first) or (index + 1 < len(days) and days[index + 1][0] <= last)


def _day(timestamp: str) -> int:
    return parse_timestamp(timestamp).toordinal()
