"""Pure: which watched sites are due, when their policies are looked for anew, which address is asked."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from policy_archive.crawler.core.errors import UsageError
from policy_archive.crawler.core.stored import Kind, KnownCapture, Outcome
from policy_archive.crawler.core.vocabularies import SiteOutcome

LONGEST_WAIT = timedelta(days=365)
"""Sites that were never found are tried at least once a year: archives learn of old sites, too."""
LONGEST_INTERVAL = timedelta(days=3650)
SEARCH_AGAIN = timedelta(days=180)
"""A policy that moved without a redirect is found by a new search, as the Princeton-Leuven corpus does it."""
SEARCH_AGAIN_WHEN_GONE = timedelta(days=30)
"""The same where the newest captures hold no policy any more."""

_UNITS = {
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(days=7),
    "mo": timedelta(days=30),
    "y": timedelta(days=365),
}
_INTERVAL = re.compile(r"([1-9][0-9]{0,3})(h|d|w|mo|y)")

INDEX_LAG = timedelta(days=90)
"""How far a later run looks back: crawls of others reach the archive's index after weeks."""


@dataclass(frozen=True, kw_only=True)
class Watch:
    """A site that is kept up to date."""

    site: str
    every: str
    """Interval as given: `1w`."""
    kinds: tuple[Kind, ...]
    added_at: datetime
    checked_at: datetime | None
    """When an update last came to a conclusion, well or badly; None: never."""
    searched_at: datetime | None
    """When an update last looked for the policies anew."""
    misses: int
    """Updates in a row that found no policy."""
    outcome: SiteOutcome | None
    """Of the site; None: no update has tried yet."""
    reason: str

    @property
    def due_at(self) -> datetime:
        """Return when it is to be asked for again.

        A miss doubles the interval, up to a year. What failed is due at once: the archive's trouble
        is over some day, and the budget is kept by the gate.
        """
        if self.checked_at is None:
            return self.added_at
        if self.outcome is not None and self.outcome.is_failure:
            return self.checked_at
        interval = parse_interval(self.every)
        # 14: an hour, the shortest, has become more than a year then
        return self.checked_at + min(interval * 2.0 ** min(self.misses, 14), max(interval, LONGEST_WAIT))

    def is_due(self, now: datetime) -> bool:
        """Return whether it is to be asked for; what a clock that ran ahead checked in the future is."""
        return self.checked_at is None or self.checked_at > now or self.due_at <= now


@dataclass(frozen=True, kw_only=True)
class Failing:
    """A site whose runs fail."""

    site: str
    since: str
    """When the first of the runs in a row ended that failed, ISO 8601 UTC."""
    reason: str


def parse_interval(text: str) -> timedelta:
    """Return the time that `12h`, `1d`, `2w`, `1mo` (30 days) or `1y` (365 days) means.

    Raises UsageError if it is none of these.

    >>> parse_interval("1w").days, parse_interval("1mo").days
    (7, 30)
    """
    match = _INTERVAL.fullmatch(text.strip().lower())
    interval = int(match[1]) * _UNITS[match[2]] if match else None
    if interval is None or interval > LONGEST_INTERVAL:
        raise UsageError(f"'{text}' is no interval: write 12h, 1d, 1w, 1mo or 1y, 10y at the most.")
    return interval


def needs_search(watch: Watch, *, has_policy: bool, is_gone: bool, now: datetime) -> bool:
    """Return whether a watched site's policies are to be looked for anew, which takes a few index queries.

    `has_policy`: versions are known. `is_gone`: the newest captures of a document hold no text any more.
    """
    if not has_policy or watch.searched_at is None:
        return True
    again = SEARCH_AGAIN_WHEN_GONE if is_gone else SEARCH_AGAIN
    return not timedelta(0) <= now - watch.searched_at < again  # below 0: the clock ran ahead then


def find_live_key(known: Collection[KnownCapture], keys: Collection[str]) -> str | None:
    """Return which of a document's addresses (urlkeys) is asked for news: where its newest text stood.

    None when no text of the document is known. A frame's text is found by its frameset's address.
    """
    if not any(_has_text(capture) for capture in known):
        return None
    proven = _text_digests(known)
    rows = [capture.row for capture in known if capture.row.urlkey in keys]
    texts = [row for row in rows if row.digest in proven]
    return max(texts or rows, key=lambda row: (row.timestamp, row.original)).urlkey if rows else None


def is_gone(known: Collection[KnownCapture], live_key: str) -> bool:
    """Return whether the captures at a document's live address say that it is not there any more.

    One bad capture does not, which befalls every site: two after the newest text do, or a redirect.
    """
    proven = _text_digests(known)
    there = [capture for capture in known if capture.row.urlkey == live_key]
    newest = max((c.row.timestamp for c in there if c.row.digest in proven), default="")
    bad = [capture for capture in there if capture.row.timestamp > newest and _shows_no_text(capture)]
    return len(bad) >= 2 or any(_redirects(capture) for capture in bad)


def _has_text(known: KnownCapture) -> bool:
    return known.outcome is not None and known.outcome.is_text


def _text_digests(known: Iterable[KnownCapture]) -> frozenset[str]:
    """Return the digests of bodies that hold the document's text, fetched or not."""
    return frozenset(capture.row.digest for capture in known if _has_text(capture))


def _shows_no_text(known: KnownCapture) -> bool:
    if known.outcome is not None:
        return known.outcome.shows_no_policy
    return known.row.statuscode[:1] in ("3", "4", "5")


def _redirects(known: KnownCapture) -> bool:
    return known.outcome is Outcome.REDIRECT or (known.outcome is None and known.row.statuscode[:1] == "3")
