"""A group's item: the newest of a set of observations, whatever order they come in."""

from __future__ import annotations

import random
from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from ostiary.judgement.groups import MAX_CHARACTERS, MAX_OBSERVATIONS, GroupItem, Kept
from ostiary.matching.correlate_measure import Observation


def kept(time: float, id: str = "r", rules: tuple[int, ...] = (0,), principal: str = "account#a") -> Kept:
    return Kept(Observation(time, id, rules), principal, True)


def of(*all_: Kept, horizon: float = 100) -> GroupItem:
    return reduce(lambda item, one: item.added(one, horizon), all_, GroupItem())


@given(st.lists(st.tuples(st.integers(0, 150), st.sampled_from("abc")), min_size=1, max_size=20), st.randoms())
def test_any_order_and_any_repetition_leave_the_same_observations(pairs: list[tuple[int, str]], rng: random.Random) -> None:
    straight = of(*(kept(time, id) for time, id in pairs))
    again = pairs * 2
    rng.shuffle(again)
    assert of(*(kept(time, id) for time, id in again)).kept == straight.kept


def test_an_observation_that_is_there_changes_nothing_and_one_of_another_rule_is_merged() -> None:
    item = of(kept(1), kept(2))
    assert item.added(kept(1), 100) is item
    merged = item.added(kept(1, rules=(1,)), 100)
    assert merged.version == item.version + 1
    assert merged.kept[0].observation.rules == (0, 1)


def test_what_is_too_old_leaves_and_does_not_come_back() -> None:
    item = of(kept(1), kept(101))
    assert [one.observation.time for one in item.kept] == [101]
    assert item.added(kept(1), 100) is item


def test_the_newest_stay_when_there_are_too_many_and_it_is_remembered() -> None:
    full = of(*(kept(number / 1000) for number in range(MAX_OBSERVATIONS)))
    assert len(full.kept) == MAX_OBSERVATIONS and full.cut < 0
    over = full.added(kept(50), 100)
    assert len(over.kept) == MAX_OBSERVATIONS and over.cut == 0.0
    assert over.added(kept(0.0), 100) is over


def test_they_stay_as_many_as_there_is_room_for() -> None:
    wide = MAX_CHARACTERS // 10
    item = of(*(kept(number, principal="account#" + "a" * wide) for number in range(20)))
    assert [one.observation.time for one in item.kept] == list(range(11, 20))
    assert item.cut == 10
