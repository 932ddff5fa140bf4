"""Plain text: for ntfy and other receivers that show a body as it is; the text of mails, too.

Limit: 4,096 bytes, of which ntfy shows a message; a longer one becomes an attachment there
(https://docs.ntfy.sh/config/#message-limits, `message-size-limit`).
"""

from __future__ import annotations

from collections.abc import Iterator

from policy_archive.pipelines.notify.formats.body import Body, list_versions
from policy_archive.pipelines.notify.notice import Notice

LONGEST = 4096
_MORE = "…"


def render(notice: Notice) -> Body:
    """Return a notice as plain text, UTF-8; lines that do not fit are left out, and '…' says so."""
    room = LONGEST - len(_MORE.encode()) - 1
    lines: list[str] = []
    is_whole = True
    for line in iter_lines(notice):
        size = len(line.encode()) + 1
        if size <= room:
            lines.append(line)
            room -= size
        else:
            is_whole = False
    lines += [] if is_whole else [_MORE]
    return Body(content="\n".join([*lines, ""]).encode(), content_type="text/plain; charset=utf-8")


def iter_lines(notice: Notice) -> Iterator[str]:
    """Yield the lines of a notice, what matters most first."""
    yield notice.title
    yield notice.sentence
    for link in notice.links[:1]:
        yield f"{link.label}: {link.url}"
    if notice.place:
        yield notice.place
    if notice.quotation:
        if notice.quotation.removed:
            yield f"Before: {notice.quotation.removed}"
        if notice.quotation.added:
            yield f"Now: {notice.quotation.added}"
    yield from notice.remarks
    yield from list_versions(notice.version_lines)
    for link in notice.links[1:]:
        yield f"{link.label}: {link.url}"
