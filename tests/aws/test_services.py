"""The smaller services in memory: event source mappings, functions, objects, messages to people and machines, backups."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.aws.account import Account
from tests.aws.errors import ProcessDeath, UnknownCallError, error_code
from tests.aws.name_holders import state_machine_arn
from tests.aws.names import ACCOUNT, function_arn, table_arn


def refusal(account: Account, operation: str, **parameters: Any) -> str:
    with pytest.raises(ClientError) as raised:
        account.answer(operation, parameters)
    return error_code(raised.value)


def state_of(account: Account, uuid: str) -> str:
    return str(account.answer("GetEventSourceMapping", {"UUID": uuid})["State"])


def test_a_mapping_takes_looks_to_switch(account: Account) -> None:
    uuid = account.mappings.put("stream", function_arn("capture"), State="Disabled")
    switched = account.answer("UpdateEventSourceMapping", {"UUID": uuid, "Enabled": True})
    assert switched["State"] == "Enabling"
    assert refusal(account, "UpdateEventSourceMapping", UUID=uuid, Enabled=False) == "ResourceInUseException"
    assert [state_of(account, uuid) for _ in range(2)] == ["Enabling", "Enabled"]


def test_a_mapping_takes_seconds_to_switch_and_polls_only_then(account: Account) -> None:
    mappings = account.mappings
    mappings.looks_to_switch, mappings.seconds_to_switch = 0, 90.0
    made_at = account.clock.instant()
    uuid = mappings.put("stream", function_arn("capture"), State="Disabled")
    account.clock.sleep(5)
    account.answer("UpdateEventSourceMapping", {"UUID": uuid, "Enabled": True})
    account.clock.sleep(89)
    assert [state_of(account, uuid) for _ in range(3)] == ["Enabling"] * 3
    assert not mappings.is_polling(uuid)
    account.clock.sleep(1)
    assert mappings.is_polling(uuid)
    modified = account.answer("GetEventSourceMapping", {"UUID": uuid})["LastModified"]
    assert (modified - made_at).total_seconds() == 5


def test_a_mapping_is_made_once(account: Account) -> None:
    asked = {"FunctionName": function_arn("index"), "EventSourceArn": "stream", "Enabled": False}
    made = account.answer("CreateEventSourceMapping", asked)
    assert made["State"] == "Creating"
    assert refusal(account, "CreateEventSourceMapping", **asked) == "ResourceConflictException"
    account.settle()
    assert state_of(account, made["UUID"]) == "Disabled"
    assert refusal(account, "GetEventSourceMapping", UUID="another") == "ResourceNotFoundException"


def test_objects_are_put_read_listed_and_deleted(account: Account) -> None:
    account.objects.buckets["work"] = {}
    account.clock.offsets["s3"] = 10
    for number in range(3):
        body = (b"text", "text", io.BytesIO(b"text"))[number]
        account.answer("PutObject", {"Bucket": "work", "Key": f"a/{number}", "Body": body})
    listed = account.answer("ListObjectsV2", {"Bucket": "work", "Prefix": "a/"})
    assert [entry["Key"] for entry in listed["Contents"]] == ["a/0", "a/1"]
    assert listed["Contents"][0]["LastModified"].timestamp() == account.clock.now + 10
    following = {"Bucket": "work", "ContinuationToken": listed["NextContinuationToken"]}
    assert [entry["Key"] for entry in account.answer("ListObjectsV2", following)["Contents"]] == ["a/2"]
    for number in range(3):
        found = account.answer("GetObject", {"Bucket": "work", "Key": f"a/{number}"})
        assert found["Body"].read() == b"text"
        account.answer("DeleteObject", {"Bucket": "work", "Key": f"a/{number}"})
    assert refusal(account, "GetObject", Bucket="work", Key="a/0") == "NoSuchKey"
    assert refusal(account, "PutObject", Bucket="no", Key="a", Body=b"") == "NoSuchBucket"


def test_a_function_answers_or_its_failure_is_the_answer(account: Account) -> None:
    def double(event: Any) -> Any:
        return {"n": 2 * event["n"]}

    def die(event: Any) -> Any:
        raise ProcessDeath

    arn = function_arn("double")
    account.functions.handlers |= {arn: double, function_arn("dying"): die}
    answer = account.answer("Invoke", {"FunctionName": arn, "Payload": b'{"n": 2}'})
    assert (json.loads(answer["Payload"].read()), "FunctionError" in answer) == ({"n": 4}, False)
    failed = account.answer("Invoke", {"FunctionName": arn, "Payload": b"{}"})
    assert failed["FunctionError"] == "Unhandled"
    assert json.loads(failed["Payload"].read()) == {"errorType": "KeyError", "errorMessage": "'n'"}
    died = account.answer("Invoke", {"FunctionName": function_arn("dying"), "Payload": b"{}"})
    assert json.loads(died["Payload"].read())["errorType"] == "Runtime.ExitError"
    missing = refusal(account, "Invoke", FunctionName=function_arn("none"), Payload=b"{}")
    assert missing == "ResourceNotFoundException"


def test_a_mapping_tells_when_it_was_last_changed(account: Account) -> None:
    uuid = account.mappings.put("stream", function_arn("capture"))
    then = account.clock.instant() - timedelta(hours=1)
    account.mappings.modify(uuid, then)
    assert account.answer("GetEventSourceMapping", {"UUID": uuid})["LastModified"] == then
    account.answer("UpdateEventSourceMapping", {"UUID": uuid, "Enabled": False})
    told = account.answer("GetEventSourceMapping", {"UUID": uuid})["LastModified"]
    assert told == account.clock.instant()


def test_an_event_bus_may_answer_and_take_nothing(account: Account) -> None:
    entries = [{"Source": "x", "DetailType": "y", "Detail": "{}"}]
    assert account.answer("PutEvents", {"Entries": entries})["FailedEntryCount"] == 0
    account.messaging.refuses_events = True
    assert account.answer("PutEvents", {"Entries": entries})["FailedEntryCount"] == 1
    assert account.messaging.events == entries


@pytest.mark.parametrize("subject", ["", " begins blank", "two\nlines", "ü", "x" * 101])
def test_a_subject_that_sns_does_not_take(account: Account, subject: str) -> None:
    assert refusal(account, "Publish", Subject=subject, Message="m") == "InvalidParameter"
    assert account.messaging.notifications == []


def test_backups_and_restore_jobs_are_those_that_are_told_of(account: Account) -> None:
    arn = f"{table_arn('orders')}/backup/1"
    assert refusal(account, "DescribeBackup", BackupArn=arn) == "BackupNotFoundException"
    account.backups.backups[arn] = {"BackupArn": arn}
    told = account.answer("DescribeBackup", {"BackupArn": arn})
    assert told == {"BackupDescription": {"BackupDetails": {"BackupArn": arn}}}
    assert refusal(account, "DescribeRestoreJob", RestoreJobId="1") == "ResourceNotFoundException"
    account.backups.jobs["1"] = {"Status": "RUNNING"}
    job = account.answer("DescribeRestoreJob", {"RestoreJobId": "1"})
    assert job == {"RestoreJobId": "1", "Status": "RUNNING"}
    assert refusal(account, "GetRestoreJobMetadata", RestoreJobId="2") == "ResourceNotFoundException"
    account.backups.asked_for["1"] = {"deletionProtection": "false"}
    asked_for = account.answer("GetRestoreJobMetadata", {"RestoreJobId": "1"})["Metadata"]
    assert asked_for["deletionProtection"] == "false"


def test_an_account_may_stand_for_another_region(account: Account) -> None:
    other = Account(account.clock, region="us-east-1")
    other.tables.make("orders", account.clock.instant(), on_demand=True)
    account.elsewhere["us-east-1"] = other
    described = account.answer("DescribeTable", {"TableName": "orders"}, "us-east-1")["Table"]
    assert described["TableArn"] == f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/orders"
    assert refusal(account, "DescribeTable", TableName="orders") == "ResourceNotFoundException"
    with pytest.raises(UnknownCallError):
        account.answer("ListTables", {}, "eu-west-1")
    with pytest.raises(UnknownCallError):
        account.answer("CreateGlobalTable", {})


def test_no_policy_names_a_principal_that_was_deleted(account: Account) -> None:
    principal = {"AWS": [f"arn:aws:iam::{ACCOUNT}:role/reader", "AROA1EXAMPLEDELETED01"]}
    statement = {
        "Effect": "Allow",
        "Principal": principal,
        "Action": "dynamodb:GetItem",
        "Resource": table_arn("orders"),
    }
    text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    assert (
        refusal(account, "PutResourcePolicy", ResourceArn=table_arn("orders"), Policy=text)
        == "ValidationException"
    )


def test_a_kinesis_stream_can_be_deleted_behind_its_destination(account: Account) -> None:
    account.kinesis.put("orders", "changes")
    (destination,) = account.kinesis.destinations["orders"]
    arn = destination["StreamArn"]
    known = account.answer("DescribeStreamSummary", {"StreamARN": arn})
    assert known["StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE"
    account.kinesis.delete("changes")
    assert refusal(account, "DescribeStreamSummary", StreamARN=arn) == "ResourceNotFoundException"
    enabling = {"TableName": "orders-restored", "StreamArn": arn}
    assert refusal(account, "EnableKinesisStreamingDestination", **enabling) == "ResourceNotFoundException"
    assert account.kinesis.destinations["orders"] == [destination]


def test_time_to_live_waits_for_a_replica_that_is_being_added(account: Account) -> None:
    account.tables.make("orders", account.clock.instant(), on_demand=True)
    account.answer(
        "UpdateTable", {"TableName": "orders", "ReplicaUpdates": [{"Create": {"RegionName": "eu-west-1"}}]}
    )
    wanted = {
        "TableName": "orders",
        "TimeToLiveSpecification": {"Enabled": True, "AttributeName": "expires"},
    }
    while account.answer("DescribeTable", {"TableName": "orders"})["Table"].get("Replicas", []) == []:
        pass
    assert refusal(account, "UpdateTimeToLive", **wanted) == "ValidationException"
    while (
        account.answer("DescribeTable", {"TableName": "orders"})["Table"]["Replicas"][0]["ReplicaStatus"]
        == "CREATING"
    ):
        pass
    assert account.answer("UpdateTimeToLive", wanted)


def test_pipes_are_chosen_by_the_beginning_of_their_source_and_come_in_pages(account: Account) -> None:
    stream = f"{table_arn('orders')}/stream/"
    account.name_holders.pipes = {"a": f"{stream}1", "b": f"{stream}2", "c": "queue"}
    first = account.answer("ListPipes", {"SourcePrefix": stream})
    assert [pipe["Name"] for pipe in first["Pipes"]] == ["a"]
    second = account.answer("ListPipes", {"SourcePrefix": stream, "NextToken": first["NextToken"]})
    assert ([pipe["Name"] for pipe in second["Pipes"]], "NextToken" in second) == (["b"], False)


def test_parameters_are_chosen_by_type_and_read_ten_at_a_time(account: Account) -> None:
    account.name_holders.parameters = {"a": ("String", "x"), "b": ("SecureString", "secret")}
    by_type = {"ParameterFilters": [{"Key": "Type", "Values": ["String"]}]}
    assert [row["Name"] for row in account.answer("DescribeParameters", by_type)["Parameters"]] == ["a"]
    read = account.answer("GetParameters", {"Names": ["a", "b", "c"], "WithDecryption": False})
    assert {row["Name"]: row["Value"] for row in read["Parameters"]} == {"a": "x", "b": "AQICAHexample"}
    assert read["InvalidParameters"] == ["c"]
    assert refusal(account, "GetParameters", Names=["a"] * 11) == "ValidationException"


def test_what_is_gone_or_hidden_is_refused_in_the_services_words(account: Account) -> None:
    holders = account.name_holders
    holders.state_machines = {"there": "{}", "hidden": None}
    arns = {name: state_machine_arn(name) for name in ("there", "hidden", "gone")}
    assert account.answer("DescribeStateMachine", {"stateMachineArn": arns["there"]})["definition"] == "{}"
    refusals = [
        refusal(account, "DescribeStateMachine", stateMachineArn=arns[name]) for name in ("hidden", "gone")
    ]
    assert refusals == ["KmsAccessDeniedException", "StateMachineDoesNotExist"]
    holders.add_data_source("shop", "orders", "orders")
    (row,) = account.answer("ListDataSources", {"apiId": "id-shop"})["dataSources"]
    assert (row["name"], row["dynamodbConfig"]["tableName"]) == ("orders", "orders")
    assert refusal(account, "ListDataSources", apiId="id-gone") == "NotFoundException"
