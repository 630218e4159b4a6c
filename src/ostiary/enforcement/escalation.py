"""``escalate``: one Finding moves one Case, and says what is to be done. Pure: a Case, a Finding and a time in, a Case out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ostiary.enforcement.facts import Engine, finding_of, since_release
from ostiary.enforcement.history import sealed
from ostiary.enforcement.notices import notice, released
from ostiary.enforcement.policy import Policy
from ostiary.enforcement.standing import BY, RELEASE, decayed, expired, has_monitored, reached, standing_would, would
from ostiary.vocabulary.case import Action, Case, CaseStep, Finding
from ostiary.vocabulary.plain import to_plain
from ostiary.vocabulary.request import Scalar
from ostiary.vocabulary.state import STAGES, Enforcement, Stage

MAX_FINDING_IDS = 200
"""Newest Finding ids that a Case remembers: one delivered again later than that many others would count twice."""
RENEWAL_SHARE = 0.5
"""A stage that is reached again is renewed once less than this share of its duration is left: a notice a while, not one a Finding."""


def escalate(
    policy: Policy,
    case: Case | None,
    finding: Finding,
    engine: Engine,
    now: float,
    *,
    account: Mapping[str, Scalar] | None = None,
    appeal: str = "",
) -> tuple[Case, tuple[Action, ...]]:
    """The Case after one Finding, and the Actions that this asks for.

    The same Case comes back, without Actions, for a Finding that it has seen, or that the policy absorbs. ``account`` holds
    the facts that productions may read (``account.plan`` → ``pro``). The stage only rises here; it falls by expiry, which the
    next Finding writes down, and by ``release``. Raises what the engine raises (``StoreError``).
    """
    before = case or Case(finding.account, opened=now)
    assert before.account == finding.account, f"a Finding of {finding.account} for the Case of {before.account}"
    if finding.id in before.findings or _absorbed(policy, before, finding):
        return before, ()
    current = expired(policy, before, now)
    move = _move(policy, current, finding, engine, now, account or {})
    after = _moved(policy, current, finding, move, now)
    if move.rose or move.renewed:
        return after, _actions(policy, after, finding.clause, now, appeal)
    return after, _ended(policy, before, after, now) if current.version > before.version else ()


@dataclass(frozen=True, slots=True)
class _Move:
    """What one Finding does to a Case: the stage, who moved it, the strikes, and where full enforcement would be."""

    stage: Stage
    would: Stage
    production: str
    strikes: int
    struck: float
    rose: bool
    renewed: bool


def _move(policy: Policy, case: Case, finding: Finding, engine: Engine, now: float, account: Mapping[str, Scalar]) -> _Move:
    counts = finding.mode == "enforce" and finding.waived is None
    strikes, struck = decayed(policy, case, now)
    given: Stage = case.stage
    production = ""
    if counts:
        strikes += policy.weights.of(finding)
        given, production = reached(policy, case, finding, engine, now, strikes, account)
    if counts and not has_monitored(case):
        beyond = max(standing_would(policy, case, now), given, key=STAGES.index)
    else:
        beyond = would(policy, case, finding, engine, now, account)
    stage = max(case.stage, given, "watch", key=STAGES.index)
    rose = STAGES.index(stage) > STAGES.index(case.stage)
    renewed = not rose and given == stage and production != "" and _nearly_over(policy, case, now)
    return _Move(
        stage=stage,
        would=max(beyond, stage, key=STAGES.index),
        production=production if rose or renewed else "",
        strikes=strikes,
        struck=struck,
        rose=rose,
        renewed=renewed,
    )


def _moved(policy: Policy, case: Case, finding: Finding, move: _Move, now: float) -> Case:
    duration = policy.terms(move.stage).duration
    anew = move.rose or move.renewed or move.stage == "watch"
    after = replace(
        case,
        version=case.version + 1,
        stage=move.stage,
        until=case.until if not anew else None if duration is None else now + duration,
        strikes=move.strikes,
        struck=move.struck,
        rules=case.rules if finding.rule in case.rules else (*case.rules, finding.rule),
        findings=(*case.findings, finding.id)[-MAX_FINDING_IDS:],
        updated=now,
    )
    step = CaseStep(
        version=after.version,
        time=now,
        stage=move.stage,
        would=move.would,
        cause=finding.id,
        production=move.production,
        rules=(finding.rule,),
        strikes=move.strikes,
        by=BY,
        note=_note(finding, move.renewed),
        clause=finding.clause,
        evidence=json.dumps(to_plain(finding), sort_keys=True, separators=(",", ":")),
    )
    return replace(after, steps=(*case.steps, sealed(step, case.steps)))


def release(case: Case, *, by: str, note: str, now: float, appeal: str = "") -> tuple[Case, tuple[Action, ...]]:
    """The Case after a person has released it: no stage, no strikes, and none of the older Findings counts again.

    The Action ends the enforcement by a higher version, so nothing that is still on its way can put it back.
    """
    before = case
    after = replace(case, version=case.version + 1, stage="none", until=None, strikes=0, struck=now, updated=now)
    step = CaseStep(after.version, now, "none", "none", RELEASE, "", (), 0, by, note)
    after = replace(after, steps=(*case.steps, sealed(step, case.steps)))
    actions = [Action(_key(after, "release"), "release", case.account, after.version, now, enforcement=_enforcement_none(after, now))]
    if STAGES.index(before.stage) > STAGES.index("watch"):
        key = _key(after, "notice")
        actions.append(Action(key, "notice", case.account, after.version, now, notice=released(after, key=key, appeal=appeal)))
    return after, tuple(actions)


def _absorbed(policy: Policy, case: Case, finding: Finding) -> bool:
    """Whether the same rule has spoken so recently that one more Finding of it is the same event still."""
    within = policy.absorb.get(finding.kind, 0)
    if not within or finding.waived is not None:
        return False
    for step in reversed(since_release(case.steps)):
        if finding.rule in step.rules and (earlier := finding_of(step)) is not None:
            return earlier.mode == finding.mode and earlier.waived is None and abs(finding.time - earlier.time) < within
    return False


def _nearly_over(policy: Policy, case: Case, now: float) -> bool:
    duration = policy.terms(case.stage).duration
    return duration is not None and case.until is not None and case.until - now < duration * RENEWAL_SHARE


def _note(finding: Finding, renewed: bool) -> str:
    parts = []
    if finding.mode == "monitor":
        parts.append("monitor: not counted")
    if finding.waived is not None:
        parts.append(f"waived by {finding.waived}")
    if renewed:
        parts.append("renewed")
    return "; ".join(parts)


def _actions(policy: Policy, case: Case, clause: str | None, now: float, appeal: str) -> tuple[Action, ...]:
    """What reaching (or renewing) a stage asks for: enforcement where the stage has effects, then a notice where it has a text."""
    terms = policy.terms(case.stage)
    actions = []
    if terms.enforces:
        enforcement = Enforcement(
            stage=case.stage,
            case=case.account,
            version=case.version,
            since=now,
            until=case.until,
            deny=terms.deny,
            withhold=terms.withhold,
            limit_share=terms.limit_share,
            clause=clause or terms.clause,
            reason="suspended" if terms.deny else "terms_of_service",
        )
        actions.append(Action(_key(case, "enforce"), "enforce", case.account, case.version, now, enforcement=enforcement))
    if terms.text:
        key = _key(case, "notice")
        actions.append(
            Action(key, "notice", case.account, case.version, now, notice=notice(terms, case, key=key, clause=clause, appeal=appeal))
        )
    return tuple(actions)


def _ended(policy: Policy, before: Case, after: Case, now: float) -> tuple[Action, ...]:
    """Clears what an expired stage had put in force. It has no effect any more, but it holds the state item back from its TTL."""
    if not policy.terms(before.stage).enforces:
        return ()
    return (Action(_key(after, "enforce"), "enforce", after.account, after.version, now, enforcement=_enforcement_none(after, now)),)


def _enforcement_none(case: Case, now: float) -> Enforcement:
    return Enforcement(stage="none", case=case.account, version=case.version, since=now, until=None)


def _key(case: Case, name: str) -> str:
    return f"{case.account}#{case.version}#{name}"
