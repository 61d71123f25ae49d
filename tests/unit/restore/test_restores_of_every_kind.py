"""Every way a restore starts, followed to its end; and how one restore is treated otherwise than another."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from dynamodb_restore.aws import Clients, TableRef
from dynamodb_restore.aws import clients as shared_clients
from dynamodb_restore.config import Override, TablePatterns
from dynamodb_restore.restore.delivery import Finished, GivenUp, NothingToDo, TryAgain, Verdict
from dynamodb_restore.restore.origin import find_origin
from dynamodb_restore.restore.report import FindingsReport, Result
from dynamodb_restore.restore.request import RestoreRequest, Sighting
from dynamodb_restore.restore.request_events import parse_event
from dynamodb_restore.restore.worker import Worker
from dynamodb_restore.settings.setting import Table
from tests.unit.builders import (
    ALL_ON,
    REQUESTED_AT,
    SEVEN_SETTINGS,
    TARGET_ID,
    delivery,
    event,
    make_full_source,
    make_restore_table,
    make_table,
    make_target,
    make_worker,
    portable,
    record_item,
    request,
)
from tests.unit.fakes import ACCOUNT, REGION, Aws, Clock, function_arn, table_arn
from tests.unit.restore.test_origin import MADE_AT, RECOVERY_POINT, Jobs

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TableDescriptionTypeDef

TARGET = "orders-restored"
RESTORING = {
    "TableStatus": "CREATING",
    "RestoreSummary": {
        "SourceTableArn": table_arn("orders"),
        "RestoreDateTime": MADE_AT,
        "RestoreInProgress": True,
    },
}


@pytest.fixture
def worker(aws: Aws, clients: Clients, clock: Clock) -> Worker:
    make_restore_table(clients)
    make_full_source(aws, clients)
    return make_worker(clients, clock)


@pytest.fixture
def target(worker: Worker, aws: Aws, clients: Clients) -> Table:
    make_target(aws, clients)
    return Table(TARGET, clients)


def asked_for(clients: Clients, name: str) -> RestoreRequest:
    """The request of one of `tests/events`, with whatever its event leaves open."""
    seen = parse_event(event(name))
    return find_origin(clients, seen) if isinstance(seen, Sighting) else seen


def result_of(verdict: Verdict) -> tuple[str, str | None]:
    assert isinstance(verdict, Finished | GivenUp)
    return verdict.report.result.value, verdict.report.reason


def statuses(verdict: Verdict) -> dict[str, str]:
    assert isinstance(verdict, Finished | GivenUp)
    return {outcome.setting: outcome.status.value for outcome in verdict.report.outcomes}


def tables_are_alike(clients: Clients, source: Clients | None = None) -> bool:
    return all(
        portable(setting, Table(TARGET, clients)) == portable(setting, Table("orders", source or clients))
        for setting in SEVEN_SETTINGS
    )


class TestEveryKind:
    @pytest.mark.parametrize(
        "name",
        [
            "by_name_latest_iam_user",
            "by_arn_cloudtrail_time_narrow_space",
            "epoch_seconds_root",
            "backup",
            "backup_without_answer",
            "aws_backup",
            "aws_backup_without_answer_by_service",
            "job_completed",
            "job_running_without_table",
            "job_with_state_and_epoch",
            "found",
            "found_of_a_backup",
        ],
    )
    def test_is_followed_to_its_end(
        self,
        worker: Worker,
        aws: Aws,
        clients: Clients,
        target: Table,
        monkeypatch: pytest.MonkeyPatch,
        name: str,
    ) -> None:
        jobs = Jobs(aws, monkeypatch)
        jobs.job = {
            "Status": "RUNNING",
            "RecoveryPointArn": RECOVERY_POINT,
            "SourceResourceArn": table_arn("orders"),
            "CreatedResourceArn": table_arn(TARGET),
            "RecoveryPointCreationDate": MADE_AT,
        }
        aws.describe_next(TARGET, RESTORING)
        wanted = asked_for(clients, name)
        # An override of the restore call leaves auto scaling out, on purpose.
        plain = replace(wanted, overrides=type(wanted.overrides)())
        aws.describe_next(TARGET, RESTORING)
        assert isinstance(worker.follow(delivery(plain, 1)), TryAgain | Finished)
        verdict = worker.follow(delivery(plain, 2))
        while isinstance(verdict, TryAgain):
            verdict = worker.follow(delivery(plain, 2))
        assert record_item(clients)["state"] == "synced"
        assert tables_are_alike(clients)

    def test_the_events_of_one_restore_are_one_restore(
        self, worker: Worker, aws: Aws, clients: Clients, target: Table, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """AWS Backup's restore is told of three times: by CloudTrail, RUNNING and COMPLETED."""
        Jobs(aws, monkeypatch).job = {
            "SourceResourceArn": table_arn("orders"),
            "CreatedResourceArn": table_arn(TARGET),
            "RecoveryPointCreationDate": MADE_AT,
        }
        call, running, completed = (
            asked_for(clients, name) for name in ("aws_backup", "job_running_without_table", "job_completed")
        )
        aws.describe_next(TARGET, RESTORING, RESTORING, RESTORING)
        assert isinstance(worker.follow(delivery(call, 1)), TryAgain)
        follows = TryAgain("another message of this restore leads", 10)
        assert worker.follow(delivery(running, 1)) == follows
        assert isinstance(worker.follow(delivery(call, 2)), TryAgain)
        assert worker.follow(delivery(completed, 1)) == follows
        # The same event came twice, in two messages.
        assert worker.follow(delivery(call, 1, "second message")) == follows
        assert statuses(worker.follow(delivery(call, 3))) == dict.fromkeys(ALL_ON, "applied")
        for late, message_id in ((running, None), (completed, None), (call, "second message")):
            assert worker.follow(delivery(late, 2, message_id)) == NothingToDo(
                "already finished by an earlier delivery"
            )
        assert len(aws.named("PutEvents")) == 1

    def test_a_message_that_does_not_lead_gives_up_in_silence(
        self, worker: Worker, aws: Aws, clients: Clients, target: Table
    ) -> None:
        aws.describe_next(TARGET, RESTORING, RESTORING)
        worker.follow(delivery(request(), 1))
        other = request(event_id="other")
        assert worker.follow(delivery(other, 5)) == NothingToDo("another message of this restore leads")

    def test_a_message_from_the_dead_letter_queue_takes_the_lead_back(
        self, worker: Worker, aws: Aws, clients: Clients, target: Table
    ) -> None:
        """It was given up for an error that left no mark in the record, and has a new id now."""
        aws.describe_next(TARGET, RESTORING)
        worker.follow(delivery(request(), 1, "first life"))
        assert isinstance(worker.follow(delivery(request(), 1, "second life")), TryAgain)
        verdict = worker.follow(delivery(request(), 1, "second life", redriven=True, give_up=0))
        assert statuses(verdict) == dict.fromkeys(ALL_ON, "applied")

    def test_two_events_at_the_same_moment_have_one_leader(
        self, worker: Worker, aws: Aws, clients: Clients, target: Table
    ) -> None:
        """Both look before either has written its record."""
        first, second = request(), request(event_id="other-event")
        overtaken = worker.records.get
        pending = [second]

        def look_while_the_other_acts(key: Any) -> Any:
            seen = overtaken(key)
            if pending:
                worker.follow(delivery(pending.pop(), 1))
            return seen

        object.__setattr__(worker.records, "get", look_while_the_other_acts)
        assert isinstance(worker.follow(delivery(first, 1)), TryAgain)
        assert record_item(clients)["leader"] == "other-event"
        assert len(aws.named("PutEvents")) == 1

    @pytest.mark.parametrize("seen", [{}, RESTORING], ids=["it sees the table ACTIVE", "it sees it CREATING"])
    def test_an_event_that_another_overtook_leaves_the_restore_to_it(
        self, worker: Worker, aws: Aws, clients: Clients, target: Table, seen: dict[str, Any]
    ) -> None:
        """The other leads, and has not ended the restore: this one writes nothing, and gives nothing up."""
        looked_up = worker.records.get

        def look_before_the_other_acts(key: Any) -> Any:
            found = looked_up(key)
            object.__setattr__(worker.records, "get", looked_up)
            worker.follow(delivery(request(event_id="other-event"), 1))
            return found

        object.__setattr__(worker.records, "get", look_before_the_other_acts)
        aws.describe_next(TARGET, seen, RESTORING)
        aws.calls.clear()
        last_attempt = 5
        verdict = worker.follow(delivery(request(), last_attempt))
        assert verdict == NothingToDo("another message of this restore leads")
        assert record_item(clients)["leader"] == "other-event"
        assert aws.writes() == []

    def test_an_event_that_takes_over_while_the_table_is_restored_leads_from_then_on(
        self, worker: Worker, aws: Aws, clients: Clients, clock: Clock, target: Table
    ) -> None:
        aws.describe_next(TARGET, RESTORING)
        worker.follow(delivery(request(), 1))
        late = make_worker(clients, clock, now=REQUESTED_AT + timedelta(hours=1))
        other = request(event_id="reconciler")
        aws.describe_next(TARGET, RESTORING)
        verdict = late.follow(delivery(other, 1))
        assert isinstance(verdict, TryAgain)
        assert verdict.reason == "orders-restored is CREATING"
        assert record_item(clients)["leader"] == "reconciler"
        assert statuses(late.follow(delivery(other, 2))) == dict.fromkeys(ALL_ON, "applied")

    def test_an_event_takes_over_from_one_that_has_fallen_silent(
        self, worker: Worker, aws: Aws, clients: Clients, clock: Clock, target: Table
    ) -> None:
        aws.describe_next(TARGET, RESTORING)
        worker.follow(delivery(request(), 1))
        later = REQUESTED_AT + timedelta(minutes=5 + 15)
        other = request(event_id="reconciler")
        assert isinstance(make_worker(clients, clock, now=later).follow(delivery(other, 1)), TryAgain)
        assert record_item(clients)["state"] == "waiting"
        late = make_worker(clients, clock, now=later + timedelta(minutes=6))
        assert statuses(late.follow(delivery(other, 1))) == dict.fromkeys(ALL_ON, "applied")
        assert record_item(clients)["leader"] == "reconciler"

    def test_a_restore_that_failed_is_run_again_by_the_message_that_was_set_aside_with_it(
        self, worker: Worker, aws: Aws, clients: Clients, target: Table
    ) -> None:
        aws.fail("TagResource", "AccessDeniedException", "not yours")
        given_up = worker.follow(delivery(request(), 1))
        assert isinstance(given_up, GivenUp)
        assert given_up.number == 1
        worker.giving_up.note_set_aside(given_up)
        over = NothingToDo("given up; only a redrive of the message that is in the secondary DLQ goes on")
        assert worker.follow(delivery(request(event_id="rehearsal"), 1)) == over
        assert worker.follow(delivery(request(), 1, "stale", redriven=True, give_up=2)) == over
        assert result_of(worker.follow(delivery(request(), 1, "new", redriven=True))) == ("synced", None)


class TestDeletedSource:
    def test_a_table_restored_under_the_name_of_its_deleted_source(
        self, aws: Aws, clients: Clients, clock: Clock
    ) -> None:
        """The target must not be taken for the source: it would be found equal to itself."""
        make_restore_table(clients)
        make_table(clients, "orders")
        aws.describe_as(
            "orders",
            TableId=TARGET_ID,
            CreationDateTime=datetime(2026, 11, 22, 7, 0, 2, tzinfo=UTC),
            RestoreSummary={"SourceTableArn": table_arn("orders")},
        )
        wanted = asked_for(clients, "backup_of_a_deleted_table_under_its_name")
        verdict = make_worker(clients, clock, control_tag="choice").follow(delivery(wanted, 1))
        assert isinstance(verdict, GivenUp)
        assert verdict.code == "source_gone"
        assert result_of(verdict)[0] == "failed"
        assert aws.writes() == ["CreateTable", "CreateTable", "PutEvents"]


class TestOtherRegions:
    @pytest.fixture
    def there(self, worker: Worker) -> Clients:
        """A source `orders` in another region, with tags and a trigger; the one here has others."""
        other = shared_clients("eu-west-1")
        description: TableDescriptionTypeDef = make_table(other, "orders", view_type="NEW_IMAGE")
        other.dynamodb.tag_resource(
            ResourceArn=description["TableArn"], Tags=[{"Key": "home", "Value": "ireland"}]
        )
        return other

    @pytest.fixture
    def crossing(self, aws: Aws) -> RestoreRequest:
        aws.describe_as(TARGET, RestoreSummary={"SourceTableArn": table_arn("orders", "eu-west-1")})
        return request(source=TableRef("orders", "eu-west-1", ACCOUNT))

    def test_settings_come_from_the_source_in_its_own_region(
        self,
        aws: Aws,
        clients: Clients,
        clock: Clock,
        there: Clients,
        target: Table,
        crossing: RestoreRequest,
    ) -> None:
        stream = Table("orders", there).live_stream_arn
        assert stream is not None
        function = function_arn("index").replace("eu-central-1", "eu-west-1")
        aws.triggers.put(stream, function)
        aws.kinesis.destinations.clear()
        worker = make_worker(clients, clock, source_regions=["eu-west-1"])
        verdict = worker.follow(delivery(crossing, 1))
        assert statuses(verdict) == {
            **dict.fromkeys(ALL_ON, "unchanged"),
            "tags": "applied",
            "stream": "applied",
            "stream_triggers": "skipped",
        }
        assert portable(SEVEN_SETTINGS[1], target) == {"tags": {"home": "ireland"}}
        (triggers,) = [o for o in verdict.report.outcomes if o.setting == "stream_triggers"]  # type: ignore[union-attr]
        assert triggers.omitted == (f"trigger {function}: {function} cannot be used from another region",)
        assert aws.named("CreateEventSourceMapping") == []

    def test_a_region_that_is_not_listed_is_told(
        self, aws: Aws, worker: Worker, there: Clients, target: Table, crossing: RestoreRequest
    ) -> None:
        aws.calls.clear()
        verdict = worker.follow(delivery(crossing, 1))
        assert isinstance(verdict, GivenUp)
        assert verdict.code == "cross_region"
        assert "add it there" in verdict.reason
        assert aws.writes() == ["PutEvents"]

    def test_another_account_is_told(self, aws: Aws, worker: Worker, clients: Clients, target: Table) -> None:
        there = table_arn("orders").replace(ACCOUNT, "210987654321")
        aws.describe_as(TARGET, RestoreSummary={"SourceTableArn": there})
        verdict = worker.follow(delivery(asked_for(clients, "source_in_another_account"), 1))
        assert isinstance(verdict, GivenUp)
        assert verdict.code == "other_account"

    def test_the_pipeline_of_a_table_of_that_name_here_is_not_touched(
        self,
        aws: Aws,
        clients: Clients,
        clock: Clock,
        there: Clients,
        target: Table,
        crossing: RestoreRequest,
    ) -> None:
        aws.calls.clear()
        worker = make_worker(clients, clock, source_regions=["eu-west-1"], switches={"tags": True})
        worker.follow(delivery(crossing, 1))
        read = [call["Key"]["pk"]["S"] for call in aws.named("GetItem")]
        assert read == [f"event#{crossing.event_id}", "target#orders-restored"]


class TestControl:
    def test_tables_outside_the_patterns_cost_nothing(
        self, aws: Aws, clients: Clients, clock: Clock, target: Table
    ) -> None:
        for patterns in (TablePatterns(source=["shop-*"]), TablePatterns(target=["*-drill"])):
            aws.calls.clear()
            verdict = make_worker(clients, clock, table_patterns=patterns).follow(delivery(request(), 1))
            assert verdict == NothingToDo("its tables match no pattern of table_patterns")
            assert aws.calls == []

    def test_an_opted_out_source_is_left_alone_and_that_is_told(
        self, aws: Aws, clients: Clients, clock: Clock, target: Table
    ) -> None:
        clients.dynamodb.tag_resource(
            ResourceArn=table_arn("orders"), Tags=[{"Key": "choice", "Value": "off"}]
        )
        aws.describe_next(TARGET, RESTORING)
        aws.calls.clear()
        verdict = make_worker(clients, clock, control_tag="choice").follow(delivery(request(), 1))
        assert result_of(verdict) == ("skipped", "left alone: the source's tag choice is 'off'")
        assert aws.writes() == ["PutEvents"]
        assert record_item(clients)["state"] == "skipped"

    def test_a_tag_chooses_settings_and_its_choice_outlives_the_source(
        self, aws: Aws, clients: Clients, clock: Clock, target: Table
    ) -> None:
        """Tags themselves are switched off, and the choice is heeded all the same."""
        clients.dynamodb.tag_resource(
            ResourceArn=table_arn("orders"), Tags=[{"Key": "choice", "Value": "-ttl -kinesis_destination"}]
        )
        worker = make_worker(clients, clock, control_tag="choice", switches={**ALL_ON, "tags": False})
        aws.describe_next(TARGET, RESTORING)
        assert isinstance(worker.follow(delivery(request(), 1)), TryAgain)
        clients.dynamodb.delete_table(TableName="orders")
        off = dict.fromkeys(("tags", "ttl", "kinesis_destination"), "skipped")
        verdict = worker.follow(delivery(request(), 2))
        assert {name: status for name, status in statuses(verdict).items() if status == "skipped"} == off
        assert aws.named("UpdateTimeToLive")[1:] == []

    def test_a_tag_that_cannot_be_read_now_is_waited_for(
        self, aws: Aws, clients: Clients, clock: Clock, target: Table
    ) -> None:
        """Going on would follow a table that may have opted out."""
        aws.fail("ListTagsOfResource", "ThrottlingException", "slow down")
        worker = make_worker(clients, clock, control_tag="choice")
        assert isinstance(worker.follow(delivery(request(), 1)), TryAgain)
        assert aws.named("UpdateTable") == []

    def test_a_tag_that_may_not_be_read_is_told(
        self, aws: Aws, clients: Clients, clock: Clock, target: Table
    ) -> None:
        aws.fail("ListTagsOfResource", "AccessDeniedException", "no")
        worker = make_worker(clients, clock, control_tag="choice", switches={"ttl": True})
        verdict = worker.follow(delivery(request(), 1))
        assert isinstance(verdict, Finished)
        note, *_ = verdict.report.notes
        assert (
            note == "the source's tag choice could not be read: ListTagsOfResource: AccessDeniedException: no"
        )

    def test_an_override_replaces_switches_polling_and_notification(
        self, aws: Aws, clients: Clients, clock: Clock, target: Table
    ) -> None:
        topic = clients.sns.create_topic(Name="notifications")["TopicArn"]
        base = make_worker(clients, clock).config.polling
        drill = Override(
            "*",
            "*-restored",
            {"stream_triggers": False},
            follow=True,
            replay=False,
            notify=False,
            polling=replace(base, max_attempts=2),
        )
        worker = make_worker(clients, clock, topic_arn=topic, overrides=[drill])
        aws.describe_next(TARGET, RESTORING)
        assert isinstance(worker.follow(delivery(request(), 1)), TryAgain)
        aws.describe_next(TARGET, RESTORING)
        given_up = worker.follow(delivery(request(), 2))
        assert isinstance(given_up, GivenUp)
        assert given_up.reason.startswith("gave up after 2 attempts")
        again = worker.follow(delivery(request(), 1, "new", redriven=True))
        assert statuses(again)["stream_triggers"] == "skipped"
        assert aws.named("Publish") == []
        assert len(aws.named("PutEvents")) == 2

    def test_a_restore_by_terraform_is_left_alone_where_that_was_chosen(
        self, aws: Aws, clients: Clients, clock: Clock, target: Table
    ) -> None:
        wanted = asked_for(clients, "by_terraform")
        verdict = make_worker(clients, clock, follow_terraform=False).follow(delivery(wanted, 1))
        assert result_of(verdict)[0] == Result.SKIPPED.value
        assert aws.named("UpdateTable") == []
        # It is settled as skipped, so the one that follows them is about another table of that name.
        aws.describe_as(TARGET, TableId="another")
        another = replace(wanted, event_id="of another restore")
        assert result_of(make_worker(clients, clock).follow(delivery(another, 1))) == ("synced", None)


class TestFindings:
    @pytest.fixture
    def charted(self, clients: Clients, target: Table) -> None:
        metrics = [["AWS/DynamoDB", "ConsumedReadCapacityUnits", "TableName", "orders"]]
        body = {"widgets": [{"type": "metric", "properties": {"metrics": metrics, "region": REGION}}]}
        clients.cloudwatch.put_dashboard(DashboardName="shop", DashboardBody=json.dumps(body))

    @pytest.mark.usefixtures("charted")
    def test_what_names_the_source_is_told_after_the_report_and_noted(
        self, aws: Aws, clients: Clients, clock: Clock
    ) -> None:
        topic = clients.sns.create_topic(Name="notifications")["TopicArn"]
        worker = make_worker(clients, clock, findings={"dashboards": True}, topic_arn=topic)
        aws.calls.clear()
        assert isinstance(worker.follow(delivery(request(), 1)), Finished)
        report, found = (call["Entries"][0] for call in aws.named("PutEvents"))
        assert report["DetailType"] == "DynamoDB Table Restore Report"
        assert found["DetailType"] == "DynamoDB Table Restore Findings"
        told = json.loads(found["Detail"])
        (finding,) = told.pop("findings")
        assert told == {"source": "orders", "target": TARGET, "restore_id": TARGET_ID, "more": 0}
        assert (finding["kind"], "shop" in finding["name"]) == ("dashboards", True)
        assert record_item(clients)["findings"] == [finding]
        subjects = [call["Subject"] for call in aws.named("Publish")]
        assert subjects == [
            "DynamoDB restore synced: orders -> orders-restored",
            "DynamoDB restore to do: orders -> orders-restored",
        ]
        # By then the report is told, and the restore is over.
        operations = [call.operation for call in aws.calls]
        assert "UpdateItem" in operations[operations.index("PutEvents") : operations.index("ListDashboards")]

    @pytest.mark.usefixtures("charted")
    def test_what_was_found_and_could_not_be_told_ends_nothing(
        self, aws: Aws, clients: Clients, clock: Clock
    ) -> None:
        worker = make_worker(clients, clock, findings={"dashboards": True})
        announce = worker.announcer.announce

        def refused(told: Any, *arguments: Any, **more: Any) -> Any:
            if isinstance(told, FindingsReport):
                aws.fail("PutEvents", "AccessDeniedException", "not authorized")
            return announce(told, *arguments, **more)

        object.__setattr__(worker.announcer, "announce", refused)
        verdict = worker.follow(delivery(request(), 1))
        assert isinstance(verdict, Finished)
        assert verdict.not_told == "PutEvents: AccessDeniedException: not authorized"
        assert record_item(clients)["state"] == "synced"

    @pytest.mark.usefixtures("charted")
    def test_what_is_switched_off_is_not_looked_for(self, aws: Aws, clients: Clients, clock: Clock) -> None:
        make_worker(clients, clock, findings={"dashboards": False}).follow(delivery(request(), 1))
        assert aws.named("ListDashboards") == []

    @pytest.mark.usefixtures("charted")
    def test_a_search_that_fails_is_told_and_stops_nothing(
        self, aws: Aws, clients: Clients, clock: Clock
    ) -> None:
        aws.fail("ListDashboards", "AccessDenied", "not authorized")
        verdict = make_worker(clients, clock, findings={"dashboards": True}).follow(delivery(request(), 1))
        assert result_of(verdict) == ("synced", None)
        (finding,) = record_item(clients)["findings"]
        assert "not authorized" in finding["advice"]

    @pytest.mark.usefixtures("charted")
    def test_a_restore_that_is_left_alone_looks_for_nothing(
        self, aws: Aws, clients: Clients, clock: Clock
    ) -> None:
        aws.describe_as(TARGET, CreationDateTime=datetime(2026, 11, 1, tzinfo=UTC))
        make_worker(clients, clock, findings={"dashboards": True}).follow(delivery(request(), 1))
        assert aws.named("ListDashboards") == []
