"""Rule: one document, compiled; what it asks for, and what it counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ostiary.vocabulary.plan import Plan

Mode = Literal["monitor", "enforce"]
Level = Literal["informational", "low", "medium", "high", "critical"]
ActionName = Literal["allow", "throttle", "deny", "withhold"]
OnError = Literal["open", "closed"]
Category = Literal["request", "account_window", "group_window", "foreign"]
"""``foreign``: a Sigma rule for another product; it loads, and never applies to requests."""

LEVELS: tuple[Level, ...] = ("informational", "low", "medium", "high", "critical")
DEFAULT_BUCKETS = 20
MAX_BUCKETS = 60
MAX_COUNTERS = 32


@dataclass(frozen=True, slots=True)
class Counter:
    """What one sliding window counts: requests that match any of ``rules``, by principal and the rest of ``group_by``.

    ``id`` is a hash of (kind, timespan, buckets, group_by, predicate) in six base-32 characters (it is part of every bucket's name,
    and the item's size is what a write costs), so that counts survive a new Ruleset whose limit alone changed. ``kind`` limit:
    counts admissions, taken back when the request is refused. ``kind`` matches: never taken back (correlations, and limits that penalise).
    """

    id: str
    kind: Literal["limit", "matches"]
    timespan: int
    """Seconds."""
    buckets: int
    group_by: tuple[str, ...]
    rules: tuple[int, ...]
    """Indexes of the rules whose Signal adds one (one for a request, however many match)."""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``max`` matching requests in any true ``timespan`` seconds, for each value of ``group_by``."""

    max: int
    timespan: int
    group_by: tuple[str, ...]
    buckets: int = DEFAULT_BUCKETS
    penalise: bool = False
    """Refused requests count too."""
    counter: str = ""
    """Id of its Counter."""


CorrelationType = Literal[
    "event_count", "value_count", "temporal", "temporal_ordered", "value_sum", "value_avg", "value_percentile", "value_median"
]


@dataclass(frozen=True, slots=True)
class Expression:
    """A condition over rules that matched in a window: ``rule`` for a leaf; ``and``, ``or``, ``not`` over children."""

    word: Literal["rule", "and", "or", "not"]
    rule: int = -1
    children: tuple[Expression, ...] = ()


@dataclass(frozen=True, slots=True)
class Correlation:
    """Matches of ``rules`` (indexes, of detections or other correlations) over the sliding window (t − timespan, t], by group.

    ``conditions``: (operator, number) pairs, AND-ed: gt, gte, lt, lte, eq, neq. ``temporal`` types count distinct rules, and default
    to all of them. ``lt``, ``lte``, ``eq``, ``neq`` and ``not`` can only be decided when a window closes.
    """

    type: CorrelationType
    rules: tuple[int, ...]
    group_by: tuple[str, ...]
    timespan: int
    """Seconds."""
    conditions: tuple[tuple[str, float], ...]
    buckets: int = DEFAULT_BUCKETS
    counter: str = ""
    """Id of its Counter where the request path counts it; empty where ``record`` decides."""
    fields: tuple[str, ...] = ()
    """Of ``value_*``: what is counted or summed; several of ``value_count`` make tuples."""
    percentile: float | None = None
    """Of ``value_percentile``: 0 to 100."""
    expression: Expression | None = None
    """Of the temporal types: a condition over the rules in place of a count."""
    aliases: tuple[tuple[str, tuple[tuple[int, str], ...]], ...] = ()
    """(alias, ((rule index, that rule's field), …)): one group-by name for different fields of different rules."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One compiled rule: ``plan`` for a detection, ``correlation`` for a correlation, never both."""

    index: int
    id: str
    """The document's id, or its title where there is none: what verdicts, tables and ``match`` say."""
    title: str
    version: str
    """First 12 hex digits of the SHA-256 of the document's compiled form."""
    level: Level
    category: Category
    name: str | None = None
    topic: str = ""
    """Folder in the pack."""
    plan: Plan | None = None
    correlation: Correlation | None = None
    generate: bool = True
    """False: speaks only through the correlations that name it."""
    mode: Mode = "monitor"
    action: ActionName | None = None
    limit: Limit | None = None
    withhold: tuple[str, ...] = ()
    """What the upstream is told to leave out: ``reasoning``, ``logprobs``."""
    clause: str | None = None
    """Clause of the terms of service that the rule stands for."""
    message: str | None = None
    """What the account holder is told, in the author's words."""
    on_error: OnError = "open"


@dataclass(frozen=True, slots=True)
class Exemption:
    """Keeps the Signals of some rules for some accounts, and waives their effects."""

    name: str
    accounts: tuple[str, ...]
    rules: tuple[str, ...]
    """Rule ids or names; empty: every rule."""
    waive: tuple[str, ...]
    """``throttle``, ``deny``, ``withhold``, ``strikes``."""
    reason: str
    granted_by: str
    expires: float
    """Epoch seconds; past it the Exemption has no effect."""


@dataclass(frozen=True, slots=True)
class Ruleset:
    """All compiled rules of some packs, with what they count; named by the digest of its artefact."""

    rules: tuple[Rule, ...]
    counters: tuple[Counter, ...] = ()
    exemptions: tuple[Exemption, ...] = ()
    escalation: str = ""
    """The escalation policy as canonical JSON; empty: none. Only ``enforcement`` reads it."""
    digest: str = ""
    """SHA-256 of the artefact's payload, 64 hex digits; set by ``ruleset.artefact``."""
    by_id: dict[str, Rule] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_id", {rule.id: rule for rule in self.rules})


@dataclass(frozen=True, slots=True)
class Signal:
    """A rule matched a request. ``leaves`` is None when that is certain.

    While ``account.*`` is unknown a rule may hold or not: then ``leaves`` says, for the leaves of its plan in order of
    appearance, what is known ('1' true, '0' false, '?' a fact), which is all that ``matching.settle`` needs once the facts
    are there — also offline, where the request's text is gone.
    """

    rule: int
    """Index in the Ruleset."""
    leaves: str | None = None
