"""Our own JSON, one line: what programs take, and `--notify-command`."""

from __future__ import annotations

import json

from policy_archive.crawler.core.steering import escape_steering
from policy_archive.pipelines.notify.formats.body import Body
from policy_archive.pipelines.notify.notice import Notice


def render(notice: Notice) -> Body:
    """Return a notice as data/alert.schema.json describes it."""
    line = escape_steering(json.dumps(notice.as_json(), ensure_ascii=False))
    return Body(content=line.encode() + b"\n", content_type="application/json; charset=utf-8")
