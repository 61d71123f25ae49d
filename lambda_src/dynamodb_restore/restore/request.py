"""The restore request: what an event about a restore call says, and nothing that is not needed.

CloudTrail records one API call in several renderings: the source by name or by ARN, the restore point as
epoch seconds, ISO text or CloudTrail's own date text, `responseElements` null or full
(docs.aws.amazon.com/amazondynamodb/latest/developerguide/logging-using-cloudtrail.html).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from dynamodb_restore.aws import TableRef, table_ref
from dynamodb_restore.settings.setting import Overrides

_RESTORE_CALLS = ("RestoreTableToPointInTime",)


class RequestError(Exception):
    """The message is no restore request that can be followed.

    Attributes:
        reason: short and stable, for the message attribute `reason` on the secondary DLQ.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class NothingToFollow(Exception):  # noqa: N818 - not an error: the event is about a call that restored nothing
    """The event is well-formed and there is no restore behind it; the text says why."""


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

    def as_json(self) -> dict[str, Any]:
        """The request as JSON values, for the restore record."""
        return {
            "event_id": self.event_id,
            "event_name": self.event_name,
            "source": self.source.name,
            "target": self.target.name,
            "region": self.region,
            "account": self.account,
            "requested_at": iso(self.requested_at),
            "requested_by": self.requested_by,
            "restore_point": iso(self.restore_point) if self.restore_point else None,
            "overrides": asdict(self.overrides),
        }


def iso(instant: datetime) -> str:
    """`2026-11-22T07:00:00Z`: how every instant is written in records, reports and logs."""
    return instant.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def parse_message(body: str) -> RestoreRequest:
    """Parse the body of a message of the restore queue: an EventBridge event as JSON text.

    Raises:
        RequestError: the body is malformed, or about something this module does not follow.
        NothingToFollow: the restore call was refused by AWS.
    """
    try:
        event = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RequestError("malformed_json", f"the message is not JSON: {error}") from error
    return parse_event(event)


def parse_event(event: Any) -> RestoreRequest:
    """Parse an EventBridge event "AWS API Call via CloudTrail" of a restore call.

    Raises:
        RequestError, NothingToFollow: as for `parse_message`.
    """
    detail = _mapping(_mapping(event, "event").get("detail"), "detail")
    event_name = detail.get("eventName")
    if detail.get("eventSource") != "dynamodb.amazonaws.com" or event_name not in _RESTORE_CALLS:
        raise RequestError(
            "unknown_event", f"not a restore call: {detail.get('eventSource')!r} {event_name!r}"
        )
    if detail.get("errorCode"):
        raise NothingToFollow(f"AWS refused the restore call: {detail['errorCode']}")
    parameters = _mapping(detail.get("requestParameters"), "detail.requestParameters")
    region = _text(detail, "awsRegion")
    source = _table(parameters, "sourceTableArn", "sourceTableName")
    target = _table(parameters, "targetTableName")
    if source.region not in (None, region):
        raise RequestError(
            "cross_region", f"{source.name} is in {source.region} and {target.name} in {region}: not followed"
        )
    if source.name == target.name:
        raise RequestError("same_table", f"source and target are both {source.name}")
    identity = detail.get("userIdentity")
    identity = identity if isinstance(identity, Mapping) else {}
    return RestoreRequest(
        event_id=_text(detail, "eventID"),
        event_name=str(event_name),
        source=source,
        target=target,
        region=region,
        account=str(detail.get("recipientAccountId") or event.get("account") or ""),
        requested_at=parse_time(_text(detail, "eventTime")),
        requested_by=str(
            identity.get("arn") or identity.get("invokedBy") or identity.get("type") or "unknown"
        ),
        restore_point=_restore_point(parameters),
        target_id=_target_id(detail.get("responseElements")),
        overrides=_overrides(parameters),
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
        raise RequestError("malformed_time", f"not a time: {text[:100]!r}") from error


def _mapping(value: Any, path: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise RequestError("missing_field", f"{path} is {type(value).__name__}, not an object")
    return value


def _text(container: Mapping[str, Any], key: str) -> str:
    value = container.get(key)
    if not isinstance(value, str) or not value:
        raise RequestError("missing_field", f"detail.{key} is missing or not text")
    return value


def _table(parameters: Mapping[str, Any], *keys: str) -> TableRef:
    for key in keys:
        value = parameters.get(key)
        if value is None:
            continue
        try:
            return table_ref(str(value))
        except ValueError as error:
            raise RequestError("malformed_table", f"{key}: {error}") from error
    raise RequestError("missing_field", f"detail.requestParameters has no {' or '.join(keys)}")


def _restore_point(parameters: Mapping[str, Any]) -> datetime | None:
    value = parameters.get("restoreDateTime")
    return None if value is None else parse_time(value)


def _target_id(answer: Any) -> str | None:
    description = answer.get("tableDescription") if isinstance(answer, Mapping) else None
    table_id = description.get("tableId") if isinstance(description, Mapping) else None
    return table_id if isinstance(table_id, str) else None


def _overrides(parameters: Mapping[str, Any]) -> Overrides:
    billing_mode = parameters.get("billingModeOverride")
    return Overrides(
        billing_mode=str(billing_mode) if billing_mode else None,
        provisioned_throughput=bool(parameters.get("provisionedThroughputOverride")),
    )
