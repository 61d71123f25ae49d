from __future__ import annotations

from dynamodb_restore.changes.stuck import Stuck
from tests.unit.changes.house import House
from tests.unit.changes.makers import NOON, RESTORE_TABLE, key


def test_a_mark_keeps_its_first_time_and_tells_the_last(house: House) -> None:
    house.stuck.note("7", now=NOON, reason="first", key=key("a"))
    house.stuck.note("8", now=NOON + 1, reason="other", key=None)
    house.stuck.note("7", now=NOON + 60, reason="last", key=key("a"))

    marks = house.stuck.read()

    assert marks.keys() == {"7", "8"}
    assert (marks["7"].since, marks["7"].noted_at, marks["7"].reason) == (NOON, NOON + 60, "last")
    assert len(marks["7"].item) == 64
    assert marks["8"] == Stuck(NOON + 1, NOON + 1, "other", "")


def test_a_reason_is_cut(house: House) -> None:
    house.stuck.note("7", now=NOON, reason="x" * 1000, key=None)

    assert house.stuck.read()["7"].reason == "x" * 200


def test_what_is_cleared_is_gone_and_the_rest_stays(house: House) -> None:
    for number in range(30):
        house.stuck.note(str(number), now=NOON, reason="", key=None)

    house.stuck.clear(str(number) for number in range(25))

    assert house.stuck.read().keys() == {"25", "26", "27", "28", "29"}


def test_nothing_is_written_where_there_is_nothing_to_clear(house: House) -> None:
    house.aws.calls.clear()

    house.stuck.clear([])

    assert house.aws.calls == []
    assert house.stuck.read() == {}


def test_marks_expire_and_belong_to_one_buffer(house: House) -> None:
    house.stuck.note("7", now=NOON, reason="", key=None)

    item = house.clients.dynamodb.get_item(
        TableName=RESTORE_TABLE, Key={"pk": {"S": "pipeline#orders"}, "sk": {"S": "stuck#buffer-1"}}
    )["Item"]
    assert item["expires_at"] == {"N": str(NOON + 35 * 86_400)}
