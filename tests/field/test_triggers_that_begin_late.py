"""Lambda takes a minute or more to make an event source mapping, is eventually consistent about when it begins to read, and warns:
from LATEST it "could miss events" meanwhile (docs.aws.amazon.com/lambda/latest/dg/with-ddb.html). Triggers were told as done
while they were `Creating`, from LATEST, and the writers were sent to the new table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dynamodb_restore.actions.context import ActionContext, OperatorError
from dynamodb_restore.actions.cutover import CutoverRequest, cutover
from dynamodb_restore.aws import Clients, TableRef
from dynamodb_restore.pipeline.claim import ClaimState
from dynamodb_restore.restore.delivery import Finished, GivenUp, TryAgain, Verdict
from dynamodb_restore.restore.report import Result
from dynamodb_restore.restore.worker import Worker
from dynamodb_restore.settings.setting import Table
from dynamodb_restore.settings.stream import Stream
from dynamodb_restore.settings.stream_triggers import StreamTriggers
from tests.unit.builders import (
    REQUESTED_AT,
    clone_now,
    delivery,
    make_restore_table,
    make_table,
    make_target,
    make_worker,
    request,
)
from tests.unit.changes.house import RESTORE_ID, STREAM, House
from tests.unit.changes.makers import NOON, put
from tests.unit.fakes import Aws, Clock, function_arn, table_arn

INDEX = function_arn("index")
NO_ACCESS = (
    "Cannot access stream. Please ensure the role can perform the GetRecords Action on your stream in IAM."
)
ACTIVE_AT = REQUESTED_AT + timedelta(minutes=25)
SWITCHES = {"stream": True, "stream_triggers": True}


def triggers_of(aws: Aws, table: Table) -> dict[str, str]:
    """Of each trigger of a table's stream, from where it begins."""
    table.forget()
    return {
        mapping["FunctionArn"]: mapping["StartingPosition"]
        for mapping in aws.triggers.mappings
        if mapping["EventSourceArn"] == table.live_stream_arn
    }


def done_of(verdict: Finished) -> tuple[str, ...]:
    (triggers,) = (each for each in verdict.report.outcomes if each.setting == "stream_triggers")
    return triggers.done


def target_of(clients: Clients) -> Table:
    return Table("orders-restored", clients)


class TestRestoresWithoutAPipeline:
    @pytest.fixture(autouse=True)
    def restored(self, aws: Aws, clients: Clients) -> None:
        make_restore_table(clients)
        source = make_table(clients, "orders", view_type="NEW_IMAGE")
        aws.triggers.put(source["LatestStreamArn"], INDEX)
        clients.dynamodb.update_continuous_backups(
            TableName="orders", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
        make_target(aws, clients)

    def follow(self, clients: Clients, attempt: int = 1, minutes: int = 0) -> Verdict:
        worker = make_worker(
            clients, Clock(), switches=SWITCHES, now=ACTIVE_AT + timedelta(minutes=minutes), max_attempts=20
        )
        return worker.follow(delivery(request(), attempt))

    def test_a_trigger_begins_with_the_first_record_and_is_waited_for(
        self, aws: Aws, clients: Clients
    ) -> None:
        aws.triggers.looks_to_switch = 5
        verdict = self.follow(clients)
        assert isinstance(verdict, Finished)
        assert verdict.report.result is Result.SYNCED
        assert done_of(verdict) == (f"trigger {INDEX}",)
        assert triggers_of(aws, target_of(clients)) == {INDEX: "TRIM_HORIZON"}
        assert aws.triggers.mappings[-1]["State"] == "Enabled"

    def test_one_that_takes_longer_than_a_delivery_is_waited_for_by_the_next(
        self, aws: Aws, clients: Clients
    ) -> None:
        aws.triggers.looks_to_switch = 10_000
        first = self.follow(clients)
        assert isinstance(first, TryAgain)
        assert f"the trigger of {INDEX} is Creating" in first.reason
        assert isinstance(self.follow(clients, 2, minutes=1), TryAgain)
        aws.triggers.settle()
        last = self.follow(clients, 3, minutes=2)
        assert isinstance(last, Finished)
        assert last.report.result is Result.SYNCED
        assert len(aws.named("CreateEventSourceMapping")) == 1

    def test_a_stream_that_an_earlier_delivery_made_is_new_all_the_same(
        self, aws: Aws, clients: Clients
    ) -> None:
        aws.fail("CreateEventSourceMapping", "TooManyRequestsException", times=10_000)
        assert isinstance(self.follow(clients), TryAgain)
        aws._faults.clear()
        verdict = self.follow(clients, 2, minutes=30)
        assert isinstance(verdict, Finished)
        assert triggers_of(aws, target_of(clients)) == {INDEX: "TRIM_HORIZON"}

    def test_from_a_stream_of_somebody_elses_a_trigger_may_miss_changes_and_that_is_told(
        self, aws: Aws, clients: Clients
    ) -> None:
        """It may hold whatever somebody has written before, such as a load of data."""
        clients.dynamodb.update_table(
            TableName="orders-restored",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        )
        verdict = self.follow(clients)
        assert isinstance(verdict, Finished)
        assert triggers_of(aws, target_of(clients)) == {INDEX: "LATEST"}
        (done,) = done_of(verdict)
        assert done.startswith(f"trigger {INDEX}, from LATEST: it may miss changes of the next minutes")

    def test_one_that_lambda_disables_is_a_failure_in_its_own_words(self, aws: Aws, clients: Clients) -> None:
        aws.triggers.looks_to_switch = 10_000
        assert isinstance(self.follow(clients), TryAgain)
        aws.triggers.settle()
        aws.triggers.mappings[-1].update(
            State="Disabled",
            StateTransitionReason="The function's role was deleted",
            LastProcessingResult="PROBLEM: Function call failed",
        )
        verdict = self.follow(clients, 2, minutes=2)
        assert isinstance(verdict, GivenUp)
        assert (
            f"Lambda has disabled the trigger of {INDEX}: The function's role was deleted; PROBLEM: Function call failed"
            in verdict.reason
        )

    def test_one_that_vanishes_while_it_is_made_is_made_again(self, aws: Aws, clients: Clients) -> None:
        aws.triggers.looks_to_switch = 10_000
        assert isinstance(self.follow(clients), TryAgain)
        aws.triggers.mappings.pop()
        aws.triggers.looks_to_switch = 1
        assert isinstance(self.follow(clients, 2, minutes=2), Finished)
        assert triggers_of(aws, target_of(clients)) == {INDEX: "TRIM_HORIZON"}


class TestDirectClones:
    @pytest.fixture(autouse=True)
    def two_tables(self, aws: Aws, clients: Clients) -> None:
        make_restore_table(clients)
        source = make_table(clients, "orders", view_type="NEW_IMAGE")
        aws.triggers.put(source["LatestStreamArn"], INDEX)

    @pytest.mark.parametrize(("view_type", "position"), [(None, "TRIM_HORIZON"), ("NEW_IMAGE", "LATEST")])
    def test_a_live_tables_stream_is_not_read_from_its_beginning(
        self, aws: Aws, clients: Clients, view_type: str | None, position: str
    ) -> None:
        make_table(clients, "orders-restored", view_type=view_type)
        worker = make_worker(clients, Clock(), switches=SWITCHES)
        planned = clone_now(worker, TableRef("orders"), "orders-restored", dry_run=True)
        report = clone_now(worker, TableRef("orders"), "orders-restored", dry_run=False)
        assert triggers_of(aws, target_of(clients)) == {INDEX: position}
        told = [line for each in report.outcomes for line in each.done if "it may miss changes" in line]
        assert len(told) == (position == "LATEST")
        assert [each.done for each in planned.outcomes] == [each.done for each in report.outcomes]


class Replayed:
    """A restore whose source has a stream, a trigger and a pipeline."""

    def __init__(self, house: House) -> None:
        self.house = house
        house.aws.triggers.put(STREAM, INDEX)
        house.aws.describe_as(
            "orders-restored",
            CreationDateTime=datetime.fromtimestamp(NOON, UTC),
            TableId=RESTORE_ID,
            RestoreSummary={"SourceTableArn": table_arn("orders")},
        )

    @property
    def worker(self) -> Worker:
        worker = self.house.worker
        cloner = replace(worker.cloner, settings=(Stream(), StreamTriggers()))
        return replace(worker, cloner=cloner, config=replace(worker.config, switches=SWITCHES))

    def follow(self) -> Verdict:
        return self.worker.follow(delivery(request(requested_at=self.house.instant()), 1))

    def cut_over(self, *, force: bool = False) -> Mapping[str, Any]:
        worker, usual = self.worker, self.house.actions
        context = ActionContext(worker.config, usual.records, usual.announcer, worker.cloner, usual.now)
        return cutover(context, self.house.pipeline, CutoverRequest(settle_seconds=3, force=force))

    @property
    def state(self) -> ClaimState | None:
        claim = self.house.claims.current()
        return claim.state if claim else None

    @property
    def triggers(self) -> dict[str, str]:
        return triggers_of(self.house.aws, Table("orders-restored", self.house.clients))

    def stream_is_of(self, at: float) -> None:
        """Let the target's stream have been made at an instant; by whom, nobody knows."""
        self.house.aws.describe_as(
            "orders-restored",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
            LatestStreamArn=stream_arn_of(at),
        )


@pytest.fixture
def replayed(house: House) -> Replayed:
    return Replayed(house)


class TestRestoresWithReplay:
    def test_the_stream_is_off_while_changes_are_replayed_and_made_at_cutover(
        self, replayed: Replayed, clients: Clients
    ) -> None:
        verdict = replayed.follow()
        assert isinstance(verdict, Finished)
        assert verdict.report.result is Result.REPLAYING
        assert target_of(clients).live_stream_arn is None

        report = replayed.cut_over()
        assert report["result"] == "synced"
        assert target_of(clients).live_stream_arn is not None
        assert replayed.triggers == {INDEX: "TRIM_HORIZON"}

    def test_a_cutover_asks_to_be_called_again_while_a_trigger_is_being_made(
        self, replayed: Replayed, aws: Aws
    ) -> None:
        replayed.follow()
        aws.triggers.looks_to_switch = 10_000
        for _ in range(3):
            answer = replayed.cut_over()
            assert answer["next"].startswith("cutover again: ")
            assert answer["settings"][-1]["reason"].endswith(f"the trigger of {INDEX} is Creating")
            assert replayed.state is ClaimState.CUTTING_OVER
        assert replayed.house.announced() == ["replaying"]
        aws.triggers.settle()
        assert replayed.cut_over()["result"] == "synced"
        assert replayed.state is ClaimState.WATCHING

    def test_the_stream_of_an_earlier_call_of_cutover_is_new(self, replayed: Replayed, aws: Aws) -> None:
        replayed.follow()
        aws.fail("CreateEventSourceMapping", "TooManyRequestsException", times=10_000)
        assert "next" in replayed.cut_over()
        replayed.stream_is_of(replayed.house.now - 1)
        aws._faults.clear()
        assert replayed.cut_over()["result"] == "synced"
        assert replayed.triggers == {INDEX: "TRIM_HORIZON"}

    def test_a_stream_that_was_replayed_into_calls_no_function_again(self, replayed: Replayed) -> None:
        """AWS enables one for a replica, and earlier releases did as soon as the table was ACTIVE."""
        replayed.stream_is_of(NOON - 60)
        replayed.follow()
        report = replayed.cut_over()
        assert report["result"] == "synced"
        assert replayed.triggers == {INDEX: "LATEST"}
        assert "it may miss changes of the next minutes" in report["settings"][-1]["done"][0]

    def test_what_may_still_be_written_behind_the_fence_is_not_in_the_stream(
        self, replayed: Replayed, clients: Clients, aws: Aws
    ) -> None:
        """An invocation of replay may go on for a while after a cutover with accepted obstacles."""
        replayed.follow()
        replayed.house.quarantine.add(put("a"), "wrong type")

        def look() -> None:
            claim = replayed.house.claims.current()
            if claim is not None and claim.fenced_at and replayed.house.now < claim.fenced_at + 75:
                assert target_of(clients).live_stream_arn is None

        replayed.house.on_nap = look
        report = replayed.cut_over(force=True)
        assert report["result"] == "synced"
        assert replayed.triggers == {INDEX: "TRIM_HORIZON"}

    def test_a_stream_that_was_made_right_behind_such_a_fence_is_not_new(self, replayed: Replayed) -> None:
        replayed.follow()
        replayed.house.quarantine.add(put("a"), "wrong type")
        replayed.house.register(replay_timeout_seconds=900)
        assert "settling_until" in replayed.cut_over(force=True)
        claim = replayed.house.claims.current()
        assert claim is not None
        assert claim.fenced_at is not None
        replayed.stream_is_of(claim.fenced_at + 30)
        replayed.house.now = claim.fenced_at + 915
        report = replayed.cut_over(force=True)
        assert report["result"] == "synced"
        assert replayed.triggers == {INDEX: "LATEST"}
        assert "it may miss changes of the next minutes" in report["settings"][-1]["done"][0]

    def test_a_stream_that_was_made_during_the_wait_for_such_a_fence_is_not_new(
        self, replayed: Replayed, aws: Aws
    ) -> None:
        """Somebody switches it on while an invocation of replay may still write."""
        replayed.follow()
        replayed.house.quarantine.add(put("a"), "wrong type")

        def switch_on() -> None:
            claim = replayed.house.claims.current()
            if claim is not None and claim.fenced_at:
                replayed.stream_is_of(claim.fenced_at + 1)

        replayed.house.on_nap = switch_on
        report = replayed.cut_over(force=True)
        assert report["result"] == "synced"
        assert aws.named("UpdateTable") == []
        assert replayed.triggers == {INDEX: "LATEST"}

    def test_a_target_that_is_deleted_during_the_wait_is_nothing_to_cut_over_to(
        self, replayed: Replayed, aws: Aws
    ) -> None:
        replayed.follow()
        replayed.house.quarantine.add(put("a"), "wrong type")

        def replace_table() -> None:
            claim = replayed.house.claims.current()
            if claim is not None and claim.fenced_at:
                aws.describe_as("orders-restored", TableId="another")

        replayed.house.on_nap = replace_table
        with pytest.raises(OperatorError, match="there is nothing to cut over to; abandon the restore"):
            replayed.cut_over(force=True)

    def test_a_stream_that_is_made_minutes_after_the_fence_has_its_time(
        self, replayed: Replayed, aws: Aws
    ) -> None:
        """Lambda does not see a stream at once, and the first refusal was final."""
        replayed.follow()
        aws.fail("UpdateTable", "LimitExceededException", "Subscriber limit exceeded", times=10_000)
        assert "next" in replayed.cut_over()
        aws._faults.clear()
        replayed.house.now += 200
        aws.describe_as("orders-restored", LatestStreamArn=stream_arn_of(replayed.house.now))
        aws.fail("CreateEventSourceMapping", "InvalidParameterValueException", NO_ACCESS)
        assert replayed.cut_over()["result"] == "synced"
        assert replayed.triggers == {INDEX: "TRIM_HORIZON"}

    def test_the_time_begins_when_such_a_fence_is_one(self, replayed: Replayed, aws: Aws) -> None:
        """Nothing was applied before, so nothing had any time yet."""
        replayed.house.register(replay_timeout_seconds=200)
        replayed.follow()
        replayed.house.quarantine.add(put("a"), "wrong type")
        aws.fail("CreateEventSourceMapping", "InvalidParameterValueException", NO_ACCESS)
        answer = replayed.cut_over(force=True)
        if "settling_until" in answer:
            replayed.house.now += 230
            answer = replayed.cut_over(force=True)
        assert answer["result"] == "synced"
        assert replayed.triggers == {INDEX: "TRIM_HORIZON"}


def stream_arn_of(at: float) -> str:
    label = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
    return f"{table_arn('orders-restored')}/stream/{label}"
