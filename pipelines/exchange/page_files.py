"""Lists of page files to extract: a JSON object a line, with file, url, timestamp, site and kind."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from policy_archive.crawler.core.errors import ExtractionError
from policy_archive.crawler.core.records import Extraction, Kind, Outcome

_SUFFIX = re.compile(
    r"\.(?:gz|html?|xhtml|shtml|xml|txt|text|md|markdown|pdf|php\d?|aspx?|jsp|bin|body)$", re.IGNORECASE
)


@dataclass(frozen=True, kw_only=True)
class PageFile:
    """One page to extract, and what is known of where it came from."""

    path: Path
    """May be gzipped."""
    url: str = ""
    timestamp: str = ""
    """14 digits; '' when unknown."""
    site: str = ""
    kind: Kind | None = None
    content_type: str | None = None
    line: int = 0
    """Of the manifest."""

    @property
    def stem(self) -> str:
        """Name of the files written for it.

        >>> PageFile(path=Path("pages/0001.html.gz")).stem
        '0001'
        """
        stem = self.path.name
        while match := _SUFFIX.search(stem):
            stem = stem[: match.start()]
        return stem or self.path.name


@dataclass(frozen=True, kw_only=True)
class ManifestFault:
    """A line that no page can be extracted for."""

    line: int
    reason: str


def iter_manifest(manifest: Path) -> Iterator[PageFile | ManifestFault]:
    """Yield the pages of a manifest, files relative to it, and its faults, in order.

    A second line for the same file name is a fault: its result would replace the first.
    """
    seen: dict[str, int] = {}
    with manifest.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                page = _parse_line(line, number, manifest.parent)
            except ValueError as error:
                yield ManifestFault(line=number, reason=str(error))
                continue
            first = seen.setdefault(page.stem, number)
            if first == number:
                yield page
            else:
                yield ManifestFault(line=number, reason=f"same name as line {first}: {page.stem}")


def _parse_line(line: bytes, number: int, folder: Path) -> PageFile:
    """Return the page of one line; raises ValueError that says what is wrong with it."""
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"no JSON: {error}"[:120]) from error
    if not isinstance(fields, dict):
        raise ValueError("no JSON object")
    file = fields.get("file")
    if not isinstance(file, str) or not file or "\0" in file:
        raise ValueError('no "file"')
    return PageFile(
        path=folder / file,
        url=_text(fields, "url"),
        timestamp=parse_loose_timestamp(_text(fields, "timestamp")),
        site=_text(fields, "site"),
        kind=parse_loose_kind(_text(fields, "kind")),
        content_type=_text(fields, "content_type") or None,
        line=number,
    )


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    return str(value) if value is not None else ""


def parse_loose_timestamp(text: str) -> str:
    """Return 14 digits of a timestamp or an ISO 8601 date, '' if there is none.

    >>> parse_loose_timestamp("2023-09-26T12:30:00Z"), parse_loose_timestamp("2018-05")
    ('20230926123000', '')
    """
    digits = re.sub(r"[.+].*|\D", "", text)[:14]
    return digits.ljust(14, "0") if len(digits) >= 8 else ""


def parse_loose_kind(text: str) -> Kind | None:
    """Return the kind that a word or a document's name says, None for no kind of ours.

    >>> parse_loose_kind("Privacy Policy"), parse_loose_kind("terms"), parse_loose_kind("Imprint")
    (<Kind.PRIVACY: 'privacy'>, <Kind.TERMS: 'terms'>, None)
    """
    lower = text.lower()
    if lower in (Kind.OTHER, Kind.HOME):
        return None
    return next((kind for kind in Kind if any(word in lower for word in kind.curators_words)), None)


def extract_file(page: PageFile) -> Extraction:
    """Return the extraction of a page's file; raises ExtractionError also when it cannot be read."""
    from policy_archive.pipelines.extract.extraction import (
        extract,  # heavy, and needed in the reading processes only
    )

    return extract(
        _read(page), url=page.url, timestamp=page.timestamp, content_type=page.content_type, kind=page.kind
    )


def explain_file(page: PageFile) -> list[dict[str, Any]]:
    """Return which rule kept or dropped each part of a page's file, ready for JSON."""
    from policy_archive.pipelines.extract.extraction import explain_body

    parts = explain_body(_read(page), url=page.url, content_type=page.content_type, kind=page.kind)
    return [asdict(part) for part in parts]


def _read(page: PageFile) -> bytes:
    try:
        return page.path.read_bytes()
    except OSError as error:
        message = f"cannot be read: {error.strerror or error}"
        raise ExtractionError(message, outcome=Outcome.EXTRACTION_FAILED) from error


def quality_of(extraction: Extraction) -> dict[str, Any]:
    """Return all of an extraction but its text and the places of its lines, ready for JSON."""
    fields = asdict(extraction)
    del fields["text"], fields["line_places"]
    fields["stated_dates"] = [date | {"day": date["day"].isoformat()} for date in fields["stated_dates"]]
    return {"outcome": extraction.outcome.value} | fields | {"text_sha256": extraction.text_sha256}
