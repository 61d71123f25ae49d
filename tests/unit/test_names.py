"""Names of a table inside other names: whole names are replaced, never parts of longer ones."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from dynamodb_restore.settings.names import (
    dimensions_with_table,
    dimensions_without_table,
    with_table,
    without_table,
)
from tests.unit.strategies import table_names


@pytest.mark.parametrize(
    ("text", "portable", "for_the_target"),
    [
        ("table/orders", "table/${table}", "table/orders-restored"),
        ("orders", "${table}", "orders-restored"),
        (
            "DynamoDBReadCapacityUtilization:table/orders",
            "DynamoDBReadCapacityUtilization:table/${table}",
            "DynamoDBReadCapacityUtilization:table/orders-restored",
        ),
        (
            "table/orders/index/orders",
            "table/${table}/index/${table}",
            "table/orders-restored/index/orders-restored",
        ),
        ("$orders/reads", "$${table}/reads", "$orders-restored/reads"),
        ("orders-archive", "orders-archive", "orders-archive"),
        ("my.orders", "my.orders", "my.orders"),
        ("reorders", "reorders", "reorders"),
        ("orders_2", "orders_2", "orders_2"),
        ("Orders", "Orders", "Orders"),
        ("", "", ""),
    ],
)
def test_only_the_whole_name_is_replaced(text: str, portable: str, for_the_target: str) -> None:
    assert without_table(text, "orders") == portable
    assert with_table(portable, "orders-restored") == for_the_target


def test_a_dot_in_a_name_is_a_dot() -> None:
    assert without_table("table/v1xorders", "v1.orders") == "table/v1xorders"
    assert without_table("table/v1.orders", "v1.orders") == "table/${table}"


def test_only_the_dimension_that_names_the_table_is_replaced() -> None:
    metric: dict[str, Any] = {
        "Namespace": "AWS/DynamoDB",
        "MetricName": "orders",
        "Dimensions": [
            {"Name": "TableName", "Value": "orders"},
            {"Name": "Operation", "Value": "orders"},
            {"Name": "TableName", "Value": "orders-archive"},
        ],
    }
    portable = dimensions_without_table({"Metrics": [{"MetricStat": {"Metric": metric}}]}, "orders")
    assert portable["Metrics"][0]["MetricStat"]["Metric"] == {
        "Namespace": "AWS/DynamoDB",
        "MetricName": "orders",
        "Dimensions": [
            {"Name": "TableName", "Value": "${table}"},
            {"Name": "Operation", "Value": "orders"},
            {"Name": "TableName", "Value": "orders-archive"},
        ],
    }
    restored = dimensions_with_table(portable, "orders-restored")
    assert restored["Metrics"][0]["MetricStat"]["Metric"]["Dimensions"][0] == {
        "Name": "TableName",
        "Value": "orders-restored",
    }
    assert metric["Dimensions"][0]["Value"] == "orders"


@given(table_names, table_names)
def test_there_and_back_gives_the_same_text(text: str, table: str) -> None:
    assert with_table(without_table(f"table/{text}", table), table) == f"table/{text}"
