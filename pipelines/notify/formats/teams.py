"""Microsoft Teams: the workflow "Post to a channel when a webhook request is received", an Adaptive Card.

What a page says stands in `TextRun`s, which no Markdown is read in
(https://adaptivecards.io/explorer/TextRun.html); a mention needs `msteams.entities`, which ours has not.

Limit: 28 KB a message
(https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook);
others saw 413 from 21 KB on (https://www.rubydoc.info/gems/msteams_hermes/MsTeamsHermes/Message), so ours
stay below 20,000 bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from policy_archive.pipelines.notify.formats.body import (
    LONGEST_LINK,
    Body,
    build_json,
    fit,
    list_versions,
)
from policy_archive.pipelines.notify.notice import Notice

LONGEST_BYTES = 20_000

Element = dict[str, Any]


def render(notice: Notice) -> Body:
    """Return a notice as Teams takes it, its pieces cut shorter until the card is small enough."""
    longest = 500
    while len((body := _build(notice, longest)).content) > LONGEST_BYTES:
        longest //= 2
    return body


def _build(notice: Notice, longest: int) -> Body:
    links = [link for link in notice.links if len(link.url) <= LONGEST_LINK]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",  # the newest that Teams draws everywhere, mobile included
        "msteams": {"width": "Full"},
        "fallbackText": fit(notice.title, longest),
        "body": list(_iter_elements(notice, longest)),
        "actions": [{"type": "Action.OpenUrl", "title": link.label, "url": link.url} for link in links],
    }
    kind = "application/vnd.microsoft.card.adaptive"
    attachment = {"contentType": kind, "contentUrl": None, "content": card}
    return build_json({"type": "message", "attachments": [attachment]})


def _iter_elements(notice: Notice, longest: int) -> Iterator[Element]:
    yield _text(_run(notice.title, longest, size="Large", weight="Bolder"))
    yield _text(_run(notice.sentence, longest))
    if notice.place:
        yield _text(_run(notice.place, longest))
    quotation = notice.quotation
    if quotation and quotation.removed:
        yield _text(_run("Before: ", longest, weight="Bolder"), _run(quotation.removed, longest))
    if quotation and quotation.added:
        yield _text(_run("Now: ", longest, weight="Bolder"), _run(quotation.added, longest))
    for line in (*notice.remarks, *list_versions(notice.version_lines)):
        yield _text(_run(line, longest, isSubtle=True))


def _run(text: str, longest: int, **style: object) -> Element:
    return {"type": "TextRun", "text": fit(text, longest), **style}


def _text(*runs: Element) -> Element:
    return {"type": "RichTextBlock", "inlines": list(runs)}
