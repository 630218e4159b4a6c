"""The case table's repository, over any ``Backend``: an account's Case, its history, and its outbox of Actions."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import TypeVar

from ostiary.stores.items import KEY
from ostiary.stores.kept import dumps, loads
from ostiary.stores.schema import BY_STAGE
from ostiary.stores.tables import (
    MAX_TRANSACTION_WRITES,
    Absent,
    Backend,
    Condition,
    Equals,
    Item,
    Present,
    Put,
    Table,
)
from ostiary.vocabulary.case import Action, Case, CaseStep
from ostiary.vocabulary.errors import StoreError
from ostiary.vocabulary.state import STAGES

T = TypeVar("T")

DATA = "data"
SORT = "sk"
CASE = "case"
STEP = "step#"
ACTION = "action#"
VERSION = "version"


class CaseRepository:
    """``CaseStore`` over a ``Backend``. One partition an account, so that a Case moves with its steps and Actions or not at all."""

    def __init__(self, backend: Backend, table: Table) -> None:
        self._backend = backend
        self._table = table

    def load(self, account: str) -> Case | None:
        """The Case with all its steps, oldest first."""
        item = self._backend.get(self._table, (account, CASE))
        if item is None:
            return None
        case = _of(Case, item)
        steps = (_of(CaseStep, found) for found in self._backend.query(self._table, account, prefix=STEP))
        # A step of a later version was committed between the two reads; it belongs to the Case that the next load gives.
        return dataclasses.replace(case, steps=tuple(step for step in steps if step.version <= case.version))

    def commit(self, case: Case, before: int, actions: Iterable[Action]) -> None:
        """Case, its steps after version ``before`` and its Actions, all or none; ``ConditionFailed`` unless ``before`` is stored."""
        moved: Condition = Absent(VERSION) if before == 0 else Equals(VERSION, before)
        writes = [Put(self._table, self._case_item(case), (moved,))]
        for step in case.steps:
            if step.version > before:
                item: Item = {KEY: case.account, SORT: f"{STEP}{step.version:08d}", DATA: dumps(step)}
                writes.append(Put(self._table, item, (Absent(KEY),)))
        writes += [Put(self._table, _action_item(action), (Absent(KEY),)) for action in actions]
        if len(writes) > MAX_TRANSACTION_WRITES:
            raise StoreError(
                f"case {case.account}: {len(writes)} writes are over the {MAX_TRANSACTION_WRITES} of one transaction; commit it in parts",
                applied=False,
            )
        self._backend.transact(writes)

    def _case_item(self, case: Case) -> Item:
        return {
            KEY: case.account,
            SORT: CASE,
            VERSION: case.version,
            "stage": case.stage,
            "updated": case.updated,
            DATA: dumps(dataclasses.replace(case, steps=())),
        }

    def waiting(self, account: str) -> Sequence[Action]:
        """Actions that are not done (waiting, or failed and to be tried again), oldest version first."""
        actions = (_of(Action, item) for item in self._backend.query(self._table, account, prefix=ACTION))
        return sorted((action for action in actions if action.status != "done"), key=lambda action: action.version)

    def close(self, action: Action) -> None:
        """Write back an Action's status, attempts and error; ``ConditionFailed`` for one that no commit has left."""
        self._backend.put(Put(self._table, _action_item(action), (Present(KEY),)))

    def cases(self, stage: str | None = None) -> Sequence[Case]:
        """Every Case (or those at a stage), last moved first, without steps; one index query a stage, eventually consistent."""
        found = [
            _of(Case, item)
            for name in (STAGES if stage is None else (stage,))
            for item in self._backend.query(self._table, name, index=BY_STAGE)
        ]
        return sorted(found, key=lambda case: case.updated, reverse=True)


def _action_item(action: Action) -> Item:
    return {KEY: action.account, SORT: ACTION + action.key, DATA: dumps(action)}


def _of(kind: type[T], item: Item) -> T:
    return loads(kind, item.get(DATA), f"{item.get(KEY)!r} {item.get(SORT)!r}")
