"""The command documents."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from policy_archive.crawler.core.exit_statuses import ExitStatus
from policy_archive.crawler.core.timestamps import isoformat
from policy_archive.crawler.core.vocabularies import OwnerRelation
from policy_archive.pipelines.commands.options import db_option, row_options
from policy_archive.pipelines.commands.site_names import site_argument
from policy_archive.pipelines.outputs.rows import print_rows, say
from policy_archive.pipelines.outputs.table import print_table
from policy_archive.pipelines.store import queries
from policy_archive.pipelines.store.connection import open_reader

Row = dict[str, Any]


@click.command("documents")
@site_argument
@row_options
@db_option
def documents_command(site: str | None, row_format: str, database: Path) -> None:
    """The documents known of a site or of all: kind, years, figures, addresses, whose they are.

    \b
    Example:
      policy-archive documents tidelock.example --db demo.db
      policy-archive documents --csv --db demo.db
    """
    with closing(open_reader(database)) as connection:
        named = [queries.find_site(connection, site)] if site is not None else None
        sites = named or queries.list_site_names(connection)
        documents = [row for each in sites for row in queries.list_documents(connection, each)]
        why = f"no document of {len(sites)} sites is known." if len(sites) != 1 else ""
        why = why or queries.describe_missing(connection, sites[0], [])
    described = [_describe_document(row) for row in documents]
    if row_format == "table":
        print_table([line for row in described for line in _iter_document_lines(row, with_site=site is None)])
    else:
        print_rows(described, row_format)
    if not documents:
        say(why[0].upper() + why[1:])
        sys.exit(ExitStatus.FAILED)


def _describe_document(row: Row) -> Row:
    keys = (
        "site",
        "kind",
        "name",
        "captures",
        "incomplete",
        "versions",
        "passed_over",
        "doubted",
        "owner",
        "owner_name",
        "owner_reason",
        "confidence",
    )
    return {
        **{key: row[key] for key in keys},
        "main": row["name"] == "",
        "first_capture": row["first_capture"] and isoformat(row["first_capture"]),
        "last_capture": row["last_capture"] and isoformat(row["last_capture"]),
        "addresses": row["addresses"],
    }


def _iter_document_lines(row: Row, *, with_site: bool) -> Iterator[Row]:
    """Yield a line for each address of a document; what holds for all of them stands in the first."""
    years = [row[key][:4] for key in ("first_capture", "last_capture") if row[key]]
    owner = f"{row['owner'] or ''} {row['owner_name'] or ''}".strip()
    cells = {
        **({"Site": row["site"]} if with_site else {}),
        "Kind": row["kind"],
        "Name": row["name"] or "(main)",
        "Years": "-".join(dict.fromkeys(years)),
        "Captures": _with_remarks(row["captures"], {"incomplete": row["incomplete"]}),
        "Versions": _with_remarks(
            row["versions"], {"passed over": row["passed_over"], "in doubt": row["doubted"]}
        ),
        "Address": "",
        "Owner": owner or OwnerRelation.UNKNOWN.value,
        "Certainty": "given" if row["confidence"] is None else round(row["confidence"], 2),
        "Found": "",
    }
    addresses = [{"Address": each["url"], "Found": _found(each)} for each in row["addresses"]]
    yield cells | (addresses[0] if addresses else {})
    yield from (dict.fromkeys(cells, "") | address for address in addresses[1:])


def _with_remarks(number: int, remarks: Mapping[str, int]) -> int | str:
    said = ", ".join(f"{of_these} {remark}" for remark, of_these in remarks.items() if of_these)
    return f"{number} ({said})" if said else number


def _found(address: Row) -> str:
    return f"{address['source']}: {address['evidence']}" if address["evidence"] else str(address["source"])
