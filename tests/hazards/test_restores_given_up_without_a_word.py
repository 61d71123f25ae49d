"""An error outside the settings ends a restore, and nobody hears of it.

A permission that is missing for DescribeTable, an origin that AWS Backup does not tell, a message that cannot be read: the
message went to the DLQ, no event and no notification was sent, and the record said `waiting` for ever. The DLQ's alarm acts
on transitions only, so one old message silenced all later ones.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from dynamodb_restore.aws import Clients, TableRef
from dynamodb_restore.backoff import Backoff
from dynamodb_restore.config import Override, Polling
from dynamodb_restore.handlers import restore_worker
from dynamodb_restore.restore.delivery import Finished, GivenUp, NothingToDo, TryAgain
from dynamodb_restore.restore.reasons import ReasonCode
from dynamodb_restore.restore.request_events import parse_message
from dynamodb_restore.restore.worker import Worker
from tests.hazards.reporting import TARGET, make_restore, statuses, told
from tests.unit.builders import (
    REQUESTED_AT,
    SEVEN,
    TARGET_ID,
    delivery,
    event,
    make_worker,
    record_item,
    request,
)
from tests.unit.fakes import Aws, Clock

DENIED = "DescribeTable: AccessDeniedException: no"


@pytest.fixture
def worker(aws: Aws, clients: Clients, clock: Clock) -> Worker:
    make_restore(aws, clients, clock)
    topic = clients.sns.create_topic(Name="notifications")["TopicArn"]
    return make_worker(clients, clock, topic_arn=topic)


def deny(aws: Aws, operation: str) -> None:
    aws.fail(operation, "AccessDeniedException", "no", times=100)


def wait(worker: Worker, aws: Aws) -> None:
    """One delivery that finds the target CREATING, and leaves a record that says `waiting`."""
    aws.describe_next(TARGET, {"TableStatus": "CREATING"})
    assert isinstance(worker.follow(delivery(request(), 1)), TryAgain)


def test_a_restore_that_waits_ends_in_a_report(worker: Worker, aws: Aws, clients: Clients) -> None:
    wait(worker, aws)
    deny(aws, "DescribeTable")

    verdict = worker.follow(delivery(request(), 2))

    assert isinstance(verdict, GivenUp)
    (report,) = told(aws)
    assert (report["result"], report["reason"], report["restore_id"]) == ("failed", DENIED, TARGET_ID)
    (notification,) = aws.named("Publish")
    assert notification["Subject"] == "DynamoDB restore failed: orders -> orders-restored"
    record = record_item(clients)
    assert (record["state"], record["report"]["reason"]) == ("failed", DENIED)


def test_what_was_applied_before_is_in_the_report(worker: Worker, aws: Aws, clients: Clients) -> None:
    aws.fail("TagResource", "ResourceInUseException", "busy", times=100)
    assert isinstance(worker.follow(delivery(request(), 1)), TryAgain)
    deny(aws, "DescribeTable")

    worker.follow(delivery(request(), 2))

    (report,) = told(aws)
    assert statuses(report) == {**dict.fromkeys(SEVEN, "applied"), "tags": "failed"}
    assert report["summary"].startswith("failed; 6 settings applied in part or whole: ")


def test_once_it_is_mended_a_redrive_goes_on(worker: Worker, aws: Aws, clients: Clients) -> None:
    wait(worker, aws)
    deny(aws, "DescribeTable")
    worker.follow(delivery(request(), 2))
    aws._faults.clear()

    assert isinstance(worker.follow(delivery(request(), 1, "redriven", redriven=True)), Finished)

    assert record_item(clients)["state"] == "synced"


def test_a_restore_that_nobody_has_seen_is_told_all_the_same(
    worker: Worker, aws: Aws, clients: Clients
) -> None:
    """Its table has no known id, so there is no record to keep it under."""
    deny(aws, "DescribeTable")

    assert isinstance(worker.follow(delivery(request(), 1)), GivenUp)

    assert [report["reason"] for report in told(aws)] == [DENIED]
    assert len(aws.named("Publish")) == 1
    assert record_item(clients) == {}


def test_an_id_that_the_event_tells_is_enough_for_a_record(
    worker: Worker, aws: Aws, clients: Clients
) -> None:
    deny(aws, "DescribeTable")

    worker.follow(delivery(request(target_id=TARGET_ID), 1))

    assert record_item(clients)["state"] == "failed"


def test_a_restore_that_has_ended_is_not_reported_as_failed_by_a_late_event(
    worker: Worker, aws: Aws, clients: Clients
) -> None:
    worker.follow(delivery(request(), 1))
    aws.calls.clear()
    deny(aws, "DescribeTable")

    assert isinstance(worker.follow(delivery(request(), 2)), NothingToDo)

    assert aws.writes() == []
    assert record_item(clients)["state"] == "synced"


def test_a_restore_that_another_message_follows_is_left_to_it(
    worker: Worker, aws: Aws, clients: Clients
) -> None:
    wait(worker, aws)
    deny(aws, "DescribeTable")
    aws.calls.clear()

    second = delivery(request(), 1, "another message of the event")
    assert isinstance(worker.follow(second), TryAgain)

    assert aws.writes() == []
    assert record_item(clients)["state"] == "waiting"


def test_a_record_that_cannot_be_read_keeps_nobody_from_hearing(
    worker: Worker, aws: Aws, clients: Clients
) -> None:
    wait(worker, aws)
    deny(aws, "GetItem")

    assert isinstance(worker.follow(delivery(request(target_id=TARGET_ID), 2)), GivenUp)

    (report,) = told(aws)
    assert report["reason"].startswith(
        "GetItem: AccessDeniedException: no; and the pipeline of orders was not"
    )
    assert len(aws.named("Publish")) == 1
    aws._faults.clear()
    assert record_item(clients)["state"] == "failed"


def test_an_event_about_another_source_does_not_end_the_record(
    worker: Worker, aws: Aws, clients: Clients
) -> None:
    """Whoever writes an event with the id of a table that is being restored could otherwise end its restore."""
    wait(worker, aws)
    deny(aws, "DescribeTable")
    forged = request(event_id="forged", source=TableRef("customers"), target_id=TARGET_ID)

    assert isinstance(worker.follow(delivery(forged, 1)), GivenUp)

    assert [report["restore_id"] for report in told(aws)] == [TARGET_ID]
    assert record_item(clients)["state"] == "waiting"


class Function:
    """The function as it is deployed, with what becomes of one message."""

    def __init__(self, worker: Worker, aws: Aws) -> None:
        self.worker = worker
        self.aws = aws

    def verdict(self, body: str, attempt: int = 1) -> Any:
        message = {"messageId": "message", "body": body, "messageAttributes": {}}
        return restore_worker._verdict(message, attempt, self.worker)


@pytest.fixture
def function(worker: Worker, aws: Aws) -> Function:
    return Function(worker, aws)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("{", "the message is not JSON: "),
        ("[]", "event is list, not an object"),
        (json.dumps(event("other_call")), "not a restore call: "),
    ],
)
def test_a_message_that_cannot_be_read_is_told(function: Function, aws: Aws, body: str, reason: str) -> None:
    verdict = function.verdict(body)

    assert isinstance(verdict, GivenUp)
    (report,) = told(aws)
    assert (report["result"], report["source"], report["target"]) == ("failed", None, None)
    assert report["reason"].startswith(reason)
    (notification,) = aws.named("Publish")
    assert notification["Subject"] == "DynamoDB restore failed: unknown table -> unknown table"


def test_an_origin_that_may_not_be_asked_for_is_told(function: Function, aws: Aws) -> None:
    deny(aws, "DescribeRestoreJob")

    assert isinstance(function.verdict(json.dumps(event("job_running_without_table"))), GivenUp)

    (report,) = told(aws)
    assert report["reason"] == "DescribeRestoreJob: AccessDeniedException: no"
    assert report["restore_id"] == event("job_running_without_table")["detail"]["restoreJobId"]
    assert report["requested_at"] is not None
    assert len(aws.named("Publish")) == 1


def test_an_origin_that_stays_unknown_ends_the_record_of_its_table(
    function: Function, worker: Worker, aws: Aws, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table is on record as waiting by an earlier delivery of the same event."""
    body = json.dumps(event("backup_without_answer"))
    seen = parse_message(body)
    monkeypatch.setattr(restore_worker, "parse_message", lambda _: seen)
    wait(worker, aws)
    worker.pins.pin(seen.event_id, TARGET, TARGET_ID, REQUESTED_AT)
    deny(aws, "DescribeTable")

    assert isinstance(function.verdict(body), GivenUp)

    assert record_item(clients)["state"] == "failed"


def test_a_fault_of_our_own_is_told_wherever_it_comes_from(
    function: Function, worker: Worker, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise LookupError("a mistake")

    monkeypatch.setattr(restore_worker, "find_origin", fail)
    body = json.dumps(event("job_running_without_table"))

    assert isinstance(function.verdict(body, attempt=4), TryAgain)
    assert isinstance(function.verdict(body, attempt=5), GivenUp)

    assert [report["reason"] for report in told(aws)] == ["LookupError: a mistake"]


def test_a_record_of_another_release_is_told_too(worker: Worker, aws: Aws, clients: Clients) -> None:
    wait(worker, aws)
    clients.dynamodb.update_item(
        TableName="dynamodb-restore-restores",
        Key={"pk": {"S": f"target#{TARGET}"}, "sk": {"S": f"restore#{TARGET_ID}"}},
        UpdateExpression="SET #state = :state",
        ExpressionAttributeNames={"#state": "state"},
        ExpressionAttributeValues={":state": {"S": "pending"}},
    )
    with pytest.raises(ValueError, match="pending"):
        worker.follow(delivery(request(), 5))

    verdict = worker.failed(
        delivery(request(), 5), ReasonCode.UNEXPECTED_ERROR, "ValueError: no", retryable=True
    )

    assert isinstance(verdict, GivenUp)
    assert [report["reason"] for report in told(aws)] == ["ValueError: no"]


def test_a_drill_that_is_given_up_wakes_nobody(aws: Aws, clients: Clients, clock: Clock) -> None:
    make_restore(aws, clients, clock)
    topic = clients.sns.create_topic(Name="notifications")["TopicArn"]
    polling = Polling(5, Backoff(base_seconds=10, rate=2, cap_seconds=300, jitter=0))
    drill = Override("*", TARGET, {}, follow=True, replay=False, notify=False, polling=polling)
    worker = make_worker(clients, clock, topic_arn=topic, overrides=[drill])
    deny(aws, "DescribeTable")

    assert isinstance(worker.follow(delivery(request(), 1)), GivenUp)

    assert (len(told(aws)), aws.named("Publish")) == (1, [])
