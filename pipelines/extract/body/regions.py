"""What a part of a page looks like by its words, links, headings and buttons: a widget, an imprint …"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property

from lxml.html import HtmlElement

from policy_archive.pipelines.extract.body.boilerplate import (
    count_controls,
    is_control,
    is_furniture,
    is_share_link,
    is_site_name,
    iter_controls,
)
from policy_archive.pipelines.extract.dates import find_stated_dates
from policy_archive.pipelines.extract.links import is_relative
from policy_archive.pipelines.extract.outline import HEADINGS, Outline, is_read, reading_length
from policy_archive.pipelines.extract.passing import is_relative_time, names_language

LONGEST_BOX = 60
"""Words of a box around the page's h1 that may come along with it (date, subtitle), and of a banner."""

_LONGEST_WIDGET = 25
"""Words that stand with the buttons of a box."""

_LONGEST_DATE = 12
"""Words of a line that says when the document was updated."""

_WORDS_BESIDE = 3
"""Words of a list of links that are in none of them: what it is called, a count."""

BOXES = frozenset(("div", "section", "aside", "form", "fieldset"))
TEXT_TAGS = HEADINGS | {"p", "ul", "ol", "dl", "table", "li", "blockquote"}


_COPYRIGHT = re.compile(r"©|\bcopyright\W{0,3}(?:\(c\)|(?:19|20)[0-9]{2})|\(c\) ?copyright", re.IGNORECASE)
"""A sentence that speaks of copyright has none of these."""


_APP_SHOP = re.compile(
    r"https?://(?:apps|itunes)\.apple\.com/|https?://play\.google\.com/store|https?://appgallery\.",
    re.IGNORECASE,
)
_MAIL = re.compile(r"[\w.+-]{1,64}(?:@|\s?[\[(](?:at|@)[\])]\s?)[\w-]{1,64}\.\w")


class Regions:
    """The containers of a page that hold text, with questions about one at a time."""

    def __init__(self, page: HtmlElement, outline: Outline) -> None:
        self._outline = outline
        self._headed: set[HtmlElement] = set()
        """Headings, and all that one stands in."""
        for heading in page.getroottree().iter(*HEADINGS):
            node = heading
            while node is not None and node not in self._headed:
                self._headed.add(node)
                node = node.getparent()
        self._links: dict[HtmlElement, list[HtmlElement]] = {}
        self._children: dict[HtmlElement, list[HtmlElement]] = {}
        for child, parent in outline.parents.items():
            self._children.setdefault(parent, []).append(child)

    @cached_property
    def _places(self) -> dict[HtmlElement, int]:
        """Which one of its siblings each container is."""
        return {child: place for children in self._children.values() for place, child in enumerate(children)}

    def children(self, element: HtmlElement) -> Sequence[HtmlElement]:
        """Return the containers right inside one, in their order."""
        return self._children.get(element, ())

    def siblings(self, element: HtmlElement) -> Sequence[HtmlElement]:
        """Return the containers right inside the one around an element, itself among them."""
        return self._children[self._outline.parents[element]]

    def two_above(self, element: HtmlElement) -> Sequence[HtmlElement]:
        """Return the two containers right before one, in their order; fewer at the beginning."""
        place = self._places[element]
        return self.siblings(element)[max(0, place - 2) : place]

    def has_heading(self, element: HtmlElement) -> bool:
        """Return whether a heading stands in an element, or is it."""
        return element in self._headed

    def words(self, element: HtmlElement) -> int:
        start, end = self._outline.ranges[element]
        return self._outline.words[end] - self._outline.words[start]

    def prose(self, element: HtmlElement) -> int:
        start, end = self._outline.ranges[element]
        return self._outline.prose[end] - self._outline.prose[start]

    def linked(self, element: HtmlElement) -> int:
        start, end = self._outline.ranges[element]
        return self._outline.linked[end] - self._outline.linked[start]

    def holds_loose_prose(self, outer: HtmlElement) -> bool:
        """Return whether an element holds prose that stands in none of its children."""
        within = sum(self.prose(child) for child in self.children(outer))
        return self.prose(outer) - within > 0

    def first_heading(self, element: HtmlElement) -> str | None:
        """Return the tag of the heading that an element begins with."""
        start, _ = self._outline.ranges[element]
        holder = self._outline.blocks[start].holder
        heading = next((node for node in (holder, *holder.iterancestors()) if node.tag in HEADINGS), None)
        inside = heading is not None and (heading is element or element in heading.iterancestors())
        return str(heading.tag) if heading is not None and inside else None

    def is_lone_heading(self, element: HtmlElement) -> bool:
        """Return whether this is a heading, or a box with nothing but a heading in it."""
        start, end = self._outline.ranges[element]
        return end - start == 1 and self.first_heading(element) is not None

    def holds_site_name(self, element: HtmlElement) -> bool:
        return any(map(is_site_name, element.iter(*HEADINGS)))

    def states_date(self, element: HtmlElement) -> bool:
        """Return whether this is a line that says when the document was updated.

        What is longer is judged by other signs.
        """
        start, end = self._outline.ranges[element]
        line = " ".join(block.text for block in self._outline.blocks[start:end])
        return self.words(element) <= _LONGEST_DATE and bool(find_stated_dates(line, language=None))

    def holds_mail_address(self, element: HtmlElement) -> bool:
        start, end = self._outline.ranges[element]
        return any(_MAIL.search(block.text) for block in self._outline.blocks[start:end])

    def is_imprint(self, element: HtmlElement) -> bool:
        """Return whether this is what states a copyright: the foot of a page."""
        start, end = self._outline.ranges[element]
        return any(_COPYRIGHT.search(block.text) for block in self._outline.blocks[start:end])

    def are_share_links(self, element: HtmlElement) -> bool:
        """Return whether these are links that send the page to others, and hardly a word besides."""
        links = self._all_links(element)
        return len(links) > 1 and all(map(is_share_link, links))

    def are_languages(self, element: HtmlElement) -> bool:
        """Return whether these are links to the page in other languages, by their names."""
        links = self._all_links(element)
        named = all(link.get("hreflang") or names_language(link.text_content()) for link in links)
        short = all(reading_length(link.text_content()) <= _WORDS_BESIDE for link in links)
        return len(links) > 1 and named and short

    def _all_links(self, element: HtmlElement) -> list[HtmlElement]:
        """Return the links of an element that is little else, none of any other."""
        if self.prose(element) or self.words(element) < 2:
            return []
        if element not in self._links:  # two rules ask
            links = [link for link in element.iter("a") if link.get("href") and link.text_content().strip()]
            beside = self.words(element) - sum(reading_length(link.text_content()) for link in links)
            self._links[element] = links if beside <= _WORDS_BESIDE else []
        return self._links[element]

    def is_relative_time(self, element: HtmlElement) -> bool:
        """Return whether an element says nothing but how long ago something was, another thing each day."""
        if self.words(element) > _WORDS_BESIDE * 2:
            return False
        start, end = self._outline.ranges[element]
        return end - start == 1 and is_relative_time(self._outline.blocks[start].text)

    def holds_furniture(self, element: HtmlElement) -> bool:
        """Return whether this is an element that is furniture, or wraps a single piece of it."""
        while not is_furniture(element):
            children = self.children(element)
            if len(children) != 1 or self._outline.ranges[children[0]] != self._outline.ranges[element]:
                return False
            element = children[0]
        return not self._is_closing_prose(element)

    def _is_closing_prose(self, element: HtmlElement) -> bool:
        """Return whether this is the footer of an article or a section that is prose.

        The page's own holds links.
        """
        if element.tag != "footer" or next(element.iterancestors("article", "section"), None) is None:
            return False
        prose = self.prose(element) * 2 >= self.words(element) and not self.linked(element)
        return prose and not self.is_imprint(element)

    def is_widget(self, element: HtmlElement) -> bool:
        """Return whether this is a box of buttons and fields with a few words to them.

        "Was this page helpful?", a chat.
        """
        if element.tag not in BOXES or self.words(element) > _LONGEST_WIDGET:
            return False
        if self.has_heading(element):
            return False
        return sum(not is_read(control) for control in iter_controls(element)) > 1

    def is_notice(self, element: HtmlElement) -> bool:
        """Return whether these are a few lines with a button or the like: a consent banner, a call to buy."""
        if element.tag not in BOXES or self.words(element) > LONGEST_BOX or self.has_heading(element):
            return False
        return count_controls(element) + sum(map(is_control, element.iter("a"))) > 0

    def leads_nowhere(self, element: HtmlElement) -> bool:
        """Return whether this is a line of links that do something with the page.

        Print it, send it, go to its top.
        """
        links = [link for link in element.iter("a") if link.get("href") is not None]
        words = sum(reading_length(link.text_content()) for link in links)
        return words == self.words(element) and all(map(is_control, links))

    def leads_to_app_shops(self, element: HtmlElement) -> bool:
        """Return whether an element has links to shops for programs that stand in no sentence."""
        links = [link for link in element.iter("a") if _APP_SHOP.match(link.get("href") or "")]
        return bool(links) and not any(reading_length(link.tail or "") for link in links)

    def leads_into_site(self, element: HtmlElement) -> bool:
        """Return whether an element links to other pages of the site; texts link to other sites, too."""
        return any(is_relative(link.get("href") or "") for link in element.iter("a"))

    def is_skip_link(self, element: HtmlElement) -> bool:
        """Return whether this is a lone link within the page: over its head, or back to its top."""
        start, end = self._outline.ranges[element]
        link = element if element.tag == "a" else element.find(".//a")
        if end - start > 2 or link is None or not (link.get("href") or "").startswith("#"):
            return False
        return reading_length(link.text_content()) == self.words(element)

    def is_lone_jump(self, element: HtmlElement, *, backwards: bool) -> bool:
        """Return whether this is a skip link, or a link back to the top.

        Several at the end are a table of contents.
        """
        if not self.is_skip_link(element):
            return False
        siblings = self.siblings(element)
        inward = siblings.index(element) - 1
        return not (backwards and inward >= 0 and self.is_skip_link(siblings[inward]))

    def stands_in_text(self, element: HtmlElement, *, backwards: bool) -> bool:
        """Return whether this is a paragraph or list right beside another one.

        Links there end a text, they do not frame it.
        """
        siblings = self.siblings(element)
        inward = siblings.index(element) + (-1 if backwards else 1)
        return element.tag in TEXT_TAGS and 0 <= inward < len(siblings) and siblings[inward].tag in TEXT_TAGS
