"""What an event leaves open is asked of AWS, and no more than that."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from dynamodb_restore.aws import Clients, TableRef
from dynamodb_restore.restore.origin import NotKnownYet, find_origin
from dynamodb_restore.restore.record import Identified, RestoreKey, RestoreRecord, RestoreState
from dynamodb_restore.restore.request import NothingToFollow, RequestError, Sighting
from dynamodb_restore.restore.request_events import parse_event
from tests.unit.builders import event, make_table
from tests.unit.fakes import Aws, client_error, table_arn

TARGET = "orders-restored"
MADE_AT = datetime(2026, 11, 21, 23, 33, 20, tzinfo=UTC)
RECOVERY_POINT = (
    "arn:aws:backup:eu-central-1:123456789012:recovery-point:1EB3B5E7-9EB0-435A-A80B-108B488B0D45"
)
HERE = {"region": "eu-central-1", "account": "123456789012"}


def seen(name: str) -> Sighting:
    sighting = parse_event(event(name))
    assert isinstance(sighting, Sighting)
    return sighting


class Jobs:
    """AWS Backup's restore jobs and DynamoDB's backups, in front of moto, which has neither as AWS has them."""

    def __init__(self, aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
        self.job: dict[str, Any] = {}
        self.metadata: dict[str, str] = {"targetTableName": TARGET, "encryptionType": "Default"}
        self.backups: dict[str, datetime] = {}
        answer = aws.answer

        def with_jobs(
            client: Any, operation: str, parameters: dict[str, Any], otherwise: Any
        ) -> dict[str, Any]:
            known = operation in ("DescribeRestoreJob", "GetRestoreJobMetadata", "DescribeBackup")
            return answer(client, operation, parameters, self._answer if known else otherwise)

        monkeypatch.setattr(aws, "answer", with_jobs)

    def _answer(self, _: Any, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        if operation == "DescribeRestoreJob":
            return {"RestoreJobId": parameters["RestoreJobId"], **self.job}
        if operation == "GetRestoreJobMetadata":
            return {"RestoreJobId": parameters["RestoreJobId"], "Metadata": self.metadata}
        made_at = self.backups.get(parameters["BackupArn"])
        if made_at is None:
            raise client_error(operation, "BackupNotFoundException", "Backup not found")
        return {"BackupDescription": {"BackupDetails": {"BackupCreationDateTime": made_at}}}


@pytest.fixture
def jobs(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Jobs:
    return Jobs(aws, monkeypatch)


def operations(aws: Aws) -> list[str]:
    return [call.operation for call in aws.calls]


def test_a_call_that_tells_all_costs_no_call(aws: Aws, clients: Clients) -> None:
    request = find_origin(clients, seen("backup"))
    assert (request.source.name, request.target.name, request.restore_point) == ("orders", TARGET, MADE_AT)
    assert aws.calls == []


def test_the_new_table_tells_its_origin_while_it_is_restored(aws: Aws, clients: Clients) -> None:
    make_table(clients, TARGET)
    summary = {"SourceTableArn": table_arn("orders"), "RestoreDateTime": MADE_AT, "RestoreInProgress": True}
    aws.describe_as(TARGET, TableStatus="CREATING", RestoreSummary=summary)
    aws.calls.clear()
    request = find_origin(clients, seen("aws_backup_without_answer_by_service"))
    assert (request.source.name, request.restore_point) == ("orders", MADE_AT)
    assert request.backup_arn == RECOVERY_POINT
    assert operations(aws) == ["DescribeTable"]


def test_a_backup_tells_what_it_was_made_of_and_when(aws: Aws, clients: Clients, jobs: Jobs) -> None:
    sighting = seen("backup_without_answer")
    assert sighting.backup_arn is not None
    jobs.backups[sighting.backup_arn] = MADE_AT
    request = find_origin(clients, sighting)
    assert request.source == TableRef("orders", **HERE)
    assert request.restore_point == MADE_AT
    assert request.overrides.on_demand_throughput
    assert operations(aws) == ["DescribeTable", "DescribeBackup"]


def test_the_arn_of_a_deleted_backup_still_names_the_table(clients: Clients, jobs: Jobs) -> None:
    request = find_origin(clients, seen("found_of_a_backup"))
    assert (request.source.name, request.restore_point) == ("orders", None)


def test_a_job_tells_its_table_and_its_source(aws: Aws, clients: Clients, jobs: Jobs) -> None:
    earlier = datetime(2026, 11, 22, 6, 59, 0, tzinfo=UTC)
    jobs.job = {
        "Status": "COMPLETED",
        "RecoveryPointArn": RECOVERY_POINT,
        "SourceResourceArn": table_arn("orders"),
        "CreatedResourceArn": table_arn(TARGET),
        "RecoveryPointCreationDate": MADE_AT,
        "CreationDate": earlier,
    }
    for name in ("job_completed", "job_running_without_table", "job_with_state_and_epoch"):
        aws.calls.clear()
        request = find_origin(clients, seen(name))
        assert request.source == request.target.__class__("orders", **HERE)
        assert (request.target.name, request.restore_point) == (TARGET, MADE_AT)
        assert (request.backup_arn, request.requested_at) == (RECOVERY_POINT, earlier)
        assert operations(aws) == ["DescribeRestoreJob", "GetRestoreJobMetadata"]


def test_a_job_without_its_source_is_completed_by_the_table(aws: Aws, clients: Clients, jobs: Jobs) -> None:
    make_table(clients, TARGET)
    aws.describe_as(
        TARGET, RestoreSummary={"SourceTableArn": table_arn("orders"), "RestoreDateTime": MADE_AT}
    )
    jobs.job = {"Status": "RUNNING"}
    assert find_origin(clients, seen("job_completed")).source.name == "orders"


def test_a_job_that_has_not_named_its_table_is_waited_for(clients: Clients, jobs: Jobs) -> None:
    jobs.job = {"Status": "RUNNING", "SourceResourceArn": table_arn("orders")}
    with pytest.raises(NotKnownYet, match="has not named its table yet"):
        find_origin(clients, seen("job_running_without_table"))


@pytest.mark.parametrize("status", ["FAILED", "ABORTED"])
def test_a_job_that_has_failed_restores_nothing(clients: Clients, jobs: Jobs, status: str) -> None:
    jobs.job = {"Status": status, "StatusMessage": "no permission"}
    with pytest.raises(NothingToFollow, match="no permission"):
        find_origin(clients, seen("job_running_without_table"))


@pytest.mark.parametrize(("evidence", "source"), [("CloudTrail's event 1", "orders"), (None, None)])
def test_what_is_on_record_tells_the_source_where_it_was_borne_out(
    aws: Aws, clients: Clients, evidence: str | None, source: str | None
) -> None:
    make_table(clients, TARGET)
    aws.describe_as(TARGET, TableId="id-1", RestoreSummary={})
    record = RestoreRecord(
        RestoreState.WAITING,
        {},
        MADE_AT,
        0,
        request={"source": "orders", "source_region": "eu-west-1", "source_account": "210987654321"},
        identified=Identified("id-1", evidence=evidence),
    )
    records = {RestoreKey(TARGET, "id-1"): record}
    sighting = seen("aws_backup_without_answer_by_service")
    if source is None:
        with pytest.raises(RequestError, match="nothing says which table"):
            find_origin(clients, sighting, on_record=records.get)
    else:
        request = find_origin(clients, sighting, on_record=records.get)
        assert request.source == TableRef("orders", "eu-west-1", "210987654321")
        assert request.restore_point == MADE_AT


def test_what_nothing_tells_is_refused_with_what_to_do(clients: Clients, jobs: Jobs) -> None:
    jobs.job = {
        "Status": "COMPLETED",
        "CreatedResourceArn": table_arn(TARGET),
        "RecoveryPointArn": RECOVERY_POINT,
    }
    with pytest.raises(RequestError) as caught:
        find_origin(clients, seen("job_completed"))
    assert caught.value.reason == "unknown_source"
    assert "invoke the restore worker" in str(caught.value)


def test_an_origin_that_is_no_table_is_refused(clients: Clients, jobs: Jobs) -> None:
    jobs.job = {"SourceResourceArn": "arn:aws:rds:eu-central-1:123456789012:db:orders"}
    with pytest.raises(RequestError, match="SourceResourceArn: "):
        find_origin(clients, replace(seen("job_completed"), source=None))
