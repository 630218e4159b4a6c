"""The sliding window: never over its limit in any true window, whatever the order, the buckets and the number of processes."""

from __future__ import annotations

import bisect
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.counting.windows import MAX_REMOVALS, Windows, bucket_at, bucket_name, group_hash, leaves_at, stale
from ostiary.vocabulary.rule import Counter

NOW = 1_700_000_000.0


def counter(timespan: int = 60, buckets: int = 20) -> Counter:
    return Counter("abcdef", "limit", timespan, buckets, ("account.id",), (0,))


@given(st.integers(1, 90 * 86_400), st.integers(1, 60), st.floats(1.5e9, 2.5e9))
def test_a_bucket_is_recovered_from_its_name(timespan: int, buckets: int, now: float) -> None:
    counted = counter(timespan, buckets)
    name = bucket_name(counted, "", bucket_at(counted, now))
    assert Windows({name: 3}).used(counted, "", now) == 3
    assert Windows({name: 3}).used(counted, "", leaves_at(counted, bucket_at(counted, now)) + 0.001) == 0


@settings(max_examples=150)
@given(st.integers(1, 600), st.integers(1, 60), st.lists(st.floats(0, 1200), min_size=1, max_size=60))
def test_a_window_never_holds_less_than_the_true_one(timespan: int, buckets: int, offsets: list[float]) -> None:
    counted = counter(timespan, buckets)
    held: dict[str, int] = {}
    times = sorted(NOW + offset for offset in offsets)
    for position, time in enumerate(times):
        name = bucket_name(counted, "", bucket_at(counted, time))
        held[name] = held.get(name, 0) + 1
        true = position + 1 - bisect.bisect_right(times, time - timespan, 0, position + 1)
        assert Windows(held).used(counted, "", time) >= true


def test_a_bucket_in_the_future_counts() -> None:
    counted = counter()
    ahead = bucket_name(counted, "", bucket_at(counted, NOW + 9))
    assert Windows({ahead: 2}).used(counted, "", NOW) == 2


def test_groups_of_one_counter_do_not_mix() -> None:
    counted = counter()
    bucket = bucket_at(counted, NOW)
    windows = Windows({bucket_name(counted, "", bucket): 1, bucket_name(counted, "aaaaaaaa", bucket): 2})
    assert (windows.used(counted, "", NOW), windows.used(counted, "aaaaaaaa", NOW), windows.used(counted, "b", NOW)) == (1, 2, 0)


def test_more_taken_back_than_added_is_never_below_zero() -> None:
    counted = counter()
    assert Windows({bucket_name(counted, "", bucket_at(counted, NOW)): -3}).used(counted, "", NOW) == 0


def test_reset_is_when_enough_old_buckets_have_left() -> None:
    counted = counter()
    held = {bucket_name(counted, "", bucket_at(counted, NOW - back)): 10 for back in (30, 3)}
    windows = Windows(held)
    wait = windows.reset(counted, "", NOW, 10)
    assert windows.used(counted, "", NOW + wait - 0.01) == 20
    assert windows.used(counted, "", NOW + wait + 0.01) == 10
    assert windows.reset(counted, "", NOW, 20) == 0.0


def test_a_bucket_is_stale_five_seconds_after_its_window_and_not_before() -> None:
    counted = counter()
    bucket = bucket_at(counted, NOW)
    name = bucket_name(counted, "", bucket)
    left = leaves_at(counted, bucket)
    assert stale([name], left + 4.9) == ()
    assert stale([name], left + 5.1) == (name,)


def test_one_write_removes_at_most_a_set_number_of_buckets() -> None:
    counted = counter()
    names = [bucket_name(counted, "", bucket_at(counted, NOW + 3 * step)) for step in range(MAX_REMOVALS + 1)]
    assert len(stale(names[:MAX_REMOVALS], NOW + 1e6)) == MAX_REMOVALS
    assert len(stale(names, NOW + 1e6)) == MAX_REMOVALS


@given(st.lists(st.text(), max_size=4), st.lists(st.text(), max_size=4))
def test_group_hashes_tell_lists_of_values_apart(left: list[str], right: list[str]) -> None:
    assert (group_hash(left) == group_hash(right)) == (left == right)


@pytest.mark.parametrize("processes", [1, 10, 50])
@pytest.mark.parametrize("times", [1.2, 10.0])
def test_a_limit_with_take_back_holds_in_every_true_window_and_keeps_its_goodput(processes: int, times: float) -> None:
    limit, window = 60, 60
    counted = counter(window, 20)
    rng = random.Random(f"{processes} {times}")
    held: dict[str, int] = {}
    admitted: list[float] = []
    now, end = NOW, NOW + 1500
    while now < end:
        now += rng.expovariate(limit * times / window)
        # Several processes: a request's write is stamped a little before it is applied.
        stamp = now - rng.random() * 0.02 * (processes > 1)
        name = bucket_name(counted, "", bucket_at(counted, stamp))
        held[name] = held.get(name, 0) + 1
        if Windows(held).used(counted, "", stamp) <= limit:
            admitted.append(stamp)
        else:
            held[name] -= 1
        for old in stale(held, now):
            del held[old]
    admitted.sort()
    worst = max(position - bisect.bisect_left(admitted, time - window + 1e-9) + 1 for position, time in enumerate(admitted))
    assert worst <= limit
    steady = sum(time > NOW + 2 * window for time in admitted) / ((1500 - 2 * window) / window * limit)
    assert steady >= 20 / 21 * 0.95


def test_names_that_cannot_be_read_are_left_alone() -> None:
    assert stale(["abcdef.!?", "abcdef."], NOW + 1e9) == ()
    assert Windows({"abcdef.!?": 5}).used(counter(), "", NOW) == 0
