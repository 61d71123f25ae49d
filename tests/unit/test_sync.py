"""The engine: read, diff, apply, read back, with the time that a function has."""

from __future__ import annotations

import pytest

from dynamodb_restore.aws import Clients
from dynamodb_restore.restore.outcome import Outcome, Status
from dynamodb_restore.restore.sync import Unreadable, read_settings, sync_settings
from dynamodb_restore.settings.registry import SETTINGS
from dynamodb_restore.settings.setting import (
    CannotApplyError,
    Setting,
    StepOmitted,
    Table,
    TableGoneError,
)
from dynamodb_restore.settings.stream import Stream
from tests.unit.builders import make_table
from tests.unit.fakes import Aws, Clock, Shelf, client_error

BUSY = client_error("TagResource", "ResourceInUseException", "the shelf is in use")
DENIED = client_error("TagResource", "AccessDeniedException", "not your shelf")
HELD_ALREADY = client_error("UpdateTimeToLive", "ValidationException", "TimeToLive is already enabled")


@pytest.fixture
def source(aws: Aws, clients: Clients) -> Table:
    make_table(clients, "orders")
    return Table("orders", clients)


@pytest.fixture
def target(aws: Aws, clients: Clients) -> Table:
    make_table(clients, "orders-restored")
    return Table("orders-restored", clients)


def sync(shelf: Shelf, target: Table, clock: Clock, *jars: str, dry_run: bool = False) -> Outcome:
    (outcome,) = sync_settings(
        [shelf], {"shelf": {"jars": jars}}, target, clock.pace(), switches={"shelf": True}, dry_run=dry_run
    )
    return outcome


def test_what_holds_already_is_unchanged(target: Table, clock: Clock) -> None:
    shelf = Shelf(jars={"orders-restored": ["plum"]})
    assert sync(shelf, target, clock, "plum") == Outcome("shelf", Status.UNCHANGED)
    assert (shelf.applied, shelf.reads, clock.naps) == ([], 1, [])


def test_what_is_missing_is_applied_and_read_back(target: Table, clock: Clock) -> None:
    shelf = Shelf(jars={"orders-restored": ["plum"]})
    assert sync(shelf, target, clock, "fig", "plum", "quince") == Outcome(
        "shelf", Status.APPLIED, done=("put fig", "put quince")
    )
    assert (shelf.applied, shelf.reads, clock.naps) == (["fig", "quince"], 2, [])


def test_a_dry_run_plans_and_writes_nothing(target: Table, clock: Clock) -> None:
    shelf = Shelf()
    shelf.busy_looks = 1
    assert sync(shelf, target, clock, "fig", dry_run=True) == Outcome(
        "shelf", Status.PLANNED, done=("put fig",)
    )
    assert (shelf.applied, shelf.reads, clock.naps) == ([], 1, [])


def test_conflicts_and_omissions_alone_are_a_skip_with_its_reason(target: Table, clock: Clock) -> None:
    shelf = Shelf()
    shelf.conflicts, shelf.omitted = ("another plum is kept",), ("figs are out of season",)
    assert sync(shelf, target, clock) == Outcome(
        "shelf",
        Status.SKIPPED,
        conflicts=("another plum is kept",),
        omitted=("figs are out of season",),
        reason="another plum is kept; figs are out of season",
    )


def test_conflicts_stand_beside_what_was_applied(target: Table, clock: Clock) -> None:
    shelf = Shelf()
    shelf.conflicts = ("another plum is kept",)
    assert sync(shelf, target, clock, "fig") == Outcome(
        "shelf", Status.APPLIED, done=("put fig",), conflicts=("another plum is kept",)
    )


def test_a_call_that_aws_asks_to_repeat_is_repeated(target: Table, clock: Clock) -> None:
    shelf = Shelf()
    shelf.refuse("fig", BUSY, BUSY, BUSY)
    assert sync(shelf, target, clock, "fig") == Outcome("shelf", Status.APPLIED, done=("put fig",))
    assert shelf.applied == ["fig"]
    # Between half of and the full 0.25, 0.5 and 1 second.
    first, second, third = clock.naps
    assert 0.125 <= first <= 0.25 <= second <= 0.5 <= third <= 1.0


def test_a_hopeless_step_does_not_stop_the_others(target: Table, clock: Clock) -> None:
    shelf = Shelf()
    shelf.refuse("fig", DENIED)
    assert sync(shelf, target, clock, "fig", "plum") == Outcome(
        "shelf",
        Status.FAILED,
        done=("put plum",),
        reason="put fig: TagResource: AccessDeniedException: not your shelf",
    )
    assert clock.naps == []


def test_a_step_that_already_holds_counts_as_done_once_it_is_seen(target: Table, clock: Clock) -> None:
    shelf = Shelf()
    shelf.refuse("fig", HELD_ALREADY)
    shelf.looks_until_seen = 2
    shelf.put_unseen("fig")
    assert sync(shelf, target, clock, "fig") == Outcome("shelf", Status.APPLIED, done=("put fig",))


def test_a_step_that_already_holds_must_be_seen(target: Table, clock: Clock) -> None:
    shelf = Shelf()
    shelf.refuse("fig", HELD_ALREADY)
    outcome = sync(shelf, target, clock, "fig")
    assert (outcome.status, outcome.reason, outcome.retryable) == (
        Status.FAILED,
        "not seen after it was applied: put fig",
        True,
    )


def test_a_refusal_that_a_person_can_mend_is_told(target: Table, clock: Clock) -> None:
    shelf = Shelf()
    shelf.refuse("fig", CannotApplyError("buy a bigger shelf"))
    assert sync(shelf, target, clock, "fig") == Outcome(
        "shelf", Status.FAILED, reason="put fig: buy a bigger shelf"
    )


def test_a_step_without_its_ground_is_left_out(target: Table, clock: Clock) -> None:
    shelf = Shelf()
    shelf.refuse("fig", StepOmitted("there is no wall"))
    assert sync(shelf, target, clock, "fig") == Outcome(
        "shelf",
        Status.SKIPPED,
        omitted=("put fig: there is no wall",),
        reason="put fig: there is no wall",
    )


def test_what_was_left_out_is_not_waited_for(target: Table, clock: Clock) -> None:
    shelf = Shelf()
    shelf.refuse("fig", StepOmitted("there is no wall"))
    assert sync(shelf, target, clock, "fig", "plum") == Outcome(
        "shelf", Status.APPLIED, done=("put plum",), omitted=("put fig: there is no wall",)
    )
    assert clock.naps == []


def test_reading_back_takes_as_many_looks_as_aws_needs(target: Table, clock: Clock) -> None:
    shelf = Shelf()
    shelf.looks_until_seen, shelf.busy_looks = 3, 5
    assert sync(shelf, target, clock, "fig") == Outcome("shelf", Status.APPLIED, done=("put fig",))
    # The first look is before the step.
    assert shelf.reads == 6
    assert len(clock.naps) == 4


def test_each_further_look_asks_for_a_fresh_description(aws: Aws, target: Table, clock: Clock) -> None:
    target.describe()
    aws.calls.clear()
    aws.describe_next("orders-restored", *[{"TableStatus": "UPDATING"}] * 2)
    (outcome,) = sync_settings(
        [Stream()], {"stream": {"view_type": "NEW_IMAGE"}}, target, clock.pace(), switches={"stream": True}
    )
    assert outcome == Outcome("stream", Status.APPLIED, done=("enable a stream of NEW_IMAGE",))
    assert [call.operation for call in aws.calls] == ["UpdateTable", *["DescribeTable"] * 3]


def test_a_failed_look_is_repeated_where_that_can_help(target: Table, clock: Clock) -> None:
    shelf = Shelf()
    shelf.read_faults.extend([None, BUSY, BUSY])
    assert sync(shelf, target, clock, "fig") == Outcome("shelf", Status.APPLIED, done=("put fig",))
    assert len(clock.naps) == 2


def test_a_failed_look_that_stays_so_ends_the_setting(target: Table, clock: Clock) -> None:
    shelf = Shelf()
    shelf.read_faults.extend([None, DENIED])
    assert sync(shelf, target, clock, "fig") == Outcome(
        "shelf",
        Status.FAILED,
        done=("put fig",),
        reason="not seen after it was applied: TagResource: AccessDeniedException: not your shelf",
    )
    assert clock.naps == []


def test_time_used_up_while_aws_is_busy_is_a_failure_that_can_be_retried(target: Table, clock: Clock) -> None:
    shelf = Shelf()
    shelf.refuse("fig", *[BUSY] * 100)
    assert sync(shelf, target, clock, "fig") == Outcome(
        "shelf",
        Status.FAILED,
        reason="put fig: TagResource: ResourceInUseException: the shelf is in use",
        retryable=True,
    )
    assert 30 < clock.slept_seconds < 45


def test_time_used_up_while_reading_back_is_a_failure_that_can_be_retried(
    target: Table, clock: Clock
) -> None:
    shelf = Shelf()
    shelf.looks_until_seen = 1000
    assert sync(shelf, target, clock, "fig") == Outcome(
        "shelf",
        Status.FAILED,
        done=("put fig",),
        reason="not seen after it was applied: put fig",
        retryable=True,
    )
    assert 30 < clock.slept_seconds < 45


def test_what_aws_says_it_could_not_do_is_not_waited_for(target: Table, clock: Clock) -> None:
    shelf = Shelf()
    shelf.looks_until_seen, shelf.failures = 1000, ("the shelf fell down",)
    outcome = sync(shelf, target, clock, "fig")
    assert outcome.reason == "not seen after it was applied: put fig, the shelf fell down"
    assert (outcome.retryable, clock.naps) == (False, [])


def test_the_function_keeps_time_to_report(target: Table) -> None:
    clock = Clock(budget_seconds=12)
    shelf = Shelf()
    shelf.busy_looks = 1000
    outcome = sync(shelf, target, clock, "fig")
    assert (outcome.reason, outcome.retryable) == (
        "not seen after it was applied: the shelf is being painted",
        True,
    )
    assert clock.slept_seconds < 2


def test_what_an_earlier_run_left_unfinished_is_waited_for(target: Table, clock: Clock) -> None:
    shelf = Shelf(jars={"orders-restored": ["fig"]})
    shelf.busy_looks = 3
    assert sync(shelf, target, clock, "fig") == Outcome("shelf", Status.UNCHANGED)
    assert shelf.reads == 4


def test_what_an_earlier_run_left_unfinished_and_stays_so_is_a_failure(target: Table, clock: Clock) -> None:
    shelf = Shelf(jars={"orders-restored": ["fig"]})
    shelf.busy_looks = 1000
    outcome = sync(shelf, target, clock, "fig")
    assert (outcome.status, outcome.retryable) == (Status.FAILED, True)


def test_a_target_that_cannot_be_read_is_a_failure(target: Table, clock: Clock) -> None:
    shelf = Shelf()
    shelf.read_faults.extend([BUSY, DENIED, TableGoneError("table orders-restored does not exist")])
    outcomes = [sync(shelf, target, clock, "fig") for _ in range(3)]
    assert [(outcome.status, outcome.reason, outcome.retryable) for outcome in outcomes] == [
        (
            Status.FAILED,
            "cannot read the target: TagResource: ResourceInUseException: the shelf is in use",
            True,
        ),
        (Status.FAILED, "cannot read the target: TagResource: AccessDeniedException: not your shelf", False),
        (
            Status.FAILED,
            "cannot read the target: TableGoneError: table orders-restored does not exist",
            False,
        ),
    ]
    assert shelf.applied == []


def test_one_failure_among_settings_does_not_stop_the_others(target: Table, clock: Clock) -> None:
    shelves = [Shelf(name) for name in ("first", "second", "third", "fourth")]
    shelves[0].refuse("fig", DENIED)
    outcomes = sync_settings(
        shelves,
        {
            "first": {"jars": ["fig"]},
            "second": Unreadable("ListTags: ThrottlingException: slow down", retryable=True),
            "third": {"jars": ["fig"]},
        },
        target,
        clock.pace(),
        switches={"first": True, "second": True, "third": True},
    )
    assert [(outcome.setting, outcome.status, outcome.reason) for outcome in outcomes] == [
        ("first", Status.FAILED, "put fig: TagResource: AccessDeniedException: not your shelf"),
        ("second", Status.FAILED, "cannot read the source: ListTags: ThrottlingException: slow down"),
        ("third", Status.APPLIED, None),
        ("fourth", Status.SKIPPED, "switched off"),
    ]
    assert [outcome.retryable for outcome in outcomes] == [False, True, False, False]


def test_a_step_that_can_be_retried_is_retried_beside_one_that_cannot(target: Table, clock: Clock) -> None:
    shelf = Shelf()
    shelf.refuse("fig", DENIED)
    shelf.refuse("plum", *[BUSY] * 100)
    assert sync(shelf, target, clock, "fig", "plum").retryable is True


def test_a_setting_of_the_source_that_cannot_be_read_does_not_stop_the_others(source: Table) -> None:
    shelves = [Shelf(name, {"orders": ["fig"]}) for name in ("first", "second", "third")]
    shelves[0].read_faults.append(BUSY)
    shelves[1].read_faults.append(DENIED)
    assert read_settings(shelves, source) == {
        "first": Unreadable("TagResource: ResourceInUseException: the shelf is in use", retryable=True),
        "second": Unreadable("TagResource: AccessDeniedException: not your shelf", retryable=False),
        "third": {"jars": ["fig"]},
    }


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_a_source_that_is_gone_is_told_whatever_is_switched_on(
    aws: Aws, clients: Clients, setting: Setting
) -> None:
    with pytest.raises(TableGoneError, match="table orders does not exist"):
        read_settings([setting], Table("orders", clients))


def test_settings_are_applied_in_this_order() -> None:
    assert [setting.name for setting in SETTINGS] == [
        "point_in_time_recovery",
        "tags",
        "auto_scaling",
        "stream",
        "stream_triggers",
        "kinesis_destination",
        "ttl",
    ]
