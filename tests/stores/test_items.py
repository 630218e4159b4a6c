"""Attribute values and the state item's layout."""

from __future__ import annotations

import pytest
from boto3.dynamodb.types import TypeDeserializer
from hypothesis import given
from hypothesis import strategies as st

from ostiary.stores.items import (
    decode,
    decode_item,
    encode,
    encode_item,
    record_of_item,
    state_of_item,
    stored,
    writer_of_item,
)
from ostiary.vocabulary.errors import StoreError
from ostiary.vocabulary.request import Principal
from ostiary.vocabulary.state import Enforcement

numbers = st.integers(-(10**38) + 1, 10**38 - 1) | st.floats(allow_nan=False, allow_infinity=False, min_value=1e-100, max_value=1e100)
values = st.text() | numbers | st.booleans() | st.none() | st.binary() | st.lists(st.text(), max_size=3).map(tuple)


@given(values)
def test_a_value_comes_back_as_a_table_gives_it(value: object) -> None:
    assert decode(encode(value)) == stored(value) == value  # type: ignore[arg-type]


@given(st.dictionaries(st.text(min_size=1), st.text() | st.integers(-(10**30), 10**30) | st.booleans() | st.none()))
def test_botocore_reads_what_we_write(item: dict[str, object]) -> None:
    deserialize = TypeDeserializer().deserialize
    assert {name: deserialize(value) for name, value in encode_item(item).items()} == item  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [10**38, float("nan"), float("inf"), 1e126, 1e-131])
def test_a_number_that_dynamodb_cannot_hold_is_refused(value: float) -> None:
    with pytest.raises(StoreError):
        encode(value)


def test_a_type_that_we_never_write_is_refused() -> None:
    with pytest.raises(StoreError, match="type SS"):
        decode_item({"x": {"SS": ["a"]}})


def test_a_state_item_reads_back_and_what_a_newer_version_wrote_is_ignored() -> None:
    item = {
        "pk": {"S": "account#a%2Fb"},
        "seq": {"N": "7"},
        "b:aa.1": {"N": "3"},
        "f:account.plan": {"S": "pro"},
        "e": {"S": '{"stage":"warn","case":"c","version":2,"since":1,"until":null,"from_the_future":1}'},
        "zz": {"S": "unknown"},
        "l": {"S": "{}"},
        "w": {"S": "request"},
    }
    state = state_of_item(item)
    assert (state.principal, state.seq, state.buckets) == (Principal("account", "a/b"), 7, {"aa.1": 3})
    assert state.facts == {"account.plan": "pro"}
    assert state.enforcement == Enforcement("warn", "c", 2, 1, None)
    assert (record_of_item(item), writer_of_item(item)) == ("{}", "request")


def test_a_key_only_image_has_no_writer_and_no_record() -> None:
    item = {"pk": {"S": "account#a"}}
    assert (record_of_item(item), writer_of_item(item)) == (None, "")
    assert state_of_item(item).seq == 0


@pytest.mark.parametrize("text", ["{", "[]", '{"stage":"warn"}'])
def test_enforcement_that_cannot_be_read_is_never_taken_for_none(text: str) -> None:
    with pytest.raises(StoreError, match="the enforcement on 'account#a'"):
        state_of_item({"pk": {"S": "account#a"}, "e": {"S": text}})


@given(st.sampled_from(["account", "address"]), st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_a_principal_is_read_back_from_its_key(kind: str, id: str) -> None:
    principal = Principal(kind, id)  # type: ignore[arg-type]
    assert Principal.of_key(principal.key) == principal


def test_a_control_item_is_no_principal() -> None:
    with pytest.raises(StoreError, match="control#mode"):
        Principal.of_key("control#mode")
