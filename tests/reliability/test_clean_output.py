"""Whatever archives, pages and databases hold, nothing of it steers a terminal or turns its lines round."""

from __future__ import annotations

import ast
import json
import os
import pty
import re
from pathlib import Path

import pytest

from policy_archive.crawler.core.records import Document, Kind, Outcome
from policy_archive.crawler.core.steering import STEERING
from policy_archive.crawler.core.vocabularies import RunStatus, SiteOutcome
from policy_archive.pipelines.store.writer import Store
from tests.support import programs
from tests.support.processes import ROOT, finish, start_program
from tests.support.synthetic import make_capture, make_row, store_texts

STEERS = "\x1b]0;owned\x07 \x1b[2J \x9d0;owned\x9c \u202egnp.exe\u2066 \u061c\x08"
OUR_OWN = re.compile(r"\x1b\[\??[0-9;]*[AKhlm]|\r")
"""Colours, and what moves the bar; STEERS holds none of them."""
SITE = "intently.example"
TIMES = ("20100101000000", "20180525000000")

READING = {
    "history": ("history", SITE),
    "history --csv": ("history", SITE, "--csv"),
    "history --json": ("history", SITE, "--json"),
    "history --nl": ("history", SITE, "--nl"),
    "history --coverage": ("history", SITE, "--coverage"),
    "show": ("show", SITE),
    "show --json": ("show", SITE, "--json"),
    "diff": ("diff", SITE, "v1", "v2"),
    "diff --html": ("diff", SITE, "v1", "v2", "--html"),
    "diff --unified": ("diff", SITE, "v1", "v2", "--unified"),
    "diff --json": ("diff", SITE, "v1", "v2", "--json"),
    "documents": ("documents", SITE),
    "documents --json": ("documents", SITE, "--json"),
    "changes": ("changes",),
    "changes --json": ("changes", "--json"),
    "status": ("status",),
    "status --json": ("status", "--json"),
    "runs": ("runs",),
    "verify": ("verify",),
    "verify --json": ("verify", "--json"),
}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database of which text, title, address, names and reasons hold what steers."""
    path = tmp_path_factory.mktemp("steering") / "policies.db"
    document = Document(site=SITE, kind=Kind.PRIVACY)
    with Store.open(path) as store:
        run = store.start_run("fetch", {"sites": STEERS})
        url = f"https://{SITE}/privacy?{STEERS}"
        texts = [(at, f"# Head {STEERS}\n\nkept {STEERS}\n\nline of {at} {STEERS}\n") for at in TIMES]
        store_texts(store, texts, document=document, original=url, title=f"Title {STEERS}")
        row = make_row("20190101000000", original=url)
        store.add_rows(document, [row])
        died = make_capture(row, document=document, outcome=Outcome.EXTRACTOR_CRASH, reason=STEERS)
        store.record_capture(died)
        store.set_site_outcome(SITE, SiteOutcome.FOUND, STEERS)
        store.finish_run(run, RunStatus.FAILED, STEERS)
        store.connection.execute("update bodies set bytes = 7")
        store.connection.commit()
    return path


def on_terminal(*arguments: str) -> str:
    """Return what a terminal gets of a command, stdout and stderr together."""
    main, terminal = pty.openpty()
    words = ["-W", "ignore", "-m", "policy_archive", *arguments]
    with programs.start(words, out=terminal, err=terminal) as process:
        os.close(terminal)
        shown = b""
        while True:
            try:
                piece = os.read(main, 65536)
            except OSError:  # the other end is closed
                break
            shown += piece
            if not piece:
                break
    os.close(main)
    assert process.returncode in (0, 1), shown
    return shown.decode().replace("\r\n", "\n")


def steering_of(shown: str) -> list[str]:
    return STEERING.findall(OUR_OWN.sub("", shown))


@pytest.mark.parametrize("arguments", READING.values(), ids=READING)
def test_no_command_that_reads_passes_on_what_steers(corpus: Path, arguments: tuple[str, ...]) -> None:
    shown = on_terminal(*arguments, "--db", str(corpus))
    assert "Traceback" not in shown
    assert shown.strip()
    assert steering_of(shown) == []


PRINTED = {
    "text": (),
    "json": ("--json",),
    "explain": ("--explain",),
    "corpus format": ("--url", f"https://{SITE}/x\x1b[2J", "--timestamp", "2018"),
}


@pytest.mark.parametrize("options", PRINTED.values(), ids=PRINTED)
def test_an_extracted_page_passes_on_nothing_that_steers(tmp_path: Path, options: tuple[str, ...]) -> None:
    page = tmp_path / "page.html"
    policy = f"<p>We collect your name {STEERS} and keep it for a year, as the law says it.</p>" * 9
    page.write_text(f"<title>Privacy {STEERS}</title><h1>Privacy policy {STEERS}</h1>{policy}", "utf-8")
    shown = on_terminal("extract", str(page), *options)
    assert "Traceback" not in shown
    assert shown.strip()
    assert steering_of(shown) == []


def test_json_reads_back_as_it_was(corpus: Path) -> None:
    (newest, *_) = json.loads(on_terminal("changes", "--json", "--db", str(corpus)))
    assert STEERS in json.loads(on_terminal("show", SITE, "--json", "--db", str(corpus)))["text"]
    assert newest["site"] == SITE


def test_no_command_prints_json_that_was_not_made_clean() -> None:
    """`rows.format_json` is the one way out."""
    commands = sorted((ROOT / "pipelines" / "commands").glob("*.py"))
    assert len(commands) > 15
    found = [
        f"{path.name}:{call.lineno}"
        for path in commands
        for call in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "click.echo"
        if "json.dumps" in ast.unparse(call)
    ]
    assert found == []


@pytest.mark.parametrize("verb", ["at", "cite", "sites", "history", "show", "search", "fetch", "import"])
@pytest.mark.parametrize("typed", ["\x1b]0;x\x07.example", "\u202eelpmaxe.x", "x\udcff"])
def test_what_was_typed_is_given_back_without_what_steers(corpus: Path, verb: str, typed: str) -> None:
    state = {"POLICY_ARCHIVE_STATE": str(corpus.parent / "state")}
    more = ("--archive", "http://127.0.0.1:1") if verb == "fetch" else ()
    status, out, err = finish(start_program(verb, "--db", str(corpus), *more, "--", typed, environment=state))
    assert status in (0, 1, 2), err
    assert "Traceback" not in err
    assert not STEERING.search(out + err)
