"""Every package that an installation brings may be shipped with an Apache-2.0 product."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
FREE = re.compile(
    r"MIT|BSD|Apache|ISC\b|PSF|Python Software Foundation|MPL.?2\.0|Mozilla Public License 2\.0"
    r"|Zlib|CC0|CNRI|ZPL|Public Domain|Unlicense|HPND",
    re.IGNORECASE,
)
"""What the project's rule names, and what asks no more of a distributor: Zlib, CC0, CNRI, ZPL, HPND."""
WEAK = re.compile(r"LGPL|Lesser General Public", re.IGNORECASE)
STRONG = re.compile(r"(?<!L)A?GPL|(?<!Lesser )General Public License|Affero", re.IGNORECASE)


def licence_of(package: Distribution) -> str:
    """Return what a package's metadata says: SPDX expression, else classifiers, else free text."""
    metadata = package.metadata
    classifiers = [
        line.split(" :: ")[-1] for line in metadata.get_all("Classifier") or [] if line.startswith("License")
    ]
    first_line = (metadata.get("License") or "").strip().split("\n")[0]
    return metadata.get("License-Expression") or " AND ".join(classifiers) or first_line


def judge(licence: str) -> str:
    """Return `free`, `weak` (wants a reason in NOTICE) or `refused`; of alternatives the best counts.

    >>> judge("MIT"), judge("MPL-1.1 OR GPL-2.0-only OR LGPL-2.1-or-later"), judge("AGPL-3.0"), judge("")
    ('free', 'weak', 'refused', 'refused')
    """
    found = [_judge_all(choice) for choice in re.split(r"\bOR\b", licence)]
    return min(found, key=("free", "weak", "refused").index)


def _judge_all(licence: str) -> str:
    found = [_judge_one(part) for part in re.split(r"\bAND\b", licence)]
    return max(found, key=("free", "weak", "refused").index)


def _judge_one(licence: str) -> str:
    if WEAK.search(licence):
        return "weak"
    if STRONG.search(licence):
        return "refused"
    return "free" if FREE.search(licence) else "refused"


def installed(requirements: list[str]) -> dict[str, Distribution]:
    """Return the packages that requirements bring, those that they bring, and so on."""
    found: dict[str, Distribution] = {}
    wanted = [(Requirement(text), "") for text in requirements]
    while wanted:
        requirement, extra = wanted.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = re.sub(r"[-_.]+", "-", requirement.name).lower()
        if name not in found:
            try:
                found[name] = distribution(name)
            except PackageNotFoundError:
                pytest.skip(f"{name} is not installed: pip install -e '.[test,publish]'")
            extras = requirement.extras or {""}
            wanted += [(Requirement(text), one) for text in found[name].requires or [] for one in extras]
    return found


def runtime() -> dict[str, Distribution]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = [name for name in project["optional-dependencies"] if name not in ("test", "bench")]
    return installed(
        [
            *project["dependencies"],
            *(text for name in extras for text in project["optional-dependencies"][name]),
        ]
    )


def test_every_runtime_dependency_may_be_shipped() -> None:
    packages = runtime()
    assert {"click", "scrapy", "lxml"} <= set(packages)
    said = {name: licence_of(package) for name, package in packages.items()}
    assert {name: licence for name, licence in said.items() if judge(licence) == "refused"} == {}
    notice = (ROOT / "NOTICE").read_text("utf-8").splitlines()
    assert {name for name, licence in said.items() if judge(licence) == "weak"} == {
        line for line in notice if re.fullmatch(r"[a-z0-9-]+", line) and line != "policy-archive"
    }


@pytest.mark.parametrize("package", ["surt"])
def test_what_was_given_up_for_its_licence_does_not_come_back(package: str) -> None:
    assert package not in runtime()


@pytest.mark.parametrize(
    ("licence", "verdict"),
    [
        ("GNU Affero General Public License v3", "refused"),
        ("GPL-2.0-only", "refused"),
        ("GNU Lesser General Public License v3 (LGPLv3)", "weak"),
        ("Apache-2.0 AND GPL-3.0", "refused"),
        ("0BSD", "free"),
        ("MPL-2.0", "free"),
        ("Proprietary", "refused"),
    ],
)
def test_the_judge_of_licences(licence: str, verdict: str) -> None:
    assert judge(licence) == verdict
