"""What a run of the crawl is asked for, what it has done so far, and how it ended."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from policy_archive.crawler.core import defaults
from policy_archive.crawler.core.errors import PolicyArchiveError
from policy_archive.crawler.core.plurals import plural
from policy_archive.crawler.core.records import POLICY_KINDS, Channel, Kind, Outcome, ReadCapture, RowState
from policy_archive.crawler.core.urls import is_address, parse_site, strip_replay
from policy_archive.crawler.core.vocabularies import RunStatus, SiteOutcome
from policy_archive.crawler.discovery.addresses import parse_part
from policy_archive.crawler.planning.due import Failing
from policy_archive.crawler.planning.plan import PlanOptions

KINDS = [kind.value for kind in POLICY_KINDS]


@dataclass(frozen=True, kw_only=True)
class Target:
    """One thing that the user wants fetched."""

    site: str
    """As `crawler.urls.parse_site` gives it."""
    url: str | None = None
    """A page of the site, used as it is; None: the site's policies are looked for."""
    kind: Kind | None = None
    """What the user says that the page is; None: as its address reads, `other` when that says nothing."""
    rank: int | None = None
    """Of the list that the site came from."""
    kinds: tuple[Kind, ...] | None = None
    """Kinds of policy wanted of this site; None: the run's."""
    discover: bool = True
    """False: the documents known are asked for what is new, and none is looked for."""


@dataclass(frozen=True, kw_only=True)
class FetchOptions:
    """What one run of the crawl does."""

    targets: Iterable[Target]
    kinds: tuple[Kind, ...] = (Kind.PRIVACY,)
    database: Path = Path(defaults.DATABASE)
    plan: PlanOptions = field(default_factory=PlanOptions)
    """Its max_requests counts for the whole run."""
    archive_url: str = defaults.ARCHIVE
    dialect: str = "auto"
    index_per_minute: float | None = None
    """None: as crawler.politeness says; 0: no limit."""
    replay_per_second: float | None = None
    requests_a_day: int | None = None
    contact: str | None = None
    progress: str = "off"
    """bar, lines or off; on stderr."""
    ask_again: bool = False
    """Ask the index also for what it was asked for earlier today."""
    channels: tuple[Channel, ...] = ()
    """Who is to be told of versions that become known."""
    command: str = "fetch"
    """Written into `runs`."""
    settings: tuple[tuple[str, Any], ...] = ()
    """Further Scrapy settings, at `cmdline` priority: tests make pauses short with them."""


@dataclass(kw_only=True)
class Tally:
    """What a run has done so far; the progress and the report show it, and `note_` methods alone write it."""

    started: float = field(default_factory=time.monotonic)
    sites_done: int = 0
    documents: int = 0
    listed: int = 0
    """Index rows of the documents crawled, older runs' included."""
    malformed: int = 0
    """Lines of the index that were no rows."""
    planned: int = 0
    """Captures asked for, or to be asked for, by this run."""
    fetched: int = 0
    """Captures settled by this run, home pages among them."""
    homes: int = 0
    """Of these, home pages: asked for so that policies are found, and in nobody's plan."""
    versions: int = 0
    states: Counter[RowState] = field(default_factory=Counter)
    """Where the rows of the documents crawled stand in the end."""
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    """Of the captures that this run settled."""
    index_requests: int = 0
    replay_requests: int = 0
    site_outcomes: Counter[SiteOutcome] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    """Sentences for people: what is missing and why."""

    notices: list[str] = field(default_factory=list)
    """Sentences for people: what was done otherwise than asked, and is no failure."""

    sites: int | None = None
    """How many the run has to do; None: not known."""
    searching: dict[str, None] = field(default_factory=dict)
    """Sites whose policies are being looked for, the longest first."""
    planned_sites: set[str] = field(default_factory=set)
    """Sites of which captures were planned."""

    def note_searching(self, site: str, *, begins: bool) -> None:
        """Note that the search for a site's policies begins, or has ended."""
        if begins:
            self.searching[site] = None
        else:
            self.searching.pop(site, None)

    def note_planned(self, captures: int, *, site: str | None = None) -> None:
        """Count captures that are to be asked for."""
        self.planned += captures
        if site is not None:
            self.planned_sites.add(site)

    @property
    def is_half_known(self) -> bool:
        """Return whether what is planned tells how long the rest will take: of half of the sites it is known
        what they need, and half of that is done.
        """
        known = max(self.sites_done, len(self.planned_sites))
        return 2 * known >= (self.sites or 0) and 2 * self.fetched_as_planned >= self.planned

    @property
    def fetched_before(self) -> int:
        """Return how many captures of the documents crawled earlier runs had fetched."""
        return max(0, self.states[RowState.FETCHED] - self.fetched_as_planned)

    def note_capture(self, read: ReadCapture) -> None:
        """Count a capture that is stored."""
        self.fetched += 1
        self.homes += read.capture.document.kind is Kind.HOME
        outcome = read.reading.outcome if read.reading else read.capture.outcome
        if outcome is not None:
            self.outcomes[outcome] += 1

    def note_document(self, *, versions: int, states: Mapping[RowState, int]) -> None:
        """Count a document that is done: its versions, and where its rows stand."""
        self.documents += 1
        self.versions += versions
        self.states.update(states)
        self.listed += sum(states.values())

    def note_site(self, outcome: SiteOutcome | None) -> None:
        """Count a site that is done; None: what it has is not known."""
        self.sites_done += 1
        if outcome is not None:
            self.site_outcomes[outcome] += 1

    def note_malformed(self, lines: int) -> None:
        """Count lines of the index that were no rows."""
        self.malformed += lines

    def note_requests(self, *, index: int, replay: int) -> None:
        """Note how many requests the whole run has spent."""
        self.index_requests, self.replay_requests = index, replay

    def note_problem(self, sentence: str) -> None:
        """Note what is missing and why, for people."""
        self.problems.append(sentence)

    def note_notice(self, sentence: str) -> None:
        """Note what was done otherwise than asked, for people."""
        self.notices.append(sentence)

    @property
    def fetched_as_planned(self) -> int:
        return self.fetched - self.homes

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started


@dataclass(frozen=True, kw_only=True)
class Health:
    """What the owner of an unattended corpus must know of a run; stored with it."""

    sites_due: int
    sites_done: int
    """Without a failure; a site that has no policy is done, too."""
    failed: dict[str, int]
    """Sites by reason: archive-error, failed, not-reached (the run ended before)."""
    versions_new: int
    """That became known, but for those that are passed over."""
    versions_passed_over: int
    """That became known and are not the policy's own: the page around it changed, or who read it."""
    index_requests: int
    replay_requests: int
    longest_failing: tuple[Failing, ...]
    """Of the whole corpus, the longest first."""

    def describe(self) -> str:
        """Return the line that ends a run."""
        failed = ", ".join(f"{number} {reason}" for reason, number in self.failed.items())
        parts = [
            f"{plural(self.sites_due, 'site')} due, {self.sites_done} done",
            f"{sum(self.failed.values())} failed{f' ({failed})' if failed else ''}",
            f"{plural(self.versions_new, 'new version')}",
            f"{self.index_requests} index and {self.replay_requests} replay requests",
        ]
        parts += [f"longest failing: {one.site} since {one.since}" for one in self.longest_failing[:1]]
        return f"health: {parts[0]}, {'; '.join(parts[1:])}"


def build_health(
    tally: Tally,
    *,
    due: int,
    versions_new: int,
    versions_passed_over: int,
    longest_failing: Iterable[Failing],
) -> Health:
    """Return the health of a run that has ended; `due` sites were to be done."""
    failed = {outcome.value: n for outcome, n in sorted(tally.site_outcomes.items()) if outcome.is_failure}
    if due > tally.sites_done:
        failed["not-reached"] = due - tally.sites_done
    return Health(
        sites_due=due,
        sites_done=due - sum(failed.values()),
        failed=failed,
        versions_new=versions_new,
        versions_passed_over=versions_passed_over,
        index_requests=tally.index_requests,
        replay_requests=tally.replay_requests,
        longest_failing=tuple(longest_failing),
    )


@dataclass(frozen=True, kw_only=True)
class FetchReport:
    """How a run ended."""

    status: RunStatus
    reason: str
    """Why it is not done, one sentence; '' when it is."""
    tally: Tally
    seconds: float
    run_id: int | None = None
    health: Health | None = None
    """None while the run goes on."""
    failure: PolicyArchiveError | None = None
    """What ended a run that failed."""

    @property
    def exit_code(self) -> int:
        """Return what the command exits with."""
        if self.failure is not None:
            return self.failure.exit_status
        return self.status.exit_status


def parse_kinds(kinds: Iterable[str]) -> tuple[Kind, ...]:
    """Return the kinds that --kind named, each once, in the order given; `all` stands for every one.

    >>> parse_kinds(["terms", "terms"])
    (<Kind.TERMS: 'terms'>,)
    """
    named = list(dict.fromkeys(kinds))
    return tuple(Kind(kind) for kind in (KINDS if "all" in named else named))


def build_target(text: str, *, kind: Kind | None = None, rank: int | None = None) -> Target:
    """Return what a user means by a domain, a page's address, or the address of a capture of it.

    Raises UsageError if it is neither.
    """
    text = strip_replay(text.strip())
    site = parse_site(text)
    if not is_address(text):
        return Target(site=site, rank=rank)
    return Target(site=site, url=parse_part(text), kind=kind, rank=rank)
