"""A document's runs of texts → the class of each change: pure, and the same whatever order captures came in.

What the document's own history tells of a line (it comes and goes, only a number in it differs) and where it
stands in the page (beside the text, under a tag for navigation) together tell page furniture from policy;
neither does alone. A change is of the page if *every* line that differs is furniture by some rule: one line
that is not, and it is reported whole. Nothing is hidden: text, hash and row stay, the class is a mark.

Rules and thresholds were measured on recorded histories, docs/changes.md has the figures. *Edge* is before or
after a pair's core, the stretch of lines with most unchanged prose.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, pairwise

from policy_archive.crawler.core.records import OUTSIDE_ROOT, UNDER_BOILERPLATE
from policy_archive.pipelines.text import weigh_words
from policy_archive.pipelines.versions.classes import ChangeClass
from policy_archive.pipelines.versions.diff import iter_operations
from policy_archive.pipelines.versions.elsewhere import NOWHERE, Elsewhere, Span
from policy_archive.pipelines.versions.lines import DIGITS, PROSE_WORDS, Line, line_key
from policy_archive.pipelines.versions.telling import (
    has_currency,
    has_date_or_version,
    names_responsible,
    names_rights,
)

_MOST_OF_A_LINE, _COST_OF_A_LINE = 60, 4
"""What an unchanged line of prose counts for at the most, and what any other line costs, in the core."""
_COUNTER_PAIRS, _COUNTER_WORDS = 3, 8
_MENU_LINES = 3
_HOME_LINES = 4
"""Lines of the home page one after the other, from which on they are its menu wherever they stand."""
_TRANSITIONS = 2
"""A line that came and went, or went and came back."""
_PART_SHARE = 0.5
"""A text of fewer of the words of the one before and after it, all of them in there, is a part of it."""
_SURE_LANGUAGE = 0.8
_WORDS_OF_A_LANGUAGE = 60
"""Words from which on a text is long enough to be called another language's, or a part of another."""

_IDENTIFIER = re.compile(
    r"(?<![\w-])(?=[a-f]*[0-9])(?=[0-9]*[a-f])[0-9a-f]{8,}(?:-[0-9a-f]{4,})*(?![\w-])", re.IGNORECASE
)
"""A number of letters and digits that some machine made: of a request, of a build."""
_SHARE = re.compile(r"[%‰@]")
_COUNT = re.compile(r"\d{1,3}(?:[,.' ]\d{3})+(?!\d)|\d{4,}")


@dataclass(frozen=True, kw_only=True)
class Run:
    """One version: its text and what only its readers know of it."""

    text: str
    text_sha256: str
    places: tuple[int, ...] | None = None
    """Of each line of `text.split("\\n")[:-1]`, as `Extraction.line_places` has them; None: not known."""
    language: str | None = None
    language_confidence: float = 0.0
    extractor: str = ""
    first: str = ""
    """Timestamp of its first capture, 14 digits; '': not known, and nothing stands elsewhere then."""
    last: str = ""


def classify_changes(runs: Iterable[Run], elsewhere: Elsewhere = NOWHERE) -> list[ChangeClass | None]:
    """Return the class of the change to each run from the one before it, runs in order of time.

    `elsewhere` is what stands on the site's other pages.

    None for the first, and where the policy's own words changed. Each text is let go when its lines are
    read, which neighbouring texts share: a long history costs little more than one of its texts.
    """
    runs, spans = _note_spans(runs)
    texts = _parse_texts(runs)
    frame = _Frame(texts, spans, elsewhere)
    variants = _find_variants(texts)
    classes: list[ChangeClass | None] = [None]
    for index, pair in enumerate(frame.pairs, start=1):
        before, after = texts[index - 1], texts[index]
        if before.extractor != after.extractor:
            classes.append(ChangeClass.EXTRACTOR)
        elif index in variants:
            classes.append(ChangeClass.VARIANT)
        elif pair.has_same_words:
            same = before.with_targets == after.with_targets
            classes.append(ChangeClass.LAYOUT if same else ChangeClass.LINKS)
        else:
            classes.append(ChangeClass.PAGE if frame.is_page_only(index - 1) else None)
    return classes[: len(texts)]


# Texts


@dataclass(frozen=True, kw_only=True)
class _Text:
    lines: tuple[Line, ...]
    """Those that are not blank."""
    places: tuple[int, ...] | None
    sha256: str
    language: str | None
    """None where the text is too short, or the guess too unsure, to tell."""
    extractor: str

    @cached_property
    def keys(self) -> tuple[str, ...]:
        return tuple(line.key for line in self.lines)

    @cached_property
    def joined(self) -> str:
        """All words in one, so that lines joined or split make no difference."""
        return "".join(self.keys).replace(" ", "")

    @cached_property
    def with_targets(self) -> str:
        """Words and where links lead, without marks and blanks."""
        return "".join(line_key(line.text) for line in self.lines).replace(" ", "")

    @cached_property
    def words(self) -> float:
        return sum(line.words for line in self.lines)

    @cached_property
    def menus(self) -> frozenset[int]:
        """Indices of lines in a run of lines that are nothing but links, and of the labels and headings among
        them that stand beside the text.
        """
        found: set[int] = set()
        for is_menu, group in groupby(range(len(self.lines)), self._may_be_in_menu):
            indices = list(group)
            links = sum(len(self.labels_of(i) or ()) for i in indices)
            lines = sum(self.labels_of(i) is not None for i in indices)
            if is_menu and links >= _MENU_LINES and 2 * lines >= len(indices):
                found.update(indices)
        return frozenset(found)

    def _may_be_in_menu(self, index: int) -> bool:
        line = self.lines[index]
        if self.labels_of(index) is not None:
            return True
        if self.places is None or not self.places[index] & OUTSIDE_ROOT or line.is_prose:
            return False
        if line.is_button_label and line.is_item:
            return True
        leads = self.lines[index - 1 : index] if index else ()
        if line.is_button_label and any(line.key in (one.link_labels or ()) for one in leads):
            return True  # an entry's name once more, above what it promises
        follows = self.lines[index + 1 : index + 2]
        return line.is_heading_or_label and bool(follows) and follows[0].link_labels is not None

    def labels_of(self, index: int) -> tuple[str, ...] | None:
        """Return the words of a line's links when it is nothing else, or a row of links far from the text."""
        line = self.lines[index]
        if line.link_labels is None and self.is_far(index):
            return line.row_labels
        return line.link_labels

    def is_far(self, index: int) -> bool:
        """Return whether a line stands both beside the text and under a tag for navigation or the like."""
        both = OUTSIDE_ROOT | UNDER_BOILERPLATE
        return self.places is not None and self.places[index] & both == both

    def is_teaser(self, index: int) -> bool:
        """Return whether this is a sentence right beside a menu's link, far from the text."""
        near = (index - 1, index + 1)
        return (
            self.is_far(index)
            and self.lines[index].words <= PROSE_WORDS
            and any(place in self.menus for place in near)
        )

    @cached_property
    def menu_labels(self) -> frozenset[str]:
        """What the menu's links are called: pages name the one before and the one after again below."""
        return frozenset(label for i in self.menus for label in self.labels_of(i) or ())

    @cached_property
    def place_of(self) -> Mapping[str, int]:
        """Key of a line → the flags of its first place; empty when places are not known."""
        if self.places is None:
            return {}
        found: dict[str, int] = {}
        for key, place in zip(self.keys, self.places, strict=True):
            found.setdefault(key, place)
        return found


def _note_spans(runs: Iterable[Run]) -> tuple[Iterable[Run], list[Span]]:
    """Return the runs, still one at a time, and a list that fills with their spans as they are read."""
    spans: list[Span] = []

    def note() -> Iterator[Run]:
        for run in runs:
            spans.append((run.first, run.last))
            yield run

    return note(), spans


def _parse_texts(runs: Iterable[Run]) -> list[_Text]:
    lines: dict[str, Line] = {}
    parsed: dict[tuple[object, ...], _Text] = {}
    texts = []
    for run in runs:
        key = (run.text_sha256, run.places, run.language, run.language_confidence, run.extractor)
        if key not in parsed:
            parsed[key] = _parse_text(run, lines)
        texts.append(parsed[key])
    return texts


def _parse_text(run: Run, lines: dict[str, Line]) -> _Text:
    every = run.text.split("\n")
    filled = [n for n, line in enumerate(every) if line and not line.isspace()]
    is_known = run.places is not None and (not filled or filled[-1] < len(run.places))
    shared = tuple(lines.setdefault(every[n], Line(text=every[n])) for n in filled)
    is_told = (
        run.language_confidence >= _SURE_LANGUAGE
        and sum(line.words for line in shared) >= _WORDS_OF_A_LANGUAGE
    )
    return _Text(
        lines=shared,
        places=tuple(run.places[n] for n in filled) if is_known and run.places is not None else None,
        sha256=run.text_sha256,
        language=run.language if is_told else None,
        extractor=run.extractor,
    )


# Pairs of neighbouring runs


@dataclass(frozen=True, kw_only=True)
class _Stretch:
    """Neighbouring lines that differ; indices into the lines of the two texts."""

    removed: range
    added: range
    at_edge: bool


@dataclass(frozen=True, kw_only=True)
class _Pair:
    old: _Text
    new: _Text
    stretches: tuple[_Stretch, ...]

    @cached_property
    def has_same_words(self) -> bool:
        """Return whether lines were at most joined or split, marks and targets aside."""
        return self.old.joined == self.new.joined

    def iter_counters(self) -> Iterator[tuple[Line, Line]]:
        """Yield the pairs of lines of one stretch that differ in their numbers alone."""
        for stretch in self.stretches:
            by_skeleton: dict[str, list[Line]] = defaultdict(list)
            for index in stretch.added:
                by_skeleton[_skeleton(self.new.lines[index])].append(self.new.lines[index])
            for index in stretch.removed:
                old = self.old.lines[index]
                partners = by_skeleton.get(_skeleton(old))
                if partners and partners[0].key != old.key and DIGITS.search(old.key):
                    yield old, partners.pop(0)


def _skeleton(line: Line) -> str:
    return DIGITS.sub("#", _IDENTIFIER.sub("#id", line.key))


def _compare(old: _Text, new: _Text) -> _Pair:
    entries: list[tuple[float, range, range, bool]] = []
    for operation in iter_operations(old.keys, new.keys):
        gone = range(operation.old_start, operation.old_end)
        come = range(operation.new_start, operation.new_end)
        if operation.equal:
            entries += [(_weight(old, i), range(i, i + 1), range(0), True) for i in gone]
        else:
            entries.append((-_COST_OF_A_LINE * (len(gone) + len(come)), gone, come, False))
    start, end = _find_core([weight for weight, *_ in entries])
    stretches = []
    for is_same, group in groupby(enumerate(entries), key=lambda entry: entry[1][3]):
        if is_same:
            continue
        parts = list(group)
        stretches.append(
            _Stretch(
                removed=_joined([gone for _, (_, gone, _, _) in parts]),
                added=_joined([come for _, (_, _, come, _) in parts]),
                at_edge=parts[-1][0] < start or parts[0][0] >= end,
            )
        )
    return _Pair(old=old, new=new, stretches=tuple(stretches))


def _weight(text: _Text, index: int) -> float:
    """Return what a line counts for in the core: the sentences of a mega menu are none of the policy's."""
    line = text.lines[index]
    if not line.is_prose or text.is_far(index):
        return -_COST_OF_A_LINE
    return min(line.words, _MOST_OF_A_LINE)


def _joined(ranges: Sequence[range]) -> range:
    filled = [one for one in ranges if one]
    return range(filled[0].start, filled[-1].stop) if filled else range(0)


def _find_core(weights: Sequence[float]) -> tuple[int, int]:
    """Return start and end of the stretch with the largest sum; where there is no prose, all is core."""
    best, found, total, start = 0.0, (0, len(weights)), 0.0, 0
    for index, weight in enumerate(weights):
        if total <= 0:
            total, start = 0.0, index
        total += weight
        if total > best:
            best, found = total, (start, index + 1)
    return found


# Rules


class _Frame:
    """The rules over all runs of one document."""

    def __init__(self, texts: Sequence[_Text], spans: Sequence[Span], elsewhere: Elsewhere) -> None:
        self.pairs = [_compare(old, new) for old, new in pairwise(texts)]
        self._spans = spans
        self._elsewhere = elsewhere
        self._menus_of_home: dict[tuple[str, Span], frozenset[int]] = {}
        self._counters = self._find_counters()
        self._owners = {_owners(line) for text in texts for line in text.lines if line.is_copyright}
        changed = {
            text.lines[index].key
            for pair in self.pairs
            for stretch in pair.stretches
            for text, indices in ((pair.old, stretch.removed), (pair.new, stretch.added))
            for index in indices
        }
        self._transitions: Counter[str] = Counter()
        self._holders: Counter[str] = Counter()
        self._outside: Counter[str] = Counter()
        self._boilerplate: Counter[str] = Counter()
        before: frozenset[str] | None = None
        for text in texts:
            here = changed.intersection(text.keys)
            if before is not None:
                self._transitions.update(here ^ before)
            before = frozenset(here)
            for key in here:
                if text.places is not None:
                    place = text.place_of[key]
                    self._holders[key] += 1
                    self._outside[key] += bool(place & OUTSIDE_ROOT)
                    self._boilerplate[key] += bool(place & UNDER_BOILERPLATE)

    def _find_counters(self) -> frozenset[str]:
        """Return the skeletons of short lines in which nothing but a number differs, again and again."""
        pairs: Counter[str] = Counter()
        values: dict[str, set[str]] = defaultdict(set)
        for pair in self.pairs:
            found = {_skeleton(old): (old, new) for old, new in pair.iter_counters()}
            pairs.update(found.keys())
            for skeleton, lines in found.items():
                values[skeleton].update(line.key for line in lines)
        return frozenset(
            skeleton
            for skeleton, number in pairs.items()
            if number >= _COUNTER_PAIRS
            and len(values[skeleton]) >= _COUNTER_PAIRS
            and all(_may_count(key) for key in values[skeleton])
        )

    def is_page_only(self, number: int) -> bool:
        """Return whether every line that differs between a run and the next one is furniture by some rule."""
        return all(self._is_furniture(number, stretch) for stretch in self.pairs[number].stretches)

    def _is_furniture(self, number: int, stretch: _Stretch) -> bool:
        pair = self.pairs[number]
        gone = [(pair.old, index) for index in stretch.removed]
        come = [(pair.new, index) for index in stretch.added]
        gone, come = self._without_counters(gone, come)
        gone, come = _without_blanks(gone), _without_blanks(come)
        if stretch.at_edge:
            gone, come = self._without_notices(gone, come)
            gone, come = _without_years_of_credits(gone, come)
            gone, come = self._without_far_numbers(gone, come)
            gone, come = (
                [(text, i) for text, i in side if not text.lines[i].is_command_or_count]
                for side in (gone, come)
            )
        left = [*gone, *come]
        if left and not stretch.at_edge:
            return False
        has_label = any(text.lines[index].is_button_label for text, index in left)
        one_sided = not gone or not come
        spans = [self._spans[number]] * len(gone) + [self._spans[number + 1]] * len(come)
        return all(
            self._is_under_boilerplate(text.lines[index])
            or _is_menu_entry(text, index)
            or self._is_said_in_menu(text, index)
            or _is_teaser(text, index)
            or self._is_heading_beside(text.lines[index])
            or (one_sided and self._comes_and_goes(text.lines[index], has_label=has_label))
            or (one_sided and self._is_said_twice(text, index))
            or self._stands_elsewhere(text, index, span, has_label=has_label)
            for (text, index), span in zip(left, spans, strict=True)
        )

    def _without_counters(self, gone: _Places, come: _Places) -> tuple[_Places, _Places]:
        """Return the lines that are not the two values of a counter."""
        old = Counter(_skeleton(text.lines[i]) for text, i in gone)
        both = old & Counter(_skeleton(text.lines[i]) for text, i in come)
        counted = {skeleton for skeleton in both if skeleton in self._counters}
        return tuple(  # type: ignore[return-value]
            [(text, i) for text, i in side if _skeleton(text.lines[i]) not in counted]
            for side in (gone, come)
        )

    def _without_notices(self, gone: _Places, come: _Places) -> tuple[_Places, _Places]:
        """Return the lines that are no copyright notice that comes, goes, or differs in its years alone.

        Where notices of a document name several owners, which one it is matters.
        """
        old, new = (
            [place for place in side if place[0].lines[place[1]].is_copyright] for side in (gone, come)
        )
        named = [{_owners(text.lines[i]) for text, i in side} for side in (old, new)]
        if named[0] != named[1] and len(self._owners) > 1:
            return gone, come
        return [place for place in gone if place not in old], [place for place in come if place not in new]

    def _without_far_numbers(self, gone: _Places, come: _Places) -> tuple[_Places, _Places]:
        """Return the lines that are not the two wordings of an advertisement that differ in numbers alone.

        Both stand beside the text *and* under a tag for navigation: "over 20 languages", "over 30 languages".
        """
        old, new = (
            Counter(_skeleton(text.lines[i]) for text, i in side if self._is_far_number(text, i))
            for side in (gone, come)
        )
        both = old & new
        return tuple(  # type: ignore[return-value]
            [
                (text, i)
                for text, i in side
                if not (self._is_far_number(text, i) and _skeleton(text.lines[i]) in both)
            ]
            for side in (gone, come)
        )

    def _is_far_number(self, text: _Text, index: int) -> bool:
        line = text.lines[index]
        is_plain = not line.is_dated and not has_currency(line.key) and not _SHARE.search(line.key)
        return text.is_far(index) and line.is_prose and is_plain and not names_responsible(line.key)

    def _is_said_twice(self, text: _Text, index: int) -> bool:
        """Return whether a sentence beside the text came and went, and stands there twice: a banner."""
        line = text.lines[index]
        copies = [place for place, key in enumerate(text.keys) if key == line.key]
        return (
            len(copies) > 1
            and self._transitions[line.key] >= _TRANSITIONS
            and not line.is_always_told
            and text.places is not None
            and all(text.places[place] & OUTSIDE_ROOT for place in copies)
        )

    def _is_under_boilerplate(self, line: Line) -> bool:
        return (
            self._is_mostly(self._boilerplate, line)
            and not line.is_prose
            and not line.is_heading_or_label
            and not line.is_dated
            and not line.is_of_responsible
        )

    def _is_said_in_menu(self, text: _Text, index: int) -> bool:
        """Return whether a short line beside the text names a page that the menu leads to."""
        line = text.lines[index]
        said = line.is_button_label and line.key in text.menu_labels and self._is_mostly(self._outside, line)
        return said and not line.is_always_told and not line.names_rights

    def _is_heading_beside(self, line: Line) -> bool:
        """Return whether this is the heading of a box: beside the text *and* under a tag for navigation.

        Either alone is a document's title often enough.
        """
        beside = self._is_mostly(self._outside, line) and self._is_mostly(self._boilerplate, line)
        if not beside or not line.is_heading_or_label or line.is_prose:
            return False
        return not line.is_dated and not line.is_of_responsible and not line.names_rights

    def _comes_and_goes(self, line: Line, *, has_label: bool) -> bool:
        """Return whether a line beside the text's root came and went; prose only together with a button."""
        return (
            self._is_mostly(self._outside, line)
            and self._transitions[line.key] >= _TRANSITIONS
            and not line.is_heading_or_label
            and not line.is_dated
            and not line.is_of_responsible
            and (has_label or not line.is_prose)
        )

    def _stands_elsewhere(self, text: _Text, index: int, span: Span, *, has_label: bool) -> bool:
        """Return whether a line is the site's: it stands on its home page, or beside another document, too.

        What policies of a site share is often of these policies, so that its place has to say it as well:
        it stands beside the text, or amid a run of lines that all stand on the home page. Prose that names
        rights is left out only together with a button: a banner, then.
        """
        line = text.lines[index]
        if line.is_always_told or (line.names_rights and not (line.is_prose and has_label)):
            return False
        beside = self._is_mostly(self._outside, line) or self._is_mostly(self._boilerplate, line)
        if self._elsewhere.on_home(line.key, span):
            return beside or index in self._find_menus_of_home(text, span)
        return beside and not line.is_prose and self._elsewhere.beside_others(line.key, span)

    def _find_menus_of_home(self, text: _Text, span: Span) -> frozenset[int]:
        """Return the indices of lines in runs of short lines that the home page shows, too.

        A list that a heading or a label opens is the policy's: of partners, of what is collected.
        """
        if (text.sha256, span) not in self._menus_of_home:
            found: set[int] = set()
            opened = False
            for is_menu, group in groupby(
                range(len(text.lines)), lambda i: self._may_be_menu_of_home(text.lines[i], span)
            ):
                indices = list(group)
                if is_menu and len(indices) >= _HOME_LINES and not opened:
                    found.update(indices)
                opened = text.lines[indices[-1]].is_heading_or_label
            self._menus_of_home[text.sha256, span] = frozenset(found)
        return self._menus_of_home[text.sha256, span]

    def _may_be_menu_of_home(self, line: Line, span: Span) -> bool:
        return not line.is_prose and not line.is_heading_or_label and self._elsewhere.on_home(line.key, span)

    def _is_mostly(self, where: Counter[str], line: Line) -> bool:
        """Return whether a line stands there in half of the runs that hold it and know its place."""
        return 0 < self._holders[line.key] <= 2 * where[line.key]


_Places = list[tuple[_Text, int]]


def _without_years_of_credits(gone: _Places, come: _Places) -> tuple[_Places, _Places]:
    """Return the lines that are not the two wordings of who made the site that differ in numbers alone."""
    old, new = (
        Counter(_skeleton(text.lines[i]) for text, i in side if text.lines[i].is_credit)
        for side in (gone, come)
    )
    both = old & new
    return tuple(  # type: ignore[return-value]
        [(t, i) for t, i in side if not (t.lines[i].is_credit and _skeleton(t.lines[i]) in both)]
        for side in (gone, come)
    )


def _without_blanks(places: _Places) -> _Places:
    """Return the lines that say something: borders of tables and rules do not."""
    return [(text, index) for text, index in places if not text.lines[index].is_blank]


def _is_host(word: str) -> bool:
    """Return whether a word looks like a machine's name: letters, then a number, then maybe a domain.

    >>> _is_host("node-7.example.net"), _is_host("web12"), _is_host("12")
    (True, True, False)
    """
    name = word.partition(".")[0]
    return name[:1].isalpha() and name.isascii() and name[-1:].isdigit()


def _may_count(key: str) -> bool:
    """Return whether a line with a number may be a counter or a machine's name, not an amount or a date."""
    return (
        weigh_words(key) <= _COUNTER_WORDS
        and not re.search(r"[%‰@]", key)
        and not has_currency(key)
        and not has_date_or_version(_IDENTIFIER.sub("", key))
        and bool(
            _IDENTIFIER.search(key)
            or _is_host(key.rpartition(" ")[2])
            or (_COUNT.search(key) and not names_responsible(key))
        )
    )


def _owners(line: Line) -> frozenset[str]:
    """Return the words of a copyright notice beside its years."""
    return frozenset(re.findall(r"[^\W\d_]+", line.key.lower()))


def _is_menu_entry(text: _Text, index: int) -> bool:
    line = text.lines[index]
    if index not in text.menus:
        return False
    labels = text.labels_of(index)
    if labels is None:
        return not line.is_of_responsible and not line.is_dated and not line.names_rights
    return not any(names_rights(label) for label in labels)


def _is_teaser(text: _Text, index: int) -> bool:
    line = text.lines[index]
    return text.is_teaser(index) and not line.is_always_told and not line.names_rights


# Variants


def _find_variants(texts: Sequence[_Text]) -> set[int]:
    """Return the indices of runs that are reached by a change of what was served, not of the policy.

    A stretch of runs in another language between runs of one language is a variant; so is one run that is a
    part of the text before it, or holds it as a part, when that text follows again. Leaving is of the same
    kind only where the text is the same again: what changed meanwhile is a change.
    """
    found: set[int] = set()
    stretches = [
        (one, list(group)) for one, group in groupby(range(len(texts)), lambda index: texts[index].language)
    ]
    threes = zip(stretches, stretches[1:], stretches[2:], strict=False)
    for (language, _), (other, indices), (again, rest) in threes:
        if language and other and language == again:
            found.add(indices[0])
            if texts[indices[0] - 1].sha256 == texts[rest[0]].sha256:
                found.add(rest[0])
    for index in range(1, len(texts) - 1):
        before, here, after = texts[index - 1 : index + 2]
        if before.sha256 == after.sha256 and _is_part(before, here):
            found.update((index, index + 1))
    return found


def _is_part(one: _Text, other: _Text) -> bool:
    """Return whether one of two texts is less than half of the other, every line of it in there."""
    small, large = sorted((one, other), key=lambda text: text.words)
    is_small = _WORDS_OF_A_LANGUAGE <= small.words < _PART_SHARE * large.words
    return is_small and not Counter(small.keys) - Counter(large.keys)
