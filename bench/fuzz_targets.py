"""What the fuzz job gives to whatever reads foreign bytes: a function a target, its inputs above it.

Each raises only when something other than an outcome or a sentence came of an input.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import io
import json
import shutil
import sqlite3
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from concurrent.futures import Future
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import click
from hypothesis import given
from hypothesis import strategies as st

from policy_archive.archive_server.warc import WarcSource
from policy_archive.archive_server.warc_files import unpack_warcs
from policy_archive.cli import policy_archive
from policy_archive.crawler.archive.cdx import parse_index_answer
from policy_archive.crawler.archive.middlewares import parse_wait
from policy_archive.crawler.archive.rate_gate import parse_retry_after
from policy_archive.crawler.archive.replay import (
    Answer,
    Question,
    classify_answer,
    is_archive_fault,
)
from policy_archive.crawler.core.errors import PolicyArchiveError, UsageError
from policy_archive.crawler.core.exit_statuses import ExitStatus
from policy_archive.crawler.core.records import Document, Kind, Reading
from policy_archive.crawler.crawl.site_lists import decode_list, iter_sites
from policy_archive.data import read_word_file
from policy_archive.pipelines.exchange.imported import ImportOutcome, Stated
from policy_archive.pipelines.exchange.intake import ImportReport, Intake
from policy_archive.pipelines.exchange.sources import Sources
from policy_archive.pipelines.exchange.web_archives import find_sites
from policy_archive.pipelines.extract.dates import find_stated_dates
from policy_archive.pipelines.reading.pool import ReadingPool
from policy_archive.pipelines.reading.read import read_body
from policy_archive.pipelines.store.connection import is_of_file
from policy_archive.pipelines.store.search import SearchFilters, search_versions
from policy_archive.pipelines.store.search_syntax import build_match
from policy_archive.pipelines.store.writer import Store
from policy_archive.pipelines.versions.change import compare_texts
from tests.support import attacks
from tests.support.synthetic import make_row, store_texts

ROOT = Path(__file__).resolve().parent.parent

PAGES = [path.read_bytes() for path in sorted((ROOT / "tests" / "pages").glob("*/input.*"))]
PDFS = [attacks.pdf_bomb(0), attacks.pdf_of_forms(3), attacks.pdf_in_a_circle(), attacks.pdf_of_arrays(50)]
BREAKERS = [
    b"<",
    b">",
    b"&#x0;",
    b"&#xffff;",
    b"&#x1b;",
    b"<!--",
    b"-->",
    b"<![CDATA[",
    b"]]>",
    b"<div<b",
    b"</p>",
    b"<table><tr><td>",
    b"<ul><li>",
    b"<svg>",
    b"<math>",
    b"<template>",
    b"<noscript>",
    b"<iframe srcdoc='<p>x'>",
    b"<base href='http://[::1'>",
    b"<meta charset=utf-16>",
    b"<meta charset=x>",
    b"\xff\xfe",
    b"\x00",
    b"\x1b[2J",
    "\u202e\u2066".encode(),
    "\ud800".encode("utf-8", "surrogatepass"),
    b"\xc3\x28",
    b"<a href='javascript:1'>",
    b"<a href='http://[x'>",
    b"<a href='//'>",
    b"[x](y",
    b"[[[[",
    b"2018-99-99",
    b"31. Februar 2018",
    "２０１８年１３月".encode(),
    b"Last updated: 99/99/9999",
    b"<p hidden>",
    b"<h7>",
    b"<x:y z:w=1>",
    b"<p " + b"a " * 50,
    b"<font>" * 300,
    b"<frameset><frame src=x>",
    b"<plaintext>",
    b"<xmp>",
    b"<textarea>",
    b"%PDF-1.4\n",
    b"%%EOF",
]


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """Return a page or PDF, cut and spliced; now and then bytes alone."""
    body = draw(st.sampled_from([*PAGES, *PDFS, b"<h1>Privacy policy</h1>" + attacks.POLICY.encode(), b""]))
    start, end = sorted(draw(st.tuples(*[st.integers(0, len(body))] * 2)))
    body = draw(st.sampled_from([body, body[:end], body[start:], body[:start] + body[end:]]))
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(body)))
        piece = draw(st.one_of(st.sampled_from(BREAKERS), st.binary(max_size=40)))
        body = body[:at] + piece * draw(st.sampled_from([1, 1, 1, 2, 50])) + body[at:]
    return draw(st.sampled_from([body, body, body, gzip.compress(body)]))


TYPES = st.one_of(
    st.none(),
    st.sampled_from(
        ["text/html", "text/plain", "application/pdf", "text/html; charset=utf-16", "x", "image/gif"]
    ),
    st.text(max_size=30),
)
URLS = st.one_of(
    st.sampled_from(["https://x.example/privacy", "http://[::1", "", "//x", "data:,x"]), st.text()
)
DOCUMENTS = st.sampled_from([Document(site="x.example", kind=kind) for kind in Kind])


_BROKEN_FORMS = 2.0
"""Seconds of CPU for a PDF: PDFium draws forms that draw each other for ever, and only a process stops it."""


@cache
def _pool() -> ReadingPool:
    return ReadingPool(1, timeout_seconds=_BROKEN_FORMS)


@given(bodies(), TYPES, URLS, DOCUMENTS)
def reading(body: bytes, content_type: str | None, url: str, document: Document) -> None:
    """A body is read or has an outcome: PDFs as in a crawl, pages in place, where what they raise is seen."""
    asked = {"document": document, "url": url, "timestamp": "20200101000000", "content_type": content_type}
    is_pdf = b"%PDF" in body or b"%PDF" in _unpacked(body)
    found = asyncio.run(_pool().read(body, **asked)) if is_pdf else read_body(body, **asked)  # type: ignore[arg-type]
    assert isinstance(found, Reading)
    if found.extraction is not None:
        found.extraction.text.encode()  # no half characters: nobody could store them
        found.extraction.title.encode()


def _unpacked(body: bytes) -> bytes:
    try:
        return gzip.decompress(body)
    except (OSError, EOFError, zlib.error):
        return b""


ODD_NUMBERS = st.sampled_from(["-1", "9" * 5000, "\u00b2", "1e9", "", "-", "0x10", "NaN"])
ODD_TIMES = st.sampled_from(
    ["20180127122821", "2018", "00000000000000", "99999999999999", "20180101000060", "2018\u0661"]
)
FIELDS = st.one_of(
    st.text(max_size=12), ODD_NUMBERS, ODD_TIMES, st.sampled_from(["example,x)/", "http://x.example/", "-"])
)
LINE = st.lists(FIELDS, min_size=0, max_size=9).map(" ".join)
ROW = st.tuples(
    st.just("example,x)/"),
    ODD_TIMES,
    st.one_of(st.just("http://x.example/"), st.text(max_size=20)),
    FIELDS,
    FIELDS,
    FIELDS,
    FIELDS,
)


INDEX = st.one_of(
    st.binary(max_size=300),
    st.lists(st.one_of(LINE, ROW.map(" ".join)), max_size=8)
    .map("\n".join)
    .map(lambda t: t.encode("utf-8", "replace")),
    st.lists(st.one_of(ROW.map(list), st.lists(FIELDS, max_size=9), st.none(), st.integers()), max_size=8)
    .map(json.dumps)
    .map(str.encode),
    st.recursive(
        st.one_of(st.none(), st.integers(), st.text(max_size=9)),
        lambda x: st.lists(x, max_size=3),
        max_leaves=9,
    )
    .map(json.dumps)
    .map(str.encode),
    st.lists(
        st.dictionaries(
            st.sampled_from(["urlkey", "timestamp", "url", "status", "digest", "length"]), FIELDS
        ),
        max_size=5,
    )
    .map(lambda rows: "\n".join(map(json.dumps, rows)))
    .map(str.encode),
    st.integers(1, 5000).map(lambda depth: b"[" * depth),
)


@given(st.sampled_from([200, 200, 200, 404, 429, 503]), INDEX)
def cdx(status: int, body: bytes) -> None:
    try:
        page = parse_index_answer(status, body, url="http://127.0.0.1/cdx")
    except PolicyArchiveError:
        return
    for row in page.rows:
        assert len(row.timestamp) == 14 and row.timestamp.isascii() and row.timestamp.isdigit()
        assert row.length is None or 0 <= row.length < 2**63
        "".join((row.urlkey, row.original, row.mimetype, row.digest)).encode()


NAMES = st.sampled_from(
    [
        "memento-datetime",
        "link",
        "location",
        "content-type",
        "content-encoding",
        "retry-after",
        "date",
        "x-archive-orig-content-length",
        "x-archive-orig-content-encoding",
        "x-archive-wayback-runtime-error",
    ]
)
VALUES = st.one_of(
    st.text(max_size=60),
    ODD_NUMBERS,
    st.sampled_from(
        [
            "Mon, 01 Jan 2018 00:00:00 GMT",
            "Fri, 31 Dec 9999 23:59:59 -0100",
            "Mon, 01 Jan 2018 00:00:00 +99999999",
            "Mon, 01 Jan 0000 00:00:00 GMT",
            "gzip, br",
            "deflate",
            "zstd",
            '<http://x.example/>; rel="original"',
            "/web/20180101000001id_/http://x.example/",
            "http://[::1",
            "//",
            "text/html",
            "90, 90",
            "1e9",
            "9999-99-99",
        ]
    ),
    st.lists(st.sampled_from(list('<>;,="/ relo19:')), max_size=60).map("".join),
)
PACKED = st.one_of(st.binary(max_size=300), st.binary(max_size=300).map(gzip.compress), bodies())
ROW_ASKED = make_row("20180101", original="http://x.example/", digest="-")


@given(st.integers(100, 599), st.dictionaries(NAMES, VALUES), PACKED, st.booleans())
def replay(status: int, headers: dict[str, str], body: bytes, cut_short: bool) -> None:
    url = "http://127.0.0.1/web/20180101000000id_/http://x.example/"
    answer = Answer(url=url, status=status, headers=headers, body=body, cut_short=cut_short)
    found = classify_answer(answer, Question(row=ROW_ASKED, archive_url="http://127.0.0.1"))
    assert found.outcome is not None or found.follow or found.body
    assert is_archive_fault(answer) in (True, False)
    wait = parse_wait(answer)
    assert wait is None or 0 < wait <= 86_400


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=80),
            st.sampled_from(
                [
                    b"WARC/1.0\r\n",
                    b"WARC-Type: response\r\n",
                    b"WARC-Type: revisit\r\n",
                    b"WARC-Target-URI: http://x.example/\r\n",
                    b"WARC-Date: 2018-01-01T00:00:00Z\r\n",
                    b"Content-Length: 40\r\n",
                    b"Content-Length: -1\r\n",
                    b"\r\n",
                    b"HTTP/1.1 200 OK\r\n",
                    b"Transfer-Encoding: chunked\r\n",
                    b"7fffffff\r\n",
                    b"5\r\nabcde\r\n",
                    b"0\r\n\r\n",
                ]
            ),
        ),
        max_size=14,
    ),
    st.booleans(),
)
def warc(parts: list[bytes], packed: bool) -> None:
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
        path = Path(folder) / "x.warc"
        path.write_bytes(gzip.compress(b"".join(parts)) if packed else b"".join(parts))
        source = WarcSource([path])
        try:
            rows = list(source.iter_rows())
        except UsageError:
            return
        for row in rows:
            with contextlib.suppress(PolicyArchiveError):
                source.load(row)


MARKDOWN = st.text(alphabet="ab1 \n[]()<>#*_/:.\"'-=`|年2018\u0301", max_size=200)


@given(MARKDOWN, MARKDOWN)
def compare(old: str, new: str) -> None:
    change = compare_texts(old, new)
    assert 0 <= change.share <= 1


@given(
    st.one_of(
        st.text(max_size=60),
        st.lists(
            st.sampled_from(["the", "AND", "OR", "NOT", "(", ")", '"', "NEAR(", ",5)", "*", "x*", '"a b"']),
            max_size=20,
        ).map(" ".join),
        st.text(min_size=400, max_size=100_000),
    )
)
def search(text: str) -> None:
    """A query is refused with a sentence, or the index takes it."""
    with contextlib.suppress(UsageError):
        search_versions(_store().connection, build_match(text), SearchFilters())


@cache
def _folder() -> Path:
    """Return where the targets write; `clean_up` removes it."""
    return Path(tempfile.mkdtemp(prefix="policy-archive-fuzz-"))


def clean_up() -> None:
    """Close and remove what the targets made; they make it anew when they are called again."""
    if _store.cache_info().currsize:
        _store().close()
    if _pool.cache_info().currsize:
        _pool().shutdown()
    if _folder.cache_info().currsize:
        shutil.rmtree(_folder(), ignore_errors=True)
    for made in (_store, _pool, _folder, _corpus_database, _corpus):
        made.cache_clear()


@cache
def _store() -> Store:
    store = Store.open(_folder() / "store.db")
    store.connection.execute("pragma synchronous = off")
    texts = [
        (f"20{year}0101000000", f"# Privacy\n\nThe data of {year}, a b: 個人情報.\n")
        for year in range(10, 14)
    ]
    store_texts(store, texts)
    return store


# Sources of imports

QUOTE = (
    "> *The following text is extracted and transformed from the x.example privacy policy that was "
    "archived on 2018-01-27. Please check the [original snapshot on the Wayback Machine](https://web.archive.org/web/"
    "20180127122821id_/https%3A//x.example/privacy) for the most accurate reproduction.*\n\n# Title\n\n"
    "We share.\n"
)
MATTER = st.lists(
    st.sampled_from(
        [
            "date: 2018-01-01",
            "date: 0001-01-01",
            "date: 9999-12-31T23:59:59-14:00",
            "updated: 2018-13-45",
            "url: https://x.example/p",
            "url: http://[::1",
            'author: "\\ud800\\0"',
            "license: [a, b]",
            "a: &a [*a]",
            "? [a, b]\n: c",
            "<<: [*a]",
            "b: !!binary x",
            "c: !!set {x}",
            "d: 0x" + "f" * 50,
            "e: 1:2:3",
            "- x",
            "f: !!timestamp 2001-01-01 25:61:61",
            "\t",
            ": :",
            "g: 'x",
            "%YAML 9.9",
            "---",
            "h: .inf",
            "i: ~",
            "date: 2001-12-14t21:59:43.10-99:99",
            "effective: 20180101",
            "published: ٢٠١٨-٠١-٠١",
        ]
    ),
    max_size=6,
).map(lambda lines: "---\n" + "\n".join(lines) + "\n---\n")
CORPUS_FILES = st.one_of(
    st.tuples(MATTER, st.text(max_size=80)).map(
        lambda parts: "".join(parts).encode("utf-8", "surrogatepass")
    ),
    st.tuples(st.integers(0, len(QUOTE)), st.integers(0, 30), st.binary(max_size=9)).map(
        lambda cut: QUOTE.encode()[: cut[0]] + cut[2] + QUOTE.encode()[cut[0] + cut[1] :]
    ),
    st.binary(max_size=300),
)
JSON = st.recursive(
    st.one_of(
        st.none(), st.integers(), st.floats(), st.text(max_size=9),
        st.sampled_from(["http://[::1", "https://x.example/p", "\ud800", "2018-01-01T00:00:00Z", "9" * 40]),
    ),
    lambda x: st.one_of(
        st.lists(x, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ["name", "terms", "documents", "fetch", "combine", "validUntil", "Privacy Policy", "\udc00"]
            ),
            x,
            max_size=5,
        ),
    ),
    max_leaves=12,
)  # fmt: skip
DECLARATIONS = st.one_of(JSON.map(json.dumps).map(str.encode), st.binary(max_size=60))


@st.composite
def mangled(draw: st.DrawFn, whole: bytes) -> bytes:
    """Return bytes of a container with some of them changed, cut out or put in."""
    body = bytearray(whole)
    for _ in range(draw(st.integers(1, 8))):
        at = draw(st.integers(0, max(0, len(body) - 1)))
        change = draw(st.sampled_from(["set", "set", "set", "cut", "put"]))
        if change == "set":
            body[at : at + 1] = draw(st.binary(min_size=1, max_size=4))
        elif change == "cut":
            del body[at : at + draw(st.integers(1, 200))]
        else:
            body[at:at] = draw(st.binary(max_size=20))
    return bytes(body)


@st.composite
def zips(draw: st.DrawFn) -> bytes:
    name = st.one_of(
        st.text(min_size=1, max_size=20),
        st.sampled_from(
            ["S/Privacy Policy/2021-05-03T12-30-20Z.md", "../../x/y/2021.md", "a/./b.md", "/a/b/99999999.md"]
        ),
    )
    content = io.BytesIO()
    with (
        contextlib.suppress(UnicodeEncodeError, IndexError),
        zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for member, text in draw(st.dictionaries(name, st.text(max_size=40), max_size=4)).items():
            archive.writestr(member, text.encode("utf-8", "surrogatepass"))
    return draw(st.one_of(st.just(content.getvalue()), mangled(content.getvalue())))


@cache
def _corpus_database() -> bytes:
    path = _folder() / "corpus.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "create table policy_texts (site_url text, policy_snapshot_url text, policy_text text)"
        )
        values = [
            ("x.example", f"https://web.archive.org/web/201801{day}000000/http://x.example/p", "We " * day)
            for day in range(10, 29)
        ]
        connection.executemany("insert into policy_texts values (?, ?, ?)", values)
        connection.commit()
    return path.read_bytes()


class _InPlace:
    """A pool that reads where it stands: the limits of a process are tested elsewhere."""

    processes = 1

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(function(*arguments))
        return future


def _import(path: Path) -> ImportReport:
    """Import a file; what is unforeseen is an outcome for users, and a finding here."""
    report = ImportReport()
    sources = Sources(paths=(path,), stated=Stated(site="x.example", kind=Kind.PRIVACY))
    try:
        for _ in Intake(_store(), _InPlace(), report).take(sources.iter_items()):  # type: ignore[arg-type]
            pass
    except UsageError:
        pass
    for fault in report.faults:
        assert not (fault.outcome is ImportOutcome.UNREADABLE and "Error: " in fault.reason), fault
        fault.name.encode()
    return report


def _written(name: str, content: bytes) -> Path:
    path = _folder() / name
    path.write_bytes(content)
    return path


@given(CORPUS_FILES)
def corpus(content: bytes) -> None:
    _import(_written("a.md", content))


@given(DECLARATIONS, st.booleans())
def declarations(content: bytes, history: bool) -> None:
    _import(_written("S.history.json" if history else "S.json", content))


@given(zips())
def dataset(content: bytes) -> None:
    _import(_written("a.zip", b"PK\3\4" + content[4:]))


@given(st.deferred(lambda: mangled(_corpus_database())))
def table(content: bytes) -> None:
    _import(_written("a.sqlite", b"SQLite format 3\0" + content[16:]))


@given(zips())
def wacz(content: bytes) -> None:
    """A WACZ file is read, or is one sentence; so are the WARC files in it."""
    with contextlib.suppress(UsageError), unpack_warcs([_written("a.wacz", content)]) as files:
        source = WarcSource([file.path for file in files], forgiving=True)
        with contextlib.redirect_stderr(io.StringIO()):
            find_sites(list(source.iter_rows()))


# The corpus itself, damaged or made by somebody else


@cache
def _corpus() -> bytes:
    path = _folder() / "whole.db"
    with Store.open(path) as store:
        store_texts(
            store,
            [(f"201{year}0101000000", f"# Privacy\n\nWe keep data of {year}.\n" * 20) for year in range(9)],
        )
    return path.read_bytes()


COMMANDS = (
    ("history", "example.com"), ("status",), ("documents",), ("show", "example.com"), ("search", "data"),
    ("sites",), ("changes",), ("cite", "example.com"), ("at", "2015"), ("verify",),
)  # fmt: skip


@given(st.deferred(lambda: mangled(_corpus())), st.sampled_from(COMMANDS))
def damaged(content: bytes, words: tuple[str, ...]) -> None:
    """A reading command of a damaged database prints, or ends in a sentence."""
    for left in _folder().glob("damaged.db*"):
        left.unlink()
    _run(*words, "--db", str(_written("damaged.db", content)))


ARGUMENT = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        [
            "x.example",
            "http://[::1",
            "\x1b]0;x\x07",
            "2018-99-99",
            "9" * 5000,
            "-1",
            "\ud800",
            "@",
            "a" * 100_000,
        ]
    ),
)


@given(
    st.sampled_from(["history", "at", "cite", "show", "sites", "search", "documents", "diff"]),
    st.lists(ARGUMENT, max_size=3),
)
def arguments(verb: str, words: list[str]) -> None:
    """Whatever is typed is an answer or a sentence."""
    _run(verb, "--db", str(_folder() / "store.db"), "--", *words)


def _run(*words: str) -> None:
    _store()
    quiet = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="strict")
    with contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet):
        try:
            policy_archive.main(list(words), standalone_mode=False)
        except (PolicyArchiveError, click.ClickException, click.Abort, OSError):
            return
        except SystemExit as ended:
            assert ended.code in set(ExitStatus), ended.code
        except sqlite3.DatabaseError as error:
            if not is_of_file(error):
                raise


# Small things

WAITS = st.one_of(
    st.text(max_size=30),
    st.lists(
        st.sampled_from(
            [
                "90",
                ".",
                "+",
                "-",
                "e",
                ",",
                " ",
                "s",
                "Mon, 01 Jan 2018 00:00:00 GMT",
                "9" * 400,
                "\u0669",
                "T",
                ":",
                "Z",
                "2018-01-01",
                "nan",
                "inf",
                "0x",
            ]
        ),
        max_size=7,
    ).map("".join),
)


@given(WAITS, st.one_of(st.none(), WAITS))
def wait(text: str, now: str | None) -> None:
    found = parse_retry_after(text, now)
    assert found is None or 0 < found <= 86_400


WORD_FILES = st.one_of(
    st.binary(max_size=60),
    st.lists(
        st.sampled_from(
            [
                "[a]",
                "b = ['x', 'y']",
                "c = '",
                "d = [[1]]",
                "e = 1",
                "\ud800",
                "# x",
                "[a.b]",
                "f = {g = ['h']}",
                "\0",
            ]
        ),
        max_size=8,
    )
    .map("\n".join)
    .map(lambda text: text.encode("utf-8", "surrogatepass")),
)


@given(WORD_FILES)
def words(content: bytes) -> None:
    """A file of words is read, or is no TOML; nothing else."""
    with contextlib.suppress(ValueError, PolicyArchiveError):
        read_word_file(_written("words.toml", content))


SITE_LINES = st.one_of(
    st.binary(max_size=200),
    st.lists(
        st.sampled_from(
            [
                "x.example",
                "rank,domain",
                "1;http://[::1;x",
                "sep=,",
                '"',
                "\t",
                "https://web.archive.org/web/2018/http://x.example/",
                "١",
                "xn--",
                "a" * 300,
                "#",
                "|x|",
                "\x85",
                "\0",
            ]
        ),
        max_size=9,
    )
    .map("\n".join)
    .map(str.encode),
)


@given(SITE_LINES)
def sites(content: bytes) -> None:
    with contextlib.suppress(UsageError):
        list(iter_sites(decode_list(io.BytesIO(content))))


DATED = st.lists(
    st.sampled_from(
        [
            "Last updated",
            "Effective",
            ":",
            " ",
            "1 January 2018",
            "05/2018",
            "2018年1月1日",
            "令和元年",
            "99/99/9999",
            "\n",
            "the Act",
            ",",
            "January",
            "٢٠١٨",
            "31 February 2018",
            "\u200f",
            "Stand: ",
            "0000",
        ]
    ),
    max_size=30,
).map("".join)


@given(DATED, st.sampled_from(["en", "de", "ja", "ar", None]))
def dates(text: str, language: str | None) -> None:
    for found in find_stated_dates(text, language=language, captured_on=date(2018, 1, 1)):
        assert found.as_written


TARGETS: dict[str, Callable[[], None]] = {
    target.__name__: target
    for target in (
        reading, cdx, replay, warc, compare, search, corpus, declarations, dataset, table, wacz, damaged,
        arguments, wait, words, sites, dates,
    )
}  # fmt: skip
