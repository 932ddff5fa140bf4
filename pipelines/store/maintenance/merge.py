"""Shards of one corpus into one: whatever their order and however they overlap, the same corpus comes out.

Rows have ids from their content, so that the same row of two shards is one. Where two shards know different
things of a row, each rule below takes the larger of two values under a total order, so that no order of
shards matters. Versions are made anew from the captures of all; a site is one transaction, and doing it twice
changes nothing.

Not merged: messages that wait, who was told, and when somebody looked last: they are of one machine's
channels.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from policy_archive.crawler.core.errors import StoreError
from policy_archive.crawler.core.failpoints import point
from policy_archive.crawler.core.stored import Kind
from policy_archive.crawler.planning.due import parse_interval
from policy_archive.pipelines.store.connection import explained, open_reader, write
from policy_archive.pipelines.store.maintenance.verify import iter_steps, list_checks
from policy_archive.pipelines.store.names import TABLES
from policy_archive.pipelines.store.packed import text_sql
from policy_archive.pipelines.store.search_text import prepare_text
from policy_archive.pipelines.store.writer import Store

_CHECKS = ("file", "values", "books", "texts")
_OF_CAPTURES = ("home_lines",)
"""Tables of what was read of a capture, beside its extractions, by `capture_id`."""


@dataclass(kw_only=True)
class MergeReport:
    """What a shard brought."""

    sites: int = 0
    captures: int = 0
    """Rows that were not there."""
    known: int = 0
    """Rows that were."""
    taken_over: int = 0
    """Of these, how many the shard knew better."""
    texts: int = 0
    """Texts that were not there."""


class MergingStore(Store):
    """A corpus into which others are merged: what becomes known is nobody's news."""

    is_news = False


@contextmanager
def attach(store: Store, shard: Path) -> Iterator[list[str]]:
    """Give the sites of a shard, which is attached, read only, for as long as the block lasts.

    Raises StoreError when it is no corpus of ours, one of another release, or damaged: none of it is taken.
    """
    with explained(shard), closing(open_reader(shard)) as reader:
        _check_sound(reader, shard)
        sites = [row["site"] for row in reader.execute("select site from sites order by site")]
    store.connection.execute("attach ? as shard", (str(shard.resolve()),))
    with explained(shard):
        _check_schema(store.connection, shard)
    write(store.connection, _merge_runs_and_origins)
    yield sites
    store.connection.execute("detach shard")  # after an error it goes with the connection


def _check_sound(reader: sqlite3.Connection, shard: Path) -> None:
    """Raise StoreError for what `verify` would find, but bodies and versions: these are taken as they are
    packed, and made anew."""
    checks = tuple(check for check in list_checks() if check.name in _CHECKS)
    for step in iter_steps(reader, checks):
        if step.fault is not None:
            raise _damaged(shard, f"{step.fault.fault} {step.fault.id}, {step.fault.detail}")


def _damaged(shard: Path, found: str) -> StoreError:
    return StoreError(
        f"{shard} is damaged ({found}): nothing of it was merged; "
        f"'policy-archive verify --db {shard}' names every fault of it"
    )


def _check_schema(connection: sqlite3.Connection, shard: Path) -> None:
    """Raise StoreError when the shard's schema is not ours: another view would run, whatever it does."""
    found = connection.execute(
        """select name from shard.sqlite_master as theirs where name in
        (select name from main.sqlite_master where type = 'view') and sql is not
        (select sql from main.sqlite_master where name = theirs.name)"""
    ).fetchone()
    if found is not None:
        raise StoreError(f"{shard} is no corpus of ours: its view '{found['name']}' is another")
    for table in TABLES:
        theirs = {row["name"] for row in connection.execute(f"pragma shard.table_info({table})")}
        if missing := set(_columns(connection, table)) - theirs:
            raise StoreError(
                f"{shard} is no corpus of ours: its '{table}' has no {', '.join(sorted(missing))}"
            )


def merge_site(store: Store, site: str, report: MergeReport) -> None:
    """Take all that the attached shard has of a site, and make the versions of its documents anew."""

    def work(connection: sqlite3.Connection) -> tuple[int, int, int, int]:
        connection.execute("delete from temp.merged_documents")
        connection.execute(
            "insert into temp.merged_documents select id from shard.documents where site = ?", (site,)
        )
        _merge_site_row(connection, site)
        _merge_documents(connection)
        _merge_addresses(connection)
        _merge_listings(connection)
        _merge_bodies(connection)
        texts = _merge_texts(connection)
        new, known, better = _merge_captures(connection)
        _merge_versions(connection)
        _merge_news(connection)
        _merge_index_answers(connection, site)
        _merge_watch(connection, site)
        point("in-merge")
        return new, known, better, texts

    new, known, better, texts = write(store.connection, work)
    store.judge_site(site, [one for one in store.documents_of(site) if one.kind is not Kind.HOME])
    report.sites += 1
    report.captures += new
    report.known += known
    report.taken_over += better
    report.texts += texts


def _columns(connection: sqlite3.Connection, table: str) -> list[str]:
    return [row["name"] for row in connection.execute(f"pragma main.table_info({table})")]


def _insert_missing(connection: sqlite3.Connection, table: str, condition: str, *values: Any) -> int:
    """Insert the shard's rows that are not there; return how many. All columns are content."""
    columns = ", ".join(_columns(connection, table))
    cursor = connection.execute(
        f"insert or ignore into main.{table} ({columns}) select {columns} from shard.{table} where {condition}",  # noqa: S608, E501
        values,
    )
    return cursor.rowcount


_IN_DOCUMENTS = "document_id in (select id from temp.merged_documents)"
_IN_CAPTURES = f"capture_id in (select id from shard.captures where {_IN_DOCUMENTS})"  # noqa: S608


def _merge_runs_and_origins(connection: sqlite3.Connection) -> None:
    """Take the shard's runs under numbers of ours; a run that both have is one."""
    connection.execute("create temp table if not exists merged_documents (id text primary key)")
    connection.execute("create temp table if not exists merged_captures (id text primary key)")
    connection.execute("create temp table if not exists run_numbers (old integer primary key, new integer)")
    connection.execute("delete from run_numbers")
    columns = [name for name in _columns(connection, "runs") if name != "id"]
    names = ", ".join(columns)
    for row in connection.execute(f"select id, {names} from shard.runs order by id").fetchall():  # noqa: S608
        same = " and ".join(f"{name} is ?" for name in ("command", "arguments", "started_at"))
        found = connection.execute(
            f"select id from main.runs where {same}",  # noqa: S608 (constants)
            (row["command"], row["arguments"], row["started_at"]),
        ).fetchone()
        number = found["id"] if found else None
        if number is None:
            number = connection.execute(
                f"insert into main.runs ({names}) values ({', '.join('?' * len(columns))})",  # noqa: S608
                [row[name] for name in columns],
            ).lastrowid
        connection.execute("insert into run_numbers values (?, ?)", (row["id"], number))
    _insert_missing(connection, "origins", "true")


def _merge_site_row(connection: sqlite3.Connection, site: str) -> None:
    """Keep what its newest search came to. By which pages it was judged says a digest of these."""
    _insert_missing(connection, "sites", "site = ?", site)
    ours, theirs = (
        connection.execute(f"select * from {schema}.sites where site = ?", (site,)).fetchone()  # noqa: S608
        for schema in ("main", "shard")
    )
    newest = max((ours, theirs), key=lambda row: (row["checked_at"] or "", _order(row)))
    ranks = [row["rank"] for row in (ours, theirs) if row["rank"] is not None]
    begun = [row["news_after"] for row in (ours, theirs) if row["news_after"] is not None]
    connection.execute(
        """update main.sites set outcome = ?, reason = ?, checked_at = ?, failing_since = ?, rank = ?,
        news_after = ? where site = ?""",
        (
            newest["outcome"],
            newest["reason"],
            newest["checked_at"],
            newest["failing_since"],
            min(ranks, default=None),
            min(begun, default=None),
            site,
        ),
    )


def _order(row: sqlite3.Row) -> str:
    """Return what orders two rows of which neither is newer."""
    return json.dumps(list(row), default=lambda value: value.hex())


_JUDGED = ("owner", "owner_name", "owner_reason", "confidence")


def _merge_documents(connection: sqlite3.Connection) -> None:
    """Keep whose a document was judged to be by whoever fetched of it last."""
    _insert_missing(connection, "documents", "id in (select id from temp.merged_documents)")
    rows = connection.execute(
        """select id from temp.merged_documents where exists (
            select 1 from main.documents as ours join shard.documents as theirs using (id)
            where ours.id = merged_documents.id and (ours.owner is not theirs.owner
                or ours.owner_name is not theirs.owner_name or ours.owner_reason is not theirs.owner_reason
                or ours.confidence is not theirs.confidence or ours.news_after is not theirs.news_after))"""
    ).fetchall()
    for row in rows:
        known = []
        for schema in ("main", "shard"):
            (last,) = connection.execute(
                f"select max(fetched_at) from {schema}.captures where document_id = ?",  # noqa: S608
                (row["id"],),
            ).fetchone()
            facts = connection.execute(
                f"select {', '.join(_JUDGED)}, news_after from {schema}.documents where id = ?",  # noqa: S608
                (row["id"],),
            ).fetchone()
            known.append((last or "", _order(facts), facts))
        newest = max(known, key=lambda one: one[:2])[2]
        begun = [one[2]["news_after"] for one in known if one[2]["news_after"] is not None]
        connection.execute(
            """update main.documents set owner = ?, owner_name = ?, owner_reason = ?, confidence = ?,
            news_after = ? where id = ?""",
            (*(newest[name] for name in _JUDGED), min(begun, default=None), row["id"]),
        )


def _merge_addresses(connection: sqlite3.Connection) -> None:
    """Keep how an address became known first, and from when to when it was."""
    connection.execute(
        f"""insert into main.addresses
            (document_id, urlkey, url, source, evidence, confidence, first_seen, last_seen)
        select document_id, urlkey, url, source, evidence, confidence, first_seen, last_seen
        from shard.addresses where {_IN_DOCUMENTS}
        on conflict do update set
            (url, source, evidence) = (
                select url, source, evidence from (
                    select addresses.url, addresses.source, addresses.evidence,
                        coalesce(addresses.first_seen, '9') as seen
                    union all select excluded.url, excluded.source, excluded.evidence,
                        coalesce(excluded.first_seen, '9'))
                order by seen, url, source, evidence limit 1),
            confidence = max(coalesce(addresses.confidence, excluded.confidence),
                coalesce(excluded.confidence, addresses.confidence)),
            first_seen = min(coalesce(addresses.first_seen, excluded.first_seen),
                coalesce(excluded.first_seen, addresses.first_seen)),
            last_seen = max(coalesce(addresses.last_seen, excluded.last_seen),
                coalesce(excluded.last_seen, addresses.last_seen))"""  # noqa: S608 (constants)
    )


def _merge_listings(connection: sqlite3.Connection) -> None:
    """Join the spans of which an index has given all rows where they touch; else the longer one stays."""
    _insert_missing(connection, "listings", _IN_DOCUMENTS)
    pairs = connection.execute(
        f"""select ours.listed_from, ours.listed_to, ours.listed_at,
            theirs.listed_from, theirs.listed_to, theirs.listed_at, document_id, urlkey, archive
        from main.listings as ours join shard.listings as theirs using (document_id, urlkey, archive)
        where {_IN_DOCUMENTS} and (ours.listed_from != theirs.listed_from
            or ours.listed_to != theirs.listed_to or ours.listed_at != theirs.listed_at)"""  # noqa: S608
    ).fetchall()
    for row in pairs:
        ours, theirs, key = tuple(row)[:3], tuple(row)[3:6], tuple(row)[6:]
        if ours[0] <= theirs[1] and theirs[0] <= ours[1]:
            joined = (min(ours[0], theirs[0]), max(ours[1], theirs[1]), max(ours[2], theirs[2]))
        else:
            joined = max((ours, theirs), key=lambda one: (int(one[1]) - int(one[0]), one))
        connection.execute(
            """update main.listings set listed_from = ?, listed_to = ?, listed_at = ?
            where document_id = ? and urlkey = ? and archive = ?""",
            (*joined, *key),
        )


def _merge_bodies(connection: sqlite3.Connection) -> None:
    """Take the bodies that are not there, as they are packed, with those that they are packed against."""
    columns = ", ".join(_columns(connection, "bodies"))
    connection.execute(
        f"""with recursive wanted(digest) as (
            select body_digest from shard.captures where {_IN_DOCUMENTS} and body_digest is not null
            union select base_digest from shard.bodies join wanted using (digest)
                where base_digest is not null)
        insert or ignore into main.bodies ({columns})
        select {columns} from shard.bodies where digest in (select digest from wanted)"""  # noqa: S608
    )


def _merge_texts(connection: sqlite3.Connection) -> int:
    """Take the texts that are not there, whole, and enter them into the full-text index; return how many."""
    missing = connection.execute(
        f"""select distinct text_sha256 as sha256 from shard.extractions where {_IN_CAPTURES}
        and text_sha256 not in (select sha256 from main.texts)"""  # noqa: S608 (constants)
    ).fetchall()
    whole = text_sql("shard")  # the shard's own view cannot read a packed one
    for row in missing:
        words, text = connection.execute(
            f"select words, {whole} as text from shard.texts as texts where sha256 = ?",  # noqa: S608 (constants)
            (row["sha256"],),
        ).fetchone()
        text_id = connection.execute(
            "insert into main.texts (sha256, words, content) values (?, ?, ?)", (row["sha256"], words, text)
        ).lastrowid
        connection.execute(
            "insert into main.texts_search (rowid, text) values (?, ?)", (text_id, prepare_text(text))
        )
    return len(missing)


def _merge_captures(connection: sqlite3.Connection) -> tuple[int, int, int]:
    """Take captures with what was read of them; return how many are new, known, known better by the shard."""
    columns = [name for name in _columns(connection, "captures") if name != "run_id"]
    names = ", ".join(columns)
    number = "(select new from temp.run_numbers where old = theirs.run_id)"
    theirs = ", ".join(f"theirs.{name}" for name in columns)
    known = _differing(connection, columns)
    connection.execute("delete from temp.merged_captures")
    connection.executemany(
        "insert into temp.merged_captures values (?)",
        [(row_id,) for row_id, is_better in known.items() if is_better],
    )
    better = sum(known.values())
    (total,) = connection.execute(
        f"select count(*) from shard.captures where {_IN_DOCUMENTS}"  # noqa: S608 (constants)
    ).fetchone()
    new = connection.execute(
        f"""insert into temp.merged_captures select id from shard.captures
        where {_IN_DOCUMENTS} and id not in (select id from main.captures)"""  # noqa: S608 (constants)
    ).rowcount
    connection.execute(
        f"""insert into main.captures ({names}, run_id)
        select {theirs}, {number} from shard.captures as theirs
        where theirs.id in (select id from temp.merged_captures)
            and theirs.id not in (select id from main.captures)"""  # noqa: S608 (constants)
    )
    # after the new ones, for they may point to these
    sets = ", ".join(f"{name} = theirs.{name}" for name in columns if name != "id")
    connection.executemany(
        f"""update main.captures set {sets}, run_id = {number} from shard.captures as theirs
        where theirs.id = captures.id and captures.id = ?""",  # noqa: S608 (constants)
        [(row_id,) for row_id, is_better in known.items() if is_better],
    )
    _merge_extractions(connection)
    _merge_lost_readings(connection)
    _insert_missing(
        connection,
        "link_sets",
        f"""link_set in (select link_set from shard.captures where {_IN_DOCUMENTS})
        and link_set not in (select link_set from main.link_sets)""",  # noqa: S608 (a constant)
    )
    for table in _OF_CAPTURES:
        _insert_missing(connection, table, _IN_CAPTURES)
    return new, total - new, better


def _differing(connection: sqlite3.Connection, columns: list[str]) -> dict[str, bool]:
    """Return the captures of which both know, and not the same; whether the shard knows it better."""
    unlike = " or ".join(f"ours.{name} is not theirs.{name}" for name in columns)
    ids = [
        row["id"]
        for row in connection.execute(
            f"""select theirs.id as id from shard.captures as theirs join main.captures as ours
            using (id) where theirs.{_IN_DOCUMENTS} and ({unlike})"""  # noqa: S608 (constants)
        )
    ]
    found = {}
    for row_id in ids:
        ours, theirs = (
            connection.execute(
                f"select {', '.join(columns)} from {schema}.captures where id = ?",  # noqa: S608 (constants)
                (row_id,),
            ).fetchone()
            for schema in ("main", "shard")
        )
        found[row_id] = _knowledge(theirs) > _knowledge(ours)
    return found


def _knowledge(row: sqlite3.Row) -> tuple[bool, str, bool, str]:
    """Return what orders two rows of one capture: one that was asked for, and last, knows it better."""
    return row["outcome"] is not None, row["fetched_at"] or "", row["state"] != "pending", _order(row)


def _merge_extractions(connection: sqlite3.Connection) -> None:
    """Take the readings; the one that counts is that of whoever knows the capture better."""
    names = [name for name in _columns(connection, "extractions") if name != "current"]
    columns = ", ".join(names)
    connection.execute(
        "update main.extractions set current = 0 where capture_id in (select id from temp.merged_captures)"
    )
    connection.execute(
        f"""insert or ignore into main.extractions ({columns}, current)
        select {columns}, 0 from shard.extractions where {_IN_CAPTURES}"""  # noqa: S608 (constants)
    )
    connection.execute(
        """update main.extractions set current = 1 from shard.extractions as theirs
        where theirs.capture_id = extractions.capture_id and theirs.extractor = extractions.extractor
            and theirs.current and theirs.capture_id in (select id from temp.merged_captures)"""
    )


def _merge_lost_readings(connection: sqlite3.Connection) -> None:
    """Let the shard's reading count where ours was lost: no reading of a capture counts then."""
    connection.execute(
        f"""update main.extractions set current = 1 from shard.extractions as theirs
        where theirs.capture_id = extractions.capture_id and theirs.extractor = extractions.extractor
            and theirs.current and theirs.{_IN_CAPTURES} and not exists (
                select 1 from main.extractions as ours
                where ours.capture_id = theirs.capture_id and ours.current)"""  # noqa: S608 (constants)
    )


def _merge_versions(connection: sqlite3.Connection) -> None:
    """Take the versions of documents that have none: what they compared is not compared again."""
    columns = [name for name in _columns(connection, "versions") if name != "text_id"]
    names = ", ".join(columns)
    connection.execute(
        f"""insert into main.versions ({names}, text_id)
        select {names}, (select id from main.texts where sha256 = text_sha256) from shard.versions
        where {_IN_DOCUMENTS} and document_id not in (select document_id from main.versions)"""  # noqa: S608
    )


def _merge_news(connection: sqlite3.Connection) -> None:
    """Take what was news, in the order in which it became known; known by both, since the earlier moment."""
    connection.execute(
        f"""insert into main.news (document_id, text_sha256, occurrence, recorded_at, run_id, of_site)
        select document_id, text_sha256, occurrence, recorded_at,
            (select new from temp.run_numbers where old = theirs.run_id), of_site
        from shard.news as theirs where {_IN_DOCUMENTS} order by theirs.id
        on conflict do update set recorded_at = min(news.recorded_at, excluded.recorded_at),
            of_site = max(news.of_site, excluded.of_site)"""  # noqa: S608 (constants)
    )


def _merge_index_answers(connection: sqlite3.Connection, site: str) -> None:
    columns = ", ".join(_columns(connection, "index_answers"))
    connection.execute(
        f"""insert into main.index_answers ({columns}) select {columns} from shard.index_answers
        where site = ? on conflict do update set state = excluded.state, rows = excluded.rows,
            asked_on = excluded.asked_on
        where (excluded.asked_on, excluded.state, excluded.rows)
            > (index_answers.asked_on, index_answers.state, index_answers.rows)""",  # noqa: S608 (constants)
        (site,),
    )


def _merge_watch(connection: sqlite3.Connection, site: str) -> None:
    """Join what is watched: all kinds, as often as the more eager wants it."""
    _insert_missing(connection, "watches", "site = ?", site)
    ours, theirs = (
        connection.execute(f"select * from {schema}.watches where site = ?", (site,)).fetchone()  # noqa: S608
        for schema in ("main", "shard")
    )
    if theirs is None:
        return
    kinds = sorted({*json.loads(ours["kinds"]), *json.loads(theirs["kinds"])})
    connection.execute(
        """update main.watches set every = ?, kinds = ?, added_at = ?, checked_at = ?, searched_at = ?,
            misses = ? where site = ?""",
        (
            min(ours["every"], theirs["every"], key=lambda every: (parse_interval(every), every)),
            json.dumps(kinds),
            min(ours["added_at"], theirs["added_at"]),
            max(ours["checked_at"] or "", theirs["checked_at"] or "") or None,
            max(ours["searched_at"] or "", theirs["searched_at"] or "") or None,
            min(ours["misses"], theirs["misses"]),
            site,
        ),
    )
