"""What was made just now is not known everywhere. IAM tells of a new role within some seconds to minutes, and until then DynamoDB
takes no policy that names it; Application Auto Scaling does not find a table that DynamoDB calls ACTIVE, or may not use its own role
yet. Each was reported as failed for good, with advice to mend what was right. And a permission that it does lack was waited for
during a day."""

from __future__ import annotations

import json
from typing import Final

import pytest

from dynamodb_restore.aws import Clients, ErrorClass, classify
from dynamodb_restore.settings.auto_scaling import AutoScaling
from dynamodb_restore.settings.resource_policy import ResourcePolicy
from dynamodb_restore.settings.setting import Setting, Table
from dynamodb_restore.sync.outcome import Outcome, Status
from dynamodb_restore.sync.run import Sync
from tests.principals import INVALID_PRINCIPAL
from tests.unit.builders import make_table, portable, scale
from tests.unit.fakes import Aws, Clock, client_error, table_arn
from tests.unit.settings.test_resource_policy import Policies, allow, document, policies

__all__ = ["policies"]

NO_TABLE = "DynamoDB table does not exist: table/orders-restored"
NO_ROLE = "Unable to assume IAM role: arn:aws:iam::123456789012:role/aws-service-role/dynamodb"
NO_TOKEN = (
    "Unable to retrieve the capacity for resource: table/orders-restored, scalable dimension: dynamodb:table:ReadCapacityUnits."
    " Reason: The security token included in the request is invalid."
)
THROTTLED = (
    "Unable to create alarms for scaling policy track-reads due to reason: Rate exceeded (Service: AmazonCloudWatch; Status Code: "
    "400; Error Code: Throttling)"
)
NOT_ALLOWED = (
    "Unable to create alarms for scaling policy track-reads due to reason: User: arn:aws:sts::123456789012:assumed-role/x is not "
    "authorized to perform: cloudwatch:PutMetricAlarm"
)
READS: Final = "dynamodb:table:ReadCapacityUnits"


def run(setting: Setting, clients: Clients, clock: Clock, *, late: bool = False) -> Outcome:
    """What the engine makes of one setting.

    Args:
        late: whether what can pass by itself has had its time.
    """
    source, target = Table("orders", clients), Table("orders-restored", clients)
    desired = {setting.name: portable(setting, source)}
    sync = Sync(
        [setting],
        desired,
        target,
        clock.pace(),
        switches={setting.name: True},
        refusals_may_pass=lambda: not late,
    )
    (outcome,) = sync.run()
    return outcome


def never_registered(aws: Aws, message: str) -> None:
    """Moto takes a policy of a target that was never registered."""
    aws.fail("RegisterScalableTarget", "ValidationException", message, times=10_000)
    text = "No scalable target registered for service namespace: dynamodb"
    aws.fail("PutScalingPolicy", "ObjectNotFoundException", text, times=10_000)


@pytest.fixture(autouse=True)
def tables(aws: Aws, clients: Clients) -> None:
    make_table(clients, "orders")
    make_table(clients, "orders-restored")


class TestPrincipals:
    @pytest.fixture(autouse=True)
    def naming_a_role(self, policies: Policies) -> None:
        policies.documents[table_arn("orders")] = json.dumps(document(allow(table_arn("orders"))))

    def test_a_role_that_was_just_made_is_waited_for(self, aws: Aws, clients: Clients, clock: Clock) -> None:
        aws.fail("PutResourcePolicy", "ValidationException", INVALID_PRINCIPAL, times=4)
        assert run(ResourcePolicy(), clients, clock).status is Status.APPLIED

    def test_a_role_that_is_gone_is_told_in_the_end(self, aws: Aws, clients: Clients, clock: Clock) -> None:
        aws.fail("PutResourcePolicy", "ValidationException", INVALID_PRINCIPAL, times=10_000)
        assert run(ResourcePolicy(), clients, clock).retryable
        outcome = run(ResourcePolicy(), clients, clock, late=True)
        assert (outcome.status, outcome.retryable) == (Status.FAILED, False)
        assert "names a principal that does not exist (any more)" in str(outcome.reason)

    def test_what_locks_this_module_out_is_not_waited_for(
        self, aws: Aws, clients: Clients, clock: Clock
    ) -> None:
        aws.fail("PutResourcePolicy", "ValidationException", "Set ConfirmRemoveSelfResourceAccess to true")
        assert not run(ResourcePolicy(), clients, clock).retryable
        assert clock.naps == []


class TestAutoScaling:
    @pytest.fixture(autouse=True)
    def scaled(self, tables: None, clients: Clients) -> None:
        scale(clients, "table/orders", READS, policy="track-reads")

    @pytest.mark.parametrize(
        "message", [NO_TABLE, NO_ROLE, NO_TOKEN], ids=["the table", "the role", "its token"]
    )
    def test_what_it_does_not_know_yet_is_tried_again(
        self, aws: Aws, clients: Clients, clock: Clock, message: str
    ) -> None:
        aws.fail("RegisterScalableTarget", "ValidationException", message, times=3)
        outcome = run(AutoScaling(), clients, clock)
        assert (outcome.status, outcome.reason) == (Status.APPLIED, None)

    def test_what_it_does_not_find_in_the_end_is_told(self, aws: Aws, clients: Clients, clock: Clock) -> None:
        never_registered(aws, NO_TABLE)
        outcome = run(AutoScaling(), clients, clock, late=True)
        assert (outcome.status, outcome.retryable) == (Status.FAILED, False)
        assert f"does not take table/orders-restored: {NO_TABLE}; if that is there, run" in str(
            outcome.reason
        )

    def test_other_refusals_stay_final(self, aws: Aws, clients: Clients, clock: Clock) -> None:
        never_registered(aws, "Maximum capacity is below the minimum")
        assert not run(AutoScaling(), clients, clock).retryable

    def test_a_role_of_its_own_that_was_just_made_is_waited_for(
        self, aws: Aws, clients: Clients, clock: Clock
    ) -> None:
        aws.fail("PutScalingPolicy", "FailedResourceAccessException", NOT_ALLOWED, times=3)
        assert run(AutoScaling(), clients, clock).status is Status.APPLIED

    def test_a_permission_that_it_lacks_is_told_within_minutes(
        self, aws: Aws, clients: Clients, clock: Clock
    ) -> None:
        aws.fail("PutScalingPolicy", "FailedResourceAccessException", NOT_ALLOWED, times=10_000)
        outcome = run(AutoScaling(), clients, clock, late=True)
        assert (outcome.status, outcome.retryable) == (Status.FAILED, False)
        assert "is not authorized to perform: cloudwatch:PutMetricAlarm; let its service-linked role" in str(
            outcome.reason
        )

    @pytest.mark.parametrize("late", [False, True])
    def test_a_throttle_that_it_passes_on_is_a_throttle(
        self, aws: Aws, clients: Clients, clock: Clock, late: bool
    ) -> None:
        aws.fail("PutScalingPolicy", "FailedResourceAccessException", THROTTLED, times=10_000)
        outcome = run(AutoScaling(), clients, clock, late=late)
        assert (outcome.status, outcome.retryable) == (Status.FAILED, True)
        assert "service-linked" not in str(outcome.reason)

    @pytest.mark.parametrize("operation", ["DescribeScalingPolicies", "PutScalingPolicy"])
    def test_only_the_throttle_is_a_matter_of_waiting(self, operation: str) -> None:
        code = "FailedResourceAccessException"
        assert classify(client_error(operation, code, THROTTLED)) is ErrorClass.RETRY
        assert classify(client_error(operation, code, NOT_ALLOWED)) is ErrorClass.GIVE_UP
