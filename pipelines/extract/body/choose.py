"""Which part of a page is its body: what trafilatura chose, mapped back, grown and trimmed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from lxml.html import HtmlElement

from policy_archive.pipelines.extract.body.boilerplate import (
    count_controls,
    has_fields,
    is_banner,
    is_consent_tool,
    is_dialog,
    is_furniture,
    is_main,
    is_named_advert,
    is_named_dialog,
    is_named_furniture,
    is_named_menu,
    is_nameless,
    is_overlay,
    is_site_name,
    takes_address,
)
from policy_archive.pipelines.extract.body.documents import name_kind
from policy_archive.pipelines.extract.body.regions import BOXES, LONGEST_BOX, TEXT_TAGS, Regions
from policy_archive.pipelines.extract.body.rules import Decision, Rule, Subject, decide
from policy_archive.pipelines.extract.body.trafilatura_choice import choose_blocks
from policy_archive.pipelines.extract.body.ways import Way
from policy_archive.pipelines.extract.links import is_page_address
from policy_archive.pipelines.extract.outline import HEADINGS, LISTS, Outline, Span, reading_length
from policy_archive.pipelines.extract.tables import grid, is_layout

_WORDS_A_CONTROL = 25
"""Of a section with a button in it ("Cookie settings"); banners have fewer."""

_SHORTEST_TEXT = 60
"""Words of prose beside a dialog that make it one that lies over a text."""

_SMALL_SHARE = 3 / 10
"""Of the root's words (or the page's, while the root is sought): what is larger is no furniture."""
_HALF_SHARE = 1 / 2
"""Of the root's words: a mega menu or a row of teasers has fewer."""
_MENU_PROSE_SHARE = 1 / 4
"""Of the root's prose: a mega menu has no more, in the teasers between its links."""
_FEWEST_TEASERS = 3
_WORDS_WITH_ARTICLE = 6
"""Words beside the link to an article: when it was written, by whom."""
_LONGEST_LABEL = 12
"""Words beside a row of teasers that go with it ("Most popular")."""
_FEWEST_ALIKE = 3
"""Parts under one tag and class that make each of them the document's."""
_BULK_SHARE = 4 / 5
"""Of a box's prose: the child that holds as much is the document, what stands beside it its surroundings."""
_NEIGHBOUR_SHARE = 1 / 10
"""Of the document's prose: a box beside it with more is no teaser."""
_MAIN_SHARE = 1 / 2
"""Of the page's prose: a <main> with as much is believed."""
_BESIDE_MAIN_SHARE = 1 / 5
"""Of the <main>'s prose: what stands outside with less is no content."""
_MINOR_SHARE = 1 / 2
"""Of the page's prose: a sibling with less may be furniture or a form."""
_PROSE_SHARE = 1 / 2
"""Of a part's words in prose blocks: as many make it content."""
_CHOSEN_SHARE = 1 / 2
"""Of a part's words that trafilatura chose: as many make it content."""
_UNCHOSEN_SHARE = 1 / 5
"""Of a part's words that trafilatura chose: fewer, and its buttons tell."""
_LINKED_SHARE = 1 / 2
"""Of a part's words in links: as many make it a menu."""
_TITLE_LINKED_SHARE = 1 / 5
"""Of a title box's words in links, the title's own aside."""
_SECTION_LINKED_SHARE = 1 / 10
"""Of a section's words in links; a menu with a heading has more."""

_CELLS = frozenset(("table", "tbody", "tr", "td"))


@dataclass(frozen=True, kw_only=True)
class Body:
    """The chosen part of a page."""

    root: HtmlElement
    dropped: Mapping[HtmlElement, str]
    """Elements inside the root that are no part of the body, each with the name of the rule that says so."""
    title: HtmlElement | None
    """The page's first heading, when it stands outside the root."""
    kept: Mapping[HtmlElement, str] = field(default_factory=dict)
    """Parts that a rule looked at and kept, each with the last rule that did."""
    outside: Mapping[HtmlElement, str] = field(default_factory=dict)
    """Parts of the page beside the root, each with the rule that left it there."""


def choose_body(tree: HtmlElement, outline: Outline, way: Way = Way.CHOSEN) -> Body:
    """Return the part of a page that holds the document, or the documents, chosen in one of the ways."""
    page = tree.find("body")
    page = tree if page is None else page
    if page not in outline.ranges:
        return Body(root=page, dropped={}, title=None)
    choice = _Choice(page, outline, choose_blocks(outline))
    choice.begin(way)
    if way in (Way.CHOSEN, Way.SECOND):
        choice.grow()
    choice.drop_neighbours()
    choice.drop_furniture()
    choice.drop_twins()
    choice.trim()
    return Body(
        root=choice.root,
        dropped=choice.dropped,
        title=choice.title_outside(),
        kept=choice.kept,
        outside=choice.outside,
    )


class _Choice(Regions):
    """A root and what is dropped inside it, changed step by step."""

    def __init__(self, page: HtmlElement, outline: Outline, chosen: frozenset[int]) -> None:
        super().__init__(page, outline)
        self._page = page
        self._one_name: dict[tuple[HtmlElement, str], bool] = {}
        """Whether most of the page's prose is in boxes of this class inside this one."""
        self._overlays = self._find_overlays()
        chosen = chosen - self._blocks_of(self._overlays)
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
        self.dropped: dict[HtmlElement, str] = {}
        self.kept: dict[HtmlElement, str] = {}
        self.outside: dict[HtmlElement, str] = {}

    def _drops(self, rules: Sequence[Rule[_Choice]], subject: Subject, *, otherwise: Decision) -> bool:
        """Return whether the rules drop a part, and keep in mind which one did or did not."""
        decision = decide(rules, self, subject) or otherwise
        if decision.keeps:
            self.kept[subject.element] = decision.name
        else:
            self.dropped[subject.element] = decision.name
        return not decision.keeps

    def _find_overlays(self) -> frozenset[HtmlElement]:
        """Return boxes that lie over the page, however long, where it has a title and text besides."""
        found = [
            one
            for one in self._outline.ranges
            if not is_nameless(one) and (is_dialog(one) or is_consent_tool(one))
        ]
        if not found:
            return frozenset()
        within = {inner for one in found for inner in one.iter(*HEADINGS)}
        titles = [one for one in self._outline.ranges if one.tag == "h1" and one not in within]
        boxes = frozenset(found)
        outermost = [one for one in found if boxes.isdisjoint(one.iterancestors())]
        prose = self.prose(self._page) - sum(map(self.prose, outermost))
        titled = any(not is_site_name(title) for title in titles)
        return frozenset(outermost if titled and prose >= _SHORTEST_TEXT else ())

    def _blocks_of(self, elements: Iterable[HtmlElement]) -> frozenset[int]:
        return frozenset(number for one in elements for number in range(*self._outline.ranges[one]))

    def _chosen(self, element: HtmlElement) -> int:
        start, end = self._outline.ranges[element]
        return self._taken[end] - self._taken[start]

    def _match(self, beside: HtmlElement | None = None) -> HtmlElement:
        """Return the container whose words agree best (F1) with what was chosen; without any, the page.

        Where `beside` is given, one that neither holds it nor stands in it.
        """
        best, best_score = self._page, 0.0
        for element in self._outline.ranges:
            if element.tag == "html" or (
                beside is not None
                and (element is beside or _is_inside(element, beside) or _is_inside(beside, element))
            ):
                continue
            score = self._chosen(element) / (self.words(element) + self._taken[-1] + 1)
            if score > best_score or (score == best_score and score and _is_inside(best, element)):
                best, best_score = element, score
        return best

    def begin(self, way: Way) -> None:
        """Begin at another root than the one chosen, where another way is asked for."""
        if way is Way.MAIN:
            found = [one for one in self._outline.ranges if is_main(one) or one.tag == "article"]
            self.root = max(found, key=self.prose, default=self._page)
        elif way is Way.PROSE:
            self.root = self._page
            while (child := max(self.children(self.root), key=self.prose, default=None)) is not None:
                if not self.prose(child) or self.prose(child) < self.prose(self._page) * _BULK_SHARE:
                    break
                self.root = child
        elif way is Way.SECOND:
            self.root = self._match(beside=self.root)

    def _find_titles(self) -> frozenset[HtmlElement]:
        """Return the headings that may be the document's title: every h1, but not the site's name.

        Without any, one: the first that names a policy, else of the highest level up to the text's end, the
        last one not below its beginning.
        """
        names = [heading for heading in self._headings if not is_site_name(heading)]
        if any(heading.tag == "h1" for heading in names):
            return frozenset(heading for heading in names if heading.tag == "h1")
        first, last = self._outline.ranges[self.root]
        starts = {name: start for name in names if (start := self._outline.ranges[name][0]) < last}
        policies = [name for name in starts if name_kind(name.text_content()) is not None]
        if policies:
            return frozenset(policies[:1])
        highest = min((str(name.tag) for name in starts), default=None)
        titles = [name for name in starts if name.tag == highest]
        above = [name for name in titles if starts[name] <= first]
        return frozenset(above[-1:] or titles[:1])

    def _find_main(self) -> HtmlElement | None:
        """Return the page's only <main>, if at least half of its prose stands in it."""
        mains = [element for element in self._outline.ranges if is_main(element)]
        outermost = [main for main in mains if not any(other in main.iterancestors() for other in mains)]
        if len(outermost) != 1 or self.prose(outermost[0]) < self.prose(self._page) * _MAIN_SHARE:
            return None
        return outermost[0]

    def grow(self) -> None:
        """Climb to the page; at each level take in the siblings up to the last content on either side."""
        inner = self.root
        while inner is not self._page:
            outer = self._outline.parents[inner]
            siblings = self.children(outer)
            here = siblings.index(inner)
            decisions = {
                sibling: self._decide_sibling(sibling, leading=index == here - 1)
                for index, sibling in enumerate(siblings)
                if index != here
            }
            content = [
                here,
                *(i for i, one in enumerate(siblings) if one in decisions and decisions[one].keeps),
            ]
            first, last = min(content), max(content)
            beyond = [*siblings[:first], *siblings[last + 1 :]]
            self.kept.update(
                (one, decisions[one].name) for one in siblings[first : last + 1] if one in decisions
            )
            self.outside.update((one, decisions[one].name) for one in beyond)
            if (first, last) != (here, here) or self.holds_loose_prose(outer):
                self.root = outer
                self.dropped.update(self.outside)
                self.outside.clear()
            inner = outer

    def _decide_sibling(self, element: HtmlElement, *, leading: bool) -> Decision:
        """Return whether a sibling of the body belongs to it; `leading`: it stands right above."""
        decision = decide(_SIBLINGS, self, Subject(element)) or _NO_CONTENT
        return _LEAD_IN if leading and not decision.keeps and self._leads_in(element) else decision

    def _leads_in(self, element: HtmlElement) -> bool:
        """Return whether this is what belongs to the text right below it.

        Its heading, or the date that it was updated.
        """
        heading = self.is_lone_heading(element) and not self.holds_site_name(element)
        return heading or self.states_date(element)

    def _is_named_small(self, element: HtmlElement) -> bool:
        named = is_banner(element) or (self._is_named(element) and not self._is_section(element))
        return named and self.words(element) < self.words(self._page) * _SMALL_SHARE

    def _is_minor(self, element: HtmlElement) -> bool:
        return self.prose(element) < self.prose(self._page) * _MINOR_SHARE

    def _is_unchosen_form(self, element: HtmlElement) -> bool:
        return self._chosen_share(element) < _UNCHOSEN_SHARE and count_controls(element) > 1

    def _is_mostly_prose(self, element: HtmlElement) -> bool:
        return self.prose(element) >= self.words(element) * _PROSE_SHARE

    def _is_mostly_linked(self, element: HtmlElement) -> bool:
        return self.linked(element) >= self.words(element) * _LINKED_SHARE

    def _chosen_share(self, element: HtmlElement) -> float:
        return self._chosen(element) / self.words(element)

    def _is_beside_main(self, element: HtmlElement) -> bool:
        """Return whether this is what stands outside of the page's <main>, if that holds most of its prose,
        and says little.
        """
        if self._main is None or element is self._main or self._main in element.iterancestors():
            return False
        if self._is_plain_section(element):
            return False
        return self.prose(element) < self.prose(self._main) * _BESIDE_MAIN_SHARE

    def _is_plain_section(self, element: HtmlElement) -> bool:
        """Return whether this is a heading with prose, without links, buttons or a copyright: who is
        responsible, set beside the text.
        """
        if self.first_heading(element) is None or is_furniture(element) or self._is_named(element):
            return False
        plain = not self.linked(element) and not count_controls(element) and not self.is_imprint(element)
        return plain and self._is_mostly_prose(element)

    def _is_list_in_text(self, element: HtmlElement) -> bool:
        """Return whether this is a list or a table of data right below a paragraph or a heading, and no menu.

        Whom data are given to, each in a few words, at the end of a text.
        """
        if element.tag == "table":
            if is_layout(element, grid(element)):
                return False
        elif element.tag not in LISTS and element.tag != "dl":
            return False
        if count_controls(element) or (self._is_mostly_linked(element) and self.leads_into_site(element)):
            return False
        above = self.two_above(element)[-1:]
        return bool(above) and above[0].tag in TEXT_TAGS and not self._is_named(element)

    def _is_titled_table(self, element: HtmlElement) -> bool:
        """Return whether this is a box with a heading and a table of data, or a list of entries: an annex.

        Menus and boxes of links have links, footers a copyright.
        """
        if element.tag not in BOXES or self.first_heading(element) is None or self.linked(element):
            return False
        if is_furniture(element) or self._is_named(element) or count_controls(element):
            return False
        tables = [one for one in element.iter("table") if one in self._outline.ranges]
        held = sum(self.words(one) for one in tables if not is_layout(one, grid(one)))
        return held >= self.words(element) * _PROSE_SHARE and not self.is_imprint(element)

    def _is_small(self, element: HtmlElement) -> bool:
        return self.words(element) < self.words(self.root) * _SMALL_SHARE

    def _is_title_box(self, element: HtmlElement) -> bool:
        """Return whether this is a box with the title and little else.

        The title itself may be a link to its own page.
        """
        titles = [title for title in element.iter(*HEADINGS) if title in self._titles]
        words, linked = self.words(element), self.linked(element) - sum(map(self.linked, titles))
        return bool(titles) and words <= LONGEST_BOX and linked <= words * _TITLE_LINKED_SHARE

    def _is_lone_title(self, element: HtmlElement) -> bool:
        """Return whether this is the document's title without anything beside it."""
        return self.is_lone_heading(element) and self._is_title_box(element)

    def _is_named(self, element: HtmlElement) -> bool:
        named = is_named_furniture(element) or is_named_dialog(element)
        return named and not self._is_named_by_chance(element)

    def _is_named_by_chance(self, element: HtmlElement) -> bool:
        """Return whether this is prose under a name of furniture (MsoFooter, policy-footer) that stands as
        the text does.

        It has no buttons, no imprint and hardly a link, and is a paragraph, or stands right below one, or
        most of the page's prose is in boxes beside it of the very same name.
        """
        words = self.words(element)
        if not self._is_mostly_prose(element) or self.linked(element) > words * _SECTION_LINKED_SHARE:
            return False
        if (
            count_controls(element)
            or is_furniture(element)
            or is_overlay(element)
            or self.is_imprint(element)
        ):
            return False
        return element.tag in TEXT_TAGS or self._is_of_one_name(element) or self._follows_text(element)

    def _is_of_one_name(self, element: HtmlElement) -> bool:
        name = element.get("class")
        if not name or element not in self._outline.parents:
            return False
        around = (self._outline.parents[element], name)
        if around not in self._one_name:
            alike = [one for one in self.siblings(element) if one.get("class") == name]
            prose = sum(map(self.prose, alike))
            self._one_name[around] = len(alike) > 2 and prose >= self.prose(self._page) * _MAIN_SHARE
        return self._one_name[around]

    def _follows_text(self, element: HtmlElement) -> bool:
        if element not in self._outline.parents:
            return False
        above = self.two_above(element)
        return any(map(self.prose, above)) and all(one.tag in TEXT_TAGS for one in above)

    def _is_section(self, element: HtmlElement) -> bool:
        """Return whether this is a section of the document, whatever its name: "cookies", "share",
        "section-header".

        It begins with a heading and is prose. Consent banners and forms to sign up can be so, too; but
        a section's heading is of a level that the text has, or it has text on both sides and no fields.
        """
        words = self.words(element)
        level = self.first_heading(element)
        if level is None or is_overlay(element) or self.is_imprint(element):
            return False
        if not self._is_mostly_prose(element) or self.linked(element) > words * _SECTION_LINKED_SHARE:
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
                for index, box in enumerate(inside):
                    if box is not bulk:
                        subject = Subject(box, bulk=bulk, after=index > here)
                        self._drops(_NEIGHBOURS, subject, otherwise=Decision("beside-the-bulk", keeps=True))

    def _find_bulk(self, element: HtmlElement, children: Sequence[HtmlElement]) -> HtmlElement | None:
        """Return the child with at least four fifths of an element's prose, the title in or above it.

        Pages of the nineties have no headings at all.
        """
        bulk = max(children, key=self.prose, default=None)
        if bulk is None or self.prose(bulk) < self.prose(element) * _BULK_SHARE or not self.prose(bulk):
            return None
        _, end = self._outline.ranges[bulk]
        titled = any(self._outline.ranges[title][0] < end and self._is_kept(title) for title in self._titles)
        return bulk if titled or not self._headings else None

    def _leads_elsewhere(self, subject: Subject) -> bool:
        """Return whether this is a box of little prose beside the document that does not look like a part of
        it.
        """
        box, bulk = subject.element, subject.bulk
        if bulk is None or not _are_boxes(box, bulk) or self._is_title_box(box) or self.states_date(box):
            return False
        if self.prose(box) > self.prose(bulk) * _NEIGHBOUR_SHARE or self._is_section(box):
            return False
        if not self._headings:
            return True
        return subject.after or (not self.has_heading(box) and self._is_above_title(box))

    def drop_furniture(self) -> None:
        """Drop menus, dialogs and the like inside the root, each only if it is a small part of it."""
        if self.root not in self._outline.ranges:
            return
        for element in self._inside(self.root):
            if element in self._overlays:
                self.dropped[element] = "overlay"
            elif self._is_mega_menu(element):
                self.dropped[element] = "mega-menu"
            elif self._are_teasers(element):
                self.dropped[self._with_label(element)] = "teasers"
            elif self._is_small(element):
                self._drops(self._rules_of_furniture(element), Subject(element), otherwise=_NO_FURNITURE)

    def _rules_of_furniture(self, element: HtmlElement) -> Sequence[Rule[_Choice]]:
        """Return the rules that may hold: few for a paragraph, a heading, a list without a name."""
        if element.tag not in TEXT_TAGS or element.keys():
            return _FURNITURE
        return () if self.prose(element) else _FURNITURE_WITHOUT_NAME

    def _is_half(self, element: HtmlElement) -> bool:
        return self.words(element) < self.words(self.root) * _HALF_SHARE and not self._holds_title(element)

    def _is_mega_menu(self, element: HtmlElement) -> bool:
        """Return whether this is a menu that is no small part of the page.

        Named so, mostly links, some teasers between.
        """
        if self._is_small(element) or not self._is_half(element):
            return False
        if is_named_menu(element) and self._is_above_title(element):
            return self.linked(element) >= self.words(element) * _MENU_PROSE_SHARE
        named = is_furniture(element) or is_named_furniture(element)
        linked = self._is_mostly_linked(element)
        return named and linked and self.prose(element) <= self.prose(self.root) * _MENU_PROSE_SHARE

    def _are_teasers(self, element: HtmlElement) -> bool:
        """Return whether this is a row of boxes that lead to other pages of the site, each with a heading
        that is a link.
        """
        children = self.children(element)
        if children and self.is_lone_heading(children[0]) and not self._is_teaser(children[0]):
            children = children[1:]  # what the row is called
        if len(children) < _FEWEST_TEASERS or not self._is_half(element):
            return False
        return sum(map(self._is_teaser, children)) * 5 >= len(children) * 4

    def _is_teaser(self, element: HtmlElement) -> bool:
        if element.tag in HEADINGS or not self.has_heading(element):
            return False
        return any(map(self._leads_to_page, element.iter(*HEADINGS)))

    def _leads_to_page(self, heading: HtmlElement) -> bool:
        words = heading.text_content().split()
        inside = [link for link in heading.iter("a") if link.text_content().split() == words]
        return any(is_page_address(a.get("href") or "") for a in (*inside, *heading.iterancestors("a")))

    def _with_label(self, element: HtmlElement) -> HtmlElement:
        """Return the box around a row of teasers that holds a few words besides: its label."""
        around = self._outline.parents[element]
        while around is not self.root and self.words(around) - self.words(element) <= _LONGEST_LABEL:
            element, around = around, self._outline.parents[around]
        return element

    def _inside(self, element: HtmlElement) -> Iterator[HtmlElement]:
        """Yield the containers inside one, outermost first, nothing below what is dropped."""
        waiting = list(reversed(self.children(element)))
        while waiting:
            child = waiting.pop()
            if child not in self.dropped:
                yield child
                if child not in self.dropped:
                    waiting += reversed(self.children(child))

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
                self.dropped[element] = "second-copy"

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
            if whole or not self._trims(child, backwards=backwards):
                break
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
            if not links or self.has_heading(sibling) or not self._trims(sibling, backwards=False):
                return

    def _is_layout_table(self, element: HtmlElement) -> bool:
        return element.tag == "table" and is_layout(element, grid(element))

    def _trims(self, element: HtmlElement, *, backwards: bool) -> bool:
        subject = Subject(element, after=backwards)
        return self._drops(_RIM, subject, otherwise=Decision("in-the-text", keeps=True))

    def _is_heading_of_pictures(self, element: HtmlElement) -> bool:
        """Return whether this is a box with pictures under a heading, and no word but the heading's."""
        if element.tag not in BOXES or not self.is_lone_heading(element) or self._holds_title(element):
            return False
        return next(element.iter("img", "svg", "video"), None) is not None

    def _is_rim_heading(self, element: HtmlElement, *, backwards: bool) -> bool:
        return element.tag in HEADINGS or (not backwards and self.is_lone_heading(element))

    def _is_rim_furniture(self, element: HtmlElement) -> bool:
        return self.holds_furniture(element) or (self._is_named(element) and not self._is_section(element))

    def _is_contact(self, element: HtmlElement) -> bool:
        """Return whether this is a heading with whom to write to, set beside the text: no menu, no form."""
        if self.first_heading(element) is None or is_overlay(element) or has_fields(element):
            return False
        named = self.is_imprint(element) or self.linked(element)
        return not named and self.prose(element) > 0 and self.holds_mail_address(element)

    def _is_contact_in_main(self, element: HtmlElement) -> bool:
        within = next((one for one in element.iterancestors() if is_main(one) or one.tag == "article"), None)
        return within is not None and self._is_contact(element)

    def _is_invitation(self, element: HtmlElement) -> bool:
        """Return whether this is a short section that has an address written into it, or leads to shops for
        programs: to sign up for letters, to get the app.

        One that names a policy or a choice of the reader's is the document's: to opt out by mail.
        """
        if self.words(element) > LONGEST_BOX or element.tag not in BOXES or self._holds_title(element):
            return False
        if not (takes_address(element) or self.leads_to_app_shops(element)):
            return False
        start, end = self._outline.ranges[element]
        lines = (block.text for block in self._outline.blocks[start:end])
        return all(name_kind(line) is None for line in lines) and not self.holds_mail_address(element)

    def _are_related(self, element: HtmlElement) -> bool:
        """Return whether this is a box with a heading over links to articles of the site, each with a day or
        a few words.

        Earlier versions of the document bear its name or their day.
        """
        children = self.children(element)
        if element.tag not in BOXES or len(children) <= _FEWEST_ALIKE - 1 or self._holds_title(element):
            return False
        if self.first_heading(element) is None or name_kind(children[0].text_content()) is not None:
            return False
        return all(map(self._is_related, children[1:]))

    def _is_related(self, element: HtmlElement) -> bool:
        links = [link for link in element.iter("a") if link.text_content().strip()]
        if len(links) != 1 or self.words(element) - self.linked(element) > _WORDS_WITH_ARTICLE:
            return False
        name = links[0].text_content()
        plain = name_kind(name) is None and not any(character.isdigit() for character in name)
        return plain and self.leads_into_site(element) and reading_length(name) > 2

    def _is_one_of_many(self, element: HtmlElement) -> bool:
        """Return whether the body has several parts like this, prose under the same tag and class.

        A summary in an aside beside each section, the last of them at the body's end.
        """
        name = element.get("class")
        if not name or not self.prose(element) or self.linked(element):
            return False
        alike = [
            one for one in self._inside(self.root) if one.tag == element.tag and one.get("class") == name
        ]
        return len(alike) >= _FEWEST_ALIKE and all(map(self.prose, alike))

    def _is_advert(self, element: HtmlElement) -> bool:
        """Return whether this is what is left of an advertisement: its label."""
        if self.words(element) > _LONGEST_LABEL or self.prose(element) or self.has_heading(element):
            return False
        return is_named_advert(element)

    def _holds_title(self, element: HtmlElement) -> bool:
        return not self._titles.isdisjoint(element.iter(*HEADINGS))

    def _is_above_headings(self, element: HtmlElement) -> bool:
        """Return whether this is what stands between the top of the body and its first heading.

        Breadcrumbs, links to print.
        """
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
        return self._is_in_root(element) and not any(
            node in self.dropped for node in (element, *element.iterancestors())
        )

    def _first_block(self) -> int:
        """Return the number of the first block of the root that is not dropped."""
        start, _ = self._outline.ranges[self.root]
        for first, last in sorted(self._outline.ranges[element] for element in self.dropped):
            if first <= start < last:
                start = last
        return start


_NO_CONTENT = Decision("no-prose", keeps=False)
_LEAD_IN = Decision("heading-or-date-above", keeps=True)

_SIBLINGS: tuple[Rule[_Choice], ...] = (
    Rule("overlay", False, lambda choice, subject: subject.element in choice._overlays),
    Rule("title-box", True, lambda choice, subject: choice._is_title_box(subject.element)),
    Rule("contact", True, lambda choice, subject: choice._is_contact_in_main(subject.element)),
    Rule("named-furniture", False, lambda choice, subject: choice._is_named_small(subject.element)),
    Rule("beside-main", False, lambda choice, subject: choice._is_beside_main(subject.element)),
    Rule(
        "furniture-tag",
        False,
        lambda choice, subject: choice._is_minor(subject.element) and choice.holds_furniture(subject.element),
    ),
    Rule(
        "form",
        False,
        lambda choice, subject: (
            choice._is_minor(subject.element) and choice._is_unchosen_form(subject.element)
        ),
    ),
    Rule("prose", True, lambda choice, subject: choice._is_mostly_prose(subject.element)),
    Rule("list-in-text", True, lambda choice, subject: choice._is_list_in_text(subject.element)),
    Rule("titled-table", True, lambda choice, subject: choice._is_titled_table(subject.element)),
    Rule(
        "chosen",
        True,
        lambda choice, subject: (
            choice._chosen_share(subject.element) >= _CHOSEN_SHARE
            and not choice._is_mostly_linked(subject.element)
        ),
    ),
)
"""For a sibling of the body while it grows; the first that holds decides, here and below."""

_NEIGHBOURS: tuple[Rule[_Choice], ...] = (
    Rule("part-of-the-document", True, lambda choice, subject: not choice._leads_elsewhere(subject)),
    Rule("teaser", False, lambda choice, subject: choice.leads_into_site(subject.element)),
    Rule("neighbour-with-buttons", False, lambda _, subject: count_controls(subject.element) > 0),
    Rule("imprint", False, lambda choice, subject: subject.after and choice.is_imprint(subject.element)),
)
"""For a box beside the one with the title and nearly all prose."""

_FURNITURE: tuple[Rule[_Choice], ...] = (
    Rule("dialog", False, lambda _, subject: is_dialog(subject.element)),
    Rule("page-header", False, lambda _, subject: is_banner(subject.element)),
    Rule("widget", False, lambda choice, subject: choice.is_widget(subject.element)),
    Rule(
        "consent-banner",
        False,
        lambda choice, subject: is_named_dialog(subject.element) and not choice._is_section(subject.element),
    ),
    Rule("share-links", False, lambda choice, subject: choice.are_share_links(subject.element)),
    Rule("languages", False, lambda choice, subject: choice.are_languages(subject.element)),
    Rule("time-since", False, lambda choice, subject: choice.is_relative_time(subject.element)),
    Rule("advertisement", False, lambda choice, subject: choice._is_advert(subject.element)),
    Rule(
        "menu",
        False,
        lambda choice, subject: is_furniture(subject.element) and choice._is_mostly_linked(subject.element),
    ),
)
"""For a small part anywhere inside the root."""

_FURNITURE_WITHOUT_NAME = tuple(
    rule for rule in _FURNITURE if rule.name in ("share-links", "languages", "time-since")
)
"""All others ask for a tag that no text has, for a name or for a role; and these for a line of no prose."""
_NO_FURNITURE = Decision("no-furniture", keeps=True)

_RIM: tuple[Rule[_Choice], ...] = (
    Rule(
        "site-name",
        False,
        lambda choice, subject: (
            choice._is_rim_heading(subject.element, backwards=subject.after)
            and choice.holds_site_name(subject.element)
        ),
    ),
    Rule(
        "heading-of-pictures",
        False,
        lambda choice, subject: subject.after and choice._is_heading_of_pictures(subject.element),
    ),
    Rule(
        "heading",
        True,
        lambda choice, subject: choice._is_rim_heading(subject.element, backwards=subject.after),
    ),
    Rule("large", True, lambda choice, subject: not choice._is_small(subject.element)),
    Rule("stated-date", True, lambda choice, subject: choice.states_date(subject.element)),
    Rule(
        "title-in-furniture",
        True,
        lambda choice, subject: (
            choice._is_rim_furniture(subject.element) and choice._holds_title(subject.element)
        ),
    ),
    Rule("contact", True, lambda choice, subject: choice._is_contact(subject.element)),
    Rule("one-of-many", True, lambda choice, subject: choice._is_one_of_many(subject.element)),
    Rule("furniture", False, lambda choice, subject: choice._is_rim_furniture(subject.element)),
    Rule(
        "notice-above-title",
        False,
        lambda choice, subject: (
            choice.prose(subject.element) > 0
            and choice.is_notice(subject.element)
            and choice._is_above_title(subject.element)
        ),
    ),
    Rule("related", False, lambda choice, subject: subject.after and choice._are_related(subject.element)),
    Rule(
        "invitation", False, lambda choice, subject: subject.after and choice._is_invitation(subject.element)
    ),
    Rule("prose", True, lambda choice, subject: choice.prose(subject.element) > 0),
    Rule("table-head", True, lambda _, subject: next(subject.element.iter("th"), None) is not None),
    Rule("page-controls", False, lambda choice, subject: choice.leads_nowhere(subject.element)),
    Rule(
        "links-above-headings",
        False,
        lambda choice, subject: (
            choice.linked(subject.element) > 0 and choice._is_above_headings(subject.element)
        ),
    ),
    Rule(
        "links",
        False,
        lambda choice, subject: (
            choice._is_mostly_linked(subject.element)
            and not (
                choice.stands_in_text(subject.element, backwards=subject.after)
                and not choice._is_layout_table(subject.element)
            )
        ),
    ),
    Rule(
        "jump-link",
        False,
        lambda choice, subject: choice.is_lone_jump(subject.element, backwards=subject.after),
    ),
    Rule("imprint", False, lambda choice, subject: subject.after and choice.is_imprint(subject.element)),
)
"""For what stands at either end of the root."""


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
    outside: dict[HtmlElement, str] = {}
    root = body.root
    for element, (start, end) in sorted(outline.ranges.items(), key=lambda pair: (pair[1][0], -pair[1][1])):
        if start <= span[0] and span[1] <= end:
            root = element
        elif end <= span[0] or span[1] <= start:
            outside[element] = "another-document"
    return Body(
        root=root, dropped={**body.dropped, **outside}, title=None, kept=body.kept, outside=body.outside
    )


def _are_boxes(one: HtmlElement, other: HtmlElement) -> bool:
    """Return whether these are two boxes, or two tables or cells, that are not called the same."""
    kinds = [BOXES | {"main", "article"}, _CELLS]
    name = one.get("class")
    return any(one.tag in tags and other.tag in tags for tags in kinds) and not (
        name and name == other.get("class")
    )


def _is_inside(element: HtmlElement, other: HtmlElement) -> bool:
    return any(ancestor is other for ancestor in element.iterancestors())
