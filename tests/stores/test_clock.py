"""The clock is corrected by the store's Date header, and by nothing odd."""

from __future__ import annotations

import pytest

from ostiary.stores.clock import MAX_OFFSET_SECONDS, SystemClock

NOW = 1_700_000_000.0


class Wall:
    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def corrected_by(*dates: float, wall: float = NOW) -> float:
    clock = SystemClock(Wall(wall))
    for date in dates:
        clock.observe(date, wall, wall + 0.01)
    return clock.offset()


@pytest.mark.parametrize("skew", [-3, -2, 0, 1, 2])
def test_a_skew_within_two_seconds_is_left(skew: int) -> None:
    assert corrected_by(NOW + skew, NOW + skew) == 0.0


@pytest.mark.parametrize("skew", [-3600, -4, 3, 3600])
def test_the_first_answer_of_a_process_corrects_at_once(skew: int) -> None:
    assert corrected_by(NOW + skew) == pytest.approx(skew, abs=1.02)


def test_later_only_two_answers_that_agree_correct() -> None:
    assert corrected_by(NOW, NOW + 3600) == 0.0
    assert corrected_by(NOW, NOW + 3600, NOW) == 0.0
    assert corrected_by(NOW, NOW + 3600, NOW - 60) == 0.0
    assert corrected_by(NOW, NOW + 3600, NOW + 3601) == pytest.approx(3601, abs=1.02)


def test_now_is_corrected_and_wall_is_not() -> None:
    clock = SystemClock(Wall())
    clock.observe(NOW + 3600, NOW, NOW)
    assert clock.now() == NOW + 3600
    assert clock.wall() == NOW


def test_a_clock_that_was_set_right_is_corrected_no_longer() -> None:
    wall = Wall(NOW - 3600)
    clock = SystemClock(wall)
    clock.observe(NOW, wall.now, wall.now)
    assert clock.now() == NOW
    wall.now = NOW + 10
    clock.observe(NOW + 10, wall.now, wall.now)
    clock.observe(NOW + 11, wall.now + 1, wall.now + 1)
    assert clock.offset() == 0.0


def test_a_date_beyond_all_reason_is_ignored() -> None:
    assert corrected_by(NOW + MAX_OFFSET_SECONDS + 1, NOW + MAX_OFFSET_SECONDS + 1) == 0.0


def test_a_slow_answer_is_no_skew() -> None:
    clock = SystemClock(Wall())
    clock.observe(NOW, NOW - 30, NOW + 1)
    assert clock.offset() == 0.0
