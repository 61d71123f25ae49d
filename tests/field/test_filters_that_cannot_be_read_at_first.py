"""Lambda tells the filter of a trigger that a customer key encrypts only to who may use the key, and only while KMS answers: a
throttle, or a key policy that was mended later, gave `FilterCriteriaError` at the first look. That was kept, never read again, and
the trigger was left out for good."""

from __future__ import annotations

from typing import Any

import pytest

from dynamodb_restore.restore.delivery import Finished
from dynamodb_restore.settings.setting import completed
from tests.field.test_triggers_that_begin_late import INDEX, Replayed
from tests.hazards.reporting import by_setting
from tests.unit.changes.house import STREAM, House
from tests.unit.fakes import Aws, function_arn

FILTER = {"Filters": [{"Pattern": '{"eventName": ["REMOVE"]}'}]}
THROTTLED = {"ErrorCode": "KMSThrottlingException", "Message": "Rate exceeded"}
OTHER = function_arn("other")


@pytest.fixture
def replayed(house: House) -> Replayed:
    """A restore that replays, and whose source has a trigger with an encrypted filter that KMS is too busy for."""
    restore = Replayed(house)
    encrypted(house.aws).update(KMSKeyArn="key", FilterCriteriaError=THROTTLED)
    house.aws.triggers.put(STREAM, OTHER)
    verdict = restore.follow()
    assert isinstance(verdict, Finished)
    return restore


def encrypted(aws: Aws) -> dict[str, Any]:
    """The source's mapping with the encrypted filter."""
    (mapping,) = (each for each in aws.triggers.mappings if each["FunctionArn"] == INDEX)
    return mapping


def readable(aws: Aws) -> None:
    del encrypted(aws)["FilterCriteriaError"]
    encrypted(aws)["FilterCriteria"] = FILTER


def kept(replayed: Replayed) -> Any:
    claim = replayed.house.claims.current()
    assert claim is not None
    record = replayed.house.actions.record(claim)
    assert record is not None
    return record.settings["stream_triggers"]


def test_the_state_on_record_says_that_it_is_incomplete(replayed: Replayed) -> None:
    assert kept(replayed)["incomplete"] is True


def test_at_cutover_it_is_read_again(replayed: Replayed) -> None:
    readable(replayed.house.aws)
    report = replayed.cut_over()
    assert (report["result"], report["left_out"]) == ("synced", [])
    assert set(replayed.triggers) == {INDEX, OTHER}
    (made,) = (
        each
        for each in replayed.house.aws.triggers.mappings
        if each["FunctionArn"] == INDEX and each["EventSourceArn"] != STREAM
    )
    assert made["FilterCriteria"] == FILTER


def test_what_was_kept_of_the_others_stays(replayed: Replayed) -> None:
    """The source's triggers are switched off by then, most likely: its writers stand still."""
    aws = replayed.house.aws
    readable(aws)
    for mapping in aws.triggers.mappings:
        if mapping["FunctionArn"] == OTHER:
            mapping["State"] = "Disabled"
    replayed.cut_over()
    (made,) = (
        each
        for each in aws.triggers.mappings
        if each["FunctionArn"] == OTHER and each["EventSourceArn"] != STREAM
    )
    assert made["State"] == "Enabled"


def test_where_it_cannot_be_read_still_it_is_left_out_with_its_reason(replayed: Replayed) -> None:
    report = replayed.cut_over()
    assert report["left_out"] == ["stream_triggers"]
    assert (
        "its encrypted filter cannot be read: Rate exceeded"
        in by_setting(report)["stream_triggers"]["omitted"][0]
    )
    assert set(replayed.triggers) == {OTHER}


def test_where_the_source_cannot_be_read_now_what_was_kept_holds(replayed: Replayed, aws: Aws) -> None:
    aws.fail("ListEventSourceMappings", "AccessDeniedException", "no")
    report = replayed.cut_over()
    assert (report["result"], report["left_out"]) == ("synced", ["stream_triggers"])
    assert set(replayed.triggers) == {OTHER}


def test_where_the_source_is_gone_what_was_kept_holds(replayed: Replayed, aws: Aws) -> None:
    aws.describe_as("orders", TableId="another", CreationDateTime=replayed.house.instant())
    report = replayed.cut_over()
    assert report["left_out"] == ["stream_triggers"]
    assert set(replayed.triggers) == {OTHER}


def test_each_delivery_reads_it_again_and_keeps_it(house: House) -> None:
    restore = Replayed(house)
    encrypted(house.aws).update(KMSKeyArn="key", FilterCriteriaError=THROTTLED)
    house.aws.describe_as("orders-restored", TableStatus="CREATING")
    restore.follow()
    readable(house.aws)
    house.aws.describe_as("orders-restored", TableStatus="ACTIVE")
    restore.follow()
    state = kept(restore)
    assert "incomplete" not in state
    assert state["triggers"][INDEX]["properties"]["FilterCriteria"] == FILTER


def test_a_part_that_is_gone_stays_unreadable() -> None:
    before = {"triggers": {"a": {"unreadable": "why"}, "b": {"enabled": True}}, "incomplete": True}
    now = {"triggers": {"b": {"enabled": False}}}
    assert completed(before, now) == before


def test_a_part_that_is_read_is_filled_in() -> None:
    before = {"triggers": {"a": {"unreadable": "why"}, "b": {"enabled": True}}, "incomplete": True}
    now = {"triggers": {"a": {"enabled": True}, "c": {}}}
    assert completed(before, now) == {"triggers": {"a": {"enabled": True}, "b": {"enabled": True}}}
