"""Page furniture: menus, footers, dialogs, consent banners. Nothing here depends on a language or a site."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from lxml.html import HtmlElement

from policy_archive.crawler.core.cache import SHORT, remembered
from policy_archive.pipelines.extract.links import is_home
from policy_archive.pipelines.extract.outline import HEADINGS

_FURNITURE_TAGS = frozenset(("nav", "footer", "aside", "dialog", "menu", "marquee"))
_FURNITURE_ROLES = frozenset(
    (
        "navigation",
        "contentinfo",
        "complementary",
        "dialog",
        "alertdialog",
        "search",
        "banner",
        "alert",
        "menu",
    )
)
_PLAIN_TAGS = HEADINGS | frozenset("html body div p ul ol li table tbody tr td th blockquote".split())
_DIALOG_ROLES = frozenset(("dialog", "alertdialog"))
_CONSENT = re.compile(
    r"cookie|consent|gdpr|ccpa|\bcmp\b|popup|modal|lightbox|newsletter|banner", re.IGNORECASE
)
_FURNITURE_NAMES = frozenset(
    """ad ads advert advertisement banner breadcrumb breadcrumbs comments consent dialog drawer
    feedback footer header lightbox login masthead megamenu menu modal nav navbar navigation newsletter
    offcanvas pager pagination popup promo related search share sharing sidebar signup social subscribe
    toolbar topbar
    """.split()
)
"""Words of which web authors of all languages make class names and ids."""

_MENU_NAMES = frozenset("megamenu menu nav navbar navigation".split())

_CONSENT_TOOLS = re.compile(
    r"\b(?:onetrust-(?:consent|pc|banner)-sdk|CybotCookiebotDialog|didomi-(?:host|popup|notice)|usercentrics-root"
    r"|qc-cmp2-container|sp_message_container\w*|cky-consent-container|cmplz-cookiebanner|iubenda-cs-banner"
    r"|osano-cm-(?:window|dialog)|borlabs-cookie|cmpbox|truste-consent-\w+)\b"
)
"""Ids and classes under which the usual tools put their banner and their preference centre on a page. The
list of cookies that some of them write into a policy has names of its own and is text."""

_SHARING = re.compile(
    r"facebook\.com/(?:sharer|share\.php|(?:v[0-9.]{1,6}/)?dialog/)|(?:twitter|x)\.com/(?:intent/|share\?|home\?status=)"
    r"|pinterest\.com/pin/create|linkedin\.com/(?:sharearticle|sharing/|cws/share)|plus\.google\.com/share|reddit\.com/submit"
    r"|tumblr\.com/(?:share|widgets/share)|(?:t|telegram)\.me/share|whatsapp\.com/send\?|whatsapp://send|wa\.me/\?text"
    r"|vk(?:ontakte)?\.(?:com|ru)/share|digg\.com/submit|delicious\.com/save|stumbleupon\.com/submit|getpocket\.com/save"
    r"|addthis\.com/bookmark|addtoany\.com/share|line\.me/r/msg|b\.hatena\.ne\.jp/entry|xing\.com/(?:spi/shares|app/user)"
    r"|service\.weibo\.com/share|connect\.ok\.ru/offer|myspace\.com/(?:modules/postto|index\.cfm\?fuseaction=postto)",
    re.IGNORECASE,
)
"""Where the usual share buttons lead."""

_ADVERTS = frozenset(
    "ad ads advert adverts advertisement advertising adslot adsbygoogle dfp sponsored".split()
)
_OVERLAY_NAMES = frozenset("dialog drawer lightbox modal offcanvas popup".split())
_QUALIFIERS = frozenset(("no", "has", "with", "without", "hide"))
_SECTIONS = ("article", "main", "section")
_WRITTEN_TYPES = frozenset(("text", "email", "search", "tel", "password", "url", "number"))
_CONTROLS = ("button", "input", "select", "textarea")


def is_furniture(element: HtmlElement) -> bool:
    """Return whether an element says of itself that it is no content."""
    return element.tag in _FURNITURE_TAGS or _role(element) in _FURNITURE_ROLES or is_dialog(element)


def is_nameless(element: HtmlElement) -> bool:
    """Return whether an element says nothing of itself: it has no name, no role, and a usual tag."""
    return not element.keys() and element.tag in _PLAIN_TAGS


def is_main(element: HtmlElement) -> bool:
    """Return whether an element says of itself that it is the page's content."""
    return element.tag == "main" or _role(element) == "main"


def is_banner(element: HtmlElement) -> bool:
    """Return whether this is a page's own header.

    Outside of articles and sections, as HTML has it, and without headings.
    """
    if element.tag != "header" or next(element.iterancestors(*_SECTIONS), None) is not None:
        return False
    return all(map(is_site_name, element.iter(*HEADINGS)))


def is_site_name(heading: HtmlElement) -> bool:
    """Return whether this is a heading that is nothing but a link to the site's front page."""
    words = heading.text_content().split()
    inside = (link for link in heading.iter("a") if link.text_content().split() == words)
    return any(
        link.get("rel") == "home" or is_home(link.get("href") or "")
        for link in chain(inside, heading.iterancestors("a"))
    )


def is_named_furniture(element: HtmlElement) -> bool:
    """Return whether an element's class or id, or its own tag, calls it a part of the page around the
    content.

    "no-sidebar" and "has-header" say nothing of the element itself.
    """
    return _read_name(_name(element)).furniture


def is_named_menu(element: HtmlElement) -> bool:
    """Return whether an element's class, id or tag calls it a menu of the site."""
    return element.tag in ("nav", "menu") or _read_name(_name(element)).menu


def is_overlay(element: HtmlElement) -> bool:
    """Return whether an element's name says that it lies over the page.

    The words for that ("modal", "popup") name no section of a policy.
    """
    return _read_name(_name(element)).overlay


def _name(element: HtmlElement) -> str:
    own_tag = element.tag if "-" in element.tag else ""
    return f"{element.get('id') or ''} {element.get('class') or ''} {own_tag}"


class _NameSays(NamedTuple):
    """What the name of an element says that it is."""

    furniture: bool
    menu: bool
    overlay: bool
    advert: bool
    consent: bool
    consent_tool: bool


@remembered(4096, longest=SHORT)
def _read_name(name: str) -> _NameSays:
    """Return what a name says; the elements of a page have few names between them."""
    words = [word.lower() for word in re.split(r"[^A-Za-z]+|(?<=[a-z])(?=[A-Z])", name)]
    pairs = zip(["", *words], words, strict=False)
    said = {word for before, word in pairs if before not in _QUALIFIERS}
    return _NameSays(
        furniture=not said.isdisjoint(_FURNITURE_NAMES),
        menu=not said.isdisjoint(_MENU_NAMES),
        overlay=not said.isdisjoint(_OVERLAY_NAMES),
        advert=not said.isdisjoint(_ADVERTS),
        consent=_CONSENT.search(name) is not None,
        consent_tool=_CONSENT_TOOLS.search(name) is not None,
    )


def is_dialog(element: HtmlElement) -> bool:
    """Return whether this is a box that lies over the page: it says so itself."""
    return element.tag == "dialog" or _role(element) in _DIALOG_ROLES or element.get("aria-modal") == "true"


def is_consent_tool(element: HtmlElement) -> bool:
    """Return whether this is the banner or the preference centre of a consent tool."""
    return _read_name(_name(element)).consent_tool


def is_named_dialog(element: HtmlElement) -> bool:
    """Return whether this is a box named like a consent banner that has controls."""
    return _read_name(_name(element)).consent and count_controls(element) > 0


def is_control(link: HtmlElement) -> bool:
    """Return whether this is a link that leads nowhere: it prints the page, sends it, or goes to its top."""
    href = (link.get("href") or "").strip().lower()
    return href in ("#", "#top") or href.startswith("javascript:") or is_share_link(link)


def is_share_link(link: HtmlElement) -> bool:
    """Return whether a link sends the page to others: by a network of theirs, or by mail."""
    href = (link.get("href") or "").strip()
    return href.lower().startswith("mailto:?") or _SHARING.search(href[:200]) is not None


def is_named_advert(element: HtmlElement) -> bool:
    """Return whether an element's class or id says that an advertisement stands in it."""
    return _read_name(_name(element)).advert


def count_controls(element: HtmlElement) -> int:
    """Return how many buttons and fields stand in an element, whatever its tags."""
    named = sum(1 for child in element.iter("a", "div", "span") if _role(child) == "button")
    return sum(1 for _ in iter_controls(element)) + named


def has_fields(element: HtmlElement) -> bool:
    """Return whether something can be written into an element: a form to sign up, a search."""
    return any(
        field.tag == "textarea" or field.get("type", "text") in _WRITTEN_TYPES
        for field in element.iter("input", "textarea")
    )


def takes_address(element: HtmlElement) -> bool:
    """Return whether a mail address can be written into an element."""
    return any(
        field.get("type") == "email" or "mail" in (field.get("name") or "").lower()
        for field in element.iter("input")
        if field.get("type", "text") in _WRITTEN_TYPES
    )


def iter_controls(element: HtmlElement) -> Iterator[HtmlElement]:
    """Yield the buttons and fields in an element that HTML itself knows."""
    return (child for child in element.iter(*_CONTROLS) if child.get("type") != "hidden")


def _role(element: HtmlElement) -> str:
    role = element.get("role")
    return role.lower() if role else ""
