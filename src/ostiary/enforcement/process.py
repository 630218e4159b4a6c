"""One Finding from the queue to its effect: load the Case, escalate, commit, perform what waits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from ostiary.enforcement.escalation import escalate, release
from ostiary.enforcement.facts import Engine
from ostiary.enforcement.outbox import Outbox
from ostiary.vocabulary.case import Action, Case, Finding
from ostiary.vocabulary.errors import ConditionFailed, OstiaryError
from ostiary.vocabulary.request import Principal, Scalar
from ostiary.vocabulary.state import STAGES

MAX_COMMITS = 5
"""Tries of the compare-and-set of one Case, before the queue is left to bring the Finding back."""
SWEPT_STAGES = STAGES[2:]
"""Stages whose Cases a sweep looks at. Below them only an end can wait, which the next Finding or the release's repetition performs."""


@dataclass(frozen=True, slots=True)
class Escalator:
    """Takes Findings, one account's in order. ``appeal``: where notices send people."""

    outbox: Outbox
    engine: Engine
    appeal: str = ""

    def take(self, finding: Finding) -> Case:
        """Moves the Case by one Finding and performs its Actions; gives the Case.

        Safe to repeat from any point: a Finding that the Case has seen changes nothing, and what its first try left in the outbox
        is performed. Raises ``StoreError`` when the world does not answer; the queue then brings the Finding back.
        """
        case = self._moved(finding)
        self.outbox.perform(finding.account)
        return case

    def sweep(self) -> int:
        """Performs what still waits anywhere (after a breaker closed, or a sink came back); gives the number of accounts asked."""
        accounts = sorted({case.account for stage in SWEPT_STAGES for case in self.outbox.cases.cases(stage)})
        for account in accounts:
            self.outbox.perform(account)
        return len(accounts)

    def _moved(self, finding: Finding) -> Case:
        for attempt in range(1, MAX_COMMITS + 1):
            before = self.outbox.cases.load(finding.account)
            case, actions = escalate(
                self.outbox.policy,
                before,
                finding,
                self.engine,
                self.outbox.clock.now(),
                account=self._facts(finding.account),
                appeal=self.appeal,
            )
            if before is not None and case.version == before.version:
                return case
            try:
                self.outbox.cases.commit(case, before.version if before is not None else 0, actions)
            except ConditionFailed:
                if attempt == MAX_COMMITS:
                    raise
                continue
            self.outbox.log(_line(case, finding, actions))
            return case
        raise AssertionError("the last attempt returns or raises")

    def _facts(self, account: str) -> Mapping[str, Scalar]:
        """The account's facts, read only where the policy asks for some."""
        if not self.outbox.policy.account_facts():
            return {}
        state = self.outbox.state.read(Principal.of_key(account))
        return {} if state is None else state.facts


def release_case(outbox: Outbox, account: str, *, by: str, note: str, appeal: str) -> Case:
    """Releases a Case for a person, and performs that at once. Raises ``OstiaryError`` where there is no Case, ``StoreError``."""
    for _ in range(MAX_COMMITS):
        case = outbox.cases.load(account)
        if case is None:
            raise OstiaryError(f"{account} has no case; `ostiary case list` shows those there are")
        after, actions = release(case, by=by, note=note, now=outbox.clock.now(), appeal=appeal)
        try:
            outbox.cases.commit(after, case.version, actions)
        except ConditionFailed:
            continue
        outbox.perform(account)
        return after
    raise ConditionFailed(f"{account}: the case kept moving during {MAX_COMMITS} tries; try again")


def _line(case: Case, finding: Finding, actions: tuple[Action, ...]) -> str:
    last = case.steps[-1]
    said = {
        "account": case.account,
        "version": case.version,
        "stage": case.stage,
        "would": last.would,
        "production": last.production,
        "finding": finding.id,
        "rule": finding.rule,
        "strikes": case.strikes,
        "actions": [action.name for action in actions],
    }
    return json.dumps({"ostiary.case": said})
