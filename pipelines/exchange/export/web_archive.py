"""Stored captures as WARC 1.1, and that packed as WACZ 1.1.1.

A body is what the archive gave; its HTTP head is rebuilt from what the corpus keeps (status, content type,
redirect), and every record says so. Formats: iipc.github.io/warc-specifications, specs.webrecorder.net/wacz.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO
from uuid import NAMESPACE_URL, uuid5

from policy_archive.crawler.core.errors import NotKnownError
from policy_archive.crawler.core.plurals import plural
from policy_archive.crawler.core.safe_files import build_file
from policy_archive.crawler.core.stored import Outcome
from policy_archive.crawler.core.timestamps import isoformat
from policy_archive.crawler.core.urlkeys import urlkey
from policy_archive.pipelines.exchange.export.exporter import Exported, ExportOptions
from policy_archive.pipelines.store.bodies import BodyReader
from policy_archive.pipelines.store.selection import Row, Slice

HEADERS_FIELD = "WARC-Policy-Archive-Headers"
"""Our own field of a record: `rebuilt`, for the HTTP head is not the one that was captured."""
_WARC_NAME = "data.warc.gz"
_REVISIT = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
DAY_OF_ZIP = (1980, 1, 1, 0, 0, 0)
"""What a zip begins its calendar with: the same captures, the same bytes."""


@dataclass(kw_only=True)
class Written:
    """What a WARC file holds."""

    index: list[str] = field(default_factory=list)
    """CDXJ lines, as they came."""
    pages: list[tuple[str, str]] = field(default_factory=list)
    """(14 digits, address) of answers with a page."""
    captures: set[str] = field(default_factory=set)
    """Ids of the rows that are in it, of several at one address and instant each."""
    left_out: Counter[str] = field(default_factory=Counter)
    """Rows without anything to write, by why."""


def export_warc(corpus: Slice, target: Path, options: ExportOptions) -> Exported:
    """Write one file, gzipped record by record when its name ends in `.gz`."""
    with build_file(target, within=target.parent) as built, built.open() as stream:
        written = write_warc(
            _rows_of(corpus, options),
            BodyReader(corpus.connection).load,
            stream,
            gzip=target.name.endswith(".gz"),
        )
        return _tell(corpus, written)


def stream_warc(corpus: Slice, stream: BinaryIO, options: ExportOptions) -> Exported:
    """Write the records to a stream."""
    written = write_warc(_rows_of(corpus, options), BodyReader(corpus.connection).load, stream)
    return _tell(corpus, written)


def export_wacz(corpus: Slice, target: Path, options: ExportOptions) -> Exported:
    """Write one WACZ file: records, index, a page for each version, digests."""
    titles = {(version["timestamp"], version["url"]): version["title"] for version in corpus.iter_versions()}
    with build_file(target, within=target.parent) as built:
        written = write_wacz(
            _rows_of(corpus, options), BodyReader(corpus.connection).load, built.path, titles=titles
        )
        return _tell(corpus, written)


def _tell(corpus: Slice, written: Written) -> Exported:
    """Return of how many versions the page is in it from which the text was read, and what is to be said.

    Raises NotKnownError when it holds no page at all.
    """
    if not written.captures:
        raise NotKnownError("nothing was written: no captured page of these versions is in the corpus.")
    held = Counter(version["capture_id"] in written.captures for version in corpus.iter_versions())
    return Exported(versions=held[True], notes=tuple(_describe(corpus, written, without=held[False])))


def _rows_of(corpus: Slice, options: ExportOptions) -> Iterator[Row]:
    return options.follow(corpus.iter_bodies(homes=options.homes))


def _describe(corpus: Slice, written: Written, *, without: int) -> Iterator[str]:
    yield f"HTTP heads are rebuilt from status, content type and redirect ({HEADERS_FIELD}: rebuilt)"
    for reason, count in sorted(written.left_out.items()):
        yield f"{plural(count, 'row is', 'rows are')} left out: {reason}"
    if without:
        versions = plural(without, "version has", "versions have")
        yield f"{versions} no page in it: captured on another day, or imported"
    selection = corpus.selection
    if selection.language or selection.classes or selection.day:
        yield "language, class and day chose documents: all their captures of the days asked for are in it"


def write_warc(
    rows: Iterable[Row], load: Callable[[str], bytes], stream: BinaryIO, *, gzip: bool = True
) -> Written:
    """Write captures as records: rows of `Slice.iter_bodies`, bodies by their digests.

    The same capture of two documents is one record; a row whose bytes another record holds is a revisit.
    """
    from warcio.timeutils import timestamp_to_iso_date
    from warcio.warcwriter import WARCWriter

    written = Written()
    counted = _Counting(stream)
    writer = WARCWriter(counted, gzip=gzip, warc_version="1.1")
    info = {
        "software": f"policy-archive {version('policy-archive')}",
        "format": "WARC File Format 1.1",
        "description": "captures of policies that policy-archive fetched; HTTP heads are rebuilt",
    }
    record = writer.create_warcinfo_record(_WARC_NAME, info)
    record.rec_headers.replace_header("WARC-Record-ID", _record_id("warcinfo"))
    record.rec_headers.replace_header("WARC-Date", "1980-01-01T00:00:00Z")  # the same rows, the same bytes
    writer.write_record(record)
    seen: set[tuple[str, str]] = set()
    first_of: dict[str, tuple[str, str]] = {}
    for row in rows:
        key = (row["timestamp"], row["original"])
        reason = _lacks(row)
        if not reason:
            written.captures.add(row["capture_id"])
        if key in seen or reason:
            written.left_out.update([reason] if reason and key not in seen else [])
            continue
        seen.add(key)
        digest = row["body_digest"]
        body = load(digest) if digest else b""
        start = counted.position
        earlier = first_of.setdefault(digest, key) if digest else key
        date = timestamp_to_iso_date(row["timestamp"])
        headers = {
            "WARC-Record-ID": _record_id(*key),
            "WARC-Date": date,
            HEADERS_FIELD: "rebuilt",
        }
        if row["replay_url"]:
            headers["WARC-Source-URI"] = row["replay_url"]
        if row["is_same"] and earlier != key:
            headers |= {"WARC-Profile": _REVISIT, "WARC-Payload-Digest": f"sha1:{digest}"}
            headers |= {
                "WARC-Refers-To-Target-URI": earlier[1],
                "WARC-Refers-To-Date": timestamp_to_iso_date(earlier[0]),
            }
            made = writer.create_warc_record(
                row["original"], "revisit", warc_headers_dict=headers, http_headers=_head(row, len(body))
            )
        else:
            made = writer.create_warc_record(
                row["original"],
                "response",
                payload=io.BytesIO(body),
                length=len(body),
                warc_headers_dict=headers,
                http_headers=_head(row, len(body)),
            )
        writer.write_record(made)
        revisit = made.rec_type == "revisit"
        written.index.append(_index_line(row, revisit, start, counted.position - start))
        if digest and _status(row) == 200:
            written.pages.append(key)
    return written


def _lacks(row: Row) -> str:
    """Return why there is nothing to write of a row; empty when there is."""
    if row["body_digest"] or row["location"]:
        return ""
    if row["outcome"] and Outcome(row["outcome"]).is_text:
        return "their texts were imported without the pages"
    if row["outcome"]:
        return "no body came of asking for them"
    return "they were not asked for, and their bytes are not known"


def _status(row: Row) -> int:
    return int(row["http_status"] or (row["statuscode"] if row["statuscode"].isdigit() else 200))


def _head(row: Row, length: int) -> Any:
    from warcio.statusandheaders import StatusAndHeaders

    status = _status(row)
    phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else "Unknown"
    headers = [("Content-Type", row["content_type"] or "application/octet-stream")]
    if row["location"]:
        headers.append(("Location", row["location"]))
    headers.append(("Content-Length", str(length)))
    clean = [(name, " ".join(value.split())) for name, value in headers]
    return StatusAndHeaders(f"{status} {phrase}", clean, protocol="HTTP/1.1")


def _record_id(*parts: str) -> str:
    return f"<urn:uuid:{uuid5(NAMESPACE_URL, ' '.join(('policy-archive', *parts)))}>"


def _index_line(row: Row, revisit: bool, offset: int, length: int) -> str:
    entry = {
        "url": row["original"],
        "mime": "warc/revisit" if revisit else (row["content_type"] or "unk").partition(";")[0].strip(),
        "status": str(_status(row)),
        "digest": f"sha1:{row['body_digest'] or '3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ'}",
        "length": str(length),
        "offset": str(offset),
        "filename": _WARC_NAME,
    }
    return f"{urlkey(row['original'])} {row['timestamp']} {json.dumps(entry)}\n"


class _Counting:
    """A stream that knows how far it is, for one that cannot tell (a pipe)."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.position = 0

    def write(self, data: bytes) -> int:
        self._stream.write(data)
        self.position += len(data)
        return len(data)

    def tell(self) -> int:
        return self.position

    def flush(self) -> None:
        self._stream.flush()


def write_wacz(
    rows: Iterable[Row],
    load: Callable[[str], bytes],
    path: Path,
    *,
    titles: dict[tuple[str, str], str],
) -> Written:
    """Write captures as one WACZ file; `titles` of pages by (14 digits, address)."""
    warc = path.with_name(f"{path.name}.warc")
    try:
        with warc.open("wb") as stream:
            written = write_warc(rows, load, stream)
        members: list[tuple[str, bytes | Path]] = [
            ("archive/" + _WARC_NAME, warc),
            ("indexes/index.cdx", "".join(sorted(written.index)).encode()),
            ("pages/pages.jsonl", "".join(_page_lines(written.pages, titles)).encode()),
        ]
        with zipfile.ZipFile(path, "w") as container:
            resources = [_add(container, name, content) for name, content in members]
            package = json.dumps(_package(resources, written), indent=2).encode()
            _add(container, "datapackage.json", package)
            digest = {"path": "datapackage.json", "hash": f"sha256:{hashlib.sha256(package).hexdigest()}"}
            _add(container, "datapackage-digest.json", json.dumps(digest, indent=2).encode())
    finally:
        warc.unlink(missing_ok=True)
    return written


def _add(container: zipfile.ZipFile, name: str, content: bytes | Path) -> dict[str, Any]:
    """Store a member as it is, for players read it by ranges; return its entry in the package."""
    info = zipfile.ZipInfo(name, date_time=DAY_OF_ZIP)
    info.external_attr = 0o644 << 16
    digest = hashlib.sha256()
    size = 0
    source = io.BytesIO(content) if isinstance(content, bytes) else content.open("rb")
    with source, container.open(info, "w", force_zip64=isinstance(content, Path)) as member:
        while piece := source.read(1 << 20):
            member.write(piece)
            digest.update(piece)
            size += len(piece)
    return {"name": Path(name).name, "path": name, "hash": f"sha256:{digest.hexdigest()}", "bytes": size}


def _page_lines(pages: Iterable[tuple[str, str]], titles: dict[tuple[str, str], str]) -> Iterator[str]:
    yield json.dumps({"format": "json-pages-1.0", "id": "pages", "title": "All pages"}) + "\n"
    for timestamp, url in pages:
        page = {
            "id": str(uuid5(NAMESPACE_URL, f"{timestamp} {url}")),
            "url": url,
            "ts": isoformat(timestamp),
            "title": titles.get((timestamp, url), ""),
        }
        yield json.dumps(page, ensure_ascii=False) + "\n"


def _package(resources: list[dict[str, Any]], written: Written) -> dict[str, Any]:
    last = max((timestamp for timestamp, _ in written.pages), default="19960101000000")
    first_page = min(written.pages, default=None)
    main = {"mainPageUrl": first_page[1], "mainPageDate": isoformat(first_page[0])} if first_page else {}
    return {
        "profile": "data-package",
        "wacz_version": "1.1.1",
        "software": f"policy-archive {version('policy-archive')}",
        "created": isoformat(last),
        **main,
        "resources": resources,
    }
