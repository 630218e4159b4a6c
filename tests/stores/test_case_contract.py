"""What every CaseStore does, in memory and on DynamoDB's protocol."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ostiary.vocabulary.case import Action, Case, CaseStep
from ostiary.vocabulary.errors import ConditionFailed, StoreError
from ostiary.vocabulary.state import Enforcement

ANNA = "account#anna"


def step(version: int, stage: Any = "watch") -> CaseStep:
    return CaseStep(version, 1_700_000_000.0 + version, stage, stage, f"finding-{version}", "first", ("rule",), 1, "escalate")


def case(version: int, stage: Any = "watch") -> Case:
    steps = (*(step(number) for number in range(1, version)), step(version, stage))
    return Case(ANNA, version, stage, None, version, 0.0, ("rule",), ("finding-1",), 1_700_000_000.0, 1_700_000_000.0 + version, steps)


def action(version: int, name: Any = "notice") -> Action:
    enforcement = Enforcement("watch", ANNA, version, 0.0, None) if name == "enforce" else None
    return Action(f"{ANNA}#{version}#{name}", name, ANNA, version, 1_700_000_000.0, enforcement, {"subject": "s"})


def test_a_case_comes_back_with_its_steps(stores: Any) -> None:
    assert stores.cases.load(ANNA) is None
    stores.cases.commit(case(1), 0, [action(1)])
    stores.cases.commit(case(2, "warn"), 1, [])
    assert stores.cases.load(ANNA) == case(2, "warn")


def test_more_than_nine_steps_stay_in_order(stores: Any) -> None:
    for version in range(1, 13):
        stores.cases.commit(case(version), version - 1, [])
    assert [found.version for found in stores.cases.load(ANNA).steps] == list(range(1, 13))


@pytest.mark.parametrize("before", [0, 2])
def test_a_commit_on_another_version_changes_nothing(stores: Any, before: int) -> None:
    stores.cases.commit(case(1), 0, [])
    with pytest.raises(ConditionFailed):
        stores.cases.commit(case(before + 1, "suspend"), before, [action(before + 1)])
    assert stores.cases.load(ANNA) == case(1)
    assert stores.cases.waiting(ANNA) == []


def test_a_case_may_move_without_a_new_step(stores: Any) -> None:
    stores.cases.commit(case(1), 0, [])
    stores.cases.commit(replace(case(1), findings=("finding-1", "finding-2")), 1, [])
    assert stores.cases.load(ANNA).findings == ("finding-1", "finding-2")


def test_waiting_actions_come_oldest_version_first_until_they_are_done(stores: Any) -> None:
    stores.cases.commit(case(1), 0, [action(1, "enforce"), action(1)])
    for version in range(2, 11):
        stores.cases.commit(case(version), version - 1, [action(version)])
    waiting = stores.cases.waiting(ANNA)
    assert [found.version for found in waiting] == [1, 1, *range(2, 11)]
    for found in waiting[:-2]:
        stores.cases.close(replace(found, status="done", attempts=1))
    stores.cases.close(replace(waiting[-2], status="failed", attempts=3, error="no topic"))
    left = stores.cases.waiting(ANNA)
    assert [(found.version, found.status, found.error) for found in left] == [(9, "failed", "no topic"), (10, "waiting", "")]


def test_an_action_that_no_commit_left_can_not_be_closed(stores: Any) -> None:
    with pytest.raises(ConditionFailed):
        stores.cases.close(action(7))


def test_an_action_that_was_done_is_never_left_again(stores: Any) -> None:
    stores.cases.commit(case(1), 0, [action(1)])
    with pytest.raises(ConditionFailed):
        stores.cases.commit(case(2), 1, [action(1)])


def test_more_writes_than_a_transaction_takes_are_refused(stores: Any) -> None:
    stores.cases.commit(case(99), 0, [])
    with pytest.raises(StoreError, match="101 writes"):
        stores.cases.commit(replace(case(100), account="account#bea"), 0, [])


def test_cases_are_listed_by_stage_last_moved_first(stores: Any) -> None:
    for number, (account, stage) in enumerate([("account#a", "warn"), ("account#b", "suspend"), ("account#c", "warn")]):
        stores.cases.commit(replace(case(1, stage), account=account, updated=1_700_000_000.0 + number), 0, [])
    assert [found.account for found in stores.cases.cases()] == ["account#c", "account#b", "account#a"]
    assert [found.account for found in stores.cases.cases("warn")] == ["account#c", "account#a"]
    assert stores.cases.cases("restrict") == []
    assert all(found.steps == () for found in stores.cases.cases())
