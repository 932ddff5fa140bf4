"""A run from its lock to its news: what fetch and update share."""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from policy_archive.crawler.core.events import log_event, log_to_stderr
from policy_archive.crawler.core.exit_statuses import ExitStatus
from policy_archive.crawler.core.urls import WAYBACK_MACHINE
from policy_archive.crawler.core.vocabularies import RunStatus
from policy_archive.crawler.crawl.run import FetchOptions, FetchReport
from policy_archive.pipelines.store.monitoring.health import find_other_extractor
from policy_archive.pipelines.store.runlock import hold_lock
from policy_archive.pipelines.store.writer import Store

if TYPE_CHECKING:
    from policy_archive.pipelines.notify.delivery import Delivery

_CONTACT = "the Wayback Machine likes to know whom to write to before it blocks: --contact you@example.org"

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a run ended, and who was told of it."""

    report: FetchReport
    deliveries: list[Delivery]
    """One a channel: of what earlier runs left and of this one's news together."""

    @property
    def exit_status(self) -> int:
        """Return what the command exits with: a run that went well and could not be told has its own."""
        untold = any(one.is_refused for one in self.deliveries)
        return self.report.exit_code or (ExitStatus.NOT_TOLD if untold else ExitStatus.DONE)


def run_and_tell(
    options: FetchOptions, *, log_json: bool = False, quiet: bool = False, base_url: str | None = None
) -> Ending:
    """Crawl, tell the channels what became known, and return how the crawl ended and what became of that.

    What an earlier run could not tell, or died over, is told first. A delivery that fails
    is no failure of the crawl.

    Raises InUseError when another run holds the database.
    """
    from policy_archive.crawler.runner import (
        run_fetch,  # loads Scrapy, which --help and --dry-run can do without
    )

    with log_to_stderr(as_json=log_json), hold_lock(options.database, f"policy-archive {options.command}"):
        if is_nameless(options.archive_url, options.contact) and not quiet:
            log_event(log, "contact-missing", _CONTACT, level=logging.WARNING)
        deliveries = _tell(options, base_url)
        if options.ask_again:
            _warn_of_another_extractor(options)
        report = run_fetch(options)
        if report.status is not RunStatus.INTERRUPTED:
            deliveries = [
                one.and_then(two) for one, two in zip(deliveries, _tell(options, base_url), strict=True)
            ]
    return Ending(report=report, deliveries=deliveries)


def is_nameless(archive_url: str, contact: str | None) -> bool:
    """Return whether the public archive would not learn who asks; an archive of one's own need not.

    >>> is_nameless("https://web.archive.org", None), is_nameless("http://127.0.0.1:8080", None)
    (True, False)
    """
    return archive_url == WAYBACK_MACHINE and not contact


def _tell(options: FetchOptions, base_url: str | None) -> list[Delivery]:
    if not options.channels:
        return []
    from policy_archive.pipelines.notify.delivery import deliver_news  # mail and TLS, for those who are told

    with Store.open(options.database) as store:
        return deliver_news(store.connection, options.channels, base_url=base_url)


def _warn_of_another_extractor(options: FetchOptions) -> None:
    """Say so when the texts stored were read by another release: its changes would look like the sites'."""
    from policy_archive.pipelines.extract.extraction import (
        current_extractors,  # heavy, and runs alone need it
    )

    with Store.open(options.database) as store:
        earlier = find_other_extractor(store.connection, current_extractors())
    if earlier is not None:
        words = f"texts in {options.database} were read by {earlier}: run 'policy-archive re-extract' first, "
        words += "or what this release reads otherwise looks like a change of the site's"
        log_event(log, "extractor-changed", words, level=logging.WARNING, extractor=earlier)


def progress_style(*, log_json: bool, quiet: bool = False) -> str:
    """Return how a run shows its progress on stderr."""
    if log_json or quiet:
        return "off"
    return "bar" if sys.stderr.isatty() else "lines"
