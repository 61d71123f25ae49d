"""ARN patterns: which are about a table, and what they would be for another one."""

from __future__ import annotations

import pytest

from dynamodb_restore.findings.finding import TableId
from dynamodb_restore.findings.patterns import as_list, lacking
from tests.unit.fakes import table_arn

SOURCE = TableId.parse(table_arn("orders"))
TARGET = TableId.parse(table_arn("orders-restored"))
ORDERS = table_arn("orders")
RESTORED = table_arn("orders-restored")
ELSEWHERE = "arn:aws:dynamodb:eu-west-1:123456789012:table/orders-restored"


@pytest.mark.parametrize(
    ("patterns", "missing"),
    [
        ([], []),
        ([ORDERS], [RESTORED]),
        ([f"{ORDERS}/index/*"], [f"{RESTORED}/index/*"]),
        ([f"{ORDERS}/index/by-customer"], [f"{RESTORED}/index/by-customer"]),
        ([f"{ORDERS}/stream/2026-11-22T07:00:00.000"], [f"{RESTORED}/stream/2026-11-22T07:00:00.000"]),
        ([f"{ORDERS}/*"], [f"{RESTORED}/*"]),
        (["arn:aws:dynamodb:*:*:table/orders"], [RESTORED]),
        (["arn:aws:dynamodb:*:*:table/o?ders/stream/*"], [f"{RESTORED}/stream/*"]),
        # About another table, or about none.
        ([table_arn("orders-archive")], []),
        ([f"{table_arn('orders-archive')}/index/*"], []),
        ([table_arn("order")], []),
        (["arn:aws:dynamodb:us-east-1:123456789012:table/orders"], []),
        (["arn:aws:s3:::orders/*"], []),
        # About both.
        (["*"], []),
        (["arn:aws:dynamodb:*"], []),
        ([table_arn("*")], []),
        ([table_arn("orders*")], []),
        ([f"{table_arn('*')}/index/*"], []),
        ([ORDERS, RESTORED], []),
        ([ORDERS, f"{ORDERS}/index/*", f"{RESTORED}*"], []),
        # About both, but for the indexes.
        ([ORDERS, f"{ORDERS}/index/*", RESTORED], [f"{RESTORED}/index/*"]),
        # A prefix that ends before the target's name differs from it takes in the indexes as well.
        ([f"{ORDERS[:-2]}*"], []),
        (["arn:aws:dynamodb:*:*:table/*rders"], [RESTORED]),
        (["arn:aws:dynamodb:*:*:table/orders?"], []),
    ],
)
def test_what_patterns_lack(patterns: list[str], missing: list[str]) -> None:
    assert lacking(patterns, SOURCE, TARGET) == missing


def test_a_pattern_that_takes_in_the_indexes_does_so_for_the_target() -> None:
    other = TableId.parse(table_arn("restored"))
    assert lacking([table_arn("ord*")], SOURCE, other) == [other.arn, f"{other.arn}/*"]
    assert lacking([table_arn("ord*")], TARGET, SOURCE) == []


def test_a_target_in_another_region_is_another_table() -> None:
    elsewhere = TableId.parse(ELSEWHERE)
    assert lacking([table_arn("orders*")], SOURCE, elsewhere) == [ELSEWHERE, f"{ELSEWHERE}/*"]
    assert lacking(["arn:aws:dynamodb:*:*:table/orders*"], SOURCE, elsewhere) == []


def test_an_element_may_stand_alone() -> None:
    assert as_list("*") == ["*"]
    assert as_list(["a", "b"]) == ["a", "b"]
    assert as_list(None) == []
