"""The record of a request survives its way through the item, whatever it holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.judgement.record import decode, encode
from ostiary.vocabulary.errors import StoreError
from ostiary.vocabulary.request import Principal
from ostiary.vocabulary.state import RequestRecord


def record(**changes):
    values = {
        "id": "r", "time": 1.5, "principal": Principal("account", "a"), "gateway": "g", "method": "GET", "path": "/", "signals": (),
        "groups": {}, "facts": {}, "mode": "enforce", "digest": "d" * 64, "on_error": "open",
    }  # fmt: skip
    return RequestRecord(**(values | changes))


@given(
    st.lists(st.tuples(st.integers(0, 700), st.none() | st.text("01?", min_size=1)), unique_by=lambda pair: pair[0]),
    st.dictionaries(st.text(max_size=6), st.lists(st.text(max_size=4)).map(tuple), max_size=3),
    st.text(max_size=20),
)
def test_a_record_survives_encoding(signals, groups, path):
    original = record(signals=tuple(sorted(signals, key=lambda pair: pair[0])), groups=groups, path=path)
    assert decode(encode(original)) == original


def test_five_hundred_signals_are_a_short_bitmap():
    many = record(signals=tuple((index, None) for index in range(500)))
    assert len(encode(many)) - len(encode(record())) < 140
    assert decode(encode(many)) == many


@pytest.mark.parametrize("text", ["", "{}", "[]", "[99]", "[1]", '[1,"r"]', "null"])
def test_a_record_that_cannot_be_read_says_so(text):
    with pytest.raises(StoreError, match="record"):
        decode(text)
