"""What Datasette says about the tables: titles, descriptions, units, facets, canned queries."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from html import escape
from typing import Any
from urllib.parse import quote

from policy_archive.data import DATA
from policy_archive.pipelines.outputs.addresses import PREFIX
from policy_archive.pipelines.store.at import build_asked_sql
from policy_archive.pipelines.store.packed import NOTICE
from policy_archive.pipelines.store.queries import IS_TOLD

# Each finds its rows by an index first, then shows those alone: the view reads five tables a row.
QUERIES: dict[str, dict[str, Any]] = {
    "changes_per_year": {
        "title": "Changes per year",
        "description": "How many policies changed in each year, and of how many documents. "
        "Changes of the page around the text (`versions.class`) are not counted.",
        "sql": """select substr(first_timestamp, 1, 4) as year, count(*) as changes,
    count(distinct document_id) as documents
from versions where changed_after is not null and /*told*/ group by year order by year""".replace(
            "IS_TOLD", IS_TOLD
        ),
    },
    "texts_that_came_back": {
        "title": "Texts that came back",
        "description": "Versions whose text is that of an earlier version of the document, newest first.",
        "sql": """with found as (select document_id, version from versions
    where returns_to is not null order by first_timestamp desc limit 1000)
select site, kind, name, version, returns_to, first_captured, title
from found join policy_versions using (document_id, version) order by first_captured desc""",
    },
    "stated_date_disagrees": {
        "title": "Stated date and interval disagree",
        "description": "“before”: the text states a day before the interval of change, so it was edited "
        "silently or archived late. “after”: it states a day after it was first seen: announced ahead.",
        "sql": """with found as (select document_id, version from versions
    where stated_flag in ('before', 'after') order by first_timestamp desc limit 1000)
select site, kind, name, version, stated_flag, stated_updated, stated_effective,
    changed_after, first_captured
from found join policy_versions using (document_id, version) order by site, kind, name, version""",
    },
    "longest": {
        "title": "Longest versions",
        "description": "The versions of the hundred longest texts.",
        "sql": """with found as (select id from texts order by words desc limit 100),
    said as (select document_id, version from found join versions on text_id = found.id)
select site, kind, name, version, first_captured, words, title
from said join policy_versions using (document_id, version) order by words desc""",
    },
    "most_changed": {
        "title": "Most changed documents",
        "description": "Documents by how often their text changed, with the words added and removed in all. "
        "Changes of the page around the text (`versions.class`) are not counted.",
        "sql": """with found as (select document_id, count(*) as changes from versions
    where changed_after is not null and /*told*/ group by document_id order by changes desc limit 200)
select site, kind, name, changes, sum(words_added) as words_added, sum(words_removed) as words_removed,
    min(first_timestamp) as first_timestamp, max(last_timestamp) as last_timestamp
from found join versions using (document_id) join documents on documents.id = document_id
group by document_id order by changes desc, site""",
    },
    "in_force_on": {
        "title": "In force on a day",
        "description": "The version of each document that was in force at the end of the day (UTC), "
        "written as 2018-05-25, how surely, and the versions before and after; `site` and `kind` may stay "
        "empty. The command "
        "`policy-archive at` asks the same of all sites.",
        "sql": build_asked_sql(most=1000),
        "params": ["day", "site", "kind"],
    },
}

for _query in QUERIES.values():
    _query["sql"] = _query["sql"].replace("/*told*/", IS_TOLD)

_LABELS = {
    "sites": "site",
    "documents": "site",
    "addresses": "url",
    "captures": "timestamp",
    "texts": "sha256",
    "runs": "command",
}
_FACETS = {
    "policy_versions": ["kind", "language", "stated_flag", "owner"],
    "documents": ["kind", "owner"],
    "addresses": ["source"],
    "captures": ["state", "outcome"],
    "sites": ["outcome"],
    "links": ["kind", "place"],
    "runs": ["command", "status"],
}
_UNITS = {
    "captures": {"length": "byte", "elapsed_seconds": "second"},
    "bodies": {"bytes": "byte"},
}
_HIDDEN = (
    *("bodies", "text_lines", "text_runs", "packed_texts", "texts_search", "texts_search_content"),
    *("index_answers", "outbox", "looks", "_sqlite_migrations", "sqlite_sequence"),
)
"""What holds the program's own state, or nothing that a person reads: below a fold of the list of tables."""
_START = {
    "Versions": "policy_versions?_col=site&_col=kind&_col=name&_col=version&_col=first_captured"
    "&_col=last_captured&_col=changed_after&_col=words&_col=words_added&_col=words_removed&_col=class"
    "&_col=title&_nofacet=1",
    "Documents": "documents",
    "Sites": "sites",
    "Captures": "captures?_col=timestamp&_col=original&_col=state&_col=outcome&_col=digest",
}
"""Where to start, with the columns that people look for first; the rest follows in the table's own order."""


def describe_corpus(corpora: Mapping[str, bool], *, home: str) -> dict[str, Any]:
    """Return Datasette's metadata for databases that hold a corpus; `home` is the address of our pages.

    `corpora`: their names, each with whether its texts are packed.
    """
    described = _read_descriptions()
    tables = {name: _describe_table(name, described.get(name)) for name in {*described, *_LABELS, *_HIDDEN}}
    link = f'<p><a href="{escape(home)}"><strong>Read, search and compare the policies</strong></a></p>'
    notes = {name: _describe_dense(home, name) if is_dense else "" for name, is_dense in corpora.items()}
    about = {"title": "Policy archive", "description_html": link + "".join(notes.values())}
    databases = {
        name: {
            "title": "Policy archive",
            "description_html": link + note + _list_starts(home, name),
            "tables": tables,
        }
        for name, note in notes.items()
    }
    return {**about, "databases": databases}


def _describe_dense(home: str, database: str) -> str:
    """Return what a dense file says of itself, with the table that says more."""
    address = f"{home.removesuffix(PREFIX)}/{quote(database)}/{NOTICE}"
    return (
        f"<p>The texts of {escape(database)}.db are packed: here they are read, but not by every program. "
        f'<a href="{escape(address)}">What reads them</a></p>'
    )


def _list_starts(home: str, database: str) -> str:
    """Return links to the tables that people need, which stand last in the list, or far down."""
    base = f"{home.removesuffix(PREFIX)}/{quote(database)}"
    links = (f'<a href="{escape(f"{base}/{path}")}">{name}</a>' for name, path in _START.items())
    return f"<p>Tables to start with: {' · '.join(links)}</p>"


async def describe_to_new_datasette(datasette: Any, corpora: Mapping[str, bool], *, home: str) -> None:
    """Tell a Datasette of 1.0 the same: it asks no plugin, it keeps what it was told.

    What somebody configured for a table stays as it is.
    """
    described = describe_corpus(corpora, home=home)
    if not described["databases"]:
        return
    for key in ("title", "description_html"):
        await datasette.set_instance_metadata(key, described[key])
    config = datasette.config = datasette.config or {}
    for name, database in described["databases"].items():
        for key in ("title", "description_html"):
            await datasette.set_database_metadata(name, key, database[key])
        tables = config.setdefault("databases", {}).setdefault(name, {}).setdefault("tables", {})
        for table, told in database["tables"].items():
            if "description" in told:
                await datasette.set_resource_metadata(name, table, "description", told["description"])
            for column, what in told.get("columns", {}).items():
                await datasette.set_column_metadata(name, table, column, "description", what)
            options = {key: told[key] for key in ("hidden", "label_column", "facets") if key in told}
            tables[table] = {**options, **tables.get(table, {})}
        for query, parts in QUERIES.items():
            await datasette.add_query(
                name,
                query,
                parts["sql"],
                title=parts["title"],
                description=parts["description"],
                parameters=parts.get("params", ()),
            )


def _describe_table(name: str, described: dict[str, Any] | None) -> dict[str, Any]:
    table: dict[str, Any] = {**(described or {}), "hidden": name in _HIDDEN}
    if name in _LABELS:
        table["label_column"] = _LABELS[name]
    if name in _FACETS:
        table["facets"] = _FACETS[name]
    if name in _UNITS:
        table["units"] = _UNITS[name]
    return table


@cache
def _read_descriptions() -> dict[str, dict[str, Any]]:
    """Return `description` and `columns` of every table and view.

    data/schema.md is docs/schema.md: what people read and what Datasette shows have one home.
    """
    sections = re.split(r"^## ", _tables_part(), flags=re.MULTILINE)[1:]
    return dict(_parse_section(section) for section in sections)


def _tables_part() -> str:
    """Return what is said of the tables: the rows that commands print stand under a title of their own."""
    return (DATA / "schema.md").read_text("utf-8").partition("\n# ")[0]


def _parse_section(section: str) -> tuple[str, dict[str, Any]]:
    name, _, rest = section.partition("\n")
    about, _, table = rest.partition("\n| ")
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \|$", table, flags=re.MULTILINE)
    columns = {column: _plain(what) for column, what in rows}
    return name.strip(), {"description": _plain(about), "columns": columns}


def _plain(markdown: str) -> str:
    without_links = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", markdown)
    return " ".join(re.sub(r"[`*]", "", without_links).split())
