"""A page's tree → the text of the document on it, in the corpus's Markdown."""

from __future__ import annotations

from dataclasses import dataclass

from lxml.html import HtmlElement

from policy_archive.crawler.core.cache import remembered
from policy_archive.crawler.core.records import Kind
from policy_archive.pipelines.extract.body.choose import Body, choose_body, kept_blocks, narrow_body
from policy_archive.pipelines.extract.body.documents import choose_part, find_parts, find_target
from policy_archive.pipelines.extract.body.ways import Way
from policy_archive.pipelines.extract.conservation import LeftOut, account_for, find_lost_share
from policy_archive.pipelines.extract.explain import PagePart, explain
from policy_archive.pipelines.extract.links import LinkReader, fragment_of
from policy_archive.pipelines.extract.markdown.build import build_pieces
from policy_archive.pipelines.extract.markdown.render import Rendered, render, render_lines
from policy_archive.pipelines.extract.markdown.trim import split_rim
from policy_archive.pipelines.extract.outline import Outline, outline_page
from policy_archive.pipelines.extract.places import Places
from policy_archive.pipelines.extract.source.fingerprint import Fingerprint, fingerprint


@dataclass(frozen=True, kw_only=True)
class PageText:
    """What a page says, and how well it was got hold of."""

    text: str
    """Markdown, one newline at the end; '' when the page holds no text."""
    title: str
    """The page's <title>, white space folded; '' when it has none."""
    kept_share: float
    """Share of the page's visible prose that the text holds, 0 to 1."""
    hidden_text_used: bool
    documents_on_page: int
    line_places: tuple[int, ...] = ()
    """Of each line of the text, as in `Extraction`."""
    parts: tuple[PagePart, ...] = ()
    """What became of each part of the page, where that was asked."""
    lost_share: float = 0.0
    """Share of the words of the chosen body that are not in the text and that no rule left out, 0 to 1."""
    frame_url: str | None
    """Main frame of a frameset: the text is there."""


def transform_page(
    tree: HtmlElement,
    *,
    url: str,
    kind: Kind | None = None,
    way: Way = Way.CHOSEN,
    explained: bool = False,
) -> PageText:
    """Return the text of the document that a page holds. The tree is left as it was.

    `url` is the page's address, '' when unknown; `kind` is the kind of document wanted, for pages
    that hold several; `way` is how the body is chosen; `explained` asks for the fate of each part.
    """
    outline = outline_page(tree)
    body = choose_body(tree, outline, way)
    within = outline.ranges.get(body.root, (0, 0))
    parts = find_parts(within, outline, tree)
    fragment = fragment_of(url)
    part = find_target(fragment, within, outline, tree) if fragment else None
    part = part or choose_part(parts, kind)
    if part is not None:
        body = narrow_body(body, part, outline)
    kept = kept_blocks(body, outline)
    links = LinkReader(tree, url)
    places = Places(outline, kept)
    seen = () if explained else _seen_of(body)
    write = _write_once if seen else _write
    around = _around(body, places) if seen else ""
    written = write(around, seen, links.page, links.base, any(kept), body=body, links=links, places=places)
    return PageText(
        text=written.rendered.text,
        line_places=written.rendered.places,
        lost_share=written.lost_share,
        parts=_explain(outline, body, written) if explained else (),
        title=read_title(tree),
        kept_share=_kept_share(kept, outline),
        hidden_text_used=any(
            is_kept and block.hidden for block, is_kept in zip(outline.blocks, kept, strict=True)
        ),
        documents_on_page=max(1, len(parts)),
        frame_url=None,
    )


def _parts_of(body: Body) -> list[HtmlElement]:
    return [body.root, *([] if body.title is None else [body.title])]


def _seen_of(body: Body) -> tuple[Fingerprint, ...]:
    """Return what stands for the parts that a text is made of; () for a body too large to be kept."""
    seen = [fingerprint(part) for part in _parts_of(body)]
    return tuple(one for one in seen if one) if all(seen) else ()


def _around(body: Body, places: Places) -> str:
    """Return all that the text of a body hangs on beside those parts."""
    dropped = [
        (number, body.dropped[one]) for number, one in enumerate(body.root.iter()) if one in body.dropped
    ]
    return f"{dropped} {[(places.within(part), _beside(part)) for part in _parts_of(body)]}"


def _beside(element: HtmlElement) -> tuple[object, ...]:
    """Return what is looked at around an element from within: the tags above, the text beside it."""
    before, above = element.getprevious(), element.getparent()
    text = (above.text if above is not None else "") if before is None else before.tail
    return [str(one.tag) for one in element.iterancestors()], text, element.tail


@dataclass(frozen=True, slots=True)
class _Written:
    """The text of a body, and what became of its words."""

    rendered: Rendered
    passing: tuple[LeftOut, ...]
    """Lines that went after the tree had been left."""
    lost_share: float


def _write(
    around: str,
    seen: tuple[Fingerprint, ...],
    page: str,
    base: str,
    has_text: bool,
    /,
    *,
    body: Body,
    links: LinkReader,
    places: Places,
) -> _Written:
    """Return the text of a body and what became of its words; of two that look the same the same."""
    pieces = build_pieces(body.root, dropped=body.dropped, link_mark=links.mark, place_of=places.of)
    if body.title is not None:
        pieces = (*build_pieces(body.title, link_mark=links.mark, place_of=places.of), *pieces)
    trimmed = split_rim(pieces)
    rendered = render_lines(trimmed.pieces) if has_text else Rendered("", ())
    passing = tuple(LeftOut("passing-line", 0, render((piece,))) for piece in trimmed.dropped)
    lost = find_lost_share(body.root, _own_text(body, rendered), dropped=body.dropped, also=passing)
    return _Written(rendered, passing, lost)


_write_once = remembered(64)(_write)


def _own_text(body: Body, rendered: Rendered) -> str:
    """Return the text without a title that stood outside the body: its words prove nothing."""
    return rendered.text if body.title is None else rendered.text.partition("\n")[2]


def _explain(outline: Outline, body: Body, written: _Written) -> tuple[PagePart, ...]:
    text = _own_text(body, written.rendered)
    return explain(outline, body, account_for(body.root, text, dropped=body.dropped, also=written.passing))


def read_title(tree: HtmlElement) -> str:
    """Return the page's <title>, white space folded; '' when it has none."""
    for element in tree.iter("title"):
        if next(element.iterancestors("svg"), None) is None:
            return " ".join("".join(element.itertext()).split())
    return ""


def _kept_share(kept: list[bool], outline: Outline) -> float:
    """Return the share of visible prose that is kept; hidden prose counts where it was kept."""
    blocks = zip(outline.blocks, kept, strict=True)
    prose = [
        (block.words, is_kept)
        for block, is_kept in blocks
        if block.is_prose and (is_kept or not block.hidden)
    ]
    total = sum(words for words, _ in prose)
    return sum(words for words, is_kept in prose if is_kept) / total if total else 1.0
