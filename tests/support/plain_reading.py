"""A reading without extraction: what is tested here is the crawl, and its speed."""

from __future__ import annotations

import re
from typing import Any

from policy_archive.crawler.core.digests import body_digest
from policy_archive.crawler.core.records import Capture, Outcome, ReadCapture, Reading

from .extractions import bare_extraction


class PlainReadPipeline:
    """Takes every body for a policy; the text says which body it was."""

    def process_item(self, item: Any) -> Any:
        return ReadCapture(capture=item, reading=read_plainly(item))


def read_plainly(capture: Capture) -> Reading | None:
    if capture.outcome is not None or capture.body is None:
        return None
    text = f"The policy {body_digest(capture.body)}.\n"
    frame = re.search(rb'<frame src="([^"]+)"', capture.body)
    return Reading(
        outcome=Outcome.TEXT,
        extraction=bare_extraction(
            text,
            "A policy",
            language="en",
            language_confidence=1.0,
            extractor="plain/1",
            frame_url=frame[1].decode() if frame else None,
        ),
    )
