"""Tables, indexes, views, as ordered migrations. A released migration is never edited."""

from __future__ import annotations

import sqlite3
from itertools import groupby
from operator import itemgetter

from sqlite_utils import Database, Migrations

from policy_archive.crawler.core.failpoints import point
from policy_archive.crawler.core.urls import archive_of
from policy_archive.pipelines.store.names import APPLICATION_ID, MIGRATION_SET

migrations = Migrations(MIGRATION_SET)

_TABLES = """
create table sites (
    site text primary key,           -- registrable domain, lower case, ASCII
    rank integer,                    -- of the list it came from, null when none
    outcome text,                    -- found, nothing-found, not-archived, blocked, archive-error; null: new
    reason text not null default '',
    checked_at text                  -- ISO 8601 UTC, last time that discovery ended
) strict;

create table documents (
    id text primary key,             -- from site, kind, name
    site text not null references sites(site),
    kind text not null,              -- privacy, terms, cookies, other, home
    name text not null default '',   -- '' for the main document of its kind
    owner text,                      -- site, parent, policy-service, registrar, platform, unknown
    owner_name text,
    owner_reason text not null default '',
    confidence real,                 -- 0 to 1, that this is such a document
    unique (site, kind, name)
) strict;

create table addresses (
    document_id text not null references documents(id),
    urlkey text not null,
    url text not null,               -- URI-R as first found
    source text not null,            -- given, usual, index, home-link, redirect, policy-link
    evidence text not null default '',
    confidence real,
    first_seen text,                 -- timestamp of the capture or row that first named it
    last_seen text,
    listed_from text,                -- index asked from .. to (14 digits), null: not asked yet
    listed_to text,
    listed_at text,                  -- when, ISO 8601 UTC, our clock
    primary key (document_id, urlkey)
) strict;

create table captures (
    id text primary key,             -- from document, original, timestamp, digest
    document_id text not null references documents(id),
    urlkey text not null,
    timestamp text not null,
    original text not null,
    mimetype text not null,
    statuscode text not null,
    digest text not null,
    length integer,
    state text not null default 'pending',
    state_reason text not null default '',
    same_as text references captures(id),
    after_id text references captures(id),   -- bracket: the capture of a known text before this row
    before_id text references captures(id),  -- bracket: the capture of a known text after this row
    outcome text,                    -- null exactly when state is not 'fetched'
    reason text not null default '',
    http_status integer,
    served_timestamp text,
    served_original text,
    location text,
    content_type text,
    body_digest text references bodies(digest),
    verified integer,                -- 1: SHA-1 of the body equals digest; 0: not; null: nothing to compare
    page_class text,                 -- the judge's word
    page_probability real,
    replay_url text,
    fetched_at text,                 -- ISO 8601 UTC, our clock
    elapsed_seconds real,
    requests integer not null default 0,
    tries integer not null default 0,
    run_id integer references runs(id)
) strict;
create index captures_document on captures(document_id, timestamp);
create index captures_todo on captures(document_id) where state = 'pending';
create index captures_body on captures(body_digest);

create table bodies (
    digest text primary key,         -- base-32 SHA-1 of the bytes, as the index writes digests
    bytes integer not null,
    codec integer not null,          -- 0 as is, 1 zstd, 2 zstd with the body base_digest as dictionary
    base_digest text references bodies(digest),
    content blob not null
) strict;
create index bodies_base on bodies(base_digest) where base_digest is not null;

create table texts (
    id integer primary key,          -- what full-text search points to: VACUUM keeps it, unlike a rowid
    sha256 text not null unique,     -- of the text, UTF-8
    words integer not null,
    content text                     -- Markdown body; null when compacted into lines
) strict;
create index texts_words on texts(words);

create table text_lines (
    id integer primary key,
    line text not null               -- with the newlines after it; texts of a document share lines
) strict;

create table text_runs (
    text_id integer not null references texts(id),
    run integer not null,            -- 0, 1, 2 … in the order of the text
    first_line integer not null,     -- the run is the lines with ids from .. to
    last_line integer not null,
    primary key (text_id, run)
) strict, without rowid;

create table links (
    capture_id text not null references captures(id),
    url text not null,               -- URI-R that the page points to
    kind text not null,              -- kind of document that the link promises
    label text not null default '',  -- text, title, alt or aria-label
    place text not null,             -- a, area, frame, meta, script
    language text,                   -- of the word that matched
    confidence real not null,
    primary key (capture_id, url, kind)
) strict;

create table extractions (
    capture_id text not null references captures(id),
    extractor text not null,         -- name and version
    current integer not null default 1,
    text_sha256 text not null references texts(sha256),
    title text not null,
    language text,
    language_confidence real,
    kept_share real,
    replacement_characters integer not null,
    charset text not null,
    hidden_text_used integer not null,
    documents_on_page integer not null,
    stated_dates text not null default '[]',  -- JSON array of {kind, as_written, day}
    primary key (capture_id, extractor)
) strict;
create unique index extractions_current on extractions(capture_id) where current;
create index extractions_text on extractions(text_sha256, current, language);

create table versions (
    document_id text not null references documents(id),
    version integer not null,
    text_sha256 text not null references texts(sha256),
    text_id integer not null references texts(id),  -- the same: how a search comes from hits to versions
    first_capture text not null references captures(id),
    last_capture text not null references captures(id),
    text_capture text not null references captures(id),  -- fetched capture that the text was read from
    first_timestamp text not null,
    last_timestamp text not null,
    changed_after text,              -- timestamp of the last capture of the text before
    captures integer not null,
    verified integer,                -- 1 when the body that the text was read from was proven
    returns_to integer,
    words_added integer,
    words_removed integer,
    change text,                     -- JSON: see pipelines/versions/change.py
    stated_updated text,             -- day that the text states, ISO
    stated_effective text,
    stated_flag text,                -- stated date against interval: agrees, before, after, null
    primary key (document_id, version)
) strict;
create index versions_text on versions(text_sha256);
create index versions_hits on versions(text_id);
create index versions_returned on versions(first_timestamp) where returns_to is not null;
create index versions_disagreeing on versions(first_timestamp) where stated_flag in ('before', 'after');
-- what whole-corpus questions read (newest, years, widest, a common word), so that no row is touched
create index versions_time on versions(
    first_timestamp, last_timestamp, changed_after, text_id, document_id, version);

create table index_answers (
    site text not null references sites(site),
    question text not null,          -- JSON of the query
    state text not null,             -- complete, cut, too-slow, blocked
    rows blob not null,              -- JSON array of index lines, zlib
    asked_on text not null,          -- day, UTC: on that day the index is not asked again
    primary key (site, question)
) strict;

create table runs (
    id integer primary key,
    command text not null,
    arguments text not null default '{}',
    started_at text not null,
    finished_at text,
    status text not null default 'running',  -- running, done, incomplete, interrupted, failed
    reason text not null default '',
    index_requests integer not null default 0,
    replay_requests integer not null default 0,
    forecast text                    -- JSON of the plan's forecast, when there was one
) strict;
"""

# A text compacted into lines is put together by SQL alone, so that any tool can read the view. By plain
# tables, too: what checks and rebuilds the full-text index may not use virtual ones such as json_each.
_TEXT_OF = """coalesce(texts.content, (
    select group_concat(line, '') from (
        select text_lines.line as line
        from text_runs cross join text_lines on text_lines.id between first_line and last_line
        where text_runs.text_id = texts.id order by run, text_lines.id)))"""

_VIEW = f"""
create view policy_texts as
select sha256, words, {_TEXT_OF} as text from texts;

create view policy_versions as
select
    documents.site as site,
    documents.kind as kind,
    documents.name as name,
    first.original as url,
    versions.version as version,
    strftime('%Y-%m-%dT%H:%M:%SZ', substr(versions.first_timestamp, 1, 4) || '-' ||
        substr(versions.first_timestamp, 5, 2) || '-' || substr(versions.first_timestamp, 7, 2) || 'T' ||
        substr(versions.first_timestamp, 9, 2) || ':' || substr(versions.first_timestamp, 11, 2) || ':' ||
        min(substr(versions.first_timestamp, 13, 2), '59')) as first_captured,
    strftime('%Y-%m-%dT%H:%M:%SZ', substr(versions.last_timestamp, 1, 4) || '-' ||
        substr(versions.last_timestamp, 5, 2) || '-' || substr(versions.last_timestamp, 7, 2) || 'T' ||
        substr(versions.last_timestamp, 9, 2) || ':' || substr(versions.last_timestamp, 11, 2) || ':' ||
        min(substr(versions.last_timestamp, 13, 2), '59')) as last_captured,
    strftime('%Y-%m-%dT%H:%M:%SZ', substr(versions.changed_after, 1, 4) || '-' ||
        substr(versions.changed_after, 5, 2) || '-' || substr(versions.changed_after, 7, 2) || 'T' ||
        substr(versions.changed_after, 9, 2) || ':' || substr(versions.changed_after, 11, 2) || ':' ||
        min(substr(versions.changed_after, 13, 2), '59')) as changed_after,
    versions.first_timestamp as timestamp,
    extractions.title as title,
    extractions.language as language,
    texts.words as words,
    versions.text_sha256 as text_sha256,
    {_TEXT_OF} as text,
    versions.returns_to as returns_to,
    coalesce(first.replay_url, source.replay_url) as replay_url,
    versions.captures as captures,
    versions.verified as verified,
    versions.words_added as words_added,
    versions.words_removed as words_removed,
    versions.change as change,
    versions.stated_updated as stated_updated,
    versions.stated_effective as stated_effective,
    versions.stated_flag as stated_flag,
    documents.owner as owner,
    extractions.kept_share as kept_share,
    extractions.extractor as extractor,
    versions.document_id as document_id,
    versions.text_capture as capture_id
from versions
join documents on documents.id = versions.document_id
join captures as first on first.id = versions.first_capture
join captures as source on source.id = versions.text_capture
join texts on texts.sha256 = versions.text_sha256
join extractions on extractions.capture_id = versions.text_capture and extractions.current;
"""  # noqa: S608 (a constant is put in)


@migrations()
def m001_tables(db: Database) -> None:
    """The tables of the main job."""
    _execute_all(db, _TABLES)
    db.execute(f"pragma application_id = {APPLICATION_ID}")


@migrations()
def m002_policy_versions(db: Database) -> None:
    """The view that readers rely on."""
    _execute_all(db, _VIEW)


@migrations()
def m003_full_text(db: Database) -> None:
    """Full text of every version's text, external content: the words are stored once.

    The content is a view, so that compacted texts are found and shown too; the
    row is written in the same transaction as the text (pipelines/store/captures.py).
    """
    _execute_all(
        db,
        f"""
        create view texts_search_content as select id, {_TEXT_OF} as text from texts;
        create virtual table texts_search using fts5(
            text, content='texts_search_content', content_rowid='id', tokenize='unicode61');
        """,  # noqa: S608 (a constant is put in)
    )


@migrations()
def m004_upkeep(db: Database) -> None:
    """What unattended runs need: a list of sites, what is news, what has still to be told, how runs went."""
    _execute_all(
        db,
        """
        alter table sites add column failing_since text;
        alter table runs add column health text;

        create table watches (
            site text primary key references sites(site),
            every text not null,             -- interval, as given: 1d, 1w, 1mo
            kinds text not null,             -- JSON array
            added_at text not null,
            checked_at text,                 -- last update that came to a conclusion, null: none yet
            searched_at text,                -- last update that looked for the policies anew
            misses integer not null default 0  -- updates in a row that found no policy
        ) strict;

        create table news (
            id integer primary key autoincrement,  -- in order of becoming known; never used twice
            document_id text not null references documents(id),
            text_sha256 text not null,
            occurrence integer not null,     -- 1 for the first version of the document with this text, 2 …
            recorded_at text not null,
            run_id integer references runs(id),
            of_site integer not null,        -- 0: another extractor made it, not the site
            unique (document_id, text_sha256, occurrence)
        ) strict;
        create index news_run on news(run_id);

        create table outbox (
            id integer primary key autoincrement,
            channel text not null,           -- hash of the command or address: neither is written down
            label text not null,             -- what to call it to people
            news_id integer not null references news(id),
            payload text not null,           -- JSON, as it is delivered
            created_at text not null,
            tries integer not null default 0,
            tried_at text,
            error text                       -- of the last try
        ) strict;
        create index outbox_channel on outbox(channel, id);

        create table looks (
            site text primary key,           -- '' for all
            news_id integer not null,        -- newest that was shown
            looked_at text not null
        ) strict;
        """,
    )


@migrations()
def m005_words(db: Database) -> None:
    """Words are counted by one tokeniser: count stored texts and changes again, so that both add up."""
    from policy_archive.pipelines.store.versions import compare_stored
    from policy_archive.pipelines.text import count_words

    for sha256, text in db.execute("select sha256, text from policy_texts").fetchall():
        db.execute("update texts set words = ? where sha256 = ?", (count_words(text), sha256))
    pairs = db.execute(
        """select newer.document_id, newer.version, older.text_sha256, newer.text_sha256
        from versions as newer join versions as older
            on older.document_id = newer.document_id and older.version = newer.version - 1"""
    ).fetchall()
    for document_id, version, old, new in pairs:
        db.execute(
            """update versions
            set words_added = :words_added, words_removed = :words_removed, change = :change
            where document_id = :document_id and version = :version""",
            {**compare_stored(db.conn, old, new), "document_id": document_id, "version": version},
        )
        point("in-recount")


@migrations()
def m006_classes(db: Database) -> None:
    """Where a text's lines stand in their page, and whether a change is the policy's or the page's."""
    from policy_archive.pipelines.store.versions import list_classes

    view = db.execute("select sql from sqlite_master where name = 'policy_versions'").fetchone()[0]
    last = "versions.text_capture as capture_id"
    assert last in view
    db.execute("alter table extractions add column line_places text")
    db.execute("alter table versions add column class text")
    db.execute("drop view policy_versions")
    db.execute(view.replace(last, f"{last},\n    versions.class as class"))
    for (document_id,) in db.execute("select distinct document_id from versions").fetchall():
        rows = db.execute(
            "select version, text_sha256, text_capture from versions where document_id = ? order by version",
            (document_id,),
        ).fetchall()
        names = ("version", "text_sha256", "text_capture")
        columns = [dict(zip(names, row, strict=True)) for row in rows]
        for row, change_class in zip(columns, list_classes(db.conn, columns), strict=True):
            db.execute(
                "update versions set class = ? where document_id = ? and version = ?",
                (change_class, document_id, row["version"]),
            )


@migrations()
def m007_origins(db: Database) -> None:
    """Where imported captures came from, and what dates them when no archive did."""
    _execute_all(
        db,
        """
        create table origins (
            id text primary key,             -- from format, name, digest
            format text not null,            -- princeton-leuven, ota-versions, warc …
            name text not null,              -- the file's own, or its path in a repository or zip
            digest text not null,            -- sha256:… of the file, git:… the commit
            licence text not null default '',
            attribution text not null default '',
            imported_at text not null
        ) strict;
        alter table captures add column origin text references origins(id);
        alter table captures add column dated_by text not null default '';
        create index captures_imported on captures(document_id) where origin is not null;
        """,
    )
    _grow_view(db, "(select name || ' (' || digest || ')' from origins where id = source.origin) as origin")
    _grow_view(db, "first.dated_by as dated_by")


def _grow_view(db: Database, column: str) -> None:
    """Add a column at the end of policy_versions, whatever columns earlier migrations gave it."""
    (view,) = db.execute("select sql from sqlite_master where name = 'policy_versions'").fetchone()
    columns, source = view.rsplit("\nfrom versions\n", 1)
    db.execute("drop view policy_versions")
    db.execute(f"{columns},\n    {column}\nfrom versions\n{source}")


@migrations()
def m008_search(db: Database) -> None:
    """The full-text index of what readers see, in segments where a script sets no blanks: built anew.

    Contentless, for SQL cannot make what is indexed: the writer does (search_text.prepare_text), and gives
    the same words again when a text goes. The stripped accents of plain SQL meet the folded ones.
    """
    from policy_archive.pipelines.store.search_text import prepare_text

    db.execute("drop table texts_search")
    db.execute(
        """create virtual table texts_search using fts5(
            text, content='', tokenize="unicode61 remove_diacritics 2 categories 'L* N* Co Mn Mc'")"""
    )
    ids = [row[0] for row in db.execute("select id from texts order by id").fetchall()]
    for text_id in ids:
        (text,) = db.execute("select text from texts_search_content where id = ?", (text_id,)).fetchone()
        db.execute(
            "insert into texts_search (rowid, text) values (?, ?)", (text_id, prepare_text(text or ""))
        )


@migrations()
def m009_site_lines(db: Database) -> None:
    """What home pages show, which tells a site's furniture, and by which pages changes were judged."""
    _execute_all(
        db,
        """
        create table home_lines (
            capture_id text primary key references captures(id),
            lines text not null              -- JSON array: all that a reader sees, as Markdown without links
        ) strict;
        alter table sites add column judged_by text;  -- digest of the pages; null: not judged together yet
        """,
    )


@migrations()
def m010_alerts(db: Database) -> None:
    """When following began, what goes together as one message, and what was told already.

    Of a corpus that is older than this, what it holds now is history.
    """
    _execute_all(
        db,
        """
        alter table sites add column news_after text;      -- 14 digits: its first whole fetch
        alter table documents add column news_after text;  -- 14 digits: its newest capture then
        update sites set news_after =
            replace(replace(replace(replace(checked_at, '-', ''), ':', ''), 'T', ''), 'Z', '')
        where checked_at is not null and coalesce(outcome, '') <> 'archive-error'
            and coalesce(outcome, '') <> 'failed';
        update documents set news_after =
            (select max(timestamp) from captures where document_id = documents.id)
        where site in (select site from sites where news_after is not null);

        alter table outbox rename to outbox_before;
        drop index outbox_channel;
        create table outbox (
            id integer primary key autoincrement,
            channel text not null,           -- hash of the command or address: neither is written down
            label text not null,             -- what to call it to people
            news_id integer not null references news(id),
            message text not null,           -- id of the message that it is told in, with others
            captured text not null,          -- 14 digits: the version's first capture when it was put here
            created_at text not null,
            tries integer not null default 0,
            tried_at text,
            error text,                      -- of the last try
            wait_until text,                 -- the receiver asked for no try before
            unique (channel, news_id)
        ) strict;
        create index outbox_channel on outbox(channel, id);
        insert or ignore into outbox
            (id, channel, label, news_id, message, captured, created_at, tries, tried_at, error)
            select outbox_before.id, channel, label, news_id, document_id || '-' || coalesce(run_id, 0),
                coalesce(json_extract(payload, '$.timestamp'), ''), created_at, tries, tried_at, error
            from outbox_before join news on news.id = news_id order by outbox_before.id;
        drop table outbox_before;

        create table told (
            channel text not null,
            news_id integer not null references news(id),
            told_at text not null,
            primary key (channel, news_id)
        ) strict, without rowid;
        """,
    )


@migrations()
def m011_archives(db: Database) -> None:
    """Which archive was asked: of each capture, of what an index listed, of what it answered.

    Old rows get what is known: where a capture was fetched from, else the only archive that its document, or
    the corpus, has anything of. Of a corpus of several archives the rest stays unknown, null. What was kept
    of the index's answers for a day is forgotten: nobody noted whose they were.
    """
    _execute_all(
        db,
        """
        alter table captures add column archive text;

        create table listings (
            document_id text not null references documents(id),
            urlkey text not null,
            archive text not null,           -- base address; '' in old databases, where it is not known
            listed_from text not null,       -- index asked from .. to (14 digits)
            listed_to text not null,
            listed_at text not null,         -- when, ISO 8601 UTC, our clock
            primary key (document_id, urlkey, archive)
        ) strict, without rowid;

        drop table index_answers;
        create table index_answers (
            site text not null references sites(site),
            archive text not null,           -- base address of the one that was asked
            question text not null,          -- JSON of the query
            state text not null,             -- complete, cut, too-slow, blocked
            rows blob not null,              -- JSON array of index lines, zlib
            asked_on text not null,          -- day, UTC: on that day the index is not asked again
            primary key (site, archive, question)
        ) strict;
        """,
    )
    _fill_archives(db)
    _execute_all(
        db,
        """
        insert into listings select addresses.document_id, urlkey, coalesce(
                (select max(archive) from captures where captures.document_id = addresses.document_id
                    and origin is null having count(distinct archive) = 1 and count(*) = count(archive)), ''),
            listed_from, listed_to, coalesce(listed_at, '')
        from addresses where listed_from is not null and listed_to is not null;
        alter table addresses drop column listed_from;
        alter table addresses drop column listed_to;
        alter table addresses drop column listed_at;
        """,
    )
    _grow_view(
        db,
        "case when source.origin is null then coalesce(first.archive, source.archive) "
        "else source.archive end as archive",
    )


def _fill_archives(db: Database) -> None:
    """Fill in the archive of stored rows, as far as it is known."""
    db.conn.create_function("archive_of", 1, lambda url: archive_of(url), deterministic=True)
    db.execute("update captures set archive = archive_of(replay_url) where replay_url is not null")
    db.execute(
        """update captures set archive = (select max(archive) from captures as sisters
            where sisters.document_id = captures.document_id and origin is null
            having count(distinct archive) = 1)
        where archive is null and origin is null"""
    )
    asked = {row[0] for row in db.execute("select distinct archive from captures where origin is null")}
    asked |= {
        row[0]
        for row in db.execute(
            "select distinct json_extract(arguments, '$.archive') from runs where command != 'import'"
        )
    }
    if len(known := asked - {None}) == 1:
        db.execute("update captures set archive = ? where archive is null and origin is null", tuple(known))


@migrations()
def m012_unweighed(db: Database) -> None:
    """Documents that an import has not come to the end of: a state that is seen, and gone on with."""
    _execute_all(
        db,
        """
        create table unweighed (
            document_id text primary key references documents(id),
            folded integer not null default 0  -- 1: its versions are there, what changed is not compared
        ) strict, without rowid;
        """,
    )


@migrations()
def m013_packed_texts(db: Database) -> None:
    """Texts packed against the one before them, where `compact --dense` was asked for; none in other files.

    The views say of such a text how it is read (pipelines/store/packed.py).
    """
    from policy_archive.pipelines.store.packed import ASKED_PLAINLY

    _execute_all(
        db,
        """
        create table packed_texts (
            text_id integer primary key references texts(id),
            base_id integer references packed_texts(text_id),  -- null: it stands for itself
            bytes integer not null,          -- of the text, UTF-8
            content blob not null            -- zstd, with the text of base_id as dictionary
        ) strict;
        create index packed_texts_base on packed_texts(base_id) where base_id is not null;
        """,
    )
    assert _TEXT_OF.endswith("))")
    for name in ("policy_texts", "policy_versions", "texts_search_content"):
        (view,) = db.execute("select sql from sqlite_master where name = ?", (name,)).fetchone()
        assert _TEXT_OF in view
        db.execute(f"drop view {name}")
        db.execute(view.replace(_TEXT_OF, f"{_TEXT_OF[:-1]}, {ASKED_PLAINLY})"))


@migrations()
def m014_link_sets(db: Database) -> None:
    """The links of captures as sets, each stored once: most captures have the links of the one before.

    Of 1,516 recorded captures 10,344 rows became 1,361. `links` is a view that gives what the table gave.
    """
    _execute_all(
        db,
        """
        create table link_sets (
            link_set integer not null,       -- of the links in it alone: equal sets have one number
            position integer not null,       -- 0, 1, 2 … in the order in which they were found
            url text not null,               -- URI-R that the page points to
            kind text not null,              -- kind of document that the link promises
            label text not null,             -- text, title, alt or aria-label
            place text not null,             -- a, area, frame, meta, script
            language text,                   -- of the word that matched
            confidence real not null,
            primary key (link_set, position)
        ) strict, without rowid;
        alter table captures add column link_set integer;  -- null: no links
        """,
    )
    from policy_archive.pipelines.store.link_sets import write_rows

    rows = db.execute(
        """select capture_id, url, kind, label, place, language, confidence from links
        order by capture_id, rowid"""
    ).fetchall()
    for capture_id, found in groupby(rows, key=itemgetter(0)):
        number = write_rows(db.conn, [tuple(row)[1:] for row in found])
        db.execute("update captures set link_set = ? where id = ?", (number, capture_id))
    _execute_all(
        db,
        """
        drop table links;
        create view links as
        select captures.id as capture_id, url, kind, label, place, language, confidence
        from captures join link_sets on link_sets.link_set = captures.link_set;
        """,
    )


def _execute_all(db: Database, script: str) -> None:
    """Run statements one by one: executescript would commit the migration's transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            db.execute(statement)
            statement = ""
    assert not statement.strip(), f"unfinished statement: {statement.strip()[:80]}"
