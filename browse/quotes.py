"""What a change says, in one quotation: the words that came or went, with a little around them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from markupsafe import Markup, escape

from policy_archive.browse.diff_words import Piece, compare_runs
from policy_archive.browse.line_shapes import parse_runs, plain_text, shape_line
from policy_archive.crawler.core.errors import DamagedError
from policy_archive.pipelines.outputs.addresses import document_of
from policy_archive.pipelines.outputs.quotation import LONGEST_COMPARED, weigh_line
from policy_archive.pipelines.store import queries
from policy_archive.pipelines.store.queries import Row
from policy_archive.pipelines.versions.diff import Diff, DiffLine, LineKind, diff_texts

_WIDTH = 280
_AROUND = 60
"""Characters of a quotation, and of what stayed at either side of what changed."""
_OF_ONE_SIDE = {LineKind.ADDED: "ins", LineKind.REMOVED: "del"}


def quote_changes(connection: sqlite3.Connection, rows: Sequence[Row], *, characters: int) -> list[Row]:
    """Return versions with `quote` (HTML, '' when there is nothing to quote) and `before`, the 14 digits of
    the version before.

    `characters` is how much text may be compared for all of them; the first ones are served first.
    """
    quoted = []
    for row in rows:
        document = document_of(row)
        try:
            old = queries.read_version(connection, document, row["version"] - 1)
            new = queries.read_version(connection, document, row["version"])
        except DamagedError:  # its own pages say so; those around it are shown
            before = queries.read_first_timestamp(connection, document.id, row["version"] - 1)
            quoted.append(row | {"before": before, "quote": Markup("")})
            continue
        length = len(old["text"]) + len(new["text"])
        is_short = length <= min(LONGEST_COMPARED, characters)
        # what is not compared takes nothing from those that come after it
        characters -= length if is_short else 0
        quote = quote_change(old["text"], new["text"]) if is_short else Markup("")
        quoted.append(row | {"before": old["timestamp"], "quote": quote})
    return quoted


def quote_change(old: str, new: str) -> Markup:
    """Return the largest change of a line between two texts as HTML, `ins` and `del` in it; '' for none.

    >>> str(quote_change("We keep it.", "We sell it."))
    'We <del>keep </del><ins>sell </ins>it.'
    """
    return quote_diff(diff_texts(old, new))


def quote_diff(diff: Diff) -> Markup:
    """Return the largest change of a line of a difference as quote_change does."""
    weighed = ((weigh_line(line), -index, line) for index, line in enumerate(diff.lines))
    weight, _, line = max(weighed, default=(0, 0, None), key=lambda one: one[:2])
    if line is None or not weight or diff.is_coarse:
        return Markup("")
    return _show(_pieces(line))


def _pieces(line: DiffLine) -> list[tuple[str, str]]:
    """Return (tag, words) of a line in reading order."""
    sides = [parse_runs(shape_line("".join(span.text for span in side))) for side in (line.old, line.new)]
    if line.kind is LineKind.CHANGED:
        return [(piece.tag, _words(piece)) for piece in compare_runs(*sides)]
    return [(_OF_ONE_SIDE[line.kind], plain_text(sides[0] or sides[1]))]


def _words(piece: Piece) -> str:
    return plain_text(piece.old if piece.tag == "del" else piece.new)


def _show(pieces: Sequence[tuple[str, str]]) -> Markup:
    shown, left = [], _WIDTH
    begun = False
    for index, (tag, words) in enumerate(pieces):
        if not tag:
            text = _cut_middle(words, keep_start=begun, keep_end=index + 1 < len(pieces))
        else:
            text, begun = words, True
        if left <= 0:
            shown.append(Markup("…"))
            break
        cut = text if len(text) <= left else text[:left].rstrip() + "…"
        left -= len(cut)
        shown.append(Markup("<ins>{}</ins>").format(cut) if tag == "ins" else _stayed_or_went(tag, cut))
    return Markup("").join(shown)


def _stayed_or_went(tag: str, text: str) -> Markup:
    return Markup("<del>{}</del>").format(text) if tag else escape(text)


def _cut_middle(words: str, *, keep_start: bool, keep_end: bool) -> str:
    """Return what stayed, cut to what stands next to a change."""
    kept = _AROUND * (keep_start + keep_end)
    if len(words) <= kept:
        return words
    start = words[:_AROUND].rpartition(" ")[0] if keep_start else ""
    end = words[-_AROUND:].partition(" ")[2] if keep_end else ""
    return f"{start} … {end}" if start else f"… {end}"
