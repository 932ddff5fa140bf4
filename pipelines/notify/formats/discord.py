"""Discord's webhooks.

`allowed_mentions` without a kind mentions nobody, whatever a text says
(https://discord.com/developers/docs/resources/message#allowed-mentions-object); marks of Markdown are
escaped.

Limits: 2,000 characters of `content`, 10 embeds
(https://discord.com/developers/docs/resources/webhook#execute-webhook); 256 of a title, 4,096 of a
description, 2,048 of an address, 6,000 of all embeds together
(https://discord.com/developers/docs/resources/message#embed-object-embed-limits).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from policy_archive.pipelines.notify.formats.body import (
    LONGEST_LINK,
    Body,
    build_json,
    count_units,
    fit,
    list_versions,
)
from policy_archive.pipelines.notify.notice import Notice

LONGEST_CONTENT = 2000
LONGEST_TITLE = 256
LONGEST_DESCRIPTION = 4096
_LONGEST_PIECE = 900
"""Of one line, its escapes counted."""
_MARK = re.compile(r"[\\*_~`|>#\-\[\]()<@:+=.!&]")


def render(notice: Notice) -> Body:
    """Return a notice as Discord takes it."""
    embed: dict[str, Any] = {
        "title": fit(notice.title, LONGEST_TITLE, escape),
        "description": _join(_iter_lines(notice)),
    }
    links = [link for link in notice.links if len(link.url) <= LONGEST_LINK]
    if links:
        embed["url"] = links[0].url
    return build_json(
        {
            "content": fit(notice.sentence, LONGEST_CONTENT, escape),
            "embeds": [embed],
            "allowed_mentions": {"parse": []},
        }
    )


def escape(text: str) -> str:
    """Return a text that Discord shows as it is: no mark, no mention, no address that becomes a link.

    >>> escape("**@everyone** https://x.org")
    '\\\\*\\\\*\\\\@everyone\\\\*\\\\* https\\\\://x\\\\.org'
    """
    return _MARK.sub(r"\\\g<0>", text)


def _join(lines: Iterator[str]) -> str:
    """Return as many of the lines as a description holds."""
    taken: list[str] = []
    room = LONGEST_DESCRIPTION - 2
    for line in lines:
        room -= count_units(line) + 1
        if room < 0:
            return "\n".join([*taken, "…"])
        taken.append(line)
    return "\n".join(taken)


def _iter_lines(notice: Notice) -> Iterator[str]:
    if notice.place:
        yield escape(notice.place)
    if notice.quotation and notice.quotation.removed:
        yield f"**Before:** {fit(notice.quotation.removed, _LONGEST_PIECE, escape)}"
    if notice.quotation and notice.quotation.added:
        yield f"**Now:** {fit(notice.quotation.added, _LONGEST_PIECE, escape)}"
    for remark in notice.remarks:
        yield escape(remark)
    links = [link for link in notice.links if len(link.url) <= LONGEST_LINK // 2]
    if links:
        # "(" and ")" end an address in Markdown, and none of ours holds them
        yield " · ".join(f"[{link.label}]({link.url})" for link in links)
    for line in list_versions(notice.version_lines):
        yield f"- {fit(line, _LONGEST_PIECE // 2, escape)}"
    if not notice.quotation and not notice.links:
        yield escape(notice.sentence)
