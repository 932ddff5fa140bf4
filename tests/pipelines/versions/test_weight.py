"""How much a change matters: made pairs in many languages, of which no weighty one may pass for small."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy_archive.pipelines.versions.classes import ChangeClass
from policy_archive.pipelines.versions.diff import diff_texts
from policy_archive.pipelines.versions.weight import weigh_change

AROUND = "".join(
    f"Paragraph {word} speaks of the harbour, of its lights and of the people who sail there in summer.\n\n"
    for word in "one two three four five six seven eight nine ten".split()
)
WEIGHTY = {
    "en": [
        ("We share your data.", "We do not share your data."),
        ("We may share your data.", "We must share your data."),
        ("We won't sell it.", "We will sell it."),
        ("We keep it for 30 days.", "We keep it for 90 days."),
        ("The fee is $5 a year.", "The fee is $50 a year."),
        ("The fee is $5 a year.", "The fee is €5 a year."),
        ("Interest of 1.5 is due.", "Interest of 15 is due."),
        ("A share of 3 % goes to them.", "A share of 3 ‰ goes to them."),
        ("The controller is x.AI, L.L.C. of Nevada.", "The controller is x.AI LLC of Nevada."),
        ("Our privacy officer is Maren Oduya.", "Our privacy officer is Ines Oduya."),
        ("Write to 4 Ropewalk Street, Saltmarsh.", "Write to 4 Ropewalk Street, Tidemouth."),
        ("Write to [us](mailto:a@calm.example) a@calm.example.", "Write to b@calm.example."),
        ("You can object until 5 May 2018 in our office.", "You can object until 9 May 2018 in our office."),
        ("You have no right to it.", "You have a right to it."),
    ],
    "de": [
        ("Wir geben Daten weiter.", "Wir geben Daten nicht weiter."),
        ("Wir dürfen Daten weitergeben.", "Wir müssen Daten weitergeben."),
        ("Wir speichern sie 30 Tage.", "Wir speichern sie dreißig, also 60 Tage."),
        ("Verantwortlich ist die Nordhafen GmbH.", "Verantwortlich ist die Südhafen GmbH."),
        ("Es gibt keine Werbung.", "Es gibt eine Werbung."),
    ],
    "fr": [
        ("Nous vendons vos données.", "Nous ne vendons pas vos données."),
        ("Nous pouvons les transmettre.", "Nous devons les transmettre."),
        ("Conservées 12 mois.", "Conservées 24 mois."),
    ],
    "es": [
        ("Vendemos sus datos.", "No vendemos sus datos."),
        ("Podemos cederlos.", "Debemos cederlos."),
        ("Se guardan 6 meses.", "Se guardan 9 meses."),
    ],
    "it": [("Cediamo i dati.", "Non cediamo i dati."), ("I dati possono uscire.", "I dati devono uscire.")],
    "pt": [("Vendemos os dados.", "Não vendemos os dados."), ("Podemos ceder.", "Devemos ceder.")],
    "nl": [
        ("Wij delen uw gegevens.", "Wij delen uw gegevens niet."),
        ("Wij mogen delen.", "Wij moeten delen."),
    ],
    "pl": [
        ("Udostępniamy dane.", "Nie udostępniamy danych."),
        ("Firma może to robić.", "Firma musi to robić."),
    ],
    "ru": [
        ("Мы передаём данные.", "Мы не передаём данные."),
        ("Мы можем хранить их.", "Мы должны хранить их."),
        ("Храним 30 дней.", "Храним 60 дней."),
    ],
    "tr": [
        ("Verileri paylaşırız.", "Verileri asla paylaşmayız."),
        ("Saklanması gerekir.", "Saklanması iyidir."),
    ],
    "ja": [
        ("当社は第三者に提供します。", "当社は第三者に提供しません。"),
        ("同意は必要です。", "同意は大切です。"),
        ("三十日間、30日保存します。", "三十日間、60日保存します。"),
    ],
    "zh": [("我们出售您的信息。", "我们不出售您的信息。"), ("我们可能共享信息。", "我们必须共享信息。")],
    "ko": [("정보를 제공합니다.", "정보를 제공하지 않습니다."), ("보관할 수 있습니다.", "보관해야 합니다.")],
    "th": [("เราขายข้อมูลของคุณ", "เราไม่ขายข้อมูลของคุณ"), ("เราอาจเก็บข้อมูล", "เราต้องเก็บข้อมูล")],
    "ar": [("نحن نبيع بياناتك", "نحن لا نبيع بياناتك"), ("يجوز لنا ذلك", "يجب لنا ذلك")],
}
PAIRS = [
    pytest.param(old, new, id=f"{language}-{number}")
    for language, pairs in WEIGHTY.items()
    for number, (old, new) in enumerate(pairs, start=1)
]


def weigh(old: str, new: str) -> ChangeClass:
    return weigh_change(diff_texts(f"{AROUND}{old}\n", f"{AROUND}{new}\n"))


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_what_turns_a_sentence_is_never_small(old: str, new: str) -> None:
    assert weigh(old, new) is ChangeClass.SUBSTANTIVE
    assert weigh(new, old) is ChangeClass.SUBSTANTIVE


@pytest.mark.parametrize(
    ("old", "new", "weight"),
    [
        ("We like the harbor.", "We like the harbour.", ChangeClass.SMALL),
        ("Please read this notice.", "Please read this policy notice.", ChangeClass.SMALL),
        ("Wir mögen den Hafen.", "Wir mögen den alten Hafen.", ChangeClass.SMALL),
        ("港が好きです。", "海が好きです。", ChangeClass.SMALL),
        ("We like it, well.", "We like it well.", ChangeClass.SMALL),
        ("THE HARBOUR", "The harbour", ChangeClass.SMALL),
        ("See [this](/a) page.", "See [this](/b) page.", ChangeClass.LINKS),
        ("Last updated: 5 May 2018", "Last updated: 9 June 2019", ChangeClass.DATES),
        ("© 2017 Calm", "© 2018 Calm", ChangeClass.DATES),
        ("最終更新日：2018年5月25日", "最終更新日：2019年6月1日", ChangeClass.DATES),
        (
            "The lamps are lit at dusk by an old man.",
            "Somebody comes along the pier each evening and lights every lamp there is with a long match.",
            ChangeClass.SUBSTANTIVE,
        ),
    ],
)
def test_what_a_change_is_otherwise(old: str, new: str, weight: ChangeClass) -> None:
    assert weigh(old, new) is weight


def test_another_text_is_rewritten() -> None:
    other = " ".join(f"word{number} of another text" for number in range(200))
    assert weigh_change(diff_texts(AROUND, other + "\n")) is ChangeClass.REWRITTEN


def test_a_new_section_is_never_small() -> None:
    assert weigh("End.", "End.\n\n## Lamps\n\nLit.") is ChangeClass.SUBSTANTIVE


@given(
    st.sampled_from([pair for pairs in WEIGHTY.values() for pair in pairs]),
    st.lists(st.sampled_from(["Lamps burn.", "The pier is long.", "海は青い。"]), max_size=3),
)
def test_sentences_around_do_not_hide_it(pair: tuple[str, str], around: list[str]) -> None:
    old, new = (" ".join([*around, side, *around]) for side in pair)
    assert weigh(old, new) is ChangeClass.SUBSTANTIVE
