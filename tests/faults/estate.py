"""An account with source tables that have every setting, and with everything around them that a restore touches."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from dynamodb_restore.store import pipeline_partition
from tests.aws.account import Account
from tests.aws.clock import VirtualClock
from tests.aws.names import ACCOUNT, REGION, function_arn, queue_arn, queue_url, table_arn
from tests.aws.tables import TableState
from tests.unit.builders import event
from tests.unit.changes.makers import REGISTERED_BESIDES

SOURCE = "orders"
TARGET = "orders-restored"
UNRELATED = "orders-archive"
INDEX = "by-customer"
RESTORE_TABLE = "dynamodb-restore-restores"
RESTORE_QUEUE = queue_url("dynamodb-restore-restores")
DEAD_LETTERS = queue_url("dynamodb-restore-restores-dlq")
BUFFER = queue_url("orders-changes.fifo")
SET_ASIDE = queue_url("orders-changes-dlq.fifo")
BUFFER_ID = "buffer-1"
FAILURES = "orders-failures"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:on-call"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/of-the-shop"
CONTROL_TAG = "restore"

START = datetime(2026, 11, 22, 7, 16, tzinfo=UTC)
VISIBILITY_SECONDS = 720
"""How long the restore queue hides a message that is being worked on, or that a function died with."""

MAX_ATTEMPTS = 40
"""Of a delivery; faults use up some of them."""

MOST_DELIVERIES = MAX_ATTEMPTS + 5
"""After which SQS moves a message to the dead-letter queue itself; more than the worker's attempts."""

STREAM_LABEL = "2026-11-23T07:10:00.000"
"""Of every new stream: what AWS would make a clock's reading has to be the same in all runs. It is later than any run, because a
stream that is made at cutover is younger than the fence."""

MADE_AT = datetime(2026, 10, 1, tzinfo=UTC)
TARGET_MADE_AT = datetime(2026, 11, 22, 7, 0, 2, tzinfo=UTC)
RESTORED_TO = datetime(2026, 11, 22, 6, 55, tzinfo=UTC)
"""The latest that there was: AWS lags five minutes
(docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_RestoreTableToPointInTime.html)."""

CAPTURED_SINCE = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
_OLD_LABEL = "2026-10-01T00:00:00.000"


def restore_event() -> str:
    """The event of a restore to "the latest", whose answer CloudTrail left out: all else AWS has to be asked for."""
    body = event("by_name_latest_iam_user")
    body["detail"]["responseElements"] = None
    return json.dumps(body)


def build(*, on_demand: bool = False, pipeline: bool = False) -> Account:
    """An account in which the source is just being restored.

    Args:
        on_demand: capacity that scales, and maximums on demand, exclude each other.
        pipeline: whether the source has one.
    """
    account = Account(VirtualClock(START.timestamp()))
    account.streams.label = STREAM_LABEL
    account.tables.make(RESTORE_TABLE, MADE_AT, on_demand=True)
    account.items.make(RESTORE_TABLE, pk="S", sk="S")
    for name in ("dynamodb-restore-restores-dlq", "orders-changes.fifo", "orders-changes-dlq.fifo"):
        account.queues.make(name)
    account.queues.make(
        "dynamodb-restore-restores",
        visibility_seconds=VISIBILITY_SECONDS,
        max_receives=MOST_DELIVERIES,
        dead_letters=DEAD_LETTERS,
    )
    _source(account, on_demand=on_demand)
    _unrelated(account)
    _references(account)
    account.items.make(SOURCE, id="S")
    account.items.make(TARGET, id="S")
    account.tables.restore(SOURCE, TARGET, TARGET_MADE_AT, RESTORED_TO)
    account.trail.note(json.loads(restore_event())["detail"])
    if pipeline:
        add_pipeline(account)
    return account


def _source(account: Account, *, on_demand: bool) -> None:
    table = account.tables.make(SOURCE, MADE_AT, indexes=(INDEX,), on_demand=on_demand)
    description = table.description
    stream_arn = f"{table_arn(SOURCE)}/stream/{_OLD_LABEL}"
    description |= {
        "DeletionProtectionEnabled": True,
        "TableClassSummary": {"TableClass": "STANDARD_INFREQUENT_ACCESS"},
        "SSEDescription": {"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": KEY},
        "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        "LatestStreamArn": stream_arn,
        "GlobalTableVersion": "2019.11.21",
        "Replicas": [
            {"RegionName": region, "ReplicaStatus": "ACTIVE"} for region in ("eu-north-1", "eu-west-1")
        ],
    }
    table.tags = {
        "aws:cloudformation:stack-name": "shop",
        "team": "checkout",
        "cost-center": "",
        CONTROL_TAG: "+ttl +tags",
    }
    table.ttl = {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires"}
    table.recovery_days = 7
    for index, mode in (("", "THROTTLED_KEYS"), (INDEX, "ACCESSED_AND_THROTTLED_KEYS")):
        table.insights[index] = {
            "TableName": SOURCE,
            **({"IndexName": index} if index else {}),
            "ContributorInsightsStatus": "ENABLED",
            "ContributorInsightsMode": mode,
        }
    account.kinesis.put(SOURCE, "changes", ApproximateCreationDateTimePrecision="MICROSECOND")
    counted = {"MetricsConfig": {"Metrics": ["EventCount"]}}
    uuid = account.mappings.put(
        stream_arn, function_arn("index"), MaximumRetryAttempts=0, tags={"team": "search"}, **counted
    )
    account.cloudwatch.put_alarm(
        "index gives up",
        Namespace="AWS/Lambda",
        MetricName="DroppedEventCount",
        Dimensions=[{"Name": "EventSourceMappingUUID", "Value": uuid}],
    )
    account.mappings.put(stream_arn, function_arn("audit:live"), State="Disabled", BatchSize=10)
    account.policies.documents |= {
        arn: json.dumps(policy) for arn, policy in _policies(table_arn(SOURCE), stream_arn).items()
    }
    _alarms(account)
    if on_demand:
        _limits(table)
    else:
        _scaling(account)
        table.part(INDEX)["WarmThroughput"] = {
            "ReadUnitsPerSecond": 9_000,
            "WriteUnitsPerSecond": 1_500,
            "Status": "ACTIVE",
        }


def _limits(table: TableState) -> None:
    table.description["OnDemandThroughput"] = {"MaxReadRequestUnits": 1_000}
    table.part(INDEX)["OnDemandThroughput"] = {"MaxReadRequestUnits": 700, "MaxWriteRequestUnits": 500}
    table.description["WarmThroughput"] = {
        "ReadUnitsPerSecond": 20_000,
        "WriteUnitsPerSecond": 4_000,
        "Status": "ACTIVE",
    }


def _scaling(account: Account) -> None:
    scale = account.scaling.operations
    for resource, of in ((f"table/{SOURCE}", "table"), (f"table/{SOURCE}/index/{INDEX}", "index")):
        for kind in ("Read", "Write"):
            where = {
                "ServiceNamespace": "dynamodb",
                "ResourceId": resource,
                "ScalableDimension": f"dynamodb:{of}:{kind}CapacityUnits",
            }
            suspended = {"ScheduledScalingSuspended": kind == "Write"}
            scale["RegisterScalableTarget"](
                {**where, "MinCapacity": 5, "MaxCapacity": 50, "SuspendedState": suspended}
            )
            account.scaling.unseen.clear()
            metric = {"PredefinedMetricType": f"DynamoDB{kind}CapacityUtilization"}
            configuration = {
                "TargetValue": 65.5,
                "PredefinedMetricSpecification": metric,
                "ScaleInCooldown": 0,
            }
            scale["PutScalingPolicy"](
                {
                    **where,
                    "PolicyName": f"DynamoDB{kind}CapacityUtilization:{resource}",
                    "PolicyType": "TargetTrackingScaling",
                    "TargetTrackingScalingPolicyConfiguration": configuration,
                }
            )
    scale["PutScheduledAction"](
        {
            "ServiceNamespace": "dynamodb",
            "ResourceId": f"table/{SOURCE}",
            "ScalableDimension": "dynamodb:table:ReadCapacityUnits",
            "ScheduledActionName": "morning",
            "Schedule": "cron(0 6 * * ? *)",
            "ScalableTargetAction": {"MinCapacity": 20},
        }
    )


def _alarms(account: Account) -> None:
    def metric(table: str, **more: str) -> dict[str, Any]:
        dimensions = {"TableName": table, **more}
        return {
            "Namespace": "AWS/DynamoDB",
            "MetricName": "ReadThrottleEvents",
            "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
        }

    put = account.cloudwatch.put_alarm
    put(f"{SOURCE}-throttled", **metric(SOURCE), tags={"team": "checkout"}, AlarmActions=[TOPIC])
    put("checkout is slow", **metric(SOURCE, GlobalSecondaryIndexName=INDEX), Threshold=0.0)
    put(f"{UNRELATED}-throttled", **metric(UNRELATED))
    put("maintenance", Namespace="Shop", MetricName="Maintenance")
    account.cloudwatch.put_composite_alarm(
        f"{SOURCE} is in trouble", f'ALARM("{SOURCE}-throttled") AND NOT OK("checkout is slow")'
    )


def _policies(arn: str, stream_arn: str) -> dict[str, dict[str, Any]]:
    partner = {"AWS": "arn:aws:iam::210987654321:role/reader"}
    deny = {"Effect": "Deny", "Action": "dynamodb:*", "Resource": arn}
    of_table = [
        {
            "Effect": "Allow",
            "Principal": partner,
            "Action": "dynamodb:GetItem",
            "Resource": [arn, f"{arn}/index/*"],
        },
        # One that needs a look at who is asking.
        {**deny, "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/intern"}},
    ]
    of_stream = [
        {"Effect": "Allow", "Principal": partner, "Action": "dynamodb:GetRecords", "Resource": stream_arn}
    ]
    return {
        arn: {"Version": "2012-10-17", "Statement": of_table},
        stream_arn: {"Version": "2012-10-17", "Statement": of_stream},
    }


def _unrelated(account: Account) -> None:
    """A table whose name begins alike."""
    table = account.tables.make(UNRELATED, MADE_AT, on_demand=True)
    table.tags = {"team": "warehouse"}
    table.ttl = {"TimeToLiveStatus": "ENABLED", "AttributeName": "until"}
    account.items.make(UNRELATED, id="S")
    account.items.put(UNRELATED, {"id": {"S": "a"}})


def _references(account: Account) -> None:
    def allow(*names: str) -> dict[str, Any]:
        statement = {
            "Effect": "Allow",
            "Action": "dynamodb:Query",
            "Resource": [table_arn(name) for name in names],
        }
        return {"Version": "2012-10-17", "Statement": [statement]}

    references = account.references
    references.roles = {"reader": allow(SOURCE), "stranger": allow(UNRELATED)}
    references.policies = {"auditors": allow(UNRELATED), "writers": allow(SOURCE)}
    references.holders = {"stranger": ["writers"]}
    references.plans = {
        "daily": {
            "tables": {"SelectionName": "tables", "IamRoleArn": "role", "Resources": [table_arn(SOURCE)]},
            "others": {"SelectionName": "others", "IamRoleArn": "role", "Resources": [table_arn(UNRELATED)]},
        },
        "monthly": {"all": {"SelectionName": "all", "IamRoleArn": "role", "Resources": ["*"]}},
    }
    consumers = account.consumers
    consumers.put_integration("lake", table_arn(SOURCE), f"arn:aws:glue:{REGION}:{ACCOUNT}:database/lake")
    consumers.pipelines = {
        name: f"source:\n  dynamodb:\n    tables:\n      - table_arn: {table_arn(table)}\n"
        for name, table in (("search", SOURCE), ("stock", UNRELATED))
    }
    for name, table in (("vpce-1", SOURCE), ("vpce-2", UNRELATED)):
        consumers.put_endpoint(name, json.dumps(allow(table)))
    consumers.trails = {
        name: {
            "EventSelectors": [
                {"DataResources": [{"Type": "AWS::DynamoDB::Table", "Values": [table_arn(table)]}]}
            ]
        }
        for name, table in (("audit", SOURCE), ("stock", UNRELATED))
    }
    for name, table in (("shop", SOURCE), ("warehouse", UNRELATED)):
        row = ["AWS/DynamoDB", "ConsumedReadCapacityUnits", "TableName", table]
        widget = {"type": "metric", "properties": {"metrics": [row], "region": REGION}}
        account.cloudwatch.dashboards[name] = json.dumps({"widgets": [widget]})
    _name_holders(account)


def _name_holders(account: Account) -> None:
    """Two of each kind, one that names the source and one that names a table whose name begins alike."""
    holders = account.name_holders
    for name, table in (("shop", SOURCE), ("warehouse", UNRELATED)):
        holders.pipes[name] = f"{table_arn(table)}/stream/{_OLD_LABEL}"
        holders.add_function(name, TABLE=table)
        holders.parameters[f"/{name}/table"] = ("String", table)
        step = {
            "Type": "Task",
            "Resource": "arn:aws:states:::dynamodb:getItem",
            "Parameters": {"TableName": table},
        }
        holders.state_machines[name] = json.dumps({"StartAt": "Read", "States": {"Read": step}})
        holders.add_data_source(name, "table", table)


def add_pipeline(account: Account) -> None:
    """The source's pipeline as Terraform makes it, with some changes captured and replayed."""
    stream_arn = account.tables.tables[SOURCE].description["LatestStreamArn"]
    uuids = [
        account.mappings.put(arn, function_arn(function), State="Disabled", LastProcessingResult="OK")
        for arn, function in ((stream_arn, "capture"), (queue_arn("orders-changes.fifo"), "replay"))
    ]
    partition = {"pk": {"S": pipeline_partition(SOURCE)}}
    account.items.put(
        RESTORE_TABLE,
        {
            **partition,
            "sk": {"S": "registration"},
            "capture": {"S": "on_restore"},
            "capture_mapping": {"S": uuids[0]},
            "replay_mapping": {"S": uuids[1]},
            "buffer_url": {"S": BUFFER},
            "buffer_dead_letter_url": {"S": SET_ASIDE},
            "buffer_id": {"S": BUFFER_ID},
            "target_patterns": {"L": [{"S": "*"}]},
            **REGISTERED_BESIDES,
            "failure_bucket": {"S": FAILURES},
            "stream_arn": {"S": stream_arn},
        },
    )
    # Left by an earlier restore, and no concern of this one.
    for number in range(3):
        key = f"aws/lambda/{uuids[0]}/shard-{number}/2026/11/21/batch"
        account.objects.put(FAILURES, key, (RESTORED_TO - timedelta(days=1)).timestamp())
    for side in ("captured", "replayed"):
        account.items.put(
            RESTORE_TABLE,
            {
                **partition,
                "sk": {"S": f"{side}#{BUFFER_ID}#0"},
                "sequence#0": {"N": "18849496460467696128"},
                "time#0": {"N": str(int(RESTORED_TO.timestamp()))},
                "changes": {"N": "7"},
                **({"since": {"N": str(int(CAPTURED_SINCE.timestamp()))}} if side == "captured" else {}),
            },
        )
