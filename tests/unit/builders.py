"""Tables and requests that tests start from."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer

from dynamodb_restore.aws import Clients, TableRef
from dynamodb_restore.backoff import Backoff
from dynamodb_restore.config import Polling, WorkerConfig
from dynamodb_restore.pipeline.pipeline import Pipelines
from dynamodb_restore.restore.announce import Announcer
from dynamodb_restore.restore.clone import Cloner, DirectClone
from dynamodb_restore.restore.delivery import Delivery
from dynamodb_restore.restore.pins import Pins
from dynamodb_restore.restore.record import RestoreRecords
from dynamodb_restore.restore.report import Report
from dynamodb_restore.restore.request import RestoreRequest
from dynamodb_restore.restore.worker import Worker
from dynamodb_restore.settings.registry import SETTINGS
from dynamodb_restore.settings.setting import Difference, Overrides, Setting, State, Table, read_target
from tests.configuration import DOCUMENT, digest_of, item_of
from tests.unit.fakes import ACCOUNT, REGION, Aws, Clock, function_arn

if TYPE_CHECKING:
    import pytest
    from mypy_boto3_application_autoscaling.literals import ScalableDimensionType
    from mypy_boto3_dynamodb.type_defs import TableDescriptionTypeDef

EVENTS = Path(__file__).parent.parent / "events"

REQUESTED_AT = datetime(2026, 11, 22, 7, 0, 1, tzinfo=UTC)
TARGET_ID = "5b2f3c1e-6d0a-4c0e-9d3b-2f1a7c9e4d10"

REQUEST = RestoreRequest(
    event_id="7d0c1c6e-3f55-4b0a-9a52-000000000001",
    event_name="RestoreTableToPointInTime",
    source=TableRef("orders"),
    target=TableRef("orders-restored"),
    region=REGION,
    account=ACCOUNT,
    requested_at=REQUESTED_AT,
    requested_by=f"arn:aws:iam::{ACCOUNT}:user/ana",
    restore_point=None,
    target_id=None,
    overrides=Overrides(),
)


def event(name: str) -> Any:
    """One file of `tests/events`, parsed."""
    return json.loads((EVENTS / f"{name}.json").read_text())


def request(**changes: Any) -> RestoreRequest:
    return replace(REQUEST, **changes)


def delivery(
    of: RestoreRequest,
    attempt: int = 1,
    message_id: str | None = None,
    *,
    redriven: bool = False,
    give_up: int = 1,
) -> Delivery:
    """One delivery of a request's message, which has the event's id unless told otherwise.

    Args:
        give_up: the number that it carries where it is redriven.
    """
    return Delivery(of, attempt, message_id or of.event_id, redriven, give_up if redriven else 0)


def make_table(
    clients: Clients,
    name: str,
    *,
    indexes: Sequence[str] = (),
    view_type: str | None = None,
    on_demand: bool = False,
) -> TableDescriptionTypeDef:
    """Create a table with the key `id` and indexes on `customer`."""
    throughput = (
        {} if on_demand else {"ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}}
    )
    arguments: dict[str, Any] = {
        "TableName": name,
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST" if on_demand else "PROVISIONED",
        **throughput,
    }
    if indexes:
        arguments["AttributeDefinitions"].append({"AttributeName": "customer", "AttributeType": "S"})
        arguments["GlobalSecondaryIndexes"] = [
            {
                "IndexName": index,
                "KeySchema": [{"AttributeName": "customer", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
                **throughput,
            }
            for index in indexes
        ]
    if view_type:
        arguments["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": view_type}
    return clients.dynamodb.create_table(**arguments)["TableDescription"]


def scale(
    clients: Clients,
    resource_id: str,
    dimension: ScalableDimensionType,
    *,
    policy: str | None = None,
    suspended: Mapping[str, bool] | None = None,
) -> None:
    """Register a scalable target of 5 to 50 units and, where it is named, a policy that tracks 70 %."""
    more: dict[str, Any] = {"SuspendedState": suspended} if suspended else {}
    clients.auto_scaling.register_scalable_target(
        ServiceNamespace="dynamodb",
        ResourceId=resource_id,
        ScalableDimension=dimension,
        MinCapacity=5,
        MaxCapacity=50,
        **more,
    )
    if policy:
        kind = "Read" if "Read" in dimension else "Write"
        clients.auto_scaling.put_scaling_policy(
            PolicyName=policy,
            ServiceNamespace="dynamodb",
            ResourceId=resource_id,
            ScalableDimension=dimension,
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration={
                "TargetValue": 70.0,
                "PredefinedMetricSpecification": {
                    "PredefinedMetricType": "DynamoDBReadCapacityUtilization"
                    if kind == "Read"
                    else "DynamoDBWriteCapacityUtilization"
                },
                "ScaleInCooldown": 60,
                "ScaleOutCooldown": 0,
            },
        )


def make_full_source(aws: Aws, clients: Clients, name: str = "orders") -> None:
    """A table that has every setting of `SEVEN`."""
    description = make_table(clients, name, indexes=["by-customer"], view_type="NEW_AND_OLD_IMAGES")
    clients.dynamodb.tag_resource(
        ResourceArn=description["TableArn"],
        Tags=[{"Key": "team", "Value": "checkout"}, {"Key": "cost-center", "Value": "1234"}],
    )
    clients.dynamodb.update_time_to_live(
        TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"}
    )
    clients.dynamodb.update_continuous_backups(
        TableName=name,
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 7},
    )
    aws.kinesis.put(name, "changes", ApproximateCreationDateTimePrecision="MICROSECOND")
    stream_arn = description["LatestStreamArn"]
    aws.triggers.put(stream_arn, function_arn("index"), MaximumRetryAttempts=0, tags={"team": "search"})
    aws.triggers.put(stream_arn, function_arn("audit:live"), State="Disabled", BatchSize=10)
    dimensions: list[tuple[str, ScalableDimensionType, str]] = [
        (
            f"table/{name}",
            "dynamodb:table:ReadCapacityUnits",
            f"DynamoDBReadCapacityUtilization:table/{name}",
        ),
        (
            f"table/{name}",
            "dynamodb:table:WriteCapacityUnits",
            f"DynamoDBWriteCapacityUtilization:table/{name}",
        ),
        (f"table/{name}/index/by-customer", "dynamodb:index:ReadCapacityUnits", "index-reads"),
        (f"table/{name}/index/by-customer", "dynamodb:index:WriteCapacityUnits", "index-writes"),
    ]
    for resource_id, dimension, policy in dimensions:
        scale(clients, resource_id, dimension, policy=policy)
    clients.auto_scaling.put_scheduled_action(
        ServiceNamespace="dynamodb",
        ScheduledActionName="morning",
        ResourceId=f"table/{name}",
        ScalableDimension="dynamodb:table:ReadCapacityUnits",
        Schedule="cron(0 6 * * ? *)",
        ScalableTargetAction={"MinCapacity": 20},
    )


def make_target(aws: Aws, clients: Clients, source: str = "orders", name: str = "orders-restored") -> None:
    """Restore a table, made one second after the call of `REQUEST`."""
    clients.dynamodb.restore_table_to_point_in_time(SourceTableName=source, TargetTableName=name)
    aws.describe_as(name, CreationDateTime=datetime(2026, 11, 22, 7, 0, 2, tzinfo=UTC), TableId=TARGET_ID)


def carry_over(setting: Setting, source: Table, target: Table) -> Difference:
    """Read, diff, apply: what separated the two tables before."""
    desired = portable(setting, source)
    difference = setting.diff(desired, read_target(setting, target, desired).state)
    for step in difference.steps:
        setting.apply(target, step)
        let_time_pass(target)
    return difference


def let_time_pass(table: Table) -> None:
    """What AWS has begun to change about a table is done: so it is for a test that looks at it (see strict.py)."""
    # Where nothing but a Kinesis destination is looked at, there is no table.
    with contextlib.suppress(table.clients.dynamodb.exceptions.ResourceNotFoundException):
        table.clients.dynamodb.describe_table(TableName=table.name)


def portable(setting: Setting, table: Table) -> State:
    """A setting's state as the restore record keeps it."""
    state: State = json.loads(json.dumps(setting.read(table).state))
    return state


RESTORE_TABLE = "dynamodb-restore-restores"


def make_restore_table(clients: Clients) -> None:
    """The restore table as `modules/restore-worker` makes it."""
    clients.dynamodb.create_table(
        TableName=RESTORE_TABLE,
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        BillingMode="PAY_PER_REQUEST",
    )


def configure(
    clients: Clients, environment: pytest.MonkeyPatch, table: str = RESTORE_TABLE, **otherwise: Any
) -> None:
    """Put a configuration where Terraform puts it: `tests.configuration.DOCUMENT` with these changes."""
    document = {**DOCUMENT, **otherwise}
    clients.dynamodb.put_item(TableName=table, Item=item_of(document))
    environment.setenv("CONFIGURATION", digest_of(document))


def record_item(
    clients: Clients, restore_id: str = TARGET_ID, target: str = "orders-restored"
) -> dict[str, Any]:
    """A restore record as any DynamoDB reader sees it; empty where there is none."""
    item = clients.dynamodb.get_item(
        TableName=RESTORE_TABLE,
        Key={"pk": {"S": f"target#{target}"}, "sk": {"S": f"restore#{restore_id}"}},
    ).get("Item", {})
    return {key: TypeDeserializer().deserialize(value) for key, value in item.items()}


SEVEN = (
    "point_in_time_recovery",
    "tags",
    "auto_scaling",
    "stream",
    "stream_triggers",
    "kinesis_destination",
    "ttl",
)
"""The settings that `make_full_source` gives a table; moto has them, or `Aws` has."""

SEVEN_SETTINGS = tuple(setting for setting in SETTINGS if setting.name in SEVEN)
ALL_ON = dict.fromkeys([setting.name for setting in SEVEN_SETTINGS], True)


def make_worker(
    clients: Clients,
    clock: Clock,
    *,
    switches: Mapping[str, bool] | None = None,
    topic_arn: str | None = None,
    now: datetime = REQUESTED_AT + timedelta(minutes=5),
    max_attempts: int = 5,
    invocation: str = "invocation-1",
    **more: Any,
) -> Worker:
    """A worker as `handlers.wiring` makes it, at a fixed instant; its restore table must exist.

    Args:
        more: fields of `WorkerConfig`.
    """
    config = WorkerConfig(
        restore_table_name=RESTORE_TABLE,
        restore_queue_url="",
        dead_letter_queue_url="",
        notification_topic_arn=topic_arn,
        event_bus_name="default",
        switches=ALL_ON if switches is None else switches,
        polling=Polling(max_attempts, Backoff(base_seconds=10, rate=2, cap_seconds=300, jitter=0)),
        record_retention_days=90,
        **more,
    )
    records = RestoreRecords(clients, RESTORE_TABLE, timedelta(days=90))
    return Worker(
        config=config,
        records=records,
        pins=Pins(clients, RESTORE_TABLE, timedelta(days=90)),
        announcer=Announcer(clients, "default", topic_arn),
        pipelines=Pipelines(clients, RESTORE_TABLE, lambda: now),
        cloner=Cloner(clients, records, SEVEN_SETTINGS, clock.pace()),
        now=lambda: now,
        invocation=invocation,
    )


def clone_now(
    worker: Worker, source: TableRef, target: str, *, dry_run: bool, requested_by: str | None = None
) -> Report:
    """What a direct invocation does."""
    return DirectClone(worker.cloner, worker.config, worker.pipelines, worker.now).run(
        source, target, dry_run=dry_run, requested_by=requested_by
    )
