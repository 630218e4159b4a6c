"""Random plans, fields and facts over a small alphabet, so that they often have to do with each other."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

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
    Regex,
    SameAs,
    Some,
    Wild,
)

ALPHABET = "aAbc14@lIiE3.*?\\ éÉßσςΣ\u212aяЯВв\u0430\u0410İ\u200b\u0301ａ\U0001f600"
TEXTS = st.text(alphabet=ALPHABET, max_size=6)
NUMBERS = st.sampled_from([0, 1, -1, 5, 5.0, 0.5, 10**20, -0.0, float("inf"), float("nan")])
WORDS = st.sampled_from(["a", "1", "true", "5", "5.0", "", "1e1", "abc", "192.0.2.7", "::ffff:192.0.2.7", "2001:db8::1", "192.0.2.999"])
TIMES = st.sampled_from(
    ["2026-03-01T01:30:00+02:00", "2026-12-31T23:59:59.5Z", "2027-01-01 00:00", "2024-02-30T00:00:00Z", "1e9", 86_399, -1.5, 1e300, 10**30]
)
SCALARS: st.SearchStrategy[Any] = st.one_of(TEXTS, WORDS, NUMBERS, TIMES, st.booleans(), st.none())
VALUES: st.SearchStrategy[Any] = st.one_of(SCALARS, st.lists(SCALARS, max_size=3).map(tuple))
MEMBER_NAMES = ["gen_ai.messages.role", "gen_ai.messages.text", "gen_ai.messages.size", "gen_ai.tools.name", "gen_ai.tools.description"]
REQUEST_NAMES = [
    *("x", "y", "gen_ai.prompt.last", "url.path", "account.id", "client.address", "url.original", "url.full"),
    *MEMBER_NAMES,
]
FACT_NAMES = ["account.plan", "account.spend"]
NAMES = st.sampled_from([*REQUEST_NAMES, "x.raw", "gen_ai.prompt.last.raw", "c-uri", "c-ip"])
FACTS = st.sampled_from(FACT_NAMES)
ANY_NAMES = st.one_of(NAMES, NAMES, FACTS)


def _tokenised(parts: list[Any]) -> tuple[Any, ...]:
    """Never an empty run, never two literal runs in a row: the invariant of ``Pattern``."""
    tokens: list[Any] = []
    for part in parts:
        if isinstance(part, str) and tokens and isinstance(tokens[-1], str):
            tokens[-1] += part
        elif part != "":
            tokens.append(part)
    return tuple(tokens)


PATTERNS = st.lists(st.one_of(st.sampled_from([Wild.ANY, Wild.ONE]), TEXTS), max_size=6).map(_tokenised)
OPERATORS = st.sampled_from(["lt", "lte", "gt", "gte"])
BOUNDS = st.sampled_from([0, 1, 5, 0.5, -1, 10**20])
EXPRESSIONS = st.sampled_from(
    ["a", "^a", "b$", "a.b", "[ab]+1", "a|c", "1{2}", "(ab)*c", "", "я", "\\.", "(?P<n>a)1", "(?P<n>b)", "(?i)A$"]
)
NETWORKS = st.lists(st.sampled_from(["192.0.2.0/24", "192.0.2.7/32", "0.0.0.0/0", "2001:db8::/32", "::/0"]), min_size=1, max_size=2)

PARTS = st.sampled_from(["minute", "hour", "day", "week", "month", "year"])


def _leaves(names: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    """Every kind of leaf that reads one field."""
    return st.one_of(
        st.builds(Equals, names, st.lists(st.one_of(TEXTS, WORDS), min_size=1, max_size=2).map(tuple), st.booleans(), st.booleans()),
        st.builds(Glob, names, PATTERNS, st.booleans(), st.booleans()),
        st.builds(Regex, names, EXPRESSIONS, st.sampled_from(["", "i", "s"])),
        st.builds(Compare, names, OPERATORS, BOUNDS),
        st.builds(DatePart, names, PARTS, st.one_of(OPERATORS, st.just("eq")), st.sampled_from([0, 1, 5, 23, 28, 53, 2026, 0.5])),
        st.builds(Network, names, NETWORKS.map(tuple)),
        st.builds(Null, names),
        st.builds(Exists, names, st.booleans()),
    )


def _connected(leaves: st.SearchStrategy[Any], most: int) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaves,
        lambda children: st.one_of(
            st.builds(All, st.lists(children, max_size=3).map(tuple)),
            st.builds(Some, st.lists(children, max_size=3).map(tuple)),
            st.builds(Not, children),
        ),
        max_leaves=most,
    )


def _blocks(collection: str) -> st.SearchStrategy[Any]:
    names = st.sampled_from([name for name in MEMBER_NAMES if name.startswith(f"{collection}.")])
    leaves = st.one_of(_leaves(names), _leaves(names), st.builds(SameAs, names, names), st.builds(Keyword, PATTERNS, st.booleans()))
    return st.builds(Member, st.just(collection), _connected(leaves, 4))


LEAVES: st.SearchStrategy[Any] = st.one_of(
    _leaves(ANY_NAMES),
    _leaves(ANY_NAMES),
    _leaves(ANY_NAMES),
    st.builds(SameAs, NAMES, NAMES, st.sampled_from(["equals", "contains", "startswith", "endswith"])),
    st.builds(SameAs, FACTS, FACTS),
    st.builds(Keyword, PATTERNS, st.booleans()),
    # Made once: strategies made anew at each draw are not the same to Hypothesis when it replays one.
    st.one_of(_blocks("gen_ai.messages"), _blocks("gen_ai.tools"), st.just(Member("gen_ai.nothing", Constant(True)))),
)
PHRASES = st.builds(
    lambda field, patterns, cased, leet: Some(
        tuple(Glob(field, pattern, *both) for pattern, both in zip(patterns, zip(cased, leet, strict=True), strict=False))
    ),
    ANY_NAMES,
    st.lists(st.one_of(PATTERNS, TEXTS.filter(bool).map(lambda text: (Wild.ANY, text, Wild.ANY))), min_size=2, max_size=3),
    st.lists(st.booleans(), min_size=3, max_size=3),
    st.lists(st.booleans(), min_size=3, max_size=3),
)
"""What a list of phrases compiles to."""
SEARCHES = st.builds(
    lambda field, patterns, flags: Some(tuple(Regex(field, pattern, flags) for pattern in patterns)),
    ANY_NAMES,
    st.lists(EXPRESSIONS, min_size=2, max_size=4),
    st.sampled_from(["", "i"]),
)
"""What a list of regular expressions compiles to."""
PLANS: st.SearchStrategy[Any] = _connected(st.one_of(LEAVES, LEAVES, PHRASES, SEARCHES, st.builds(Constant, st.booleans())), 8)
FIELDS = st.dictionaries(st.sampled_from(REQUEST_NAMES), VALUES, max_size=6)
KNOWN_FACTS = st.dictionaries(FACTS, SCALARS, max_size=2)
