"""The item pipelines around the real reader and the real store."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from scrapy import Spider
from scrapy.exceptions import NotConfigured
from scrapy.utils.test import get_crawler

from policy_archive.crawler.core.records import Outcome, ReadCapture
from policy_archive.pipelines.item_pipelines import ReadPipeline, StorePipeline
from policy_archive.pipelines.store.writer import Store
from tests.support.synthetic import PRIVACY, make_capture, make_row

SENTENCES = " ".join(
    f"We collect personal data of kind {number}, use cookies, and share your information with third parties "
    f"only with your consent, as this privacy policy explains in section {number}."
    for number in range(30)
)
PAGE = f"""<html><head><title>Privacy Policy</title></head><body><h1>Privacy Policy</h1>
<h2>What we collect</h2><p>{SENTENCES}</p><h2>Your rights</h2><p>{SENTENCES}</p></body></html>"""


def run_pipelines(store: Store, *captures) -> list[ReadCapture]:
    """Return what the two pipelines make of captures, one after the other."""
    crawler = get_crawler(Spider, {"READING_PROCESSES": 1})
    crawler.spider = Spider("policy")
    crawler.spider.store = store

    async def run() -> list[ReadCapture]:
        reader, writer = ReadPipeline.from_crawler(crawler), StorePipeline.from_crawler(crawler)
        try:
            return [writer.process_item(await reader.process_item(capture)) for capture in captures]
        finally:
            await reader.close_spider()

    return asyncio.run(run())


def test_a_capture_with_a_body_is_read_and_one_without_keeps_its_outcome(tmp_path: Path) -> None:
    with Store.open(tmp_path / "policies.db") as store:
        store.add_document(PRIVACY)
        good = make_capture(make_row("20180101"), body=PAGE.encode())
        missing = make_capture(make_row("20190101"), outcome=Outcome.NOT_ARCHIVED)
        read, skipped, again = run_pipelines(store, good, missing, good)
        assert read.reading is not None and read.reading.outcome is Outcome.TEXT
        assert (read.stored, skipped.reading, skipped.stored, again.stored) == (True, None, True, False)
        assert [known.outcome for known in store.known_captures(PRIVACY)] == [
            Outcome.TEXT,
            Outcome.NOT_ARCHIVED,
        ]
        assert store.fold_versions(PRIVACY) == 1
        assert list(store.iter_conservation_faults()) == []


def test_without_a_store_there_is_nothing_to_write_to() -> None:
    crawler = get_crawler(Spider)
    crawler.spider = Spider("policy")
    with pytest.raises(NotConfigured):
        StorePipeline.from_crawler(crawler)
