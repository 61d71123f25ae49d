"""Maximum throughput on demand: raised to the source's, never lowered, never against the restore call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dynamodb_restore.aws import Clients
from dynamodb_restore.settings.on_demand_throughput import OnDemandThroughput
from dynamodb_restore.settings.setting import Difference, Overrides, State, Step, Table
from dynamodb_restore.sync.outcome import Status
from dynamodb_restore.sync.run import sync_settings
from tests.unit.builders import carry_over, make_table, portable
from tests.unit.fakes import Aws, Clock, client_error

KEPT = "a second on the target and {} on the source; the target's maximum is kept"


class Maximums:
    """DynamoDB's maximums on demand, which moto does not know. What is sent is merged with what is there."""

    def __init__(self) -> None:
        self._maximums: dict[tuple[str, str | None], dict[str, int]] = {}

    def answer(
        self, operation: str, parameters: dict[str, Any], moto: Callable[[], dict[str, Any]]
    ) -> dict[str, Any]:
        answer = moto()
        table = parameters.get("TableName", "")
        if operation == "UpdateTable":
            if answer["TableDescription"]["BillingModeSummary"]["BillingMode"] != "PAY_PER_REQUEST":
                raise client_error("UpdateTable", "ValidationException", "the BillingMode is PROVISIONED")
            self._set(table, None, parameters.get("OnDemandThroughput"))
            for update in parameters.get("GlobalSecondaryIndexUpdates", []):
                self._set(table, update["Update"]["IndexName"], update["Update"]["OnDemandThroughput"])
        if operation == "DescribeTable":
            parts = [(None, answer["Table"])]
            parts.extend((index["IndexName"], index) for index in answer["Table"]["GlobalSecondaryIndexes"])
            for index, description in parts:
                if self._maximums.get((table, index)):
                    description["OnDemandThroughput"] = dict(self._maximums[table, index])
        return answer

    def _set(self, table: str, index: str | None, throughput: dict[str, int] | None) -> None:
        if throughput is None:
            return
        # AWS answers an empty one with an internal error.
        assert throughput
        self._maximums.setdefault((table, index), {}).update(throughput)


@pytest.fixture(autouse=True)
def maximums(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Maximums:
    fake = Maximums()
    answer = aws.answer

    def hooked(client: Any, operation: str, parameters: dict[str, Any], moto: Any) -> dict[str, Any]:
        def otherwise(*request: Any) -> dict[str, Any]:
            return fake.answer(operation, parameters, lambda: moto(*request))

        return answer(client, operation, parameters, otherwise)

    monkeypatch.setattr(aws, "answer", hooked)
    return fake


def limit(
    clients: Clients, table: str, reads: int | None, writes: int | None, index: str | None = None
) -> None:
    units = {"MaxReadRequestUnits": reads, "MaxWriteRequestUnits": writes}
    throughput: Any = {kind: number for kind, number in units.items() if number is not None}
    if index is None:
        clients.dynamodb.update_table(TableName=table, OnDemandThroughput=throughput)
    else:
        clients.dynamodb.update_table(
            TableName=table,
            GlobalSecondaryIndexUpdates=[{"Update": {"IndexName": index, "OnDemandThroughput": throughput}}],
        )


@pytest.fixture
def source(clients: Clients) -> Table:
    make_table(clients, "orders", indexes=["by-customer", "by-date"], on_demand=True)
    return Table("orders", clients)


@pytest.fixture
def target(clients: Clients) -> Table:
    make_table(clients, "orders-restored", indexes=["by-customer", "by-date"], on_demand=True)
    return Table("orders-restored", clients)


def test_table_and_indexes_are_carried_over_one_by_one(
    aws: Aws, clients: Clients, source: Table, target: Table
) -> None:
    limit(clients, "orders", 1000, 500)
    limit(clients, "orders", None, 70, index="by-date")
    difference = carry_over(OnDemandThroughput(), source, target)
    assert [step.summary for step in difference.steps] == [
        "limit index/by-date to 70 writes a second",
        "limit table to 1000 reads and 500 writes a second",
    ]
    assert aws.named("UpdateTable")[-2:] == [
        {
            "TableName": "orders-restored",
            "GlobalSecondaryIndexUpdates": [
                {"Update": {"IndexName": "by-date", "OnDemandThroughput": {"MaxWriteRequestUnits": 70}}}
            ],
        },
        {
            "TableName": "orders-restored",
            "OnDemandThroughput": {"MaxReadRequestUnits": 1000, "MaxWriteRequestUnits": 500},
        },
    ]
    assert portable(OnDemandThroughput(), target)["maximums"] == {
        "table": {"MaxReadRequestUnits": 1000, "MaxWriteRequestUnits": 500},
        "index/by-customer": {},
        "index/by-date": {"MaxWriteRequestUnits": 70},
    }
    assert carry_over(OnDemandThroughput(), source, target) == Difference()


def test_a_maximum_that_was_taken_away_is_none(clients: Clients, source: Table, target: Table) -> None:
    limit(clients, "orders", 1000, -1)
    assert portable(OnDemandThroughput(), source)["maximums"]["table"] == {"MaxReadRequestUnits": 1000}


def test_a_lower_maximum_is_raised_and_the_other_kind_sent_as_it_is(
    aws: Aws, clients: Clients, source: Table, target: Table
) -> None:
    limit(clients, "orders", 1000, 500)
    limit(clients, "orders-restored", 200, 500)
    difference = carry_over(OnDemandThroughput(), source, target)
    assert [step.summary for step in difference.steps] == ["limit table to 1000 reads a second"]
    assert aws.named("UpdateTable")[-1]["OnDemandThroughput"] == {
        "MaxReadRequestUnits": 1000,
        "MaxWriteRequestUnits": 500,
    }


def test_what_the_target_has_otherwise_is_kept(
    aws: Aws, clients: Clients, source: Table, target: Table
) -> None:
    limit(clients, "orders", 1000, None)
    limit(clients, "orders-restored", 2000, 300)
    limit(clients, "orders-restored", 50, None, index="by-date")
    assert carry_over(OnDemandThroughput(), source, target) == Difference(
        conflicts=(
            f"index/by-date takes 50 reads {KEPT.format('any number')}",
            f"table takes 2000 reads {KEPT.format(1000)}",
            f"table takes 300 writes {KEPT.format('any number')}",
        )
    )


def test_raising_one_kind_does_not_lower_the_other(
    aws: Aws, clients: Clients, source: Table, target: Table
) -> None:
    limit(clients, "orders", 1000, 100)
    limit(clients, "orders-restored", 500, 300)
    difference = carry_over(OnDemandThroughput(), source, target)
    assert portable(OnDemandThroughput(), target)["maximums"]["table"] == {
        "MaxReadRequestUnits": 1000,
        "MaxWriteRequestUnits": 300,
    }
    assert difference.conflicts == (f"table takes 300 writes {KEPT.format(100)}",)


def test_a_source_without_maximums_asks_for_nothing(source: Table, target: Table) -> None:
    assert carry_over(OnDemandThroughput(), source, target) == Difference()


def test_an_index_that_was_not_restored_is_left_out(clients: Clients, source: Table) -> None:
    make_table(clients, "orders-restored", indexes=["by-customer"], on_demand=True)
    limit(clients, "orders", 70, None, index="by-date")
    assert carry_over(OnDemandThroughput(), source, Table("orders-restored", clients)) == Difference(
        omitted=("maximum throughput of index/by-date: the restored table has no such index",)
    )


@pytest.mark.parametrize("summary", [{"BillingMode": "PROVISIONED"}, {}])
def test_a_target_with_provisioned_capacity_takes_none(
    aws: Aws, clients: Clients, source: Table, summary: dict[str, str]
) -> None:
    make_table(clients, "orders-restored", indexes=["by-customer", "by-date"])
    aws.describe_as("orders-restored", BillingModeSummary=summary)
    limit(clients, "orders", 1000, 500)
    limit(clients, "orders", 70, None, index="by-date")
    assert carry_over(OnDemandThroughput(), source, Table("orders-restored", clients)) == Difference(
        omitted=(
            "maximum throughput of index/by-date: the restored table has provisioned capacity",
            "maximum throughput of table: the restored table has provisioned capacity",
        )
    )


def test_billing_that_the_restore_call_set_is_known_before_the_table_tells(
    clients: Clients, source: Table, target: Table
) -> None:
    limit(clients, "orders", 1000, 500)
    target.overrides = Overrides(billing_mode="PROVISIONED", provisioned_throughput=True)
    assert carry_over(OnDemandThroughput(), source, target) == Difference(
        omitted=("maximum throughput of table: the restored table has provisioned capacity",)
    )


def test_what_the_restore_call_set_stays(clients: Clients, source: Table, target: Table) -> None:
    limit(clients, "orders", 1000, 500)
    limit(clients, "orders", 70, None, index="by-date")
    limit(clients, "orders", 30, None, index="by-customer")
    limit(clients, "orders-restored", 10, 10)
    limit(clients, "orders-restored", 5, None, index="by-date")
    target.overrides = Overrides(on_demand_throughput=True, index_throughput=["by-date"])
    difference = carry_over(OnDemandThroughput(), source, target)
    assert [step.summary for step in difference.steps] == ["limit index/by-customer to 30 reads a second"]
    assert difference.conflicts == ()
    assert difference.omitted == (
        "maximum throughput of index/by-date: the restore call set it",
        "maximum throughput of table: the restore call set it",
    )


def test_what_the_restore_call_set_as_on_the_source_is_no_omission(
    clients: Clients, source: Table, target: Table
) -> None:
    limit(clients, "orders", 1000, 500)
    limit(clients, "orders-restored", 1000, 500)
    target.overrides = Overrides(on_demand_throughput=True)
    assert carry_over(OnDemandThroughput(), source, target) == Difference()


def test_what_the_restore_call_set_beyond_the_source_is_no_omission(
    clients: Clients, source: Table, target: Table
) -> None:
    limit(clients, "orders-restored", 1000, 500)
    target.overrides = Overrides(on_demand_throughput=True)
    assert carry_over(OnDemandThroughput(), source, target) == Difference()


def test_a_maximum_above_the_quota_is_not_tried_again(
    aws: Aws, clients: Clients, source: Table, target: Table, clock: Clock
) -> None:
    limit(clients, "orders", 50000, None)
    text = (
        "Subscriber limit exceeded: Requested MaxReadRequestUnits for OnDemandThroughput for table exceeds "
        "TableMaxReadCapacityUnits of the account in region eu-central-1"
    )
    aws.fail("UpdateTable", "LimitExceededException", text, times=9)
    desired = {"on_demand_throughput": portable(OnDemandThroughput(), source)}
    (outcome,) = sync_settings(
        [OnDemandThroughput()], desired, target, clock.pace(), switches={"on_demand_throughput": True}
    )
    assert (outcome.status, outcome.retryable) == (Status.FAILED, False)
    assert outcome.reason == (
        f"limit table to 50000 reads a second: UpdateTable: LimitExceededException: {text}"
    )


def state(**more: Any) -> State:
    return {"maximums": {"table": {}}, "unlimitable": {}, **more}


def test_the_difference_is_computed_from_the_states_alone() -> None:
    desired = state(maximums={"table": {"MaxReadRequestUnits": 7}})
    assert OnDemandThroughput().diff(desired, state()) == Difference(
        (
            Step(
                "limit table to 7 reads a second",
                {"resource": "table", "maximums": {"MaxReadRequestUnits": 7}},
            ),
        )
    )
    assert OnDemandThroughput().diff(desired, state(unlimitable={"table": "no"})).omitted == (
        "maximum throughput of table: no",
    )
