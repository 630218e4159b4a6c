"""A reference evaluator: slow, obvious, and written from the meaning of plan nodes alone. It shares only ``forms`` with the real one."""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ostiary.text.normalise import forms
from ostiary.vocabulary.fields import SIGMA_TAXONOMY
from ostiary.vocabulary.plan import (
    All,
    Compare,
    Constant,
    DatePart,
    Equals,
    Exists,
    Glob,
    Keyword,
    Member,
    Network,
    Not,
    Null,
    Plan,
    Regex,
    SameAs,
    Some,
    Wild,
    is_fact,
    is_normalised,
)

ABSENT = object()


def holds(plan: Plan, fields: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
    """Whether a plan holds, everything known."""
    world = {name: value for name, value in fields.items() if not is_fact(name)}
    world.update({name: value for name, value in facts.items() if is_fact(name)})
    return _plan(plan, world, fields)


def _plan(plan: Plan, world: Mapping[str, Any], fields: Mapping[str, Any]) -> bool:
    if isinstance(plan, Constant):
        return plan.value
    if isinstance(plan, Not):
        return not _plan(plan.child, world, fields)
    if isinstance(plan, All):
        return False not in [_plan(child, world, fields) for child in plan.children]
    if isinstance(plan, Some):
        return True in [_plan(child, world, fields) for child in plan.children]
    if isinstance(plan, Keyword):
        return _keyword(plan, fields)
    if isinstance(plan, Member):
        return any(_plan(plan.plan, one, one) for one in _rows(plan.collection, fields))
    members = _members(world, plan.field)
    if isinstance(plan, Exists):
        return (members is not ABSENT) == plan.present
    if isinstance(plan, Null):
        return members is ABSENT or members == [] or None in members
    if members is ABSENT:
        return False
    if isinstance(plan, SameAs):
        return _same_as(plan, members, _members(world, plan.other))
    return any(_member(plan, member) for member in members if member is not None)


def _members(world: Mapping[str, Any], name: str) -> Any:
    if name in world:
        value = world[name]
        return list(value) if isinstance(value, tuple) else [value]
    found = [_members(world, target) for target in SIGMA_TAXONOMY.get(name, ()) if target in world]
    if found:
        return [member for members in found for member in members]
    if name.endswith(".raw"):
        return _members(world, name[: -len(".raw")])
    return ABSENT


def _rows(collection: str, fields: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The members of a collection, each as the fields that it has."""
    names = [name for name in fields if name.startswith(f"{collection}.")]
    rows = []
    for index in range(100):
        cells = {name: (list(value) if isinstance(value, tuple) else [value]) for name, value in fields.items() if name in names}
        if any(index < len(cell) for cell in cells.values()):
            rows.append({name: cell[index] for name, cell in cells.items() if index < len(cell) and cell[index] is not None})
    return rows


def _member(leaf: Equals | Glob | Regex | Compare | DatePart | Network, member: Any) -> bool:
    if isinstance(leaf, DatePart):
        return _date_part(leaf, member)
    if isinstance(leaf, Compare):
        return _compare(leaf, member)
    text = text_of(member)
    if isinstance(leaf, Network):
        return _network(leaf, text)
    texts = forms(text) if is_normalised(leaf.field) else (text,)
    if isinstance(leaf, Regex):
        return any(_regex(leaf, each) for each in (*texts, text))
    patterns: list[Any] = [(value,) for value in leaf.values] if isinstance(leaf, Equals) else [leaf.pattern]
    ways = [way for pattern in patterns for way in _ways(pattern, is_normalised(leaf.field))]
    if any(glob(way, each, cased=leaf.cased) for way in ways for each in texts):
        return True
    return leaf.leet and any(glob(_leet_tokens(way, leaf.cased), _leet(each, leaf.cased), cased=True) for way in ways for each in texts)


LEET = {**dict(zip("0123456789", "oizeasgtbg", strict=True)), "@": "a", "$": "s", "!": "i", "|": "i", "+": "t", "€": "e", "l": "i"}


def _leet(text: str, cased: bool) -> str:
    return "".join(LEET.get(letter, letter) for letter in (text if cased else [one_fold(character) for character in text]))


def _leet_tokens(pattern: Any, cased: bool) -> Any:
    return tuple(token if isinstance(token, Wild) else _leet(token, cased) for token in pattern)


def _ways(pattern: Any, normalised: bool) -> list[Any]:
    """The pattern with its literals as they are, or once with each form that they have."""
    if not normalised:
        return [pattern]
    return [
        tuple(token if isinstance(token, Wild) else forms(token)[min(way, len(forms(token)) - 1)] for token in pattern) for way in (0, 1)
    ]


def text_of(value: Any) -> str:
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, float) and math.isfinite(value) and value == math.floor(value):
        return str(int(value))
    return str(value)


def one_fold(character: str) -> str:
    """Simple case folding of one character, by its definition: where full folding gives one character, that one."""
    for candidate in (character.casefold(), character.lower()):
        if len(candidate) == 1:
            return candidate
    return character


def glob(pattern: Any, text: str, *, cased: bool) -> bool:
    """Dynamic programming over (tokens used, characters used), one token a character."""
    tokens = [part for token in pattern for part in ([token] if isinstance(token, Wild) else list(token))]
    if not cased:
        tokens = [token if isinstance(token, Wild) else one_fold(token) for token in tokens]
        text = "".join(one_fold(character) for character in text)
    reach = [True] + [False] * len(text)
    for token in tokens:
        if token is Wild.ANY:
            reach = [any(reach[: end + 1]) for end in range(len(text) + 1)]
        else:
            reach = [False] + [reach[end] and token in (Wild.ONE, text[end]) for end in range(len(text))]
    return reach[-1]


def _regex(leaf: Regex, text: str) -> bool:
    """Python's engine: the patterns of the tests mean the same in both."""
    flags = re.NOFLAG
    for flag in leaf.flags:
        flags |= {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL}[flag]
    return re.search(leaf.pattern, text, flags) is not None


def _date_part(leaf: DatePart, member: Any) -> bool:
    """Python's own reading of ISO 8601, for the texts that the plans of the tests use."""
    if isinstance(member, bool):
        return False
    try:
        if isinstance(member, str) and not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", member):
            if not re.fullmatch(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?", member, re.ASCII):
                return False
            time = datetime.fromisoformat(member)
            time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
        else:
            time = datetime.fromtimestamp(float(member), UTC)
    except (ValueError, OverflowError, OSError):
        return False
    found = time.isocalendar()[1] if leaf.part == "week" else time.timetuple()[["year", "month", "day", "hour", "minute"].index(leaf.part)]
    verdicts = {"eq": found == leaf.number, "lt": found < leaf.number, "lte": found <= leaf.number, "gt": found > leaf.number}
    return verdicts.get(leaf.operator, found >= leaf.number)


def _compare(leaf: Compare, member: Any) -> bool:
    if isinstance(member, bool):
        return False
    if isinstance(member, str):
        if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", member):
            return False
        member = float(member) if set(member) & set(".eE") else int(member)
    if leaf.operator == "lt":
        return bool(member < leaf.number)
    if leaf.operator == "lte":
        return bool(member <= leaf.number)
    if leaf.operator == "gt":
        return bool(member > leaf.number)
    return bool(member >= leaf.number)


def _network(leaf: Network, text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if address.version == 6 and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in ipaddress.ip_network(network) for network in leaf.networks)


def _same_as(leaf: SameAs, members: list[Any], others: Any) -> bool:
    if others is ABSENT:
        return False
    for member in members:
        for other in others:
            if member is None or other is None:
                continue
            pair = [text_of(member), text_of(other)]
            ours, theirs = (forms(text) if is_normalised(leaf.field) else (text,) for text in pair)
            before = (Wild.ANY,) if leaf.how in ("contains", "endswith") else ()
            after = (Wild.ANY,) if leaf.how in ("contains", "startswith") else ()
            if any(glob((*before, their, *after), our, cased=False) for our in ours for their in theirs):
                return True
    return False


def _keyword(leaf: Keyword, fields: Mapping[str, Any]) -> bool:
    pattern = (Wild.ANY, *leaf.pattern, Wild.ANY)
    for name in fields:
        for member in _members(fields, name):
            if isinstance(member, str):
                texts = forms(member) if is_normalised(name) else (member,)
                if any(glob(way, text, cased=leaf.cased) for text in texts for way in _ways(pattern, is_normalised(name))):
                    return True
    return False
