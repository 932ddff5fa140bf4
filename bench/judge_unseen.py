"""Pages that no weight was learnt from (bench/judge_pages/unseen.toml), judged as a fetched page is."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from policy_archive.crawler.core.records import Document, Kind, Outcome
from policy_archive.pipelines.reading.read import read_body

UNSEEN = Path(__file__).resolve().parent / "judge_pages" / "unseen.toml"
NONE = "none"
FOREIGN = "foreign"
"""What is expected of a policy of somebody else."""
KEPT, TAKEN, LOST, MISJUDGED = "kept", "taken", "lost", "misjudged"
"""Faults: no policy kept as one, somebody else's taken for the site's, a policy lost, kind or owner wrong."""


@dataclass(frozen=True, kw_only=True)
class UnseenPage:
    """A whole page with what is to become of it."""

    name: str
    expected: str
    """`none`, `foreign`, or a kind."""
    owner: str
    """The relation asked for; '' for any."""
    found_as: Kind
    site: str
    url: str
    html: str


def load_unseen() -> list[UnseenPage]:
    """Return the pages of the file, in its order."""
    return [
        UnseenPage(
            name=name,
            expected=row["expected"],
            owner=row.get("owner", ""),
            found_as=Kind(row["found_as"]),
            site=row["site"],
            url=row["url"],
            html=row["html"],
        )
        for name, row in tomllib.loads(UNSEEN.read_text("utf-8")).items()
    ]


def find_fault(page: UnseenPage) -> str:
    """Return what is wrong with the judgement of a page, '' when nothing is."""
    reading = read_body(
        page.html.encode(),
        document=Document(site=page.site, kind=page.found_as),
        url=page.url,
        timestamp="20150601000000",
        content_type="text/html; charset=utf-8",
    )
    if page.expected == NONE:
        right = reading.outcome is Outcome.NOT_A_POLICY or reading.outcome is Outcome.EMPTY
        return "" if right else KEPT
    if page.expected == FOREIGN:
        right = reading.outcome is Outcome.FOREIGN or reading.outcome is Outcome.NOT_A_POLICY
        return "" if right else TAKEN
    if reading.outcome is not Outcome.TEXT or reading.verdict is None or reading.owner is None:
        return LOST
    right = reading.verdict.kind == page.expected and page.owner in ("", reading.owner.relation)
    return "" if right else MISJUDGED
