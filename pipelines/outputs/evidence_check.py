"""Evidence checked: every byte of the zip, every digest in it, and the texts read again from the captures.

Needs no database and no network; the file may be anybody's, so that all of it is bounded.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from policy_archive.crawler.core.digests import body_digest
from policy_archive.crawler.core.errors import UsageError
from policy_archive.crawler.core.records import Document, Kind
from policy_archive.pipelines.exchange.corpus_format import render_version
from policy_archive.pipelines.extract.body.ways import Way
from policy_archive.pipelines.outputs.evidence import CAPTURES, EVIDENCE, FORMAT, SUMS, TOKEN, pack
from policy_archive.pipelines.reading.pool import ReadingPool
from policy_archive.pipelines.reading.read import read_body

MOST_BYTES = 512 * 1024 * 1024
"""Of a zip, whose parts are stored as they are, no larger; and of all captured bodies, which are packed."""
_SUM = re.compile(r"([0-9a-f]{64})  (\S.*)")


@dataclass(frozen=True, kw_only=True)
class EvidenceFault:
    """Something that is not as the evidence says."""

    part: str
    """Which file in the zip, or the zip itself."""
    detail: str


@dataclass(frozen=True, kw_only=True)
class EvidenceReport:
    """What a check came to."""

    faults: tuple[EvidenceFault, ...]
    notes: tuple[str, ...]
    """What was checked, and what could not be."""


def check_evidence(
    path: Path,
    *,
    check_stamp: Callable[[bytes, bytes], str] | None = None,
    most_bytes: int = MOST_BYTES,
) -> EvidenceReport:
    """Return what is wrong with a file of evidence; raises UsageError when it is none.

    `check_stamp` takes the time stamp and what it stamps, returns a sentence on it, and raises ValueError
    when it does not hold. The zip may have `most_bytes`, and so may what its captures unpack to.
    """
    if path.stat().st_size > most_bytes:
        raise UsageError(f"'{path.name}' is larger than {most_bytes:,} bytes: evidence is not.")
    whole = path.read_bytes()
    faults: list[EvidenceFault] = []
    notes: list[str] = []
    parts = _unpack(path, whole, faults)
    if not any(name.encode() in whole for name in (SUMS, EVIDENCE)):
        raise UsageError(f"'{path.name}' holds no {SUMS}: it is no evidence of ours.")
    faults += _check_sums(parts)
    faults += _check_container(parts, whole)
    evidence = None if faults else _load_evidence(parts, faults, path)
    if evidence is not None:
        try:
            bodies = _load_bodies(parts[CAPTURES], most_bytes=most_bytes)
            faults += _check_captures(bodies, evidence, notes)
            faults += _check_texts(parts, bodies, evidence, notes)
        except Exception as error:  # somebody's own evidence.json may hold anything at all
            faults.append(EvidenceFault(part=EVIDENCE, detail=f"is not as we write it: {error!r:.200}"))
    if TOKEN in parts and SUMS in parts:
        _check_token(parts, faults, notes, check_stamp)
    elif not faults:
        notes.append("no time stamp: nothing proves since when this file has existed")
    return EvidenceReport(faults=tuple(faults), notes=tuple(notes))


def _unpack(path: Path, whole: bytes, faults: list[EvidenceFault]) -> dict[str, bytes]:
    parts: dict[str, bytes] = {}
    try:
        container = zipfile.ZipFile(io.BytesIO(whole))
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        if not any(name.encode() in whole for name in (SUMS, EVIDENCE)):
            raise UsageError(f"'{path.name}' is no zip: {error}") from error
        faults.append(
            EvidenceFault(part="the zip itself", detail=f"its list of contents is damaged: {error}")
        )
        return parts
    with container:
        room = len(whole)
        for info in container.infolist():
            room -= info.file_size
            if info.compress_type != zipfile.ZIP_STORED or room < 0:
                faults.append(EvidenceFault(part=info.filename, detail="is not stored as evidence stores it"))
                continue
            try:
                parts[info.filename] = container.read(info)
            except Exception as error:  # zipfile stumbles over damage in many ways
                faults.append(EvidenceFault(part=info.filename, detail=f"cannot be unpacked: {error}"))
    return parts


def _load_evidence(
    parts: Mapping[str, bytes], faults: list[EvidenceFault], path: Path
) -> dict[str, Any] | None:
    if EVIDENCE not in parts:
        raise UsageError(f"'{path.name}' holds no {EVIDENCE}: it is no evidence of ours.")
    try:
        evidence = json.loads(parts[EVIDENCE])
        if evidence["format"] != FORMAT:
            raise UsageError(f"'{path.name}' is of another release ({str(evidence['format'])[:60]!r}).")
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        faults.append(EvidenceFault(part=EVIDENCE, detail=f"cannot be read: {error!r:.100}"))
        return None
    return dict(evidence)


def _check_sums(parts: Mapping[str, bytes]) -> Iterator[EvidenceFault]:
    if SUMS not in parts:
        yield EvidenceFault(part=SUMS, detail="is missing")
        return
    lines = parts[SUMS].decode("utf-8", "replace").splitlines()
    sums = {match[2]: match[1] for match in map(_SUM.fullmatch, lines) if match}
    if len(sums) != len(lines):
        yield EvidenceFault(part=SUMS, detail="has a line that is none of sha256sum's")
    for name in sorted(sums.keys() - parts.keys()):
        yield EvidenceFault(part=name, detail=f"is missing, and {SUMS} lists it")
    for name, content in parts.items():
        if name in (SUMS, TOKEN):
            continue
        if name not in sums:
            yield EvidenceFault(part=name, detail=f"is not in {SUMS}")
        elif hashlib.sha256(content).hexdigest() != sums[name]:
            yield EvidenceFault(part=name, detail=f"is not what {SUMS} says: it was changed")


def _check_container(parts: dict[str, bytes], whole: bytes) -> Iterator[EvidenceFault]:
    """Hold the zip against the one that its parts make: what no digest covers, headers and gaps, shows."""
    made = pack(parts)
    if made != whole:
        place = next((at for at, pair in enumerate(zip(made, whole, strict=False)) if pair[0] != pair[1]), 0)
        yield EvidenceFault(
            part="the zip itself", detail=f"differs at byte {place:,} from what its parts make"
        )


def _check_captures(
    bodies: Mapping[str, bytes], evidence: Mapping[str, Any], notes: list[str]
) -> Iterator[EvidenceFault]:
    proven = 0
    for row in evidence["captures"]:
        place = f"{row['original']} at {row['timestamp']}"
        body = bodies.get(row["body_digest"])
        if body is None:
            if row["body_digest"]:
                yield EvidenceFault(part=CAPTURES, detail=f"the body of {place} is not in it")
            continue
        if body_digest(body) != row["body_digest"]:
            yield EvidenceFault(part=CAPTURES, detail=f"the body of {place} has another SHA-1")
        elif row["digest"] == row["body_digest"]:
            proven += 1
    notes.append(f"{proven} of {len(evidence['captures'])} captures: the body's SHA-1 is the index's digest")


def _load_bodies(wacz: bytes, *, most_bytes: int) -> dict[str, bytes]:
    """Return the captured bodies by their digest; raises ValueError when they unpack to more in all."""
    from warcio.archiveiterator import ArchiveIterator

    bodies = {}
    with zipfile.ZipFile(io.BytesIO(wacz)) as container, container.open("archive/data.warc.gz") as stream:
        for record in ArchiveIterator(stream):
            if record.rec_type == "response":
                body = record.raw_stream.read(most_bytes + 1)
                most_bytes -= len(body)
                if most_bytes < 0:
                    raise ValueError(f"{CAPTURES} unpacks to more than evidence holds")
                bodies[body_digest(body)] = body
    return bodies


def _check_texts(
    parts: Mapping[str, bytes], bodies: Mapping[str, bytes], evidence: Mapping[str, Any], notes: list[str]
) -> Iterator[EvidenceFault]:
    by_id = {row["capture_id"]: row for row in evidence["captures"]}
    with ReadingPool(1) as pool:
        for version in evidence["versions"]:
            name = version["text_file"]
            text = _body_of(parts[name], version)
            if (
                text is None
                or hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest() != version["text_sha256"]
            ):
                yield EvidenceFault(
                    part=name, detail=f"is not the text of which {EVIDENCE} gives the SHA-256"
                )
                continue
            row = by_id.get(version["capture_id"])
            body = bodies.get(row["body_digest"]) if row else None
            if row is None or body is None:
                notes.append(f"{name}: no page is in it that the text could be read from again")
                continue
            label = version["extractor"].split(" ")
            reading = pool.run(
                read_body,
                body,
                document=Document(site=version["site"], kind=Kind(version["kind"]), name=version["name"]),
                url=version.get("read_at") or row["original"],
                timestamp=row["timestamp"],
                content_type=row["content_type"],
                way=Way(label[-1]) if label[-1] in set(Way) else Way.CHOSEN,
            )
            again = reading.extraction.text if reading.extraction else ""
            if again == text:
                notes.append(f"{name}: read again from the captured page, the same text")
            elif reading.extraction and reading.extraction.extractor == version["extractor"]:
                yield EvidenceFault(part=name, detail="the captured page, read again, gives another text")
            else:
                notes.append(
                    f"{name}: read again by another release of the extractor, another text; it was read by "
                    f"{version['extractor']}"
                )


def _body_of(content: bytes, version: Mapping[str, Any]) -> str | None:
    """Return the text of a file in the corpus format, without its block quote and title."""
    document = content.decode("utf-8", "surrogatepass")
    head = render_version({**version, "text": ""})
    return document[len(head) :] if document.startswith(head) else None


def _check_token(
    parts: Mapping[str, bytes],
    faults: list[EvidenceFault],
    notes: list[str],
    check_stamp: Callable[[bytes, bytes], str] | None,
) -> None:
    if check_stamp is None:
        notes.append("a time stamp, not checked: name its authority's certificate with --tsa-certificate")
        return
    try:
        notes.append(check_stamp(parts[TOKEN], parts[SUMS]))
    except ValueError as error:
        faults.append(EvidenceFault(part=TOKEN, detail=f"does not hold: {error}"))
