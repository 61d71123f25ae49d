"""The AWS around the restore worker and the operator function: every answer drawn, every call able to fail."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast
from unittest import mock

from botocore.client import BaseClient
from botocore.exceptions import ConnectTimeoutError
from hypothesis import strategies as st
from moto import mock_aws
from moto.backends import get_backend

from dynamodb_restore import aws as aws_module
from dynamodb_restore.aws import Clients
from dynamodb_restore.handlers import upkeep, wiring
from tests.fuzz.damage import mostly
from tests.fuzz.wire import DeadLetters, answered_by
from tests.simulation.services import VirtualClock
from tests.unit.builders import RESTORE_TABLE, TARGET_ID, make_restore_table
from tests.unit.changes.makers import REGISTERED_BESIDES
from tests.unit.fakes import ACCOUNT, REGION, client_error, table_arn

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

SOURCE, TARGET = "orders", "orders-restored"
NOW = datetime(2026, 11, 22, 7, 20, tzinfo=UTC)
MADE = datetime(2026, 11, 22, 7, 0, 2, tzinfo=UTC)
_STREAM = f"{table_arn(SOURCE)}/stream/2026-11-01T00:00:00.123"
DEAD_LETTERS = "https://sqs/restores-dlq"

ENVIRONMENT = {
    "SOURCE_TABLE_NAME": SOURCE,
    "GROUP_COUNT": "16",
    "BYTE_LIMIT": "262144",
    "RESTORE_TABLE_NAME": RESTORE_TABLE,
    "RESTORE_QUEUE_URL": "https://sqs/restores",
    "DEAD_LETTER_QUEUE_URL": DEAD_LETTERS,
    "NOTIFICATION_TOPIC_ARN": f"arn:aws:sns:{REGION}:{ACCOUNT}:restores",
    "EVENT_BUS_NAME": "default",
    "SETTINGS": '{"tags": true, "ttl": true, "stream": false}',
    "POLLING": '{"max_attempts": 3, "base_delay_seconds": 10, "backoff_rate": 2, "max_delay_seconds": 300, "jitter": 0.5}',
    "RECORD_RETENTION_DAYS": "90",
    "TABLE_PATTERNS": '{"source": ["*"], "target": ["*"]}',
    "OVERRIDES": '[{"source": "*", "target": "drill-*", "settings": {"ttl": false}, "notify": false}]',
    "CONTROL_TAG": "dynamodb-restore:settings",
    "FOLLOW_TERRAFORM": "false",
    "SOURCE_REGIONS": '["us-east-1"]',
    "FINDINGS": "{}",
}
MAX_ATTEMPTS = 3

_LONGEST_HIDDEN_SECONDS = 43_200
"""docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html"""

OPERATIONS = (
    "DescribeTable",
    "DescribeBackup",
    "DescribeRestoreJob",
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
class Account:
    """One account: what is drawn about it, and what the functions did to it.

    Attributes:
        target: DescribeTable's answer about the target.
        failing: operation to what it fails with.
        refuses_events: whether the event bus answers 200 and takes nothing.
        seconds: that an invocation has.
    """

    target: Mapping[str, Any] | None = None
    job: Mapping[str, Any] = field(default_factory=dict)
    failing: Mapping[str, str] = field(default_factory=dict)
    refuses_events: bool = False
    seconds: float = 100.0
    dead_letters: DeadLetters = field(default_factory=lambda: DeadLetters(DEAD_LETTERS))
    hidden: list[str] = field(default_factory=list)
    announced: list[dict[str, Any]] = field(default_factory=list)
    clock: VirtualClock = field(default_factory=lambda: VirtualClock(0.0))
    tags: dict[str, dict[str, str]] = field(default_factory=lambda: {SOURCE: {"team": "checkout"}})
    ttl: dict[str, str] = field(default_factory=lambda: {SOURCE: "expires"})
    mappings: dict[str, str] = field(default_factory=dict)

    @property
    def context(self) -> LambdaContext:
        arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:dynamodb-restore"
        ends_at = self.clock.now + self.seconds
        return cast(
            "LambdaContext",
            SimpleNamespace(
                function_name="dynamodb-restore",
                memory_limit_in_mb=256,
                invoked_function_arn=arn,
                aws_request_id="11111111-2222-3333-4444-555555555555",
                get_remaining_time_in_millis=lambda: int(1000 * (ends_at - self.clock.now)),
            ),
        )

    def now(self, zone: tzinfo) -> datetime:
        return (NOW + timedelta(seconds=self.clock.now)).astimezone(zone)

    def answer(self, client: BaseClient, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        self.clock.sleep(0.01)
        if operation in self.failing:
            raise _error(operation, self.failing[operation])
        known = getattr(self, f"_{_snake(operation)}", None)
        if known is not None:
            answer: dict[str, Any] = known(parameters)
            return answer
        if parameters.get("TableName") != RESTORE_TABLE:
            return self._data(operation, parameters)
        stored: dict[str, Any] = _MOTO(client, operation, parameters)
        return stored

    def _data(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The items of the source and the target: the operator reads and writes them to repair."""
        if operation == "GetItem":
            return {"Item": {**parameters["Key"], "n": {"N": "1"}}}
        assert operation in ("PutItem", "DeleteItem"), operation
        return {}

    def _describe_table(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        name = parameters["TableName"]
        about: Mapping[str, Any] | None = None
        if name == SOURCE:
            about = {
                "TableStatus": "ACTIVE",
                "TableId": "source",
                "CreationDateTime": MADE - timedelta(days=99),
                "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
                "LatestStreamArn": _STREAM,
            }
        elif name == TARGET:
            about = self.target
        if about is None:
            raise client_error("DescribeTable", "ResourceNotFoundException", f"Table: {name} not found")
        return {"Table": {"TableName": name, "TableArn": table_arn(name), **about}}

    def _describe_restore_job(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return {"RestoreJobId": parameters["RestoreJobId"], **self.job}

    def _describe_backup(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        if "deleted" in parameters["BackupArn"]:
            raise client_error("DescribeBackup", "BackupNotFoundException", "Backup not found")
        return {"BackupDescription": {"BackupDetails": {"BackupCreationDateTime": MADE - timedelta(hours=1)}}}

    def _list_tags_of_resource(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        name = parameters["ResourceArn"].rpartition("/")[2]
        return {"Tags": [{"Key": key, "Value": value} for key, value in self.tags.get(name, {}).items()]}

    def _tag_resource(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        name = parameters["ResourceArn"].rpartition("/")[2]
        self.tags.setdefault(name, {}).update({tag["Key"]: tag["Value"] for tag in parameters["Tags"]})
        return {}

    def _describe_time_to_live(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        attribute = self.ttl.get(parameters["TableName"])
        on = {"TimeToLiveStatus": "ENABLED", "AttributeName": attribute}
        return {"TimeToLiveDescription": on if attribute else {"TimeToLiveStatus": "DISABLED"}}

    def _update_time_to_live(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        self.ttl[parameters["TableName"]] = parameters["TimeToLiveSpecification"]["AttributeName"]
        return {}

    def _put_events(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        (entry,) = parameters["Entries"]
        if self.refuses_events:
            return {
                "FailedEntryCount": 1,
                "Entries": [{"ErrorCode": "InternalFailure", "ErrorMessage": "no"}],
            }
        self.announced.append(json.loads(entry["Detail"].encode()))
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}

    def _publish(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        # docs.aws.amazon.com/sns/latest/api/API_Publish.html
        if not re.fullmatch(r"[A-Za-z0-9!-/][\x20-\x7e]{0,99}", parameters["Subject"]):
            raise client_error("Publish", "InvalidParameter", "Subject")
        parameters["Message"].encode()
        return {"MessageId": "1"}

    def _send_message(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return self.dead_letters.send(parameters)

    def _change_message_visibility(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        assert 0 <= parameters["VisibilityTimeout"] <= _LONGEST_HIDDEN_SECONDS
        self.hidden.append(parameters["ReceiptHandle"])
        return {}

    def _get_event_source_mapping(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        state = self.mappings.get(parameters["UUID"], "Disabled")
        return {"UUID": parameters["UUID"], "State": state, "EventSourceArn": _STREAM}

    def _update_event_source_mapping(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        self.mappings[parameters["UUID"]] = "Enabled" if parameters["Enabled"] else "Disabled"
        return {}

    def _get_queue_attributes(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return {"Attributes": dict.fromkeys(parameters["AttributeNames"], "0")}

    def _invoke(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The upkeep function, which gets what the operator function sends."""
        answer = upkeep.handler(json.loads(parameters["Payload"]), self.context)
        return {"StatusCode": 200, "Payload": io.BytesIO(json.dumps(answer).encode())}

    def _receive_message(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return {}

    def _list_objects_v2(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return {"KeyCount": 0, "IsTruncated": False}


_MOTO = BaseClient._make_api_call  # type: ignore[attr-defined]


def _error(operation: str, code: str) -> Exception:
    if code == "no connection":
        return ConnectTimeoutError(endpoint_url="https://aws")
    if code == "told to wait":
        error = client_error(operation, "TooManyRequestsException", "slow down", status=429)
        error.response["ResponseMetadata"]["HTTPHeaders"]["retry-after"] = "7"
        return error
    return client_error(operation, code, "as drawn", status=500 if code == "InternalServerError" else 400)


def _snake(operation: str) -> str:
    return re.sub("(?<!^)([A-Z])", r"_\1", operation).lower()


@contextmanager
def deployed(clients: Clients) -> Iterator[None]:
    """The functions' environment, with an empty restore table."""
    with (
        mock_aws(),
        mock.patch.dict("os.environ", ENVIRONMENT),
        mock.patch.object(aws_module, "clients", return_value=clients),
    ):
        make_restore_table(clients)
        yield


@contextmanager
def inhabited(account: Account, items: Sequence[Mapping[str, Any]] = ()) -> Iterator[None]:
    """Let the functions find this account, with these items in the restore table and no others."""
    table = get_backend("dynamodb")[ACCOUNT][REGION].tables[RESTORE_TABLE]
    table.items.clear()
    for item in items:
        table.put_item(dict(item))
    with (
        answered_by(account.answer),
        mock.patch.object(wiring, "time", SimpleNamespace(sleep=account.clock.sleep)),
        mock.patch.object(
            upkeep,
            "time",
            SimpleNamespace(sleep=account.clock.sleep, monotonic=lambda: account.clock.now),
        ),
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
        "buffer_url": {"S": "https://sqs/buffer.fifo"},
        "buffer_dead_letter_url": {"S": "https://sqs/aside.fifo"},
        "buffer_id": {"S": "buffer-1"},
        "target_patterns": {"L": [{"S": "*"}]},
        "failure_bucket": {"S": "orders-failures"},
        **REGISTERED_BESIDES,
        **more,
    }


def record(state: str) -> dict[str, Any]:
    """The record of a restore of `orders`, as far as a later delivery or an action reads it."""
    return {
        "pk": {"S": f"target#{TARGET}"},
        "sk": {"S": f"restore#{TARGET_ID}"},
        "state": {"S": state},
        "request": {"M": {"source": {"S": SOURCE}, "target": {"S": TARGET}}},
        "settings": {"M": {"tags": {"M": {"tags": {"M": {"team": {"S": "checkout"}}}}}}},
    }


records: st.SearchStrategy[list[dict[str, Any]]] = st.sampled_from(
    ["waiting", "syncing", "replaying", "synced", "incomplete"]
).map(lambda state: [record(state)])
