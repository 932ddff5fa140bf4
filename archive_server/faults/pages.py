"""The index's rows as they really are: doubled, damaged, unknown, cut at awkward places."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from policy_archive.archive_server.faults.base import Fault, When, index
from policy_archive.archive_server.index import Line, Page, Query, build_new_key, build_old_key
from policy_archive.crawler.core.records import CDX_FIELDS

TIMESTAMP, ORIGINAL, MIMETYPE, STATUSCODE, DIGEST, LENGTH = (
    CDX_FIELDS.index(name) for name in ("timestamp", "original", "mimetype", "statuscode", "digest", "length")
)


@dataclass(kw_only=True)
class _Lines(Fault):
    """Changes lines one by one, every `every`-th of a page."""

    every: int = 1
    when: When = index

    def edit_page(self, query: Query, page: Page) -> Page:
        lines: list[Line] = []
        for number, line in enumerate(page.lines):
            lines += self.edit_line(line) if number % self.every == 0 else (line,)
        return replace(page, lines=tuple(lines))

    def edit_line(self, line: Line) -> tuple[Line, ...]:
        """Return what stands in the line's place."""
        raise NotImplementedError


@dataclass(kw_only=True)
class Duplicates(_Lines):
    """Lines stand there twice."""

    def edit_line(self, line: Line) -> tuple[Line, ...]:
        return line, line


@dataclass(kw_only=True)
class Twins(_Lines):
    """Lines are followed by one of the same second, but of the other scheme and without a known digest."""

    def edit_line(self, line: Line) -> tuple[Line, ...]:
        scheme, _, rest = line[ORIGINAL].partition("://")
        other = f"{'http' if scheme == 'https' else 'https'}://{rest}"
        return line, (*line[:ORIGINAL], other, *line[MIMETYPE:DIGEST], "-", line[LENGTH])


@dataclass(kw_only=True)
class MalformedRows(_Lines):
    """Lines that are no rows stand between the rows: too short, too long, 13 digits, no digits, junk."""

    def edit_line(self, line: Line) -> tuple[Line, ...]:
        thirteen = (line[0], line[TIMESTAMP][:13], *line[2:])
        words = (line[0], "not-a-date-atal", *line[2:])
        impossible = (line[0], "20209999999999", *line[2:])
        return line, line[:4], (*line, "extra"), thirteen, words, impossible, ("some/not/even/url/thing",)


@dataclass(kw_only=True)
class JunkOriginals(_Lines):
    """Rows of addresses that nobody can fetch, beside the good ones."""

    def edit_line(self, line: Line) -> tuple[Line, ...]:
        junk = (
            "http://mailto:info@x.org",
            "data:text/plain,x",
            "http://127.0.0.1/admin",
            "http://x.org/<script>",
        )
        return line, *((*line[:ORIGINAL], address, *line[ORIGINAL + 1 :]) for address in junk)


@dataclass(kw_only=True)
class UnknownFields(_Lines):
    """Status, type and length unknown: `-`, `unk`, `-`; the capture replays as ever."""

    def edit_line(self, line: Line) -> tuple[Line, ...]:
        return ((*line[:MIMETYPE], "unk", "-", line[DIGEST], "-"),)


@dataclass(kw_only=True)
class NegativeLength(_Lines):
    """A length below zero."""

    def edit_line(self, line: Line) -> tuple[Line, ...]:
        return ((*line[:LENGTH], "-974"),)


@dataclass(kw_only=True)
class BadTimestamps(_Lines):
    """Timestamps as the crawls of 2000 left them: `00` before the month, the seconds cut."""

    def edit_line(self, line: Line) -> tuple[Line, ...]:
        timestamp = line[TIMESTAMP]
        return ((line[0], f"{timestamp[:4]}00{timestamp[4:12]}", *line[2:]),)


@dataclass(kw_only=True)
class Revisit(Fault):
    """Rows whose digest stood before on the page become `warc/revisit` with status `-`."""

    when: When = index

    def edit_page(self, query: Query, page: Page) -> Page:
        seen: set[str] = set()
        lines: list[Line] = []
        for line in page.lines:
            again = line[DIGEST] in seen
            seen.add(line[DIGEST])
            lines.append((*line[:MIMETYPE], "warc/revisit", "-", *line[DIGEST:]) if again else line)
        return replace(page, lines=tuple(lines))


@dataclass(kw_only=True)
class ResumeKey(Fault):
    """Resume keys of other kinds than today's.

    `old`: the Java server's, which skips rows of the same second after the cut.
    `repeats`: the same key for ever. `cycles`: two keys in turn. `empty-page`: the
    first page has no rows but a key. `none`: the answer is cut and no key says so.
    """

    style: str = "old"
    when: When = index

    def edit_page(self, query: Query, page: Page) -> Page:
        match self.style:
            case "old" if page.next_key:
                return replace(page, next_key=build_old_key(page.lines[-1]))
            case "repeats":
                return replace(page, next_key="com%2Cexample%29%2F+20180101000000")
            case "cycles":
                turn = "even" if query.resume_key.endswith("odd") else "odd"
                return replace(page, next_key=f"com%2Cexample%29%2F+2018{turn}")
            case "empty-page" if page.lines and not query.resume_key:
                first = page.lines[0]
                return Page(lines=(), next_key=build_old_key((first[0], "0", *first[2:])))
            case "none":
                return replace(page, next_key=None)
        return page


@dataclass(kw_only=True)
class Endless(Fault):
    """Every page of the index is full of rows that nobody has seen, and names a next one."""

    rows_a_page: int = 1000
    when: When = index
    _pages: int = field(default=0, init=False, repr=False)
    _base: Line | None = field(default=None, init=False, repr=False)

    def edit_page(self, query: Query, page: Page) -> Page:
        if not page.lines and self._base is None:  # another address, which the archive does not know
            return page
        base = self._base = self._base or page.lines[0]
        start, self._pages = self._pages * self.rows_a_page, self._pages + 1
        first = datetime(1997, 1, 1, tzinfo=UTC)
        stamps = (
            (first + timedelta(seconds=60 * number)).strftime("%Y%m%d%H%M%S")
            for number in range(start, start + self.rows_a_page)
        )
        lines = tuple((base[0], stamp, *base[2:]) for stamp in stamps)
        return replace(page, lines=lines, next_key=build_new_key(lines[-1]))
