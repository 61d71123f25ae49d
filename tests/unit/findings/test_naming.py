"""Which texts name a table whole, with all that makes it hard: parts of names, other regions, sentences, URLs."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from dynamodb_restore.findings.finding import TableId
from dynamodb_restore.findings.naming import Naming, naming_of, spelled
from tests.unit.findings.holders import ELSEWHERE, SOURCE, TARGET

ORDERS = Naming(SOURCE)
ARN = SOURCE.arn


@pytest.mark.parametrize(
    "text",
    [
        "orders",
        " orders\n",
        # ARNs, wherever they stand.
        ARN,
        f"{ARN}/index/by-customer",
        f"{ARN}/stream/2026-11-22T07:00:00.000",
        f"read {ARN}, please",
        f"({ARN})",
        "arn:aws:dynamodb:*:*:table/orders",
        "arn:aws:dynamodb:eu-central-1:*:table/orders/*",
        # JSON.
        '"orders"',
        '{"table": "orders"}',
        '{"tables": [{"name": "orders"}]}',
        '["customers", "orders"]',
        '{"tables": "customers,orders"}',
        json.dumps({"inner": json.dumps({"table": "orders"})}),
        json.dumps({"arn": ARN}).replace("/", "\\/"),
        # Lists and assignments.
        "customers,orders",
        "customers, orders , returns",
        "orders;customers",
        "customers|orders",
        "customers\norders\n",
        "table=orders",
        "table = orders; region = eu-central-1",
        # URLs about DynamoDB.
        "https://dynamodb.eu-central-1.amazonaws.com/orders",
        "dynamodb://orders",
        "dynamodb://eu-central-1/orders?limit=5",
        "aws2-ddb://orders",
        "ddb://local?tableName=orders",
        "url=dynamodb://orders",
    ],
)
def test_a_value_that_names_the_table(text: str) -> None:
    assert ORDERS.in_value(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        # Names that have this one in them.
        "orders-archive",
        "prod-orders",
        "orders.archive",
        "orders_archive",
        "my.orders",
        "prod_orders",
        "orders2",
        "Orders",
        "order",
        f"{ARN}-archive",
        f"{ARN}.archive",
        f"{ARN}_archive/index/x",
        f"{ARN}2",
        f"x{ARN}",
        "orders-archive,prod-orders",
        '{"table": "orders-archive"}',
        # A pattern is about all tables whose names begin so.
        f"{ARN}*",
        f"{ARN}?",
        # Another region, account, partition or service.
        ELSEWHERE.arn,
        f"{ELSEWHERE.arn}/index/x",
        ARN.replace(SOURCE.account, "210987654321"),
        ARN.replace("arn:aws:", "arn:aws-cn:"),
        "arn:aws:sqs:eu-central-1:123456789012:orders",
        "arn:aws:s3:::orders",
        "https://dynamodb.eu-west-1.amazonaws.com/orders",
        "dynamodb://eu-west-1/orders",
        # Sentences, paths, and what else is called so.
        "all orders go here",
        "orders are here",
        "/orders",
        "/var/lib/orders",
        "s3://bucket/orders",
        "https://api.example.com/orders",
        "https://api.example.com/v1?type=orders",
        "postgres://user:password@host/orders",
        "orders=customers",
        "orders:customers",
        '{"orders": "customers"}',
        '{"orders": 5}',
        "{orders",
        "http://[dynamodb/orders",
        "[" * 100_000,
    ],
)
def test_a_value_that_does_not(text: str) -> None:
    assert not ORDERS.in_value(text)


def test_json_may_be_nested_deeply() -> None:
    assert ORDERS.in_value("[" * 2_000 + '"orders"' + "]" * 2_000)
    assert ORDERS.in_definition('{"a":' * 2_000 + '{"TableName": "orders"}' + "}" * 2_000)


@pytest.mark.parametrize("name", ["a.b", "a-b", "a_b", "a.b-c_d"])
def test_what_stands_in_a_name_stands_for_itself(name: str) -> None:
    naming = Naming(replace(SOURCE, name=name))
    assert naming.in_value(name)
    assert naming.in_value(f"{naming.table.arn}/index/x")
    assert not naming.in_value(name.replace(".", "x").replace("-", "y").replace("_", "z"))
    assert not naming.in_value(naming.table.arn.replace(name, f"{name}.{name}"))


def task(parameters: Any, **more: Any) -> str:
    state = {"Type": "Task", "Resource": "arn:aws:states:::dynamodb:getItem", "Parameters": parameters}
    return json.dumps({"StartAt": "Read", "States": {"Read": {**state, **more}}})


@pytest.mark.parametrize(
    "definition",
    [
        task({"TableName": "orders"}),
        task({"TableName": ARN}),
        task({"tableName": "orders"}),
        task({"Payload": {"table": "orders"}}),
        task({"Payload": {"ORDERS_TABLE": "orders"}}),
        task({"RequestItems": {"orders": {"Keys": []}}}),
        task({"TransactItems": [{"Put": {"TableName": "orders"}}]}),
        task({"Input": f"export {ARN}"}),
        task({"TableName": "{% 'orders' %}"}),
        task({"TableName": '{%"orders"%}'}),
        task("{% {'TableName': 'orders', 'Key': $key} %}"),
        task('{% {"TableName" : "orders"} %}'),
        json.dumps(
            {"States": {"All": {"Branches": [{"States": {"A": {"Arguments": {"TableName": "orders"}}}}]}}}
        ),
    ],
)
def test_a_definition_that_names_the_table(definition: str) -> None:
    assert ORDERS.in_definition(definition)


@pytest.mark.parametrize(
    "definition",
    [
        task({"TableName": "orders-archive"}),
        task({"TableName": "prod-orders"}),
        task({"TableName": ELSEWHERE.arn}),
        task({"TableName": "{% 'orders-archive' %}"}),
        task({"TableName": "{% 'ORDERS' %}"}),
        task("{% {'TableName': 'orders-archive'} %}"),
        task({"TableName.$": "$.orders"}),
        task({"RequestItems": {"orders-archive": {"Keys": []}}}),
        task({"RequestItems.$": "orders"}),
        # What else is called so: states, queues, fields.
        task({}, Next="orders"),
        task({}, Comment="reads the table: orders"),
        task({"orders": {"Keys": []}}),
        task({"QueueUrl": "orders"}),
        task({"Name": "{% 'orders' %}"}),
        json.dumps({"StartAt": "orders", "States": {"orders": {"Type": "Succeed"}}}),
        "not JSON: {'TableName': 'orders'}",
        "",
    ],
)
def test_a_definition_that_does_not(definition: str) -> None:
    assert not ORDERS.in_definition(definition)


def test_where_a_name_alone_does_not_mean_the_table_its_arn_does() -> None:
    naming = Naming(SOURCE, by_name=False)
    assert not naming.in_value("orders")
    assert not naming.in_value('["orders"]')
    assert not naming.in_definition(task({"TableName": "orders"}))
    assert naming.in_value(ARN)
    assert naming.in_definition(task({"TableName": ARN}))


def test_the_name_alone_means_the_source_but_for_one_of_another_account() -> None:
    old, new = naming_of(SOURCE, TARGET)
    assert (old, new) == (Naming(SOURCE), Naming(TARGET))
    theirs = TableId("aws", SOURCE.region, "210987654321", "orders")
    assert naming_of(theirs, TARGET)[0] == Naming(theirs, by_name=False)


def test_a_target_of_the_same_name_in_another_region_is_named_by_its_arn_alone() -> None:
    old, new = naming_of(ELSEWHERE, SOURCE)
    assert (old.by_name, new.by_name) == (True, False)
    assert old.in_value("orders")
    assert not new.in_value("orders")
    assert new.in_value(SOURCE.arn)


def test_an_advice_names_a_table_by_its_arn_where_its_name_means_another_one() -> None:
    assert spelled(SOURCE, TARGET) == ("orders", "orders-restored")
    assert spelled(ELSEWHERE, TARGET) == ("orders", TARGET.arn)
    theirs = TableId("aws", SOURCE.region, "210987654321", "orders")
    assert spelled(theirs, TARGET) == (theirs.arn, "orders-restored")
