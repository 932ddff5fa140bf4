"""How a corpus stands: its last runs, what fails, what is overdue, what waits, who is at work."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from policy_archive.crawler.core.plurals import plural
from policy_archive.crawler.core.vocabularies import RunStatus
from policy_archive.crawler.planning.due import Failing, parse_interval
from policy_archive.pipelines.store.monitoring.outbox import read_backlog
from policy_archive.pipelines.store.monitoring.watches import list_failing, list_watches
from policy_archive.pipelines.store.packed import is_dense
from policy_archive.pipelines.store.queries import count_unweighed, list_unread
from policy_archive.pipelines.store.runlock import Holder, read_holder
from policy_archive.pipelines.store.sites import list_without_policy

Row = dict[str, Any]

LARGEST_WAL_BYTES = 256 * 1024 * 1024
"""A log that grows beyond, and beyond the database, is not emptied: some reader never ends."""
LEAST_PATIENCE = timedelta(days=2)
"""A site is overdue after another interval has passed, and this."""


@dataclass(frozen=True, kw_only=True)
class CorpusHealth:
    """All that `status` says."""

    runs: list[Row]
    """The last ones of fetch and update, newest first; `health` as an object."""
    watched: int
    due: int
    overdue: list[str]
    """Sites that should have been updated long ago: no scheduler runs, or it never comes to them."""
    failing: list[Failing]
    unread: list[Row]
    """`site`, `outcome`, `captures`: those over which their reader died; their texts are missing."""
    incomplete: list[Row]
    """Documents with texts that lack words of their page by no rule: site, kind, name, captures."""
    backlog: list[Row]
    unweighed: int
    """Documents of imports, of which what changed is not compared yet."""
    holder: Holder | None
    wal_bytes: int
    database_bytes: int
    is_dense: bool
    """Its texts are packed: plain SQL cannot read them."""
    without_policy: list[str]
    """Sites watched and asked for of which there is no version: nobody is told of what they change."""

    @property
    def notices(self) -> list[str]:
        """Return a sentence for each thing that its owner should know, and that nothing mends by itself."""
        if not self.without_policy:
            return []
        of = f"{len(self.without_policy)} of {plural(self.watched, 'watched site')}"
        has = "have" if len(self.without_policy) > 1 else "has"
        return [f"{of} {has} no policy here, {self.without_policy[0]} first: 'sites --missing' says why"]

    @property
    def complaints(self) -> list[str]:
        """Return a sentence for each thing that its owner has to look after; none when all is well."""
        return [*self._complain_of_runs(), *self._complain_of_rest()]

    def _complain_of_runs(self) -> list[str]:
        ended = [run for run in self.runs if run["status"] != RunStatus.RUNNING]
        running_dead = [
            run for run in self.runs if run["status"] == RunStatus.RUNNING and self.holder is None
        ]
        found = [f"run {run['id']} ({run['command']}) died" for run in running_dead[:1]]
        if ended and ended[0]["status"] != RunStatus.DONE and ended[0]["reason"] != "stopped by hand":
            last = ended[0]
            found.append(f"the last {last['command']} ended {last['status']}: {last['reason']}")
        return found

    def _complain_of_rest(self) -> list[str]:
        found = [f"{one.site} has failed since {one.since}: {one.reason}" for one in self.failing]
        if self.overdue:
            are = "sites are" if len(self.overdue) > 1 else "site is"
            found.append(f"{len(self.overdue)} {are} overdue, {self.overdue[0]} first: does 'update' run?")
        found += [
            f"{plural(row['captures'], 'capture')} of {row['site']} could not be read "
            f"({row['outcome']}): fetch it again"
            for row in self.unread
        ]
        found += [
            f"{row['site']} {'-'.join(filter(None, (row['kind'], row['name'])))}: "
            f"{plural(row['captures'], 'text')} incomplete, words of the page are missing: "
            "please report it, with the page"
            for row in self.incomplete
        ]
        found += [
            f"{row['label']} was not told: {row['error']}; "
            f"{plural(row['waiting'], 'message waits', 'messages wait')} since {row['oldest'][:10]}"
            for row in self.backlog
            if row["failed"]
        ]
        if self.unweighed and self.holder is None:
            found.append(describe_unweighed(self.unweighed))
        if self.wal_bytes > max(LARGEST_WAL_BYTES, self.database_bytes):
            found.append(
                f"the write-ahead log has grown to {self.wal_bytes} bytes: end the reader that holds it"
            )
        return found

    def as_json(self) -> Row:
        """Return it for programs."""
        said = {"complaints": self.complaints, "notices": self.notices}
        return {"healthy": not self.complaints, **said, **asdict(self)}


def describe_unweighed(documents: int) -> str:
    """Return what is to be done about documents whose changes are not weighed.

    >>> describe_unweighed(1)
    "changes of 1 imported document are not weighed yet: run 'policy-archive weigh'"
    """
    return (
        f"changes of {plural(documents, 'imported document')} are not weighed yet: run 'policy-archive weigh'"
    )


def read_health(
    connection: sqlite3.Connection, database: Path, now: datetime, *, runs: int = 5
) -> CorpusHealth:
    """Return how a corpus stands at a time by our own clock."""
    watches = list_watches(connection)
    wal = database.with_name(f"{database.name}-wal")
    return CorpusHealth(
        runs=_list_runs(connection, runs),
        watched=len(watches),
        due=sum(watch.is_due(now) for watch in watches),
        overdue=[
            watch.site
            for watch in watches
            if watch.due_at + max(parse_interval(watch.every), LEAST_PATIENCE) < now
        ],
        failing=list_failing(connection),
        unread=list_unread(connection),
        incomplete=_list_incomplete(connection),
        backlog=read_backlog(connection),
        unweighed=count_unweighed(connection),
        holder=read_holder(database),
        is_dense=is_dense(connection),
        wal_bytes=wal.stat().st_size if wal.exists() else 0,
        database_bytes=database.stat().st_size,
        without_policy=list_without_policy(
            connection, sorted(watch.site for watch in watches if watch.checked_at is not None)
        ),
    )


def find_other_extractor(connection: sqlite3.Connection, current: Iterable[str]) -> str | None:
    """Return what read texts that count and is none of `current`, None when all were read by these.

    Texts that came without their page count for nothing here: no release can read them again.
    """
    row = connection.execute(
        "select extractor from extractions join captures on captures.id = capture_id where current "
        "and body_digest is not null and extractor not in (select value from json_each(?)) limit 1",
        (json.dumps(sorted(current)),),
    ).fetchone()
    return row["extractor"] if row else None


def _list_incomplete(connection: sqlite3.Connection) -> list[Row]:
    rows = connection.execute(
        """select site, kind, name, count(*) as captures from captures
        join documents on documents.id = document_id
        where outcome = 'incomplete-text' group by document_id order by site, kind, name"""
    )
    return [dict(row) for row in rows]


def _list_runs(connection: sqlite3.Connection, limit: int) -> list[Row]:
    rows = connection.execute(
        """select id, command, started_at, finished_at, status, reason, index_requests, replay_requests,
            health from runs where command in ('fetch', 'update') order by id desc limit ?""",
        (limit,),
    )
    return [dict(row) | {"health": json.loads(row["health"]) if row["health"] else None} for row in rows]
