"""`policy-archive fetch`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from policy_archive.crawler.core.errors import UsageError
from policy_archive.crawler.core.plurals import plural
from policy_archive.crawler.core.records import Kind, Outcome, RowState
from policy_archive.crawler.core.timestamps import parse_span
from policy_archive.crawler.core.vocabularies import RunStatus
from policy_archive.crawler.crawl.progress import format_seconds
from policy_archive.crawler.crawl.run import FetchOptions, FetchReport, Target, build_target, parse_kinds
from policy_archive.crawler.planning.plan import PlanName, PlanOptions
from policy_archive.pipelines.commands.alert_options import Alerts
from policy_archive.pipelines.commands.crawl_options import (
    ArchiveChoice,
    archive_options,
    day_limit_option,
    kinds_option,
    max_requests_option,
    plan_option,
    precision_option,
    since_option,
    unattended_options,
    until_option,
)
from policy_archive.pipelines.commands.options import (
    ListedSites,
    db_option,
    json_option,
    sites_options,
    weight_options,
)
from policy_archive.pipelines.commands.run import Ending, progress_style, run_and_tell
from policy_archive.pipelines.commands.typed import typed
from policy_archive.pipelines.outputs.rows import format_json, say
from policy_archive.pipelines.outputs.table import print_figures
from policy_archive.pipelines.outputs.words import OUTCOMES, STATES
from policy_archive.pipelines.store.connection import open_reader
from policy_archive.pipelines.store.monitoring.news import NewsFilter, count_history
from policy_archive.pipelines.store.sites import list_without_policy


@click.command(name="fetch")
@click.argument("sites_or_urls", nargs=-1, metavar="SITE_OR_URL...")
@sites_options
@since_option
@until_option
@kinds_option
@plan_option
@max_requests_option
@precision_option
@click.option(
    "--max-gap",
    type=click.FloatRange(min=0, min_open=True),
    metavar="DAYS",
    help="Look into every gap longer than this, for texts that came and went.",
)
@day_limit_option
@click.option("--dry-run", is_flag=True, help="Say what would be fetched, and ask the archive nothing.")
@weight_options
@unattended_options
@db_option
@json_option
@archive_options
def fetch_command(
    sites_or_urls: tuple[str, ...],
    listed: ListedSites | None,
    since: str | None,
    until: str | None,
    kinds: tuple[str, ...],
    plan: str,
    max_requests: int | None,
    precision: float,
    max_gap: float | None,
    max_requests_per_day: int | None,
    dry_run: bool,
    substantive: bool,
    min_words: int,
    alerts: Alerts,
    log_json: bool,
    database: Path,
    as_json: bool,
    archive: ArchiveChoice,
) -> int:
    """Find and fetch the whole history of sites' policies.

    A run that was stopped goes on where it was when it is started again.

    \b
    Example:
        policy-archive fetch example.com --from 2010 --to 2019
    """
    first, last = parse_span(since, until)
    targets = gather_targets(sites_or_urls, listed)
    options = FetchOptions(
        targets=tuple(replace(target, kind=_stated_kind(kinds)) for target in targets),
        kinds=parse_kinds(kinds),
        database=database,
        plan=PlanOptions(
            plan=PlanName(plan),
            precision_days=precision,
            max_gap_days=max_gap,
            max_requests=max_requests,
            since=first,
            until=last,
        ),
        **vars(archive),
        requests_a_day=max_requests_per_day,
        channels=alerts.build(substantive=substantive, min_words=min_words),
        progress=progress_style(log_json=log_json),
    )
    if dry_run:
        _print_intent(options)
        return 0
    ending = run_and_tell(options, log_json=log_json, base_url=alerts.base_url)
    report = ending.report
    without = _find_without_policy(options) if report.status.came_to_its_end else []
    print_report(ending, without=without, as_json=as_json, log_json=log_json)
    if report.tally.versions and not log_json:
        say(_describe_next(options, without))
    if without and not log_json:
        say(_describe_without(without, options))
    if options.channels and not log_json:
        print_deliveries(ending)
        if alerts.asked.since is None and (history := _count_history(options, report)):
            are = plural(history, "version is", "versions are")
            say(f"{are} history, told to nobody: --notify-since tells them")
    return ending.exit_status


def _count_history(options: FetchOptions, report: FetchReport) -> int:
    """Return how many versions became known that were captured before the sites were first fetched whole."""
    with closing(open_reader(options.database)) as connection:
        return count_history(connection, NewsFilter(run_id=report.run_id))


def _find_without_policy(options: FetchOptions) -> list[str]:
    """Return those of the sites asked for of which the corpus has no text of any policy."""
    sites = list(dict.fromkeys(target.site for target in options.targets))
    with closing(open_reader(options.database)) as connection:
        return list_without_policy(connection, sites)


def _describe_next(options: FetchOptions, without: Sequence[str]) -> str:
    """Return where everything is, and what to type next: of one site its history, of more the list."""
    found = dict.fromkeys(target.site for target in options.targets if target.site not in without)
    words = ["history", *found] if len(found) == 1 else ["sites"]
    return f"{options.database}: {typed(*words, '--db', str(options.database))}"


_NAMED = 10


def _describe_without(without: list[str], options: FetchOptions) -> str:
    asked = len({target.site for target in options.targets})
    more = f" and {len(without) - _NAMED} more" if len(without) > _NAMED else ""
    command = typed("sites", "--missing", "--db", str(options.database))
    return (
        f"without a policy: {len(without)} of {plural(asked, 'site')}: {', '.join(without[:_NAMED])}{more}; "
        f"'{command}' says why"
    )


def _stated_kind(kinds: tuple[str, ...]) -> Kind | None:
    """Return the one kind that the user named, for pages that are given; None when the default holds."""
    is_stated = click.get_current_context().get_parameter_source("kinds") is ParameterSource.COMMANDLINE
    return Kind(kinds[0]) if is_stated and len(kinds) == 1 and kinds[0] != "all" else None


def gather_targets(sites_or_urls: Iterable[str], listed: ListedSites | None) -> tuple[Target, ...]:
    """Return what to fetch, each once; a line of the list that is no domain is named and left out."""
    targets = dict.fromkeys(build_target(text) for text in sites_or_urls)
    seen = {(target.site, target.url) for target in targets}
    for item in listed or ():
        if (item.site, item.url) not in seen:
            seen.add((item.site, item.url))
            targets[Target(site=item.site, url=item.url, rank=item.rank)] = None
    if not targets and listed is not None:
        raise UsageError(f"{listed.name} names no site: one domain like example.com a line, or a table.")
    if not targets:
        raise UsageError("Nothing to do: name a site like example.com, or give --sites FILE.")
    return tuple(targets)


def _print_intent(options: FetchOptions) -> None:
    kinds = ", ".join(options.kinds)
    for target in options.targets:
        what = f"the {kinds} policies of {target.site}" if target.url is None else target.url
        click.echo(f"would fetch {what} from {options.archive_url} into {options.database}")
    click.echo("'policy-archive plan' says what it would cost.", err=True)


# The end


def print_report(
    ending: Ending, *, without: Sequence[str] = (), as_json: bool = False, log_json: bool = False
) -> None:
    """Print how a run ended: the table (or JSON) on stdout, what its owner must know on stderr.

    `without`: the sites asked for that have no policy in the corpus.
    """
    report = ending.report
    summary = {
        **summarise(report),
        "sites_without_policy": list(without),
        "deliveries": [asdict(one) for one in ending.deliveries],
    }
    if as_json:
        click.echo(format_json(summary, indent=2))
    else:
        print_figures(iter_summary(summary))
    if not log_json:
        print_ending(report)


def print_deliveries(ending: Ending) -> None:
    """Print who was told; who was not is on stderr already, when it happened."""
    for delivery in ending.deliveries:
        if delivery.delivered:
            say(f"{delivery.label}: told {plural(delivery.delivered, 'message')}")


def print_ending(report: FetchReport, *, quiet: bool = False) -> None:
    """Print what a run's owner must know on stderr: what is missing, its health, how to go on."""
    for sentence in (*report.tally.notices[:20], *report.tally.problems[:20]):
        say(sentence)
    if report.health is not None and not (quiet and report.status is RunStatus.DONE):
        say(report.health.describe())
    if report.status is not RunStatus.DONE:
        say(f"{report.status}: {report.reason}".rstrip(": "))
        say(f"Go on with: {resume_command()}")


def resume_command() -> str:
    """Return the command that goes on where this run stopped: the same one."""
    return typed(*sys.argv[1:])


def summarise(report: FetchReport) -> dict[str, Any]:
    """Return the end of a run as JSON has it."""
    tally = report.tally
    failed = {o.value: n for o, n in sorted(tally.outcomes.items()) if not o.is_wanted}
    skipped = {s.value: n for s, n in sorted(tally.states.items()) if s is not RowState.FETCHED}
    return {
        "status": report.status,
        "reason": report.reason,
        "sites": dict(sorted(tally.site_outcomes.items())),
        "documents": tally.documents,
        "captures_listed": tally.listed,
        "captures_planned": tally.planned,
        "captures_fetched": tally.fetched_as_planned,
        "captures_fetched_before": tally.fetched_before,
        "home_pages_fetched": tally.homes,
        "captures_skipped": skipped,
        "captures_failed": failed,
        "index_lines_malformed": tally.malformed,
        "versions": tally.versions,
        "requests": {"index": tally.index_requests, "replay": tally.replay_requests},
        "health": report.health and asdict(report.health),
        "seconds": round(report.seconds, 1),
    }


def _describe_homes(summary: dict[str, Any]) -> str:
    homes = summary["home_pages_fetched"]
    return f"and {plural(homes, 'home page')}, to find the policies" if homes else ""


def _describe_new(health: dict[str, Any] | None) -> str:
    """Return how many of the versions known are news, and why the others that became known are none."""
    if health is None:
        return ""
    new, passed_over = health["versions_new"], health.get("versions_passed_over", 0)
    if not passed_over:
        return f"{new} new"
    of_page = plural(passed_over, "differs", "differ")
    return f"{new} new; {of_page} in the page around the text alone: 'history SITE --all' shows them"


def iter_summary(summary: dict[str, Any]) -> Iterator[tuple[str, int | str, str]]:
    """Yield the lines that end a run: what was counted, the number, and what there is to say of it."""
    requests = summary["requests"]
    yield "captures listed", summary["captures_listed"], plural(summary["documents"], "document")
    yield "captures planned", summary["captures_planned"], ""
    yield "captures fetched", summary["captures_fetched"], _describe_homes(summary)
    if before := summary["captures_fetched_before"]:
        yield "  fetched before", before, "by earlier runs"
    for state, number in summary["captures_skipped"].items():
        yield "  skipped", number, STATES[RowState(state)]
    for outcome, number in summary["captures_failed"].items():
        yield "  without a text", number, OUTCOMES[Outcome(outcome)]
    for outcome, number in summary["sites"].items():
        yield "sites", number, outcome
    yield "versions known", summary["versions"], _describe_new(summary["health"])
    yield "requests spent", sum(requests.values()), f"{requests['index']} index, {requests['replay']} replay"
    yield "time", format_seconds(summary["seconds"]), ""
