"""Whether a change of the code changes a reading: what is read of every page at hand, part by part.

    python -m bench.readings --write FILE      before the change
    python -m bench.readings --against FILE    after it; names what differs, exit status 1 if anything does

Pages: ../shared/replay/dev, extraction/dev, kinds/dev, real-pages/dev, negatives, cases. A part is a text,
its dates, its language, the judgement with its probability, the owner, the links; a digest of each is
compared. Prints the CPU seconds of each set. With --shuffle the order of the pages is another one: what a
reader remembers must change nothing. PYTHONHASHSEED must not, either.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.recorded import REPLAY, iter_bodies, kind_of, read_truths
from policy_archive.crawler.core.records import Document, Kind, Reading
from policy_archive.crawler.core.urls import parse_site
from policy_archive.pipelines.reading.read import read_body

_SHARED = REPLAY.parent.parent
_SHOWN = 20
_HELD_AGAINST = "20200701000000"
"""Timestamp of pages that were saved without one."""


@dataclass(frozen=True, kw_only=True)
class Saved:
    """One body, and what is known of it."""

    key: str
    body: bytes
    document: Document
    url: str
    timestamp: str = _HELD_AGAINST
    content_type: str | None = "text/html"


def iter_histories() -> Iterator[Saved]:
    """Yield the recorded captures with a body of their own, document by document, in order of time."""
    names = {
        (truth.row.original, truth.row.digest): name
        for name, found in read_truths().items()
        for truth in found
    }
    for url, digest, timestamp, content_type, body in iter_bodies(REPLAY):
        if (url, digest) in names:
            document = Document(site=parse_site(url), kind=kind_of(names[url, digest]))
            yield Saved(
                key=f"replay {timestamp} {url}",
                body=body,
                document=document,
                url=url,
                timestamp=timestamp,
                content_type=content_type,
            )


def iter_distinct() -> Iterator[Saved]:
    """Yield the pages of extraction/dev, each the only one of its document."""
    folder = _SHARED / "extraction" / "dev"
    for row in _rows(folder / "index.jsonl"):
        url = row["url"] or ""
        document = Document(
            site=parse_site(url) if url else "example.com", kind=kind_of(f"/{row['document']}")
        )
        body = gzip.decompress((folder / f"{row['id']}.html.gz").read_bytes())
        timestamp = "".join(filter(str.isdigit, row["date"] or ""))[:14] or _HELD_AGAINST
        yield Saved(key=f"extraction {row['id']}", body=body, document=document, url=url, timestamp=timestamp)


def _iter_kinds() -> Iterator[Saved]:
    folder = _SHARED / "kinds" / "dev"
    for row in _rows(folder / "index.jsonl"):
        kind = kind_of(f"/{row['document'] or ''}")
        is_text = ".md" in row["file"]
        path = folder / row["file"]
        body = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        yield Saved(
            key=f"kinds {row['file']}",
            body=body,
            document=Document(site="example.com", kind=kind),
            url="https://example.com/page",
            content_type="text/plain" if is_text else "text/html",
        )


def _iter_others() -> Iterator[Saved]:
    for folder in ("real-pages/dev", "negatives", "cases"):
        for path in sorted((_SHARED / folder).rglob("*.html*")):
            body = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            saved = Saved(
                key=str(path.relative_to(_SHARED)),
                body=body,
                document=Document(site="example.com", kind=Kind.PRIVACY),
                url="https://www.example.com/privacy",
            )
            yield saved
            home = Document(site="example.com", kind=Kind.HOME)
            yield replace(saved, key=f"{saved.key} home", document=home)


SETS = {"replay": iter_histories, "extraction": iter_distinct, "kinds": _iter_kinds, "others": _iter_others}


def main() -> None:
    """Read everything; write or compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", type=Path)
    parser.add_argument("--against", type=Path)
    parser.add_argument("--only", choices=SETS, action="append", help="Only these sets.")
    parser.add_argument(
        "--holding", default="", metavar="TEXT", help="Only pages with this in their address."
    )
    parser.add_argument("--every", type=int, default=1, help="Only each so many-th page.")
    parser.add_argument("--shuffle", type=int, metavar="SEED")
    arguments = parser.parse_args()
    parts: dict[str, dict[str, str]] = {}
    for name in arguments.only or SETS:
        pages = [page for page in SETS[name]() if arguments.holding in page.url][:: arguments.every]
        if arguments.shuffle is not None:
            random.Random(arguments.shuffle).shuffle(pages)
        begun = time.process_time()
        for page in pages:
            parts[page.key] = _digests(_read(page))
        seconds = time.process_time() - begun
        each = 1000 * seconds / len(pages)
        print(f"{name:12} {len(pages):5} pages  {seconds:6.1f} s CPU  {each:5.1f} ms each", flush=True)
    if arguments.write:
        arguments.write.write_text(json.dumps(parts), "utf-8")
    if arguments.against:
        sys.exit(_compare(json.loads(arguments.against.read_text("utf-8")), parts))


def _read(page: Saved) -> Reading:
    return read_body(
        page.body,
        document=page.document,
        url=page.url,
        timestamp=page.timestamp,
        content_type=page.content_type,
    )


def _digests(reading: Reading) -> dict[str, str]:
    """Return a digest of each part; the text's facts one by one, so that a difference has a name."""
    extraction = reading.extraction
    found: dict[str, Any] = {
        "outcome": (reading.outcome, reading.reason),
        "verdict": reading.verdict,
        "owner": reading.owner,
        "links": reading.links,
        "lines": reading.lines,
    }
    if extraction is not None:
        found |= {one.name: getattr(extraction, one.name) for one in fields(extraction)}
    return {name: hashlib.sha256(repr(value).encode()).hexdigest()[:16] for name, value in found.items()}


def _compare(before: dict[str, dict[str, str]], after: dict[str, dict[str, str]]) -> int:
    """Print what differs and return the exit status. Pages that only one side has read are counted."""
    shared = before.keys() & after.keys()
    differences = {
        key: sorted(
            part for part in before[key] | after[key] if before[key].get(part) != after[key].get(part)
        )
        for key in sorted(shared)
        if before[key] != after[key]
    }
    for key, named in list(differences.items())[:_SHOWN]:
        print(f"{key}: {', '.join(named)}")
    print(f"{len(shared)} readings compared, {len(after.keys() - shared)} have no reading to hold against")
    parts = Counter(part for named in differences.values() for part in named)
    print(f"{len(differences)} differ: {dict(parts)}")
    return 1 if differences or not shared else 0


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    return map(json.loads, path.read_text("utf-8").splitlines())


if __name__ == "__main__":
    main()
