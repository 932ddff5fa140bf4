"""Numbers with their nouns."""

from __future__ import annotations


def plural(number: int, noun: str, many: str = "") -> str:
    """Return a number with its noun, which takes an s unless its plural is given.

    >>> plural(1, "site"), plural(12_000, "version"), plural(2, "was", "were")
    ('1 site', '12,000 versions', '2 were')
    """
    return f"{number:,} {noun if number == 1 else many or noun + 's'}"
