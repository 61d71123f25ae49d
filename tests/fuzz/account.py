"""The AWS around the restore worker and the operator function: what it tells is drawn, and every call is able to fail."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest import mock

from boto3.dynamodb.types import TypeSerializer
from botocore.exceptions import ConnectTimeoutError
from hypothesis import strategies as st

from dynamodb_restore import aws as aws_module
from dynamodb_restore.aws import Clients, TableRef
from dynamodb_restore.handlers import upkeep, wiring
from dynamodb_restore.restore.report import DETAIL_TYPE
from dynamodb_restore.sync.outcome import Outcome, Status
from tests.aws.account import Account
from tests.aws.botocore_door import BotocoreDoor
from tests.aws.clock import VirtualClock
from tests.aws.errors import client_error
from tests.aws.hazards import Fault, Mode, failing
from tests.aws.lambda_runtime import QueuePoller, context
from tests.aws.names import ACCOUNT, REGION, function_arn, queue_url, table_arn
from tests.aws.queues import Message
from tests.aws.trail import recorded_call
from tests.aws.wire import Wire
from tests.configuration import DOCUMENT, digest_of, item_of
from tests.fuzz.damage import mostly
from tests.unit.builders import RESTORE_TABLE, TARGET_ID, request
from tests.unit.changes.makers import REGISTERED_BESIDES

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

SOURCE, TARGET = "orders", "orders-restored"
NOW = datetime(2026, 11, 22, 7, 20, tzinfo=UTC)
MADE = datetime(2026, 11, 22, 7, 0, 2, tzinfo=UTC)
_STREAM = f"{table_arn(SOURCE)}/stream/2026-11-01T00:00:00.123"
RESTORE_QUEUE = queue_url("restores")
DEAD_LETTERS = queue_url("restores-dlq")

_CONFIGURATION = {
    **DOCUMENT,
    "settings": {"tags": True, "ttl": True, "stream": False},
    "polling": {**DOCUMENT["polling"], "jitter": 0.5},
    "drills": {"targets": ["*-drill"], "keeps": ["tags", "stream"]},
    "overrides": [{"source": "*", "target": "drill-*", "settings": {"ttl": False}, "notify": False}],
    "control_tag": "dynamodb-restore:settings",
    "follow_terraform": False,
    "source_regions": ["us-east-1"],
}

ENVIRONMENT = {
    "SOURCE_TABLE_NAME": SOURCE,
    "GROUP_COUNT": "16",
    "BYTE_LIMIT": "262144",
    "RESTORE_TABLE_NAME": RESTORE_TABLE,
    "RESTORE_QUEUE_URL": RESTORE_QUEUE,
    "DEAD_LETTER_QUEUE_URL": DEAD_LETTERS,
    "NOTIFICATION_TOPIC_ARN": f"arn:aws:sns:{REGION}:{ACCOUNT}:restores",
    "EVENT_BUS_NAME": "default",
    "RECORD_RETENTION_DAYS": "90",
    "CONFIGURATION": digest_of(_CONFIGURATION),
}
MAX_ATTEMPTS = 3

OPERATIONS = (
    "DescribeTable",
    "DescribeBackup",
    "DescribeRestoreJob",
    "GetRestoreJobMetadata",
    "LookupEvents",
    "GetItem",
    "UpdateItem",
    "PutItem",
    "DeleteItem",
    "Query",
    "ListTagsOfResource",
    "TagResource",
    "DescribeTimeToLive",
    "PutEvents",
    "Publish",
    "SendMessage",
    "ChangeMessageVisibility",
    "GetEventSourceMapping",
    "UpdateEventSourceMapping",
    "GetQueueAttributes",
    "ListObjectsV2",
)
CODES = (
    "AccessDeniedException",
    "ThrottlingException",
    "InternalServerError",
    "ResourceNotFoundException",
    "ValidationException",
    "no connection",
    "told to wait",
)

failures: st.SearchStrategy[Mapping[str, str]] = st.just({}) | st.dictionaries(
    st.sampled_from(OPERATIONS), st.sampled_from(CODES), min_size=1, max_size=2
)
"""Operation to what it fails with."""

_summaries = st.fixed_dictionaries(
    {"RestoreDateTime": st.just(MADE - timedelta(minutes=9)), "RestoreInProgress": st.just(value=True)},
    optional={
        "SourceTableArn": mostly(
            st.just(table_arn(SOURCE)),
            st.sampled_from(
                [table_arn("customers"), f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/orders", "orders?"]
            ),
        ),
        "SourceBackupArn": st.just(f"{table_arn(SOURCE)}/backup/01489602797149-73d8d5bc"),
    },
)
targets: st.SearchStrategy[Mapping[str, Any] | None] = mostly(
    st.fixed_dictionaries(
        {
            "TableStatus": mostly(
                st.sampled_from(["ACTIVE", "CREATING"]), st.sampled_from(["UPDATING", "DELETING", "ARCHIVED"])
            ),
            "TableId": mostly(st.just(TARGET_ID), st.just("another")),
            "CreationDateTime": mostly(st.just(MADE), st.just(MADE - timedelta(days=9))),
        },
        optional={"RestoreSummary": _summaries},
    ),
    st.none(),
)
"""The target as DescribeTable tells it; None where there is none."""

_arns = st.sampled_from(
    [table_arn(SOURCE), table_arn(TARGET), f"arn:aws:ec2:{REGION}:{ACCOUNT}:volume/vol-1", "orders", "", "x"]
)
jobs: st.SearchStrategy[Mapping[str, Any]] = st.fixed_dictionaries(
    {"Status": st.sampled_from(["RUNNING", "COMPLETED", "PENDING", "FAILED", "ABORTED"])},
    optional={
        "SourceResourceArn": _arns,
        "CreatedResourceArn": _arns,
        "RecoveryPointArn": _arns | st.just(f"{table_arn(SOURCE)}/backup/01489602797149-73d8d5bc"),
        "CreationDate": st.just(MADE),
        "RecoveryPointCreationDate": st.just(MADE - timedelta(hours=3)),
    },
)
"""AWS Backup's answer about any restore job."""


@dataclass
class DrawnAccount:
    """One account: what is drawn about it, and what the functions did to it.

    Attributes:
        target: of DescribeTable's answer about the target; None where there is none.
        job: AWS Backup's answer about any restore job.
        failing: operation to what it fails with.
        refuses_events: whether the event bus answers 200 and takes nothing.
        seconds: that an invocation has.
    """

    target: Mapping[str, Any] | None = None
    job: Mapping[str, Any] = field(default_factory=dict)
    failing: Mapping[str, str] = field(default_factory=dict)
    refuses_events: bool = False
    seconds: float = 100.0

    def __post_init__(self) -> None:
        self.aws = _account(self)
        faults = {
            operation: Fault(Mode.REFUSED, _error(operation, code))
            for operation, code in self.failing.items()
        }
        self.wire = Wire(self.aws, [failing(faults)], latency=lambda: 0.01)

    @property
    def context(self) -> LambdaContext:
        return context("dynamodb-restore", self.aws.clock, self.seconds)

    def now(self, zone: tzinfo) -> datetime:
        return self.aws.clock.instant().astimezone(zone)

    @property
    def time(self) -> SimpleNamespace:
        """What stands for the module `time`."""
        clock = self.aws.clock
        return SimpleNamespace(sleep=clock.sleep, monotonic=lambda: clock.now, time=lambda: clock.now)

    def invoke_upkeep(self, event: Any) -> Any:
        """The upkeep function, which gets what the operator function sends."""
        return upkeep.handler(event, self.context)

    @property
    def announced(self) -> list[dict[str, Any]]:
        """The reports on the event bus."""
        return [
            json.loads(entry["Detail"].encode())
            for entry in self.aws.messaging.events
            if entry["DetailType"] == DETAIL_TYPE
        ]

    @property
    def dead_letters(self) -> list[Message]:
        return list(self.aws.queues.queues[DEAD_LETTERS].messages.values())

    @property
    def switched(self) -> list[str]:
        """The mappings that are no longer disabled."""
        return [one["UUID"] for one in self.aws.mappings.mappings if one["State"] != "Disabled"]

    @property
    def hidden(self) -> bool:
        """Whether a message was given another visibility timeout."""
        queue = self.aws.queues.queues[RESTORE_QUEUE]
        return any(
            message.visible_at != message.received_at + queue.visibility_seconds
            for message in queue.messages.values()
        )

    def delivered(self, body: str, attempt: int, attributes: Mapping[str, Any]) -> dict[str, Any]:
        """A message of the restore queue as Lambda delivers it for the so many-th time."""
        self.aws.queues.put(RESTORE_QUEUE, body, attributes=attributes).received = attempt - 1
        delivery = QueuePoller(self.aws, RESTORE_QUEUE, batch_size=1).receive()
        assert delivery is not None
        return delivery.records[0]


def _account(drawn: DrawnAccount) -> Account:
    account = Account(VirtualClock(NOW.timestamp()))
    source = account.tables.make(SOURCE, MADE - timedelta(days=99), on_demand=True)
    source.description |= {
        "TableId": "source",
        "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        "LatestStreamArn": _STREAM,
    }
    source.tags["team"] = "checkout"
    source.ttl = {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires"}
    if drawn.target is not None:
        target = account.tables.make(TARGET, MADE, on_demand=True)
        target.description |= drawn.target
    account.items.make(RESTORE_TABLE, pk="S", sk="S")
    # What is drawn of the target and what is drawn of the restore table need not fit: a restore can have quarantined
    # items and a target that is CREATING. Those can be written here whatever DescribeTable says.
    account.items.exists = lambda _: True
    account.items.put(RESTORE_TABLE, item_of(_CONFIGURATION))
    for table in (SOURCE, TARGET):
        account.items.make(table, id="S")
        account.items.put(table, {"id": {"S": "a"}, "n": {"N": "1"}})
    for name in ("restores", "restores-dlq", "buffer.fifo", "aside.fifo"):
        account.queues.make(name, visibility_seconds=720)
    account.mappings.looks_to_switch = 0
    for function in ("capture", "replay"):
        account.mappings.put(_STREAM, function_arn(function), State="Disabled")
    account.functions.handlers[function_arn("upkeep")] = drawn.invoke_upkeep
    account.objects.buckets["orders-failures"] = {}
    account.backups.any_job = drawn.job
    account.backups.any_backup = _backup
    account.messaging.refuses_events = drawn.refuses_events
    account.trail.note(recorded_call(at=MADE))
    return account


def _backup(arn: str) -> dict[str, Any] | None:
    return None if "deleted" in arn else {"BackupCreationDateTime": MADE - timedelta(hours=1)}


def _error(operation: str, code: str) -> Exception:
    if code == "no connection":
        return ConnectTimeoutError(endpoint_url="https://aws")
    if code == "told to wait":
        error = client_error(operation, "TooManyRequestsException", "slow down", status=429)
        error.response["ResponseMetadata"]["HTTPHeaders"]["retry-after"] = "7"
        return error
    return client_error(operation, code, "as drawn", status=500 if code == "InternalServerError" else 400)


_door = BotocoreDoor(writes_down=True)


@contextmanager
def deployed(clients: Clients) -> Iterator[None]:
    """The functions' environment."""
    with (
        _door.opened(),
        mock.patch.dict("os.environ", ENVIRONMENT),
        mock.patch.object(aws_module, "clients", return_value=clients),
    ):
        yield


@contextmanager
def inhabited(account: DrawnAccount, items: Sequence[Mapping[str, Any]] = ()) -> Iterator[None]:
    """Let the functions find this account, with these items in the restore table."""
    for item in items:
        account.aws.items.put(RESTORE_TABLE, dict(item))
    clock = account.aws.clock
    with (
        _door.to(account.wire),
        account.wire.invocation(account.seconds),
        mock.patch.object(wiring, "time", SimpleNamespace(sleep=clock.sleep)),
        mock.patch.object(upkeep, "time", account.time),
        mock.patch.object(upkeep, "datetime", SimpleNamespace(now=account.now)),
        mock.patch.object(wiring, "datetime", SimpleNamespace(now=account.now)),
    ):
        yield


def registration(**more: Any) -> dict[str, Any]:
    """The item by which Terraform registers the pipeline of `orders`."""
    return {
        "pk": {"S": f"pipeline#{SOURCE}"},
        "sk": {"S": "registration"},
        "capture": {"S": "on_restore"},
        "capture_mapping": {"S": "00000000-0000-4000-8000-000000000001"},
        "replay_mapping": {"S": "00000000-0000-4000-8000-000000000002"},
        "buffer_url": {"S": queue_url("buffer.fifo")},
        "buffer_dead_letter_url": {"S": queue_url("aside.fifo")},
        "buffer_id": {"S": "buffer-1"},
        "target_patterns": {"L": [{"S": "*"}]},
        "failure_bucket": {"S": "orders-failures"},
        **REGISTERED_BESIDES,
        **more,
    }


_REQUEST = request(source=TableRef(SOURCE, REGION), target=TableRef(TARGET))
_HELD = Outcome("ttl", Status.SKIPPED, held=("enable TTL by expires",), reason="held for the operator")


def record(state: str) -> dict[str, Any]:
    """The record of a restore of `orders`, as far as a later delivery or an action reads it."""
    return {
        "pk": {"S": f"target#{TARGET}"},
        "sk": {"S": f"restore#{TARGET_ID}"},
        "state": {"S": state},
        "request": TypeSerializer().serialize(_REQUEST.as_json()),
        "settings": {"M": {"tags": {"M": {"tags": {"M": {"team": {"S": "checkout"}}}}}}},
        "outcomes": {"L": [TypeSerializer().serialize(_HELD.as_json())]},
    }


records: st.SearchStrategy[list[dict[str, Any]]] = st.sampled_from(
    ["waiting", "syncing", "replaying", "synced", "incomplete"]
).map(lambda state: [record(state)])
