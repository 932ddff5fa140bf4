"""The spider that asks for stored captures once more, and compares: nothing is read, nothing stored."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from policy_archive.crawler.core.digests import body_digest
from policy_archive.crawler.core.records import CdxRow, Document, Kind, Outcome, PlannedCapture
from policy_archive.crawler.crawl.run import Target
from policy_archive.crawler.spiders.policy import PolicySpider
from policy_archive.pipelines.store.captures import ROW_COLUMNS, parse_row
from policy_archive.pipelines.store.invariants import ConservationFault

SAMPLE_SETTING = "POLICY_RECHECK_CAPTURES"
SETTINGS = {"ITEM_PIPELINES": {"policy_archive.pipelines.item_pipelines.PassPipeline": 100}}


@dataclass(frozen=True, kw_only=True)
class StoredCapture:
    """A capture whose body the corpus holds."""

    document: Document
    row: CdxRow
    body_digest: str


class RecheckSpider(PolicySpider):
    """Answers `policy-archive verify --against-archive N`; N is the setting POLICY_RECHECK_CAPTURES."""

    name = "recheck"
    alone = False  # it reads, beside a crawl if need be

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.equal = 0
        self.faults: list[ConservationFault] = []
        self.not_had: Counter[Outcome] = Counter()
        """Captures that the archive did not give this time, by outcome: no fault of the corpus."""
        self._sample: Iterator[StoredCapture] = iter(())

    def _begin(self) -> None:
        super()._begin()
        self._sample = iter(draw_sample(self.store.connection, self.settings.getint(SAMPLE_SETTING)))

    async def _crawl_next_sites(self, targets: Iterator[Target]) -> None:
        for stored in self._sample:
            self.tally.planned += 1
            planned = PlannedCapture(row=stored.row, reason="compared")
            capture = (await self.fetch_capture(stored.document, planned)).capture
            if capture.outcome is not None or capture.body is None:
                self.not_had[capture.outcome or Outcome.EMPTY] += 1
            elif body_digest(capture.body) == stored.body_digest:
                self.equal += 1
            else:
                self.faults.append(_describe(stored, capture.body, capture.replay_url))


def draw_sample(connection: sqlite3.Connection, number: int) -> list[StoredCapture]:
    """Return captures with a body, drawn by lot."""
    rows = connection.execute(
        f"""select site, kind, name, body_digest, {ROW_COLUMNS} from captures
        join documents on documents.id = document_id
        where body_digest is not null order by random() limit ?""",  # noqa: S608 (a constant)
        (number,),
    )
    return [
        StoredCapture(
            document=Document(site=row["site"], kind=Kind(row["kind"]), name=row["name"]),
            row=parse_row(row),
            body_digest=row["body_digest"],
        )
        for row in rows
    ]


def _describe(stored: StoredCapture, body: bytes, replay_url: str) -> ConservationFault:
    detail = f"the archive gives {len(body)} bytes of {body_digest(body)}, stored is {stored.body_digest}"
    return ConservationFault(fault="archive-differs", id=replay_url, detail=detail)
