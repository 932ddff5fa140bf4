"""Every page, held to axe-core's rules in a real browser: light, dark, on a phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.browse.conftest import MIDDLE, OLD, SITE, open_context
from tests.support.asking import HOME

axe = pytest.importorskip(
    "axe_playwright_python.sync_playwright", reason="needs axe-core: pip install -e '.[test]'"
)

_PAGES = {
    "home": "",
    "site": f"/{SITE}",
    "site without a policy": "/nothing.example",
    "version": f"/{SITE}/privacy/{MIDDLE}",
    "version with hits": f"/{SITE}/privacy/{MIDDLE}?q=harbour",
    "paragraph to quote": f"/{SITE}/privacy/{MIDDLE}?p=6",
    "a year of a timeline": f"/{SITE}?from=2012&to=2012",
    "search that is narrowed": "/-/search?q=harbour&kind=terms",
    "section": f"/{SITE}/privacy/{MIDDLE}/section/s-your-choice",
    "day": f"/{SITE}/privacy/at/2012-06-02",
    "day not known": f"/{SITE}/privacy/at/2012-01-01",
    "difference": f"/-/diff/{SITE}/privacy/{OLD}/{SITE}/privacy/{MIDDLE}",
    "difference inline": f"/-/diff/{SITE}/privacy/{OLD}/{SITE}/privacy/{MIDDLE}?view=inline",
    "search": "/-/search?q=harbour",
    "search that cannot be read": "/-/search?q=%22",
    "phrases": "/-/phrase?q=harbour&q=do+not+sell&q=name&q=pier&q=we",
    "phrases, one list": "/-/phrase?q=harbour&list=first-seen",
    "phrases, none": "/-/phrase",
    "changes": "/-/changes",
    "overview": "/-/overview",
    "message": "/-/nowhere",
}
_DESKTOP, _PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


@pytest.mark.parametrize(
    ("size", "scheme"),
    [(_DESKTOP, "light"), (_DESKTOP, "dark"), (_PHONE, "light"), (_PHONE, "dark")],
    ids=["light", "dark", "phone", "dark phone"],
)
def test_no_page_breaks_a_rule(browser: Browser, server: str, size: dict[str, int], scheme: str) -> None:
    context = open_context(browser, viewport=size, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    # in the dark the same page has other colours: its other rules were held in the light
    options: dict[str, list[str]] = {"resultTypes": ["violations"]}  # the whole of these alone is asked for
    if scheme == "dark":
        options["runOnly"] = ["color-contrast"]
    checked, broken = 0, {}
    for name, path in _PAGES.items():
        page.goto(f"{server}{HOME}{path}")
        found = axe.Axe().run(page, options=options)
        checked += len(found.response["passes"])
        if found.response["violations"]:
            broken[name] = [
                (one["id"], [node["html"][:160] for node in one["nodes"]][:3])
                for one in found.response["violations"]
            ]
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name
    context.close()
    assert broken == {}
    assert checked >= len(_PAGES)
