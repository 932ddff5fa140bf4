from __future__ import annotations

import tomllib
from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from policy_archive.data import DATA, read_words
from policy_archive.pipelines.extract.dates import find_stated_dates

UPDATED = [
    ("en", "Last updated: May 25, 2018"),
    ("en", "**Last Updated** 25th of May, 2018"),
    ("en", "This policy was last revised on Friday, May 25th, 2018."),
    ("en", "UpdatedMay 25, 2018"),
    ("en", "Last modified 2018-05-25"),
    ("en", "Version 2.1, May 25, 2018"),
    ("fr", "Dernière mise à jour : le 25 mai 2018"),
    ("fr", "DERNIERE MISE A JOUR LE 25/05/2018"),
    ("fr", "VERSION MISE A\u0300 JOUR LE 25 MAI 2018"),
    ("fr", "CONDITIONS MISES À JOUR LE 25 MAI 2018"),
    ("de", "Stand: 25.05.2018"),
    ("de", "Letzte Aktualisierung am 25. Mai 2018"),
    ("es", "Última actualización: 25 de mayo de 2018"),
    ("it", "Ultimo aggiornamento: 25 maggio 2018"),
    ("pt", "Última atualização em 25 de maio de 2018."),
    ("nl", "Laatst bijgewerkt op 25 mei 2018"),
    ("pl", "Data ostatniej aktualizacji: 25 maja 2018 r."),
    ("sv", "Senast uppdaterad den 25 maj 2018"),
    ("da", "Sidst opdateret: 25. maj 2018"),
    ("no", "Sist oppdatert 25. mai 2018"),
    ("fi", "Päivitetty 25.5.2018"),
    ("fi", "Viimeksi päivitetty 25. toukokuuta 2018"),
    ("cs", "Poslední aktualizace: 25. května 2018"),
    ("tr", "Son güncelleme: 25 Mayıs 2018"),
    ("ru", "Дата последнего обновления: 25 мая 2018 г."),
    ("uk", "Останнє оновлення: 25 травня 2018"),
    ("hu", "Utolsó frissítés: 2018. május 25."),
    ("ro", "Ultima actualizare: 25 mai 2018"),
    ("el", "Τελευταία ενημέρωση: 25 Μαΐου 2018"),
    ("ja", "最終更新日：２０１８年５月２５日"),
    ("ja", "2018年5月25日改定"),
    ("ja", "最終改定日 平成30年5月25日"),
    ("zh", "最后更新日期：2018年5月25日"),
    ("zh", "更新日期：2018 年 5 月 25 日"),
    ("ko", "최종 수정일: 2018년 5월 25일"),
]
EFFECTIVE = [
    ("en", "Effective Date: May 25, 2018"),
    ("en", "These terms are effective as of May 25, 2018."),
    ("fr", "Date d’entrée en vigueur : 25 mai 2018"),
    ("de", "Gültig ab 25.05.2018"),
    ("es", "Fecha de entrada en vigor: 25 de mayo de 2018"),
    ("it", "In vigore dal 25 maggio 2018"),
    ("pt", "Data de entrada em vigor: 25 de maio de 2018"),
    ("nl", "Ingangsdatum: 25 mei 2018"),
    ("pl", "Obowiązuje od 25 maja 2018"),
    ("sv", "Gäller från och med 25 maj 2018"),
    ("ru", "Настоящая Политика вступает в силу с 25 мая 2018 года"),
    ("ja", "施行日：2018年5月25日"),
    ("zh", "生效日期：2018年5月25日"),
    ("ko", "이 방침은 2018. 5. 25.부터 시행됩니다"),
]
DAY = date(2018, 5, 25)


@pytest.mark.parametrize(("language", "line"), UPDATED, ids=[f"{a}-{b[:24]}" for a, b in UPDATED])
def test_an_update_is_found_in_the_words_of_its_language(language: str, line: str) -> None:
    text = f"# Policy\n\n{line}\n\nSome prose of no date.\n"
    assert [(found.kind, found.day) for found in find_stated_dates(text, language=language)] == [
        ("updated", DAY)
    ]


@pytest.mark.parametrize(("language", "line"), EFFECTIVE, ids=[f"{a}-{b[:24]}" for a, b in EFFECTIVE])
def test_the_day_of_effect_is_found_in_the_words_of_its_language(language: str, line: str) -> None:
    found = find_stated_dates(f"Prose.\n\n{line}\n", language=language)
    assert [(one.kind, one.day) for one in found] == [("effective", DAY)]


@pytest.mark.parametrize(
    "line",
    [
        "Regulation (EU) 2016/679 of 27 April 2016, as amended on 3 May 2018, applies.",
        "The CCPA, effective January 1, 2020, gives you rights.",
        "Copyright 2018 by us. On May 25, 2018 we opened an office.",
        "“Effective Date” means the day on which you accept, but not before May 25, 2018.",
        "We may change the “Last updated” date above.",
        "We have updated our offices, which moved on May 25, 2018.",
        "Last updated: February 31, 2018",
        "Version 2018.05",
        "",
    ],
)
def test_other_dates_are_not_the_policys_own(line: str) -> None:
    assert find_stated_dates(line, language="en") == ()


def test_a_label_on_a_line_of_its_own_announces_the_next_line() -> None:
    (found,) = find_stated_dates("**Last Updated**\n\n5 May 2020\n", language="en")
    assert (found.as_written, found.day) == ("Last Updated 5 May 2020", date(2020, 5, 5))


def test_capitals_with_accents_are_one_word() -> None:
    (found,) = find_stated_dates("VERSION MISE À JOUR EN DÉCEMBRE 2019", language="fr")
    assert found.day == date(2019, 12, 1)


def test_two_dates_in_a_line_keep_their_own_labels() -> None:
    found = find_stated_dates("Stand: 03.04.2018. Gültig ab dem 1. Mai 2018.", language="de")
    assert [(one.kind, one.day.isoformat()) for one in found] == [
        ("updated", "2018-04-03"),
        ("effective", "2018-05-01"),
    ]


def test_two_labels_before_one_date_give_two_kinds() -> None:
    found = find_stated_dates("Last Updated and Effective: 5/6/20", language="en")
    assert [(one.kind, one.day) for one in found] == [
        ("updated", date(2020, 5, 6)),
        ("effective", date(2020, 5, 6)),
    ]


@pytest.mark.parametrize(
    ("language", "url", "prose", "day"),
    [
        pytest.param("en", "https://x.com/", "", date(2018, 3, 4), id="american"),
        pytest.param("en", "https://x.co.uk/", "", date(2018, 4, 3), id="british-host"),
        pytest.param("en", "https://x.com/", "Our organisation", date(2018, 4, 3), id="british-spelling"),
        pytest.param("fr", "https://x.com/", "", date(2018, 4, 3), id="french"),
    ],
)
def test_the_order_of_a_numeric_date_follows_language_and_region(
    language: str, url: str, prose: str, day: date
) -> None:
    (found,) = find_stated_dates(f"{prose}\n\nVersion: 03/04/2018", language=language, url=url)
    assert found.day == day


def test_a_number_above_twelve_is_the_day() -> None:
    (found,) = find_stated_dates("Last updated: 13/04/2018", language="en")
    assert found.day == date(2018, 4, 13)


def test_of_two_readings_the_one_before_the_capture_is_meant() -> None:
    (found,) = find_stated_dates("Last updated: 12/01/2018", language="en", captured_on=date(2018, 3, 1))
    assert found.day == date(2018, 1, 12)


def test_a_day_years_after_the_capture_is_a_slip() -> None:
    assert find_stated_dates("Last updated: May 25, 2081", language="en", captured_on=DAY) == ()


def test_a_month_stands_for_its_first_day_and_is_quoted_as_written() -> None:
    (found,) = find_stated_dates("### Last updated: Sept, 2023", language="en")
    assert (found.as_written, found.day) == ("Last updated: Sept, 2023", date(2023, 9, 1))


@given(st.text(max_size=300))
def test_any_text_is_survived(text: str) -> None:
    for found in find_stated_dates(f"Effective date: {text} 2018", language=None):
        assert found.as_written


def test_no_word_means_two_months() -> None:
    months = tomllib.loads((DATA / "words" / "dates.toml").read_text("utf-8"))["months"]
    meanings: dict[str, set[int]] = {}
    for names in months.values():
        assert len(names) == 12
        for number, forms in enumerate(names, 1):
            for form in forms.split():
                meanings.setdefault(form, set()).add(number)
    assert {form: numbers for form, numbers in meanings.items() if len(numbers) > 1} == {}


@given(
    st.sampled_from(["25th of September, 2018", "September 25, 2018", "25.09.2018", "2018. September 25"]),
    st.sampled_from(["", "in 2001 we ", "4 of 12 ", "version 3 "]),
    st.integers(0, 90),
)
def test_a_date_is_found_however_far_other_numbers_are(date_: str, numbers: str, distance: int) -> None:
    text = f"{numbers}{'a ' * distance}. Last updated: {date_}{' a' * distance} {numbers}\n"
    assert [one.day for one in find_stated_dates(text, language="en")] == [date(2018, 9, 25)]


NUMBERS = ("1", "2", "0", "9", "19", "20", "2018", "18", "¹", "²", "½", "０", "１", "٣", "元", "令和")
SIGNS = (
    " ",
    "  ",
    ".",
    "/",
    "-",
    "－",
    "．",
    "*",
    "_",
    "**",
    "\\",
    "|",
    "[",
    "]",
    "(",
    ")",
    "#",
    "\xa0",
    "\u0301",
)
WORDS = ("may", "January", "de\u0301cembre", "st", "of", "de", ",", "年", "月", "日")
PARTS = (*NUMBERS, *SIGNS, *WORDS)


@given(st.lists(st.sampled_from(PARTS), min_size=3, max_size=12).map("".join))
@example("19½½年")
@example("1-May-18")
@example("1\\. 2*.*18")
def test_no_line_with_a_date_is_passed_over(line: str) -> None:
    # a line with a link is looked at whatever it holds
    text = f"Last updated: {line}"
    assert find_stated_dates(text, language="de") == find_stated_dates(f"[](/) {text}", language="de")


def test_no_phrase_of_a_script_without_blanks_begins_with_one_of_a_script_with_blanks() -> None:
    tables = read_words("dates")
    lists = [
        *(
            tables[kind][strength]
            for kind in ("updated", "effective")
            for strength in ("weak", "strong", "after")
        ),
        *(words for table in ("document", "another") for words in tables[table].values()),
    ]
    phrases = {phrase.casefold() for phrases in lists for phrase in phrases}
    unspaced = {phrase for phrase in phrases if phrase[-1] > "\u2e80"}
    assert len(unspaced) > 50
    for one in unspaced:
        assert not any(one.startswith(other) or other.startswith(one) for other in phrases - unspaced), one
