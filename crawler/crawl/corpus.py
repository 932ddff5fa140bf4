"""The crawler's ports: what a run needs of the corpus that it crawls into, and nothing of how that is kept.

`policy_archive.pipelines.store.writer.Store` implements all of them over one SQLite file; the setting
POLICY_STORE names it, as Scrapy's settings name components. A queue of crawlers on many machines would
take `SiteStore` alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol, Self

from scrapy.settings import BaseSettings
from scrapy.utils.misc import load_object

from policy_archive.crawler.core.records import (
    Address,
    Capture,
    CdxRow,
    Channel,
    ConservationFault,
    Document,
    HomePage,
    KeptAnswer,
    KnownCapture,
    Outcome,
    Owner,
    PolicyLink,
    Reading,
    RowDecision,
    RowState,
    StoredCapture,
)
from policy_archive.crawler.core.vocabularies import RunStatus, SiteOutcome
from policy_archive.crawler.planning.due import Failing


class SiteStore(Protocol):
    """Sites, their documents, and what is known of each index row: every call is whole, twice is once."""

    def add_site(self, site: str, *, rank: int | None = None) -> None:
        """Make a site known."""
        ...

    def set_site_outcome(
        self,
        site: str,
        outcome: SiteOutcome,
        reason: str = "",
        *,
        checked: bool = False,
        searched: bool = False,
    ) -> None:
        """Note what the crawl of a site ended with."""
        ...

    def add_document(
        self, document: Document, *, owner: Owner | None = None, confidence: float | None = None
    ) -> str:
        """Return the document's id; it is known from now on."""
        ...

    def add_address(self, document: Document, address: Address) -> None:
        """Make an address of a document known."""
        ...

    def documents_of(self, site: str) -> list[Document]:
        """Return a site's documents."""
        ...

    def addresses_of(self, document: Document) -> list[Address]:
        """Return a document's addresses, oldest sight first."""
        ...

    def home_near(self, site: str, timestamp: str) -> HomePage | None:
        """Return the stored home page of a site that was captured nearest to an instant (14 digits)."""
        ...

    def links_of(self, document: Document) -> list[tuple[CdxRow, PolicyLink]]:
        """Return every policy link found on a document's captures."""
        ...

    def add_rows(self, document: Document, rows: Iterable[CdxRow]) -> int:
        """Return how many of these index rows are new; all are stored."""
        ...

    def mark_listed(self, document: Document, url: str, *, start: str, end: str) -> None:
        """Note that the archive's index gave all rows of an address from `start` to `end` (14 digits)."""
        ...

    def known_captures(self, document: Document) -> list[KnownCapture]:
        """Return all that is known of a document's rows, in order of time."""
        ...

    def list_seams(self, document: Document) -> frozenset[tuple[str, str]]:
        """Return the captures (14 digits, urlkey) that are worth reading because others read them, too."""
        ...

    def iter_outcomes(self, document: Document) -> Iterator[tuple[CdxRow, Outcome, str | None]]:
        """Yield the fetched rows with outcome and captured redirect's target, in order of time."""
        ...

    def count_states(self, document: Document) -> dict[RowState, int]:
        """Return how many of a document's rows are in each state."""
        ...

    def reopen_failed(self, document: Document, *, most_tries: int = 5) -> int:
        """Return how many rows that failed, but may not another day, are pending again."""
        ...

    def count_accidents(self, document: Document) -> int:
        """Return how many captures are without a reading, for their reader died over them."""
        ...

    def record_decisions(self, document: Document, decisions: Mapping[CdxRow, RowDecision]) -> int:
        """Return how many rows changed by the planner's decisions."""
        ...

    def record_capture(self, capture: Capture, reading: Reading | None = None) -> bool:
        """Return whether this capture was stored; False when its row had its final outcome already."""
        ...

    async def reread_small(self, document: Document) -> int:
        """Return how many texts changed by reading again what is too small beside its neighbours in time."""
        ...

    def fold_versions(self, document: Document) -> int:
        """Return how many versions the stored captures of a document make."""
        ...

    async def fold_site(self, site: str, documents: Sequence[Document]) -> dict[Document, int]:
        """Do what `fold_versions` does for documents of a site, and let others go on meanwhile.

        The changes of all the site's documents are judged by all its pages.
        """
        ...


class RunLog(Protocol):
    """Runs: how each began and ended, and whether the corpus is whole."""

    channels: tuple[Channel, ...]
    """Who is to be told of versions that become known."""
    archive: str | None
    """Base address of the archive that is asked: rows, answers and captures stored from now on are its."""

    def start_run(self, command: str, arguments: Mapping[str, object] | None = None) -> int:
        """Return the id of a new run; captures stored from now on belong to it."""
        ...

    def close_dead_runs(self) -> int:
        """Return how many runs never ended; they are noted as interrupted."""
        ...

    def record_forecast(self, run_id: int, forecast: object) -> None:
        """Note what a run found out about the cost of a fetch."""
        ...

    def finish_run(
        self,
        run_id: int,
        status: RunStatus,
        reason: str = "",
        *,
        index_requests: int = 0,
        replay_requests: int = 0,
        health: object = None,
    ) -> None:
        """Note how a run ended."""
        ...

    def count_news(self, run_id: int) -> int:
        """Return how many versions became known in a run, but for those that are passed over."""
        ...

    def count_news_passed_over(self, run_id: int) -> int:
        """Return how many became known that lists and messages pass over: they are not the policy's own."""
        ...

    def list_failing(self) -> Sequence[Failing]:
        """Return the sites whose runs fail, the longest failing first."""
        ...

    def iter_conservation_faults(self) -> Iterator[ConservationFault]:
        """Yield every row that breaks the rules of the corpus; `pending` is normal until all is done."""
        ...

    def sample_captures(self, number: int) -> list[StoredCapture]:
        """Return captures with a body, drawn by lot."""
        ...


class IndexCache(Protocol):
    """What the index answered to a site's discovery, kept until the day (UTC) is over."""

    def recall_answer(self, site: str, question: str) -> KeptAnswer | None:
        """Return the answer that a question got earlier on this day, None when it got none."""
        ...

    def keep_answer(self, site: str, question: str, state: str, rows: Sequence[CdxRow]) -> None:
        """Store an answer in place of the one of an earlier day."""
        ...


class Corpus(SiteStore, RunLog, IndexCache, Protocol):
    """All three ports, opened together, as one run has them."""

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """Return the corpus at that place, made if need be; raises StoreError."""
        ...

    @staticmethod
    def hold(database: Path, command: str) -> AbstractContextManager[object]:
        """Return a block in which no other run may use the corpus; entering raises InUseError."""
        ...

    @staticmethod
    def explained(path: Path | str) -> AbstractContextManager[None]:
        """Return a block in which the keeping's own errors (a full disk) are raised as StoreError."""
        ...

    def close(self) -> None:
        """Give back what the corpus holds open."""
        ...


def load_corpus_class(settings: BaseSettings) -> type[Corpus]:
    """Return the class that the setting POLICY_STORE names, by its dotted path or itself."""
    loaded: type[Corpus] = load_object(settings["POLICY_STORE"])
    return loaded
