"""Whatever stands in an address or a form: an answer or a sentence, never an error of the server's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest

from policy_archive.browse import plugin
from tests.browse.conftest import MIDDLE, NEW, OLD, SITE
from tests.support.asking import HOME, ask

GOOD = {"site": SITE, "document": "privacy", "timestamp": NEW, "day": "2012-01-01", "anchor": "how-long"}
ROUTES = [
    "",
    "/-/search",
    "/-/search.atom",
    "/-/feed.atom",
    "/-/changes",
    "/-/overview",
    "/-/site",
    "/-/policies.css",
    "/-/compare/{site}",
    "/-/at/{site}",
    "/-/phrase",
    "/-/phrase.csv",
    "/-/phrase.json",
    "/-/phrase.svg",
    f"/-/change/{{site}}/{{document}}/{OLD}/{{site}}/{{document}}/{{timestamp}}",
    f"/-/diff/{{site}}/{{document}}/{OLD}/{{site}}/{{document}}/{{timestamp}}",
    "/{site}/feed.atom",
    "/{site}/{document}/{timestamp}",
    "/{site}/{document}/{timestamp}.md",
    "/{site}/{document}/{timestamp}/section/{anchor}",
    "/{site}/{document}/at/{day}",
    "/{site}/{document}/{day}",
    "/{site}/{document}",
    "/{site}",
    "/nothing/of/the/kind/at/all",
]
NAMES = (
    "q", "page", "since", "class", "kind", "site", "year", "language", "name", "from", "to", "asked", "p",
    "view", "document", "day", "old", "new", "documents", "phrase", "min_words", "order", "until", "v",
    "substantive",
)  # fmt: skip
ODD = {
    "nothing": "",
    "zero": "\x00",
    "escapes": "\x1b]0;x\x07\u202e\u2066",
    "half a character": "\udcff",
    "brackets": "[" * 500,
    "a path": "../../../../etc/passwd",
    "a script": "<script>alert(1)</script>",
    "quotes": "'\"`;--",
    "a template": "{{7*7}}${7*7}%s%n",
    "far": "99999999999999",
    "below zero": "-1",
    "digits of another script": "\u0662\u0660\u0661\u0668",
    "very many digits": "9" * 3000,
    "no day": "2018-02-31",
    "year zero": "0000-00-00",
    "operators": "AND OR NOT ( NEAR(",
    "long": "the " * 2_500,
    "a row of stars": "*" * 3000,
    "a domain of nothing": "xn--",
    "lines": "a\r\nSet-Cookie: x=1\r\n\r\nb",
}


def _asked(odd: str) -> Iterator[str]:
    """Yield every route with the odd value in each of its places, then every form with it in each field."""
    written = quote(odd, safe="", errors="surrogateescape")
    for route in ROUTES:
        places = re.findall(r"\{(\w+)\}", route)
        good = HOME + route.format(**GOOD)
        yield good
        for place in dict.fromkeys(places):
            yield HOME + route.format(**{**GOOD, place: written})
        query = urlencode(dict.fromkeys(NAMES, odd), errors="surrogateescape")
        yield f"{good}?{query}"
    for name in NAMES:
        fields = {"q": "name", "name": SITE, "document": "privacy", "old": OLD, "new": MIDDLE, name: odd}
        for route in (
            "/-/search",
            "/-/changes",
            "/-/phrase",
            f"/-/compare/{SITE}",
            f"/-/at/{SITE}",
            "/-/site",
        ):
            yield f"{HOME}{route}?{urlencode(fields, errors='surrogateescape')}"


@pytest.mark.parametrize("name", ODD)
def test_odd_requests_are_answered(database: Path, name: str) -> None:
    addresses = [address for address in dict.fromkeys(_asked(ODD[name])) if len(address) < 60_000]
    answers = ask(database, *addresses)
    assert len(answers) > 100
    for address, answer in zip(addresses, answers, strict=True):
        assert answer.status_code in (200, 302, 304, 400, 404), (
            address[:200],
            answer.status_code,
            answer.text[:300],
        )
        assert len(answer.content) < 2**20, address[:200]
        assert b"Traceback" not in answer.content
        assert not re.search(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", answer.content), address[:200]
        assert b"<script>alert" not in answer.content
        assert "set-cookie" not in answer.headers
        if answer.status_code == 302:
            assert answer.headers["location"].startswith(HOME)
            assert not re.search(r"[\x00-\x20]", answer.headers["location"])


def test_every_route_is_asked() -> None:
    paths = [HOME + route.format(**GOOD) for route in ROUTES]
    patterns = [pattern for pattern, _ in plugin.register_routes()]
    first = [next(pattern for pattern in patterns if re.match(pattern, path)) for path in paths]
    assert set(first) == set(patterns)
