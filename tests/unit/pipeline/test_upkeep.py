"""The upkeep function by itself: what it notices, when it looks, and what it answers to what it cannot do."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dynamodb_restore.config import ConfigError
from tests.unit.changes.house import CAPTURE, STREAM, House
from tests.unit.changes.makers import RESTORE_TABLE, put

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


def test_a_look_that_fails_is_an_error_of_the_function(house: House) -> None:
    """Which its alarm counts."""
    house.register("always")
    house.aws.fail("GetEventSourceMapping", "AccessDeniedException")

    with pytest.raises(ClientError):
        house.upkeep("upkeep")


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"action": None},
        {"action": ["upkeep"]},
        {"action": "status"},
        {"action": "repair", "seconds": "many"},
        {"action": "bring_in", "seconds": True},
        {"action": "bring_in", "seconds": None},
    ],
)
def test_bad_input_is_answered_with_what_to_send(house: House, event: dict[str, Any]) -> None:
    answer = house.invoked_upkeep(event)

    assert (
        "send upkeep, repair or bring_in" in answer["error"]
        or '"seconds" must be a number' in answer["error"]
    )


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


@pytest.mark.parametrize("seconds", [0, 60, 79.9])
def test_a_caller_that_does_not_wait_long_enough_is_told_to_call_again(house: House, seconds: float) -> None:
    """A call of AWS may take more than a minute, and the caller would not see the answer."""
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
