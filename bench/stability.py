"""How often our text changes where the document did not: `python -m bench.stability [--sample N] [--show]`.

Neighbouring captures of ../shared/replay/dev whose recorded, hand-curated text is the same; junk captures
(less than half of the recorded words in the page) left out. Asked: another text in at most one pair of fifty.
"""

from __future__ import annotations

import difflib
import json
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
from warcio.archiveiterator import ArchiveIterator

from policy_archive.crawler.core.errors import ExtractionError
from policy_archive.pipelines.extract.extraction import extract

REPLAY = Path(__file__).resolve().parent.parent.parent / "shared" / "replay" / "dev"
ALLOWED_SHARE = 1 / 50

Capture = dict[str, Any]


@click.command()
@click.option("--sample", type=int, help="Only the first N captures of each document.")
@click.option("--document", "only", help="Only documents with this in their name.")
@click.option("--show", is_flag=True, help="Print what differs, line by line.")
def main(sample: int | None, only: str | None, show: bool) -> None:
    """Print, for each document, the pairs of captures and how many give another text."""
    pairs = changed = 0
    for document, captures in _documents().items():
        if only and only not in document:
            continue
        kept = captures[:sample] if sample else captures
        texts = _texts(kept)
        counts = _compare(kept, texts, show=show)
        pairs, changed = pairs + counts["pairs"], changed + counts["changed"]
        click.echo(f"{counts['changed']:4d} of {counts['pairs']:4d}  {document}")
    click.echo(f"{changed:4d} of {pairs:4d}  all: {changed / max(1, pairs):.2%}, allowed {ALLOWED_SHARE:.0%}")


def _documents() -> dict[str, list[Capture]]:
    documents: dict[str, list[Capture]] = {}
    for line in (REPLAY / "captures.jsonl").read_text("utf-8").splitlines():
        capture = json.loads(line)
        if (capture["gold_coverage"] or 0) >= 0.5:
            documents.setdefault(capture["document"], []).append(capture)
    for captures in documents.values():
        captures.sort(key=lambda capture: capture["timestamp"])
    return documents


def _texts(captures: list[Capture]) -> dict[str, str]:
    """Return our text by digest of the body."""
    wanted = {capture["digest"]: capture for capture in captures}
    texts: dict[str, str] = {}
    for digest, body, content_type in _bodies(captures[0]["url"]):
        if digest in wanted and digest not in texts:
            capture = wanted[digest]
            texts[digest] = _text(body, content_type, capture)
    return texts


def _text(body: bytes, content_type: str | None, capture: Capture) -> str:
    try:
        return extract(
            body, url=capture["url"], timestamp=capture["timestamp"], content_type=content_type
        ).text
    except ExtractionError as error:
        return f"({error.outcome})"


def _bodies(url: str) -> Iterator[tuple[str, bytes, str | None]]:
    for path in sorted((REPLAY / "archive").glob("[0-9]*.warc.gz")):
        with path.open("rb") as stream:
            for number, record in enumerate(ArchiveIterator(stream)):
                if record.rec_type == "response":
                    if number < 3 and record.rec_headers.get_header("WARC-Target-URI") != url:
                        break  # one document a file
                    digest = str(record.rec_headers.get_header("WARC-Payload-Digest")).removeprefix("sha1:")
                    content_type = record.http_headers.get_header("Content-Type")
                    yield digest, record.content_stream().read(), content_type


def _compare(captures: list[Capture], texts: dict[str, str], *, show: bool) -> Counter[str]:
    counts: Counter[str] = Counter()
    for one, other in pairwise(captures):
        if one["gold_text"] != other["gold_text"]:
            continue
        counts["pairs"] += 1
        before, after = texts[one["digest"]], texts[other["digest"]]
        if before != after:
            counts["changed"] += 1
            if show:
                _show(before, after, one["timestamp"], other["timestamp"])
    return counts


def _show(before: str, after: str, one: str, other: str) -> None:
    click.echo(f"--- {one} {other}")
    for line in difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm=""):
        if not line.startswith(("---", "+++", "@@")):
            click.echo(f"    {line[:300]}")


if __name__ == "__main__":
    main()
