"""Deletion protection: switched on where the source has it, never off."""

from __future__ import annotations

import pytest

from dynamodb_restore.aws import Clients, ErrorClass, classify
from dynamodb_restore.settings.deletion_protection import DeletionProtection
from dynamodb_restore.settings.setting import Difference, State, Step, Table
from tests.unit.builders import carry_over, make_table, portable
from tests.unit.fakes import Aws, client_error


def protect(clients: Clients, table: str) -> None:
    clients.dynamodb.update_table(TableName=table, DeletionProtectionEnabled=True)


def test_protection_is_carried_over(aws: Aws, clients: Clients) -> None:
    make_table(clients, "orders")
    make_table(clients, "orders-restored")
    protect(clients, "orders")
    source, target = Table("orders", clients), Table("orders-restored", clients)
    carry_over(DeletionProtection(), source, target)
    assert portable(DeletionProtection(), target) == {"enabled": True}
    # AWS takes it as the only change of a call.
    assert aws.named("UpdateTable")[-1] == {"TableName": "orders-restored", "DeletionProtectionEnabled": True}
    assert carry_over(DeletionProtection(), source, target) == Difference()


def test_a_protected_target_of_an_unprotected_source_stays_protected(aws: Aws, clients: Clients) -> None:
    make_table(clients, "orders")
    make_table(clients, "orders-restored")
    protect(clients, "orders-restored")
    source, target = Table("orders", clients), Table("orders-restored", clients)
    assert carry_over(DeletionProtection(), source, target) == Difference()
    assert clients.dynamodb.describe_table(TableName="orders-restored")["Table"]["DeletionProtectionEnabled"]


def test_a_table_whose_protection_is_not_told_has_none(aws: Aws, clients: Clients) -> None:
    make_table(clients, "orders")
    aws.describe_as("orders", DeletionProtectionEnabled=None)
    assert portable(DeletionProtection(), Table("orders", clients)) == {"enabled": False}


@pytest.mark.parametrize(
    ("wanted", "present", "expected"),
    [
        (False, False, Difference()),
        (False, True, Difference()),
        (True, True, Difference()),
        (True, False, Difference((Step("enable deletion protection"),))),
    ],
)
def test_difference(wanted: bool, present: bool, expected: Difference) -> None:
    desired: State = {"enabled": wanted}
    assert DeletionProtection().diff(desired, {"enabled": present}) == expected


def test_a_second_change_within_seconds_is_tried_again() -> None:
    error = client_error(
        "UpdateTable",
        "ThrottlingException",
        "Deletion protection setting for table orders modified within the previous 15000 milliseconds",
    )
    assert classify(error) is ErrorClass.RETRY
