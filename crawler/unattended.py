"""A run from its lock to its news: what fetch and update share."""

from __future__ import annotations

import sys

from crawler.eventlog import log_to_stderr
from crawler.fetching import run_fetch
from crawler.runs import FetchOptions, FetchReport
from pipelines.notify import deliver_news
from pipelines.store.runlock import hold_lock
from pipelines.store.writer import Store


def run_and_tell(options: FetchOptions, *, log_json: bool = False) -> FetchReport:
    """Crawl, tell the channels what became known, and return how the crawl ended.

    What an earlier run could not tell, or died over, is told first. A delivery that fails
    is no failure of the crawl: `status` shows it.

    Raises InUseError when another run holds the database.
    """
    with log_to_stderr(as_json=log_json), hold_lock(options.database, f"policy-archive {options.command}"):
        _tell(options)
        report = run_fetch(options)
        if report.status != "interrupted":
            _tell(options)
    return report


def _tell(options: FetchOptions) -> None:
    if options.channels:
        with Store.open(options.database) as store:
            deliver_news(store.connection, options.channels)


def progress_style(*, log_json: bool) -> str:
    """Return how a run shows its progress on stderr."""
    if log_json:
        return "off"
    return "bar" if sys.stderr.isatty() else "lines"
