"""How to cite a version: as text, BibTeX and CSL-JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version as package_version
from typing import Any

from crawler.timestamps import parse_timestamp

_KIND_NAMES = {
    "privacy": "Privacy policy",
    "terms": "Terms of service",
    "cookies": "Cookie policy",
    "other": "Policy",
}


@dataclass(frozen=True, kw_only=True)
class Citation:
    """One version in the three forms that people paste."""

    text: str
    bibtex: str
    csl_json: str


def cite_version(row: Mapping[str, Any], *, archived_digest: str | None) -> Citation:
    """Return the citation of one row of `policy_versions`.

    `archived_digest` is the archive's digest of the capture, None when it has none.
    """
    facts = _collect_facts(row, archived_digest)
    return Citation(text=_as_text(facts), bibtex=_as_bibtex(facts), csl_json=_as_csl(facts))


def _collect_facts(row: Mapping[str, Any], digest: str | None) -> dict[str, str]:
    captured = parse_timestamp(row["timestamp"])
    note = [f"in force between {_day(row['first_captured'])} and {_day(row['last_captured'])} at least"]
    if row["changed_after"]:
        note.append(f"changed after {_day(row['changed_after'])}")
    if digest:
        note.append(f"archive digest sha1:{digest}")
    note.append(f"text sha256:{row['text_sha256']}")
    note.append(f"extracted with policy-archive {package_version('policy-archive')}")
    return {
        "key": re.sub(r"[^a-z0-9]+", "-", f"{row['site']}-{row['kind']}-{row['timestamp'][:8]}"),
        "title": row["title"] or _KIND_NAMES[row["kind"]],
        "what": _KIND_NAMES[row["kind"]],
        "site": row["site"],
        "date": captured.date().isoformat(),
        "url": row["replay_url"] or row["url"],
        "note": "; ".join(note),
    }


def _day(instant: str) -> str:
    return instant[:10]


def _as_text(facts: Mapping[str, str]) -> str:
    return (
        f"{facts['site']}: “{facts['title']}” ({facts['what'].lower()}), "
        f"archived {facts['date']}, {facts['url']} ({facts['note']})."
    )


def _as_bibtex(facts: Mapping[str, str]) -> str:
    fields = {
        "author": f"{{{_tex(facts['site'])}}}",
        "title": _tex(facts["title"]),
        "howpublished": f"\\url{{{facts['url']}}}",
        "year": facts["date"][:4],
        "month": facts["date"][5:7],
        "day": facts["date"][8:],
        "note": _tex(facts["note"]),
    }
    body = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items())
    return f"@misc{{{facts['key']},\n{body}\n}}\n"


def _tex(text: str) -> str:
    return re.sub(r"([#$%&_{}])", r"\\\1", text.replace("\\", "")).replace("~", "\\~{}").replace("^", "\\^{}")


def _as_csl(facts: Mapping[str, str]) -> str:
    item = {
        "id": facts["key"],
        "type": "webpage",
        "title": facts["title"],
        "container-title": facts["site"],
        "author": [{"literal": facts["site"]}],
        "issued": {"date-parts": [[int(part) for part in facts["date"].split("-")]]},
        "URL": facts["url"],
        "archive": "Internet Archive Wayback Machine",
        "note": facts["note"],
    }
    return json.dumps([item], ensure_ascii=False, indent=2) + "\n"
