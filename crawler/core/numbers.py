"""Numbers that others wrote."""

from __future__ import annotations

_MOST_DIGITS = 15
"""A petabyte; SQLite holds no number of more than 18, and Python refuses to read one of 5,000."""


def parse_count(text: str) -> int | None:
    """Return a count of bytes or the like, None for what is none: a sign, another script's digit, no size.

    >>> parse_count("007"), parse_count("-1"), parse_count("\\u00b2"), parse_count("9" * 20)
    (7, None, None, None)
    """
    if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS:
        return int(text)
    return None
