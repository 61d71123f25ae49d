"""Adding a replica to a large table takes hours. Meanwhile AWS refuses what all replicas share, time to live too, in the words in
which it refuses another replica; time to live was reported as failed for good. And a replica that cannot be added because a KMS key
is disabled is refused as if encryption were just changing: that was tried for a day, without a word about the key."""

from __future__ import annotations

from typing import Any

import pytest

from dynamodb_restore.aws import Clients, ErrorClass, classify
from dynamodb_restore.settings.replicas import Replicas
from dynamodb_restore.settings.setting import Setting, Table
from dynamodb_restore.settings.ttl import TimeToLive
from dynamodb_restore.sync.outcome import Outcome, Status
from dynamodb_restore.sync.run import Sync
from tests.unit.builders import make_table, portable
from tests.unit.fakes import Aws, Clock, client_error
from tests.unit.settings.test_replicas import IRELAND, GlobalTables, global_tables, source, target

__all__ = ["global_tables", "source", "target"]

BEING_ADDED = (
    "Create/Update/Delete of replica is not allowed while the replica is being added to table with name: 'orders-restored' in "
    "region: 'eu-west-1'."
)
ENCRYPTION_CHANGES = (
    "Operation cannot be performed while replica server-side encryption status is in UPDATING state. Please retry the request "
    "after the status is updated to ENABLED."
)


def run(setting: Setting, source: Table, target: Table, clock: Clock, *, late: bool = False) -> Outcome:
    """What the engine makes of one setting.

    Args:
        late: whether what can pass by itself has had its time.
    """
    desired = {setting.name: portable(setting, source)}
    switches = {setting.name: True}
    (outcome,) = Sync(
        [setting], desired, target, clock.pace(), switches=switches, refusals_may_pass=lambda: not late
    ).run()
    return outcome


@pytest.mark.parametrize(
    "operation",
    [
        "UpdateTimeToLive",
        "UpdateTable",
        "UpdateContinuousBackups",
        "UpdateContributorInsights",
        "EnableKinesisStreamingDestination",
        "TagResource",
        "PutResourcePolicy",
    ],
)
@pytest.mark.parametrize("message", [BEING_ADDED, ENCRYPTION_CHANGES], ids=["being added", "encryption"])
def test_whatever_is_refused_for_it_is_tried_again(operation: str, message: str) -> None:
    assert classify(client_error(operation, "ValidationException", message)) is ErrorClass.RETRY


def test_a_table_that_is_not_active_yet_is_waited_for_here_too() -> None:
    message = "Cannot describe time to live while table is in CREATING state: Current table state is CREATING"
    assert classify(client_error("DescribeTimeToLive", "ValidationException", message)) is ErrorClass.RETRY


class TestTimeToLive:
    @pytest.fixture
    def tables(self, clients: Clients) -> tuple[Table, Table]:
        make_table(clients, "orders")
        make_table(clients, "orders-restored")
        specification: Any = {"Enabled": True, "AttributeName": "expires"}
        clients.dynamodb.update_time_to_live(TableName="orders", TimeToLiveSpecification=specification)
        return Table("orders", clients), Table("orders-restored", clients)

    def test_it_is_enabled_once_the_replica_is_there(
        self, aws: Aws, tables: tuple[Table, Table], clock: Clock
    ) -> None:
        aws.fail("UpdateTimeToLive", "ValidationException", BEING_ADDED, times=4)
        outcome = run(TimeToLive(), *tables, clock)
        assert (outcome.status, outcome.done) == (Status.APPLIED, ("enable TTL by expires",))

    @pytest.mark.parametrize("late", [False, True])
    def test_a_replica_may_take_hours(
        self, aws: Aws, tables: tuple[Table, Table], clock: Clock, late: bool
    ) -> None:
        aws.fail("UpdateTimeToLive", "ValidationException", BEING_ADDED, times=10_000)
        outcome = run(TimeToLive(), *tables, clock, late=late)
        assert (outcome.status, outcome.retryable) == (Status.FAILED, True)


class TestDisabledKeys:
    @pytest.fixture(autouse=True)
    def refused(self, aws: Aws, global_tables: GlobalTables) -> None:
        global_tables.put("orders", IRELAND)
        aws.fail("UpdateTable", "ValidationException", ENCRYPTION_CHANGES, times=10_000)

    def test_it_is_tried_again_for_minutes(self, source: Table, target: Table, clock: Clock) -> None:
        assert run(Replicas(), source, target, clock).retryable

    def test_in_the_end_a_person_hears_of_the_key(self, source: Table, target: Table, clock: Clock) -> None:
        outcome = run(Replicas(), source, target, clock, late=True)
        assert (outcome.status, outcome.retryable) == (Status.FAILED, False)
        assert str(outcome.reason).startswith(
            "replicate to eu-west-1: AWS does not take the KMS key: Operation cannot be performed while replica"
        )
        assert "or enable the keys of the table and of its replicas, and run the restore again" in str(
            outcome.reason
        )

    @pytest.mark.parametrize(
        "shown",
        [
            {"SSEDescription": {"Status": "UPDATING", "SSEType": "KMS"}},
            {"Replicas": [{"RegionName": "eu-north-1", "ReplicaStatus": "CREATING"}]},
            {"Replicas": [{"RegionName": "eu-north-1", "ReplicaStatus": "UPDATING"}]},
        ],
        ids=["encryption", "another replica", "a replica's key"],
    )
    def test_what_is_really_changing_is_waited_for(
        self, aws: Aws, source: Table, target: Table, clock: Clock, shown: dict[str, Any]
    ) -> None:
        aws.describe_as("orders-restored", **shown)
        outcome = run(Replicas(), source, target, clock, late=True)
        assert (outcome.status, outcome.retryable) == (Status.FAILED, True)
