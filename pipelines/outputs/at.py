"""What was in force on a day, for people: a sentence a row, a table, a folder of files."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from policy_archive.crawler.core.safe_files import safe_name, write_file
from policy_archive.crawler.core.stored import Document, Kind
from policy_archive.pipelines.exchange.corpus_format import describe_kind, render_version
from policy_archive.pipelines.exchange.csv_lines import format_csv_line
from policy_archive.pipelines.store import queries
from policy_archive.pipelines.store.at import Certainty

Row = dict[str, Any]

_FILES = {"before_": "before_file", "": "file", "after_": "after_file"}


def describe_at(row: Row) -> str:
    """Return what is known of the day, in one sentence without its stop; `row` as store.at gives it.

    >>> describe_at({"certainty": "changed-around", "before_version": 4, "after_version": 5,
    ...     "before_last_captured": "2018-04-12T08:00:00Z", "after_first_captured": "2018-05-28T08:00:00Z",
    ...     "before_stated_effective": None, "before_stated_updated": None,
    ...     "after_stated_effective": None, "after_stated_updated": "2018-05-25"})
    'version 4 or version 5: it changed between 2018-04-12 and 2018-05-28; version 5 states 2018-05-25'
    """
    match row["certainty"]:
        case Certainty.IN_FORCE:
            return f"version {row['version']}, seen {_span(row)}{_stated(row, '')}"
        case Certainty.CHANGED_AROUND:
            return (
                f"version {row['before_version']} or version {row['after_version']}: it changed between "
                f"{row['before_last_captured'][:10]} and {row['after_first_captured'][:10]}"
                f"{_stated(row, 'before_')}{_stated(row, 'after_')}"
            )
        case Certainty.BEFORE_FIRST:
            first = row["after_first_captured"][:10]
            return f"not known: the first capture in the corpus is of {first}{_stated(row, 'after_')}"
        case Certainty.AFTER_LAST:
            last = row["before_last_captured"][:10]
            return f"not known: version {row['before_version']} was last seen on {last}, none is of later"
    why = ": ".join(part for part in (row["outcome"] or "not tried yet", row["reason"]) if part)
    return f"no text of such a policy is known ({why})"


def _span(row: Row) -> str:
    first, last = row["first_captured"][:10], row["last_captured"][:10]
    return f"on {first}" if first == last else f"from {first} to {last}"


def _stated(row: Row, prefix: str) -> str:
    day = row[f"{prefix}stated_effective"] or row[f"{prefix}stated_updated"]
    return f"; version {row[f'{prefix}version']} states {day}" if day else ""


def described(rows: Iterable[Row]) -> Iterator[Row]:
    """Yield the rows of store.at with `note`, their sentence, in place of what only programs join by."""
    for row in rows:
        shown = {key: value for key, value in row.items() if key != "document_id"}
        yield shown | {"note": describe_at(row)}


def at_cells(row: Row) -> Row:
    """Return what a table shows of a row."""
    return {
        "Site": row["site"],
        "Document": describe_kind(row["kind"], row["name"]) if row["kind"] else "",
        "Version": row["version"],
        "Before": row["before_version"],
        "After": row["after_version"],
        "Known": row["certainty"].replace("-", " "),
        "Note": row["note"],
    }


def write_at(connection: sqlite3.Connection, rows: Iterable[Row], target: Path) -> tuple[int, int]:
    """Write the texts that rows (with their note) name into a folder, and `at.csv`, which names the files.

    For each document the text in force, else both candidates, and the one before:
    `tidelock.example-privacy-20180527101010.md`, by the first capture. Returns how many rows and texts.
    Raises ExportError when a file cannot be written.
    """
    listed = [row | _write_texts(connection, row, target) for row in rows]
    lines = [format_csv_line(row.values()) for row in listed]
    write_file(
        target / "at.csv", [format_csv_line(listed[0].keys()), *lines] if listed else [], within=target
    )
    return len(listed), len({row[name] for row in listed for name in _FILES.values()} - {None})


def _write_texts(connection: sqlite3.Connection, row: Row, target: Path) -> Row:
    files: Row = dict.fromkeys(_FILES.values())
    for prefix, name in _FILES.items():
        number = row[f"{prefix}version"]
        if number is not None and not (prefix == "after_" and row["version"]):
            document = Document(site=row["site"], kind=Kind(row["kind"]), name=row["name"])
            version = queries.read_version(connection, document, number)
            parts = [row["site"], row["kind"], *([row["name"]] if row["name"] else []), version["timestamp"]]
            files[name] = f"{safe_name('-'.join(parts))}.md"
            write_file(target / files[name], [render_version(version)], within=target)
    return files
