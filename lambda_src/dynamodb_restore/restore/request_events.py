"""Events about restores, parsed.

A restore is seen in one of three ways:
- the call itself, through CloudTrail, which records one call in several renderings: the source by name or by ARN, the
  restore point as epoch seconds, ISO text or CloudTrail's own date text, `responseElements` null or full
  (docs.aws.amazon.com/amazondynamodb/latest/developerguide/logging-using-cloudtrail.html);
- the job of AWS Backup that makes it, by its changes of state
  (docs.aws.amazon.com/aws-backup/latest/devguide/eventbridge.html);
- the reconciler, which found a table being restored.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from dynamodb_restore.aws import TableRef, table_ref
from dynamodb_restore.instants import TimeError, parse_time
from dynamodb_restore.restore.reasons import ReasonCode
from dynamodb_restore.restore.request import (
    BACKUP_CALLS,
    FOUND_DETAIL_TYPE,
    POINT_IN_TIME_CALL,
    NothingToFollow,
    RequestError,
    RestoreRequest,
    Sighting,
    noted_overrides,
    optional_mapping,
    optional_text,
)
from dynamodb_restore.settings.setting import Overrides

_JOB_CHANGE = "Restore Job State Change"
_JOB_MAY_BE_FOLLOWED = ("RUNNING", "COMPLETED")
_JOB_RESTORES_NOTHING = ("CREATED", "PENDING", "ABORTED", "FAILED")

_INDEX_OVERRIDES = {
    "global": "globalSecondaryIndexOverride",
    "local": "localSecondaryIndexOverride",
    "vector": "vectorIndexOverride",
}
"""Kind of index to the parameter of a restore call that lists those to be restored; an empty list means none."""

_CHOICES_NOT_KNOWN = (
    "found by the reconciler before an event of its call: what the call decided about capacity, throughput, indexes and encryption is"
    " not known, and so not heeded"
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
    summary = optional_mapping(description.get("restoreSummary"))
    region = _text(detail, "detail.awsRegion")
    restored_to = summary.get("restoreDateTime", parameters.get("restoreDateTime"))
    backup_arn = parameters.get("backupArn") or summary.get("sourceBackupArn")
    sighting = Sighting(
        event_id=_text(detail, "detail.eventID"),
        event_name=str(name),
        region=region,
        account=str(detail.get("recipientAccountId") or envelope.get("account") or ""),
        requested_at=_time(_text(detail, "detail.eventTime")),
        requested_by=_requested_by(detail.get("userIdentity")),
        target=_required_table(parameters, "targetTableName"),
        target_id=optional_text(description.get("tableId")),
        restore_point=None if restored_to is None else _time(restored_to),
        backup_arn=optional_text(backup_arn),
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
        **optional_mapping(detail.get("serviceEventDetails")),
        **optional_mapping(detail.get("requestParameters")),
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
        requested_at=_time(detail.get("creationDate") or _text(envelope, "time")),
        requested_by=str(detail.get("iamRoleArn") or "AWS Backup"),
        source=_table(detail, "sourceResourceArn"),
        target=_table(detail, "createdResourceArn"),
        backup_arn=optional_text(detail.get("recoveryPointArn")),
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
        requested_at=_time(_text(detail, "detail.creationDateTime")),
        requested_by=optional_text(detail.get("requestedBy")) or "unknown: found before an event of the call",
        source=_table(detail, "sourceTableArn"),
        target=_required_table(detail, "targetTableName"),
        target_id=_text(detail, "detail.targetTableId"),
        restore_point=None if restored_to is None else _time(restored_to),
        backup_arn=optional_text(detail.get("sourceBackupArn")),
        overrides=noted_overrides(optional_mapping(detail.get("overrides"))),
        notes=() if isinstance(detail.get("overrides"), Mapping) else (_CHOICES_NOT_KNOWN,),
    )


def _time(value: Any) -> datetime:
    try:
        return parse_time(value)
    except TimeError as error:
        raise RequestError(ReasonCode.MALFORMED_TIME, str(error)) from error


def _mapping(value: Any, path: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise RequestError(ReasonCode.MISSING_FIELD, f"{path} is {type(value).__name__}, not an object")
    return value


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
    return optional_mapping(optional_mapping(response).get("tableDescription"))


def _requested_by(identity: Any) -> str:
    identity = optional_mapping(identity)
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
        indexes=tuple(
            kind for kind, parameter in _INDEX_OVERRIDES.items() if parameters.get(parameter) is not None
        ),
        # CloudTrail writes a parameter with its first letter small.
        encryption=bool(parameters.get("sSESpecificationOverride")),
    )
