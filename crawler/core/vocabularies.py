"""The closed vocabularies beside `Kind`, `Outcome` and `RowState`: what a stored word may be, and means.

The values are what databases, exports and messages hold, so they stay; whoever sorts members into groups asks
a property here instead of listing them.
"""

from __future__ import annotations

from enum import StrEnum

from policy_archive.crawler.core.exit_statuses import ExitStatus


class SiteOutcome(StrEnum):
    """What the crawl of a site ended with: `sites.outcome`."""

    FOUND = "found"
    """It has a policy, or its known documents were asked for what is new."""
    NOTHING_FOUND = "nothing-found"
    """The archive has captures of it, and none that is a policy."""
    NOT_ARCHIVED = "not-archived"
    BLOCKED = "blocked"
    """The archive does not show this site."""
    ARCHIVE_ERROR = "archive-error"
    """The archive did not do its part: asked again as soon as there is time."""
    FAILED = "failed"
    """This program did not do its part."""

    @property
    def is_failure(self) -> bool:
        """Return whether it says nothing of the site: the archive, or this program, did not do its part."""
        return self is SiteOutcome.ARCHIVE_ERROR or self is SiteOutcome.FAILED


class RunStatus(StrEnum):
    """How a run stands or ended: `runs.status`."""

    RUNNING = "running"
    """Or its process died, and nobody has noted it yet."""
    DONE = "done"
    INCOMPLETE = "incomplete"
    """Something that was wanted could not be had; the same command goes on."""
    INTERRUPTED = "interrupted"
    """Stopped by hand, or its process died."""
    FAILED = "failed"

    @property
    def came_to_its_end(self) -> bool:
        """Return whether all that was wanted was tried."""
        return self is RunStatus.DONE or self is RunStatus.INCOMPLETE

    @property
    def exit_status(self) -> ExitStatus:
        """Return what a command exits with when its run ended so."""
        if self is RunStatus.INTERRUPTED:
            return ExitStatus.INTERRUPTED
        return ExitStatus.DONE if self is RunStatus.DONE else ExitStatus.FAILED


class PageClass(StrEnum):
    """What a page is: `captures.page_class`. The tables of page-notices.toml bear these names."""

    POLICY = "policy"
    SOFT_404 = "soft-404"
    """An error page that was served as if it were none."""
    PARKED = "parked"
    """An advertisement for the domain."""
    WALL = "wall"
    """A login, a consent, a check of age in front of the page."""
    BLOCK_PAGE = "block-page"
    """A refusal: of robots, of countries."""
    ARCHIVE_MESSAGE = "archive-message"
    """The archive's own words."""
    EMPTY = "empty"
    OTHER = "other"
    """A page with text that is no policy and no notice."""

    @property
    def hint(self) -> str | None:
        """Return the table of wordings that speak for this class where nothing speaks for a policy."""
        if self is PageClass.PARKED:
            return "parking-company"
        return "login" if self is PageClass.WALL else None


class OwnerRelation(StrEnum):
    """Whose a text is, seen from its site: `documents.owner`. The tables of owners.toml bear these names."""

    SITE = "site"
    PARENT = "parent"
    """A company that the site belongs to; its text speaks for the site."""
    POLICY_SERVICE = "policy-service"
    """A service that hosts the site's own text."""
    REGISTRAR = "registrar"
    """The domain's registrar or parking company: its own policy stands in the site's place."""
    PLATFORM = "platform"
    """Where the site is hosted: its own policy stands in the site's place."""
    UNKNOWN = "unknown"

    @property
    def is_somebody_else(self) -> bool:
        """Return whether the text speaks of somebody else than the site."""
        return self is OwnerRelation.REGISTRAR or self is OwnerRelation.PLATFORM

    @property
    def is_own(self) -> bool:
        """Return whether the text is the site's own, or its company's."""
        return self is OwnerRelation.SITE or self is OwnerRelation.PARENT

    @property
    def is_remarkable(self) -> bool:
        """Return whether readers of the text should be told whose it is."""
        return not (self is OwnerRelation.SITE or self is OwnerRelation.UNKNOWN)


class AddressSource(StrEnum):
    """How an address of a document came to be known: `addresses.source`."""

    GIVEN = "given"
    """By the user."""
    USUAL = "usual"
    """One of the usual addresses of policies."""
    INDEX = "index"
    """The archive's index lists it, and its name says what it is."""
    HOME_LINK = "home-link"
    """A home page, or a page that lists policies, links to it."""
    REDIRECT = "redirect"
    """A captured redirect leads to it."""
    POLICY_LINK = "policy-link"
    """Another policy links to it."""
    DECLARATION = "declaration"
    """A collection that was imported says that it stands there."""
    IMPORT = "import"
    """A text or page of it was imported."""
