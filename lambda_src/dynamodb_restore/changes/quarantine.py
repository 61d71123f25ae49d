"""Quarantine: items that the target refused or whose image cannot be read, by key, with the reason.

One item in the restore table each: `pk` = `quarantine#RESTORE_ID`, `sk` = a hash of the item's id (a key may be
longer than the 1,024 bytes of a sort key), `key` (the key as JSON text in DynamoDB's form), `reason`, `sequence`
and `time` of the change that was refused, `version` (where that change is in the buffer, a number that grows:
`Partial.as_number`), and `repairing` while a repair of the item has begun and not ended.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import islice
from typing import Any

from dynamodb_restore.aws import (
    AwsError,
    ClientError,
    Clients,
    ErrorClass,
    classify,
    explain,
    is_condition_failed,
    marshal,
    unmarshal,
)
from dynamodb_restore.backoff import Backoff
from dynamodb_restore.changes.change import Attributes, Change, item_id
from dynamodb_restore.pace import Clock
from dynamodb_restore.store import quarantine_key, quarantine_partition

_ENTRIES_PER_WRITE = 25
_ENTRIES_PER_READ = 100
"""BatchWriteItem and BatchGetItem."""

_LONGEST_REASON = 1000
"""Characters; AWS can quote a whole value in its message."""

_BACKOFF = Backoff(base_seconds=0.05, rate=2, cap_seconds=2, jitter=0.8)


class UnreadEntriesError(Exception):
    """DynamoDB left keys unprocessed for as long as there was time."""


@dataclass(frozen=True)
class Quarantined:
    """One item that the target refused.

    Attributes:
        time: epoch seconds of the refused change.
        version: where the refused change is in the buffer; greater for a later one.
        repairing: whether a repair has begun and not ended.
    """

    key: Attributes
    reason: str
    sequence: str
    time: int
    version: int = 0
    repairing: bool = False


@dataclass(frozen=True)
class Refusal:
    """A change that is to go into quarantine.

    Attributes:
        version: as in `Quarantined`.
    """

    change: Change
    reason: str
    version: int


class Quarantine:
    """The quarantined items of one restore."""

    def __init__(self, clients: Clients, restore_table: str, restore_id: str) -> None:
        self._dynamodb = clients.dynamodb
        self._restore_table = restore_table
        self._restore_id = restore_id

    def add(self, change: Change, reason: str, version: int = 0) -> None:
        """Note a refused change; a later one of the same item takes its place, an earlier one does not.

        A mark of a repair that has begun stays.
        """
        entry = self._entry(Refusal(change, reason, version))
        values = {name: entry[name] for name in ("key", "reason", "sequence", "time", "version")}
        self._if(
            "attribute_not_exists(version) OR version <= :version",
            lambda condition: self._dynamodb.update_item(
                TableName=self._restore_table,
                Key=self._key(change.key),
                UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in values),
                ExpressionAttributeNames={f"#{name}": name for name in values},
                ExpressionAttributeValues={f":{name}": value for name, value in values.items()},
                **condition,
            ),
        )

    def add_all(
        self, refusals: Sequence[Refusal], clock: Clock, calls: Executor, *, may_be_there: bool
    ) -> tuple[set[int], str | None]:
        """Note refused changes, of different items, as far as time allows.

        Entries that are there already are replaced one by one, on condition; the others go 25 a call. A call that is
        carried out late can bring back an entry that was removed meanwhile: cutover is refused then, and repair
        resolves it.

        Args:
            may_be_there: whether the restore has any entries, so that it is worth a look.

        Returns:
            Which are stored, by their place in `refusals`, and why the others are not.
        """
        stored: set[int] = set()
        problem: str | None = None
        numbered = list(enumerate(refusals))
        try:
            there = (
                self.find([refusal.change.key for refusal in refusals], clock, calls) if may_be_there else {}
            )
        except (*AwsError, UnreadEntriesError) as error:
            return stored, explain(error)
        new = [each for each in numbered if item_id(each[1].change.key) not in there]
        known = [each for each in numbered if item_id(each[1].change.key) in there]
        parts = [
            *calls.map(lambda chunk: self._store(chunk, clock), _chunks(new, _ENTRIES_PER_WRITE)),
            *calls.map(lambda each: self._replace(each, clock), known),
        ]
        for part, reason in parts:
            stored |= part
            problem = reason or problem
        return stored, problem

    def find(self, keys: Sequence[Attributes], clock: Clock, calls: Executor) -> dict[str, Quarantined]:
        """The entries of these items that are there, by item id, consistently.

        Raises:
            ClientError, BotoCoreError: from BatchGetItem.
            UnreadEntriesError: time ran out.
        """
        found = calls.map(lambda chunk: self._find(chunk, clock), _chunks(keys, _ENTRIES_PER_READ))
        return {item_id(entry.key): entry for part in found for entry in part}

    def remove(self, key: Attributes, version: int = 0) -> None:
        """Remove an item that the target has accepted after all, with the change of this version.

        A refusal of a later change stays, and so does an item that is being repaired: the repair may be about to
        write what it read before that change.
        """
        self._if(
            "attribute_not_exists(repairing) AND (attribute_not_exists(version) OR version <= :version)",
            lambda condition: self._dynamodb.delete_item(
                TableName=self._restore_table,
                Key=self._key(key),
                ExpressionAttributeValues=marshal({":version": version}),
                **condition,
            ),
        )

    def begin_repair(self, item: Quarantined) -> bool:
        """Mark an item before it is written, so that it stays here until `resolve`; False where it is gone."""
        return self._if(
            "attribute_exists(pk)",
            lambda condition: self._dynamodb.update_item(
                TableName=self._restore_table,
                Key=self._key(item.key),
                UpdateExpression="SET #repairing = :true",
                ExpressionAttributeNames={"#repairing": "repairing"},
                ExpressionAttributeValues=marshal({":true": True}),
                **condition,
            ),
        )

    def resolve(self, item: Quarantined) -> bool:
        """Remove an item that was repaired, unless a later change of it was refused in the meantime; return False in that case."""
        return self._if(
            "attribute_not_exists(pk) OR (#sequence = :sequence AND version = :version)",
            lambda condition: self._dynamodb.delete_item(
                TableName=self._restore_table,
                Key=self._key(item.key),
                ExpressionAttributeNames={"#sequence": "sequence"},
                ExpressionAttributeValues=marshal({":sequence": item.sequence, ":version": item.version}),
                **condition,
            ),
        )

    def items(self) -> Iterator[Quarantined]:
        """All quarantined items, consistently."""
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._restore_table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=marshal({":pk": quarantine_partition(self._restore_id)}),
            ConsistentRead=True,
        )
        for page in pages:
            for item in page["Items"]:
                yield _quarantined(item)

    def _find(self, keys: Sequence[Attributes], clock: Clock) -> list[Quarantined]:
        found: list[Quarantined] = []
        attempt = 0
        asked: Any = {self._restore_table: {"Keys": [self._key(key) for key in keys], "ConsistentRead": True}}
        while asked:
            answer = self._dynamodb.batch_get_item(RequestItems=asked)
            found += [_quarantined(item) for item in answer.get("Responses", {}).get(self._restore_table, [])]
            asked = answer.get("UnprocessedKeys", {})
            attempt += 1
            if asked and not clock.pause(_BACKOFF.delay(attempt, clock.rng)):
                raise UnreadEntriesError("BatchGetItem: keys of quarantine entries left unprocessed")
        return found

    def _store(self, refusals: Sequence[tuple[int, Refusal]], clock: Clock) -> tuple[set[int], str | None]:
        """Put entries of which none is there yet."""
        left = {item_id(refusal.change.key): (number, self._entry(refusal)) for number, refusal in refusals}
        stored: set[int] = set()
        attempt = 0
        while left:
            attempt += 1
            if clock.expired:
                return stored, "no time is left to note what the target refused"
            requests: Any = [{"PutRequest": {"Item": entry}} for _, entry in left.values()]
            try:
                answer = self._dynamodb.batch_write_item(RequestItems={self._restore_table: requests})
            except AwsError as error:
                if classify(error) is ErrorClass.RETRY and clock.pause(_BACKOFF.delay(attempt, clock.rng)):
                    continue
                return stored, explain(error)
            undone = answer.get("UnprocessedItems", {}).get(self._restore_table, [])
            names = {item_id(json.loads(request["PutRequest"]["Item"]["key"]["S"])) for request in undone}
            stored |= {number for name, (number, _) in left.items() if name not in names}
            left = {name: each for name, each in left.items() if name in names}
            if left and not clock.pause(_BACKOFF.delay(attempt, clock.rng)):
                return stored, "BatchWriteItem: quarantine entries left unprocessed"
        return stored, None

    def _replace(self, refusal: tuple[int, Refusal], clock: Clock) -> tuple[set[int], str | None]:
        number, refused = refusal
        if clock.expired:
            return set(), "no time is left to note what the target refused"
        try:
            self.add(refused.change, refused.reason, refused.version)
        except AwsError as error:
            return set(), explain(error)
        return {number}, None

    @staticmethod
    def _if(condition: str, write: Any) -> bool:
        """Make a write on condition; False where the condition does not hold."""
        try:
            write({"ConditionExpression": condition})
        except ClientError as error:
            if not is_condition_failed(error):
                raise
            return False
        return True

    def _entry(self, refusal: Refusal) -> dict[str, Any]:
        change = refusal.change
        return {
            **self._key(change.key),
            **marshal(
                {
                    "key": json.dumps(change.key),
                    "reason": refusal.reason[:_LONGEST_REASON],
                    "sequence": change.sequence,
                    "time": change.time,
                    "version": refusal.version,
                }
            ),
        }

    def _key(self, key: Attributes) -> dict[str, Any]:
        digest = hashlib.sha256(item_id(key).encode()).hexdigest()
        return quarantine_key(self._restore_id, digest)


def _quarantined(item: Mapping[str, Any]) -> Quarantined:
    values = unmarshal(item)
    return Quarantined(
        key=json.loads(values["key"]),
        reason=values["reason"],
        sequence=values["sequence"],
        time=values["time"],
        version=values.get("version", 0),
        repairing="repairing" in values,
    )


def _chunks(elements: Iterable[Any], size: int) -> Iterator[list[Any]]:
    remaining = iter(elements)
    while chunk := list(islice(remaining, size)):
        yield chunk
