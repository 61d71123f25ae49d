"""Lambda answers "Cannot access stream ... Please ensure the role can perform the GetRecords ..." for a minute or two after a
stream or a role was made, and then takes the same call. Restores were given up for it at once, with the advice to add a permission
that was there."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from dynamodb_restore.actions.cutover import CutoverRequest, cutover
from dynamodb_restore.aws import Clients
from dynamodb_restore.restore.delivery import Finished, GivenUp, TryAgain, Verdict
from dynamodb_restore.settings.setting import CannotApplyError
from tests.unit.builders import (
    REQUESTED_AT,
    delivery,
    make_full_source,
    make_restore_table,
    make_target,
    make_worker,
    request,
)
from tests.unit.changes.house import House
from tests.unit.fakes import Aws, Clock, table_arn

STREAM = f"{table_arn('orders-restored')}/stream/2026-11-22T07:05:03.111"
NO_ACCESS = (
    f"Cannot access stream {STREAM}. Please ensure the role can perform the GetRecords, GetShardIterator, DescribeStream, and "
    "ListStreams Actions on your stream in IAM."
)
PASSING = {
    "the stream may not be read": NO_ACCESS,
    "the stream is not known": f"Stream not found: {STREAM}",
    "the role is not known": "The role defined for the function cannot be assumed by Lambda.",
    "the destination may not be used": (
        "The provided execution role does not have permissions to call SendMessage on SQS"
    ),
}
ACTIVE_AT = REQUESTED_AT + timedelta(minutes=25)


@pytest.fixture
def restored(aws: Aws, clients: Clients) -> None:
    make_restore_table(clients)
    make_full_source(aws, clients)
    make_target(aws, clients)
    # Made by the first delivery; moto would have it made today.
    aws.describe_as("orders-restored", LatestStreamArn=stream_of(ACTIVE_AT))


def stream_of(at: datetime) -> str:
    return f"{table_arn('orders-restored')}/stream/{at:%Y-%m-%dT%H:%M:%S}.111"


def follow(clients: Clients, attempt: int, at: datetime) -> Verdict:
    """One delivery, with a clock of its own."""
    return make_worker(clients, Clock(), now=at, max_attempts=20).follow(delivery(request(), attempt))


def refuse(aws: Aws, message: str, times: int) -> None:
    aws.fail("CreateEventSourceMapping", "InvalidParameterValueException", message, times=times)


@pytest.mark.parametrize("message", PASSING.values(), ids=PASSING)
@pytest.mark.usefixtures("restored")
def test_a_refusal_of_some_seconds_is_nobodys_business(aws: Aws, clients: Clients, message: str) -> None:
    refuse(aws, message, times=4)
    verdict = follow(clients, 1, ACTIVE_AT)
    assert isinstance(verdict, Finished)
    assert not any(outcome.reason for outcome in verdict.report.outcomes)


@pytest.mark.usefixtures("restored")
def test_a_refusal_of_some_minutes_takes_some_deliveries(aws: Aws, clients: Clients) -> None:
    refuse(aws, NO_ACCESS, times=10_000)
    assert isinstance(follow(clients, 1, ACTIVE_AT), TryAgain)
    assert isinstance(follow(clients, 2, ACTIVE_AT + timedelta(minutes=2)), TryAgain)
    aws._faults.clear()
    assert isinstance(follow(clients, 3, ACTIVE_AT + timedelta(minutes=4)), Finished)


@pytest.mark.usefixtures("restored")
def test_a_refusal_that_stands_is_told_with_the_advice(aws: Aws, clients: Clients) -> None:
    """A permission that is missing must not keep a restore `syncing` for as long as it may wait for a table."""
    refuse(aws, NO_ACCESS, times=10_000)
    for attempt, minutes in enumerate((0, 3, 6, 9), 1):
        assert isinstance(follow(clients, attempt, ACTIVE_AT + timedelta(minutes=minutes)), TryAgain)
    verdict = follow(clients, 5, ACTIVE_AT + timedelta(minutes=12))
    assert isinstance(verdict, GivenUp)
    assert verdict.code == "settings_failed"
    assert "may not read the target's stream; add to its execution role: " in verdict.reason
    assert "and run the restore again" in verdict.reason


@pytest.mark.usefixtures("restored")
def test_a_restore_that_is_sent_round_again_has_its_time_again(aws: Aws, clients: Clients) -> None:
    """Somebody has just added the permission, and it takes effect in a minute."""
    refuse(aws, NO_ACCESS, times=10_000)
    follow(clients, 1, ACTIVE_AT)
    assert isinstance(follow(clients, 2, ACTIVE_AT + timedelta(minutes=12)), GivenUp)

    def redriven(attempt: int, at: datetime) -> Verdict:
        worker = make_worker(clients, Clock(), now=at, max_attempts=20)
        return worker.follow(delivery(request(), attempt, "from the DLQ", redriven=True))

    later = ACTIVE_AT + timedelta(hours=3)
    assert isinstance(redriven(1, later), TryAgain)
    assert isinstance(redriven(2, later + timedelta(minutes=3)), TryAgain)
    aws._faults.clear()
    assert isinstance(redriven(3, later + timedelta(minutes=5)), Finished)


@pytest.mark.usefixtures("restored")
def test_a_stream_that_was_made_late_has_its_time_too(aws: Aws, clients: Clients) -> None:
    """UpdateTable was refused for eleven minutes, and Lambda does not see the stream at once."""
    aws.fail("UpdateTable", "LimitExceededException", "Subscriber limit exceeded", times=10_000)
    assert isinstance(follow(clients, 1, ACTIVE_AT), TryAgain)
    aws._faults.clear()
    late = ACTIVE_AT + timedelta(minutes=11)
    aws.describe_as("orders-restored", LatestStreamArn=stream_of(late))
    refuse(aws, NO_ACCESS, times=10_000)
    assert isinstance(follow(clients, 2, late), TryAgain)
    assert isinstance(follow(clients, 3, late + timedelta(minutes=9)), TryAgain)
    assert isinstance(follow(clients, 4, late + timedelta(minutes=11)), GivenUp)


def test_a_cutover_is_held_up_for_three_minutes_at_most(house: House) -> None:
    """Meanwhile the writers stand still."""
    house.replaying()
    house.shelf.refuse("plum", *[CannotApplyError("may not read the stream", passes=True)] * 10_000)

    def cut_over() -> dict[str, Any]:
        return cutover(house.actions, house.pipeline, CutoverRequest(settle_seconds=3))

    answer = cut_over()
    fenced_at = house.now
    while "next" in answer:
        assert house.now < fenced_at + 240
        house.now += 40
        answer = cut_over()

    assert house.now > fenced_at + 120
    assert answer["result"] == "incomplete"
    (failed,) = (setting for setting in answer["settings"] if setting["status"] == "failed")
    assert failed["reason"] == "put plum: may not read the stream"
    assert house.announced() == ["incomplete"]
