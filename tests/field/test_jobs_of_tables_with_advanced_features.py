"""AWS Backup's job events of tables with its advanced features say `"resourceType": "DynamoDB.FullyManaged"`.

So a production event shows, with `sourceResourceArn`, which AWS Backup's documents do not have. The rule and the worker took
`DynamoDB` alone: such a restore was followed only where CloudTrail happened to tell of its call.
"""

from __future__ import annotations

import json

import pytest

from dynamodb_restore.instants import iso
from dynamodb_restore.restore.request import NothingToFollow, Sighting
from dynamodb_restore.restore.request_events import parse_event
from tests.aws.names import table_arn
from tests.faults.estate import RESTORE_QUEUE, TARGET_MADE_AT
from tests.faults.functions import Functions
from tests.field.restores import JOB, RECOVERY_POINT, job, restored_by_job, told, unseen
from tests.hazards.restore_runs import dead_letters, record, target
from tests.unit.builders import event

# The tests reset warnings, and with them the filter that the functions set for themselves.
pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")


@pytest.mark.parametrize(
    "name",
    [
        "job_fully_managed",
        "job_fully_managed_with_the_least_fields",
        "job_of_another_type_that_made_a_table",
        "job_completed",
    ],
)
def test_its_restore_is_followed(functions: Functions, name: str) -> None:
    world = restored_by_job(name)
    assert told(functions, world)["result"] == "synced"
    assert target(world).recovery_days == 7
    assert record(world)["evidence"]["S"].startswith("AWS Backup's restore job")


@pytest.mark.parametrize("kind", ["EBS", "DynamoDBish", "EFS.FullyManaged", None])
def test_a_job_that_makes_something_else_is_not(kind: str | None) -> None:
    body = event("job_of_a_file_system")
    body["detail"]["resourceType"] = kind
    with pytest.raises(NothingToFollow, match="makes no DynamoDB table"):
        parse_event(body)


def test_its_source_is_known_before_aws_backup_is_asked() -> None:
    seen = parse_event(event("job_fully_managed"))
    assert isinstance(seen, Sighting)
    assert seen.source is not None
    assert seen.source.name == "orders"


def test_a_source_that_the_event_alone_names_is_no_evidence(functions: Functions) -> None:
    """Whoever can write an event of a real job could name any table as its source, and have its settings cloned."""
    world = restored_by_job()
    world.account.backups.jobs["1"] = {
        key: value for key, value in job().items() if key != "SourceResourceArn"
    }
    world.account.queues.queues[RESTORE_QUEUE].messages.clear()
    forged = event("job_fully_managed")
    forged["detail"] |= {"restoreJobId": "1", "sourceResourceArn": table_arn("orders-archive")}
    world.account.queues.put(RESTORE_QUEUE, json.dumps(forged))
    report = told(functions, world)
    assert report["result"] == "failed"
    (letter,) = dead_letters(world)
    assert "CloudTrail does not show the call" in letter["detail"]
    assert target(world).tags == {}


def test_nor_is_a_recovery_point_that_cloudtrail_shows_in_a_call_into_that_name(functions: Functions) -> None:
    world = restored_by_job()
    world.account.backups.jobs[JOB] = {
        key: value for key, value in job().items() if key != "SourceResourceArn"
    }
    call = event("aws_backup_without_answer_by_service")["detail"]
    call["requestParameters"]["backupArn"] = RECOVERY_POINT
    world.account.trail.note({**call, "eventTime": iso(TARGET_MADE_AT)})
    (message,) = world.account.queues.queues[RESTORE_QUEUE].messages.values()
    forged = json.loads(message.body)
    forged["detail"]["sourceResourceArn"] = table_arn("orders-archive")
    message.body = json.dumps(forged)
    assert told(functions, world)["result"] == "failed"
    assert target(world).tags == {}


def test_an_event_of_the_service_that_names_no_backup_is_nobodys_business() -> None:
    body = event("aws_backup_as_a_service_event")
    del body["detail"]["serviceEventDetails"]["backupArn"]
    with pytest.raises(NothingToFollow, match="names no backup"):
        parse_event(body)


def test_the_call_as_an_event_of_the_service_is_followed(functions: Functions) -> None:
    """RestoreTableFromAwsBackup is no operation of the public API; CloudTrail may record it so."""
    world = unseen()
    body = event("aws_backup_as_a_service_event")
    world.account.queues.put(RESTORE_QUEUE, json.dumps(body))
    assert told(functions, world)["result"] == "synced"
    assert target(world).recovery_days == 7
