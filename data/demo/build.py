"""Builds the demo archive: `python data/demo/build.py` writes what lies beside it.

That is a WARC file a site, sites.txt, and truth.json: what a perfect run would find.

Everything in it was invented for this project. A site is a folder under sites/:

- `timeline.txt`: a line a capture: timestamp, status, address, content, options;
- contents, `NAME.html`: first line the title, then HTML. A line that begins with `{2-4}`
  belongs to the versions 2 to 4 alone; `NAME@3` in the timeline asks for version 3;
- layouts, `_NAME.html`: the page around a content, with `$title $content $day $hits $news`.

Contents are `NAME@VERSION`, `revisit` (the body of the capture before at the same
address), `pdf:NAME@VERSION`, or `-` for none. Options: `layout=`, `charset=` (that of the
bytes), `header=` (what Content-Type says of it; `none`: nothing), `location=`, `doc=` (the document that
this capture shows), `junk=` (what the capture is in a policy's stead), `retry-after=`.

The same sources give the same bytes.
"""

from __future__ import annotations

import io
import json
import re
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from string import Template

from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

HERE = Path(__file__).parent
SITES = HERE / "sites"
_CONDITION = re.compile(r"\{(\d+)(-)?(\d+)?\} ?")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of a timeline."""

    folder: Path
    timestamp: str
    status: int
    url: str
    content: str
    options: dict[str, str]

    @property
    def captured_at(self) -> datetime:
        return datetime.strptime(self.timestamp, "%Y%m%d%H%M%S").replace(tzinfo=UTC)

    @property
    def warc_date(self) -> str:
        return self.captured_at.strftime("%Y-%m-%dT%H:%M:%SZ")


def read_timeline(folder: Path) -> list[Entry]:
    """Return a site's captures in the order of their time."""
    lines = (folder / "timeline.txt").read_text("utf-8").splitlines()
    entries = [_parse_entry(folder, line) for line in lines if line.strip() and not line.startswith("#")]
    return sorted(entries, key=lambda entry: entry.timestamp)


def _parse_entry(folder: Path, line: str) -> Entry:
    timestamp, status, url, content, *options = line.split()
    return Entry(
        folder=folder,
        timestamp=timestamp,
        status=int(status),
        url=url,
        content=content,
        options=dict(option.split("=", 1) for option in options),
    )


def read_content(folder: Path, reference: str) -> tuple[str, str]:
    """Return title and HTML of `NAME@VERSION`."""
    name, _, version = reference.partition("@")
    lines = (folder / f"{name}.html").read_text("utf-8").splitlines()
    title, *kept = _iter_of_version(lines, int(version or 1))
    return title, "\n".join(kept)


def _iter_of_version(lines: Iterable[str], version: int) -> Iterator[str]:
    for line in lines:
        match = _CONDITION.match(line)
        if not match:
            yield line
            continue
        first = int(match[1])
        last = int(match[3]) if match[3] else (version if match[2] else first)
        if first <= version <= last:
            yield line[match.end() :]


def render_page(entry: Entry) -> str:
    """Return the page: a content within its layout, with what changes at every visit."""
    title, content = read_content(entry.folder, entry.content)
    layout = entry.options.get("layout")
    if layout is None:
        return content
    day = entry.captured_at
    news = (entry.folder / "_news.txt").read_text("utf-8").splitlines() if _has_news(entry) else [""]
    return Template((entry.folder / f"_{layout}.html").read_text("utf-8")).substitute(
        title=title,
        content=content,
        day=f"{day:%A}, {day:%B} {day.day}, {day.year}",
        hits=f"{(day.toordinal() - 729000) * 37 + day.minute:07d}",
        news=news[day.toordinal() % len(news)],
    )


def _has_news(entry: Entry) -> bool:
    return (entry.folder / "_news.txt").exists()


def build_body(entry: Entry) -> bytes:
    """Return the bytes that the server sent."""
    if entry.content == "-":
        return b""
    if entry.content.startswith("pdf:"):
        title, content = read_content(entry.folder, entry.content.removeprefix("pdf:"))
        return build_pdf(title, content)
    return render_page(entry).encode(entry.options.get("charset", "utf-8"))


def build_headers(entry: Entry, body: bytes) -> list[tuple[str, str]]:
    """Return the server's headers."""
    charset = entry.options.get("header", entry.options.get("charset", "utf-8"))
    kind = "text/html" if charset == "none" else f"text/html; charset={charset}"
    headers = [
        ("Date", entry.captured_at.strftime("%a, %d %b %Y %H:%M:%S GMT")),
        ("Server", "Apache"),
        ("Content-Type", "application/pdf" if entry.content.startswith("pdf:") else kind),
        ("Content-Length", str(len(body))),
    ]
    for option, name in (("location", "Location"), ("retry-after", "Retry-After")):
        if option in entry.options:
            headers.append((name, entry.options[option]))
    return headers


def write_warc(entries: list[Entry], path: Path) -> None:
    """Write one site's captures, a gzip member a record."""
    with path.open("wb") as file:
        writer = WARCWriter(file, gzip=True)
        shown: dict[str, tuple[Entry, bytes]] = {}
        for entry in entries:
            if entry.content == "revisit":
                _write_revisit(writer, entry, *shown[entry.url])
                continue
            body = build_body(entry)
            shown[entry.url] = (entry, body)
            record = writer.create_warc_record(
                entry.url,
                "response",
                payload=io.BytesIO(body),
                http_headers=_status_line(entry, build_headers(entry, body)),
                warc_headers_dict=_record_headers(entry),
            )
            writer.write_record(record)
            record.raw_stream.close()  # a temporary file that warcio leaves open


def _write_revisit(writer: WARCWriter, entry: Entry, before: Entry, body: bytes) -> None:
    from warcio.utils import Digester

    digester = Digester("sha1")
    digester.update(body)
    writer.write_record(
        writer.create_revisit_record(
            entry.url,
            digest=str(digester),
            refers_to_uri=before.url,
            refers_to_date=before.warc_date,
            http_headers=_status_line(entry, build_headers(entry, body)),
            warc_headers_dict=_record_headers(entry),
        )
    )


def _status_line(entry: Entry, headers: list[tuple[str, str]]) -> StatusAndHeaders:
    phrase = HTTPStatus(entry.status).phrase
    return StatusAndHeaders(f"{entry.status} {phrase}", headers, protocol="HTTP/1.1")


def _record_headers(entry: Entry) -> dict[str, str]:
    identity = uuid.uuid5(uuid.NAMESPACE_URL, f"{entry.timestamp} {entry.url}")
    return {"WARC-Date": entry.warc_date, "WARC-Record-ID": f"<urn:uuid:{identity}>"}


def build_pdf(title: str, content: str) -> bytes:
    """Return a PDF of the content's text: Helvetica, A4, 50 lines a page."""
    lines = [title, "", *_wrap_text(content)]
    pages = [lines[start : start + 50] for start in range(0, len(lines), 50)]
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for number, page in enumerate(pages):
        shown = "\n".join(f"({_escape_pdf(line)}) Tj T*" for line in page)
        stream = f"BT /F1 11 Tf 14 TL 60 780 Td\n{shown}\nET"
        objects.append(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] "
            f"/Resources << /Font << /F1 3 0 R >> >> /Contents {5 + 2 * number} 0 R >>"
        )
        objects.append(f"<< /Length {len(stream.encode('cp1252'))} >>\nstream\n{stream}\nendstream")
    return _assemble_pdf(objects)


def _wrap_text(content: str) -> list[str]:
    import html
    import textwrap

    blocks = re.split(r"</(?:p|h\d|li|tr)>", content)
    texts = [" ".join(html.unescape(re.sub(r"<[^>]+>", " ", block)).split()) for block in blocks]
    return [line for text in texts if text for line in (*textwrap.wrap(text, 88), "")]


def _escape_pdf(text: str) -> str:
    return re.sub(r"([()\\])", r"\\\1", text)


def _assemble_pdf(objects: list[str]) -> bytes:
    document = b"%PDF-1.4\n"
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(document))
        document += f"{number} 0 obj\n{body}\nendobj\n".encode("cp1252")
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    size = len(objects) + 1
    tail = f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer\n<< /Size {size} /Root 1 0 R >>\n"
    return document + f"{tail}startxref\n{len(document)}\n%%EOF\n".encode()


def build_truth(folder: Path, entries: list[Entry]) -> dict[str, object]:
    """Return what a perfect run would find on the site."""
    notes = dict(re.findall(r"^# (\w+): (.+)$", (folder / "timeline.txt").read_text("utf-8"), re.MULTILINE))
    names = sorted({entry.options["doc"] for entry in entries if "doc" in entry.options})
    return {
        "site": folder.name,
        "about": notes["about"],
        "owner": notes.get("owner", "site"),
        "documents": [_document_truth(name, entries) for name in names],
        "junk": [
            {"timestamp": entry.timestamp, "url": entry.url, "what": entry.options["junk"]}
            for entry in entries
            if "junk" in entry.options
        ],
        "captures": len(entries),
    }


def _document_truth(name: str, entries: list[Entry]) -> dict[str, object]:
    """Return a document's addresses and versions; a version is a run of captures with one text."""
    shown = [entry for entry in entries if entry.options.get("doc") == name]
    contents: dict[str, str] = {}
    versions: list[dict[str, object]] = []
    for entry in shown:
        text = contents[entry.url] if entry.content == "revisit" else entry.content.removeprefix("pdf:")
        contents[entry.url] = text
        if not versions or versions[-1]["text"] != text:
            versions.append({"text": text, "first": entry.timestamp, "captures": 0})
        versions[-1]["last"] = entry.timestamp
        versions[-1]["captures"] = int(str(versions[-1]["captures"])) + 1
    kind, _, variant = name.partition("/")
    addresses = list(dict.fromkeys(entry.url for entry in shown))
    return {"kind": kind, "name": variant, "addresses": addresses, "versions": versions}


def build(target: Path) -> None:
    """Write every site's WARC file, sites.txt and truth.json into a folder."""
    truths = []
    for folder in sorted(path for path in SITES.iterdir() if path.is_dir()):
        entries = read_timeline(folder)
        write_warc(entries, target / f"{folder.name}.warc.gz")
        truths.append(build_truth(folder, entries))
    (target / "sites.txt").write_text("".join(f"{truth['site']}\n" for truth in truths), "utf-8")
    text = json.dumps({"sites": truths}, indent=1, ensure_ascii=False)
    (target / "truth.json").write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    build(HERE)
