"""A logit probe: one token, its log probabilities, another bias each time (Carlini et al., arXiv 2403.06634)."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from ostiary.local.traffic import clockwork
from ostiary.local.traffic.caller import SCRIPT, Caller, Line

ACCOUNT = "acct-probe-0b92"
REQUESTS = 140
START = 11.7 * clockwork.HOUR
EVERY = 14.0
VOCABULARY = 100_000
BIASED = 4


def requests(rng: Random) -> Iterator[Line]:
    """One account without a plan: slow enough for every limit, and always the same shape."""
    caller = Caller(ACCOUNT, "probe", "198.51.100.23", None, SCRIPT)
    for moment in clockwork.steady(rng, START, REQUESTS, EVERY):
        bias = {str(token): 100 for token in rng.sample(range(VOCABULARY), BIASED)}
        yield caller.chat(moment, ["Hi"], temperature=0, max_tokens=1, logprobs=True, top_logprobs=5, logit_bias=bias)
