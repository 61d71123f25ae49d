"""Tables in the engine, the writer that changes one, and its stream as Lambda delivers it."""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from tests.reference.values import comparable, deep_value, large_value, number, value

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodbstreams import DynamoDBStreamsClient

View = Literal["NEW_AND_OLD_IMAGES", "NEW_IMAGE", "KEYS_ONLY", "OLD_IMAGE"]
KeyType = Literal["S", "N", "B"]
Schema = Mapping[str, KeyType]
"""Key attributes and their types: the partition key, then the sort key where there is one."""

INDEXED = "status"
"""The attribute that a target's index has as a number, and the source does not."""

_HOT_ITEMS = 3
_HOT_SHARE = 0.25
_ITEMS_PER_BATCH = 25


def create_table(
    dynamodb: DynamoDBClient, name: str, schema: Schema, *, view: View | None = None, index: bool = False
) -> None:
    """Create a table; with `index`, one that refuses items whose `INDEXED` is no number."""
    roles: list[Literal["HASH", "RANGE"]] = ["HASH", "RANGE"]
    options: dict[str, Any] = {}
    types: dict[str, KeyType] = dict(schema)
    if view is not None:
        options["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": view}
    if index:
        types[INDEXED] = "N"
        options["GlobalSecondaryIndexes"] = [
            {
                "IndexName": INDEXED,
                "KeySchema": [{"AttributeName": INDEXED, "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ]
    dynamodb.create_table(
        TableName=name,
        AttributeDefinitions=[
            {"AttributeName": attribute, "AttributeType": kind} for attribute, kind in types.items()
        ],
        KeySchema=[
            {"AttributeName": attribute, "KeyType": role}
            for attribute, role in zip(schema, roles, strict=False)
        ],
        BillingMode="PAY_PER_REQUEST",
        **options,
    )


def items_of(dynamodb: DynamoDBClient, table: str) -> Iterator[dict[str, Any]]:
    for page in dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
        yield from page["Items"]


def contents(dynamodb: DynamoDBClient, table: str, schema: Schema) -> dict[str, dict[str, Any]]:
    """All items of a table by their key as the engine writes it, in a form that can be compared."""
    return {repr([item[name] for name in schema]): comparable(item) for item in items_of(dynamodb, table)}


def copy(dynamodb: DynamoDBClient, source: str, target: str) -> None:
    """What a restore does to the data."""
    for item in items_of(dynamodb, source):
        dynamodb.put_item(TableName=target, Item=item)


class Writer:
    """Changes a table's items by puts, updates and deletes, alone and in batches.

    Attributes:
        changes: how many records the stream must have.
    """

    def __init__(
        self, dynamodb: DynamoDBClient, table: str, schema: Schema, rng: random.Random, items: int
    ) -> None:
        self.changes = 0
        self._dynamodb = dynamodb
        self._table = table
        self._rng = rng
        self._keys = [_key(schema, number, rng) for number in range(items)]
        self._present: set[int] = set()
        self._batch: dict[int, Any] = {}

    def write(self, count: int) -> None:
        for _ in range(count):
            self._write()
        self._flush()

    def _write(self) -> None:
        rng = self._rng
        chosen = rng.randrange(
            min(_HOT_ITEMS, len(self._keys)) if rng.random() < _HOT_SHARE else len(self._keys)
        )
        self.changes += 1
        kind = rng.random()
        if chosen not in self._present:
            kind = 1.0
        if chosen in self._batch or len(self._batch) == _ITEMS_PER_BATCH:
            self._flush()
        if kind < 0.2:
            self._present.remove(chosen)
            self._batch[chosen] = {"DeleteRequest": {"Key": self._keys[chosen]}}
        elif kind < 0.35:
            self._update(chosen)
        else:
            self._present.add(chosen)
            self._batch[chosen] = {"PutRequest": {"Item": self._image(chosen)}}

    def _image(self, chosen: int) -> dict[str, Any]:
        rng = self._rng
        attributes = {f"a{index}": value(rng) for index in range(rng.randint(1, 6))}
        if rng.random() < 0.02:
            attributes["deep"] = deep_value(rng)
        if rng.random() < 0.004:
            attributes["large"] = large_value(rng)
        if rng.random() < 0.7:
            attributes[INDEXED] = {"N": number(rng)} if rng.random() < 0.8 else {"S": "open"}
        # No two images are equal: a put that changes nothing has no stream record.
        return {**attributes, "version": {"N": str(self.changes)}, **self._keys[chosen]}

    def _update(self, chosen: int) -> None:
        self._dynamodb.update_item(
            TableName=self._table,
            Key=self._keys[chosen],
            UpdateExpression="SET version = :version, a1 = :value REMOVE a2 ADD amount :number, labels :labels",
            ExpressionAttributeValues={
                ":version": {"N": str(self.changes)},
                ":value": value(self._rng),
                ":number": {"N": "0.1"},
                ":labels": {"BS": [self._rng.randbytes(2)]},
            },
        )

    def _flush(self) -> None:
        if self._batch:
            requests: list[Any] = list(self._batch.values())
            answer = self._dynamodb.batch_write_item(RequestItems={self._table: requests})
            assert not answer["UnprocessedItems"]
            self._batch.clear()


def _key(schema: Schema, number: int, rng: random.Random) -> dict[str, Any]:
    """The key of one of a table's items; with two attributes, several items share the first."""
    key: dict[str, Any] = {}
    for attribute, kind in schema.items():
        place = number if len(key) == len(schema) - 1 else number % 17
        match kind:
            case "S":
                key[attribute] = {"S": f"item {place} 🙂"}
            case "N":
                key[attribute] = {"N": rng.choice([f"{place}.50", f"-{place}E-3", str(10**37 + place)])}
            case "B":
                key[attribute] = {"B": b"\x00\xff" + place.to_bytes(2, "big")}
    return key


class StreamReader:
    """Reads a table's stream through the API of DynamoDB Streams, once each record."""

    def __init__(self, streams: DynamoDBStreamsClient, stream_arn: str) -> None:
        self._streams = streams
        self._stream_arn = stream_arn
        self._iterators: dict[str, str | None] = {}

    def read(self) -> list[dict[str, Any]]:
        """All records since the last time, as Lambda delivers them."""
        found: list[dict[str, Any]] = []
        described = self._streams.describe_stream(StreamArn=self._stream_arn)["StreamDescription"]
        for shard in described["Shards"]:
            shard_id = shard["ShardId"]
            if shard_id not in self._iterators:
                self._iterators[shard_id] = self._streams.get_shard_iterator(
                    StreamArn=self._stream_arn, ShardId=shard_id, ShardIteratorType="TRIM_HORIZON"
                )["ShardIterator"]
            while (iterator := self._iterators[shard_id]) is not None:
                answer = self._streams.get_records(ShardIterator=iterator)
                self._iterators[shard_id] = answer.get("NextShardIterator")
                found += [_lambda_record(record, self._stream_arn) for record in answer["Records"]]
                if not answer["Records"]:
                    break
        return found


def _lambda_record(record: Mapping[str, Any], stream_arn: str) -> dict[str, Any]:
    """docs.aws.amazon.com/lambda/latest/dg/with-ddb-example.html; seconds for times, base64 text for binary."""
    data: dict[str, Any] = dict(record["dynamodb"])
    data["ApproximateCreationDateTime"] = data["ApproximateCreationDateTime"].timestamp()
    for part in ("Keys", "NewImage", "OldImage"):
        if part in data:
            data[part] = {name: _lambda_value(found) for name, found in data[part].items()}
    kept = {name: record[name] for name in ("eventID", "eventName", "eventVersion", "awsRegion")}
    return {**kept, "eventSource": "aws:dynamodb", "eventSourceARN": stream_arn, "dynamodb": data}


def _lambda_value(found: Mapping[str, Any]) -> dict[str, Any]:
    if not found:
        # DynamoDB Local, not DynamoDB, leaves the type of an empty map out of its stream.
        return {"M": {}}
    ((kind, inner),) = found.items()
    match kind:
        case "B":
            return {kind: base64.b64encode(inner).decode()}
        case "BS":
            return {kind: [base64.b64encode(member).decode() for member in inner]}
        case "L":
            return {kind: [_lambda_value(member) for member in inner]}
        case "M":
            return {kind: {name: _lambda_value(member) for name, member in inner.items()}}
        case _:
            return {kind: inner}


def differences(one: Mapping[str, Any], other: Mapping[str, Any], *, but: Sequence[str] = ()) -> list[str]:
    """The keys of items that are not the same on both sides, leaving out those in `but`."""
    return sorted(key for key in {*one, *other} - {*but} if one.get(key) != other.get(key))
