"""What an archive says in words when it has nothing to show: the one home of the marks by which it is known.

Its pages for people begin with kilobytes of scripts and menus (2020: the sentence stands beyond the
first 4,000 characters), so all that is told is read; who asks has bounded it.
"""

from __future__ import annotations

import re

_REFUSALS = re.compile(
    r"has\s+been\s+excluded\s+from\s+the\s+Wayback\s+Machine"  # the page of 2020, status 200
    r"|AccessControlException"  # Administrative… and Robot…, status 403
    r"|Blocked\s+(?:Site\s+Error|By\s+Robots)"
)
_ABSENCE = re.compile(r"Wayback\s+Machine\s+has\s+not\s+archived\s+that\s+URL")
_NO_CAPTURES = re.compile(r"No\s+Captures\s+found")
_REDIRECT_NOTICE = re.compile(r"Got\s+an\s+HTTP\s+30.\s+response\s+at\s+crawl\s+time")


def is_refusal(text: str) -> bool:
    """Return whether an archive says that it does not show the site: an exclusion, robots.

    >>> is_refusal("<h2>Sorry.</h2> This URL has been excluded from the\\n Wayback Machine.")
    True
    """
    return _REFUSALS.search(text) is not None


def is_absence(text: str) -> bool:
    """Return whether the Wayback Machine says that it has no capture of a page, of any time."""
    return _ABSENCE.search(text) is not None


def says_no_captures(text: str) -> bool:
    """Return whether an index says that it has no rows: pywb's way, with status 404."""
    return _NO_CAPTURES.search(text) is not None


def is_redirect_notice(text: str) -> bool:
    """Return whether an archive shows its page about a redirect in a captured redirect's place."""
    return _REDIRECT_NOTICE.search(text) is not None
