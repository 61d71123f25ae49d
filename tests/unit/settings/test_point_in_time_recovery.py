"""Point-in-time recovery, with its period."""

from __future__ import annotations

import pytest

from dynamodb_restore.aws import Clients
from dynamodb_restore.settings.point_in_time_recovery import PointInTimeRecovery
from dynamodb_restore.settings.setting import Difference, State, Step, Table
from tests.unit.builders import carry_over, make_table, portable
from tests.unit.fakes import Aws


@pytest.mark.parametrize(("days", "expected"), [(7, 7), (35, 35), (None, 35)])
def test_the_period_is_carried_over(aws: Aws, clients: Clients, days: int | None, expected: int) -> None:
    make_table(clients, "orders")
    make_table(clients, "orders-restored")
    if days is None:
        clients.dynamodb.update_continuous_backups(
            TableName="orders", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
    else:
        clients.dynamodb.update_continuous_backups(
            TableName="orders",
            PointInTimeRecoverySpecification={
                "PointInTimeRecoveryEnabled": True,
                "RecoveryPeriodInDays": days,
            },
        )
    source, target = Table("orders", clients), Table("orders-restored", clients)
    carry_over(PointInTimeRecovery(), source, target)
    assert portable(PointInTimeRecovery(), target) == {"recovery_period_days": expected}
    assert aws.named("UpdateContinuousBackups")[-1]["PointInTimeRecoverySpecification"] == {
        "PointInTimeRecoveryEnabled": True,
        "RecoveryPeriodInDays": expected,
    }
    assert carry_over(PointInTimeRecovery(), source, target) == Difference()


def test_a_source_without_recovery_leaves_the_target_alone(aws: Aws, clients: Clients) -> None:
    make_table(clients, "orders")
    make_table(clients, "orders-restored")
    clients.dynamodb.update_continuous_backups(
        TableName="orders-restored", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    source, target = Table("orders", clients), Table("orders-restored", clients)
    assert carry_over(PointInTimeRecovery(), source, target) == Difference()
    assert portable(PointInTimeRecovery(), target) == {"recovery_period_days": 35}


CONFLICT = "the target can be recovered 14 days back, the source 7; the target's is kept"


@pytest.mark.parametrize(
    ("wanted", "present", "expected"),
    [
        (None, None, Difference()),
        (None, 35, Difference()),
        (7, 7, Difference()),
        (
            7,
            None,
            Difference((Step("enable point-in-time recovery, 7 days back", {"recovery_period_days": 7}),)),
        ),
        (7, 14, Difference(conflicts=(CONFLICT,))),
    ],
)
def test_difference(wanted: int | None, present: int | None, expected: Difference) -> None:
    desired: State = {"recovery_period_days": wanted}
    assert PointInTimeRecovery().diff(desired, {"recovery_period_days": present}) == expected
