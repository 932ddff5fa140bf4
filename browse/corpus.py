"""The questions that only the pages ask of a corpus; what others ask too stands in the store's queries.

A connection comes in; rows go out, with the columns of `policy_versions` or of their tables.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from policy_archive.browse.quotes import quote_changes
from policy_archive.crawler.core.errors import CdxError, NotKnownError
from policy_archive.crawler.core.records import Document, Kind, Outcome
from policy_archive.crawler.core.timestamps import isoformat, parse_timestamp
from policy_archive.pipelines.outputs.coverage import list_months
from policy_archive.pipelines.outputs.history import read_history
from policy_archive.pipelines.store import queries
from policy_archive.pipelines.store.monitoring.news import NewsFilter, list_learnt_widely
from policy_archive.pipelines.store.queries import AddressMove, Row
from policy_archive.pipelines.store.stored_texts import whole

_LISTED = 12
_QUOTED = 6
_QUOTED_CHARACTERS = 600_000
"""Changes that the home page quotes, and how much text is compared for it: a tenth of a second."""


@dataclass(frozen=True, kw_only=True)
class Overview:
    """What is in the corpus."""

    sites: int
    documents: int
    versions: int
    years: list[Row]
    """`year`, and the `versions` that began in it; none is left out between the first and the last."""
    latest: list[Row]
    """Changes in the order of becoming known, newest first, of as many documents as there are, with what
    quote_changes adds."""
    busiest: list[Row]
    missing: list[Row]
    """Sites without a policy, with `outcome` and `reason`."""
    missing_count: int
    widest: list[Row]
    """Changes of which the day is known least, with `months`: how wide the interval is."""


def read_overview(connection: sqlite3.Connection) -> Overview:
    """Return the figures and lists of the home page."""
    counts = connection.execute(
        """select (select count(*) from sites) as sites,
            (select count(*) from documents
                where exists (select 1 from versions where document_id = documents.id)) as documents,
            (select count(*) from versions) as versions,
            (select count(*) from sites where outcome != 'found') as missing_count"""
    ).fetchone()
    return Overview(
        **dict(counts),
        years=_count_years(connection),
        latest=quote_changes(
            connection,
            list_learnt_widely(connection, NewsFilter(changes_only=True), limit=_QUOTED),
            characters=_QUOTED_CHARACTERS,
        ),
        busiest=_read_busiest(connection),
        missing=_rows(
            connection,
            f"select site, outcome, reason from sites where outcome != 'found' limit {_LISTED}",  # noqa: S608
        ),
        widest=_read_widest(connection),
    )


def _rows(connection: sqlite3.Connection, sql: str, values: Sequence[Any] = ()) -> list[Row]:
    return [dict(row) for row in connection.execute(sql, values)]


def _count_years(connection: sqlite3.Connection) -> list[Row]:
    found = dict(
        connection.execute(
            "select substr(first_timestamp, 1, 4), count(*) from versions group by 1"  # one index, read once
        ).fetchall()
    )
    years = range(int(min(found)), int(max(found)) + 1) if found else range(0)
    return [{"year": str(year), "versions": found.get(str(year), 0)} for year in years]


def _read_busiest(connection: sqlite3.Connection) -> list[Row]:
    return _rows(
        connection,
        f"""select site, sum(changes) as changes from (
            select document_id, count(*) as changes from versions
            where changed_after is not null and {queries.IS_TOLD} group by document_id)
        join documents on id = document_id
        group by site having changes > 0 order by changes desc, site limit {_LISTED}""",  # noqa: S608
    )


_MONTH = "(substr({0}, 1, 4) * 12 + substr({0}, 5, 2))"


def _read_widest(connection: sqlite3.Connection) -> list[Row]:
    width = f"{_MONTH.format('first_timestamp')} - {_MONTH.format('changed_after')}"
    found = connection.execute(
        f"""select document_id, version, {width} as months from versions
        where changed_after is not null and months > 12
        order by months desc, first_timestamp desc limit {_LISTED // 2}"""  # noqa: S608 (constants)
    ).fetchall()
    rows = queries.read_versions(connection, [(row["document_id"], row["version"]) for row in found])
    return [row | {"months": width["months"]} for row, width in zip(rows, found, strict=True)]


def list_sites(connection: sqlite3.Connection, *, limit: int) -> list[str]:
    """Return the first sites by name."""
    rows = connection.execute("select site from sites order by site limit ?", (limit,))
    return [row["site"] for row in rows]


def has_site(connection: sqlite3.Connection, site: str) -> bool:
    """Return whether a site, as it is written, is in the corpus."""
    return connection.execute("select 1 from sites where site = ?", (site,)).fetchone() is not None


@dataclass(frozen=True, kw_only=True)
class DocumentHistory:
    """One document of a site page."""

    key: Document
    document: Row
    """As queries.list_documents gives it."""
    versions: list[Row]
    """As outputs.history gives them, in order of time, the document's own alone."""
    foreign: list[Row]
    """Somebody else's texts that stood at its addresses; kept apart, without numbers."""
    captures: list[Row]
    """`timestamp`, `state`, `outcome` of every row of the index, in order of time."""
    moves: list[AddressMove]
    months: list[Row]
    """As outputs.coverage gives them."""


def read_site(connection: sqlite3.Connection, site: str) -> tuple[Row, list[DocumentHistory]]:
    """Return the site's row and its documents, main ones first; raises NotKnownError."""
    row = connection.execute("select * from sites where site = ?", (site,)).fetchone()
    if row is None:
        raise NotKnownError(f"{site} is not in this corpus.")
    documents = queries.list_documents(connection, site)
    return dict(row), [_read_history(connection, row) for row in documents if row["kind"] != Kind.HOME]


def _read_history(connection: sqlite3.Connection, document: Row) -> DocumentHistory:
    key = Document(site=document["site"], kind=Kind(document["kind"]), name=document["name"])
    history = read_history(connection, key, include_foreign=True)
    versions = [row for row in history if not row["foreign"]]
    captures = _rows(
        connection,
        "select timestamp, state, outcome from captures where document_id = ? order by timestamp",
        (key.id,),
    )
    return DocumentHistory(
        key=key,
        document=document,
        versions=versions,
        foreign=[row for row in history if row["foreign"]],
        captures=captures,
        moves=queries.find_moves(connection, key),
        months=list_months(captures, versions),
    )


def find_timestamp(connection: sqlite3.Connection, document: Document, timestamp: str) -> str:
    """Return the 14 digits that name the version which was the latest at an instant: its first capture.

    Raises NotKnownError when the document is not known, or not so early, or not so late: an address with a
    slip in it must not show another text in silence.
    """
    first, last = connection.execute(
        "select min(first_timestamp), max(last_timestamp) from versions where document_id = ?", (document.id,)
    ).fetchone()
    try:
        parse_timestamp(timestamp)
    except CdxError as error:
        raise NotKnownError(
            f"{timestamp} is no instant: an address holds year, month, day and time."
        ) from error
    if first is not None and timestamp > last:
        raise NotKnownError(
            f"Nothing is known of this document after {isoformat(last)[:10]}: that is its last capture here."
        )
    (found,) = connection.execute(
        "select max(first_timestamp) from versions where document_id = ? and first_timestamp <= ?",
        (document.id, timestamp),
    ).fetchone()
    if found is None:
        return str(read_version(connection, document, timestamp)["timestamp"])  # says what there is
    return str(found)


def read_version(connection: sqlite3.Connection, document: Document, timestamp: str) -> Row:
    """Return the version, text included, that was the latest at an instant (14 digits).

    An address that was made before an older capture of the same text was found still leads there.

    Raises NotKnownError when the document is not known, or not so early.
    """
    first = connection.execute(
        "select min(first_timestamp) from versions where document_id = ?", (document.id,)
    ).fetchone()[0]
    if first is None:
        raise NotKnownError(f"{document.site} has no versions of such a document in this corpus.")
    (number,) = connection.execute(
        "select max(version) from versions where document_id = ? and first_timestamp <= ?",
        (document.id, timestamp),
    ).fetchone()
    if number is None:
        raise NotKnownError(f"Nothing is known of this document before {isoformat(first)[:10]}.")
    return queries.read_version(connection, document, number)


def read_evidence(connection: sqlite3.Connection, document: Document, number: int) -> Row:
    """Return what is known of the capture that a version's text was read from, and of that reading."""
    row = connection.execute(
        """select captures.timestamp, captures.original, captures.digest, captures.verified,
            captures.replay_url, captures.content_type, captures.fetched_at, captures.served_timestamp,
            captures.body_digest, bodies.bytes as body_bytes, extractions.charset, extractions.kept_share,
            extractions.replacement_characters, extractions.hidden_text_used, extractions.documents_on_page,
            extractions.language_confidence, documents.owner, documents.owner_name, documents.owner_reason,
            first.digest as first_digest
        from versions join captures on captures.id = versions.text_capture
        join captures as first on first.id = versions.first_capture
        join extractions on extractions.capture_id = captures.id and extractions.current
        join documents on documents.id = versions.document_id
        left join bodies on bodies.digest = captures.body_digest
        where versions.document_id = ? and versions.version = ?""",
        (document.id, number),
    ).fetchone()
    return dict(row)


def find_neighbours(
    connection: sqlite3.Connection, document: Document, number: int
) -> tuple[Row | None, Row | None]:
    """Return the versions before and after one, without their texts."""
    found = queries.read_versions(connection, [(document.id, number - 1), (document.id, number + 1)])
    by_number = {row["version"]: row for row in found}
    return by_number.get(number - 1), by_number.get(number + 1)


def list_stamps(connection: sqlite3.Connection, document: Document) -> list[str]:
    """Return the first capture of each version, 14 digits, in order of number."""
    rows = connection.execute(
        "select first_timestamp from versions where document_id = ? order by version", (document.id,)
    )
    return [row["first_timestamp"] for row in rows]


def read_texts(connection: sqlite3.Connection, document: Document) -> list[tuple[Row, str]]:
    """Return every version of a document, without its text and the text, in order."""
    texts = connection.execute(
        "select text, text_sha256 from policy_versions where document_id = ? order by version",
        (document.id,),
    )
    versions = queries.list_versions(connection, document)
    return [
        (version, whole(row["text"], f"version {number} of {document.site}", sha256=row["text_sha256"]))
        for number, (version, row) in enumerate(zip(versions, texts, strict=True), 1)
    ]


def find_next_large(connection: sqlite3.Connection, document: Document, number: int) -> int | None:
    """Return the next version in which, by its class, what the policy says changed; None without one."""
    (found,) = connection.execute(
        f"""select min(version) from versions where document_id = ? and version > ?
            and {queries.IS_TOLD} and {queries.MATTERS_SQL}""",  # noqa: S608
        (document.id, number),
    ).fetchone()
    return found and int(found)


def count_outcomes(captures: Sequence[Row]) -> dict[str, int]:
    """Return how many captures have each outcome (a state, where nothing was asked), most first."""
    counts: dict[str, int] = {}
    for row in captures:
        word = row["outcome"] or row["state"]
        counts[word] = counts.get(word, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: -item[1]))


def is_junk(capture: Row) -> bool:
    """Return whether a capture was read and held no text of its document."""
    return capture["outcome"] is not None and Outcome(capture["outcome"]).is_junk
