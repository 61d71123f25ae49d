"""The target is deleted, and another table has its name before the next delivery, or in the middle of one.

A table is its TableId. Many events do not tell it: those of AWS Backup's jobs, those of calls whose answer CloudTrail left
out, those that people write. Whoever goes by the name puts triggers, a Kinesis destination and a TTL that deletes items on a
stranger's table, and reports success.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from typing_extensions import override

from dynamodb_restore.actions.context import OperatorError
from dynamodb_restore.actions.cutover import CutoverRequest, cutover
from dynamodb_restore.aws import Clients, TableRef
from dynamodb_restore.pipeline.claim import ClaimState
from dynamodb_restore.restore.delivery import Finished, GivenUp, NothingToDo, TryAgain
from dynamodb_restore.restore.record import Identified, Lease, RestoreKey
from dynamodb_restore.restore.report import Result
from dynamodb_restore.restore.worker import Worker
from dynamodb_restore.settings.setting import (
    AnotherTableError,
    Lane,
    Step,
    Table,
)
from dynamodb_restore.sync.run import sync_settings
from dynamodb_restore.sync.same_table import FRESH_SECONDS
from tests.hazards.restoring import RESTORING, TARGET, given_up
from tests.unit.builders import (
    REQUESTED_AT,
    delivery,
    make_full_source,
    make_restore_table,
    make_table,
    make_target,
    make_worker,
    record_item,
    request,
)
from tests.unit.changes.house import RESTORE_ID, House
from tests.unit.changes.makers import RESTORE_TABLE
from tests.unit.fakes import Aws, Clock, Shelf, table_arn


@pytest.fixture
def worker(aws: Aws, clients: Clients, clock: Clock) -> Worker:
    make_restore_table(clients)
    make_full_source(aws, clients)
    make_target(aws, clients)
    return make_worker(clients, clock)


def a_stranger_takes_the_name(aws: Aws) -> None:
    """Within the same minute, so that nothing but the id tells the two apart."""
    aws.describe_as(TARGET, TableId="a stranger's", RestoreSummary={})


@pytest.mark.parametrize("redriven", [False, True])
def test_between_two_deliveries(worker: Worker, aws: Aws, clients: Clients, redriven: bool) -> None:
    aws.describe_next(TARGET, RESTORING)
    assert isinstance(worker.follow(delivery(request(), 1)), TryAgain)
    a_stranger_takes_the_name(aws)
    aws.calls.clear()
    verdict = worker.follow(delivery(request(), 2, redriven=redriven))
    assert given_up(verdict) == ("target_gone", "failed")
    assert aws.writes() == ["PutEvents"]
    # It is this restore that ended, and not the stranger's.
    assert record_item(clients)["state"] == "failed"
    assert record_item(clients, "a stranger's") == {}


def test_two_deliveries_at_once_see_two_tables(worker: Worker, aws: Aws, clients: Clients) -> None:
    """Both have looked, and the one that saw the successor is the second to pin."""
    worker.pins.pin(request().event_id, TARGET, "the first one", REQUESTED_AT)
    pinned = worker.pins.get
    object.__setattr__(worker.pins, "get", lambda event_id, target: None)
    pin = worker.pins.pin

    def after_the_other(event_id: str, target: str, target_id: str, now: object) -> str:
        object.__setattr__(worker.pins, "get", pinned)
        return pin(event_id, target, target_id, REQUESTED_AT)

    object.__setattr__(worker.pins, "pin", after_the_other)
    aws.calls.clear()
    assert given_up(worker.follow(delivery(request(), 1))) == ("target_gone", "failed")
    assert aws.writes() == ["PutEvents"]


def test_two_restores_into_one_name_and_the_first_event_comes_last(
    worker: Worker, aws: Aws, clients: Clients
) -> None:
    """The second is followed as if the first had never been, and the first is told to be gone."""
    make_table(clients, "customers")
    second = request(event_id="of the second", source=TableRef("customers"))
    first = request(event_id="of the first", requested_at=REQUESTED_AT - timedelta(minutes=3))
    aws.describe_as(TARGET, RestoreSummary={"SourceTableArn": table_arn("customers")})
    assert isinstance(worker.follow(delivery(second, 1)), Finished)
    aws.describe_as(TARGET, RestoreSummary={})
    aws.calls.clear()
    assert given_up(worker.follow(delivery(first, 1))) == ("target_gone", "failed")
    assert aws.writes() == ["PutEvents"]
    assert record_item(clients)["source"] == "customers"
    assert worker.follow(delivery(second, 2)) == NothingToDo("already finished by an earlier delivery")


def test_two_restores_into_one_name_and_the_second_is_not_known_yet(worker: Worker, aws: Aws) -> None:
    aws.describe_as(TARGET, RestoreSummary={})
    first = request(event_id="of the first", requested_at=REQUESTED_AT - timedelta(minutes=3))
    aws.calls.clear()
    assert given_up(worker.follow(delivery(first, 1))) == ("target_gone", "failed")
    assert aws.writes() == ["PutEvents"]


def test_an_event_that_names_another_source_does_not_end_the_restore_on_record(
    worker: Worker, aws: Aws, clients: Clients
) -> None:
    aws.describe_next(TARGET, RESTORING)
    worker.follow(delivery(request(), 1))
    aws.describe_as(TARGET, RestoreSummary={})
    table_id = record_item(clients)["target_id"]
    forged = request(event_id="forged", source=TableRef("customers"), target_id=table_id)
    assert given_up(worker.follow(delivery(forged, 1, redriven=True))) == ("other_source", "failed")
    assert record_item(clients)["state"] == "waiting"
    assert isinstance(worker.follow(delivery(request(), 2)), Finished)


class TestInTheMiddleOfADelivery:
    def test_nothing_more_is_written_and_that_is_told(self, worker: Worker, aws: Aws) -> None:
        """After all has been looked at, and before the first write."""
        save_syncing = worker.records.save_syncing

        def and_then_it_is_replaced(*positional: object, **named: object) -> object:
            a_stranger_takes_the_name(aws)
            return save_syncing(*positional, **named)  # type: ignore[arg-type]

        object.__setattr__(worker.records, "save_syncing", and_then_it_is_replaced)
        aws.calls.clear()
        verdict = worker.follow(delivery(request(), 1))
        assert given_up(verdict) == ("target_gone", "incomplete")
        assert isinstance(verdict, GivenUp)
        assert all(not outcome.done for outcome in verdict.report.outcomes)
        assert aws.writes() == ["PutEvents"]

    @pytest.mark.parametrize("lane", [Lane.TABLE, Lane.LAST])
    def test_each_lane_looks_before_it_begins(
        self, aws: Aws, clients: Clients, clock: Clock, lane: Lane
    ) -> None:
        """The first lane has written, and then the table is replaced."""
        make_table(clients, TARGET)
        target = Table(TARGET, clients)
        first, second = _Replacing(aws), Shelf("second")
        second.lane = lane
        target.describe()
        states = {"first": {"jars": ["fig"]}, "second": {"jars": ["plum"]}}
        switches = {"first": True, "second": True}
        outcomes = sync_settings([first, second], states, target, clock.pace(), switches=switches)
        assert first.applied == ["fig"]
        assert second.applied == []
        assert target.replaced
        assert "another one now" in str(outcomes[1].reason)
        assert not outcomes[1].retryable

    def test_a_look_that_is_old_is_repeated(self, aws: Aws, clients: Clients, clock: Clock) -> None:
        """One setting's steps take long."""
        make_table(clients, TARGET)
        shelf = _Slow(aws, clock)
        (outcome,) = sync_settings(
            [shelf],
            {"slow": {"jars": ["fig", "plum"]}},
            Table(TARGET, clients),
            clock.pace(),
            switches={"slow": True},
        )
        assert shelf.applied == ["fig"]
        assert outcome.done == ("put fig",)


@pytest.mark.parametrize(
    ("restore_id", "released"), [(RESTORE_ID, True), ("another restore", False), (None, True)]
)
def test_a_request_that_is_given_up_takes_no_other_restore_its_pipeline(
    house: House, restore_id: str | None, released: bool
) -> None:
    """The late event of an earlier restore into that name, or one that somebody wrote, is given up."""
    house.claim(state=ClaimState.CAPTURING)
    house.pipeline.give_back(TARGET, restore_id)
    assert (house.claims.current() is None) is released


def test_a_replay_into_a_table_that_was_replaced_is_not_cut_over(house: House) -> None:
    """Days pass between the end of a restore and its cutover."""
    house.replaying()
    key = RestoreKey(TARGET, RESTORE_ID)
    house.clients.dynamodb.delete_item(TableName=RESTORE_TABLE, Key=key.item_key())
    lease = Lease("invocation-1", house.instant() + timedelta(minutes=2))
    ours = Identified(target_id="ours")
    assert house.records.take_lead(key, request(), None, "first", lease, house.instant(), ours)
    with pytest.raises(OperatorError, match=r"in place of ours: .*abandon the restore"):
        cutover(house.actions, house.pipeline, CutoverRequest(0, force=True))
    claim = house.claims.current()
    assert claim is not None
    assert claim.state is ClaimState.REPLAYING
    assert house.shelf.applied == []


def test_a_direct_invocation_pins_both_tables_at_its_first_look(
    worker: Worker, aws: Aws, clients: Clients
) -> None:
    table = Table(TARGET, clients)
    table.describe()
    a_stranger_takes_the_name(aws)
    assert table.describe()["TableId"] != "a stranger's"
    table.forget()
    with pytest.raises(AnotherTableError):
        table.describe()
    assert table.replaced


def test_the_record_keeps_which_tables_these_are(worker: Worker, aws: Aws, clients: Clients) -> None:
    verdict = worker.follow(delivery(request(), 1))
    assert isinstance(verdict, Finished)
    assert verdict.report.result is Result.SYNCED
    item = record_item(clients)
    assert item["target_id"] == Table(TARGET, clients).describe()["TableId"]
    assert item["source_id"] == Table("orders", clients).describe()["TableId"]
    assert item["evidence"] == "the table's RestoreSummary"


class _Replacing(Shelf):
    """A setting in whose step the table is replaced."""

    def __init__(self, aws: Aws) -> None:
        super().__init__("first")
        self._aws = aws

    @override
    def apply(self, table: Table, step: Step) -> None:
        super().apply(table, step)
        a_stranger_takes_the_name(self._aws)


class _Slow(Shelf):
    """A setting each step of which takes longer than a look lasts, and in whose first the table is replaced."""

    def __init__(self, aws: Aws, clock: Clock) -> None:
        super().__init__("slow")
        self._aws, self._clock = aws, clock

    @override
    def apply(self, table: Table, step: Step) -> None:
        super().apply(table, step)
        self._clock.naps.append(FRESH_SECONDS + 1)
        a_stranger_takes_the_name(self._aws)
