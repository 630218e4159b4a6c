"""Random plans, fields and facts over a small alphabet, so that they often have to do with each other."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from ostiary.vocabulary.plan import All, Compare, Constant, Equals, Exists, Glob, Keyword, Network, Not, Null, Regex, SameAs, Some, Wild

ALPHABET = "aAbc1.*?\\ éÉßσςΣ\u212aяЯВв\u0430\u0410İ\u200b\u0301ａ\U0001f600"
TEXTS = st.text(alphabet=ALPHABET, max_size=6)
NUMBERS = st.sampled_from([0, 1, -1, 5, 5.0, 0.5, 10**20, -0.0, float("inf"), float("nan")])
WORDS = st.sampled_from(["a", "1", "true", "5", "5.0", "", "1e1", "abc", "192.0.2.7", "::ffff:192.0.2.7", "2001:db8::1", "192.0.2.999"])
SCALARS: st.SearchStrategy[Any] = st.one_of(TEXTS, WORDS, NUMBERS, st.booleans(), st.none())
VALUES: st.SearchStrategy[Any] = st.one_of(SCALARS, st.lists(SCALARS, max_size=3).map(tuple))
REQUEST_NAMES = ["x", "y", "gen_ai.prompt.last", "url.path", "account.id", "client.address", "url.original", "url.full"]
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
EXPRESSIONS = st.sampled_from(["a", "^a", "b$", "a.b", "[ab]+1", "a|c", "1{2}", "(ab)*c", "", "я", "\\."])
NETWORKS = st.lists(st.sampled_from(["192.0.2.0/24", "192.0.2.7/32", "0.0.0.0/0", "2001:db8::/32", "::/0"]), min_size=1, max_size=2)

LEAVES: st.SearchStrategy[Any] = st.one_of(
    st.builds(Equals, ANY_NAMES, st.lists(st.one_of(TEXTS, WORDS), min_size=1, max_size=2).map(tuple), st.booleans()),
    st.builds(Glob, ANY_NAMES, PATTERNS, st.booleans()),
    st.builds(Regex, ANY_NAMES, EXPRESSIONS, st.sampled_from(["", "i", "s"])),
    st.builds(Compare, ANY_NAMES, OPERATORS, BOUNDS),
    st.builds(Network, ANY_NAMES, NETWORKS.map(tuple)),
    st.builds(Null, ANY_NAMES),
    st.builds(Exists, ANY_NAMES, st.booleans()),
    st.builds(SameAs, NAMES, NAMES, st.sampled_from(["equals", "contains", "startswith", "endswith"])),
    st.builds(SameAs, FACTS, FACTS),
    st.builds(Keyword, PATTERNS),
)
PHRASES = st.builds(
    lambda field, patterns, cased: Some(tuple(Glob(field, pattern, one) for pattern, one in zip(patterns, cased, strict=False))),
    ANY_NAMES,
    st.lists(st.one_of(PATTERNS, TEXTS.filter(bool).map(lambda text: (Wild.ANY, text, Wild.ANY))), min_size=2, max_size=3),
    st.lists(st.booleans(), min_size=3, max_size=3),
)
"""What a list of phrases compiles to."""
PLANS: st.SearchStrategy[Any] = st.recursive(
    st.one_of(LEAVES, LEAVES, PHRASES, st.builds(Constant, st.booleans())),
    lambda children: st.one_of(
        st.builds(All, st.lists(children, max_size=3).map(tuple)),
        st.builds(Some, st.lists(children, max_size=3).map(tuple)),
        st.builds(Not, children),
    ),
    max_leaves=8,
)
FIELDS = st.dictionaries(st.sampled_from(REQUEST_NAMES), VALUES, max_size=6)
KNOWN_FACTS = st.dictionaries(FACTS, SCALARS, max_size=2)
