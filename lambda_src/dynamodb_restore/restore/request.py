"""The restore request: what an event about a restore says, and nothing that is not needed.

A restore is seen in one of three ways:
- the call itself, through CloudTrail, which records one call in several renderings: the source by name or by ARN, the
  restore point as epoch seconds, ISO text or CloudTrail's own date text, `responseElements` null or full
  (docs.aws.amazon.com/amazondynamodb/latest/developerguide/logging-using-cloudtrail.html);
- the job of AWS Backup that makes it, by its changes of state
  (docs.aws.amazon.com/aws-backup/latest/devguide/eventbridge.html);
- the reconciler, which found a table being restored.

Not every one of them names the source: what is known then is a `Sighting`, and `restore/origin.py` finds the rest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from dynamodb_restore.aws import TableRef, table_ref
from dynamodb_restore.instants import iso
from dynamodb_restore.pipeline.boundary import RestorePoint
from dynamodb_restore.restore.bounds import shortened
from dynamodb_restore.restore.reasons import ReasonCode
from dynamodb_restore.settings.setting import Overrides

POINT_IN_TIME_CALL = "RestoreTableToPointInTime"
BACKUP_CALLS = ("RestoreTableFromBackup", "RestoreTableFromAwsBackup")
"""The second is AWS Backup's own, made on behalf of a restore job
(docs.aws.amazon.com/aws-backup/latest/devguide/security-iam-awsmanpol.html). It is no operation of the public API, so
CloudTrail may record it as an event of the service
(docs.aws.amazon.com/awscloudtrail/latest/userguide/non-api-aws-service-events.html)."""

RESTORE_TEST_PREFIX = "awsbackup-restore-test-"
"""How the names of tables begin that AWS Backup's restore testing makes
(docs.aws.amazon.com/aws-backup/latest/devguide/restore-testing-inferred-metadata.html)."""

_JOB_CHANGE = "Restore Job State Change"
_JOB_MAY_BE_FOLLOWED = ("RUNNING", "COMPLETED")
_JOB_RESTORES_NOTHING = ("CREATED", "PENDING", "ABORTED", "FAILED")

LATEST_RESTORABLE_AGE = timedelta(minutes=15)
"""How far before the call "the latest" may lie; typically five minutes
(docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PointInTimeRecoveryDescription.html). Replaying from too
early writes what is there already; from too late would lose changes."""

FOUND_SOURCE = "dynamodb-restore"
FOUND_DETAIL_TYPE = "DynamoDB Table Restore Found"

_CHOICES_NOT_KNOWN = (
    "found by the reconciler before an event of its call: what the call decided about capacity and throughput is not known, and"
    " so not heeded"
)


class RequestError(Exception):
    """The message is no restore request that can be followed.

    Attributes:
        reason: short and stable, for the message attribute `reason` on the secondary DLQ.
    """

    def __init__(self, reason: ReasonCode, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class NothingToFollow(Exception):  # noqa: N818 - not an error: the event is about a call that restored nothing
    """The event is well-formed and there is no restore behind it; the text says why."""


@dataclass(frozen=True)
class RestoreJob:
    """A restore job of AWS Backup, as DescribeRestoreJob tells it.

    Attributes:
        source: the table that the recovery point was made of; None where AWS Backup does not say.
        target: the table that it makes; None where AWS Backup has not named it yet.
        completed_at: when it was done, and so the latest that its table can have been made; None before that.
    """

    job_id: str
    source: TableRef | None = None
    target: TableRef | None = None
    completed_at: datetime | None = None


@dataclass(frozen=True)
class RestoreRequest:
    """One restore that somebody asked for.

    Attributes:
        event_id: CloudTrail's id of the call; the same in every delivery of the event.
        event_name: the API call.
        source, target: the table restored from and the table that is made.
        region, account: where the call was made; the target is there.
        requested_at: when, to the second.
        requested_by: ARN or kind of the caller, for the report.
        restore_point: the instant restored to; None for "the latest", which AWS tells while it restores.
        target_id: the target's TableId where the event carries the call's answer.
        overrides: what the call itself decided about the target.
        backup_arn: the backup or recovery point restored from; None for a point in time.
        job: the job of AWS Backup that makes the table, as AWS Backup tells it; None where it was not asked.
        by_terraform: whether Terraform made the call, for a table of its own.
        restore_test: whether it is a test of AWS Backup's restore testing, which deletes the table again.
        notes: what a person should know about what was asked for.
    """

    event_id: str
    event_name: str
    source: TableRef
    target: TableRef
    region: str
    account: str
    requested_at: datetime
    requested_by: str
    restore_point: datetime | None
    target_id: str | None
    overrides: Overrides
    backup_arn: str | None = None
    job: RestoreJob | None = None
    by_terraform: bool = False
    restore_test: bool = False
    notes: tuple[str, ...] = ()

    @property
    def source_region(self) -> str:
        """Where the source is, or was."""
        return self.source.region or self.region

    @property
    def source_account(self) -> str | None:
        """Whose the source is; None where neither the event nor its envelope tells an account."""
        return self.source.account or self.account or None

    @property
    def source_is_here(self) -> bool:
        """Whether the source is in the target's region and account."""
        same_account = not self.account or self.source.account in (None, self.account)
        return self.source_region == self.region and same_account

    @property
    def replaces_source(self) -> bool:
        """Whether the target has the very name of its source, which so must have been deleted before."""
        return self.source_is_here and self.source.name == self.target.name

    @property
    def of_backup(self) -> bool:
        """Whether it is a backup, or a recovery point, that is restored, and not a point in time."""
        return self.backup_arn is not None

    @property
    def source_existed_at(self) -> datetime:
        """An instant at which the source was there: nothing that did not exist yet can be restored."""
        return min(self.requested_at, self.restore_point or self.requested_at)

    @property
    def earliest_restore_point(self) -> RestorePoint:
        """The restore point; for "the latest", which AWS tells only while it restores, the earliest that it can be."""
        at = self.restore_point or self.requested_at - LATEST_RESTORABLE_AGE
        return RestorePoint(at, of_backup=self.of_backup)

    def as_json(self) -> dict[str, Any]:
        """The request as JSON values, for the restore record."""
        return {
            "event_id": self.event_id,
            "event_name": self.event_name,
            "source": self.source.name,
            "source_region": self.source_region,
            "source_account": self.source_account,
            "target": self.target.name,
            "region": self.region,
            "account": self.account,
            "requested_at": iso(self.requested_at),
            "requested_by": shortened(self.requested_by),
            "restore_point": iso(self.restore_point) if self.restore_point else None,
            "backup_arn": self.backup_arn,
            "overrides": {
                **asdict(self.overrides),
                "index_throughput": list(self.overrides.index_throughput),
                "index_warm_throughput": list(self.overrides.index_warm_throughput),
            },
            "by_terraform": self.by_terraform,
            "restore_test": self.restore_test,
            "notes": list(self.notes),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any], target_id: str | None) -> RestoreRequest:
        """The request that `as_json` wrote; what an earlier release left out is as if its event had not told it.

        Raises:
            KeyError, TypeError, ValueError: it was written otherwise.
        """
        restore_point = value.get("restore_point")
        source = TableRef(value["source"], value.get("source_region"), value.get("source_account"))
        return cls(
            event_id=value["event_id"],
            event_name=value["event_name"],
            source=source,
            target=TableRef(value["target"]),
            region=value["region"],
            account=value["account"],
            requested_at=datetime.fromisoformat(value["requested_at"]),
            requested_by=value["requested_by"],
            restore_point=datetime.fromisoformat(restore_point) if restore_point else None,
            target_id=target_id,
            overrides=_noted_overrides(_optional_mapping(value.get("overrides"))),
            backup_arn=value.get("backup_arn"),
            by_terraform=value.get("by_terraform", False),
            restore_test=value.get("restore_test", False),
            notes=tuple(value.get("notes", ())),
        )


@dataclass(frozen=True)
class Sighting:
    """A restore that was seen, with what its event leaves open as None.

    Attributes:
        job_id: of AWS Backup's restore job, which can be asked.
        job: its answer.
        Others as for `RestoreRequest`.
    """

    event_id: str
    event_name: str
    region: str
    account: str
    requested_at: datetime
    requested_by: str
    source: TableRef | None = None
    target: TableRef | None = None
    target_id: str | None = None
    restore_point: datetime | None = None
    backup_arn: str | None = None
    job_id: str | None = None
    job: RestoreJob | None = None
    overrides: Overrides = field(default_factory=Overrides)
    by_terraform: bool = False
    restore_test: bool = False
    notes: tuple[str, ...] = ()

    def complete(self, source: TableRef, target: TableRef) -> RestoreRequest:
        """The request, now that both tables are known."""
        return RestoreRequest(
            event_id=self.event_id,
            event_name=self.event_name,
            source=source,
            target=target,
            region=self.region,
            account=self.account,
            requested_at=self.requested_at,
            requested_by=self.requested_by,
            restore_point=self.restore_point,
            target_id=self.target_id,
            overrides=self.overrides,
            backup_arn=self.backup_arn,
            job=self.job,
            by_terraform=self.by_terraform,
            restore_test=self.restore_test or target.name.startswith(RESTORE_TEST_PREFIX),
            notes=self.notes,
        )


def parse_message(body: str) -> RestoreRequest | Sighting:
    """Parse the body of a message of the restore queue: an EventBridge event as JSON text.

    Raises:
        RequestError: the body is malformed, or about something this module does not follow.
        NothingToFollow: nothing is being restored on account of this event.
    """
    try:
        event = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RequestError(ReasonCode.MALFORMED_JSON, f"the message is not JSON: {error}") from error
    return parse_event(event)


def parse_event(event: Any) -> RestoreRequest | Sighting:
    """Parse an event about a restore, of any of the three kinds.

    Raises:
        RequestError, NothingToFollow: as for `parse_message`.
    """
    envelope = _mapping(event, "event")
    detail = _mapping(envelope.get("detail"), "detail")
    detail_type = envelope.get("detail-type")
    if detail_type == _JOB_CHANGE:
        return _job(envelope, detail)
    if detail_type == FOUND_DETAIL_TYPE:
        return _found(envelope, detail)
    return _call(envelope, detail)


def _call(envelope: Mapping[str, Any], detail: Mapping[str, Any]) -> RestoreRequest | Sighting:
    """An "AWS API Call via CloudTrail", or an "AWS Service Event via CloudTrail" of a call that no API has."""
    name = detail.get("eventName")
    known = (POINT_IN_TIME_CALL, *BACKUP_CALLS)
    if detail.get("eventSource") != "dynamodb.amazonaws.com" or name not in known:
        raise RequestError(
            ReasonCode.UNKNOWN_EVENT, f"not a restore call: {detail.get('eventSource')!r} {name!r}"
        )
    if detail.get("errorCode"):
        raise NothingToFollow(f"AWS refused the restore call: {detail['errorCode']}")
    parameters = _parameters(detail)
    description = _answer(detail.get("responseElements"))
    summary = _optional_mapping(description.get("restoreSummary"))
    region = _text(detail, "detail.awsRegion")
    restored_to = summary.get("restoreDateTime", parameters.get("restoreDateTime"))
    backup_arn = parameters.get("backupArn") or summary.get("sourceBackupArn")
    sighting = Sighting(
        event_id=_text(detail, "detail.eventID"),
        event_name=str(name),
        region=region,
        account=str(detail.get("recipientAccountId") or envelope.get("account") or ""),
        requested_at=parse_time(_text(detail, "detail.eventTime")),
        requested_by=_requested_by(detail.get("userIdentity")),
        target=_required_table(parameters, "targetTableName"),
        target_id=_optional_text(description.get("tableId")),
        restore_point=None if restored_to is None else parse_time(restored_to),
        backup_arn=_optional_text(backup_arn),
        overrides=_overrides(parameters),
        by_terraform="Terraform/" in str(detail.get("userAgent", "")),
    )
    if name == POINT_IN_TIME_CALL:
        return _from_point_in_time(sighting, parameters)
    source = _table(summary, "sourceTableArn")
    if source is None and sighting.backup_arn is None:
        if _by_service(detail):
            raise NothingToFollow("the service's event names no backup: the events of the restore job do")
        raise RequestError(
            ReasonCode.MISSING_FIELD, f"{name} names neither a backup nor the table it was made of"
        )
    return replace(sighting, source=source)


def _by_service(detail: Mapping[str, Any]) -> bool:
    return detail.get("eventType") == "AwsServiceEvent"


def _parameters(detail: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the call asked for. An event of a service has it elsewhere, if at all
    (docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html,
    `serviceEventDetails`), and what DynamoDB writes there is documented nowhere."""
    if not _by_service(detail):
        return _mapping(detail.get("requestParameters"), "detail.requestParameters")
    parameters = {
        **_optional_mapping(detail.get("serviceEventDetails")),
        **_optional_mapping(detail.get("requestParameters")),
    }
    if "targetTableName" not in parameters:
        raise NothingToFollow("the service's event names no table: the events of the restore job do")
    return parameters


def _from_point_in_time(sighting: Sighting, parameters: Mapping[str, Any]) -> RestoreRequest:
    source = _required_table(parameters, "sourceTableArn", "sourceTableName")
    target = _required_table(parameters, "targetTableName")
    request = sighting.complete(source, target)
    if request.replaces_source:
        raise RequestError(ReasonCode.SAME_TABLE, f"source and target are both {source.name}")
    return request


def _job(envelope: Mapping[str, Any], detail: Mapping[str, Any]) -> Sighting:
    """AWS Backup's "Restore Job State Change". The states of one job share its id, so they are one restore."""
    kind = detail.get("resourceType")
    if not (_is_table(kind) or ":dynamodb:" in str(detail.get("createdResourceArn", ""))):
        raise NothingToFollow(f"the restore job makes no DynamoDB table: {kind!r}")
    # The service's own documents show both spellings.
    status = detail.get("status", detail.get("state"))
    if status in _JOB_RESTORES_NOTHING:
        raise NothingToFollow(f"the restore job is {status}")
    if status not in _JOB_MAY_BE_FOLLOWED:
        raise RequestError(
            ReasonCode.UNKNOWN_EVENT, f"a restore job in a state that is not known: {status!r}"
        )
    job_id = _text(detail, "detail.restoreJobId")
    return Sighting(
        event_id=job_id,
        event_name=_JOB_CHANGE,
        region=_text(envelope, "region"),
        account=str(envelope.get("account") or ""),
        requested_at=parse_time(detail.get("creationDate") or _text(envelope, "time")),
        requested_by=str(detail.get("iamRoleArn") or "AWS Backup"),
        source=_table(detail, "sourceResourceArn"),
        target=_table(detail, "createdResourceArn"),
        backup_arn=_optional_text(detail.get("recoveryPointArn")),
        job_id=job_id,
    )


def _is_table(resource_type: Any) -> bool:
    """Whether a job's type of resource is a DynamoDB table; with AWS Backup's advanced features it is `DynamoDB.FullyManaged`."""
    return str(resource_type).split(".")[0] == "DynamoDB"


def _found(envelope: Mapping[str, Any], detail: Mapping[str, Any]) -> Sighting:
    """What the reconciler writes about a table whose restore no event told of, or whose message was lost."""
    restored_to = detail.get("restoreDateTime")
    return Sighting(
        event_id=_text(envelope, "id"),
        event_name=FOUND_DETAIL_TYPE,
        region=_text(envelope, "region"),
        account=str(envelope.get("account") or ""),
        requested_at=parse_time(_text(detail, "detail.creationDateTime")),
        requested_by=_optional_text(detail.get("requestedBy"))
        or "unknown: found before an event of the call",
        source=_table(detail, "sourceTableArn"),
        target=_required_table(detail, "targetTableName"),
        target_id=_text(detail, "detail.targetTableId"),
        restore_point=None if restored_to is None else parse_time(restored_to),
        backup_arn=_optional_text(detail.get("sourceBackupArn")),
        overrides=_noted_overrides(_optional_mapping(detail.get("overrides"))),
        notes=() if isinstance(detail.get("overrides"), Mapping) else (_CHOICES_NOT_KNOWN,),
    )


_CLOUDTRAIL_TIME = re.compile(
    r"(?P<day>[A-Z][a-z]{2} \d{1,2}, \d{4}),? (?P<clock>\d{1,2}:\d{2}:\d{2})\s(?P<half>[AP]M)"
)


def parse_time(value: Any) -> datetime:
    """An instant in any rendering that CloudTrail or an SDK uses, as an aware datetime in UTC.

    Accepts epoch seconds or milliseconds (number or text), ISO 8601, and CloudTrail's
    `Nov 22, 2026, 7:00:00 AM` with or without the second comma and with any white space before AM or PM.

    Raises:
        RequestError: it is none of these.
    """
    text = str(value).strip()
    try:
        if re.fullmatch(r"\d+(\.\d+)?([eE]\+?\d+)?", text):
            seconds = float(text)
            # The year 5138 in seconds is 1973 in milliseconds: no restore lies on the wrong side of it.
            return datetime.fromtimestamp(seconds / 1000 if seconds >= 1e11 else seconds, UTC)
        if match := _CLOUDTRAIL_TIME.fullmatch(text):
            words = f"{match['day']} {match['clock']} {match['half']}"
            return datetime.strptime(words, "%b %d, %Y %I:%M:%S %p").replace(tzinfo=UTC)
        instant = datetime.fromisoformat(text)
        return instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise RequestError(ReasonCode.MALFORMED_TIME, f"not a time: {text[:100]!r}") from error


def _mapping(value: Any, path: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise RequestError(ReasonCode.MISSING_FIELD, f"{path} is {type(value).__name__}, not an object")
    return value


def _optional_mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _optional_text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _text(container: Mapping[str, Any], path: str) -> str:
    """The text at the last part of `path`, whose other parts say where `container` is."""
    value = container.get(path.rpartition(".")[2])
    if not isinstance(value, str) or not value:
        raise RequestError(ReasonCode.MISSING_FIELD, f"{path} is missing or not text")
    return value


def _required_table(container: Mapping[str, Any], *keys: str) -> TableRef:
    table = _table(container, *keys)
    if table is None:
        raise RequestError(ReasonCode.MISSING_FIELD, f"the event has no {' or '.join(keys)}")
    return table


def _table(container: Mapping[str, Any], *keys: str) -> TableRef | None:
    for key in keys:
        value = container.get(key)
        if value is None:
            continue
        try:
            return table_ref(str(value))
        except ValueError as error:
            raise RequestError(ReasonCode.MALFORMED_TABLE, f"{key}: {error}") from error
    return None


def _answer(response: Any) -> Mapping[str, Any]:
    return _optional_mapping(_optional_mapping(response).get("tableDescription"))


def _requested_by(identity: Any) -> str:
    identity = _optional_mapping(identity)
    return str(identity.get("arn") or identity.get("invokedBy") or identity.get("type") or "unknown")


def _overrides(parameters: Mapping[str, Any]) -> Overrides:
    billing_mode = parameters.get("billingModeOverride")
    indexes = parameters.get("globalSecondaryIndexOverride")

    def indexes_with(*keys: str) -> tuple[str, ...]:
        return tuple(
            str(index.get("indexName"))
            for index in (indexes if isinstance(indexes, list) else [])
            if isinstance(index, Mapping) and any(index.get(key) for key in keys)
        )

    return Overrides(
        billing_mode=str(billing_mode) if billing_mode else None,
        provisioned_throughput=bool(parameters.get("provisionedThroughputOverride")),
        on_demand_throughput=bool(parameters.get("onDemandThroughputOverride")),
        index_throughput=indexes_with("provisionedThroughput", "onDemandThroughput"),
        index_warm_throughput=indexes_with("warmThroughput"),
    )


def _noted_overrides(noted: Mapping[str, Any]) -> Overrides:
    """What a call decided about the target, as `RestoreRequest.as_json` notes it."""

    def names(key: str) -> tuple[str, ...]:
        indexes = noted.get(key)
        return tuple(map(str, indexes)) if isinstance(indexes, list) else ()

    return Overrides(
        billing_mode=_optional_text(noted.get("billing_mode")),
        provisioned_throughput=bool(noted.get("provisioned_throughput")),
        on_demand_throughput=bool(noted.get("on_demand_throughput")),
        index_throughput=names("index_throughput"),
        index_warm_throughput=names("index_warm_throughput"),
    )
