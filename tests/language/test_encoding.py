"""Encodings and dashes: what `base64`, `base64offset`, `wide`, `utf16…` and `windash` make of a text."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.language.draft import Forms, Text
from ostiary.language.item import Context, Item
from ostiary.language.lists import ValueLists
from ostiary.language.modifiers import REGISTRY
from ostiary.language.modifiers.windash import DASHES, MAX_DASHES
from ostiary.language.nodes import Mark
from ostiary.vocabulary.plan import All, Equals, Glob, Keyword, Plan, Some, Wild

ANY = Wild.ANY
MakePlan = Callable[[str], Plan]


def applied(value: str, *words: str) -> list[str]:
    """The forms of one text after some modifiers."""
    found = Item("f", (Text.of(value),), (Mark(1, 1),))
    for word in words:
        modifier = REGISTRY.get(word)
        assert modifier is not None
        found = modifier(found, Context(ValueLists()))
    (draft,) = found.values
    drafts = draft.values if isinstance(draft, Forms) else (draft,)
    return ["".join(part for part in one.pattern if isinstance(part, str)) for one in drafts if isinstance(one, Text)]


def item(plan: MakePlan, text: str) -> Plan:
    return plan(f"  sel:\n    {text}\n  condition: sel")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("f|base64: foobar", Equals("f", ("Zm9vYmFy",))),
        ("f|base64|contains: foobar", Glob("f", (ANY, "Zm9vYmFy", ANY))),
        ("f|cased|base64|contains: foobar", Glob("f", (ANY, "Zm9vYmFy", ANY), True)),
        ("f|base64|cased|contains: foobar", Glob("f", (ANY, "Zm9vYmFy", ANY), True)),
        ("f|base64offset: foobar", Equals("f", ("Zm9vYmFy", "Zvb2Jhc", "mb29iYX"))),
        ("f|base64offset|contains: foobar", Some(tuple(Glob("f", (ANY, text, ANY)) for text in ("Zm9vYmFy", "Zvb2Jhc", "mb29iYX")))),
        ("f|base64: ü", Equals("f", ("w7w=",))),
        ("f|base64: 200", Equals("f", ("MjAw",))),
        ("f|base64: ''", Equals("f", ("",))),
        (r"f|base64: 'a\*b'", Equals("f", ("YSpi",))),
        ("f|wide|base64: cmd", Equals("f", ("YwBtAGQA",))),
        ("f|utf16le|base64: cmd", Equals("f", ("YwBtAGQA",))),
        ("f|utf16be|base64: cmd", Equals("f", ("AGMAbQBk",))),
        ("f|utf16|base64: cmd", Equals("f", ("//5jAG0AZAA=",))),
        ("f|wide|base64: é", Equals("f", ("6QA=",))),
        ("f|wide|base64: 😀", Equals("f", ("PdgA3g==",))),
        ("f|windash: '-a'", Equals("f", ("-a", "/a", "–a", "—a", "―a"))),
        ("f|windash: '–a'", Equals("f", ("–a", "-a", "/a", "—a", "―a"))),
        ("f|windash: 'a-b'", Equals("f", ("a-b",))),
        ("f|windash: '-a-b'", Equals("f", ("-a-b", "/a-b", "–a-b", "—a-b", "―a-b"))),
        ("f|windash|contains: ' -a'", Some(tuple(Glob("f", (ANY, f" {dash}a", ANY)) for dash in DASHES))),
        ("f|contains|windash: ' -a'", Some(tuple(Glob("f", (ANY, f" {dash}a", ANY)) for dash in DASHES))),
        ("f|endswith|windash: '*-a'", Some(tuple(Glob("f", (ANY, f"{dash}a")) for dash in DASHES))),
        ("'|windash': '-a'", Some(tuple(Keyword((f"{dash}a",)) for dash in DASHES))),
    ],
)
def test_a_text_becomes_its_forms(plan: MakePlan, text: str, expected: Plan) -> None:
    assert item(plan, text) == expected


def test_all_joins_the_values_and_any_form_of_each_will_do(plan: MakePlan) -> None:
    found = item(plan, "f|base64offset|contains|all: [foobar, barfoo]")
    assert isinstance(found, All)
    assert [isinstance(child, Some) and len(child.children) for child in found.children] == [3, 3]
    dashes = item(plan, "f|windash|contains|all: [' -a', ' -b']")
    assert isinstance(dashes, All)
    assert [isinstance(child, Some) and len(child.children) for child in dashes.children] == [5, 5]


def test_two_dashes_have_every_permutation(plan: MakePlan) -> None:
    found = item(plan, "f|windash: '-a /b'")
    assert isinstance(found, Equals)
    assert set(found.values) == {f"{one}a {two}b" for one in DASHES for two in DASHES}
    assert found.values[0] == "-a /b"


@pytest.mark.parametrize("count", [MAX_DASHES])
def test_dashes_are_read_up_to_their_limit(plan: MakePlan, count: int) -> None:
    found = item(plan, f"f|windash: '{' -a' * count}'")
    assert isinstance(found, Equals)
    assert len(found.values) == len(DASHES) ** count


@given(st.binary(max_size=4), st.text(min_size=2, max_size=12).filter(lambda text: not set(text) & set("*?\\")), st.binary(max_size=4))
def test_one_of_the_offsets_is_in_what_base64_makes_of_any_text_around(before: bytes, text: str, after: bytes) -> None:
    try:
        data = text.encode()
    except UnicodeEncodeError:
        return
    encoded = b64encode(before + data + after).decode()
    assert applied(text, "base64offset")[len(before) % 3] in encoded


@given(st.text(alphabet="abcXYZ019 äß", min_size=2, max_size=8))
def test_offsets_keep_every_letter_that_neighbours_have_no_part_in(text: str) -> None:
    """Other neighbours change none of the letters, and the letters next to them do change."""
    data = text.encode()
    for offset, found in enumerate(applied(text, "base64offset")):
        one, two = (b64encode(filler * offset + data + filler * 3).decode() for filler in (b"\x00", b"\xff"))
        common = [place for place in range(len(one)) if one[place] == two[place]]
        start = one.index(found, -(-offset * 8 // 6) if offset else 0)
        assert two[start : start + len(found)] == found
        assert len(common) <= len(found) + 2
