"""What a person wrote into the filters of a search, as the corpus writes it."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import replace

from policy_archive.browse import corpus
from policy_archive.crawler.core.errors import UsageError
from policy_archive.crawler.core.records import POLICY_KINDS
from policy_archive.pipelines.store.queries import find_site
from policy_archive.pipelines.store.search import SearchFilters

_LANGUAGE = re.compile(r"([a-z]{2,3})(?:[-_][a-z]{2,4})?", re.IGNORECASE)


def settle_filters(connection: sqlite3.Connection, filters: SearchFilters) -> SearchFilters:
    """Return filters that name what the corpus has: `https://GitHub.com/x` is the site github.com.

    "No version says this" must never be the answer to a filter that fits nothing: raises UsageError for what
    is no site, kind or language, NotKnownError for a site that the corpus does not have.
    """
    site = filters.site
    if site and not corpus.has_site(connection, site):
        site = find_site(connection, site)
    return replace(
        filters, site=site, kind=_settle_kind(filters.kind), language=_settle_language(filters.language)
    )


def _settle_kind(kind: str | None) -> str | None:
    if kind and kind.lower() not in set(POLICY_KINDS):
        raise UsageError(f"“{kind[:40]}” is no kind of policy: {', '.join(POLICY_KINDS)} are.")
    return kind and kind.lower()


def _settle_language(language: str | None) -> str | None:
    if not language:
        return None
    match = _LANGUAGE.fullmatch(language)
    if not match:
        raise UsageError(f"“{language[:40]}” is no code of a language: write two letters, like en, de or ja.")
    return match[1].lower()
