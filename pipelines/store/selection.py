"""What of a corpus an export takes: its rows, one document after the other, so that memory stays flat."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, NamedTuple

from policy_archive.crawler.core.errors import NotKnownError
from policy_archive.crawler.core.stored import Kind
from policy_archive.pipelines.store import queries
from policy_archive.pipelines.store.at import Certainty, iter_at
from policy_archive.pipelines.store.queries import KIND_ORDER
from policy_archive.pipelines.store.stored_texts import check_versions
from policy_archive.pipelines.versions.classes import ChangeClass

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which versions; what is None or empty leaves nothing out."""

    sites: Sequence[str] | None = None
    kinds: Sequence[Kind] = ()
    language: str | None = None
    """ISO 639-1."""
    first_day: date | None = None
    """A version counts when it was seen on this day or later …"""
    last_day: date | None = None
    """… and on this day or earlier."""
    classes: Sequence[ChangeClass] = ()
    """Of the change that made the version; a first version has none."""
    day: date | None = None
    """Only the text in force on this day, for certain."""

    @property
    def takes_all(self) -> bool:
        """Return whether every version of the sites counts."""
        return not (
            self.kinds or self.language or self.first_day or self.last_day or self.classes or self.day
        )


_BODIES = """select captures.id as capture_id, captures.timestamp, captures.original, captures.digest,
    captures.http_status, captures.statuscode, captures.location, captures.verified,
    coalesce(captures.content_type, proof.content_type) as content_type,
    coalesce(captures.body_digest, proof.body_digest) as body_digest,
    coalesce(captures.replay_url, '') as replay_url,
    captures.same_as is not null as is_same, captures.state, captures.outcome
    from captures left join captures as proof on proof.id = captures.same_as"""


class VersionKey(NamedTuple):
    """Names a version for good, though its number may move: what a text is, and which time it stands."""

    first_captured: str
    document_id: str
    version: int
    text_sha256: str
    occurrence: int

    @property
    def name(self) -> str:
        """Return the name in one word."""
        return f"{self.document_id}/{self.text_sha256}/{self.occurrence}"


class Slice:
    """The rows of a selection, in order of site, kind (privacy first), name and version."""

    def __init__(self, connection: sqlite3.Connection, selection: Selection) -> None:
        self.connection = connection
        self.selection = selection
        self._where, self._values = _condition(selection)

    def count_versions(self) -> int:
        """Return how many versions are selected."""
        return sum(map(self._count_versions_of, self._iter_documents()))

    def iter_sites(self) -> Iterator[Row]:
        """Yield the sites, those without a policy included: `site`, `rank`, `outcome`, `reason`,
        `checked_at`, `documents` and `versions` (numbers)."""
        sql = """select site, rank, outcome, reason, checked_at,
            (select count(*) from documents where documents.site = sites.site and kind != 'home')
                as documents,
            (select count(*) from documents join versions on document_id = documents.id
                where documents.site = sites.site) as versions
            from sites where site in (select value from json_each(?)) order by site"""
        yield from map(dict, self.connection.execute(sql, (json.dumps(self._sites),)))

    def iter_documents(self) -> Iterator[Row]:
        """Yield the documents that have a selected version: `document_id`, `site`, `kind`, `name`, `owner`,
        `owner_name`, `confidence`, `versions` (selected ones), `captures`, `first_capture`,
        `last_capture` (14 digits)."""
        for document in self._iter_documents():
            if versions := self._count_versions_of(document):
                captures, first, last = self.connection.execute(
                    "select count(*), min(timestamp), max(timestamp) from captures where document_id = ?",
                    (document["document_id"],),
                ).fetchone()
                yield document | {
                    "versions": versions,
                    "captures": captures,
                    "first_capture": first,
                    "last_capture": last,
                }

    def iter_versions(self, *, with_text: bool = True) -> Iterator[Row]:
        """Yield the versions with their texts, each as a row of `policy_versions`; `change` as an object."""
        for document in self._iter_documents():
            yield from queries.iter_versions_where(
                self.connection, self._where, self._bind(document), with_text=with_text
            )

    def iter_texts(self) -> Iterator[Row]:
        """Yield `document_id`, `version`, `text` of the versions, in the order of iter_versions."""
        for document in self._iter_documents():
            yield from queries.iter_texts_where(self.connection, self._where, self._bind(document))

    def list_by_time(self) -> list[VersionKey]:
        """Return the versions of all documents, oldest first; their texts are read one by one."""
        keys = []
        for document in self._iter_documents():
            times: Counter[str] = Counter()
            rows = self.connection.execute(
                f"""select version, first_captured, text_sha256, {self._where} as is_chosen
                from policy_versions where document_id = :id order by version""",  # noqa: S608 (constants)
                self._bind(document),
            )
            for row in rows:
                times[row["text_sha256"]] += 1
                if row["is_chosen"]:
                    keys.append(
                        VersionKey(
                            row["first_captured"],
                            document["document_id"],
                            row["version"],
                            row["text_sha256"],
                            times[row["text_sha256"]],
                        )
                    )
        return sorted(keys)

    def read(self, key: VersionKey) -> Row:
        """Return one version, text included."""
        return read_whole(self.connection, key.document_id, key.version)

    def read_newest(self, document_id: str) -> Row:
        """Return the newest version of a document that is selected."""
        (number,) = self.connection.execute(
            f"select max(version) from policy_versions where {self._where}",  # noqa: S608 (constants)
            self._bind({"document_id": document_id}),
        ).fetchone()
        return read_whole(self.connection, document_id, number)

    def iter_captures(self) -> Iterator[Row]:
        """Yield every row of the index for the documents selected, within the days selected, in order of
        time; `text_sha256` is what was read of it, null where nothing was."""
        for document in self.iter_documents():
            rows = self.connection.execute(
                """select captures.id as capture_id, document_id, timestamp, original as url, mimetype,
                    statuscode, digest, state, outcome,
                    coalesce(nullif(reason, ''), state_reason) as reason, http_status, content_type,
                    body_digest, verified, origin, replay_url, archive, fetched_at, text_sha256
                from captures left join extractions on capture_id = captures.id and current
                where document_id = :id and timestamp >= :first and timestamp <= :last
                order by timestamp, original, digest""",
                {"id": document["document_id"]} | self._span,
            )
            named = {key: document[key] for key in ("site", "kind", "name")}
            yield from (named | dict(row) for row in rows)

    def iter_bodies(self, *, homes: bool) -> Iterator[Row]:
        """Yield what an archive would hold of the documents selected, within the days selected, in order of
        time: answers that were fetched (`body_digest`, or a redirect's `location`), and rows whose bytes are
        another's (`same_as`, with the body of that one). `homes`: the sites' home pages, too.
        """
        documents = [document["document_id"] for document in self.iter_documents()]
        if homes:
            sql = """select id from documents where kind = 'home'
                and site in (select value from json_each(?)) order by site"""
            documents += [row["id"] for row in self.connection.execute(sql, (json.dumps(self._sites),))]
        for document_id in documents:
            rows = self.connection.execute(
                f"""{_BODIES} where captures.document_id = :id
                    and captures.timestamp >= :first and captures.timestamp <= :last
                order by captures.timestamp, captures.original, captures.digest""",
                {"id": document_id} | self._span,
            )
            yield from map(dict, rows)

    @cached_property
    def _span(self) -> dict[str, str]:
        """The days selected as bounds of 14 digits, `first` and `last`."""
        first, last = self.selection.first_day, self.selection.last_day
        return {
            "first": first.strftime("%Y%m%d000000") if first else "",
            "last": last.strftime("%Y%m%d235960") if last else "9",
        }

    @cached_property
    def _sites(self) -> list[str]:
        if self.selection.sites is None:
            return queries.list_site_names(self.connection)
        return list(self.selection.sites)

    def _iter_documents(self) -> Iterator[Row]:
        """Yield the documents that may have a selected version, without the home pages.

        Raises DamagedError at one with a version that stands on a missing row: it would be left out.
        """
        kinds = [kind.value for kind in self.selection.kinds]
        for site in self._sites:
            rows = self.connection.execute(
                f"""select id as document_id, site, kind, name, owner, owner_name, confidence
                from documents where site = ? and kind != 'home' order by {KIND_ORDER.format("kind")}, name""",  # noqa: S608, E501
                (site,),
            )
            for row in map(dict, rows):
                if not kinds or row["kind"] in kinds:
                    check_versions(self.connection, row["document_id"])
                    yield row

    @cached_property
    def _in_force(self) -> Mapping[str, int]:
        """The version of each document that was in force on the day asked for; empty when none was."""
        if self.selection.day is None:
            return {}
        rows = iter_at(self.connection, self.selection.day, sites=self.selection.sites)
        return {row["document_id"]: row["version"] for row in rows if row["certainty"] == Certainty.IN_FORCE}

    def _bind(self, document: Row) -> dict[str, Any]:
        at = self._in_force.get(document["document_id"])
        return self._values | {"id": document["document_id"], "at": at}

    def _count_versions_of(self, document: Row) -> int:
        (number,) = self.connection.execute(
            f"select count(*) from policy_versions where {self._where}",  # noqa: S608 (constants)
            self._bind(document),
        ).fetchone()
        return int(number)


def _condition(selection: Selection) -> tuple[str, dict[str, Any]]:
    """Return SQL for a row of `policy_versions`, and what to bind beside `id` and `at`."""
    parts, values = ["document_id = :id"], {}
    if selection.day:
        parts.append("version = :at")
    if selection.language:
        parts.append("language = :language")
        values["language"] = selection.language
    if selection.first_day:
        parts.append("date(last_captured) >= :first_day")
        values["first_day"] = selection.first_day.isoformat()
    if selection.last_day:
        parts.append("date(first_captured) <= :last_day")
        values["last_day"] = selection.last_day.isoformat()
    if selection.classes:
        parts.append("class in (select value from json_each(:classes))")
        values["classes"] = json.dumps([one.value for one in selection.classes])
    return " and ".join(parts), values


def read_whole(connection: sqlite3.Connection, document_id: str, number: int) -> Row:
    """Return one version as `Slice.iter_versions` has it."""
    values = {"id": document_id, "number": number}
    found = queries.iter_versions_where(connection, "document_id = :id and version = :number", values)
    version = next(found, None)
    if version is None:
        check_versions(connection, document_id)
        raise NotKnownError(f"document {document_id} has no version {number}.")
    return version


def read_bodies_of(connection: sqlite3.Connection, document_id: str, number: int) -> list[Row]:
    """Return what proves a version, as `Slice.iter_bodies` has it: its first capture, the one that its text
    was read from, its last one; in order of time, each once."""
    rows = connection.execute(
        f"""{_BODIES} where captures.id in (
            select first_capture from versions where document_id = :id and version = :number
            union select text_capture from versions where document_id = :id and version = :number
            union select last_capture from versions where document_id = :id and version = :number)
        order by captures.timestamp, captures.original""",  # noqa: S608 (a constant)
        {"id": document_id, "number": number},
    )
    return [dict(row) for row in rows]
