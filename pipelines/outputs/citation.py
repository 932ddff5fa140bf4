"""How to cite a version, or a change, as text, BibTeX, CSL-JSON and RIS.

By the capture, never by a number: numbers move when an older version is found. The archive named is the one
that was asked, and the address the one where people see the page, not its bare bytes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from policy_archive.crawler.core.timestamps import isoformat
from policy_archive.crawler.core.urls import build_uri_m, describe_archive, page_uri_m
from policy_archive.pipelines.exchange.corpus_format import describe_kind
from policy_archive.pipelines.store.queries import Row


@dataclass(frozen=True, kw_only=True)
class Citation:
    """A version or a change in the forms that people paste."""

    id: str
    """Names the capture for good: site, kind, its 14 digits."""
    text: str
    bibtex: str
    csl_json: str
    """An array of one item."""
    ris: str
    url: str
    """Where people see the capture."""
    archive: str
    """What the archive is called that holds it."""


@dataclass(frozen=True, kw_only=True)
class _Facts:
    key: str
    title: str
    what: str
    site: str
    date: str
    url: str
    archive: str
    notes: tuple[str, ...]

    @property
    def note(self) -> str:
        return "; ".join(self.notes)


def cite_version(version: Row, *, archived_digest: str) -> Citation:
    """Return the citation of a version, a row of `policy_versions`.

    `archived_digest` is the index's digest of its first capture, `-` when it has none.
    """
    return _cite(_gather(version, notes=_notes(version, archived_digest)))


def cite_change(old: Row, new: Row, *, old_digest: str, new_digest: str, gist: str) -> Citation:
    """Return the citation of the change from one version to the next, by the captures on both sides.

    `gist` says what changed, in a few words.
    """
    after, by = new["changed_after"][:10], new["first_captured"][:10]
    when = f"on {by}" if after == by else f"between {after} and {by}"
    facts = _gather(
        new,
        what=f"change of the {describe_kind(new['kind'], new['name'])}",
        notes=[
            f"changed {when}: +{new['words_added']} -{new['words_removed']} words, {gist}",
            f"before: {_describe_side(old, old_digest)}",
            f"after: {_describe_side(new, new_digest)}",
            f"extracted by {new['extractor']}",
        ],
    )
    return _cite(facts)


def _describe_side(version: Row, digest: str) -> str:
    proof = [_digest_note(digest)] if digest != "-" else []
    return ", ".join(
        [_safe_address(find_page(version) or version["url"]), *proof, f"text sha256:{version['text_sha256']}"]
    )


def _gather(version: Row, *, notes: list[str], what: str | None = None) -> _Facts:
    kind = describe_kind(version["kind"], version["name"])
    name = "-".join([version["site"], version["kind"], *([version["name"]] if version["name"] else [])])
    return _Facts(
        key=re.sub(r"[^a-z0-9]+", "-", f"{name}-{version['timestamp']}".lower()),
        title=_one_line(version["title"]) or kind.capitalize(),
        what=what or kind,
        site=version["site"],
        date=isoformat(version["timestamp"])[:10],
        url=_safe_address(find_page(version) or version["url"]),
        archive=_name_holder(version),
        notes=tuple(notes),
    )


def _name_holder(version: Row) -> str:
    """Return what holds the capture: the archive that was asked, or the file that it was imported from."""
    archive = version["archive"]
    if archive is None and version["origin"]:
        return f"file {_one_line(version['origin'])}"
    return describe_archive(archive)


def find_page(version: Row) -> str | None:
    """Return where people see a version's first capture, in the archive that was asked; None where none is
    known to hold it. `version` has `archive`, `timestamp`, `url` and `replay_url` of `policy_versions`.

    That capture itself need not have been fetched: of equal bytes one is, and `replay_url` may be that one's,
    in another archive.
    """
    archive = version["archive"]
    if archive is not None:
        return page_uri_m(build_uri_m(archive, version["timestamp"], version["url"]))
    return page_uri_m(version["replay_url"]) if version["replay_url"] else None


def _notes(version: Row, digest: str) -> list[str]:
    days = f"{version['first_captured'][:10]} to {version['last_captured'][:10]}"
    changed = version["changed_after"]
    return [
        f"captured with this text {days}",
        *([f"changed after {changed[:10]}"] if changed else []),
        *([f"archive digest {_digest_note(digest)}"] if digest != "-" else []),
        f"text sha256:{version['text_sha256']}",
        f"extracted by {version['extractor']}",
    ]


def _digest_note(digest: str) -> str:
    return f"sha1:{digest}"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _safe_address(url: str) -> str:
    r"""Return an address that cannot close the \url{} that it stands in."""
    return re.sub(r"[\s{}\\]", lambda match: f"%{ord(match[0]):02X}", url)


def _cite(facts: _Facts) -> Citation:
    return Citation(
        id=facts.key,
        text=_as_text(facts),
        bibtex=_as_bibtex(facts),
        csl_json=_as_csl(facts),
        ris=_as_ris(facts),
        url=facts.url,
        archive=facts.archive,
    )


def _as_text(facts: _Facts) -> str:
    return (
        f"{facts.site}: “{facts.title}” ({facts.what}), archived {facts.date}, {facts.archive}, "
        f"{facts.url} ({facts.note})."
    )


def _as_bibtex(facts: _Facts) -> str:
    fields = {
        "author": f"{{{_tex(facts.site)}}}",
        "title": f"{{{_tex(facts.title)}}}",
        "howpublished": f"\\url{{{facts.url}}}",
        "year": facts.date[:4],
        "month": str(int(facts.date[5:7])),
        "day": str(int(facts.date[8:])),
        "note": _tex(f"{facts.what}, {facts.archive}; {facts.note}"),
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
        "archive": facts.archive,
        "note": facts.note,
    }
    return json.dumps([item], ensure_ascii=False, indent=2) + "\n"


def _as_ris(facts: _Facts) -> str:
    fields: list[tuple[str, str]] = [
        ("TY", "ELEC"),
        ("ID", facts.key),
        ("AU", facts.site),
        ("TI", facts.title),
        ("T2", facts.site),
        ("M3", facts.what),
        ("PY", facts.date[:4]),
        ("DA", facts.date.replace("-", "/")),
        ("UR", facts.url),
        ("DB", facts.archive),
        *(("N1", note) for note in facts.notes),
        ("ER", ""),
    ]
    # the format's lines end as Windows' do
    return "".join(f"{tag}  - {_one_line(value)}\r\n" for tag, value in fields)


FORMS: Mapping[str, str] = {"text": "text", "bibtex": "bibtex", "csl-json": "csl_json", "ris": "ris"}
"""Names of the forms, and the fields of Citation that hold them."""
