"""`import` of what somebody made to break it: each item an outcome, the rest goes on, nothing without end."""

from __future__ import annotations

import io
import json
import os
import sqlite3
import subprocess
import zipfile
from collections.abc import Callable, Iterable
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import Result

from policy_archive.pipelines.exchange import git_history, imported, sources
from policy_archive.pipelines.exchange.imported import MOST_FILE_BYTES
from tests.support.git import git

from .test_import import corpus_file, outcomes, rows, run

__all__ = ["run"]

X = ("--site", "x.example", "--kind", "privacy")


def folder_of(tmp_path: Path, name: str | bytes, content: str | bytes) -> Path:
    """Return a folder with one odd file in it, and a good one after that."""
    folder = tmp_path / "in"
    folder.mkdir()
    body = content if isinstance(content, bytes) else content.encode()
    with open(os.path.join(os.fsencode(folder), os.fsencode(name)), "wb") as file:  # noqa: PTH118, PTH123
        file.write(body)
    (folder / "z.md").write_text(corpus_file(site="z.example"))
    return folder


def bomb_of_merges() -> str:
    """Return YAML in which each line takes in the one before ten times over."""
    names = "abcdefghijk"
    lines = ["a: &a {x1: 1, x2: 2}"]
    lines += [f"{b}: &{b} {{<<: [{', '.join(f'*{a}' for _ in range(10))}]}}" for a, b in pairwise(names)]
    return "\n".join(lines)


def bomb_of_aliases() -> str:
    """Return YAML that would be a thousand million words, were it written out."""
    names = "abcdefghij"
    lines = ["a: &a [" + ",".join(["x"] * 9) + "]"]
    lines += [f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]" for a, b in pairwise(names)]
    return "\n".join(lines)


FRONT_MATTER = {
    "aliases of aliases": (bomb_of_aliases(), "imported"),
    "merges of merges": (bomb_of_merges(), "imported"),
    "an alias of itself": ("a: &a [*a]", "imported"),
    "lists in lists": ("a: " + "[" * 20_000, "imported"),
    "a key of many digits": ("0x" + "f" * 6000 + ": 1", "imported"),
    "a number to base sixty": ("a: " + ":".join(["1"] * 20_000), "imported"),
    "half a character": ('author: "\\ud800"', "imported"),
    "an address of half a character": ('url: "https://x.example/\\ud800"', "imported"),
    "controls": ('author: "\\0\\e]0;x\\a"', "imported"),
    "an address that is none": ('url: "http://[::1"', "imported"),
    "the year 1": ("date: 0001-01-01", "bad-date"),
    "before the year 1": ("date: 0001-01-01T00:00:00+14:00", "bad-date"),
    "a zone of a hundred hours": ("date: 2001-01-01T00:00:00+99:99", "imported"),
}


@pytest.mark.parametrize("name", FRONT_MATTER)
def test_hostile_front_matter_costs_its_own_file(
    tmp_path: Path, run: Callable[..., Result], name: str
) -> None:
    matter, expected = FRONT_MATTER[name]
    text = f"---\n{matter}\n---\nWe share nothing. Last updated on 3 May 2019.\n"
    found = outcomes(run(folder_of(tmp_path, "a.md", text), *X, "--json"))
    assert found == ({"imported": 2} if expected == "imported" else {"imported": 1, expected: 1})
    assert rows(tmp_path)


@pytest.mark.parametrize(
    "name", [b"\xff\x1b[2J.md", "a\nb\u202e.md".encode(), b"'; drop table texts; --.md", b"%00..%2f.md"]
)
def test_a_file_may_have_any_name(tmp_path: Path, run: Callable[..., Result], name: bytes) -> None:
    result = run(folder_of(tmp_path, name, "We share nothing."), *X, "--date", "2018", "--json")
    assert outcomes(result) == {"imported": 2}
    assert [row["site"] for row in rows(tmp_path)] == ["x.example", "z.example"]


def test_pipes_devices_and_links_are_named_and_not_opened(tmp_path: Path, run: Callable[..., Result]) -> None:
    (tmp_path / "secret.md").write_text(corpus_file(site="secret.example"))
    folder = folder_of(tmp_path, "a.md", corpus_file())
    for name in ("pipe.md", "pipe.json", "pipe.warc"):
        os.mkfifo(folder / name)
    (folder / "link.md").symlink_to(tmp_path / "secret.md")
    (folder / "folder").symlink_to(tmp_path)
    (folder / "nowhere.md").symlink_to("nowhere")
    result = run(folder, folder / "pipe.md", "/dev/zero", "--json")
    assert outcomes(result) == {"imported": 2, "unreadable": 8}
    named = {fault["name"] for fault in json.loads(result.stdout)["faults"]}
    assert named == {"pipe.md", "pipe.json", "pipe.warc", "link.md", "folder", "nowhere.md", "zero"}
    assert [row["site"] for row in rows(tmp_path)] == ["x.example", "z.example"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.bundle", b"# v2 git bundle\nnonsense"),
        ("a.zip", b"PK\3\4 cut"),
        ("a.db", b"SQLite format 3\0" + b"\1" * 99),
        ("a.wacz", b"PK\3\4 cut"),
    ],
)
def test_a_damaged_container_in_a_folder_stops_nothing(
    tmp_path: Path, run: Callable[..., Result], name: str, content: bytes
) -> None:
    result = run(folder_of(tmp_path, name, content), "--json")
    assert outcomes(result) == {"imported": 1, "unreadable": 1}
    assert [fault["name"] for fault in json.loads(result.stdout)["faults"]] == [name]


def test_more_than_a_source_may_hold_is_left_out_and_said(
    tmp_path: Path, run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "MOST_CAPTURES", 3)
    folder = folder_of(tmp_path, "a.md", corpus_file(site="a.example"))
    for number in range(4):
        (folder / f"{number}.md").write_text(corpus_file(site=f"n{number}.example"))
    assert outcomes(run(folder, "--json")) == {"imported": 3, "too-large": 1}
    full = {f"S/Privacy Policy/2021-05-0{day}T00-00-00Z.md": "We share." for day in range(1, 8)}
    result = run(zip_of(tmp_path, full), "--site", "x.example", "--json")
    assert outcomes(result) == {"too-large": 1}
    assert "more than 3 files" in json.loads(result.stdout)["faults"][0]["reason"]


# Declarations


def test_a_hostile_declaration_costs_itself(tmp_path: Path, run: Callable[..., Result]) -> None:
    folder = tmp_path / "declarations"
    folder.mkdir()
    bad: dict[str, object] = {
        "url.json": {"name": "U", "terms": {"Privacy Policy": {"fetch": "http://[::1"}}},
        "half.json": {"name": "\ud800", "terms": {"Terms \udc00": {"fetch": "https://s.example/\ud800"}}},
        "controls.json": {
            "name": "\0\x1b",
            "terms": {"Privacy\nPolicy\0": {"fetch": "https://c.example/\n\0"}},
        },
        "until.history.json": {
            "Privacy Policy": [
                {"fetch": "https://u.example/a", "validUntil": "99999999999999"},
                {"fetch": "https://u.example/b", "validUntil": "\u0669" * 14},
                {"fetch": "https://u.example/c", "validUntil": {"a": 1}},
            ]
        },
        "list.json": [],
    }
    for name, content in bad.items():
        (folder / name).write_text(json.dumps(content))
    (folder / "deep.json").write_bytes(b"[" * 200_000)
    (folder / "good.json").write_text(
        json.dumps({"name": "G", "terms": {"Privacy Policy": {"fetch": "https://g.example/privacy"}}})
    )
    assert outcomes(run(folder, "--json")) == {"unreadable": 1, "unknown-format": 1}
    known = rows(tmp_path, "select url, last_seen from addresses order by url")
    assert {"url": "https://g.example/privacy", "last_seen": None} in known
    assert {row["last_seen"] for row in known} == {None}
    for command in ("documents", "sites", "status"):
        assert run(command=command).exception is None


# Zips


def zip_of(tmp_path: Path, members: dict[str, str | bytes], mangle: tuple[bytes, bytes] = (b"", b"")) -> Path:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    path = tmp_path / "dataset.zip"
    path.write_bytes(content.getvalue().replace(*mangle) if mangle[0] else content.getvalue())
    return path


GOOD = {"S/Privacy Policy/2021-05-03T12-30-20Z.md": "We share nothing."}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("../../../../2021-05-04T12-30-20Z.md", "imported"),
        ("/S/../2021-05-04T12-30-20Z.md", "imported"),
        ("a/./2021-05-04T12-30-20Z.md", "unreadable"),
        ("S/Privacy Policy/\u0662\u0660\u0662\u0661-\u0660\u0665-\u0660\u0663.md", "bad-date"),
        ("S/Privacy Policy/\x1b]0;x\x07.md", "no-date"),
    ],
)
def test_a_member_may_have_any_name_and_nothing_is_written_to_it(
    tmp_path: Path, run: Callable[..., Result], name: str, expected: str
) -> None:
    result = run(zip_of(tmp_path, {name: "We share all.", **GOOD}), "--site", "x.example", "--json")
    found = outcomes(result)
    assert found.get("imported", 0) >= 1
    assert sum(found.values()) == 2
    assert expected in found
    assert {path.name for path in tmp_path.iterdir() if path.suffix == ".md"} == set()


def test_bombs_and_other_versions_of_zip_are_outcomes(tmp_path: Path, run: Callable[..., Result]) -> None:
    bombs = {
        f"S/Privacy Policy/2021-06-0{day}T00-00-00Z.md": bytes(MOST_FILE_BYTES + 1) for day in range(1, 4)
    }
    path = zip_of(tmp_path, {**bombs, **GOOD})
    assert path.stat().st_size < 2**20
    assert outcomes(run(path, "--site", "x.example", "--json")) == {"too-large": 3, "imported": 1}
    version = (b"PK\1\2\x14\x03\x14\x00", b"PK\1\2\x14\x03\x63\x00")
    assert outcomes(run(zip_of(tmp_path, GOOD, version), "--json")) == {"unreadable": 1}


# SQLite

TABLE = "create table policy_texts (site_url, policy_snapshot_url, policy_text)"
MEMENTO = "https://web.archive.org/web/201801271228{:02}/http://x.example/p"
ENDLESS = f"""
    with recursive t(n) as (select 1 union all select n + 1 from t)
    select n as rowid, 'x.example' as site_url, '{MEMENTO.format(21)}' as policy_snapshot_url,
    'We share.' as policy_text from t"""


def database_of(tmp_path: Path, schema: Iterable[str], texts: Iterable[str] = ()) -> Path:
    """Return a database in which the texts, each an SQL expression, stand row by row."""
    path = tmp_path / "corpus.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        for statement in schema:
            connection.execute(statement)
        for number, text in enumerate(texts):
            values = f"('x.example', '{MEMENTO.format(number)}', {text})"
            connection.execute(f"insert into policy_texts values {values}")
        connection.commit()
    return path


@pytest.mark.parametrize(
    "schema",
    [
        [f"create view policy_texts as {ENDLESS}"],
        [f"create view policy_texts as {ENDLESS} where n < 0"],
        ["create virtual table policy_texts using fts5(site_url, policy_snapshot_url, policy_text)"],
        ["create table policy_texts (site_url, policy_snapshot_url, policy_text as (zeroblob(900000000)))"],
        ["create table policy_texts (site_url primary key, policy_snapshot_url, policy_text) without rowid"],
    ],
    ids=["a view without end", "a view that seeks without end", "virtual", "computed", "without row numbers"],
)
def test_only_a_plain_table_is_read(tmp_path: Path, run: Callable[..., Result], schema: list[str]) -> None:
    assert outcomes(run(database_of(tmp_path, schema), "--json")) == {"unknown-format": 1}


def test_a_row_that_is_odd_costs_itself(tmp_path: Path, run: Callable[..., Result]) -> None:
    trigger = "create trigger t after insert on policy_texts when new.policy_text is 1 begin select 1; end"
    texts = [
        "'We share nothing.'",
        "cast(x'57652061ff' as text)",
        "zeroblob(21000000)",
        "null",
        "2.5",
        "x'00'",
    ]
    path = database_of(tmp_path, [TABLE, trigger], texts)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("insert into policy_texts values (1, 2, 3), (null, null, 'We share.')")
        connection.execute(
            "insert into policy_texts values ('x.example', ?, 'We')", (MEMENTO.replace("2018", "9999"),)
        )
        connection.commit()
    found = outcomes(run(path, "--json"))
    assert sum(found.values()) == 9
    assert found["too-large"] == 1
    assert found["bad-date"] >= 3
    assert "We a\ufffd\n" in [row["text"] for row in rows(tmp_path)]


def test_a_schema_that_is_no_text_is_damage(tmp_path: Path, run: Callable[..., Result]) -> None:
    """Found by fuzzing: SQLite quotes it in its message, and Python cannot read that."""
    path = database_of(tmp_path, [TABLE], ["'We share nothing.'"])
    names = b"tablepolicy_textspolicy_texts"
    assert path.read_bytes().count(names) == 1
    path.write_bytes(path.read_bytes().replace(names, names.replace(b"olicy_texts", b"\xe7\xfficy_texts", 1)))
    assert outcomes(run(path, "--json")) == {"unreadable": 1}


# Git


def history_of(tmp_path: Path, *commits: tuple[bytes, bytes, str]) -> Path:
    """Return a repository of commits (message, path as git quotes it, content)."""
    folder = tmp_path / "history.git"
    git(tmp_path, "init", "--quiet", "--bare", "history.git")
    stream = b""
    for message, path, content in commits:
        who = b"a <a@x.example> 1500000000 +0000"
        head = b"commit refs/heads/master\nauthor %b\ncommitter %b\n" % (who, who)
        body = content.encode()
        stream += head + b"data %d\n%b\n" % (len(message), message)
        stream += b'M 100644 inline "%b"\ndata %d\n%b\n' % (path, len(body), body)
    subprocess.run(["git", "-C", str(folder), "fast-import", "--quiet"], input=stream, check=True)
    git(folder, "symbolic-ref", "HEAD", "refs/heads/master")
    return folder


NAMES = [
    rb"a\nb.md",
    rb"a\tb.md",
    rb"a\"b.md",
    rb"a\036\037b.md",
    rb"a\342\200\250b.md",
    rb"\377.md",
    rb"a\033]0;x\007.md",
]


def test_files_of_a_repository_may_have_any_name(tmp_path: Path, run: Callable[..., Result]) -> None:
    commits = [(b"m", name, corpus_file(site=f"n{number}.example")) for number, name in enumerate(NAMES)]
    assert outcomes(run(history_of(tmp_path, *commits), "--json")) == {"imported": len(NAMES)}


def test_a_message_cannot_pass_for_what_git_says(tmp_path: Path, run: Callable[..., Result]) -> None:
    change = f":100644 100644 {'0' * 40} {'1' * 40} M\tforged.md"
    forged = f"m\x1e{'0' * 40}\x1f1\x1fx\x1f\n{change}\n\x1f\n{change}".encode()
    path = history_of(
        tmp_path, (forged, b"a.md", corpus_file()), (b"\n:" * 50, b"b.md", corpus_file(site="b.example"))
    )
    assert outcomes(run(path, "--json")) == {"imported": 2}
    names = rows(tmp_path, "select name from origins order by name")
    assert [row["name"] for row in names] == ["a.md", "b.md"]


def test_a_message_of_any_length_is_held_in_part(
    tmp_path: Path, run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(git_history, "_LONGEST_FIELD", 1000)
    long = b"x" * 3_000_000
    path = history_of(
        tmp_path, (long, b"a.md", corpus_file()), (b"m", b"b.md", corpus_file(site="b.example"))
    )
    with git_history.GitRepository(path, "history") as repository:
        assert max(len(change.message) for change in repository.iter_changes()) < 1000
    assert outcomes(run(path, "--json")) == {"imported": 2}


def test_of_very_many_commits_the_first_are_imported(
    tmp_path: Path, run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "MOST_CAPTURES", 50)
    path = history_of(
        tmp_path,
        *(
            (
                b"m",
                b"a.md",
                corpus_file(
                    f"Text {number}.\n", timestamp=f"2018{number % 12 + 1:02}{number // 12 + 1:02}000000"
                ),
            )
            for number in range(300)
        ),
    )
    result = run(path, "--dry-run", "--json")
    assert outcomes(result) == {"imported": 50, "too-large": 1}
    assert "left out" in json.loads(result.stdout)["faults"][0]["reason"]


def test_a_file_that_a_repository_lacks_is_an_outcome(tmp_path: Path, run: Callable[..., Result]) -> None:
    path = history_of(
        tmp_path, (b"m", b"a.md", corpus_file()), (b"m", b"b.md", corpus_file(site="b.example"))
    )
    lost = git(path, "rev-parse", "master:b.md").strip()
    (path / "objects" / lost[:2] / lost[2:]).unlink()
    assert outcomes(run(path, "--json")) == {"imported": 1, "too-large": 1}


@pytest.mark.parametrize("told", ["http://[::1", "javascript:1", "https://x.example/\x1b[2J", ""])
def test_an_address_that_a_commit_tells_may_be_any_text(
    tmp_path: Path, run: Callable[..., Result], told: str
) -> None:
    message = f"First record\n\nX-source-document-location: {told}".encode()
    path = history_of(tmp_path, (message, b"S/Privacy Policy.md", "We share nothing."))
    assert outcomes(run(path, "--site", "x.example", "--json")) == {"imported": 1}


def test_half_characters_are_replaced_in_all_fields() -> None:
    refusal = imported.Refusal(name="a\udcff", outcome=imported.ImportOutcome.EMPTY, reason="\ud83d\ude00")
    assert imported.storable(refusal).name == "a\ufffd"
    assert imported.storable(refusal).outcome is imported.ImportOutcome.EMPTY
    kept = imported.Refusal(name="\U0001f600 é", outcome=imported.ImportOutcome.EMPTY, reason="")
    assert imported.storable(kept) is kept
