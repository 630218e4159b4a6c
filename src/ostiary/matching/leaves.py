"""Leaves of a plan as functions of a Subject: one builder for each kind of leaf."""

from __future__ import annotations

import ipaddress
import operator
from collections.abc import Callable
from typing import Any, cast

from ostiary.matching import dates, expressions, phrases
from ostiary.matching.merge import AnyGlob, AnyRegex, merged
from ostiary.matching.subject import Subject, number
from ostiary.matching.truth import connect, leaves_of
from ostiary.text.fold import fold
from ostiary.vocabulary.plan import (
    Compare,
    DatePart,
    Equals,
    Exists,
    Glob,
    Keyword,
    Leaf,
    Member,
    Network,
    Null,
    Plan,
    Regex,
    SameAs,
    is_fact,
    is_normalised,
)

Check = Callable[[Subject], bool]


def leaf_fields(leaf: Leaf | AnyGlob | AnyRegex) -> tuple[str, ...]:
    """The fields that a leaf reads; none for a keyword, which reads every text."""
    if isinstance(leaf, Keyword):
        return ()
    if isinstance(leaf, Member):
        return tuple(dict.fromkeys(field for inner in leaves_of(leaf.plan) for field in leaf_fields(inner)))
    return (leaf.field, leaf.other) if isinstance(leaf, SameAs) else (leaf.field,)


def needs_facts(leaf: Leaf | AnyGlob | AnyRegex) -> bool:
    """Whether only account facts decide the leaf, so that it is unknown until the store has answered.

    A ``SameAs`` between a fact and a field of the request is not: the field's text is gone when facts settle it. While facts
    are unknown it is false; the language refuses it for requests. INVARIANT: the language refuses facts within a ``Member``.
    """
    if isinstance(leaf, Member):
        return False
    fields = leaf_fields(leaf)
    return bool(fields) and all(is_fact(name) for name in fields)


def compile_leaf(leaf: Leaf | AnyGlob | AnyRegex) -> Check:
    """The leaf as a function; any member of a field with several values satisfies it."""
    return _BUILDERS[type(leaf)](leaf)


def _member(leaf: Member) -> Check:
    """Each member of the collection is a Subject of its own, in which the whole block is asked."""
    collection, holds = leaf.collection, connect(cast(Plan, merged(leaf.plan)), compile_leaf)
    return lambda subject: any(holds(member) for member in subject.members(collection))


_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {"lt": operator.lt, "lte": operator.le, "gt": operator.gt, "gte": operator.ge}


def _compare(leaf: Compare) -> Check:
    field, bound, holds = leaf.field, leaf.number, _OPERATORS[leaf.operator]

    def check(subject: Subject) -> bool:
        return any(found is not None and holds(found, bound) for found in map(number, subject.values(field)))

    return check


def _network(leaf: Network) -> Check:
    """Networks of one length are a set, so that a list of thousands costs as much as one network of each length."""
    field = leaf.field
    by_length: dict[tuple[int, int], set[int]] = {}
    for text in leaf.networks:
        network = _unmapped(ipaddress.ip_network(text, strict=False))
        shift = network.max_prefixlen - network.prefixlen
        by_length.setdefault((network.version, shift), set()).add(int(network.network_address) >> shift)
    lengths = [(version, shift, frozenset(prefixes)) for (version, shift), prefixes in by_length.items()]

    def check(subject: Subject) -> bool:
        return any(
            address.version == version and int(address) >> shift in prefixes
            for address in subject.addresses(field)
            for version, shift, prefixes in lengths
        )

    return check


def _unmapped(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    if isinstance(network, ipaddress.IPv6Network) and network.prefixlen >= 96 and (mapped := network.network_address.ipv4_mapped):
        return ipaddress.IPv4Network((mapped, network.prefixlen - 96))
    return network


def _null(leaf: Null) -> Check:
    field = leaf.field

    def check(subject: Subject) -> bool:
        values = subject.values(field)
        return not values or None in values

    return check


def _exists(leaf: Exists) -> Check:
    field, present = leaf.field, leaf.present
    return lambda subject: subject.present(field) is present


_RELATIONS: dict[str, Callable[[str, str], bool]] = {
    "equals": str.__eq__,
    "contains": str.__contains__,
    "startswith": str.startswith,
    "endswith": str.endswith,
}


def _same_as(leaf: SameAs) -> Check:
    """The field that is asked about decides about normalisation, for both sides."""
    field, other, relation, normalised = leaf.field, leaf.other, _RELATIONS[leaf.how], is_normalised(leaf.field)

    def check(subject: Subject) -> bool:
        theirs = [fold(text) for text in subject.texts(other, normalised=normalised)]
        return any(relation(ours, text) for ours in subject.folded(field) for text in theirs)

    return check


_BUILDERS: dict[type, Callable[[Any], Check]] = {
    Equals: phrases.equals,
    Glob: phrases.glob,
    AnyGlob: phrases.any_glob,
    Keyword: phrases.keyword,
    Regex: expressions.regex,
    AnyRegex: expressions.any_regex,
    Compare: _compare,
    DatePart: dates.date_part,
    Network: _network,
    Null: _null,
    Exists: _exists,
    SameAs: _same_as,
    Member: _member,
}
