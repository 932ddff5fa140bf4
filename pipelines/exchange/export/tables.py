"""The tidy tables that CSV, JSON lines, Parquet, workbooks and releases are made of.

They join by `document_id`, `versions.capture_id` → `captures`; `path` is where a Markdown export writes the
text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from policy_archive.pipelines.exchange.export.markdown_tree import iter_paths
from policy_archive.pipelines.store.selection import Row, Slice
from policy_archive.pipelines.text import count_words, iter_headings

Type = Literal["string", "integer", "number", "boolean", "date", "datetime", "array"]
"""As a table schema names types (Data Package v2); an `array` is a list, JSON where a format has none."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a table."""

    name: str
    type: Type
    what: str
    """One sentence, for people."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table: its columns in order, its key, and its rows."""

    name: str
    what: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    iter_rows: Callable[[Slice], Iterator[Row]]

    def rows(self, corpus: Slice) -> Iterator[Row]:
        """Yield the rows of a selection, each with the columns of the table alone, in order."""
        names = [column.name for column in self.columns]
        flags = [column.name for column in self.columns if column.type == "boolean"]
        for row in self.iter_rows(corpus):
            wanted = {name: row[name] for name in names}
            for name in flags:
                wanted[name] = None if row[name] is None else bool(row[name])
            yield wanted


def _column(name: str, type_: Type, what: str) -> Column:
    return Column(name=name, type=type_, what=what)


_DOCUMENT = (
    _column("document_id", "string", "16 hex digits from site, kind and name: joins the tables."),
    _column("site", "string", "Registrable domain, lower case, ASCII."),
    _column("kind", "string", "privacy, terms, cookies or other."),
    _column("name", "string", "Empty for the main document of its kind."),
)


def _iter_versions(corpus: Slice) -> Iterator[Row]:
    for path, version in iter_paths(corpus.iter_versions()):
        yield _with_days(version) | {"path": path.as_posix()}


def _iter_changes(corpus: Slice) -> Iterator[Row]:
    for version in corpus.iter_versions(with_text=False):
        if version["changed_after"] is None:
            continue
        change = version["change"] or {}
        details = {key: change.get(key, []) for key in ("only", "sections_added", "sections_removed")}
        yield _with_days(version) | details | {"share": change.get("share"), "moved": change.get("moved")}


def _iter_sections(corpus: Slice) -> Iterator[Row]:
    document = None
    known: dict[str, int] = {}  # words of the sections of the version before: most stay as they are
    for version in corpus.iter_texts():
        if version["document_id"] != document:
            document, known = version["document_id"], {}
        counted: dict[str, int] = {}
        for number, (path, level, text) in enumerate(split_sections(version["text"])):
            words = known.get(text)
            counted[text] = words = count_words(text) if words is None else words
            yield {
                "document_id": document,
                "version": version["version"],
                "section": number,
                "level": level,
                "heading_path": path,
                "words": words,
                "text": text,
            }
        known = counted


def split_sections(text: str) -> Iterator[tuple[list[str], int, str]]:
    r"""Yield the sections of a Markdown text: the headings that lead to it, its level, its own text.

    What stands before the first heading has level 0. The texts, put together with their headings, are
    the whole.

    >>> [(path, level) for path, level, _ in split_sections("Hello\n\n# A\n\n## B\n\nx\n\n# C\n")]
    [([], 0), (['A'], 1), (['A', 'B'], 2), (['C'], 1)]
    """
    path: list[tuple[int, str]] = []
    start, level = 0, 0
    for heading in iter_headings(text):
        if heading.start > start or level:
            yield [name for _, name in path], level, text[start : heading.start]
        path = [*(entry for entry in path if entry[0] < heading.level), (heading.level, heading.text)]
        start, level = heading.end, heading.level
    if start < len(text) or level:
        yield [name for _, name in path], level, text[start:]


def _with_days(version: Mapping[str, Any]) -> Row:
    return {
        **version,
        "first_day": version["first_captured"][:10],
        "last_day": version["last_captured"][:10],
    }


SITES = Table(
    name="sites",
    what="Every site that was asked for, also those of which nothing was found.",
    key=("site",),
    columns=(
        _column("site", "string", "Registrable domain, lower case, ASCII."),
        _column("rank", "integer", "Of the list that it came from."),
        _column("outcome", "string", "What the search for its policies ended with; empty: not tried yet."),
        _column("reason", "string", "One sentence on the outcome."),
        _column("checked_at", "datetime", "When that search ended last, UTC."),
        _column("documents", "integer", "Policies known, whether they are in this export or not."),
        _column("versions", "integer", "Versions known, likewise."),
    ),
    iter_rows=Slice.iter_sites,
)
DOCUMENTS = Table(
    name="documents",
    what="The policies, each followed through its addresses.",
    key=("document_id",),
    columns=(
        *_DOCUMENT,
        _column("owner", "string", "Whose policy it is: site, parent, policy-service, registrar …"),
        _column("owner_name", "string", "Name of that owner, when it is known."),
        _column("confidence", "number", "0 to 1, that this is such a document of this site."),
        _column("versions", "integer", "Versions in this export."),
        _column("captures", "integer", "Rows of the archive's index known for it."),
        _column("first_capture", "string", "14 digits, UTC."),
        _column("last_capture", "string", "14 digits, UTC."),
    ),
    iter_rows=Slice.iter_documents,
)
VERSIONS = Table(
    name="versions",
    what="The texts, each with the interval in which it is known to have been in force.",
    key=("document_id", "version"),
    columns=(
        *_DOCUMENT,
        _column("version", "integer", "1, 2, 3 … in order of time; it shifts when an older one is found."),
        _column("first_day", "date", "Day of the first capture of this text."),
        _column("last_day", "date", "Day of its last capture."),
        _column("first_captured", "datetime", "First capture of this text, UTC."),
        _column("last_captured", "datetime", "Last capture of this text, UTC."),
        _column("changed_after", "datetime", "Last capture of the text before; empty for a first version."),
        _column("timestamp", "string", "14 digits of the first capture."),
        _column("url", "string", "Original address of the first capture."),
        _column("replay_url", "string", "Where it is replayed."),
        _column("archive", "string", "Base address of the archive that holds the first capture."),
        _column("origin", "string", "The file that it was imported from, and its digest; empty: an archive."),
        _column("dated_by", "string", "What dates it, when nobody captured it then."),
        _column("title", "string", "The page's title."),
        _column("language", "string", "ISO 639-1; empty when it cannot be told."),
        _column("words", "integer", "Words of the text."),
        _column("class", "string", "Of the change from the version before; see changes.class."),
        _column("returns_to", "integer", "Number of the earliest version with the same text."),
        _column("captures", "integer", "Rows of the index known to hold this text."),
        _column("verified", "boolean", "Whether the body read is proven by its digest; empty: no digest."),
        _column("stated_updated", "date", "Day of update that the text states."),
        _column("stated_effective", "date", "Day of effect that it states."),
        _column("stated_flag", "string", "That day against the interval: agrees, before, after."),
        _column("owner", "string", "Whose policy it is."),
        _column("kept_share", "number", "Share of the page's visible prose that the text holds."),
        _column("extractor", "string", "Name and version of what read it."),
        _column("capture_id", "string", "The capture that the text was read from: joins captures."),
        _column("path", "string", "Where a Markdown export writes the text, below its folder."),
        _column("text_sha256", "string", "SHA-256 of the text, UTF-8, hex."),
        _column("text", "string", "The Markdown body."),
    ),
    iter_rows=_iter_versions,
)
CHANGES = Table(
    name="changes",
    what="What made each version but the first of its document.",
    key=("document_id", "version"),
    columns=(
        *_DOCUMENT,
        _column("version", "integer", "The version that the change made; the one before is the old text."),
        _column("changed_after", "datetime", "The change lies between this …"),
        _column("first_captured", "datetime", "… and this, no finer."),
        _column("class", "string", "page, variant, extractor, unknown, layout, links, dates, small, "
                "substantive, rewritten; the first five are not the policy's."),
        _column("words_added", "integer", "Moved lines do not count."),
        _column("words_removed", "integer", "Likewise."),
        _column("share", "number", "Of the words of both texts that changed, 0 to 1."),
        _column("only", "array", "All that differs, where no word does."),
        _column("moved", "integer", "Lines that moved."),
        _column("sections_added", "array", "Headings that came."),
        _column("sections_removed", "array", "Headings that went."),
        _column("returns_to", "integer", "Number of the earliest version with the same text."),
    ),
    iter_rows=_iter_changes,
)  # fmt: skip
CAPTURES = Table(
    name="captures",
    what="Every row of the archive's index for these documents, fetched or not, and what became of it.",
    key=("capture_id",),
    columns=(
        _column("capture_id", "string", "16 hex digits from document, address, instant and digest."),
        *_DOCUMENT,
        _column("timestamp", "string", "14 digits, UTC."),
        _column("url", "string", "Original address, as the index prints it."),
        _column("mimetype", "string", "As the index prints it."),
        _column("statuscode", "string", "Three digits, or -."),
        _column("digest", "string", "Base-32 SHA-1 of the body as the archive stores it; - when unknown."),
        _column("state", "string", "What became of the row: fetched, same-digest, bracketed, narrow …"),
        _column("outcome", "string", "What came of asking for it; empty when it was not asked for."),
        _column("reason", "string", "One sentence."),
        _column("http_status", "integer", "Of the captured answer."),
        _column("content_type", "string", "As captured."),
        _column("body_digest", "string", "Base-32 SHA-1 of the body that came."),
        _column("verified", "boolean", "Whether that is the archived body byte for byte."),
        _column("origin", "string", "Id of the file that it was imported from; empty: an archive."),
        _column("replay_url", "string", "Where it was fetched from."),
        _column("archive", "string", "Base address of the archive that was asked, or that listed the row."),
        _column("fetched_at", "datetime", "When, UTC."),
        _column("text_sha256", "string", "Of the text that was read; joins versions."),
    ),
    iter_rows=Slice.iter_captures,
)
SECTIONS = Table(
    name="sections",
    what="The texts parted at their headings.",
    key=("document_id", "version", "section"),
    columns=(
        _column("document_id", "string", "Joins the tables."),
        _column("version", "integer", "Joins versions, with document_id."),
        _column("section", "integer", "0, 1, 2 … in the order of the text."),
        _column("level", "integer", "Of its heading, 1 to 6; 0: what stands before the first."),
        _column("heading_path", "array", "The headings that lead to it, outermost first."),
        _column("words", "integer", "Words of its own text, without its subsections'."),
        _column("text", "string", "Its own text, Markdown, without the heading."),
    ),
    iter_rows=_iter_sections,
)

TABLES: Mapping[str, Table] = {
    table.name: table for table in (SITES, DOCUMENTS, VERSIONS, CHANGES, CAPTURES, SECTIONS)
}


def describe_tables(level: int = 3) -> str:
    """Return tables and columns as Markdown: the data dictionary of a release, and of docs/exchange.md."""
    pieces = []
    for table in TABLES.values():
        pieces += [f"{'#' * level} {table.name}", "", f"{table.what} Key: {', '.join(table.key)}.", ""]
        pieces += ["| column | type | what |", "|---|---|---|"]
        pieces += [f"| `{column.name}` | {column.type} | {column.what} |" for column in table.columns]
        pieces.append("")
    return "\n".join(pieces)
