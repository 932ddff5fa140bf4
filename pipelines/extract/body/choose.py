"""Which part of a page is its body: what trafilatura chose, mapped back, grown and trimmed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from lxml.html import HtmlElement

from policy_archive.pipelines.extract.body.boilerplate import (
    count_controls,
    has_fields,
    is_banner,
    is_dialog,
    is_furniture,
    is_main,
    is_named_dialog,
    is_named_furniture,
    is_overlay,
    is_site_name,
)
from policy_archive.pipelines.extract.body.regions import BOXES, LONGEST_BOX, Regions, has_heading
from policy_archive.pipelines.extract.body.trafilatura_choice import guide
from policy_archive.pipelines.extract.outline import HEADINGS, LISTS, Outline, Span
from policy_archive.pipelines.extract.tables import grid, is_layout

_WORDS_A_CONTROL = 25
"""Of a section with a button in it ("Cookie settings"); banners have fewer."""

_CELLS = frozenset(("table", "tbody", "tr", "td"))


@dataclass(frozen=True, kw_only=True)
class Body:
    """The chosen part of a page."""

    root: HtmlElement
    dropped: frozenset[HtmlElement]
    """Elements inside the root that are no part of the body."""
    title: HtmlElement | None
    """The page's first heading, when it stands outside the root."""


def choose_body(tree: HtmlElement, outline: Outline) -> Body:
    """Return the part of a page that holds the document, or the documents."""
    page = tree.find("body")
    page = tree if page is None else page
    if page not in outline.ranges:
        return Body(root=page, dropped=frozenset(), title=None)
    choice = _Choice(page, outline, guide(outline))
    choice.grow()
    choice.drop_neighbours()
    choice.drop_furniture()
    choice.drop_twins()
    choice.trim()
    return Body(root=choice.root, dropped=frozenset(choice.dropped), title=choice.title_outside())


class _Choice(Regions):
    """A root and what is dropped inside it, changed step by step."""

    def __init__(self, page: HtmlElement, outline: Outline, chosen: frozenset[int]) -> None:
        super().__init__(outline)
        self._page = page
        self._taken = list(
            accumulate(
                (block.words if number in chosen else 0 for number, block in enumerate(outline.blocks)),
                initial=0,
            )
        )
        self._main = self._find_main()
        self.root = self._match()
        headings = [element for element in outline.ranges if element.tag in HEADINGS]
        self._headings = sorted(headings, key=outline.ranges.__getitem__)
        self._titles = self._find_titles()
        self.dropped: set[HtmlElement] = set()

    def _chosen(self, element: HtmlElement) -> int:
        start, end = self._outline.ranges[element]
        return self._taken[end] - self._taken[start]

    def _match(self) -> HtmlElement:
        """Return the container whose words agree best (F1) with what was chosen; without any, the page."""
        best, best_score = self._page, 0.0
        for element in self._outline.ranges:
            if element.tag == "html":
                continue
            score = self._chosen(element) / (self.words(element) + self._taken[-1] + 1)
            if score > best_score or (score == best_score and score and _is_inside(best, element)):
                best, best_score = element, score
        return best

    def _find_titles(self) -> frozenset[HtmlElement]:
        """Return the headings that may be the document's title: every h1, but not the site's name.

        Without any, one: of the highest level up to the text's end, the last one not below its beginning.
        """
        names = [heading for heading in self._headings if not is_site_name(heading)]
        if any(heading.tag == "h1" for heading in names):
            return frozenset(heading for heading in names if heading.tag == "h1")
        first, last = self._outline.ranges[self.root]
        starts = {name: start for name in names if (start := self._outline.ranges[name][0]) < last}
        highest = min((str(name.tag) for name in starts), default=None)
        titles = [name for name in starts if name.tag == highest]
        above = [name for name in titles if starts[name] <= first]
        return frozenset(above[-1:] or titles[:1])

    def _find_main(self) -> HtmlElement | None:
        """Return the page's only <main>, if at least half of its prose stands in it."""
        mains = [element for element in self._outline.ranges if is_main(element)]
        outermost = [main for main in mains if not any(other in main.iterancestors() for other in mains)]
        if len(outermost) != 1 or self.prose(outermost[0]) * 2 < self.prose(self._page):
            return None
        return outermost[0]

    def grow(self) -> None:
        """Climb to the page; at each level take in the siblings up to the last content on either side."""
        inner = self.root
        skipped: list[HtmlElement] = []
        while inner is not self._page:
            outer = self._outline.parents[inner]
            siblings = self.children(outer)
            here = siblings.index(inner)
            first, last = self._reach(siblings, here)
            beyond = [sibling for index, sibling in enumerate(siblings) if not first <= index <= last]
            if (first, last) != (here, here) or self.holds_loose_prose(outer):
                self.root = outer
                self.dropped.update(skipped, beyond)
                skipped = []
            else:
                skipped += beyond
            inner = outer

    def _reach(self, siblings: Sequence[HtmlElement], here: int) -> tuple[int, int]:
        content = [
            index
            for index, sibling in enumerate(siblings)
            if index == here or self._is_content(sibling) or (index == here - 1 and self._leads_in(sibling))
        ]
        return min(content), max(content)

    def _leads_in(self, element: HtmlElement) -> bool:
        """Tell what belongs to the text right below it: its heading, or the date that it was updated."""
        heading = self.is_lone_heading(element) and not self.holds_site_name(element)
        return heading or self.states_date(element)

    def _is_content(self, element: HtmlElement) -> bool:
        """Tell whether a sibling of the body belongs to it: prose, or chosen, and not furniture."""
        words = self.words(element)
        chosen_share = self._chosen(element) / words
        if self._is_title_box(element):
            return True
        named = is_banner(element) or (self._is_named(element) and not self._is_section(element))
        if named and words * 10 < self.words(self._page) * 3:
            return False
        if self._is_beside_main(element):
            return False
        minor = self.prose(element) * 2 < self.prose(self._page)
        if minor and (self.holds_furniture(element) or (chosen_share < 0.2 and count_controls(element) > 1)):
            return False
        prose = self.prose(element) * 2 >= words
        return prose or (chosen_share >= 0.5 and self.linked(element) * 2 < words)

    def _is_beside_main(self, element: HtmlElement) -> bool:
        """Tell what stands outside of the page's <main>, if that holds most of its prose, and says little."""
        if self._main is None or element is self._main or self._main in element.iterancestors():
            return False
        return self.prose(element) * 5 < self.prose(self._main)

    def _is_small(self, element: HtmlElement) -> bool:
        return self.words(element) * 10 < self.words(self.root) * 3

    def _is_title_box(self, element: HtmlElement) -> bool:
        """Tell a box with the title and little else; the title itself may be a link to its own page."""
        titles = [title for title in element.iter(*HEADINGS) if title in self._titles]
        words, linked = self.words(element), self.linked(element) - sum(map(self.linked, titles))
        return bool(titles) and words <= LONGEST_BOX and linked * 5 <= words

    def _is_lone_title(self, element: HtmlElement) -> bool:
        """Tell the document's title without anything beside it."""
        return self.is_lone_heading(element) and self._is_title_box(element)

    def _is_named(self, element: HtmlElement) -> bool:
        return is_named_furniture(element) or is_named_dialog(element)

    def _is_section(self, element: HtmlElement) -> bool:
        """Tell a section of the document, whatever its name: "cookies", "share", "section-header".

        It begins with a heading and is prose. Consent banners and forms to sign up can be so, too; but
        a section's heading is of a level that the text has, or it has text on both sides and no fields.
        """
        words = self.words(element)
        level = self.first_heading(element)
        if level is None or is_overlay(element) or self.is_imprint(element):
            return False
        if self.prose(element) * 2 < words or self.linked(element) * 10 > words:
            return False
        within = [heading for heading in self._headings if heading.tag == level]
        alike = any(element not in other.iterancestors() and self._is_in_root(other) for other in within)
        if alike and count_controls(element) * _WORDS_A_CONTROL <= words:
            return True
        siblings = self.siblings(element)
        here = siblings.index(element)
        flanked = any(map(self.prose, siblings[:here])) and any(map(self.prose, siblings[here + 1 :]))
        return flanked and not has_fields(element)

    def _is_in_root(self, element: HtmlElement) -> bool:
        return self.root is element or self.root in element.iterancestors()

    def drop_neighbours(self) -> None:
        """Drop boxes beside the one that holds the title and nearly all prose, if they lead elsewhere."""
        bulk = self.root
        while bulk is not None:
            inside = [child for child in self.children(bulk) if child not in self.dropped]
            bulk = self._find_bulk(bulk, inside)
            if bulk is not None:
                here = inside.index(bulk)
                self.dropped.update(
                    box
                    for index, box in enumerate(inside)
                    if box is not bulk and self._is_neighbour(box, bulk, after=index > here)
                )

    def _find_bulk(self, element: HtmlElement, children: Sequence[HtmlElement]) -> HtmlElement | None:
        """Return the child with at least four fifths of an element's prose, the title in or above it."""
        bulk = max(children, key=self.prose, default=None)
        if bulk is None or self.prose(bulk) * 5 < self.prose(element) * 4 or not self.prose(bulk):
            return None
        _, end = self._outline.ranges[bulk]
        titled = any(self._outline.ranges[title][0] < end and self._is_kept(title) for title in self._titles)
        return bulk if titled else None

    def _is_neighbour(self, box: HtmlElement, bulk: HtmlElement, *, after: bool) -> bool:
        """Tell a box of little prose that leads elsewhere: a teaser, an offer, a form, an imprint."""
        if not _are_boxes(box, bulk) or self._is_title_box(box) or self.states_date(box):
            return False
        if self.prose(box) * 10 > self.prose(bulk) or self._is_section(box):
            return False
        if not after and (has_heading(box) or not self._is_above_title(box)):
            return False
        if self.leads_into_site(box) or count_controls(box) > 0:
            return True
        return after and self.is_imprint(box)

    def drop_furniture(self) -> None:
        """Drop menus, dialogs and the like inside the root, each only if it is a small part of it."""
        if self.root not in self._outline.ranges:
            return
        for element in self._inside(self.root):
            if self._is_small(element) and self._is_dead_weight(element):
                self.dropped.add(element)

    def _inside(self, element: HtmlElement) -> Iterator[HtmlElement]:
        """Yield the containers inside one, outermost first, nothing below what is dropped."""
        for child in self.children(element):
            if child not in self.dropped:
                yield child
                if child not in self.dropped:
                    yield from self._inside(child)

    def _is_dead_weight(self, element: HtmlElement) -> bool:
        if is_dialog(element) or is_banner(element) or self.is_widget(element):
            return True
        if is_named_dialog(element) and not self._is_section(element):
            return True
        return is_furniture(element) and self.linked(element) * 2 >= self.words(element)

    def drop_twins(self) -> None:
        """Drop a second copy of the document, word for word, as pages for two screen sizes have it.

        A section that comes twice (rights in Europe, rights in California) is no copy of the document.
        """
        seen: dict[int, HtmlElement] = {}
        for element in list(self._inside(self.root)):
            start, end = self._outline.ranges[element]
            if self._is_small(element) or any(above in self.dropped for above in element.iterancestors()):
                continue
            text = hash(tuple(block.text.strip() for block in self._outline.blocks[start:end]))
            first = seen.setdefault(text, element)
            if self._outline.ranges[first][1] <= start:
                self.dropped.add(element)

    def trim(self) -> None:
        """Drop what stands at both ends of the root and is mostly links or buttons."""
        for backwards in (False, True):
            self._trim(self.root, backwards)

    def _trim(self, element: HtmlElement, backwards: bool) -> None:
        if element.tag in LISTS or (element.tag == "table" and not is_layout(element, grid(element))):
            return  # the links of a table of contents are no skip links, a row of links is data
        children = [child for child in self.children(element) if child not in self.dropped]
        for child in reversed(children) if backwards else children:
            whole = self._outline.ranges[child] == self._outline.ranges[element]
            if whole or not self._is_rim(child, backwards):
                break
            self.dropped.add(child)
        else:
            return
        if not backwards and not whole and self._is_lone_title(child):
            self._trim_below_title(children[children.index(child) + 1 :])
        else:
            self._trim(child, backwards)

    def _trim_below_title(self, siblings: Iterable[HtmlElement]) -> None:
        """Drop the links between the title and the text: to print, to share, to other documents."""
        for sibling in siblings:
            links = self.linked(sibling) and next(sibling.iter("a"), None) is not None
            if not links or has_heading(sibling) or not self._is_rim(sibling, backwards=False):
                return
            self.dropped.add(sibling)

    def _is_rim(self, element: HtmlElement, backwards: bool) -> bool:
        if element.tag in HEADINGS or (not backwards and self.is_lone_heading(element)):
            return self.holds_site_name(element)
        if not self._is_small(element) or self.states_date(element):
            return False
        if self.holds_furniture(element) or (self._is_named(element) and not self._is_section(element)):
            return self._titles.isdisjoint(element.iter(*HEADINGS))
        if self.prose(element):
            return self.is_notice(element) and self._is_above_title(element)
        if element.tag == "th" or element.find(".//th") is not None:
            return False
        if self.leads_nowhere(element) or (self.linked(element) and self._is_above_headings(element)):
            return True
        if self.linked(element) * 2 >= self.words(element) and not self.stands_in_text(
            element, backwards=backwards
        ):
            return True
        return self.is_lone_jump(element, backwards=backwards) or (backwards and self.is_imprint(element))

    def _is_above_headings(self, element: HtmlElement) -> bool:
        """Tell what stands between the top of the body and its first heading: breadcrumbs, links to print."""
        return self._is_above(element, self._headings)

    def _is_above_title(self, element: HtmlElement) -> bool:
        return self._is_above(element, (name for name in self._headings if name in self._titles))

    def _is_above(self, element: HtmlElement, headings: Iterable[HtmlElement]) -> bool:
        _, end = self._outline.ranges[element]
        first, last = self._outline.ranges[self.root]
        starts = (self._outline.ranges[heading][0] for heading in headings if self._is_kept(heading))
        return first < end <= next(starts, first) < last

    def title_outside(self) -> HtmlElement | None:
        """Return the page's h1 when the body has none: the last one before it, else the first one outside."""
        titles = [title for title in self._titles if title.tag == "h1"]
        titles.sort(key=lambda element: self._outline.ranges[element])
        if self.root.tag == "h1" or any(map(self._is_kept, titles)):
            return None
        start = self._first_block()
        before = [title for title in titles if self._outline.ranges[title][0] < start]
        outside = [title for title in titles if self.root not in title.iterancestors()]
        return (before[-1:] or outside[:1] or [None])[0]

    def _is_kept(self, element: HtmlElement) -> bool:
        return self._is_in_root(element) and self.dropped.isdisjoint((element, *element.iterancestors()))

    def _first_block(self) -> int:
        """Return the number of the first block of the root that is not dropped."""
        start, _ = self._outline.ranges[self.root]
        for first, last in sorted(self._outline.ranges[element] for element in self.dropped):
            if first <= start < last:
                start = last
        return start


def kept_blocks(body: Body, outline: Outline) -> list[bool]:
    """Return, for every block of the page, whether it is in the body."""
    start, end = outline.ranges.get(body.root, (0, 0))
    kept = [start <= number < end for number in range(len(outline.blocks))]
    spans = [outline.ranges[element] for element in body.dropped if element in outline.ranges]
    if body.title in outline.ranges:
        first, last = outline.ranges[body.title]
        kept[first:last] = [True] * (last - first)
    for first, last in spans:
        kept[first:last] = [False] * (last - first)
    return kept


def narrow_body(body: Body, span: Span, outline: Outline) -> Body:
    """Return a body cut down to some of its blocks."""
    outside: set[HtmlElement] = set()
    root = body.root
    for element, (start, end) in sorted(outline.ranges.items(), key=lambda pair: (pair[1][0], -pair[1][1])):
        if start <= span[0] and span[1] <= end:
            root = element
        elif end <= span[0] or span[1] <= start:
            outside.add(element)
    return Body(root=root, dropped=body.dropped | outside, title=None)


def _are_boxes(one: HtmlElement, other: HtmlElement) -> bool:
    """Tell two boxes, or two tables or cells, that are not called the same."""
    kinds = [BOXES | {"main", "article"}, _CELLS]
    name = one.get("class")
    return any(one.tag in tags and other.tag in tags for tags in kinds) and not (
        name and name == other.get("class")
    )


def _is_inside(element: HtmlElement, other: HtmlElement) -> bool:
    return any(ancestor is other for ancestor in element.iterancestors())
