"""SQS: standard and FIFO queues, with their dead-letter queues."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from botocore.exceptions import ClientError

from tests.aws.choices import Choices
from tests.aws.clock import VirtualClock
from tests.aws.errors import client_error
from tests.aws.names import queue_arn, queue_url

DEDUPLICATION_SECONDS = 300
"""docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-messagededuplicationid-property.html"""

LONGEST_RETENTION_SECONDS = 14 * 86_400
LONGEST_VISIBILITY_SECONDS = 43_200
LARGEST_MESSAGE = 1_048_576
MOST_ENTRIES = 10
_LOOKED_AT = 120_000
"""Messages in which a FIFO queue looks for groups that are free.

docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html and FIFO-queues-understanding-logic.html
"""

_FIRST_SEQUENCE = 18_849_496_460_467_696_128
_SEQUENCE_STEP = 256
_NOT_ALLOWED = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html"""

_GROUP = re.compile(r"[A-Za-z0-9!-/:-@\[-`{-~]{1,128}")


def fits_sqs(text: str) -> bool:
    """Whether SQS takes a text as a message."""
    if text.isascii() and text.isprintable():
        return 0 < len(text) <= LARGEST_MESSAGE
    return bool(text) and not _NOT_ALLOWED.search(text) and len(text.encode()) <= LARGEST_MESSAGE


@dataclass
class Message:
    """One message; instants are epoch seconds on the true clock, `sent_at` on the clock of SQS.

    Attributes:
        attributes: message attributes by name.
        group, sequence: of a FIFO queue.
        visible_at: when it can be received again.
        known_at: when the counts begin to tell of it.
        receipt: the handle of its last delivery.
        came_from: the queue that it was moved away from as a dead letter.
    """

    message_id: str
    body: str
    sent_at: float
    visible_at: float
    known_at: float
    attributes: dict[str, Any] = field(default_factory=dict)
    group: str = ""
    sequence: int | None = None
    received: int = 0
    first_received_at: float | None = None
    received_at: float = 0.0
    receipt: str = ""
    came_from: str | None = None

    @property
    def texts(self) -> dict[str, str]:
        """The message attributes that are texts."""
        return {name: value["StringValue"] for name, value in self.attributes.items()}


@dataclass
class Queue:
    """One queue. A FIFO queue is in high-throughput mode: a group is the scope of its deduplication ids.

    Attributes:
        max_receives: deliveries after which a message goes to the dead-letter queue; None for no end.
        dead_letters: that queue's URL.
        messages: by id, in the order of the queue.
        accepted: every message that was ever sent to it; duplicates are none.
    """

    name: str
    visibility_seconds: float = 30.0
    retention_seconds: float = LONGEST_RETENTION_SECONDS
    delay_seconds: float = 0.0
    counts_lag_seconds: float = 0.0
    max_receives: int | None = None
    dead_letters: str | None = None
    messages: dict[str, Message] = field(default_factory=dict)
    accepted: list[Message] = field(default_factory=list)
    _sequences: int = 0
    _seen: dict[tuple[str, str], Message] = field(default_factory=dict)
    _oldest: float = float("inf")

    @property
    def fifo(self) -> bool:
        return self.name.endswith(".fifo")

    @property
    def url(self) -> str:
        return queue_url(self.name)

    def expire(self, now: float) -> None:
        """Drop what has been kept for as long as the queue keeps anything."""
        if now - self._oldest < self.retention_seconds:
            return
        kept = [one for one in self.messages.values() if now - one.sent_at < self.retention_seconds]
        self.messages = {one.message_id: one for one in kept}
        self._oldest = min((one.sent_at for one in kept), default=float("inf"))

    def duplicate(self, group: str, deduplication_id: str, now: float) -> Message | None:
        seen = self._seen.get((group, deduplication_id))
        return seen if seen is not None and now - seen.sent_at < DEDUPLICATION_SECONDS else None

    def append(self, message: Message, deduplication_id: str | None = None) -> None:
        """Put a message at the end; a FIFO queue gives it a sequence number."""
        if self.fifo:
            message.sequence = _FIRST_SEQUENCE + _SEQUENCE_STEP * self._sequences
            self._sequences += 1
        if deduplication_id is not None:
            self._seen[message.group, deduplication_id] = message
        self.messages[message.message_id] = message
        self._oldest = min(self._oldest, message.sent_at)

    def receivable(self, now: float, choices: Choices) -> Iterator[Message]:
        """The visible messages; of a FIFO queue only those of groups that have none in flight."""
        if not self.fifo:
            yield from [one for one in self.messages.values() if one.visible_at <= now]
            return
        near = list(islice(self.messages.values(), _LOOKED_AT))
        locked = {one.group for one in near if one.visible_at > now}
        chosen = choices.groups(sorted({one.group for one in near} - locked))
        yield from [one for one in near if one.group in chosen]


@dataclass
class Queues:
    """All queues by URL."""

    clock: VirtualClock = field(default_factory=VirtualClock)
    choices: Choices = field(default_factory=Choices)
    queues: dict[str, Queue] = field(default_factory=dict)
    _sent: int = 0

    @property
    def operations(self) -> Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]]:
        return {
            "SendMessage": self._send,
            "SendMessageBatch": self._send_batch,
            "ReceiveMessage": self._receive,
            "DeleteMessage": self._delete,
            "DeleteMessageBatch": self._delete_batch,
            "ChangeMessageVisibility": self._hide,
            "ChangeMessageVisibilityBatch": self._hide_batch,
            "GetQueueAttributes": self._attributes,
            "PurgeQueue": self._purge,
            "StartMessageMoveTask": self._redrive,
        }

    # Without a call ---------------------------------------------------------------------------------------------------

    def make(self, name: str, **properties: Any) -> Queue:
        """Make an empty queue, with properties of `Queue`; one that ends in `.fifo` is a FIFO queue."""
        queue = Queue(name, **properties)
        self.queues[queue.url] = queue
        return queue

    def put(
        self,
        url: str,
        body: str,
        *,
        attributes: Mapping[str, Any] | None = None,
        group: str = "",
        deduplication_id: str | None = None,
        delay_seconds: float | None = None,
    ) -> Message:
        """Send a message; returns the earlier one where it is a duplicate."""
        queue = self.queues[url]
        now = self.clock.of("sqs")
        if deduplication_id is not None and (seen := queue.duplicate(group, deduplication_id, now)):
            return seen
        self._sent += 1
        delay = queue.delay_seconds if delay_seconds is None else delay_seconds
        message = Message(
            message_id=f"message-{self._sent}",
            body=body,
            sent_at=now,
            visible_at=self.clock.now + delay,
            known_at=self.clock.now + self.choices.between(0, queue.counts_lag_seconds),
            attributes=dict(attributes or {}),
            group=group,
        )
        queue.append(message, deduplication_id)
        queue.accepted.append(message)
        return message

    def redrive(self, url: str, to: str | None = None) -> int:
        """Move all of a dead-letter queue to where each came from, or elsewhere; returns how many.

        They are new messages: with new ids, sequence numbers and times
        (docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html).
        """
        letters = list(self.queues[url].messages.values())
        for letter in letters:
            destination = to or letter.came_from
            if destination is None:
                raise ValueError(f"{letter.message_id} was sent to {url}: nobody knows where else to")
            self.put(destination, letter.body, attributes=letter.attributes, group=letter.group)
            del self.queues[url].messages[letter.message_id]
        return len(letters)

    def _queue(self, operation: str, parameters: Mapping[str, Any]) -> Queue:
        url = parameters["QueueUrl"]
        if url not in self.queues:
            raise client_error(
                operation, "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist."
            )
        self.queues[url].expire(self.clock.of("sqs"))
        return self.queues[url]

    # Sending ------------------------------------------------------------------------------------------------------------

    def _send(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        queue = self._queue("SendMessage", parameters)
        _check_size("SendMessage", "InvalidParameterValue", [parameters])
        return self._accept("SendMessage", queue, parameters)

    def _send_batch(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        operation = "SendMessageBatch"
        queue = self._queue(operation, parameters)
        entries = parameters["Entries"]
        _check_entries(operation, entries)
        _check_size(operation, "AWS.SimpleQueueService.BatchRequestTooLong", entries)
        successful, failed = [], []
        for entry in entries:
            failure = {"Id": entry["Id"], "Code": "InternalError", "Message": "", "SenderFault": False}
            if self.choices.entry_fails():
                failed.append(failure)
                continue
            try:
                accepted = self._accept(operation, queue, entry)
            except ClientError as error:
                failed.append({"Id": entry["Id"], **_as_failure(error)})
                continue
            if self.choices.answer_for_entry_is_lost():
                failed.append(failure)
            else:
                successful.append({"Id": entry["Id"], **accepted})
        return {"Successful": successful, "Failed": failed}

    def _accept(self, operation: str, queue: Queue, parameters: Mapping[str, Any]) -> dict[str, Any]:
        attributes = parameters.get("MessageAttributes", {})
        texts = [parameters["MessageBody"], *(value["StringValue"] for value in attributes.values())]
        if not all(map(fits_sqs, texts)):
            raise client_error(
                operation, "InvalidMessageContents", "an empty text, or characters outside the set"
            )
        group = parameters.get("MessageGroupId", "")
        deduplication_id = parameters.get("MessageDeduplicationId")
        if queue.fifo and not (_GROUP.fullmatch(group) and _GROUP.fullmatch(deduplication_id or "")):
            raise client_error(
                operation,
                "InvalidParameterValue",
                "The queue demands a MessageGroupId and a MessageDeduplicationId",
            )
        message = self.put(
            queue.url,
            parameters["MessageBody"],
            attributes=attributes,
            group=group,
            deduplication_id=deduplication_id,
            delay_seconds=parameters.get("DelaySeconds"),
        )
        digest = hashlib.md5(message.body.encode(), usedforsecurity=False).hexdigest()
        sequence = {} if message.sequence is None else {"SequenceNumber": str(message.sequence)}
        return {"MessageId": message.message_id, "MD5OfMessageBody": digest, **sequence}

    # Receiving ----------------------------------------------------------------------------------------------------------

    def _receive(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        queue = self._queue("ReceiveMessage", parameters)
        most = self.choices.at_most(parameters.get("MaxNumberOfMessages", 1))
        hidden = parameters.get("VisibilityTimeout", queue.visibility_seconds)
        messages: list[Message] = []
        for message in queue.receivable(self.clock.now, self.choices):
            if len(messages) == most:
                break
            if queue.max_receives is not None and message.received >= queue.max_receives:
                self._bury(queue, message)
                continue
            message.received += 1
            message.received_at = self.clock.now
            message.first_received_at = message.first_received_at or self.clock.of("sqs")
            message.visible_at = self.clock.now + hidden
            message.receipt = f"{message.message_id}/receipt-{message.received}"
            messages.append(message)
        return {"Messages": [_received(message) for message in messages]} if messages else {}

    def _bury(self, queue: Queue, message: Message) -> None:
        """Move a message to the dead-letter queue. A standard queue's keeps its age; in a FIFO queue it begins anew
        (docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html)."""
        del queue.messages[message.message_id]
        if queue.dead_letters is None:
            raise ValueError(f"{queue.name} has no dead-letter queue")
        message.came_from = queue.url
        message.received = 0
        message.first_received_at = None
        if queue.fifo:
            message.sent_at = self.clock.of("sqs")
        self.queues[queue.dead_letters].append(message)

    # Deleting and hiding --------------------------------------------------------------------------------------------------

    def _delete(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """A message that is gone is deleted with success; an old handle of a standard queue's may delete nothing
        (docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessage.html)."""
        return self._delete_by_handle("DeleteMessage", self._queue("DeleteMessage", parameters), parameters)

    def _delete_by_handle(
        self, operation: str, queue: Queue, parameters: Mapping[str, Any]
    ) -> dict[str, Any]:
        message = self._held(operation, queue, parameters["ReceiptHandle"])
        current = message is not None and message.receipt == parameters["ReceiptHandle"]
        if message is not None and current and not self.choices.deletion_is_lost():
            del queue.messages[message.message_id]
        return {}

    def _delete_batch(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return self._each("DeleteMessageBatch", parameters, self._delete_by_handle)

    def _hide(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        operation = "ChangeMessageVisibility"
        return self._hide_by_handle(operation, self._queue(operation, parameters), parameters)

    def _hide_batch(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return self._each("ChangeMessageVisibilityBatch", parameters, self._hide_by_handle)

    def _hide_by_handle(self, operation: str, queue: Queue, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html"""
        handle, seconds = parameters["ReceiptHandle"], parameters["VisibilityTimeout"]
        message = self._held(operation, queue, handle)
        if message is None or message.receipt != handle:
            raise _invalid(
                operation,
                f"Value {handle} for parameter ReceiptHandle is invalid. Reason: Message does not exist",
            )
        if message.visible_at <= self.clock.now:
            raise client_error(
                operation, "AWS.SimpleQueueService.MessageNotInflight", "The message is not in flight"
            )
        if not 0 <= seconds <= LONGEST_VISIBILITY_SECONDS:
            raise _invalid(operation, f"Value {seconds} for parameter VisibilityTimeout is invalid")
        if self.clock.now + seconds > message.received_at + LONGEST_VISIBILITY_SECONDS:
            raise _invalid(
                operation, "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]"
            )
        message.visible_at = self.clock.now + seconds
        return {}

    def _held(self, operation: str, queue: Queue, handle: str) -> Message | None:
        """The message of a handle; a FIFO queue's handles expire with the visibility timeout."""
        message = queue.messages.get(handle.partition("/")[0])
        if message is None or not queue.fifo:
            return message
        if message.receipt != handle or message.visible_at <= self.clock.now:
            raise _invalid(
                operation,
                f"Value {handle} for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.",
            )
        return message

    def _each(
        self,
        operation: str,
        parameters: Mapping[str, Any],
        carry_out: Callable[[str, Queue, Mapping[str, Any]], dict[str, Any]],
    ) -> dict[str, Any]:
        queue = self._queue(operation, parameters)
        _check_entries(operation, parameters["Entries"])
        successful, failed = [], []
        for entry in parameters["Entries"]:
            try:
                carry_out(operation, queue, entry)
            except ClientError as error:
                failed.append({"Id": entry["Id"], **_as_failure(error)})
            else:
                successful.append({"Id": entry["Id"]})
        return {"Successful": successful, "Failed": failed}

    # The queue as a whole ---------------------------------------------------------------------------------------------------

    def _attributes(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        queue = self._queue("GetQueueAttributes", parameters)
        now = self.clock.now
        known = [one for one in queue.messages.values() if one.known_at <= now]
        hidden = [one for one in known if one.visible_at > now]
        delayed = sum(not one.received for one in hidden)
        told = {
            "QueueArn": queue_arn(queue.name),
            "VisibilityTimeout": queue.visibility_seconds,
            "MessageRetentionPeriod": queue.retention_seconds,
            "ApproximateNumberOfMessages": len(known) - len(hidden),
            "ApproximateNumberOfMessagesNotVisible": len(hidden) - delayed,
            "ApproximateNumberOfMessagesDelayed": delayed,
        }
        names = parameters["AttributeNames"]
        return {"Attributes": {name: str(told[name]) for name in (told if "All" in names else names)}}

    def _purge(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        self._queue("PurgeQueue", parameters).messages.clear()
        return {}

    def _redrive(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        by_arn = {queue_arn(queue.name): url for url, queue in self.queues.items()}
        destination = parameters.get("DestinationArn")
        self.redrive(by_arn[parameters["SourceArn"]], by_arn[destination] if destination else None)
        return {"TaskHandle": "moved"}


def _received(message: Message) -> dict[str, Any]:
    attributes = {
        "SentTimestamp": str(int(message.sent_at * 1000)),
        "ApproximateReceiveCount": str(message.received),
        "ApproximateFirstReceiveTimestamp": str(int((message.first_received_at or 0.0) * 1000)),
    }
    if message.sequence is not None:
        attributes |= {"MessageGroupId": message.group, "SequenceNumber": str(message.sequence)}
    return {
        "MessageId": message.message_id,
        "ReceiptHandle": message.receipt,
        "Body": message.body,
        "Attributes": attributes,
        "MessageAttributes": message.attributes,
    }


def _check_entries(operation: str, entries: Sequence[Mapping[str, Any]]) -> None:
    ids = [entry["Id"] for entry in entries]
    problem = None
    if not entries:
        problem = "EmptyBatchRequest"
    elif len(entries) > MOST_ENTRIES:
        problem = "TooManyEntriesInBatchRequest"
    elif len(set(ids)) != len(ids):
        problem = "BatchEntryIdsNotDistinct"
    if problem:
        raise client_error(
            operation, f"AWS.SimpleQueueService.{problem}", f"{len(entries)} entries, ids {ids}"
        )


def _check_size(operation: str, code: str, entries: Sequence[Mapping[str, Any]]) -> None:
    """A message's attributes count: their names, types and values."""
    size = 0
    for entry in entries:
        size += _bytes_of(entry["MessageBody"])
        for name, value in entry.get("MessageAttributes", {}).items():
            size += sum(map(_bytes_of, (name, value["DataType"], value["StringValue"])))
    if size > LARGEST_MESSAGE:
        raise client_error(operation, code, f"{size} bytes are more than {LARGEST_MESSAGE}")


def _bytes_of(text: str) -> int:
    # JSON can carry half of a surrogate pair as far as to SQS, which refuses it for that.
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _as_failure(error: ClientError) -> dict[str, Any]:
    return {**error.response["Error"], "SenderFault": True}


def _invalid(operation: str, message: str) -> ClientError:
    return client_error(operation, "InvalidParameterValue", message)
