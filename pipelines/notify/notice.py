"""What one message says: a document's new versions, the sentence that changed, and where to read on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from policy_archive.crawler.core.errors import DamagedError
from policy_archive.crawler.core.plurals import plural
from policy_archive.crawler.core.records import Document, Kind
from policy_archive.crawler.core.steering import clean_text
from policy_archive.crawler.core.stored import content_id
from policy_archive.crawler.core.timestamps import now_iso
from policy_archive.crawler.core.urls import replay_prefix
from policy_archive.pipelines.exchange.corpus_format import describe_kind
from policy_archive.pipelines.outputs.addresses import PREFIX, Addresses
from policy_archive.pipelines.outputs.citation import find_page
from policy_archive.pipelines.outputs.history import describe_interval, describe_version
from policy_archive.pipelines.outputs.quotation import Quotation, cut_words, quote_change
from policy_archive.pipelines.store import queries
from policy_archive.pipelines.store.monitoring.outbox import Message, list_versions

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Link:
    """Where to read on."""

    name: str
    """What programs call it: diff, capture, capture_before, archive."""
    label: str
    url: str
    """Of http or https, printable ASCII without blanks."""


@dataclass(frozen=True, kw_only=True)
class Notice:
    """One message, before it is written in a format. Its texts are of others' making, one line each."""

    id: str
    event: str
    """new-version, or test."""
    versions: tuple[Row, ...]
    """Those that are told, oldest first, at least one: columns of `policy_versions` without texts."""
    before: Row | None
    """The version that the newest is compared with: the one before the first of them, or that one where it is
    the document's first; None: there is one version alone."""
    quotation: Quotation | None
    """What changed from `before` to the newest; None when there is nothing to quote."""
    links: tuple[Link, ...]

    @property
    def newest(self) -> Row:
        return self.versions[-1]

    @property
    def passed_over(self) -> int:
        """Return how many versions between the first and the newest are not told, by their class or size."""
        return int(self.newest["version"]) - int(self.versions[0]["version"]) + 1 - len(self.versions)

    @property
    def title(self) -> str:
        """Return whose policy it is, in a few words."""
        what = f"{self.newest['site']}: {describe_kind(self.newest['kind'], self.newest['name'])}"
        return _line(f"Test: {what}" if self.event == "test" else what, 150)

    @property
    def sentence(self) -> str:
        """Return what happened, in one sentence."""
        newest, first = self.newest, self.versions[0]
        what = f"The {describe_kind(newest['kind'], newest['name'])} of {newest['site']}"
        changes = len(self.versions) - (first["changed_after"] is None)
        began = f"was first captured on {first['first_captured'][:10]}"
        span = {"changed_after": first["changed_after"], "first_captured": newest["first_captured"]}
        if not changes:
            said = f"{began}, with {plural(newest['words'], 'word')}"
        elif first["changed_after"] is None:
            said = f"{began} and changed {_times(changes)} since, last {describe_interval(newest)}"
        elif changes > 1:
            said = f"changed {_times(changes)} {describe_interval(span)}"
        else:
            said = f"changed {describe_interval(newest)}: {_figures(newest)}"
        return _line(f"{what} {said}.", 500)

    @property
    def place(self) -> str:
        """Return where in the text it changed; '' when no heading says."""
        section = self.quotation.section if self.quotation else ""
        return f"In “{section}”:" if section else ""

    @property
    def version_lines(self) -> list[str]:
        """Return a line for each version when there are several, newest first."""
        if len(self.versions) == 1:
            return []
        return [
            _line(f"v{one['version']}, {describe_interval(one)}: {_figures(one)}", 200)
            for one in reversed(self.versions)
        ]

    @property
    def remarks(self) -> list[str]:
        """Return what the message leaves out, a sentence each."""
        said = [self.quotation.left_out] if self.quotation and self.quotation.left_out else []
        if self.passed_over:
            changes = plural(self.passed_over, "change")
            said.append(f"{changes} in between passed over: of the page, or too small.")
        return said

    def as_json(self) -> Row:
        """Return it for programs: the newest version's columns, and what goes beyond them.

        docs/schema.md tells the keys; data/alert.schema.json is the same for validators.
        """
        return {
            "event": self.event,
            "id": self.id,
            **_columns(self.newest),
            "gist": describe_version(self.newest),
            "text": self.sentence,
            "quote": asdict(self.quotation) if self.quotation else None,
            "links": {link.name: link.url for link in self.links},
            "versions": [_columns(one) | {"gist": describe_version(one)} for one in self.versions],
            "before": {name: self.before[name] for name in ("version", "timestamp", "text_sha256")}
            if self.before
            else None,
            "passed_over": self.passed_over,
        }


def _columns(version: Row) -> Row:
    return {name: value for name, value in version.items() if name not in ("document_id", "occurrence")}


def _line(text: str, most: int) -> str:
    """Return a text on one line, at the most so long: a gist may name a heading of any length."""
    return cut_words(" ".join(clean_text(text).split()), most)


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number:,} times"


def _figures(version: Row) -> str:
    gist = describe_version(version)
    if version["words_added"] is None:
        return gist or plural(version["words"], "word")
    return f"{gist} (+{version['words_added']:,} −{version['words_removed']:,} words)"


def build_notice(connection: sqlite3.Connection, message: Message, *, base_url: str | None) -> Notice | None:
    """Return what a message of the outbox says now; None when none of its versions is there any more.

    `base_url` is where the pages of `browse` or of a published copy are served; None: nowhere.
    """
    versions = list_versions(connection, message)
    if not versions:
        return None
    document = _document(versions[-1])
    number = versions[0]["version"] - 1 or (1 if len(versions) > 1 else 0)
    before, quotation = _read_before(connection, document, number, versions[-1]["version"])
    return Notice(
        id=message.id,
        event="new-version",
        versions=tuple(versions),
        before=before,
        quotation=quotation,
        links=tuple(_iter_links(document, versions, before, base_url)),
    )


def _read_before(
    connection: sqlite3.Connection, document: Document, number: int, newest: int
) -> tuple[Row | None, Quotation | None]:
    """Return the version that is told to have been before (0: none), and what changed since.

    Of a text that is damaged nothing is quoted, and the rest is told.
    """
    if not number:
        return None, None
    try:
        before, after = (queries.read_version(connection, document, one) for one in (number, newest))
    except DamagedError:
        return next(iter(queries.read_versions(connection, [(document.id, number)])), None), None
    return before, quote_change(before["text"], after["text"])


def _document(row: Row) -> Document:
    return Document(site=row["site"], kind=Kind(row["kind"]), name=row["name"])


def _iter_links(
    document: Document, versions: Sequence[Row], before: Row | None, base_url: str | None
) -> Iterator[Link]:
    newest = versions[-1]
    if base_url:
        yield Link(name="diff", label="What changed", url=build_page_link(base_url, document, newest, before))
    for name, label, row in (
        ("capture", "Captured page", newest),
        ("capture_before", "Page before", before),
    ):
        if row and (url := _web_address(find_page(row) or "")):
            yield Link(name=name, label=label, url=url)
    archive = newest["archive"]
    if archive and (url := _web_address(f"{replay_prefix(archive)}/*/{newest['url']}")):
        yield Link(name="archive", label="All captures", url=url)


def build_page_link(base_url: str, document: Document, newest: Row, before: Row | None) -> str:
    """Return the address of the page that shows what changed, or of the version that is the first.

    An address that ends like browse's own (`…/-/policies`) is asked for any two versions; another is a
    published copy, which has a page for each two neighbours.
    """
    base = base_url.rstrip("/")
    addresses = Addresses(base=base, static=not base.endswith(PREFIX))
    if before is None:
        return addresses.version(document, newest["timestamp"])
    if addresses.static and before["version"] != newest["version"] - 1:
        return addresses.site(document.site)
    return addresses.diff(document, before["timestamp"], document, newest["timestamp"])


def _web_address(url: str) -> str | None:
    """Return an address as every format can take it, None for what is none of the web."""
    escaped = quote(url, safe="%/:=&?~#+!$,;@*[]")
    try:
        parts = urlsplit(escaped)
    except ValueError:
        return None
    return escaped if parts.scheme in ("http", "https") and parts.netloc else None


def build_sample() -> Notice:
    """Return a message that says that it is a test: `notify test` sends it."""
    common = {
        "site": "example.com",
        "kind": "privacy",
        "name": "",
        "url": "https://example.com/privacy",
        "title": "Privacy Policy",
        "language": "en",
        "archive": "https://web.archive.org",
        "class": "substantive",
        "returns_to": None,
        "stated_updated": None,
        "stated_effective": None,
        "recorded_at": "2018-05-29T04:10:22Z",
        "last_captured": "2018-06-01T00:00:00Z",
    }
    old = "## Sharing\n\nWe do not share your data with anybody."
    new = "## Sharing\n\nWe share your data with partners, for advertising."
    capture = "https://web.archive.org/web/{}id_/https://example.com/privacy"
    before = common | {"version": 1, "timestamp": "20180412080000", "text_sha256": "0" * 64}
    newest = common | {
        "news_id": 0,
        "version": 2,
        "timestamp": "20180528191200",
        "first_captured": "2018-05-28T19:12:00Z",
        "changed_after": "2018-04-12T08:00:00Z",
        "words": 9,
        "words_added": 5,
        "words_removed": 6,
        "change": {
            "words_added": 5,
            "words_removed": 6,
            "share": 0.55,
            "only": [],
            "moved": 0,
            "sections_added": [],
            "sections_removed": [],
        },
        "text_sha256": "1" * 64,
        "replay_url": capture.format("20180528191200"),
    }
    before["replay_url"] = capture.format("20180412080000")
    return Notice(
        id=content_id("test", now_iso()),
        event="test",
        versions=(newest,),
        before=before,
        quotation=quote_change(old, new),
        links=tuple(_iter_links(_document(newest), [newest], before, None)),
    )
