"""The list of sites that are kept up to date, and how each one stands."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime

from policy_archive.crawler.core.errors import StoreError
from policy_archive.crawler.core.stored import Kind
from policy_archive.crawler.core.timestamps import format_instant
from policy_archive.crawler.core.vocabularies import SiteOutcome
from policy_archive.crawler.planning.due import INDEX_LAG, Failing, Watch

_SELECT = """
select watches.site, every, kinds, added_at, watches.checked_at, searched_at, misses, outcome, reason
from watches join sites on sites.site = watches.site
"""


def list_watches(connection: sqlite3.Connection) -> list[Watch]:
    """Return the list, those due first at its head."""
    watches = [_parse_watch(row) for row in connection.execute(_SELECT)]
    return sorted(watches, key=lambda watch: (watch.due_at, watch.site))


def _parse_watch(row: sqlite3.Row) -> Watch:
    instants = ("added_at", "checked_at", "searched_at")
    return Watch(
        site=row["site"],
        every=row["every"],
        kinds=tuple(Kind(kind) for kind in json.loads(row["kinds"])),
        misses=row["misses"],
        outcome=_parse_outcome(row["outcome"]) if row["checked_at"] else None,
        reason=row["reason"],
        **{name: _parse_instant(row[name]) for name in instants},  # type: ignore[arg-type]  # added_at is set
    )


def _parse_outcome(text: str | None) -> SiteOutcome | None:
    """Return the outcome of a site as stored; raises StoreError for a word that is none of them."""
    try:
        return SiteOutcome(text) if text else None
    except ValueError as error:
        raise StoreError(
            f"the table sites holds {text!a:.42}, which is no outcome: watch the site anew"
        ) from error


def _parse_instant(text: str | None) -> datetime | None:
    """Return an instant of the database; a bare day, which other programs write, is its beginning in UTC.

    Raises StoreError for what is no instant.
    """
    if not text:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise StoreError(
            f"the watch list holds {text[:40]!a}, which is no time: watch the site anew"
        ) from error
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def list_failing(connection: sqlite3.Connection, *, limit: int = 5) -> list[Failing]:
    """Return the sites whose runs fail, the longest failing first."""
    rows = connection.execute(
        "select site, failing_since as since, reason from sites "
        "where failing_since is not null order by failing_since, site limit ?",
        (limit,),
    )
    return [Failing(**dict(row)) for row in rows]


def write_watch(
    connection: sqlite3.Connection, site: str, *, every: str, kinds: Iterable[Kind], now: str
) -> None:
    """Put a site on the list, or change how it is watched. Inside a transaction.

    A site that was fetched already counts as searched then.
    """
    connection.execute("insert or ignore into sites (site) values (?)", (site,))
    connection.execute(
        """insert into watches (site, every, kinds, added_at, searched_at)
        values (:site, :every, :kinds, :now, (select checked_at from sites where site = :site))
        on conflict (site) do update set every = excluded.every, kinds = excluded.kinds""",
        {"site": site, "every": every, "kinds": json.dumps(list(kinds)), "now": now},
    )


def delete_watch(connection: sqlite3.Connection, site: str) -> bool:
    """Take a site off the list; False when it was not on it. What was fetched stays. Inside a transaction."""
    return connection.execute("delete from watches where site = ?", (site,)).rowcount > 0


def known_kinds(connection: sqlite3.Connection, site: str) -> tuple[Kind, ...]:
    """Return the kinds of document of which the corpus has versions of a site."""
    rows = connection.execute(
        "select distinct kind from documents join versions on document_id = id where site = ?", (site,)
    ).fetchall()
    return tuple(kind for kind in Kind if kind in {row["kind"] for row in rows})


def was_crawled(connection: sqlite3.Connection, site: str) -> bool:
    """Return whether a crawl of a site ever came to its end."""
    row = connection.execute("select checked_at from sites where site = ?", (site,)).fetchone()
    return row is not None and row["checked_at"] is not None


def write_outcome(
    connection: sqlite3.Connection, site: str, outcome: SiteOutcome, reason: str, *, now: str
) -> None:
    """Note what the crawl of a site ended with, and since when it has been failing. Inside a transaction."""
    connection.execute(
        """update sites set outcome = :outcome, reason = :reason, checked_at = :now,
            failing_since = case when :failed then coalesce(failing_since, :now) end
        where site = :site""",
        {"site": site, "outcome": outcome, "reason": reason, "now": now, "failed": outcome.is_failure},
    )
    if not outcome.is_failure:
        _begin_following(connection, site, now)


def _begin_following(connection: sqlite3.Connection, site: str, now: str) -> None:
    """Note, when a site was fetched whole for the first time, what is its history: of each document known all
    up to its newest capture, for what the index learns late was news to nobody; nothing much older is news.
    """
    first = connection.execute(
        "update sites set news_after = ? where site = ? and news_after is null", (_digits(now), site)
    )
    if first.rowcount:
        late = format_instant(datetime.fromisoformat(now) - INDEX_LAG)
        connection.execute(
            """update documents set news_after = max(?, (select max(timestamp) from captures
                where document_id = documents.id)) where site = ?""",
            (_digits(late), site),
        )


def _digits(instant: str) -> str:
    """Return an instant in ISO 8601, UTC, as 14 digits."""
    return re.sub("[^0-9]", "", instant)[:14]


def write_check(
    connection: sqlite3.Connection,
    site: str,
    outcome: SiteOutcome,
    *,
    checked: bool,
    searched: bool,
    now: str,
) -> None:
    """Note that a watched site was checked, or searched. Inside a transaction."""
    if searched and not outcome.is_failure:
        connection.execute("update watches set searched_at = ? where site = ?", (now, site))
    if checked:
        counted = "0" if outcome is SiteOutcome.FOUND else "misses + 1"
        misses = "misses" if outcome.is_failure else counted
        connection.execute(
            f"update watches set checked_at = ?, misses = {misses} where site = ?",  # noqa: S608 (constants)
            (now, site),
        )
