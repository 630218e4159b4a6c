"""Where a Case stands: strikes after decay, a stage whose time is over, what productions give, what full enforcement would."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ostiary.enforcement.facts import Engine, finding_of, gather, since_release
from ostiary.enforcement.history import sealed
from ostiary.enforcement.policy import Policy
from ostiary.vocabulary.case import Case, CaseStep, Finding
from ostiary.vocabulary.request import Scalar
from ostiary.vocabulary.state import STAGES, Stage

EXPIRY, RELEASE = "expiry", "release"
"""Causes of steps that no Finding made."""
BY = "escalate"


def decayed(policy: Policy, case: Case, now: float) -> tuple[int, float]:
    """Strikes halve, rounding down, with every ``half_life`` that has passed; the halving dates don't move with new strikes."""
    if not case.strikes:
        return 0, now
    halvings = max(0, int((now - case.struck) // policy.half_life))
    return case.strikes >> min(halvings, 64), case.struck + halvings * policy.half_life


def expired(policy: Policy, case: Case, now: float) -> Case:
    """The Case once its stage's time is over: it falls to watch, and from watch to none, each with a step of the history."""
    while case.until is not None and case.until <= now and case.stage != "none":
        stage: Stage = "none" if case.stage == "watch" else "watch"
        duration = policy.terms("watch").duration
        until = None if stage == "none" or duration is None else case.until + duration
        strikes, struck = decayed(policy, case, now)
        step = CaseStep(case.version + 1, now, stage, stage, EXPIRY, "", (), strikes, BY, f"{case.stage} ended")
        case = replace(
            case,
            version=case.version + 1,
            stage=stage,
            until=until,
            strikes=strikes,
            struck=struck,
            updated=now,
            steps=(*case.steps, sealed(step, case.steps)),
        )
    return case


def _earlier(policy: Policy, case: Case, now: float, *, monitored: bool) -> list[Finding]:
    """Older Findings that may stand beside a new one: in the window, not waived, after the last release."""
    found = [finding_of(step) for step in since_release(case.steps) if step.time > now - policy.window]
    return [one for one in found if one is not None and one.waived is None and (monitored or one.mode == "enforce")]


def reached(
    policy: Policy,
    case: Case,
    finding: Finding,
    engine: Engine,
    now: float,
    strikes: int,
    account: Mapping[str, Scalar],
    *,
    monitored: bool = False,
) -> tuple[Stage, str]:
    """The highest stage that a production gives, and its name (the first in the policy, of equals)."""
    facts = gather(
        policy,
        finding=finding,
        earlier=_earlier(policy, case, now, monitored=monitored),
        stage=case.stage,
        strikes=strikes,
        releases=sum(step.cause == RELEASE for step in case.steps),
        account=account,
        now=now,
    )
    holding = engine.holding(facts)
    best: tuple[Stage, str] = ("none", "")
    for production in policy.productions:
        if production.name in holding and STAGES.index(production.stage) > STAGES.index(best[0]):
            best = (production.stage, production.name)
    return best


def has_monitored(case: Case) -> bool:
    """Whether full enforcement would have seen more than the Case counts."""
    return any(one is not None and one.mode == "monitor" for one in map(finding_of, since_release(case.steps)))


def standing_would(policy: Policy, case: Case, now: float) -> Stage:
    """The highest ``would`` of earlier steps whose stage would still last."""
    standing: Stage = "none"
    for step in since_release(case.steps):
        duration = policy.terms(step.would).duration
        if duration is None or step.time + duration > now:
            standing = max(standing, step.would, key=STAGES.index)
    return standing


def would(policy: Policy, case: Case, finding: Finding, engine: Engine, now: float, account: Mapping[str, Scalar]) -> Stage:
    """Where full enforcement would be: every Finding of the history counted, monitored or not, but none that is waived."""
    standing = max(standing_would(policy, case, now), "watch", key=STAGES.index)
    if finding.waived is not None:
        return standing
    strikes, struck = 0, now
    for step in since_release(case.steps):
        one = finding_of(step)
        if one is not None:
            strikes, struck = decayed(policy, replace(case, strikes=strikes, struck=struck), step.time)
            strikes += policy.weights.of(one)
    strikes, _ = decayed(policy, replace(case, strikes=strikes, struck=struck), now)
    strikes += policy.weights.of(finding)
    stage, _ = reached(policy, replace(case, stage=standing), finding, engine, now, strikes, account, monitored=True)
    return max(standing, stage, key=STAGES.index)
