"""The attacks as they stand in the list, full size; the suite has them small (docs/reliability.md).

    python bench/attacks.py             all of them, one after the other, each in a process of its own
    python bench/attacks.py pdf link    those whose names begin so

Printed for each: what came of it, CPU seconds and peak memory of its processes together and singly. None may
take more than its limit: exit status 1 then.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
import types
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
sys.modules["tests"] = _ours = types.ModuleType("tests")  # installed packages are called so as well
_ours.__path__ = [str(ROOT / "tests")]

import httpx  # noqa: E402

from policy_archive.archive_server import faults  # noqa: E402
from policy_archive.archive_server.server import ArchiveServer  # noqa: E402
from policy_archive.crawler.archive.cdx import MOST_ROWS  # noqa: E402
from policy_archive.crawler.archive.content_coding import CodingError, unwrap_body  # noqa: E402
from policy_archive.crawler.archive.replay import Answer, Question, classify_answer  # noqa: E402
from policy_archive.crawler.core.errors import PolicyArchiveError  # noqa: E402
from policy_archive.crawler.core.records import Document, Kind  # noqa: E402
from policy_archive.crawler.core.vocabularies import RunStatus  # noqa: E402
from policy_archive.pipelines.reading.pool import ReadingPool  # noqa: E402
from policy_archive.pipelines.store.connection import open_reader  # noqa: E402
from policy_archive.pipelines.store.search import SearchFilters, search_versions  # noqa: E402
from policy_archive.pipelines.store.search_syntax import build_match  # noqa: E402
from policy_archive.pipelines.store.writer import Store  # noqa: E402
from policy_archive.pipelines.versions.change import compare_texts  # noqa: E402
from tests.support import attacks  # noqa: E402
from tests.support.generated import GeneratedSource, crawl, generate, read  # noqa: E402
from tests.support.synthetic import make_row, store_texts  # noqa: E402

ROWS_VARIABLE = "ATTACK_INDEX_ROWS"
"""From the process that measures to the one that is measured."""
COMMON = "the of and to a in is it you that he was for on are as"


@dataclass(frozen=True, kw_only=True)
class Attack:
    """One attack: what it is, what it may cost, and the function that makes it and says what came of it."""

    what: str
    cpu_seconds: float
    megabytes: int
    """Of its largest process."""
    run: Callable[[Path], str]


def unwrap(folder: Path) -> str:
    body = gzip.compress(b"") * 1_000_000
    try:
        unwrap_body(body, ["gzip"])
    except CodingError as error:
        return f"{error.outcome}: {error}"
    return "unwrapped"


def compare(old: str, new: str) -> Callable[[Path], str]:
    def run(folder: Path) -> str:
        change = compare_texts(old, new)
        return f"+{change.words_added} -{change.words_removed} words"

    return run


def link(folder: Path) -> str:
    row = make_row("20180101", original="http://x.example/", digest="-")
    header = "<" * 30_000 + "; rel= rel= " * 2_500
    headers = {"memento-datetime": "Mon, 01 Jan 2018 00:00:00 GMT", "link": header}
    answer = Answer(url="http://127.0.0.1/web/x", status=200, headers=headers, body=b"<p>text")
    found = classify_answer(answer, Question(row=row, archive_url="http://127.0.0.1"))
    return str(found.outcome or "read")


def reading(body: Callable[[], bytes], content_type: str = "text/html") -> Callable[[Path], str]:
    def run(folder: Path) -> str:
        with ReadingPool(1) as pool:
            task = pool.read(
                body(),
                document=Document(site="example.org", kind=Kind.PRIVACY),
                url="https://example.org/privacy",
                timestamp="20200101000000",
                content_type=content_type,
            )
            found = asyncio.run(task)
            used = pool.run(resource.getrusage, resource.RUSAGE_SELF)  # of the last one, which may be fresh
        cost = f"reader {used.ru_utime + used.ru_stime:.1f} s, {used.ru_maxrss >> 10} MB"
        return f"{found.outcome} {found.reason}".strip() + f" ({cost})"

    return run


def words(unit: str, size: int = 120_000) -> Callable[[], bytes]:
    return lambda: f"<h1>Privacy policy</h1>{attacks.POLICY}<p>{unit * (size // len(unit))}</p>".encode()


def search(folder: Path) -> str:
    texts = [(f"{1990 + n // 12}{n % 12 + 1:02}01000000", f"{n} " + f"{COMMON} " * 2500) for n in range(110)]
    with Store.open(folder / "policies.db") as store:
        store.connection.execute("pragma synchronous = off")
        store_texts(store, texts)
    with closing(open_reader(folder / "policies.db")) as connection:
        began = time.monotonic()
        try:
            found = f"{search_versions(connection, build_match(COMMON), SearchFilters()).hits} hits"
        except PolicyArchiveError as error:
            found = str(error)
        return f"{found} after {time.monotonic() - began:.1f} s"


def index(folder: Path) -> str:
    source = GeneratedSource()
    source.add("19970101000000", b"<p>the one text there is")
    database = folder / "policies.db"
    with ArchiveServer(source=source, faults=[faults.Endless(rows_a_page=100_000)]) as archive:
        limit = {"POLICY_MOST_INDEX_ROWS": int(os.environ[ROWS_VARIABLE])}
        report = crawl(archive.url, database, settings=limit)
        pages = sum(entry.kind == "index" for entry in archive.log)
    ((rows,),) = read(database, "select count(*) from captures")
    size = database.stat().st_size >> 20
    return f"{report.status}: {rows:,} rows in {pages} pages, {size} MB on disk"


def warc(folder: Path) -> str:
    http = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"
    record = attacks.warc_record(attacks.zeros(2048), length=2048 * 2**20, http=http)
    path = attacks.write_warc(folder / "bomb.warc.gz", record)
    with ArchiveServer([path]) as archive:
        url = f"{archive.url}/web/20180101000000id_/http://x.example/"
        return f"{path.stat().st_size >> 20} MB file; answered {httpx.get(url, timeout=300).status_code}"


def updates(folder: Path) -> str:
    database, source = folder / "policies.db", generate(3)
    with ArchiveServer(source=source) as archive:
        crawl(archive.url, database)
    opened = []
    for number in range(200):
        source.add(f"{2010 + number // 12}{number % 12 + 1:02}01000000", f"<p>edition {number}".encode())
        with ArchiveServer(source=source) as archive:
            report = crawl(archive.url, database, ask_again=True, command="update")
        assert report.status is RunStatus.DONE, report
        opened.append(sum(1 for _ in Path("/proc/self/fd").iterdir()))
    left = sorted(path.name for path in folder.iterdir() if path.is_file())
    with closing(sqlite3.connect(database)) as connection:
        ((versions,),) = connection.execute("select count(*) from versions")
    spread = f"{opened[5]} files open at the sixth, {opened[-1]} at the last"
    return f"{versions} versions; {spread}; beside it {', '.join(left)}"


_LINES = "\n".join(map(str, range(300_000)))
_OTHERS = "\n".join(map(str, range(150_000, 450_000)))
ATTACKS = {
    "gzip": Attack(what="gzip of a million empty members", cpu_seconds=5, megabytes=300, run=unwrap),
    "brackets": Attack(
        what="two texts of 80 KB of `[ `",
        cpu_seconds=5,
        megabytes=300,
        run=compare("[ " * 40_000, "[ " * 40_001),
    ),
    "lines": Attack(
        what="two texts of 300,000 lines", cpu_seconds=20, megabytes=700, run=compare(_LINES, _OTHERS)
    ),
    "link": Attack(what="a `Link` header of 60 KB", cpu_seconds=5, megabytes=300, run=link),
    "word": Attack(what="a word of 120 KB", cpu_seconds=15, megabytes=600, run=reading(words("a"))),
    "word-dots": Attack(what="`a.a.` for 120 KB", cpu_seconds=15, megabytes=600, run=reading(words("a."))),
    "word-years": Attack(
        what="`2018年` for 120 KB", cpu_seconds=15, megabytes=600, run=reading(words("2018年"))
    ),
    "word-brackets": Attack(
        what="`[a](` for 120 KB", cpu_seconds=15, megabytes=600, run=reading(words("[a]("))
    ),
    "search": Attack(
        what="16 common words in 110 texts of 100 KB", cpu_seconds=120, megabytes=400, run=search
    ),
    "attributes": Attack(
        what="1,000 attributes on each of 300 elements",
        cpu_seconds=80,
        megabytes=1300,
        run=reading(lambda: attacks.attributes_page(300, 1000)),
    ),
    "attributes-one": Attack(
        what="200,000 attributes on one element",
        cpu_seconds=80,
        megabytes=1300,
        run=reading(lambda: attacks.attributes_page(1, 200_000)),
    ),
    "pdf": Attack(
        what="a PDF page of 1 GB",
        cpu_seconds=90,
        megabytes=1300,
        run=reading(lambda: attacks.pdf_bomb(1024), "application/pdf"),
    ),
    "pdf-layers": Attack(
        what="one of 1 GB, packed four times",
        cpu_seconds=90,
        megabytes=1300,
        run=reading(lambda: attacks.pdf_bomb(1024, layers=4), "application/pdf"),
    ),
    "pdf-forms": Attack(
        what="forms that double 60 times",
        cpu_seconds=90,
        megabytes=1300,
        run=reading(lambda: attacks.pdf_of_forms(60), "application/pdf"),
    ),
    "warc": Attack(what="`serve`: a record of 2 GB", cpu_seconds=60, megabytes=400, run=warc),
    "updates": Attack(what="200 updates, a new capture each", cpu_seconds=300, megabytes=400, run=updates),
    "index": Attack(
        what="an index that never ends, left at a limit of rows", cpu_seconds=900, megabytes=2500, run=index
    ),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--rows", type=int, default=MOST_ROWS, help="of the index at which it is left")
    parser.add_argument("--one", choices=list(ATTACKS), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        with tempfile.TemporaryDirectory() as folder:
            os.environ["POLICY_ARCHIVE_STATE"] = folder
            print(ATTACKS[arguments.one].run(Path(folder)))
        return 0
    os.environ[ROWS_VARIABLE] = str(arguments.rows)
    chosen = [name for name in ATTACKS if name.startswith(tuple(arguments.names or [""]))]
    print("| attack | what came of it | CPU s | MB |\n|---|---|---|---|")
    return 1 if sum([measure(name, ATTACKS[name]) for name in chosen]) else 0


def measure(name: str, attack: Attack) -> bool:
    """Run one attack in a process of its own; return whether it took more than it may."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-W", "ignore", __file__, "--one", name]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    megabytes = after.ru_maxrss >> 10  # of the largest so far: the list goes from small to large
    said = ended.stdout.strip().splitlines()[-1:] or [ended.stderr.strip()[-200:]]
    print(f"| {attack.what} | {said[0]} | {seconds:.1f} | {megabytes} |", flush=True)
    return bool(ended.returncode) or seconds > attack.cpu_seconds or megabytes > attack.megabytes


if __name__ == "__main__":
    sys.exit(main())
