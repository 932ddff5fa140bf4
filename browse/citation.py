"""How to cite a version: as text, BibTeX and CSL-JSON."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from policy_archive.crawler.core.timestamps import isoformat
from policy_archive.crawler.core.urls import page_uri_m
from policy_archive.pipelines.exchange.corpus_format import describe_kind
from policy_archive.pipelines.store.queries import Row


@dataclass(frozen=True, kw_only=True)
class Citation:
    """One version in the three forms that people paste."""

    text: str
    bibtex: str
    csl_json: str


@dataclass(frozen=True, kw_only=True)
class _Facts:
    key: str
    title: str
    what: str
    site: str
    date: str
    url: str
    note: str


def cite_version(version: Row, *, archived_digest: str) -> Citation:
    """Return the citation of a version.

    `archived_digest` is the index's digest of its first capture, `-` when it has none.
    """
    facts = _Facts(
        key=re.sub(r"[^a-z0-9]+", "-", f"{version['site']}-{version['kind']}-{version['timestamp'][:8]}"),
        title=_one_line(version["title"]) or describe_kind(version["kind"], version["name"]).capitalize(),
        what=describe_kind(version["kind"], version["name"]),
        site=version["site"],
        date=isoformat(version["timestamp"])[:10],
        url=_safe_address(page_uri_m(version["replay_url"] or version["url"])),
        note="; ".join(_notes(version, archived_digest)),
    )
    return Citation(text=_as_text(facts), bibtex=_as_bibtex(facts), csl_json=_as_csl(facts))


def _notes(version: Row, digest: str) -> list[str]:
    days = f"{version['first_captured'][:10]} to {version['last_captured'][:10]}"
    changed = version["changed_after"]
    return [
        f"version {version['version']}, captured with this text {days}",
        *([f"changed after {changed[:10]}"] if changed else []),
        *([f"archive digest sha1:{digest}"] if digest != "-" else []),
        f"text sha256:{version['text_sha256']}",
        f"extracted by {version['extractor']}",
    ]


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _safe_address(url: str) -> str:
    r"""Return an address that cannot close the \url{} that it stands in."""
    return re.sub(r"[\s{}\\]", lambda match: f"%{ord(match[0]):02X}", url)


def _as_text(facts: _Facts) -> str:
    return f"{facts.site}: “{facts.title}” ({facts.what}), archived {facts.date}, {facts.url} ({facts.note})."


def _as_bibtex(facts: _Facts) -> str:
    fields = {
        "author": f"{{{_tex(facts.site)}}}",
        "title": f"{{{_tex(facts.title)}}}",
        "howpublished": f"\\url{{{facts.url}}}",
        "year": facts.date[:4],
        "month": str(int(facts.date[5:7])),
        "day": str(int(facts.date[8:])),
        "note": _tex(facts.note),
    }
    body = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items())
    return f"@misc{{{facts.key},\n{body}\n}}\n"


_TEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}


def _tex(text: str) -> str:
    return re.sub(r"[#$%&_{}\\~^]", lambda match: _TEX.get(match[0], f"\\{match[0]}"), text)


def _as_csl(facts: _Facts) -> str:
    item = {
        "id": facts.key,
        "type": "webpage",
        "title": facts.title,
        "container-title": facts.site,
        "genre": facts.what,
        "author": [{"literal": facts.site}],
        "issued": {"date-parts": [[int(part) for part in facts.date.split("-")]]},
        "URL": facts.url,
        "archive": "Internet Archive Wayback Machine",
        "note": facts.note,
    }
    return json.dumps([item], ensure_ascii=False, indent=2) + "\n"
