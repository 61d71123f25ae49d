"""The engine: read, diff, apply, read back, with the time that a function has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ReadTimeoutError

from dynamodb_restore.aws import Clients
from dynamodb_restore.settings.registry import SETTINGS
from dynamodb_restore.settings.setting import (
    CannotApplyError,
    Lane,
    Phase,
    Reading,
    Setting,
    State,
    Step,
    StepOmitted,
    Table,
    TableGoneError,
)
from dynamodb_restore.settings.stream import Stream
from dynamodb_restore.sync.outcome import Outcome, Status
from dynamodb_restore.sync.reading import Unreadable, read_settings
from dynamodb_restore.sync.run import Sync, sync_settings
from dynamodb_restore.sync.step_log import Plan
from tests.unit.builders import make_table
from tests.unit.fakes import Aws, Clock, Shelf, client_error

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

BUSY = client_error("TagResource", "ResourceInUseException", "the shelf is in use")
DENIED = client_error("TagResource", "AccessDeniedException", "not your shelf")
NO_ANSWER = client_error("TagResource", "InternalServerError", "no", 500)
UNANSWERED = ReadTimeoutError(endpoint_url="https://tagging.example")
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


def test_a_step_that_was_not_answered_leaves_the_rest_to_the_next_delivery(
    target: Table, clock: Clock
) -> None:
    """It has cost as much time as a call can cost, and the next would cost it again."""
    shelf = Shelf()
    shelf.refuse("plum", UNANSWERED, UNANSWERED)
    outcome = sync(shelf, target, clock, "fig", "plum", "quince")
    assert (outcome.status, outcome.done, outcome.retryable) == (Status.FAILED, ("put fig",), True)
    assert outcome.still_open == ("put plum", "put quince")
    assert (outcome.reason or "").startswith("put plum: ReadTimeoutError: ")
    assert (shelf.applied, shelf.reads, len(clock.naps)) == (["fig"], 1, 1)


def test_a_reading_that_was_not_answered_twice_is_left_to_the_next_delivery(
    source: Table, target: Table, clock: Clock
) -> None:
    shelf = Shelf()
    shelf.read_faults.extend([UNANSWERED] * 4)
    states = read_settings([shelf], source, clock.pace())
    assert states == {"shelf": Unreadable(f"ReadTimeoutError: {UNANSWERED}", retryable=True)}
    outcome = sync(shelf, target, clock, "fig")
    assert (outcome.status, outcome.retryable) == (Status.FAILED, True)
    assert (shelf.reads, len(clock.naps)) == (4, 2)


def test_reading_back_ends_where_it_is_not_answered(target: Table, clock: Clock) -> None:
    shelf = Shelf()
    shelf.read_faults.extend([None, UNANSWERED, UNANSWERED])
    outcome = sync(shelf, target, clock, "fig")
    assert (outcome.status, outcome.retryable, shelf.reads) == (Status.FAILED, True, 3)


def test_a_step_that_already_holds_is_looked_for_and_is_not_told_as_done(target: Table, clock: Clock) -> None:
    """Somebody else has taken it between the look and the write."""
    shelf = Shelf()
    shelf.refuse("fig", HELD_ALREADY)
    shelf.looks_until_seen = 2
    shelf.put_unseen("fig")
    assert sync(shelf, target, clock, "fig") == Outcome("shelf", Status.UNCHANGED)
    assert shelf.looks_until_seen <= 0


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


def test_a_refusal_that_can_pass_by_itself_is_tried_again(target: Table, clock: Clock) -> None:
    shelf = Shelf()
    shelf.refuse("fig", *[CannotApplyError("buy a bigger shelf", passes=True)] * 3)
    assert sync(shelf, target, clock, "fig") == Outcome("shelf", Status.APPLIED, done=("put fig",))
    assert len(clock.naps) == 3


def test_a_refusal_that_does_not_pass_in_time_is_left_to_the_next_delivery(
    target: Table, clock: Clock
) -> None:
    shelf = Shelf()
    shelf.refuse("fig", *[CannotApplyError("buy a bigger shelf", passes=True)] * 100)
    assert sync(shelf, target, clock, "fig") == Outcome(
        "shelf", Status.FAILED, reason="put fig: buy a bigger shelf", retryable=True
    )
    assert 30 < clock.slept_seconds <= 45


def test_a_refusal_that_had_time_to_pass_is_final(target: Table, clock: Clock) -> None:
    shelf = Shelf()
    shelf.refuse("fig", CannotApplyError("buy a bigger shelf", passes=True))
    late = Sync(
        [shelf],
        {"shelf": {"jars": ["fig"]}},
        target,
        clock.pace(),
        switches={"shelf": True},
        refusals_may_pass=lambda: False,
    )
    assert late.run() == [Outcome("shelf", Status.FAILED, reason="put fig: buy a bigger shelf")]
    assert clock.naps == []


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
    aws.describe_next("orders-restored", {}, *[{"TableStatus": "UPDATING"}] * 2)
    (outcome,) = sync_settings(
        [Stream()], {"stream": {"view_type": "NEW_IMAGE"}}, target, clock.pace(), switches={"stream": True}
    )
    assert outcome == Outcome("stream", Status.APPLIED, done=("enable a stream of NEW_IMAGE",))
    assert [call.operation for call in aws.calls] == ["DescribeTable", "UpdateTable", *["DescribeTable"] * 3]


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
    gone = TableGoneError("table orders-restored does not exist")
    shelf.read_faults.extend([BUSY, BUSY, BUSY, DENIED, gone])
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
    shelves[0].read_faults.extend([BUSY] * 3)
    shelves[1].read_faults.append(DENIED)
    shelves[2].read_faults.extend([BUSY] * 2)
    assert read_settings(shelves, source, Clock().pace()) == {
        "first": Unreadable("TagResource: ResourceInUseException: the shelf is in use", retryable=True),
        "second": Unreadable("TagResource: AccessDeniedException: not your shelf", retryable=False),
        "third": {"jars": ["fig"]},
    }


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_a_source_that_is_gone_is_told_whatever_is_switched_on(
    aws: Aws, clients: Clients, setting: Setting
) -> None:
    with pytest.raises(TableGoneError, match="table orders does not exist"):
        read_settings([setting], Table("orders", clients), Clock().pace())


def test_settings_are_applied_in_this_order() -> None:
    by_lane = {lane: [setting.name for setting in SETTINGS if setting.lane is lane] for lane in Lane}
    assert by_lane[Lane.FIRST] == ["point_in_time_recovery", "deletion_protection", "billing_mode"]
    assert by_lane[Lane.LAST] == ["replicas", "resource_policy"]
    assert {
        "tags",
        "auto_scaling",
        "contributor_insights",
        "kinesis_destination",
        "cloudwatch_alarms",
        "ttl",
    } <= set(by_lane[Lane.ALONE])
    # One after another: others may stand among them.
    written = ["table_class", "on_demand_throughput", "stream", "stream_triggers", "warm_throughput"]
    assert [name for name in by_lane[Lane.TABLE] if name in written] == written
    assert by_lane[Lane.TABLE][-1] == "warm_throughput"


class TestCompared:
    """A setting that is off, and of which a difference is to be told all the same."""

    @staticmethod
    def outcome(target: Table, shelf: Shelf, state: State | Unreadable) -> Outcome:
        desired = {"shelf": state}
        off = {"shelf": False}
        sync = Sync([shelf], desired, target, Clock().pace(), switches=off, compared=["shelf"])
        (outcome,) = sync.run()
        return outcome

    def test_what_the_target_lacks_is_told_and_not_applied(self, target: Table) -> None:
        shelf = Shelf("shelf", {"orders": ["fig"], "orders-restored": []})
        outcome = self.outcome(target, shelf, {"jars": ["fig"]})
        assert (outcome.status, outcome.reason) == (Status.SKIPPED, "switched off")
        assert outcome.omitted == ("put fig: not done, switched off",)
        assert outcome.left_out
        assert shelf.applied == []

    def test_where_nothing_differs_nothing_is_left_out(self, target: Table) -> None:
        shelf = Shelf("shelf", {"orders": ["fig"], "orders-restored": ["fig"]})
        outcome = self.outcome(target, shelf, {"jars": ["fig"]})
        assert (outcome.status, outcome.omitted, outcome.left_out) == (Status.SKIPPED, (), False)

    def test_a_source_that_could_not_be_read_is_not_said_to_be_the_same(self, target: Table) -> None:
        outcome = self.outcome(target, Shelf("shelf"), Unreadable("throttled", retryable=True))
        assert outcome.reason == "switched off; whether the target differs is not known: throttled"
        assert outcome.status is Status.SKIPPED

    def test_a_target_that_could_not_be_read_neither(self, target: Table) -> None:
        shelf = Shelf("shelf")
        shelf.read_faults.append(client_error("GetItem", "AccessDeniedException"))
        outcome = self.outcome(target, shelf, {"jars": ["fig"]})
        assert outcome.status is Status.SKIPPED
        assert outcome.reason is not None
        assert outcome.reason.startswith(
            "switched off; what the target lacks of it is not known: cannot read"
        )


class TestLanes:
    """Who waits for whom, told by the order in which the shelves are filled."""

    @staticmethod
    def shelf(name: str, lane: Lane, journal: list[str], **more: int) -> Shelf:
        shelf = Shelf(name)
        shelf.lane = lane
        apply = shelf.apply

        def noting(table: Table, step: Step) -> None:
            apply(table, step)
            journal.append(name)

        shelf.apply = noting  # type: ignore[method-assign]
        shelf.looks_until_seen = more.get("looks_until_seen", 0)
        return shelf

    @staticmethod
    def run(shelves: list[Shelf], target: Table, clock: Clock) -> dict[str, Status]:
        names = [shelf.name for shelf in shelves]
        outcomes = sync_settings(
            shelves,
            {name: {"jars": ["fig"]} for name in names},
            target,
            clock.pace(),
            switches=dict.fromkeys(names, True),
        )
        assert [outcome.setting for outcome in outcomes] == names
        return {outcome.setting: outcome.status for outcome in outcomes}

    def test_while_one_waits_the_others_go_on(self, target: Table, clock: Clock) -> None:
        journal: list[str] = []
        slow = self.shelf("slow", Lane.ALONE, journal, looks_until_seen=5)
        other = self.shelf("other", Lane.ALONE, journal)
        table = self.shelf("table", Lane.TABLE, journal)
        assert set(self.run([slow, other, table], target, clock).values()) == {Status.APPLIED}
        assert journal == ["slow", "other", "table"]

    def test_waits_overlap(self, target: Table, clock: Clock) -> None:
        journal: list[str] = []
        shelves = [self.shelf(f"s{n}", Lane.ALONE, journal, looks_until_seen=5) for n in range(4)]
        self.run(shelves, target, clock)
        alone = Clock()
        self.run([self.shelf("s", Lane.ALONE, [], looks_until_seen=5)], target, alone)
        assert clock.slept_seconds < 2 * alone.slept_seconds

    def test_those_that_change_the_table_come_one_after_another(self, target: Table, clock: Clock) -> None:
        journal: list[str] = []
        first = self.shelf("first", Lane.TABLE, journal, looks_until_seen=5)
        second = self.shelf("second", Lane.TABLE, journal)
        put = second.apply

        def seen_by_then(table: Table, step: Step) -> None:
            assert first.jars.get(target.name) == ["fig"]
            put(table, step)

        second.apply = seen_by_then  # type: ignore[method-assign]
        assert self.run([first, second], target, clock) == dict.fromkeys(("first", "second"), Status.APPLIED)

    def test_the_last_lane_begins_when_all_others_have_ended(self, target: Table, clock: Clock) -> None:
        journal: list[str] = []
        last = self.shelf("last", Lane.LAST, journal)
        slow = self.shelf("slow", Lane.ALONE, journal, looks_until_seen=5)
        table = self.shelf("table", Lane.TABLE, journal, looks_until_seen=5)
        self.run([last, slow, table], target, clock)
        assert journal == ["slow", "table", "last"]
        assert slow.jars[target.name] == table.jars[target.name] == ["fig"]

    def test_what_protects_comes_before_all_others_whatever_its_place(
        self, target: Table, clock: Clock
    ) -> None:
        journal: list[str] = []
        shelves = [self.shelf(lane.value, lane, journal) for lane in reversed(Lane)]
        self.run(shelves, target, clock)
        assert journal == ["first", "alone", "table", "last"]

    def test_what_is_held_is_looked_at_once_all_others_have_ended(self, target: Table, clock: Clock) -> None:
        """Only then does the target show what it lacks."""
        journal: list[str] = []
        shelves = [self.shelf(lane.value, lane, journal) for lane in Lane]
        held = self.shelf("held", Lane.FIRST, journal)
        held.phase = Phase.ON_CUTOVER
        held.conflicts = ("a jar is kept",)
        read = held.read

        def seen_last(table: Table) -> Reading:
            assert journal == ["first", "alone", "table", "last"]
            return read(table)

        held.read = seen_last  # type: ignore[method-assign]
        states = {shelf.name: {"jars": ["fig"]} for shelf in (held, *shelves)}
        outcomes = Sync(
            [held, *shelves],
            states,
            target,
            clock.pace(),
            switches=dict.fromkeys(states, True),
            phases=[Phase.ON_ACTIVE],
            held=["held"],
        ).run()
        assert outcomes[0] == Outcome(
            "held",
            Status.SKIPPED,
            conflicts=("a jar is kept",),
            held=("put fig",),
            reason="held for the operator: put fig",
        )
        assert outcomes[0].left_out
        assert held.applied == []

    def test_what_is_held_and_cannot_be_looked_at_stays_held(self, target: Table, clock: Clock) -> None:
        shelf = Shelf("held")
        shelf.read_faults.append(DENIED)
        (outcome,) = Sync(
            [shelf],
            {"held": {"jars": ["fig"]}},
            target,
            clock.pace(),
            switches={"held": True},
            held=["held"],
        ).run()
        assert outcome.status is Status.FAILED
        assert outcome.held == ("what the target lacks of it is not known",)
        assert (outcome.reason or "").startswith("cannot read the target: ")

    def test_what_is_held_and_was_not_read_waits_for_cutover_like_others(
        self, target: Table, clock: Clock
    ) -> None:
        shelf = Shelf("held")
        shelf.phase = Phase.ON_CUTOVER
        (outcome,) = Sync(
            [shelf],
            {},
            target,
            clock.pace(),
            switches={"held": True},
            phases=[Phase.ON_ACTIVE],
            held=["held"],
        ).run()
        assert outcome == Outcome("held", Status.SKIPPED, reason="waits for cutover")

    def test_what_waits_for_cutover_says_that_its_source_could_not_be_read(
        self, target: Table, clock: Clock
    ) -> None:
        """The source may be gone by then."""
        shelf = Shelf("later")
        shelf.phase = Phase.ON_CUTOVER
        (outcome,) = Sync(
            [shelf],
            {"later": Unreadable("DescribeShelf: AccessDenied", retryable=False)},
            target,
            clock.pace(),
            switches={"later": True},
            phases=[Phase.ON_ACTIVE],
        ).run()
        assert outcome.status is Status.SKIPPED
        assert (
            outcome.reason == "waits for cutover, which reads the source again: DescribeShelf: AccessDenied"
        )

    def test_others_wait_for_what_protects_for_a_while_only(self, target: Table, clock: Clock) -> None:
        journal: list[str] = []
        first = self.shelf("first", Lane.FIRST, journal)
        first.refuse("fig", *[BUSY] * 100)
        other = self.shelf("other", Lane.ALONE, journal)
        assert self.run([first, other], target, clock) == {"first": Status.FAILED, "other": Status.APPLIED}
        assert 10 < clock.slept_seconds <= 20

    def test_a_setting_of_many_steps_takes_turns_with_the_others(self, target: Table, clock: Clock) -> None:
        journal: list[str] = []
        shelves = [self.shelf(name, Lane.ALONE, journal) for name in ("many", "few")]
        desired = {"many": {"jars": ["fig", "plum", "quince"]}, "few": {"jars": ["fig"]}}
        sync_settings(shelves, desired, target, clock.pace(), switches={"many": True, "few": True})
        assert journal == ["many", "few", "many", "many"]

    def test_a_step_that_changes_the_table_waits_until_it_is_active(
        self, aws: Aws, target: Table, clock: Clock
    ) -> None:
        aws.describe_next(target.name, *[{"TableStatus": "UPDATING"}] * 3)
        shelf = self.shelf("table", Lane.TABLE, [])
        assert self.run([shelf], target, clock) == {"table": Status.APPLIED}
        assert len(clock.naps) == 3
        # What kept the table busy may have been this very change, so it is looked at again.
        assert shelf.reads == 3

    def test_a_change_that_was_under_way_is_not_made_twice(
        self, aws: Aws, target: Table, clock: Clock
    ) -> None:
        aws.describe_next(target.name, {"TableStatus": "UPDATING"}, {"TableStatus": "UPDATING"})
        shelf = self.shelf("table", Lane.TABLE, [])
        shelf.put_unseen("fig")
        shelf.looks_until_seen = 2
        assert self.run([shelf], target, clock) == {"table": Status.UNCHANGED}
        assert shelf.applied == []

    def test_a_table_that_stays_busy_costs_its_patience_once(
        self, aws: Aws, target: Table, clock: Clock
    ) -> None:
        aws.describe_as(target.name, TableStatus="UPDATING")
        shelves = [self.shelf(f"s{n}", Lane.TABLE, []) for n in range(3)]
        holds = self.shelf("holds", Lane.TABLE, [])
        holds.jars[target.name] = ["fig"]
        statuses = self.run([*shelves, holds], target, clock)
        assert statuses == {**dict.fromkeys(("s0", "s1", "s2"), Status.FAILED), "holds": Status.UNCHANGED}
        assert clock.slept_seconds <= 45

    def test_another_setting_needs_no_active_table(self, aws: Aws, target: Table, clock: Clock) -> None:
        aws.describe_as(target.name, TableStatus="UPDATING")
        assert self.run([self.shelf("alone", Lane.ALONE, [])], target, clock) == {"alone": Status.APPLIED}


def test_the_service_is_waited_for_as_long_as_it_asks(target: Table, clock: Clock) -> None:
    busy = client_error("TagResource", "ThrottlingException", "slow down")
    busy.response["ResponseMetadata"]["HTTPHeaders"]["retry-after"] = "7"
    shelf = Shelf()
    shelf.refuse("fig", busy)
    assert sync(shelf, target, clock, "fig").status is Status.APPLIED
    assert clock.naps == [7.0]


def test_a_wait_longer_than_the_patience_is_left_to_the_next_delivery(target: Table, clock: Clock) -> None:
    busy = client_error("TagResource", "ThrottlingException", "slow down")
    busy.response["ResponseMetadata"]["HTTPHeaders"]["retry-after"] = "60"
    shelf = Shelf()
    shelf.refuse("fig", busy)
    outcome = sync(shelf, target, clock, "fig")
    assert (outcome.status, outcome.retryable, clock.naps) == (Status.FAILED, True, [])


class TestReading:
    """Of the source; the first look at a target is tried again by the same rules."""

    BUSY = client_error("ListTagsOfResource", "ThrottlingException", "slow down")

    def read(self, shelf: Shelf, source: Table, clock: Clock) -> State | Unreadable:
        return read_settings([shelf], source, clock.pace())["shelf"]

    def asked_to_wait(self, seconds: int) -> ClientError:
        busy = client_error("ListTagsOfResource", "ThrottlingException", "slow down")
        busy.response["ResponseMetadata"]["HTTPHeaders"]["retry-after"] = str(seconds)
        return busy

    def test_is_tried_again_where_that_can_help(self, source: Table, clock: Clock) -> None:
        shelf = Shelf(jars={"orders": ["fig"]})
        shelf.read_faults.extend([self.BUSY, self.BUSY])
        assert self.read(shelf, source, clock) == {"jars": ["fig"]}
        assert len(clock.naps) == 2

    def test_is_given_up_after_three_tries(self, source: Table, clock: Clock) -> None:
        shelf = Shelf()
        shelf.read_faults.extend([self.BUSY] * 4)
        unreadable = Unreadable("ListTagsOfResource: ThrottlingException: slow down", retryable=True)
        assert self.read(shelf, source, clock) == unreadable
        assert shelf.reads == 3

    def test_is_not_tried_again_where_only_a_person_can_help(self, source: Table, clock: Clock) -> None:
        shelf = Shelf()
        shelf.read_faults.append(DENIED)
        unreadable = Unreadable("TagResource: AccessDeniedException: not your shelf", retryable=False)
        assert self.read(shelf, source, clock) == unreadable
        assert (shelf.reads, clock.naps) == (1, [])

    def test_waits_as_long_as_the_service_asks(self, source: Table, clock: Clock) -> None:
        shelf = Shelf(jars={"orders": ["fig"]})
        shelf.read_faults.append(self.asked_to_wait(7))
        assert self.read(shelf, source, clock) == {"jars": ["fig"]}
        assert clock.naps == [7.0]

    def test_keeps_the_functions_time_to_report(self, source: Table) -> None:
        """Of 20 seconds, 10 are kept: a wait of 11 would leave 9."""
        clock = Clock(budget_seconds=20)
        shelf = Shelf()
        shelf.read_faults.append(self.asked_to_wait(11))
        unreadable = Unreadable("ListTagsOfResource: ThrottlingException: slow down", retryable=True)
        assert self.read(shelf, source, clock) == unreadable
        assert clock.naps == []


class TestOtherRegion:
    def test_a_step_that_names_something_there_is_left_out(self, target: Table, clock: Clock) -> None:
        there = "arn:aws:lambda:eu-west-1:123456789012:function:index"
        here = "arn:aws:lambda:eu-central-1:123456789012:function:index"
        shelf = Shelf()
        (outcome,) = sync_settings(
            [shelf],
            {"shelf": {"jars": [there, here, "fig"]}},
            target,
            clock.pace(),
            switches={"shelf": True},
            source_region="eu-west-1",
        )
        assert outcome == Outcome(
            "shelf",
            Status.APPLIED,
            done=(f"put {here}", "put fig"),
            omitted=(f"put {there}: {there} cannot be used from another region",),
        )

    def test_in_the_same_region_nothing_is_left_out(self, target: Table, clock: Clock) -> None:
        elsewhere = "arn:aws:kms:eu-west-1:123456789012:key/1"
        assert sync(Shelf(), target, clock, elsewhere).done == (f"put {elsewhere}",)


def test_texts_for_people_name_the_target(target: Table, clock: Clock) -> None:
    shelf = Shelf()
    shelf.conflicts, shelf.omitted = ("jar of ${table} is kept",), ("lid of ${table}",)
    assert sync(shelf, target, clock, "${table} fig") == Outcome(
        "shelf",
        Status.APPLIED,
        done=("put orders-restored fig",),
        conflicts=("jar of orders-restored is kept",),
        omitted=("lid of orders-restored",),
    )


class Log:
    """What a run tells of its steps."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def planned(self, plan: Plan) -> None:
        self.lines.append(f"planned {dict(plan)}")

    def done(self, setting: str, step: str) -> None:
        self.lines.append(f"{setting}: {step} is done")

    def not_done(self, setting: str, step: str) -> None:
        self.lines.append(f"{setting}: {step} is not done")


@pytest.mark.parametrize(
    ("errors", "lines"),
    [
        ([], ["put fig is done"]),
        ([DENIED], ["put fig is not done"]),
        ([HELD_ALREADY], ["put fig is not done"]),
        ([BUSY, HELD_ALREADY], ["put fig is not done"]),
        ([StepOmitted("no lid")], ["put fig is not done"]),
        ([CannotApplyError("no room")], ["put fig is not done"]),
        # No answer came: whether it is done, nobody can say.
        ([NO_ANSWER, DENIED], []),
        ([NO_ANSWER, HELD_ALREADY], []),
        ([NO_ANSWER, CannotApplyError("no room")], []),
        ([NO_ANSWER], ["put fig is done"]),
    ],
)
def test_the_end_of_each_step_is_told_as_far_as_it_is_known(
    target: Table, clock: Clock, errors: list[Exception], lines: list[str]
) -> None:
    shelf, log = Shelf(), Log()
    shelf.refuse("fig", *errors)
    if any(error is HELD_ALREADY for error in errors):
        shelf.put_unseen("fig")
        shelf.looks_until_seen = 2
    Sync([shelf], {"shelf": {"jars": ["fig"]}}, target, clock.pace(), switches={"shelf": True}).run(log)
    assert log.lines == [f"shelf: {line}" for line in lines]


def test_a_step_is_told_before_the_next_one_is_taken(target: Table, clock: Clock) -> None:
    shelf, log = Shelf(), Log()
    taken: list[list[str]] = []
    apply = shelf.apply

    def watched(table: Table, step: Step) -> None:
        taken.append(list(log.lines))
        apply(table, step)

    shelf.apply = watched  # type: ignore[method-assign]
    Sync([shelf], {"shelf": {"jars": ["fig", "plum"]}}, target, clock.pace(), switches={"shelf": True}).run(
        log
    )
    assert taken == [[], ["shelf: put fig is done"]]


def test_steps_that_are_found_only_once_the_table_is_active_are_planned_too(
    aws: Aws, target: Table, clock: Clock
) -> None:
    """The first look was at a table in motion, and its plan is another."""
    shelf, log = Shelf(), Log()
    shelf.lane = Lane.TABLE
    sync_ = Sync([shelf], {"shelf": {"jars": ["fig"]}}, target, clock.pace(), switches={"shelf": True})
    sync_.plan()
    aws.describe_next("orders-restored", {"TableStatus": "UPDATING"})
    target.forget()
    sync_.run(log)
    assert log.lines == ["planned {'shelf': ['put fig']}", "shelf: put fig is done"]
