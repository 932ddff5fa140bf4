from __future__ import annotations

import gzip
import json
import subprocess
from pathlib import Path

import pytest

from tests.support import programs

PAGE = """<html><head><title>Privacy</title></head><body><h1>Privacy policy</h1>
<p>Last updated: May 25, 2018. We collect your name and your address, and nothing else at all.</p>
<p>See our <a href="/terms">terms</a> for what else may be of interest to you as a user of the site.</p>
</body></html>"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return programs.run(["-m", "policy_archive", "extract", *arguments])


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "page.html.gz"
    path.write_bytes(gzip.compress(PAGE.encode()))
    return path


def test_a_page_with_address_and_time_is_printed_as_the_corpus_writes_it(page: Path) -> None:
    done = run(str(page), "--url", "https://www.x.example/privacy", "--timestamp", "20180601000000")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(
        "> *The following text is extracted and transformed from the x.example privacy"
    )
    assert "\n\n# Privacy\n\n# Privacy policy\n\nLast updated" in done.stdout
    assert "[terms](https://www.x.example/terms)" in done.stdout


@pytest.mark.parametrize(
    ("time", "day"),
    [("2018-06-01", "2018-06-01"), ("2018-06", "2018-06-01"), ("2018-06-01T10:00:00Z", "2018-06-01")],
)
def test_a_date_will_do_for_a_time(page: Path, time: str, day: str) -> None:
    done = run(str(page), "--url", "https://www.x.example/privacy", "--timestamp", time)
    assert f"archived on {day}" in done.stdout, done.stderr


@pytest.mark.parametrize("time", ["yesterday", "99999999", "20181301000000"])
def test_a_time_that_is_none_is_named_not_passed_over(page: Path, time: str) -> None:
    done = run(str(page), "--url", "https://www.x.example/privacy", "--timestamp", time)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"'{time}" in done.stderr and done.stderr.count("\n") == 1


def test_json_says_how_good_the_text_is(page: Path) -> None:
    quality = json.loads(run(str(page), "--json").stdout)
    assert (quality["title"], quality["language"], quality["charset"]) == ("Privacy", "en", "utf-8")
    assert quality["stated_dates"] == [
        {"kind": "updated", "as_written": "Last updated: May 25, 2018", "day": "2018-05-25"}
    ]


def test_a_manifest_writes_text_and_quality_and_counts_what_failed_and_why(
    page: Path, tmp_path: Path
) -> None:
    (tmp_path / "image.html").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "empty.txt").write_bytes(b" \n")
    lines = [
        json.dumps({"file": "page.html.gz", "url": "https://x.example/", "timestamp": "20180601000000"}),
        json.dumps({"file": "image.html", "site": "x.example", "kind": "privacy"}),
        '{"file": ',
        "",
        json.dumps({"file": "missing.html"}),
        json.dumps({"url": "https://x.example/"}),
        json.dumps({"file": "page.html.gz"}),
        json.dumps({"file": "empty.txt", "timestamp": None, "kind": "Privacy Policy"}),
    ]
    (tmp_path / "pages.jsonl").write_text("\n".join(lines))
    out = tmp_path / "out"
    done = run("--manifest", str(tmp_path / "pages.jsonl"), "--out", str(out))
    assert done.returncode == 1
    assert done.stdout == ""
    *failures, summary = done.stderr.splitlines()
    assert [line.split(":")[1] for line in failures] == ["2", "3", "5", "6", "7", "8"]
    assert summary.startswith("7 pages: 1 extracted, 6 failed (3 bad line, ")
    assert sorted(path.name for path in out.iterdir()) == [
        "empty.json",
        "image.json",
        "missing.json",
        "page.json",
        "page.md",
    ]
    assert (out / "page.md").read_text().startswith("# Privacy policy\n\nLast updated")
    assert json.loads((out / "page.json").read_text())["outcome"] == "text"
    assert json.loads((out / "image.json").read_text())["outcome"] == "not-text"
    assert json.loads((out / "empty.json").read_text())["outcome"] == "empty"


def test_a_page_that_fails_now_leaves_no_text_of_before(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "page.md").write_text("of before")
    (tmp_path / "page.html").write_bytes(b"")
    (tmp_path / "pages.jsonl").write_text('{"file": "page.html"}')
    assert run("--manifest", str(tmp_path / "pages.jsonl"), "--out", str(out)).returncode == 1
    assert not (out / "page.md").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--manifest", __file__),
        (__file__, "--out", "x"),
        (__file__, "--manifest", __file__, "--out", "x"),
    ],
)
def test_what_cannot_be_meant_is_said_in_one_sentence(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "--manifest" in done.stderr


def test_explain_names_the_rule_that_kept_or_dropped_each_part(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    menu = "<nav><a href='/'>Home</a> <a href='/shop'>Shop</a></nav>"
    page.write_text(PAGE.replace("<h1>", f"{menu}<h1>").replace("</body>", "<script>var a</script></body>"))
    done = run(str(page), "--explain", "--json")
    assert done.returncode == 0, done.stderr
    parts = {(part["tag"], part["fate"]): part["rule"] for part in json.loads(done.stdout)}
    assert parts["nav", "dropped"] == "menu"
    assert parts["body", "kept"] == "body"
    assert parts["", "dropped"] == "not-read: script"


def test_explain_of_a_manifest_is_refused(tmp_path: Path) -> None:
    manifest = tmp_path / "pages.jsonl"
    manifest.write_text("")
    assert run("--manifest", str(manifest), "--out", str(tmp_path / "out"), "--explain").returncode == 2
