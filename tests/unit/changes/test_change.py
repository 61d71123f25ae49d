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
)
from tests.unit.changes.makers import NOON, expiry, key, record, values


def test_a_write_is_a_put_of_the_new_image() -> None:
    found = change_of(record("a", 7, time=NOON + 0.9, total={"N": "3"}))

    assert found == Change(
        Kind.PUT, {"id": {"S": "a"}}, {"id": {"S": "a"}, "total": {"N": "3"}}, "7", 1795348800
    )


def test_a_removal_is_a_delete() -> None:
    assert change_of(record("a", 7, event="REMOVE")) == Change(Kind.DELETE, key("a"), None, "7", NOON)


@pytest.mark.parametrize("event", ["INSERT", "MODIFY"])
@pytest.mark.parametrize("old", [{}, {"OldImage": {"id": {"S": "a"}, "total": {"N": "2"}}}])
def test_a_write_without_a_new_image_is_to_be_read(event: str, old: dict[str, Any]) -> None:
    """KEYS_ONLY and OLD_IMAGE streams."""
    found = record("a", 7, event=event)
    del found["dynamodb"]["NewImage"]
    found["dynamodb"] |= old

    assert change_of(found) == Change(Kind.READ, key("a"), None, "7", NOON)


@pytest.mark.parametrize("missing", ["Keys", "SequenceNumber", "ApproximateCreationDateTime"])
def test_a_record_that_lacks_something_is_malformed(missing: str) -> None:
    found = record("a", 7)
    del found["dynamodb"][missing]

    with pytest.raises(MalformedChangeError, match=missing):
        change_of(found)


@pytest.mark.parametrize(
    "keys", [{}, None, "id", {"id": "a"}, {"id": {"M": {}}}, {"id": {"S": 5}}, {"id": {"N": "many"}}]
)
def test_a_record_with_a_key_that_is_none_is_malformed(keys: Any) -> None:
    found = record("a", 7)
    found["dynamodb"]["Keys"] = keys

    with pytest.raises(MalformedChangeError):
        change_of(found)


def test_only_a_delete_by_the_service_is_an_expiry() -> None:
    assert is_expiry(expiry("a", 1))
    # As README.md says that it is brought in again.
    assert is_expiry({**expiry("a", 1), "eventName": "MODIFY"})
    assert not is_expiry(record("a", 1, event="REMOVE"))
    assert not is_expiry({**record("a", 1, event="REMOVE"), "userIdentity": None})
    assert not is_expiry({**expiry("a", 1), "userIdentity": {"type": "Service", "principalId": "other"}})


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


@pytest.mark.parametrize(
    "value",
    [
        None,
        "S",
        {},
        {"S": "a", "N": "1"},
        {"S": 1},
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
