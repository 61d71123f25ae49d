"""CloudTrail's event history."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.aws.errors import client_error
from tests.aws.names import ACCOUNT, REGION

_PAGE = 2
"""Events in one answer; AWS gives up to 50."""


@dataclass
class Trail:
    """Management events of one account and region, as LookupEvents tells them.

    docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html: one attribute a call, newest first, a page at
    a time. How long an event takes to be seen is not promised
    (docs.aws.amazon.com/awscloudtrail/latest/userguide/how-cloudtrail-works.html): `hidden` are recorded and not seen yet.

    Attributes:
        records: the details of events, each as EventBridge gives it too.
    """

    records: list[Mapping[str, Any]] = field(default_factory=list)
    hidden: bool = False

    @property
    def operations(self) -> Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]]:
        return {"LookupEvents": self._look_up}

    def note(self, detail: Mapping[str, Any]) -> None:
        """Record a call."""
        self.records.append(detail)

    def _look_up(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        attributes = parameters.get("LookupAttributes", [])
        if len(attributes) > 1:
            raise client_error("LookupEvents", "InvalidLookupAttributesException", "only one attribute")
        if parameters["StartTime"] > parameters["EndTime"]:
            raise client_error("LookupEvents", "InvalidTimeRangeException", "it ends before it starts")
        found = [
            record
            for record in sorted(self.records, key=_time, reverse=True)
            if not self.hidden
            and parameters["StartTime"] <= _time(record) <= parameters["EndTime"]
            and all(_has(record, attribute) for attribute in attributes)
        ]
        start = int(parameters.get("NextToken", "0"))
        more = {"NextToken": str(start + _PAGE)} if len(found) > start + _PAGE else {}
        return {"Events": [_event(record) for record in found[start : start + _PAGE]], **more}


def recorded_call(
    *,
    source: str = "orders",
    target: str = "orders-restored",
    at: datetime = datetime(2026, 11, 22, 7, 0, 2, tzinfo=UTC),
    table_id: str | None = None,
    **more: Any,
) -> dict[str, Any]:
    """What CloudTrail keeps of a restore to a point in time.

    Args:
        table_id: of the table that was made; None where the record leaves the call's answer out.
    """
    answer = {"tableDescription": {"tableId": table_id}} if table_id else None
    return {
        "eventSource": "dynamodb.amazonaws.com",
        "eventName": "RestoreTableToPointInTime",
        "eventID": f"{source} into {target}",
        "eventTime": at.isoformat(),
        "awsRegion": REGION,
        "userIdentity": {"type": "IAMUser"},
        "requestParameters": {"sourceTableName": source, "targetTableName": target},
        "responseElements": answer,
        "recipientAccountId": ACCOUNT,
        **more,
    }


def _time(record: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(record["eventTime"]).astimezone(UTC)


def _has(record: Mapping[str, Any], attribute: Mapping[str, str]) -> bool:
    members = {"EventId": "eventID", "EventName": "eventName", "EventSource": "eventSource"}
    return bool(record[members[attribute["AttributeKey"]]] == attribute["AttributeValue"])


def _event(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "EventId": record["eventID"],
        "EventName": record["eventName"],
        "EventTime": _time(record),
        "EventSource": record["eventSource"],
        "CloudTrailEvent": json.dumps(record),
    }
