"""Several messages tell of one restore: CloudTrail's event, AWS Backup's, the reconciler's, and SQS delivers any of them
twice, also at once (docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/standard-queues-at-least-once-delivery.html).

Where each took itself for the one that acts, one failing restore gave a report and a message in the DLQ for each, and
their redrive ran them all at once.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from tests.aws.errors import ProcessDeath
from tests.aws.hazards import Attempt, Call, Fault, Hazard, Mode, at, failing
from tests.aws.lambda_runtime import QueuePoller
from tests.faults.actions import deliver_all, finish_restore, redrive
from tests.faults.estate import DEAD_LETTERS, RESTORE_QUEUE, RESTORE_TABLE, TARGET, restore_event
from tests.faults.functions import Functions, World
from tests.hazards.restore_runs import calls, dead_letters, deliver_next, record, reports, restoring

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")

TTL_DENIED = failing({"UpdateTimeToLive": Fault(Mode.DENIED)})
SENT_ASIDE = Call("SendMessage", DEAD_LETTERS)


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


def test_a_message_that_sqs_moved_by_itself_takes_the_restore_up_again(functions: Functions) -> None:
    """It says nothing there of what it comes of, and its redrive has another id: it ended without a word."""
    world = restoring(pipeline=True, active=False)
    assert functions.deliver(world) is False
    world.wire.hazards.append(
        failing({"DescribeTable": Fault(Mode.DENIED), "SendMessage": Fault(Mode.DENIED)})
    )
    deliver_all(functions, world)
    assert (results(world), dead_letters(world)) == (["failed"], [{}])
    world.wire.hazards.clear()
    world.wire.denied.clear()
    redrive(world)
    deliver_all(functions, world)
    assert results(world) == ["failed", "replaying"]
    assert dead_letters(world) == []


def test_once_it_is_set_aside_no_other_message_takes_the_restore_up(functions: Functions) -> None:
    world = restoring()
    world.wire.hazards.append(TTL_DENIED)
    deliver_all(functions, world)
    assert record(world)["give_up"]["M"]["set_aside"] == {"BOOL": True}
    assert "lease_owner" not in record(world)
    world.account.queues.put(RESTORE_QUEUE, restore_event())
    deliver_all(functions, world)
    assert (results(world), len(dead_letters(world))) == (["incomplete"], 1)


def test_another_message_that_comes_between_the_report_and_the_letter_does_not_lead(
    functions: Functions,
) -> None:
    """The search for what names the source lies in between, and takes minutes."""
    start = restoring(events=2)
    start.wire.hazards.append(TTL_DENIED)
    whole = start.copy(TTL_DENIED)
    functions.deliver(whole)
    (between,) = [number for number, call in enumerate(whole.wire.calls) if call == SENT_ASIDE]
    world = start.copy(TTL_DENIED)
    poller = QueuePoller(world.account, RESTORE_QUEUE, batch_size=1)
    first, second = poller.receive(), poller.receive()
    assert first is not None
    assert second is not None
    world.wire.hazards.insert(0, copied_at(functions, world, list(second.records), between))
    functions.work(world, list(first.records))
    assert (results(world), len(dead_letters(world))) == (["incomplete"], 1)


def test_a_redrive_does_not_wait_for_who_could_not_note_that_it_is_set_aside(functions: Functions) -> None:
    start = restoring()
    whole = start.copy(TTL_DENIED)
    deliver_all(functions, whole)
    noting = number_of(whole, SENT_ASIDE) + 1
    assert whole.wire.calls[noting] == Call("UpdateItem", RESTORE_TABLE)
    world = start.copy(at(noting, Mode.DIED_BEFORE), TTL_DENIED)
    with suppress(ProcessDeath):
        functions.deliver(world)
    assert "lease_owner" in record(world)
    world.wire.hazards.clear()
    world.wire.denied.clear()
    world.account.queues.queues[RESTORE_QUEUE].messages.clear()
    redrive(world)
    assert deliver_next(functions, world) is True
    assert results(world) == ["incomplete", "synced"]


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
    world = restoring(events=2, active=False)
    functions.deliver(world)
    functions.deliver(world)
    world.wire.hazards.append(failing({"DescribeTable": Fault(Mode.DENIED)}))
    deliver_all(functions, world)
    assert [letter["reason"] for letter in dead_letters(world)] == ["aws_error"]
    assert record(world)["state"] == {"S": "failed"}
    world.wire.hazards.clear()
    world.wire.denied.clear()
    finish_restore(world)
    redrive(world)
    assert functions.deliver(world) is True
    assert results(world) == ["failed", "synced"]
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
