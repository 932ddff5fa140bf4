"""What is said at the seam of two readers' texts, where something changed and where nothing did.

`python -m bench.exchange.seams [--cuts N]`: recorded histories of ../shared/replay/dev are cut in two where
recorded words changed, and at as many captures where they did not. Before the cut a document has the
collection's own texts, after it captures that we read; the first and the last capture of the collection's
are read by us, too (seam captures, two a document). Asked is what `history` tells at the cut:

- *false*: a change, where no recorded word changed;
- *true*: a change, where some did;
- *unknown*: that it does not know.

Without seam captures, and by comparing words across the seam, for comparison. Documents in turns belong to
half A and to half B.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from bench.recorded import REPLAY, Truth, read_truths
from policy_archive.archive_server.warc import WarcSource
from policy_archive.crawler.core.records import Capture, Document, Kind, Origin, Outcome, Reading
from policy_archive.crawler.core.urls import parse_site
from policy_archive.pipelines.exchange.imported import ImportedText
from policy_archive.pipelines.exchange.intake import read_text_capture
from policy_archive.pipelines.reading.read import read_body
from policy_archive.pipelines.store.imports import ImportedCapture
from policy_archive.pipelines.store.writer import Store
from policy_archive.pipelines.text import cut_targets, is_word, split_tokens
from policy_archive.pipelines.versions.classes import ChangeClass

_NEIGHBOURS = 2


@dataclass(frozen=True, kw_only=True)
class Cut:
    """A place in a history: theirs before it, ours after."""

    before: Sequence[Truth]
    after: Sequence[Truth]

    @property
    def has_changed(self) -> bool:
        """Whether a recorded word changed across it."""
        return self.before[-1].words != self.after[0].words


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cuts", type=int, default=8, help="of a document, with a change and without")
    arguments = parser.parse_args()
    pages = _Pages()
    counts: dict[str, Counter[tuple[str, bool, str]]] = {"A": Counter(), "B": Counter()}
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "policies.db") as store:
        for number, (name, truths) in enumerate(sorted(read_truths().items())):
            for cut in choose_cuts(truths, arguments.cuts):
                for way, said in ask(store, cut, pages).items():
                    counts["AB"[number % 2]][way, cut.has_changed, said] += 1
                    if way == "two seam captures" and (said == "change") is not cut.has_changed:
                        place = f"{cut.before[-1].row.timestamp} to {cut.after[0].row.timestamp}"
                        print(f"{name}, {place}: {said}, recorded: {cut.has_changed}", file=sys.stderr)
    for half, found in [*counts.items(), ("all", counts["A"] + counts["B"])]:
        for way in ("two seam captures", "none", "words across"):
            print(f"{half:4} {way:18} {describe(found, way)}")


def describe(found: Counter[tuple[str, bool, str]], way: str) -> str:
    """Return the shares in a line."""
    of = {
        changed: sum(n for key, n in found.items() if key[:2] == (way, changed)) for changed in (True, False)
    }
    told = {changed: found[way, changed, "change"] for changed in (True, False)}
    shares = [
        f"{word} {told[changed]} of {of[changed]} = {told[changed] / max(of[changed], 1):.3f}"
        for word, changed in (("false", False), ("true", True))
    ]
    unknown = sum(found[way, changed, "unknown"] for changed in (True, False))
    return f"{'; '.join(shares)}; unknown {unknown}"


def choose_cuts(truths: Sequence[Truth], most: int) -> Iterator[Cut]:
    """Yield cuts with a change and without, as many of either, spread over the history."""
    good = [truth for truth in truths if truth.words is not None]
    cuts = [
        Cut(before=good[max(at - _NEIGHBOURS, 0) : at], after=good[at : at + _NEIGHBOURS])
        for at in range(1, len(good))
    ]
    for has_changed in (True, False):
        some = [cut for cut in cuts if cut.has_changed is has_changed]
        step = max(len(some) / most, 1)
        yield from (some[int(number * step)] for number in range(min(most, len(some))))


class _Pages:
    """Our readings of the recorded captures; each page is read once."""

    def __init__(self) -> None:
        self._source = WarcSource(sorted((REPLAY / "archive").glob("*.warc.gz")))
        self._rows = {(row.original, row.timestamp): row for row in self._source.iter_rows()}
        self._known: dict[tuple[str, str], Reading] = {}

    def read(self, truth: Truth) -> Reading:
        key = (truth.row.original, truth.row.timestamp)
        if key not in self._known:
            answer = self._source.load(self._rows[key])
            assert answer is not None
            document = Document(site=parse_site(truth.row.original), kind=Kind.PRIVACY)
            self._known[key] = read_body(
                answer.body,
                document=document,
                url=truth.row.original,
                timestamp=truth.row.timestamp,
                content_type=answer.header("content-type"),
            )
        return self._known[key]


def ask(store: Store, cut: Cut, pages: _Pages) -> dict[str, str]:
    """Return what each way says at a cut: change, nothing or unknown."""
    ours = {truth: pages.read(truth) for truth in (*cut.before, *cut.after)}
    if any(not reading.outcome.is_text for reading in ours.values()):
        return {}
    first, last = cut.before[0], cut.before[-1]
    (across,) = (
        _words(_text_of(one)) != _words(ours[other].extraction.text)  # type: ignore[union-attr]
        for one, other in pairwise([last, cut.after[0]])
    )
    seams = {truth: ours[truth] for truth in (first, last)}
    after = {truth: ours[truth] for truth in cut.after}
    return {
        "two seam captures": _tell(store, cut, seams | after),
        "none": _tell(store, cut, after),
        "words across": "change" if across else "nothing",
    }


def _tell(store: Store, cut: Cut, ours: dict[Truth, Reading]) -> str:
    """Return what a document of their texts and our readings tells of the time across the cut."""
    (number,) = store.connection.execute("select count(*) from documents").fetchone()
    document = Document(site=f"seam{number}.example", kind=Kind.PRIVACY)
    store.import_captures([_their_text(truth, document) for truth in cut.before])
    for truth, reading in ours.items():
        capture = Capture(
            document=document,
            row=truth.row,
            outcome=None,
            body=truth.row.id_in("").encode(),
            replay_url=f"https://web.archive.org/web/{truth.row.timestamp}id_/{truth.row.original}",
            requests=1,
        )
        store.record_capture(capture, reading)
    store.fold_versions(document, of_site=False)
    rows = store.connection.execute(
        "select class from versions where document_id = ? and first_timestamp > ? and first_timestamp <= ?",
        (document.id, cut.before[-1].row.timestamp, cut.after[0].row.timestamp),
    ).fetchall()
    classes = [ChangeClass(row["class"]) for row in rows if row["class"]]
    if ChangeClass.UNKNOWN in classes:
        return "unknown"
    return "change" if any(not one.is_passed_over for one in classes) else "nothing"


def _their_text(truth: Truth, document: Document) -> ImportedCapture:
    item = ImportedText(
        site=document.site,
        kind=document.kind,
        name="",
        url=truth.row.original,
        timestamp=truth.row.timestamp,
        title="",
        text=_text_of(truth),
        extractor="ota-engine",
        origin=Origin(
            format="ota-versions", name=f"{truth.text_sha256[:12]}.md", digest=f"git:{truth.text_sha256}"
        ),
    )
    found = read_text_capture(item)
    assert isinstance(found, ImportedCapture) and found.reading.outcome is Outcome.TEXT
    return found


def _text_of(truth: Truth) -> str:
    return (REPLAY / "texts" / f"{truth.text_sha256}.md").read_text("utf-8")


def _words(text: str) -> list[str]:
    return [token.strip() for token in split_tokens(cut_targets(text)) if is_word(token)]


if __name__ == "__main__":
    main()
