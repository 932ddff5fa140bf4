"""Click options that say who is told of news: fetch, update and notify share them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, TypeVar

import click

from policy_archive.crawler.core.errors import UsageError
from policy_archive.crawler.core.records import Channel
from policy_archive.crawler.core.timestamps import parse_day
from policy_archive.pipelines.notify.channels import Asked, build_channels, find_loose_files
from policy_archive.pipelines.outputs.rows import say

_Command = TypeVar("_Command", bound=Callable[..., Any])


@dataclass(frozen=True, kw_only=True)
class Alerts:
    """Who is told, as options say."""

    asked: Asked = field(default_factory=Asked)
    base_url: str | None = None
    """Where the corpus's pages are served; messages lead there."""

    def build(self, *, substantive: bool = False, min_words: int = 0) -> tuple[Channel, ...]:
        """Return the channels; raises UsageError for what is none. Files that others can read are told."""
        channels = build_channels(self.asked, substantive=substantive, min_words=min_words)
        for sentence in find_loose_files(self.asked):
            say(sentence)
        return channels


_OPTIONS = (
    click.option(
        "--notify-env",
        "notify_variables",
        metavar="[FORMAT=]NAME",
        multiple=True,
        help="Tell the address that an environment variable holds: a webhook of Slack, Teams or Discord, "
        "another that takes JSON, or smtp://USER:PASSWORD@SERVER/?to=ME of a mail server.  "
        "FORMAT: json, slack, teams, discord, text.  [default: seen from the address]",
    ),
    click.option(
        "--notify-file",
        "notify_files",
        metavar="[FORMAT=]PATH",
        multiple=True,
        help="Tell the addresses in a file, one a line.",
    ),
    click.option(
        "--notify-url",
        "notify_urls",
        metavar="[FORMAT=]URL",
        multiple=True,
        help="Tell an address that holds no secret.",
    ),
    click.option(
        "--notify-command",
        "notify_commands",
        metavar="COMMAND",
        multiple=True,
        help="Run this for every message, JSON on its stdin.",
    ),
    click.option(
        "--notify-since",
        "notify_since",
        metavar="DATE",
        help="Tell all first captured on that day or later.  "
        "[default: what is new since a site was first fetched whole]",
    ),
    click.option(
        "--base-url",
        metavar="URL",
        envvar="POLICY_ARCHIVE_BASE_URL",
        show_envvar=True,
        help="Where your pages are served: messages lead to the difference there. The address of 'browse', "
        "which ends with /-/policies, or of a copy made by 'publish'.",
    ),
)


def read_asked(params: Mapping[str, Any]) -> Asked:
    """Return whom a command's parameters name."""
    since = params["notify_since"]
    return Asked(
        commands=params["notify_commands"],
        urls=params["notify_urls"],
        variables=params["notify_variables"],
        files=params["notify_files"],
        since=parse_day(since) if since else None,
    )


def alert_options(command: _Command) -> _Command:
    """Add who is told of news; the command gets `alerts`, an Alerts."""

    @wraps(command)
    def with_alerts(
        *arguments: Any,
        notify_variables: tuple[str, ...],
        notify_files: tuple[str, ...],
        notify_urls: tuple[str, ...],
        notify_commands: tuple[str, ...],
        notify_since: str | None,
        base_url: str | None,
        **named: Any,
    ) -> Any:
        params = {
            "notify_commands": notify_commands,
            "notify_urls": notify_urls,
            "notify_variables": notify_variables,
            "notify_files": notify_files,
            "notify_since": notify_since,
        }
        if base_url is not None and not base_url.startswith(("http://", "https://")):
            raise UsageError(f"--base-url '{base_url}' is no web address: write https://policies.example.org")
        return command(*arguments, alerts=Alerts(asked=read_asked(params), base_url=base_url), **named)

    decorated: Any = with_alerts
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    result: _Command = decorated
    return result
