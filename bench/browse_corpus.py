"""A generated corpus of many versions, for bench/browse.py: recorded texts re-branded and edited at random.

Written with plain SQL in big transactions, for the store's own way (one transaction a capture)
would take hours; the tables and their indexes are the store's.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import random
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from policy_archive.crawler.core.records import Document, Kind, content_id
from policy_archive.crawler.core.timestamps import format_timestamp
from policy_archive.crawler.core.urlkeys import urlkey
from policy_archive.crawler.core.urls import build_uri_m
from policy_archive.pipelines.store.search_text import prepare_text
from policy_archive.pipelines.store.writer import Store

TEXTS = Path(__file__).resolve().parent.parent.parent / "shared" / "replay" / "dev" / "texts"
RARE = "quarterly pigeon inventory"
"""A phrase of one text in a thousand, and of what came after it."""
COMMON_PHRASE = "do not sell"
"""A phrase of about one text in twelve: those since 2020 of every third site."""
LONG_SITE = "long.example"
"""Two versions of the longest recorded text, 51,000 words."""
BUSY_SITE = "busy.example"
"""200 versions of one document and 2,000 captures."""
_SYLLABLES = "ba ce di fo gu ka le mi no pu ra se ti vo wu ya ze ho".split()
_LANGUAGES = ("en",) * 17 + ("de", "fr", "ja")
_SITES_A_TRANSACTION = 20


@dataclass(frozen=True, kw_only=True)
class _Edition:
    first: datetime
    last: datetime
    text: str


def make_corpus(path: Path, *, versions: int, seed: int = 7) -> None:
    """Write the corpus, whole or not at all; a file that is there already is kept, and upgraded."""
    if path.exists():
        Store.open(path).close()
        return
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    with Store.open(unfinished) as store:
        connection = store.connection
        connection.execute("pragma journal_mode = off")
        connection.execute("pragma synchronous = off")
        _fill(connection, versions, random.Random(seed))
        connection.execute("pragma journal_mode = wal")
    unfinished.rename(path)


def write_as_a_crawl(path: Path) -> None:
    """Store one capture after another, a new version every third, until somebody ends it; print a line each.

    By the store's own way, a transaction a capture, with the fold of the document behind it.
    """
    # by this name, for packages that are installed may bring a `tests` of their own
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
    from support.synthetic import store_texts

    chance = random.Random(3)
    bases = _read_bases()
    with Store.open(path) as store:
        for number in itertools.count():
            document = Document(site=f"crawled{number // 30}.example", kind=Kind.PRIVACY)
            text = _edit(random.Random(number // 3), bases[number // 30 % len(bases)])
            at = datetime(2010, 1, 1, tzinfo=UTC) + timedelta(days=number % 30 * 20, seconds=chance.random())
            store_texts(store, [(format_timestamp(at), text)], document=document)
            print(number, flush=True)


def _fill(connection: sqlite3.Connection, versions: int, chance: random.Random) -> None:
    bases = _read_bases()
    _add_special(connection, bases, chance)
    made, number = 202, 0
    while made < versions:
        connection.execute("begin")
        for _ in range(_SITES_A_TRANSACTION):
            number += 1
            site = f"{''.join(chance.choices(_SYLLABLES, k=4))}{number}.example"
            kinds = [Kind.PRIVACY, Kind.TERMS] if chance.random() < 0.2 else [Kind.PRIVACY]
            for kind in kinds:
                editions = list(_iter_editions(chance, chance.choice(bases), site, number))
                _add_document(connection, Document(site=site, kind=kind), editions, chance)
                made += len(editions)
        connection.execute("commit")


def _read_bases() -> list[str]:
    """Return recorded texts, all of them: half have 4,800 words or more, one in fifteen has 40,000."""
    return [path.read_text("utf-8") for path in sorted(TEXTS.glob("*.md"))]


def _add_special(connection: sqlite3.Connection, bases: list[str], chance: random.Random) -> None:
    long = max(bases, key=lambda text: len(text.split()))
    start = datetime(2012, 1, 5, tzinfo=UTC)
    year = timedelta(days=365)
    pair = [long, _edit(chance, _edit(chance, long, times=60), times=60)]
    connection.execute("begin")
    _add_document(
        connection,
        Document(site=LONG_SITE, kind=Kind.PRIVACY),
        [_Edition(first=start + year * i, last=start + year * (i + 0.9), text=pair[i]) for i in range(2)],
        chance,
    )
    median = sorted(bases, key=len)[len(bases) // 2]
    editions, text, month = [], median, timedelta(days=25)
    for i in range(200):
        text = _edit(chance, text)
        editions.append(_Edition(first=start + month * i, last=start + month * (i + 0.8), text=text))
    _add_document(connection, Document(site=BUSY_SITE, kind=Kind.PRIVACY), editions, chance, rows=10)
    connection.execute("commit")


def _iter_editions(chance: random.Random, base: str, site: str, number: int) -> Iterator[_Edition]:
    """Yield a document's texts in order of time: branded once, then edited a little each time."""
    text = f"{base.rstrip()}\n\nThis policy is that of {site}, customer number {number}.\n"
    instant = datetime(chance.randint(1998, 2020), 1, 1, tzinfo=UTC) + timedelta(days=chance.randint(0, 364))
    for _ in range(min(1 + int(chance.expovariate(1 / 6.3)), 60)):
        text = _edit(chance, text)
        if instant.year >= 2020 and number % 3 == 0 and COMMON_PHRASE not in text:
            text += f"\nWe {COMMON_PHRASE} your personal information.\n"
        if chance.random() < 0.001:
            text += f"\nOur {RARE} is kept for a year.\n"
        last = instant + timedelta(days=chance.randint(20, 400))
        yield _Edition(first=instant, last=last, text=text)
        instant = last + timedelta(days=chance.randint(1, 90))


def _edit(chance: random.Random, text: str, times: int = 3) -> str:
    lines = text.split("\n")
    for _ in range(times):
        index = chance.randrange(len(lines))
        words = lines[index].split(" ")
        words[chance.randrange(len(words))] = "".join(chance.choices(_SYLLABLES, k=3))
        lines[index] = " ".join(words)
    return "\n".join(lines)


def _add_document(
    connection: sqlite3.Connection,
    document: Document,
    editions: list[_Edition],
    chance: random.Random,
    *,
    rows: int = 2,
) -> None:
    url = f"https://www.{document.site}/{document.kind}"
    language = chance.choice(_LANGUAGES)
    connection.execute(
        "insert or ignore into sites (site, outcome, checked_at) values (?, 'found', '2026-01-01')",
        (document.site,),
    )
    connection.execute(
        "insert into documents (id, site, kind, owner, confidence) values (?, ?, ?, 'site', 0.9)",
        (document.id, document.site, document.kind),
    )
    connection.execute(
        "insert into addresses (document_id, urlkey, url, source) values (?, ?, ?, 'given')",
        (document.id, urlkey(url), url),
    )
    before = None
    for version, edition in enumerate(editions, start=1):
        _add_version(connection, document, version, edition, before, url=url, language=language, rows=rows)
        before = edition


def _add_version(
    connection: sqlite3.Connection,
    document: Document,
    version: int,
    edition: _Edition,
    before: _Edition | None,
    *,
    url: str,
    language: str,
    rows: int,
) -> None:
    sha256 = hashlib.sha256(edition.text.encode()).hexdigest()
    words = len(edition.text.split())
    text = connection.execute(
        "insert into texts (sha256, words, content) values (?, ?, ?) on conflict do nothing returning id",
        (sha256, words, edition.text),
    ).fetchone()
    if text is not None:
        connection.execute(
            "insert into texts_search (rowid, text) values (?, ?)", (text[0], prepare_text(edition.text))
        )
    step = (edition.last - edition.first) / (rows - 1)
    stamps = [format_timestamp(edition.first + step * i) for i in range(rows)]
    ids = [content_id(document.id, url, stamp) for stamp in stamps]
    connection.executemany(
        """insert into captures (id, document_id, urlkey, timestamp, original, mimetype, statuscode, digest,
            length, state, same_as, outcome, verified, replay_url)
        values (?, ?, ?, ?, ?, 'text/html', '200', ?, 9000, ?, ?, ?, ?, ?)""",
        [
            (id, document.id, urlkey(url), stamp, url, sha256[:32].upper(), *_state(id, ids[0], stamp, url))
            for id, stamp in zip(ids, stamps, strict=True)
        ],
    )
    connection.execute(
        """insert into extractions (capture_id, extractor, text_sha256, title, language, language_confidence,
            kept_share, replacement_characters, charset, hidden_text_used, documents_on_page)
        values (?, 'bench/1', ?, ?, ?, 0.99, 0.98, 0, 'utf-8', 0, 1)""",
        (ids[0], sha256, f"Privacy – {document.site}", language),
    )
    connection.execute(
        """insert into news (document_id, text_sha256, occurrence, recorded_at, of_site)
        values (?, ?, 1, ?, 1)""",
        (document.id, sha256, f"2026-01-01T00:{version % 60:02}:00Z"),
    )
    change = {"words_added": 3, "words_removed": 3, "share": 0.002, "only": [], "moved": 0}
    connection.execute(
        """insert into versions (document_id, version, text_sha256, text_id, first_capture, last_capture,
            text_capture, first_timestamp, last_timestamp, changed_after, captures, verified, words_added,
            words_removed, change)
        values (?, ?, ?, (select id from texts where sha256 = ?), ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?)""",
        (
            *(document.id, version, sha256, sha256, ids[0], ids[-1], ids[0], stamps[0], stamps[-1]),
            before and format_timestamp(before.last),
            rows,
            *((3, 3) if before else (None, None)),
            json.dumps(change | {"sections_added": [], "sections_removed": []}) if before else None,
        ),
    )


def _state(id: str, fetched: str, stamp: str, url: str) -> tuple[str | int | None, ...]:
    if id != fetched:
        return "same-digest", fetched, None, None, None
    return "fetched", None, "text", 1, build_uri_m("https://web.archive.org", stamp, url)
