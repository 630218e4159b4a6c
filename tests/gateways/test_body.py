"""Bodies: codings, sizes, and JSON that nobody sends in good faith."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.gateways import limits
from ostiary.gateways.body import Body, read
from ostiary.gateways.headers import Headers
from ostiary.gateways.limits import RequestRefused

JSON = {"content-type": "application/json"}


def body(data: bytes, headers: Mapping[str, str] = JSON) -> Body:
    return read(base64.b64encode(data).decode(), True, Headers(list(headers.items())))


def test_no_body_has_no_fields_and_an_empty_one_has_a_size() -> None:
    assert read(None, False, Headers([])).fields == {}
    assert read("", False, Headers([])).fields == {"http.request.body.size": 0}


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "GZIP", "deflate", "identity"])
def test_a_coded_body_is_read_and_kept_as_sent(coding: str) -> None:
    plain = b'{"model": "m"}'
    sent = {"deflate": zlib.compress(plain), "identity": plain}.get(coding, gzip.compress(plain))
    found = body(sent, {**JSON, "content-encoding": coding})
    assert found.json == {"model": "m"}
    assert found.sent == sent
    assert found.fields["http.request.body.size"] == len(plain)


def test_bare_deflate_two_members_and_two_codings_are_read() -> None:
    raw = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    bare = raw.compress(b'{"a": 1}') + raw.flush()
    assert body(bare, {**JSON, "content-encoding": "deflate"}).json == {"a": 1}
    members = gzip.compress(b'{"a":') + gzip.compress(b" 1}")
    assert body(members, {**JSON, "content-encoding": "gzip"}).json == {"a": 1}
    assert body(gzip.compress(zlib.compress(b'{"a": 1}')), {**JSON, "content-encoding": "deflate, gzip"}).json == {"a": 1}


@pytest.mark.parametrize("coding", ["br", "zstd", "compress", "\x1b[31m"])
def test_a_coding_that_nobody_here_undoes_is_refused(coding: str) -> None:
    with pytest.raises(RequestRefused, match="content coding") as refusal:
        body(b"x", {**JSON, "content-encoding": coding})
    assert str(refusal.value).isprintable()


def test_a_bomb_is_refused_and_a_body_that_inflates_to_the_limit_is_read() -> None:
    headers = {"content-encoding": "gzip"}
    at = body(gzip.compress(b" " * limits.MAX_BODY_BYTES), headers)
    assert at.fields["http.request.body.size"] == limits.MAX_BODY_BYTES
    with pytest.raises(RequestRefused, match="MAX_BODY_BYTES"):
        body(gzip.compress(b" " * (limits.MAX_BODY_BYTES + 1)), headers)
    with pytest.raises(RequestRefused, match="MAX_BODY_BYTES"):
        body(gzip.compress(gzip.compress(b"\x00" * 200_000_000)), {"content-encoding": "gzip, gzip"})


def test_a_body_of_exactly_the_limit_is_read_and_one_octet_more_is_truncated() -> None:
    filler = limits.MAX_BODY_BYTES - len('{"a":""}')
    at = read('{"a":"' + "x" * filler + '"}', False, Headers(list(JSON.items())))
    assert "body.truncated" not in at.fields and len(str(at.fields["body.a"])) == filler
    past = read('{"a":"' + "x" * (filler + 1) + '"}', False, Headers(list(JSON.items())))
    assert past.fields == {"http.request.body.size": limits.MAX_BODY_BYTES + 1, "body.truncated": True}


def test_base64_that_is_none_and_plain_text_that_looks_like_base64_are_told_apart() -> None:
    assert read("not base64!", True, Headers([])).fields["body.invalid"] == "base64"
    assert read("aGVsbG8=", False, Headers([])).sent == b"aGVsbG8="


@pytest.mark.parametrize("damaged", [gzip.compress(b"hello", mtime=0)[:-9], b"no gzip", gzip.compress(b"hello", mtime=0) + b"trailing"])
def test_damaged_compression_is_said(damaged: bytes) -> None:
    assert body(damaged, {"content-encoding": "gzip"}).fields["body.invalid"] == "encoding"


@pytest.mark.parametrize(
    ("text", "invalid", "value"),
    [
        ('{"a": NaN, "b": 1}', "number", {"a": None, "b": 1}),
        ('{"a": -Infinity}', "number", {"a": None}),
        ('{"a": 1e400}', "number", {"a": None}),
        ('{"a": ' + "9" * 5000 + "}", "number", {"a": None}),
        ('{"a": 123456789012345678901}', None, {"a": 123456789012345678901.0}),
        ('{"a": 123456789012345678}', None, {"a": 123456789012345678}),
        ('{"a": ', "json", None),
        ("[" * 100_000, "depth", None),
        (r'{"a": "\ud800x"}', None, {"a": "\ufffdx"}),
        (r'{"\udc00": "\ud83d\ude00"}', None, {"\ufffd": "😀"}),
    ],
)
def test_odd_json_has_a_defined_outcome(text: str, invalid: str | None, value: object) -> None:
    found = body(text.encode())
    assert found.fields.get("body.invalid") == invalid
    assert found.json == value


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_json_in_other_unicode_encodings_is_read(encoding: str) -> None:
    assert body('{"a": "é"}'.encode(encoding)).json == {"a": "é"}


def test_text_that_is_no_unicode_is_said() -> None:
    assert body(b'{"a": "\xff\xfe\xfa"}').fields["body.invalid"] == "encoding"


def test_a_key_named_twice_is_a_field_and_the_last_value_counts() -> None:
    found = body(b'{"a": {"x": 1, "x": 2}}')
    assert found.fields["body.duplicate_keys"] is True
    assert found.fields["body.a.x"] == 2


def nested(depth: int) -> bytes:
    return b'{"a":' * (depth - 1) + b'{"a":1}' + b"}" * (depth - 1)


def test_depth_is_bounded_and_the_prompt_is_still_there() -> None:
    assert "body.invalid" not in body(nested(limits.MAX_JSON_DEPTH)).fields
    past = body(nested(limits.MAX_JSON_DEPTH + 1))
    assert past.fields["body.invalid"] == "depth"
    assert isinstance(past.json, dict)


def test_the_number_of_keys_is_bounded() -> None:
    def keys(count: int) -> bytes:
        return json.dumps({f"k{n}": 0 for n in range(count)}).encode()

    assert "body.invalid" not in body(keys(limits.MAX_JSON_KEYS)).fields
    assert body(keys(limits.MAX_JSON_KEYS + 1)).fields["body.invalid"] == "keys"


def test_the_number_of_leaves_is_bounded_in_order() -> None:
    values = body(json.dumps({"a": list(range(limits.MAX_BODY_LEAVES + 1))}).encode()).fields["body.a"]
    assert values == tuple(range(limits.MAX_BODY_LEAVES))


def test_a_leaf_with_a_name_past_the_limit_is_left_out() -> None:
    room = limits.MAX_LEAF_NAME_CHARACTERS - len("body.")
    found = body(json.dumps({"k" * room: 1, "j" * (room + 1): 2}).encode()).fields
    assert found["body." + "k" * room] == 1
    assert "body." + "j" * (room + 1) not in found


@pytest.mark.parametrize(
    ("headers", "data", "mismatch"),
    [
        ([("content-type", "application/json; charset=utf-8")], b"{}", None),
        ([("content-type", "application/vnd.api+json")], b"{}", None),
        ([("content-type", "text/plain")], b' {"a": 1}', True),
        ([], b"[1]", True),
        ([("content-type", "application/json")], b"hello", True),
        ([("content-type", "application/json"), ("Content-Type", "text/plain")], b"{}", True),
        ([("content-type", "text/plain")], b"hello", None),
    ],
)
def test_a_body_that_is_not_what_it_declares_is_a_field(headers: list[tuple[str, str]], data: bytes, mismatch: bool | None) -> None:
    found = read(data.decode(), False, Headers(headers))
    assert found.fields.get("body.content_type.mismatch") is mismatch


@pytest.mark.parametrize("data", [b"null", b"3", b'"text"', b"true"])
def test_a_top_level_scalar_has_no_leaves(data: bytes) -> None:
    assert not [name for name in body(data).fields if name.startswith("body.")]


@given(st.binary(max_size=200), st.sampled_from([{}, JSON, {"content-encoding": "gzip"}, {**JSON, "content-encoding": "deflate"}]))
def test_no_octets_raise_anything_but_a_refusal(data: bytes, headers: dict[str, str]) -> None:
    fields = body(data, headers).fields
    assert isinstance(fields.get("http.request.body.size", 0), int)


_trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(_trees)
def test_any_json_has_only_scalar_leaves_that_can_be_encoded(tree: object) -> None:
    for value in body(json.dumps(tree).encode()).fields.values():
        for item in value if isinstance(value, tuple) else (value,):
            assert not isinstance(item, (dict, list))
            str(item).encode()
