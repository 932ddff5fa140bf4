"""Marks of Markdown in the changed lines of differences as the browser shows them, and how long those take.

    python bench/diff_marks.py --replay ../shared/replay/dev

Each document's versions are compared with the next, as the pages do. A mark: `**`, `](`, a hash or a bullet's
sign at the start of a line, a row's bar, a line of `---` or `===`, an underscore or asterisk around a word
with its partner. A removed line counts as missed when an added line of the same change is 60 % alike, word
by word, and both are shown whole.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from lxml import html
from markupsafe import Markup
from rapidfuzz.distance import Indel

from policy_archive.browse.diff_html import ShownChange, build_document
from policy_archive.pipelines.versions.diff import diff_texts

_MARK = re.compile(
    r"\*\*|\]\(|^\s*#{1,6}\s|^\s*[-*+]\s|^\s*\||\|\s*$|^\s*[-=]{3,}\s*$|^\s*>\s"
    r"|(?<!\w)_[^\s_][^_\n]*[^\s_]_(?!\w)|(?<![\w*])\*[^\s*][^*\n]*[^\s*]\*(?![\w*])"
)


def main() -> None:
    """Print the counts of one set of recorded versions."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--replay", type=Path, required=True)
    parser.add_argument("--show", type=int, default=0, help="print so many lines with marks")
    arguments = parser.parse_args()
    diffs = lines = marked = removed = missed = 0
    slowest = 0.0
    for old, new in _iter_pairs(arguments.replay):
        start = time.process_time()
        document = build_document(diff_texts(old, new), old, new, side_by_side=True)
        slowest = max(slowest, time.process_time() - start)
        diffs += 1
        for change in document.changes:
            shown = [_text(cell) for row in change.rows for cell in (row.old, row.new) if cell]
            found = [line for line in shown if _MARK.search(line)]
            lines, marked = lines + len(shown), marked + len(found)
            for line in found[: max(arguments.show, 0)]:
                arguments.show -= 1
                print(repr(line))
            gone, lost = _count_missed(change)
            removed, missed = removed + gone, missed + lost
    print(f"{diffs} differences, {lines:,} changed lines, {marked:,} with a mark; slowest {slowest:.2f} s")
    print(f"{removed:,} lines shown as removed whole, {missed:,} of them with an added line 60 % alike")


def _iter_pairs(folder: Path) -> Iterator[tuple[str, str]]:
    versions = defaultdict(list)
    for line in (folder / "versions.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        versions[row["collection"], row["document"]].append((row["n"], folder / row["text_path"]))
    for rows in versions.values():
        texts = [path.read_text("utf-8") for _, path in sorted(rows)]
        yield from ((old, new) for old, new in pairwise(texts) if old != new)


def _text(cell: Markup) -> str:
    tree = html.fromstring(f"<div>{cell}</div>")
    for beside in tree.xpath("//*[@class='note' or @class='marker']"):
        beside.drop_tree()
    return str(tree.text_content())


def _count_missed(change: ShownChange) -> tuple[int, int]:
    gone = [_text(row.old).split() for row in change.rows if row.old_class == "removed"]
    come = [_text(row.new).split() for row in change.rows if row.new_class == "added"]
    missed = sum(any(Indel.normalized_similarity(old, new) >= 0.6 for new in come) for old in gone)
    return len(gone), missed


if __name__ == "__main__":
    main()
