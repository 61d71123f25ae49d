from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from dynamodb_restore.changes.change import (
    Change,
    Kind,
    MalformedChangeError,
    change_of,
    check_value,
    is_expiry,
    item_id,
    sdk_attributes,
    sequence_of,
)
from tests.unit.changes.makers import NOON, expiry, key, record, values

LATER = NOON + 60
"""When the records are captured."""


def test_a_write_is_a_put_of_the_new_image() -> None:
    found = change_of(record("a", 7, time=NOON + 0.9, total={"N": "3"}), LATER)

    assert found == Change(
        Kind.PUT, {"id": {"S": "a"}}, {"id": {"S": "a"}, "total": {"N": "3"}}, "7", 1795348800
    )


def test_a_removal_is_a_delete() -> None:
    assert change_of(record("a", 7, event="REMOVE"), LATER) == Change(Kind.DELETE, key("a"), None, "7", NOON)


@pytest.mark.parametrize("event", ["INSERT", "MODIFY"])
@pytest.mark.parametrize("old", [{}, {"OldImage": {"id": {"S": "a"}, "total": {"N": "2"}}}])
def test_a_write_without_a_new_image_is_to_be_read(event: str, old: dict[str, Any]) -> None:
    """KEYS_ONLY and OLD_IMAGE streams."""
    found = record("a", 7, event=event)
    del found["dynamodb"]["NewImage"]
    found["dynamodb"] |= old

    assert change_of(found, LATER) == Change(Kind.READ, key("a"), None, "7", NOON)


@pytest.mark.parametrize("event", [None, "TRUNCATE", 7])
def test_a_record_that_is_called_something_else_travels_as_its_key(event: Any) -> None:
    found = change_of({**record("a", 7), "eventName": event}, LATER)

    assert found == Change(Kind.READ, key("a"), None, "7", NOON)


def test_an_image_that_is_none_travels_as_its_key() -> None:
    found = record("a", 7)
    found["dynamodb"]["NewImage"] = ["no", "image"]

    assert change_of(found, LATER).kind is Kind.READ


@pytest.mark.parametrize("found", [{}, {"dynamodb": None}, {"dynamodb": {}}, {"dynamodb": "x"}, [], None])
def test_a_record_without_a_key_is_malformed(found: Any) -> None:
    with pytest.raises(MalformedChangeError):
        change_of(found, LATER)


@pytest.mark.parametrize("sequence", [None, 7, "", "half of \ud83d", "1" * 65])
def test_a_sequence_number_that_is_none_is_empty(sequence: Any) -> None:
    found = record("a", 7)
    found["dynamodb"]["SequenceNumber"] = sequence

    assert change_of(found, LATER).sequence == ""
    assert sequence_of({"dynamodb": None}) == ""


@pytest.mark.parametrize(
    "time",
    [
        NOON,
        NOON + 0.75,
        NOON * 1000 + 999,
        NOON * 1000 + 999.75,
        str(NOON),
        f"{NOON}.75",
        f"{NOON}999",
        f"{NOON}999.99999999999999999999999999",
        "1.7953488E9",
        "2026-11-22T12:00:00Z",
        "2026-11-22T13:00:00.5+01:00",
    ],
)
def test_a_time_is_read_in_each_form_and_never_rounded_up(time: Any) -> None:
    found = change_of(record("a", 7, time=time), LATER)

    assert (found.time, found.time_known) == (NOON, True)


@pytest.mark.parametrize(
    "time",
    [
        None,
        True,
        "",
        "soon",
        "NaN",
        "sNaN",
        "1E999999",
        "half of \ud83d",
        "2026-11-22T12:00:00",
        "0001-01-01T00:00:00+14:00",
        float("nan"),
        float("inf"),
        -1,
        2**40 * 1000,
        10**400,
        [NOON],
        {"N": "1"},
    ],
)
def test_what_tells_no_time_leaves_the_change_no_younger_than_its_capture(time: Any) -> None:
    found = change_of(record("a", 7, time=time), LATER)

    assert (found.time, found.time_known) == (LATER, False)


def test_a_record_need_not_tell_its_time() -> None:
    found = record("a", 7)
    del found["dynamodb"]["ApproximateCreationDateTime"]

    assert change_of(found, LATER) == Change(Kind.PUT, key("a"), key("a"), "7", LATER, time_known=False)


def test_a_change_by_its_key_keeps_what_is_known_of_its_time() -> None:
    found = Change(Kind.PUT, key("a"), key("a"), "7", NOON, time_known=False)

    assert found.without_image() == Change(Kind.READ, key("a"), None, "7", NOON, time_known=False)
    assert found.with_image_in("x").without_image() == found.without_image()


@pytest.mark.parametrize(
    "keys", [{}, None, "id", {"id": "a"}, {"id": {"M": {}}}, {"id": {"S": 5}}, {"id": {"N": "many"}}]
)
def test_a_record_with_a_key_that_is_none_is_malformed(keys: Any) -> None:
    found = record("a", 7)
    found["dynamodb"]["Keys"] = keys

    with pytest.raises(MalformedChangeError):
        change_of(found, LATER)


def test_only_a_delete_by_the_service_is_an_expiry() -> None:
    assert is_expiry(expiry("a", 1), None)
    # As docs/changes.md says that it is brought in again.
    assert is_expiry({**expiry("a", 1), "eventName": "MODIFY"}, None)
    assert not is_expiry(record("a", 1, event="REMOVE"), None)
    assert not is_expiry({**record("a", 1, event="REMOVE"), "userIdentity": None}, None)
    assert not is_expiry(
        {**expiry("a", 1), "userIdentity": {"type": "Service", "principalId": "other"}}, None
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"id": {"N": "1.50"}}, {"id": {"N": "1.5"}}),
        ({"id": {"N": "100"}}, {"id": {"N": "1E+2"}}),
        ({"id": {"N": "0"}}, {"id": {"N": "-0.0"}}),
        ({"id": {"B": "AAEC"}}, {"id": {"B": b"\x00\x01\x02"}}),
        ({"a": {"S": "x"}, "b": {"N": "1"}}, {"b": {"N": "1"}, "a": {"S": "x"}}),
    ],
)
def test_equal_keys_have_one_id(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert item_id(one) == item_id(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"id": {"S": "1"}}, {"id": {"N": "1"}}),
        ({"id": {"S": "AAEC"}}, {"id": {"B": "AAEC"}}),
        ({"a": {"S": "x"}, "b": {"S": "y"}}, {"a": {"S": "y"}, "b": {"S": "x"}}),
        (
            {"id": {"N": "12345678901234567890123456789012345678"}},
            {"id": {"N": "12345678901234567890123456789012345679"}},
        ),
    ],
)
def test_different_keys_have_different_ids(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert item_id(one) != item_id(other)


def test_ids_stay_as_they_are() -> None:
    """The group of an item is made from its id: another id while changes are buffered would break order."""
    assert item_id({"sk": {"N": "10.0"}, "pk": {"S": "ä"}}) == '[["pk","S","\\u00e4"],["sk","N","1E+1"]]'


def test_binary_becomes_bytes_at_any_depth_and_nothing_else_changes() -> None:
    attributes: dict[str, dict[str, Any]] = {
        "b": {"B": "AAEC"},
        "bs": {"BS": ["AA==", "/w=="]},
        "deep": {"M": {"list": {"L": [{"B": "/w=="}, {"N": "12345678901234567890123456789012345678"}]}}},
        "s": {"S": "AAEC"},
        "rest": {"L": [{"NULL": True}, {"BOOL": False}, {"SS": ["a"]}, {"NS": ["1.10"]}]},
    }

    assert sdk_attributes(attributes) == {
        "b": {"B": b"\x00\x01\x02"},
        "bs": {"BS": [b"\x00", b"\xff"]},
        "deep": {"M": {"list": {"L": [{"B": b"\xff"}, {"N": "12345678901234567890123456789012345678"}]}}},
        "s": {"S": "AAEC"},
        "rest": {"L": [{"NULL": True}, {"BOOL": False}, {"SS": ["a"]}, {"NS": ["1.10"]}]},
    }


@given(values)
def test_every_value_of_a_stream_passes_the_check(value: dict[str, Any]) -> None:
    check_value(value)


def test_a_value_is_read_as_deep_as_dynamodb_has_it_and_no_deeper_than_the_stack() -> None:
    def nested(levels: int) -> dict[str, Any]:
        value: dict[str, Any] = {"S": "a"}
        for _ in range(levels):
            value = {"L": [value]}
        return value

    check_value(nested(32))
    with pytest.raises(MalformedChangeError, match="more than 100 levels"):
        check_value(nested(5000))


@pytest.mark.parametrize(
    "value",
    [
        None,
        "S",
        {},
        {"S": "a", "N": "1"},
        {"S": 1},
        {"S": "half of \ud83d"},
        {"SS": ["half of \ud83d"]},
        {"M": {"half of \ud83d": {"S": "a"}}},
        {"N": "\ud83d"},
        {"N": 1},
        {"N": ""},
        {"N": "NaN"},
        {"N": "sNaN"},
        {"N": "1E999999999"},
        {"B": "not base64"},
        {"B": "ä"},
        {"BOOL": "true"},
        {"NULL": False},
        {"SS": []},
        {"SS": "ab"},
        {"NS": ["1", "x"]},
        {"BS": ["!"]},
        {"L": {"S": "a"}},
        {"L": [{"S": 1}]},
        {"M": {"a": "b"}},
        {"X": "a"},
    ],
)
def test_a_value_of_the_wrong_shape_is_malformed(value: Any) -> None:
    with pytest.raises(MalformedChangeError):
        check_value(value)
