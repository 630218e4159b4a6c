"""A hammering key: hundreds of requests in minutes, far over the limit of its plan."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from ostiary.local.traffic import clockwork
from ostiary.local.traffic.caller import SCRIPT, Caller, Line
from ostiary.local.traffic.phrases import speak

ACCOUNT = "acct-hammer-c5aa"
REQUESTS = 450
START = 16.1 * clockwork.HOUR
EVERY = 0.4
"""Seconds between two requests: 150 a minute, where the free plan has 60."""


def requests(rng: Random) -> Iterator[Line]:
    """One account on the free plan, for three minutes."""
    caller = Caller(ACCOUNT, "hammer", "192.0.2.222", "free", SCRIPT)
    for moment in clockwork.steady(rng, START, REQUESTS, EVERY):
        yield caller.chat(moment, [speak(rng, "Describe {product} {number} in one sentence.")], max_tokens=60)
