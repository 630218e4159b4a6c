"""``Decider``: the one place where Signals, counts, facts and enforcement become a Verdict.

Pure: the same record, state and control give the same Verdict, on the request path and offline from the stream's image.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ostiary.counting.windows import Windows
from ostiary.judgement.effects import ALLOWED, combine, in_force, of_enforcement, of_rule, unavailable
from ostiary.matching.evaluate import Evaluator
from ostiary.vocabulary.request import Principal, Scalar
from ostiary.vocabulary.rule import Exemption, Rule, Signal
from ostiary.vocabulary.state import Control, RequestRecord, State
from ostiary.vocabulary.verdict import Count, Effect, EnforcementRef, RuleRef, Verdict

_HOLDS = {
    "gt": lambda count, number: count > number,
    "gte": lambda count, number: count >= number,
    "lt": lambda count, number: count < number,
    "lte": lambda count, number: count <= number,
    "eq": lambda count, number: count == number,
    "neq": lambda count, number: count != number,
}


@dataclass(frozen=True, slots=True)
class Held:
    """A rule that asks for something: an exceeded limit, a reached correlation, or a matching rule with an action.

    ``count`` is None for a rule that counts nothing.
    """

    rule: Rule
    count: Count | None
    effect: Effect
    exemption: Exemption | None


class Decider:
    """Decides by one Ruleset. ``evaluator`` settles Signals that waited for account facts."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.ruleset = evaluator.ruleset
        self._evaluator = evaluator
        self._counters = {counter.id: counter for counter in self.ruleset.counters}
        self._correlations: dict[int, list[Rule]] = {}
        for rule in self.ruleset.rules:
            # One without a counter is not counted here: ``record`` decides it.
            for index in rule.correlation.rules if rule.correlation and rule.correlation.counter else ():
                self._correlations.setdefault(index, []).append(rule)

    def decide(self, record: RequestRecord, state: State, control: Control, *, limit_share: float = 1.0, degraded: bool = False) -> Verdict:
        """The Verdict on one request.

        ``state``: what the write answered (or the stream's image); ``limit_share``: what is left of each limit to this process
        while the store fails (``degraded``). ``effect`` respects the rules' and the gate's modes; ``would`` is what full
        enforcement gives.
        """
        matched = self.matched(record, state)
        counts, held = self._weigh(record, state, matched, limit_share)
        own = of_enforcement(state.enforcement, record.time)
        address = of_enforcement(control.address, record.time, address=True)
        asked = [item for item in held if item.exemption is None]
        effect = ALLOWED
        if control.mode == "enforce":
            enforced = [item.effect for item in asked if item.rule.mode == "enforce"]
            failing = [unavailable(_fails_closed(matched, record))] if degraded else []
            effect = combine([*enforced, own, address, *failing])
        correlated = [item.rule for item in held if item.rule.correlation]
        standing = state.enforcement if in_force(state.enforcement, record.time) else None
        return Verdict(
            id=record.id,
            time=record.time,
            principal=record.principal.key,
            account=record.principal.id if record.principal.kind == "account" else None,
            address=record.address,
            gateway=record.gateway,
            method=record.method,
            path=record.path,
            effect=effect,
            would=combine([*(item.effect for item in asked), own, address]),
            rules=tuple(
                RuleRef(rule.id, rule.version, rule.level, rule.mode, rule.title) for rule in [*matched, *correlated] if rule.generate
            ),
            counts=tuple(counts),
            digest=record.digest,
            mode=control.mode,
            enforcement=EnforcementRef(standing.stage, standing.case, standing.version, standing.until) if standing else None,
            exemption=next((item.exemption.name for item in held if item.exemption), None),
            degraded=degraded,
            evaluation_us=record.evaluation_us,
            seq=state.seq,
            credential=record.credential,
        )

    def held(self, record: RequestRecord, state: State) -> list[Held]:
        """What holds at full limits, exempted or not: the material of Findings."""
        return self._weigh(record, state, self.matched(record, state), 1.0)[1]

    def matched(self, record: RequestRecord, state: State) -> list[Rule]:
        """The rules whose Signals stand once the facts are known, in index order."""
        facts = known_facts(record, state)
        return [
            self.ruleset.rules[index]
            for index, leaves in record.signals
            if leaves is None or self._evaluator.settle(Signal(index, leaves), facts)
        ]

    def _weigh(self, record: RequestRecord, state: State, matched: list[Rule], limit_share: float) -> tuple[list[Count], list[Held]]:
        windows = Windows(state.buckets)
        if state.enforcement is not None and in_force(state.enforcement, record.time):
            limit_share *= state.enforcement.limit_share
        counts: list[Count] = []
        held: list[Held] = []
        for rule in [*matched, *self._reachable(matched)]:
            count = None
            if rule.limit is not None or rule.correlation is not None:
                count = self._count(rule, windows, record, limit_share)
                if count is None:
                    continue
                counts.append(count)
                if not _reached(rule, count):
                    continue
            effect = of_rule(rule, record.time, count.reset if count else None)
            if count is not None or effect != ALLOWED:
                held.append(Held(rule, count, effect, _exemption(self.ruleset.exemptions, rule, record, effect)))
        return counts, held

    def _reachable(self, matched: Iterable[Rule]) -> list[Rule]:
        found = {rule.index: rule for base in matched for rule in self._correlations.get(base.index, ())}
        return [found[index] for index in sorted(found)]

    def _count(self, rule: Rule, windows: Windows, record: RequestRecord, limit_share: float) -> Count | None:
        """What the rule's window holds, this request included; None when the request lacks a field that it groups by."""
        counted = rule.limit or rule.correlation
        assert counted is not None
        counter = self._counters[counted.counter]
        groups = record.groups.get(counter.id)
        if not groups:
            return None
        used = {group: windows.used(counter, group, record.time) for group in groups}
        group = max(used, key=lambda name: used[name])
        if rule.limit is not None:
            most = max(1, math.floor(rule.limit.max * limit_share)) if rule.limit.max else 0
            # A refused request takes itself back; an admitted or penalised one stays.
            room = most if used[group] > most and counter.kind == "limit" else most - 1
        else:
            assert rule.correlation is not None
            most = math.ceil(min(number + (operator == "gt") for operator, number in rule.correlation.conditions))
            room = most - 2
        reset = windows.reset(counter, group, record.time, max(0, room)) if used[group] >= most else 0.0
        return Count(rule.id, used[group], most, counter.timespan, reset, "limit" if rule.limit else "matches")


def known_facts(record: RequestRecord, state: State) -> Mapping[str, Scalar]:
    """Account facts by field name: what the gateway vouched for, and over it what the store holds."""
    return {**record.facts, **state.facts}


def _fails_closed(matched: Iterable[Rule], record: RequestRecord) -> bool:
    """Whether a request whose limits can't be asked is refused: the route or any enforced matching rule says so."""
    return record.on_error == "closed" or any(rule.on_error == "closed" and rule.mode == "enforce" for rule in matched)


def _reached(rule: Rule, count: Count) -> bool:
    if rule.correlation is not None:
        return all(_HOLDS[operator](count.used, number) for operator, number in rule.correlation.conditions)
    return count.used > count.max


def _exemption(exemptions: tuple[Exemption, ...], rule: Rule, record: RequestRecord, effect: Effect) -> Exemption | None:
    """The Exemption that waives this rule's effect for this account, if one does."""
    waived = {"throttled": "throttle", "denied": "deny"}.get(effect.outcome, "withhold")
    return waiving(exemptions, waived, rule, record.principal, record.time)


def waiving(exemptions: tuple[Exemption, ...], waived: str, rule: Rule, principal: Principal, time: float) -> Exemption | None:
    """The first Exemption that waives something (``throttle``, ``deny``, ``withhold``, ``strikes``) of a rule for an account."""
    return next((one for one in exemptions if waived in one.waive and _exempts(one, rule, principal, time)), None)


def _exempts(exemption: Exemption, rule: Rule, principal: Principal, time: float) -> bool:
    """Whether an Exemption speaks of this rule and this account, and has not expired."""
    if principal.kind != "account" or principal.id not in exemption.accounts or exemption.expires <= time:
        return False
    return not exemption.rules or rule.id in exemption.rules or (rule.name is not None and rule.name in exemption.rules)
