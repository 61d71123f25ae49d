"""What Lambda does around a function: its context, events as it delivers them, and the pollers of queues and streams."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from tests.aws.account import Account
from tests.aws.clock import VirtualClock
from tests.aws.names import ACCOUNT, REGION, function_arn, queue_arn
from tests.aws.streams import Record, Shard, Stream

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


@dataclass
class Context:
    """What Lambda tells a function of its invocation; time runs out on the virtual clock."""

    function_name: str
    clock: VirtualClock
    seconds: float
    memory_limit_in_mb: int = 256
    aws_request_id: str = "11111111-2222-3333-4444-555555555555"
    invoked_function_arn: str = ""

    def __post_init__(self) -> None:
        self.invoked_function_arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.function_name}"
        self._deadline = self.clock.now + self.seconds

    def get_remaining_time_in_millis(self) -> int:
        return int((self._deadline - self.clock.now) * 1000)


def context(name: str, clock: VirtualClock, seconds: float, invocation: int = 1) -> LambdaContext:
    """The context of one invocation of a function.

    Args:
        invocation: tells its request id from those of others.
    """
    request_id = f"11111111-2222-3333-4444-{invocation:012d}"
    return cast("LambdaContext", Context(name, clock, seconds, aws_request_id=request_id))


# Events ---------------------------------------------------------------------------------------------------------------


def sqs_record(message: Mapping[str, Any], queue_name: str) -> dict[str, Any]:
    """A message as ReceiveMessage answers, in the form in which Lambda delivers it
    (docs.aws.amazon.com/lambda/latest/dg/with-sqs.html)."""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": {
            name: {"stringValue": value["StringValue"], "dataType": value["DataType"]}
            for name, value in message.get("MessageAttributes", {}).items()
        },
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn(queue_name),
        "awsRegion": REGION,
    }


def stream_record(
    record: Record, view: str, convert: Callable[[Mapping[str, Any]], dict[str, Any]] | None = None
) -> dict[str, Any]:
    """A stream record as Lambda delivers it: binary is base64 text
    (docs.aws.amazon.com/lambda/latest/dg/with-ddb.html).

    Args:
        convert: `in_events`, or something that remembers what that made of an image.
    """
    convert = convert or in_events
    whole = convert(record.new or record.old or record.key)
    event = {
        "eventID": f"{record.sequence:x}",
        "eventName": record.kind,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": REGION,
        "dynamodb": {
            "ApproximateCreationDateTime": float(record.time),
            "Keys": {name: whole[name] for name in record.key},
            "SequenceNumber": str(record.sequence),
            "StreamViewType": view,
            **{name: convert(image) for name, image in record.images(view).items()},
        },
    }
    if record.expiry:
        event["userIdentity"] = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    return event


def in_events(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item of boto3's form as Lambda's events have it."""
    return {name: _value_in_events(value) for name, value in item.items()}


def _value_in_events(value: dict[str, Any]) -> dict[str, Any]:
    ((kind, content),) = value.items()
    match kind:
        case "B":
            return {"B": base64.b64encode(content).decode()}
        case "BS":
            return {"BS": [base64.b64encode(one).decode() for one in content]}
        case "L":
            return {"L": [_value_in_events(one) for one in content]}
        case "M":
            return {"M": in_events(content)}
    return value


def given_up(records: Sequence[Mapping[str, Any]], stream_arn: str, *, as_text: bool = True) -> bytes:
    """An object as Lambda writes it for records that it gives up
    (docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html).

    Args:
        as_text: whether the event is in it as a text, and not as an object.
    """
    event = {"Records": list(records)}
    last = max(float(record["dynamodb"]["ApproximateCreationDateTime"]) for record in records)
    arrival = datetime.fromtimestamp(last, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return json.dumps(
        {
            "requestContext": {
                "requestId": "316aa6d0-8154-xmpl-9af7-85d5f4a6bc81",
                "functionArn": function_arn("capture"),
                "condition": "RetryAttemptsExhausted",
                "approximateInvokeCount": 1,
            },
            "responseContext": {
                "statusCode": 200,
                "executedVersion": "$LATEST",
                "functionError": "Unhandled",
            },
            "version": "1.0",
            "timestamp": "2026-11-22T12:00:00.021Z",
            "DDBStreamBatchInfo": {
                "shardId": "shardId-00000001573689847184-864758bb",
                "startSequenceNumber": "1",
                "endSequenceNumber": "9",
                "approximateArrivalOfFirstRecord": arrival,
                "approximateArrivalOfLastRecord": arrival,
                "batchSize": len(records),
                "streamArn": stream_arn,
            },
            "payload": json.dumps(event) if as_text else event,
        }
    ).encode()


# Queues ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Delivery:
    """Messages that Lambda has received for one invocation.

    A throttled function gets them later, at any time until the visibility timeout has passed: two invocations can have
    the same messages (docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html).

    Attributes:
        records: in the form in which the function gets them.
    """

    records: Sequence[dict[str, Any]]

    @property
    def ids(self) -> list[str]:
        return [record["messageId"] for record in self.records]


@dataclass
class QueuePoller:
    """The poller of one queue's mapping."""

    account: Account
    url: str
    batch_size: int = 10

    def receive(self) -> Delivery | None:
        """Take a batch; None where there is nothing to receive."""
        answer = self.account.answer(
            "ReceiveMessage",
            {
                "QueueUrl": self.url,
                "MaxNumberOfMessages": self.batch_size,
                "MessageSystemAttributeNames": ["All"],
                "MessageAttributeNames": ["All"],
            },
        )
        name = self.account.queues.queues[self.url].name
        records = [sqs_record(message, name) for message in answer.get("Messages", [])]
        return Delivery(records) if records else None

    def finish(self, delivery: Delivery, failed: Collection[str]) -> None:
        """Delete what the function did not report as failed; the rest comes back after its visibility timeout."""
        entries = [
            {"Id": str(number), "ReceiptHandle": record["receiptHandle"]}
            for number, record in enumerate(delivery.records)
            if record["messageId"] not in failed
        ]
        if entries:
            self.account.answer("DeleteMessageBatch", {"QueueUrl": self.url, "Entries": entries})

    def deliver(self, function: Callable[[Sequence[dict[str, Any]]], Collection[str]]) -> bool:
        """Receive, invoke, delete; whether there was something to do. What the function raises is raised, and then all
        messages come back."""
        delivery = self.receive()
        if delivery is None:
            return False
        self.finish(delivery, function(delivery.records))
        return True


# Streams --------------------------------------------------------------------------------------------------------------


@dataclass
class _Place:
    """How far a shard is read.

    Attributes:
        position: the first record that is not done with.
        portion: how many records the next batch has at most; None for any number.
        waits_since: since when records wait for a batching window to end.
    """

    position: int = 0
    portion: int | None = None
    busy: bool = False
    exhausted: bool = False
    waits_since: float | None = None


@dataclass
class StreamPoller:
    """The poller of one stream's mapping: a batch of a shard at a time, and children after their parents.

    Attributes:
        uuid: of the mapping, which tells what became of the last batch.
        window_seconds: the mapping's batching window: a batch that is not full waits for so long.
        give_up_seconds: the mapping's maximum record age; infinite for none.
        failures: is given the records that are given up.
    """

    account: Account
    stream: Stream
    uuid: str
    batch_size: int = 1000
    window_seconds: float = 0.0
    give_up_seconds: float = float("inf")
    failures: Callable[[Sequence[dict[str, Any]]], object] = lambda _: None
    _events: dict[int, dict[str, Any]] = field(default_factory=dict)
    _images: dict[int, Any] = field(default_factory=dict)
    _places: dict[str, _Place] = field(default_factory=dict)

    def place(self, shard: Shard) -> _Place:
        """How far a shard is read; what has been trimmed meanwhile is passed over."""
        place = self._places.get(shard.shard_id)
        if place is None:
            place = self._places[shard.shard_id] = _Place()
        shard.trim(self.account.clock.now)
        if place.position < shard.trimmed:
            place.position = shard.trimmed
        return place

    def pending(self, shard: Shard) -> int:
        return len(shard.records) - self.place(shard).position

    def exhausted(self, shard: Shard) -> bool:
        """Whether a shard and all before it are read, so that its children may be."""
        place = self.place(shard)
        if not place.exhausted:
            before = shard.parent is None or self.exhausted(shard.parent)
            place.exhausted = before and shard.closed and place.position == len(shard.records)
        return place.exhausted

    @property
    def done(self) -> bool:
        """Whether all that was written has been delivered with success."""
        return not any(self.pending(shard) for shard in self.stream.shards)

    def ready(self) -> list[Shard]:
        """The shards of which a batch can be delivered now. What is too old is given up first
        (docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html)."""
        return [shard for shard in self.stream.shards if self._is_ready(shard)]

    def _is_ready(self, shard: Shard) -> bool:
        place = self.place(shard)
        if place.busy or (shard.parent is not None and not self.exhausted(shard.parent)):
            return False
        self._give_up(shard, place)
        pending = len(shard.records) - place.position
        if not pending:
            return False
        if not self.window_seconds or pending >= self.batch_size:
            return True
        if place.waits_since is None:
            place.waits_since = shard.records[place.position].written_at
        return self.account.clock.now - place.waits_since >= self.window_seconds

    def deliver(self, shard: Shard, function: Callable[[Sequence[dict[str, Any]]], Mapping[str, Any]]) -> int:
        """Invoke a function with the next batch of a shard; returns how many records are done with.

        A batch that failed is cut anew: bisected, the same again, or grown. AWS promises none of them. What the function
        raises is raised, and then all of it comes back.

        Args:
            function: answers with `batchItemFailures`, each the sequence number of a record: all from the first of them
                on comes back, and the mapping's last result is OK all the same
                (docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html).
        """
        choices, place = self.account.choices, self.place(shard)
        mapping = self.account.mappings.of(self.uuid)
        size = choices.at_most(min(self.pending(shard), self.batch_size, place.portion or self.batch_size))
        batch = shard.records[place.position : place.position + size]
        place.busy = True
        place.waits_since = None
        try:
            answer = function([self._event(record) for record in batch])
        except BaseException:
            mapping["LastProcessingResult"] = "PROBLEM: Function call failed"
            place.portion = choices.portion(max(1, size // 2), size, None)
            raise
        finally:
            place.busy = False
        mapping["LastProcessingResult"] = "OK"
        failures = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
        # One that names no record of the batch fails all of it.
        whole = 0 if failures else size
        done = next((number for number, one in enumerate(batch) if str(one.sequence) in failures), whole)
        place.position += done
        if done < size:
            place.portion = choices.portion(1, size, None)
        else:
            place.portion = None
            if choices.checkpoint_is_lost() and not self.exhausted(shard):
                # Lambda delivers at least once.
                place.position -= choices.at_most(size)
        return done

    def _give_up(self, shard: Shard, place: _Place) -> None:
        oldest = self.account.clock.now - self.give_up_seconds
        old = [record for record in shard.records[place.position :] if record.written_at < oldest]
        if old:
            self.failures([self._event(record) for record in old])
            place.position += len(old)
            place.portion = None
            place.waits_since = None

    def _event(self, record: Record) -> dict[str, Any]:
        """A record as it is delivered, each time the same."""
        if record.sequence not in self._events:
            self._events[record.sequence] = stream_record(record, self.stream.view, self._image)
        return self._events[record.sequence]

    def _image(self, image: Any) -> Any:
        """An image of a record; the new one of a change is the old one of the next. Both live as long as the stream."""
        if id(image) not in self._images:
            self._images[id(image)] = in_events(image)
        return self._images[id(image)]
