"""How far a pipeline has come: per group, the last bundle captured and the last bundle replayed.

Two items in the restore table for each pipeline, `pk` = `pipeline#SOURCE_TABLE`, `sk` = `captured#BUFFER_ID` and
`replayed#BUFFER_ID`, where the id is of this very queue: a queue that is made anew under the same name counts its
messages from the beginning again. Each has `sequence#GROUP` (the SQS sequence number of the last bundle, a number of 20 digits),
`time#GROUP` (epoch seconds of its last change), `changes` (a running count) and, for `captured`, `since`
(epoch seconds of the first change ever captured). A pipeline is drained where no group's captured sequence is
ahead of its replayed one: exact where a queue's own counts are approximate
(docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from botocore.exceptions import ClientError

from dynamodb_restore.aws import Clients, error_code

_SEQUENCE = "sequence#"
_TIME = "time#"

_GROUPS_PER_UPDATE = 50
"""Of one UpdateItem: its condition may have 300 operators and 4 KB
(docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html); a group takes four and about 55 bytes."""


class Side(enum.Enum):
    """Which end of the buffer."""

    CAPTURED = "captured"
    REPLAYED = "replayed"


@dataclass(frozen=True)
class Position:
    """The last bundle of a group: its SQS sequence number and the time of its last change, epoch seconds."""

    sequence: int
    time: int


@dataclass(frozen=True)
class Progress:
    """One end of the buffer.

    Attributes:
        since: epoch seconds of the first change ever captured.
        changes: how many went through, redeliveries included.
    """

    positions: Mapping[int, Position]
    changes: int = 0
    since: int | None = None


def lagging_groups(captured: Progress, replayed: Progress) -> set[int]:
    """The groups of which something captured has not been replayed."""
    return {
        group
        for group, position in captured.positions.items()
        if group not in replayed.positions or replayed.positions[group].sequence < position.sequence
    }


def pipeline_partition(source_table: str) -> str:
    """The partition of the restore table that holds all about one pipeline."""
    return f"pipeline#{source_table}"


class ProgressStore:
    """Reads and advances the two progress items of one pipeline."""

    def __init__(self, clients: Clients, restore_table: str, source_table: str, buffer_id: str) -> None:
        self._dynamodb = clients.dynamodb
        self._restore_table = restore_table
        self._partition = pipeline_partition(source_table)
        self._buffer_id = buffer_id

    def read(self, side: Side) -> Progress:
        """One end of the buffer, consistently."""
        answer = self._dynamodb.get_item(
            TableName=self._restore_table, Key=self._key(side), ConsistentRead=True
        )
        return _progress(answer.get("Item", {}))

    def forget_since(self) -> None:
        """Drop `since`: capture pauses, and the next first change begins a new stretch."""
        self._dynamodb.update_item(
            TableName=self._restore_table,
            Key=self._key(Side.CAPTURED),
            UpdateExpression="REMOVE #since",
            ExpressionAttributeNames={"#since": "since"},
        )

    def advance(
        self, side: Side, positions: Mapping[int, Position], *, changes: int, since: int | None = None
    ) -> None:
        """Move groups forward, never back: another invocation may have been faster.

        Raises:
            ClientError, BotoCoreError: from UpdateItem.
        """
        remaining = iter(positions.items())
        self._advance(side, dict(islice(remaining, _GROUPS_PER_UPDATE)), changes, since)
        while more := dict(islice(remaining, _GROUPS_PER_UPDATE)):
            self._advance(side, more, 0, None)

    def _advance(
        self, side: Side, positions: Mapping[int, Position], changes: int, since: int | None
    ) -> None:
        ahead = dict(positions)
        while True:
            try:
                self._update(side, ahead, changes, since)
            except ClientError as error:
                if error_code(error) != "ConditionalCheckFailedException":
                    raise
                # The answer carries the item as it is; groups that are further already need no update
                # (docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html).
                stored = _progress(error.response.get("Item", {}))  # type: ignore[arg-type]
                ahead = {
                    group: position
                    for group, position in ahead.items()
                    if group not in stored.positions or stored.positions[group].sequence < position.sequence
                }
            else:
                return

    def _update(self, side: Side, positions: Mapping[int, Position], changes: int, since: int | None) -> None:
        names = {"#changes": "changes"}
        values: dict[str, Any] = {":changes": {"N": str(changes)}}
        assignments: list[str] = []
        conditions: list[str] = []
        for group, position in positions.items():
            names |= {f"#s{group}": f"{_SEQUENCE}{group}", f"#t{group}": f"{_TIME}{group}"}
            values |= {f":s{group}": {"N": str(position.sequence)}, f":t{group}": {"N": str(position.time)}}
            assignments += [f"#s{group} = :s{group}", f"#t{group} = :t{group}"]
            conditions.append(f"(attribute_not_exists(#s{group}) OR #s{group} < :s{group})")
        if since is not None:
            names["#since"] = "since"
            values[":since"] = {"N": str(since)}
            assignments.append("#since = if_not_exists(#since, :since)")
        update = "ADD #changes :changes"
        if assignments:
            update = f"SET {', '.join(assignments)} {update}"
        condition = {"ConditionExpression": " AND ".join(conditions)} if conditions else {}
        self._dynamodb.update_item(
            TableName=self._restore_table,
            Key=self._key(side),
            UpdateExpression=update,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=values,
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
            **condition,  # type: ignore[arg-type]
        )

    def _key(self, side: Side) -> dict[str, Any]:
        return {"pk": {"S": self._partition}, "sk": {"S": f"{side.value}#{self._buffer_id}"}}


def _progress(item: Mapping[str, Any]) -> Progress:
    sequences = {
        int(name.removeprefix(_SEQUENCE)): int(value["N"])
        for name, value in item.items()
        if name.startswith(_SEQUENCE)
    }
    positions = {
        group: Position(sequence, int(item[f"{_TIME}{group}"]["N"])) for group, sequence in sequences.items()
    }
    changes = int(item["changes"]["N"]) if "changes" in item else 0
    since = int(item["since"]["N"]) if "since" in item else None
    return Progress(positions, changes, since)
