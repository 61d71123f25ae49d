"""Find the source of a restore if its event does not name it: from the backup, the job, or the new table itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any

from dynamodb_restore.aws import (
    AwsError,
    ClientError,
    Clients,
    TableRef,
    describe_table,
    error_code,
    explain,
    table_ref,
)
from dynamodb_restore.restore.bounds import shortened
from dynamodb_restore.restore.reasons import ReasonCode
from dynamodb_restore.restore.record import RestoreKey, RestoreRecord
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


_JOB_KEYS = frozenset({"targettablename", "encryptiontype", "kmsmasterkeyarn"})
"""What a restore job of a table asks for that needs no note, in lower case; the key is a choice, which the report tells: AWS Backup does not tell letters of either
case apart (docs.aws.amazon.com/aws-backup/latest/devguide/restoring-dynamodb.html)."""

_PROTECTION_KEY = "deletionprotection"

_MOST_KEYS = 20
"""Of a job's metadata that are told."""


class RestoreJobFailed(NothingToFollow):
    """A restore job has ended without a table; what it had begun to make may have been followed.

    Attributes:
        target: the table that it was to make; None where AWS Backup has not named it.
    """

    def __init__(self, text: str, target: TableRef | None) -> None:
        super().__init__(text)
        self.target = target


def find_origin(
    clients: Clients,
    seen: Sighting,
    source_regions: Collection[str] = (),
    on_record: Callable[[RestoreKey], RestoreRecord | None] = lambda key: None,
) -> RestoreRequest:
    """Complete a sighting: its source, its target, and the instant that the backup shows.

    Asks AWS Backup for the job, whose answer goes over what the event says, and what it was asked for; and DynamoDB for the
    table and for the backup, each only for what is still open. What AWS has ceased to tell, an earlier delivery has noted, or one
    of another message about the same restore.

    Args:
        source_regions: other regions in which backups may be looked at.
        on_record: gives the record of a restore; None where there is none.

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
        seen = _from_target(clients, seen, seen.target, on_record)
    if (seen.source is None or seen.restore_point is None) and seen.backup_arn is not None:
        seen = _from_backup(clients, seen, seen.backup_arn, source_regions)
    if seen.source is None or seen.target is None:
        raise RequestError(
            ReasonCode.UNKNOWN_SOURCE,
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
        why = f"restore job {job_id} is {job['Status']}: {job.get('StatusMessage', '')}"
        raise RestoreJobFailed(why, seen.target or _table(job, "CreatedResourceArn"))
    target = _table(job, "CreatedResourceArn")
    # Nothing of an event says that a restore is a test: whoever could write that would have a table left unprotected.
    of_testing = bool(job.get("CreatedBy", {}).get("RestoreTestingPlanArn"))
    source = _table(job, "SourceResourceArn") or named_by(job.get("RecoveryPointArn"))
    # What a test is asked for, AWS Backup has inferred.
    chosen, notes = (False, ()) if of_testing else _asked_for(clients, job_id)
    return replace(
        seen,
        source=source or seen.source,
        target=target or seen.target,
        restore_point=job.get("RecoveryPointCreationDate"),
        backup_arn=job.get("RecoveryPointArn") or seen.backup_arn,
        requested_at=job.get("CreationDate", seen.requested_at),
        job=RestoreJob(job_id, source, target, job.get("CompletionDate")),
        restore_test=of_testing,
        overrides=replace(seen.overrides, encryption=chosen),
        notes=(*seen.notes, *notes),
    )


def _asked_for(clients: Clients, job_id: str) -> tuple[bool, tuple[str, ...]]:
    """Whether a job chose the key of its table, and what else it was asked for where that may differ from what the table is given:
    one note, or none.

    Nothing waits for it, so a failure is a note as well
    (docs.aws.amazon.com/aws-backup/latest/devguide/API_GetRestoreJobMetadata.html).
    """
    try:
        answer = clients.backup.get_restore_job_metadata(RestoreJobId=job_id)
    except AwsError as error:
        return False, (f"what the restore job was asked for is not known: {explain(error)}",)
    metadata = answer.get("Metadata", {})
    chosen = any(_chooses_key(key, value) for key, value in metadata.items())
    asked = sorted(
        (key, value)
        for key, value in metadata.items()
        if key.lower() not in _JOB_KEYS and not _says_what_we_do(key, value)
    )
    if not asked:
        return chosen, ()
    told = ", ".join(f"{key} = {value}" for key, value in asked[:_MOST_KEYS])
    more = f" and {len(asked) - _MOST_KEYS} more" if len(asked) > _MOST_KEYS else ""
    return chosen, (shortened(f"the restore job was asked for {told}{more}: that is not heeded"),)


def _chooses_key(key: str, value: str) -> bool:
    """Whether a job was asked for a key of its own. Its default, which the console fills in, is nobody's choice
    (docs.aws.amazon.com/aws-backup/latest/devguide/restoring-dynamodb.html)."""
    named = key.lower() == "kmsmasterkeyarn" and bool(value)
    return named or (key.lower() == "encryptiontype" and value.lower() != "default")


def _says_what_we_do(key: str, value: str) -> bool:
    """Protection that a job gives its table is there already; protection that it was not to give, the source's setting gives."""
    return key.lower() == _PROTECTION_KEY and value.lower() == "true"


def _from_target(
    clients: Clients,
    seen: Sighting,
    target: TableRef,
    on_record: Callable[[RestoreKey], RestoreRecord | None],
) -> Sighting:
    """The new table tells its origin, as long as it is being restored; its restore's record, as soon as that was known."""
    description: Mapping[str, Any] = describe_table(clients, target.name) or {}
    summary: Mapping[str, Any] = description.get("RestoreSummary", {})
    seen = replace(
        seen,
        source=seen.source or _table(summary, "SourceTableArn"),
        restore_point=seen.restore_point or summary.get("RestoreDateTime"),
        backup_arn=seen.backup_arn or summary.get("SourceBackupArn"),
    )
    table_id = seen.target_id or description.get("TableId")
    if seen.source is not None or table_id is None:
        return seen
    record = on_record(RestoreKey(target.name, table_id))
    if record is None or record.identified.evidence is None or "source_account" not in record.request:
        return seen
    asked = record.request
    return replace(
        seen,
        source=TableRef(asked["source"], asked["source_region"], asked["source_account"]),
        restore_point=seen.restore_point or record.restore_point,
    )


def _from_backup(
    clients: Clients, seen: Sighting, backup_arn: str, source_regions: Collection[str]
) -> Sighting:
    """docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeBackup.html."""
    source = named_by(backup_arn)
    if source is None:
        return seen
    seen = replace(seen, source=seen.source or source)
    if source.region not in (clients.region, *source_regions):
        # Where the source is cannot be looked at either, and the report will say so.
        return seen
    details = _described(clients, backup_arn, source).get("BackupDetails", {})
    return replace(seen, restore_point=seen.restore_point or details.get("BackupCreationDateTime"))


def named_by(backup_arn: str | None) -> TableRef | None:
    """The table that the ARN of a backup of DynamoDB's own names; None for any other ARN."""
    named = _BACKUP_ARN.fullmatch(backup_arn or "")
    return table_ref(named["table"]) if named else None


def source_id_of(clients: Clients, backup_arn: str | None) -> str | None:
    """The TableId of the table that a backup was made of; None for a point in time, a recovery point of AWS Backup, or a
    backup that has been deleted meanwhile
    (docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_SourceTableDetails.html).

    Raises:
        ClientError, BotoCoreError: from the call.
    """
    source = named_by(backup_arn)
    if source is None or backup_arn is None:
        return None
    table_id = _described(clients, backup_arn, source).get("SourceTableDetails", {}).get("TableId")
    return str(table_id) if table_id else None


def _described(clients: Clients, backup_arn: str, source: TableRef) -> Mapping[str, Any]:
    """What DynamoDB tells of a backup, in the region of its source, where it is; nothing where it has been deleted meanwhile."""
    there = clients.in_region(source.region) if source.region else clients
    try:
        answer = there.dynamodb.describe_backup(BackupArn=backup_arn)
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
        raise RequestError(ReasonCode.MALFORMED_TABLE, f"{key}: {error}") from error
