"""What the tests of the change path start from: stream records, messages, and draws of attributes."""

from __future__ import annotations

import base64
import random
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, cast

from hypothesis import strategies as st

from dynamodb_restore.aws import Clients
from dynamodb_restore.changes.bundle import encode
from dynamodb_restore.changes.change import Change, Kind
from dynamodb_restore.changes.writer import Clock, TargetWriter, WriteRate
from tests.simulation.services import InlineExecutor
from tests.unit.fakes import client_error, function_arn

NOON = 1_795_348_800
"""2026-11-22T12:00:00Z."""

RESTORE_TABLE = "restores"


REGISTERED_BESIDES: dict[str, Any] = {
    "image_prefix": {"S": "images/"},
    "capture_function": {"S": function_arn("capture")},
    "replay_function": {"S": function_arn("replay")},
    "upkeep_function": {"S": function_arn("upkeep")},
    "stream_arn": {
        "S": "arn:aws:dynamodb:eu-central-1:123456789012:table/orders/stream/2026-11-01T00:00:00.123"
    },
    "stream_has_new_images": {"BOOL": True},
    "filters": {"L": []},
    "batching_window_seconds": {"N": "1"},
    "replay_timeout_seconds": {"N": "60"},
}
"""Attributes of a registration that most tests take as they are."""


def key(name: str) -> dict[str, Any]:
    return {"id": {"S": name}}


def put(name: str, *, sequence: int = 1, time: int = NOON, **attributes: Any) -> Change:
    return Change(Kind.PUT, key(name), {**key(name), **attributes}, str(sequence), time)


def delete(name: str, *, sequence: int = 1, time: int = NOON) -> Change:
    return Change(Kind.DELETE, key(name), None, str(sequence), time)


def read(name: str, *, sequence: int = 1, time: int = NOON) -> Change:
    return Change(Kind.READ, key(name), None, str(sequence), time)


def record(
    name: str, sequence: int, *, event: str = "MODIFY", time: float = NOON, **image: Any
) -> dict[str, Any]:
    """A stream record as Lambda delivers it, of a stream with new images."""
    data: dict[str, Any] = {
        "Keys": key(name),
        "SequenceNumber": str(sequence),
        "ApproximateCreationDateTime": time,
        "StreamViewType": "NEW_IMAGE",
    }
    if event != "REMOVE":
        data["NewImage"] = {**key(name), **image}
    return {"eventID": str(sequence), "eventName": event, "dynamodb": data}


def expiry(name: str, sequence: int) -> dict[str, Any]:
    """The record of a delete by time to live."""
    identity = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    return {**record(name, sequence, event="REMOVE"), "userIdentity": identity}


def message(name: str, group: int | str, sequence: int, content: str | Sequence[Change]) -> dict[str, Any]:
    """An SQS record as Lambda delivers it."""
    return {
        "messageId": name,
        "receiptHandle": f"handle-{name}",
        "body": content if isinstance(content, str) else encode(content),
        "attributes": {
            "MessageGroupId": str(group),
            "SequenceNumber": str(sequence),
            "SentTimestamp": str(NOON * 1000 + 777),
        },
    }


def make_restore_table(clients: Clients) -> None:
    clients.dynamodb.create_table(
        TableName=RESTORE_TABLE,
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        BillingMode="PAY_PER_REQUEST",
    )


def make_queue(clients: Clients, name: str) -> str:
    return clients.sqs.create_queue(QueueName=f"{name}.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]


class FakeTime:
    """Seconds that pass by sleeping, and by a fixed time for each AWS call."""

    def __init__(self, seconds_per_call: float = 0.0) -> None:
        self.now = 1000.0
        self.naps: list[float] = []
        self.seconds_per_call = seconds_per_call

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now += seconds

    def clock(self, budget_seconds: float = 100.0) -> Clock:
        return Clock(
            monotonic=lambda: self.now,
            sleep=self.sleep,
            deadline=self.now + budget_seconds,
            rng=random.Random(7),
        )


class MemoryTables:
    """DynamoDB's data plane with its rules: no item twice in a batch, one bad item fails its whole batch.

    Attributes:
        refused: names of items that the target refuses to write, and the source to read.
        throttles: how many of the next calls are throttled.
        unprocessed: for the next batches, how many requests of each are left undone.
    """

    def __init__(self, time: FakeTime | None = None) -> None:
        self.time = time or FakeTime()
        self.items: dict[str, dict[str, Any]] = {"orders": {}, "orders-restored": {}}
        self.refused: set[str] = set()
        self.throttles = 0
        self.unprocessed: list[int] = []
        self.faults: list[Exception] = []
        self.calls: list[tuple[str, int]] = []

    @property
    def target(self) -> dict[str, Any]:
        return self.items["orders-restored"]

    @property
    def source(self) -> dict[str, Any]:
        return self.items["orders"]

    def batch_write_item(self, *, RequestItems: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N803
        ((table, requests),) = RequestItems.items()
        self._called("BatchWriteItem", len(requests))
        names = [self._name(self._attributes(request)) for request in requests]
        if not 1 <= len(names) <= 25 or len(set(names)) != len(names) or self.refused & set(names):
            raise client_error("BatchWriteItem", "ValidationException", "one of the items is invalid")
        kept = len(requests) - self._left()
        for request in requests[:kept]:
            if "PutRequest" in request:
                self.items[table][self._name(request["PutRequest"]["Item"])] = request["PutRequest"]["Item"]
            else:
                self.items[table].pop(self._name(request["DeleteRequest"]["Key"]), None)
        return {"UnprocessedItems": {table: requests[kept:]} if requests[kept:] else {}}

    def batch_get_item(self, *, RequestItems: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N803
        ((table, request),) = RequestItems.items()
        keys = request["Keys"]
        self._called("BatchGetItem", len(keys))
        assert request["ConsistentRead"]
        assert 1 <= len(keys) <= 100
        if self.refused & {self._name(found) for found in keys}:
            raise client_error(
                "BatchGetItem", "ValidationException", "The provided key element does not match"
            )
        kept = len(keys) - self._left()
        names = [self._name(found) for found in keys[:kept]]
        found = [self.items[table][name] for name in reversed(names) if name in self.items[table]]
        later = {table: {"Keys": keys[kept:]}} if keys[kept:] else {}
        return {"Responses": {table: found}, "UnprocessedKeys": later}

    def put_item(self, *, TableName: str, Item: Mapping[str, Any]) -> None:  # noqa: N803
        self._called("PutItem", 1)
        if self._name(Item) in self.refused:
            raise client_error("PutItem", "ValidationException", "Type mismatch for Index Key size")
        self.items[TableName][self._name(Item)] = Item

    def delete_item(self, *, TableName: str, Key: Mapping[str, Any]) -> None:  # noqa: N803
        self._called("DeleteItem", 1)
        self.items[TableName].pop(self._name(Key), None)

    def _called(self, operation: str, size: int) -> None:
        self.calls.append((operation, size))
        self.time.now += self.time.seconds_per_call
        if self.throttles:
            self.throttles -= 1
            raise client_error(operation, "ProvisionedThroughputExceededException")
        if self.faults:
            raise self.faults.pop(0)

    def _left(self) -> int:
        return self.unprocessed.pop(0) if self.unprocessed else 0

    @staticmethod
    def _attributes(request: Mapping[str, Any]) -> Mapping[str, Any]:
        found: Mapping[str, Any] = (
            request["PutRequest"]["Item"] if "PutRequest" in request else request["DeleteRequest"]["Key"]
        )
        return found

    @staticmethod
    def _name(attributes: Mapping[str, Any]) -> str:
        return str(attributes["id"]["S"])


def writer_for(
    tables: MemoryTables, *, budget_seconds: float = 100.0, units_per_second: float | None = None
) -> TargetWriter:
    class Standing:
        dynamodb = tables

    clock = tables.time.clock(budget_seconds)
    rate = WriteRate(units_per_second, clock)
    return TargetWriter(cast("Clients", Standing()), "orders", "orders-restored", clock, rate, InlineExecutor)


# Attributes as Lambda's events have them.

_binary = st.binary(max_size=40).map(lambda found: base64.b64encode(found).decode())
_numbers = st.decimals(allow_nan=False, allow_infinity=False, places=None).map(
    lambda found: str(Decimal(found).normalize())
) | st.integers(10**37, 10**38 - 1).map(str)
_scalars = (
    st.text(max_size=30).map(lambda found: {"S": found})
    | _numbers.map(lambda found: {"N": found})
    | _binary.map(lambda found: {"B": found})
    | st.booleans().map(lambda found: {"BOOL": found})
    | st.just({"NULL": True})
    | st.lists(st.text(max_size=8), min_size=1, max_size=3, unique=True).map(lambda found: {"SS": found})
    | st.lists(_numbers, min_size=1, max_size=3, unique=True).map(lambda found: {"NS": found})
    | st.lists(_binary, min_size=1, max_size=3, unique=True).map(lambda found: {"BS": found})
)
values: st.SearchStrategy[dict[str, Any]] = st.recursive(
    _scalars,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda found: {"L": found})
        | st.dictionaries(st.text(max_size=6), inner, max_size=3).map(lambda found: {"M": found})
    ),
    max_leaves=8,
)
keys = st.fixed_dictionaries(
    {"pk": _binary.map(lambda found: {"B": found}), "sk": _numbers.map(lambda found: {"N": found})}
)


@st.composite
def changes(draw: st.DrawFn) -> Change:
    kind = draw(st.sampled_from(Kind))
    found = draw(keys)
    image = {**draw(st.dictionaries(st.text(min_size=1, max_size=6), values, max_size=5)), **found}
    sequence = str(draw(st.integers(0, 10**40)))
    return Change(kind, found, image if kind is Kind.PUT else None, sequence, draw(st.integers(0, 2**33)))
