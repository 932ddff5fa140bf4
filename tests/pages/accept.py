"""Write expected.md of the folders named: `python tests/pages/accept.py --accept NAME …`.

Without --accept the difference is printed. Read it: what is accepted is what the tests call right.
"""

from __future__ import annotations

import difflib
import json
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).parent)]

from test_pages import FOLDERS, extract_folder  # noqa: E402

if __name__ == "__main__":
    names = set(sys.argv[1:]) - {"--accept"}
    for folder in FOLDERS:
        meta = json.loads((folder / "meta.json").read_text("utf-8"))
        if "outcome" in meta or (names and folder.name not in names):
            continue
        expected = folder / "expected.md"
        before = expected.read_text("utf-8") if expected.exists() else ""
        after = extract_folder(folder, meta).text
        lines = difflib.unified_diff(before.splitlines(), after.splitlines(), folder.name, "now", lineterm="")
        print("\n".join(lines))
        if "--accept" in sys.argv:
            expected.write_text(after, "utf-8", newline="\n")
