"""Messages of the buffer as Lambda delivers them: their lease, and their visibility timeout when they are returned."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dynamodb_restore.aws import AwsError, Clients, explain
from dynamodb_restore.changes.bundle import LATE_SECONDS
from dynamodb_restore.pace import Clock

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import ChangeMessageVisibilityBatchRequestEntryTypeDef

_ENTRIES_PER_CALL = 10
"""ChangeMessageVisibilityBatch
(docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibilityBatch.html)."""

_LEASE_MARGIN_SECONDS = 30
"""How much longer than the invocation a lease lasts. A request that the invocation sent in its last moment is waited for
by the SDK for `aws.CALL_SECONDS`, connecting included; what takes effect later still is in a note (`doubt`)."""

_LONGEST_LEASE_SECONDS = 12 * 3600
"""docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html"""

_SHORTEST_PAUSE_SECONDS = 2
_LONGEST_PAUSE_SECONDS = 300
_DELIVERIES_PER_STEP_AFTER_A_FAILURE = 3
_DELIVERIES_PER_STEP_WHILE_WORKING = 25


@dataclass(frozen=True)
class Delivery:
    """One SQS message as Lambda delivers it.

    Attributes:
        sequence: SQS's sequence number, the same at each delivery.
        sent_at: when SQS took the message, epoch seconds.
        receives: how often it was received, this time included (approximately, says SQS).
    """

    message_id: str
    handle: str
    group: str
    sequence: int
    sent_at: float
    receives: int
    body: str

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Delivery:
        """Read one record of an SQS event (docs.aws.amazon.com/lambda/latest/dg/with-sqs.html)."""
        attributes = record["attributes"]
        return cls(
            message_id=record["messageId"],
            handle=record["receiptHandle"],
            group=attributes["MessageGroupId"],
            sequence=int(attributes["SequenceNumber"]),
            sent_at=int(attributes["SentTimestamp"]) / 1000,
            receives=int(attributes.get("ApproximateReceiveCount", 1)),
            body=record["body"],
        )

    def is_late(self, packed_at: float) -> bool:
        """Whether the message's images may be older than what was replayed before it.

        It is a send that arrived late, or one that somebody redrove from the DLQ (`bundle.LATE_SECONDS`). Either way later
        changes of its items may have been captured and replayed before it, and its images are not to be trusted: its
        keys are, and say which items to read from the source. Nothing is lost where that is done needlessly: reading an
        item again from the source is right at any time.
        """
        return self.sent_at - packed_at > LATE_SECONDS


def pause_seconds(receives: int, *, working: bool) -> int:
    """How long a message that comes back stays hidden.

    Left alone it would stay so for its lease. The pause doubles from 2 s to 300 s as deliveries go by: every
    third delivery after a failure, every 25th where only the time or the write rate of an invocation ran out.

    | delivery, after a failure | 1-3 | 4-6 | 7-9 | 10-12 | 13-15 | 16-18 | 19-21 | 22-24 | from 25 |
    | delivery, while working | 1-25 | 26-50 | 51-75 | 76-100 | 101-125 | 126-150 | 151-175 | 176-200 | from 201 |
    | pause, seconds | 2 | 4 | 8 | 16 | 32 | 64 | 128 | 256 | 300 |

    SQS moves a message to the DLQ after 1,000 receives: after 3.4 days of failures, and after 2.9 days of work and
    the time that the invocations themselves take.

    Args:
        receives: of the first message of the group that comes back, this delivery included: later ones are not
            delivered before it, and one that is hidden longer would hold it back.
        working: whether only time or rate ran out.
    """
    step = _DELIVERIES_PER_STEP_WHILE_WORKING if working else _DELIVERIES_PER_STEP_AFTER_A_FAILURE
    doublings = min((max(receives, 1) - 1) // step, 10)
    return min(_LONGEST_PAUSE_SECONDS, _SHORTEST_PAUSE_SECONDS << doublings)


def lease(
    clients: Clients, buffer_url: str, deliveries: Sequence[Delivery], clock: Clock
) -> tuple[set[str], Exception | None]:
    """Extend the visibility timeout beyond the end of this invocation, so that no other invocation works on their groups.

    An invocation can begin long after its messages were received: Lambda retries a throttled one until they are visible
    again. A receipt handle of a FIFO queue ends with the visibility timeout
    (docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-understanding-logic.html), so what is
    somebody else's by now is refused here.

    Returns:
        The ids of the messages that are ours, and the error of the call, where it failed as a whole.
    """
    # From before the request: SQS counts from when it handles it, which is later.
    seconds = min(_LONGEST_LEASE_SECONDS, math.ceil(clock.remaining_seconds) + _LEASE_MARGIN_SECONDS)
    try:
        return _hide(clients, buffer_url, dict.fromkeys(deliveries, seconds)), None
    except AwsError as error:
        return set(), error


def let_come_back(clients: Clients, buffer_url: str, pauses: Mapping[Delivery, int]) -> str | None:
    """Shorten the visibility timeout of messages. Without this they are delivered again after their lease.

    Returns:
        Why it failed; None where it did not.
    """
    try:
        _hide(clients, buffer_url, pauses)
    except AwsError as error:
        return explain(error)
    return None


def _hide(clients: Clients, buffer_url: str, seconds: Mapping[Delivery, int]) -> set[str]:
    """Set how long messages stay hidden, from now; the ids of those of which SQS says that they do."""
    hidden: set[str] = set()
    deliveries = list(seconds)
    for start in range(0, len(deliveries), _ENTRIES_PER_CALL):
        part = deliveries[start : start + _ENTRIES_PER_CALL]
        entries: list[ChangeMessageVisibilityBatchRequestEntryTypeDef] = [
            {"Id": str(number), "ReceiptHandle": delivery.handle, "VisibilityTimeout": seconds[delivery]}
            for number, delivery in enumerate(part)
        ]
        answer = clients.sqs.change_message_visibility_batch(QueueUrl=buffer_url, Entries=entries)
        hidden |= {part[int(success["Id"])].message_id for success in answer.get("Successful", [])}
    return hidden
