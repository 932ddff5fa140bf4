"""`policy-archive update`: what is new of the sites that are watched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from policy_archive.crawler.core.errors import UsageError
from policy_archive.crawler.core.plurals import plural
from policy_archive.crawler.core.records import Document, Kind
from policy_archive.crawler.core.timestamps import utc_now
from policy_archive.crawler.core.urlkeys import urlkey
from policy_archive.crawler.core.urls import parse_site
from policy_archive.crawler.crawl.run import FetchOptions, Target
from policy_archive.crawler.planning.due import Watch, find_live_key, is_gone, needs_search
from policy_archive.crawler.planning.plan import PlanName, PlanOptions
from policy_archive.pipelines.commands.alert_options import Alerts
from policy_archive.pipelines.commands.crawl_options import (
    ArchiveChoice,
    archive_options,
    day_limit_option,
    max_requests_option,
    plan_option,
    precision_option,
    unattended_options,
)
from policy_archive.pipelines.commands.fetch import print_deliveries, print_ending
from policy_archive.pipelines.commands.options import db_option, json_option, weight_options
from policy_archive.pipelines.commands.run import Ending, progress_style, run_and_tell
from policy_archive.pipelines.commands.site_names import sites_argument
from policy_archive.pipelines.outputs.news import describe_left_out, describe_news, news_cells
from policy_archive.pipelines.outputs.rows import format_json, print_rows, say
from policy_archive.pipelines.store.connection import check_there, open_reader
from policy_archive.pipelines.store.monitoring import watches
from policy_archive.pipelines.store.monitoring.news import (
    NewsFilter,
    count_history,
    count_passed_over,
    list_news,
)
from policy_archive.pipelines.store.runlock import hold_lock
from policy_archive.pipelines.store.writer import Store


@click.command(name="update")
@sites_argument
@click.option("--all", "everything", is_flag=True, help="All sites watched, due or not.")
@click.option("--search", is_flag=True, help="Look for the policies anew, as is done twice a year anyway.")
@plan_option
@max_requests_option
@precision_option
@day_limit_option
@click.option("--dry-run", is_flag=True, help="Say what is due, and ask the archive nothing.")
@click.option("--quiet", is_flag=True, help="Print nothing when nothing is new and nothing is wrong.")
@weight_options
@unattended_options
@db_option
@json_option
@archive_options
def update_command(
    sites: tuple[str, ...],
    everything: bool,
    search: bool,
    plan: str,
    max_requests: int | None,
    precision: float,
    max_requests_per_day: int | None,
    dry_run: bool,
    quiet: bool,
    substantive: bool,
    min_words: int,
    alerts: Alerts,
    log_json: bool,
    database: Path,
    as_json: bool,
    archive: ArchiveChoice,
) -> int:
    """Ask for what is new of the sites watched that are due, or of those named; print what changed.

    Where nothing is new this costs one index query a document. Put it into a scheduler with
    'policy-archive schedule'.

    \b
    Example:
        policy-archive update --substantive --notify-env SLACK_WEBHOOK
    """
    if sites and everything:
        raise UsageError("name sites, or give --all for those watched: not both.")
    channels = alerts.build(substantive=substantive, min_words=min_words)
    check_there(database)
    if dry_run:
        _print_intent(gather_targets(database, sites, everything=everything, search=search))
        return 0
    with hold_lock(database, "policy-archive update"):
        options = FetchOptions(
            targets=gather_targets(database, sites, everything=everything, search=search),
            database=database,
            plan=PlanOptions(plan=PlanName(plan), precision_days=precision, max_requests=max_requests),
            **vars(archive),
            requests_a_day=max_requests_per_day,
            channels=channels,
            progress=progress_style(log_json=log_json, quiet=quiet),
            ask_again=True,
            command="update",
        )
        ending = run_and_tell(options, log_json=log_json, quiet=quiet, base_url=alerts.base_url)
    of_run = NewsFilter(
        run_id=ending.report.run_id, substantive=substantive, min_words=min_words, new_only=True
    )
    _print_report(ending, database, of_run, as_json=as_json, silent=log_json, quiet=quiet)
    return ending.exit_status


def gather_targets(
    database: Path, sites: Iterable[str], *, everything: bool = False, search: bool = False
) -> tuple[Target, ...]:
    """Return what an update asks for: the sites named, or those watched that are due.

    Raises UsageError when nothing is named and nothing is watched.
    """
    names = tuple(dict.fromkeys(parse_site(site) for site in sites))
    now = utc_now()
    with Store.open(database) as store:
        listed = {watch.site: watch for watch in watches.list_watches(store.connection)}
        if not names and not listed:
            raise UsageError(
                f"Nothing is watched in {database}: 'policy-archive watch add SITE' begins a list."
            )
        named = [listed.get(site) or _unlisted(store, site, now) for site in names]
        due = [watch for watch in listed.values() if everything or watch.is_due(now)]
        return tuple(_build_target(store, watch, now, search=search) for watch in (named if names else due))


def _unlisted(store: Store, site: str, now: datetime) -> Watch:
    """Return how a site is updated that nobody watches: as it was fetched, if that came to its end."""
    return Watch(
        site=site,
        every="1w",
        kinds=watches.known_kinds(store.connection, site) or (Kind.PRIVACY,),
        added_at=now,
        checked_at=None,
        searched_at=now if watches.was_crawled(store.connection, site) else None,
        misses=0,
        outcome=None,
        reason="",
    )


def _build_target(store: Store, watch: Watch, now: datetime, *, search: bool) -> Target:
    gone = list(_iter_gone(store, watch))
    needed = needs_search(watch, has_policy=bool(gone), is_gone=any(gone), now=now)
    return Target(site=watch.site, kinds=watch.kinds, discover=search or needed)


def _iter_gone(store: Store, watch: Watch) -> Iterator[bool]:
    """Yield for each document of which a text is known, whether it has left its address since."""
    for document in store.documents_of(watch.site):
        if document.kind in watch.kinds:
            known = store.known_captures(document)
            key = find_live_key(known, _keys_of(store, document))
            if key is not None:
                yield is_gone(known, key)


def _keys_of(store: Store, document: Document) -> frozenset[str]:
    return frozenset(urlkey(address.url) for address in store.addresses_of(document))


def _print_intent(targets: Sequence[Target]) -> None:
    for target in targets:
        how = "search for its policies" if target.discover else "ask for what is new"
        say(f"{target.site}: {how} ({', '.join(target.kinds or ())})", err=False)
    if not targets:
        click.echo("Nothing is due.", err=True)


def _print_report(
    ending: Ending, database: Path, of_run: NewsFilter, *, as_json: bool, silent: bool, quiet: bool
) -> None:
    """Print what changed on stdout, and what the run's owner must know on stderr."""
    with closing(open_reader(database)) as connection:
        changes = describe_news(list_news(connection, of_run))
        passed_over = count_passed_over(connection, of_run)
        history = count_history(connection, of_run)
    if as_json:
        summary = _summarise(ending, changes) | {"passed_over": passed_over, "history": history}
        click.echo(format_json(summary, indent=2))
    elif changes or not quiet:
        print_rows(changes, "table", cells=news_cells)
    if silent:
        return
    if not quiet:
        if not changes:
            click.echo("Nothing new.", err=True)
        if passed_over:
            click.echo(f"{describe_left_out(passed_over, of_run)}: 'changes --all' shows them.", err=True)
        if history:
            click.echo(f"{_describe_history(history)}: 'changes' shows them.", err=True)
        print_deliveries(ending)
    print_ending(ending.report, quiet=quiet)


def _describe_history(number: int) -> str:
    """Return how many versions are new to the corpus and to nobody else."""
    return f"{plural(number, 'older version')} became known, history of sites that are new here"


def _summarise(ending: Ending, changes: list[dict[str, Any]]) -> dict[str, Any]:
    report = ending.report
    return {
        "status": report.status,
        "reason": report.reason,
        "changes": changes,
        "requests": {"index": report.tally.index_requests, "replay": report.tally.replay_requests},
        "health": report.health and asdict(report.health),
        "problems": report.tally.problems,
        "seconds": round(report.seconds, 1),
        "deliveries": [asdict(one) for one in ending.deliveries],
    }
