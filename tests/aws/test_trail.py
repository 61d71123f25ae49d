"""CloudTrail's event history in memory."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.aws.trail import Trail, recorded_call

AT = datetime(2026, 11, 22, 7, 0, 2, tzinfo=UTC)


def looked_up(trail: Trail, **more: Any) -> list[str]:
    """The ids of the events of the minute, page by page."""
    found: list[str] = []
    token: dict[str, str] = {}
    while True:
        parameters = {"StartTime": AT - timedelta(minutes=1), "EndTime": AT + timedelta(minutes=1), **more}
        page = trail.operations["LookupEvents"]({**parameters, **token})
        found += [event["EventId"] for event in page["Events"]]
        if "NextToken" not in page:
            return found
        token = {"NextToken": page["NextToken"]}


def test_events_come_newest_first_and_in_pages() -> None:
    trail = Trail()
    for number in range(5):
        trail.note(recorded_call(target=f"t-{number}", at=AT + timedelta(seconds=number)))
    assert looked_up(trail) == [f"orders into t-{number}" for number in (4, 3, 2, 1, 0)]


def test_only_those_of_the_time_and_of_the_attribute() -> None:
    trail = Trail()
    trail.note(recorded_call(target="too-late", at=AT + timedelta(minutes=2)))
    trail.note(recorded_call(target="made", eventName="CreateTable"))
    trail.note(recorded_call(target="restored"))
    restores = [{"AttributeKey": "EventName", "AttributeValue": "RestoreTableToPointInTime"}]
    assert looked_up(trail, LookupAttributes=restores) == ["orders into restored"]


def test_more_than_one_attribute_is_refused() -> None:
    attribute = {"AttributeKey": "EventName", "AttributeValue": "CreateTable"}
    with pytest.raises(ClientError, match="InvalidLookupAttributes"):
        looked_up(Trail(), LookupAttributes=[attribute, attribute])
