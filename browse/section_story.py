"""What happened to a section of a policy, as a page tells it: newest first, each step with its difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from policy_archive.browse.diff_html import DiffDocument, build_document
from policy_archive.browse.sections import Section, Stage, find_remains, follow_section, list_stages
from policy_archive.pipelines.store.queries import Row
from policy_archive.pipelines.versions.diff import diff_texts

_LONGEST_STEP = 200_000
"""Characters of a section before and after that are compared beside other readers' requests."""
_SENTENCES = {
    "first": "Stood there when the document was first seen",
    "came": "Came",
    "changed": "Changed",
    "renamed": "Renamed",
    "went": "Went",
    "back": "Came back",
}


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing that happened to a section."""

    what: str
    """As sections.Stage has it."""
    sentence: str
    version: Row
    """The first in which it is so."""
    last: Row
    """The last."""
    before: Row | None
    """The version before the first; None for the document's first one."""
    heading: str
    """As it reads from then on; of what went, as it read."""
    was_called: str
    """The heading before, where it is another; else ''."""
    anchor: str
    """In `version`; '' where it has no such section."""
    difference: DiffDocument | None
    """None where nothing is compared: it stood there first, went, was only renamed, or is too long."""
    words_added: int
    words_removed: int
    is_too_long: bool
    remains: str | None
    """Of what lost its heading: the one under which half of it or more stands, '' for none; None where it
    is gone."""


@dataclass(frozen=True, kw_only=True)
class Story:
    """A section through all versions."""

    section: Section
    """As it stood last."""
    newest: Row
    """The last version that has it."""
    steps: list[Step]
    """Newest first."""
    found_in: int
    versions: int
    passed_over: int
    """Versions that are not looked at: their changes are not the policy's own."""

    @property
    def stands(self) -> bool:
        return self.steps[0].what != "went"

    def count(self, *what: str) -> int:
        return sum(step.what in what for step in self.steps)


def tell_story(
    versions: Sequence[Row],
    texts: Sequence[str],
    start: int,
    anchor: str,
    *,
    passed_over: int,
    characters: int,
) -> Story:
    """Return what happened to the section that a text, the one at `start`, has under an anchor.

    `characters` is how much text may be compared in all. Raises KeyError for an anchor that it has not.
    """
    found = follow_section(texts, start, anchor)
    steps = []
    for stage in reversed(list_stages(found)):
        length = sum(len(one.text) for one in (stage.section, stage.before) if one)
        is_too_long = length > min(_LONGEST_STEP, characters)
        characters -= 0 if is_too_long else length
        steps.append(_tell(stage, versions, texts, is_too_long=is_too_long))
    newest, section = max((index, one) for index, one in enumerate(found) if one is not None)
    return Story(
        section=section,
        newest=versions[newest],
        steps=steps,
        found_in=sum(one is not None for one in found),
        versions=len(versions),
        passed_over=passed_over,
    )


def _tell(stage: Stage, versions: Sequence[Row], texts: Sequence[str], *, is_too_long: bool) -> Step:
    shown = stage.section or stage.before
    assert shown is not None
    difference = None if is_too_long or stage.what in ("first", "renamed", "went") else _compare(stage)
    changes = difference.changes if difference else []
    remains = find_remains(shown, texts[stage.first]) if stage.what == "went" else None
    renamed = stage.before and stage.section and stage.before.heading != stage.section.heading
    return Step(
        what=stage.what,
        sentence=_SENTENCES[stage.what] if remains is None else "Lost its heading",
        version=versions[stage.first],
        last=versions[stage.last],
        before=versions[stage.first - 1] if stage.first else None,
        heading=shown.heading,
        was_called=stage.before.heading if renamed and stage.before else "",
        anchor=stage.section.anchor if stage.section else "",
        difference=difference,
        words_added=sum(change.words_added for change in changes),
        words_removed=sum(change.words_removed for change in changes),
        is_too_long=is_too_long and stage.what in ("came", "changed", "back"),
        remains=remains,
    )


def _compare(stage: Stage) -> DiffDocument:
    old = stage.before.text if stage.before else ""
    new = stage.section.text if stage.section else ""
    return build_document(diff_texts(old, new), old, new, side_by_side=False)
