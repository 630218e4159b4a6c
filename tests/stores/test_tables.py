"""What the service would refuse and local stacks accept is a mistake of ours, found before anything is sent."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from ostiary.settings import Settings
from ostiary.stores.dynamodb import DynamoBackend, DynamoStateStore
from ostiary.stores.schema import state_table
from ostiary.stores.signature import Credentials
from ostiary.stores.tables import MAX_EXPRESSION_OPERATORS, MAX_ITEM_BYTES, Absent, Equals, Lower, Put, Update
from ostiary.vocabulary.errors import ConditionFailed, StoreError

TABLE = state_table(Settings())
KEY = ("account#a",)


@pytest.mark.parametrize(
    ("update", "said"),
    [
        (Update(TABLE, KEY), "changes nothing"),
        (Update(TABLE, KEY, add={"b:1": 1}, remove=("b:1",)), "overlapping paths"),
        (Update(TABLE, KEY, set={"ttl": 1}, set_from={"ttl": ("keep_until", 1)}), "overlapping paths"),
        (Update(TABLE, KEY, set={"": 1}), "an empty name"),
        (Update(TABLE, KEY, set={"pk": "x"}), "of a key"),
        (Update(TABLE, KEY, add={f"b:{place}": 1 for place in range(MAX_EXPRESSION_OPERATORS + 1)}), "301 operators"),
    ],
)
def test_an_update_that_the_service_would_refuse_is_an_assertion(update: Update, said: str) -> None:
    with pytest.raises(AssertionError, match=said):
        update.check()


def test_an_update_at_the_limit_of_operators_passes() -> None:
    Update(TABLE, KEY, add={f"b:{place}": 1 for place in range(MAX_EXPRESSION_OPERATORS)}).check()


def test_an_item_that_is_too_large_is_refused_before_it_is_sent() -> None:
    backend = DynamoBackend(Settings(endpoint="http://127.0.0.1:1"), credentials=lambda: Credentials("a", "b"))
    with pytest.raises(StoreError, match="are over the 409600 of an item") as caught:
        backend.update(Update(TABLE, KEY, set={"l": "x" * MAX_ITEM_BYTES}))
    assert caught.value.applied is False


def test_a_lower_rank_is_compared_in_order(stores: Any) -> None:
    backend, table = stores.verdicts._backend, stores.verdicts._table

    def put(rank: int, seq: int) -> bool:
        try:
            backend.put(Put(table, {"id": "x", "rank": rank, "seq": seq}, (Lower((("rank", rank), ("seq", seq))),)))
        except ConditionFailed:
            return False
        return True

    assert [put(0, 5), put(0, 5), put(0, 4), put(1, 0), put(0, 9), put(1, 1)] == [True, False, False, True, False, True]


def test_several_conditions_must_all_hold(stores: Any) -> None:
    backend, table = stores.verdicts._backend, stores.verdicts._table
    backend.put(Put(table, {"id": "x", "n": 1, "t": "a"}))
    with pytest.raises(ConditionFailed):
        backend.update(Update(table, ("x",), set={"n": 2}, conditions=(Equals("n", 1), Absent("t"))))
    assert backend.update(Update(table, ("x",), set={"n": 2}, conditions=(Equals("n", 1), Equals("t", "a"))))["n"] == 2


def test_a_long_query_is_read_to_its_end(stores: Any) -> None:
    backend, table = stores.cases._backend, stores.cases._table
    for place in range(4):
        backend.put(Put(table, {"pk": "p", "sk": f"step#{place}", "data": "x" * 390_000}))
    assert [item["sk"] for item in backend.query(table, "p", prefix="step#")] == [f"step#{place}" for place in range(4)]
    assert len(backend.query(table, "p", prefix="step#", limit=3)) == 3


def test_a_store_that_does_not_answer_can_not_be_warmed_and_says_so() -> None:
    settings = Settings(endpoint="http://127.0.0.1:1")
    backend = DynamoBackend(settings, credentials=lambda: Credentials("a", "b"))
    assert DynamoStateStore(settings, backend=backend).warm() is False


def test_the_request_paths_store_imports_no_sdk() -> None:
    code = "import ostiary.stores.dynamodb, sys; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"boto3", "botocore", "pydantic", "yaml", "requests", "urllib3", "asyncio", "aws_lambda_powertools"} & set(loaded)
