"""Queries against texts, without a database."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.search.folding import _follows, fold, places
from chat.search.query import MAX_MARKS, Query
from chat.search.terms import of_query, of_text
from tests.chat.search.corpus import MARKS, QUESTIONS, TEXTS

texts = st.text(st.sampled_from("abB é1._-京北の한ガｶﾞß\u0301ﬃ❤\ufe0f\u200d𠮷　 ก")) | st.text()


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_texts_that_answer_a_question(question: str) -> None:
    query = Query(question)
    found = {name for name, text in TEXTS.items() if query.matches(text)}
    assert found == QUESTIONS[question]


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_text_that_matches_has_all_terms_of_the_query(question: str) -> None:
    terms = set(of_query(Query(question)))
    for name in QUESTIONS[question]:
        assert terms <= of_text(fold(TEXTS[name]))


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_match_has_marks_and_other_texts_may_have_none(question: str) -> None:
    for name in QUESTIONS[question]:
        text, last = TEXTS[name], 0
        marks = Query(question).marks(text)
        assert marks
        for first, behind in marks:
            assert last <= first < behind <= len(text)
            last = behind


@pytest.mark.parametrize(("question", "text", "marked"), MARKS)
def test_marks(question: str, text: str, marked: list[str]) -> None:
    marks = Query(question).marks(text)
    assert [text[first:behind] for first, behind in marks] == marked


def test_marks_are_bounded() -> None:
    assert len(Query("a").marks("a " * 1000)) == MAX_MARKS


def test_a_query_without_words() -> None:
    for text in ("", "  ", "\u3000", "\u200b", "\ufe0f", "\n\t"):
        assert Query(text).words == ()


@given(texts, texts, texts)
def test_words_of_a_text_are_found_in_it(before: str, word: str, behind: str) -> None:
    text = f"{before} {word} {behind}"
    query = Query(word)
    assert query.matches(text)
    assert set(of_query(query)) <= of_text(fold(text))


@given(texts, texts)
def test_matches_have_all_terms(word: str, text: str) -> None:
    query = Query(word)
    if query.matches(text):
        assert set(of_query(query)) <= of_text(fold(text))
        assert bool(query.marks(text)) == bool(query.words)


@given(texts)
def test_folding_is_the_same_in_pieces(text: str) -> None:
    folded, at = fold(text), places(text)
    assert fold(folded) == folded
    if at is None:
        assert len(folded) == len(text)
    else:
        assert len(at) == len(folded) + 1
        assert sorted(at) == at


@given(texts)
def test_equivalent_texts_fold_to_the_same(text: str) -> None:
    for other in (unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text)):
        assert fold(other) == fold(text)


def test_all_characters_that_join_the_one_before_are_known() -> None:
    """Each second character of a composition is a follower."""
    for number in range(sys.maxunicode + 1):
        parts = unicodedata.decomposition(chr(number)).split()
        if len(parts) == 2 and parts[0][0] != "<":
            second = chr(int(parts[1], 16))
            if unicodedata.normalize("NFC", chr(int(parts[0], 16)) + second) == chr(number):
                assert _follows(second), hex(number)
