"""The outbox: performs a Case's waiting Actions, in order, each with one effect however often it is tried.

Before every Action that takes something from an account stand the kill switch and, before a suspension, the breaker. What
gives back (a release, an end) passes both.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ostiary.actions import enforce, notice, release
from ostiary.enforcement.breaker import is_open
from ostiary.enforcement.policy import Policy
from ostiary.vocabulary.case import Action
from ostiary.vocabulary.errors import StoreError
from ostiary.vocabulary.ports import AdminStore, CaseStore, Clock, NoticeSink
from ostiary.vocabulary.rule import Mode

MAX_ATTEMPTS = 5
"""Tries of one Action; then it is parked as ``failed``, visible in the Case, until a person has it tried again."""
MONITOR_NOTE = "monitor: not performed"
"""An Action that met the kill switch is done, not waiting: it must not strike days later, when the switch is turned back."""
SUPERSEDED_NOTE = "superseded: the stage has ended"
BREAKER_NOTE = "waiting: the breaker is open"
_ORDER = {"release": 0, "enforce": 1, "notice": 2}
"""Of one version: a notice never says what is not yet in force."""


@dataclass(frozen=True, slots=True)
class Outbox:
    """Where Actions wait, and what performs them. ``default_mode``: the mode where no kill switch was ever written."""

    policy: Policy
    cases: CaseStore
    state: AdminStore
    notices: NoticeSink
    clock: Clock
    log: Callable[[str], None]
    default_mode: Mode = "monitor"

    def perform(self, account: str, *, parked: bool = False) -> tuple[Action, ...]:
        """Performs what waits for an account; gives the Actions as they are afterwards.

        A failure is written to its Action; when all others that may go on have, the first failure that another try may cure is
        raised (``StoreError``), so that the queue brings the account back. ``parked``: try parked Actions too.
        """
        actions = sorted(self.cases.waiting(account), key=lambda one: (one.version, _ORDER[one.name]))
        if not any(parked or one.status == "waiting" for one in actions):
            return tuple(actions)
        mode = self.state.control(None, self.default_mode).mode
        after: list[Action] = []
        failures: list[StoreError] = []
        for action in actions:
            if (action.status == "failed" and not parked) or _held(action, after):
                after.append(action)
                continue
            done, failure = self._one(action, actions, mode)
            after.append(done)
            if failure is not None and done.status == "waiting":
                failures.append(failure)
        if failures:
            raise failures[0]
        return tuple(after)

    def _one(self, action: Action, actions: Sequence[Action], mode: Mode) -> tuple[Action, StoreError | None]:
        note = self._stopped(action, actions, mode)
        if note == BREAKER_NOTE:
            self._say(action, note)
            waiting = replace(action, error=note)
            if action.error != note:
                self.cases.close(waiting)
            return waiting, None
        try:
            if note is None:
                note = self._perform(action)
        except StoreError as error:
            attempts = action.attempts + 1
            failed = replace(action, attempts=attempts, error=str(error), status="failed" if attempts >= MAX_ATTEMPTS else "waiting")
            self._say(failed, f"failed, attempt {attempts} of {MAX_ATTEMPTS}: {error}")
            self.cases.close(failed)
            return failed, error
        done = replace(action, attempts=action.attempts + 1, error=note, status="done")
        self.cases.close(done)
        self._say(done, note or "performed")
        return done, None

    def _stopped(self, action: Action, actions: Sequence[Action], mode: Mode) -> str | None:
        """Why an Action is not to be performed, or not now; None when nothing stops it."""
        if _gives_back(action):
            return None
        if any(_gives_back(one) and one.version > action.version for one in actions):
            return SUPERSEDED_NOTE
        if mode == "monitor":
            return MONITOR_NOTE
        denies = action.enforcement is not None and action.enforcement.deny
        if denies and is_open(self.policy, self.cases.cases("suspend"), self.clock.now()):
            return BREAKER_NOTE
        return None

    def _perform(self, action: Action) -> str:
        if action.name == "release":
            return release.perform(action, self.state)
        if action.name == "enforce":
            return enforce.perform(action, self.state)
        notice.perform(action, self.notices)
        return ""

    def _say(self, action: Action, what: str) -> None:
        self.log(json.dumps({"ostiary.action": {"key": action.key, "status": action.status, "attempts": action.attempts, "what": what}}))


def _held(action: Action, before: Sequence[Action]) -> bool:
    """A notice waits for the enforcement that it tells of, and for the notices before it (but not for parked ones)."""
    return action.name == "notice" and any(
        (one.version == action.version and one.status != "done") or (one.name == "notice" and one.status == "waiting") for one in before
    )


def _gives_back(action: Action) -> bool:
    if action.enforcement is not None:
        return action.enforcement.stage == "none"
    return action.notice.get("stage") == "none"
