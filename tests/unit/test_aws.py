"""What errors mean, and what tables are called."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, ReadTimeoutError

from dynamodb_restore.aws import (
    CallNotBegunError,
    Clients,
    ErrorClass,
    TableRef,
    classify,
    describe_table,
    explain,
    is_condition_failed,
    item_that_failed,
    marshal,
    table_ref,
    unmarshal,
)
from tests.unit.builders import make_table
from tests.unit.fakes import Aws, client_error

RETRY, GIVE_UP, IGNORE = ErrorClass.RETRY, ErrorClass.GIVE_UP, ErrorClass.IGNORE


@pytest.mark.parametrize(
    ("operation", "code", "message", "expected"),
    [
        # A table that is not ACTIVE answers so.
        ("TagResource", "ResourceNotFoundException", "Requested resource not found", RETRY),
        ("UpdateTimeToLive", "ResourceNotFoundException", "Requested resource not found", RETRY),
        ("UpdateTable", "ResourceNotFoundException", "Table: orders not found", RETRY),
        ("DescribeContinuousBackups", "TableNotFoundException", "Table not found: orders", RETRY),
        (
            "UpdateContinuousBackups",
            "ContinuousBackupsUnavailableException",
            "Backups are being enabled",
            RETRY,
        ),
        ("UpdateTable", "ResourceInUseException", "Table is being updated", RETRY),
        (
            "EnableKinesisStreamingDestination",
            "ValidationException",
            "Table is not in a valid state: it must be DISABLED or ENABLE_FAILED to perform ENABLE operation",
            IGNORE,
        ),
        (
            "UpdateTable",
            "ValidationException",
            "Table write capacity should either be Pay-Per-Request or AutoScaled.",
            RETRY,
        ),
        ("UpdateTable", "LimitExceededException", "Too many operations under way", RETRY),
        # But a function, a topic or a stream that is gone stays gone.
        ("CreateEventSourceMapping", "ResourceNotFoundException", "Function not found", GIVE_UP),
        ("Publish", "NotFoundException", "Topic does not exist", GIVE_UP),
        ("GetItem", "ResourceNotFoundException", "Requested resource not found", GIVE_UP),
        # Application Auto Scaling counts objects.
        ("RegisterScalableTarget", "LimitExceededException", "Too many targets", GIVE_UP),
        ("PutScalingPolicy", "ObjectNotFoundException", "No scalable target registered", RETRY),
        ("PutScheduledAction", "ConcurrentUpdateException", "Another update is under way", RETRY),
        ("UpdateTimeToLive", "ValidationException", "TimeToLive is already enabled", IGNORE),
        (
            "UpdateTimeToLive",
            "ValidationException",
            "Time to live has been modified multiple times within a fixed interval",
            RETRY,
        ),
        ("UpdateTimeToLive", "ValidationException", "TimeToLive attribute name is too long", GIVE_UP),
        ("UpdateTable", "ValidationException", "Table already has an enabled stream: orders", IGNORE),
        ("UpdateTable", "ValidationException", "Table is already enabled for something else", GIVE_UP),
        (
            "CreateEventSourceMapping",
            "ResourceConflictException",
            "An event source mapping with event source arn and function already exists.",
            IGNORE,
        ),
        ("CreateEventSourceMapping", "ResourceConflictException", "The operation cannot be performed", RETRY),
        ("UpdateItem", "ConditionalCheckFailedException", "The conditional request failed", IGNORE),
        ("TagResource", "ThrottlingException", "Rate exceeded", RETRY),
        ("PutEvents", "Throttling", "Rate exceeded", RETRY),
        ("SendMessage", "RequestThrottled", "", RETRY),
        ("ListTags", "TooManyRequestsException", "Rate exceeded", RETRY),
        ("GetItem", "ProvisionedThroughputExceededException", "", RETRY),
        ("TagResource", "AccessDeniedException", "not authorized to perform: dynamodb:TagResource", GIVE_UP),
        ("TagResource", "SomethingNew", "", GIVE_UP),
    ],
)
def test_error_means(operation: str, code: str, message: str, expected: ErrorClass) -> None:
    assert classify(client_error(operation, code, message)) is expected


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_an_error_of_the_service_passes(status: int) -> None:
    assert classify(client_error("GetItem", "InternalServerError", status=status)) is RETRY


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (EndpointConnectionError(endpoint_url="https://dynamodb.example"), RETRY),
        (ReadTimeoutError(endpoint_url="https://dynamodb.example"), RETRY),
        (NoCredentialsError(), GIVE_UP),
        (ValueError("not from AWS"), GIVE_UP),
        (ClientError({}, "TagResource"), GIVE_UP),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_error_without_a_code_means(error: Exception, expected: ErrorClass) -> None:
    assert classify(error) is expected


def test_an_explanation_names_the_operation_the_code_and_what_aws_says() -> None:
    error = client_error("TagResource", "AccessDeniedException", "not authorized")
    assert explain(error) == "TagResource: AccessDeniedException: not authorized"
    assert explain(ValueError("no digits")) == "ValueError: no digits"
    assert explain(ClientError({}, "TagResource")) == "TagResource: Unknown: no message"


def test_a_table_that_does_not_exist_is_none(aws: Aws, clients: Clients) -> None:
    assert describe_table(clients, "orders") is None
    make_table(clients, "orders")
    description = describe_table(clients, "orders")
    assert description is not None
    assert description["TableName"] == "orders"


def test_any_other_error_of_describe_table_is_raised(aws: Aws, clients: Clients) -> None:
    aws.fail("DescribeTable", "AccessDeniedException", "not authorized")
    with pytest.raises(ClientError, match="AccessDeniedException"):
        describe_table(clients, "orders")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("orders", TableRef("orders")),
        ("Orders_2026.v1-restored", TableRef("Orders_2026.v1-restored")),
        ("a" * 255, TableRef("a" * 255)),
        (
            "arn:aws:dynamodb:eu-central-1:123456789012:table/orders",
            TableRef("orders", "eu-central-1", "123456789012"),
        ),
        (
            "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/orders",
            TableRef("orders", "us-gov-west-1", "123456789012"),
        ),
        (
            "arn:aws-cn:dynamodb:cn-north-1:123456789012:table/orders",
            TableRef("orders", "cn-north-1", "123456789012"),
        ),
    ],
)
def test_a_table_is_named_or_given_by_arn(text: str, expected: TableRef) -> None:
    assert table_ref(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ab",
        "a" * 256,
        "orders restored",
        "orders\n",
        "table/orders",
        "arn:aws:dynamodb:eu-central-1:123456789012:table/orders/index/by-customer",
        "arn:aws:dynamodb:eu-central-1:12345:table/orders",
        "arn:aws:s3:eu-central-1:123456789012:table/orders",
    ],
)
def test_anything_else_is_no_table(text: str) -> None:
    with pytest.raises(ValueError, match="is neither a table name nor the ARN of a table"):
        table_ref(text)


@pytest.mark.parametrize("service", ["sqs", "dynamodb"])
def test_there_are_clients_without_repetitions_which_wait_as_long_as_all_of_those(
    clients: Clients, service: str
) -> None:
    usual, once = (getattr(clients, name).meta.config for name in (service, f"{service}_once"))

    assert (usual.retries["total_max_attempts"], once.retries["total_max_attempts"]) == (4, 1)
    assert (once.connect_timeout, once.read_timeout, once.user_agent_extra) == (1.5, 10.5, "dynamodb-restore")


def test_what_is_marshalled_comes_back() -> None:
    values = {
        "text": "é",
        "whole": 2**126,
        "part": 0.25,
        "yes": True,
        "none": None,
        "bytes": b"\x00\xff",
        "map": {"list": [1]},
    }
    back = unmarshal(marshal(values))
    assert back == values
    # What boto3 wraps bytes in is equal to them.
    assert type(back["bytes"]) is bytes
    assert marshal({"a": ("x", 1.5)}) == {"a": {"L": [{"S": "x"}, {"N": "1.5"}]}}


def test_half_a_surrogate_pair_is_written_as_a_question_mark() -> None:
    assert marshal({"a": "\ud83d", "b": {"\ud83d": ["\ud83d"]}}) == {
        "a": {"S": "?"},
        "b": {"M": {"?": {"L": [{"S": "?"}]}}},
    }


def test_a_condition_that_failed_is_told_from_other_errors() -> None:
    failed = client_error("PutItem", "ConditionalCheckFailedException", "no")
    assert is_condition_failed(failed)
    assert item_that_failed(failed) == {}
    assert not is_condition_failed(client_error("PutItem", "ValidationException", "no"))
    assert not is_condition_failed(CallNotBegunError())
