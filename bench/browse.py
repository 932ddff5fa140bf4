"""CPU of each page, memory, and readers beside a crawl, on a corpus with the lengths of real policies.

    python bench/browse.py --workdir /var/tmp/bench                 20,000 versions, and a fifth to see growth
    python bench/browse.py --workdir … --versions 2000 --rounds 10  a small one

The corpus is made once (1.5 GB, some minutes): recorded texts, of which half have 4,800 words or more and
one in fifteen over 40,000, each version a little different. `policy-archive browse` is started as a user
starts it and asked over HTTP, one request at a time, each kind of page `--rounds` times at different sites;
CPU is what the server's threads and processes ran for it, by the scheduler's count, compressing included.
"200,000" goes on along the growth from the fifth to the whole. Then four readers ask at once for `--seconds`
while another process stores captures into a copy as a crawl does: each page by the clock. Memory is the
server's peak resident set (VmHWM). The peers are Datasette's own pages on the same file.
"""

from __future__ import annotations

import argparse
import math
import random
import re
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

import httpx

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.browse_corpus import BUSY_SITE, COMMON_PHRASE, LONG_SITE, RARE, make_corpus, write_as_a_crawl
from policy_archive.pipelines.outputs.addresses import PREFIX
from policy_archive.pipelines.store.connection import open_reader
from policy_archive.pipelines.store.maintenance.backup import copy_database

READERS = 4
_GROWN = 200_000
_SHARE = 5
"""The smaller corpus, from which growth is seen, has this part of the versions."""


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One kind of page, and the addresses of it that are asked in turn."""

    name: str
    paths: Sequence[str]
    limit_ms: float | None = None
    """Of CPU that half of its pages are promised to stay under."""
    among_readers: bool = True
    """Whether the four readers ask it, too."""


def main() -> None:
    """Make the corpora if need be, measure, print a line a page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workdir", type=Path, required=True)
    parser.add_argument("--versions", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--write-into", type=Path, help=argparse.SUPPRESS)  # this program, as the crawl
    arguments = parser.parse_args()
    if arguments.write_into:
        write_as_a_crawl(arguments.write_into)
        return
    files = [
        arguments.workdir / f"browse-{versions}.db"
        for versions in (arguments.versions // _SHARE, arguments.versions)
    ]
    for file in files:
        make_corpus(file, versions=int(file.stem.partition("-")[2]))
    small, whole = (measure_alone(file, arguments.rounds) for file in files)
    _print_pages(files, small, whole)
    measure_beside_a_crawl(files[-1], arguments.seconds)


def list_asks(database: Path, rounds: int) -> list[Ask]:
    """Return what is asked: every kind of page at different sites, every kind of search, and the peers."""
    chance = random.Random(11)
    with closing(open_reader(database)) as connection:
        pairs = connection.execute(
            """select site, older.first_timestamp, newer.first_timestamp from documents
            join versions as older on older.document_id = documents.id
            join versions as newer on newer.document_id = documents.id and newer.version = older.version + 1
            where kind = 'privacy' and site not in (?, ?) order by site, older.version""",
            (LONG_SITE, BUSY_SITE),
        ).fetchall()
        long = [
            row[0]
            for row in connection.execute(
                "select timestamp from policy_versions where site = ? order by version", (LONG_SITE,)
            )
        ]
    chosen = [tuple(pair) for pair in chance.sample(pairs, min(rounds, len(pairs)))]
    site = chosen[0][0]
    words = ["information", "cookies", "children", "third parties", "retain", "transfer", "rights", "share"]
    table = f"/{database.stem}/policy_versions?_col=version&_col=title&_nofacet=1&_nocount=1"
    return [
        Ask(name="home", paths=[PREFIX], limit_ms=500),
        Ask(name="site", paths=[f"{PREFIX}/{site}" for site, _, _ in chosen], limit_ms=100),
        Ask(name="site with 200 versions, 2,000 captures", paths=[f"{PREFIX}/{BUSY_SITE}"]),
        Ask(name="version", paths=[f"{PREFIX}/{site}/privacy/{at}" for site, at, _ in chosen], limit_ms=150),
        Ask(name="version of 51,000 words", paths=[f"{PREFIX}/{LONG_SITE}/privacy/{at}" for at in long]),
        Ask(name="difference", paths=[_diff(*pair) for pair in chosen], limit_ms=200),
        Ask(name="difference of 51,000 words", paths=[_diff(LONG_SITE, *long)], limit_ms=400),
        Ask(name="changes", paths=[f"{PREFIX}/-/changes", f"{PREFIX}/-/changes?page=2"], limit_ms=500),
        Ask(name="feed", paths=[f"{PREFIX}/-/feed.atom"]),
        Ask(name="search: words", paths=[_search(q=one) for one in words], limit_ms=500),
        Ask(name="search: a rare phrase", paths=[_search(q=f'"{RARE}"')], limit_ms=500),
        Ask(name="search: a common phrase", paths=[_search(q=f'"{COMMON_PHRASE}"')], limit_ms=500),
        Ask(name="search: a word of nearly all", paths=[_search(q="privacy")], limit_ms=500),
        Ask(name="search: that word, of one site", paths=[_search(q="privacy", site=site)], limit_ms=500),
        Ask(name="search: NEAR", paths=[_search(q="NEAR(personal information, 5)")], limit_ms=1_000),
        Ask(name="phrase: rare", paths=[_phrase(RARE)], limit_ms=500),
        Ask(name="phrase: common", paths=[_phrase(COMMON_PHRASE)], limit_ms=500),
        Ask(name="phrase: of nearly all", paths=[_phrase("privacy")], limit_ms=500),
        Ask(name="phrase: five at once", paths=[_phrase(*words[:5])], limit_ms=1_000),
        Ask(name="phrase: of one language", paths=[_phrase(COMMON_PHRASE) + "&language=en"], limit_ms=500),
        Ask(name="  peer: table page of a site", paths=[f"{table}&site={site}"], among_readers=False),
        _peer_search(database, "a common phrase", f'"{COMMON_PHRASE}"'),
        _peer_search(database, "a word of nearly all", "privacy"),
    ]


def _diff(site: str, one: str, two: str) -> str:
    return f"{PREFIX}/-/diff/{site}/privacy/{one}/{site}/privacy/{two}"


def _search(**asked: str) -> str:
    return f"{PREFIX}/-/search?{urlencode(asked)}"


def _phrase(*phrases: str) -> str:
    return f"{PREFIX}/-/phrase?{urlencode([('q', phrase) for phrase in phrases])}"


def _peer_search(database: Path, name: str, match: str) -> Ask:
    """Return what Datasette's full-text search asks, ranked; snippets are ours."""
    sql = f"""select site, version, substr(content, 1, 300) from texts_search
        join texts on texts.id = texts_search.rowid
        join versions on text_id = texts_search.rowid join documents on documents.id = document_id
        where texts_search match '{match}' order by rank limit 20"""
    path = f"/{database.stem}?sql={quote(sql)}"
    return Ask(name=f"  peer: {name}, ranked by SQL", paths=[path], among_readers=False)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What the pages of one corpus took."""

    cpu_ms: dict[str, list[float]]
    """By Ask.name, in order of asking, without the first."""
    limits: dict[str, float | None]
    refused: dict[str, int]
    """Status of what was not answered with 200: a peer that takes more than two seconds is given up."""
    megabytes: float


def measure_alone(database: Path, rounds: int) -> Measured:
    """Return the CPU of every kind of page, one request at a time."""
    taken: dict[str, list[float]] = {}
    refused: dict[str, int] = {}
    asks = list_asks(database, rounds)
    with _serve(database) as (base, process), httpx.Client(base_url=base, timeout=60) as client:
        _wait(base)
        for ask in asks:
            times = []
            for number in range(rounds + 1):
                before = _read_cpu_seconds(process.pid)
                answer = client.get(ask.paths[number % len(ask.paths)])
                times.append((_read_cpu_seconds(process.pid) - before) * 1_000)
                if answer.status_code != 200:
                    refused[ask.name] = answer.status_code
            taken[ask.name] = times[1:]
        limits = {ask.name: ask.limit_ms for ask in asks}
        peak = _read_peak_megabytes(process.pid)
        return Measured(cpu_ms=taken, limits=limits, refused=refused, megabytes=peak)


def _print_pages(files: Sequence[Path], small: Measured, whole: Measured) -> None:
    for file in files:
        with closing(open_reader(file)) as connection:
            versions, sites = connection.execute(
                "select (select count(*) from versions), (select count(*) from sites)"
            ).fetchone()
        print(f"{file.stem}: {versions:,} versions of {sites:,} sites, {file.stat().st_size / 1e9:.1f} GB")
    print(f"\n{'CPU of a page, ms':44} {'p50':>7} {'p95':>7} {'a fifth':>8} {'200,000':>8} {'limit':>6}")
    for name, times in whole.cpu_ms.items():
        half, fifth = _percentile(times, 50), _percentile(small.cpu_ms[name], 50)
        grown = half * _growth(fifth, half, files)
        limit = whole.limits[name]
        verdict = "  TOO SLOW" if limit and half > limit else ""
        if name in whole.refused:
            verdict += f"  answered {whole.refused[name]}"
        print(
            f"{name:44} {half:7,.0f} {_percentile(times, 95):7,.0f} {fifth:8,.0f} {grown:8,.0f} "
            f"{f'{limit:,.0f}' if limit else '':>6}{verdict}"
        )
    sizes = f"{small.megabytes:.0f} MB on the fifth, {whole.megabytes:.0f} MB (limit 200)"
    print(f"peak memory of the server: {sizes}")


def _growth(fifth: float, whole: float, files: Sequence[Path]) -> float:
    """Return by how much a page of 200,000 versions is slower, if it goes on as from a fifth to the whole."""
    exponent = max(math.log(whole / fifth, _SHARE), 0) if fifth and whole else 0
    return float((_GROWN / int(files[-1].stem.partition("-")[2])) ** exponent)


def _percentile(values: Sequence[float], percent: int) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def measure_beside_a_crawl(database: Path, seconds: float) -> None:
    """Print what pages take by the clock for four readers while captures are stored."""
    copy = database.with_name(f"{database.stem}-written.db")
    _remove(copy)
    with closing(open_reader(database)) as connection:
        copy_database(connection, copy)
    make_corpus(copy, versions=0)  # opened once for writing: a copy has no write-ahead log yet
    asks = [ask for ask in list_asks(copy, 30) if ask.among_readers]
    taken: dict[str, list[float]] = defaultdict(list)
    writer = [sys.executable, __file__, "--workdir", str(copy.parent), "--write-into", str(copy)]
    with _serve(copy) as (base, process):
        _wait(base)
        with subprocess.Popen(writer, stdout=subprocess.PIPE, text=True) as crawl:
            before, start = _read_cpu_seconds(process.pid), time.monotonic()
            readers = [
                threading.Thread(target=_read_on, args=(base, asks, start + seconds, taken, number))
                for number in range(READERS)
            ]
            for reader in readers:
                reader.start()
            for reader in readers:
                reader.join()
            crawl.terminate()
            assert crawl.stdout is not None
            stored = crawl.stdout.read().count("\n")
        cpu = _read_cpu_seconds(process.pid) - before
        megabytes = _read_peak_megabytes(process.pid)
    requests = sum(map(len, taken.values()))
    print(f"\n{'four readers beside a crawl, ms by the clock':44} {'p50':>7} {'p95':>7} {'asked':>8}")
    for ask in asks:
        times = taken[ask.name]
        if times:
            print(
                f"{ask.name:44} {_percentile(times, 50):7,.0f} {_percentile(times, 95):7,.0f} {len(times):8,}"
            )
    print(
        f"{requests:,} pages in {seconds:.0f} s, {cpu / requests * 1_000:.0f} ms of CPU each; "
        f"{stored:,} captures were stored meanwhile; peak memory {megabytes:.0f} MB"
    )
    _remove(copy)


def _remove(database: Path) -> None:
    for ending in ("", "-wal", "-shm"):
        database.with_name(database.name + ending).unlink(missing_ok=True)


def _read_on(
    base: str, asks: Sequence[Ask], until: float, taken: dict[str, list[float]], number: int
) -> None:
    chance = random.Random(number)
    with httpx.Client(base_url=base, timeout=120) as client:
        while time.monotonic() < until:
            ask = chance.choice(asks)
            start = time.perf_counter()
            answer = client.get(chance.choice(ask.paths))
            if answer.status_code != 200:
                print(f"{ask.name}: {answer.request.url} answered {answer.status_code}", file=sys.stderr)
            taken[ask.name].append((time.perf_counter() - start) * 1_000)


@contextmanager
def _serve(database: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    command = [sys.executable, "-m", "policy_archive", "browse", "--db", str(database), "--port", "0"]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, cwd=Path(__file__).parents[1]
    ) as process:
        try:
            assert process.stderr is not None
            said = process.stderr.readline()
            found = re.search(r"http://[\d.:]+", said)
            if found is None:
                raise SystemExit(said + process.stderr.read())
            yield found[0], process
        finally:
            process.terminate()


def _wait(base: str) -> None:
    while True:
        try:
            httpx.get(f"{base}/robots.txt")
            return
        except httpx.TransportError:
            time.sleep(0.02)


def _read_cpu_seconds(pid: int) -> float:
    """Return how long the threads of a process and of its children ran, by the scheduler, in seconds."""
    nanoseconds = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        nanoseconds += int((task / "schedstat").read_text("ascii").split()[0])
        for child in (task / "children").read_text("ascii").split():
            nanoseconds += int(_read_cpu_seconds(int(child)) * 1e9)
    return nanoseconds / 1e9


def _read_peak_megabytes(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found
    return int(found[1]) / 1024


if __name__ == "__main__":
    main()
