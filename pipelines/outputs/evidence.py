"""Evidence of a version or of a change: one zip that proves itself, without a database and without a network.

Everything in it is stored uncompressed and undated, so that the same corpus gives the same bytes and a
reader can make the zip again from its parts: one flipped byte anywhere shows (evidence_check.py).
"""

from __future__ import annotations

import hashlib
import io
import json
import sqlite3
import tempfile
import zipfile
from collections.abc import Sequence
from html import escape
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

from policy_archive.crawler.core.plurals import plural
from policy_archive.crawler.core.records import Address, Document
from policy_archive.crawler.core.safe_files import build_file
from policy_archive.crawler.core.steering import clean_text
from policy_archive.pipelines.exchange.corpus_format import describe_document, render_version
from policy_archive.pipelines.exchange.export.web_archive import DAY_OF_ZIP, write_wacz
from policy_archive.pipelines.outputs.citation import cite_change, cite_version
from policy_archive.pipelines.outputs.diff import PAGE_STYLE, describe_lines, render_changes, render_page
from policy_archive.pipelines.outputs.history import describe_interval, describe_version
from policy_archive.pipelines.reading.address import page_address
from policy_archive.pipelines.store import queries
from policy_archive.pipelines.store.bodies import BodyReader
from policy_archive.pipelines.store.selection import read_bodies_of, read_whole
from policy_archive.pipelines.versions.diff import diff_texts

Row = dict[str, Any]

EVIDENCE, SUMS, TOKEN, CAPTURES, PAGE = (
    "evidence.json",
    "SHA256SUMS",
    "SHA256SUMS.tsr",
    "captures.wacz",
    "index.html",
)
FORMAT = "policy-archive evidence 1"


def write_evidence(
    connection: sqlite3.Connection,
    document: Document,
    numbers: Sequence[int],
    target: Path,
    *,
    stamp: Any = None,
) -> tuple[str, ...]:
    """Write the evidence of one version, or of the change from one to the next (two numbers).

    `stamp` makes of the bytes of SHA256SUMS an RFC 3161 time stamp. Returns sentences on what it lacks.
    """
    versions = [read_whole(connection, document.id, number) for number in numbers]
    rows = [row for number in numbers for row in read_bodies_of(connection, document.id, number)]
    parts: dict[str, bytes] = {}
    for version in versions:
        parts[_text_path(version)] = render_version(version).encode("utf-8", "surrogatepass")
    if len(versions) == 2:
        difference = diff_texts(versions[0]["text"], versions[1]["text"])
        parts["diff.json"] = _json({"lines": describe_lines(difference.lines)})
    with tempfile.TemporaryDirectory(prefix="policy-archive-") as folder:
        wacz = Path(folder) / CAPTURES
        titles = {(version["timestamp"], version["url"]): version["title"] for version in versions}
        written = write_wacz(rows, BodyReader(connection).load, wacz, titles=titles)
        parts[CAPTURES] = wacz.read_bytes()
    parts[EVIDENCE] = _json(_describe(connection, document, versions, rows))
    parts[PAGE] = _write_page(connection, document, versions, rows).encode("utf-8", "surrogatepass")
    parts = dict(sorted(parts.items()))
    parts[SUMS] = "".join(
        f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in parts.items()
    ).encode()
    if stamp is not None:
        parts[TOKEN] = stamp(parts[SUMS])
    with build_file(target, within=target.parent) as built, built.open() as file:
        file.write(pack(parts))
    return tuple(
        f"{plural(count, 'capture has', 'captures have')} no bytes in it: {reason}"
        for reason, count in sorted(written.left_out.items())
    )


def pack(parts: dict[str, bytes]) -> bytes:
    """Return the zip of these parts, in this order: the same parts give the same bytes."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as container:
        for name, content in parts.items():
            info = zipfile.ZipInfo(name, date_time=DAY_OF_ZIP)
            info.create_system = 3  # the same on every system
            info.external_attr = 0o644 << 16
            container.writestr(info, content)
    return made.getvalue()


def _text_path(version: Row) -> str:
    """Return where a text lies: by its capture, and by its hash, for two captures may be of one second."""
    return f"texts/{version['timestamp']}-{version['text_sha256'][:8]}.md"


def _json(value: object) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode("utf-8", "surrogatepass")


def _describe(
    connection: sqlite3.Connection, document: Document, versions: Sequence[Row], rows: Sequence[Row]
) -> Row:
    """Return evidence.json: every field of the versions, how each was read, the captures with their rows."""
    addresses = queries.list_addresses(connection, document.id)
    known = [Address(url=row["url"], source=row["source"]) for row in addresses]
    described = []
    for version in versions:
        quality = queries.read_quality(connection, document, version["version"])
        fields = {key: value for key, value in version.items() if key != "text"}
        row = queries.read_row(connection, version["capture_id"])
        read_at = page_address(known, row)  # its fragment says which part of the page it is
        described.append(fields | {"text_file": _text_path(version), "read_at": read_at, "reading": quality})
    return {
        "format": FORMAT,
        "made_by": f"policy-archive {installed_version('policy-archive')}",
        "document": {"site": document.site, "kind": document.kind, "name": document.name},
        "what": "change" if len(versions) == 2 else "version",
        "versions": described,
        "captures": [dict(row) for row in rows],
        "addresses": addresses,
    }


def _cite(connection: sqlite3.Connection, document: Document, versions: Sequence[Row]) -> str:
    digests = [queries.read_first_digest(connection, document, one["version"]) for one in versions]
    if len(versions) == 1:
        return cite_version(versions[0], archived_digest=digests[0]).text
    old, new = versions
    return cite_change(
        old, new, old_digest=digests[0], new_digest=digests[1], gist=describe_version(new)
    ).text


_STYLE = f"""{PAGE_STYLE}
h2 {{ font-size: 1.15rem; margin-top: 2rem }}
table {{ border-collapse: collapse; width: 100%; font: .85rem/1.5 sans-serif }}
th, td {{ text-align: left; vertical-align: top; padding: .2rem .8rem .2rem 0; overflow-wrap: anywhere }}
pre {{ font: .95rem/1.6 Georgia, serif; overflow-wrap: anywhere; white-space: pre-wrap }}
"""


def _write_page(
    connection: sqlite3.Connection, document: Document, versions: Sequence[Row], rows: Sequence[Row]
) -> str:
    """Return the page for people: no script, nothing loaded, archived text only as text."""
    newest = versions[-1]
    title = f"Evidence: {describe_document(document)}"
    facts = [("Cited as", _cite(connection, document, versions))]
    if len(versions) == 2:
        facts.append(("The text changed", f"{describe_interval(newest)}; no capture tells it more closely"))
    for label, version in zip(
        ("Before", "After") if len(versions) == 2 else ("Text",), versions, strict=True
    ):
        facts += [
            (f"{label}: captured", f"{version['first_captured']} to {version['last_captured']} (UTC)"),
            (f"{label}: address", version["url"]),
            (f"{label}: archive", version["archive"] or "none"),
            (f"{label}: replay", version["replay_url"] or version["origin"] or "none"),
            (f"{label}: SHA-256 of the text", version["text_sha256"]),
            (f"{label}: read by", version["extractor"]),
            (f"{label}: body", _describe_proof(version)),
        ]
    cells = "".join(f"<tr><th>{_text(name)}</th><td>{_text(value)}</td></tr>" for name, value in facts)
    captures = "".join(
        "<tr>"
        + "".join(
            f"<td>{_text(str(row[key] or ''))}</td>"
            for key in ("timestamp", "original", "digest", "body_digest", "state")
        )
        + "</tr>"
        for row in rows
    )
    body = f"""<h1>{_text(title)}</h1>
<table>{cells}</table>
{_changes_section(versions)}
{"".join(_text_section(version) for version in versions)}
<h2>Captures</h2>
<p><small>Their bytes lie in {CAPTURES}: ReplayWeb.page and pywb show them. HTTP heads are rebuilt; bodies are
as they came from the archive.</small></p>
<table><tr><th>Captured (UTC)</th><th>Address</th><th>Digest in the archive's index</th>
<th>SHA-1 of the body</th><th>State</th></tr>{captures}</table>
<h2>How to check this</h2>
<p>policy-archive verify FILE.zip reads every byte of this file again, reads the texts again from the captured
pages, and names whatever differs. It needs no database and no network. Without it: unpack, and run
sha256sum -c {SUMS}. A time stamp ({TOKEN}), where there is one, proves when {SUMS} existed:
openssl ts -verify -data {SUMS} -in {TOKEN} -CAfile CERTIFICATE.</p>"""
    return render_page(title, _STYLE, body)


def _describe_proof(version: Row) -> str:
    if version["verified"] == 1:
        return "its SHA-1 is the digest of the archive's index: the archived bytes"
    if version["verified"] == 0:
        return "its SHA-1 differs from the index's digest (the archive keeps it encoded, or changed it)"
    return "the archive's index has no digest to hold it against"


def _changes_section(versions: Sequence[Row]) -> str:
    if len(versions) < 2:
        return ""
    old, new = versions
    return f"<h2>What changed</h2>\n{render_changes(diff_texts(old['text'], new['text']))}"


def _text_section(version: Row) -> str:
    heading = f"Text captured {version['first_captured'][:10]}"
    return f'<h2>{heading}</h2>\n<pre dir="auto">{_text(version["text"])}</pre>\n'


def _text(text: str) -> str:
    return escape(clean_text(text))
