"""CPU seconds of commands on a corpus and on one eight times as large, and by which power they grew.

    python bench/growth.py [--runs 3] [--sites 150] [--captures 400] [--old e1fc501]

Two ways to grow: one document with n and 8n captures among fifty other sites, and one site among n and 8n
others. Every command is a process of its own, its readers counted, against a local archive server that lists
nothing new; the least of the runs counts, less what the same command takes on a database of three captures.
Linear is 1, flat 0. Beside it the same of version 0.1.0, if git has it (`--old`): its databases are made by
itself. `update` ends with the check of the books.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from support.generated import GeneratedSource
from support.synthetic import make_row

from bench.exchange.imports import run
from bench.release import COMMAND, RELEASE, ROOT, unpack
from policy_archive.archive_server.captures import CapturedAnswer
from policy_archive.archive_server.server import ArchiveServer

TIMES = 8
SITE = "grown.example"
URL = f"https://{SITE}/privacy"
OTHERS = 50
"""Sites beside a document that grows."""
PUBLISHED = 6
"""Of the sites of a corpus one in so many is published: a page costs some milliseconds."""
CAPTURES_A_TEXT = 8
LEAST_SECONDS = 0.03
"""Less than that, above what the command takes on nearly nothing, is noise."""

_BUILD = """
import sys
from datetime import date, timedelta
from importlib import import_module
from pathlib import Path
module, database, sites, captures, site, url, first, of_text, *folders = sys.argv[1:]
sys.path[:0] = folders
made = import_module(module)

def texts(number, start, of_text):
    for n in range(start, start + number):
        day = date(2001, 1, 1) + timedelta(days=n)
        edition = f"We keep {n // of_text} records of you.\\n\\n"
        yield f"{day:%Y%m%d}120000", edition + "You may ask us to delete what we hold about you.\\n" * 20

with made.Store.open(Path(database)) as store:
    store.connection.execute("pragma synchronous = off")
    for name in [site, *(f"site{n}.example" for n in range(int(sites)))]:
        document = made.Document(site=name, kind=made.Kind.PRIVACY)
        wanted = (int(captures), int(first), int(of_text)) if name == site else (3, 0, 1)
        made.store_texts(store, texts(*wanted), document=document, original=url.replace(site, name))
"""


@dataclass(frozen=True)
class Program:
    """A version of the program, as it is run and as its databases are made."""

    name: str
    folder: Path
    command: tuple[str, ...]
    maker: tuple[str, ...]
    """Module that stores captures, and folders that it is imported from."""

    def build(self, database: Path, *, sites: int = 0, captures: int = 3, first: int = 0) -> Path:
        """Make or lengthen a database: SITE with so many captures from day `first` on, others with three."""
        module, *folders = self.maker
        numbers = (str(sites), str(captures), SITE, URL, str(first), str(CAPTURES_A_TEXT))
        run([sys.executable, "-c", _BUILD, module, str(database), *numbers, *folders], folder=self.folder)
        return database

    def cost(self, *arguments: object) -> float:
        """Return the CPU seconds of a command, readers included."""
        with tempfile.TemporaryDirectory() as state:  # nobody waits for what another asked the archive
            variables = {"POLICY_ARCHIVE_STATE": state, "PYTHONPATH": str(self.folder)}
            return run([*self.command, *map(str, arguments)], variables, folder=self.folder).cpu_seconds


def this_program() -> Program:
    """Return the program of this checkout."""
    command = (sys.executable, "-m", "policy_archive")
    return Program("now", ROOT, command, ("support.synthetic", str(ROOT / "tests")))


def old_program(commit: str, folder: Path) -> Program | None:
    """Return 0.1.0, unpacked into a folder; None, with a reason on stderr, where git does not have it."""
    if not unpack(folder, commit):
        return None
    return Program("0.1.0", folder, COMMAND, ("synthetic", str(folder), str(folder / "tests" / "pipelines")))


def build_source() -> GeneratedSource:
    """Return an archive that lists one capture of SITE, which all databases have."""
    source = GeneratedSource()
    body = b"<p>20010101120000"
    source.answers[make_row("20010101120000", original=URL)] = CapturedAnswer(
        status=200, reason="", headers=(("Content-Type", "text/html"),), body=body
    )
    return source


Times = tuple[float, float, float]
"""CPU seconds on nearly nothing, at n and at 8n."""


def measure(
    program: Program, folder: Path, archive: str, *, runs: int, sites: int, captures: int
) -> dict[str, Times]:
    """Return what each command takes, for each way to grow; `sites`, `captures`: n."""
    tiny = program.build(folder / "tiny.db")
    documents = [
        program.build(folder / f"document{number}.db", sites=OTHERS, captures=number)
        for number in (captures, TIMES * captures)
    ]
    corpora = [
        program.build(folder / f"corpus{number}.db", sites=number) for number in (sites, TIMES * sites)
    ]
    rates = ("--index-rate", 0, "--replay-rate", 0)
    commands: dict[str, Callable[[Path], tuple[object, ...]]] = {
        "update": lambda path: ("update", SITE, "--db", path, "--archive", archive, *rates),
        "history": lambda path: ("history", SITE, "--db", path),
        "show": lambda path: ("show", SITE, "--db", path),
        "changes": lambda path: ("changes", "--db", path),
    }
    taken = {}
    for name, command in commands.items():
        least = _least(program, command(tiny), runs)
        for way, paths in (("captures", documents), ("sites", corpora)):
            small, large = (_least(program, command(path), runs) for path in paths)
            taken[f"{name}, {TIMES} times the {way}"] = (least, small, large)
    return taken | _measure_publish(program, folder, sites // PUBLISHED)


def _least(program: Program, arguments: tuple[object, ...], runs: int) -> float:
    return min(program.cost(*arguments) for _ in range(runs))


def _measure_publish(program: Program, folder: Path, number: int) -> dict[str, Times]:
    """Return what a first copy costs, and one after a change of one site: once each, for they leave files."""
    costs = []
    for sites in (0, number, TIMES * number):
        path = program.build(folder / f"published{sites}.db", sites=sites)
        arguments = ("publish", folder / f"pages{sites}", "--db", path)
        first = program.cost(*arguments)
        program.build(path, captures=3, first=5000)
        costs.append((first, program.cost(*arguments)))
    first, again = zip(*costs, strict=True)
    return {
        f"publish, {TIMES} times the sites": first,
        f"publish, one site of {TIMES} times as many changed": again,
    }


def exponent(least: float, small: float, large: float) -> str:
    """Return the power by which the time above `least` grew, as it is printed."""
    if large - least < 2 * LEAST_SECONDS:
        return "flat"
    return f"{math.log((large - least) / max(small - least, LEAST_SECONDS)) / math.log(TIMES):.2f}"


def main() -> None:
    """Measure this program and, where it can be had, 0.1.0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--sites", type=int, default=150, help="of the smaller of two corpora")
    parser.add_argument("--captures", type=int, default=400, help="of the shorter of two histories")
    parser.add_argument("--old", default=RELEASE, help="commit of version 0.1.0")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, ArchiveServer(source=build_source()) as archive:
        folder = Path(name)
        programs = [this_program(), old_program(arguments.old, folder / "old")]
        print(f"{'CPU seconds: nearly nothing, n, 8n, exponent':52} {'now':>27} {'0.1.0':>27}")
        found = []
        for program in filter(None, programs):
            made = folder / f"of {program.name}"
            made.mkdir()
            size = {"sites": arguments.sites, "captures": arguments.captures}
            found.append(measure(program, made, archive.url, runs=arguments.runs, **size))
        for command in found[0]:
            times = [one[command] for one in found]
            cells = [f"{a:5.2f} {b:5.2f} {c:6.2f} {exponent(a, b, c):>7}" for a, b, c in times]
            print(f"{command:52}", *cells, sep="   ")


if __name__ == "__main__":
    main()
