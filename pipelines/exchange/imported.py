"""What importers give: texts, pages, addresses, and what they had to leave out, with a reason for each."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, TypeVar

from policy_archive.crawler.core.errors import PolicyArchiveError
from policy_archive.crawler.core.records import Kind, Origin

MOST_FILE_BYTES = 20 * 1024 * 1024
"""Of one text or page: a policy of 20 MB is none."""
MOST_HEADER_CHARACTERS = 64 * 1024
"""Of front matter, or of the block quote that begins a corpus file."""
MOST_CAPTURES = 1_000_000
"""Of one source, texts, pages and what is refused: what it holds beyond is left out, and said."""
_MOST_REASON_CHARACTERS = 200
_HALF = re.compile("[\ud800-\udfff]")
"""Half of a character: SQLite stores none."""


class ImportOutcome(StrEnum):
    """What came of one item of a source. Every item has exactly one; docs/exchange.md explains each."""

    IMPORTED = "imported"
    KNOWN = "known"
    """It had been imported before."""
    NO_SITE = "no-site"
    """Nothing says whose text it is."""
    NO_KIND = "no-kind"
    NO_DATE = "no-date"
    """Neither the file nor the text says of when it is."""
    BAD_HEADER = "bad-header"
    """It begins like a file of a format, and does not go on like one."""
    BAD_DATE = "bad-date"
    BAD_SITE = "bad-site"
    EMPTY = "empty"
    NOT_TEXT = "not-text"
    TOO_LARGE = "too-large"
    OTHER_TEXT = "other-text"
    """Another text of the very capture was imported before: one of the two is wrong."""
    UNREADABLE = "unreadable"
    UNKNOWN_FORMAT = "unknown-format"
    NO_POLICY = "no-policy"
    """The page was read, and is none; its capture is stored all the same."""
    TRUNCATED = "truncated"

    @property
    def is_fault(self) -> bool:
        """Return whether something is wrong with the item, so that its name is printed."""
        return self not in (ImportOutcome.IMPORTED, ImportOutcome.KNOWN, ImportOutcome.NO_POLICY)


class RefusedError(PolicyArchiveError):
    """One item cannot be imported; the rest of its source can."""

    def __init__(self, outcome: ImportOutcome, message: str) -> None:
        super().__init__(message)
        self.outcome = outcome


@dataclass(frozen=True, kw_only=True)
class ImportedText:
    """A text that another program read off a page."""

    site: str
    kind: Kind
    name: str
    """Of the document, '' for the main one of its kind."""
    url: str | None
    """The page's own address; None when the file does not say."""
    timestamp: str
    """14 digits."""
    title: str
    text: str
    extractor: str
    """What read it. Texts of extractors that differ by more than their version numbers are never compared."""
    origin: Origin
    language: str | None = None
    """When the source knows; None: it is told from the text."""
    dated_by: str = ""
    """As `Capture.dated_by`."""
    replay_url: str = ""
    """Where an archive replays the capture; '' when no archive is named."""
    replacement_characters: int = 0


@dataclass(frozen=True, kw_only=True)
class ImportedPage:
    """A page as captured: our own extractor reads it."""

    site: str
    kind: Kind
    name: str
    url: str
    timestamp: str
    body: bytes
    content_type: str | None
    origin: Origin


@dataclass(frozen=True, kw_only=True)
class ImportedAddress:
    """Where a document stood, by the word of a source; a hint for discovery, never needed."""

    site: str
    kind: Kind
    name: str
    url: str
    evidence: str
    until: str | None = None
    """14 digits, when the source says that the document left it."""


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """One item of a source that could not be imported."""

    name: str
    outcome: ImportOutcome
    reason: str


Item = ImportedText | ImportedPage | ImportedAddress | Refusal
_Record = TypeVar("_Record", bound=Item | Origin)


@dataclass(frozen=True, kw_only=True)
class Stated:
    """What the user says of texts that do not say it themselves."""

    site: str | None = None
    kind: Kind | None = None
    timestamp: str | None = None
    """14 digits."""
    dated_by: str = ""
    licence: str = ""
    attribution: str = ""


def attempt(name: str, read: Callable[..., Item], *arguments: Any) -> Item:
    """Return what reading one item gives, fit to be stored; a Refusal whatever is raised over it.

    Items are other people's: one that breaks a parser in a way that nobody foresaw costs itself.
    """
    try:
        return storable(read(*arguments))
    except RefusedError as refused:
        return storable(Refusal(name=name, outcome=refused.outcome, reason=str(refused)))
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"[:_MOST_REASON_CHARACTERS]
        return storable(Refusal(name=name, outcome=ImportOutcome.UNREADABLE, reason=reason))


def storable(record: _Record) -> _Record:
    r"""Return a record whose texts are Unicode: half a character, of JSON or a file's name, is U+FFFD.

    >>> storable(Refusal(name="\ud800.md", outcome=ImportOutcome.EMPTY, reason="")).name
    '�.md'
    """
    mended: dict[str, Any] = {}
    for name, value in vars(record).items():
        if isinstance(value, str) and not isinstance(value, StrEnum):
            if not value.isascii() and _HALF.search(value):
                mended[name] = _HALF.sub("\ufffd", value)
        elif isinstance(value, Origin) and (origin := storable(value)) is not value:
            mended[name] = origin
    return replace(record, **mended) if mended else record
