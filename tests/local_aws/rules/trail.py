"""CloudTrail's event history."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from typing import Any

from typing_extensions import override

from .rule import Ask, Request, Response, Rule


class Trail(Rule):
    """LookupEvents tells the management events of a region; the emulator has none.

    docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html: at most one attribute, a range of time, newest
    first. When an event can be seen is not promised; here it can at once, unless `delayed` says otherwise.
    """

    def __init__(self) -> None:
        super().__init__()
        self.delayed = False
        self._records: list[Mapping[str, Any]] = []

    def note(self, detail: Mapping[str, Any]) -> None:
        """Record a call, as the detail of its event tells it."""
        with self._lock:
            self._records.append(detail)

    @override
    def reset(self) -> None:
        with self._lock:
            self._records.clear()
            self.delayed = False

    @override
    def before(self, request: Request, ask: Ask) -> Response | None:
        if not request.is_call("cloudtrail", "LookupEvents"):
            return None
        parameters = request.parameters
        attributes = parameters.get("LookupAttributes", [])
        if len(attributes) > 1:
            return request.refuse("InvalidLookupAttributesException", "more than one attribute")
        with self._lock:
            records = [] if self.delayed else list(self._records)
        found = [
            record
            for record in records
            if record["awsRegion"] == request.region
            and parameters["StartTime"] <= _seconds(record) <= parameters["EndTime"]
            and all(_has(record, attribute) for attribute in attributes)
        ]
        return request.answer(
            {"Events": [_event(record) for record in sorted(found, key=_seconds, reverse=True)]}
        )


def _seconds(record: Mapping[str, Any]) -> float:
    return datetime.datetime.fromisoformat(record["eventTime"]).timestamp()


def _has(record: Mapping[str, Any], attribute: Mapping[str, str]) -> bool:
    members = {"EventId": "eventID", "EventName": "eventName", "EventSource": "eventSource"}
    return bool(record[members[attribute["AttributeKey"]]] == attribute["AttributeValue"])


def _event(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "EventId": record["eventID"],
        "EventName": record["eventName"],
        "EventTime": _seconds(record),
        "EventSource": record["eventSource"],
        "CloudTrailEvent": json.dumps(record),
    }
