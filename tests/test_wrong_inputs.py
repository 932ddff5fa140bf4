"""A hundred wrong inputs: each is answered with one sentence that says what to do, and the right exit status.

The program itself is run in a folder with `demo.db` and `run.sh`, a file that is no database. Nothing is printed
on stdout, nothing is left behind, and nothing asks any archive.
"""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from pathlib import Path

import pytest

from policy_archive.cli import main

SITE = "tidelock.example"
FAILED, USAGE = 1, 2
NO_DATE = "is no date: write 2018, 2018-05, 2018-05-25 or 14 digits."
NO_DOMAIN = "is no domain: write one like example.com, or a page's address."
NO_DATABASE = (
    "there is no database nosuch.db: make one with 'policy-archive fetch example.com --db nosuch.db'"
)
ROWS: list[tuple[str, int, str]] = [
    # bulk
    ("bulk read nosuch.warc.gz --to parts", USAGE, "there is no file or folder 'nosuch.warc.gz'."),
    ("bulk read run.sh --to parts", USAGE, "'run.sh' is none of .warc, .warc.gz, .arc, .arc.gz, .wacz and .cdxj"),
    ("bulk read run.sh", USAGE, "Missing option '--to'."),
    ("bulk read . --to parts", USAGE, "'.' holds no WARC files"),
    ("bulk read run.sh --to demo.db", USAGE, "'demo.db' is a file, and a folder is written: name another one."),
    ("bulk read run.sh --to parts --scheduler here", USAGE, "'here' is no address of a scheduler: write tcp://HOST"),
    ("bulk read run.sh --to parts --workers 2 --processes 2", USAGE, "three ways of reading: give one."),
    ("bulk status nosuch", USAGE, "'nosuch' holds nothing of 'bulk read': name the folder that its --to was given."),
    ("bulk stat parts", USAGE, "No such command 'stat'."),
    # the program
    ("hist x.org", USAGE, "No such command 'hist'. Did you mean 'history'?"),
    ("serach cookie", USAGE, "Did you mean 'search'?"),
    ("frobnicate", USAGE, "No such command 'frobnicate'. --help lists the commands."),
    ("--verbose history x.org", USAGE, "No such option '--verbose'."),
    ("watch lst", USAGE, "No such command 'lst'. Did you mean 'list'?"),
    ("config shw", USAGE, "Did you mean 'show'?"),
    ("config show nosuch", USAGE, "there is no command 'nosuch': --help lists them."),
    ("completion tcsh", USAGE, "'tcsh' is not one of 'bash', 'zsh', 'fish'."),
    (f"history {SITE} --jsn", USAGE, "No such option '--jsn'. (Did you mean one of: '--csv', '--json', '--nl'?)"),
    ("fetch x.org --kin terms", USAGE, "No such option '--kin'. Did you mean '--kind'?"),
    (f"history {SITE} extra", USAGE, "Got unexpected extra argument (extra)"),
    # databases that are none
    *((f"{words} --db nosuch.db", FAILED, NO_DATABASE) for words in (
        f"history {SITE}", f"show {SITE}", f"diff {SITE}", f"cite {SITE}", "documents", "sites", "changes",
        "at 2018", "search cookie", "status", "runs", "verify", "compact", "re-extract", "update",
        "watch list", "browse", "export --all --to out", "publish out",
    )),
    (f"--db nosuch.db history {SITE}", FAILED, NO_DATABASE),
    ("watch --db nosuch.db list", FAILED, NO_DATABASE),
    *((f"{words} --db run.sh", FAILED, "run.sh is no SQLite database, or a damaged one") for words in (
        f"history {SITE}", "verify", "status", "fetch x.org", "update", "compact", "watch add x.org",
    )),
    ("restore run.sh --db new.db", FAILED, "run.sh is no SQLite database, or a damaged one"),
    ("restore nosuch.db --db new.db", FAILED, "there is no backup nosuch.db: name a file that 'policy-archive"),
    ("backup demo.db --db demo.db", USAGE, "demo.db is there already: name another file, or give --force."),
    # sites
    ("show --db demo.db", USAGE, "name a site; the corpus has bramblekit.example, "),
    ("show tidelock --db demo.db", USAGE, f"'tidelock' {NO_DOMAIN}"),
    ("history '' --db demo.db", USAGE, f"'' {NO_DOMAIN}"),
    ("history http:// --db demo.db", USAGE, f"'http://' {NO_DOMAIN}"),
    ("show tidelok.example --db demo.db", FAILED, "tidelok.example is not in the corpus (demo.db). Did you mean"),
    ("show nosuch.org --db demo.db", FAILED, "(demo.db). 'policy-archive fetch nosuch.org --db demo.db' fetches"),
    ("at 2018 nosuch.org --db demo.db", FAILED, "nosuch.org is not in the corpus (demo.db)."),
    ("changes nosuch.org --db demo.db", FAILED, "nosuch.org is not in the corpus (demo.db)."),
    ("cite nosuch.org --db demo.db", FAILED, "nosuch.org is not in the corpus (demo.db)."),
    ("export nosuch.org --to out --db demo.db", FAILED, "nosuch.org is not in the corpus (demo.db)."),
    ("watch remove nosuch.org --db demo.db", FAILED, "nosuch.org is not watched; 'policy-archive watch list --db"),
    ("fetch", USAGE, "Nothing to do: name a site like example.com, or give --sites FILE."),
    ("watch add --db demo.db", USAGE, "Nothing to do: name a site like example.com, or give --sites FILE."),
    ("fetch me@example.com", USAGE, "what stands before an @ is no part of a site: write example.com."),
    ("fetch mailto:me@example.com", USAGE, "what stands before an @ is no part of a site: write example.com."),
    ("fetch 127.0.0.1", USAGE, f"'127.0.0.1' {NO_DOMAIN}"),
    ("fetch localhost", USAGE, f"'localhost' {NO_DOMAIN}"),
    ("fetch 'exa mple.com'", USAGE, f"'exa mple.com' {NO_DOMAIN}"),
    ("fetch com", USAGE, f"'com' {NO_DOMAIN}"),
    ("fetch co.uk", USAGE, "'co.uk' is a public suffix: write a site below it, example.co.uk."),
    ("fetch --sites nosuch.csv", USAGE, "'nosuch.csv': No such file or directory"),
    ("fetch --sites run.sh", USAGE, "run.sh names no site: one domain like example.com a line, or a table."),
    ("fetch x.org --column Website", USAGE, "--column is of a list: give --sites FILE, too."),
    # documents, versions, days
    (f"show {SITE} --kind cookie --db demo.db", USAGE, "'cookie' is not one of 'privacy', 'terms', 'cookies'"),
    (f"show {SITE} --name nosuch --db demo.db", FAILED, "has no such document; the corpus has: privacy, terms"),
    (f"show {SITE} --version 99 --db demo.db", FAILED, "there are 9, the newest first: v9 (2023-07-12), v8 (2021-11-14), "),
    (f"show {SITE} --version 0 --db demo.db", USAGE, "'0' is no number of a version: write 3 or v3."),
    (f"show {SITE} --version x --db demo.db", USAGE, "'x' is no number of a version: write 3 or v3."),
    (f"show {SITE} --at 2018 --version 3 --db demo.db", USAGE, "give --at or --version, not both."),
    (f"show {SITE} --at yesterday --db demo.db", USAGE, f"'yesterday' {NO_DATE}"),
    (f"show {SITE} --at 2018-13-01 --db demo.db", USAGE, f"'2018-13-01' {NO_DATE}"),
    (f"show {SITE} --at 2018-02-30 --db demo.db", USAGE, f"'2018-02-30' {NO_DATE}"),
    (f"show {SITE} --at 2018-05-01 --db demo.db", FAILED,
     "--kind privacy --version 4 --db demo.db' prints the one, 'policy-archive show tidelock.example --kind "
     "privacy --version 5 --db demo.db' the other."),
    (f"diff {SITE} 3 4 --db demo.db", USAGE, "'3' is no date: write v3 for version 3."),
    (f"diff {SITE} v9 v99 --db demo.db", FAILED, "'policy-archive history tidelock.example --kind privacy --db demo.db' lists all."),
    (f"diff {SITE} --html --unified --db demo.db", USAGE, "give one of --html, --unified: a form excludes"),
    (f"diff {SITE} --removed --html --db demo.db", USAGE, "--removed goes with --json or alone."),
    ("diff x y --db demo.db", USAGE, f"'x' {NO_DOMAIN}"),
    ("at --db demo.db", USAGE, "Missing argument 'DATE'."),
    ("at soon --db demo.db", USAGE, f"'soon' {NO_DATE}"),
    ("changes --since tomorrow --db demo.db", USAGE, f"'tomorrow' {NO_DATE}"),
    (f"cite {SITE} --format doc --db demo.db", USAGE, "'doc' is not one of 'text', 'bibtex', 'csl-json', 'ris'."),
    (f"cite {SITE} --at 2018 --version 3 --db demo.db", USAGE, "give one of --at, --version and --capture."),
    # searching
    ("search --db demo.db", USAGE, "Missing argument 'WORDS...'."),
    ("search '' --db demo.db", USAGE, "Type at least one word to search for."),
    ("search '***' --db demo.db", USAGE, "Type at least one word to search for."),
    ("search AND --db demo.db", USAGE, "Type at least one word to search for."),
    ("search '\"open' --db demo.db", USAGE, "A quotation mark has no partner: put one at both ends of the phrase"),
    ("search cookie --year 20x --db demo.db", USAGE, "“20x” is no year: write four digits, like 2018."),
    ("search cookie --limit 0 --db demo.db", USAGE, "0 is too small: write 1 or more."),
    # crawling
    ("fetch x.org --from 2019 --to 2018", USAGE, "--from 2019 is after --to 2018: swap them."),
    ("fetch x.org --from 2018-5", USAGE, f"'2018-5' {NO_DATE}"),
    ("fetch x.org --max-requests 0", USAGE, "0 is too small: write 1 or more."),
    ("fetch x.org --precision -1", USAGE, "-1.0 is too small: write 0 or more."),
    ("fetch x.org --index-rate fast", USAGE, "Invalid value for '--index-rate': 'fast' is no number."),
    ("fetch x.org --min-words x", USAGE, "Invalid value for '--min-words': 'x' is no whole number."),
    ("fetch x.org --plan daily", USAGE, "'daily' is not one of 'changes', 'all', 'monthly', 'half-yearly'"),
    ("fetch x.org --kind all,terms", USAGE, "'all,terms' is not one of 'privacy', 'terms', 'cookies', 'other'"),
    ("fetch x.org --archive ftp://x", USAGE, "'ftp://x' is no archive's address: write one like https://web."),
    ("fetch x.org --archive waybak", USAGE, "'waybak' is no archive's address: write one like https://web."),
    ("fetch x.org --contact 'not an address'", USAGE, "is no address: write one like me@example.org or https://"),
    ("plan x.org --sample 1", USAGE, "1 is too small: write 2 or more."),
    ("update x.org --all --db demo.db", USAGE, "name sites, or give --all for those watched: not both."),
    ("compact --dense --readable --db demo.db", USAGE, "give --dense or --readable, not both."),
    ("update --dry-run --db demo.db", USAGE, "Nothing is watched in demo.db: 'policy-archive watch add SITE --db"),
    ("update --notify-command /nosuch/x --dry-run --db demo.db", USAGE, "there is no program '/nosuch/x' here."),
    ("update --notify-url nota --dry-run --db demo.db", USAGE, "'nota' is no address: write one like https://"),
    ("watch add x.org --every 5m --db demo.db", USAGE, "'5m' is no interval: write 12h, 1d, 1w, 1mo or 1y, 10y"),
    ("schedule cron --every 5m", USAGE, "--every '5m' is none of a scheduler's: write 1h, 6h, 1d, 1w or 1mo."),
    ("schedule launchd", USAGE, "'launchd' is not one of 'systemd', 'cron', 'github'."),
    # files
    ("schedule cron --to run.sh", USAGE, "'run.sh' is a file, and a folder is written: name another one."),
    ("publish run.sh --db demo.db", USAGE, "'run.sh' is a file, and a folder is written: name another one."),
    ("at 2018 --to run.sh --db demo.db", USAGE, "'run.sh' is a file, and a folder is written: name another one."),
    (f"export {SITE} --to run.sh --db demo.db", USAGE, "'run.sh' is a file, and markdown writes a folder: name"),
    ("export --db demo.db", USAGE, "name the sites to export, or --all."),
    (f"export {SITE} --format xml --to out --db demo.db", USAGE, "'xml' is not one of 'markdown', 'git', "),
    (f"export {SITE} --to out --html --db demo.db", USAGE, "--html is not of markdown in files: it goes with --format git."),
    (f"export {SITE} --to - --format csv --grid versions --db demo.db", USAGE,
     "--grid is not of csv on stdout: it goes with --format princeton-leuven."),
    (f"export {SITE} --to out --format csv --table sites --db demo.db", USAGE,
     "--table is not of csv in files: it goes with --to - and --format jsonl or csv."),
    (f"export {SITE} --release out --format csv --db demo.db", USAGE, "--format is of --to: a --release has all"),
    (f"export {SITE} --to out --author 'J. Doe' --db demo.db", USAGE, "--author is of a data set to publish: give"),
    ("import", USAGE, "Missing argument 'PATH...'."),
    ("import nosuch", USAGE, "Path 'nosuch' does not exist."),
    ("serve nosuch", USAGE, "Path 'nosuch' does not exist."),
    ("serve run.sh", USAGE, "run.sh is no WARC file, or a damaged one: name another one."),
    ("serve .", USAGE, "'.' holds no WARC files: name a folder with *.warc.gz or *.wacz in it."),
    ("extract nosuch.html", USAGE, "File 'nosuch.html' does not exist."),
    ("extract run.sh --timestamp soon", USAGE, f"'soon' {NO_DATE}"),
    ("browse --port 99999 --db demo.db", USAGE, "99999 is not in the range 0<=x<=65535."),
]  # fmt: skip


@pytest.fixture
def folder(demo_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(demo_database, tmp_path / "demo.db")
    (tmp_path / "run.sh").write_text("echo hi\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("POLICY_ARCHIVE_DB", raising=False)
    monkeypatch.setenv("COLUMNS", "300")
    return tmp_path


def type_it(typed: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """Return what the program exits with when this is typed."""
    monkeypatch.setattr(sys, "argv", ["policy-archive", *shlex.split(typed)])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


@pytest.mark.parametrize(("typed", "status", "told"), ROWS, ids=[row[0] for row in ROWS])
def test_a_wrong_input_is_answered_with_what_to_do(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    typed: str,
    status: int,
    told: str,
) -> None:
    assert type_it(typed, monkeypatch) == status
    printed = capsys.readouterr()
    assert printed.out == ""
    last = printed.err.rstrip("\n").split("\n")[-1]
    assert last.startswith("Error: ") and told in last
    assert printed.err.count("Error") == 1 and "Traceback" not in printed.err
    left = {path.name for path in folder.iterdir()} - {"demo.db-wal", "demo.db-shm", "demo.db.lock"}
    assert left == {"demo.db", "run.sh"}


def test_there_are_a_hundred() -> None:
    assert len({row[0] for row in ROWS}) == len(ROWS) >= 100


@pytest.mark.parametrize("option", ["--json", "--nl"])
def test_who_asks_for_json_reads_the_failure_as_json(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    assert type_it(f"history nosuch.org {option} --db demo.db", monkeypatch) == FAILED
    printed = capsys.readouterr()
    assert printed.out == ""
    told = json.loads(printed.err)
    assert told["exit_status"] == FAILED and "nosuch.org is not in the corpus" in told["error"]
