"""The billing mode: switched where that is asked for, told where it is not, and never against the restore call."""

from __future__ import annotations

from typing import Any

import pytest

from dynamodb_restore.aws import Clients
from dynamodb_restore.settings.billing_mode import BillingMode
from dynamodb_restore.settings.setting import Difference, Overrides, Table
from tests.unit.builders import carry_over, make_table, portable
from tests.unit.fakes import Aws

FIVE = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}
FIVE_IN_WORDS = "5 reads and 5 writes a second"

pytestmark = pytest.mark.usefixtures("aws")


def pair(clients: Clients, *, source_on_demand: bool, target_on_demand: bool, **target: Any) -> list[Table]:
    make_table(clients, "orders", indexes=["by-customer"], on_demand=source_on_demand)
    make_table(clients, "orders-restored", indexes=["by-customer", "by-date"], on_demand=target_on_demand)
    return [Table("orders", clients), Table("orders-restored", clients, **target)]


def test_a_provisioned_target_goes_on_demand(aws: Aws, clients: Clients) -> None:
    carry_over(BillingMode(), *pair(clients, source_on_demand=True, target_on_demand=False))
    assert aws.named("UpdateTable") == [{"TableName": "orders-restored", "BillingMode": "PAY_PER_REQUEST"}]
    state = portable(BillingMode(), Table("orders-restored", clients))
    assert (state["billing_mode"], state["units"]) == ("PAY_PER_REQUEST", {})


def test_a_target_on_demand_gets_the_capacity_of_its_source(aws: Aws, clients: Clients) -> None:
    difference = carry_over(BillingMode(), *pair(clients, source_on_demand=False, target_on_demand=True))
    (step,) = difference.steps
    assert step.summary == (
        "switch to provisioned capacity: table 5 reads and 5 writes a second; index/by-customer 5 reads and 5 writes a"
        " second; index/by-date 5 reads and 5 writes a second"
    )
    (update,) = aws.named("UpdateTable")
    assert update == {
        "TableName": "orders-restored",
        "BillingMode": "PROVISIONED",
        "ProvisionedThroughput": FIVE,
        "GlobalSecondaryIndexUpdates": [
            {"Update": {"IndexName": name, "ProvisionedThroughput": FIVE}}
            for name in ("by-customer", "by-date")
        ],
    }


@pytest.mark.parametrize(
    "overrides", [Overrides(billing_mode="PROVISIONED"), Overrides(provisioned_throughput=True)]
)
def test_what_the_call_chose_stays_and_is_told(clients: Clients, overrides: Overrides) -> None:
    source, target = pair(clients, source_on_demand=True, target_on_demand=False, overrides=overrides)
    difference = BillingMode().diff(portable(BillingMode(), source), portable(BillingMode(), target))
    assert difference == Difference(
        chosen=(
            f"the target is provisioned with {FIVE_IN_WORDS}, the source on-demand; the restore call chose it",
        )
    )


def test_other_capacity_is_told_and_left_to_auto_scaling(clients: Clients) -> None:
    source, target = pair(clients, source_on_demand=False, target_on_demand=False)
    desired = portable(BillingMode(), source)
    desired = {
        **desired,
        "units": {**desired["units"], "table": {"ReadCapacityUnits": 90, "WriteCapacityUnits": 5}},
    }
    assert BillingMode().diff(desired, portable(BillingMode(), target)) == Difference(
        chosen=("table has 5 reads and 5 writes a second, on the source 90 reads and 5 writes a second",)
    )


def test_the_same_is_no_difference(clients: Clients) -> None:
    source, target = pair(clients, source_on_demand=True, target_on_demand=True)
    assert (
        BillingMode().diff(portable(BillingMode(), source), portable(BillingMode(), target)) == Difference()
    )
