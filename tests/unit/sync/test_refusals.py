"""Until when a refusal may still pass by itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dynamodb_restore.aws import Clients
from dynamodb_restore.settings.setting import Table
from dynamodb_restore.sync.refusals import WHILE_FOLLOWED, WHILE_WRITERS_WAIT, may_pass
from tests.unit.builders import make_table
from tests.unit.fakes import Aws, table_arn

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
WINDOW = timedelta(minutes=10)


def ago(**how_long: float) -> datetime:
    return NOW - timedelta(**how_long)


@pytest.fixture
def target(aws: Aws, clients: Clients) -> Table:
    make_table(clients, "orders-restored")
    return Table("orders-restored", clients)


def has_stream_of(aws: Aws, at: datetime, *, on: bool = True) -> None:
    aws.describe_as(
        "orders-restored",
        StreamSpecification={"StreamEnabled": on, "StreamViewType": "NEW_IMAGE"},
        LatestStreamArn=f"{table_arn('orders-restored')}/stream/{at:%Y-%m-%dT%H:%M:%S.000}",
    )


@pytest.mark.parametrize(
    ("since", "passes"),
    [(None, True), (ago(minutes=9, seconds=59), True), (ago(minutes=10), False)],
)
def test_it_counts_from_when_settings_were_first_applied(
    target: Table, since: datetime | None, passes: bool
) -> None:
    assert may_pass(target, since, WINDOW, NOW) is passes


@pytest.mark.parametrize(
    ("made_at", "passes"), [(ago(minutes=9, seconds=59), True), (ago(minutes=10), False)]
)
def test_it_counts_from_the_making_of_a_younger_stream(
    target: Table, aws: Aws, made_at: datetime, passes: bool
) -> None:
    has_stream_of(aws, made_at)
    assert may_pass(target, ago(hours=1), WINDOW, NOW) is passes


def test_an_old_stream_takes_no_time_away(target: Table, aws: Aws) -> None:
    has_stream_of(aws, ago(hours=2))
    assert may_pass(target, ago(minutes=1), WINDOW, NOW)


def test_a_stream_that_is_off_counts_for_nothing(target: Table, aws: Aws) -> None:
    has_stream_of(aws, ago(minutes=1), on=False)
    assert not may_pass(target, ago(hours=1), WINDOW, NOW)


def test_a_stream_that_is_made_meanwhile_counts(target: Table, aws: Aws) -> None:
    assert not may_pass(target, ago(hours=1), WINDOW, NOW)
    has_stream_of(aws, ago(seconds=5))
    target.forget()
    assert may_pass(target, ago(hours=1), WINDOW, NOW)


def test_a_target_that_cannot_be_looked_at_leaves_it_to_the_next_try(target: Table, aws: Aws) -> None:
    aws.fail("DescribeTable", "ThrottlingException")
    assert may_pass(target, ago(hours=1), WINDOW, NOW)


def test_writers_that_stand_still_wait_no_longer_than_people_do() -> None:
    assert WHILE_WRITERS_WAIT < WHILE_FOLLOWED
