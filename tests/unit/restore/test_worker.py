"""Following one restore: which delivery does what, and how each restore ends."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dynamodb_restore.aws import Clients, TableRef
from dynamodb_restore.restore.delivery import Finished, GivenUp, NothingToDo, TryAgain, Untold, Verdict
from dynamodb_restore.restore.report import Result
from dynamodb_restore.restore.worker import Worker
from dynamodb_restore.settings.setting import Overrides, Setting, State, Table, TableGoneError
from dynamodb_restore.sync.outcome import Status
from tests.unit.builders import (
    ALL_ON,
    REQUESTED_AT,
    RESTORE_TABLE,
    SEVEN_SETTINGS,
    TARGET_ID,
    clone_now,
    delivery,
    make_full_source,
    make_restore_table,
    make_table,
    make_target,
    make_worker,
    portable,
    record_item,
    request,
)
from tests.unit.fakes import Aws, Clock, function_arn, kinesis_arn, table_arn

TARGET = "orders-restored"
RESTORING = {
    "TableStatus": "CREATING",
    "RestoreSummary": {
        "SourceTableArn": table_arn("orders"),
        "RestoreDateTime": datetime(2026, 11, 22, 6, 30, tzinfo=UTC),
        "RestoreInProgress": True,
    },
}
NAMES = [setting.name for setting in SEVEN_SETTINGS]


@pytest.fixture
def worker(aws: Aws, clients: Clients, clock: Clock) -> Worker:
    """A worker with seven settings switched on, in an account with a source that has all of these."""
    make_restore_table(clients)
    make_full_source(aws, clients)
    return make_worker(clients, clock)


@pytest.fixture
def target(worker: Worker, aws: Aws, clients: Clients) -> Table:
    """The restored table, ACTIVE."""
    make_target(aws, clients)
    return Table(TARGET, clients)


def states(table: str, clients: Clients) -> dict[str, State]:
    """What the table has, without what the reading itself knows of it."""
    read = {setting.name: portable(setting, Table(table, clients)) for setting in SEVEN_SETTINGS}
    triggers = {"triggers": read["stream_triggers"]["triggers"]}
    return {**read, "stream_triggers": triggers}


def statuses(verdict: Verdict) -> dict[str, str]:
    assert isinstance(verdict, Finished | GivenUp)
    return {outcome.setting: outcome.status.value for outcome in verdict.report.outcomes}


def announced(aws: Aws) -> list[dict[str, Any]]:
    return [json.loads(call["Entries"][0]["Detail"]) for call in aws.named("PutEvents")]


def delete_table(clients: Clients, name: str) -> None:
    clients.dynamodb.delete_table(TableName=name)


def two_deliveries(worker: Worker, aws: Aws, clients: Clients) -> Verdict:
    """The second a quarter of an hour after the first, which ends without a verdict."""
    # The label of a stream is when it was made, and moto's clock is not the tests'.
    aws.describe_as(TARGET, LatestStreamArn=f"{table_arn(TARGET)}/stream/2026-11-22T07:05:01.111")
    assert isinstance(worker.follow(delivery(request(), 1)), TryAgain)
    later = make_worker(clients, Clock(), now=worker.now() + timedelta(minutes=15))
    return later.follow(delivery(request(), 2))


class TestActive:
    def test_the_seven_settings_that_the_source_has_are_cloned(
        self, worker: Worker, clients: Clients, target: Table
    ) -> None:
        before = states(TARGET, clients)
        verdict = worker.follow(delivery(request(), 1))
        assert statuses(verdict) == dict.fromkeys(NAMES, "applied")
        after = states(TARGET, clients)
        assert after == states("orders", clients)
        assert all(after[name] != before[name] for name in NAMES)

    def test_from_active_on_it_takes_at_most_42_calls_its_notes_and_no_pause(
        self, worker: Worker, aws: Aws, clients: Clients, target: Table, clock: Clock
    ) -> None:
        """All seven settings: a table and an index that scale, one trigger; and a notification."""
        aws.triggers.mappings.pop()
        # How often AWS says "not yet" is not the worker's doing.
        aws.rules.table_tags.default_polls = aws.rules.table_updates.default_polls = 0
        aws.triggers.looks_to_switch = 0
        topic = clients.sns.create_topic(Name="notifications")["TopicArn"]
        worker = make_worker(clients, clock, topic_arn=topic)
        aws.describe_next(TARGET, RESTORING)
        worker.follow(delivery(request(), 1))
        aws.calls.clear()
        verdict = worker.follow(delivery(request(), 2))
        assert statuses(verdict) == dict.fromkeys(NAMES, "applied")
        notes = [call for call in aws.calls if call.operation == "UpdateItem"]
        assert isinstance(verdict, Finished)
        steps = sum(len(outcome.done) for outcome in verdict.report.outcomes)
        # Besides one note for each step: the lease, the beginning, what protects, the rest, how all ended, the report.
        assert len(aws.calls) - len(notes) <= 42
        assert len(notes) <= steps + 6
        assert clock.naps == []

    def test_a_second_delivery_writes_nothing(
        self, worker: Worker, aws: Aws, clients: Clients, target: Table
    ) -> None:
        worker.follow(delivery(request(), 1))
        record = record_item(clients)
        aws.calls.clear()
        assert worker.follow(delivery(request(), 1)) == NothingToDo("already finished by an earlier delivery")
        assert [call.operation for call in aws.calls if call.mutating] == []
        assert record_item(clients) == record

    def test_a_redelivery_before_the_end_was_noted_changes_nothing_more(
        self, worker: Worker, aws: Aws, clients: Clients, target: Table
    ) -> None:
        """The function died between its last write to the target and the record of it."""
        worker.follow(delivery(request(), 1))
        clients.dynamodb.delete_item(
            TableName=RESTORE_TABLE,
            Key={"pk": {"S": f"target#{TARGET}"}, "sk": {"S": f"restore#{TARGET_ID}"}},
        )
        aws.calls.clear()
        verdict = worker.follow(delivery(request(), 2))
        assert statuses(verdict) == dict.fromkeys(NAMES, "unchanged")
        assert aws.writes() == ["PutEvents"]

    @pytest.mark.parametrize("setting", SEVEN_SETTINGS, ids=lambda setting: setting.name)
    def test_a_setting_that_is_switched_off_stays_untouched(
        self, aws: Aws, clients: Clients, clock: Clock, worker: Worker, target: Table, setting: Setting
    ) -> None:
        before = states(TARGET, clients)
        verdict = make_worker(clients, clock, switches={**ALL_ON, setting.name: False}).follow(
            delivery(request(), 1)
        )
        after, source = states(TARGET, clients), states("orders", clients)
        assert after[setting.name] == before[setting.name]
        # Triggers attach to a stream: without one there is nothing to clone them to.
        expected = set(NAMES) - {setting.name} - ({"stream_triggers"} if setting.name == "stream" else set())
        assert {name for name in NAMES if after[name] == source[name]} >= expected
        assert statuses(verdict)[setting.name] == "skipped"

    def test_the_report_says_who_what_and_when(
        self, worker: Worker, aws: Aws, clients: Clients, target: Table
    ) -> None:
        worker.follow(delivery(request(restore_point=datetime(2026, 11, 22, 6, 45, tzinfo=UTC)), 3))
        (report,) = announced(aws)
        assert {key: value for key, value in report.items() if key != "settings"} == {
            "result": "synced",
            "summary": "synced; every setting that is switched on is as on the source",
            "left_out": [],
            "held": [],
            "release": None,
            "source": "orders",
            "target": "orders-restored",
            "restore_id": TARGET_ID,
            # What AWS tells wins over what was asked for; moto tells it of an ACTIVE table too.
            "restore_point": report["restore_point"],
            "requested_at": "2026-11-22T07:00:01Z",
            "requested_by": "arn:aws:iam::123456789012:user/ana",
            "finished_at": "2026-11-22T07:05:01Z",
            "attempts": 3,
            "reason": None,
            "notes": report["notes"],
        }
        assert record_item(clients)["report"]["result"] == "synced"

    def test_overrides_of_the_call_win(self, worker: Worker, clients: Clients, target: Table) -> None:
        verdict = worker.follow(delivery(request(overrides=Overrides(billing_mode="PAY_PER_REQUEST")), 1))
        assert statuses(verdict)["auto_scaling"] == "skipped"
        assert states(TARGET, clients)["auto_scaling"]["resources"] == {}


class TestWaiting:
    def test_it_is_synced_on_the_attempt_that_finds_it_active(
        self, worker: Worker, aws: Aws, clients: Clients, target: Table
    ) -> None:
        aws.describe_next(TARGET, RESTORING, RESTORING, RESTORING)
        verdicts = [worker.follow(delivery(request(), attempt)) for attempt in (1, 2, 3, 4)]
        assert verdicts[:3] == [
            TryAgain("orders-restored is CREATING", 10),
            TryAgain("orders-restored is CREATING", 20),
            TryAgain("orders-restored is CREATING", 40),
        ]
        assert statuses(verdicts[3]) == dict.fromkeys(NAMES, "applied")
        assert [entry["state"] for entry in record_item(clients)["history"]] == [
            "waiting",
            "syncing",
            "synced",
        ]
        assert len(announced(aws)) == 1

    def test_nothing_is_written_to_a_target_that_is_not_active(
        self, worker: Worker, aws: Aws, target: Table
    ) -> None:
        aws.describe_next(TARGET, RESTORING)
        aws.calls.clear()
        worker.follow(delivery(request(), 1))
        assert aws.writes() == []

    def test_each_wait_costs_little(self, worker: Worker, aws: Aws, target: Table) -> None:
        aws.describe_next(TARGET, RESTORING, RESTORING)
        worker.follow(delivery(request(), 1))
        aws.calls.clear()
        worker.follow(delivery(request(), 2))
        assert [call.operation for call in aws.calls] == [
            "GetItem",
            "DescribeTable",
            "GetItem",
            *["UpdateItem"] * 3,
        ]

    def test_what_aws_tells_only_while_it_restores_is_kept(
        self, worker: Worker, aws: Aws, clients: Clients, target: Table
    ) -> None:
        aws.describe_next(TARGET, RESTORING)
        worker.follow(delivery(request(), 1))
        aws.describe_as(TARGET, RestoreSummary={})
        worker.follow(delivery(request(), 2))
        assert announced(aws)[0]["restore_point"] == "2026-11-22T06:30:00Z"
        assert record_item(clients)["origin"] == "arn:aws:dynamodb:eu-central-1:123456789012:table/orders"

    def test_a_source_that_is_deleted_meanwhile_is_cloned_from_what_was_kept(
        self, worker: Worker, aws: Aws, clients: Clients, target: Table
    ) -> None:
        source = states("orders", clients)
        aws.describe_next(TARGET, RESTORING)
        worker.follow(delivery(request(), 1))
        delete_table(clients, "orders")
        verdict = worker.follow(delivery(request(), 2))
        assert statuses(verdict) == dict.fromkeys(NAMES, "applied")
        assert states(TARGET, clients) == source

    def test_a_setting_that_could_not_be_read_at_first_is_read_at_the_next_delivery(
        self, worker: Worker, aws: Aws, clients: Clients, target: Table
    ) -> None:
        aws.describe_next(TARGET, RESTORING)
        # As often as one delivery tries it.
        aws.fail("DescribeTimeToLive", "ThrottlingException", "slow down", times=3)
        worker.follow(delivery(request(), 1))
        assert "ttl" not in record_item(clients)["settings"]
        verdict = worker.follow(delivery(request(), 2))
        assert statuses(verdict) == dict.fromkeys(NAMES, "applied")

    def test_a_table_that_is_not_visible_yet_is_waited_for(
        self, worker: Worker, aws: Aws, clients: Clients
    ) -> None:
        assert worker.follow(delivery(request(), 1)) == TryAgain("orders-restored is not visible yet", 10)
        make_target(aws, clients)
        assert isinstance(worker.follow(delivery(request(), 2)), Finished)

    def test_the_last_attempt_gives_up(
        self, worker: Worker, aws: Aws, clients: Clients, target: Table
    ) -> None:
        aws.describe_as(TARGET, **RESTORING)
        verdicts = [worker.follow(delivery(request(), attempt)) for attempt in (1, 2, 3, 4, 5)]
        assert [type(verdict) for verdict in verdicts] == [TryAgain] * 4 + [GivenUp]
        last = verdicts[-1]
        assert isinstance(last, GivenUp)
        assert (last.code, last.reason) == (
            "still_waiting",
            "gave up after 5 attempts: orders-restored is CREATING",
        )
        (report,) = announced(aws)
        assert (report["result"], report["reason"], report["settings"]) == (
            "failed",
            "gave up after 5 attempts: orders-restored is CREATING",
            [],
        )
        assert record_item(clients)["state"] == "failed"

    def test_a_given_up_restore_can_be_redriven(
        self, worker: Worker, aws: Aws, clients: Clients, target: Table
    ) -> None:
        aws.describe_next(TARGET, *[RESTORING] * 6)
        verdicts = [worker.follow(delivery(request(), attempt)) for attempt in (1, 2, 3, 4, 5)]
        # A redriven message is a new one to SQS: it counts from 1.
        verdicts += [worker.follow(delivery(request(), attempt, "new", redriven=True)) for attempt in (1, 2)]
        assert [type(verdict) for verdict in verdicts[4:]] == [GivenUp, TryAgain, Finished]
        assert [entry["state"] for entry in record_item(clients)["history"]] == [
            "waiting",
            "failed",
            "waiting",
            "syncing",
            "synced",
        ]


class TestHopeless:
    def test_a_target_that_was_never_made(
        self, worker: Worker, aws: Aws, clients: Clients, clock: Clock
    ) -> None:
        late = make_worker(clients, clock, now=REQUESTED_AT + timedelta(minutes=11))
        verdict = late.follow(delivery(request(), 1))
        assert isinstance(verdict, GivenUp)
        assert verdict.code == "target_gone"
        assert record_item(clients, request().event_id)["state"] == "failed"
        assert announced(aws)[0]["result"] == "failed"

    def test_a_target_that_is_deleted_while_waited_for_ends_its_own_record(
        self, worker: Worker, aws: Aws, clients: Clients, clock: Clock, target: Table
    ) -> None:
        aws.describe_next(TARGET, RESTORING)
        worker.follow(delivery(request(), 1))
        delete_table(clients, TARGET)
        verdict = make_worker(clients, clock, now=REQUESTED_AT + timedelta(minutes=11)).follow(
            delivery(request(), 2)
        )
        assert isinstance(verdict, GivenUp)
        assert verdict.code == "target_gone"
        assert [entry["state"] for entry in record_item(clients)["history"]] == ["waiting", "failed"]

    def test_a_target_that_existed_before_is_skipped_and_untouched(
        self, worker: Worker, aws: Aws, clients: Clients, target: Table
    ) -> None:
        aws.describe_as(TARGET, CreationDateTime=datetime(2026, 11, 1, tzinfo=UTC))
        aws.calls.clear()
        verdict = worker.follow(delivery(request(), 1))
        assert isinstance(verdict, Finished)
        assert verdict.report.result is Result.SKIPPED
        assert verdict.report.reason == (
            "orders-restored was created 2026-11-01T00:00:00Z, before the restore call of 2026-11-22T07:00:01Z"
        )
        assert aws.writes() == ["PutEvents"]
        assert worker.follow(delivery(request(), 1)) == NothingToDo("already finished by an earlier delivery")

    def test_a_stray_event_does_not_settle_the_restore_of_the_same_table(
        self, worker: Worker, aws: Aws, clients: Clients, target: Table
    ) -> None:
        aws.describe_next(TARGET, RESTORING, RESTORING)
        worker.follow(delivery(request(), 1))
        stray = request(event_id="rehearsal", requested_at=REQUESTED_AT + timedelta(hours=1))
        worker.follow(delivery(stray, 1))
        assert record_item(clients, "rehearsal")["state"] == "skipped"
        assert record_item(clients)["state"] == "waiting"
        assert statuses(worker.follow(delivery(request(), 2))) == dict.fromkeys(NAMES, "applied")

    def test_a_target_restored_from_another_table_is_left_to_its_own_event(
        self, worker: Worker, aws: Aws, clients: Clients, target: Table
    ) -> None:
        aws.describe_as(TARGET, RestoreSummary={"SourceTableArn": table_arn("customers")})
        aws.calls.clear()
        verdict = worker.follow(delivery(request(), 1))
        assert isinstance(verdict, GivenUp)
        assert verdict.code == "other_source"
        assert aws.writes() == ["PutEvents"]
        assert record_item(clients) == {}

    def test_a_successor_of_the_target_is_not_touched(
        self, worker: Worker, aws: Aws, clients: Clients, target: Table
    ) -> None:
        aws.describe_as(TARGET, TableId="successor")
        aws.calls.clear()
        verdict = worker.follow(delivery(request(target_id=TARGET_ID), 1))
        assert isinstance(verdict, GivenUp)
        assert verdict.code == "target_gone"
        assert aws.writes() == ["PutEvents"]

    @pytest.mark.parametrize("only", NAMES)
    def test_a_source_that_was_never_seen_fails_at_once_whatever_is_switched_on(
        self, aws: Aws, clients: Clients, clock: Clock, worker: Worker, target: Table, only: str
    ) -> None:
        delete_table(clients, "orders")
        verdict = make_worker(clients, clock, switches={only: True}).follow(delivery(request(), 1))
        assert isinstance(verdict, GivenUp)
        assert verdict.code == "source_gone"
        assert verdict.reason.startswith("orders was deleted before its settings could be read")
        assert verdict.report.result is Result.FAILED


class TestSettingsThatFail:
    def test_one_that_can_be_retried_backs_off_from_the_start(
        self, worker: Worker, aws: Aws, clients: Clients, target: Table
    ) -> None:
        aws.describe_next(TARGET, RESTORING, RESTORING)
        aws.fail("TagResource", "ResourceInUseException", "busy", times=100)
        verdicts = [worker.follow(delivery(request(), attempt)) for attempt in (1, 2, 3, 4)]
        reason = "tags: add tags cost-center=1234, team=checkout: TagResource: ResourceInUseException: busy"
        assert verdicts == [
            TryAgain("orders-restored is CREATING", 10),
            TryAgain("orders-restored is CREATING", 20),
            TryAgain(reason, 10),
            TryAgain(reason, 20),
        ]
        assert record_item(clients)["state"] == "syncing"
        assert announced(aws) == []

    def test_the_next_delivery_finishes_what_is_missing_and_nothing_else(
        self, worker: Worker, aws: Aws, target: Table
    ) -> None:
        aws.fail("DescribeContinuousBackups", "ThrottlingException", "slow down", times=3)
        worker.follow(delivery(request(), 1))
        aws.calls.clear()
        verdict = worker.follow(delivery(request(), 2))
        # The report tells of both deliveries.
        assert statuses(verdict) == dict.fromkeys(NAMES, "applied")
        assert aws.writes() == ["UpdateContinuousBackups", "PutEvents"]

    def test_the_last_attempt_reports_what_was_reached(self, worker: Worker, aws: Aws, target: Table) -> None:
        aws.fail("TagResource", "ResourceInUseException", "busy", times=100)
        verdict = worker.follow(delivery(request(), 5))
        assert isinstance(verdict, GivenUp)
        assert verdict.code == "settings_failed"
        assert verdict.reason.startswith("gave up after 5 attempts: tags: ")
        (report,) = announced(aws)
        assert report["result"] == "incomplete"
        assert {outcome["setting"]: outcome["status"] for outcome in report["settings"]} == {
            **dict.fromkeys(NAMES, "applied"),
            "tags": "failed",
        }

    def test_one_that_needs_a_person_gives_up_once_it_is_certain(
        self, worker: Worker, aws: Aws, clients: Clients, target: Table
    ) -> None:
        """See tests/field for what passes by itself."""
        aws.triggers.functions_without_access.add(function_arn("index"))
        verdict = two_deliveries(worker, aws, clients)
        assert isinstance(verdict, GivenUp)
        assert verdict.code == "settings_failed"
        assert f"{function_arn('index')} may not read the target's stream" in verdict.reason
        assert statuses(verdict) == {**dict.fromkeys(NAMES, "applied"), "stream_triggers": "failed"}
        # The other trigger was made all the same.
        (triggers,) = [o for o in verdict.report.outcomes if o.setting == "stream_triggers"]
        assert triggers.done == (f"trigger {function_arn('audit:live')} (disabled, as on the source)",)
        assert record_item(clients)["state"] == "incomplete"

    def test_once_it_is_mended_a_redrive_finishes_it(
        self, worker: Worker, aws: Aws, clients: Clients, target: Table
    ) -> None:
        aws.triggers.functions_without_access.add(function_arn("index"))
        two_deliveries(worker, aws, clients)
        aws.triggers.functions_without_access.clear()
        aws.calls.clear()
        verdict = worker.follow(delivery(request(), 1, "new", redriven=True))
        assert statuses(verdict) == dict.fromkeys(NAMES, "applied")
        assert aws.writes() == ["CreateEventSourceMapping", "PutEvents"]
        assert record_item(clients)["state"] == "synced"

    def test_a_kinesis_destination_that_fails_after_it_was_enabled_is_told(
        self, worker: Worker, aws: Aws, target: Table
    ) -> None:
        aws.kinesis.looks_until_done, aws.kinesis.failure = 2, "the stream is gone"
        verdict = worker.follow(delivery(request(), 1))
        assert isinstance(verdict, GivenUp)
        assert verdict.reason == (
            "kinesis_destination: not seen after it was applied: send changes to"
            f" {kinesis_arn('changes')} with times in MICROSECOND, {kinesis_arn('changes')} is ENABLE_FAILED:"
            " the stream is gone"
        )

    def test_a_kinesis_destination_that_is_still_being_enabled_at_the_next_delivery_is_waited_for(
        self, worker: Worker, aws: Aws, target: Table
    ) -> None:
        aws.kinesis.looks_until_done = 1000
        first = worker.follow(delivery(request(), 1))
        assert isinstance(first, TryAgain)
        assert "is ENABLING" in first.reason
        aws.kinesis.looks_until_done, aws.kinesis.failure = 0, "the stream is gone"
        second = worker.follow(delivery(request(), 2))
        assert isinstance(second, GivenUp)
        assert "the stream is gone" in second.reason


class TestOwnErrors:
    @pytest.mark.parametrize("operation", ["DescribeTable", "GetItem", "UpdateItem"])
    def test_one_that_passes_brings_the_message_back(
        self, aws: Aws, clients: Clients, clock: Clock, worker: Worker, target: Table, operation: str
    ) -> None:
        topic = clients.sns.create_topic(Name="notifications")["TopicArn"]
        worker = make_worker(clients, clock, topic_arn=topic)
        aws.fail(operation, "ThrottlingException", "slow down")
        verdict = worker.follow(delivery(request(), 2))
        assert verdict == TryAgain(f"{operation}: ThrottlingException: slow down", 20)
        aws.calls.clear()
        assert isinstance(worker.follow(delivery(request(), 3)), Finished)
        assert len(aws.named("Publish")) == 1
        assert record_item(clients)["state"] == "synced"

    @pytest.mark.parametrize("operation", ["DescribeTable", "GetItem", "UpdateItem"])
    def test_one_that_needs_a_person_gives_up(
        self, worker: Worker, aws: Aws, target: Table, operation: str
    ) -> None:
        aws.fail(operation, "AccessDeniedException", "not authorized")
        verdict = worker.follow(delivery(request(), 1))
        assert isinstance(verdict, GivenUp)
        assert (verdict.code, verdict.reason) == (
            "aws_error",
            f"{operation}: AccessDeniedException: not authorized",
        )

    def test_one_that_passes_does_not_outlast_the_attempts(
        self, worker: Worker, aws: Aws, target: Table
    ) -> None:
        aws.fail("GetItem", "ThrottlingException", "slow down")
        verdict = worker.follow(delivery(request(), 5))
        assert isinstance(verdict, GivenUp)
        assert verdict.code == "aws_error"

    @pytest.mark.parametrize("code", ["InternalFailure", "NotAuthorized"])
    def test_an_event_that_the_bus_refuses_is_put_again(
        self, worker: Worker, aws: Aws, target: Table, monkeypatch: pytest.MonkeyPatch, code: str
    ) -> None:
        answer = aws.answer
        taken: list[bool] = []

        def refusing(client: Any, operation: str, *rest: Any) -> dict[str, Any]:
            if operation == "PutEvents" and not taken:
                return {"FailedEntryCount": 1, "Entries": [{"ErrorCode": code, "ErrorMessage": "no"}]}
            return answer(client, operation, *rest)

        monkeypatch.setattr(aws, "answer", refusing)
        assert isinstance(worker.follow(delivery(request(), 1)), Untold)
        taken.append(True)
        assert isinstance(worker.follow(delivery(request(), 2)), NothingToDo)
        assert len(aws.named("PutEvents")) == 1

    def test_a_restore_is_told_of_before_it_is_noted(
        self, worker: Worker, aws: Aws, clients: Clients, target: Table
    ) -> None:
        """A crash between the two tells twice; the other way round nobody would hear."""
        worker.follow(delivery(request(), 1))
        operations = [call.operation for call in aws.calls]
        noted = max(index for index, operation in enumerate(operations) if operation == "UpdateItem")
        assert operations.index("PutEvents") < noted


class TestDirect:
    def test_a_dry_run_writes_nothing(
        self, worker: Worker, aws: Aws, clients: Clients, target: Table
    ) -> None:
        before = states(TARGET, clients)
        aws.calls.clear()
        report = clone_now(worker, TableRef("orders"), TARGET, dry_run=True)
        assert [call.operation for call in aws.calls if call.mutating] == []
        assert report.result is Result.DRY_RUN
        assert {o.setting: o.status for o in report.outcomes} == dict.fromkeys(NAMES, Status.PLANNED)
        assert states(TARGET, clients) == before

    def test_a_dry_run_says_what_a_run_then_does(self, worker: Worker, target: Table) -> None:
        planned = clone_now(worker, TableRef("orders"), TARGET, dry_run=True)
        applied = clone_now(worker, TableRef("orders"), TARGET, dry_run=False)
        assert applied.result is Result.SYNCED
        assert [o.done for o in planned.outcomes] == [o.done for o in applied.outcomes]
        assert all(o.done for o in planned.outcomes)

    def test_tables_that_are_alike_need_nothing(self, worker: Worker, target: Table) -> None:
        clone_now(worker, TableRef("orders"), TARGET, dry_run=False)
        report = clone_now(worker, TableRef("orders"), TARGET, dry_run=True)
        assert {o.setting: o.status for o in report.outcomes} == dict.fromkeys(NAMES, Status.UNCHANGED)

    def test_a_failure_is_told(self, worker: Worker, aws: Aws, target: Table) -> None:
        aws.fail("TagResource", "AccessDeniedException", "not authorized")
        report = clone_now(worker, TableRef("orders"), TARGET, dry_run=False)
        assert report.result is Result.INCOMPLETE

    @pytest.mark.parametrize(("source", "missing"), [("orders", "orders-copy"), ("invoices", "invoices")])
    def test_a_table_that_is_not_there_is_named(self, worker: Worker, source: str, missing: str) -> None:
        with pytest.raises(TableGoneError, match=f"table {missing} does not exist"):
            clone_now(worker, TableRef(source), "orders-copy", dry_run=True)

    def test_any_other_error_is_raised(self, worker: Worker, aws: Aws) -> None:
        aws.fail("DescribeTable", "AccessDeniedException", "not authorized")
        with pytest.raises(ClientError, match="not authorized"):
            clone_now(worker, TableRef("orders"), TARGET, dry_run=True)


def test_two_restores_of_one_source_are_each_synced(
    worker: Worker, aws: Aws, clients: Clients, target: Table
) -> None:
    make_target(aws, clients, name="orders-second")
    aws.describe_as("orders-second", TableId="second-id")
    second = request(event_id="second-event", target=request().target.__class__("orders-second"))
    assert isinstance(worker.follow(delivery(request(), 1)), Finished)
    assert isinstance(worker.follow(delivery(second, 1)), Finished)
    source = states("orders", clients)
    assert states(TARGET, clients) == states("orders-second", clients) == source


def test_an_unrelated_table_stays_as_it_is(worker: Worker, clients: Clients, target: Table) -> None:
    make_table(clients, "orders-archive")
    before = states("orders-archive", clients)
    worker.follow(delivery(request(), 1))
    assert states("orders-archive", clients) == before
