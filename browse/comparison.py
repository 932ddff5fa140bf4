"""Two versions that are compared, with all that the page of their difference says beside it."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from policy_archive.browse import corpus
from policy_archive.crawler.core.records import Document
from policy_archive.pipelines.outputs.addresses import Addresses
from policy_archive.pipelines.outputs.citation import Citation, cite_change
from policy_archive.pipelines.store import queries
from policy_archive.pipelines.store.queries import Row


@dataclass(frozen=True, kw_only=True)
class Side:
    """One of two versions that are compared."""

    key: Document
    version: Row


@dataclass(frozen=True, kw_only=True)
class Step:
    """A link from one change to another."""

    address: str
    rel: str
    words: str


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two versions with what the page of their difference says beside it."""

    old: Side
    new: Side
    is_step: bool
    """The new version is the one after the old."""
    steps: tuple[Step, ...]
    digests: tuple[str, str]
    """Of the first captures, by the index; `-` where it has none."""

    @property
    def characters(self) -> int:
        return len(self.old.version["text"]) + len(self.new.version["text"])

    def cite(self, gist: str) -> Citation | None:
        """Return the citation of the change; None when another version lies between the two."""
        if not self.is_step or not self.new.version["changed_after"]:
            return None
        old_digest, new_digest = self.digests
        return cite_change(
            self.old.version, self.new.version, old_digest=old_digest, new_digest=new_digest, gist=gist
        )


def read_comparison(
    connection: sqlite3.Connection,
    addresses: Addresses,
    old: tuple[Document, str],
    new: tuple[Document, str],
) -> Comparison:
    """Return all that the page of a difference asks of the corpus; raises NotKnownError."""
    sides = [Side(key=key, version=corpus.read_version(connection, key, at)) for key, at in (old, new)]
    before, after = sides[0].version, sides[1].version
    is_step = old[0] == new[0] and after["version"] == before["version"] + 1
    digests = [queries.read_first_digest(connection, side.key, side.version["version"]) for side in sides]
    return Comparison(
        old=sides[0],
        new=sides[1],
        is_step=is_step,
        steps=_find_steps(connection, addresses, sides[1]) if is_step else (),
        digests=(digests[0], digests[1]),
    )


def _find_steps(connection: sqlite3.Connection, addresses: Addresses, new: Side) -> tuple[Step, ...]:
    """Return the ways on from a version's change: the changes before and after, the next large one."""
    number = new.version["version"]
    stamps = corpus.list_stamps(connection, new.key)

    def lead(to: int, rel: str, words: str) -> Step:
        address = addresses.diff(new.key, stamps[to - 2], new.key, stamps[to - 1])
        return Step(address=address, rel=rel, words=words)

    steps = []
    if number > 2:
        steps.append(lead(number - 1, "prev", f"← Change from {number - 2} to {number - 1}"))
    if number < len(stamps):
        steps.append(lead(number + 1, "next", f"Change from {number} to {number + 1} →"))
    large = corpus.find_next_large(connection, new.key, number)
    if large and large > number + 1:
        steps.append(lead(large, "", f"Next substantial change: from {large - 1} to {large} ⇥"))
    return tuple(steps)
