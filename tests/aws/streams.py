"""DynamoDB Streams: what was written to a table, in shards, for a day."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.aws.attributes import Item, Schema, same_items
from tests.aws.choices import Choices
from tests.aws.clock import VirtualClock
from tests.aws.errors import client_error
from tests.aws.items import Write
from tests.aws.names import REGION, table_arn

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

RETENTION_SECONDS = 86_400
"""docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html"""

_ITERATOR_SECONDS = 900
"""docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetShardIterator.html"""

_PAGE_SIZE = 100
_FIRST_SEQUENCE = 111_000_000_000_000_000_000_000
_TIME_TO_LIVE = {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}
"""Of deletes by time to live (docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html)."""


class Record(NamedTuple):
    """One change of an item.

    Attributes:
        key_text: the key as the table's schema writes it.
        kind: `INSERT`, `MODIFY` or `REMOVE`.
        time: when the stream says that it was made: approximate, in whole epoch seconds.
        written_at: when it was made, on the true clock.
        expiry: whether time to live deleted the item.
    """

    sequence: int
    key_text: str
    key: Item
    kind: str
    old: Item | None
    new: Item | None
    time: int
    written_at: float
    expiry: bool

    def images(self, view: str) -> dict[str, Item]:
        """The images that a stream of this view type has."""
        found = {}
        if view in ("OLD_IMAGE", "NEW_AND_OLD_IMAGES") and self.old is not None:
            found["OldImage"] = self.old
        if view in ("NEW_IMAGE", "NEW_AND_OLD_IMAGES") and self.new is not None:
            found["NewImage"] = self.new
        return found


@dataclass
class Shard:
    """The records of the keys whose hash lies in a range; its children are read after it.

    Attributes:
        trimmed: how many of its records are too old to be read.
    """

    shard_id: str
    low: float
    high: float
    parent: Shard | None
    records: list[Record] = field(default_factory=list)
    closed: bool = False
    trimmed: int = 0

    def trim(self, now: float) -> None:
        while (
            self.trimmed < len(self.records)
            and self.records[self.trimmed].written_at + RETENTION_SECONDS <= now
        ):
            self.trimmed += 1


@dataclass
class Stream:
    """One stream of a table: a table whose stream is switched off and on again has another one."""

    arn: str
    table: str
    view: str
    shards: list[Shard] = field(default_factory=list)
    open: bool = True

    def shard_of(self, key: str) -> Shard:
        """The open shard that a key's next record goes to."""
        place = zlib.crc32(key.encode()) / 2**32
        for shard in self.shards:
            if not shard.closed and shard.low <= place < shard.high:
                return shard
        raise ValueError(f"{self.arn} is closed")

    def split(self, shard: Shard) -> None:
        """Close a shard; two others take over."""
        shard.closed = True
        middle = (shard.low + shard.high) / 2
        for low, high in ((shard.low, middle), (middle, shard.high)):
            self.shards.append(Shard(f"shardId-{len(self.shards):020}", low, high, shard))

    def records(self) -> Iterator[Record]:
        """All that was ever written to it, shard by shard."""
        for shard in self.shards:
            yield from shard.records


@dataclass
class Streams:
    """All streams by ARN.

    Attributes:
        live: table to the ARN of its open stream.
        label: of every new stream, where it has to be the same in all runs; else what the clock shows.
        times_off_by: by how many seconds a record's time may be wrong.
    """

    clock: VirtualClock = field(default_factory=VirtualClock)
    choices: Choices = field(default_factory=Choices)
    streams: dict[str, Stream] = field(default_factory=dict)
    live: dict[str, str] = field(default_factory=dict)
    label: str | None = None
    times_off_by: float = 0.0
    _made: int = 0

    @property
    def operations(self) -> Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]]:
        return {
            "ListStreams": self._list,
            "DescribeStream": self._describe,
            "GetShardIterator": self._iterator,
            "GetRecords": self._records,
        }

    def switch_on(self, table: str, view: str) -> Stream:
        """Give a table a new stream, without a call."""
        shown = datetime.fromtimestamp(self.clock.of("dynamodb"), UTC)
        label = self.label or shown.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
        arn = f"{table_arn(table)}/stream/{label}"
        stream = self.streams[arn] = Stream(arn, table, view, [Shard(f"shardId-{0:020}", 0.0, 1.0, None)])
        self.live[table] = arn
        return stream

    def switch_off(self, table: str) -> None:
        """The stream gets nothing new and can be read for another day."""
        stream = self.streams[self.live.pop(table)]
        stream.open = False
        for shard in stream.shards:
            shard.closed = True

    def note(self, table: str, schema: Schema, write: Write, by_time_to_live: bool) -> None:
        """Take up a write. One that changes nothing leaves no record
        (docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html)."""
        present = write.new or write.old
        if table not in self.live or present is None:
            return
        if write.old is not None and write.new is not None and same_items(write.old, write.new):
            return
        self._made += 1
        kind = "REMOVE" if write.new is None else "INSERT" if write.old is None else "MODIFY"
        off = self.choices.between(-self.times_off_by, self.times_off_by) if self.times_off_by else 0.0
        record = Record(
            sequence=_FIRST_SEQUENCE + self._made,
            key_text=write.key,
            key=schema.key_attributes(present),
            kind=kind,
            old=write.old,
            new=write.new,
            time=int(self.clock.of("dynamodb") + off),
            written_at=self.clock.now,
            expiry=by_time_to_live,
        )
        self.streams[self.live[table]].shard_of(write.key).records.append(record)

    def _list(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        found = [one for one in self.streams.values() if parameters.get("TableName", one.table) == one.table]
        return {
            "Streams": [
                {"StreamArn": one.arn, "TableName": one.table, "StreamLabel": one.arn.rpartition("/")[2]}
                for one in found
            ]
        }

    def _describe(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        stream = self._find("DescribeStream", parameters["StreamArn"])
        start = parameters.get("ExclusiveStartShardId", "")
        rest = [shard for shard in stream.shards if shard.shard_id > start]
        described: dict[str, Any] = {
            "StreamArn": stream.arn,
            "StreamLabel": stream.arn.rpartition("/")[2],
            "StreamStatus": "ENABLED" if stream.open else "DISABLED",
            "StreamViewType": stream.view,
            "TableName": stream.table,
            "Shards": [_described(shard) for shard in rest[:_PAGE_SIZE]],
        }
        if len(rest) > _PAGE_SIZE:
            described["LastEvaluatedShardId"] = rest[_PAGE_SIZE - 1].shard_id
        return {"StreamDescription": described}

    def _iterator(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        operation = "GetShardIterator"
        stream = self._find(operation, parameters["StreamArn"])
        shard = self._shard(operation, stream, parameters["ShardId"])
        kind = parameters["ShardIteratorType"]
        if kind == "TRIM_HORIZON":
            position = shard.trimmed
        elif kind == "LATEST":
            position = len(shard.records)
        else:
            wanted = int(parameters["SequenceNumber"])
            position = sum(record.sequence < wanted for record in shard.records)
            position += kind == "AFTER_SEQUENCE_NUMBER" and any(
                record.sequence == wanted for record in shard.records
            )
            if position < shard.trimmed:
                raise client_error(
                    operation,
                    "TrimmedDataAccessException",
                    "The operation attempted to read past the oldest record",
                )
        return {"ShardIterator": self._iterator_at(stream, shard, position)}

    def _records(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        operation = "GetRecords"
        arn, shard_id, place, issued = parameters["ShardIterator"].split("|")
        stream = self._find(operation, arn)
        shard = self._shard(operation, stream, shard_id)
        if float(issued) + _ITERATOR_SECONDS < self.clock.now:
            raise client_error(operation, "ExpiredIteratorException", "Iterator expired")
        position = int(place)
        if position < shard.trimmed:
            raise client_error(
                operation,
                "TrimmedDataAccessException",
                "The operation attempted to read past the oldest record",
            )
        found = shard.records[position : position + parameters.get("Limit", 1000)]
        position += len(found)
        answer: dict[str, Any] = {"Records": [_as_api_tells(record, stream.view) for record in found]}
        if not (shard.closed and position == len(shard.records)):
            answer["NextShardIterator"] = self._iterator_at(stream, shard, position)
        return answer

    def _iterator_at(self, stream: Stream, shard: Shard, position: int) -> str:
        return f"{stream.arn}|{shard.shard_id}|{position}|{self.clock.now}"

    def _find(self, operation: str, arn: str) -> Stream:
        if arn not in self.streams:
            raise _not_found(operation)
        return self.streams[arn]

    def _shard(self, operation: str, stream: Stream, shard_id: str) -> Shard:
        for shard in stream.shards:
            if shard.shard_id == shard_id:
                shard.trim(self.clock.now)
                return shard
        raise _not_found(operation)


def _described(shard: Shard) -> dict[str, Any]:
    bounds = {"StartingSequenceNumber": str(shard.records[0].sequence if shard.records else _FIRST_SEQUENCE)}
    if shard.closed and shard.records:
        bounds["EndingSequenceNumber"] = str(shard.records[-1].sequence)
    parent = {"ParentShardId": shard.parent.shard_id} if shard.parent else {}
    return {"ShardId": shard.shard_id, "SequenceNumberRange": bounds, **parent}


def _as_api_tells(record: Record, view: str) -> dict[str, Any]:
    return {
        "eventID": f"{record.sequence:x}",
        "eventName": record.kind,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": REGION,
        **({"userIdentity": dict(_TIME_TO_LIVE)} if record.expiry else {}),
        "dynamodb": {
            "ApproximateCreationDateTime": datetime.fromtimestamp(record.time, UTC),
            "Keys": record.key,
            "SequenceNumber": str(record.sequence),
            "StreamViewType": view,
            **record.images(view),
        },
    }


def _not_found(operation: str) -> ClientError:
    return client_error(
        operation, "ResourceNotFoundException", "Requested resource not found: Stream not found"
    )
