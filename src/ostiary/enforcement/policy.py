"""The escalation policy as the runtime has it: frozen data, read from the canonical JSON in the Ruleset.

Authoring (``language.escalation``) has checked the document and says where a mistake is; here a document that does not read is
a ``RuleError``, so that a damaged or newer policy never becomes active half-understood.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ostiary.ruleset.policy import MAX_PRODUCTIONS, POLICY_STAGES, Operand, operand, seconds
from ostiary.vocabulary.case import Finding
from ostiary.vocabulary.errors import RuleError
from ostiary.vocabulary.rule import LEVELS, Level
from ostiary.vocabulary.state import STAGES, Stage

Literals = tuple[str | int | bool, ...]
DEFAULT_WINDOW = "7d"
DEFAULT_HALF_LIFE = "7d"


@dataclass(frozen=True, slots=True)
class Condition:
    """One line of ``when``: a fact compared with literals (any of them; ``neq``: none of them) or with another fact."""

    operand: Operand
    values: Literals = ()
    reference: Operand | None = None

    @property
    def order(self) -> tuple[str, ...] | None:
        """The words that stand for ranks, where the fact is a level or a stage."""
        return {"level": LEVELS, "stage": STAGES}.get(self.operand.kind)


@dataclass(frozen=True, slots=True)
class Production:
    """When every condition holds, the Case reaches ``stage`` at least."""

    name: str
    conditions: tuple[Condition, ...]
    stage: Stage


@dataclass(frozen=True, slots=True)
class Weights:
    """Strikes that a Finding adds: the most particular entry wins, rule before topic before kind before level."""

    level: Mapping[str, int] = field(default_factory=dict)
    kind: Mapping[str, int] = field(default_factory=dict)
    topic: Mapping[str, int] = field(default_factory=dict)
    rule: Mapping[str, int] = field(default_factory=dict)

    def of(self, finding: Finding) -> int:
        """Strikes for one Finding; a waived one adds none."""
        if finding.waived is not None:
            return 0
        for table, word in ((self.rule, finding.rule), (self.topic, finding.topic), (self.kind, finding.kind)):
            if word in table:
                return table[word]
        return self.level.get(finding.level, 0)


@dataclass(frozen=True, slots=True)
class StageTerms:
    """What a stage does and says, and for how long (``duration`` seconds; None: until somebody releases it)."""

    stage: Stage
    duration: int | None
    deny: bool = False
    withhold: tuple[str, ...] = ()
    limit_share: float = 1.0
    clause: str | None = None
    subject: str = ""
    text: str = ""

    @property
    def enforces(self) -> bool:
        """Whether the request path has to know of it."""
        return self.deny or bool(self.withhold) or self.limit_share < 1.0


@dataclass(frozen=True, slots=True)
class BreakerTerms:
    """At most this many automatic suspensions, over all accounts, in ``per`` seconds."""

    suspensions: int
    per: int


@dataclass(frozen=True, slots=True)
class Policy:
    """One escalation policy. ``window`` (seconds): how long a Finding stands beside newer ones in productions."""

    name: str
    stages: Mapping[Stage, StageTerms]
    productions: tuple[Production, ...] = ()
    weights: Weights = field(default_factory=Weights)
    half_life: int = 604_800
    window: int = 604_800
    absorb: Mapping[str, int] = field(default_factory=dict)
    """Kind of Finding → seconds within which one more of the same rule adds nothing."""
    breaker: BreakerTerms | None = None

    def terms(self, stage: Stage) -> StageTerms:
        """What a stage does; a stage that the policy does not describe has no effect and no end."""
        return self.stages.get(stage) or StageTerms(stage, None)

    def account_facts(self) -> frozenset[str]:
        """Names of the ``account.*`` facts that some production reads."""
        return frozenset(
            condition.operand.name
            for production in self.productions
            for condition in production.conditions
            if condition.operand.subject == "account"
        )


WATCH_ONLY = Policy("watch-only", {})
"""Where a Ruleset has no policy: Findings are written down, and nothing happens."""


def parse(canonical_json: str) -> Policy:
    """The policy that a Ruleset carries; ``WATCH_ONLY`` for the empty text. Raises ``RuleError`` for what does not read.

    >>> parse("").name
    'watch-only'
    """
    if not canonical_json:
        return WATCH_ONLY
    try:
        return _policy(json.loads(canonical_json))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RuleError(f"the escalation policy does not read: {error!r}; run `ostiary check` and publish it again") from error


def _policy(data: Mapping[str, Any]) -> Policy:
    _only(data, {"escalation", "description", "strikes", "decay", "window", "absorb", "stages", "breaker", "productions"}, "the policy")
    productions = tuple(_production(one) for one in data.get("productions", ()))
    if len(productions) > MAX_PRODUCTIONS:
        raise ValueError(f"{len(productions)} productions; at most {MAX_PRODUCTIONS}")
    breaker = data.get("breaker")
    return Policy(
        name=data["escalation"],
        stages={stage: _terms(stage, terms) for stage, terms in data["stages"].items()},
        productions=productions,
        weights=Weights(**data.get("strikes", {})),
        half_life=seconds(data.get("decay", {}).get("half-life", DEFAULT_HALF_LIFE)),
        window=seconds(data.get("window", DEFAULT_WINDOW)),
        absorb={kind: seconds(text) for kind, text in data.get("absorb", {}).items()},
        breaker=None if breaker is None else BreakerTerms(breaker["suspensions"], seconds(breaker["per"])),
    )


def _terms(stage: Stage, data: Mapping[str, Any]) -> StageTerms:
    _only(data, {"for", "deny", "withhold", "limit-share", "clause", "subject", "notice"}, f"stage {stage}")
    if stage not in POLICY_STAGES:
        raise ValueError(f"{stage!r} is no stage of a policy")
    return StageTerms(
        stage=stage,
        duration=seconds(data["for"]) if "for" in data else None,
        deny=data.get("deny", False),
        withhold=tuple(data.get("withhold", ())),
        limit_share=float(data.get("limit-share", 1.0)),
        clause=data.get("clause"),
        subject=data.get("subject", ""),
        text=data.get("notice", ""),
    )


def _production(data: Mapping[str, Any]) -> Production:
    _only(data, {"name", "description", "when", "then"}, f"production {data.get('name')!r}")
    stage: Stage = data["then"]["stage"]
    if stage not in POLICY_STAGES:
        raise ValueError(f"{stage!r} is no stage of a policy")
    return Production(data["name"], tuple(_condition(key, value) for key, value in data["when"].items()), stage)


def _condition(key: str, value: Any) -> Condition:
    left = operand(key)
    if left.reference:
        return Condition(left, reference=operand(value))
    return Condition(left, tuple(value) if isinstance(value, list) else (value,))


def _only(data: Mapping[str, Any], known: set[str], where: str) -> None:
    unknown = set(data) - known
    if unknown:
        raise ValueError(f"{where} has unknown keys {sorted(unknown)}")


def strength(level: Level) -> int:
    """Rank of a level, so that facts compare as numbers."""
    return LEVELS.index(level)
