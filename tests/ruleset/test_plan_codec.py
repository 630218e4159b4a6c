"""Plan nodes as JSON: every node comes back."""

from __future__ import annotations

import json
import typing

from hypothesis import given
from hypothesis import strategies as st

from ostiary.ruleset.plan_codec import canonical, decode, encode
from ostiary.vocabulary import plan as nodes
from ostiary.vocabulary.plan import Plan, Wild

names = st.text(min_size=1, max_size=8)
patterns = st.lists(st.one_of(names, st.sampled_from(Wild)), max_size=4).map(tuple)
leaves = st.one_of(
    st.builds(nodes.Constant, st.booleans()),
    st.builds(nodes.Equals, names, st.lists(names, max_size=3).map(tuple), st.booleans(), st.booleans()),
    st.builds(nodes.Glob, names, patterns, st.booleans(), st.booleans()),
    st.builds(nodes.Regex, names, names, st.sampled_from(["", "i", "ims"])),
    st.builds(nodes.Compare, names, st.sampled_from(["lt", "lte", "gt", "gte"]), st.integers() | st.floats(allow_nan=False)),
    st.builds(
        nodes.DatePart,
        names,
        st.sampled_from(["minute", "hour", "day", "week", "month", "year"]),
        st.sampled_from(["eq", "lt", "lte", "gt", "gte"]),
        st.integers(0, 9999),
    ),
    st.builds(nodes.Network, names, st.just(("192.0.2.0/24", "2001:db8::/32"))),
    st.builds(nodes.Null, names),
    st.builds(nodes.Exists, names, st.booleans()),
    st.builds(nodes.SameAs, names, names, st.sampled_from(["equals", "contains", "startswith", "endswith"])),
    st.builds(nodes.Keyword, patterns, st.booleans()),
)
plans = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(nodes.All, st.lists(inner, max_size=3).map(tuple)),
        st.builds(nodes.Some, st.lists(inner, max_size=3).map(tuple)),
        st.builds(nodes.Not, inner),
        st.builds(nodes.Member, names, inner),
    ),
    max_leaves=12,
)


@given(plans)
def test_every_plan_comes_back_through_json(plan: Plan) -> None:
    assert decode(json.loads(json.dumps(encode(plan)))) == plan


@given(plans, plans)
def test_plans_have_one_text_exactly_when_they_are_equal(one: Plan, other: Plan) -> None:
    assert (canonical(one) == canonical(other)) == (encode(one) == encode(other))


def test_every_node_of_the_vocabulary_has_a_code() -> None:
    kinds = set(typing.get_args(nodes.Plan))
    drawn = {"All", "Some", "Not", "Constant", "Equals", "Glob", "Regex", "Compare", "DatePart", "Network", "Null", "Exists", "SameAs"}
    assert {kind.__name__ for kind in kinds} == drawn | {"Keyword", "Member"}
