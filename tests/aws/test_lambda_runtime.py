"""Lambda around a function: the poller of a queue, whose invocations may overlap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tests.aws.account import Account
from tests.aws.lambda_runtime import QueuePoller, context
from tests.aws.names import queue_url

BUFFER = queue_url("changes.fifo")


@pytest.fixture
def poller(account: Account) -> QueuePoller:
    account.queues.make("changes.fifo", visibility_seconds=180)
    for number in range(3):
        account.queues.put(BUFFER, f"body {number}", group="1")
    return QueuePoller(account, BUFFER)


def test_a_message_is_delivered_as_lambda_tells_it(account: Account) -> None:
    account.queues.make("restores")
    reason = {"reason": {"DataType": "String", "StringValue": "still_waiting"}}
    account.queues.put(queue_url("restores"), "hello", attributes=reason)
    delivery = QueuePoller(account, queue_url("restores")).receive()
    assert delivery is not None
    (record,) = delivery.records
    milliseconds = str(int(account.clock.now * 1000))
    assert record == {
        "messageId": "message-1",
        "receiptHandle": "message-1/receipt-1",
        "body": "hello",
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": milliseconds,
            "ApproximateFirstReceiveTimestamp": milliseconds,
        },
        "messageAttributes": {"reason": {"stringValue": "still_waiting", "dataType": "String"}},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:restores",
        "awsRegion": "eu-central-1",
    }


def test_what_is_not_reported_as_failed_is_deleted(account: Account, poller: QueuePoller) -> None:
    def function(records: Sequence[dict[str, Any]]) -> list[str]:
        return [record["messageId"] for record in records[1:]]

    assert poller.deliver(function)
    left = account.queues.queues[BUFFER].messages
    assert [message.body for message in left.values()] == ["body 1", "body 2"]
    assert not poller.deliver(function), "the group is locked until what failed comes back"
    account.clock.sleep(180)
    assert poller.deliver(lambda records: [])
    assert left == {}


def test_a_function_that_fails_gets_all_of_it_again(account: Account, poller: QueuePoller) -> None:
    def function(records: Sequence[dict[str, Any]]) -> list[str]:
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - the one above
        poller.deliver(function)
    account.clock.sleep(180)
    delivery = poller.receive()
    assert delivery is not None
    assert [record["attributes"]["ApproximateReceiveCount"] for record in delivery.records] == ["2"] * 3


def test_a_throttled_start_makes_two_invocations_overlap(account: Account, poller: QueuePoller) -> None:
    """Lambda holds a batch for a throttled function: it starts late in the visibility timeout, and is still at work when
    the messages are delivered again. What it deletes then is no longer its own."""
    held = poller.receive()
    assert held is not None
    account.clock.sleep(175)
    assert poller.receive() is None
    account.clock.sleep(10)
    again = poller.receive()
    assert again is not None
    assert again.ids == held.ids
    poller.finish(held, failed=())
    assert len(account.queues.queues[BUFFER].messages) == 3, "the handles of the first delivery have expired"
    poller.finish(again, failed=())
    assert account.queues.queues[BUFFER].messages == {}


def test_time_runs_out_on_the_virtual_clock(account: Account) -> None:
    told = context("replay", account.clock, 30)
    account.clock.sleep(12.5)
    assert told.get_remaining_time_in_millis() == 17_500
    assert told.invoked_function_arn == "arn:aws:lambda:eu-central-1:123456789012:function:replay"
