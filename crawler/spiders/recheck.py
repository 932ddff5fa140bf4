"""The spider that asks for stored captures once more, and compares: nothing is read, nothing stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from typing import Any, ClassVar

from policy_archive.crawler.core.digests import body_digest
from policy_archive.crawler.core.records import (
    Capture,
    ConservationFault,
    Outcome,
    PlannedCapture,
    ReadCapture,
    StoredCapture,
)
from policy_archive.crawler.spiders.base import RunSpider

SAMPLE_SETTING = "POLICY_RECHECK_CAPTURES"


class PassPipeline:
    """Hands captures back as they came: for spiders that neither read nor store them."""

    def process_item(self, item: Any) -> Any:
        """Return the capture without a reading; an item of another kind passes."""
        return ReadCapture(capture=item, reading=None) if isinstance(item, Capture) else item


class RecheckSpider(RunSpider):
    """Answers `policy-archive verify --against-archive N`; N is the setting POLICY_RECHECK_CAPTURES."""

    name = "recheck"
    custom_settings: ClassVar[dict[str, Any]] = {"ITEM_PIPELINES": {PassPipeline: 100}}  # type: ignore[misc]
    alone = False  # it reads, beside a crawl if need be

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.equal = 0
        self.faults: list[ConservationFault] = []
        self.not_had: Counter[Outcome] = Counter()
        """Captures that the archive did not give this time, by outcome: no fault of the corpus."""

    @cached_property
    def _sample(self) -> Iterator[StoredCapture]:
        """The captures that no worker has taken yet."""
        return iter(self.store.sample_captures(self.settings.getint(SAMPLE_SETTING)))

    async def work(self) -> None:
        """Ask for one capture after the other."""
        for stored in self._sample:
            self.tally.note_planned(1)
            planned = PlannedCapture(row=stored.row, reason="compared")
            capture = (await self.archive.fetch_capture(stored.document, planned)).capture
            if capture.outcome is not None or capture.body is None:
                self.not_had[capture.outcome or Outcome.EMPTY] += 1
            elif body_digest(capture.body) == stored.body_digest:
                self.equal += 1
            else:
                self.faults.append(_describe(stored, capture.body, capture.replay_url))


def _describe(stored: StoredCapture, body: bytes, replay_url: str) -> ConservationFault:
    detail = f"the archive gives {len(body)} bytes of {body_digest(body)}, stored is {stored.body_digest}"
    return ConservationFault(fault="archive-differs", id=replay_url, detail=detail)
