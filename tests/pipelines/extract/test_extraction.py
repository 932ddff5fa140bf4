"""Bytes to extraction: what kind of body it is, what is said of its quality, nothing lost in silence."""

from __future__ import annotations

import gzip
from pathlib import Path
from random import Random

import pytest

from policy_archive.crawler.core.errors import ExtractionError
from policy_archive.crawler.core.records import Kind
from policy_archive.pipelines.extract.extraction import MAX_PAGE_CHARACTERS, extract
from policy_archive.pipelines.text import count_words

PROSE = "We collect your name and your address when you order, and we keep them for as long as the law asks."
PAGE = (
    f"<html><head><title>Privacy &amp; you</title></head><body><h1>Privacy</h1><p>{PROSE}</p></body></html>"
)


def read(body: bytes, content_type: str | None = "text/html") -> str:
    return extract(
        body, url="https://x.example/p", timestamp="20200101000000", content_type=content_type
    ).text


def outcome_of(body: bytes, content_type: str | None = "text/html") -> str:
    with pytest.raises(ExtractionError) as caught:
        read(body, content_type)
    return caught.value.outcome


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(PAGE.encode(), id="as-is"),
        pytest.param(gzip.compress(PAGE.encode()), id="gzip-left-on"),
        pytest.param(PAGE.encode("utf-16-le"), id="utf-16-without-bom"),
        pytest.param(PAGE.encode("utf-16"), id="utf-16"),
        pytest.param(b"<div>" * 300 + PAGE.encode(), id="300-levels"),
        pytest.param(b"<font>" * 3000 + PAGE.encode(), id="3000-unclosed-font"),
        pytest.param(PAGE.replace("collect", "\0collect\x08").encode(), id="control-characters"),
        pytest.param(b"<!-- " + b"x" * 2_000_000 + b" -->" + PAGE.encode(), id="huge-comment"),
        pytest.param(
            PAGE.replace("</body>", f"<script>{'x' * MAX_PAGE_CHARACTERS}</script></body>").encode(),
            id="huge-script",
        ),
    ],
)
def test_the_whole_text_survives(body: bytes) -> None:
    assert PROSE in read(body)


@pytest.mark.parametrize(
    ("body", "content_type", "outcome"),
    [
        pytest.param(b"", "text/html", "empty", id="nothing"),
        pytest.param(b" \n\0", "text/html", "empty", id="blanks"),
        pytest.param(
            b"<html><script>app()</script><div id=root></div></html>", "text/html", "empty", id="shell"
        ),
        pytest.param(gzip.compress(PAGE.encode())[:-20], "text/html", "truncated", id="half-gzip"),
        pytest.param(b"<p>" + b"a word " * 1_800_000, "text/html", "too-large", id="node-of-12-mb"),
        pytest.param(b"<p>word</p>" * 4_500_000, "text/html", "too-large", id="50-mb"),
        pytest.param(b"\x89PNG\r\n\x1a\n....", "text/html", "not-text", id="image-declared-as-page"),
        pytest.param(b"{}", "application/json", "not-text", id="json"),
        pytest.param(b"PK\x03\x04....", None, "not-text", id="zip"),
        *(
            pytest.param(Random(n).randbytes(20_000), declared, "not-text", id=f"noise {n}")
            for n, declared in enumerate((None, "text/plain", "text/html", "application/octet-stream"))
        ),
        pytest.param(b"%PDF-1.4 broken off", "application/pdf", "truncated", id="half-pdf"),
        pytest.param(b"%PDF-1.4 nonsense %%EOF", "application/pdf", "extraction-failed", id="broken-pdf"),
    ],
)
def test_what_has_no_text_is_an_outcome(body: bytes, content_type: str | None, outcome: str) -> None:
    assert outcome_of(body, content_type) == outcome


def test_an_entity_bomb_is_not_expanded() -> None:
    entities = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 30))
    assert (
        len(read(f"<!DOCTYPE x [{entities}]><html><body><p>{PROSE} &a29;</p></body></html>".encode())) < 5000
    )


def test_quality_is_said() -> None:
    body = f"""<title> Our
      policy </title><h1>Policy</h1><p>Effective date: 1 May 2020. {PROSE}</p><p>caf\xe9</p>"""
    extraction = extract(
        body.encode("latin-1"), url="https://x.example/", timestamp="20210101000000", kind=Kind.PRIVACY
    )
    assert extraction.title == "Our policy"
    assert (extraction.language, extraction.charset) == ("en", "windows-1252")
    assert extraction.replacement_characters == 0
    assert [str(stated.day) for stated in extraction.stated_dates] == ["2020-05-01"]
    assert extraction.kept_share == 1
    assert extraction.documents_on_page == 1
    assert extraction.words == count_words(extraction.text) == 28
    assert extraction.extractor.startswith("policy-archive/")
    assert " trafilatura/" in extraction.extractor


def test_the_same_bytes_give_the_same_extraction() -> None:
    one, other = (
        extract(PAGE.encode(), url="https://x.example/p", timestamp="20200101000000") for _ in range(2)
    )
    assert one == other


@pytest.mark.parametrize(
    ("head", "title"),
    [
        ("<title>A &amp; B</title><meta property='og:title' content='C'>", "A & B"),
        ("<title> </title><meta property='og:title' content=' C  D '>", "C D"),
        ("", "The heading"),
    ],
)
def test_the_title_is_the_pages_own_word(head: str, title: str) -> None:
    body = f"<html><head>{head}</head><body><h1>The <b>heading</b></h1><p>{PROSE}</p></body></html>"
    assert extract(body.encode(), url="", timestamp="").title == title


def test_a_plain_text_of_the_corpus_passes_through(shared: Path) -> None:
    body = (shared / "reference-texts" / "iactions.co.uk-plain.txt").read_bytes()
    text = read(body, "text/plain")
    assert [line.rstrip() for line in text.splitlines()] == [
        line.rstrip() for line in body.decode("utf-8").strip("\n").splitlines()
    ]


def test_front_matter_gives_the_title_and_is_left_out(shared: Path) -> None:
    body = (shared / "reference-texts" / "intuitem.com-front-matter.md").read_bytes()
    extraction = extract(body, url="", timestamp="", content_type="text/markdown")
    assert extraction.title == "Privacy Policy"
    assert extraction.text.startswith("### intuitem Privacy Policy\n")
    assert extraction.text.rstrip().endswith(body.decode("utf-8").rstrip().splitlines()[-1].rstrip())


def test_tags_in_plain_text_are_escaped_and_links_are_not() -> None:
    text = read(b"Use <b> for bold, see <https://x.example/> or <me@x.example>, if a < b.", "text/plain")
    assert text == "Use \\<b> for bold, see <https://x.example/> or <me@x.example>, if a < b.\n"


@pytest.mark.parametrize(
    "matter",
    ["---\n" + "[" * 5000 + "\ntitle: T\n---\n", '---\ntitle: "T"\na: &a [x]\nb: [*a,*a]\n---\n'],
    ids=["deep", "alias"],
)
def test_hostile_front_matter_is_not_loaded(matter: str) -> None:
    extraction = extract(f"{matter}\n{PROSE}\n".encode(), url="", timestamp="", content_type="text/plain")
    assert (extraction.title, extraction.text) == ("T", f"{PROSE}\n")


def test_words_are_counted_in_every_script() -> None:
    assert count_words("See [our *policy*](https://x.org/a-b). 個人情報 it’s") == 8
