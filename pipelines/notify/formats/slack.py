"""Slack's incoming webhooks, and Mattermost's and Rocket.Chat's, which read `text` alone.

What a page says stands in `rich_text` blocks, whose text Slack shows as it is: no mark of mrkdwn and no
mention (`<!channel>`) means anything there. In `text`, which notifications show, it is escaped as Slack asks
(https://docs.slack.dev/messaging/formatting-message-text#escaping).

Limits: 50 blocks a message, 150 characters a header
(https://docs.slack.dev/reference/block-kit/blocks, …/blocks/header-block), 3,000 a text object
(https://docs.slack.dev/reference/block-kit/composition-objects/text-object), 40,000 of `text`, of which 4,000
are not split (https://api.slack.com/changelog/2018-04-truncating-really-long-messages,
https://github.com/ErikKalkoken/slackApiDoc/blob/master/message_limits.md); undocumented, all blocks together
some 13,200 (`msg_blocks_too_long`, https://github.com/slackapi/bolt-js/issues/2509).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from policy_archive.pipelines.notify.formats.body import (
    LONGEST_LINK,
    Body,
    build_json,
    fit,
    list_versions,
)
from policy_archive.pipelines.notify.formats.plain import iter_lines
from policy_archive.pipelines.notify.notice import Notice

LONGEST_HEADER = 150
LONGEST_TEXT = 4000
_LONGEST_PIECE = 600
"""Of one line of a rich text; all of a message are far from 13,200 then."""

Block = dict[str, Any]


def render(notice: Notice) -> Body:
    """Return a notice as Slack takes it."""
    return build_json(
        {
            "text": fit("\n".join(iter_lines(notice)), LONGEST_TEXT, escape),
            "mrkdwn": False,
            "blocks": [
                _header(notice.title),
                {"type": "rich_text", "elements": list(_iter_elements(notice))},
            ],
        }
    )


def escape(text: str) -> str:
    """Return a text in which nothing is a mention, a link or a picture, for Slack and its likes.

    >>> escape("<!channel> & @here")
    '&lt;!channel&gt; &amp; @\\u200bhere'
    """
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # Mattermost mentions by a bare @channel, and draws ![pictures](…): a blank of no width parts them
    return re.sub(r"@(?=\w)|\](?=\()", "\\g<0>\u200b", text)


def _header(title: str) -> Block:
    text = {"type": "plain_text", "text": fit(title, LONGEST_HEADER), "emoji": False}
    return {"type": "header", "text": text}


def _iter_elements(notice: Notice) -> Iterator[Block]:
    yield _section(_text(notice.sentence))
    if versions := list_versions(notice.version_lines):
        listed = [_section(_text(line)) for line in versions]
        yield {"type": "rich_text_list", "style": "bullet", "elements": listed}
    if notice.place:
        yield _section(_text(notice.place))
    quotation = notice.quotation
    for label, quoted in (
        ("Before", quotation.removed if quotation else ""),
        ("Now", quotation.added if quotation else ""),
    ):
        if quoted:
            yield _section(_text(f"{label}:", bold=True))
            yield {"type": "rich_text_quote", "elements": [_text(quoted)]}
    for remark in notice.remarks:
        yield _section(_text(remark, italic=True))
    links = [link for link in notice.links if len(link.url) <= LONGEST_LINK]
    if links:
        parts: list[Block] = []
        for link in links:
            parts += [_text(" · ")] if parts else []
            parts.append({"type": "link", "url": link.url, "text": link.label})
        yield _section(*parts)


def _section(*elements: Block) -> Block:
    return {"type": "rich_text_section", "elements": list(elements)}


def _text(text: str, **style: bool) -> Block:
    element: Block = {"type": "text", "text": text if text == " · " else fit(text, _LONGEST_PIECE)}
    return element | ({"style": style} if style else {})
