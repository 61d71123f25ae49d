"""Every event of `tests/events` is parsed as its `.expected.json` says; adding a pair of files adds a test.

Expected is one of `{"request": RestoreRequest.as_json, "target_id": …}`, `{"sighting": what is known}`,
`{"error": reason}`, `{"nothing": text}`.
"""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_restore.aws import TableRef
from dynamodb_restore.instants import iso
from dynamodb_restore.pipeline.boundary import RestorePoint
from dynamodb_restore.restore.request import (
    NothingToFollow,
    RequestError,
    RestoreRequest,
    Sighting,
    parse_event,
    parse_message,
    parse_time,
)
from dynamodb_restore.settings.setting import Overrides
from tests.unit.builders import EVENTS, REQUESTED_AT, event, request
from tests.unit.strategies import damaged_events, json_values, time_texts

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


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1795330800, "2026-11-22T07:00:00Z"),
        (1795330800.9, "2026-11-22T07:00:00Z"),
        (1795330800000, "2026-11-22T07:00:00Z"),
        ("1795330800", "2026-11-22T07:00:00Z"),
        ("1.7953308E9", "2026-11-22T07:00:00Z"),
        ("1.7953308e+12", "2026-11-22T07:00:00Z"),
        ("2026-11-22T07:00:00Z", "2026-11-22T07:00:00Z"),
        ("2026-11-22T07:00:00.123Z", "2026-11-22T07:00:00Z"),
        ("2026-11-22T07:00:00", "2026-11-22T07:00:00Z"),
        ("2026-11-22 08:00:00+01:00", "2026-11-22T07:00:00Z"),
        ("Nov 22, 2026, 7:00:00 AM", "2026-11-22T07:00:00Z"),
        ("Nov 22, 2026, 7:00:00\u202fAM", "2026-11-22T07:00:00Z"),
        ("Nov 22, 2026, 7:00:00\u00a0AM", "2026-11-22T07:00:00Z"),
        ("Nov 22, 2026 07:00:00 AM", "2026-11-22T07:00:00Z"),
        ("Nov 22, 2026, 12:00:00 AM", "2026-11-22T00:00:00Z"),
        ("Nov 22, 2026, 12:00:00 PM", "2026-11-22T12:00:00Z"),
        ("  Nov 2, 2026, 11:59:59 PM ", "2026-11-02T23:59:59Z"),
    ],
)
def test_each_rendering_of_a_time_is_read(value: Any, expected: str) -> None:
    assert iso(parse_time(value)) == expected


@pytest.mark.parametrize(
    "value",
    [
        "",
        "soon",
        "Nov 22, 2026, 13:00:00 PM",
        "Feb 30, 2026, 1:00:00 AM",
        "-1",
        "1e999",
        "9e40",
        None,
        [],
        True,
        "0001-01-01T00:00:00+14:00",
    ],
)
def test_anything_else_is_no_time(value: Any) -> None:
    with pytest.raises(RequestError) as caught:
        parse_time(value)
    assert caught.value.reason == "malformed_time"


def test_an_instant_is_written_in_utc_to_the_second() -> None:
    in_zurich = datetime(2026, 11, 22, 8, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=1)))
    assert iso(in_zurich) == "2026-11-22T07:00:00Z"


@given(time_texts)
def test_any_text_is_a_time_in_utc_or_refused(text: str) -> None:
    try:
        instant = parse_time(text)
    except RequestError:
        return
    assert instant.tzinfo is UTC


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
