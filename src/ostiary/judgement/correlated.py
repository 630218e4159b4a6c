"""Correlations that ``record`` decides: by other groups than the principal, of values, of several rules, when a window closes.

A request's observations go to the items of their groups, and the same code that ``ostiary match`` runs in memory says what an item's
observations reach. A record that comes again finds its observations there and reaches the same, with Findings of the same ids. One
that comes late is put in its place, and what it makes the later ones reach is found too.

A window that does not slide is decided ``GRACE_SECONDS`` after its end or later, once, over what had come by then: by the first
record that comes after its slot of the agenda is over, or by the scheduled sweep.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b

from ostiary.judgement.decide import Decider, known_facts
from ostiary.judgement.derive import Who, finding_of
from ostiary.judgement.features import Hashing, left_to_record
from ostiary.judgement.groups import MAX_OBSERVATIONS, GroupItem, GroupStore, Kept, OpenWindow
from ostiary.matching.correlate import closing_id, event_of, group_fields, window_end
from ostiary.matching.correlate_gather import Gatherer, Group, View, in_order
from ostiary.matching.correlate_measure import Observation, closes
from ostiary.matching.correlate_window import measured, reached
from ostiary.vocabulary.case import Finding
from ostiary.vocabulary.errors import ConditionFailed, StoreError
from ostiary.vocabulary.ports import FindingQueue
from ostiary.vocabulary.request import Fields, Principal
from ostiary.vocabulary.rule import Correlation, Rule, Ruleset
from ostiary.vocabulary.state import RequestRecord, State

GRACE_SECONDS = 60
"""How long a window that has ended waits for records that are still on their way."""
SLOT_SECONDS = 300
"""Windows that end in the same five minutes are decided together."""
OVERLAP_SLOTS = 2
"""Slots that are looked at once more: a window may have been opened while its slot was swept."""
MAX_SLOTS = 288
"""Slots that one sweep looks at: a day, the last one when nothing was ever swept."""
MAX_ATTEMPTS = 8
"""Times that an item is read again because another process was faster."""
_KEPT_SECONDS = 86_400


class _Part:
    """One correlation that is decided here, or that another one refers to."""

    def __init__(self, ruleset: Ruleset, rule: Rule) -> None:
        assert rule.correlation is not None
        self.rule = rule
        self.correlation: Correlation = rule.correlation
        self.closes = closes(rule.correlation)
        self.gatherer = Gatherer(rule.correlation)
        # A late record needs one more window behind the newest; a window that closes, the time until it is decided.
        waiting = GRACE_SECONDS + (OVERLAP_SLOTS + 1) * SLOT_SECONDS if self.closes else 0
        self.horizon = 2 * rule.correlation.timespan + waiting
        self._series = _series(ruleset, rule, rule.correlation)

    def key(self, group: Group) -> str:
        """The group item's key: the same for every Ruleset in which the correlation counts the same."""
        return f"{self._series}#{_hashed(group)}"


def _series(ruleset: Ruleset, rule: Rule, correlation: Correlation) -> str:
    own = {index: place for place, index in enumerate(correlation.rules)}
    aliases = [(alias, [(own[index], name) for index, name in pairs]) for alias, pairs in correlation.aliases]
    referred = [ruleset.rules[index].id for index in correlation.rules]
    return _hashed((rule.id, correlation.type, *referred, repr((correlation.group_by, correlation.fields, aliases))))


def _hashed(words: tuple[str, ...]) -> str:
    return blake2b("\0".join(words).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


class _Plan:
    """What one Ruleset leaves to ``record``."""

    def __init__(self, decider: Decider) -> None:
        ruleset = self.ruleset = decider.ruleset
        wanted = left_to_record(ruleset)
        self.parts = tuple(_Part(ruleset, rule) for rule in in_order(ruleset) if rule.index in wanted)
        self.by_index = {part.rule.index: part for part in self.parts}
        self.referred = frozenset(index for part in self.parts for index in part.correlation.rules)


@dataclass(slots=True)
class _Happened:
    """One event of correlations: whose it was, and with which fields each rule matched."""

    principal: str
    enforced: bool
    views: dict[int, list[View]] = field(default_factory=dict)


_Events = dict[tuple[float, str], _Happened]


class Correlated:
    """Decides the correlations of the records that ``record`` takes, and sends their Findings.

    ``deciders``: the Decider of a Ruleset by its digest. ``secret``: that of the features' hashes. ``log`` takes one line.
    """

    def __init__(
        self,
        groups: GroupStore,
        findings: FindingQueue,
        deciders: Callable[[str], Decider],
        secret: str,
        log: Callable[[str], None],
    ) -> None:
        self._groups = groups
        self._findings = findings
        self._deciders = deciders
        self._hashing = Hashing(secret)
        self._log = log
        self._plans: dict[str, _Plan] = {}
        self._newest = -math.inf
        self._over = -math.inf

    def take(self, record: RequestRecord, state: State) -> None:
        """Counts one request in its groups, and sends the Findings that it makes them reach."""
        self._newest = max(self._newest, record.time)
        plan = self._plan(record.digest)
        if not plan.parts:
            return
        matched = {rule.index for rule in self._deciders(record.digest).matched(record, state)} & plan.referred
        if matched:
            view = View(self._fields(record, state), self._hashing.key)
            happened = _Happened(record.principal.key, record.mode == "enforce", {index: [view] for index in matched})
            self._send(list(self._spread(plan, {(record.time, record.id): happened})))

    def after_batch(self) -> None:
        """Decides what a record of this process has passed; asks the store at most once for each slot.

        Never raises ``StoreError``: the records are taken, and what was not decided now is by the scheduled sweep.
        """
        over = _slots_over(self._newest) if self._newest > -math.inf else -math.inf
        if over <= self._over or not any(part.closes for plan in self._plans.values() for part in plan.parts):
            return
        try:
            self.sweep(self._newest)
        except StoreError as error:
            self._log(json.dumps({"ostiary.failure": {"function": "record", "error": repr(error)}}))
            return
        self._over = over

    def sweep(self, now: float) -> int:
        """Decides the windows of every slot that is over at ``now`` (epoch seconds); how many windows that were."""
        swept = self._groups.swept()
        over = _slots_over(now)
        first = over - MAX_SLOTS if swept is None else swept - OVERLAP_SLOTS
        over = min(over, first + MAX_SLOTS)
        decided = 0
        for slot in range(first + 1, over + 1):
            for window in sorted(self._groups.due(slot), key=lambda one: (one.end, one.rule, one.group)):
                # Sent before it is closed: a crash in between sends the same Finding again.
                self._send(list(self._decide(window)))
                self._groups.close(window, slot)
                decided += 1
        if swept is None or over > swept:
            self._groups.sweep(over)
        return decided

    def _plan(self, digest: str) -> _Plan:
        if digest not in self._plans:
            self._plans[digest] = _Plan(self._deciders(digest))
        return self._plans[digest]

    def _fields(self, record: RequestRecord, state: State) -> Fields:
        facts = known_facts(record, state)
        hashed = {name: self._hashing.text(value) if isinstance(value, str) else value for name, value in facts.items()}
        return {**record.features, **hashed}

    def _send(self, findings: list[Finding]) -> None:
        if findings:
            self._findings.send(findings)

    def _spread(self, plan: _Plan, events: _Events) -> Iterator[Finding]:
        """Counts events in every correlation over their rules, and in those over these; the Findings that this reaches."""
        for part in plan.parts:
            for (time, id), happened in list(events.items()):
                for group, observation in part.gatherer.observations(happened.views, time, id).items():
                    item = self._count(plan, part, group, Kept(observation, happened.principal, happened.enforced))
                    if part.closes:
                        continue
                    for kept, value in _reached(part, item, observation):
                        yield from self._finding(plan, part, group, kept, value, item.cut)
                        if part.rule.index in plan.referred:
                            self._chain(events, part, group, kept, kept.observation[:2])

    def _chain(self, events: _Events, part: _Part, group: Group, kept: Kept, at: tuple[float, str]) -> None:
        """A correlation that holds is an event for those over it."""
        view = View(group_fields(part.correlation, group), self._hashing.key)
        happened = events.setdefault(at, _Happened(kept.principal, kept.enforced))
        happened.views.setdefault(part.rule.index, []).append(view)

    def _count(self, plan: _Plan, part: _Part, group: Group, new: Kept) -> GroupItem:
        """The group's item with one more observation, stored."""
        key, time = part.key(group), new.observation.time
        for _ in range(MAX_ATTEMPTS):
            item = self._groups.read(key)
            changed = item.added(new, part.horizon)
            if changed is item:
                return item
            if part.closes:
                self._open(plan, part, group, item, time)
            try:
                self._groups.write(key, changed, math.ceil(time + part.horizon) + _KEPT_SECONDS)
            except ConditionFailed:
                continue
            return changed
        raise ConditionFailed(f"group {key} of {part.rule.id} was changed {MAX_ATTEMPTS} times meanwhile; the record comes again")

    def _open(self, plan: _Plan, part: _Part, group: Group, item: GroupItem, time: float) -> None:
        """Puts a window on the agenda with its first observation, before that is stored: a crash in between costs nothing."""
        end = window_end(part.correlation, time)
        if any(window_end(part.correlation, one.observation.time) == end for one in item.kept):
            return
        slot = math.floor(end / SLOT_SECONDS)
        swept = self._groups.swept()
        if swept is not None:
            # Of a shard that is behind: its slot is over, but nothing that comes late may be forgotten.
            slot = max(slot, swept + 1)
        self._groups.open(OpenWindow(part.key(group), plan.ruleset.digest, part.rule.index, group, end), slot)

    def _decide(self, window: OpenWindow) -> Iterator[Finding]:
        plan = self._plan(window.digest)
        part = plan.by_index[window.rule]
        item = self._groups.read(window.key)
        kept = [one for one in item.kept if window_end(part.correlation, one.observation.time) == window.end]
        if not kept:
            return
        measure = measured(part.correlation, [one.observation for one in kept])
        if not measure.holds(-math.inf):
            return
        yield from self._finding(plan, part, window.group, kept[-1], measure.value(-math.inf), item.cut)
        if window.rule in plan.referred:
            id = closing_id(event_of(kept[-1].observation.id), window.rule, window.group)
            events: _Events = {}
            self._chain(events, part, window.group, kept[-1], (window.end, id))
            yield from self._spread(plan, events)

    def _finding(self, plan: _Plan, part: _Part, group: Group, kept: Kept, value: float, cut: float) -> Iterator[Finding]:
        """The Finding of a correlation, unless the request path counts it and makes its own."""
        if part.correlation.counter:
            return
        rule, timespan, time = part.rule, part.correlation.timespan, kept.observation.time
        who = Who(Principal.of_key(kept.principal), "enforce" if kept.enforced else "monitor", event_of(kept.observation.id))
        threshold = next((number for _, number in part.correlation.conditions), float(len(part.correlation.rules)))
        id = f"{rule.id}|{_hashed(group)}|{math.floor(time / timespan)}"
        if cut > time - timespan:
            self._log(json.dumps({"ostiary.bounded": {"finding": id, "observations": MAX_OBSERVATIONS}}))
        yield finding_of(plan.ruleset, rule, id, who, time, (timespan, _whole(value), _whole(threshold)))


def _reached(part: _Part, item: GroupItem, new: Observation) -> Iterator[tuple[Kept, float]]:
    """Of the new observation and the later ones whose window holds it, those at which the correlation holds."""
    timespan = part.correlation.timespan
    near = {one.observation[:2]: one for one in item.between(new.time - timespan, math.nextafter(new.time + timespan, -math.inf))}
    for observation, value in reached(part.correlation, [one.observation for one in near.values()]):
        if observation[:2] >= new[:2]:
            yield near[observation[:2]], value


def _slots_over(now: float) -> int:
    """The newest slot whose windows have all ended and waited long enough."""
    return math.floor((now - GRACE_SECONDS) / SLOT_SECONDS) - 1


def _whole(number: float) -> int:
    """A Finding's numbers are whole; of an average or a sum, what it surely reached."""
    return math.floor(number) if math.isfinite(number) else 0
