"""Three foldings, for three questions: what each keeps is what the others must drop."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from policy_archive.crawler.discovery import words
from policy_archive.pipelines.extract import dates
from policy_archive.pipelines.judging import lexicon


def test_names_of_policies_are_compared_without_accents_and_marks() -> None:
    assert words.fold("Política—de  PRIVACIDADE.") == words.fold("politica de privacidade")
    assert lexicon.fold("Política") != lexicon.fold("politica")
    assert dates._fold("Política—de") != dates._fold("politica de")


def test_terms_keep_their_accents_and_marks() -> None:
    """`não` and `nao`, `404 - ` and `404`: to the judge they are two terms each."""
    assert lexicon.fold("NÃO EXISTE, 404 - ") == "não existe, 404 - "
    assert words.fold("NÃO EXISTE, 404 - ") == "nao existe 404"


@given(st.text())
def test_dates_keep_the_place_of_each_character(text: str) -> None:
    assert len(dates._fold(text)) == len(text)


def test_the_others_do_not_keep_places() -> None:
    assert len(words.fold("1. Mai 2018")) < len("1. Mai 2018")
    assert len(lexicon.fold("Straße")) > len("Straße")


@given(st.text(max_size=60))
def test_folding_twice_changes_nothing(text: str) -> None:
    for fold in (words.fold, dates._fold):
        assert fold(fold(text)) == fold(text)
