"""Names of a table inside other names: whole names are replaced, never parts of longer ones."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dynamodb_restore.settings.names import (
    arns_with_table,
    arns_without_table,
    dimensions_with_table,
    dimensions_without_table,
    escaped,
    fitted,
    is_fitted,
    names_table,
    naming_table,
    with_table,
    without_table,
)
from tests.unit.strategies import json_values, table_names


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


_pieces = st.sampled_from(["${table}", "${stream}", "${$}{", "${", "$", "{table}", "table", "}", " "])


@given(st.lists(_pieces, max_size=6).map("".join), table_names, table_names)
def test_what_reads_like_a_placeholder_is_text(text: str, source: str, target: str) -> None:
    assume(re.search(f"(?<![A-Za-z0-9_.-]){re.escape(source)}(?![A-Za-z0-9_.-])", text) is None)
    portable = without_table(text, source)
    assert not names_table(portable)
    assert with_table(portable, target) == text
    assert with_table(escaped(text), target) == text


@pytest.mark.parametrize(
    ("portable", "naming"),
    [
        ("${table}/slow", "${table}/slow"),
        ("slow", "slow (${table})"),
        ("${$}{table} is slow", "${$}{table} is slow (${table})"),
    ],
)
def test_a_name_for_another_table_has_the_tables_name(portable: str, naming: str) -> None:
    assert naming_table(portable) == naming


def test_a_name_is_cut_only_where_it_must_be() -> None:
    portable = "${table}/" + "x" * 100
    assert fitted(portable, "orders", 107) == "orders/" + "x" * 100
    assert fitted(portable, "orders", 106) == "orders/" + "x" * 86 + "~924fec250edb"
    assert fitted(portable, "order", 106) == "order/" + "x" * 100


@given(
    st.text("ab/", min_size=40, max_size=60),
    st.text("ab/", min_size=40, max_size=60),
    table_names,
    table_names,
)
def test_what_was_cut_is_recognised_on_its_own_table(one: str, two: str, source: str, target: str) -> None:
    assume(one != two)
    portable, other = (naming_table(without_table(name, source)) for name in (one, two))
    assume(portable != other)
    found = without_table(fitted(portable, target, 40), target)
    assert is_fitted(found, portable)
    assert not is_fitted(found, other)


# ARNs ------------------------------------------------------------------------------------------------------------

TABLE = "arn:aws:dynamodb:eu-central-1:123456789012:table/orders"
STREAM = f"{TABLE}/stream/2026-11-22T07:00:00.000"
NEW_TABLE = "arn:aws-cn:dynamodb:cn-north-1:210987654321:table/orders-restored"
NEW_STREAM = f"{NEW_TABLE}/stream/2026-11-22T09:30:00.000"


@pytest.mark.parametrize(
    ("arn", "arn_then"),
    [
        (TABLE, NEW_TABLE),
        (f"{TABLE}/index/*", f"{NEW_TABLE}/index/*"),
        (f"{TABLE}/index/orders", f"{NEW_TABLE}/index/orders"),
        (f"{TABLE}/stream/*", f"{NEW_TABLE}/stream/*"),
        (STREAM, NEW_STREAM),
        (f"{TABLE}/*", f"{NEW_TABLE}/*"),
        # Patterns of what is before the name stay.
        (
            "arn:aws:dynamodb:*:123456789012:table/orders",
            "arn:aws-cn:dynamodb:*:210987654321:table/orders-restored",
        ),
        ("arn:*:dynamodb:eu-*:*:table/orders", "arn:*:dynamodb:eu-*:*:table/orders-restored"),
        (f"{TABLE}/index/${{aws:PrincipalTag/team}}", f"{NEW_TABLE}/index/${{aws:PrincipalTag/team}}"),
    ],
)
def test_an_arn_of_the_table_becomes_one_of_the_target(arn: str, arn_then: str) -> None:
    portable = arns_without_table({"Resource": [arn]}, TABLE, STREAM)
    assert "orders" not in portable["Resource"][0].replace("/index/orders", "")
    assert arns_with_table(portable, NEW_TABLE, NEW_STREAM) == {"Resource": [arn_then]}


@pytest.mark.parametrize(
    "text",
    [
        f"{TABLE}-archive",
        f"{TABLE}*",
        f"{TABLE}?",
        TABLE.replace("orders", "*"),
        TABLE.replace("orders", "Orders"),
        TABLE.replace("orders", "reorders"),
        TABLE.replace("eu-central-1", "eu-west-1"),
        TABLE.replace("eu-central-1", "us-*"),
        TABLE.replace("123456789012", "210987654321"),
        TABLE.replace("arn:aws:", "arn:aws-us-gov:"),
        TABLE.replace("dynamodb", "dax"),
        TABLE.replace("table/", "global-table/"),
        f"see {TABLE}",
        "orders",
        "table/orders",
        "*",
        "",
        "${table}",
        "${stream}",
        "arn:${partition}:dynamodb:${region}:${account}:table/${table}",
        "${$}{table}",
    ],
)
def test_other_texts_stay_as_they_are(text: str) -> None:
    portable = arns_without_table([text], TABLE, STREAM)
    assert arns_with_table(portable, NEW_TABLE, NEW_STREAM) == [text]
    assert arns_with_table(portable, NEW_TABLE, None) == [text]


@given(st.text("abcXYZ019_.-*?/:${}", min_size=1, max_size=12), st.booleans())
def test_a_table_whose_name_only_looks_like_it_is_never_touched(more: str, before: bool) -> None:
    name = f"{more}orders" if before else f"orders{more}"
    assume(name.partition("/")[0] != "orders")
    arn = TABLE.replace("table/orders", f"table/{name}")
    assert arns_with_table(arns_without_table(arn, TABLE, STREAM), NEW_TABLE, NEW_STREAM) == arn


_arns = st.builds(
    "arn:{}:dynamodb:{}:{}:table/{}{}".format,
    st.sampled_from(["aws", "aws-cn", "*"]),
    st.sampled_from(["eu-central-1", "eu-*", "us-east-1", "*"]),
    st.sampled_from(["123456789012", "210987654321", "1?3456789012"]),
    table_names | st.just("orders"),
    st.sampled_from(["", "/index/*", "/stream/*", STREAM.removeprefix(TABLE), "/index/${aws:username}"]),
)


@given(st.recursive(json_values | _arns, lambda inner: st.lists(inner, max_size=3), max_leaves=5))
def test_there_and_back_gives_the_same_arns(value: Any) -> None:
    # In a list, because a number that is not one (NaN) equals itself only there.
    assert arns_with_table(arns_without_table([value], TABLE, STREAM), TABLE, STREAM) == [value]


def test_a_stream_that_the_target_lacks_cannot_be_named() -> None:
    portable = arns_without_table({"Resource": STREAM}, TABLE, STREAM)
    with pytest.raises(ValueError, match="names the table's stream, and the table has none"):
        arns_with_table(portable, NEW_TABLE, None)


def test_the_label_of_another_stream_of_the_table_stays() -> None:
    old = f"{TABLE}/stream/2020-01-01T00:00:00.000"
    for stream in (STREAM, None):
        portable = arns_without_table(old, TABLE, stream)
        assert arns_with_table(portable, NEW_TABLE, None) == f"{NEW_TABLE}/stream/2020-01-01T00:00:00.000"


def test_a_name_is_no_arn() -> None:
    assert arns_without_table([TABLE], "orders", None) == [TABLE]
    with pytest.raises(ValueError, match="'orders' is not the ARN of a table"):
        arns_with_table([TABLE], "orders", None)
