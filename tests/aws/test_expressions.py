"""The reader of expressions, held against DynamoDB's documentation; the stores' own are held against an emulator in
`tests/faults/test_account.py`."""

from __future__ import annotations

from typing import Any

import pytest

from tests.aws.expressions import (
    InvalidExpressionError,
    UnknownExpressionError,
    check_placeholders,
    condition,
    update,
)

ITEM: dict[str, Any] = {
    "id": {"S": "order-7"},
    "count": {"N": "5"},
    "price": {"N": "1.50"},
    "tags": {"SS": ["a", "b"]},
    "lines": {"L": [{"S": "x"}, {"M": {"n": {"N": "2"}}}, {"S": "z"}]},
    "address": {"M": {"city": {"S": "Bonn"}, "floor": {"N": "3"}}},
    "blob": {"B": b"\x01\x02"},
}
VALUES: dict[str, Any] = {
    ":five": {"N": "5.0"},
    ":six": {"N": "6"},
    ":ten": {"N": "10"},
    ":text": {"S": "order"},
    ":a": {"S": "a"},
    ":b": {"SS": ["b", "c"]},
    ":bonn": {"S": "Bonn"},
    ":type": {"S": "N"},
    ":list": {"L": [{"S": "new"}]},
    ":blob": {"B": b"\x01"},
}
GIVEN: dict[str, Any] = {
    "ExpressionAttributeNames": {"#count": "count", "#city": "city"},
    "ExpressionAttributeValues": VALUES,
}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("#count = :five", True),
        ("#count <> :five", False),
        ("missing <> :five", False),
        ("#count < :six", True),
        ("#count < :ten", True),
        ("#count <= :five", True),
        ("#count > :six", False),
        ("#count >= :five", True),
        ("id < :five", False),
        ("missing < :five", False),
        ("#count BETWEEN :five AND :six", True),
        ("#count BETWEEN :six AND :ten", False),
        ("#count IN (:six, :five)", True),
        ("NOT #count IN (:six, :ten)", True),
        ("attribute_exists(address.#city) AND attribute_not_exists(address.street)", True),
        ("attribute_type(#count, :type)", True),
        ("begins_with(id, :text)", True),
        ("begins_with(blob, :blob)", True),
        ("begins_with(#count, :text)", False),
        ("contains(tags, :a)", True),
        ("contains(id, :text)", True),
        ("contains(lines, :a)", False),
        ("size(id) > :six", True),
        ("size(tags) < :six", True),
        ("address.#city = :bonn", True),
        ("lines[1].n < :five", True),
        ("lines[9] = :a", False),
        # NOT before AND before OR.
        ("id = :a AND id = :a OR #count = :five", True),
        ("id = :a AND (id = :a OR #count = :five)", False),
        ("NOT id = :a AND #count = :five", True),
        ("NOT (id = :a OR #count = :five)", False),
    ],
)
def test_a_condition(text: str, holds: bool) -> None:
    assert condition(text).holds(ITEM, GIVEN) is holds


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("SET #count = :six, new = id", {"count": {"N": "6"}, "new": {"S": "order-7"}}),
        ("SET #count = #count + :six - :ten", {"count": {"N": "1"}}),
        ("SET total = if_not_exists(total, :six) + :ten", {"total": {"N": "16"}}),
        ("SET #count = if_not_exists(#count, :six)", {}),
        ("set lines = list_append(:list, lines)", {"lines": {"L": [{"S": "new"}, *ITEM["lines"]["L"]]}}),
        ("SET address.#city = :a", {"address": {"M": {"city": {"S": "a"}, "floor": {"N": "3"}}}}),
        (
            "SET lines[0] = :a",
            {"lines": {"L": [{"S": "a"}, {"M": {"n": {"N": "2"}}}, {"S": "z"}]}},
        ),
        ("SET lines[99] = :a", {"lines": {"L": [*ITEM["lines"]["L"], {"S": "a"}]}}),
        ("REMOVE lines[0], lines[2]", {"lines": {"L": [{"M": {"n": {"N": "2"}}}]}}),
        ("REMOVE blob, address.floor, nothing", {"blob": None, "address": {"M": {"city": {"S": "Bonn"}}}}),
        ("ADD #count :five, tags :b, fresh :six", {"count": {"N": "10"}, "tags": {"SS": ["a", "b", "c"]}, "fresh": {"N": "6"}}),
        ("DELETE tags :b", {"tags": {"SS": ["a"]}}),
        # Every value is of the item as it was.
        ("SET a = #count, #count = :six REMOVE price ADD b :five", {"a": {"N": "5"}, "count": {"N": "6"}, "price": None, "b": {"N": "5"}}),
    ],
)  # fmt: skip
def test_an_update(text: str, changes: dict[str, Any]) -> None:
    before = repr(ITEM)
    expected = {name: value for name, value in {**ITEM, **changes}.items() if value is not None}

    assert update(text).applied(ITEM, GIVEN) == expected
    assert repr(ITEM) == before, "an item is never changed in place"


def test_a_set_that_loses_its_last_element_is_gone() -> None:
    assert "tags" not in update("DELETE tags :b").applied({"tags": {"SS": ["c"]}}, GIVEN)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SET new = missing", "refers to an attribute that does not exist"),
        ("SET missing.part = :a", "invalid for update"),
        ("SET #count = :a, count = :six", "overlap"),
        ("SET address = :a, address.#city = :a", "overlap"),
        ("SET new = id + :six", "incorrect data type"),
        ("ADD id :six", "incorrect data type"),
        ("ADD fresh :a", "Incorrect operand type"),
        ("DELETE #count :six", "Incorrect operand type"),
        ("SET a = :a SET b = :a", "can only be used once"),
        (f"SET a{'b' * 4096} = :a", "size has exceeded"),
        (f"SET a = :a{' + :six' * 301}", "more than 300 operators"),
    ],
)
def test_an_update_that_dynamodb_refuses(text: str, message: str) -> None:
    with pytest.raises(InvalidExpressionError, match=message):
        update(text).applied(ITEM, GIVEN)


def test_a_condition_of_progress_for_fifty_groups_is_within_the_limits() -> None:
    """As `progress.py` writes it: the most that one call carries."""
    parts = [f"(attribute_not_exists(#s{group}) OR #s{group} < :s{group})" for group in range(949, 999)]
    condition(" AND ".join(parts))
    with pytest.raises(InvalidExpressionError, match=r"size has exceeded|more than 300 operators"):
        condition(" AND ".join(parts * 2))


@pytest.mark.parametrize(
    "text", ["id ~ :a", "id = :a id", "median(id) = :a", "(id = :a", "id IN :a", "SIZE id"]
)
def test_a_text_that_is_not_known_is_an_error_of_the_test(text: str) -> None:
    with pytest.raises(UnknownExpressionError):
        condition(text)


def test_placeholders_are_all_defined_and_all_used() -> None:
    used = ("#count = :five",)
    names, values = {"#count": "count"}, {":five": {"N": "5"}}
    check_placeholders({"ExpressionAttributeNames": names, "ExpressionAttributeValues": values}, used)
    with pytest.raises(InvalidExpressionError, match="attribute value: :five"):
        check_placeholders({"ExpressionAttributeNames": names}, used)
    with pytest.raises(InvalidExpressionError, match=r"unused in expressions: keys: \{#more\}"):
        check_placeholders(
            {"ExpressionAttributeNames": {**names, "#more": "x"}, "ExpressionAttributeValues": values}, used
        )
