"""The recorded histories of ../shared/replay/dev, as the benchmarks of plans take them."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from warcio.archiveiterator import ArchiveIterator

from bench.histories import History, Recorded
from policy_archive.crawler.core.records import CdxRow, Document, Kind, KnownCapture, Outcome
from policy_archive.crawler.core.urlkeys import urlkey
from policy_archive.crawler.core.urls import parse_site
from policy_archive.pipelines.extract.dates import find_stated_dates
from policy_archive.pipelines.reading.read import read_body

REPLAY = Path(__file__).resolve().parent.parent.parent / "shared" / "replay" / "dev"
_CACHE = Path(__file__).resolve().parent / ".cache" / "readings.jsonl"


@dataclass(frozen=True, kw_only=True)
class Truth:
    """One capture as it was recorded."""

    name: str
    row: CdxRow
    settled: int | None
    """Number of the settled version; None for junk: less than half of the recorded text is on the page."""
    words: int | None
    """Number of the version whose words differ from the one before, settled or not."""
    recorded: str | None
    """Recorded version, links and pictures included, with its text: a change of either was recorded."""
    text_sha256: str


def read_truths(folder: Path = REPLAY) -> dict[str, list[Truth]]:
    """Return the recorded captures of each document, in order of time."""
    lengths = _read_lengths(folder)
    truths: dict[str, list[Truth]] = defaultdict(list)
    for line in (folder / "captures.jsonl").read_text("utf-8").splitlines():
        capture = json.loads(line)
        truths[capture["document"]].append(_truth(capture, lengths))
    return {name: sorted(found, key=lambda truth: truth.row.timestamp) for name, found in truths.items()}


def _read_lengths(folder: Path) -> dict[tuple[str, str], int]:
    lengths = {}
    for line in (folder / "index.cdxj").read_text("utf-8").splitlines():
        _, timestamp, fields = line.split(" ", 2)
        row = json.loads(fields)
        lengths[row["url"], timestamp] = int(row["length"])
    return lengths


def _truth(capture: dict[str, Any], lengths: dict[tuple[str, str], int]) -> Truth:
    revisit = capture["type"] == "revisit"
    good = (capture["gold_coverage"] or 0) >= 0.5
    row = CdxRow(
        urlkey=urlkey(capture["url"]),
        timestamp=capture["timestamp"],
        original=capture["url"],
        mimetype="warc/revisit" if revisit else "text/html",
        statuscode="-" if revisit else "200",
        digest=capture["digest"],
        length=lengths[capture["url"], capture["timestamp"]],
    )
    return Truth(
        name=capture["document"],
        row=row,
        settled=capture["version_settled"] if good else None,
        words=capture["version_words"] if good else None,
        recorded=f"{capture['version_ota']} {capture['gold_text']}" if good else None,
        text_sha256=capture["gold_text"],
    )


def curated_history(name: str, truths: list[Truth], folder: Path = REPLAY) -> History:
    """Return a history whose texts are the recorded ones; junk is junk."""
    captures = []
    for truth in truths:
        known = KnownCapture(row=truth.row, outcome=Outcome.NOT_A_POLICY)
        if truth.settled is not None:
            days = _stated_days(folder, truth.text_sha256)
            known = KnownCapture(
                row=truth.row, outcome=Outcome.TEXT, text_sha256=truth.text_sha256, stated_days=days
            )
        captures.append(Recorded(known=known, settled=truth.settled))
    return History(name=name, captures=tuple(captures))


_stated: dict[str, tuple[date, ...]] = {}


def _stated_days(folder: Path, sha256: str) -> tuple[date, ...]:
    if sha256 not in _stated:
        text = (folder / "texts" / f"{sha256}.md").read_text("utf-8")
        _stated[sha256] = tuple(sorted({stated.day for stated in find_stated_dates(text, language=None)}))
    return _stated[sha256]


def extracted_histories(truths: dict[str, list[Truth]], folder: Path = REPLAY) -> Iterator[History]:
    """Yield the histories with the texts that our own reading of the bodies gives, and its judgement of junk.

    Readings are kept in bench/.cache, since reading 1,600 pages takes minutes: remove it after a
    change of the extraction.
    """
    cache = _read_cache()
    _CACHE.parent.mkdir(exist_ok=True)
    with _CACHE.open("a", encoding="utf-8") as out:
        bodies = iter_bodies(folder)
        wanted = {
            (truth.row.original, truth.row.digest): truth for found in truths.values() for truth in found
        }
        if any(_key(*key) not in cache for key in wanted):
            for url, digest, timestamp, content_type, body in bodies:
                if (url, digest) in wanted and _key(url, digest) not in cache:
                    entry = _read(url, timestamp, content_type, body, wanted[url, digest].name)
                    cache[_key(url, digest)] = entry
                    out.write(json.dumps({"key": _key(url, digest), **entry}) + "\n")
    for name, found in truths.items():
        yield History(
            name=name,
            captures=tuple(
                Recorded(known=_known(truth.row, cache), settled=truth.settled) for truth in found
            ),
        )


def _key(url: str, digest: str) -> str:
    return f"{digest} {url}"


def _read_cache() -> dict[str, dict[str, Any]]:
    if not _CACHE.exists():
        return {}
    entries = [json.loads(line) for line in _CACHE.read_text("utf-8").splitlines()]
    return {entry["key"]: entry for entry in entries}


def iter_bodies(folder: Path) -> Iterator[tuple[str, str, str, str | None, bytes]]:
    """Yield (address, digest, 14 digits, content type, body) of every response record."""
    for path in sorted((folder / "archive").glob("[0-9]*.warc.gz")):
        with path.open("rb") as stream:
            for record in ArchiveIterator(stream):
                if record.rec_type != "response":
                    continue
                url = record.rec_headers.get_header("WARC-Target-URI")
                digest = record.rec_headers.get_header("WARC-Payload-Digest").removeprefix("sha1:")
                moment = record.rec_headers.get_header("WARC-Date")
                timestamp = "".join(c for c in moment if c.isdigit())[:14]
                content_type = record.http_headers.get_header("Content-Type")
                yield url, digest, timestamp, content_type, record.content_stream().read()


def _read(url: str, timestamp: str, content_type: str | None, body: bytes, name: str) -> dict[str, Any]:
    document = Document(site=parse_site(url), kind=kind_of(name))
    reading = read_body(body, document=document, url=url, timestamp=timestamp, content_type=content_type)
    text = reading.extraction.text if reading.extraction and reading.outcome is Outcome.TEXT else None
    stated = reading.extraction.stated_dates if reading.extraction else ()
    language = reading.extraction.language if reading.extraction else None
    return {
        "outcome": str(reading.outcome),
        "text": hashlib.sha256(text.encode()).hexdigest() if text is not None else None,
        "stated": sorted({one.day.isoformat() for one in stated}),
        "language": language if text is not None else None,
    }


def kind_of(name: str) -> Kind:
    """Return the kind that a recorded document's name means."""
    for word, kind in (("Privacy", Kind.PRIVACY), ("Terms", Kind.TERMS), ("Cookies", Kind.COOKIES)):
        if word in name.partition("/")[2]:
            return kind
    return Kind.OTHER


def _known(row: CdxRow, cache: dict[str, dict[str, Any]]) -> KnownCapture:
    entry = cache[_key(row.original, row.digest)]
    return KnownCapture(
        row=row,
        outcome=Outcome(entry["outcome"]),
        text_sha256=entry["text"],
        stated_days=tuple(date.fromisoformat(day) for day in entry["stated"]),
        language=entry.get("language"),
    )
