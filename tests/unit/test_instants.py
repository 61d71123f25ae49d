"""Times, in every rendering in which they come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given

from dynamodb_restore.instants import TimeError, from_iso, iso, iso_of, parse_time, stream_label_time
from tests.unit.strategies import time_texts


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
    with pytest.raises(TimeError, match=r"^not a time: "):
        parse_time(value)


def test_an_instant_is_written_in_utc_to_the_second() -> None:
    in_zurich = datetime(2026, 11, 22, 8, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=1)))
    assert iso(in_zurich) == "2026-11-22T07:00:00Z"


@given(time_texts)
def test_any_text_is_a_time_in_utc_or_refused(text: str) -> None:
    try:
        instant = parse_time(text)
    except TimeError:
        return
    assert instant.tzinfo is UTC


def test_what_is_written_is_read() -> None:
    assert from_iso("2026-11-22T07:00:00Z") == datetime(2026, 11, 22, 7, tzinfo=UTC)
    assert from_iso("2026-11-22T07:00:00") == datetime(2026, 11, 22, 7, tzinfo=UTC)
    assert iso(from_iso("2026-11-22T08:00:00+01:00")) == "2026-11-22T07:00:00Z"
    assert (iso_of(0), iso_of(None)) == ("1970-01-01T00:00:00Z", None)


def test_the_label_of_a_stream_tells_when_it_was_made() -> None:
    table = "arn:aws:dynamodb:eu-central-1:123456789012:table/orders"
    assert stream_label_time(f"{table}/stream/1970-01-01T00:01:00.500") == 60
    assert stream_label_time(table) == 0
