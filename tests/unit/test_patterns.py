"""Patterns of names and ARNs: `*` and `?`, whole names, the same everywhere."""

from __future__ import annotations

import pytest
from hypothesis import given

from dynamodb_restore.patterns import matches, matches_any, matches_policy_pattern
from tests.unit.strategies import table_names


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("*", "orders", True),
        ("orders", "orders", True),
        ("orders", "orders-2", False),
        ("orders", "my-orders", False),
        ("orders*", "orders", True),
        ("*-drill", "orders-drill", True),
        ("*-drill", "orders-drill-2", False),
        ("a.c", "abc", False),
        ("or*rs*", "orders-2", True),
        ("or*rs", "orders-2", False),
    ],
)
def test_a_pattern_matches_whole_names(pattern: str, name: str, expected: bool) -> None:
    assert matches(pattern, name) is expected


@given(table_names)
def test_a_name_is_a_pattern_of_itself_only(name: str) -> None:
    assert matches(name, name)
    assert not matches(name, f"{name}x")
    assert matches(f"{name}*", f"{name}x")


@pytest.mark.parametrize(
    ("pattern", "text", "matching"),
    [
        ("*", "", True),
        ("eu-*", "eu-central-1", True),
        ("eu-*", "us-east-1", False),
        ("eu-*-1", "eu-central-12", False),
        ("eu-?", "eu-1", True),
        ("eu-?", "eu-", False),
        ("a.b", "axb", False),
        ("[ab]", "a", False),
        ("*", "two\nlines", True),
        ("${aws:username}", "ana", False),
        ("${aws:username}", "${aws:username}", True),
        ("a/*", "a/b/c", True),
        ("A", "a", False),
    ],
)
def test_a_pattern_means_what_it_means_to_iam(pattern: str, text: str, matching: bool) -> None:
    assert matches(pattern, text) is matching


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("*", "a/b:c", True),
        ("a*c", "abbbc", True),
        ("a*c", "abbbcd", False),
        ("a?c", "abc", True),
        ("a?c", "ac", False),
        ("a.c", "abc", False),
        ("A", "a", False),
        ("a${*}c", "a*c", True),
        ("a${*}c", "abc", False),
        ("a${?}", "a?", True),
        ("a${$}{b}", "a${b}", True),
        ("user-${aws:username}", "user-ana", True),
        ("user-${aws:username}-x", "user-ana", False),
        ("a$b", "a$b", True),
        ("line*", "line\nfeed", True),
    ],
)
def test_a_pattern_of_a_policy_has_variables_too(pattern: str, text: str, expected: bool) -> None:
    assert matches_policy_pattern(pattern, text) is expected


def test_one_pattern_of_many_is_enough() -> None:
    assert matches_any(["orders", "*-drill"], "users-drill")
    assert not matches_any(["orders", "*-drill"], "users")
    assert not matches_any([], "users")
