"""Framesets: which frame holds the text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml.html import HtmlElement

from policy_archive.pipelines.extract.links import LinkReader

_SCREEN_PIXELS = 900.0  # of the screens that framesets were made for
_MAIN_NAMES = re.compile(r"main|content|body|text|haupt|inhalt|principal|contenu|center|right", re.IGNORECASE)


def find_main_frame(tree: HtmlElement, *, url: str) -> str | None:
    """Return the address of a frameset's frame that shows the text, None for a page without frames.

    It is the frame with the most room; of equal ones the one with a telling name, then the last.
    """
    links = LinkReader(tree, url)
    best: tuple[float, bool, int] | None = None
    address = None
    for order, (frame, area) in enumerate(_iter_frames(tree)):
        target = links.address(frame.get("src"))
        rank = (round(area, 2), _MAIN_NAMES.search(frame.get("name") or "") is not None, order)
        if target and (best is None or rank > best):
            best, address = rank, target
    return address


def _iter_frames(tree: HtmlElement) -> Iterator[tuple[HtmlElement, float]]:
    """Yield every frame with its share of the screen, nested framesets resolved."""
    shares: dict[HtmlElement, float] = {}
    for frameset in tree.iter("frameset"):
        area = shares.get(frameset, 1.0)
        columns, rows = _parse_sizes(frameset.get("cols")), _parse_sizes(frameset.get("rows"))
        cells = [column * row for row in rows for column in columns]
        members = [child for child in frameset if child.tag in ("frame", "frameset")]
        for member, cell in zip(members, cells + [0.0] * len(members), strict=False):
            shares[member] = area * cell
            if member.tag == "frame":
                yield member, shares[member]


def _parse_sizes(sizes: str | None) -> list[float]:
    """Return the shares that `160,*` or `20%,80%` give; [1.0] when nothing is said."""
    parts = [part.strip() for part in (sizes or "").split(",") if part.strip()]
    fixed = {index: _fixed_share(part) for index, part in enumerate(parts) if not part.endswith("*")}
    left = max(0.0, 1.0 - sum(fixed.values()))
    weights = {
        index: float(_number(part[:-1]) or 1) for index, part in enumerate(parts) if part.endswith("*")
    }
    total = sum(weights.values())
    return [fixed[i] if i in fixed else left * weights[i] / total for i in range(len(parts))] or [1.0]


def _fixed_share(part: str) -> float:
    number = _number(part)
    return number / 100 if part.endswith("%") else min(number / _SCREEN_PIXELS, 1.0)


def _number(text: str) -> float:
    match = re.match(r"\d+(?:\.\d+)?", text)
    return float(match[0]) if match else 0.0
