"""Find restores whose event never came: no trail, a rule that was switched off, or a restore older than the module.

A table that is being restored says so itself, as long as it is CREATING
(docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_RestoreSummary.html). DescribeTable is the only call that
tells, one table at a time, so a run looks at every table that may be meant; where its time does not suffice, the next
run goes on from there.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from dynamodb_restore.aws import Clients, describe_table
from dynamodb_restore.config import Follow, TablePatterns
from dynamodb_restore.instants import iso
from dynamodb_restore.restore.control import matches_any
from dynamodb_restore.restore.record import RestoreKey, RestoreRecords
from dynamodb_restore.restore.request import FOUND_DETAIL_TYPE, FOUND_SOURCE

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TableDescriptionTypeDef

GRACE = timedelta(minutes=15)
"""How long the event of a call may take; CloudTrail delivers within about five minutes, and does not promise it
(docs.aws.amazon.com/awscloudtrail/latest/userguide/how-cloudtrail-works.html)."""

_CURSOR_KEY = {"pk": {"S": "reconciler"}, "sk": {"S": "cursor"}}


@dataclass(frozen=True)
class Reconciled:
    """What one run did.

    Attributes:
        looked_at: tables described.
        found: names of tables being restored that no event had told of.
        continues_after: where the next run goes on; None where this one has seen all tables.
    """

    looked_at: int
    found: list[str] = field(default_factory=list)
    continues_after: str | None = None


@dataclass(frozen=True)
class Reconciler:
    """Looks for restores without a record and puts them on the restore queue.

    Attributes:
        wanted: the kinds of restores that are looked for.
        enough_time: whether the function may look at one more table.
        now: the present instant, aware.
    """

    clients: Clients
    records: RestoreRecords
    restore_table_name: str
    restore_queue_url: str
    patterns: TablePatterns
    wanted: Follow
    enough_time: Callable[[], bool]
    now: Callable[[], datetime]

    def run(self) -> Reconciled:
        """Look at the tables, from where the last run stopped.

        A restore is put on the queue before anything is noted, so a run that dies may put it there twice; the
        restore record makes one of the two.

        Raises:
            ClientError, BotoCoreError: from the calls; the next run begins where this one did.
        """
        looked_at = 0
        found: list[str] = []
        start = previous = self._cursor()
        for name in self._names(start):
            if not self.enough_time():
                self._note_cursor(previous)
                return Reconciled(looked_at, found, previous)
            previous = name
            if not matches_any(self.patterns.target, name):
                continue
            looked_at += 1
            description = describe_table(self.clients, name)
            if description is not None and self._is_forgotten(name, description):
                self._put_on_queue(name, description)
                found.append(name)
        if start is not None:
            self._note_cursor(None)
        return Reconciled(looked_at, found)

    def _names(self, after: str | None) -> Iterator[str]:
        list_tables = self.clients.dynamodb.list_tables
        while True:
            # boto3's paginator cannot begin behind a table: its token is its own.
            page = list_tables(ExclusiveStartTableName=after) if after else list_tables()
            yield from page["TableNames"]
            after = page.get("LastEvaluatedTableName")
            if not after:
                return

    def _is_forgotten(self, name: str, description: TableDescriptionTypeDef) -> bool:
        summary = description.get("RestoreSummary")
        if description["TableStatus"] != "CREATING" or not summary:
            return False
        source = str(summary.get("SourceTableArn", "")).rpartition("/")[2]
        if source and not matches_any(self.patterns.source, source):
            return False
        if not _is_wanted(self.wanted, summary.get("SourceBackupArn")):
            return False
        if self.now() - description["CreationDateTime"] < GRACE:
            return False
        return self.records.get(RestoreKey(name, description["TableId"])) is None

    def _put_on_queue(self, name: str, description: TableDescriptionTypeDef) -> None:
        _, _, _, region, account, _ = description["TableArn"].split(":")
        summary: dict[str, Any] = {**description["RestoreSummary"]}
        restored_to = summary.get("RestoreDateTime")
        event = {
            "version": "0",
            "id": str(uuid.uuid4()),
            "source": FOUND_SOURCE,
            "detail-type": FOUND_DETAIL_TYPE,
            "time": iso(self.now()),
            "region": region,
            "account": account,
            "detail": {
                "targetTableName": name,
                "targetTableId": description["TableId"],
                "sourceTableArn": summary.get("SourceTableArn"),
                "sourceBackupArn": summary.get("SourceBackupArn"),
                "restoreDateTime": iso(restored_to) if restored_to else None,
                "creationDateTime": iso(description["CreationDateTime"]),
            },
        }
        self.clients.sqs.send_message(QueueUrl=self.restore_queue_url, MessageBody=json.dumps(event))

    def _cursor(self) -> str | None:
        answer = self.clients.dynamodb.get_item(
            TableName=self.restore_table_name, Key=_CURSOR_KEY, ConsistentRead=True
        )
        name = answer.get("Item", {}).get("after", {})
        return name.get("S")

    def _note_cursor(self, after: str | None) -> None:
        position = {"NULL": True} if after is None else {"S": after}
        self.clients.dynamodb.put_item(
            TableName=self.restore_table_name, Item={**_CURSOR_KEY, "after": position}
        )


def _is_wanted(wanted: Follow, backup_arn: str | None) -> bool:
    if not backup_arn:
        return wanted.point_in_time
    # So with AWS Backup's advanced features for DynamoDB; without them its recovery points are backups of DynamoDB by
    # their ARNs (docs.aws.amazon.com/amazondynamodb/latest/developerguide/UsageNotesAWS.html).
    by_aws_backup = backup_arn.split(":")[2] == "backup"
    return wanted.backups or (by_aws_backup and wanted.backup_jobs)
