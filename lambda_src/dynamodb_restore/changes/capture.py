"""Capture: a batch of stream records becomes bundles in the FIFO buffer.

Order is the only hard part. One call to SQS carries at most one bundle of a group, so that an entry that
fails cannot be overtaken by a later one of its group; a group that failed sends no more; and the stream is
told to deliver again from the first record that was not sent.
"""

from __future__ import annotations

import hashlib
import random
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dynamodb_restore.aws import AwsError, Clients, explain
from dynamodb_restore.backoff import Backoff
from dynamodb_restore.changes.bundle import Bundle, pack
from dynamodb_restore.changes.change import Change, MalformedChangeError, change_of, is_expiry

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef, SendMessageBatchResultTypeDef

_ENTRIES_PER_CALL = 10
_BYTES_PER_CALL = 1_048_576
"""SendMessageBatch: ten entries, 1 MiB together
(docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html)."""

_SENDS = 4
_BACKOFF = Backoff(base_seconds=0.1, rate=3, cap_seconds=2, jitter=0.5)
"""Tries of one entry within an invocation; after them the stream delivers the records again."""


@dataclass(frozen=True)
class CaptureOptions:
    """How a pipeline captures.

    Attributes:
        group_count: FIFO message groups; never changed while changes are buffered.
        byte_limit: longest message body, bytes.
        keep_expiries: whether deletes by time to live are captured.
    """

    buffer_url: str
    group_count: int
    byte_limit: int
    keep_expiries: bool


@dataclass
class Captured:
    """What one batch came to.

    Attributes:
        positions: group to the SQS sequence number of its last accepted bundle.
        sent: changes in accepted bundles.
        skipped: records left out by choice.
        through: epoch seconds of the latest change that was sent; None where none was.
        since: epoch seconds of the earliest change in the batch; None for an empty batch.
        retry_from: sequence number of the first record that was not sent; None where all were.
        problem: why it was not.
    """

    positions: dict[int, int] = field(default_factory=dict)
    sent: int = 0
    skipped: int = 0
    through: int | None = None
    since: int | None = None
    retry_from: str | None = None
    problem: str | None = None


def capture(
    records: Sequence[Mapping[str, Any]],
    options: CaptureOptions,
    clients: Clients,
    *,
    nonce: str,
    sleep: Callable[[float], None],
    rng: random.Random,
) -> Captured:
    """Send a batch of stream records to the buffer.

    Args:
        nonce: differs between invocations. It is part of every deduplication id, because a batch may be
            delivered again in other portions: SQS would then drop a bundle that it has seen minutes ago,
            although an older change of the same item has been sent once more in between.
    """
    captured = Captured()
    changes, malformed = _changes(records, options, captured)
    unsent = len(records)
    if malformed is not None:
        unsent, captured.problem = malformed
    groups = pack(changes, group_count=options.group_count, byte_limit=options.byte_limit)
    queues = {group: deque(bundles) for group, bundles in groups.items()}
    while queues:
        heads = [bundles[0] for bundles in queues.values()]
        for call in _calls(heads):
            accepted, problem = _send(call, options, clients, nonce, sleep, rng)
            captured.problem = problem or captured.problem
            for bundle in call:
                queue = queues[bundle.group]
                if bundle.group in accepted:
                    queue.popleft()
                    captured.positions[bundle.group] = accepted[bundle.group]
                    captured.sent += bundle.count
                    captured.through = max(captured.through or 0, bundle.last_time)
                else:
                    unsent = min(unsent, bundle.first)
                    queue.clear()
                if not queue:
                    del queues[bundle.group]
    if unsent < len(records):
        captured.retry_from = _sequence(records[unsent])
    return captured


def _changes(
    records: Sequence[Mapping[str, Any]], options: CaptureOptions, captured: Captured
) -> tuple[list[tuple[int, Change]], tuple[int, str] | None]:
    """The changes up to the first malformed record, and that record's position and fault."""
    changes: list[tuple[int, Change]] = []
    for position, record in enumerate(records):
        if not options.keep_expiries and is_expiry(record):
            captured.skipped += 1
            continue
        try:
            change = change_of(record)
        except MalformedChangeError as error:
            return changes, (position, str(error))
        changes.append((position, change))
        captured.since = min(captured.since or change.time, change.time)
    return changes, None


def _sequence(record: Mapping[str, Any]) -> str:
    # Lambda resumes a stream at a sequence number; where a record has none, an empty one makes it deliver
    # the whole batch again (docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html).
    data = record.get("dynamodb")
    return str(data.get("SequenceNumber", "")) if isinstance(data, Mapping) else ""


def _calls(bundles: Sequence[Bundle]) -> Iterator[list[Bundle]]:
    """Cut bundles of different groups into calls that SQS takes."""
    call: list[Bundle] = []
    size = 0
    for bundle in bundles:
        if call and (len(call) == _ENTRIES_PER_CALL or size + len(bundle.body) > _BYTES_PER_CALL):
            yield call
            call, size = [], 0
        call.append(bundle)
        size += len(bundle.body)
    if call:
        yield call


def _send(
    call: Sequence[Bundle],
    options: CaptureOptions,
    clients: Clients,
    nonce: str,
    sleep: Callable[[float], None],
    rng: random.Random,
) -> tuple[dict[int, int], str | None]:
    """Send one bundle of each of several groups; return the accepted groups' SQS sequence numbers."""
    waiting = {str(bundle.group): bundle for bundle in call}
    accepted: dict[int, int] = {}
    problem: str | None = None
    for attempt in range(1, _SENDS + 1):
        entries = [_entry(bundle, nonce) for bundle in waiting.values()]
        try:
            answer = clients.sqs.send_message_batch(QueueUrl=options.buffer_url, Entries=entries)
        except AwsError as error:
            # botocore has tried again already; the stream delivers these records once more.
            return accepted, explain(error)
        for success in answer.get("Successful", []):
            del waiting[success["Id"]]
            accepted[int(success["Id"])] = int(success["SequenceNumber"])
        if not waiting:
            return accepted, None
        problem = _first_failure(answer)
        if attempt < _SENDS:
            sleep(_BACKOFF.delay(attempt, rng))
    return accepted, problem


def _entry(bundle: Bundle, nonce: str) -> SendMessageBatchRequestEntryTypeDef:
    return {
        "Id": str(bundle.group),
        "MessageBody": bundle.body,
        "MessageGroupId": str(bundle.group),
        "MessageDeduplicationId": hashlib.sha256(
            f"{nonce}/{bundle.first}/{bundle.body}".encode()
        ).hexdigest(),
    }


def _first_failure(answer: SendMessageBatchResultTypeDef) -> str:
    failures = answer.get("Failed", [])
    if not failures:
        return "SendMessageBatch: entries neither successful nor failed"
    return f"SendMessageBatch: {failures[0].get('Code')}: {failures[0].get('Message')}"
