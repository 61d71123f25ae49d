"""DynamoDB's data plane in memory."""

from __future__ import annotations

import random
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.aws.account import Account
from tests.aws.choices import RandomChoices
from tests.aws.errors import error_code
from tests.aws.items import InconsistentReadError

TABLE = "orders"


@pytest.fixture(autouse=True)
def table(account: Account) -> None:
    account.items.make(TABLE, pk="B", sk="N", indexed={"customer": "S"})


def key(number: str) -> dict[str, Any]:
    return {"pk": {"B": b"\x00"}, "sk": {"N": number}}


def put(number: str, **attributes: Any) -> dict[str, Any]:
    return {"PutRequest": {"Item": {**key(number), **attributes}}}


def refusal(account: Account, operation: str, **parameters: Any) -> str:
    with pytest.raises(ClientError) as raised:
        account.answer(operation, parameters)
    return error_code(raised.value)


def get(account: Account, number: str) -> Any:
    asked = {"TableName": TABLE, "Key": key(number), "ConsistentRead": True}
    return account.answer("GetItem", asked).get("Item")


def test_a_number_is_the_same_key_however_it_is_written(account: Account) -> None:
    account.items.put(TABLE, {**key("1"), "n": {"N": "1"}})
    assert get(account, "1.00") == {**key("1"), "n": {"N": "1"}}
    assert get(account, "10E-1") is not None
    assert get(account, "12345678901234567890123456789012345678") is None
    duplicates = {TABLE: [put("-0"), put("0")]}
    assert refusal(account, "BatchWriteItem", RequestItems=duplicates) == "ValidationException"


@pytest.mark.parametrize(
    "item",
    [
        {"pk": {"B": b"a"}},
        {"pk": {"S": "a"}, "sk": {"N": "1"}},
        {"pk": {"B": b""}, "sk": {"N": "1"}},
        {"pk": {"B": b"a"}, "sk": {"N": "not a number"}},
        {"pk": {"B": b"a" * 2049}, "sk": {"N": "1"}},
        {**key("1"), "customer": {"BOOL": True}},
        {**key("1"), "much": {"S": "x" * 400 * 1024}},
    ],
)
def test_one_bad_item_fails_its_whole_batch(account: Account, item: dict[str, Any]) -> None:
    batch = [put("7"), {"PutRequest": {"Item": item}}]
    assert refusal(account, "BatchWriteItem", RequestItems={TABLE: batch}) == "ValidationException"
    assert refusal(account, "PutItem", TableName=TABLE, Item=item) == "ValidationException"
    assert account.items.tables[TABLE].items == {}


@pytest.mark.parametrize("count", [0, 26])
def test_a_batch_has_one_to_25_writes(account: Account, count: int) -> None:
    batch = {TABLE: [put(str(number)) for number in range(count)]}
    assert refusal(account, "BatchWriteItem", RequestItems=batch) == "ValidationException"


def test_a_batch_is_read_without_duplicates_and_consistently(account: Account) -> None:
    account.items.put(TABLE, key("1"))
    asked: dict[str, Any] = {"Keys": [key("1"), key("2")], "ConsistentRead": True}
    answer = account.answer("BatchGetItem", {"RequestItems": {TABLE: asked}})
    assert answer == {"Responses": {TABLE: [key("1")]}, "UnprocessedKeys": {}}
    twice = {**asked, "Keys": [key("1"), key("1.0")]}
    assert refusal(account, "BatchGetItem", RequestItems={TABLE: twice}) == "ValidationException"
    too_many = {**asked, "Keys": [key(str(number)) for number in range(101)]}
    assert refusal(account, "BatchGetItem", RequestItems={TABLE: too_many}) == "ValidationException"


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("GetItem", {"TableName": TABLE, "Key": key("1")}),
        ("BatchGetItem", {"RequestItems": {TABLE: {"Keys": [key("1")]}}}),
        ("Query", {"TableName": TABLE, "KeyConditionExpression": "pk = :pk"}),
        ("Scan", {"TableName": TABLE}),
    ],
)
def test_an_inconsistent_read_is_an_error_of_the_test(
    account: Account, operation: str, parameters: dict[str, Any]
) -> None:
    with pytest.raises(InconsistentReadError):
        account.answer(operation, parameters)


def test_parts_of_batches_may_be_left_unprocessed() -> None:
    account = Account(choices=RandomChoices(random.Random(1), unkind=True))
    account.items.make(TABLE, pk="B", sk="N")
    left, written = 0, 0
    for start in range(0, 500, 25):
        batch = [put(str(number)) for number in range(start, start + 25)]
        answer = account.answer("BatchWriteItem", {"RequestItems": {TABLE: batch}})
        left += len(answer["UnprocessedItems"].get(TABLE, []))
        written = len(account.items.tables[TABLE].items)
        assert written + left == start + 25
    assert left > 0
    keys = [item for _, item in list(account.items.tables[TABLE].items.items())[:100]]
    unprocessed = 0
    for _ in range(20):
        answer = account.answer(
            "BatchGetItem", {"RequestItems": {TABLE: {"Keys": keys, "ConsistentRead": True}}}
        )
        later = answer["UnprocessedKeys"].get(TABLE, {"Keys": []})
        assert len(answer["Responses"][TABLE]) + len(later["Keys"]) == 100
        unprocessed += len(later["Keys"])
    assert unprocessed > 0


def test_a_query_comes_in_the_order_of_the_sort_key_a_page_at_a_time(account: Account) -> None:
    for number in ("10", "9", "-1", "2.5"):
        account.items.put(TABLE, key(number))
    account.items.put(TABLE, {"pk": {"B": b"other"}, "sk": {"N": "0"}})
    asked: dict[str, Any] = {
        "TableName": TABLE,
        "KeyConditionExpression": "pk = :pk AND sk > :from",
        "ExpressionAttributeValues": {":pk": {"B": b"\x00"}, ":from": {"N": "-1"}},
        "ConsistentRead": True,
    }
    first = account.answer("Query", asked)
    assert [item["sk"]["N"] for item in first["Items"]] == ["2.5", "9"]
    second = account.answer("Query", {**asked, "ExclusiveStartKey": first["LastEvaluatedKey"]})
    assert [item["sk"]["N"] for item in second["Items"]] == ["10"]
    assert "LastEvaluatedKey" not in second


def test_the_segments_of_a_scan_are_all_of_the_table(account: Account) -> None:
    account.items.page_size = 100
    for number in range(40):
        account.items.put(TABLE, key(str(number)))
    seen = []
    for segment in range(3):
        asked = {"TableName": TABLE, "Segment": segment, "TotalSegments": 3, "ConsistentRead": True}
        page = account.answer("Scan", asked)["Items"]
        assert 0 < len(page) < 40
        seen += [int(item["sk"]["N"]) for item in page]
    assert sorted(seen) == list(range(40))


def test_a_condition_that_does_not_hold_tells_the_item_and_costs_a_write(account: Account) -> None:
    account.items.put(TABLE, {**key("1"), "n": {"N": "1"}})
    before = account.items.tables[TABLE].write_units
    with pytest.raises(ClientError) as raised:
        account.answer(
            "PutItem",
            {
                "TableName": TABLE,
                "Item": key("1"),
                "ConditionExpression": "attribute_not_exists(pk)",
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            },
        )
    assert error_code(raised.value) == "ConditionalCheckFailedException"
    assert raised.value.response["Item"] == {**key("1"), "n": {"N": "1"}}  # type: ignore[typeddict-item]
    assert account.items.tables[TABLE].write_units == before + 1


def test_units_are_those_of_the_larger_item(account: Account) -> None:
    table = account.items.tables[TABLE]
    large = {**key("1"), "text": {"S": "x" * 5000}}
    answer = account.answer("PutItem", {"TableName": TABLE, "Item": large, "ReturnConsumedCapacity": "TOTAL"})
    assert answer["ConsumedCapacity"] == {"TableName": TABLE, "CapacityUnits": 5.0}
    account.answer("PutItem", {"TableName": TABLE, "Item": key("1")})
    assert table.write_units == 10
    account.answer("DeleteItem", {"TableName": TABLE, "Key": key("1")})
    assert table.write_units == 11
    account.items.put(TABLE, large)
    get(account, "1")
    assert table.read_units == 2


def test_a_transaction_is_all_or_nothing_and_costs_twice(account: Account) -> None:
    account.items.put(TABLE, key("1"))
    table = account.items.tables[TABLE]
    before = table.write_units
    missing = {
        "TableName": TABLE,
        "Key": key("9"),
        "ConditionExpression": "attribute_exists(pk)",
    }
    writes: list[dict[str, Any]] = [
        {"Put": {"TableName": TABLE, "Item": key("2")}},
        {"Delete": {"TableName": TABLE, "Key": key("1")}},
    ]
    refused = [*writes, {"ConditionCheck": missing}]
    assert refusal(account, "TransactWriteItems", TransactItems=refused) == "TransactionCanceledException"
    assert get(account, "2") is None
    before = table.write_units
    account.answer("TransactWriteItems", {"TransactItems": writes})
    assert (get(account, "1"), get(account, "2")) == (None, key("2"))
    assert table.write_units == before + 4
    twice = [writes[0], {"Delete": {"TableName": TABLE, "Key": key("2.0")}}]
    assert refusal(account, "TransactWriteItems", TransactItems=twice) == "ValidationException"


def test_the_key_of_an_item_cannot_be_updated(account: Account) -> None:
    asked = {
        "TableName": TABLE,
        "Key": key("1"),
        "UpdateExpression": "SET sk = :sk",
        "ExpressionAttributeValues": {":sk": {"N": "2"}},
    }
    assert refusal(account, "UpdateItem", **asked) == "ValidationException"


def test_a_table_that_is_being_restored_has_no_items_yet(account: Account) -> None:
    now = account.clock.instant()
    account.tables.make("source", now, on_demand=True)
    account.tables.restore("source", TABLE, now, now)
    assert refusal(account, "PutItem", TableName=TABLE, Item=key("1")) == "ResourceNotFoundException"
    account.tables.finish_restore(TABLE)
    account.answer("PutItem", {"TableName": TABLE, "Item": key("1")})


def test_a_copy_goes_on_by_itself(account: Account) -> None:
    account.items.put(TABLE, key("1"))
    twin = account.copy()
    twin.answer("DeleteItem", {"TableName": TABLE, "Key": key("1")})
    twin.clock.sleep(60)
    assert get(account, "1") == key("1")
    assert account.clock.now == twin.clock.now - 60
    assert get(twin, "1") is None
