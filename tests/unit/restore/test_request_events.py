"""Every event of `tests/events` is parsed as its `.expected.json` says; adding a pair of files adds a test.

Expected is one of `{"request": RestoreRequest.as_json, "target_id": …}`, `{"sighting": what is known}`,
`{"error": reason}`, `{"nothing": text}`.
"""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_restore.aws import TableRef
from dynamodb_restore.instants import iso
from dynamodb_restore.pipeline.boundary import RestorePoint
from dynamodb_restore.restore.request import NothingToFollow, RequestError, RestoreRequest, Sighting
from dynamodb_restore.restore.request_events import parse_event, parse_message
from dynamodb_restore.settings.setting import Overrides
from tests.unit.builders import EVENTS, REQUESTED_AT, event, request
from tests.unit.strategies import damaged_events, json_values

NAMES = sorted(path.stem for path in EVENTS.glob("*.json") if not path.stem.endswith(".expected"))


def outcome_of(body: str) -> dict[str, Any]:
    try:
        request = parse_message(body)
    except RequestError as error:
        return {"error": error.reason}
    except NothingToFollow as nothing:
        return {"nothing": str(nothing)}
    if isinstance(request, Sighting):
        return {"sighting": known_of(request)}
    return {"request": request.as_json(), "target_id": request.target_id}


def known_of(seen: Sighting) -> dict[str, Any]:
    """A sighting as JSON values, without what it leaves open."""
    known = {field.name: getattr(seen, field.name) for field in fields(seen)}
    return {
        name: iso(value)
        if isinstance(value, datetime)
        else asdict(value)
        if isinstance(value, TableRef | Overrides)
        else value
        for name, value in known.items()
        if value not in (None, Overrides(), ())
    }


@pytest.mark.parametrize("name", NAMES)
def test_event_is_parsed_as_expected(name: str) -> None:
    body = (EVENTS / f"{name}.json").read_text()
    assert json.loads(json.dumps(outcome_of(body))) == event(f"{name}.expected")


def test_every_expectation_belongs_to_an_event() -> None:
    expected = {path.name.removesuffix(".expected.json") for path in EVENTS.glob("*.expected.json")}
    assert expected == set(NAMES)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "malformed_json"),
        ("{", "malformed_json"),
        ("restore orders, please", "malformed_json"),
        ("[" * 100_000, "malformed_json"),
        ("9" * 5_000, "malformed_json"),
        ("null", "missing_field"),
        ("[]", "missing_field"),
        ('"orders"', "missing_field"),
        ("{}", "missing_field"),
        ('{"detail": null}', "missing_field"),
        ('{"detail": []}', "missing_field"),
        ('{"detail": {}}', "unknown_event"),
        ('{"detail": {"eventSource": "dynamodb.amazonaws.com", "eventName": {}}}', "unknown_event"),
    ],
)
def test_body_that_is_no_event_is_refused_with_a_reason(body: str, reason: str) -> None:
    with pytest.raises(RequestError) as caught:
        parse_message(body)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("field", "value", "reason", "detail"),
    [
        ("eventID", None, "missing_field", "detail.eventID is missing or not text"),
        ("eventTime", 5, "missing_field", "detail.eventTime is missing or not text"),
        ("awsRegion", None, "missing_field", "detail.awsRegion is missing or not text"),
        ("requestParameters", "orders", "missing_field", "detail.requestParameters is str, not an object"),
        ("eventTime", "soon", "malformed_time", "not a time: 'soon'"),
    ],
)
def test_reason_names_the_field(field: str, value: Any, reason: str, detail: str) -> None:
    damaged = event("by_name_latest_iam_user")
    damaged["detail"][field] = value
    with pytest.raises(RequestError) as caught:
        parse_event(damaged)
    assert (caught.value.reason, str(caught.value)) == (reason, detail)


def test_texts_for_people_hold_no_character_that_a_message_attribute_refuses() -> None:
    damaged = event("other_call")
    damaged["detail"]["eventName"] = "Restore\x00\x1b[2J"
    with pytest.raises(RequestError) as caught:
        parse_event(damaged)
    assert str(caught.value) == "not a restore call: 'dynamodb.amazonaws.com' 'Restore\\x00\\x1b[2J'"


def test_the_arn_wins_over_the_name() -> None:
    both = event("by_arn_cloudtrail_time_narrow_space")
    both["detail"]["requestParameters"]["sourceTableName"] = "other"
    request = parse_event(both)
    assert isinstance(request, RestoreRequest)
    assert request.source.name == "orders"


@given(st.text() | json_values.map(json.dumps))
def test_any_body_is_refused_with_a_reason(body: str) -> None:
    assert "error" in outcome_of(body)


@given(damaged_events())
def test_a_damaged_event_is_a_request_or_refused(damaged: Any) -> None:
    outcome = outcome_of(json.dumps(damaged))
    if "request" in outcome:
        assert json.loads(json.dumps(outcome["request"])) == outcome["request"]
        assert len(outcome["request"]["target"]) >= 3


@pytest.mark.parametrize(
    ("restore_point", "earliest"),
    [
        (REQUESTED_AT - timedelta(hours=2), REQUESTED_AT - timedelta(hours=2)),
        # "The latest" lies minutes before the call; AWS tells it later.
        (None, REQUESTED_AT - timedelta(minutes=15)),
    ],
)
def test_the_earliest_restore_point_is_never_after_the_real_one(
    restore_point: datetime | None, earliest: datetime
) -> None:
    assert request(restore_point=restore_point).earliest_restore_point == RestorePoint(
        earliest, of_backup=False
    )
