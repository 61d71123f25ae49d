"""The rules of the local AWS: it refuses, delays and forgets as AWS does."""

from __future__ import annotations

import datetime
import json
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.local_aws import Clients, LocalAws
from tests.local_aws.compare import nothing_set, read_settings
from tests.local_aws.rules import Faults, Rules
from tests.local_aws.source_table import make_role

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def status(dynamodb: DynamoDBClient, table: str) -> str:
    return dynamodb.describe_table(TableName=table)["Table"]["TableStatus"]


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    return error.value.response["Error"]["Code"]


# --- restores ---


def test_a_restored_table_is_creating_for_so_many_polls_of_functions(
    aws: LocalAws, clients: Clients, function: DynamoDBClient, table: str
) -> None:
    target = f"{table}-restored"
    aws.restore(table, target, polls=2, announced=False)
    assert [status(function, target), status(clients.dynamodb, target)] == ["CREATING", "CREATING"]
    assert [status(function, target), status(clients.dynamodb, target)] == ["CREATING", "CREATING"]
    assert [status(function, target), status(clients.dynamodb, target)] == ["ACTIVE", "ACTIVE"]


def test_the_restore_summary_is_there_while_creating_and_then_gone(
    aws: LocalAws, clients: Clients, table: str
) -> None:
    target = f"{table}-restored"
    aws.restore(table, target, polls=None, announced=False)
    summary = clients.dynamodb.describe_table(TableName=target)["Table"]["RestoreSummary"]
    assert summary["SourceTableArn"] == aws.table_arn(table)
    assert summary["RestoreInProgress"]
    assert summary["RestoreDateTime"].timestamp() < time.time()
    aws.rules.restores.release(target)
    assert "RestoreSummary" not in clients.dynamodb.describe_table(TableName=target)["Table"]


@pytest.mark.parametrize(
    ("operation", "parameters", "code"),
    [
        ("tag_resource", {"Tags": [{"Key": "a", "Value": "b"}]}, "ResourceNotFoundException"),
        ("list_tags_of_resource", {}, "ResourceNotFoundException"),
        ("describe_time_to_live", {}, "ResourceNotFoundException"),
        (
            "update_time_to_live",
            {"TimeToLiveSpecification": {"Enabled": True, "AttributeName": "a"}},
            "ResourceNotFoundException",
        ),
        ("update_table", {"DeletionProtectionEnabled": False}, "ResourceNotFoundException"),
        ("describe_kinesis_streaming_destination", {}, "ResourceNotFoundException"),
        ("put_item", {"Item": {"id": {"S": "1"}}}, "ResourceNotFoundException"),
        ("describe_continuous_backups", {}, "TableNotFoundException"),
        (
            "update_continuous_backups",
            {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}},
            "TableNotFoundException",
        ),
        ("delete_table", {}, "ResourceInUseException"),
    ],
)
def test_nothing_else_knows_a_table_that_is_being_restored(
    aws: LocalAws, clients: Clients, table: str, operation: str, parameters: dict[str, Any], code: str
) -> None:
    target = f"{table}-restored"
    aws.restore(table, target, polls=None, announced=False)
    by_arn = operation in ("tag_resource", "list_tags_of_resource")
    named = {"ResourceArn": aws.table_arn(target)} if by_arn else {"TableName": target}
    with pytest.raises(ClientError) as refused:
        getattr(clients.dynamodb, operation)(**named, **parameters)
    assert code_of(refused) == code
    # Whoever looks past the rules sees the bare table that the emulator has already restored.
    assert read_settings(aws.observer(), target) == nothing_set()


def test_a_table_without_recovery_cannot_be_restored(aws: LocalAws, clients: Clients, table: str) -> None:
    clients.dynamodb.update_continuous_backups(
        TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}
    )
    with pytest.raises(ClientError) as refused:
        aws.restore(table, f"{table}-restored", announced=False)
    assert code_of(refused) == "PointInTimeRecoveryUnavailableException"


# --- point-in-time recovery ---


def enable_recovery(clients: Clients, table: str, **more: Any) -> dict[str, Any]:
    answer = clients.client("dynamodb").update_continuous_backups(
        TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True, **more}
    )
    description: dict[str, Any] = answer["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    return description


def test_recovery_is_refused_at_first_where_that_is_asked_for(
    aws: LocalAws, clients: Clients, table: str
) -> None:
    target = f"{table}-restored"
    aws.rules.recovery_not_yet_available.refuse(target, 2)
    aws.restore(table, target, announced=False)
    for _ in range(2):
        with pytest.raises(ClientError) as refused:
            enable_recovery(clients, target)
        assert code_of(refused) == "ContinuousBackupsUnavailableException"
    assert enable_recovery(clients, target)["PointInTimeRecoveryStatus"] == "ENABLED"


def test_the_recovery_period_is_kept_and_resets_when_it_is_not_sent(clients: Clients, table: str) -> None:
    assert enable_recovery(clients, table, RecoveryPeriodInDays=7)["RecoveryPeriodInDays"] == 7
    assert read_settings(clients, table)["point_in_time_recovery"] == 7
    assert enable_recovery(clients, table)["RecoveryPeriodInDays"] == 35
    with pytest.raises(ClientError) as refused:
        clients.dynamodb.describe_continuous_backups(TableName="rules-absent")
    assert code_of(refused) == "TableNotFoundException"


# --- tables, streams, TTL ---


def test_an_update_makes_the_table_updating_and_shuts_out_the_next(clients: Clients, table: str) -> None:
    stream = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    updated = clients.client("dynamodb").update_table(TableName=table, StreamSpecification=stream)
    assert updated["TableDescription"]["TableStatus"] == "UPDATING"
    with pytest.raises(ClientError) as refused:
        clients.dynamodb.update_table(TableName=table, DeletionProtectionEnabled=True)
    assert code_of(refused) == "ResourceInUseException"
    assert [status(clients.dynamodb, table) for _ in range(2)] == ["UPDATING", "ACTIVE"]
    with pytest.raises(ClientError, match="already has an enabled stream"):
        clients.client("dynamodb").update_table(TableName=table, StreamSpecification=stream)


def test_time_to_live_cools_down_and_is_not_enabled_twice(clients: Clients, table: str) -> None:
    def enable() -> None:
        clients.dynamodb.update_time_to_live(
            TableName=table, TimeToLiveSpecification={"Enabled": True, "AttributeName": "until"}
        )

    def state() -> str:
        answer = clients.dynamodb.describe_time_to_live(TableName=table)
        return answer["TimeToLiveDescription"]["TimeToLiveStatus"]

    enable()
    with pytest.raises(ClientError, match=r"ValidationException.*multiple times"):
        enable()
    assert [state(), state()] == ["ENABLING", "ENABLED"]
    with pytest.raises(ClientError, match=r"ValidationException.*already enabled"):
        enable()


# --- Kinesis ---


def test_a_kinesis_destination_is_enabling_first_and_may_fail(
    aws: LocalAws, clients: Clients, table: str
) -> None:
    stream_arn = f"arn:aws:kinesis:{aws.region}:{aws.account_id}:stream/any"

    def enable() -> None:
        clients.dynamodb.enable_kinesis_streaming_destination(TableName=table, StreamArn=stream_arn)

    def destination() -> tuple[str, str]:
        answer = clients.dynamodb.describe_kinesis_streaming_destination(TableName=table)
        (found,) = answer["KinesisDataStreamDestinations"]
        return found["DestinationStatus"], found["DestinationStatusDescription"]

    aws.rules.kinesis_destinations.fail(table, "no such stream")
    enable()
    with pytest.raises(ClientError, match="ResourceInUseException"):
        enable()
    assert destination()[0] == "ENABLING"
    assert destination() == ("ENABLE_FAILED", "no such stream")
    # What has failed may be tried again.
    enable()
    assert [destination()[0], destination()[0]] == ["ENABLING", "ACTIVE"]


# --- tags and items ---


def test_tags_are_not_seen_at_once_by_functions(
    aws: LocalAws, clients: Clients, function: DynamoDBClient, table: str
) -> None:
    arn = aws.table_arn(table)
    clients.dynamodb.tag_resource(ResourceArn=arn, Tags=[{"Key": "team", "Value": "checkout"}])

    def keys() -> list[str]:
        return [tag["Key"] for tag in function.list_tags_of_resource(ResourceArn=arn)["Tags"]]

    assert keys() == ["team"]
    function.tag_resource(ResourceArn=arn, Tags=[{"Key": "stage", "Value": "prod"}])
    assert [keys(), sorted(keys())] == [["team"], ["stage", "team"]]


@pytest.mark.parametrize(
    ("tags", "code"),
    [(["AWS:odd"], "ValidationException"), ([f"tag-{n}" for n in range(51)], "LimitExceededException")],
)
def test_some_tags_are_refused(
    aws: LocalAws, clients: Clients, table: str, tags: list[str], code: str
) -> None:
    with pytest.raises(ClientError) as refused:
        clients.dynamodb.tag_resource(
            ResourceArn=aws.table_arn(table), Tags=[{"Key": key, "Value": "x"} for key in tags]
        )
    assert code_of(refused) == code


def put(number: int) -> Any:
    return {"PutRequest": {"Item": {"id": {"S": str(number)}, "n": {"N": str(number)}}}}


def test_a_batch_has_no_item_twice_and_is_not_too_large(clients: Clients, table: str) -> None:
    with pytest.raises(ClientError, match="duplicates"):
        clients.dynamodb.batch_write_item(
            RequestItems={table: [put(1), put(2), {"DeleteRequest": {"Key": {"id": {"S": "1"}}}}]}
        )
    with pytest.raises(ClientError, match="duplicates"):
        clients.dynamodb.batch_get_item(RequestItems={table: {"Keys": [{"id": {"S": "1"}}] * 2}})
    with pytest.raises(ClientError, match="Too many items"):
        clients.dynamodb.batch_write_item(RequestItems={table: [put(number) for number in range(26)]})


def test_a_part_of_a_functions_batch_may_be_left_undone(
    aws: LocalAws, clients: Clients, function: DynamoDBClient, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aws.rules.batches, "left_undone", 1.0)
    assert not clients.dynamodb.batch_write_item(RequestItems={table: [put(1), put(2)]})["UnprocessedItems"]
    answer = function.batch_write_item(RequestItems={table: [put(3), put(4)]})
    assert answer["UnprocessedItems"] == {table: [put(4)]}
    keys: list[Any] = [{"id": {"S": str(number)}} for number in range(1, 5)]
    read = function.batch_get_item(RequestItems={table: {"Keys": keys, "ConsistentRead": True}})
    assert read["UnprocessedKeys"] == {table: {"Keys": keys[-1:], "ConsistentRead": True}}
    assert {item["id"]["S"] for item in read["Responses"][table]} == {"1", "2", "3"}
    assert "Item" not in clients.dynamodb.get_item(TableName=table, Key=keys[3])


# --- queues ---


def test_a_fifo_queue_has_a_fifo_dead_letter_queue(aws: LocalAws, clients: Clients) -> None:
    clients.sqs.create_queue(QueueName="plain-dead-letters")
    policy = {"deadLetterTargetArn": f"arn:aws:sqs:{aws.region}:{aws.account_id}:plain-dead-letters"}
    with pytest.raises(ClientError, match="must be same type"):
        clients.sqs.create_queue(
            QueueName="plain.fifo",
            Attributes={"FifoQueue": "true", "RedrivePolicy": json.dumps({**policy, "maxReceiveCount": 3})},
        )
    clients.sqs.delete_queue(QueueUrl=clients.sqs.get_queue_url(QueueName="plain-dead-letters")["QueueUrl"])


@pytest.fixture(scope="module")
def fed_function(aws: LocalAws) -> Iterator[str]:
    """A function that may run for a minute."""
    lambda_ = aws.clients().lambda_
    yield lambda_.create_function(
        FunctionName="plain-fed",
        Runtime="python3.13",
        Role=make_role(aws, "plain-fed"),
        Handler="index.handler",
        Timeout=60,
        Code={"ZipFile": b"PK\x05\x06" + bytes(18)},
    )["FunctionArn"]
    lambda_.delete_function(FunctionName="plain-fed")


@pytest.mark.parametrize(
    ("queue", "visibility", "options", "problem"),
    [
        ("plain.fifo", 60, {"MaximumBatchingWindowInSeconds": 1}, "Batching window is not supported"),
        ("plain.fifo", 60, {"BatchSize": 11}, "BatchSize 11 is more than 10"),
        ("plain", 60, {"BatchSize": 11}, "BatchSize 11 is more than 10"),
        ("plain", 59, {}, "59 seconds is less than Function timeout: 60 seconds"),
    ],
)
def test_lambda_refuses_what_it_cannot_feed_a_function_with(
    aws: LocalAws,
    clients: Clients,
    fed_function: str,
    queue: str,
    visibility: int,
    options: dict[str, Any],
    problem: str,
) -> None:
    attributes: Any = {"VisibilityTimeout": str(visibility)}
    if queue.endswith(".fifo"):
        attributes["FifoQueue"] = "true"
    url = clients.sqs.create_queue(QueueName=queue, Attributes=attributes)["QueueUrl"]
    try:
        with pytest.raises(ClientError, match=problem):
            clients.client("lambda").create_event_source_mapping(
                EventSourceArn=f"arn:aws:sqs:{aws.region}:{aws.account_id}:{queue}",
                FunctionName=fed_function,
                **options,
            )
    finally:
        clients.sqs.delete_queue(QueueUrl=url)


# --- triggers ---


def test_a_trigger_keeps_what_was_sent_and_shows_lambdas_defaults(
    aws: LocalAws, clients: Clients, table: str
) -> None:
    function_arn = clients.lambda_.create_function(
        FunctionName=f"{table}-function",
        Runtime="python3.13",
        Role=make_role(aws, f"{table}-function"),
        Handler="index.handler",
        Code={"ZipFile": b"PK\x05\x06" + bytes(18)},
    )["FunctionArn"]
    stream_arn = clients.dynamodb.update_table(
        TableName=table, StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    )["TableDescription"]["LatestStreamArn"]

    def create() -> dict[str, Any]:
        answer: dict[str, Any] = clients.client("lambda").create_event_source_mapping(
            EventSourceArn=stream_arn,
            FunctionName=function_arn,
            StartingPosition="LATEST",
            MaximumRetryAttempts=0,
            TumblingWindowInSeconds=30,
        )
        return answer

    assert create()["State"] == "Creating"
    with pytest.raises(ClientError) as refused:
        create()
    assert code_of(refused) == "ResourceConflictException"
    (mapping,) = clients.lambda_.list_event_source_mappings(EventSourceArn=stream_arn)["EventSourceMappings"]
    assert mapping["State"] == "Enabled"
    shown = {
        key: mapping.get(key) for key in ("MaximumRetryAttempts", "TumblingWindowInSeconds", "BatchSize")
    }
    assert shown == {"MaximumRetryAttempts": 0, "TumblingWindowInSeconds": 30, "BatchSize": 100}
    assert mapping["MaximumRecordAgeInSeconds"] == -1
    assert mapping["DestinationConfig"] == {"OnFailure": {}}
    clients.lambda_.delete_event_source_mapping(UUID=mapping["UUID"])
    clients.lambda_.delete_event_source_mapping(UUID=create()["UUID"])
    clients.lambda_.delete_function(FunctionName=f"{table}-function")
    clients.client("iam").delete_role(RoleName=f"{table}-function")


# --- faults ---


@pytest.fixture
def faults(aws: LocalAws) -> Iterator[Faults]:
    yield aws.rules.faults
    aws.rules.faults.reset()


def test_a_fault_strikes_so_often_and_only_whom_it_is_meant_for(
    faults: Faults, clients: Clients, function: DynamoDBClient, table: str
) -> None:
    fault = faults.inject("DescribeTable", "ThrottlingException", times=2, resource=table)
    assert status(clients.dynamodb, table) == "ACTIVE"
    for _ in range(2):
        with pytest.raises(ClientError, match="ThrottlingException"):
            status(function, table)
    assert status(function, table) == "ACTIVE"
    assert fault.given == 2


def test_a_fault_after_the_effect_hides_only_the_answer(
    faults: Faults, clients: Clients, function: DynamoDBClient, table: str
) -> None:
    faults.inject("PutItem", "InternalServerError", status=500, after_effect=True)
    with pytest.raises(ClientError, match="InternalServerError"):
        function.put_item(TableName=table, Item={"id": {"S": "1"}})
    assert clients.dynamodb.get_item(TableName=table, Key={"id": {"S": "1"}})["Item"]


def test_a_fault_with_a_probability_is_the_same_for_the_same_seed(
    faults: Faults, function: DynamoDBClient, table: str
) -> None:
    def run(seed: int) -> list[bool]:
        faults.reset()
        faults.inject("DescribeTable", "ThrottlingException", times=None, probability=0.5, seed=seed)
        outcomes = []
        for _ in range(20):
            try:
                outcomes.append(status(function, table) == "ACTIVE")
            except ClientError:
                outcomes.append(False)
        return outcomes

    assert run(1) == run(1)
    assert run(1) != run(2)
    assert 0 < sum(run(1)) < 20


@pytest.mark.parametrize(
    ("service", "operation", "parameters"),
    [
        ("dynamodb", "list_tables", {}),
        ("sns", "list_topics", {}),
        ("sqs", "list_queues", {}),
        ("lambda", "list_functions", {}),
        ("events", "list_rules", {}),
        ("application-autoscaling", "describe_scalable_targets", {"ServiceNamespace": "dynamodb"}),
    ],
)
def test_a_fault_is_spelled_in_the_protocol_of_its_service(
    aws: LocalAws, faults: Faults, service: str, operation: str, parameters: dict[str, Any]
) -> None:
    words = "".join(word.title() for word in operation.split("_"))
    faults.inject(words, "ThrottlingException", message="slow down", by_function=None)
    with pytest.raises(ClientError) as refused:
        getattr(aws.client(service), operation)(**parameters)
    assert refused.value.response["Error"]["Code"] == "ThrottlingException"
    assert refused.value.response["Error"]["Message"] == "slow down"


def test_a_rule_that_is_switched_off_is_not_asked(
    aws: LocalAws, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aws.rules.restores, "enabled", False)
    aws.restore(table, f"{table}-restored", polls=None, announced=False)
    assert status(aws.clients().dynamodb, f"{table}-restored") == "ACTIVE"


def test_every_rule_can_be_reset() -> None:
    rules = Rules()
    rules.restores.stay_creating("any", 1)
    rules.reset()
    assert len(rules.all()) >= 9


def test_the_announced_event_has_cloudtrails_shape(aws: LocalAws, table: str) -> None:
    restore = aws.restore(table, f"{table}-restored", polls=None, announced=False, by_arn=True)
    detail = json.loads(json.dumps(restore.detail))
    assert detail["eventSource"] == "dynamodb.amazonaws.com"
    assert detail["eventName"] == "RestoreTableToPointInTime"
    assert detail["requestParameters"] == {
        "sourceTableArn": aws.table_arn(table),
        "targetTableName": f"{table}-restored",
        "useLatestRestorableTime": True,
    }
    described = detail["responseElements"]["tableDescription"]
    assert described["tableStatus"] == "CREATING"
    assert described["restoreSummary"]["restoreInProgress"] is True


def test_cloudtrail_shows_the_restores_that_were_made(aws: LocalAws, table: str) -> None:
    target = f"{table}-restored"
    aws.restore(table, target, announced=False)
    now = datetime.datetime.now(datetime.UTC)
    page = aws.client("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "RestoreTableToPointInTime"}],
        StartTime=now - datetime.timedelta(minutes=1),
        EndTime=now + datetime.timedelta(minutes=1),
    )
    records = [json.loads(event["CloudTrailEvent"]) for event in page["Events"]]
    assert target in [record["requestParameters"]["targetTableName"] for record in records]


def test_each_service_tells_its_own_integrations_of_a_source(aws: LocalAws, table: str) -> None:
    arn = aws.table_arn(table)
    filters = {"glue": "SourceArn", "redshift": "source-arn"}
    for service in filters:
        aws.rules.integrations.add(
            service, aws.region, f"of-{service}", arn, "arn:aws:redshift:::namespace:1"
        )
        aws.rules.integrations.add(
            service, aws.region, "other", f"{arn}-archive", "arn:aws:redshift:::namespace:1"
        )
    for service, name in filters.items():
        answer = aws.client(service).describe_integrations(
            Filters=[{"Name": name, "Values": [arn, f"{arn}-x"]}]
        )
        assert [each["IntegrationName"] for each in answer["Integrations"]] == [f"of-{service}"]


def test_a_table_says_the_same_of_its_creation_before_and_after_it_is_restored(
    aws: LocalAws, table: str
) -> None:
    target = f"{table}-restored"
    aws.restore(table, target, polls=None, announced=False, begun_ago=3600)
    created = [aws.clients().dynamodb.describe_table(TableName=target)["Table"]["CreationDateTime"]]
    aws.rules.restores.release(target)
    created.append(aws.clients().dynamodb.describe_table(TableName=target)["Table"]["CreationDateTime"])
    assert created[0] == created[1]
