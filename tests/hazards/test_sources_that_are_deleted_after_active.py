"""A source is deleted between two deliveries that both find the target ACTIVE.

AWS Backup tells of a restore once its table is ACTIVE, so no delivery sees such a table CREATING. What the first delivery
read of the source is then read by nobody again: the settings that it did not come to are lost, and a report that begins
anew says "no settings were cloned" of a table whose triggers are live.
"""

from __future__ import annotations

import pytest

from dynamodb_restore.aws import Clients
from dynamodb_restore.restore.delivery import Finished, GivenUp, TryAgain
from dynamodb_restore.restore.worker import Worker
from tests.hazards.reporting import TARGET, by_setting, make_restore, statuses, told
from tests.unit.builders import SEVEN, delivery, record_item, request
from tests.unit.fakes import Aws, Clock

TAGS = "add tags cost-center=1234, team=checkout"


@pytest.fixture
def worker(aws: Aws, clients: Clients, clock: Clock) -> Worker:
    return make_restore(aws, clients, clock)


def delete_source(clients: Clients) -> None:
    clients.dynamodb.delete_table(TableName="orders")


def test_what_the_first_delivery_read_is_applied_by_the_second(
    worker: Worker, aws: Aws, clients: Clients
) -> None:
    aws.fail("TagResource", "ResourceInUseException", "busy", times=100)
    assert isinstance(worker.follow(delivery(request(), 1)), TryAgain)
    delete_source(clients)
    aws._faults.clear()

    assert isinstance(worker.follow(delivery(request(), 2)), Finished)

    (report,) = told(aws)
    assert statuses(report) == dict.fromkeys(SEVEN, "applied")
    assert by_setting(report)["tags"]["done"] == [TAGS]


def test_what_could_not_be_kept_is_told_beside_what_was_applied(
    worker: Worker, aws: Aws, clients: Clients
) -> None:
    """A state that could not be read has nothing to be kept of."""
    aws.fail("DescribeTimeToLive", "ThrottlingException", "slow down", times=3)
    worker.follow(delivery(request(), 1))
    delete_source(clients)

    assert isinstance(worker.follow(delivery(request(), 2)), GivenUp)

    (report,) = told(aws)
    assert statuses(report) == {**dict.fromkeys(SEVEN, "applied"), "ttl": "failed"}
    assert report["result"] == "incomplete"


@pytest.mark.parametrize("status", ["DELETING", "ARCHIVED"])
def test_a_target_that_becomes_unusable_is_reported_with_what_it_was_given(
    worker: Worker, aws: Aws, status: str
) -> None:
    aws.fail("TagResource", "ResourceInUseException", "busy", times=100)
    worker.follow(delivery(request(), 1))
    aws.describe_as(TARGET, TableStatus=status)

    assert isinstance(worker.follow(delivery(request(), 2)), GivenUp)

    (report,) = told(aws)
    assert statuses(report) == {**dict.fromkeys(SEVEN, "applied"), "tags": "failed"}


def test_a_target_that_stays_busy_is_reported_with_what_it_was_given(worker: Worker, aws: Aws) -> None:
    aws.fail("TagResource", "ResourceInUseException", "busy", times=100)
    worker.follow(delivery(request(), 1))
    aws.describe_as(TARGET, TableStatus="UPDATING")

    for attempt in (2, 3, 4, 5):
        worker.follow(delivery(request(), attempt))

    (report,) = told(aws)
    assert report["reason"] == "gave up after 5 attempts: orders-restored is UPDATING"
    assert statuses(report) == {**dict.fromkeys(SEVEN, "applied"), "tags": "failed"}


def test_the_end_of_a_restore_that_is_sent_round_again_begins_with_what_was_reported_then(
    worker: Worker, aws: Aws, clients: Clients
) -> None:
    aws.fail("TagResource", "AccessDeniedException", "no")
    assert isinstance(worker.follow(delivery(request(), 1)), GivenUp)
    aws.describe_as(TARGET, TableStatus="DELETING")

    worker.follow(delivery(request(), 1, "redriven", redriven=True))

    first, second = told(aws)
    assert second["settings"] == first["settings"]
    assert record_item(clients)["report"]["settings"] == first["settings"]
