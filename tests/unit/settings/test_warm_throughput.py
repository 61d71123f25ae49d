"""Warm throughput: raised to the source's, never asked for twice, and not where nobody chose it."""

from __future__ import annotations

from typing import Any

import pytest

from dynamodb_restore.aws import Clients, ErrorClass, classify
from dynamodb_restore.settings.setting import Difference, Overrides, State, Table
from dynamodb_restore.settings.warm_throughput import WarmThroughput
from dynamodb_restore.sync.outcome import Outcome, Status
from dynamodb_restore.sync.run import sync_settings
from tests.unit.builders import carry_over, make_table, portable
from tests.unit.fakes import Aws, Clock, client_error


def units(reads: int, writes: int) -> dict[str, int]:
    return {"ReadUnitsPerSecond": reads, "WriteUnitsPerSecond": writes}


def warm_up(clients: Clients, table: str, reads: int, writes: int, index: str | None = None) -> None:
    if index is None:
        clients.dynamodb.update_table(
            TableName=table, WarmThroughput={"ReadUnitsPerSecond": reads, "WriteUnitsPerSecond": writes}
        )
    else:
        update: Any = {"IndexName": index, "WarmThroughput": units(reads, writes)}
        clients.dynamodb.update_table(TableName=table, GlobalSecondaryIndexUpdates=[{"Update": update}])


@pytest.fixture
def source(aws: Aws, clients: Clients) -> Table:
    make_table(clients, "orders", indexes=["by-customer", "by-date"], on_demand=True)
    return Table("orders", clients)


@pytest.fixture
def target(aws: Aws, clients: Clients) -> Table:
    make_table(clients, "orders-restored", indexes=["by-customer", "by-date"], on_demand=True)
    return Table("orders-restored", clients)


def sync(source: Table, target: Table, clock: Clock) -> Outcome:
    desired = {"warm_throughput": portable(WarmThroughput(), source)}
    (outcome,) = sync_settings(
        [WarmThroughput()], desired, target, clock.pace(), switches={"warm_throughput": True}
    )
    return outcome


def test_table_and_indexes_are_carried_over_in_one_call(
    aws: Aws, clients: Clients, source: Table, target: Table
) -> None:
    warm_up(clients, "orders", 30000, 10000)
    warm_up(clients, "orders", 20000, 5000, index="by-date")
    difference = carry_over(WarmThroughput(), source, target)
    assert [step.summary for step in difference.steps] == [
        "warm up index/by-date to 20000 reads and 5000 writes, table to 30000 reads and 10000 writes a second"
    ]
    assert aws.named("UpdateTable")[2:] == [
        {
            "TableName": "orders-restored",
            "WarmThroughput": units(30000, 10000),
            "GlobalSecondaryIndexUpdates": [
                {"Update": {"IndexName": "by-date", "WarmThroughput": units(20000, 5000)}}
            ],
        }
    ]
    assert portable(WarmThroughput(), target)["throughput"] == {
        "table": units(30000, 10000),
        "index/by-customer": units(12000, 4000),
        "index/by-date": units(20000, 5000),
    }
    assert carry_over(WarmThroughput(), source, target) == Difference()


@pytest.mark.parametrize("index", [None, "by-date"])
def test_only_what_rises_is_sent(
    aws: Aws, clients: Clients, source: Table, target: Table, index: str | None
) -> None:
    warm_up(clients, "orders", 30000, 6000, index=index)
    warm_up(clients, "orders-restored", 12000, 9000, index=index)
    carry_over(WarmThroughput(), source, target)
    rising = {"ReadUnitsPerSecond": 30000}
    assert aws.named("UpdateTable")[2:] == [
        {"TableName": "orders-restored", "WarmThroughput": rising}
        if index is None
        else {
            "TableName": "orders-restored",
            "GlobalSecondaryIndexUpdates": [{"Update": {"IndexName": "by-date", "WarmThroughput": rising}}],
        }
    ]


def test_a_target_that_has_more_is_left_alone(clients: Clients, source: Table, target: Table) -> None:
    warm_up(clients, "orders", 30000, 10000)
    warm_up(clients, "orders-restored", 40000, 10000)
    assert carry_over(WarmThroughput(), source, target) == Difference()


def test_what_every_table_on_demand_starts_with_is_no_setting(clients: Clients, source: Table) -> None:
    make_table(clients, "orders-restored", indexes=["by-customer", "by-date"])
    target = Table("orders-restored", clients)
    assert portable(WarmThroughput(), target)["throughput"]["table"] == units(5, 5)
    assert carry_over(WarmThroughput(), source, target) == Difference()
    warm_up(clients, "orders", 12001, 4000)
    source.forget()
    (step,) = carry_over(WarmThroughput(), source, target).steps
    assert step.payload == {"throughput": {"table": {"ReadUnitsPerSecond": 12001}}}


def test_what_a_provisioned_source_grew_to_is_carried_over(clients: Clients, target: Table) -> None:
    make_table(clients, "orders")
    warm_up(clients, "orders", 900, 5000)
    difference = carry_over(WarmThroughput(), Table("orders", clients), target)
    assert [step.summary for step in difference.steps] == ["warm up table to 5000 writes a second"]


def test_a_source_that_tells_nothing_asks_for_nothing(aws: Aws, source: Table, target: Table) -> None:
    aws.describe_as("orders", WarmThroughput={}, GlobalSecondaryIndexes=[])
    assert portable(WarmThroughput(), source)["throughput"] == {"table": {}}
    assert carry_over(WarmThroughput(), source, target) == Difference()


def test_an_index_that_was_not_restored_is_left_out(clients: Clients, source: Table) -> None:
    make_table(clients, "orders-restored", indexes=["by-customer"], on_demand=True)
    warm_up(clients, "orders", 20000, 5000, index="by-date")
    assert carry_over(WarmThroughput(), source, Table("orders-restored", clients)) == Difference(
        omitted=("warm throughput of index/by-date: the restored table has no such index",)
    )


@pytest.mark.parametrize(
    "chosen",
    [
        Overrides(provisioned_throughput=True, index_throughput=["by-date"]),
        Overrides(on_demand_throughput=True, index_throughput=["by-date"]),
        Overrides(on_demand_throughput=True, index_warm_throughput=["by-date"]),
    ],
)
def test_capacity_that_the_restore_call_set_is_not_warmed_up(
    clients: Clients, source: Table, target: Table, chosen: Overrides
) -> None:
    warm_up(clients, "orders", 30000, 10000)
    warm_up(clients, "orders", 20000, 5000, index="by-date")
    warm_up(clients, "orders", 15000, 5000, index="by-customer")
    target.overrides = chosen
    difference = carry_over(WarmThroughput(), source, target)
    assert [step.summary for step in difference.steps] == [
        "warm up index/by-customer to 15000 reads and 5000 writes a second"
    ]
    assert difference.omitted == (
        "warm throughput of index/by-date: the restore call set its capacity",
        "warm throughput of table: the restore call set its capacity",
    )


def test_billing_that_the_restore_call_set_is_known_before_the_table_tells(target: Table) -> None:
    assert portable(WarmThroughput(), target)["on_demand"] is True
    target.overrides = Overrides(billing_mode="PROVISIONED")
    assert portable(WarmThroughput(), target)["on_demand"] is False


def index_being_warmed_up(target: Table) -> list[Any]:
    indexes: list[Any] = [dict(index) for index in target.describe()["GlobalSecondaryIndexes"]]
    indexes[1]["WarmThroughput"] = {**units(12000, 4000), "Status": "UPDATING"}
    return indexes


def test_what_is_being_warmed_up_is_in_motion_and_not_asked_for_again(
    aws: Aws, clients: Clients, source: Table, target: Table
) -> None:
    warm_up(clients, "orders", 30000, 10000)
    warm_up(clients, "orders", 20000, 5000, index="by-date")
    aws.describe_as("orders-restored", GlobalSecondaryIndexes=index_being_warmed_up(target))
    target.forget()
    reading = WarmThroughput().read(target)
    assert reading.in_motion == ("index/by-date is being warmed up",)
    difference = WarmThroughput().diff(portable(WarmThroughput(), source), reading.state)
    assert [step.summary for step in difference.steps] == [
        "warm up table to 30000 reads and 10000 writes a second"
    ]


def test_warming_up_is_waited_for(
    aws: Aws, clients: Clients, source: Table, target: Table, clock: Clock
) -> None:
    warm_up(clients, "orders", 30000, 10000)
    busy = {"WarmThroughput": {**units(12000, 4000), "Status": "UPDATING"}}
    # From the first of them the step is computed, and the second shows that it is still the same table.
    aws.describe_next("orders-restored", {}, {}, busy, busy)
    outcome = sync(source, target, clock)
    assert outcome == Outcome(
        "warm_throughput",
        Status.APPLIED,
        done=("warm up table to 30000 reads and 10000 writes a second",),
    )
    assert len(clock.naps) == 2
    assert len(aws.named("UpdateTable")) == 2


def test_warming_up_that_outlasts_a_delivery_is_waited_for_by_the_next(
    aws: Aws, clients: Clients, source: Table, target: Table, clock: Clock
) -> None:
    warm_up(clients, "orders", 30000, 10000)
    aws.describe_as("orders-restored", WarmThroughput={**units(12000, 4000), "Status": "UPDATING"})
    outcome = sync(source, target, clock)
    assert (outcome.status, outcome.retryable) == (Status.FAILED, True)
    assert outcome.reason == "not seen after it was applied: table is being warmed up"
    aws.describe_as("orders-restored", WarmThroughput={**units(30000, 10000), "Status": "ACTIVE"})
    assert sync(source, Table("orders-restored", clients), Clock()).status is Status.UNCHANGED
    assert aws.named("UpdateTable")[1:] == []


@pytest.mark.parametrize(
    ("code", "message", "expected"),
    [
        (
            "ValidationException",
            "lower than current WarmThroughput, decreasing WarmThroughput is not supported",
            ErrorClass.IGNORE,
        ),
        (
            "LimitExceededException",
            "Subscriber limit exceeded: Requested ReadUnitsPerSecond exceeds TableMaxReadCapacityUnits",
            ErrorClass.GIVE_UP,
        ),
        (
            "LimitExceededException",
            "Subscriber limit exceeded: There are too many concurrent control plane operations",
            ErrorClass.RETRY,
        ),
    ],
)
def test_refusals(code: str, message: str, expected: ErrorClass) -> None:
    assert classify(client_error("UpdateTable", code, message)) is expected


def state(**more: Any) -> State:
    return {"throughput": {"table": {}}, "on_demand": False, "rising": [], "unwarmable": {}, **more}


def test_a_target_that_does_not_tell_gets_what_the_source_has() -> None:
    desired = state(throughput={"table": units(7, 3)})
    (step,) = WarmThroughput().diff(desired, state()).steps
    assert step.payload == {"throughput": {"table": units(7, 3)}}
