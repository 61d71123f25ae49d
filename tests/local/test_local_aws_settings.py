"""The rules of the local AWS about capacity, Insights, policies, replicas, alarms, and restores of every kind."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.local_aws import Clients, LocalAws
from tests.local_aws.source_table import delete_tables

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

INDEX = "by-owner"


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    return error.value.response["Error"]["Code"]


def describe(clients: Clients, table: str) -> dict[str, Any]:
    description: dict[str, Any] = clients.client("dynamodb").describe_table(TableName=table)["Table"]
    return description


@pytest.fixture
def update(aws: LocalAws, clients: Clients, table: str) -> Callable[..., None]:
    """UpdateTable, and a wait until the table is ACTIVE again."""

    def call(**change: Any) -> None:
        clients.client("dynamodb").update_table(TableName=table, **change)
        aws.wait_until(
            lambda: describe(clients, table)["TableStatus"] == "ACTIVE", timeout=300, what=f"{table} ACTIVE"
        )

    return call


def index_change(**change: Any) -> dict[str, Any]:
    return {"GlobalSecondaryIndexUpdates": [{"Update": {"IndexName": INDEX, **change}}]}


# --- UpdateTable ---


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            {"TableClass": "STANDARD_INFREQUENT_ACCESS", "DeletionProtectionEnabled": True},
            "TableClass modification must be the only operation",
        ),
        (
            {
                "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
                "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5},
            },
            "cannot modify stream status while updating table IOPS",
        ),
        (
            {
                "GlobalSecondaryIndexUpdates": [
                    {"Delete": {"IndexName": INDEX}},
                    {"Delete": {"IndexName": "other"}},
                ]
            },
            "Only 1 online index",
        ),
        (
            {
                "ReplicaUpdates": [
                    {"Create": {"RegionName": "eu-west-2"}},
                    {"Create": {"RegionName": "eu-west-3"}},
                ]
            },
            "Only one replica",
        ),
    ],
)
def test_some_changes_are_taken_only_by_themselves(
    clients: Clients, table: str, change: dict[str, Any], says: str
) -> None:
    before = describe(clients, table)
    with pytest.raises(ClientError, match=says):
        clients.client("dynamodb").update_table(TableName=table, **change)
    assert describe(clients, table) == before


def test_limits_on_demand_are_kept_for_table_and_index_each_by_itself(
    clients: Clients, table: str, update: Callable[..., None]
) -> None:
    update(OnDemandThroughput={"MaxReadRequestUnits": 100})
    update(**index_change(OnDemandThroughput={"MaxWriteRequestUnits": 5}))
    update(OnDemandThroughput={"MaxWriteRequestUnits": 50})
    description = describe(clients, table)
    assert description["OnDemandThroughput"] == {"MaxReadRequestUnits": 100, "MaxWriteRequestUnits": 50}
    (index,) = description["GlobalSecondaryIndexes"]
    assert index["OnDemandThroughput"] == {"MaxReadRequestUnits": -1, "MaxWriteRequestUnits": 5}

    update(BillingMode="PROVISIONED", ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 5})
    with pytest.raises(ClientError, match="PAY_PER_REQUEST"):
        update(OnDemandThroughput={"MaxReadRequestUnits": 200})


def test_warm_throughput_grows_and_never_shrinks(
    clients: Clients, table: str, update: Callable[..., None]
) -> None:
    def warm(part: dict[str, Any]) -> tuple[int, int, str]:
        found = part["WarmThroughput"]
        return found["ReadUnitsPerSecond"], found["WriteUnitsPerSecond"], found["Status"]

    assert warm(describe(clients, table)) == (12_000, 4_000, "ACTIVE")
    clients.dynamodb.update_table(TableName=table, WarmThroughput={"ReadUnitsPerSecond": 13_000})
    assert warm(describe(clients, table)) == (13_000, 4_000, "UPDATING")
    assert warm(describe(clients, table)) == (13_000, 4_000, "ACTIVE")
    with pytest.raises(ClientError, match="decreasing WarmThroughput is not supported"):
        update(WarmThroughput={"ReadUnitsPerSecond": 12_999})
    update(**index_change(WarmThroughput={"WriteUnitsPerSecond": 9_000}))
    (index,) = describe(clients, table)["GlobalSecondaryIndexes"]
    assert warm(index)[:2] == (12_000, 9_000)


def test_warm_throughput_of_provisioned_capacity_follows_it(
    clients: Clients, table: str, update: Callable[..., None]
) -> None:
    capacity = {"ReadCapacityUnits": 70, "WriteCapacityUnits": 7}
    update(BillingMode="PROVISIONED", ProvisionedThroughput=capacity)
    assert describe(clients, table)["WarmThroughput"]["ReadUnitsPerSecond"] == 70


# --- Contributor Insights ---


def test_contributor_insights_have_a_mode_for_each_index_and_take_a_while(
    clients: Clients, table: str
) -> None:
    dynamodb = clients.client("dynamodb")
    dynamodb.update_contributor_insights(
        TableName=table,
        IndexName=INDEX,
        ContributorInsightsAction="ENABLE",
        ContributorInsightsMode="THROTTLED_KEYS",
    )
    dynamodb.update_contributor_insights(TableName=table, ContributorInsightsAction="ENABLE")

    def look(**index: str) -> tuple[str, str | None]:
        answer = dynamodb.describe_contributor_insights(TableName=table, **index)
        return answer["ContributorInsightsStatus"], answer.get("ContributorInsightsMode")

    assert look(IndexName=INDEX) == ("ENABLING", "THROTTLED_KEYS")
    assert look(IndexName=INDEX) == ("ENABLED", "THROTTLED_KEYS")
    assert [look(), look()][1] == ("ENABLED", "ACCESSED_AND_THROTTLED_KEYS")
    summaries = dynamodb.list_contributor_insights(TableName=table)["ContributorInsightsSummaries"]
    assert {each.get("IndexName"): each["ContributorInsightsMode"] for each in summaries} == {
        None: "ACCESSED_AND_THROTTLED_KEYS",
        INDEX: "THROTTLED_KEYS",
    }
    dynamodb.update_contributor_insights(TableName=table, ContributorInsightsAction="DISABLE")
    assert [look(), look()] == [("DISABLING", None), ("DISABLED", None)]


def test_contributor_insights_may_fail(aws: LocalAws, clients: Clients, table: str) -> None:
    aws.rules.contributor_insights.fail(table, "too many rules")
    clients.dynamodb.update_contributor_insights(TableName=table, ContributorInsightsAction="ENABLE")
    looks = [clients.dynamodb.describe_contributor_insights(TableName=table) for _ in range(2)]
    assert [look["ContributorInsightsStatus"] for look in looks] == ["ENABLING", "FAILED"]
    assert looks[1]["FailureException"]["ExceptionDescription"] == "too many rules"


# --- resource policies ---


def policy(*, action: str = "dynamodb:GetItem") -> str:
    statement = {"Effect": "Allow", "Principal": "*", "Action": action, "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_a_policy_is_not_seen_at_once_by_functions_and_not_changed_at_once(
    aws: LocalAws, clients: Clients, function: DynamoDBClient, table: str
) -> None:
    arn = aws.table_arn(table)
    with pytest.raises(ClientError, match="ValidationException"):
        clients.dynamodb.put_resource_policy(ResourceArn=arn, Policy="{")
    first = function.put_resource_policy(ResourceArn=arn, Policy=policy(), ExpectedRevisionId="NO_POLICY")
    again = clients.dynamodb.put_resource_policy(ResourceArn=arn, Policy=policy())
    assert again["RevisionId"] == first["RevisionId"]

    with pytest.raises(ClientError) as refused:
        function.get_resource_policy(ResourceArn=arn)
    assert code_of(refused) == "PolicyNotFoundException"
    assert function.get_resource_policy(ResourceArn=arn)["RevisionId"] == first["RevisionId"]

    with pytest.raises(ClientError) as refused:
        clients.dynamodb.put_resource_policy(ResourceArn=arn, Policy=policy(action="dynamodb:Query"))
    assert code_of(refused) == "ResourceInUseException"
    with pytest.raises(ClientError) as refused:
        clients.dynamodb.put_resource_policy(
            ResourceArn=arn, Policy=policy(action="dynamodb:Query"), ExpectedRevisionId="NO_POLICY"
        )
    assert code_of(refused) == "PolicyNotFoundException"


def test_a_function_cannot_name_a_principal_that_was_deleted(
    aws: LocalAws, function: DynamoDBClient, table: str
) -> None:
    document = json.loads(policy())
    document["Statement"][0]["Principal"] = {"AWS": ["AROA1EXAMPLEDELETED01"]}
    with pytest.raises(ClientError, match="Invalid principal in policy document"):
        function.put_resource_policy(ResourceArn=aws.table_arn(table), Policy=json.dumps(document))


def test_a_deleted_table_takes_its_policy_along(aws: LocalAws, clients: Clients) -> None:
    definition: dict[str, Any] = {
        "TableName": "plain-again",
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    arn = clients.dynamodb.create_table(**definition)["TableDescription"]["TableArn"]
    clients.dynamodb.put_resource_policy(ResourceArn=arn, Policy=policy())
    delete_tables(aws, ["plain-again"])
    clients.dynamodb.create_table(**definition)
    with pytest.raises(ClientError, match="PolicyNotFoundException"):
        clients.dynamodb.get_resource_policy(ResourceArn=arn)
    delete_tables(aws, ["plain-again"])


# --- replicas ---


def test_a_replica_is_creating_first_and_the_table_updating(clients: Clients, table: str) -> None:
    def add(region: str) -> None:
        clients.dynamodb.update_table(TableName=table, ReplicaUpdates=[{"Create": {"RegionName": region}}])

    def look() -> tuple[str, list[str]]:
        description = describe(clients, table)
        return description["TableStatus"], [each["ReplicaStatus"] for each in description["Replicas"]]

    add("eu-central-1")
    with pytest.raises(ClientError, match="ResourceInUseException"):
        add("eu-west-2")
    with pytest.raises(ClientError, match="while the replica is being added to table"):
        clients.dynamodb.update_time_to_live(
            TableName=table, TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"}
        )
    assert [look(), look()] == [("UPDATING", ["CREATING"]), ("ACTIVE", ["ACTIVE"])]
    (replica,) = describe(clients, table)["Replicas"]
    assert replica["ReplicaArn"].split(":")[3] == "eu-central-1"


def test_a_replica_asks_for_both_images_and_for_write_capacity_that_scales(
    clients: Clients, table: str, update: Callable[..., None]
) -> None:
    capacity = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}
    update(BillingMode="PROVISIONED", ProvisionedThroughput=capacity)
    replica = {"ReplicaUpdates": [{"Create": {"RegionName": "eu-central-1"}}]}
    with pytest.raises(ClientError, match="Pay-Per-Request or AutoScaled"):
        update(**replica)
    update(StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"})
    with pytest.raises(ClientError, match="NEW_AND_OLD_IMAGES"):
        update(**replica)


# --- alarms ---


@pytest.fixture
def alarms(aws: LocalAws) -> Any:
    """CloudWatch of a region that no other test uses."""
    return aws.clients(region="ap-south-1").client("cloudwatch")


def put(alarms: Any, name: str, **more: Any) -> None:
    alarms.put_metric_alarm(
        AlarmName=name,
        Namespace="Shop",
        MetricName="Orders",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        **more,
    )


def test_composite_alarms_are_kept_with_their_tags_and_listed_only_when_asked_for(alarms: Any) -> None:
    put(alarms, "child")
    with pytest.raises(ClientError, match=r"alarms \[absent\] in the alarm rule do not exist"):
        alarms.put_composite_alarm(AlarmName="parent", AlarmRule='ALARM("child") OR ALARM(absent)')
    alarms.put_composite_alarm(
        AlarmName="parent",
        AlarmRule="NOT OK('child')",
        ActionsSuppressor="child",
        ActionsSuppressorWaitPeriod=10,
        ActionsSuppressorExtensionPeriod=20,
        Tags=[{"Key": "team", "Value": ""}],
    )
    assert alarms.describe_alarms()["CompositeAlarms"] == []
    (parent,) = alarms.describe_alarms(AlarmTypes=["CompositeAlarm"])["CompositeAlarms"]
    assert (parent["ActionsSuppressor"], parent["ActionsSuppressorWaitPeriod"]) == ("child", 10)
    assert (parent["ActionsEnabled"], parent["OKActions"]) == (True, [])
    tags = alarms.list_tags_for_resource(ResourceARN=parent["AlarmArn"])["Tags"]
    assert tags == [{"Key": "team", "Value": ""}]
    with pytest.raises(ClientError, match="composite alarm"):
        alarms.delete_alarms(AlarmNames=["child"])
    alarms.delete_alarms(AlarmNames=["parent"])
    alarms.delete_alarms(AlarmNames=["child"])
    assert alarms.describe_alarms(AlarmTypes=["CompositeAlarm", "MetricAlarm"])["MetricAlarms"] == []


def test_alarms_come_in_pages_and_tags_only_with_their_creation(alarms: Any) -> None:
    for number in range(7):
        put(alarms, f"paged-{number}", Tags=[{"Key": "number", "Value": str(number)}])
    alarms.put_composite_alarm(AlarmName="paged-all", AlarmRule="ALARM(paged-0)")
    pages = alarms.get_paginator("describe_alarms").paginate(
        AlarmNamePrefix="paged-",
        AlarmTypes=["MetricAlarm", "CompositeAlarm"],
        PaginationConfig={"PageSize": 3},
    )
    assert [(len(page["MetricAlarms"]), len(page["CompositeAlarms"])) for page in pages] == [
        (3, 0),
        (3, 0),
        (1, 1),
    ]
    put(alarms, "paged-0", Tags=[{"Key": "number", "Value": "changed"}])
    (alarm,) = alarms.describe_alarms(AlarmNames=["paged-0"])["MetricAlarms"]
    tags = alarms.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"]
    assert tags == [{"Key": "number", "Value": "0"}]
    alarms.delete_alarms(AlarmNames=["paged-all"])
    alarms.delete_alarms(AlarmNames=[f"paged-{number}" for number in range(7)])


# --- restores of every kind ---


def test_a_restore_from_a_backup_names_the_backup_its_table_and_when_it_was_made(
    aws: LocalAws, clients: Clients, table: str
) -> None:
    backup_arn = aws.back_up(table)
    restore = aws.restore_from_backup(backup_arn, f"{table}-restored", polls=None, announced=False)
    summary = describe(clients, f"{table}-restored")["RestoreSummary"]
    made_at = clients.dynamodb.describe_backup(BackupArn=backup_arn)["BackupDescription"]["BackupDetails"][
        "BackupCreationDateTime"
    ]
    assert (summary["SourceBackupArn"], summary["SourceTableArn"]) == (backup_arn, aws.table_arn(table))
    assert summary["RestoreDateTime"] == made_at.replace(microsecond=0)
    assert restore.detail["eventName"] == "RestoreTableFromBackup"
    parameters = restore.detail["requestParameters"]
    assert parameters == {"backupArn": backup_arn, "targetTableName": f"{table}-restored"}


def test_aws_backup_restores_from_a_recovery_point_of_its_own(
    aws: LocalAws, clients: Clients, table: str
) -> None:
    target = f"{table}-restored"
    restore = aws.restore_by_aws_backup(aws.back_up(table), target, polls=None, announced=False)
    job = restore.job
    assert job
    assert job.recovery_point_arn.startswith("arn:aws:backup:")
    assert restore.detail["eventName"] == "RestoreTableFromAwsBackup"
    assert restore.detail["userIdentity"]["invokedBy"] == "backup.amazonaws.com"
    assert describe(clients, target)["RestoreSummary"]["SourceBackupArn"] == job.recovery_point_arn

    job.untold = 1
    looks = [clients.client("backup").describe_restore_job(RestoreJobId=job.id) for _ in range(2)]
    assert [look.get("CreatedResourceArn") for look in looks] == [None, aws.table_arn(target)]
    assert looks[0]["SourceResourceArn"] == aws.table_arn(table)
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        clients.client("backup").describe_restore_job(RestoreJobId="no-such-job")


def test_a_restore_in_another_region_brings_data_and_indexes_and_is_creating_too(
    aws: LocalAws, clients: Clients, table: str
) -> None:
    clients.dynamodb.put_item(TableName=table, Item={"id": {"S": "1"}, "owner": {"S": "a"}})
    target = f"{table}-restored"
    restore = aws.restore(
        table, target, region="eu-west-2", source_region=aws.region, polls=None, announced=False
    )
    there = aws.clients(region="eu-west-2")
    description = describe(there, target)
    assert description["TableStatus"] == "CREATING"
    assert description["RestoreSummary"]["SourceTableArn"] == aws.table_arn(table)
    assert [index["IndexName"] for index in description["GlobalSecondaryIndexes"]] == [INDEX]
    assert restore.detail["requestParameters"]["sourceTableArn"] == aws.table_arn(table)
    assert restore.detail["awsRegion"] == "eu-west-2"
    aws.rules.restores.release(target)
    assert there.dynamodb.scan(TableName=target)["Items"] == [{"id": {"S": "1"}, "owner": {"S": "a"}}]
    there.dynamodb.delete_table(TableName=target)


def test_what_the_restore_call_says_about_capacity_holds(aws: LocalAws, clients: Clients, table: str) -> None:
    limits = {"MaxReadRequestUnits": 40, "MaxWriteRequestUnits": 4}
    aws.restore(table, f"{table}-restored", announced=False, OnDemandThroughputOverride=limits)
    assert describe(clients, f"{table}-restored")["OnDemandThroughput"] == limits


def test_a_fault_may_carry_a_hint_of_how_long_to_wait(
    aws: LocalAws, function: DynamoDBClient, table: str
) -> None:
    aws.rules.faults.inject("DescribeTable", "ThrottlingException", resource=table, retry_after=3)
    with pytest.raises(ClientError) as refused:
        function.describe_table(TableName=table)
    aws.rules.faults.reset()
    assert refused.value.response["ResponseMetadata"]["HTTPHeaders"]["retry-after"] == "3"
