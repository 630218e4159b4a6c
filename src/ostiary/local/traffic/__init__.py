"""A seeded day of realistic traffic for the demo: callers who mean well, callers who look as if they didn't, and attackers.

One module a kind of caller. No clock and no chance but the seed's: the same seed gives the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

from ostiary.local.traffic import agent, batch, chat, evaluation, hammer, harvest, judge, library, probe, retrieval, scanner
from ostiary.local.traffic.caller import Line

BENIGN = frozenset({"agent", "batch", "chat", "evaluation", "judge", "library", "retrieval"})
"""Kinds of callers that must not notice the gate."""
_KINDS = {
    "agent": agent.requests,
    "batch": batch.requests,
    "chat": chat.requests,
    "evaluation": evaluation.requests,
    "hammer": hammer.requests,
    "harvest": harvest.requests,
    "judge": judge.requests,
    "library": library.requests,
    "probe": probe.requests,
    "retrieval": retrieval.requests,
    "scanner": scanner.requests,
}


@dataclass(frozen=True, slots=True)
class Day:
    """All requests of the day in the order of their time, and the kind of each account."""

    requests: tuple[Line, ...]
    kinds: Mapping[str, str]


def generate(seed: int) -> Day:
    """The day of a seed. Every kind draws from its own generator, so that a change to one leaves the others as they were.

    >>> day = generate(1)
    >>> len(day.requests) > 2000, sorted(set(day.kinds.values()) - BENIGN)
    (True, ['hammer', 'harvest', 'probe'])
    """
    lines: list[Line] = []
    kinds: dict[str, str] = {}
    for kind, requests in _KINDS.items():
        for line in requests(Random(f"{seed} {kind}")):
            lines.append(line)
            if "account" in line:
                kinds[line["account"]] = kind
    lines.sort(key=lambda line: float(line["time"]))
    return Day(tuple(lines), kinds)


def write(path: Path, seed: int) -> Day:
    """Write the day of a seed as JSON lines, and return it."""
    day = generate(seed)
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in day.requests), encoding="utf-8")
    return day
