"""An archive of generated captures, and a crawl of it without extraction."""

from __future__ import annotations

import hashlib
import sqlite3
from base64 import b32encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from policy_archive.archive_server.captures import CapturedAnswer
from policy_archive.crawler.core.records import CdxRow
from policy_archive.crawler.core.urlkeys import urlkey
from policy_archive.crawler.crawl.run import FetchOptions, FetchReport, build_target
from policy_archive.crawler.planning.plan import PlanName, PlanOptions
from policy_archive.crawler.runner import run_fetch

URL = "https://www.x.example/privacy"
PLAIN_PIPELINES = {
    "tests.support.plain_reading.PlainReadPipeline": 100,
    "policy_archive.pipelines.item_pipelines.StorePipeline": 200,
}
QUICK = {"POLICY_FIRST_PAUSE_SECONDS": 0.3, "POLICY_LONGEST_PAUSE_SECONDS": 2, "POLICY_RETRY_SECONDS": 0.01}


@dataclass
class GeneratedSource:
    """Captures by the row that lists them."""

    answers: dict[CdxRow, CapturedAnswer] = field(default_factory=dict)

    def add(
        self,
        timestamp: str,
        body: bytes = b"",
        *,
        url: str = URL,
        status: int = 200,
        listed_status: str | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> CdxRow:
        """Add one capture; `listed_status` is what the index says when it does not know better."""
        row = CdxRow(
            urlkey=urlkey(url),
            timestamp=timestamp,
            original=url,
            mimetype="text/html",
            statuscode=listed_status or str(status),
            digest=b32encode(hashlib.sha1(body, usedforsecurity=False).digest()).decode(),
            length=len(body),
        )
        captured = (
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Length", str(len(body))),
            *headers,
        )
        self.answers[row] = CapturedAnswer(status=status, reason="", headers=captured, body=body)
        return row

    def iter_rows(self) -> Iterator[CdxRow]:
        yield from self.answers

    def load(self, row: CdxRow) -> CapturedAnswer:
        return self.answers[row]


WORDS = "word " * 200
POLICY = (
    """We collect personal information when you use our site. We use cookies to remember you. We do not
sell your personal data to third parties. You may ask us to delete what we hold about you. """
    * 4
)


def generate(captures: int = 5, *, url: str = URL, words: str = WORDS) -> GeneratedSource:
    """Return captures of one address, a month apart, every text its own; `words` is what all of them say."""
    source = GeneratedSource()
    for n in range(captures):
        body = f"<html><body><h1>Privacy</h1><p>Edition {n} of {url}. {words}</p></body></html>"
        source.add(f"{2001 + n // 12}{n % 12 + 1:02}15120000", body.encode(), url=url)
    return source


def crawl(archive_url: str, database: Path, *urls: str, **options: Any) -> FetchReport:
    """Fetch every capture of the addresses, at once and without extraction."""
    further = tuple({**QUICK, "ITEM_PIPELINES": PLAIN_PIPELINES, **options.pop("settings", {})}.items())
    plan = options.pop("plan", PlanOptions(plan=PlanName.ALL))
    return run_fetch(
        FetchOptions(
            **{
                "targets": [build_target(url) for url in urls or (URL,)],
                "database": database,
                "archive_url": archive_url,
                "index_per_minute": 0,
                "replay_per_second": 0,
                "plan": plan,
                "settings": further,
                **options,
            }
        )
    )


def read(database: Path, sql: str) -> list[tuple[Any, ...]]:
    """Return what a query finds in the corpus."""
    connection = sqlite3.connect(database)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def outcomes(database: Path) -> list[str]:
    """Return the outcomes of the captures, in order of time."""
    return [outcome for (outcome,) in read(database, "select outcome from captures order by timestamp")]
