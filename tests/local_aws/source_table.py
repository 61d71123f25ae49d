"""A source table that has every setting, each in its most awkward form, and what the settings point at.

Awkward means: values that a careless copy loses. Zero retries, a disabled trigger, an empty tag, a
suspended scaling process, a recovery period that is not the default.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .local_aws import Clients, LocalAws

if TYPE_CHECKING:
    from mypy_boto3_application_autoscaling.literals import MetricTypeType, ScalableDimensionType

INDEX = "by-customer"
TTL_ATTRIBUTE = "expires_at"
RECOVERY_DAYS = 7
ITEMS = 25

_HANDLER = "def handler(event, context):\n    return {'batchItemFailures': []}\n"


@dataclass(frozen=True)
class Estate:
    """What the settings of source tables point at: made once, shared by all tables."""

    search_function_arn: str
    billing_function_arn: str
    failure_queue_arn: str
    kinesis_stream_arn: str


@dataclass(frozen=True)
class SourceTable:
    name: str
    arn: str
    estate: Estate


def make_estate(aws: LocalAws, prefix: str = "shop") -> Estate:
    """Two functions, one by its alias, a queue for failures and a Kinesis stream."""
    clients = aws.clients()
    role = f"arn:aws:iam::{aws.account_id}:role/{prefix}-functions"
    search = _function(clients, f"{prefix}-search-index", role)
    billing = _function(clients, f"{prefix}-billing", role)
    version = clients.lambda_.publish_version(FunctionName=billing)["Version"]
    billing = clients.lambda_.create_alias(FunctionName=billing, Name="live", FunctionVersion=version)[
        "AliasArn"
    ]
    queue_url = clients.sqs.create_queue(QueueName=f"{prefix}-search-index-failures")["QueueUrl"]
    attributes = clients.sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])
    clients.kinesis.create_stream(StreamName=f"{prefix}-changes", ShardCount=1)
    stream = aws.wait_until(
        lambda: _active_stream(clients, f"{prefix}-changes"), timeout=30, what="the Kinesis stream active"
    )
    return Estate(search, billing, attributes["Attributes"]["QueueArn"], stream)


def make_source_table(aws: LocalAws, name: str, estate: Estate) -> SourceTable:
    """A table with all seven settings and some items."""
    clients = aws.clients()
    description = clients.dynamodb.create_table(
        TableName=name,
        KeySchema=[
            {"AttributeName": "order", "KeyType": "HASH"},
            {"AttributeName": "line", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "order", "AttributeType": "S"},
            {"AttributeName": "line", "AttributeType": "N"},
            {"AttributeName": "customer", "AttributeType": "S"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": INDEX,
                "KeySchema": [{"AttributeName": "customer", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
                "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5},
            }
        ],
        BillingMode="PROVISIONED",
        ProvisionedThroughput={"ReadCapacityUnits": 10, "WriteCapacityUnits": 10},
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        Tags=[
            {"Key": "team", "Value": "orders"},
            {"Key": "cost-center", "Value": "4711"},
            {"Key": "data:class", "Value": "confidential / é"},
            {"Key": "reviewed", "Value": ""},
        ],
    )["TableDescription"]
    _put_items(clients, name)
    _enable_time_to_live(aws, clients, name)
    _enable_kinesis(aws, clients, name, estate)
    clients.dynamodb.update_continuous_backups(
        TableName=name,
        PointInTimeRecoverySpecification={
            "PointInTimeRecoveryEnabled": True,
            "RecoveryPeriodInDays": RECOVERY_DAYS,
        },
    )
    _add_triggers(clients, description["LatestStreamArn"], estate)
    _add_auto_scaling(clients, name)
    return SourceTable(name, description["TableArn"], estate)


def delete_tables(aws: LocalAws, names: Iterable[str]) -> None:
    """Delete tables and what hangs on them; those that do not exist are passed over."""
    clients = aws.observer()
    for name in names:
        try:
            table = clients.dynamodb.describe_table(TableName=name)["Table"]
        except clients.dynamodb.exceptions.ResourceNotFoundException:
            continue
        if stream_arn := table.get("LatestStreamArn"):
            for mapping in clients.lambda_.list_event_source_mappings(EventSourceArn=stream_arn)[
                "EventSourceMappings"
            ]:
                clients.lambda_.delete_event_source_mapping(UUID=mapping["UUID"])
        for resource in (f"table/{name}", f"table/{name}/index/{INDEX}"):
            for target in clients.autoscaling.describe_scalable_targets(
                ServiceNamespace="dynamodb", ResourceIds=[resource]
            )["ScalableTargets"]:
                clients.autoscaling.deregister_scalable_target(
                    ServiceNamespace="dynamodb",
                    ResourceId=resource,
                    ScalableDimension=target["ScalableDimension"],
                )
        clients.dynamodb.delete_table(TableName=name)


def _function(clients: Clients, name: str, role: str) -> str:
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("index.py", _HANDLER)
    return clients.lambda_.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=role,
        Handler="index.handler",
        Code={"ZipFile": package.getvalue()},
    )["FunctionArn"]


def _active_stream(clients: Clients, name: str) -> str | None:
    summary = clients.kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
    return summary["StreamARN"] if summary["StreamStatus"] == "ACTIVE" else None


def _put_items(clients: Clients, name: str) -> None:
    items = [
        {
            "order": {"S": f"order-{number // 5}"},
            "line": {"N": str(number % 5)},
            "customer": {"S": f"customer-{number % 3}"},
            TTL_ATTRIBUTE: {"N": str(4_000_000_000 + number)},
        }
        for number in range(ITEMS)
    ]
    clients.dynamodb.batch_write_item(RequestItems={name: [{"PutRequest": {"Item": item}} for item in items]})


def _enable_time_to_live(aws: LocalAws, clients: Clients, name: str) -> None:
    clients.dynamodb.update_time_to_live(
        TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": TTL_ATTRIBUTE}
    )

    def enabled() -> bool:
        description = clients.dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        return description["TimeToLiveStatus"] == "ENABLED"

    aws.wait_until(enabled, timeout=30, what=f"TTL of {name} enabled")


def _enable_kinesis(aws: LocalAws, clients: Clients, name: str, estate: Estate) -> None:
    clients.dynamodb.enable_kinesis_streaming_destination(
        TableName=name,
        StreamArn=estate.kinesis_stream_arn,
        EnableKinesisStreamingConfiguration={"ApproximateCreationDateTimePrecision": "MICROSECOND"},
    )

    def active() -> bool:
        answer = clients.dynamodb.describe_kinesis_streaming_destination(TableName=name)
        return answer["KinesisDataStreamDestinations"][0]["DestinationStatus"] == "ACTIVE"

    aws.wait_until(active, timeout=30, what=f"the Kinesis destination of {name} active")


def _add_triggers(clients: Clients, stream_arn: str, estate: Estate) -> None:
    only_paid = {"eventName": ["INSERT", "MODIFY"], "dynamodb": {"NewImage": {"state": {"S": ["paid"]}}}}
    clients.lambda_.create_event_source_mapping(
        EventSourceArn=stream_arn,
        FunctionName=estate.search_function_arn,
        StartingPosition="LATEST",
        BatchSize=25,
        MaximumBatchingWindowInSeconds=3,
        MaximumRetryAttempts=0,
        MaximumRecordAgeInSeconds=3600,
        BisectBatchOnFunctionError=True,
        ParallelizationFactor=2,
        FilterCriteria={"Filters": [{"Pattern": json.dumps(only_paid)}]},
        DestinationConfig={"OnFailure": {"Destination": estate.failure_queue_arn}},
        FunctionResponseTypes=["ReportBatchItemFailures"],
        Tags={"team": "search", "reviewed": ""},
    )
    clients.lambda_.create_event_source_mapping(
        EventSourceArn=stream_arn,
        FunctionName=estate.billing_function_arn,
        StartingPosition="TRIM_HORIZON",
        Enabled=False,
        TumblingWindowInSeconds=30,
    )


def _add_auto_scaling(clients: Clients, name: str) -> None:
    table, index = f"table/{name}", f"table/{name}/index/{INDEX}"
    _scale(
        clients, table, "dynamodb:table:ReadCapacityUnits", "DynamoDBReadCapacityUtilization", (10, 200), 70.0
    )
    _scale(
        clients,
        table,
        "dynamodb:table:WriteCapacityUnits",
        "DynamoDBWriteCapacityUtilization",
        (10, 100),
        65.5,
    )
    _scale(
        clients, index, "dynamodb:index:ReadCapacityUnits", "DynamoDBReadCapacityUtilization", (5, 50), 80.0
    )
    clients.autoscaling.register_scalable_target(
        ServiceNamespace="dynamodb",
        ResourceId=table,
        ScalableDimension="dynamodb:table:WriteCapacityUnits",
        SuspendedState={
            "DynamicScalingInSuspended": True,
            "DynamicScalingOutSuspended": False,
            "ScheduledScalingSuspended": False,
        },
    )
    for action, schedule, capacity in (
        ("business-hours", "cron(0 8 ? * MON-FRI *)", {"MinCapacity": 50, "MaxCapacity": 200}),
        ("nights", "cron(0 20 ? * MON-FRI *)", {"MinCapacity": 10}),
    ):
        clients.autoscaling.put_scheduled_action(
            ServiceNamespace="dynamodb",
            ResourceId=table,
            ScalableDimension="dynamodb:table:ReadCapacityUnits",
            ScheduledActionName=f"{name}/{action}",
            Schedule=schedule,
            Timezone="Europe/Berlin",
            ScalableTargetAction=capacity,  # type: ignore[arg-type]
        )


def _scale(
    clients: Clients,
    resource: str,
    dimension: ScalableDimensionType,
    metric: MetricTypeType,
    limits: tuple[int, int],
    utilization: float,
) -> None:
    where: dict[str, Any] = {
        "ServiceNamespace": "dynamodb",
        "ResourceId": resource,
        "ScalableDimension": dimension,
    }
    clients.autoscaling.register_scalable_target(**where, MinCapacity=limits[0], MaxCapacity=limits[1])
    clients.autoscaling.put_scaling_policy(
        **where,
        # As the DynamoDB console names them: the table's name is part of the policy's.
        PolicyName=f"{resource.partition('/')[2]}/{dimension.rpartition(':')[2]}",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": utilization,
            "PredefinedMetricSpecification": {"PredefinedMetricType": metric},
            "ScaleInCooldown": 0,
            "ScaleOutCooldown": 30,
            "DisableScaleIn": dimension.endswith("WriteCapacityUnits"),
        },
    )
