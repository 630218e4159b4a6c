import json

import pytest

from ostiary.local.clock import VirtualClock
from ostiary.local.pipeline import ATTEMPTS, QUEUE_BATCH, STREAM_BATCH, LocalFifo, LogLines, Pipeline
from ostiary.stores.queue import SqsFindingQueue
from ostiary.stores.streams import stream_record
from ostiary.vocabulary.case import Finding


def image(number, writer="request"):
    pk = {"S": f"account#{number}"}
    return stream_record("state", "MODIFY", {"pk": f"account#{number}"}, {"pk": pk, "w": {"S": writer}}, number, 0.0)


def finding(name, account="account#a"):
    return Finding(name, "rule", "v", "low", "topic", "limit", account, 0.0, 60, 2, 1, "enforce", "digest", "verdict")


class Source:
    def __init__(self, *records):
        self.records = list(records)

    def read(self):
        taken, self.records = self.records, []
        return taken


class Function:
    """A handler that notes what it was given and fails for chosen identifiers."""

    def __init__(self, *poison):
        self.poison = set(poison)
        self.events = []
        self.sweeps = 0

    def __call__(self, event, context):
        if event.get("source") == "aws.events":
            self.sweeps += 1
            return {"swept": 0}
        self.events.append(json.loads(json.dumps(event)))
        if "awslogs" in event:
            return {}
        identifiers = [r.get("messageId") or r["dynamodb"]["SequenceNumber"] for r in event["Records"]]
        return {"batchItemFailures": [{"itemIdentifier": i} for i in identifiers if i in self.poison]}

    def accounts(self):
        return [[r["dynamodb"]["Keys"]["pk"]["S"] for r in event["Records"]] for event in self.events]


def pipeline(*records, record=None, escalate=None):
    clock = VirtualClock(1000.0)
    return Pipeline(clock, Source(*records), LocalFifo(clock), LogLines(), record or Function(), escalate or Function())


def test_record_gets_what_requests_wrote_and_nothing_else():
    record = Function()
    key_only = {"dynamodb": {"Keys": {"pk": {"S": "account#9"}}, "SequenceNumber": "9"}}
    pipeline(image(1), image(2, "undo"), image(3, "facts"), image(4, "enforcement"), key_only, image(5), record=record).drain()
    assert record.accounts() == [["account#1", "account#5"]]


def test_many_records_come_in_batches_in_order():
    record = Function()
    pipeline(*(image(n) for n in range(1, STREAM_BATCH + 2)), record=record).drain()
    assert [len(accounts) for accounts in record.accounts()] == [STREAM_BATCH, 1]
    assert record.accounts()[1][0] == f"account#{STREAM_BATCH + 1}"


def test_a_failing_record_is_tried_again_with_all_after_it_and_then_set_aside():
    record = Function(f"{2:021d}")
    gate = pipeline(image(1), image(2), image(3), record=record)
    gate.drain()
    assert record.accounts() == [["account#1", "account#2", "account#3"], *[["account#2", "account#3"]] * (ATTEMPTS - 1), ["account#3"]]
    assert len(gate.lost) == 1 and "account#2" in gate.lost[0]


def test_logged_verdicts_reach_record_as_a_log_subscription_and_other_lines_do_not():
    record = Function()
    gate = pipeline(record=record)
    gate.lines.log('{"ostiary.verdict": {"id": "1"}}')
    gate.lines.log('{"ostiary.upstream": "down"}')
    gate.drain()
    (event,) = record.events
    assert set(event) == {"awslogs"}
    assert gate.lines.others() == ['{"ostiary.upstream": "down"}']


def test_findings_come_to_escalate_in_order_with_their_account_as_the_group():
    escalate = Function()
    gate = pipeline(escalate=escalate)
    SqsFindingQueue(gate.queue, "local").send([finding(f"f{n}", f"account#{n % 2}") for n in range(QUEUE_BATCH + 1)])
    gate.drain()
    assert [len(event["Records"]) for event in escalate.events] == [QUEUE_BATCH, 1]
    first = escalate.events[0]["Records"][0]
    assert json.loads(first["body"])["id"] == "f0"
    groups = [record["attributes"]["MessageGroupId"] for record in escalate.events[0]["Records"]]
    assert len(set(groups)) == 2 and groups[0] == groups[2]


def test_a_finding_sent_again_within_the_queues_memory_is_dropped():
    clock = VirtualClock(1000.0)
    fifo = LocalFifo(clock)
    queue = SqsFindingQueue(fifo, "local")
    queue.send([finding("f"), finding("f")])
    clock.set(1299.0)
    queue.send([finding("f")])
    assert len(fifo.take()) == 1
    clock.set(1300.0)
    queue.send([finding("f")])
    assert len(fifo.take()) == 1


def test_a_finding_that_fails_for_good_is_named_and_the_others_are_taken_once():
    escalate = Function(f"00000000-0000-4000-8000-{1:012x}")
    gate = pipeline(escalate=escalate)
    SqsFindingQueue(gate.queue, "local").send([finding("poison"), finding("fine", "account#b")])
    gate.drain()
    assert [len(event["Records"]) for event in escalate.events] == [2, 1, 1]
    assert len(gate.lost) == 1 and '"id":"poison"' in gate.lost[0]


def test_a_crash_of_a_handler_is_seen():
    def crash(event, context):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        pipeline(image(1), record=crash).drain()


def test_what_waits_in_an_outbox_is_swept_every_five_minutes_and_at_the_end():
    escalate = Function()
    gate = pipeline(escalate=escalate)
    for now, sweeps in ((1000.0, 1), (1299.0, 1), (1300.0, 2), (1301.0, 2)):
        gate.clock.set(now)
        gate.turn()
        assert escalate.sweeps == sweeps
    gate.drain()
    assert escalate.sweeps == 3
