"""What the tests of the change path start from: stream records, messages, and draws of attributes."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

from hypothesis import strategies as st

from dynamodb_restore.aws import Clients
from dynamodb_restore.changes.bundle import encode
from dynamodb_restore.changes.change import Change, Kind
from dynamodb_restore.changes.doubt import DoubtStore
from dynamodb_restore.changes.images import ImageStore
from dynamodb_restore.changes.progress import Progress, ProgressStore, Side
from dynamodb_restore.changes.quarantine import Quarantine
from dynamodb_restore.changes.replayed import Replayed
from dynamodb_restore.changes.window import Window
from dynamodb_restore.changes.writer import TargetWriter
from dynamodb_restore.pace import Clock, UnitRate
from dynamodb_restore.pipeline.claim import Claim, ClaimState, ClaimStore
from dynamodb_restore.pipeline.replay import ReplayOptions, replay_batch
from tests.aws.account import Account
from tests.aws.clock import InlineExecutor
from tests.aws.direct_door import DirectClient
from tests.aws.wire import Wire
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
    "in_root_module": {"BOOL": True},
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
    name: str, sequence: int, *, event: str = "MODIFY", time: Any = NOON, **image: Any
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


def message(
    name: str,
    group: int | str,
    sequence: int,
    content: str | Sequence[Change],
    *,
    receives: int = 1,
) -> dict[str, Any]:
    """An SQS record as Lambda delivers it."""
    return {
        "messageId": name,
        "receiptHandle": f"handle-{name}",
        "body": content if isinstance(content, str) else encode(content, sent_at=NOON),
        "attributes": {
            "ApproximateReceiveCount": str(receives),
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
            now=lambda: NOON + self.now,
        )


class MemoryTables:
    """DynamoDB's data plane with its rules: no item twice in a batch, one bad item fails its whole batch.

    Attributes:
        refused: names of items that the target refuses to write, and the source to read.
        throttles: how many of the next calls are throttled.
        unprocessed: for the next batches, how many requests of each are left undone.
        faults: what the next calls raise, before they have an effect.
        late: what the next writes raise, after which their effect is held back until `land`.
        restores: the restore table, which has no faults of its own.
        before: called before each call, with its operation and table.
    """

    def __init__(self, time: FakeTime | None = None) -> None:
        self.time = time or FakeTime()
        self.items: dict[str, dict[str, Any]] = {"orders": {}, "orders-restored": {}}
        self.refused: set[str] = set()
        self.throttles = 0
        self.unprocessed: list[int] = []
        self.faults: list[Exception] = []
        self.late: list[Exception] = []
        self.held: list[Callable[[], object]] = []
        self.calls: list[tuple[str, int]] = []
        self.before: Callable[[str, str], object] = lambda _operation, _table: None
        account = Account()
        account.items.make(RESTORE_TABLE, pk="S", sk="S")
        self.restores = DirectClient(Wire(account), "dynamodb")

    def land(self) -> None:
        """Let the writes that were held back take effect."""
        for effect in self.held:
            effect()
        self.held.clear()

    @property
    def target(self) -> dict[str, Any]:
        return self.items["orders-restored"]

    @property
    def source(self) -> dict[str, Any]:
        return self.items["orders"]

    def batch_write_item(self, *, RequestItems: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N803
        ((table, requests),) = RequestItems.items()
        if table == RESTORE_TABLE:
            return self._restores("batch_write_item", RequestItems=RequestItems)
        self._called("BatchWriteItem", table, len(requests))
        names = [self._name(self._attributes(request)) for request in requests]
        if not 1 <= len(names) <= 25 or len(set(names)) != len(names) or self.refused & set(names):
            raise client_error("BatchWriteItem", "ValidationException", "one of the items is invalid")
        kept = len(requests) - self._left()
        self._perform(lambda: self._write(table, requests[:kept]))
        return {"UnprocessedItems": {table: requests[kept:]} if requests[kept:] else {}}

    def batch_get_item(self, *, RequestItems: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N803
        ((table, request),) = RequestItems.items()
        if table == RESTORE_TABLE:
            return self._restores("batch_get_item", RequestItems=RequestItems)
        keys = request["Keys"]
        self._called("BatchGetItem", table, len(keys))
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

    # The parameters are named as boto3 names them.
    def get_item(self, *, TableName: str, Key: Mapping[str, Any], **rest: Any) -> dict[str, Any]:  # noqa: N803
        if TableName == RESTORE_TABLE:
            return self._restores("get_item", TableName=TableName, Key=Key, **rest)
        self._called("GetItem", TableName, 1)
        found = self.items[TableName].get(self._name(Key))
        return {} if found is None else {"Item": found}

    def put_item(self, *, TableName: str, Item: Mapping[str, Any], **rest: Any) -> dict[str, Any]:  # noqa: N803
        if TableName == RESTORE_TABLE:
            return self._restores("put_item", TableName=TableName, Item=Item, **rest)
        self._called("PutItem", TableName, 1)
        if self._name(Item) in self.refused:
            raise client_error("PutItem", "ValidationException", "Type mismatch for Index Key size")
        self._perform(lambda: self._write(TableName, [{"PutRequest": {"Item": Item}}]))
        return {}

    def delete_item(self, *, TableName: str, Key: Mapping[str, Any], **rest: Any) -> dict[str, Any]:  # noqa: N803
        if TableName == RESTORE_TABLE:
            return self._restores("delete_item", TableName=TableName, Key=Key, **rest)
        self._called("DeleteItem", TableName, 1)
        self._perform(lambda: self._write(TableName, [{"DeleteRequest": {"Key": Key}}]))
        return {}

    def update_item(self, **parameters: Any) -> dict[str, Any]:
        return self._restores("update_item", **parameters)

    def get_paginator(self, operation: str) -> Any:
        self._called("Query", RESTORE_TABLE, 1)
        return self.restores.get_paginator(operation)

    def _restores(self, operation: str, **parameters: Any) -> dict[str, Any]:
        self._called("".join(word.capitalize() for word in operation.split("_")), RESTORE_TABLE, 1)
        answer: dict[str, Any] = getattr(self.restores, operation)(**parameters)
        return answer

    def _write(self, table: str, requests: Sequence[Mapping[str, Any]]) -> None:
        for request in requests:
            if "PutRequest" in request:
                self.items[table][self._name(request["PutRequest"]["Item"])] = request["PutRequest"]["Item"]
            else:
                self.items[table].pop(self._name(request["DeleteRequest"]["Key"]), None)

    def _perform(self, effect: Callable[[], object]) -> None:
        if self.late:
            self.held.append(effect)
            raise self.late.pop(0)
        effect()

    def _called(self, operation: str, table: str, size: int) -> None:
        self.before(operation, table)
        self.time.now += self.time.seconds_per_call
        if table == RESTORE_TABLE:
            return
        self.calls.append((operation, size))
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


@dataclass
class MemoryQueues:
    """The buffer and its DLQ, as replay uses them.

    Attributes:
        expired: receipt handles that are not ours any more.
        hidden: for each call, the seconds by receipt handle.
        aside: bodies with their reasons.
        faults: what the next calls raise.
    """

    expired: set[str] = field(default_factory=set)
    hidden: list[dict[str, int]] = field(default_factory=list)
    aside: list[tuple[str, str]] = field(default_factory=list)
    faults: list[Exception] = field(default_factory=list)
    time: FakeTime = field(default_factory=FakeTime)

    def change_message_visibility_batch(self, *, QueueUrl: str, Entries: Sequence[Any]) -> dict[str, Any]:  # noqa: N803
        self.time.now += self.time.seconds_per_call
        assert QueueUrl == "buffer"
        assert 1 <= len(Entries) <= 10
        self.hidden.append({entry["ReceiptHandle"]: entry["VisibilityTimeout"] for entry in Entries})
        if self.faults:
            raise self.faults.pop(0)
        ours = [entry["Id"] for entry in Entries if entry["ReceiptHandle"] not in self.expired]
        lost = [entry["Id"] for entry in Entries if entry["ReceiptHandle"] in self.expired]
        return {
            "Successful": [{"Id": name} for name in ours],
            "Failed": [{"Id": name, "Code": "ReceiptHandleIsInvalid", "SenderFault": True} for name in lost],
        }

    def send_message(self, **sent: Any) -> dict[str, Any]:
        assert sent["QueueUrl"] == "aside"
        if self.faults:
            raise self.faults.pop(0)
        self.aside.append((sent["MessageBody"], sent["MessageAttributes"]["reason"]["StringValue"]))
        return {}


@dataclass
class MemoryClients:
    """What stands for `aws.Clients`."""

    dynamodb: MemoryTables
    sqs: MemoryQueues
    s3: Any = None

    @property
    def dynamodb_once(self) -> MemoryTables:
        return self.dynamodb


OPTIONS = ReplayOptions(
    source="orders",
    restore_table=RESTORE_TABLE,
    buffer_id="buffer-1",
    buffer_url="buffer",
    dead_letter_queue_url="aside",
    failure_bucket="failures",
    image_prefix="images/",
)
RESTORE_ID = "restore-1"


class Pipeline:
    """A source, a target and a restore table in memory, and invocations of replay on them.

    Attributes:
        budget_seconds: what an invocation has for its writes.
    """

    def __init__(self, window: Window | None = None, *, seconds_per_call: float = 0.0) -> None:
        self.time = FakeTime(seconds_per_call)
        self.tables = MemoryTables(self.time)
        self.queues = MemoryQueues(time=self.time)
        self.memory = MemoryClients(self.tables, self.queues)
        self.clients = cast("Clients", self.memory)
        self.options = OPTIONS
        self.budget_seconds = 55.0
        self.claims = ClaimStore(self.clients, RESTORE_TABLE, "orders")
        self.claim = self.claims.take(
            Claim(
                RESTORE_ID,
                "orders-restored",
                ClaimState.REPLAYING,
                datetime.fromtimestamp(NOON, UTC),
                window or Window(0),
            )
        )
        self.progress = ProgressStore(self.clients, RESTORE_TABLE, "orders", "buffer-1")
        self.doubts = DoubtStore(self.clients, RESTORE_TABLE, "orders", "buffer-1")
        self.quarantine = Quarantine(self.clients, RESTORE_TABLE, RESTORE_ID)

    @property
    def target(self) -> dict[str, Any]:
        return self.tables.target

    @property
    def now(self) -> float:
        """Epoch seconds."""
        return NOON + self.time.now

    def replay(self, *records: Mapping[str, Any]) -> Replayed:
        """One invocation."""
        clock = self.time.clock(self.budget_seconds)
        return replay_batch(records, self.clients, self.options, clock, InlineExecutor)

    def replay_until_done(self, *records: Mapping[str, Any], most: int = 1000) -> list[Replayed]:
        """Invocations, until nothing comes back."""
        left = list(records)
        invocations: list[Replayed] = []
        while left and len(invocations) < most:
            invocations.append(self.replay(*left))
            left = [record for record in left if record["messageId"] in invocations[-1].retry]
        assert not left, invocations[-1].problem
        return invocations

    def fence(self, state: ClaimState = ClaimState.CUTTING_OVER) -> None:
        claim = self.claims.current()
        assert claim is not None
        assert self.claims.update(replace(claim, state=state)) is not None

    def replayed(self) -> Progress:
        return self.progress.read(Side.REPLAYED)

    def quarantined(self) -> dict[str, str]:
        return {item.key["id"]["S"]: item.reason for item in self.quarantine.items()}

    def in_doubt(self) -> set[str]:
        return {key["id"]["S"] for doubt in self.doubts.read() for key in doubt.keys}

    def writes(self) -> int:
        """Items written to the target, all calls together; a batch that is refused counts too."""
        operations = ("BatchWriteItem", "PutItem", "DeleteItem")
        return sum(size for operation, size in self.tables.calls if operation in operations)


def writer_for(
    tables: MemoryTables,
    *,
    budget_seconds: float = 100.0,
    units_per_second: float | None = None,
    read_units_per_second: float | None = None,
) -> TargetWriter:
    clients = cast("Clients", MemoryClients(tables, MemoryQueues()))
    clock = tables.time.clock(budget_seconds)
    return TargetWriter(
        clients,
        "orders",
        "orders-restored",
        clock,
        InlineExecutor(),
        write_rate=UnitRate(units_per_second, clock),
        read_rate=UnitRate(read_units_per_second, clock),
        images=ImageStore(clients, "failures", "images/"),
    )


any_text = st.text(st.characters(), max_size=12)
"""Whatever JSON can say, with halves of surrogate pairs."""

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
    """Any change that can travel in a bundle that was sent at NOON."""
    kind = draw(st.sampled_from(Kind))
    found = draw(keys)
    image = {**draw(st.dictionaries(st.text(min_size=1, max_size=6), values, max_size=5)), **found}
    time = draw(st.none() | st.integers(0, 2**33))
    return Change(
        kind,
        found,
        image if kind is Kind.PUT else None,
        sequence=str(draw(st.integers(0, 10**40))),
        time=NOON if time is None else time,
        image_object=draw(st.text("abc019", min_size=1)) if kind is Kind.OBJECT else None,
        time_known=time is not None,
    )
