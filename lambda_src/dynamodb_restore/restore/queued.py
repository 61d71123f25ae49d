"""What the reconciler has put on the restore queue, so that it does not repeat that in each run.

A message may wait for its turn, or be lost, or find a worker that fails each time: only a record that moves tells which.
So a restore is put there again after ever longer waits, as long as its record does not move.

Item shape, in the restore table: `pk` = `reconciler`, `sk` = `queued#TABLE_NAME#RESTORE_ID`, `at`, `times`, `source_arn` and
`backup_arn` where they are known, and `expires_at` (epoch seconds, the table's TTL attribute).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from dynamodb_restore.aws import Clients, marshal, unmarshal
from dynamodb_restore.instants import from_iso, iso
from dynamodb_restore.restore.record import RestoreKey
from dynamodb_restore.store import queued_key

_LONGEST_WAIT = timedelta(days=1)

_MOST_DOUBLINGS = 16
"""Of two seconds this is more than a day already."""

_RETENTION = timedelta(days=30)
"""SQS keeps a message for 14 days at most
(docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html)."""


@dataclass(frozen=True)
class Queued:
    """When a restore was last put on the queue.

    Attributes:
        at: when its message could first be received.
        times: how often it has been, since its record last moved.
        source_arn, backup_arn: what the table was being restored from, as its own `RestoreSummary` said when the reconciler
            looked; None where it said nothing.
    """

    at: datetime
    times: int
    source_arn: str | None = None
    backup_arn: str | None = None

    def next_at(self, longest_silence: timedelta) -> datetime:
        """When it may be put there again, if nothing has come of it: each time after twice as long."""
        doublings = min(self.times - 1, _MOST_DOUBLINGS)
        wait: timedelta = min(longest_silence * 2**doublings, _LONGEST_WAIT)
        return self.at + wait


class QueuedRestores:
    """The notes, in the restore table."""

    def __init__(self, clients: Clients, table_name: str) -> None:
        self._dynamodb = clients.dynamodb
        self._table_name = table_name

    def get(self, key: RestoreKey) -> Queued | None:
        """The note about a restore, read consistently; None where there is none."""
        answer = self._dynamodb.get_item(
            TableName=self._table_name, Key=queued_key(key.target, key.restore_id), ConsistentRead=True
        )
        if "Item" not in answer:
            return None
        item = unmarshal(answer["Item"])
        return Queued(from_iso(item["at"]), item["times"], item.get("source_arn"), item.get("backup_arn"))

    def note(self, key: RestoreKey, queued: Queued) -> None:
        """Note that a restore was put on the queue."""
        told = {"source_arn": queued.source_arn, "backup_arn": queued.backup_arn}
        self._dynamodb.put_item(
            TableName=self._table_name,
            Item={
                **queued_key(key.target, key.restore_id),
                **marshal(
                    {
                        "at": iso(queued.at),
                        "times": queued.times,
                        **{name: arn for name, arn in told.items() if arn},
                        "expires_at": int((queued.at + _RETENTION).timestamp()),
                    }
                ),
            },
        )
