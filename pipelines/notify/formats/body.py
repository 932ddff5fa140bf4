"""What is posted, and texts that fit into it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from policy_archive.pipelines.outputs.quotation import cut_words

MOST_VERSIONS = 8
"""Of a document's new versions that a message lists; more are counted."""
LONGEST_LINK = 1500
"""Characters of an address in a chat: Discord takes 2,048 and Slack 3,000; a longer one is left out."""


@dataclass(frozen=True, kw_only=True)
class Body:
    """The body of a POST."""

    content: bytes
    content_type: str


def build_json(value: object) -> Body:
    """Return a value as JSON for a chat."""
    content = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return Body(content=content, content_type="application/json; charset=utf-8")


def count_units(text: str) -> int:
    """Return the length of a text as programs in Java, C# and JavaScript count it: no service counts more.

    >>> count_units("a\U0001f4dc")
    3
    """
    return len(text.encode("utf-16-le")) // 2


def _same(text: str) -> str:
    return text


def fit(text: str, most: int, escape: Callable[[str], str] = _same) -> str:
    """Return a text escaped, and cut behind a word so that it is no longer than `most` when it is escaped.

    >>> fit("a & b & c", 12, lambda text: text.replace("&", "&amp;"))
    'a &amp; …'
    """
    width = min(len(text), most)
    while count_units(escaped := escape(cut_words(text, width))) > most and width > 0:
        width = min(width - 1, width * most // count_units(escaped))
    return escaped


def list_versions(lines: list[str]) -> list[str]:
    """Return the lines of the newest versions, and one that counts the others."""
    more = len(lines) - MOST_VERSIONS
    return lines[:MOST_VERSIONS] + ([f"and {more:,} earlier"] if more > 0 else [])
