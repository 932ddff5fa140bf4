"""Time of each page, and memory, on a corpus of 200,000 generated versions.

    python bench/browse.py --workdir /var/tmp/bench     makes the corpus once (5 GB, ten minutes), measures
    python bench/browse.py --workdir … --versions 5000  a small one

`policy-archive browse` is started as a user starts it and asked over HTTP, each page `--rounds` times after
one call that is told apart ("first": the process holds nothing of it yet). The peer is Datasette alone, in
the same process on the same file: its table page of one site, and its full-text search by SQL. Memory is
the peak resident set (VmHWM) of the server after all of it.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from urllib.parse import quote, urlencode

import httpx

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.browse_corpus import BUSY_SITE, COMMON_PHRASE, LONG_SITE, RARE, make_corpus
from policy_archive.pipelines.outputs.addresses import PREFIX
from policy_archive.pipelines.store.connection import open_reader


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One address to time."""

    name: str
    path: str
    limit_ms: float | None = None
    """What the page is promised to stay under."""


def main() -> None:
    """Make the corpus if need be, start the server, print a line a page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workdir", type=Path, required=True)
    parser.add_argument("--versions", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    database = arguments.workdir / f"browse-{arguments.versions}.db"
    make_corpus(database, versions=arguments.versions)
    _describe(database)
    start = time.perf_counter()
    with _serve(database) as (base, process):
        _wait(base)
        print(f"ready after {time.perf_counter() - start:.1f} s")
        print(f"{'page':44} {'first':>9} {'median':>9} {'limit':>7}")
        with httpx.Client(base_url=base, timeout=60) as client:
            for ask in list_asks(database):
                _measure(client, ask, arguments.rounds)
        print(f"peak memory of the server {_read_peak_megabytes(process.pid):.0f} MB (limit 200)")


def _describe(database: Path) -> None:
    with closing(open_reader(database)) as connection:
        versions, sites = connection.execute(
            "select (select count(*) from versions), (select count(*) from sites)"
        ).fetchone()
    print(f"{versions:,} versions of {sites:,} sites, {database.stat().st_size / 1e9:.1f} GB")


def list_asks(database: Path) -> list[Ask]:
    """Return what is asked: every page, every kind of search, and the peer's answers to the like."""
    with closing(open_reader(database)) as connection:
        site, timestamp = connection.execute(
            "select site, timestamp from policy_versions where version = 9 and kind = ? limit 1 offset 99",
            ("privacy",),
        ).fetchone()
        one, two = (
            row[0]
            for row in connection.execute(
                "select timestamp from policy_versions where site = ? order by version", (LONG_SITE,)
            )
        )
    version = f"{PREFIX}/{site}/privacy/{timestamp}"
    long = f"{PREFIX}/-/diff/{LONG_SITE}/privacy/{one}/{LONG_SITE}/privacy/{two}"
    table = f"/{database.stem}/policy_versions?_col=version&_col=title&_nofacet=1&_nocount=1"
    return [
        Ask(name="home", path=PREFIX, limit_ms=1_000),
        Ask(name="site", path=f"{PREFIX}/{site}", limit_ms=100),
        Ask(name="site with 200 versions, 2,000 captures", path=f"{PREFIX}/{BUSY_SITE}"),
        Ask(name="  peer: table page of that site", path=f"{table}&site={site}"),
        Ask(name="version", path=version, limit_ms=100),
        Ask(name="version of 20,000 words", path=f"{PREFIX}/{LONG_SITE}/privacy/{one}"),
        Ask(name="version as JSON", path=f"{version}.json", limit_ms=100),
        Ask(name="at a date", path=f"{PREFIX}/{site}/privacy/at/{timestamp[:4]}-{timestamp[4:6]}-28"),
        Ask(name="diff of 20,000 words", path=long, limit_ms=1_000),
        Ask(name="diff of 20,000 words, inline", path=f"{long}?view=inline", limit_ms=1_000),
        Ask(name="feed", path=f"{PREFIX}/-/feed.atom", limit_ms=1_000),
        *_list_searches(site),
        _peer_search(database, "a rare phrase", f'"{RARE}"'),
        _peer_search(database, "a common phrase", f'"{COMMON_PHRASE}"'),
        _peer_search(database, "a word of nearly all", "privacy"),
    ]


def _list_searches(site: str) -> Iterator[Ask]:
    searches: list[tuple[str, dict[str, str]]] = [
        ("a rare phrase", {"q": f'"{RARE}"'}),
        ("a common phrase", {"q": f'"{COMMON_PHRASE}"'}),
        ("a word of nearly all", {"q": "privacy"}),
        ("three words of nearly all", {"q": "the OR of OR and"}),
        ("a prefix", {"q": "priv*"}),
        ("NEAR", {"q": "NEAR(personal information, 5)"}),
        ("that word, of one site", {"q": "privacy", "site": site}),
        ("that word, of 1999", {"q": "privacy", "year": "1999"}),
        ("that word, in Japanese", {"q": "privacy", "language": "ja"}),
        ("that word, of a kind that is not there", {"q": "privacy", "kind": "cookies"}),
        ("that phrase, in a language not there", {"q": f'"{COMMON_PHRASE}"', "language": "xx"}),
    ]
    for name, asked in searches:
        yield Ask(name=f"search: {name}", path=f"{PREFIX}/-/search?{urlencode(asked)}", limit_ms=1_000)


def _peer_search(database: Path, name: str, match: str) -> Ask:
    """Return what Datasette's full-text search asks, ranked; snippets are ours."""
    sql = f"""select site, version, substr(content, 1, 300) from texts_search
        join texts on id = texts_search.rowid
        join versions on text_id = texts_search.rowid join documents on documents.id = document_id
        where texts_search match '{match}' order by rank limit 20"""
    return Ask(name=f"  peer: {name}, ranked by SQL", path=f"/{database.stem}?sql={quote(sql)}")


def _measure(client: httpx.Client, ask: Ask, rounds: int) -> None:
    times, status = [], 0
    for _ in range(rounds + 1):
        start = time.perf_counter()
        answer = client.get(ask.path)
        times.append((time.perf_counter() - start) * 1_000)
        status = answer.status_code
    middle = median(times[1:])
    limit = f"{ask.limit_ms:,.0f}" if ask.limit_ms else ""
    verdict = "  TOO SLOW" if ask.limit_ms and middle > ask.limit_ms else ""
    failed = "" if status == 200 else f"  answered {status}"
    print(f"{ask.name:44} {times[0]:6,.0f} ms {middle:6,.0f} ms {limit:>7}{verdict}{failed}", flush=True)


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


def _read_peak_megabytes(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found
    return int(found[1]) / 1024


if __name__ == "__main__":
    main()
