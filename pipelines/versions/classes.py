"""What a change is to somebody who follows a policy: its class, in a column of its own."""

from __future__ import annotations

from enum import StrEnum


class ChangeClass(StrEnum):
    """Stored in `versions.class`; an empty string: judged, and none of these."""

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

    @property
    def gist(self) -> str:
        """Return what to say of such a change in a few words."""
        return _GISTS[self]

    @property
    def is_passed_over(self) -> bool:
        """Return whether histories, counts, feeds and messages leave it out unless asked."""
        return self is not ChangeClass.LINKS


_GISTS = {
    ChangeClass.PAGE: "only the page around the text",
    ChangeClass.VARIANT: "another language or part was served",
    ChangeClass.EXTRACTOR: "read by another extractor: 're-extract' tells what changed",
    ChangeClass.UNKNOWN: "read by another program: whether the site changed is not known",
    ChangeClass.LAYOUT: "only the layout",
    ChangeClass.LINKS: "only links",
}

PASSED_OVER = tuple(one for one in ChangeClass if one.is_passed_over)
