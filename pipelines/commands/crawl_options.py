"""Click options of the commands that crawl: which archive, how much of it, logs for machines."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

import click

from policy_archive.crawler.core.defaults import ARCHIVE, INDEX_PER_MINUTE, REPLAY_PER_SECOND
from policy_archive.crawler.core.errors import UsageError
from policy_archive.crawler.core.urls import parse_archive
from policy_archive.crawler.crawl.run import KINDS
from policy_archive.crawler.planning.plan import PlanName
from policy_archive.pipelines.commands.alert_options import alert_options

_Command = TypeVar("_Command", bound=Callable[..., Any])

since_option = click.option("--from", "since", metavar="DATE", help="First day: 2010, 2010-05 or 2010-05-25.")

until_option = click.option("--to", "until", metavar="DATE", help="Last day; a year stands for its end.")

kinds_option = click.option(
    "--kind",
    "kinds",
    type=click.Choice([*KINDS, "all"]),
    multiple=True,
    default=["privacy"],
    show_default=True,
    help="Kind of policy; may be given more than once.",
)


plan_option = click.option(
    "--plan",
    type=click.Choice([name.value for name in PlanName]),
    default=PlanName.CHANGES.value,
    show_default=True,
    help="Which captures to ask for; changes: those that find and date every change.",
)

precision_option = click.option(
    "--precision",
    type=click.FloatRange(min=0),
    default=7,
    show_default=True,
    metavar="DAYS",
    help="How narrow an interval of change is wanted.",
)

max_requests_option = click.option(
    "--max-requests", type=click.IntRange(min=1), metavar="N", help="Captures to ask for, at the most."
)

day_limit_option = click.option(
    "--max-requests-per-day",
    type=click.IntRange(min=1),
    metavar="N",
    help="Requests to the archive a day (UTC), over all runs on this machine.  [default: no limit]",
)


@dataclass(frozen=True, kw_only=True)
class ArchiveChoice:
    """Which archive is asked, and how: fields of FetchOptions, to be passed on as they are (`**vars(…)`)."""

    archive_url: str
    dialect: str
    index_per_minute: float | None
    replay_per_second: float | None
    contact: str | None


def _check_contact(text: str | None) -> str | None:
    """Return whom the archive may write to; raises UsageError where nobody could."""
    address = r"[^\s@()]+@[^\s@()]+\.[^\s@().]+|https?://[^\s()]+"
    if text and not re.fullmatch(address, text.strip()):
        raise UsageError(
            f"--contact '{text[:80]}' is no address: write one like me@example.org or https://example.org/me."
        )
    return text and text.strip()


_ARCHIVE_OPTIONS = (
    click.option(
        "--archive",
        "archive_url",
        metavar="BASE_URL",
        default=ARCHIVE,
        callback=lambda context, option, text: parse_archive(text),
        envvar="POLICY_ARCHIVE_URL",
        show_default=True,
        show_envvar=True,
        help="Archive to ask: a Wayback Machine, or a pywb collection (http://host:port/collection).",
    ),
    click.option(
        "--dialect",
        type=click.Choice(["auto", "wayback", "pywb"]),
        default="auto",
        show_default=True,
        help="How the archive's index speaks; auto asks it.",
    ),
    click.option(
        "--index-rate",
        type=click.FloatRange(min=0),
        metavar="PER_MINUTE",
        help="Index queries a minute at the most; 0 = no limit, for an archive of your own. "
        f"[default: {INDEX_PER_MINUTE:g}]",
    ),
    click.option(
        "--replay-rate",
        type=click.FloatRange(min=0),
        metavar="PER_SECOND",
        help=f"Captures a second at the most; 0 = no limit. [default: {REPLAY_PER_SECOND:g}]",
    ),
    click.option(
        "--contact",
        metavar="EMAIL_OR_URL",
        callback=lambda context, option, text: _check_contact(text),
        envvar="POLICY_ARCHIVE_CONTACT",
        show_envvar=True,
        help="Added to the User-Agent, so that the archive can reach you.  [default: nothing]",
    ),
)


def archive_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what every command that speaks to an archive takes; it gets `archive`, an ArchiveChoice."""

    @wraps(command)
    def with_choice(
        *arguments: Any, index_rate: float | None, replay_rate: float | None, **named: Any
    ) -> Any:
        choice = ArchiveChoice(
            **{name: named.pop(name) for name in ("archive_url", "dialect", "contact")},
            index_per_minute=index_rate,
            replay_per_second=replay_rate,
        )
        return command(*arguments, archive=choice, **named)

    decorated: Callable[..., Any] = with_choice
    for option in reversed(_ARCHIVE_OPTIONS):
        decorated = option(decorated)
    return decorated


def unattended_options(command: _Command) -> _Command:
    """Add what runs that nobody watches take: who is told of news, and logs for machines."""
    log = click.option("--log-json", is_flag=True, help="Log to stderr as JSON, one event a line.")
    return alert_options(log(command))
