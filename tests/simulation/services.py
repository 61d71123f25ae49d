"""The AWS of a simulated world: in memory, on virtual time, with a fault possible at every call.

Only the calls and expressions that capture, replay, the stores and the handover use are there; anything else
is an error of the simulation, so that it cannot silently mean something else than AWS does. Rules that AWS has
and emulators lack are enforced here: a batch with one bad item fails whole, no key twice in a batch, a FIFO group
is locked while one of its messages is in flight, a deduplication id counts for five minutes.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

from typing_extensions import override

from tests.faults.account.expressions import holds, updated
from tests.unit.fakes import client_error

_Answer = TypeVar("_Answer")
_Value = TypeVar("_Value")

Item = dict[str, Any]
"""Attribute name to a typed value as boto3 has it: binary is bytes."""

DEDUPLICATION_SECONDS = 300
"""docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-messagededuplicationid-property.html"""

_LARGEST_MESSAGE = 1_048_576
_SMALLEST_FAULT_SHARE = 0.15
_STORM = 0.9


class FunctionDeath(BaseException):
    """A function's execution environment is gone: no code of the function runs after this."""


class SimulationError(Exception):
    """The code under test did what the simulation does not know."""


class VirtualClock:
    """Seconds that pass only when something takes time."""

    def __init__(self, start: float) -> None:
        self.now = start

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class InlineExecutor(Executor):
    """Runs each call at once, in the caller's thread: the order of all calls follows from the seed."""

    @override
    def submit(self, fn: Callable[..., _Value], /, *args: Any, **kwargs: Any) -> Future[_Value]:
        future: Future[_Value] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


class Wire:
    """What is between the code and its AWS: time, faults, and whatever else happens meanwhile.

    Attributes:
        fault_rate: share of the calls made inside functions that go wrong.
        storm_until: until when nearly every call is throttled.
        meanwhile: called at each call made inside a function; other actors may act.
        deadlines: when the running functions, innermost last, time out.
        loses_answers: whether a call may take effect and answer with an error.
    """

    def __init__(self, clock: VirtualClock, rng: random.Random) -> None:
        self.clock = clock
        self.rng = rng
        self.fault_rate = 0.0
        self.loses_answers = True
        self.meanwhile: Callable[[], None] = lambda: None
        self.storm_until = 0.0
        self.deadlines: list[float] = []
        self.faults = 0

    def call(self, operation: str, effect: Callable[[], _Answer]) -> _Answer:
        """Carry out one AWS call, or let it go wrong before or after its effect."""
        if not self.deadlines:
            return effect()
        self.clock.sleep(self.rng.uniform(0.001, 0.02))
        self.meanwhile()
        if self.clock.now >= self.deadlines[-1]:
            raise FunctionDeath
        if self.fault_rate and self.clock.now < self.storm_until and self.rng.random() < _STORM:
            raise client_error(operation, "ThrottlingException", "slow down")
        if self.rng.random() >= self.fault_rate:
            return effect()
        self.faults += 1
        kind = self.rng.random()
        if kind < _SMALLEST_FAULT_SHARE:
            raise FunctionDeath
        if kind < 2 * _SMALLEST_FAULT_SHARE:
            effect()
            raise FunctionDeath
        if kind < 3 * _SMALLEST_FAULT_SHARE and self.loses_answers:
            effect()
            raise client_error(operation, "InternalServerError", "the answer was lost", status=500)
        if kind < 4 * _SMALLEST_FAULT_SHARE:
            raise client_error(operation, "UnrecognizedClientException", "the token is not valid yet")
        raise client_error(operation, "ThrottlingException", "slow down")

    def sometimes(self, share: float) -> bool:
        """Whether a partial failure happens now: never while there are no faults."""
        return self.fault_rate > 0 and self.rng.random() < share


@dataclass
class Message:
    """One message of the buffer.

    Attributes:
        visible_at: when it can be received again.
        receives: how often it was received.
        known_at: when SQS's counts begin to tell of it.
    """

    message_id: str
    group: str
    body: str
    sequence: int
    sent_at: float
    visible_at: float
    known_at: float
    receives: int = 0

    @property
    def handle(self) -> str:
        """The receipt handle of the last receive."""
        return f"{self.message_id}/{self.receives}"


STREAM = "arn:aws:dynamodb:eu-central-1:123456789012:table/source/stream/of-the-source"


@dataclass
class FifoQueue:
    """An SQS FIFO queue in high-throughput mode: groups and deduplication ids are each other's scope."""

    wire: Wire
    counts_lag_seconds: float = 0.0
    messages: list[Message] = field(default_factory=list)
    accepted: list[Message] = field(default_factory=list)
    _seen: dict[tuple[str, str], Message] = field(default_factory=dict)

    def send_message_batch(self, *, QueueUrl: str, Entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:  # noqa: N803
        return self.wire.call("SendMessageBatch", lambda: self._send(Entries))

    def get_queue_attributes(self, *, QueueUrl: str, AttributeNames: Sequence[str]) -> dict[str, Any]:  # noqa: N803
        if QueueUrl != "buffer":
            return {"Attributes": dict.fromkeys(AttributeNames, "0")}
        return self.wire.call("GetQueueAttributes", self._attributes)

    def receive(self, visibility_seconds: float) -> list[Message]:
        """Up to ten messages of groups that have none in flight, each group's in order, as Lambda gets them."""
        now, rng = self.wire.clock.now, self.wire.rng
        locked = {message.group for message in self.messages if message.visible_at > now}
        free = sorted({message.group for message in self.messages} - locked)
        if not free:
            return []
        chosen = set(rng.sample(free, rng.randint(1, len(free))))
        batch = [message for message in self.messages if message.group in chosen][: rng.randint(1, 10)]
        for message in batch:
            message.visible_at = now + visibility_seconds
            message.receives += 1
        return batch

    def delete(self, message: Message) -> None:
        self.messages.remove(message)

    def _send(self, entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        ids = [entry["Id"] for entry in entries]
        size = sum(len(entry["MessageBody"]) for entry in entries)
        if not 1 <= len(entries) <= 10 or len(set(ids)) != len(ids) or size > _LARGEST_MESSAGE:
            raise SimulationError(f"SQS takes no batch of {len(entries)} entries, {size} bytes, ids {ids}")
        successful, failed = [], []
        for entry in entries:
            failure = {"Id": entry["Id"], "Code": "InternalError", "Message": "", "SenderFault": False}
            if self.wire.sometimes(0.05):
                failed.append(failure)
                continue
            message = self._take(entry)
            if self.wire.loses_answers and self.wire.sometimes(0.02):
                failed.append(failure)
            else:
                successful.append({"Id": entry["Id"], "SequenceNumber": str(message.sequence)})
        return {"Successful": successful, "Failed": failed}

    def _take(self, entry: Mapping[str, Any]) -> Message:
        now = self.wire.clock.now
        identity = entry["MessageGroupId"], entry["MessageDeduplicationId"]
        seen = self._seen.get(identity)
        if seen is not None and now - seen.sent_at < DEDUPLICATION_SECONDS:
            return seen
        message = Message(
            message_id=f"m{len(self.accepted)}",
            group=entry["MessageGroupId"],
            body=entry["MessageBody"],
            sequence=18_849_496_460_467_696_128 + 256 * len(self.accepted),
            sent_at=now,
            visible_at=now,
            known_at=now + self.wire.rng.uniform(0, self.counts_lag_seconds),
        )
        self._seen[identity] = message
        self.messages.append(message)
        self.accepted.append(message)
        return message

    def change_message_visibility_batch(
        self,
        *,
        QueueUrl: str,  # noqa: N803
        Entries: Sequence[Mapping[str, Any]],  # noqa: N803
    ) -> dict[str, Any]:
        return self.wire.call("ChangeMessageVisibilityBatch", lambda: self._hide(Entries))

    def _hide(self, entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """A receipt handle is of one receive, and ends with its visibility timeout."""
        now = self.wire.clock.now
        successful, failed = [], []
        for entry in entries:
            found = [message for message in self.messages if message.handle == entry["ReceiptHandle"]]
            if not found or found[0].visible_at <= now:
                failed.append({"Id": entry["Id"], "Code": "ReceiptHandleIsInvalid", "SenderFault": True})
                continue
            found[0].visible_at = now + entry["VisibilityTimeout"]
            successful.append({"Id": entry["Id"]})
        return {"Successful": successful, "Failed": failed}

    def _attributes(self) -> dict[str, Any]:
        now = self.wire.clock.now
        known = [message for message in self.messages if message.known_at <= now]
        in_flight = sum(message.visible_at > now for message in known)
        counts = {
            "ApproximateNumberOfMessages": len(known) - in_flight,
            "ApproximateNumberOfMessagesNotVisible": in_flight,
            "ApproximateNumberOfMessagesDelayed": 0,
        }
        return {"Attributes": {name: str(count) for name, count in counts.items()}}


@dataclass(frozen=True)
class Write:
    """One write into a table: the image, or None for a delete."""

    key: str
    image: Item | None


@dataclass
class MemoryTable:
    """A table: items by a text for each key."""

    key_names: tuple[str, ...]
    items: dict[str, Item] = field(default_factory=dict)
    writes: list[Write] = field(default_factory=list)

    def key_of(self, attributes: Mapping[str, Any]) -> str:
        return repr([(name, attributes[name]) for name in self.key_names])

    def put(self, item: Item) -> None:
        self.items[self.key_of(item)] = item
        self.writes.append(Write(self.key_of(item), item))

    def delete(self, key: Mapping[str, Any]) -> None:
        self.items.pop(self.key_of(key), None)
        self.writes.append(Write(self.key_of(key), None))


_REFUSED = "refused"
"""An image with this attribute is one that the target refuses."""


def is_refused(image: Mapping[str, Any]) -> bool:
    return _REFUSED in image


class Tables:
    """DynamoDB's data plane, for the restore table, the source and the target."""

    def __init__(self, wire: Wire, **tables: MemoryTable) -> None:
        self.wire = wire
        self.tables = tables

    # The parameters are named as boto3 names them.
    def get_item(self, *, TableName: str, Key: Item, ConsistentRead: bool) -> dict[str, Any]:  # noqa: N803
        def effect() -> dict[str, Any]:
            if not ConsistentRead:
                raise SimulationError("an eventually consistent read may miss what was just written")
            found = self._find(TableName, Key)
            return {} if found is None else {"Item": dict(found)}

        return self.wire.call("GetItem", effect)

    def put_item(self, *, TableName: str, Item: Item, **condition: Any) -> dict[str, Any]:  # noqa: N803
        def effect() -> dict[str, Any]:
            self._check("PutItem", self._find(TableName, Item), condition)
            self._refuse("PutItem", TableName, [Item])
            self.tables[TableName].put(Item)
            return {}

        return self.wire.call("PutItem", effect)

    def delete_item(self, *, TableName: str, Key: Item, **condition: Any) -> dict[str, Any]:  # noqa: N803
        def effect() -> dict[str, Any]:
            self._check("DeleteItem", self._find(TableName, Key), condition)
            self.tables[TableName].delete(Key)
            return {}

        return self.wire.call("DeleteItem", effect)

    def update_item(
        self,
        *,
        TableName: str,  # noqa: N803
        Key: Item,  # noqa: N803
        UpdateExpression: str,  # noqa: N803
        **condition: Any,
    ) -> dict[str, Any]:
        def effect() -> dict[str, Any]:
            found = self._find(TableName, Key)
            self._check("UpdateItem", found, condition)
            self.tables[TableName].put(updated(UpdateExpression, found or Key, condition))
            return {}

        return self.wire.call("UpdateItem", effect)

    def describe_table(self, *, TableName: str) -> dict[str, Any]:  # noqa: N803
        """The source, whose stream is the one that capture reads."""
        stream = {"StreamSpecification": {"StreamEnabled": True}, "LatestStreamArn": STREAM}
        return {"Table": {"TableName": TableName, **stream}}

    def get_paginator(self, operation: str) -> Tables:
        if operation != "query":
            raise SimulationError(f"no paginator for {operation}")
        return self

    def paginate(
        self,
        *,
        TableName: str,  # noqa: N803
        KeyConditionExpression: str,  # noqa: N803
        ExpressionAttributeValues: Mapping[str, Any],  # noqa: N803
        ConsistentRead: bool,  # noqa: N803
    ) -> Iterator[dict[str, Any]]:
        if not KeyConditionExpression.startswith("pk = :pk") or not ConsistentRead:
            raise SimulationError(f"no such query: {KeyConditionExpression}")
        values = {"ExpressionAttributeValues": ExpressionAttributeValues}
        table = self.tables[TableName].items.values()
        found = (item for item in table if holds(KeyConditionExpression, item, values))
        items = sorted(found, key=lambda item: str(item["sk"]["S"]))
        for start in range(0, max(1, len(items)), 3):
            yield self.wire.call("Query", lambda start=start: {"Items": items[start : start + 3]})  # type: ignore[misc]

    def batch_get_item(self, *, RequestItems: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N803
        return self.wire.call("BatchGetItem", lambda: self._batch_get(RequestItems))

    def batch_write_item(self, *, RequestItems: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N803
        return self.wire.call("BatchWriteItem", lambda: self._batch_write(RequestItems))

    def _batch_get(self, request_items: Mapping[str, Any]) -> dict[str, Any]:
        ((name, request),) = request_items.items()
        keys = list(request["Keys"])
        distinct = {self.tables[name].key_of(key) for key in keys}
        if not request["ConsistentRead"] or not 1 <= len(keys) <= 100 or len(distinct) != len(keys):
            raise SimulationError(f"DynamoDB takes no such read of {len(keys)} keys")
        now, later = self._split(keys)
        found = [item for key in now if (item := self._find(name, key)) is not None]
        self.wire.rng.shuffle(found)
        return {
            "Responses": {name: found},
            "UnprocessedKeys": {name: {**request, "Keys": later}} if later else {},
        }

    def _batch_write(self, request_items: Mapping[str, Any]) -> dict[str, Any]:
        ((name, requests),) = request_items.items()
        table = self.tables[name]
        puts = [request["PutRequest"]["Item"] for request in requests if "PutRequest" in request]
        deletes = [request["DeleteRequest"]["Key"] for request in requests if "DeleteRequest" in request]
        distinct = {table.key_of(attributes) for attributes in (*puts, *deletes)}
        if not 1 <= len(requests) <= 25 or len(distinct) != len(requests):
            raise client_error(
                "BatchWriteItem", "ValidationException", "Provided list of item keys contains duplicates"
            )
        self._refuse("BatchWriteItem", name, puts)
        now, later = self._split(list(requests))
        for request in now:
            if "PutRequest" in request:
                table.put(request["PutRequest"]["Item"])
            else:
                table.delete(request["DeleteRequest"]["Key"])
        return {"UnprocessedItems": {name: later} if later else {}}

    def _split(self, requests: list[Any]) -> tuple[list[Any], list[Any]]:
        """What is dealt with now, and what is left unprocessed."""
        rng = self.wire.rng
        rng.shuffle(requests)
        kept = rng.randint(0, len(requests)) if self.wire.sometimes(0.15) else len(requests)
        return requests[:kept], requests[kept:]

    def _find(self, name: str, key: Mapping[str, Any]) -> Item | None:
        table = self.tables[name]
        return table.items.get(table.key_of(key))

    def _refuse(self, operation: str, name: str, items: Sequence[Item]) -> None:
        if name == "target" and any(is_refused(item) for item in items):
            raise client_error(operation, "ValidationException", "One or more parameter values were invalid")

    @staticmethod
    def _check(operation: str, found: Item | None, condition: Mapping[str, Any]) -> None:
        expression = condition.get("ConditionExpression")
        if expression is None or holds(expression, found or {}, condition):
            return
        error = client_error(operation, "ConditionalCheckFailedException")
        if condition.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and found:
            error.response["Item"] = found  # type: ignore[typeddict-unknown-key]
        raise error


@dataclass
class Mappings:
    """Lambda's two event source mappings, by id."""

    states: dict[str, dict[str, Any]]

    def get_event_source_mapping(self, *, UUID: str) -> dict[str, Any]:  # noqa: N803
        return self.states[UUID]

    def update_event_source_mapping(self, *, UUID: str, Enabled: bool) -> None:  # noqa: N803
        self.states[UUID]["State"] = "Enabled" if Enabled else "Disabled"


class EmptyBucket:
    """The failure bucket: capture gives nothing up here."""

    def get_paginator(self, operation: str) -> EmptyBucket:
        if operation != "list_objects_v2":
            raise SimulationError(f"no paginator for {operation}")
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:  # noqa: N803
        yield {"KeyCount": 0}


@dataclass
class FakeClients:
    """What stands for `aws.Clients`."""

    dynamodb: Tables
    sqs: FifoQueue
    lambda_: Mappings
    s3: EmptyBucket = field(default_factory=EmptyBucket)

    @property
    def sqs_once(self) -> FifoQueue:
        return self.sqs

    @property
    def dynamodb_once(self) -> Tables:
        return self.dynamodb
