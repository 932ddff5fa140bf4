"""Names for the headings of a text that addresses hold: the same wherever the text is read."""

from __future__ import annotations

import re

_SLUG = re.compile(r"[^\w]+")
_LONGEST = 60


class Anchors:
    """Gives each heading of one text, in order, a name of its own."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def name(self, heading: str) -> str:
        """Return the name of the next heading; `heading` is its words without marks.

        "s-" keeps a heading from taking an id that the page itself uses.

        >>> anchors = Anchors()
        >>> [anchors.name("2. Your rights"), anchors.name("2. Your Rights!"), anchors.name("…")]
        ['s-2-your-rights', 's-2-your-rights-2', 's-']
        """
        wanted = f"s-{_SLUG.sub('-', heading.lower()).strip('-')[:_LONGEST]}"
        anchor, count = wanted, 1
        while anchor in self._taken:
            count += 1
            anchor = f"{wanted}-{count}"
        self._taken.add(anchor)
        return anchor
