"""Quarantine: items that the target refused, by key, with the reason.

One item in the restore table each: `pk` = `quarantine#RESTORE_ID`, `sk` = a hash of the item's id (a key may be
longer than the 1,024 bytes of a sort key), `key` (the key as JSON text in DynamoDB's form), `reason`, `sequence`
and `time` of the change that was refused.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from dynamodb_restore.aws import Clients, error_code
from dynamodb_restore.changes.change import Attributes, Change, item_id


@dataclass(frozen=True)
class Quarantined:
    """One item that the target refused.

    Attributes:
        time: epoch seconds of the refused change.
    """

    key: Attributes
    reason: str
    sequence: str
    time: int


class Quarantine:
    """The quarantined items of one restore."""

    def __init__(self, clients: Clients, restore_table: str, restore_id: str) -> None:
        self._dynamodb = clients.dynamodb
        self._restore_table = restore_table
        self._partition = f"quarantine#{restore_id}"

    def add(self, change: Change, reason: str) -> None:
        """Note a refused change; a later one of the same item takes its place."""
        self._dynamodb.put_item(
            TableName=self._restore_table,
            Item={
                **self._key(change.key),
                "key": {"S": json.dumps(change.key)},
                "reason": {"S": reason},
                "sequence": {"S": change.sequence},
                "time": {"N": str(change.time)},
            },
        )

    def remove(self, key: Attributes) -> None:
        """Forget an item that the target has taken after all."""
        self._dynamodb.delete_item(TableName=self._restore_table, Key=self._key(key))

    def resolve(self, item: Quarantined) -> bool:
        """Forget an item that was mended, unless a later change of it was refused meanwhile; False then."""
        try:
            self._dynamodb.delete_item(
                TableName=self._restore_table,
                Key=self._key(item.key),
                ConditionExpression="attribute_not_exists(pk) OR #sequence = :sequence",
                ExpressionAttributeNames={"#sequence": "sequence"},
                ExpressionAttributeValues={":sequence": {"S": item.sequence}},
            )
        except ClientError as error:
            if error_code(error) != "ConditionalCheckFailedException":
                raise
            return False
        return True

    def items(self) -> Iterator[Quarantined]:
        """All quarantined items, consistently."""
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._restore_table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": self._partition}},
            ConsistentRead=True,
        )
        for page in pages:
            for item in page["Items"]:
                yield Quarantined(
                    key=json.loads(item["key"]["S"]),
                    reason=item["reason"]["S"],
                    sequence=item["sequence"]["S"],
                    time=int(item["time"]["N"]),
                )

    def _key(self, key: Attributes) -> dict[str, Any]:
        digest = hashlib.sha256(item_id(key).encode()).hexdigest()
        return {"pk": {"S": self._partition}, "sk": {"S": digest}}
