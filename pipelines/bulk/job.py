"""What one task is: a file, or rows of an index, the folder of its part, and by which code it is read."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from importlib.metadata import version

from policy_archive.crawler.core.errors import PolicyArchiveError, UsageError
from policy_archive.pipelines.extract.extraction import TEXTS
from policy_archive.pipelines.reading.pool import MEMORY_BYTES, TIMEOUT_SECONDS

_FORMAT = 1
"""Raised when the same reading would be written otherwise."""
_LIBRARIES = ("trafilatura", "lxml", "pypdfium2", "duckdb")
"""Whose other release may read, or write, otherwise."""


class BulkError(PolicyArchiveError):
    """Reading cannot begin or go on; what is read stays, and the same command goes on."""


class SkewError(BulkError):
    """A worker has another release than the program that gave it the task."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How pages are read; all of it is part of a part's key."""

    policies_only: bool = False
    """Leave out pages whose address promises neither a policy nor a home page."""
    timeout_seconds: float = TIMEOUT_SECONDS
    """CPU time of one page."""
    memory_bytes: int = MEMORY_BYTES
    """Of the process that reads."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One task. It goes to other machines, and holds no more than they need."""

    place: str
    """Absolute path or address of the file."""
    name: str
    """What people call it: the file's own name; of rows of an index, which."""
    size: int
    """Bytes of the file."""
    changed: str
    """When the file was written last, or its entity tag: with place and size, what tells it from others."""
    folder: str
    """Absolute path of the folder that parts are written into."""
    code: str
    """`describe_code` of whoever gives the task."""
    settings: Settings = Settings()
    span: tuple[int, int] | None = None
    """Of rows of an index (CDXJ): the bytes of the file where they stand. None: a web archive."""
    base: str = ""
    """Of rows: the folder or address below which their WARC files lie."""

    @property
    def id(self) -> str:
        """Return 16 hex digits of what is read and how, known without opening it."""
        facts = (self.place, self.size, self.changed, self.span, self.base, self.code, asdict(self.settings))
        return hashlib.sha256(json.dumps(facts).encode("utf-8", "surrogatepass")).hexdigest()[:16]

    def key_of(self, digest: str) -> str:
        """Return the key of the part: 16 hex digits of the bytes read, by their SHA-256, and of the code."""
        facts = (digest, self.base if self.span else "", self.code, asdict(self.settings))
        return hashlib.sha256(json.dumps(facts).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def describe_code() -> str:
    """Return which releases read here: the program, its texts, and the libraries that make a text.

    Raises UsageError when DuckDB is missing.
    """
    try:
        libraries = [f"{name}/{version(name)}" for name in _LIBRARIES]
    except ModuleNotFoundError as error:
        raise UsageError(
            "Parts are Parquet, which needs DuckDB: pip install 'policy-archive[exchange]'."
        ) from error
    return " ".join([f"policy-archive/{version('policy-archive')}.t{TEXTS}.b{_FORMAT}", *libraries])


def check_code(job: Job) -> None:
    """Raise SkewError unless a task was given by a program of this very release."""
    if (ours := describe_code()) != job.code:
        raise SkewError(describe_skew({"this worker": ours}, job.code))


def describe_skew(found: dict[str, str], wanted: str) -> str:
    """Return one sentence on workers whose code is not that wanted.

    >>> describe_skew({"w": "policy-archive/1 lxml/6"}, "policy-archive/2 lxml/6")
    'w has policy-archive/1 where this program has policy-archive/2: install the same release everywhere.'
    """
    worker, code = next(iter(found.items()))
    ours, theirs = wanted.split(), code.split()
    here = " ".join(one for one in ours if one not in theirs)
    there = " ".join(one for one in theirs if one not in ours)
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return f"{worker}{more} has {there} where this program has {here}: install the same release everywhere."
