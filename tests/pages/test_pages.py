"""Each folder is a page: what was captured, the text that is right, and what the page is there to show.

input.html, .txt or .pdf; expected.md, absent when the outcome is another than text; meta.json: url,
timestamp, kind, content_type, what it `shows`, and the `outcome`, or what `quality` must be.
A page that we still get wrong says why (`known_bad`), and fails the test on the day that it comes right.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from policy_archive.crawler.core.errors import ExtractionError
from policy_archive.crawler.core.records import Extraction, Kind
from policy_archive.pipelines.extract.extraction import extract

FOLDERS = sorted(path.parent for path in Path(__file__).parent.glob("*/meta.json"))


def extract_folder(folder: Path, meta: dict[str, Any]) -> Extraction:
    (page,) = folder.glob("input.*")
    return extract(
        page.read_bytes(),
        url=meta["url"],
        timestamp=meta["timestamp"],
        content_type=meta.get("content_type", "text/html"),
        kind=Kind(meta["kind"]) if meta["kind"] else None,
    )


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_page_gives_the_text_that_was_reviewed(folder: Path, request: pytest.FixtureRequest) -> None:
    meta = json.loads((folder / "meta.json").read_text("utf-8"))
    if "known_bad" in meta:
        request.applymarker(pytest.mark.xfail(reason=meta["known_bad"], strict=True))
    if "outcome" in meta:
        with pytest.raises(ExtractionError) as caught:
            extract_folder(folder, meta)
        assert caught.value.outcome == meta["outcome"]
        return
    extraction = extract_folder(folder, meta)
    assert extraction.text == (folder / "expected.md").read_text("utf-8")
    for field, value in meta.get("quality", {}).items():
        found = getattr(extraction, field)
        if field == "stated_dates":
            found = [[stated.kind, stated.day.isoformat()] for stated in found]
        assert found == value, field


def test_there_are_enough_pages_and_each_says_what_it_shows() -> None:
    assert len(FOLDERS) >= 25
    assert all(json.loads((folder / "meta.json").read_text("utf-8"))["shows"] for folder in FOLDERS)
