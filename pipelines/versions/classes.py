"""What a change is to somebody who follows a policy: its class, in a column of its own."""

from __future__ import annotations

from enum import StrEnum


class ChangeClass(StrEnum):
    """Stored in `versions.class`. The first are told from the page and from what was served
    (pipelines/versions/frame.py), the last four weigh a change of the policy's own (weight.py)."""

    PAGE = "page"
    """All that changed is the page around the text: menus, banners, the server's name."""
    VARIANT = "variant"
    """The archive was served another language or another part of the same text."""
    EXTRACTOR = "extractor"
    """The two texts were read by different extractors: what the site changed is not known before
    `re-extract`."""
    UNKNOWN = "unknown"
    """The text before was read by another program, and no capture by both: whether the site changed
    anything is not known."""
    LAYOUT = "layout"
    """The same words in the same order: lines joined or split, marks, white space."""
    LINKS = "links"
    """Words are the same; where a link leads is not."""
    DATES = "dates"
    """Only days that a line announces: of the last update, of effect, a copyright's years."""
    SMALL = "small"
    """An edit of a few words that changes no number, no duty and nobody's name."""
    SUBSTANTIVE = "substantive"
    """What the policy says changed, or may have."""
    REWRITTEN = "rewritten"
    """Most of the words are others."""

    @property
    def gist(self) -> str:
        """Return what to say of such a change in a few words."""
        return _GISTS[self]

    @property
    def is_weight(self) -> bool:
        """Return whether it weighs a change of the policy's own, which the two texts alone tell."""
        return self not in _GISTS

    @property
    def is_passed_over(self) -> bool:
        """Return whether histories, counts, feeds and messages leave it out unless asked."""
        return self in _GISTS and self is not ChangeClass.LINKS

    @property
    def is_substantive(self) -> bool:
        """Return whether lists that are asked for what matters show it."""
        return self in (ChangeClass.SUBSTANTIVE, ChangeClass.REWRITTEN)


_GISTS = {
    ChangeClass.PAGE: "only the page around the text",
    ChangeClass.VARIANT: "another language or part was served",
    ChangeClass.EXTRACTOR: "read by another extractor: 're-extract' tells what changed",
    ChangeClass.UNKNOWN: "read by another program: whether the site changed is not known",
    ChangeClass.LAYOUT: "only the layout",
    ChangeClass.LINKS: "only links",
}

MATTERS = tuple(one for one in ChangeClass if one.is_substantive)
PASSED_OVER = tuple(one for one in ChangeClass if one.is_passed_over)
