"""What the pure core is handed: clocks, randomness, stores. ``stores`` implements them; tests hand in their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from ostiary.vocabulary.case import Action, Case, Finding
from ostiary.vocabulary.request import Principal, Scalar
from ostiary.vocabulary.rule import Mode
from ostiary.vocabulary.state import Control, Enforcement, State, StateWrite
from ostiary.vocabulary.verdict import Verdict


class Clock(Protocol):
    """Time, in epoch seconds. ``now`` is corrected by the store's clock; ``monotonic`` measures and never jumps."""

    def now(self) -> float: ...
    def monotonic(self) -> float: ...
    def offset(self) -> float:
        """Seconds that ``now`` was corrected by, by the store's ``Date`` header; 0 when it was not."""
        ...


class StateStore(Protocol):
    """The request path's table. Every method raises ``StoreError`` within the deadline; none retries a write by itself beyond
    what design allows (one retry when certainly not applied)."""

    def write(self, write: StateWrite) -> State:
        """One unconditional UpdateItem, everything of the item returned. A ``request`` adds one to ``seq``; an ``undo`` does not."""
        ...

    def control(self, address: Principal | None, default: Mode) -> Control:
        """The mode and an address's enforcement; eventually consistent."""
        ...

    def within(self, seconds: float) -> AbstractContextManager[None]:
        """All calls of this thread in the block share one deadline: what one request may cost."""
        ...

    def account_of(self, credential: str) -> str | None:
        """The account that a credential (its keyed hash) belongs to, None when unknown."""
        ...


class AdminStore(StateStore, Protocol):
    """What operators, ``escalate`` and the command line do beyond the request path."""

    def read(self, principal: Principal) -> State | None: ...
    def set_facts(self, principal: Principal, facts: Mapping[str, Scalar]) -> None: ...
    def set_mode(self, mode: Mode) -> None: ...
    def set_credential(self, credential: str, account: str) -> None: ...
    def enforce(self, principal: Principal, enforcement: Enforcement) -> bool:
        """Put it in force (stage ``none`` ends it). False, and nothing written, unless its version is higher than what is there."""
        ...


class VerdictStore(Protocol):
    def upsert(self, verdict: Verdict) -> bool:
        """Keep it by id. Of one id, one that the caller logged (degraded, or a block on the address) outranks one derived from
        an image, then the highest ``seq`` wins. False: what is there outranks it or is the same."""
        ...

    def get(self, id: str) -> Verdict | None: ...
    def of(self, principal: str, limit: int) -> Sequence[Verdict]:
        """Newest first."""
        ...

    def keep_ruleset(self, digest: str, artefact: bytes) -> None:
        """Keep an artefact by its digest, so that verdicts of a Ruleset that a deploy replaced can still be derived."""
        ...

    def ruleset(self, digest: str) -> bytes | None: ...


class CaseStore(Protocol):
    def load(self, account: str) -> Case | None: ...
    def commit(self, case: Case, before: int, actions: Iterable[Action]) -> None:
        """Case, its new steps and its outbox in one transaction; ``ConditionFailed`` unless the stored version is ``before``."""
        ...

    def waiting(self, account: str) -> Sequence[Action]:
        """Actions of the outbox that are not done, oldest version first."""
        ...

    def close(self, action: Action) -> None:
        """Write back an Action's status, attempts and error."""
        ...

    def cases(self, stage: str | None = None) -> Sequence[Case]:
        """Every Case (or those at a stage), newest first; without their steps."""
        ...


class FindingQueue(Protocol):
    def send(self, findings: Sequence[Finding]) -> None:
        """In order for each account; one sent again within the queue's memory is dropped by its id."""
        ...


class NoticeSink(Protocol):
    def publish(self, notice: Mapping[str, str]) -> None:
        """Tell the account holder's side (SNS topic or EventBridge bus) what happened: subject, account, stage, text, until, appeal."""
        ...
