"""A long crawl of made-up sites, from a local archive where things go wrong: does it end, is all of it there?

    python bench/soak.py                                  2,000 sites, 100,000 captures, 5 % of answers bad
    python bench/soak.py --sites 200 --captures 10000     the same, smaller
    python bench/soak.py --kill-readers 30                all reading processes are killed every 30 s

The crawl runs in processes of its own, as `fetch` does, with every capture asked for (`--plan all`). What
failed for good in the first run is asked again by a second one, without faults. Printed: captures a second,
requests a version, memory over time (main process and its readers, sampled every second), what `verify` says.
Exit status 1 when anything is lost: a capture without a row, a row without an outcome, a version missing.

Beside the bad answers, one in twenty captures holds no text: captured errors, redirects and loops, known to
the index or not, and captures that the archive has lost. One site in fifty is excluded from the archive.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.generated_archive import GeneratedArchive  # noqa: E402
from policy_archive.archive_server.answers import Request  # noqa: E402
from policy_archive.archive_server.faults import Blocked, Fault, build_mixture  # noqa: E402
from policy_archive.archive_server.faults.base import When  # noqa: E402
from policy_archive.archive_server.server import ArchiveServer  # noqa: E402

MOST_MEMORY = 300 * 2**20
SHARE_OF_FAULTS = 0.05
_EXCLUDED_EVERY = 50
_EXCLUDED_BY = ("403", "robots", "200")
PAUSES = {  # as a person would wait, a hundred times as fast
    "POLICY_FIRST_PAUSE_SECONDS": 0.6,
    "POLICY_LONGEST_PAUSE_SECONDS": 36,
    "POLICY_RETRY_SECONDS": 0.02,
}
_CRAWL = """
import json, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from policy_archive.crawler.runner import run_fetch
from policy_archive.crawler.planning.plan import PlanName, PlanOptions
from policy_archive.crawler.crawl.run import FetchOptions, build_target
sites, database, archive, settings = sys.argv[2:]
report = run_fetch(FetchOptions(
    targets=[build_target(line) for line in Path(sites).read_text().split()],
    database=Path(database), archive_url=archive, plan=PlanOptions(plan=PlanName.ALL),
    index_per_minute=0, replay_per_second=0, progress="lines", settings=tuple(json.loads(settings).items()),
))
print(json.dumps({"status": report.status, "reason": report.reason, "seconds": report.seconds,
    "fetched": report.tally.fetched, "versions": report.tally.versions,
    "requests": report.tally.index_requests + report.tally.replay_requests}))
"""


@dataclass(kw_only=True)
class Memory:
    """Resident bytes of a process and its children, sampled while it ran."""

    main: list[int] = field(default_factory=list)
    readers: list[int] = field(default_factory=list)
    """The largest child of each sample."""
    killed: int = 0
    """Readers that we killed."""

    def describe(self) -> str:
        tenths = [self.main[len(self.main) * n // 10] >> 20 for n in range(10)] if self.main else []
        return (
            f"main process at most {max(self.main, default=0) >> 20} MB (over time {tenths}), "
            f"a reader at most {max(self.readers, default=0) >> 20} MB"
            + (f", {self.killed} readers killed" if self.killed else "")
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sites", type=int, default=2000)
    parser.add_argument("--captures", type=int, default=100_000, help="of all sites together")
    parser.add_argument("--faults", type=float, default=SHARE_OF_FAULTS)
    parser.add_argument("--db", type=Path, help="keep the database here")
    parser.add_argument("--kill-readers", type=float, metavar="SECONDS", help="kill -9 all of them, so often")
    arguments = parser.parse_args()
    source = GeneratedArchive(sites=arguments.sites, captures=arguments.captures // arguments.sites)
    with tempfile.TemporaryDirectory() as folder:
        database = arguments.db or Path(folder) / "policies.db"
        return soak(source, database, Path(folder), share=arguments.faults, kill_every=arguments.kill_readers)


def soak(
    source: GeneratedArchive,
    database: Path,
    folder: Path,
    *,
    share: float,
    kill_every: float | None = None,
) -> int:
    """Run the crawl twice, check what is there, print it all; return the exit status."""
    sites = folder / "sites.txt"
    sites.write_text("\n".join(source.site(number) for number in range(source.sites)))
    with ArchiveServer(source=source) as archive:
        excluded = build_exclusions()
        archive.faults = [*excluded, *build_mixture(share)]
        report, memory = crawl(sites, database, archive.url, folder, kill_every=kill_every)
        struck: Counter[str] = Counter()
        for fault in archive.faults[len(excluded) :]:
            struck[type(fault).__name__] += fault.struck
        show_run("first run", report, memory, struck)
        archive.faults = excluded
        again, more_memory = crawl(sites, database, archive.url, folder, kill_every=kill_every)
        show_run("second run", again, more_memory, Counter())
    problems = list(iter_problems(source, database))
    problems += [f"{name}: more than 300 MB" for name in over_limit(memory, more_memory)]
    verified = subprocess.run(
        [sys.executable, "-m", "policy_archive", "verify", "--db", str(database)], cwd=ROOT, check=False
    )
    requests = report["requests"] + again["requests"]
    versions = source.versions * sum(not is_excluded(number) for number in range(source.sites))
    print(f"captures a second   {report['fetched'] / report['seconds']:.1f}")
    print(
        f"requests a version  {requests / versions:.2f} ({requests:,} for {versions:,}; every capture asked)"
    )
    print(f"database            {database.stat().st_size / 2**20:.0f} MB")
    for problem in problems:
        print(f"LOST: {problem}")
    print("nothing is lost" if not problems else f"{len(problems)} problems")
    return 1 if problems or verified.returncode else 0


def build_exclusions() -> list[Fault]:
    """Return the faults that keep the excluded sites from view, in all the words the archive has for it."""
    return [Blocked(form=form, when=about_excluded(turn)) for turn, form in enumerate(_EXCLUDED_BY)]


def is_excluded(site: int) -> bool:
    return site % _EXCLUDED_EVERY == _EXCLUDED_EVERY - 1


def about_excluded(turn: int) -> When:
    """Return what tells requests about excluded sites, every third of them, from all others."""

    def is_about(request: Request) -> bool:
        found = re.search(r"site([0-9]{5})\.example", request.target)
        site = int(found[1]) if found else 0
        is_asked = request.kind == "replay" or _EXCLUDED_BY[turn] != "200"  # which only replay says
        return is_asked and is_excluded(site) and site // _EXCLUDED_EVERY % len(_EXCLUDED_BY) == turn

    return is_about


def crawl(
    sites: Path,
    database: Path,
    url: str,
    folder: Path,
    *,
    every_seconds: float = 1.0,
    kill_every: float | None = None,
) -> tuple[dict[str, float], Memory]:
    """Run one crawl in a process of its own; return its report, and the memory it took."""
    command = [sys.executable, "-c", _CRAWL, str(ROOT), str(sites), str(database), url, json.dumps(PAUSES)]
    memory = Memory()
    with (
        (folder / "report.json").open("w+") as out,
        subprocess.Popen(
            command, stdout=out, env={**os.environ, "POLICY_ARCHIVE_STATE": str(folder)}
        ) as child,
    ):
        killed_at = time.monotonic()
        while child.poll() is None:
            sample_memory(child.pid, memory)
            if kill_every and time.monotonic() - killed_at >= kill_every:
                killed_at = time.monotonic()
                memory.killed += kill_readers(child.pid)
            time.sleep(every_seconds)
    if child.returncode:
        sys.exit(f"the crawl broke off: exit status {child.returncode}")
    report: dict[str, float] = json.loads((folder / "report.json").read_text())
    return report, memory


def kill_readers(pid: int) -> int:
    """Kill the reading processes of a crawl, as a machine without memory does; return how many."""
    killed = 0
    for server in iter_children(pid):  # the fork server among them, whose children read
        for reader in iter_children(server):
            with suppress(ProcessLookupError):
                os.kill(reader, signal.SIGKILL)
                killed += 1
    return killed


def sample_memory(pid: int, memory: Memory) -> None:
    """Note what a process and its largest descendant hold now."""
    readers = [read_resident(child) for child in iter_descendants(pid)]
    memory.main.append(read_resident(pid))
    memory.readers.append(max(readers, default=0))


def iter_descendants(pid: int) -> Iterator[int]:
    for child in iter_children(pid):
        yield child
        yield from iter_descendants(child)


def iter_children(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            yield from [int(word) for word in task.read_text().split()]
        except OSError:
            continue


def read_resident(pid: int) -> int:
    """Return the resident bytes of a process, 0 when it is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def over_limit(*memories: Memory) -> Iterator[str]:
    for memory in memories:
        if max(memory.main, default=0) > MOST_MEMORY:
            yield "main process"
        if max(memory.readers, default=0) > MOST_MEMORY:
            yield "a reader"


def show_run(name: str, report: dict[str, float], memory: Memory, struck: Counter[str]) -> None:
    print(
        f"{name}: {report['status']} {report['reason']}\n"
        f"  {report['fetched']:,} captures and {report['requests']:,} requests in {report['seconds']:.0f} s; "
        f"{report['versions']:,} versions\n  {memory.describe()}",
        flush=True,
    )
    if struck:
        print(
            f"  {struck.total() / report['requests']:.1%} of the answers were bad: "
            + ", ".join(f"{name} {number}" for name, number in sorted(struck.items())),
            flush=True,
        )


def iter_problems(source: GeneratedArchive, database: Path) -> Iterator[str]:
    """Yield what is not there: captures by row, texts by version."""
    with reading(database) as connection:
        stored: dict[str, Counter[str]] = {}
        for site, state, outcome, number in connection.execute(_STATES):
            stored.setdefault(site, Counter())[f"{state} {outcome}"] += number
        versions = dict(connection.execute(_VERSIONS))
        blocked = {site for (site,) in connection.execute("select site from sites where outcome = 'blocked'")}
    for number in range(source.sites):
        site = source.site(number)
        if is_excluded(number) != (site in blocked):
            yield f"{site}: excluded by the archive or not?"
        if is_excluded(number):
            continue
        found = stored.get(site, Counter())
        if found["fetched text"] != source.texts or found.total() < source.captures:
            yield f"{site}: {source.captures} captures, {source.texts} of them texts, stored {dict(found)}"
        if versions.get(site) != source.versions:
            yield f"{site}: {source.versions} versions, found {versions.get(site)}"


_STATES = """
select site, state, outcome, count(distinct timestamp)
from captures join documents on documents.id = document_id
where kind = 'privacy' and name = '' group by site, state, outcome
"""
_VERSIONS = "select site, count(*) from policy_versions where kind = 'privacy' and name = '' group by site"


@contextmanager
def reading(database: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)
    try:
        yield connection
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
