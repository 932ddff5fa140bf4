"""The extractor's label changes whenever a text can: fifty pages of our own making, their texts' digests.

After a change that is meant: raise TEXTS in pipelines/extract/extraction.py (once a release is enough) and
run `python tests/pipelines/extract/test_label.py`.
"""

# ruff: noqa: E501 (pages stand as they are)

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from itertools import product
from pathlib import Path

import pytest

from policy_archive.crawler.core.errors import ExtractionError
from policy_archive.pipelines.extract.extraction import TEXTS, extract

HELD = Path(__file__).parents[2] / "data" / "text-digests.json"

SENTENCE = "We keep the letters of our members for {} years and then we hand them to the town's archive."
PROSE = "".join(f"<p>{SENTENCE.format(n)}</p>" for n in range(2, 9))
FRAMES = {
    "bare": "{}",
    "main": "<nav><a href='/'>Home</a> <a href='/shop'>Shop</a></nav><main>{}</main><footer>© The club</footer>",
    "boxes": "<div id='menu'><ul><li><a href='/'>Home</a><li><a href='/n'>News</a></ul></div><div class='text'>{}</div>"
    "<div class='sidebar'><p>Join us <a href='/join'>here</a></p></div>",
    "table": "<table width='100%'><tr><td><a href='/'>Home</a><br><a href='/a'>About</a></td><td>{}</td></tr></table>",
    "dialog": "<div role='dialog'><p>We and our partners read your device.</p><button>OK</button></div><div>{}</div>",
}
INSIDES = {
    "paragraphs": "",
    "lists": "<ul><li>Names<ol start=3><li>first<li>last</ol></li><li><p>Dates</p><p>of birth</p></li></ul>",
    "table": "<table><caption>Who</caption><tr><th>Who<th>Why</tr><tr><td>Bank<td>Fees</tr></table>",
    "marks": "<p><b>Bold</b>ly, <i>softly</i> and <a href='/x?utm_source=y'>linked</a><br>10<sup>6</sup> a_b*c</p>",
    "terms": "<dl>Words:<dt>Member</dt><dd>One who pays</dd><p>And so on.</p></dl><hr><pre>a\n  b</pre>",
    "scripts": "<p>Café cafe\u0301 mar\u00adketing 個人情報 می\u200cخواهم</p><blockquote>Quoted</blockquote>",
    "buttons": "<p>Click <button>Settings</button> to choose.</p><details><summary>More</summary>Hidden</details>",
    "names": "<div class='share-box'><p>"
    + SENTENCE.format(50)
    + "</p></div><p class='footer'>Last words, as before.</p>",
    "rail": "<div><ul>"
    + "<li><h3><a href='/n'>News</a></h3><p>Something went on in town.</p>" * 4
    + "</ul></div>",
    "broken": "<table><form><tr><td>One<td>Two</tr></form>Loose<tr><td>Three</table><div<b>>Left</div>",
}


def digests() -> dict[str, str]:
    found = {}
    for (frame, around), (inside, more) in product(FRAMES.items(), INSIDES.items()):
        page = around.format(f"<h1>Privacy policy</h1>{PROSE}{more}{PROSE.replace('keep', 'hold')}")
        html = f"<html><head><title>Privacy policy</title></head><body>{page}</body></html>".encode()
        try:
            text = extract(
                html, url="https://club.example/privacy", timestamp="", content_type="text/html"
            ).text
        except ExtractionError as error:
            text = str(error)
        found[f"{frame} {inside}"] = hashlib.sha256(text.encode()).hexdigest()[:16]
    return found


def test_texts_change_only_with_the_label() -> None:
    held = json.loads(HELD.read_text())
    now = digests()
    assert len(now) == 50
    assert held["texts"] == TEXTS, "the label was raised: accept the texts that belong to it"
    changed = sorted(name for name, digest in now.items() if held["digests"].get(name) != digest)
    if held["library"] != version("trafilatura"):
        pytest.skip("another trafilatura: the label says so by itself")
    assert not changed, f"texts changed, the label did not: raise TEXTS, then accept them: {changed}"


if __name__ == "__main__":
    HELD.write_text(
        json.dumps({"texts": TEXTS, "library": version("trafilatura"), "digests": digests()}, indent=1) + "\n"
    )
