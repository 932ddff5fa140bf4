"""Whatever comes from outside is read or refused: bytes, index answers, headers, WARC files, searches.

    python bench/fuzz.py --minutes 10
    python bench/fuzz.py --minutes 2 cdx replay     these alone

Hypothesis makes the inputs, in rounds, each with a seed of its own (--seed gives the first): pages of the
tests cut, doubled and spliced with what breaks parsers; index answers and headers in the forms that archives
write. Exit status 1 with the smallest input that was found, when anything but an outcome or a sentence comes.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import io
import json
import signal
import sys
import tempfile
import time
import types
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
sys.modules["tests"] = _ours = types.ModuleType("tests")  # installed packages are called so as well
_ours.__path__ = [str(ROOT / "tests")]

from hypothesis import HealthCheck, Phase, given, seed, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from policy_archive.archive_server.warc import WarcSource  # noqa: E402
from policy_archive.crawler.archive.cdx import parse_index_answer  # noqa: E402
from policy_archive.crawler.archive.middlewares import parse_wait  # noqa: E402
from policy_archive.crawler.archive.replay import (  # noqa: E402
    Answer,
    Question,
    classify_answer,
    is_archive_fault,
)
from policy_archive.crawler.core.errors import PolicyArchiveError, UsageError  # noqa: E402
from policy_archive.crawler.core.records import Document, Kind, Reading  # noqa: E402
from policy_archive.pipelines.reading.read import read_body  # noqa: E402
from policy_archive.pipelines.store.search_syntax import build_match  # noqa: E402
from policy_archive.pipelines.versions.change import compare_texts  # noqa: E402
from tests.support import attacks  # noqa: E402
from tests.support.synthetic import make_row  # noqa: E402

EXAMPLES = 300
"""Of one round."""
LONGEST_ROUND_SECONDS = 600
"""By the clock: a round that takes more hangs."""
_HOW = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate, Phase.shrink),
)

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


@given(bodies(), TYPES, URLS, DOCUMENTS)
def reading(body: bytes, content_type: str | None, url: str, document: Document) -> None:
    found = read_body(body, document=document, url=url, timestamp="20200101000000", content_type=content_type)
    assert isinstance(found, Reading)
    if found.extraction is not None:
        found.extraction.text.encode()  # no half characters: nobody could store them
        found.extraction.title.encode()


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
    )
)
def search(text: str) -> None:
    with contextlib.suppress(UsageError):
        build_match(text)


TARGETS: dict[str, Callable[[], None]] = {
    target.__name__: _HOW(target) for target in (reading, cdx, replay, warc, compare, search)
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGALRM, _hang)
    end = time.monotonic() + arguments.minutes * 60
    rounds: Counter[str] = Counter()
    while time.monotonic() < end:
        for name in arguments.targets or TARGETS:
            run_round(name, arguments.seed + rounds[name])
            rounds[name] += 1
    print(
        ", ".join(f"{name} {number * EXAMPLES:,} inputs" for name, number in rounds.items())
        + ": nothing found"
    )
    return 0


def run_round(name: str, number: int) -> None:
    """Run one round of a target; the input that breaks it is printed by Hypothesis, and raised."""
    signal.alarm(LONGEST_ROUND_SECONDS)
    seed(number)(TARGETS[name])()
    signal.alarm(0)


def _hang(number: int, frame: object) -> None:
    raise AssertionError(f"a round of {EXAMPLES} inputs did not end in {LONGEST_ROUND_SECONDS} s")


if __name__ == "__main__":
    sys.exit(main())
