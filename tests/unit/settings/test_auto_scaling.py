"""Auto scaling: targets, policies and scheduled actions of a table and of each index that both tables have."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import pytest

from dynamodb_restore.aws import Clients
from dynamodb_restore.settings.auto_scaling import AutoScaling
from dynamodb_restore.settings.setting import Difference, Overrides, State, Step, StepOmitted, Table
from dynamodb_restore.sync.outcome import Outcome, Status
from dynamodb_restore.sync.run import sync_settings
from tests.unit.builders import carry_over, make_table, portable, scale
from tests.unit.fakes import Aws, Clock, client_error

TABLE_READS: Final = "dynamodb:table:ReadCapacityUnits"
TABLE_WRITES: Final = "dynamodb:table:WriteCapacityUnits"
INDEX_READS: Final = "dynamodb:index:ReadCapacityUnits"


@pytest.fixture
def source(aws: Aws, clients: Clients) -> Table:
    make_table(clients, "orders", indexes=["by-customer"])
    return Table("orders", clients)


@pytest.fixture
def target(aws: Aws, clients: Clients) -> Table:
    make_table(clients, "orders-restored", indexes=["by-customer"])
    return Table("orders-restored", clients)


def schedule(clients: Clients, name: str, expression: str, table: str = "orders", **more: Any) -> None:
    clients.auto_scaling.put_scheduled_action(
        ServiceNamespace="dynamodb",
        ScheduledActionName=name,
        ResourceId=f"table/{table}",
        ScalableDimension="dynamodb:table:ReadCapacityUnits",
        Schedule=expression,
        ScalableTargetAction={"MinCapacity": 20, "MaxCapacity": 100},
        **more,
    )


def test_table_and_index_are_carried_over(aws: Aws, clients: Clients, source: Table, target: Table) -> None:
    scale(clients, "table/orders", TABLE_READS, policy="DynamoDBReadCapacityUtilization:table/orders")
    scale(clients, "table/orders", TABLE_WRITES, policy="orders-archive")
    scale(clients, "table/orders/index/by-customer", INDEX_READS, policy="table/orders/index/by-customer")
    schedule(clients, "orders", "cron(0 6 * * ? *)", Timezone="Europe/Zurich")

    difference = carry_over(AutoScaling(), source, target)

    assert [step.summary for step in difference.steps] == [
        "scale ReadCapacityUnits of index/by-customer from 5 to 50",
        "track 70 on ReadCapacityUnits of index/by-customer",
        "scale ReadCapacityUnits of table from 5 to 50",
        "scale WriteCapacityUnits of table from 5 to 50",
        "track 70 on ReadCapacityUnits of table",
        "track 70 on WriteCapacityUnits of table",
        "schedule cron(0 6 * * ? *) on ReadCapacityUnits of table",
    ]
    tracking = {
        "TargetValue": 70.0,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "DynamoDBReadCapacityUtilization"},
        "ScaleInCooldown": 60,
        "ScaleOutCooldown": 0,
    }
    assert aws.named("RegisterScalableTarget")[-1] == {
        "ServiceNamespace": "dynamodb",
        "ResourceId": "table/orders-restored",
        "ScalableDimension": TABLE_WRITES,
        "MinCapacity": 5,
        "MaxCapacity": 50,
    }
    # The table's name is replaced where it stands whole, and nowhere else.
    assert [(policy["ResourceId"], policy["PolicyName"]) for policy in aws.named("PutScalingPolicy")[3:]] == [
        ("table/orders-restored/index/by-customer", "table/orders-restored/index/by-customer"),
        ("table/orders-restored", "DynamoDBReadCapacityUtilization:table/orders-restored"),
        ("table/orders-restored", "orders-archive"),
    ]
    assert aws.named("PutScalingPolicy")[4]["TargetTrackingScalingPolicyConfiguration"] == tracking
    assert aws.named("PutScheduledAction")[-1] == {
        "ServiceNamespace": "dynamodb",
        "ResourceId": "table/orders-restored",
        "ScalableDimension": TABLE_READS,
        "ScheduledActionName": "orders-restored",
        "Schedule": "cron(0 6 * * ? *)",
        "Timezone": "Europe/Zurich",
        "ScalableTargetAction": {"MinCapacity": 20, "MaxCapacity": 100},
    }
    assert carry_over(AutoScaling(), source, target) == Difference()
    assert "orders" not in str(portable(AutoScaling(), target)).replace("orders-archive", "")


def test_suspended_processes_stay_suspended(aws: Aws, clients: Clients, source: Table, target: Table) -> None:
    suspended = {
        "DynamicScalingInSuspended": True,
        "DynamicScalingOutSuspended": False,
        "ScheduledScalingSuspended": True,
    }
    scale(clients, "table/orders", TABLE_READS, suspended=suspended)
    carry_over(AutoScaling(), source, target)
    assert aws.named("RegisterScalableTarget")[-1]["SuspendedState"] == suspended
    assert carry_over(AutoScaling(), source, target) == Difference()


def test_a_custom_metric_of_the_table_becomes_one_of_the_target(
    aws: Aws, clients: Clients, source: Table, target: Table
) -> None:
    scale(clients, "table/orders", TABLE_READS)
    clients.auto_scaling.put_scaling_policy(
        PolicyName="throttles",
        ServiceNamespace="dynamodb",
        ResourceId="table/orders",
        ScalableDimension="dynamodb:table:ReadCapacityUnits",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 1.0,
            "DisableScaleIn": True,
            "CustomizedMetricSpecification": {
                "MetricName": "ReadThrottleEvents",
                "Namespace": "AWS/DynamoDB",
                "Dimensions": [{"Name": "TableName", "Value": "orders"}],
                "Statistic": "Sum",
            },
        },
    )
    carry_over(AutoScaling(), source, target)
    configuration = aws.named("PutScalingPolicy")[-1]["TargetTrackingScalingPolicyConfiguration"]
    assert configuration["DisableScaleIn"] is True
    assert configuration["CustomizedMetricSpecification"]["Dimensions"] == [
        {"Name": "TableName", "Value": "orders-restored"}
    ]


def test_a_policy_of_another_kind_is_noted(clients: Clients, source: Table) -> None:
    scale(clients, "table/orders", TABLE_READS)
    clients.auto_scaling.put_scaling_policy(
        PolicyName="steps",
        ServiceNamespace="dynamodb",
        ResourceId="table/orders",
        ScalableDimension="dynamodb:table:ReadCapacityUnits",
        PolicyType="StepScaling",
        StepScalingPolicyConfiguration={"AdjustmentType": "ChangeInCapacity", "StepAdjustments": []},
    )
    reading = AutoScaling().read(source)
    assert reading.state["resources"]["table"]["policies"] == {}
    assert reading.state["not_cloned"] == [
        "scaling policy steps: AWS does not support StepScaling for DynamoDB"
    ]
    assert AutoScaling().diff(reading.state, reading.state).omitted == (
        "scaling policy steps: AWS does not support StepScaling for DynamoDB",
    )


def test_an_index_that_was_not_restored_is_left_out(aws: Aws, clients: Clients, source: Table) -> None:
    make_table(clients, "orders-restored")
    scale(clients, "table/orders/index/by-customer", INDEX_READS)
    difference = carry_over(AutoScaling(), source, Table("orders-restored", clients))
    assert difference == Difference(
        omitted=("auto scaling of index/by-customer: the restored table has no such index",)
    )


def test_a_target_on_demand_takes_none(aws: Aws, clients: Clients, source: Table) -> None:
    make_table(clients, "orders-restored", indexes=["by-customer"], on_demand=True)
    scale(clients, "table/orders", TABLE_READS)
    scale(clients, "table/orders/index/by-customer", INDEX_READS)
    difference = carry_over(AutoScaling(), source, Table("orders-restored", clients))
    assert difference == Difference(
        omitted=(
            "auto scaling of index/by-customer: the restored table is on demand",
            "auto scaling of table: the restored table is on demand",
        )
    )


def test_capacity_that_the_restore_call_set_stays(clients: Clients, source: Table, target: Table) -> None:
    scale(clients, "table/orders", TABLE_READS)
    scale(clients, "table/orders/index/by-customer", INDEX_READS)
    target.overrides = Overrides(billing_mode="PROVISIONED", provisioned_throughput=True)
    difference = carry_over(AutoScaling(), source, target)
    assert difference.omitted == ("auto scaling of table: the restore call set its capacity",)
    assert [step.summary for step in difference.steps] == [
        "scale ReadCapacityUnits of index/by-customer from 5 to 50"
    ]


def test_index_capacity_that_the_restore_call_set_stays(
    clients: Clients, source: Table, target: Table
) -> None:
    scale(clients, "table/orders", TABLE_READS)
    scale(clients, "table/orders/index/by-customer", INDEX_READS)
    target.overrides = Overrides(index_throughput=["by-customer", "dropped-later"])
    difference = carry_over(AutoScaling(), source, target)
    assert difference.omitted == ("auto scaling of index/by-customer: the restore call set its capacity",)
    assert [step.summary for step in difference.steps] == ["scale ReadCapacityUnits of table from 5 to 50"]


def test_billing_that_the_restore_call_set_is_known_before_the_table_tells(
    clients: Clients, source: Table, target: Table
) -> None:
    scale(clients, "table/orders", TABLE_READS)
    target.overrides = Overrides(billing_mode="PAY_PER_REQUEST")
    difference = carry_over(AutoScaling(), source, target)
    assert difference == Difference(omitted=("auto scaling of table: the restored table is on demand",))


@pytest.mark.parametrize(
    ("expression", "more", "kept"),
    [
        ("at(2020-01-01T00:00:00)", {}, False),
        ("at(2020-01-01T00:00:00)", {"Timezone": "Pacific/Auckland"}, False),
        ("at(2999-01-01T00:00:00)", {}, True),
        ("at(2999-01-01T00:00:00)", {"Timezone": "Mars/Olympus_Mons"}, True),
        ("cron(0 6 * * ? *)", {}, True),
        ("cron(0 6 * * ? *)", {"EndTime": datetime(2020, 1, 1, tzinfo=UTC)}, False),
        ("rate(1 hour)", {"EndTime": datetime(2999, 1, 1, tzinfo=UTC)}, True),
        ("rate(1 hour)", {"StartTime": datetime(2020, 1, 1, tzinfo=UTC)}, True),
    ],
)
def test_only_a_schedule_that_can_still_run_is_carried_over(
    clients: Clients, source: Table, target: Table, expression: str, more: dict[str, Any], kept: bool
) -> None:
    scale(clients, "table/orders", TABLE_READS)
    schedule(clients, "peak", expression, **more)
    carry_over(AutoScaling(), source, target)
    schedules = portable(AutoScaling(), target)["resources"]["table"]["schedules"]
    assert list(schedules.get(TABLE_READS, {})) == (["peak"] if kept else [])


@pytest.mark.parametrize("expression", ["cron(0 6 * * ? *)", "rate(1 hour)"])
def test_a_start_that_has_passed_is_left_out(
    aws: Aws, clients: Clients, source: Table, target: Table, expression: str
) -> None:
    """The source's action keeps its start; the target's has none, and both do the same from now on."""
    scale(clients, "table/orders", TABLE_READS)
    schedule(clients, "peak", expression, StartTime=datetime(2020, 1, 1, tzinfo=UTC))
    carry_over(AutoScaling(), source, target)
    assert "StartTime" not in aws.named("PutScheduledAction")[-1]
    assert carry_over(AutoScaling(), source, target) == Difference()


def test_a_start_yet_to_come_is_carried_over(
    aws: Aws, clients: Clients, source: Table, target: Table
) -> None:
    scale(clients, "table/orders", TABLE_READS)
    schedule(clients, "peak", "cron(0 6 * * ? *)", StartTime=datetime(2999, 1, 1, tzinfo=UTC))
    carry_over(AutoScaling(), source, target)
    start = aws.named("PutScheduledAction")[-1]["StartTime"]
    assert datetime.fromisoformat(start) == datetime(2999, 1, 1, tzinfo=UTC)
    assert carry_over(AutoScaling(), source, target) == Difference()


def test_a_schedule_that_ran_while_the_target_was_restored_is_left_out(target: Table) -> None:
    action = {"Schedule": "at(2020-01-01T00:00:00)", "ScalableTargetAction": {"MinCapacity": 20}}
    payload = {
        "kind": "schedule",
        "resource": "table",
        "dimension": TABLE_READS,
        "name": "peak",
        "action": action,
    }
    with pytest.raises(StepOmitted, match="its time has passed"):
        AutoScaling().apply(target, Step("schedule the peak", payload))


def sync(source: Table, target: Table, clock: Clock) -> Outcome:
    """What the engine makes of this setting."""
    desired = {"auto_scaling": portable(AutoScaling(), source)}
    (outcome,) = sync_settings(
        [AutoScaling()], desired, target, clock.pace(), switches={"auto_scaling": True}
    )
    return outcome


def test_what_builds_on_a_refused_target_fails_at_once(
    aws: Aws, clients: Clients, source: Table, target: Table, clock: Clock
) -> None:
    """moto takes policies and actions without a target; AWS does not."""
    scale(clients, "table/orders", TABLE_READS, policy="track-reads")
    schedule(clients, "peak", "cron(0 6 * * ? *)")
    aws.fail("RegisterScalableTarget", "LimitExceededException", "Too many targets", times=3)
    aws.fail("PutScalingPolicy", "ObjectNotFoundException", "No scalable target registered")
    aws.fail("PutScheduledAction", "ObjectNotFoundException", "No scalable target registered")

    outcome = sync(source, target, clock)

    refused = "RegisterScalableTarget: LimitExceededException: Too many targets"
    assert outcome.status is Status.FAILED
    assert outcome.reason == "; ".join(
        [
            f"scale ReadCapacityUnits of table from 5 to 50: {refused}",
            f"track 70 on ReadCapacityUnits of table: {refused}",
            f"schedule cron(0 6 * * ? *) on ReadCapacityUnits of table: {refused}",
        ]
    )
    assert not outcome.retryable
    assert clock.naps == []


def test_a_target_that_is_not_visible_yet_is_waited_for(
    aws: Aws, clients: Clients, source: Table, target: Table, clock: Clock
) -> None:
    scale(clients, "table/orders", TABLE_READS, policy="track-reads")
    aws.fail("PutScalingPolicy", "ObjectNotFoundException", "No scalable target registered", times=2)
    aws.calls.clear()

    outcome = sync(source, target, clock)

    assert outcome.status is Status.APPLIED
    assert len(clock.naps) == 2
    # The same target each time: registering it again changes nothing.
    registered = aws.named("RegisterScalableTarget")
    assert len(registered) == 3
    assert all(call == registered[0] for call in registered)


def test_other_refusals_of_a_policy_are_its_own(
    aws: Aws, clients: Clients, source: Table, target: Table, clock: Clock
) -> None:
    scale(clients, "table/orders", TABLE_READS, policy="track-reads")
    aws.fail("PutScalingPolicy", "ValidationException", "Invalid metric")
    aws.calls.clear()
    outcome = sync(source, target, clock)
    assert outcome.done == ("scale ReadCapacityUnits of table from 5 to 50",)
    assert outcome.reason == (
        "track 70 on ReadCapacityUnits of table: PutScalingPolicy: ValidationException: Invalid metric"
    )
    assert len(aws.named("RegisterScalableTarget")) == 1


def test_a_target_of_the_target_table_is_not_registered_again(
    aws: Aws, clients: Clients, source: Table, target: Table, clock: Clock
) -> None:
    """It may have other limits, and those stay."""
    scale(clients, "table/orders", TABLE_READS, policy="track-reads")
    scale(clients, "table/orders-restored", TABLE_READS)
    aws.fail("PutScalingPolicy", "ObjectNotFoundException", "No scalable target registered")
    aws.calls.clear()
    assert sync(source, target, clock).status is Status.APPLIED
    assert aws.named("RegisterScalableTarget") == []


def test_pages_of_policies_are_read_to_the_last(
    aws: Aws, clients: Clients, source: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    """moto does not page, so this answers as Application Auto Scaling does."""
    pages: dict[str | None, dict[str, Any]] = {
        None: {"NextToken": "2", "ScalingPolicies": [policy("first", "dynamodb:table:ReadCapacityUnits")]},
        "2": {"ScalingPolicies": [policy("second", "dynamodb:table:WriteCapacityUnits")]},
    }
    scale(clients, "table/orders", TABLE_READS)
    moto = aws.answer

    def paged(client: Any, operation: str, parameters: dict[str, Any], otherwise: Any) -> dict[str, Any]:
        if operation == "DescribeScalingPolicies":
            return pages[parameters.get("NextToken")]
        return moto(client, operation, parameters, otherwise)

    monkeypatch.setattr(aws, "answer", paged)
    policies = portable(AutoScaling(), source)["resources"]["table"]["policies"]
    assert {dimension: list(names) for dimension, names in policies.items()} == {
        TABLE_READS: ["first"],
        TABLE_WRITES: ["second"],
    }


def policy(name: str, dimension: str) -> dict[str, Any]:
    return {
        "PolicyName": name,
        "PolicyType": "TargetTrackingScaling",
        "ResourceId": "table/orders",
        "ScalableDimension": dimension,
        "TargetTrackingScalingPolicyConfiguration": {"TargetValue": 70.0},
    }


def test_a_table_without_auto_scaling_costs_one_call_beside_its_description(aws: Aws, source: Table) -> None:
    aws.calls.clear()
    AutoScaling().read(source)
    assert [call.operation for call in aws.calls] == ["DescribeTable", "DescribeScalableTargets"]


def test_errors_are_raised(aws: Aws, source: Table) -> None:
    aws.fail("DescribeScalableTargets", "AccessDeniedException", "not authorized")
    with pytest.raises(type(client_error("", "")), match="not authorized"):
        AutoScaling().read(source)


def state(
    target: State | None = None, policies: State | None = None, schedules: State | None = None
) -> State:
    scaling = {
        "targets": {TABLE_READS: target or {"min": 5, "max": 50, "suspended": {}}},
        "policies": {TABLE_READS: policies or {}},
        "schedules": {TABLE_READS: schedules or {}},
    }
    return {"resources": {"table": scaling}, "not_cloned": [], "unscalable": {}, "indexes": []}


PROCESSES = ("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended")
READS = {"TargetValue": 70, "PredefinedMetricSpecification": {"PredefinedMetricType": "reads"}}
NIGHT = {"Schedule": "cron(0 22 * * ? *)", "ScalableTargetAction": {"MinCapacity": 1}}


@pytest.mark.parametrize(
    ("desired", "current", "conflicts"),
    [
        (state(), state(), ()),
        (
            state({"min": 5, "max": 50, "suspended": {"ScheduledScalingSuspended": False}}),
            state({"min": 5, "max": 50, "suspended": {}}),
            (),
        ),
        (
            state({"min": 5, "max": 50, "suspended": {}}),
            state({"min": 10, "max": 40, "suspended": {}}),
            ("ReadCapacityUnits of table scales from 10 to 40 on the target, 5 to 50 on the source",),
        ),
        (
            state({"min": 5, "max": 50, "suspended": {"ScheduledScalingSuspended": True}}),
            state({"min": 5, "max": 50, "suspended": dict.fromkeys(PROCESSES, False)}),
            ("scheduled scaling of ReadCapacityUnits of table is suspended on the source only",),
        ),
        (
            state({"min": 5, "max": 50, "suspended": {"DynamicScalingInSuspended": True}}),
            state({"min": 9, "max": 50, "suspended": {"DynamicScalingOutSuspended": True}}),
            (
                "ReadCapacityUnits of table scales from 9 to 50 on the target, 5 to 50 on the source",
                "scaling out by policies of ReadCapacityUnits of table is suspended on the target only",
                "scaling in by policies of ReadCapacityUnits of table is suspended on the source only",
            ),
        ),
        (state(policies={"p": READS}), state(policies={"p": {**READS, "TargetValue": 70.0}}), ()),
        (
            state(policies={"p": READS}),
            state(policies={"p": {**READS, "TargetValue": 50}}),
            ("ReadCapacityUnits of table has another policy for this metric on the target",),
        ),
        (
            state(policies={"p": READS}),
            state(policies={"q": {**READS, "TargetValue": 50}}),
            ("ReadCapacityUnits of table has another policy for this metric on the target",),
        ),
        (state(schedules={"night": NIGHT}), state(schedules={"night": NIGHT}), ()),
        (
            state(schedules={"night": NIGHT}),
            state(schedules={"night": {**NIGHT, "StartTime": "2999-01-01T00:00:00+00:00"}}),
            ("scheduled action night of ReadCapacityUnits of table differs on the target",),
        ),
        (
            state(schedules={"night": NIGHT}),
            state(schedules={"night": {**NIGHT, "Schedule": "rate(1 day)"}}),
            ("scheduled action night of ReadCapacityUnits of table differs on the target",),
        ),
    ],
)
def test_what_the_target_has_otherwise_is_a_conflict(
    desired: State, current: State, conflicts: tuple[str, ...]
) -> None:
    assert AutoScaling().diff(desired, current) == Difference(conflicts=conflicts)
