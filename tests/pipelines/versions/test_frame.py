"""Which changes are of the page around the text, by a document's own history and its lines' places."""

from __future__ import annotations

import random
from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy_archive.crawler.core.records import OUTSIDE_ROOT, UNDER_BOILERPLATE
from policy_archive.pipelines.versions.classes import ChangeClass
from policy_archive.pipelines.versions.frame import Run, classify_changes

PAGE, LAYOUT, LINKS, VARIANT = ChangeClass.PAGE, ChangeClass.LAYOUT, ChangeClass.LINKS, ChangeClass.VARIANT
SENTENCE = (
    "We collect your name and your address when you order, and keep both as long as the law asks us to."
)
CORE = [f"{SENTENCE} Point {word}." for word in ("one", "two", "three", "four", "five", "six", "seven")]
MENU = [f"- [Thing {word}](https://shop.example/{word})" for word in ("one", "two", "three", "four")]


def make_run(
    head: list[str] | None = None,
    tail: list[str] | None = None,
    *,
    core: list[str] = CORE,
    place: int = OUTSIDE_ROOT,
    **known: object,
) -> Run:
    """Return a run of paragraphs; head and tail stand beside the core, or where `place` says."""
    lines, places = [], []
    for paragraph, flags in (
        [(one, place) for one in head or []]
        + [(one, 0) for one in core]
        + [(one, place) for one in tail or []]
    ):
        lines += [paragraph, ""]
        places += [flags, 0]
    text = "\n".join(lines).rstrip("\n") + "\n"
    facts = {"text_sha256": text, "places": tuple(places[:-1]), "language": "en", "language_confidence": 1.0}
    return Run(text=text, **(facts | known))  # type: ignore[arg-type]


def tails(*tails: list[str], place: int = OUTSIDE_ROOT) -> list[ChangeClass | None]:
    return classify_changes(make_run(tail=tail, place=place) for tail in tails)[1:]


case = pytest.param
BANNER = ["You are offline right now and nothing that you do here can be saved.", "Retry"]


@pytest.mark.parametrize(
    ("histories", "classes"),
    [
        case([["node-7"], ["node-3"], ["node-12"], ["node-7"]], [PAGE] * 3, id="a machine's name"),
        case([["node-7"], ["node-3"]], [None], id="two values are too few"),
        case([["Fee: $15"], ["Fee: $25"], ["Fee: $40"], ["Fee: $50"]], [None] * 3, id="an amount"),
        case([["1,204 seen"], ["1,377 seen"], ["2,022 seen"], ["2,951 seen"]], [PAGE] * 3, id="a count"),
        case([[], BANNER, [], BANNER, []], [PAGE] * 4, id="a bar with a button"),
        case([[], ["## Contact", "Write to us."]], [None], id="a section that stays"),
        case([[], ["## Residents", "You may ask us."], []], [None] * 2, id="a section taken back"),
        case([MENU, [*MENU, "- [More](https://shop.example/more)"]], [PAGE], id="a menu grows"),
        case([MENU, [*MENU, "- [Ihre Rechte](https://shop.example/r)"]], [None], id="a menu leads to rights"),
        case([["Clerk"], ["Privacy Officer"], ["Clerk"]], [None] * 2, id="an officer's title"),
        case([[], ["Acme Holding GmbH"], []], [None] * 2, id="a company"),
        case([[], ["12 High Street"], []], [None] * 2, id="an address"),
        case([[], ["Version 2"], []], [None] * 2, id="a version"),
        case([[], ["Annex B"], []], [None] * 2, id="an annex"),
        case([[], ["25 May 2018"], []], [None] * 2, id="a date"),
        case([["© 2013 Acme"], ["© 2014 Acme"], [], ["© 2015 Acme"]], [PAGE] * 3, id="years of a notice"),
        case([["© 2013 Acme"], ["© 2014 Other"]], [None], id="a notice's owner"),
        case([[], ["Join us"], [], ["Join us"]], [PAGE] * 3, id="a button that flips"),
        case([["Join us"], ["Sign up"], ["Join us"]], [None] * 2, id="one line put in another's place"),
    ],
)  # fmt: skip
def test_a_line_beside_the_root_is_judged_by_what_became_of_it(
    histories: list[list[str]], classes: list[ChangeClass | None]
) -> None:
    assert tails(*histories) == classes


FAR = OUTSIDE_ROOT | UNDER_BOILERPLATE
ROW = "**Products**| [A](https://x.example/a), [B](https://x.example/b), [{}](https://x.example/c)."
ADVERT = "We turn texts into voices in over {} languages, so that all of the world may listen to them."
COPIES = ["We use some cookies that our pages cannot do without, as you may read on.", "Retry not."] * 2


@pytest.mark.parametrize(
    ("histories", "place", "classes"),
    [
        case([[ROW.format("C")], [ROW.format("D")]], FAR, [PAGE], id="a row of links"),
        case([[ROW.format("C")], [ROW.format("D")]], OUTSIDE_ROOT, [None], id="a row of links in the text"),
        case([[ADVERT.format("20")], [ADVERT.format("30")]], FAR, [PAGE], id="a number in an advertisement"),
        case([[ADVERT.format("20")], [ADVERT.format("$30")]], FAR, [None], id="an amount"),
        case([[ADVERT.format("20")], [ADVERT.format("30")]], OUTSIDE_ROOT, [None], id="a number beside it"),
        case([[ADVERT.format("20")], [ADVERT.format("rare")]], FAR, [None], id="another word"),
        case([[], COPIES, []], OUTSIDE_ROOT, [PAGE] * 2, id="a banner shown twice"),
        case([[], COPIES[:1], []], OUTSIDE_ROOT, [None] * 2, id="a banner shown once"),
        case([[], COPIES], OUTSIDE_ROOT, [None], id="a banner that stays"),
        case([[], ["Help & Support"]], FAR, [PAGE], id="two signs side by side are no address"),
        case([[], ["〒100-0001"], []], FAR, [None] * 2, id="an address by its sign"),
        case([[], ["Hits: 4711"]], 0, [PAGE], id="a count of visits"),
        case([["Hits: 4711"], ["Hits: 4712"]], 0, [PAGE], id="two counts"),
        case([[], ["We had 4711 visitors"]], 0, [None], id="a sentence on visits"),
        case([["Print this page"], []], 0, [PAGE], id="a command"),
        case([["Print this page if you agree"], []], 0, [None], id="a sentence on printing"),
        case([["Made with Thing 2012"], ["Made with Thing 2013"]], 0, [PAGE], id="a year of a credit"),
        case([["Made with Thing 2012"], ["Made with Other 2012"]], 0, [None], id="another maker"),
        case([["Since 2012"], ["Since 2013"]], 0, [None], id="a year"),
        case([["---|---"], ["---|---|---"]], 0, [PAGE], id="a table's border"),
    ],
)
def test_lines_that_say_nothing_of_a_policy(
    histories: list[list[str]], place: int, classes: list[ChangeClass | None]
) -> None:
    assert tails(*histories, place=place) == classes


TEASER = "See how our people make things by hand each day."


@pytest.mark.parametrize(
    ("before", "after", "place", "found"),
    [
        case(MENU, [*MENU, f"{TEASER} Yes."], OUTSIDE_ROOT | UNDER_BOILERPLATE, PAGE, id="menu"),
        case(MENU, [*MENU, f"{TEASER} Yes."], UNDER_BOILERPLATE, None, id="a tag in the text"),
        case([], [f"{TEASER} Yes."], OUTSIDE_ROOT | UNDER_BOILERPLATE, None, id="no menu beside it"),
        case(MENU, [*MENU, SENTENCE], OUTSIDE_ROOT | UNDER_BOILERPLATE, None, id="longer than a teaser"),
    ],
)
def test_a_sentence_between_links_far_from_the_text_is_of_the_menu(
    before: list[str], after: list[str], place: int, found: ChangeClass | None
) -> None:
    assert tails(before, after, place=place) == [found]


def test_the_sentences_of_a_mega_menu_are_not_the_core_of_a_text() -> None:
    """A menu of more prose than the policy: a change of it is at the edge all the same."""
    links = [f"[Thing {n}](https://shop.example/{n})" for n in range(20)]
    menu = [row for one in links for row in (one, f"{TEASER} We do so with {one[1:9]} in mind, as ever.")]
    other = [menu[0].replace("Thing 0", "Novelty"), *menu[1:]]
    place = OUTSIDE_ROOT | UNDER_BOILERPLATE
    runs = [make_run(head=head, core=CORE[:3], place=place) for head in (menu, other)]
    assert classify_changes(runs)[1] is PAGE


SIDE = ["##### Guides", *MENU, "##### Best practices", "- [One thing](https://shop.example/one)"]


@pytest.mark.parametrize(
    ("before", "after", "place", "found"),
    [
        case(MENU, SIDE, OUTSIDE_ROOT, PAGE, id="headings of a menu"),
        case(MENU, SIDE, 0, None, id="headings with links within the text"),
        case(MENU, [*MENU, "## Partners", "Acme"], OUTSIDE_ROOT, None, id="a heading with a list"),
        case([*MENU, "Thing one"], [*MENU, "Thing two"], OUTSIDE_ROOT, PAGE, id="the page before and after"),
        case([*MENU, "Thing one"], [*MENU, "Thing two"], 0, None, id="what the menu says, within the text"),
        case([*MENU, "Thing one"], [*MENU, "Thing six"], OUTSIDE_ROOT, None, id="what no menu says"),
        case([*MENU[:2], "- Things", *MENU[2:]], MENU, OUTSIDE_ROOT, PAGE, id="a label in a menu"),
        case([*MENU[:2], "- Things", *MENU[2:]], MENU, 0, None, id="an item between links within the text"),
        case(
            [], ["## Ask us", "Type here"], OUTSIDE_ROOT | UNDER_BOILERPLATE, PAGE, id="a box with a heading"
        ),
        case([], ["## Ask us", "Type here"], UNDER_BOILERPLATE, None, id="a header within the text"),
        case([], ["## Ask us", "Type here"], OUTSIDE_ROOT, None, id="a section beside the text"),
        case(
            [],
            ["## Your rights", "See here"],
            OUTSIDE_ROOT | UNDER_BOILERPLATE,
            None,
            id="a heading of rights",
        ),
        case([], ["## Ask us", SENTENCE], OUTSIDE_ROOT | UNDER_BOILERPLATE, None, id="prose under a heading"),
    ],
)
def test_menus_with_headings_and_boxes_are_of_the_page_only_beside_the_text(
    before: list[str], after: list[str], place: int, found: ChangeClass | None
) -> None:
    assert tails(before, after, place=place) == [found]


def test_within_the_root_and_where_places_are_not_known_nothing_but_numbers_is_furniture() -> None:
    assert tails([], ["Join us"], [], ["Join us"], place=0) == [None] * 3
    unknown = [make_run(tail=tail, places=None) for tail in ([], ["Join us"], [], ["Join us"])]
    assert classify_changes(unknown)[1:] == [None] * 3
    assert tails(["web-1"], ["web-2"], ["web-3"], ["web-4"], place=0) == [PAGE] * 3


def test_a_short_line_under_a_tag_for_navigation_is_furniture_at_once_and_prose_never_is() -> None:
    assert tails([], ["Follow us"], place=UNDER_BOILERPLATE) == [PAGE]
    assert tails([], [SENTENCE], place=UNDER_BOILERPLATE) == [None]


def test_one_line_that_is_not_covered_and_the_change_is_reported_whole() -> None:
    runs = [make_run(tail=[]), make_run(tail=BANNER), make_run(tail=[], core=[*CORE[:3], *CORE[4:]])]
    assert classify_changes(runs)[1:] == [PAGE, None]


def test_the_same_words_in_other_lines_or_with_other_marks_or_links() -> None:
    plain = make_run(["See [our terms](https://shop.example/t)."])
    linked = make_run(["See [our terms](https://shop.example/u)."])
    joined = make_run(core=[" ".join(CORE[:2]), *CORE[2:]])
    marked = make_run(core=[CORE[0].replace("name", "**name**"), *CORE[1:]])
    assert classify_changes([plain, linked])[1] is LINKS
    assert classify_changes([make_run(), joined])[1] is LAYOUT
    assert classify_changes([make_run(), marked])[1] is LAYOUT
    assert classify_changes([make_run(core=["It costs $5."]), make_run(core=["It costs €5."])])[1] is None


def test_another_language_between_is_a_variant_until_it_stays() -> None:
    english, german = (
        make_run(),
        make_run(
            core=[f"Wir speichern Ihre Daten, Punkt {n}, so lange." for n in "abcdefghijklm"], language="de"
        ),
    )
    later = make_run(core=[*CORE, "We sell it now."])
    assert classify_changes([english, german, english])[1:] == [VARIANT, VARIANT]
    assert classify_changes([english, german, later])[1:] == [VARIANT, None]
    assert classify_changes([english, german])[1:] == [None]


def test_a_part_of_the_text_between_is_a_variant_and_a_section_taken_back_is_not() -> None:
    part = make_run(core=CORE[:3])
    assert classify_changes([make_run(), part, make_run()])[1:] == [VARIANT, VARIANT]
    assert classify_changes([make_run(), make_run(core=CORE[:6]), make_run()])[1:] == [None, None]
    assert classify_changes([make_run(), part])[1:] == [None]


def test_texts_by_two_extractors_are_not_compared_as_if_by_one() -> None:
    runs = [make_run(extractor="a/1"), make_run(core=CORE[:6], extractor="a/2")]
    assert classify_changes(runs)[1] is ChangeClass.EXTRACTOR


# Made histories: each word of a language's policies is as good as another, so sentences are drawn from them

WORDS = {
    "en": "we collect data from you when visit our site and share them with partners who help us".split(),
    "ar": "نحن نجمع البيانات منك عند زيارة موقعنا ونشاركها مع شركاء يساعدون في تشغيله كما هو".split(),
    "he": "אנו אוספים מידע ממך כאשר אתה מבקר באתר שלנו ומשתפים אותו עם שותפים שעוזרים לנו".split(),
    "ja": "当社は お客様の 情報を 取得し 利用目的の 範囲内で 適切に 取り扱い 第三者に 提供する".split(),
    "th": "เรา เก็บรวบรวม ข้อมูล ของคุณ เมื่อคุณ เยี่ยมชม เว็บไซต์ และ แบ่งปัน กับ พันธมิตร".split(),
}
ENDS = {"en": (" ", "."), "ar": (" ", "."), "he": (" ", "."), "ja": ("", "。"), "th": ("", " ")}
BUTTONS = {"en": "Subscribe", "ar": "اشترك", "he": "הירשם", "ja": "登録する", "th": "สมัคร"}


def draw_sentence(language: str, chance: random.Random) -> str:
    blank, end = ENDS[language]
    return blank.join(chance.choices(WORDS[language], k=24)) + end


@pytest.mark.parametrize("language", WORDS)
@pytest.mark.parametrize("place", [0, OUTSIDE_ROOT], ids=["inside", "beside"])
@pytest.mark.parametrize("at_head", [True, False], ids=["head", "tail"])
def test_a_paragraph_that_comes_and_stays_is_reported(language: str, place: int, at_head: bool) -> None:
    chance = random.Random(7)
    for _ in range(100):
        core = [draw_sentence(language, chance) for _ in range(8)]
        new = [draw_sentence(language, chance)]
        runs = [
            make_run([], core=core),
            *[
                make_run(
                    new if at_head else [],
                    [] if at_head else new,
                    core=[*core, *[draw_sentence(language, chance)] * n],
                    place=place,
                )
                for n in range(3)
            ],
        ]
        assert classify_changes(runs)[1] is None


@pytest.mark.parametrize("language", WORDS)
def test_furniture_that_flips_beside_the_root_is_of_the_page(language: str) -> None:
    chance = random.Random(11)
    reported = 0
    for _ in range(100):
        core = [draw_sentence(language, chance) for _ in range(8)]
        banner = [draw_sentence(language, chance), BUTTONS[language]]
        runs = [make_run(tail=banner if n % 2 else [], core=core) for n in range(5)]
        reported += any(found is None for found in classify_changes(runs)[1:])
    assert reported <= 20


@given(
    st.lists(
        st.lists(st.sampled_from(["Join us", "node-1", "node-2", SENTENCE, "## Law", "Fee: $5"]), max_size=3),
        max_size=8,
    )
)
def test_classes_are_a_pure_function_with_one_for_each_run(histories: list[list[str]]) -> None:
    runs = [make_run(tail=tail) for tail in histories]
    classes = classify_changes(runs)
    assert len(classes) == len(runs)
    assert classes == classify_changes(iter(runs))
    assert classes[:1] in ([], [None])


def test_a_real_change_is_never_hidden_by_what_comes_later() -> None:
    """Histories are cut after each version: what was of the page at first may not turn out to be a change."""
    chance = random.Random(3)
    pieces = [["node-1"], ["node-2"], ["node-3"], BANNER, [], ["© 2012 A"], ["© 2013 A"], MENU]
    turned = 0
    for _ in range(40):
        runs = [make_run(tail=chance.choice(pieces)) for _ in range(8)]
        prefixes = [
            classify_changes(part) for part in accumulate([[run] for run in runs], lambda a, b: a + b)
        ]
        for shorter, longer in pairwise(prefixes):
            turned += sum(a is PAGE and b is None for a, b in zip(shorter, longer, strict=False))
    assert turned == 0
