"""`policy-archive plan` and `runs`: what a fetch will cost, and what it did cost."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from random import Random
from typing import Any

import click

from policy_archive.crawler.core.events import log_to_stderr
from policy_archive.crawler.core.timestamps import parse_span
from policy_archive.crawler.crawl.progress import format_seconds
from policy_archive.crawler.crawl.run import FetchOptions, Target, parse_kinds
from policy_archive.crawler.planning.forecast import Forecast, Range
from policy_archive.crawler.planning.plan import PlanName, PlanOptions
from policy_archive.pipelines.commands.crawl_options import (
    ArchiveChoice,
    archive_options,
    kinds_option,
    plan_option,
    precision_option,
    since_option,
    until_option,
)
from policy_archive.pipelines.commands.fetch import gather_targets
from policy_archive.pipelines.commands.options import ListedSites, db_option, json_option, sites_options
from policy_archive.pipelines.outputs.rows import format_json, print_rows, say

ALL_ASKED_UP_TO = 1_000
SAMPLE_OF_MORE = 400
"""Sites asked of a longer list: at 24 queries a minute a quarter of an hour."""


@click.command(name="plan")
@click.argument("sites_or_urls", nargs=-1, metavar="SITE_OR_URL...")
@sites_options
@since_option
@until_option
@kinds_option
@plan_option
@precision_option
@click.option("--max-gap", type=click.FloatRange(min=0, min_open=True), metavar="DAYS", help="As of fetch.")
@click.option(
    "--sample",
    type=click.IntRange(min=2),
    metavar="N",
    help=f"Ask the index for N of the sites only, drawn by lot, and scale up.  "
    f"[default: {SAMPLE_OF_MORE} of more than {ALL_ASKED_UP_TO}]",
)
@db_option
@json_option
@archive_options
def plan_command(
    sites_or_urls: tuple[str, ...],
    listed: ListedSites | None,
    since: str | None,
    until: str | None,
    kinds: tuple[str, ...],
    plan: str,
    precision: float,
    max_gap: float | None,
    sample: int | None,
    database: Path,
    as_json: bool,
    archive: ArchiveChoice,
) -> int:
    """Say what a fetch of sites will cost, after one index query each.

    \b
    Example:
        policy-archive plan example.com example.org
    """
    first, last = parse_span(since, until)
    targets = gather_targets(sites_or_urls, listed)
    options = FetchOptions(
        targets=_draw_sample(targets, sample),
        kinds=parse_kinds(kinds),
        database=database,
        plan=PlanOptions(
            plan=PlanName(plan), precision_days=precision, max_gap_days=max_gap, since=first, until=last
        ),
        **vars(archive),
        command="plan",
        progress="bar" if sys.stderr.isatty() else "off",
        settings=(("POLICY_FORECAST_SITES", len(targets)),),
    )
    return _run_plan(options, as_json=as_json)


def _run_plan(options: FetchOptions, *, as_json: bool) -> int:
    from policy_archive.crawler.runner import run_spider
    from policy_archive.crawler.spiders.forecast import ForecastSpider, describe

    with log_to_stderr():
        spider = asyncio.run(run_spider(ForecastSpider, options))
    forecast = spider.forecast()
    if as_json:
        click.echo(format_json(describe(forecast, spider.costs), indent=2))
    elif forecast.asked:
        _print_forecast(forecast)
    report = spider.report()
    for problem in dict.fromkeys((*report.tally.problems, report.reason)):
        if problem:
            say(problem)
    return report.exit_code


def _draw_sample(targets: tuple[Target, ...], sample: int | None) -> tuple[Target, ...]:
    """Return the targets to ask for: all, or as many as wished, the same ones each time."""
    wished = sample or (SAMPLE_OF_MORE if len(targets) > ALL_ASKED_UP_TO else len(targets))
    if wished >= len(targets):
        return targets
    return tuple(Random(0).sample(targets, wished))  # noqa: S311  # a lot, not a secret


def _print_forecast(forecast: Forecast) -> None:
    sites = "site" if forecast.sites == 1 else "sites"
    of = f", scaled up from {forecast.asked}" if forecast.asked < forecast.sites else ""
    rows = [
        {"": f"{sites}{of}", "low": "", "likely": f"{forecast.sites:,}", "high": ""},
        {"": "documents", "low": "", "likely": f"{forecast.documents:,.0f}", "high": ""},
        {"": "captures listed", "low": "", "likely": f"{forecast.captures:,.0f}", "high": ""},
        {"": "index queries", "low": "", "likely": f"{forecast.index_requests:,.0f}", "high": ""},
        {"": "captures to fetch", **_cells(forecast.requests, "{:,.0f}".format)},
        {"": "time", **_cells(forecast.seconds, format_seconds)},
        {"": "disk", **_cells(forecast.disk_bytes, _format_bytes)},
    ]
    print_rows(rows, "table")


def _cells(span: Range, show: Any) -> dict[str, str]:
    return {"low": show(span.low), "likely": show(span.likely), "high": show(span.high)}


def _format_bytes(size: float) -> str:
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
