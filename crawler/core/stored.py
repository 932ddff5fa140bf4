"""What the corpus knows: kinds, outcomes, states, index rows, documents, versions: frozen, without behaviour.

`records` gives these out, too, with all that only crawls, readings and imports need. They stand apart because
a dataclass takes as long to build as a hundred rows to read, and commands that show what is stored need five.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import date
from enum import Flag, StrEnum, auto
from functools import cached_property

EMPTY_BODY_DIGEST = "3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ"
"""Base-32 SHA-1 of no bytes: nearly every redirect has it, so it proves no sameness."""


def content_id(*parts: str) -> str:
    """Return 16 hex digits that depend on the parts alone, so that a second run gives the same ids."""
    return hashlib.sha256("\x00".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]


class Kind(StrEnum):
    """What a document is: stored value, what people call it, and words in curators' names that mean it.

    The one table of kinds, in the order in which they are offered and tried; CONTRIBUTING.md says which words
    a new one needs. `other` is any policy that is none of those before it; `home` is a site's home page,
    fetched for its links, never a version.
    """

    PRIVACY = "privacy", "privacy policy", ("privacy", "data protection")
    TERMS = "terms", "terms of service", ("terms", "conditions")
    COOKIES = "cookies", "cookie policy", ("cookie", "tracker")
    OTHER = "other", "policy", ()
    HOME = "home", "home page", ()

    label: str
    """What people call such a document, in the corpus' sentence as well."""
    curators_words: tuple[str, ...]
    """A curator's name of a document that holds one of these, lower case, is of this kind."""

    def __new__(cls, value: str, label: str = "", curators_words: tuple[str, ...] = ()) -> Kind:
        kind = str.__new__(cls, value)
        kind._value_ = value
        kind.label = label
        kind.curators_words = curators_words
        return kind


POLICY_KINDS = tuple(kind for kind in Kind if kind is not Kind.HOME)
"""The kinds that are policies: what `--kind` offers."""


class Trait(Flag):
    """What an outcome means to those who act on it: the one place where outcomes are classified."""

    TEXT = auto()
    """The capture's text counts for the versions of its document."""
    READ = auto()
    """An extractor looked at the body; another may find more in it."""
    POLICY = auto()
    """The body is a policy, though perhaps not this document's."""
    WANTED = auto()
    """What the capture was asked for; all others are counted by name when a run ends."""
    GONE = auto()
    """The page showed that day that the policy was not there."""
    UNSEEN = auto()
    """Nothing was learnt about the page: the archive, or the way, failed; a twin may still show it."""
    ACCIDENT = auto()
    """The reading died: that says nothing of the page. A run with one left is not done."""
    AGAIN = auto()
    """Asked again in later runs, not for ever: the damage may be of the way or of the machine."""


class Outcome(StrEnum):
    """What came of asking the archive for one capture. Exactly one each; stored, never only logged."""

    TEXT = "text", Trait.TEXT | Trait.READ | Trait.POLICY | Trait.WANTED
    """A policy of the document's kind: its text counts for versions."""
    INCOMPLETE_TEXT = "incomplete-text", Trait.TEXT | Trait.READ | Trait.POLICY | Trait.WANTED
    """The same, but words of its page are missing that no rule left out; `reason` holds their share. It
    counts for versions, and its document is named until the extractor is mended."""
    HOME = "home", Trait.READ | Trait.WANTED
    """A home page, kept for its links."""
    NOT_A_POLICY = "not-a-policy", Trait.READ | Trait.GONE
    """A page with text that is no policy; `reason` holds the judge's class (soft-404, parked, wall ...)."""
    OTHER_KIND = "other-kind", Trait.READ | Trait.POLICY
    """A policy, but of another kind than the document's."""
    FOREIGN = "foreign", Trait.READ | Trait.POLICY | Trait.WANTED | Trait.GONE
    """A policy of somebody else (registrar, platform): text kept, versions kept apart."""
    ERROR_PAGE = "error-page", Trait.GONE
    """A captured 4xx or 5xx: a fact about that day."""
    REDIRECT = "redirect", Trait.GONE
    """A captured redirect; `location` says where to."""
    REDIRECT_LOOP = "redirect-loop", Trait.UNSEEN
    DRIFT = "drift", Trait.UNSEEN
    """The archive had only a capture of another time, beyond the tolerance."""
    NOT_ARCHIVED = "not-archived", Trait.UNSEEN
    BLOCKED = "blocked", Trait.UNSEEN
    """The archive does not show this site."""
    OFF_ARCHIVE = "off-archive-redirect", Trait.UNSEEN
    """The answer led away from the archive that was named: not followed."""
    EMPTY = "empty", Trait.READ
    TRUNCATED = "truncated", Trait.UNSEEN | Trait.AGAIN
    BAD_ENCODING = "bad-encoding", Trait.READ | Trait.UNSEEN | Trait.AGAIN
    TOO_LARGE = "too-large", Trait.READ
    NO_TEXT_LAYER = "no-text-layer", Trait.READ
    """A PDF of pictures."""
    NOT_TEXT = "not-text", Trait.READ
    """An image, a program, a film."""
    EXTRACTION_FAILED = "extraction-failed", Trait.READ
    EXTRACTOR_CRASH = "extractor-crash", Trait.READ | Trait.ACCIDENT | Trait.AGAIN
    EXTRACTOR_TIMEOUT = "extractor-timeout", Trait.READ | Trait.ACCIDENT | Trait.AGAIN
    EXTRACTOR_MEMORY = "extractor-memory", Trait.READ | Trait.ACCIDENT | Trait.AGAIN
    ARCHIVE_ERROR = "archive-error", Trait.UNSEEN | Trait.AGAIN
    """The archive failed (5xx, time-out, broken connection) on every try: worth asking again."""

    traits: Trait

    def __new__(cls, value: str, *traits: Trait) -> Outcome:
        outcome = str.__new__(cls, value)
        outcome._value_ = value
        outcome.traits = traits[0]
        return outcome

    @property
    def is_text(self) -> bool:
        """Return whether the capture's text counts for its document's versions."""
        return Trait.TEXT in self.traits

    @property
    def owner_weight(self) -> int:
        """Return how much a text of this outcome says of whose its document is, 0 for nothing at all.

        The site's own text says more than any number of those that took its place.
        """
        if self.is_text:
            return 1000
        return 1 if self is Outcome.FOREIGN else 0

    @property
    def is_junk(self) -> bool:
        """Return whether something was asked for, and neither the document's text nor a way to it came."""
        return not (self.is_text or self is Outcome.REDIRECT)

    @property
    def is_policy(self) -> bool:
        """Return whether the body is a policy, whosever and of whatever kind."""
        return Trait.POLICY in self.traits

    @property
    def is_wanted(self) -> bool:
        """Return whether this is what captures are asked for."""
        return Trait.WANTED in self.traits

    @property
    def may_be_short(self) -> bool:
        """Return whether another way of reading may make more of the page: its text was the site's own."""
        return self.was_read and (Trait.POLICY in self.traits) != (Trait.GONE in self.traits)

    @property
    def shows_no_policy(self) -> bool:
        """Return whether the page itself said that the policy was not there that day."""
        return Trait.GONE in self.traits

    @property
    def is_unseen(self) -> bool:
        """Return whether nothing was learnt about the page."""
        return Trait.UNSEEN in self.traits

    @property
    def is_accident(self) -> bool:
        """Return whether the reading died, which is no fact about the page."""
        return Trait.ACCIDENT in self.traits

    @property
    def is_evidence(self) -> bool:
        """Return whether the outcome is a fact about the page as captured, and final."""
        return not (self.is_unseen or self.is_accident)

    @property
    def is_retryable(self) -> bool:
        """Return whether a later run asks again."""
        return Trait.AGAIN in self.traits

    @property
    def was_read(self) -> bool:
        """Return whether an extractor looked at the body, so that another may look again."""
        return Trait.READ in self.traits

    @property
    def leaves_run_incomplete(self) -> bool:
        """Return whether a run with such a capture is not done: it could not be had, or not read."""
        return self is Outcome.ARCHIVE_ERROR or self.is_accident

    @classmethod
    def accidents(cls) -> tuple[Outcome, ...]:
        """Return the outcomes that say that a reading died, for SQL."""
        return tuple(outcome for outcome in cls if outcome.is_accident)

    @classmethod
    def retryable(cls) -> tuple[Outcome, ...]:
        """Return the outcomes that a later run asks again, for SQL."""
        return tuple(outcome for outcome in cls if outcome.is_retryable)


class RowState(StrEnum):
    """What became of one index row. Every row has exactly one."""

    PENDING = "pending"
    """Selected to be fetched, not fetched yet. None is left after a complete run."""
    FETCHED = "fetched"
    """Asked for; `outcome` says what came of it."""
    SAME_DIGEST = "same-digest"
    """Not fetched: equal digest, so equal body, as the capture in `same_as`."""
    BRACKETED = "bracketed"
    """Not fetched: the captures `after_id` and `before_id` around it have the same text."""
    NARROW = "narrow"
    """Not fetched: lies inside an interval of change that is already narrow enough."""
    ERROR_PAGE = "error-page"
    """Not fetched: the index itself says 4xx or 5xx."""
    REDIRECT = "redirect"
    """Not fetched: the index itself says 3xx."""
    NOT_TEXT = "not-text"
    """Not fetched: the index says that it is an image, a program, a film."""
    UNPLANNED = "unplanned"
    """Not fetched: the plan (monthly ..., or a limit on requests) did not ask for it; `reason` says which."""


CDX_FIELDS = ("urlkey", "timestamp", "original", "mimetype", "statuscode", "digest", "length")
"""The columns of an index row, in the order in which they are asked for, printed and stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CdxRow:
    """One line of the index. Column names are the archive's; `timestamp` is repaired, 14 digits."""

    urlkey: str
    timestamp: str
    original: str
    """As the index prints it: already escaped, not to be quoted again."""
    mimetype: str
    """`warc/revisit` for a revisit, `unk` or `-` when unknown."""
    statuscode: str
    """Three digits, or `-` for revisits and when unknown."""
    digest: str
    """Base-32 SHA-1 of the body as stored in the WARC, no prefix; `-` when unknown."""
    length: int | None
    """Compressed bytes on the archive's disk; not the page's size. None when unknown."""

    def id_in(self, document_id: str) -> str:
        """Return the capture's id within a document: from content, the same in every run."""
        return content_id(document_id, self.original, self.timestamp, self.digest)


@dataclass(frozen=True, kw_only=True)
class Document:
    """One policy of one site, followed through its addresses."""

    site: str
    """Registrable domain or host, lower case, ASCII (`intently.co`)."""
    kind: Kind
    name: str = ""
    """Empty for the site's main document of this kind; else what tells it apart (`children`, `de`)."""

    @cached_property
    def id(self) -> str:
        return content_id(self.site, self.kind, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCapture:
    """All that the planner and the version fold may know of one row."""

    row: CdxRow
    outcome: Outcome | None = None
    """None: not fetched."""
    text_sha256: str | None = None
    """Set exactly when outcome is `text`."""
    stated_days: tuple[date, ...] = ()
    """Days that the text states of itself."""
    language: str | None = None
    """ISO 639-1 of the text; None when it is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowDecision:
    """The planner's state of one row, with its reason."""

    state: RowState
    reason: str = ""
    same_as: CdxRow | None = None
    """For same-digest: the row whose body it equals."""
    bracket: tuple[CdxRow, CdxRow] | None = None
    """For bracketed and narrow: the fetched rows before and after."""


@dataclass(frozen=True, kw_only=True)
class Version:
    """Longest run of consecutive captures of a document with equal extracted text."""

    number: int
    """1, 2, 3 … in order of time."""
    text_sha256: str
    first: CdxRow
    last: CdxRow
    """Last capture known to hold this text, proven by fetch, digest or bracket."""
    changed_after: str | None
    """14 digits of the last capture of the text before; None for the first version."""
    captures: int
    """Rows known to hold this text."""
    returns_to: int | None
    """Number of the earliest version with the same text."""
    rows: tuple[CdxRow, ...] = field(default=(), repr=False)
    """The fetched rows of the run."""
    reader: str = ""
    """Who read the text: '' for our own extractor, else whose reading was imported."""
