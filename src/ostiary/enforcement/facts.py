"""The facts that productions read: about the Finding that came, its Case, its account, and other Findings of the Case."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ostiary.enforcement.policy import Policy, strength
from ostiary.vocabulary.case import CaseStep, Finding
from ostiary.vocabulary.plain import from_plain
from ostiary.vocabulary.request import Scalar
from ostiary.vocabulary.state import STAGES, Stage

MAX_OTHERS = 8
"""Other Findings that productions see: 28 pairs, each a session of the engine."""
MAX_OTHERS_OF_A_RULE = 2


@dataclass(frozen=True, slots=True)
class Facts:
    """``one``: fact by ``subject.name``, of the newest Finding, the Case and the account. ``others``: fact by name, one mapping
    for each other Finding. Levels and stages are ranks. An absent fact makes its condition false, whatever the comparison."""

    one: Mapping[str, Scalar]
    others: tuple[Mapping[str, Scalar], ...] = ()


class Engine(Protocol):
    """Finds the productions that hold."""

    def holding(self, facts: Facts) -> frozenset[str]:
        """Names of the productions whose conditions all hold. Pure, as far as anybody can see."""
        ...


def finding_of(step: CaseStep) -> Finding | None:
    """The Finding behind a step of a Case's history; None for a release or an expiry."""
    return from_plain(Finding, json.loads(step.evidence), newer=True) if step.evidence else None


def since_release(steps: Sequence[CaseStep]) -> Sequence[CaseStep]:
    """The steps after the last release: a person's release wipes the slate, so nothing before it counts again."""
    for at in range(len(steps), 0, -1):
        if steps[at - 1].cause == "release":
            return steps[at:]
    return steps


def gather(
    policy: Policy,
    *,
    finding: Finding,
    earlier: Iterable[Finding],
    stage: Stage,
    strikes: int,
    releases: int,
    account: Mapping[str, Scalar],
    now: float,
) -> Facts:
    """Facts for one Finding. ``earlier``: the Case's older Findings that may count against it, within the policy's window."""
    others = list(earlier)
    together = [*others, finding]
    one: dict[str, Scalar] = {f"finding.{name}": value for name, value in _about(policy, finding).items()}
    one |= {
        "case.stage": STAGES.index(stage),
        "case.strikes": strikes,
        "case.findings": len(together),
        "case.correlations": sum(one.kind == "correlation" for one in together),
        "case.limits": sum(one.kind == "limit" for one in together),
        "case.rules": len({one.rule for one in together}),
        "case.topics": len({one.topic for one in together}),
        "case.releases": releases,
    }
    one |= {f"account.{name}": account.get(f"account.{name}") for name in policy.account_facts()}
    return Facts(one, tuple({**_about(policy, other), "age": max(0, int(now - other.time))} for other in _chosen(others)))


def _about(policy: Policy, finding: Finding) -> dict[str, Scalar]:
    return {
        "level": strength(finding.level),
        "rule": finding.rule,
        "topic": finding.topic,
        "kind": finding.kind,
        "count": finding.count,
        "threshold": finding.threshold,
        "strikes": policy.weights.of(finding),
    }


def _chosen(others: Sequence[Finding]) -> list[Finding]:
    """The strongest, newest few: at most two of a rule, so that a hammered limit can't push the evidence out."""
    kept: list[Finding] = []
    of_rule: dict[str, int] = {}
    for other in sorted(others, key=lambda one: (strength(one.level), one.time, one.id), reverse=True):
        if of_rule.get(other.rule, 0) < MAX_OTHERS_OF_A_RULE:
            of_rule[other.rule] = of_rule.get(other.rule, 0) + 1
            kept.append(other)
    return kept[:MAX_OTHERS]
