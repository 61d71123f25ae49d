"""A drill leaves a table behind that nobody can delete, or that acts and costs.

AWS Backup's restore testing deletes what it has restored, with a role that may do no more than DeleteTable
(docs.aws.amazon.com/aws-backup/latest/devguide/restore-testing.html). Deletion protection, cloned onto the test's table, left a
paid copy behind with every test; the Kinesis destination, TTL, point-in-time recovery and Contributor Insights of a drill cost, or
act outside.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.aws.names import table_arn
from tests.faults.estate import TARGET
from tests.faults.functions import Functions, World
from tests.field.restores import TESTING_PLAN, restored_by_job, told
from tests.hazards.reporting import by_setting
from tests.hazards.restore_runs import record, target

# The tests reset warnings, and with them the filter that the functions set for themselves.
pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")


KEPT = {"tags", "table_class", "stream"}
"""What describes the table. The source here is provisioned, and so has no maximum throughput."""


@pytest.fixture(autouse=True)
def _without_overrides(functions: Functions) -> Iterator[None]:
    with functions.configured(overrides=[]):
        yield


def a_restore_test() -> World:
    return restored_by_job("job_of_a_restore_test", CreatedBy={"RestoreTestingPlanArn": TESTING_PLAN})


def test_a_restore_test_gets_what_describes_the_table(functions: Functions) -> None:
    report = told(functions, a_restore_test())
    assert report["result"] == "synced"
    done = {name for name, setting in by_setting(report).items() if setting["done"]}
    assert done == KEPT
    assert by_setting(report)["deletion_protection"]["reason"] == "switched off for drills"
    assert by_setting(report)["deletion_protection"]["switch"] == {"on": False, "by": "drill"}


def test_nothing_keeps_its_table_from_being_deleted(functions: Functions) -> None:
    world = a_restore_test()
    told(functions, world)
    assert not target(world).description.get("DeletionProtectionEnabled")
    arns = [arn for arn in world.account.policies.documents if arn.startswith(table_arn(TARGET))]
    assert arns == [], "a policy may deny it"


def test_nothing_of_it_costs_or_acts_outside(functions: Functions) -> None:
    world = a_restore_test()
    told(functions, world)
    made = target(world)
    assert (made.recovery_days, made.ttl["TimeToLiveStatus"], made.insights) == (None, "DISABLED", {})
    assert [name for name in world.account.cloudwatch.metric_alarms if TARGET in name] == []
    assert not [key for key in world.account.scaling.targets if TARGET in str(key)]


def test_the_record_knows_that_it_is_one(functions: Functions) -> None:
    world = a_restore_test()
    told(functions, world)
    assert record(world)["request"]["M"]["restore_test"]["BOOL"] is True


@pytest.mark.parametrize("created_by", [{}, {"RestoreTestingPlanArn": ""}])
def test_an_event_that_says_so_is_not_believed(functions: Functions, created_by: dict[str, str]) -> None:
    """Who could write one would have the table of a real restore left unprotected."""
    world = restored_by_job("job_of_a_restore_test", CreatedBy=created_by)
    told(functions, world)
    assert target(world).description["DeletionProtectionEnabled"]
