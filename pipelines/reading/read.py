"""One captured body → `Reading`: its text, what it is, whose it is, and the policies that it links to."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from policy_archive.crawler.core.cache import remembered
from policy_archive.crawler.core.errors import ExtractionError
from policy_archive.crawler.core.records import (
    Document,
    Extraction,
    HomePage,
    Kind,
    Outcome,
    Owner,
    Reading,
    Verdict,
)
from policy_archive.crawler.core.vocabularies import PageClass
from policy_archive.crawler.discovery.links import find_policy_links
from policy_archive.pipelines.extract.body.ways import Way
from policy_archive.pipelines.extract.everything import read_lines
from policy_archive.pipelines.extract.extraction import ExtractedPage, extract_page, parse_page
from policy_archive.pipelines.extract.source.decode import decode_body, unpack_body
from policy_archive.pipelines.extract.source.media import Media, sniff_media
from policy_archive.pipelines.judging.owner import judge_owner
from policy_archive.pipelines.judging.page import AS_HOME, TITLED_AS_HOME, hold_against_home, judge_page


def read_body(
    body: bytes,
    *,
    document: Document,
    url: str,
    timestamp: str,
    content_type: str | None,
    way: Way = Way.CHOSEN,
    home: HomePage | None = None,
) -> Reading:
    """Return what a body turned out to be; never raises ExtractionError, its outcome is the reading's.

    `url` is the page's own address, `timestamp` the capture's 14 digits, `content_type` as captured.
    Of a home page only links and lines are read. `way` is how the body of a page is chosen. `home` is the
    site's home page of that time, if one is stored: archives hold front pages at the addresses of policies.
    """
    try:
        if document.kind is Kind.HOME:
            return _read_home(body, url, content_type)
        page = extract_page(
            body, url=url, timestamp=timestamp, content_type=content_type, kind=document.kind, way=way
        )
    except ExtractionError as error:
        return Reading(outcome=Outcome(error.outcome), reason=str(error))
    return _judge(page, document, url, home)


def _read_home(body: bytes, url: str, content_type: str | None) -> Reading:
    body = unpack_body(body)
    if not body.strip():
        raise ExtractionError("the body holds no bytes", outcome=Outcome.EMPTY)
    if sniff_media(body, content_type) is not Media.PAGE:
        raise ExtractionError(f"no page ({content_type or 'unknown type'})", outcome=Outcome.NOT_TEXT)
    tree = parse_page(decode_body(body, content_type))
    links = find_policy_links(tree, url=url)
    return Reading(outcome=Outcome.HOME, links=links, lines=read_lines(tree))


def _judge(page: ExtractedPage, document: Document, url: str, home: HomePage | None) -> Reading:
    extraction = page.extraction
    links = find_policy_links(page.tree, url=url, seen=page.seen) if page.tree is not None else ()
    if extraction.frame_url and not extraction.text.strip():
        reason = f"a frameset; its main frame is {extraction.frame_url}"
        return Reading(outcome=Outcome.EMPTY, reason=reason, extraction=extraction, links=links)
    verdict = judge_page(
        extraction,
        tree=page.tree,
        url=url,
        expected=document.kind,
        home_text=partial(_read_home_text, home, document.kind) if home else "",
        home_title=partial(_read_home_title, home, document.kind) if home else "",
    )
    owner = judge_owner(extraction, site=document.site, url=url, links=links)
    outcome, reason = _decide(extraction, verdict, owner, document)
    return Reading(
        outcome=outcome, reason=reason, extraction=extraction, verdict=verdict, owner=owner, links=links
    )


def read_unknown(
    body: bytes, *, site: str, kind: Kind, sure: bool, url: str, timestamp: str, content_type: str | None
) -> tuple[Kind, Reading]:
    """Return what a body turned out to be, and as which kind it was read, when nobody knows the document.

    `kind` is what its address promises; of one that promises nothing (`sure` is false), and of a policy of
    another kind, the reading is that of the kind it turns out to be. Either is what `read_body` gives for it.
    """
    document = Document(site=site, kind=kind)
    if kind is Kind.HOME:
        facts = {"url": url, "timestamp": timestamp, "content_type": content_type}
        return kind, read_body(body, document=document, **facts)  # type: ignore[arg-type]
    try:
        page = extract_page(body, url=url, timestamp=timestamp, content_type=content_type, kind=kind)
        reading = _judge(page, document, url, None)
        found = reading.verdict.kind if reading.verdict else None
        if found in (None, kind) or (sure and reading.outcome is not Outcome.OTHER_KIND):
            return kind, reading
        assert found is not None
        # the kind says which document of several is taken; of one alone the text is the same
        if page.extraction.documents_on_page > 1:
            page = extract_page(body, url=url, timestamp=timestamp, content_type=content_type, kind=found)
        again = _judge(page, Document(site=site, kind=found), url, None)
    except ExtractionError as error:
        return kind, Reading(outcome=Outcome(error.outcome), reason=str(error))
    return (found, again) if again.outcome.is_text else (kind, reading)


def read_with_home(reading: Reading, document: Document, home: HomePage) -> Reading:
    """Return what `read_body` makes of a page with its site's home page, given its reading without one."""
    extraction, verdict, owner = reading.extraction, reading.verdict, reading.owner
    if extraction is None or verdict is None or owner is None:
        return reading
    held = hold_against_home(
        verdict,
        extraction,
        home_text=partial(_read_home_text, home, document.kind),
        home_title=partial(_read_home_title, home, document.kind),
    )
    if held == verdict:
        return reading
    outcome, reason = _decide(extraction, held, owner, document)
    return replace(reading, outcome=outcome, reason=reason, verdict=held)


def _read_home_text(home: HomePage, kind: Kind) -> str:
    return _extract_home(home.url, home, kind)[1]


def _read_home_title(home: HomePage, kind: Kind) -> str:
    return _extract_home(home.url, home, kind)[0]


@remembered(4)
def _extract_home(key: str, home: HomePage, kind: Kind) -> tuple[str, str]:
    """Return a home page's title and text, read as the page that it is held against; '' of what it has not.

    The captures of a policy have few home pages between them. `key` is what `remembered` measures.
    """
    try:
        page = extract_page(
            home.body, url=home.url, timestamp=home.timestamp, content_type=home.content_type, kind=kind
        )
    except ExtractionError:
        return "", ""
    return page.extraction.title, page.extraction.text


def _decide(
    extraction: Extraction, verdict: Verdict, owner: Owner, document: Document
) -> tuple[Outcome, str]:
    """Return the outcome, with the reason for every outcome but a policy of the document's own."""
    if verdict.page_class is PageClass.EMPTY:
        return Outcome.EMPTY, verdict.reason
    if verdict.page_class is not PageClass.POLICY:
        beside = verdict.reason in (AS_HOME, TITLED_AS_HOME)
        what = f"{verdict.page_class}: {verdict.reason}" if beside else verdict.page_class
        return Outcome.NOT_A_POLICY, what
    if owner.relation.is_somebody_else:
        return Outcome.FOREIGN, f"{owner.relation}: {owner.reason}"
    # a page of several documents holds its kind beside others; `other` is every kind
    expected = verdict.kind is document.kind or document.kind is Kind.OTHER
    if not expected and extraction.documents_on_page == 1:
        return Outcome.OTHER_KIND, verdict.reason
    lost = (
        f"{extraction.lost_share:.2%} of the words are missing, by no rule" if extraction.lost_share else ""
    )
    return extraction.outcome, lost
