"""Open Terms Archive's collections, in: versions, snapshots, dataset zips, declarations.

A collection names services, not sites: its declarations say at which addresses a service's terms stand.
They are read first, and the addresses stay in the corpus as hints.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from policy_archive.crawler.core.errors import CdxError
from policy_archive.crawler.core.records import Kind, Origin
from policy_archive.crawler.core.timestamps import format_timestamp, parse_timestamp
from policy_archive.crawler.discovery.words import fold, match_name
from policy_archive.pipelines.exchange.git_history import FileChange, GitRepository
from policy_archive.pipelines.exchange.imported import (
    MOST_FILE_BYTES,
    ImportedAddress,
    ImportedPage,
    ImportedText,
    ImportOutcome,
    Item,
    Refusal,
    RefusedError,
    Stated,
    attempt,
    storable,
)
from policy_archive.pipelines.exchange.page_files import parse_loose_kind
from policy_archive.pipelines.exchange.princeton_leuven import check_instant, parse_stated_site

ATTRIBUTION = "Open Terms Archive contributors"
LICENCE = "ODbL-1.0 where the collection says no other"
_UPGRADE = re.compile(r"(?:Apply technical or declaration upgrade|Refilter)\b")
_TRAILER = re.compile(r"^X-([a-z-]+): (.+)$", re.MULTILINE)
_EARLY_SERVICE_FILE = re.compile(r"(?:^|/)[^/]+/[^/]+\.(?:md|html|pdf)$")
_GENERIC = frozenset(
    "policy policies of service services use and the conditions notice statement general".split()
)
_MONTHS = 12


@dataclass(frozen=True, kw_only=True)
class Declared:
    """Where one kind of terms of one service stood, newest address last."""

    site: str
    urls: tuple[tuple[str, str | None], ...]
    """(address, 14 digits until when it was that, or None)."""

    def url_at(self, timestamp: str) -> str:
        """Return the address that was declared at a time."""
        return next(
            (url for url, until in self.urls if until is None or timestamp <= until), self.urls[-1][0]
        )


Declarations = Mapping[tuple[str, str], Declared]
"""By service and kind of terms, as the collection names them."""


def describe_terms(terms: str) -> tuple[Kind, str]:
    """Return the kind and name of document that a kind of terms is.

    >>> describe_terms("Privacy Policy"), describe_terms("Developer Terms")
    ((<Kind.PRIVACY: 'privacy'>, ''), (<Kind.TERMS: 'terms'>, 'developer'))
    >>> describe_terms("Copyright Claims Policy"), describe_terms("Trackers Policy")
    ((<Kind.OTHER: 'other'>, 'copyright-claims'), (<Kind.COOKIES: 'cookies'>, ''))
    """
    matches = match_name(fold(terms))
    kind = parse_loose_kind(terms) or (matches[0].kind if matches else Kind.OTHER)
    words = re.findall(r"[^\W_]+", terms.lower())
    own = {word for phrase in kind.curators_words for word in phrase.split()}
    rest = [word for word in words if word not in _GENERIC and not any(one in word for one in own)]
    return kind, "-".join(rest)[:60]


def read_declarations(
    files: Iterable[tuple[str, bytes]],
) -> tuple[dict[tuple[str, str], Declared], list[Refusal]]:
    """Return what declarations (name of the file, content) say, and which of them say nothing.

    `Service.json` holds what is so now, `Service.history.json` what was so until when: these come first.
    """
    found: dict[tuple[str, str], list[tuple[str, str | None]]] = {}
    refusals: list[Refusal] = []
    for name, content in files:
        try:
            for service, terms, url, until in _parse_declaration(name, content):
                found.setdefault((service, terms), []).append((url, until))
        except RefusedError as refused:
            refusals.append(storable(Refusal(name=name, outcome=refused.outcome, reason=str(refused))))
    declared = {}
    for key, urls in found.items():
        try:
            site = parse_stated_site(urls[-1][0])
        except RefusedError as refused:
            name = f"{key[0]}: {key[1]}"
            refusals.append(storable(Refusal(name=name, outcome=refused.outcome, reason=str(refused))))
            continue
        declared[key] = Declared(site=site, urls=tuple(urls))
    return declared, refusals


def _parse_declaration(name: str, content: bytes) -> Iterator[tuple[str, str, str, str | None]]:
    try:
        parsed = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise RefusedError(ImportOutcome.UNREADABLE, f"no JSON: {error}"[:120]) from error
    if not isinstance(parsed, dict):
        raise RefusedError(ImportOutcome.UNKNOWN_FORMAT, "no declaration: no JSON object")
    history = name.endswith(".history.json")
    service = PurePosixPath(name).name.removesuffix(".json").removesuffix(".history")
    terms = parsed if history else parsed.get("terms", parsed.get("documents"))
    if not isinstance(terms, dict):
        raise RefusedError(ImportOutcome.UNKNOWN_FORMAT, 'no declaration: it has no "terms"')
    if not history and isinstance(parsed.get("name"), str):
        service = parsed["name"]
    for kind, entries in terms.items():
        for entry in entries if isinstance(entries, list) else [entries]:
            for url in _urls_of(entry):
                yield service, kind, url, _until(entry)


def _urls_of(entry: Any) -> list[str]:
    """Return the addresses of an entry; terms that stand on several pages combine theirs."""
    if not isinstance(entry, dict):
        return []
    parts = entry.get("combine")
    entries = [entry, *(parts if isinstance(parts, list) else [])]
    urls = [one.get("fetch") for one in entries if isinstance(one, dict)]
    return [url for url in urls if isinstance(url, str) and _is_web_address(url)]


def _is_web_address(url: str) -> bool:
    try:
        return urlsplit(url).scheme in ("http", "https")
    except ValueError:  # as of "http://[::1"
        return False


def _until(entry: Any) -> str | None:
    digits = re.sub("[^0-9]", "", str(entry.get("validUntil") or "")[:100])[:14]
    try:
        parse_timestamp(digits)
    except CdxError:
        return None
    return digits


def iter_addresses(declared: Declarations) -> Iterator[ImportedAddress]:
    """Yield the addresses that are declared."""
    for (service, terms), one in declared.items():
        kind, name = describe_terms(terms)
        for url, until in one.urls:
            evidence = f"{service}: {terms}"
            yield storable(
                ImportedAddress(site=one.site, kind=kind, name=name, url=url, until=until, evidence=evidence)
            )


def looks_like_collection(path: str) -> bool:
    """Return whether a path in a repository is one of `Service/Terms.md`, `.html` or `.pdf`."""
    return bool(_EARLY_SERVICE_FILE.search(path)) and path.count("/") == 1


def iter_versions(repository: GitRepository, declared: Declarations, stated: Stated) -> Iterator[Item]:
    """Yield the versions of a collection's git repository.

    An upgrade of its engine or of a declaration gives all texts after it a reader of their own: what
    differs across it was not changed by the site.
    """
    upgrades: Counter[str] = Counter()
    for change in repository.iter_changes():
        if not change.path.endswith(".md") or not looks_like_collection(change.path):
            continue
        if _UPGRADE.match(change.message):
            upgrades[change.path] += 1
        engine = _trailers(change.message).get("engine-version", "")
        reader = f"ota-engine/{engine}" if re.fullmatch(r"[\w.+-]{1,40}", engine) else "ota-engine"
        if upgrades[change.path]:
            reader += f" upgrade-{upgrades[change.path]}"
        yield attempt(change.path, _read_version, repository, change, declared, stated, reader)


def _read_version(
    repository: GitRepository, change: FileChange, declared: Declarations, stated: Stated, reader: str
) -> ImportedText:
    timestamp = _instant_of(change)
    place = _place(change.path, change.message, timestamp, declared, stated)
    content = repository.load(change.blob)
    return _text_of(content, place, timestamp, reader, _origin("ota-versions", change, stated))


def iter_snapshots(repository: GitRepository, declared: Declarations, stated: Stated) -> Iterator[Item]:
    """Yield the pages of a collection's git repository of snapshots."""
    for change in repository.iter_changes():
        if looks_like_collection(change.path) and not change.path.endswith(".md"):
            yield attempt(change.path, _read_snapshot, repository, change, declared, stated)


def _read_snapshot(
    repository: GitRepository, change: FileChange, declared: Declarations, stated: Stated
) -> ImportedPage:
    timestamp = _instant_of(change)
    place = _place(change.path, change.message, timestamp, declared, stated)
    return ImportedPage(
        site=place.site,
        kind=place.kind,
        name=place.name,
        url=place.url,
        timestamp=timestamp,
        body=repository.load(change.blob),
        content_type="application/pdf" if change.path.endswith(".pdf") else "text/html; charset=utf-8",
        origin=_origin("ota-snapshots", change, stated),
    )


def iter_dataset(
    archive: zipfile.ZipFile, *, name: str, digest: str, declared: Declarations, stated: Stated
) -> Iterator[Item]:
    """Yield the versions of a dataset zip, `Service/Terms/2021-05-03T12-30-20Z.md`.

    Some releases write the day before the month: one name that only reads so, and all are read so.
    """
    members = [info for info in archive.infolist() if re.search(r"[^/]+/[^/]+/[^/]+\.md$", info.filename)]
    day_first = any(int(parts[1]) > _MONTHS for info in members if (parts := _date_parts(info.filename)))
    for info in members:
        yield attempt(info.filename, _read_member, archive, info, day_first, name, digest, declared, stated)


def _date_parts(path: str) -> tuple[str, ...] | None:
    match = re.match(r"(\d{4})-?(\d\d)-?(\d\d)T?-?(\d\d)?[-:]?(\d\d)?[-:]?(\d\d)?", PurePosixPath(path).name)
    return tuple(part or "00" for part in match.groups()) if match else None


def _read_member(
    archive: zipfile.ZipFile,
    info: zipfile.ZipInfo,
    day_first: bool,
    name: str,
    digest: str,
    declared: Declarations,
    stated: Stated,
) -> ImportedText:
    parts = _date_parts(info.filename)
    if parts is None:
        raise RefusedError(ImportOutcome.NO_DATE, "its name is no date")
    year, one, two, *time = parts
    timestamp = check_instant("".join([year, *((two, one) if day_first else (one, two)), *time]))
    service, terms = PurePosixPath(info.filename).parts[-3:-1]
    place = _place(f"{service}/{terms}.md", "", timestamp, declared, stated)
    content = read_member(archive, info)
    origin = Origin(
        format="ota-dataset",
        name=f"{name}: {service}/{terms}/{PurePosixPath(info.filename).name}",
        digest=digest,
        licence=stated.licence or LICENCE,
        attribution=stated.attribution or ATTRIBUTION,
    )
    return _text_of(content, place, timestamp, "ota-engine dataset", origin)


def read_member(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, *, most_bytes: int = MOST_FILE_BYTES
) -> bytes:
    """Return a zip's member, whatever size it pretends to have; raises RefusedError."""
    try:
        with archive.open(info) as member:
            content = member.read(most_bytes + 1)
    except Exception as error:  # zipfile and what it unpacks with raise a dozen kinds for damaged members
        raise RefusedError(ImportOutcome.UNREADABLE, f"it does not unpack: {error}"[:200]) from error
    if len(content) > most_bytes:
        raise RefusedError(ImportOutcome.TOO_LARGE, f"more than {most_bytes:,} bytes")
    return content


@dataclass(frozen=True, kw_only=True)
class _Place:
    site: str
    kind: Kind
    name: str
    url: str


def _place(path: str, message: str, timestamp: str, declared: Declarations, stated: Stated) -> _Place:
    """Return whose document a file of a collection is; raises RefusedError when nothing says so."""
    service, _, file = path.rpartition("/")
    terms = file.rpartition(".")[0]
    kind, name = describe_terms(terms)
    told = _trailers(message).get("source-document-location")
    one = declared.get((service.rpartition("/")[2], terms))
    if told is not None and _is_web_address(told):
        return _Place(site=one.site if one else parse_stated_site(told), kind=kind, name=name, url=told)
    if one is None and stated.site is None:
        raise RefusedError(
            ImportOutcome.NO_SITE,
            f"no declaration says where the {terms} of {service[:60]!a} stands: import the collection's "
            "declarations too, or give --site",
        )
    if one is None:
        assert stated.site is not None
        return _Place(site=stated.site, kind=kind, name=name, url=f"https://{stated.site}/")
    return _Place(site=one.site, kind=kind, name=name, url=one.url_at(timestamp))


def _trailers(message: str) -> dict[str, str]:
    return {name: value.strip() for name, value in _TRAILER.findall(message)}


def _instant_of(change: FileChange) -> str:
    try:
        return format_timestamp(datetime.fromtimestamp(change.written_at, UTC))
    except (OverflowError, ValueError, OSError) as error:
        raise RefusedError(ImportOutcome.BAD_DATE, f"{change.written_at} is no instant") from error


def _origin(form: str, change: FileChange, stated: Stated) -> Origin:
    return Origin(
        format=form,
        name=change.path,
        digest=f"git:{change.commit}",
        licence=stated.licence or LICENCE,
        attribution=stated.attribution or ATTRIBUTION,
    )


def _text_of(content: bytes, place: _Place, timestamp: str, reader: str, origin: Origin) -> ImportedText:
    text = content.decode("utf-8", "replace")
    if not text.strip():
        raise RefusedError(ImportOutcome.EMPTY, "it holds no text")
    heading = re.search(r"^(?:#\s+(.+)|(\S.*)\n=+)$", text[:4000], re.MULTILINE)
    return ImportedText(
        site=place.site,
        kind=place.kind,
        name=place.name,
        url=place.url,
        timestamp=timestamp,
        title=(heading[1] or heading[2]).strip() if heading else "",
        text=text if text.endswith("\n") else f"{text}\n",
        extractor=reader,
        origin=origin,
        replacement_characters=text.count("\ufffd"),
    )
