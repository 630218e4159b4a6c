"""What every StateStore does, in memory and on DynamoDB's protocol."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from ostiary.stores.memory import MemoryStateStore
from ostiary.stores.state import FOREVER, MAX_ENFORCE_ATTEMPTS, MAX_FACTS, RETENTION_SECONDS, StateRepository
from ostiary.stores.tables import Update
from ostiary.vocabulary.errors import ConditionFailed, StoreError
from ostiary.vocabulary.request import Principal
from ostiary.vocabulary.state import Enforcement, State, StateWrite

ANNA = Principal("account", "anna")
ADDRESS = Principal("address", "192.0.2.7")
EXPIRES = 1_700_600_000


def request(add: dict[str, int], remove: tuple[str, ...] = (), record: str = '{"id":"r1"}') -> StateWrite:
    return StateWrite(ANNA, add, remove, "request", record, EXPIRES)


def undo(add: dict[str, int]) -> StateWrite:
    return StateWrite(ANNA, add, (), "undo", None, EXPIRES)


def suspension(version: int, until: float | None = 1_700_003_600.0, **changes: Any) -> Enforcement:
    return Enforcement("suspend", "account#anna", version, 1_700_000_000.0, until, deny=True, **changes)


def raw(store: Any, principal: Principal = ANNA) -> dict[str, Any]:
    """The item as the table has it."""
    item = store._backend.get(store._table, (principal.key,))
    assert item is not None
    return dict(item)


def test_the_first_write_of_a_principal_makes_its_item(stores: Any) -> None:
    assert stores.state.read(ANNA) is None
    assert stores.state.write(request({"aa.1": 1})) == State(ANNA, 1, {"aa.1": 1})


def test_the_answer_of_a_write_holds_exact_counts(stores: Any) -> None:
    stores.state.write(request({"aa.1": 1, "bb.1": 5}))
    state = stores.state.write(request({"aa.1": 1, "aa.2": 1}))
    assert state.buckets == {"aa.1": 2, "aa.2": 1, "bb.1": 5}
    assert state.seq == 2
    assert stores.state.read(ANNA) == state


def test_a_write_removes_the_buckets_that_it_names(stores: Any) -> None:
    stores.state.write(request({"aa.1": 1, "bb.1": 1}))
    assert stores.state.write(request({"aa.2": 1}, remove=("aa.1", "never there"))).buckets == {"aa.2": 1, "bb.1": 1}


def test_a_take_back_keeps_the_rank_and_the_record_of_the_request(stores: Any) -> None:
    stores.state.write(request({"aa.1": 3}))
    state = stores.state.write(undo({"aa.1": -1}))
    item = raw(stores.state)
    assert (state.seq, state.buckets) == (1, {"aa.1": 2})
    assert (item["l"], item["w"]) == ('{"id":"r1"}', "undo")


def test_thousands_of_old_buckets_leave_by_and_by_and_never_fail_a_write(stores: Any) -> None:
    for number in range(3):
        stores.state.write(request({f"aa.{number}-{place}": 1 for place in range(100)}))
    held = stores.state.read(ANNA).buckets
    for _ in range(2):
        held = stores.state.write(request({"now": 1}, remove=tuple(name for name in held if name != "now"))).buckets
    assert held == {"now": 2}


def test_an_item_expires_when_its_last_request_says(stores: Any) -> None:
    stores.state.write(request({"aa.1": 1}))
    assert raw(stores.state)["ttl"] == EXPIRES


def test_facts_keep_their_types_and_do_not_expire(stores: Any) -> None:
    facts = {"account.plan": "pro", "account.research": True, "account.quota": 60, "account.share": 0.25, "account.note": ""}
    stores.state.set_facts(ANNA, facts)
    state = stores.state.write(request({"aa.1": 1}))
    assert state.facts == facts
    assert {name: type(value) for name, value in state.facts.items()} == {name: type(value) for name, value in facts.items()}
    assert raw(stores.state)["ttl"] == FOREVER


def test_a_fact_set_to_none_is_gone(stores: Any) -> None:
    stores.state.set_facts(ANNA, {"account.plan": "pro", "account.region": "eu"})
    stores.state.set_facts(ANNA, {"account.plan": None})
    assert stores.state.read(ANNA).facts == {"account.region": "eu"}


@pytest.mark.parametrize("number", [0, MAX_FACTS + 1])
def test_too_few_or_too_many_facts_at_once_are_refused(stores: Any, number: int) -> None:
    with pytest.raises(StoreError, match=f"{number} facts for account#anna"):
        stores.state.set_facts(ANNA, {f"account.f{place}": 1 for place in range(number)})


def test_as_many_facts_as_allowed_are_set(stores: Any) -> None:
    stores.state.set_facts(ANNA, {f"account.f{place}": place for place in range(MAX_FACTS)})
    assert len(stores.state.read(ANNA).facts) == MAX_FACTS


def test_enforcement_rides_on_the_next_answer(stores: Any) -> None:
    wanted = suspension(3, withhold=("reasoning",), limit_share=0.25, clause="T-4.1")
    assert stores.state.enforce(ANNA, wanted)
    assert stores.state.write(request({"aa.1": 1})).enforcement == wanted


@pytest.mark.parametrize("version", [2, 3])
def test_enforcement_of_a_version_not_higher_changes_nothing(stores: Any, version: int) -> None:
    stores.state.enforce(ANNA, suspension(3))
    assert not stores.state.enforce(ANNA, Enforcement("warn", "account#anna", version, 0.0, None))
    assert stores.state.read(ANNA).enforcement == suspension(3)


def test_a_release_ends_enforcement_and_an_old_suspension_cannot_come_back(stores: Any) -> None:
    stores.state.enforce(ANNA, suspension(3))
    assert stores.state.enforce(ANNA, Enforcement("none", "account#anna", 4, 0.0, None))
    assert not stores.state.enforce(ANNA, suspension(3))
    assert stores.state.read(ANNA).enforcement is None


def test_a_silent_suspended_account_outlives_its_own_expiry(stores: Any) -> None:
    stores.state.write(request({"aa.1": 1}))
    stores.state.enforce(ANNA, suspension(1, until=1_800_000_000.0))
    kept = 1_800_000_000 + RETENTION_SECONDS
    assert raw(stores.state)["ttl"] == kept
    stores.state.write(request({"aa.1": 1}))
    assert raw(stores.state)["ttl"] == kept


def test_a_suspension_without_an_end_never_expires(stores: Any) -> None:
    stores.state.enforce(ANNA, suspension(1, until=None))
    assert raw(stores.state)["ttl"] == FOREVER


def test_after_a_release_requests_decide_the_expiry_again(stores: Any) -> None:
    stores.state.enforce(ANNA, suspension(1, until=None))
    stores.state.enforce(ANNA, Enforcement("none", "account#anna", 2, 0.0, None))
    assert "keep_until" not in raw(stores.state)
    stores.state.write(request({"aa.1": 1}))
    assert raw(stores.state)["ttl"] == EXPIRES


def test_a_release_does_not_let_facts_expire(stores: Any) -> None:
    stores.state.enforce(ANNA, suspension(1))
    stores.state.set_facts(ANNA, {"account.plan": "pro"})
    stores.state.enforce(ANNA, Enforcement("none", "account#anna", 2, 0.0, None))
    stores.state.write(request({"aa.1": 1}))
    assert raw(stores.state)["ttl"] == FOREVER


class Meddling:
    """A Backend in which somebody sets a fact between a read and the write that follows, as often as is said."""

    def __init__(self, backend: Any, meddle: Any, times: int) -> None:
        self._backend, self._meddle, self._times = backend, meddle, times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    def get(self, *arguments: Any, **more: Any) -> Any:
        item = self._backend.get(*arguments, **more)
        if self._times:
            self._times -= 1
            self._meddle(self._times)
        return item


def test_a_fact_set_while_enforcement_is_written_keeps_its_item_from_expiring(stores: Any) -> None:
    store = stores.state
    meddling = Meddling(store._backend, lambda _: store.set_facts(ANNA, {"account.plan": "pro"}), 1)
    assert StateRepository(meddling, store._table, store._clock).enforce(ANNA, suspension(1))
    assert (raw(store)["keep_until"], raw(store)["ttl"]) == (FOREVER, FOREVER)
    assert store.read(ANNA).enforcement == suspension(1)


def test_of_two_enforcements_at_once_the_higher_version_stays(stores: Any) -> None:
    store = stores.state
    meddling = Meddling(store._backend, lambda _: store.enforce(ANNA, suspension(5)), 1)
    assert not StateRepository(meddling, store._table, store._clock).enforce(ANNA, suspension(4))
    assert store.read(ANNA).enforcement == suspension(5)


def test_an_item_that_never_rests_is_given_up(stores: Any) -> None:
    store = stores.state

    def flip(left: int) -> None:
        store._backend.update(Update(store._table, (ANNA.key,), set={"keep_until": left + 1}))

    meddling = Meddling(store._backend, flip, MAX_ENFORCE_ATTEMPTS)
    with pytest.raises(ConditionFailed, match="was changed 4 times"):
        StateRepository(meddling, store._table, store._clock).enforce(ANNA, suspension(1))


def test_without_expiry_nothing_expires(stores: Any) -> None:
    lasting = StateRepository(stores.state._backend, stores.state._table, stores.state._clock, ttl=False)
    lasting.set_facts(ANNA, {"account.plan": "pro"})
    lasting.write(request({"aa.1": 1}))
    lasting.enforce(ANNA, suspension(1))
    assert "ttl" not in raw(lasting)


def test_the_mode_is_the_default_until_somebody_sets_it(stores: Any) -> None:
    assert stores.state.control(None, "monitor").mode == "monitor"
    assert stores.state.control(None, "enforce").mode == "enforce"
    stores.state.set_mode("monitor")
    assert stores.state.control(None, "enforce").mode == "monitor"


def test_control_gives_the_enforcement_on_an_address(stores: Any) -> None:
    stores.state.set_mode("enforce")
    assert stores.state.control(ADDRESS, "monitor").address is None
    stores.state.enforce(ADDRESS, suspension(1))
    control = stores.state.control(ADDRESS, "monitor")
    assert (control.mode, control.address) == ("enforce", suspension(1))


def test_a_credential_belongs_to_the_account_it_was_set_for(stores: Any) -> None:
    assert stores.state.account_of("0011") is None
    stores.state.set_credential("0011", "anna")
    assert stores.state.account_of("0011") == "anna"


def test_an_account_id_reaches_no_other_item(stores: Any) -> None:
    odd = Principal("account", "x#../control#mode/ü")
    stores.state.write(StateWrite(odd, {"aa.1": 1}, (), "request", "{}", EXPIRES))
    assert stores.state.read(odd).principal == odd
    assert stores.state.control(None, "monitor").mode == "monitor"


def test_concurrent_writes_in_memory_lose_nothing() -> None:
    store = MemoryStateStore()

    def write_many() -> None:
        for _ in range(200):
            store.write(request({"aa.1": 1}))

    threads = [threading.Thread(target=write_many) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    state = store.read(ANNA)
    assert state is not None
    assert (state.seq, state.buckets["aa.1"]) == (800, 800)
    assert len({record["dynamodb"]["NewImage"]["seq"]["N"] for record in store.take_stream()}) == 800
