"""A restore is followed until the queue forgets its message.

The worker hides its message at the end of a run, so a restore that is followed to its last attempt is on the queue for all
the waits and for all the runs. SQS counts from when the message was sent, and drops what is too old without a word
(docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html, MessageRetentionPeriod).
The plan is to refuse numbers by which that can happen: what it counts with is measured here.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import hcl2
import pytest

from dynamodb_restore.backoff import Backoff
from tests.aws.clock import VirtualClock
from tests.aws.queues import LONGEST_RETENTION_SECONDS, Queue, Queues

RUNS = Path(__file__).resolve().parents[1] / "terraform" / "retention.tftest.hcl"


def _runs() -> Mapping[str, Mapping[str, Any]]:
    """The runs of the Terraform test that say how long a message is on the queue, by name."""
    with RUNS.open(encoding="utf-8") as file:
        blocks = hcl2.load(file)["run"]
    return {name.strip('"'): body for block in blocks for name, body in block.items() if "assert" in body}


def _followed(polling: Mapping[str, float], run_seconds: float, queue: Queue, queues: Queues) -> float | None:
    """How old the message is at the end of the last attempt; None where the queue has forgotten it before.

    Each run takes the function's whole time, hides the message for the full delay, and fails.
    """
    clock, url = queues.clock, queue.url
    backoff = Backoff(
        polling["base_delay_seconds"],
        polling["backoff_rate"],
        polling["max_delay_seconds"],
        polling["jitter"],
    )
    message = queues.put(url, "the event")
    for attempt in range(1, int(polling["max_attempts"]) + 1):
        received = queues.operations["ReceiveMessage"]({"QueueUrl": url}).get("Messages")
        if not received:
            return None
        clock.sleep(run_seconds)
        if attempt < polling["max_attempts"]:
            delay = backoff.delay(attempt, random.Random(0))
            queues.operations["ChangeMessageVisibility"](
                {
                    "QueueUrl": url,
                    "ReceiptHandle": received[0]["ReceiptHandle"],
                    "VisibilityTimeout": round(delay),
                }
            )
            clock.sleep(round(delay))
    queue.expire(clock.of("sqs"))
    return clock.now - message.sent_at if message.message_id in queue.messages else None


@pytest.mark.parametrize("name", sorted(_runs()))
def test_the_plan_counts_with_all_the_time_that_a_message_is_on_the_queue(name: str) -> None:
    run = _runs()[name]
    (variables,) = run["variables"]
    (claim,) = run["assert"]
    counted = int(re.search(r"== (\d+)", claim["condition"]).group(1))  # type: ignore[union-attr]
    timeout = variables["lambda"]["timeout"]
    visibility = variables["restore_queue"]["visibility_timeout_seconds"]
    retention = variables["restore_queue"]["message_retention_seconds"]

    def followed(retention_seconds: float) -> float | None:
        queues = Queues(VirtualClock(0.0))
        queue = queues.make("restores", visibility_seconds=visibility, retention_seconds=retention_seconds)
        return _followed(variables["polling"], timeout, queue, queues)

    age = followed(LONGEST_RETENTION_SECONDS)
    assert age is not None
    # Of each delay less than a second is rounded away.
    assert counted - variables["polling"]["max_attempts"] / 2 <= age <= counted + 10
    assert followed(retention) is not None
    assert followed(age - timeout) is None
