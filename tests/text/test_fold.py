"""Simple case folding: for comparison, one code point in, one out."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.text.fold import MAX_KNOWN_CHARACTERS, fold


@pytest.mark.parametrize(
    ("one", "other"),
    [("Verbatim", "vERBATIM"), ("ΣΊΣΥΦΟΣ", "σίσυφος"), ("\u212a", "k"), ("ВОПРОС", "вопрос"), ("STRAẞE", "straße"), ("ſ", "S"), ("Ǆ", "ǅ")],
)
def test_texts_that_differ_in_case_fold_to_the_same(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(("one", "other"), [("ß", "ss"), ("İ", "i"), ("ı", "i"), ("思", "考")])
def test_texts_that_differ_in_more_than_case_stay_apart(one: str, other: str) -> None:
    assert fold(one) != fold(other)


def test_every_code_point_folds_to_one_code_point_that_folds_to_itself() -> None:
    wrong = [code for code in range(0x20000) if len(once := fold(chr(code))) != 1 or fold(once) != once]
    assert wrong == []


@settings(max_examples=300, derandomize=True, deadline=None, database=None)
@given(st.text(), st.text())
def test_folding_looks_at_one_code_point_at_a_time(left: str, right: str) -> None:
    assert fold(left + right) == fold(left) + fold(right)
    assert fold(fold(left)) == fold(left)


def test_more_characters_than_the_table_holds_fold_all_the_same() -> None:
    text = "".join(map(chr, range(0x4E00, 0x4E00 + MAX_KNOWN_CHARACTERS + 500))) + "Я"
    assert fold(text + text) == (text[:-1] + "я") * 2
