"""Sixty alarms name a table, and CloudWatch takes three PutMetricAlarm a second of the whole account
(docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html), which ten restores share.

Where a setting carries out all its steps before the next one has its turn, a restored table could be deleted, and had no
backups, for as long as the quota made its alarms wait: 24 minutes.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.aws.clock import VirtualClock
from tests.aws.hazards import Attempt, Fault, Mode
from tests.faults.actions import deliver_all
from tests.faults.estate import SOURCE, TARGET
from tests.faults.functions import Functions, World
from tests.hazards.restore_runs import calls, reports, restoring, target

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")

ALARMS = 60
PER_SECOND = 0.3
"""Of the three, where ten restores share them."""


@dataclass
class Quota:
    """Calls of one operation are throttled beyond a rate.

    Attributes:
        free_at: when the next one is taken.
    """

    clock: VirtualClock
    operation: str
    per_second: float
    free_at: float = 0.0

    def __call__(self, attempt: Attempt) -> Fault | None:
        if attempt.call.operation != self.operation:
            return None
        if self.clock.now < self.free_at:
            return Fault(Mode.THROTTLED)
        self.free_at = self.clock.now + 1 / self.per_second
        return None


@pytest.fixture
def world() -> World:
    world = restoring()
    for number in range(ALARMS):
        world.account.cloudwatch.put_alarm(
            f"{SOURCE}-{number:02}",
            Namespace="AWS/DynamoDB",
            MetricName="ReadThrottleEvents",
            Dimensions=[{"Name": "TableName", "Value": SOURCE}],
        )
    world.wire.latency = lambda: 0.05
    world.wire.hazards.append(Quota(world.clock, "PutMetricAlarm", PER_SECOND))
    return world


def test_what_protects_does_not_wait_for_alarms(functions: Functions, world: World) -> None:
    began = world.clock.now
    functions.deliver(world)
    made = calls(world)
    assert max(made.index("UpdateContinuousBackups"), made.index("UpdateTable")) < made.index(
        "PutMetricAlarm"
    )
    assert target(world).recovery_days == 7
    assert target(world).description["DeletionProtectionEnabled"]
    assert world.clock.now - began < 120


def test_all_other_settings_are_applied_while_alarms_wait(functions: Functions, world: World) -> None:
    functions.deliver(world)
    made = calls(world)
    alarms = [number for number, name in enumerate(made) if name == "PutMetricAlarm"]
    # Five of six have been refused so far, and the others have had their turns in between.
    for name in (
        "TagResource",
        "UpdateTimeToLive",
        "EnableKinesisStreamingDestination",
        "UpdateContributorInsights",
    ):
        assert made.index(name) < alarms[5], name
    assert target(world).ttl["TimeToLiveStatus"] == "ENABLED"
    # What is not made yet is made by the deliveries that follow.
    deliver_all(functions, world)
    assert [report["result"] for report in reports(world)] == ["synced"]
    named = [name for name in world.account.cloudwatch.metric_alarms if TARGET in name]
    assert len(named) >= ALARMS
