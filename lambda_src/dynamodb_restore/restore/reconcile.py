"""Find restores that are not followed: their event never arrived, or their message was lost.

A table that is being restored says so itself, as long as it is CREATING
(docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_RestoreSummary.html). DescribeTable is the only call that
tells, one table at a time, so a run looks at every table that may be meant; where its time does not suffice, the next
run goes on from there.

Small tables are restored in one to twelve minutes, sooner than their events are certain to have come. So a restore is put on
the queue at the first sight of it, to be received once its event is overdue, and what was seen is noted, since the table
ceases to tell it. Where the event comes first, the restore's record makes one of the two.

A restore that is on record and whose record has not moved for longer than it can while it is followed has lost its message,
whether its table is still CREATING or not. So has one that has ended, where its record names somebody who was not told of it.
"""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from dynamodb_restore.aws import AwsError, Clients, describe_table, explain, marshal, unmarshal
from dynamodb_restore.config import Follow, TablePatterns
from dynamodb_restore.instants import iso
from dynamodb_restore.patterns import matches_any
from dynamodb_restore.restore.queued import Queued, QueuedRestores
from dynamodb_restore.restore.record import RestoreKey, RestoreRecord, RestoreRecords, RestoreState
from dynamodb_restore.restore.request import FOUND_DETAIL_TYPE, FOUND_SOURCE
from dynamodb_restore.store import cursor_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TableDescriptionTypeDef

GRACE = timedelta(minutes=15)
"""How long the event of a call may take; CloudTrail delivers within about five minutes, and does not promise it
(docs.aws.amazon.com/awscloudtrail/latest/userguide/how-cloudtrail-works.html)."""

_LONGEST_DELAY = timedelta(seconds=900)
"""That SQS takes for a message
(docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html, `DelaySeconds`)."""

_FOLLOWED_FOR = timedelta(days=30)
"""How old a table can be whose restore is still followed, and more: SQS keeps a message for 14 days, and a redrive is sent
anew."""


_BEING_FOLLOWED = (RestoreState.WAITING, RestoreState.SYNCING)
"""States that a message on the queue is to end."""


@dataclass(frozen=True)
class Reconciled:
    """What one run did.

    Attributes:
        looked_at: tables described, or tried to.
        found: names of tables being restored that no event had told of by then: each is put on the queue, to be followed from
            `GRACE` after its call on if no event comes before.
        continues_after: where the next run goes on; None where this one has seen all tables.
        again: names of tables whose restore has fallen silent, or of whose end somebody was not told: put on the queue again.
        unseen: names of tables that could not be described, with the reason.
    """

    looked_at: int
    found: list[str] = field(default_factory=list)
    continues_after: str | None = None
    again: list[str] = field(default_factory=list)
    unseen: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reconciler:
    """Looks for restores that nobody follows and puts them on the restore queue.

    Attributes:
        wanted: the kinds of restores that are looked for.
        longest_silence: for how long a restore that is followed may have nothing new in its record.
        enough_time: whether the function may look at one more table.
        now: returns the current time, timezone-aware.
    """

    clients: Clients
    records: RestoreRecords
    queued: QueuedRestores
    restore_table_name: str
    restore_queue_url: str
    patterns: TablePatterns
    wanted: Follow
    longest_silence: timedelta
    enough_time: Callable[[], bool]
    now: Callable[[], datetime]

    def run(self) -> Reconciled:
        """Look at the tables, from where the last run stopped.

        A restore is put on the queue before that is noted, so a run that dies may put it there twice; the restore
        record makes one of the two. A table that cannot be described keeps no other from being looked at.

        Raises:
            ClientError, BotoCoreError: from the calls about the restore table, the queue and the list of tables; the
                next run begins where this one did.
        """
        start = previous = self._cursor()
        done = Reconciled(0)
        looked_at = 0
        for name in self._names(start):
            if not self.enough_time():
                self._note_cursor(previous)
                return replace(done, looked_at=looked_at, continues_after=previous)
            previous = name
            if not matches_any(self.patterns.target, name):
                continue
            looked_at += 1
            try:
                description = describe_table(self.clients, name)
            except AwsError as error:
                done.unseen[name] = explain(error)
                continue
            if description is not None:
                self._look_at(name, description, done)
        if start is not None:
            self._note_cursor(None)
        return replace(done, looked_at=looked_at)

    def _look_at(self, name: str, description: TableDescriptionTypeDef, done: Reconciled) -> None:
        """Put the table's restore on the queue if it has one that is not followed."""
        now = self.now()
        table_id = description.get("TableId")
        if table_id is None or now - description["CreationDateTime"] > _FOLLOWED_FOR:
            return
        key = RestoreKey(name, table_id)
        record = self.records.get(key)
        if record is None:
            if not self._is_wanted_restore(description):
                return
            moved, due = None, description["CreationDateTime"] + GRACE
        elif (record.state in _BEING_FOLLOWED or record.untold) and record.updated_at is not None:
            moved, due = record.updated_at, record.updated_at + self.longest_silence
        else:
            return
        times = 0
        before = self.queued.get(key)
        # What was put there before the record moved has done its work.
        if before is not None and (moved is None or before.at > moved):
            times, due = before.times, before.next_at(self.longest_silence)
        first_sight = record is None and before is None
        if now < due and not first_sight:
            return
        delay = min(max(due - now, timedelta(0)), _LONGEST_DELAY)
        self._put_on_queue(name, description, record, delay)
        self.queued.note(key, _noted(now + delay, times + 1, description, before))
        (done.found if record is None else done.again).append(name)

    def _names(self, after: str | None) -> Iterator[str]:
        list_tables = self.clients.dynamodb.list_tables
        while True:
            # boto3's paginator cannot begin behind a table: its token is its own.
            page = list_tables(ExclusiveStartTableName=after) if after else list_tables()
            yield from page["TableNames"]
            after = page.get("LastEvaluatedTableName")
            if not after:
                return

    def _is_wanted_restore(self, description: TableDescriptionTypeDef) -> bool:
        """Whether the table is being restored, by a kind of restore and from a table that are followed."""
        summary = description.get("RestoreSummary")
        if description["TableStatus"] != "CREATING" or not summary:
            return False
        source = str(summary.get("SourceTableArn", "")).rpartition("/")[2]
        if source and not matches_any(self.patterns.source, source):
            return False
        return _is_wanted(self.wanted, summary.get("SourceBackupArn"))

    def _put_on_queue(
        self,
        name: str,
        description: TableDescriptionTypeDef,
        record: RestoreRecord | None,
        delay: timedelta,
    ) -> None:
        _, partition, _, region, account, _ = description["TableArn"].split(":")
        summary: dict[str, Any] = {**description.get("RestoreSummary", {})}
        restored_to = summary.get("RestoreDateTime") or (record.restore_point if record else None)
        detail = {
            "targetTableName": name,
            "targetTableId": description["TableId"],
            "sourceTableArn": summary.get("SourceTableArn"),
            "sourceBackupArn": summary.get("SourceBackupArn"),
            "restoreDateTime": iso(restored_to) if restored_to else None,
            "creationDateTime": iso(description["CreationDateTime"]),
        }
        event_id = str(uuid.uuid4())
        if record is not None:
            # AWS has ceased to tell most of it, and what the call decided it never told.
            asked = record.request
            source_region = asked.get("source_region", region)
            owner = asked.get("source_account") or account
            detail |= {
                "sourceTableArn": f"arn:{partition}:dynamodb:{source_region}:{owner}:table/{asked['source']}",
                "sourceBackupArn": asked.get("backup_arn"),
                "requestedBy": asked.get("requested_by"),
                "overrides": asked.get("overrides"),
            }
            event_id = asked.get("event_id") or event_id
        event = {
            "version": "0",
            "id": event_id,
            "source": FOUND_SOURCE,
            "detail-type": FOUND_DETAIL_TYPE,
            "time": iso(self.now()),
            "region": region,
            "account": account,
            "detail": detail,
        }
        self.clients.sqs.send_message(
            QueueUrl=self.restore_queue_url,
            MessageBody=json.dumps(event),
            DelaySeconds=math.ceil(delay.total_seconds()),
        )

    def _cursor(self) -> str | None:
        answer = self.clients.dynamodb.get_item(
            TableName=self.restore_table_name, Key=cursor_key(), ConsistentRead=True
        )
        after: str | None = unmarshal(answer.get("Item", {})).get("after")
        return after

    def _note_cursor(self, after: str | None) -> None:
        self.clients.dynamodb.put_item(
            TableName=self.restore_table_name, Item={**cursor_key(), **marshal({"after": after})}
        )


def _noted(at: datetime, times: int, description: TableDescriptionTypeDef, before: Queued | None) -> Queued:
    """The note about a restore that was put on the queue, with what its table tells or has told of its origin."""
    summary = description.get("RestoreSummary", {})
    return Queued(
        at,
        times,
        summary.get("SourceTableArn") or (before.source_arn if before else None),
        summary.get("SourceBackupArn") or (before.backup_arn if before else None),
    )


def _is_wanted(wanted: Follow, backup_arn: str | None) -> bool:
    if not backup_arn:
        return wanted.point_in_time
    # So with AWS Backup's advanced features for DynamoDB; without them its recovery points are backups of DynamoDB by
    # their ARNs (docs.aws.amazon.com/amazondynamodb/latest/developerguide/UsageNotesAWS.html).
    by_aws_backup = backup_arn.split(":")[2] == "backup"
    return wanted.backups or (by_aws_backup and wanted.backup_jobs)
