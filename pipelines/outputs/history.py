"""A document's history as rows: intervals of change told as they are, flapping folded, moves, gists."""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from policy_archive.crawler.core.plurals import plural
from policy_archive.crawler.core.stored import Document
from policy_archive.crawler.core.timestamps import isoformat
from policy_archive.pipelines.outputs.words import FLAGS
from policy_archive.pipelines.store import queries
from policy_archive.pipelines.store.queries import AddressMove
from policy_archive.pipelines.versions.classes import PASSED_OVER, ChangeClass
from policy_archive.pipelines.versions.flapping import find_flapping
from policy_archive.pipelines.versions.gist import change_from_values, describe_change

Row = dict[str, Any]

_SAME_DATE = "date kept: edited silently"
INTERVAL_HEADING = "Changed between"
"""Of the column that holds intervals of change: together they read as a sentence."""


_TOLD_BESIDE = (
    "interval_days", "gist", "flapping", "moves", "date_kept", "foreign", "passed_over", "doubt",
)  # fmt: skip
"""Keys of a history's rows beside those of the versions."""


def read_history(
    connection: sqlite3.Connection, document: Document, *, include_foreign: bool = False
) -> list[Row]:
    """Return a row for each version, in order of time, with all that is known of it but its text.

    Beside the columns of `policy_versions`: `interval_days`, `gist`, `flapping`
    (`first`, `last`, `texts` of the stretch, or None), `moves` (from one address
    to another while it stood, or when it came), `date_kept` (True where the
    text changed and the date that it states did not), `foreign` (True for
    somebody else's texts, which have no number), `passed_over` (True where the
    class of the change says that it is not the policy's own; a stretch that
    flaps is told as one, and never passed over), `doubt` (what is to be said
    against the text: that it is small beside its neighbours, that words are missing; None: nothing).
    """
    flapping = _flapping_by_version(connection, document)
    moves = queries.find_moves(connection, document)
    versions = queries.list_versions(connection, document)
    doubts = queries.list_doubts(connection, document)
    rows = [
        version
        | {
            "interval_days": queries.width_in_days(version),
            "gist": describe_version(version),
            "flapping": flapping.get(version["version"]),
            "moves": [asdict(move) for move in moves if _happened_in(move, version)],
            "date_kept": _is_date_kept(version, before),
            "foreign": False,
            "passed_over": _is_passed_over(version, flapping),
            "doubt": doubts.get(version["version"]),
        }
        for before, version in zip([None, *versions], versions, strict=False)
    ]
    if include_foreign:
        rows += _foreign_rows(connection, document)
        rows.sort(key=lambda row: row["timestamp"])
    return rows


def _is_passed_over(version: Row, flapping: Mapping[int, Row]) -> bool:
    return version["class"] in PASSED_OVER and version["version"] not in flapping


def matters(row: Row, *, substantive: bool, min_words: int) -> bool:
    """Return whether a row of read_history is shown by --substantive and --min-words; first versions are.

    >>> row = {"class": "small", "words_added": 2, "words_removed": 1, "changed_after": "2018-05-25"}
    >>> matters(row, substantive=False, min_words=3), matters(row, substantive=True, min_words=0)
    (True, False)
    """
    if row["changed_after"] is None or row.get("foreign"):
        return True
    if substantive and row["class"] and not ChangeClass(row["class"]).is_substantive:
        return False
    return bool((row["words_added"] or 0) + (row["words_removed"] or 0) >= min_words)


def describe_passed_over(rows: Sequence[Row]) -> str:
    """Return how many changes a list leaves out, and of what class; '' when none.

    >>> describe_passed_over([{"class": "page"}, {"class": "page"}, {"class": "layout"}])
    '3 changes are passed over (2 page, 1 layout)'
    """
    if not rows:
        return ""
    counts = Counter(row["class"] for row in rows)
    listed = ", ".join(f"{number} {name}" for name, number in counts.most_common())
    return f"{plural(len(rows), 'change is', 'changes are')} passed over ({listed})"


def _is_date_kept(version: Row, before: Row | None) -> bool:
    """Return whether a changed text still states the date of the text before."""
    dates = ("stated_updated", "stated_effective")
    return (
        before is not None
        and any(version[key] for key in dates)
        and all(version[key] == before[key] for key in dates)
    )


def _happened_in(move: AddressMove, version: Row) -> bool:
    return bool(version["first_captured"] <= isoformat(move.first_at_new) <= version["last_captured"])


def _flapping_by_version(connection: sqlite3.Connection, document: Document) -> dict[int, Row]:
    """Return the stretch of each version that flaps."""
    return {
        number: {"first": stretch.first, "last": stretch.last, "texts": stretch.texts}
        for stretch in find_flapping(queries.list_stays(connection, document))
        for number in range(stretch.first, stretch.last + 1)
    }


def _foreign_rows(connection: sqlite3.Connection, document: Document) -> Iterator[Row]:
    """Yield somebody else's versions, with the keys of the document's own; it need not have any."""
    for version, found in queries.fold_foreign(connection, document):
        yield dict.fromkeys((*queries.VERSION_KEYS, *_TOLD_BESIDE)) | {
            "site": document.site,
            "kind": document.kind,
            "name": document.name,
            "version": None,
            "url": version.first.original,
            "timestamp": version.first.timestamp,
            "first_captured": isoformat(version.first.timestamp),
            "last_captured": isoformat(version.last.timestamp),
            "changed_after": version.changed_after and isoformat(version.changed_after),
            "title": found["title"],
            "words": found["words"],
            "captures": version.captures,
            "text_sha256": version.text_sha256,
            "gist": f"somebody else's: {found['reason']}".rstrip(": "),
            "foreign": True,
            "passed_over": False,
        }


def describe_version(version: Row) -> str:
    """Return the gist of what changed with a version, in a few words."""
    if version["returns_to"]:
        return f"text of version {version['returns_to']} again"
    if version.get("class") in PASSED_OVER:
        return ChangeClass(version["class"]).gist
    if not version["change"]:
        return "first version" if version["version"] == 1 else "not weighed yet: run 'policy-archive weigh'"
    return describe_change(change_from_values(version["change"]))


def describe_interval(version: Row) -> str:
    """Return when a version came to be, no finer than it is known.

    >>> describe_interval({"changed_after": "2013-02-11T08:00:00Z", "first_captured": "2013-03-02T09:00:00Z"})
    'between 2013-02-11 and 2013-03-02'
    """
    first = version["first_captured"][:10]
    if version["changed_after"] is None:
        return f"first seen {first}"
    after = version["changed_after"][:10]
    return f"on {first}" if after == first else f"between {after} and {first}"


def interval_cell(version: Row) -> str:
    """Return the interval for a column that is headed INTERVAL_HEADING."""
    return describe_interval(version).removeprefix("between ")


def iter_lines(history: Sequence[Row]) -> Iterator[Row]:
    """Yield the lines of the table: one a version, one for a whole stretch that flaps, one a move."""
    stretches: dict[int, list[Row]] = defaultdict(list)
    for row in history:
        if row.get("flapping"):
            stretches[row["flapping"]["first"]].append(row)
    for row in history:
        stretch = row.get("flapping")
        if stretch is None:
            yield _version_line(row)
        elif row["version"] == stretch["first"]:
            yield _flapping_line(stretches[stretch["first"]])
        for move in row.get("moves") or []:
            yield _move_line(move)


def _line(version: str, changed: str, **cells: Any) -> Row:
    empty = {"Words": "", "+": "", "-": "", "Gist": "", "Stated": "", "Days": "", "Title": ""}
    return (
        {"Version": version, INTERVAL_HEADING: changed}
        | empty
        | {key.capitalize(): cells[key] for key in cells}
    )


def _version_line(row: Row) -> Row:
    line = _line(
        "-" if row["foreign"] else str(row["version"]),
        interval_cell(row),
        words=row["words"],
        gist=f"{row['gist']} [text in doubt]" if row.get("doubt") else row["gist"],
        stated=_describe_stated(row),
        title=row["title"],
    )
    days = row.get("interval_days")
    return line | {
        "Days": "" if days is None else f"{days:g}",
        "+": _signed("+", row["words_added"]),
        "-": _signed("-", row["words_removed"]),
    }


def _flapping_line(rows: Sequence[Row]) -> Row:
    first, last = rows[0], rows[-1]
    start = first["changed_after"] or first["first_captured"]
    texts = first["flapping"]["texts"]
    return _line(
        f"{first['version']}-{last['version']}",
        f"{start[:10]} and {last['first_captured'][:10]}",
        words=last["words"],
        gist=f"{texts} texts take turns in {len(rows)} versions (variants, or changes undone)",
        stated=_describe_stated(last),
        title=last["title"],
    )


def _move_line(move: Row) -> Row:
    after, by = (isoformat(move[key])[:10] for key in ("last_at_old", "first_at_new"))
    return _line("", f"{after} and {by}", gist=f"address: {move['old_url']} -> {move['new_url']}")


def _signed(sign: str, number: int | None) -> str:
    return "" if number is None else f"{sign}{number}"


def _describe_stated(row: Row) -> str:
    """Return the day that the policy states of itself, with a word where it does not fit the interval."""
    stated = row["stated_updated"] or row["stated_effective"]
    if not stated:
        return ""
    flag = FLAGS.get(row["stated_flag"])
    if flag and row.get("date_kept") and not row["returns_to"]:
        flag = _SAME_DATE
    return f"{stated} ({flag})" if flag else str(stated)
