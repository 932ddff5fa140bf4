"""What lets a browser keep an answer: a mark of the state it was made of, asked for again each time."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from email.utils import formatdate
from functools import cache
from importlib.metadata import version
from pathlib import Path

from policy_archive.pipelines.store.mark import read_changed_at, read_mark

_HERE = Path(__file__).parent
STATIC = _HERE / "static"
STATIC_FILES = {
    "policies.css": "text/css; charset=utf-8",
    "policies.js": "text/javascript; charset=utf-8",
    "tables.css": "text/css; charset=utf-8",
    "search.js": "text/javascript; charset=utf-8",
}
"""Files in it that pages ask for, and their types; the search is a static copy's, tables.css Datasette's."""
KEPT_FOR_EVER = "public, max-age=31536000, immutable"
"""For an address that names what it holds."""
ASKED_AGAIN = "private, no-cache"
"""For pages: a browser keeps them, and asks each time whether they still hold. Private, for a corpus may
stand behind somebody's log-in."""


def build_validators(database: Path) -> dict[str, str]:
    """Return the headers that name the state of a database and of this program.

    Every commit changes them, so a page that holds something new is never taken for the old one. Asked
    before the page is made: at the worst it is newer than its name says, and is asked for once more.
    """
    named = hashlib.sha256(f"{read_program()} {read_mark(database)}".encode()).hexdigest()[:24]
    return {
        # weak: compressed or not, it is the same page
        "ETag": f'W/"{named}"',
        "Last-Modified": formatdate(read_changed_at(database), usegmt=True),
        "Cache-Control": ASKED_AGAIN,
    }


@cache
def read_program() -> str:
    """Return what tells this program from another that makes other pages of the same database."""
    files = sorted(path for path in _HERE.rglob("*") if path.suffix in (".py", ".html"))
    times = [str(path.stat().st_mtime_ns) for path in files]
    return " ".join([version("policy-archive"), *times, *map(version_of_file, STATIC_FILES)])


def is_kept(asked: Mapping[str, str], validators: Mapping[str, str]) -> bool:
    """Return whether who asks holds the answer already (If-None-Match; dates have whole seconds, and are not
    taken for an answer)."""
    names = [name.strip() for name in asked.get("if-none-match", "").split(",")]
    return validators["ETag"] in names or "*" in names


@cache
def version_of_file(name: str) -> str:
    """Return what names the content of stylesheet or script in its address, 12 hex digits."""
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
