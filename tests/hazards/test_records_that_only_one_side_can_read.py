"""Capture and replay disagree on what a change may be.

The stream's API calls the time optional, and JSON can say what UTF-8, DynamoDB or SQS cannot. What capture sends and
replay refuses is lost; what capture dies of blocks its shard until the stream drops it, a day later.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from dynamodb_restore.changes.change import Kind
from tests.hazards.capturing import changes, invoke
from tests.unit.changes.house import CAPTURE, FAILURES, House
from tests.unit.changes.makers import NOON, record


@pytest.mark.parametrize("time", [NOON * 1000 + 250, str(NOON), f"{NOON}.25", "2026-11-22T12:00:00Z"])
def test_a_time_in_another_form_is_the_time(capturing: House, time: Any) -> None:
    assert invoke([record("order#1", 1, time=time)]) is None

    (change,) = changes(capturing)
    assert (change.time, change.time_known) == (NOON, True)


def _without_time(data: dict[str, Any]) -> None:
    del data["ApproximateCreationDateTime"]


def _with_a_year(data: dict[str, Any]) -> None:
    data["ApproximateCreationDateTime"] = "in 2026"


@pytest.mark.parametrize("damage", [_without_time, _with_a_year])
def test_a_record_without_its_time_travels_and_says_so(
    capturing: House, damage: Callable[[dict[str, Any]], None]
) -> None:
    found = record("order#1", 1)
    damage(found["dynamodb"])

    assert invoke([found, record("order#1", 2)]) is None

    first, second = changes(capturing)
    assert (first.kind, first.time_known) == (Kind.PUT, False)
    assert first.time >= NOON
    assert second.time_known


@pytest.mark.parametrize(
    "value",
    [
        {"S": "half of \ud83d"},
        {"M": {"half of \ud83d": {"S": "a"}}},
        {"N": "NaN"},
        {"N": 1},
        {"NEW": "a type of next year"},
        {},
    ],
)
def test_an_image_that_replay_would_refuse_travels_as_its_key(capturing: House, value: Any) -> None:
    found = record("order#1", 1, odd=value)

    assert invoke([found, record("order#1", 2)]) is None

    first, second = changes(capturing)
    assert (first.kind, first.key) == (Kind.READ, {"id": {"S": "order#1"}})
    assert second.kind is Kind.PUT


@pytest.mark.parametrize("keys", [{"id": {"S": "half of \ud83d"}}, {"id": {"L": []}}, {}, None])
def test_a_record_whose_key_nobody_can_read_holds_up_nothing_and_is_not_forgotten(
    capturing: House, keys: Any
) -> None:
    found = record("order#1", 1)
    found["dynamodb"]["Keys"] = keys

    assert invoke([found, record("order#1", 2)]) is None

    (change,) = changes(capturing)
    assert change.sequence == "2"
    ((bucket, name), content), *others = capturing.aws.objects.contents.items()
    assert others == []
    # Where Lambda puts what it gives up: cutover lists it, and is refused.
    assert (bucket, name.startswith(f"aws/lambda/{CAPTURE}/")) == (FAILURES, True)
    assert json.loads(content)["record"] == found


def test_a_record_with_the_key_of_another_table_does_not_spoil_its_neighbours(capturing: House) -> None:
    stranger = record("order#1", 2, event="REMOVE")
    stranger["dynamodb"]["Keys"] = {"number": {"S": "order#1"}}
    neighbours = [record(f"order#{number}", 10 + number) for number in range(40)]

    assert invoke([stranger, *neighbours]) is None

    assert {change.sequence for change in changes(capturing)} >= {"2"}
