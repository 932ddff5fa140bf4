"""CPU of reading pages that were never read before, in one process, beside that of 0.1.0.

    python bench/new_pages.py [--every N]

Pages: ../shared/extraction/dev and kinds/dev, of which none is like another. Each is read by both programs in
turn, in processes that stay and that have read a few altered ones before: tables that are made once count for
neither. 0.1.0 comes out of git. A capture of a history costs less: `python bench/fetch.py --histories`.
"""

from __future__ import annotations

import argparse
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.readings import SETS, Saved
from bench.release import ROOT, as_users_run_it, unpack

_SETS = ("extraction", "kinds")
_UNCOUNTED = 3
_MODULES = ("policy_archive.crawler.core.records", "policy_archive.pipelines.reading.read")
_OLD_MODULES = ("crawler.records", "pipelines.reading")
"""The homes of `Document` and of `read_body`."""
_READER = """
import pickle, sys, time
from importlib import import_module
sys.path.insert(0, sys.argv[1])
records, read_body = import_module(sys.argv[2]), import_module(sys.argv[3]).read_body
while True:
    try:
        page = pickle.load(sys.stdin.buffer)
    except EOFError:
        break
    document = records.Document(site=page.pop("site"), kind=records.Kind(page.pop("kind")))
    begun = time.process_time()
    read_body(**page, document=document)
    pickle.dump(time.process_time() - begun, sys.stdout.buffer)
    sys.stdout.flush()
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--every", type=int, default=1, help="only each so many-th page")
    every = parser.parse_args().every
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        places = {"now": [str(ROOT / "src"), *_MODULES]}
        if unpack(Path(folder)):
            places["0.1.0"] = [folder, *_OLD_MODULES]
        readers = {name: stack.enter_context(_start(place)) for name, place in places.items()}
        for name in _SETS:
            pages = [_spec(page) for page in SETS[name]()][::every]
            print(f"{name:12} {len(pages):4} pages  {_compare(readers, pages)}", flush=True)


def _spec(page: Saved) -> dict[str, Any]:
    """Return a page as both programs take it."""
    return {
        "site": page.document.site,
        "kind": page.document.kind.value,
        "body": page.body,
        "url": page.url,
        "timestamp": page.timestamp,
        "content_type": page.content_type,
    }


def _start(place: Iterable[str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", _READER, *place]
    variables = as_users_run_it(PYTHONHASHSEED="0")
    return subprocess.Popen(command, env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def _compare(readers: Mapping[str, subprocess.Popen[bytes]], pages: list[dict[str, Any]]) -> str:
    """Return the milliseconds a page of each, and their ratio."""
    seconds = dict.fromkeys(readers, 0.0)
    for page in pages[:_UNCOUNTED]:  # words of it altered, so that nothing of it is remembered
        for reader in readers.values():
            _read(reader, page | {"body": page["body"].replace(b"the", b"teh")})
    for page in pages:
        for name, reader in readers.items():
            seconds[name] += _read(reader, page)
    told = [f"{name} {1000 * spent / len(pages):.1f} ms" for name, spent in seconds.items()]
    if "0.1.0" in seconds:
        told.append(f"ratio {seconds['now'] / seconds['0.1.0']:.2f}")
    return "  ".join(told)


def _read(reader: subprocess.Popen[bytes], page: dict[str, Any]) -> float:
    """Return the CPU seconds that a reader takes for a page."""
    assert reader.stdin is not None
    assert reader.stdout is not None
    pickle.dump(page, reader.stdin)
    reader.stdin.flush()
    return float(pickle.load(reader.stdout))


if __name__ == "__main__":
    main()
