"""The seeded day of traffic that the demo plays."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from ostiary.local import traffic
from ostiary.local.recorded import read

SEED = 7


@pytest.fixture(scope="module")
def day() -> traffic.Day:
    return traffic.generate(SEED)


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    traffic.write(tmp_path / "first.jsonl", SEED)
    traffic.write(tmp_path / "second.jsonl", SEED)
    assert (tmp_path / "first.jsonl").read_bytes() == (tmp_path / "second.jsonl").read_bytes()


def test_another_seed_gives_other_traffic(day: traffic.Day) -> None:
    assert traffic.generate(SEED + 1).requests != day.requests


@pytest.mark.parametrize("seed", range(6))
def test_a_day_has_at_least_2000_requests_in_the_order_of_time(seed: int) -> None:
    times = [line["time"] for line in traffic.generate(seed).requests]
    assert len(times) >= 2000
    assert times == sorted(times)
    assert times[0] >= 0 and times[-1] < 86_400


def test_every_line_is_a_recorded_request_without_unknown_keys(day: traffic.Day) -> None:
    recording = read(json.dumps(line) for line in day.requests)
    assert len(recording.requests) == len(day.requests)
    assert not recording.bad
    assert not recording.ignored


def test_every_account_has_a_kind_and_every_kind_is_there(day: traffic.Day) -> None:
    assert {line["account"] for line in day.requests if "account" in line} == set(day.kinds)
    assert set(day.kinds.values()) == traffic.BENIGN | {"hammer", "harvest", "probe"}


def test_people_are_awake_by_day(day: traffic.Day) -> None:
    hours = Counter(int(line["time"] // 3600) for line in day.requests if day.kinds.get(line.get("account", "")) == "chat")
    assert sum(hours[hour] for hour in range(9, 18)) > 4 * sum(hours[hour] for hour in range(6))


def test_no_benign_account_comes_near_the_limit_of_its_plan(day: traffic.Day) -> None:
    limits = {None: 120, "free": 60, "pro": 300, "team": 300, "batch": 3000, "enterprise": 3000}
    times: dict[str, list[float]] = {}
    plans: dict[str, str | None] = {}
    for line in day.requests:
        if day.kinds.get(line.get("account", "")) in traffic.BENIGN:
            times.setdefault(line["account"], []).append(line["time"])
            plans[line["account"]] = line.get("facts", {}).get("plan")
    for account, moments in times.items():
        busiest = max(sum(moment - 63 < other <= moment for other in moments) for moment in moments)
        assert busiest <= 0.9 * limits[plans[account]], account


def test_the_attackers_do_what_their_kind_says(day: traffic.Day) -> None:
    by_kind = {
        kind: [line for line in day.requests if day.kinds.get(line.get("account", "")) == kind] for kind in ("harvest", "probe", "hammer")
    }
    assert all(line["body"]["max_tokens"] == 1 and line["body"]["logprobs"] and line["body"]["logit_bias"] for line in by_kind["probe"])
    assert len({line["address"] for line in by_kind["harvest"]}) > 20
    start = by_kind["hammer"][0]["time"]
    assert sum(line["time"] < start + 60 for line in by_kind["hammer"]) > 2 * 60


def test_benign_callers_do_what_attackers_do_as_well(day: traffic.Day) -> None:
    bodies = {kind: [line["body"] for line in day.requests if day.kinds.get(line.get("account", "")) == kind] for kind in traffic.BENIGN}
    texts = {kind: [str(body["messages"]) for body in found] for kind, found in bodies.items()}
    assert sum("system prompt" in text or "forever" in text for text in texts["retrieval"]) > 60
    assert sum("diverse t" in text for text in texts["judge"]) > 40
    assert sum("instructions you were given" in text and "tool_result" in text for text in texts["agent"]) >= 13
    maps = [tuple(body["logit_bias"]) for body in bodies["evaluation"] if "logit_bias" in body]
    assert len(maps) == 40 and len(set(maps)) == 1


def test_both_wire_formats_occur(day: traffic.Day) -> None:
    assert {line["path"] for line in day.requests if "account" in line} == {"/v1/messages", "/v1/chat/completions"}
