"""The progress of a pipeline: for each group, the last bundle captured and the last bundle replayed.

Items in the restore table, in the pipeline's partition, `captured#BUFFER_ID#CHUNK` and
`replayed#BUFFER_ID#CHUNK` (`store.py`), where the id is of this very queue: a queue that is made anew under the same name counts its
messages from the beginning again. Group g is in chunk g // 16, so that an update writes about 1 KB however many
groups there are (an update is paid by the size of its item:
docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html). An item has

- `sequence#GROUP`: the SQS sequence number of the last bundle that is done with, a number of 20 digits,
- `time#GROUP`: epoch seconds of its last change,
- `at#GROUP`, where a bundle was begun and not finished: its sequence number and how many of its changes are done,
  as one number that only grows (`Partial.as_number`),
- in chunk 0 also `changes` (a running count), for `captured` `since` (epoch seconds of the first change ever
  captured), and for `replayed` `quarantined` (the restore that has had items in quarantine).

A pipeline is drained where no group's captured sequence is ahead of its replayed one: exact where a queue's own
counts are approximate (docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html).
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dynamodb_restore.aws import (
    ClientError,
    Clients,
    is_condition_failed,
    item_that_failed,
    marshal,
    unmarshal,
)
from dynamodb_restore.store import pipeline_partition, progress_key, progress_prefix

_SEQUENCE = "sequence#"
_TIME = "time#"
_AT = "at#"

_GROUPS_PER_ITEM = 16
"""A group takes about 60 bytes, with a bundle that is begun about 80. An update's condition may have 300 operators and
4 KB (docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html); a group takes eight and 110 bytes."""

_MOST_CHANGES = 10**7
"""More than a bundle can hold: its 8 MB unpacked are fewer entries."""


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
class Partial:
    """A bundle of which only the first `done` changes are dealt with."""

    sequence: int
    done: int

    @property
    def as_number(self) -> int:
        """Greater for a later bundle, and for more of the same; 27 digits, of which DynamoDB keeps 38."""
        return self.sequence * _MOST_CHANGES + self.done


@dataclass(frozen=True)
class Progress:
    """One end of the buffer.

    Attributes:
        since: epoch seconds of the first change ever captured.
        changes: how many went through, redeliveries included.
        partial: per group, the bundle that was begun and not finished.
        quarantined: the restore that has had items in quarantine; None where none has.
    """

    positions: Mapping[int, Position]
    changes: int = 0
    since: int | None = None
    partial: Mapping[int, Partial] = field(default_factory=dict)
    quarantined: str | None = None


def lagging_groups(captured: Progress, replayed: Progress) -> set[int]:
    """The groups of which something captured has not been replayed."""
    return {
        group
        for group, position in captured.positions.items()
        if group not in replayed.positions or replayed.positions[group].sequence < position.sequence
    }


class ProgressStore:
    """Reads and advances the progress items of one pipeline."""

    def __init__(self, clients: Clients, restore_table: str, source_table: str, buffer_id: str) -> None:
        self._dynamodb = clients.dynamodb
        self._restore_table = restore_table
        self._source_table = source_table
        self._buffer_id = buffer_id

    def read(self, side: Side) -> Progress:
        """One end of the buffer, consistently."""
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._restore_table,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)",
            ExpressionAttributeValues=marshal(
                {
                    ":pk": pipeline_partition(self._source_table),
                    ":sk": progress_prefix(side.value, self._buffer_id),
                }
            ),
            ConsistentRead=True,
        )
        return progress_of([item for page in pages for item in page["Items"]])

    def keys(self, side: Side, groups: Iterable[int]) -> list[dict[str, Any]]:
        """The keys of the items that tell of these groups and of the pipeline as a whole, for `progress_of`."""
        return [self._key(side, chunk) for chunk in sorted({0, *(_chunk(group) for group in groups)})]

    def forget_since(self) -> None:
        """Drop `since`: capture pauses, and the next first change begins a new stretch."""
        self._dynamodb.update_item(
            TableName=self._restore_table,
            Key=self._key(Side.CAPTURED, 0),
            UpdateExpression="REMOVE #since",
            ExpressionAttributeNames={"#since": "since"},
        )

    def note_quarantine(self, restore_id: str) -> None:
        """Note that a restore has items in quarantine, before the first is there."""
        self._dynamodb.update_item(
            TableName=self._restore_table,
            Key=self._key(Side.REPLAYED, 0),
            UpdateExpression="SET #quarantined = :restore",
            ExpressionAttributeNames={"#quarantined": "quarantined"},
            ExpressionAttributeValues=marshal({":restore": restore_id}),
        )

    def advance(
        self,
        side: Side,
        positions: Mapping[int, Position],
        *,
        changes: int,
        since: int | None = None,
        partial: Mapping[int, Partial] | None = None,
    ) -> None:
        """Move groups forward, never back, because another invocation may be further.

        Raises:
            ClientError, BotoCoreError: from UpdateItem.
        """
        begun = partial or {}
        chunks: dict[int, tuple[dict[int, Position], dict[int, Partial]]] = {}
        if changes or since is not None:
            chunks[0] = ({}, {})
        for group, position in positions.items():
            chunks.setdefault(_chunk(group), ({}, {}))[0][group] = position
        for group, bundle in begun.items():
            chunks.setdefault(_chunk(group), ({}, {}))[1][group] = bundle
        for chunk, (done, started) in chunks.items():
            update = _Update(done, started)
            if chunk == 0:
                update.changes, update.since = changes, since
            self._advance(self._key(side, chunk), update)

    def _advance(self, key: dict[str, Any], update: _Update) -> None:
        while request := update.request():
            try:
                self._dynamodb.update_item(TableName=self._restore_table, Key=key, **request)
            except ClientError as error:
                if not is_condition_failed(error):
                    raise
                # The answer carries the item as it is; groups that are further already need no update
                # (docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html).
                stored = progress_of([item_that_failed(error)])
                update.leave_out(stored)
            else:
                return

    def _key(self, side: Side, chunk: int) -> dict[str, Any]:
        return progress_key(self._source_table, side.value, self._buffer_id, chunk)


@dataclass
class _Update:
    """What one item is to take up; groups that it has further already are left out."""

    positions: dict[int, Position]
    partial: dict[int, Partial]
    changes: int = 0
    since: int | None = None

    def leave_out(self, stored: Progress) -> None:
        self.positions = {
            group: position
            for group, position in self.positions.items()
            if group not in stored.positions or stored.positions[group].sequence < position.sequence
        }
        self.partial = {
            group: bundle
            for group, bundle in self.partial.items()
            if group not in stored.partial or stored.partial[group].as_number < bundle.as_number
        }

    def request(self) -> dict[str, Any]:
        """The update, as UpdateItem takes it; empty where there is nothing to write."""
        names: dict[str, str] = {}
        values: dict[str, Any] = {}
        assignments: list[str] = []
        conditions: list[str] = []
        for group, position in self.positions.items():
            names |= {f"#s{group}": f"{_SEQUENCE}{group}", f"#t{group}": f"{_TIME}{group}"}
            values |= {f":s{group}": position.sequence, f":t{group}": position.time}
            assignments += [f"#s{group} = :s{group}", f"#t{group} = :t{group}"]
            conditions.append(f"(attribute_not_exists(#s{group}) OR #s{group} < :s{group})")
        for group, bundle in self.partial.items():
            names[f"#a{group}"] = f"{_AT}{group}"
            values[f":a{group}"] = bundle.as_number
            assignments.append(f"#a{group} = :a{group}")
            conditions.append(f"(attribute_not_exists(#a{group}) OR #a{group} < :a{group})")
        if self.since is not None:
            names["#since"] = "since"
            values[":since"] = self.since
            assignments.append("#since = if_not_exists(#since, :since)")
        update = f"SET {', '.join(assignments)}" if assignments else ""
        if self.changes:
            names["#changes"] = "changes"
            values[":changes"] = self.changes
            update = f"{update} ADD #changes :changes".strip()
        if not update:
            return {}
        condition = {"ConditionExpression": " AND ".join(conditions)} if conditions else {}
        return {
            "UpdateExpression": update,
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": marshal(values),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            **condition,
        }


def _chunk(group: int) -> int:
    return group // _GROUPS_PER_ITEM


def progress_of(items: Iterable[Mapping[str, Any]]) -> Progress:
    """What progress items of one side tell together."""
    attributes = {name: value for item in items for name, value in unmarshal(item).items()}
    positions: dict[int, Position] = {}
    partial: dict[int, Partial] = {}
    for name, value in attributes.items():
        kind, _, group = name.partition("#")
        if f"{kind}#" == _SEQUENCE:
            time = attributes[f"{_TIME}{group}"]
            positions[int(group)] = Position(value, time)
        elif f"{kind}#" == _AT:
            partial[int(group)] = Partial(*divmod(value, _MOST_CHANGES))
    return Progress(
        positions,
        attributes.get("changes", 0),
        attributes.get("since"),
        partial,
        attributes.get("quarantined"),
    )
