"""Where capture is stuck: the first record that an invocation could not send, since when, and why.

An invocation that answers with `batchItemFailures` was successful for Lambda, so AWS shows no sign of it. One
item in the restore table for each pipeline, `pk` = `pipeline#SOURCE_TABLE`, `sk` = `stuck#BUFFER_ID`, with four
attributes for each such record, by its sequence number: `since#SEQUENCE` and `noted#SEQUENCE` (epoch seconds of the
first and the last invocation that failed at it), `reason#SEQUENCE`, and `item#SEQUENCE` (a hash of its item's id).
Lambda does not say which shard a record is from, so each record has a mark of its own.

The stream delivers a record again until it is through, and for a day at most. The marks of those that never were stay,
until `expires_at` removes them all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from dynamodb_restore.aws import Clients, marshal, unmarshal
from dynamodb_restore.changes.change import Attributes, item_id
from dynamodb_restore.store import stuck_key

_LONGEST_REASON = 200

_KEPT_SECONDS = 35 * 86_400
"""Longer than any restore takes: a record that the stream dropped before it was through is lost, and its mark is all that
tells of it. 35 days is as far back as a point in time can be restored."""

_MARKS_PER_UPDATE = 10
"""Of one UpdateItem, far below the 4 KB that its expression may have
(docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html)."""

_ATTRIBUTES = ("since", "noted", "reason", "item")


@dataclass(frozen=True)
class Stuck:
    """A record that was not sent yet.

    Attributes:
        since, noted_at: epoch seconds of the first and the last invocation that failed at it.
        item: hash of its item's id; empty where its key could not be read.
    """

    since: int
    noted_at: int
    reason: str
    item: str


class StuckMarks:
    """Notes, reads and clears the marks of one pipeline."""

    def __init__(self, clients: Clients, restore_table: str, source_table: str, buffer_id: str) -> None:
        self._dynamodb = clients.dynamodb
        self._restore_table = restore_table
        self._key = stuck_key(source_table, buffer_id)

    def note(self, sequence: str, *, now: int, reason: str, key: Attributes | None) -> None:
        """Mark a record; the time of its first mark stays.

        Args:
            now: epoch seconds.
            key: of the record's item; None where it could not be read.

        Raises:
            ClientError, BotoCoreError: from UpdateItem.
        """
        item = "" if key is None else hashlib.sha256(item_id(key).encode()).hexdigest()
        self._dynamodb.update_item(
            TableName=self._restore_table,
            Key=self._key,
            UpdateExpression=(
                "SET #since = if_not_exists(#since, :now), #noted = :now, #reason = :reason, #item = :item, "
                "#expires = :expires"
            ),
            ExpressionAttributeNames={
                **{f"#{name}": f"{name}#{sequence}" for name in _ATTRIBUTES},
                "#expires": "expires_at",
            },
            ExpressionAttributeValues=marshal(
                {
                    ":now": now,
                    ":reason": reason[:_LONGEST_REASON],
                    ":item": item,
                    ":expires": now + _KEPT_SECONDS,
                }
            ),
        )

    def read(self) -> dict[str, Stuck]:
        """The marks that stand, by sequence number, consistently.

        Raises:
            ClientError, BotoCoreError: from GetItem.
        """
        answer = self._dynamodb.get_item(TableName=self._restore_table, Key=self._key, ConsistentRead=True)
        item = unmarshal(answer.get("Item", {}))
        sequences = [name.removeprefix("since#") for name in item if name.startswith("since#")]
        return {
            sequence: Stuck(
                since=item[f"since#{sequence}"],
                noted_at=item[f"noted#{sequence}"],
                reason=item[f"reason#{sequence}"],
                item=item[f"item#{sequence}"],
            )
            for sequence in sequences
        }

    def clear(self, sequences: Iterable[str]) -> None:
        """Remove the marks of records that are through.

        Raises:
            ClientError, BotoCoreError: from UpdateItem.
        """
        remaining = iter(sequences)
        while portion := list(islice(remaining, _MARKS_PER_UPDATE)):
            names = {
                f"#{name}{number}": f"{name}#{sequence}"
                for number, sequence in enumerate(portion)
                for name in _ATTRIBUTES
            }
            self._dynamodb.update_item(
                TableName=self._restore_table,
                Key=self._key,
                UpdateExpression=f"REMOVE {', '.join(names)}",
                ExpressionAttributeNames=names,
            )
