"""A corpus that is a few dictionaries: what the crawler's ports ask for, and not a table."""

from __future__ import annotations

from collections import Counter, defaultdict
from contextlib import nullcontext

from policy_archive.crawler.core.records import KnownCapture, RowState


class MemoryStore:
    """Implements `policy_archive.crawler.crawl.corpus.Corpus`; the last one opened is `MemoryStore.last`."""

    last = None
    hold = explained = staticmethod(lambda *names: nullcontext())

    def __init__(self):
        self.channels, self.sites, self.runs = (), {}, []
        self.addresses = defaultdict(dict)  # of a document, by URL
        self.rows = defaultdict(dict)  # of a document: row → (state, capture, reading)

    @classmethod
    def open(cls, path):
        cls.last = cls()
        return cls.last

    def __getattr__(self, name):
        lists = "list_failing sample_captures iter_conservation_faults links_of".split()
        notes = """add_site close mark_listed close_dead_runs record_forecast reopen_failed count_accidents
            keep_answer start_run count_news count_news_passed_over fold_versions""".split()
        if name not in (*lists, *notes, "recall_answer"):
            raise AttributeError(name)
        return lambda *values, **named: () if name in lists else 0 if name in notes else None

    async def fold_site(self, site, documents):
        return dict.fromkeys(documents, 0)

    def set_site_outcome(self, site, outcome, reason="", **named):
        self.sites[site] = outcome

    def add_document(self, document, **named):
        self.addresses[document]
        return document.id

    def add_address(self, document, address):
        self.addresses[document].setdefault(address.url, address)

    def documents_of(self, site):
        return [document for document in self.addresses if document.site == site]

    def addresses_of(self, document):
        return list(self.addresses[document].values())

    def add_rows(self, document, rows):
        new = [row for row in rows if row not in self.rows[document]]
        self.rows[document] |= dict.fromkeys(new, (RowState.PENDING, None, None))
        return len(new)

    def outcomes(self, document):
        for row, (_, capture, reading) in sorted(
            self.rows[document].items(), key=lambda one: one[0].timestamp
        ):
            yield row, (reading or capture).outcome if capture else None, capture, reading

    def known_captures(self, document):
        told = [(row, o, reading and reading.extraction) for row, o, _, reading in self.outcomes(document)]
        return [KnownCapture(row=row, outcome=o, text_sha256=one and one.text_sha256) for row, o, one in told]

    def list_seams(self, document):
        return frozenset()

    def iter_outcomes(self, document):
        yield from ((row, o, capture.location) for row, o, capture, _ in self.outcomes(document) if capture)

    def count_states(self, document):
        return Counter(state for state, *_ in self.rows[document].values())

    def record_decisions(self, document, decisions):
        for row, decision in decisions.items():
            self.rows[document][row] = (decision.state, *self.rows[document][row][1:])

    def record_capture(self, capture, reading=None):
        self.rows[capture.document][capture.row] = (RowState.FETCHED, capture, reading)
        return True

    async def reread_small(self, document):
        return 0

    def finish_run(self, run_id, status, reason="", **named):
        self.runs.append((status, reason))
