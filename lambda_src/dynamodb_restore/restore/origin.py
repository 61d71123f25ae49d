"""Find out what a restore was made of, where its event does not say: from the backup, the job, the new table itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from botocore.exceptions import ClientError

from dynamodb_restore.aws import Clients, TableRef, describe_table, error_code, table_ref
from dynamodb_restore.restore.request import (
    NothingToFollow,
    RequestError,
    RestoreJob,
    RestoreRequest,
    Sighting,
)

_BACKUP_ARN = re.compile(r"(?P<table>arn:[a-z-]+:dynamodb:[a-z0-9-]+:\d{12}:table/[A-Za-z0-9_.-]+)/backup/.+")
"""The ARN of a backup of DynamoDB's own names the table it was made of
(docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html). The recovery point of a
backup with AWS Backup's advanced features is `arn:aws:backup:…:recovery-point:…`, and does not."""


class NotKnownYet(Exception):  # noqa: N818 - not an error: AWS tells it later
    """AWS has not made the new table's name or origin known yet; the text says which."""


def find_origin(clients: Clients, seen: Sighting) -> RestoreRequest:
    """Complete a sighting: its source, its target, and the instant that the backup shows.

    Asks AWS Backup for the job, whose answer goes over what the event says; and DynamoDB for the table and for the backup,
    each only for what is still open.

    Raises:
        NotKnownYet: it will be known later.
        NothingToFollow: the job has failed.
        RequestError: it cannot be found out.
        ClientError, BotoCoreError: from the calls.
    """
    if seen.job_id is not None:
        seen = _from_job(clients, seen, seen.job_id)
    if seen.target is None:
        raise NotKnownYet(f"restore job {seen.job_id} has not named its table yet")
    if seen.source is None or seen.restore_point is None:
        seen = _from_target(clients, seen, seen.target)
    if (seen.source is None or seen.restore_point is None) and seen.backup_arn is not None:
        seen = _from_backup(clients, seen, seen.backup_arn)
    if seen.source is None or seen.target is None:
        raise RequestError(
            "unknown_source",
            f"nothing says which table {seen.backup_arn or seen.event_name} was made of; invoke the restore worker"
            ' on the two tables: {"source": …, "target": …}',
        )
    return seen.complete(seen.source, seen.target)


def _from_job(clients: Clients, seen: Sighting, job_id: str) -> Sighting:
    """docs.aws.amazon.com/aws-backup/latest/devguide/API_DescribeRestoreJob.html.

    Whoever can send to the restore queue can write an event of a job; what the job made, only AWS Backup can tell.
    """
    job = clients.backup.describe_restore_job(RestoreJobId=job_id)
    if job.get("Status") in ("ABORTED", "FAILED"):
        raise NothingToFollow(f"restore job {job_id} is {job['Status']}: {job.get('StatusMessage', '')}")
    target = _table(job, "CreatedResourceArn")
    return replace(
        seen,
        source=_table(job, "SourceResourceArn"),
        target=target or seen.target,
        restore_point=job.get("RecoveryPointCreationDate"),
        backup_arn=job.get("RecoveryPointArn") or seen.backup_arn,
        requested_at=job.get("CreationDate", seen.requested_at),
        job=RestoreJob(job_id, target, job.get("CompletionDate")),
    )


def _from_target(clients: Clients, seen: Sighting, target: TableRef) -> Sighting:
    """The new table tells its origin, as long as it is being restored."""
    description: Mapping[str, Any] = describe_table(clients, target.name) or {}
    summary: Mapping[str, Any] = description.get("RestoreSummary", {})
    return replace(
        seen,
        source=seen.source or _table(summary, "SourceTableArn"),
        restore_point=seen.restore_point or summary.get("RestoreDateTime"),
        backup_arn=seen.backup_arn or summary.get("SourceBackupArn"),
    )


def _from_backup(clients: Clients, seen: Sighting, backup_arn: str) -> Sighting:
    """docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeBackup.html."""
    named = _BACKUP_ARN.fullmatch(backup_arn)
    if named is None:
        return seen
    described = _described(clients, backup_arn)
    made_at = described.get("BackupDetails", {}).get("BackupCreationDateTime")
    source = table_ref(named["table"])
    return replace(seen, source=seen.source or source, restore_point=seen.restore_point or made_at)


def source_id_of(clients: Clients, backup_arn: str | None) -> str | None:
    """The TableId of the table that a backup was made of; None for a point in time, a recovery point of AWS Backup, or a
    backup that has been deleted meanwhile
    (docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_SourceTableDetails.html).

    Raises:
        ClientError, BotoCoreError: from the call.
    """
    if backup_arn is None or _BACKUP_ARN.fullmatch(backup_arn) is None:
        return None
    table_id = _described(clients, backup_arn).get("SourceTableDetails", {}).get("TableId")
    return str(table_id) if table_id else None


def _described(clients: Clients, backup_arn: str) -> Mapping[str, Any]:
    """What DynamoDB tells of a backup; nothing where it has been deleted meanwhile."""
    try:
        answer = clients.dynamodb.describe_backup(BackupArn=backup_arn)
    except ClientError as error:
        if error_code(error) == "BackupNotFoundException":
            return {}
        raise
    return answer["BackupDescription"]


def _table(answer: Mapping[str, Any], key: str) -> TableRef | None:
    value = answer.get(key)
    if not value:
        return None
    try:
        return table_ref(value)
    except ValueError as error:
        raise RequestError("malformed_table", f"{key}: {error}") from error
