"""Extractions of which little is known, for those who judge or store them."""

from __future__ import annotations

from typing import Any

from policy_archive.crawler.core.records import Extraction
from policy_archive.pipelines.text import count_words


def bare_extraction(text: str, title: str = "", **facts: Any) -> Extraction:
    """Return an extraction of a text; `facts` are what a test wants otherwise."""
    unknown: dict[str, Any] = {
        "language": None,
        "language_confidence": 0.0,
        "stated_dates": (),
        "kept_share": 1.0,
        "replacement_characters": 0,
        "charset": "utf-8",
        "hidden_text_used": False,
        "documents_on_page": 1,
        "extractor": "test",
    }
    return Extraction(text=text, title=title, words=count_words(text), **(unknown | facts))
