"""Ways of choosing a page's body: one for every page, others for those whose text is too small to be all."""

from __future__ import annotations

from enum import StrEnum


class Way(StrEnum):
    """How the body of a page is chosen; a text that another way than the first gave bears its name."""

    CHOSEN = "chosen"
    """What trafilatura chose, mapped back, grown and trimmed."""
    MAIN = "whole-main"
    """The largest <main> or <article>, or the whole page: whatever stands in it."""
    PROSE = "largest-prose"
    """The innermost part that holds four fifths of the page's prose."""
    SECOND = "second-root"
    """Of all parts beside the one chosen that which agrees best with what trafilatura chose."""


OTHER_WAYS = (Way.MAIN, Way.PROSE, Way.SECOND)


def without_way(extractor: str) -> str:
    """Return an extractor's label without the way in which it chose the body: the same program read it.

    >>> without_way("policy-archive/0.2.0 trafilatura/2.0 whole-main")
    'policy-archive/0.2.0 trafilatura/2.0'
    """
    name, _, way = extractor.rpartition(" ")
    return name if way in OTHER_WAYS else extractor
