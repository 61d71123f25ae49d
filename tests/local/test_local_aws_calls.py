"""The gateway of the local AWS: who called what, counted right."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from urllib.error import HTTPError

import pytest

from tests.local_aws import Call, CallLog, LocalAws
from tests.local_aws.gateway import LARGEST_LOGGED_BODY, Gateway, Routes
from tests.local_aws.operations import operation_of, resource_of
from tests.local_aws.processes import direct
from tests.local_aws.wire import Headers

FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}


@pytest.mark.parametrize(
    ("service", "method", "target", "headers", "body", "operation", "resource"),
    [
        (
            "dynamodb", "POST", "/", {"X-Amz-Target": "DynamoDB_20120810.TagResource"},
            b'{"ResourceArn": "arn:aws:dynamodb:us-east-1:123456789012:table/orders"}', "TagResource", "orders",
        ),
        (
            "dynamodb", "POST", "/", {"X-Amz-Target": "DynamoDB_20120810.BatchWriteItem"},
            b'{"RequestItems": {"orders": []}}', "BatchWriteItem", "orders",
        ),
        (
            "sqs", "POST", "/", {"X-Amz-Target": "AmazonSQS.SendMessage"},
            b'{"QueueUrl": "http://localhost/123456789012/jobs"}', "SendMessage", "jobs",
        ),
        (
            "sns", "POST", "/", FORM,
            b"Action=Publish&TopicArn=arn%3Aaws%3Asns%3Aus-east-1%3A123456789012%3Anews", "Publish", "news",
        ),
        ("lambda", "POST", "/2015-03-31/functions/worker/invocations", {}, b"{}", "Invoke", "worker"),
        ("lambda", "POST", "/2015-03-31/event-source-mappings", {}, b'{"FunctionName": "f"}',
         "CreateEventSourceMapping", "f"),
        ("lambda", "GET", "/2015-03-31/event-source-mappings/", {}, b"", "ListEventSourceMappings", ""),
        ("lambda", "GET", "/2015-03-31/event-source-mappings/some-id", {}, b"", "GetEventSourceMapping", "some-id"),
        ("s3", "PUT", "/bucket/a/key", {}, b"data", "PutObject", "bucket"),
        ("s3", "PUT", "/bucket/key", {"x-amz-copy-source": "/bucket/other"}, b"", "CopyObject", "bucket"),
        ("s3", "PUT", "/bucket?versioning", {}, b"<xml/>", "PutBucketVersioning", "bucket"),
        ("s3", "GET", "/bucket/a/key", {}, b"", "GetObject", "bucket"),
        ("s3", "DELETE", "/bucket/a/key", {}, b"", "DeleteObject", "bucket"),
        ("s3", "DELETE", "/bucket/a/key?uploadId=1", {}, b"", "AbortMultipartUpload", "bucket"),
        ("monitoring", "POST", "/service/GraniteServiceVersion20100801/operation/PutMetricAlarm", {}, b"\xa0",
         "PutMetricAlarm", ""),
    ],
)  # fmt: skip
def test_a_request_is_recognised_in_every_protocol(
    service: str,
    method: str,
    target: str,
    headers: dict[str, str],
    body: bytes,
    operation: str,
    resource: str,
) -> None:
    found = operation_of(service, method, target, Headers(headers.items()), body)
    assert found.name == operation
    assert resource_of(service, found.parameters) == resource


def test_calls_are_logged_with_caller_region_resource_and_outcome(aws: LocalAws) -> None:
    since = aws.calls.mark()
    clients = aws.clients(caller="someone", region="eu-west-1")
    with pytest.raises(clients.dynamodb.exceptions.ResourceNotFoundException):
        clients.dynamodb.describe_table(TableName="absent-table")

    (call,) = aws.calls.find(since=since, caller="someone")
    assert (call.service, call.operation, call.resource) == ("dynamodb", "DescribeTable", "absent-table")
    assert (call.region, call.status, call.error) == ("eu-west-1", 400, "ResourceNotFoundException")
    assert not call.mutating
    assert not call.by_function
    assert aws.calls.find(since=since, caller="someone", operation="Create*") == []


def test_each_emulator_answers_for_its_services(aws: LocalAws) -> None:
    clients = aws.clients()
    clients.autoscaling.register_scalable_target(
        ServiceNamespace="dynamodb",
        ResourceId="table/routed",
        ScalableDimension="dynamodb:table:ReadCapacityUnits",
        MinCapacity=1,
        MaxCapacity=2,
    )
    (target,) = clients.autoscaling.describe_scalable_targets(
        ServiceNamespace="dynamodb", ResourceIds=["table/routed"]
    )["ScalableTargets"]
    # What Terraform asks of every scalable target.
    assert clients.autoscaling.list_tags_for_resource(ResourceARN=target["ScalableTargetARN"])["Tags"] == {}
    assert clients.cloudwatch.describe_alarms(AlarmNames=["none"])["MetricAlarms"] == []
    assert clients.sqs.list_queues(QueueNamePrefix="none").get("QueueUrls", []) == []


def test_scalable_targets_come_in_pages_that_end(aws: LocalAws) -> None:
    clients = aws.clients(region="eu-west-3")
    wanted = {f"table/paged-{number}" for number in range(7)}
    for resource in wanted:
        clients.autoscaling.register_scalable_target(
            ServiceNamespace="dynamodb",
            ResourceId=resource,
            ScalableDimension="dynamodb:table:ReadCapacityUnits",
            MinCapacity=1,
            MaxCapacity=2,
        )
    pages = clients.autoscaling.get_paginator("describe_scalable_targets").paginate(
        ServiceNamespace="dynamodb", PaginationConfig={"PageSize": 3}
    )
    targets = [target for page in pages for target in page["ScalableTargets"]]
    assert {target["ResourceId"] for target in targets} == wanted
    assert len(targets) == len(wanted)
    assert not any(targets[0]["SuspendedState"].values())


def test_bodies_of_every_kind_pass_unchanged(aws: LocalAws) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="gateway-bodies")
    data = bytes(range(256)) * 4096
    s3.put_object(Bucket="gateway-bodies", Key="large", Body=data)
    assert s3.head_object(Bucket="gateway-bodies", Key="large")["ContentLength"] == len(data)
    assert s3.get_object(Bucket="gateway-bodies", Key="large")["Body"].read() == data
    s3.delete_object(Bucket="gateway-bodies", Key="large")
    s3.delete_bucket(Bucket="gateway-bodies")


def test_no_call_is_lost_or_mixed_up_under_load(aws: LocalAws) -> None:
    clients = aws.clients(caller="crowd")
    url = clients.sqs.create_queue(QueueName="gateway-load")["QueueUrl"]
    since = aws.calls.mark()
    with ThreadPoolExecutor(16) as crowd:
        answers = crowd.map(
            lambda number: clients.sqs.send_message(QueueUrl=url, MessageBody=str(number)), range(400)
        )
        ids = {answer["MessageId"] for answer in answers}
    assert len(ids) == 400
    calls = aws.calls.find(since=since, caller="crowd", operation="SendMessage", resource="gateway-load")
    assert sorted(int(call.parameters["MessageBody"]) for call in calls) == list(range(400))
    clients.sqs.delete_queue(QueueUrl=url)


def test_of_a_large_request_only_the_names_are_logged(aws: LocalAws, table: str) -> None:
    since = aws.calls.mark()
    item = {"id": {"S": "1"}, "text": {"S": "x" * LARGEST_LOGGED_BODY}}
    aws.clients().dynamodb.put_item(TableName=table, Item=item)
    aws.clients().dynamodb.batch_write_item(RequestItems={table: [{"PutRequest": {"Item": item}}]})
    put, batch = aws.calls.find(since=since, caller="tests", resource=table)
    assert put.parameters == {"TableName": table, "Item": {"id": None, "text": None}}
    assert batch.parameters == {"RequestItems": {table: None}}


def test_a_request_without_a_signature_reaches_the_emulator(aws: LocalAws) -> None:
    with direct.open(f"{aws.endpoint}/_ministack/health", timeout=10) as answer:
        assert answer.status == 200


def test_an_emulator_that_is_down_is_named(aws: LocalAws) -> None:
    with Gateway() as gateway:
        gateway.routes = Routes("http://127.0.0.1:9", {})
        with pytest.raises(HTTPError) as refused, direct.open(gateway.url, timeout=10):
            pass
        with refused.value as error:
            assert error.status == 502
            assert b"the local AWS does not answer at http://127.0.0.1:9" in error.read()


def test_waiting_ends_with_the_call_that_was_waited_for() -> None:
    log = CallLog()

    def call(number: int) -> Call:
        return Call(number, 0.0, 0.0, "sqs", "SendMessage", "tests", "us-east-1", "jobs", {}, 200, "")

    with ThreadPoolExecutor(1) as pool:
        pool.submit(log.add, call)
        assert log.wait_until(lambda: log.find(operation="Send*"), timeout=60, what="the call")
    with pytest.raises(TimeoutError, match="after 0 seconds still not seen: a second one"):
        log.wait_until(lambda: len(log.find()) == 2, timeout=0, what="a second one")


def test_a_condition_that_costs_much_is_asked_no_more_often_than_was_said() -> None:
    log = CallLog()
    asked: list[float] = []

    def third_time() -> bool:
        asked.append(time.monotonic())
        return len(asked) == 3

    assert log.wait_until(third_time, timeout=60, what="the third answer", every=0.3)
    assert all(later - earlier >= 0.29 for earlier, later in pairwise(asked))
    with pytest.raises(TimeoutError, match="a fourth answer"):
        log.wait_until(lambda: None, timeout=0.1, what="a fourth answer", every=30)
