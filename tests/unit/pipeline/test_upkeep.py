"""The upkeep function by itself: what it notices, when it looks, and what it answers to what it cannot do."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dynamodb_restore.actions.cutover import CutoverRequest, cutover
from dynamodb_restore.actions.status import status
from dynamodb_restore.config import ConfigError
from dynamodb_restore.pipeline.claim import Captured, ClaimState
from tests.unit.changes.house import CAPTURE, DAY, RESTORE_ID, STREAM, House
from tests.unit.changes.makers import NOON, RESTORE_TABLE, key, put

NEW_STREAM = STREAM.replace("2026-11-01", "2026-11-22")


NOTHING = {
    "misdirected": None,
    "settled": {"rewritten": 0, "quarantined": 0, "left": 0, "problem": None},
    "late_changes": 0,
}


def live_stream(house: House, arn: str) -> None:
    house.aws.describe_as("orders", LatestStreamArn=arn, StreamSpecification={"StreamEnabled": True})


def published(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    return [line for line in lines if "_aws" in line]


def test_capture_that_reads_another_stream_is_counted_for_the_alarm(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the metric, the namespace and the dimensions that modules/change-pipeline/alarms.tf looks at."""
    house.register("always")
    live_stream(house, NEW_STREAM)

    found = house.upkeep("upkeep")["misdirected"]

    assert found.startswith(f"capture reads {STREAM}, and the stream of orders is {NEW_STREAM} now")
    (metric,) = published(capsys)
    assert metric["CaptureMisdirected"] == [1.0]
    (directive,) = metric["_aws"]["CloudWatchMetrics"]
    assert sorted(directive["Dimensions"][0]) == ["service", "table"]
    assert metric["table"] == "orders"


@pytest.mark.parametrize("mode", ["always", "on_restore"])
def test_capture_that_reads_the_live_stream_is_not_counted(
    house: House, capsys: pytest.CaptureFixture[str], mode: str
) -> None:
    house.register(mode)
    house.claim()
    live_stream(house, STREAM)

    assert house.upkeep("upkeep") == NOTHING
    assert published(capsys) == []


def test_a_pipeline_that_need_not_capture_now_is_not_looked_at(house: House) -> None:
    live_stream(house, NEW_STREAM)

    assert house.upkeep("upkeep") == NOTHING
    assert house.aws.named("DescribeTable") == []


def test_while_a_restore_owns_the_pipeline_it_is_looked_at(house: House) -> None:
    house.claim()
    live_stream(house, NEW_STREAM)

    assert NEW_STREAM in house.upkeep("upkeep")["misdirected"]


def test_a_mapping_or_a_table_that_is_gone_is_found(house: House) -> None:
    house.register("always")
    live_stream(house, STREAM)
    house.aws.fail("GetEventSourceMapping", "ResourceNotFoundException")
    assert house.upkeep("upkeep")["misdirected"].startswith(f"the capture mapping {CAPTURE} does not exist")

    house.clients.dynamodb.delete_table(TableName="orders")
    assert house.upkeep("upkeep")["misdirected"].startswith("table orders does not exist any more")


@pytest.mark.parametrize(
    ("mode", "state", "then"),
    [
        ("always", "Disabled", "Enabled"),
        ("always", "Enabled", "Enabled"),
        ("on_restore", "Enabled", "Disabled"),
        ("on_restore", "Disabled", "Disabled"),
    ],
)
def test_another_capture_mode_is_carried_out(house: House, mode: str, state: str, then: str) -> None:
    """Terraform changes the registration and leaves the mapping alone. The pause is remembered: `since` begins anew."""
    house.register(mode)
    live_stream(house, STREAM)
    house.captured(5)
    house.switch(CAPTURE, state)

    assert house.upkeep("upkeep") == NOTHING
    assert house.states()[0] == then
    captured, _ = house.pipeline.progress()
    assert (captured.since is None) is (state != then)


@pytest.mark.parametrize(
    ("claimed", "then"),
    [
        (ClaimState.CAPTURING, "Enabled"),
        (ClaimState.REPLAYING, "Enabled"),
        (ClaimState.CUTTING_OVER, "Disabled"),
        (ClaimState.ABANDONING, "Disabled"),
    ],
)
def test_capture_that_a_restore_needs_is_switched_on(house: House, claimed: ClaimState, then: str) -> None:
    house.claim(claimed)
    live_stream(house, STREAM)
    assert house.upkeep("upkeep") == NOTHING
    assert house.states()[0] == then


def test_a_restore_that_comes_or_ends_while_capture_is_switched_has_the_last_word(house: House) -> None:
    house.switch(CAPTURE, "Enabled")
    claim = house.claim()
    house.pipeline.capture_switch.keep_as_needed(None)
    assert house.states()[0] == "Enabled"

    house.switch(CAPTURE, "Disabled")
    house.claims.release(claim)
    house.pipeline.capture_switch.keep_as_needed(claim)
    assert house.states()[0] == "Disabled"


def test_a_mapping_that_is_gone_is_no_matter_while_nobody_needs_it(house: House) -> None:
    house.aws.fail("GetEventSourceMapping", "ResourceNotFoundException")
    assert house.upkeep("upkeep") == NOTHING


def test_a_switch_that_fails_is_an_error_of_the_function(house: House) -> None:
    house.aws.fail("GetEventSourceMapping", "AccessDeniedException")
    with pytest.raises(ClientError):
        house.upkeep("upkeep")


def test_a_look_that_fails_is_an_error_of_the_function(house: House) -> None:
    """Which its alarm counts."""
    house.register("always")
    house.aws.fail("GetEventSourceMapping", "AccessDeniedException")

    with pytest.raises(ClientError):
        house.upkeep("upkeep")


NAMES = "one of upkeep, repair, bring_in"
SECONDS = '"seconds": send a number from 0 to 900'


@pytest.mark.parametrize(
    ("event", "error"),
    [
        ({}, f'send "action": {NAMES}'),
        ({"action": None}, f"unknown action None: send {NAMES}"),
        ({"action": ["upkeep"]}, f"unknown action ['upkeep']: send {NAMES}"),
        ({"action": "status"}, f"unknown action 'status': send {NAMES}"),
        ({"action": "repair", "seconds": "many"}, SECONDS),
        ({"action": "bring_in", "seconds": True}, SECONDS),
        ({"action": "bring_in", "seconds": None}, SECONDS),
        ({"action": "bring_in", "seconds": -1}, SECONDS),
        ({"action": "repair", "table": "orders"}, '`repair` takes no field "table": send action, seconds'),
    ],
)
def test_bad_input_is_answered_with_what_to_send(house: House, event: dict[str, Any], error: str) -> None:
    assert house.invoked_upkeep(event) == {"error": error}


def test_a_pipeline_that_is_not_registered_says_what_to_do(house: House) -> None:
    house.clients.dynamodb.delete_item(
        TableName=RESTORE_TABLE, Key={"pk": {"S": "pipeline#orders"}, "sk": {"S": "registration"}}
    )

    assert house.invoked_upkeep({"action": "upkeep"}) == {
        "error": "orders has no pipeline: run `terraform apply` again"
    }


def test_without_its_environment_it_fails(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GROUP_COUNT")

    with pytest.raises(ConfigError, match="GROUP_COUNT"):
        house.upkeep("upkeep")


@pytest.mark.parametrize("seconds", [0, 20, 35.9])
def test_a_caller_that_does_not_wait_long_enough_is_told_to_call_again(house: House, seconds: float) -> None:
    """Calls of AWS that hang may take half a minute, and the caller would not see the answer."""
    house.replaying()
    house.quarantine.add(put("a"), "wrong type")

    answer = house.invoked_upkeep({"action": "repair", "seconds": seconds})

    assert answer == {
        "repaired": 0,
        "refused": [],
        "more_refused": 0,
        "more": True,
        "next": "repair again",
    }
    assert house.invoked_upkeep({"action": "repair", "seconds": 285})["repaired"] == 1


def test_repair_goes_on_where_the_last_call_ran_out_of_time(house: House) -> None:
    house.replaying()
    for number in range(5):
        house.quarantine.add(put(f"{number}"), "wrong type")
    looks = iter([True, True, False])

    assert house.upkeep("repair", enough_time=lambda: next(looks))["repaired"] == 2
    assert house.upkeep("repair")["repaired"] == 3


def test_items_that_are_still_refused_do_not_keep_others_from_their_turn(house: House) -> None:
    """Each call has time for two of ten items, nine of which are refused whenever they are tried."""
    house.replaying()
    for number in range(10):
        house.clients.dynamodb.put_item(TableName="orders", Item={"id": {"S": f"{number}"}})
        house.quarantine.add(put(f"{number}"), "wrong type")
    answer = house.aws.answer

    def refusing(client: Any, operation: str, parameters: dict[str, Any], otherwise: Any) -> Any:
        to_target = operation == "PutItem" and parameters["TableName"] == "orders-restored"
        if to_target and parameters["Item"]["id"]["S"] != "7":
            house.aws.fail("PutItem", "ValidationException", "wrong type")
        return answer(client, operation, parameters, otherwise)

    repaired = 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(house.aws, "answer", refusing)
        for _ in range(200):
            looks = iter([True, True, False])
            repaired += house.upkeep("repair", enough_time=looks.__next__)["repaired"]
            if repaired:
                break
    assert repaired == 1


def test_a_long_list_of_refused_items_is_shown_in_part(house: House) -> None:
    house.replaying()
    for number in range(103):
        house.clients.dynamodb.put_item(TableName="orders", Item={"id": {"S": f"{number}"}})
        house.quarantine.add(put(f"{number}"), "wrong type")
    house.aws.fail("PutItem", "ValidationException", "wrong type", times=103)

    answer = house.upkeep("repair")

    assert (len(answer["refused"]), answer["more_refused"]) == (100, 3)


# After a cutover


def cut_over(house: House, *, until: int, changes: int) -> None:
    """A restore that was cut over when this many changes had been captured, and is watched until then."""
    house.replaying()
    claim = house.claims.current()
    assert claim is not None
    watched = Captured(until, changes)
    assert house.claims.update(replace(claim, state=ClaimState.WATCHING, watched=watched)) is not None


def late_changes(house: House) -> str | None:
    item = house.clients.dynamodb.get_item(
        TableName=RESTORE_TABLE,
        Key={"pk": {"S": "target#orders-restored"}, "sk": {"S": f"restore#{RESTORE_ID}"}},
    )["Item"]
    return item["late_changes"]["N"] if "late_changes" in item else None


def test_changes_after_a_cutover_raise_the_alarm_and_are_noted_while_it_is_watched(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    cut_over(house, until=NOON + 3650 * DAY, changes=7)
    house.captured(5, changes=9)

    assert house.upkeep("upkeep")["late_changes"] == 2
    (metric,) = published(capsys)
    assert (metric["ChangesAfterCutover"], metric["table"]) == ([2.0], "orders")
    assert late_changes(house) == "2"
    assert house.states()[0] == "Enabled"
    assert house.claims.current() is not None


@pytest.mark.parametrize(("mode", "capture"), [("on_restore", "Disabled"), ("always", "Enabled")])
def test_the_watch_ends_with_its_time(
    house: House, capsys: pytest.CaptureFixture[str], mode: str, capture: str
) -> None:
    house.register(mode)
    cut_over(house, until=NOON, changes=7)
    house.captured(5, changes=7)

    assert house.upkeep("upkeep") == NOTHING
    assert published(capsys) == []
    assert late_changes(house) is None
    assert house.states()[0] == capture
    assert house.claims.current() is None


def test_the_last_late_changes_are_noted_although_the_run_that_ends_the_watch_dies(house: House) -> None:
    """Once the claim is given back, nobody counts them again."""
    cut_over(house, until=NOON, changes=7)
    house.captured(5, changes=9)
    house.aws.fail("DeleteItem", "InternalServerError")
    with pytest.raises(ClientError):
        house.upkeep("upkeep")
    assert late_changes(house) == "2"

    assert house.upkeep("upkeep")["late_changes"] == 2
    assert house.claims.current() is None


def test_the_watch_does_not_end_before_late_changes_are_noted(house: House) -> None:
    cut_over(house, until=NOON, changes=7)
    house.captured(5, changes=9)
    # With this mode only the restore record is updated when the watch ends; before, the note on who owns the pipeline.
    house.register("always")
    house.aws.fail("UpdateItem", "InternalServerError", times=2)
    with pytest.raises(ClientError):
        house.upkeep("upkeep")

    assert house.claims.current() is not None


def test_late_changes_of_a_restore_whose_record_is_gone_make_no_record(house: House) -> None:
    cut_over(house, until=NOON + 3650 * DAY, changes=0)
    house.captured(5, changes=1)
    key: Any = {"pk": {"S": "target#orders-restored"}, "sk": {"S": f"restore#{RESTORE_ID}"}}
    house.clients.dynamodb.delete_item(TableName=RESTORE_TABLE, Key=key)

    house.upkeep("upkeep")

    assert "Item" not in house.clients.dynamodb.get_item(TableName=RESTORE_TABLE, Key=key)


# Writes in doubt


def in_doubt(house: House, name: str, *, sent_until: float) -> None:
    """The note of a replay invocation that was killed."""
    note = house.pipeline.doubts.note(RESTORE_ID, sent_until=sent_until, invocation=name)
    note.begin([key(name)])


def test_what_is_in_doubt_is_settled_from_the_source_once_nothing_can_land_any_more(house: House) -> None:
    house.replaying()
    for table, number in (("orders", "2"), ("orders-restored", "1")):
        house.clients.dynamodb.put_item(TableName=table, Item={**key("a"), "n": {"N": number}})
    in_doubt(house, "a", sent_until=NOON)
    in_doubt(house, "b", sent_until=time.time())

    assert house.upkeep("upkeep")["settled"] == {
        "rewritten": 1,
        "quarantined": 0,
        "left": 0,
        "problem": None,
    }
    found = house.clients.dynamodb.get_item(TableName="orders-restored", Key=key("a"))["Item"]
    assert found["n"] == {"N": "2"}
    assert [doubt.keys for doubt in house.pipeline.doubts.read()] == [(key("b"),)]


@pytest.mark.parametrize("state", [ClaimState.CUTTING_OVER, ClaimState.ABANDONING, ClaimState.WATCHING])
def test_the_target_of_a_restore_that_no_longer_replays_is_not_written(
    house: House, state: ClaimState
) -> None:
    house.claim(state=state)
    in_doubt(house, "a", sent_until=NOON)
    house.aws.calls.clear()

    assert house.upkeep("upkeep")["settled"] == NOTHING["settled"]
    assert not [call for call in house.aws.calls if call.parameters.get("TableName") == "orders-restored"]


def test_status_and_cutover_tell_of_writes_in_doubt(house: House) -> None:
    house.replaying()
    in_doubt(house, "a", sent_until=NOON + 59)

    answer = status(house.actions, house.pipeline)
    assert answer["in_doubt_until"] == "2026-11-22T12:16:00Z"
    assert [obstacle["code"] for obstacle in answer["obstacles"]] == ["in_doubt"]
    refused = cutover(house.actions, house.pipeline, CutoverRequest(settle_seconds=0))["refused"]
    assert [obstacle["code"] for obstacle in refused] == ["in_doubt"]


def test_doubts_of_an_earlier_restore_are_none_of_this_one(house: House) -> None:
    house.replaying()
    note = house.pipeline.doubts.note("restore-0", sent_until=NOON, invocation="old")
    note.begin([key("a")])

    assert status(house.actions, house.pipeline)["in_doubt_until"] is None


def test_status_and_cutover_tell_where_capture_is_stuck(house: House) -> None:
    house.replaying()
    house.pipeline.stuck.note("100", now=NOON - 60, reason="SendMessageBatch: AccessDenied: no", key=key("a"))
    house.pipeline.stuck.note("99", now=NOON - 3 * DAY, reason="before the window", key=key("b"))

    (obstacle,) = status(house.actions, house.pipeline)["obstacles"]
    assert obstacle == {
        "code": "capture_stuck",
        "reason": (
            "capture could not send 1 records, the first since 2026-11-22T11:59:00Z: SendMessageBatch: AccessDenied: no;"
            " where Lambda has given them up meanwhile, bring_in clears that"
        ),
    }
