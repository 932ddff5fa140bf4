"""The whole program on the demo archive, against what its sources say (data/demo/truth.json).

`python bench/demo_truth.py` fetches every site by its bare domain, politeness off, and prints for each
document how many versions there are, how many were found (a version counts by its first capture), and
which changes were reported that are none; then the same with `--plan all`, which is the peer: every
capture asked for, so that what is still false is the text's fault and not the plan's.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from policy_archive.archive_server.log import LogEntry  # noqa: E402
from policy_archive.archive_server.server import ArchiveServer  # noqa: E402
from policy_archive.crawler.core.vocabularies import OwnerRelation  # noqa: E402
from policy_archive.data import DATA  # noqa: E402

DEMO = DATA / "demo"


@dataclass(frozen=True, kw_only=True)
class Score:
    """One document of one site."""

    site: str
    kind: str
    expected: frozenset[str]
    found: frozenset[str]

    @property
    def hits(self) -> int:
        return len(self.expected & self.found)

    def __str__(self) -> str:
        false = sorted(self.found - self.expected)
        missed = sorted(self.expected - self.found)
        name = f"{self.site} {self.kind}"
        return f"{name:40} {len(self.expected):8} {self.hits:6}  false {false}  missed {missed}"


def main() -> None:
    truth = json.loads((DEMO / "truth.json").read_text("utf-8"))
    totals = {}
    for plan in ("changes", "all"):
        print(f"\nplan {plan}\n{'document':40} versions  found")
        with tempfile.TemporaryDirectory() as folder:
            database = Path(folder) / "demo.db"
            log = fetch_all(database, plan)
            scores = [score for site in truth["sites"] for score in score_site(site, database)]
        for score in scores:
            print(score)
        totals[plan] = (scores, log)
    print()
    for plan, (scores, log) in totals.items():
        print(summarise(plan, scores, log))


def fetch_all(database: Path, plan: str) -> list[LogEntry]:
    """Fetch every demo site into a database; return what the archive saw."""
    with ArchiveServer(sorted(DEMO.glob("*.warc.gz"))) as archive:
        options = ["--sites", str(DEMO / "sites.txt"), "--kind", "all", "--plan", plan, "--db", str(database)]
        rates = ["--archive", archive.url, "--index-rate", "0", "--replay-rate", "0"]
        command = [sys.executable, "-m", "policy_archive", "fetch", *options, *rates]
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return list(archive.log)


def score_site(site: dict[str, Any], database: Path) -> list[Score]:
    """Return a score for every document that the site has, and for every kind that was made up.

    Texts known to be a registrar's or a platform's are not counted as the site's.
    """
    connection = sqlite3.connect(database)
    found: dict[str, set[str]] = {}
    query = "select kind, timestamp, owner from policy_versions where site = ?"
    for kind, timestamp, owner in connection.execute(query, [site["site"]]):
        if owner is None or not OwnerRelation(owner).is_somebody_else:
            found.setdefault(kind, set()).add(timestamp)
    connection.close()
    expected = {
        document["kind"]: {version["first"] for version in document["versions"]}
        for document in site["documents"]
    }
    return [
        Score(
            site=site["site"],
            kind=kind,
            expected=frozenset(expected.get(kind, ())),
            found=frozenset(found.get(kind, ())),
        )
        for kind in sorted({*expected, *found})
    ]


def summarise(plan: str, scores: list[Score], log: list[LogEntry]) -> str:
    """Return recall, false versions and requests in one line."""
    expected = sum(len(score.expected) for score in scores)
    hits = sum(score.hits for score in scores)
    reported = sum(len(score.found) for score in scores)
    false = (reported - hits) / reported if reported else 0.0
    index = sum(entry.kind == "index" for entry in log)
    return (
        f"{plan:8} recall {hits / expected:.3f}  false {false:.3f} of {reported}  "
        f"requests {len(log)} ({index} index)  a version {len(log) / max(hits, 1):.1f}"
    )


if __name__ == "__main__":
    main()
