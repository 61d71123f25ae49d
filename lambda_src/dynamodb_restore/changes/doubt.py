"""Writes to the target that are in doubt: their request was sent, and there was no certain answer.

Such a request can take effect minutes later, after the write of a later change, and undo it. So before its first request
an invocation notes which items it is about to write, in one item of the restore table, and clears them once
every answer is certain. An invocation that is killed leaves its note.

`pk` = `doubt#SOURCE_TABLE`, `sk` = `BUFFER_ID#SENT_UNTIL#INVOCATION`, where `SENT_UNTIL` is the epoch second (12 digits)
after which that invocation sends nothing any more, so that a Query finds the notes that are due without reading the
others. `restore_id`; `keys`, compressed JSON of the items' keys; `revision`, which only grows, so that an update that lands
late replaces no later one; `taken_until` while somebody settles it. They have a partition of their own, so that the
role that deletes them may delete no claim.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dynamodb_restore.aws import ClientError, Clients, is_condition_failed, marshal, unmarshal
from dynamodb_restore.changes.change import Attributes, item_id
from dynamodb_restore.store import doubt_key, doubt_partition

SECONDS_IN_DOUBT = 15 * 60
"""AWS refuses a request whose signature is older than five minutes, and some services fifteen
(docs.aws.amazon.com/IAM/latest/UserGuide/signing-elements.html): nothing older than this can still take effect."""

MOST_KEY_BYTES = 300_000
"""Of the keys in one note, as JSON: an item holds 400 KB, and what does not compress grows by less than 1 %
(docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html)."""


@dataclass(frozen=True)
class Doubt:
    """One note.

    Attributes:
        name: the note's sort key.
        restore_id: the restore whose target the requests are for.
        sent_until: epoch seconds; no request that the note is about was sent later.
        keys: of the items.
    """

    name: str
    restore_id: str
    sent_until: int
    keys: tuple[Attributes, ...]

    @property
    def certain_at(self) -> int:
        """Epoch seconds from which no request that the note is about can take effect any more."""
        return self.sent_until + SECONDS_IN_DOUBT


@dataclass
class Settled:
    """What became of the items in doubt.

    Attributes:
        rewritten, quarantined: items.
        left: items that are still in doubt, or were not processed.
        problem: why.
    """

    rewritten: int = 0
    quarantined: int = 0
    left: int = 0
    problem: str | None = None


class DoubtStore:
    """The notes of one pipeline."""

    def __init__(self, clients: Clients, restore_table: str, source_table: str, buffer_id: str) -> None:
        self._dynamodb = clients.dynamodb
        self._restore_table = restore_table
        self._source_table = source_table
        self._prefix = f"{buffer_id}#"

    def read(self) -> list[Doubt]:
        """All notes, consistently, those of invocations that are at work among them."""
        return list(self._query("pk = :pk AND begins_with(sk, :sk)", {":sk": self._prefix}))

    def due(self, now: float) -> list[Doubt]:
        """The notes whose requests can no longer take effect, the oldest first, consistently."""
        last = f"{self._prefix}{int(now) - SECONDS_IN_DOUBT:012d}"
        bounds = {":first": self._prefix, ":last": last}
        return list(self._query("pk = :pk AND sk BETWEEN :first AND :last", bounds))

    def take(self, doubt: Doubt, *, now: float, until: float) -> bool:
        """Reserve a note for the caller; False if another invocation settles it or has settled it.

        Args:
            until: epoch seconds after which the caller does nothing more about it.
        """
        try:
            self._dynamodb.update_item(
                TableName=self._restore_table,
                Key=doubt_key(self._source_table, doubt.name),
                UpdateExpression="SET #until = :until",
                ConditionExpression="attribute_exists(pk) AND (attribute_not_exists(#until) OR #until < :now)",
                ExpressionAttributeNames={"#until": "taken_until"},
                ExpressionAttributeValues=marshal({":until": round(until, 3), ":now": round(now, 3)}),
            )
        except ClientError as error:
            if not is_condition_failed(error):
                raise
            return False
        return True

    def leave(self, doubt: Doubt, keys: Sequence[Attributes]) -> None:
        """Keep only these keys of a note that was taken, for whoever comes next; none of them ends it."""
        if not keys:
            self._dynamodb.delete_item(
                TableName=self._restore_table, Key=doubt_key(self._source_table, doubt.name)
            )
            return
        self._dynamodb.update_item(
            TableName=self._restore_table,
            Key=doubt_key(self._source_table, doubt.name),
            UpdateExpression="SET #keys = :keys REMOVE #until",
            ExpressionAttributeNames={"#keys": "keys", "#until": "taken_until"},
            ExpressionAttributeValues=marshal({":keys": _packed(keys)}),
        )

    def note(self, restore_id: str, *, sent_until: float, invocation: str) -> DoubtNote:
        """The note of one invocation, which is written with its first keys.

        Args:
            sent_until: epoch seconds after which the invocation sends nothing any more.
            invocation: an id that no other invocation has.
        """
        name = f"{self._prefix}{int(sent_until) + 1:012d}#{invocation}"
        return DoubtNote(self._dynamodb, self._restore_table, doubt_key(self._source_table, name), restore_id)

    def _query(self, condition: str, values: Mapping[str, Any]) -> Iterator[Doubt]:
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._restore_table,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=marshal({":pk": doubt_partition(self._source_table), **values}),
            ConsistentRead=True,
        )
        for page in pages:
            for item in page["Items"]:
                yield _doubt(item)


class DoubtNote:
    """What one invocation is about to write, and what of it stayed without a certain answer."""

    def __init__(self, dynamodb: Any, restore_table: str, key: Mapping[str, Any], restore_id: str) -> None:
        self._dynamodb = dynamodb
        self._restore_table = restore_table
        self._key = key
        self._restore_id = restore_id
        self._revision = 0
        self._uncertain: dict[str, Attributes] = {}

    @property
    def room(self) -> int:
        """Bytes of keys that still fit, beside those that are in doubt already."""
        return MOST_KEY_BYTES - sum(key_bytes(item) for item in self._uncertain)

    def begin(self, keys: Collection[Attributes]) -> None:
        """Note that these items are about to be written.

        Raises:
            ClientError, BotoCoreError: it could not be noted, so nothing may be written.
        """
        self._store([*self._uncertain.values(), *keys])

    def keep(self, keys: Collection[Attributes]) -> None:
        """Note that the writes of these items got no certain answer."""
        self._uncertain |= {item_id(key): key for key in keys}

    def end(self) -> None:
        """Clear all but what is in doubt.

        Raises:
            ClientError, BotoCoreError: the note stands, and what is in it will be settled.
        """
        if not self._revision:
            return
        if self._uncertain:
            self._store(list(self._uncertain.values()))
        else:
            self._dynamodb.delete_item(TableName=self._restore_table, Key=self._key)

    def _store(self, keys: Sequence[Attributes]) -> None:
        self._revision += 1
        try:
            self._dynamodb.update_item(
                TableName=self._restore_table,
                Key=self._key,
                UpdateExpression="SET #restore = :restore, #keys = :keys, #revision = :revision",
                ConditionExpression="attribute_not_exists(#revision) OR #revision < :revision",
                ExpressionAttributeNames={
                    "#restore": "restore_id",
                    "#keys": "keys",
                    "#revision": "revision",
                },
                ExpressionAttributeValues=marshal(
                    {
                        ":restore": self._restore_id,
                        ":keys": _packed(keys),
                        ":revision": self._revision,
                    }
                ),
            )
        except ClientError as error:
            # The SDK's own retry of an update that was carried out; no other invocation writes this item.
            if not is_condition_failed(error):
                raise


def key_bytes(item: str) -> int:
    """How many bytes the key of an item takes of a note at most, before compression.

    Args:
        item: the item's id, which is JSON of the same key; its numbers may be written shorter.
    """
    return len(item) + 64


def _packed(keys: Sequence[Attributes]) -> bytes:
    return zlib.compress(json.dumps(keys, separators=(",", ":")).encode(), 1)


def _doubt(item: Mapping[str, Any]) -> Doubt:
    values = unmarshal(item)
    name = values["sk"]
    keys = json.loads(zlib.decompress(values["keys"]))
    return Doubt(name, values["restore_id"], int(name.split("#")[-2]), tuple(keys))
