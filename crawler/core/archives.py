"""The archives that may be named instead of written out; CONTRIBUTING.md says how to add one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class NamedArchive:
    """An archive that `--archive NAME` means."""

    url: str
    """Where it is asked: scheme, host, and the collection where it has several; no slash at the end."""
    dialect: str
    """How its index speaks: `wayback` or `pywb`."""
    title: str
    """What people call it, in citations."""


ARCHIVES: Mapping[str, NamedArchive] = {
    "wayback": NamedArchive(
        url="https://web.archive.org", dialect="wayback", title="Internet Archive Wayback Machine"
    ),
}
