"""Leaves of a plan as functions of a Subject: one builder for each kind of leaf."""

from __future__ import annotations

import ipaddress
import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from ostiary.matching.glob import Test, compile_glob
from ostiary.matching.subject import Subject, number
from ostiary.text.fold import fold
from ostiary.text.normalise import forms
from ostiary.vocabulary.plan import (
    All,
    Compare,
    Equals,
    Exists,
    Glob,
    Keyword,
    Leaf,
    Network,
    Not,
    Null,
    Pattern,
    Plan,
    Regex,
    SameAs,
    Some,
    Wild,
    is_fact,
    is_normalised,
)

Check = Callable[[Subject], bool]


def leaf_fields(leaf: Leaf | AnyGlob) -> tuple[str, ...]:
    """The fields that a leaf reads; none for a keyword, which reads every text."""
    if isinstance(leaf, Keyword):
        return ()
    return (leaf.field, leaf.other) if isinstance(leaf, SameAs) else (leaf.field,)


def needs_facts(leaf: Leaf | AnyGlob) -> bool:
    """Whether only account facts decide the leaf, so that it is unknown until the store has answered.

    A ``SameAs`` between a fact and a field of the request is not: the field's text is gone when facts settle it. While facts
    are unknown it is false; the language refuses it for requests.
    """
    fields = leaf_fields(leaf)
    return bool(fields) and all(is_fact(name) for name in fields)


def compile_leaf(leaf: Leaf | AnyGlob) -> Check:
    """The leaf as a function; any member of a field with several values satisfies it."""
    return _BUILDERS[type(leaf)](leaf)


def _literal_forms(field: str, text: str, *, cased: bool) -> list[str]:
    prepared = forms(text) if is_normalised(field) else (text,)
    return list(prepared) if cased else [fold(form) for form in prepared]


def _view(leaf: Equals | Glob) -> Callable[[Subject, str], tuple[str, ...]]:
    return Subject.cased if leaf.cased else Subject.folded


def _equals(leaf: Equals) -> Check:
    field, view = leaf.field, _view(leaf)
    wanted = frozenset(form for value in leaf.values for form in _literal_forms(field, value, cased=leaf.cased))
    return lambda subject: not wanted.isdisjoint(view(subject, field))


def pattern_tests(pattern: Pattern, *, normalised: bool, cased: bool) -> list[Test]:
    """A test for each form that the pattern's literals have (one, but where look-alikes were replaced)."""
    finish: Callable[[str], str] = str if cased else fold
    if not normalised:
        return [compile_glob(pattern, finish)]
    literals = [token for token in pattern if not isinstance(token, Wild)]
    ways = 2 if any(len(forms(text)) > 1 for text in literals) else 1
    return [compile_glob(pattern, partial(_form, way, finish)) for way in range(ways)]


def _form(way: int, finish: Callable[[str], str], text: str) -> str:
    found = forms(text)
    return finish(found[min(way, len(found) - 1)])


@dataclass(frozen=True, slots=True)
class AnyGlob:
    """Several globs over one field, any of which satisfies: a list of phrases asks for the field's texts once."""

    field: str
    globs: tuple[Glob, ...]


def merged(plan: Plan) -> Plan | AnyGlob:
    """The plan with globs over one field that stand side by side in a ``Some`` made one; it means the same."""
    if isinstance(plan, Not):
        return Not(cast(Plan, merged(plan.child)))
    if isinstance(plan, All):
        return All(tuple(cast(Plan, merged(child)) for child in plan.children))
    if not isinstance(plan, Some):
        return plan
    by_view: dict[tuple[str, bool], list[Glob]] = {}
    others: list[Plan | AnyGlob] = []
    for child in plan.children:
        if isinstance(child, Glob):
            by_view.setdefault((child.field, child.cased), []).append(child)
        else:
            others.append(merged(child))
    globs = [found[0] if len(found) == 1 else AnyGlob(found[0].field, tuple(found)) for found in by_view.values()]
    return Some(cast("tuple[Plan, ...]", (*globs, *others)))


def _glob(leaf: Glob) -> Check:
    return _any_glob(AnyGlob(leaf.field, (leaf,)))


def _any_glob(leaf: AnyGlob) -> Check:
    field, view = leaf.field, _view(leaf.globs[0])
    needles: list[str] = []
    tests: list[Test] = []
    for glob in leaf.globs:
        match glob.pattern:
            case (Wild.ANY, str(text), Wild.ANY):
                needles += _literal_forms(field, text, cased=glob.cased)
            case _:
                tests += pattern_tests(glob.pattern, normalised=is_normalised(field), cased=glob.cased)

    # The innermost loops of all matching: a generator would cost more than what it looks for.
    def check(subject: Subject) -> bool:
        for text in view(subject, field):
            for needle in needles:
                if needle in text:
                    return True
            for test in tests:
                if test(text):
                    return True
        return False

    return check


def _keyword(leaf: Keyword) -> Check:
    pattern: Pattern = (Wild.ANY, *leaf.pattern, Wild.ANY)
    tests = [*pattern_tests(pattern, normalised=False, cased=False), *pattern_tests(pattern, normalised=True, cased=False)]
    literals = "".join(token for token in leaf.pattern if not isinstance(token, Wild))
    if literals.isascii():
        del tests[1:]
    return lambda subject: any(test(text) for text in subject.keywords() for test in tests)


def _regex(leaf: Regex) -> Check:
    import re2  # only Rulesets with a regular expression pay for it

    options = re2.Options()
    options.log_errors = False
    source = f"(?{leaf.flags}){leaf.pattern}" if leaf.flags else leaf.pattern
    search: Callable[[bytes], Any] = re2.compile(source.encode("utf-8", "replace"), options).search
    field = leaf.field
    return lambda subject: any(search(text) is not None for text in subject.encoded(field))


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
    Equals: _equals,
    Glob: _glob,
    AnyGlob: _any_glob,
    Regex: _regex,
    Compare: _compare,
    Network: _network,
    Null: _null,
    Exists: _exists,
    SameAs: _same_as,
    Keyword: _keyword,
}
