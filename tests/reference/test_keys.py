"""One text for each item: `item_id` against what the engine takes for the same key."""

from __future__ import annotations

import base64
import random
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from dynamodb_restore.aws import Clients
from dynamodb_restore.changes.change import check_key, item_id
from tests.reference.tables import StreamReader, create_table
from tests.reference.values import number

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_SPELLINGS = (
    *("0", "-0", "+0", "0.00", "0E200", "-0E-3", "00"),
    *("1", "1.0", "01", "1E0", "+1", "10E-1", "-1", "-1.0"),
    *("1E2", "100", "1e+2", "0.0001E6", "100.000"),
    *("2.50", "2.5", "25E-1", "-2.50"),
    *("1E-130", f"0.{'0' * 129}1", "1E125", f"1{'0' * 125}", f"{'9' * 38}E88", f"-{'9' * 38}E88"),
    *(
        f"1{'0' * 36}1",
        f"1{'0' * 36}2",
        f"0.1{'0' * 36}1",
        f"0.1{'0' * 36}2",
        f"1{'0' * 36}10",
        f"1{'0' * 36}1E1",
    ),
)
"""Numbers in several spellings each, and neighbours that differ in the last of 38 digits."""


def test_equal_numbers_are_one_item_and_others_are_not(dynamodb: DynamoDBClient) -> None:
    create_table(dynamodb, "numbers", {"id": "N"}, view="KEYS_ONLY")
    rng = random.Random(5)
    spellings = [*_SPELLINGS, *(number(rng) for _ in range(150))]
    ids = {}
    for index, text in enumerate(spellings):
        key = {"id": {"N": text}}
        check_key(key)
        # No two puts are equal, so each has its stream record.
        dynamodb.put_item(TableName="numbers", Item={**key, "index": {"N": str(index)}})
        ids[index] = item_id(key)

    stream_arn = dynamodb.describe_table(TableName="numbers")["Table"]["LatestStreamArn"]
    records = StreamReader(boto3.client("dynamodbstreams"), stream_arn).read()
    stored = {item_id(item) for item in _keys(dynamodb, "numbers")}

    assert [item_id(record["dynamodb"]["Keys"]) for record in records] == list(ids.values())
    assert stored == set(ids.values())
    assert len(list(_keys(dynamodb, "numbers"))) == len(stored)


def test_binary_keys_are_one_item_in_events_and_in_answers(dynamodb: DynamoDBClient) -> None:
    create_table(dynamodb, "binaries", {"id": "B"}, view="KEYS_ONLY")
    keys = [b"\x00", b"\x00\x00", b"\xff", bytes(range(256)), b"MQ==", b"1"]
    for key in keys:
        dynamodb.put_item(TableName="binaries", Item={"id": {"B": key}})

    stream_arn = dynamodb.describe_table(TableName="binaries")["Table"]["LatestStreamArn"]
    records = StreamReader(boto3.client("dynamodbstreams"), stream_arn).read()

    in_events = [record["dynamodb"]["Keys"] for record in records]
    assert [base64.b64decode(key["id"]["B"]) for key in in_events] == keys
    assert {item_id(key) for key in in_events} == {item_id(key) for key in _keys(dynamodb, "binaries")}
    assert len({item_id(key) for key in in_events}) == len(keys)


@pytest.mark.parametrize("text", ["9" * 39, "1E126", "-1E126", "1E-131", "NaN", "Infinity", "", "1_0"])
def test_numbers_that_the_engine_does_not_take_never_reach_the_stream(
    impossible: DynamoDBClient, text: str
) -> None:
    with pytest.raises(ClientError, match="ValidationException"):
        impossible.put_item(TableName="impossible", Item={"id": {"N": text}})


@pytest.fixture(scope="module")
def impossible() -> DynamoDBClient:
    client = Clients().dynamodb
    create_table(client, "impossible", {"id": "N"})
    return client


def _keys(dynamodb: DynamoDBClient, table: str) -> list[dict[str, Any]]:
    found = dynamodb.scan(TableName=table, ConsistentRead=True)
    assert "LastEvaluatedKey" not in found
    return [{"id": item["id"]} for item in found["Items"]]
