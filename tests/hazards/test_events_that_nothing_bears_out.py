"""An event is not evidence: whoever may send to the restore queue, or invoke the worker, can write one.

An old event sent again, or one written for the purpose, once put the resource policy, the Kinesis destination and the
triggers of any table on any other. So a restore is followed only where AWS itself says that there was one, of this table, from
this source, at this time.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dynamodb_restore.aws import Clients, TableRef
from dynamodb_restore.restore.delivery import Finished, GivenUp, TryAgain, Verdict
from dynamodb_restore.restore.evidence import LONGEST_UNKNOWN, TRAIL_DELAY
from dynamodb_restore.restore.request import FOUND_DETAIL_TYPE, RestoreJob, RestoreRequest
from dynamodb_restore.restore.worker import Worker
from tests.aws.trail import recorded_call
from tests.hazards.restoring import (
    MADE_IN_TIME,
    RESTORING,
    TARGET,
    forgets_its_origin,
    given_up,
    statuses,
)
from tests.unit.builders import (
    ALL_ON,
    REQUESTED_AT,
    TARGET_ID,
    delivery,
    make_full_source,
    make_restore_table,
    make_target,
    make_worker,
    record_item,
    request,
)
from tests.unit.fakes import Aws, Clock, table_arn

WAITS = "CloudTrail does not show the call that restored orders-restored yet"


@pytest.fixture
def worker(aws: Aws, clients: Clients, clock: Clock) -> Worker:
    """A target that is ACTIVE and has forgotten what it was restored from."""
    make_restore_table(clients)
    make_full_source(aws, clients)
    make_target(aws, clients)
    forgets_its_origin(aws)
    return make_worker(clients, clock)


def later(clients: Clients, clock: Clock, after: timedelta, **more: Any) -> Worker:
    return make_worker(clients, clock, now=REQUESTED_AT + after, **more)


def test_a_forged_event_of_1971_on_a_table_of_2021(worker: Worker, aws: Aws) -> None:
    aws.describe_as(TARGET, CreationDateTime=datetime(2021, 5, 1, tzinfo=UTC))
    aws.calls.clear()
    forged = request(requested_at=datetime(1971, 1, 1, tzinfo=UTC))
    assert given_up(worker.follow(delivery(forged, 1))) == ("target_gone", "failed")
    assert aws.writes() == ["PutEvents"]


def test_a_forged_event_that_knows_when_its_victim_was_made(
    worker: Worker, aws: Aws, clients: Clients
) -> None:
    """And its TableId, which anybody who may describe it knows."""
    made = datetime(2021, 5, 1, tzinfo=UTC)
    aws.describe_as(TARGET, CreationDateTime=made)
    aws.calls.clear()
    forged = request(requested_at=made, target_id=TARGET_ID)
    assert given_up(worker.follow(delivery(forged, 1))) == ("request_too_old", "failed")
    # Sent again as from the dead-letter queue, it has a record of its own giving up, which is no evidence.
    assert given_up(worker.follow(delivery(forged, 1, redriven=True))) == ("request_too_old", "failed")
    assert set(aws.writes()) == {"PutEvents"}


def test_a_table_that_was_made_today_and_not_restored(
    worker: Worker, aws: Aws, clients: Clients, clock: Clock
) -> None:
    aws.calls.clear()
    assert worker.follow(delivery(request(), 1)) == TryAgain(WAITS, 10)
    verdict = later(clients, clock, TRAIL_DELAY + timedelta(minutes=1)).follow(delivery(request(), 2))
    assert given_up(verdict) == ("no_evidence", "failed")
    assert isinstance(verdict, GivenUp)
    assert "nothing was written" in verdict.reason
    assert aws.writes() == ["PutEvents"]


def test_a_table_that_is_being_made_and_not_restored(worker: Worker, aws: Aws, clients: Clients) -> None:
    """It is waited for, and nothing is prepared for it: no claim on a pipeline, no record."""
    aws.describe_as(TARGET, TableStatus="CREATING")
    aws.calls.clear()
    assert worker.follow(delivery(request(), 1)) == TryAgain("orders-restored is CREATING", 10)
    assert aws.named("LookupEvents") == aws.named("ListTagsOfResource") == []
    assert record_item(clients) == {}


class TestCloudTrail:
    def test_the_call_is_on_record(self, worker: Worker, aws: Aws, clients: Clients) -> None:
        aws.trail.note(recorded_call())
        assert statuses(worker.follow(delivery(request(), 1))) == dict.fromkeys(ALL_ON, "applied")
        assert record_item(clients)["evidence"] == "CloudTrail's event orders into orders-restored"

    def test_a_call_that_is_not_to_be_seen_yet_is_waited_for(self, worker: Worker, aws: Aws) -> None:
        aws.trail.note(recorded_call())
        aws.trail.hidden = True
        assert worker.follow(delivery(request(), 1)) == TryAgain(WAITS, 10)
        aws.trail.hidden = False
        assert isinstance(worker.follow(delivery(request(), 2)), Finished)

    def test_it_is_on_a_later_page(self, worker: Worker, aws: Aws) -> None:
        aws.trail.note(recorded_call())
        for number in range(5):
            later_call = MADE_IN_TIME + timedelta(seconds=1 + number)
            aws.trail.note(recorded_call(target=f"another-{number}", at=later_call))
        assert isinstance(worker.follow(delivery(request(), 1)), Finished)

    @pytest.mark.parametrize(
        "recorded",
        [
            pytest.param(recorded_call(source="customers"), id="from another source"),
            pytest.param(recorded_call(target="orders-restored-2"), id="into another table"),
            pytest.param(recorded_call(table_id="another"), id="it made another table of that name"),
            pytest.param(recorded_call(at=MADE_IN_TIME + timedelta(minutes=5)), id="at another time"),
            pytest.param(recorded_call(errorCode="TableAlreadyExistsException"), id="refused"),
            pytest.param(recorded_call(awsRegion="eu-west-1"), id="of the source's name elsewhere"),
            pytest.param(recorded_call(requestParameters=None), id="in a shape that is not known"),
            pytest.param(recorded_call(eventName="CreateTable"), id="another call"),
        ],
    )
    def test_a_call_that_is_another_shows_nothing(
        self, worker: Worker, aws: Aws, recorded: dict[str, Any]
    ) -> None:
        aws.trail.note(recorded)
        assert worker.follow(delivery(request(), 1)) == TryAgain(WAITS, 10)

    @pytest.mark.parametrize(("of", "found"), [("a", True), ("b", False)])
    def test_a_call_that_names_its_backup_alone(self, worker: Worker, aws: Aws, of: str, found: bool) -> None:
        arn = f"{table_arn('orders')}/backup/"
        parameters = {"backupArn": f"{arn}a", "targetTableName": TARGET}
        aws.trail.note(recorded_call(eventName="RestoreTableFromBackup", requestParameters=parameters))
        asked = request(event_name="RestoreTableFromBackup", backup_arn=f"{arn}{of}")
        verdict = worker.follow(delivery(asked, 1))
        assert isinstance(verdict, Finished) is found

    def test_what_people_and_the_reconciler_write_is_borne_out_by_the_call(
        self, worker: Worker, aws: Aws
    ) -> None:
        """Their events have an id that CloudTrail does not know."""
        aws.trail.note(recorded_call(table_id=TARGET_ID))
        found = request(event_name=FOUND_DETAIL_TYPE, event_id="of the reconciler")
        assert isinstance(worker.follow(delivery(found, 1)), Finished)

    def test_a_role_that_may_not_look_says_so(self, worker: Worker, aws: Aws) -> None:
        aws.fail(
            "LookupEvents", "AccessDeniedException", "not authorized to perform: cloudtrail:LookupEvents"
        )
        verdict = worker.follow(delivery(request(), 1))
        assert given_up(verdict) == ("aws_error", "failed")
        assert isinstance(verdict, GivenUp)
        assert "cloudtrail:LookupEvents" in verdict.reason

    def test_it_is_asked_once_a_restore(self, worker: Worker, aws: Aws, clients: Clients) -> None:
        aws.trail.note(recorded_call())
        aws.fail("TagResource", "ResourceInUseException", "busy", times=100)
        assert isinstance(worker.follow(delivery(request(), 1)), TryAgain)
        aws.calls.clear()
        worker.follow(delivery(request(), 2))
        assert aws.named("LookupEvents") == []


class TestWhatTheTableSaysItself:
    def test_it_is_kept_for_when_the_table_says_it_no_more(self, worker: Worker, aws: Aws) -> None:
        aws.describe_next(TARGET, RESTORING)
        worker.follow(delivery(request(), 1))
        assert isinstance(worker.follow(delivery(request(), 2)), Finished)
        assert aws.named("LookupEvents") == []

    def test_one_of_the_same_name_in_another_region_is_another_source(self, worker: Worker, aws: Aws) -> None:
        aws.describe_next(TARGET, RESTORING)
        elsewhere = request(source=TableRef("orders", "eu-west-1"))
        assert given_up(worker.follow(delivery(elsewhere, 1))) == ("other_source", "failed")


class TestJobs:
    @pytest.fixture
    def of_job(self) -> RestoreRequest:
        """A job that ran for three hours, and made its table in the second."""
        return request(
            event_name="Restore Job State Change",
            event_id="job-1",
            requested_at=REQUESTED_AT - timedelta(hours=2),
            backup_arn="arn:aws:backup:eu-central-1:123456789012:recovery-point:a",
            job=RestoreJob("job-1", TableRef("orders"), TableRef(TARGET), REQUESTED_AT + timedelta(hours=1)),
        )

    def followed(self, worker: Worker, wanted: RestoreRequest, **job: Any) -> Verdict:
        assert wanted.job is not None
        return worker.follow(delivery(replace(wanted, job=replace(wanted.job, **job)), 1))

    def test_aws_backup_says_what_its_job_made(
        self, worker: Worker, clients: Clients, of_job: RestoreRequest
    ) -> None:
        assert isinstance(self.followed(worker, of_job), Finished)
        assert record_item(clients)["evidence"] == "AWS Backup's restore job job-1"

    def test_a_job_that_runs_may_still_make_its_table(self, worker: Worker, of_job: RestoreRequest) -> None:
        assert isinstance(self.followed(worker, of_job, completed_at=None), Finished)

    def test_a_table_made_after_the_job_was_done_is_not_its_own(
        self, worker: Worker, aws: Aws, of_job: RestoreRequest
    ) -> None:
        aws.calls.clear()
        verdict = self.followed(worker, of_job, completed_at=REQUESTED_AT - timedelta(minutes=5))
        assert given_up(verdict) == ("target_gone", "failed")
        assert aws.writes() == ["PutEvents"]

    @pytest.mark.parametrize("target", [None, TableRef("another")])
    def test_an_event_that_names_a_table_which_the_job_did_not_make(
        self, worker: Worker, of_job: RestoreRequest, target: TableRef | None
    ) -> None:
        assert isinstance(self.followed(worker, of_job, target=target), TryAgain)


class TestAge:
    def test_a_restore_on_record_is_followed_for_as_long_as_it_takes(
        self, worker: Worker, aws: Aws, clients: Clients, clock: Clock
    ) -> None:
        aws.describe_next(TARGET, RESTORING)
        worker.follow(delivery(request(), 1))
        late = later(clients, clock, LONGEST_UNKNOWN * 12)
        assert isinstance(late.follow(delivery(request(), 1, redriven=True)), Finished)

    def test_a_call_of_yesterday_that_nobody_has_followed_is_not_begun(
        self, worker: Worker, aws: Aws, clients: Clients, clock: Clock
    ) -> None:
        aws.trail.note(recorded_call())
        aws.calls.clear()
        late = later(clients, clock, LONGEST_UNKNOWN + timedelta(minutes=1))
        assert given_up(late.follow(delivery(request(), 1))) == ("request_too_old", "failed")
        assert aws.named("LookupEvents") == []
        assert aws.writes() == ["PutEvents"]

    def test_a_table_that_is_still_being_restored_is_never_too_old(
        self, worker: Worker, aws: Aws, clients: Clients, clock: Clock
    ) -> None:
        aws.describe_next(TARGET, RESTORING)
        late = later(clients, clock, LONGEST_UNKNOWN * 2)
        assert late.follow(delivery(request(), 1)) == TryAgain("orders-restored is CREATING", 10)
