"""Several messages tell of one restore: CloudTrail's event, AWS Backup's, the reconciler's, and SQS delivers any of them
twice, also at once (docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/standard-queues-at-least-once-delivery.html).

Where each took itself for the one that acts, one failing restore gave a report and a message in the DLQ for each, and
their redrive ran them all at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from tests.aws.errors import ProcessDeath
from tests.aws.hazards import Attempt, Call, Fault, Hazard, Mode, at, failing
from tests.aws.lambda_runtime import QueuePoller
from tests.faults.actions import deliver_all, redrive
from tests.faults.estate import DEAD_LETTERS, RESTORE_QUEUE, RESTORE_TABLE, TARGET
from tests.faults.functions import Functions, World
from tests.hazards.restore_runs import calls, dead_letters, deliver_next, record, reports, restoring

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")

TTL_DENIED = failing({"UpdateTimeToLive": Fault(Mode.DENIED)})


@pytest.fixture
def functions() -> Iterator[Functions]:
    with Functions().deployed() as deployed:
        yield deployed


def results(world: World) -> list[str]:
    return [report["result"] for report in reports(world)]


@pytest.mark.parametrize("events", [3, 96])
def test_a_restore_that_fails_is_reported_once_however_many_events_tell_of_it(
    functions: Functions, events: int
) -> None:
    world = restoring(events=events)
    world.wire.hazards.append(TTL_DENIED)
    deliver_all(functions, world)
    assert results(world) == ["incomplete"]
    (letter,) = dead_letters(world)
    assert (letter["reason"], letter["give_up"]) == ("settings_failed", "1")


def test_it_is_reported_once_more_for_each_time_that_somebody_sends_it_round(functions: Functions) -> None:
    world = restoring(events=3)
    world.wire.hazards.append(TTL_DENIED)
    deliver_all(functions, world)
    for number in (2, 3):
        redrive(world)
        deliver_all(functions, world)
        assert results(world) == ["incomplete"] * number
        assert [letter["give_up"] for letter in dead_letters(world)] == [str(number)]
    world.wire.hazards.clear()
    world.wire.denied.clear()
    redrive(world)
    deliver_all(functions, world)
    assert results(world) == [*["incomplete"] * 3, "synced"]
    assert dead_letters(world) == []


def test_copies_of_a_message_that_is_sent_round_end_silently(functions: Functions) -> None:
    world = restoring()
    world.wire.hazards.append(TTL_DENIED)
    deliver_all(functions, world)
    (letter,) = world.account.queues.queues[DEAD_LETTERS].messages.values()
    for _ in range(2):
        world.account.queues.put(DEAD_LETTERS, letter.body, attributes=letter.attributes)
    redrive(world)
    deliver_all(functions, world)
    assert results(world) == ["incomplete"] * 2
    assert len(dead_letters(world)) == 1


def copied_at(functions: Functions, world: World, records: list[dict[str, Any]], number: int) -> Hazard:
    """The same message is delivered once more, to another invocation, while a call is on its way."""
    answers: list[dict[str, Any]] = []

    def hazard(attempt: Attempt) -> None:
        if attempt.number == number and not answers:
            answers.append({})
            answers[0] = functions.work(world, records)

    return hazard


@pytest.mark.parametrize("failing_restore", [False, True])
def test_two_copies_of_one_message_never_both_lead(functions: Functions, failing_restore: bool) -> None:
    """Whenever the second comes, one of them acts: one report, and each step once."""
    start = restoring()
    if failing_restore:
        start.wire.hazards.append(TTL_DENIED)
    alone = start.copy(*start.wire.hazards)
    deliver_all(functions, alone)
    whole = len(alone.wire.calls)
    assert whole > 80
    for number in range(0, whole, 5):
        world = start.copy(*start.wire.hazards)
        poller = QueuePoller(world.account, RESTORE_QUEUE, batch_size=1)
        delivery = poller.receive()
        assert delivery is not None
        records = list(delivery.records)
        world.wire.hazards.insert(0, copied_at(functions, world, records, number))
        answer = functions.work(world, records)
        poller.finish(delivery, {failure["itemIdentifier"] for failure in answer["batchItemFailures"]})
        deliver_all(functions, world)
        assert results(world) == results(alone), f"the copy comes at call {number}"
        # A copy that comes between the report and the letter sends the letter too. They say that they are one.
        assert {letter["give_up"] for letter in dead_letters(world)} == ({"1"} if failing_restore else set())
        for operation in ("UpdateTable", "CreateEventSourceMapping", "PutMetricAlarm", "TagResource"):
            assert calls(world).count(operation) == calls(alone).count(operation), operation


def number_of(world: World, call: Call) -> int:
    return world.wire.calls.index(call)


def test_a_message_that_was_given_up_is_set_aside_although_the_function_died_before_that(
    functions: Functions,
) -> None:
    start = restoring()
    start.wire.hazards.append(TTL_DENIED)
    whole = start.copy(TTL_DENIED)
    deliver_all(functions, whole)
    dies = at(number_of(whole, Call("SendMessage", DEAD_LETTERS)), Mode.DIED_BEFORE)
    world = start.copy(dies, TTL_DENIED)
    deliver_all(functions, world)
    assert world.deaths == 1
    assert results(world) == ["incomplete"]
    (letter,) = dead_letters(world)
    assert (letter["reason"], letter["give_up"]) == ("settings_failed", "1")
    assert "UpdateTimeToLive" in letter["detail"]


def test_a_function_that_dies_with_the_lease_is_followed_by_the_next_delivery(functions: Functions) -> None:
    """And what came after taking the lead is not taken for done."""
    world = restoring(pipeline=True, active=False)
    whole = world.copy()
    functions.deliver(whole)
    took_the_lead = number_of(whole, Call("UpdateItem", RESTORE_TABLE))
    world = world.copy(at(took_the_lead, Mode.DIED_AFTER))
    with suppress(ProcessDeath):
        functions.deliver(world)
    assert "lease_owner" in record(world)
    assert deliver_next(functions, world) is False
    assert "pipeline_owner" in record(world)
    assert record(world)["pipeline_owner"].get("S")
    assert "lease_owner" not in record(world)


def test_a_lease_outlasts_its_invocation_by_seconds_only(functions: Functions) -> None:
    world = restoring(active=False)
    dies = world.copy()
    functions.deliver(dies)
    began = world.clock.now
    world = world.copy(at(number_of(dies, Call("UpdateItem", RESTORE_TABLE)), Mode.DIED_AFTER))
    with suppress(ProcessDeath):
        functions.deliver(world)
    assert 120 <= int(record(world)["lease_until"]["N"]) - began <= 135


def test_what_the_reconciler_asks_for_while_the_worker_is_busy_is_one_restore(functions: Functions) -> None:
    """Each of its runs put one more message on the queue until the worker came to the first."""
    world = restoring(events=0, active=False)
    for _ in range(20):
        functions.reconcile(world)
        world.clock.sleep(900)
    assert len(world.account.queues.queues[RESTORE_QUEUE].messages) <= 5
    deliver_all(functions, world)
    assert results(world) == ["synced"]


def test_an_error_of_our_own_is_marked_so_that_a_redrive_goes_on_at_once(functions: Functions) -> None:
    world = restoring(events=2)
    world.wire.hazards.append(failing({"PutEvents": Fault(Mode.DENIED)}))
    deliver_all(functions, world)
    assert [letter["reason"] for letter in dead_letters(world)] == ["aws_error"]
    assert record(world)["state"] == {"S": "failed"}
    world.wire.hazards.clear()
    world.wire.denied.clear()
    redrive(world)
    assert functions.deliver(world) is True
    assert results(world) == ["synced"]
    assert world.account.tables.tables[TARGET].ttl["TimeToLiveStatus"] == "ENABLED"


def test_a_lease_that_could_not_be_given_back_ends_no_message(functions: Functions) -> None:
    """The restore table hung at the end of a delivery: the same message waits for the lease, however few its attempts."""
    world = restoring(active=False)
    functions.deliver(world)
    item = record(world)
    item["lease_owner"] = {"S": "an invocation that is gone"}
    item["lease_until"] = {"N": str(int(world.clock.now) + 125)}
    (message,) = world.account.queues.queues[RESTORE_QUEUE].messages.values()
    message.received = 5
    began = world.clock.now
    deliver_next(functions, world)
    assert message.visible_at >= began + 125
    deliver_all(functions, world)
    assert results(world) == ["synced"]
