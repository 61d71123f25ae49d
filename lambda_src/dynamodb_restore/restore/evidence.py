"""Evidence of a restore: that AWS itself says that this table was restored from that source.

An event is not evidence: whoever may send to the restore queue, or invoke the worker, can write one. Evidence is one of
- the table's own `RestoreSummary`, which names its source
  (docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_RestoreSummary.html). It is there while the table is restored;
  that it stays afterwards is documented nowhere, so the reconciler notes what it saw;
- AWS Backup's answer about the job, which names the table and its source
  (docs.aws.amazon.com/aws-backup/latest/devguide/API_DescribeRestoreJob.html);
- CloudTrail's own record of a restore call into that name at the moment at which the table was made
  (docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html). It is looked for by what was called and
  when, and not by the event's id: an id can be written as well as the rest, events that people write have one that CloudTrail
  does not know, and what the record says has to be compared anyway.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from dynamodb_restore.aws import Clients, TableRef
from dynamodb_restore.restore.origin import named_by
from dynamodb_restore.restore.queued import Queued
from dynamodb_restore.restore.reasons import ReasonCode
from dynamodb_restore.restore.request import (
    BACKUP_CALLS,
    POINT_IN_TIME_CALL,
    NothingToFollow,
    RequestError,
    RestoreJob,
    RestoreRequest,
)
from dynamodb_restore.restore.request_events import parse_event
from dynamodb_restore.restore.waiting import CLOCK_TOLERANCE, Hopeless, Wait, comes_from

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TableDescriptionTypeDef

TRAIL_DELAY = timedelta(minutes=20)
"""How long after the table was made CloudTrail is asked for the call. It shows one after about five minutes on average, and
promises no time (docs.aws.amazon.com/awscloudtrail/latest/userguide/how-cloudtrail-works.html)."""

LONGEST_UNKNOWN = timedelta(days=1)
"""How old a request may be of which nothing is on record. Deliveries of one that is followed come for longer; what was given
up and is redriven has a record."""

_MOST_PAGES = 4
"""Of 50 events each. CloudTrail answers two calls a second for an account and region."""


def evidence_of(
    clients: Clients, request: RestoreRequest, description: TableDescriptionTypeDef
) -> str | None:
    """What shows that the described table was restored as the request says, in words; None where nothing does (yet).

    Raises:
        ClientError, BotoCoreError: from LookupEvents.
    """
    summary = description.get("RestoreSummary", {})
    source_arn = summary.get("SourceTableArn")
    if source_arn and comes_from(request, source_arn):
        return "the table's RestoreSummary"
    if request.job is not None and _job_names_both(request.job, request):
        return f"AWS Backup's restore job {request.job.job_id}"
    if description["TableStatus"] == "CREATING":
        # It says itself what it is made of, or it is not restored at all.
        return None
    return _in_trail(clients, request, description)


def noted_evidence(queued: Queued | None, request: RestoreRequest) -> str | None:
    """What the reconciler has noted of a table when that was being restored, where it shows the restore that the request says.

    Its note is in the restore table, to which the module's own functions alone write.
    """
    if queued is None:
        return None
    if queued.source_arn is not None:
        shown = comes_from(request, queued.source_arn)
    else:
        named = named_by(queued.backup_arn)
        shown = named is not None and _same_table(named, request.region, request)
    return "the table's RestoreSummary, as the reconciler saw it" if shown else None


def _job_names_both(job: RestoreJob, request: RestoreRequest) -> bool:
    """Whether AWS Backup itself names both tables, and not the event of its job alone."""
    if job.source is None or job.target is None:
        return False
    return job.target.name == request.target.name and _same_table(job.source, request.region, request)


def is_too_old(
    request: RestoreRequest, description: TableDescriptionTypeDef, now: datetime
) -> Hopeless | None:
    """Why a request of which nothing is on record is not followed any more; None where it is.

    A table that is still being restored, as it says itself, is never too old.
    """
    being_restored = description["TableStatus"] == "CREATING" and "RestoreSummary" in description
    if being_restored or now - request.requested_at <= LONGEST_UNKNOWN:
        return None
    return Hopeless(
        ReasonCode.REQUEST_TOO_OLD,
        f"the restore call of {request.target.name} is more than a day old and no restore of it is on record; nothing was"
        ' written. If it is to get the settings after all, invoke the restore worker with {"source": …, "target": …}',
    )


def without_evidence(
    request: RestoreRequest, description: TableDescriptionTypeDef, now: datetime
) -> Wait | Hopeless:
    """The verdict on a restore without evidence: wait for as long as CloudTrail may take."""
    name = request.target.name
    if description["TableStatus"] == "CREATING":
        return Wait(f"{name} is CREATING")
    if now - description["CreationDateTime"] < TRAIL_DELAY:
        return Wait(f"CloudTrail does not show the call that restored {name} yet")
    return Hopeless(
        ReasonCode.NO_EVIDENCE,
        f"nothing shows that {name} was restored from {request.source.name}: it does not say so itself, and CloudTrail"
        f" shows no such call when it was created; nothing was written. If it was restored, invoke the restore worker"
        ' with {"source": …, "target": …}',
    )


def as_recorded_in_trail(
    clients: Clients, request: RestoreRequest, description: TableDescriptionTypeDef
) -> RestoreRequest:
    """A request with what CloudTrail tells of its call: who made it and what it decided; as it is where CloudTrail does not (yet)
    show the call.

    Raises:
        ClientError, BotoCoreError: from LookupEvents.
    """
    record = _record_of(clients, request, description)
    if record is None:
        return request
    called = parse_event({"detail": record})
    return replace(
        request,
        requested_by=called.requested_by,
        restore_point=request.restore_point or called.restore_point,
        overrides=called.overrides,
        by_terraform=called.by_terraform,
        notes=called.notes,
    )


def _in_trail(clients: Clients, request: RestoreRequest, description: TableDescriptionTypeDef) -> str | None:
    record = _record_of(clients, request, description)
    return None if record is None else f"CloudTrail's event {record.get('eventID')}"


def _record_of(
    clients: Clients, request: RestoreRequest, description: TableDescriptionTypeDef
) -> Mapping[str, Any] | None:
    """CloudTrail's record of the call that made a table; None where it shows none."""
    created = description["CreationDateTime"]
    for call in _calls_to_look_for(request):
        for record in _trail_records(clients, call, created - CLOCK_TOLERANCE, created + CLOCK_TOLERANCE):
            if _is_this_restore(record, request, description.get("TableId")):
                return record
    return None


def _calls_to_look_for(request: RestoreRequest) -> tuple[str, ...]:
    if request.event_name in (POINT_IN_TIME_CALL, *BACKUP_CALLS):
        return (request.event_name,)
    return BACKUP_CALLS if request.of_backup else (POINT_IN_TIME_CALL,)


def _trail_records(
    clients: Clients, call: str, after: datetime, before: datetime
) -> Iterator[Mapping[str, Any]]:
    """CloudTrail's records of one kind of call between two instants, newest first."""
    more: dict[str, Any] = {}
    for _ in range(_MOST_PAGES):
        page = clients.cloudtrail.lookup_events(
            LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": call}],
            StartTime=after,
            EndTime=before,
            **more,
        )
        for event in page.get("Events", []):
            record = json.loads(event.get("CloudTrailEvent", "{}"))
            if isinstance(record, dict):
                yield record
        if not page.get("NextToken"):
            return
        more = {"NextToken": page["NextToken"]}


def _is_this_restore(record: Mapping[str, Any], request: RestoreRequest, table_id: str | None) -> bool:
    """Whether a record of CloudTrail is of the call that the request says, and made the table of this id."""
    try:
        called = parse_event({"detail": record})
    except (NothingToFollow, RequestError):
        # A call that AWS refused, or in a shape that is not known.
        return False
    if called.target is None or called.target.name != request.target.name:
        return False
    if called.target_id is not None and called.target_id != table_id:
        return False
    if called.source is None:
        # The call names a backup alone; that of one of DynamoDB's own names where it came from, a recovery point does not.
        named = named_by(called.backup_arn)
        return (
            named is not None
            and called.backup_arn == request.backup_arn
            and _same_table(named, called.region, request)
        )
    return _same_table(called.source, called.region, request)


def _same_table(source: TableRef, region: str, request: RestoreRequest) -> bool:
    return source.name == request.source.name and (source.region or region) == request.source_region
