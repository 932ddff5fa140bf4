"""The corpus format, byte for byte, through the database."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from policy_archive.cli import policy_archive
from policy_archive.crawler.core.records import Document, Kind
from policy_archive.pipelines.exchange.corpus_format import render_document
from policy_archive.pipelines.store.writer import Store
from tests.support.synthetic import make_capture, make_reading, make_row

_QUOTE = re.compile(
    r"> \*The following text is extracted and transformed from the (\S+) privacy policy that was archived on "
    r"\S+ Please check the \[original snapshot on the Wayback Machine\]\(https://web\.archive\.org/web/"
    r"([0-9]{14})id_/(\S+)\) for the most accurate reproduction\.\*\n\n# ([^\n]*)\n\n"
)


@dataclass
class Reference:
    site: str
    timestamp: str
    original: str
    title: str
    text: str
    whole: str


def read_reference(path: Path) -> Reference:
    whole = path.read_bytes().decode("utf-8")
    match = _QUOTE.match(whole)
    assert match, path
    site, timestamp, target, title = match.groups()
    return Reference(site, timestamp, target.replace("%3A", ":"), title, whole[match.end() :], whole)


@pytest.mark.parametrize(
    "name",
    ["intently.co-2018-01-27.md", "contactually.com-2013-07-11.md", "manycontacts.com-2019-04-19.md"],
)
@pytest.mark.parametrize("how", ["show", "export"])
def test_a_stored_reference_text_comes_out_byte_for_byte(
    tmp_path: Path, shared: Path, name: str, how: str
) -> None:
    reference = read_reference(shared / "reference-texts" / name)
    document = Document(site=reference.site, kind=Kind.PRIVACY)
    row = make_row(reference.timestamp, original=reference.original)
    with Store.open(tmp_path / "policies.db") as store:
        store.add_document(document)
        capture = make_capture(row, document=document)
        assert store.record_capture(capture, make_reading(reference.text, title=reference.title))
        store.fold_versions(document)
    options = ["--db", str(tmp_path / "policies.db")]
    if how == "show":
        day = f"{reference.timestamp[:4]}-{reference.timestamp[4:6]}-{reference.timestamp[6:8]}"
        result = CliRunner().invoke(policy_archive, ["show", reference.site, "--at", day, *options])
        assert result.stdout_bytes == reference.whole.encode()
    else:
        target = tmp_path / "corpus"
        CliRunner().invoke(
            policy_archive, ["export", "--all", "--to", str(target), *options], catch_exceptions=False
        )
        site = reference.site
        path = target / site[0] / site[:2] / site[:3] / site / "privacy" / f"{reference.timestamp}.md"
        assert path.read_bytes() == reference.whole.encode()


@pytest.mark.parametrize(
    ("kind", "name", "words"),
    [
        ("privacy", "", "x.example privacy policy that"),
        ("terms", "", "x.example terms of service that"),
        ("cookies", "", "x.example cookie policy that"),
        ("privacy", "children", "x.example privacy policy (children) that"),
        ("other", "", "x.example policy that"),
    ],
)
def test_every_kind_has_its_words(kind: str, name: str, words: str) -> None:
    rendered = render_document(
        site="x.example", kind=kind, name=name, timestamp="20180127122821",
        original="http://x.example/a?b=1&c=%20d", title="T", text="Body.\n",
    )  # fmt: skip
    assert words in rendered
    assert "/20180127122821id_/http%3A//x.example/a%3Fb%3D1%26c%3D%20d)" in rendered
    assert rendered.endswith("*\n\n# T\n\nBody.\n")


def test_a_title_is_text_whatever_it_holds() -> None:
    title = "<script>alert(1)</script> [x](http://evil.example) \x1b]0;owned\x07 \u202etxt"
    rendered = render_document(
        site="x.example",
        kind="privacy",
        timestamp="20180101000000",
        original="http://x.example/",
        title=title,
        text="body",
    )
    line = rendered.split("\n")[2]
    assert line.startswith("# \\<script>alert(1)\\</script> \\[x](http://evil.example)")
    assert line.isprintable()
