"""Groups of correlations and their agenda, on memory and on moto."""

from __future__ import annotations

import json
import zlib

import pytest

from ostiary.judgement.groups import MAX_CHARACTERS, MAX_OBSERVATIONS, GroupItem, Kept, OpenWindow
from ostiary.matching.correlate_measure import Observation
from ostiary.settings import Settings
from ostiary.stores.dynamodb import DynamoBackend
from ostiary.stores.groups import GROUP, GroupRepository
from ostiary.stores.memory import MemoryBackend
from ostiary.stores.schema import case_table, create_tables
from ostiary.stores.signature import Credentials
from ostiary.stores.tables import Backend, Put
from ostiary.vocabulary.errors import ConditionFailed, StoreError
from ostiary.vocabulary.ports import Clock

WINDOW = OpenWindow("k", "d" * 64, 3, ("x", "y"), 60.0)


@pytest.fixture(params=["memory", "moto"])
def backend(request: pytest.FixtureRequest, still_clock: Clock) -> tuple[Backend, Settings]:
    if request.param == "memory":
        return MemoryBackend(still_clock), Settings()
    settings: Settings = request.getfixturevalue("moto_settings")
    create_tables(request.getfixturevalue("moto_client"), settings)
    return DynamoBackend(settings, credentials=lambda: Credentials("AKIDEXAMPLE", "secret")), settings


@pytest.fixture
def groups(backend: tuple[Backend, Settings]) -> GroupRepository:
    return GroupRepository(backend[0], case_table(backend[1]))


def kept(time: float, principal: str = "account#a") -> Kept:
    return Kept(Observation(time, f"r{time}", (0, 2), (("a", "ü"), (1.5, 2))), principal, False)


def test_a_group_comes_back_as_it_was_written(groups: GroupRepository) -> None:
    assert groups.read("k") == GroupItem()
    first = GroupItem().added(kept(1.25), 100)
    groups.write("k", first, 1000)
    assert groups.read("k") == first
    second = first.added(kept(300), 100)
    groups.write("k", second, 1000)
    assert groups.read("k") == second
    assert groups.read("other") == GroupItem()


def test_of_two_that_write_at_once_one_fails(groups: GroupRepository) -> None:
    groups.write("k", GroupItem().added(kept(1), 100), 1000)
    with pytest.raises(ConditionFailed):
        groups.write("k", GroupItem().added(kept(2), 100), 1000)
    item = groups.read("k")
    groups.write("k", item.added(kept(2), 100), 1000)
    with pytest.raises(ConditionFailed):
        groups.write("k", item.added(kept(3), 100), 1000)


def test_the_fullest_group_fits_into_an_item(groups: GroupRepository) -> None:
    item = GroupItem()
    for number in range(MAX_OBSERVATIONS):
        item = item.added(kept(number / 10, "account#" + "".join(chr(33 + (number * 7 + n * 31) % 90) for n in range(280))), 1000)
    assert MAX_CHARACTERS - 1000 < sum(one.size for one in item.kept) <= MAX_CHARACTERS
    groups.write("k", GroupItem(1, item.kept, item.cut), 1000)
    assert groups.read("k").kept == item.kept


def test_a_window_is_due_until_it_is_closed_however_often_it_is_opened(groups: GroupRepository) -> None:
    assert groups.due(7) == []
    groups.open(WINDOW, 7)
    groups.open(WINDOW, 7)
    assert list(groups.due(7)) == [WINDOW]
    assert groups.due(8) == []
    groups.close(WINDOW, 7)
    groups.open(WINDOW, 7)
    assert groups.due(7) == []


def test_the_agenda_only_moves_forward(groups: GroupRepository) -> None:
    assert groups.swept() is None
    groups.sweep(5)
    groups.sweep(4)
    assert groups.swept() == 5
    groups.sweep(6)
    assert groups.swept() == 6


@pytest.mark.parametrize("data", ["text", b"no zlib", zlib.compress(b"[]"), zlib.compress(json.dumps([1, None, [[1]]]).encode())])
def test_a_damaged_group_says_so(backend: tuple[Backend, Settings], groups: GroupRepository, data: bytes | str) -> None:
    backend[0].put(Put(case_table(backend[1]), {"pk": GROUP + "k", "sk": "group", "version": 1, "data": data}))
    with pytest.raises(StoreError, match="group k can't be read"):
        groups.read("k")
