"""What other programs and people take from a page: a quotation with its proof, a preview, a reference."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from html import unescape
from urllib.parse import quote

from policy_archive.pipelines.exchange.corpus_format import describe_kind
from policy_archive.pipelines.outputs.citation import Citation, find_page
from policy_archive.pipelines.outputs.history import describe_interval
from policy_archive.pipelines.store.queries import Row

_FEWEST_CUT_WORDS = 12
_EDGE_WORDS = 5
"""Words of a text fragment's start and end; shorter paragraphs stand in it whole."""
_LONGEST_PREVIEW = 280
"""Characters of a preview's description that the programs which show them keep."""


@dataclass(frozen=True, kw_only=True)
class Quote:
    """A paragraph that somebody wants to quote."""

    number: int
    text: str
    whole: str
    """To be copied: the words, what they are of and when they stood, where to see them, and their digest."""


@dataclass(frozen=True, kw_only=True)
class Meta:
    """What stands in a page's head for programs."""

    title: str
    description: str
    address: str
    """Of the page, as it is to be kept."""
    reference: tuple[tuple[str, str], ...] = ()
    """(name, content) of the elements that reference managers read."""


@dataclass(frozen=True, kw_only=True)
class QuoteFrame:
    """What stands around the words of any paragraph of a version when it is quoted."""

    before_number: str
    """Whose text it is, up to the paragraph's number."""
    after_number: str
    proof: str
    """The last lines."""


def frame_quote(version: Row) -> QuoteFrame:
    """Return what a quotation of a version says beside the words, their number and their address."""
    kind = describe_kind(version["kind"], version["name"])
    came = "came" if version["changed_after"] else "was"
    return QuoteFrame(
        before_number=f"{version['site']}, {kind}, paragraph ",
        after_number=f" of the version that {came} {describe_interval(version)}; "
        f"last seen {version['last_captured'][:10]}.",
        proof=f"Capture: {find_page(version) or version['url']}\nText: sha256:{version['text_sha256']}\n",
    )


def build_quote(version: Row, *, number: int, text: str, address: str) -> Quote:
    """Return a paragraph with all that proves it. `address` is that of the paragraph, whole if it can be."""
    frame = frame_quote(version)
    whole = (
        f"“{text}”\n{frame.before_number}{number}{frame.after_number}\n"
        f"{address}#p{number}{write_fragment(text)}\n{frame.proof}"
    )
    return Quote(number=number, text=text, whole=whole)


def write_fragment(text: str) -> str:
    """Return the end of an address that leads a browser to these words, wherever they stand on the page now.

    Source: WICG, Scroll To Text Fragment; browsers that do not know it go by what stands before it.

    >>> write_fragment("We sell, at-cost.")
    ':~:text=We%20sell%2C%20at%2Dcost.'
    """
    words = text.split()
    if not words:
        return ""
    if len(words) <= _FEWEST_CUT_WORDS:
        return f":~:text={_quote(words)}"
    return f":~:text={_quote(words[:_EDGE_WORDS])},{_quote(words[-_EDGE_WORDS:])}"


def _quote(words: Iterable[str]) -> str:
    # a hyphen parts the fragment's own pieces
    return quote(" ".join(words), safe="").replace("-", "%2D")


def describe_version_page(
    version: Row, citation: Citation, *, address: str, quoted: Quote | None, text: str
) -> Meta:
    """Return the head of a version's page: its preview has the paragraph that is quoted, else `text`."""
    kind = describe_kind(version["kind"], version["name"])
    title = f"{version['site']}: {kind}, {describe_interval(version)}"
    description = f"“{quoted.text}”" if quoted else text
    return Meta(
        title=title,
        description=_shorten(description),
        address=f"{address}?p={quoted.number}" if quoted else address,
        reference=_refer(version, citation, address=address, title=version["title"] or kind.capitalize()),
    )


def describe_change_page(
    old: Row, new: Row, citation: Citation | None, *, address: str, said: str, gist: str
) -> Meta:
    """Return the head of a difference's page. `said`: what changed in plain words, '' where too long."""
    kind = describe_kind(new["kind"], new["name"])
    same = all(old[key] == new[key] for key in ("site", "kind", "name"))
    when = (
        describe_interval(new)
        if citation
        else f"{old['first_captured'][:10]} to {new['first_captured'][:10]}"
    )
    title = f"What changed in the {kind} of {new['site']}" if same else f"{old['site']} and {new['site']}"
    return Meta(
        title=f"{title}, {when}",
        description=_shorten(said or gist),
        address=address,
        reference=_refer(new, citation, address=address, title=f"{title}, {when}") if citation else (),
    )


def _refer(version: Row, citation: Citation, *, address: str, title: str) -> tuple[tuple[str, str], ...]:
    """Return what Zotero's translator “Embedded Metadata” and its kin read.

    Of a page with `citation_title` alone they make an article of a journal: that it is a web page is said by
    `og:type` (layout.html), which goes before. `DC.source` is the name of the web site in the reference.
    """
    given = {
        "citation_title": " ".join(title.split()),
        "citation_author": version["site"],
        "citation_publication_date": version["first_captured"][:10].replace("-", "/"),
        "citation_publisher": citation.archive,
        "citation_language": version["language"] or "",
        "citation_public_url": address,
        "citation_abstract": citation.text,
        "DC.title": " ".join(title.split()),
        "DC.creator": version["site"],
        "DC.date": version["first_captured"][:10],
        "DC.source": version["site"],
        "DC.identifier": citation.url,
        "DC.language": version["language"] or "",
    }
    return tuple((name, content) for name, content in given.items() if content)


def plain_quote(quote_html: str) -> str:
    """Return a quotation of a change in words alone, for where there are no colours.

    >>> plain_quote("We <del>keep </del><ins>sell </ins>it.")
    'We [−keep] [+sell] it.'
    """
    marked = re.sub(r"<(del|ins)>(.*?)(\s*)</\1>", _mark, quote_html, flags=re.DOTALL)
    return unescape(marked).strip()


def _mark(match: re.Match[str]) -> str:
    return f"[{'−' if match[1] == 'del' else '+'}{match[2]}]{match[3]}"


def _shorten(text: str) -> str:
    words = " ".join(text.split())
    if len(words) <= _LONGEST_PREVIEW:
        return words
    return words[:_LONGEST_PREVIEW].rpartition(" ")[0] + " …"
