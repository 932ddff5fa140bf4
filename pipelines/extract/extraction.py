"""One body → one `Extraction`, by what kind of thing the body is."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from importlib.metadata import version

from lxml.html import HtmlElement

from policy_archive.crawler.core.cache import remembered
from policy_archive.crawler.core.errors import CdxError, ExtractionError
from policy_archive.crawler.core.records import Extraction, Kind, Outcome
from policy_archive.crawler.core.timestamps import parse_timestamp
from policy_archive.pipelines.extract.body.ways import OTHER_WAYS, Way
from policy_archive.pipelines.extract.characters import normalize_text
from policy_archive.pipelines.extract.dates import find_stated_dates
from policy_archive.pipelines.extract.explain import PagePart
from policy_archive.pipelines.extract.language import identify_language
from policy_archive.pipelines.extract.outline import SKIPPED
from policy_archive.pipelines.extract.page import PageText, transform_page
from policy_archive.pipelines.extract.source.ballast import cut_elements
from policy_archive.pipelines.extract.source.decode import Decoded, decode_body, unpack_body
from policy_archive.pipelines.extract.source.fingerprint import Fingerprint, fingerprint
from policy_archive.pipelines.extract.source.frames import find_main_frame
from policy_archive.pipelines.extract.source.media import Media, sniff_media
from policy_archive.pipelines.extract.source.parse import parse_html, undo_cdata
from policy_archive.pipelines.extract.source.plain import read_plain
from policy_archive.pipelines.text import count_words

MAX_PAGE_CHARACTERS = 5_000_000
"""Of a page's source without scripts, styles and inlined files. The largest of 1,606 real captures has
0.4 million; 4 million of plain paragraphs take 14 s of CPU time, 7.4 million take 26 s."""

TEXTS = 4
"""Raised whenever a page can give another text than before: it is part of the extractor's label, by which
texts of two extractors are told apart. A test holds it against the texts of fifty pages."""

_EMBEDDED = re.compile(r"(?<=[\"'(=])data:[^\"')\s]{200,}", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class ExtractedPage:
    """An extraction, and the tree it was made from, for those who read more than the text."""

    extraction: Extraction
    tree: HtmlElement | None
    """None for plain text and PDF."""
    seen: Fingerprint | None = None
    """What the page's reading looks at; None where nothing should be kept of it."""
    elements: tuple[HtmlElement, ...] = field(default=(), repr=False)
    """All of a tree that was read, held: lxml builds the Python side of an element anew at each touch
    otherwise. () where the text is known from an earlier capture."""


def extract(
    body: bytes, *, url: str, timestamp: str, content_type: str | None = None, kind: Kind | None = None
) -> Extraction:
    """Return the text of a captured body, with what a reader should know of its quality.

    `url` is the page's own address ('' when unknown), `timestamp` the capture's 14 digits ('' when
    unknown), `kind` the kind of document wanted, for pages that hold several. The same bytes and
    arguments always give the same result. A frameset gives an empty text with `frame_url`.

    Raises ExtractionError when no text can be had; its `outcome` says why: empty, truncated, bad-encoding,
    too-large, no-text-layer, not-text, extraction-failed.
    """
    return extract_page(body, url=url, timestamp=timestamp, content_type=content_type, kind=kind).extraction


def extract_page(
    body: bytes,
    *,
    url: str,
    timestamp: str,
    content_type: str | None = None,
    kind: Kind | None = None,
    way: Way = Way.CHOSEN,
) -> ExtractedPage:
    """Return what `extract` does, with the tree: it is parsed once. Raises what `extract` raises.

    `way` is how the body of a page is chosen; a text of another way than the first says so in its extractor.
    """
    body = unpack_body(body)
    if not body.strip(b"\0\t\n\f\r "):
        raise ExtractionError("the body holds no bytes", outcome=Outcome.EMPTY)
    media = sniff_media(body, content_type)
    if media is Media.OTHER:
        raise ExtractionError(f"no text ({content_type or 'binary'})", outcome=Outcome.NOT_TEXT)
    if media is Media.PDF:
        from policy_archive.pipelines.extract.source.pdf import read_pdf  # a large library for a few bodies

        pdf = read_pdf(body)
        page = _whole(pdf.text, pdf.title)
        return ExtractedPage(extraction=_complete(page, None, url, timestamp, "pypdfium2"), tree=None)
    decoded = decode_body(body, content_type)
    if media is Media.PLAIN:
        plain = read_plain(decoded.text)
        page = _whole(plain.text, plain.title)
        return ExtractedPage(extraction=_complete(page, decoded, url, timestamp, ""), tree=None)
    tree = _parse_as(decoded, content_type)
    seen = fingerprint(tree)
    held: list[HtmlElement] = []
    read = _read_once if seen else _read_tree
    page = read(url, seen, kind, way, tree=tree, held=held)
    _check_empty(page, tree)
    extraction = _complete(page, decoded, url, timestamp, "trafilatura", tree, way)
    return ExtractedPage(extraction=extraction, tree=tree, seen=seen, elements=tuple(held))


def _read_tree(
    url: str,
    _: Fingerprint | None,
    kind: Kind | None,
    way: Way,
    /,
    *,
    tree: HtmlElement,
    held: list[HtmlElement],
) -> PageText:
    """Return the text of a page; of two with one fingerprint the same. `held` takes its elements."""
    held += tree.iter()
    page = transform_page(tree, url=url, kind=kind, way=way)
    if tree.find(".//frameset") is not None:
        page = replace(page, frame_url=find_main_frame(tree, url=url))
    return page


_read_once = remembered(64)(_read_tree)


def explain_body(
    body: bytes, *, url: str, content_type: str | None = None, kind: Kind | None = None
) -> tuple[PagePart, ...]:
    """Return which rule kept or dropped each part of a page; () for plain text and PDF, kept whole.

    Raises what `extract` raises.
    """
    body = unpack_body(body)
    if sniff_media(body, content_type) is not Media.PAGE:
        return ()
    tree = _parse_as(decode_body(body, content_type), content_type)
    _elements = tuple(tree.iter())  # held, as in ExtractedPage
    return transform_page(tree, url=url, kind=kind, explained=True).parts


def _parse_as(decoded: Decoded, content_type: str | None) -> HtmlElement:
    if "xml" in (content_type or "").lower():
        decoded = replace(decoded, text=undo_cdata(decoded.text))
    return parse_page(decoded)


def parse_page(decoded: Decoded) -> HtmlElement:
    """Return a page's tree; raises ExtractionError `too-large` beyond MAX_PAGE_CHARACTERS."""
    text = decoded.text
    if len(text) > MAX_PAGE_CHARACTERS:
        text = _EMBEDDED.sub("", cut_elements(text, ["script", "style", "svg"]))
    if len(text) > MAX_PAGE_CHARACTERS:
        raise ExtractionError(f"a page of {len(text):,} characters", outcome=Outcome.TOO_LARGE)
    return parse_html(text)


def _whole(text: str, title: str) -> PageText:
    """Return a text of which nothing was left out."""
    if not text:
        raise ExtractionError("nothing but blanks", outcome=Outcome.EMPTY)
    return PageText(
        text=normalize_text(text),
        title=title,
        kept_share=1.0,
        hidden_text_used=False,
        documents_on_page=1,
        frame_url=None,
    )


def _check_empty(page: PageText, tree: HtmlElement) -> None:
    """Raise ExtractionError for a page without text: it is never a version."""
    if page.text.strip() or page.frame_url:
        return
    if _has_text(tree):
        raise ExtractionError("no text found on a page that holds some", outcome=Outcome.EXTRACTION_FAILED)
    raise ExtractionError("the page holds no text without its scripts", outcome=Outcome.EMPTY)


def _has_text(tree: HtmlElement) -> bool:
    body = tree.find("body")
    if body is None:
        return False
    return any(
        (isinstance(element.tag, str) and element.tag not in SKIPPED and (element.text or "").strip())
        or (element is not body and (element.tail or "").strip())
        for element in body.iter()
    )


def _complete(
    page: PageText,
    decoded: Decoded | None,
    url: str,
    timestamp: str,
    library: str,
    tree: HtmlElement | None = None,
    way: Way = Way.CHOSEN,
) -> Extraction:
    """Add to a page's text what is read from the text itself."""
    language, confidence = identify_language(page.text)
    stated = find_stated_dates(page.text, language=language, url=url, captured_on=_day(timestamp))
    return Extraction(
        text=page.text,
        title=normalize_text(page.title or _other_title(tree)),
        language=language,
        language_confidence=confidence,
        words=count_words(page.text),
        stated_dates=stated,
        kept_share=round(page.kept_share, 4),
        replacement_characters=decoded.replacement_characters if decoded else 0,
        charset=decoded.charset if decoded else "",
        hidden_text_used=page.hidden_text_used,
        documents_on_page=page.documents_on_page,
        extractor=_extractor(library, way),
        line_places=page.line_places or (0,) * page.text.count("\n"),
        frame_url=page.frame_url,
        lost_share=page.lost_share,
    )


def _other_title(tree: HtmlElement | None) -> str:
    """Return what a page without <title> calls itself: og:title, else its first h1."""
    if tree is None:
        return ""
    for meta in tree.iter("meta"):
        if meta.get("property") == "og:title" and (meta.get("content") or "").strip():
            return " ".join(meta.get("content", "").split())
    heading = next(tree.iter("h1"), None)
    return "" if heading is None else " ".join("".join(heading.itertext()).split())


def _day(timestamp: str) -> date | None:
    try:
        return parse_timestamp(timestamp).date()
    except CdxError:
        return None


def current_extractors() -> frozenset[str]:
    """Return the labels that this release gives to its extractions."""
    plain = (_extractor(library) for library in ("trafilatura", "pypdfium2", ""))
    return frozenset((*plain, *(_extractor("trafilatura", way) for way in OTHER_WAYS)))


@cache
def _extractor(library: str, way: Way = Way.CHOSEN) -> str:
    names = [f"policy-archive/{version('policy-archive')}.t{TEXTS}"]
    if library:
        names.append(f"{library}/{version(library)}")
    return " ".join(names if way is Way.CHOSEN else [*names, way])
