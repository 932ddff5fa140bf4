"""What a data set says of itself to people and to repositories.

README, licence, CITATION.cff 1.2.0, .zenodo.json, Data Package v2 (datapackage.org), RO-Crate 1.1.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version as installed_version
from typing import Any

from policy_archive.pipelines.exchange.export.tables import TABLES, Column
from policy_archive.pipelines.store.selection import Row

SUMS = "SHA256SUMS"
_SPDX = re.compile(r"[A-Za-z0-9.+-]{2,60}")
_NOTICE = (
    "The texts of the policies belong to those who wrote them; no claim is made about them, and no licence "
    "for them is given here."
)


@dataclass(frozen=True, kw_only=True)
class Release:
    """What its maker says of a data set."""

    title: str = "Privacy policies and terms through time"
    authors: tuple[str, ...] = ()
    licence: str = ""
    """Of what was compiled (SPDX identifier), not of the texts."""
    version: str = ""
    """Empty: the day of the newest capture."""


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What README and metadata say of the data."""

    tables: dict[str, int]
    versions: Counter[int]
    """That begin in a year."""
    observed: Counter[int]
    """Documents with a capture in a year."""
    kinds: Counter[str]
    languages: Counter[str]
    last_capture: str
    """ISO day; empty without any."""


def write_json(value: object) -> str:
    """Return JSON as files of metadata have it."""
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def _authors(release: Release) -> tuple[str, ...]:
    return release.authors or ("The makers of this data set",)


def _version(release: Release, day: str) -> str:
    return release.version or day


_README = """---
pretty_name: {name}
language: {languages}
license: {licence}
configs:
{configs}
---

# {title}

{summary}. Version {version}, made by {program}: each text has
the interval in which it is known to have been in force, and names the capture, or the
imported file, that it comes from (`archive`, `origin`).

| table | rows | what |
|---|---|---|
{tables}

Each comes as Parquet and as gzipped CSV (UTF-8, cells as they are). data-dictionary.md describes every
column, datapackage.json says it to programs; `sha256sum -c {sums}` checks the files.

## Coverage

| year | documents with a capture | versions that begin |
|---|---|---|
{coverage}

A year without a capture of a document says nothing about its text. Kinds: {kinds}.
Languages: {counted_languages}.

## How it was made

A change lies between `changed_after` and `first_captured`, no finer: nobody looked in between. Versions
whose `class` is page, variant, extractor, unknown or layout are no change of the policy's own. `verified`
says whether the body that a text was read from is the archived one, byte for byte.

## Licence

See LICENSE-DATA. {notice}
"""
"""Its head is what Hugging Face reads of a data set."""


def write_readme(release: Release, counts: Counts, day: str) -> str:
    """Return README.md: what there is, how much, of which years."""
    years = range(min(counts.observed, default=0), max(counts.observed, default=-1) + 1)
    configs = []
    for name in TABLES:
        configs += [f"- config_name: {name}", f"  data_files: {name}.parquet"]
        configs += ["  default: true"] if name == "versions" else []
    tables = [f"| `{name}` | {counts.tables[name]:,} | {table.what} |" for name, table in TABLES.items()]
    coverage = [f"| {year} | {counts.observed[year]:,} | {counts.versions[year]:,} |" for year in years]
    return _README.format(
        name=json.dumps(release.title, ensure_ascii=False),
        languages=json.dumps(sorted(language for language in counts.languages if len(language) == 2)),
        licence=release.licence.lower() if _SPDX.fullmatch(release.licence) else "other",
        configs="\n".join(configs),
        title=" ".join(release.title.split()),
        summary=_summary(counts),
        version=_version(release, day),
        program=f"policy-archive {installed_version('policy-archive')}",
        tables="\n".join(tables),
        sums=SUMS,
        coverage="\n".join(coverage),
        kinds=_list(counts.kinds),
        counted_languages=_list(counts.languages),
        notice=_NOTICE,
    )


def _summary(counts: Counts) -> str:
    return (
        f"{counts.tables['versions']:,} versions of {counts.tables['documents']:,} policies; "
        f"{counts.tables['sites']:,} sites were asked for"
    )


def _list(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.most_common()) or "none"


def write_licence(release: Release, origins: Iterable[Row]) -> str:
    """Return LICENSE-DATA, with what the sources of imports ask for."""
    own = release.licence or "not stated: ask those who made this data set"
    lines = [f"What was compiled here (tables, intervals, classes): {own}", "", _NOTICE, ""]
    if origins:
        lines.append("Imported from:")
        said = sorted({(row["format"], row["attribution"], row["licence"]) for row in origins})
        lines += [
            f"- {form}: {attribution or 'no attribution asked for'}; licence: {licence or 'not stated'}"
            for form, attribution, licence in said
        ]
        lines.append("")
    return "\n".join(lines)


def write_citation(release: Release, day: str) -> str:
    """Return CITATION.cff; JSON strings are YAML strings."""
    lines = [
        "cff-version: 1.2.0",
        "message: If you use this data set, please cite it as below.",
        "type: dataset",
        f"title: {json.dumps(release.title, ensure_ascii=False)}",
        f"version: {json.dumps(_version(release, day))}",
        f"date-released: {day}",
        "authors:",
        *(f"  - name: {json.dumps(author, ensure_ascii=False)}" for author in _authors(release)),
        "keywords:",
        *(f"  - {json.dumps(word)}" for word in _KEYWORDS),
    ]
    if _SPDX.fullmatch(release.licence):
        lines.append(f"license: {release.licence}")
    return "\n".join(lines) + "\n"


_KEYWORDS = ("privacy policies", "terms of service", "web archive", "longitudinal data")


def describe_to_zenodo(release: Release, counts: Counts) -> dict[str, Any]:
    """Return .zenodo.json."""
    found: dict[str, Any] = {
        "title": release.title,
        "upload_type": "dataset",
        "description": f"{_summary(counts)}, from captures of web archives.",
        "creators": [{"name": author} for author in _authors(release)],
        "keywords": list(_KEYWORDS),
        "access_right": "open",
    }
    if _SPDX.fullmatch(release.licence):
        found["license"] = release.licence.lower()
    return found


def describe_package(
    release: Release, day: str, described: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Return datapackage.json: the CSV tables, for its readers know no Parquet without more packages."""
    resources = [
        {
            "$schema": "https://datapackage.org/profiles/2.0/dataresource.json",
            "name": name,
            "path": f"{name}.csv.gz",
            "description": table.what,
            "type": "table",
            "format": "csv",
            "mediatype": "text/csv",
            "encoding": "utf-8",
            "compression": "gz",
            **described[f"{name}.csv.gz"],
            "schema": {
                "$schema": "https://datapackage.org/profiles/2.0/tableschema.json",
                "fields": [_field(column) for column in table.columns],
                "primaryKey": list(table.key),
                "missingValues": [""],
            },
        }
        for name, table in TABLES.items()
    ]
    licences = [{"name": release.licence}] if _SPDX.fullmatch(release.licence) else []
    return {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": "policies",
        "title": release.title,
        "version": _version(release, day),
        "created": f"{day}T00:00:00Z",
        "keywords": list(_KEYWORDS),
        "contributors": [{"title": author, "roles": ["creator"]} for author in _authors(release)],
        **({"licenses": licences} if licences else {}),
        "resources": resources,
    }


def _field(column: Column) -> dict[str, Any]:
    return {"name": column.name, "type": column.type, "description": column.what}


def describe_crate(release: Release, day: str, files: Iterable[str]) -> dict[str, Any]:
    """Return ro-crate-metadata.json."""
    authors = _authors(release)
    parts = sorted(files)
    licence = [{"@id": "LICENSE-DATA"}]
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": release.title,
        "description": "Versions of privacy policies and terms, from captures of web archives.",
        "datePublished": day,
        "version": _version(release, day),
        "keywords": ", ".join(_KEYWORDS),
        "license": licence[0],
        "author": [{"@id": f"#author-{number}"} for number in range(len(authors))],
        "hasPart": [{"@id": name} for name in parts],
    }
    people = [
        {"@id": f"#author-{number}", "@type": "Person", "name": author}
        for number, author in enumerate(authors)
    ]
    head = {
        "@id": "ro-crate-metadata.json",
        "@type": "CreativeWork",
        "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
        "about": {"@id": "./"},
    }
    entries = [{"@id": name, "@type": "File", "name": name} for name in parts]
    return {"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": [head, root, *people, *entries]}
