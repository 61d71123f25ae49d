"""Restores of every kind, each followed by whatever tells of it; and those that nothing tells of."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC
from typing import Any

import pytest

from tests.local.deployment import Stack
from tests.local.support import (
    PATIENCE_SECONDS,
    Deployment,
    Mailbox,
    attribute,
    cloned,
    json_body,
    outcome_of,
    statuses,
)
from tests.local_aws import LocalAws
from tests.local_aws.compare import SETTINGS, Settings, differing, nothing_set, read_settings
from tests.local_aws.source_table import SourceTable, delete_tables

ELSEWHERE = "eu-west-1"
LONG_AGO = 1_200.0
"""Seconds. What the reconciler finds of a younger restore waits on the queue for the event that may still come."""

NEARLY_OVERDUE = 880.0


@pytest.fixture(scope="module")
def wanted(aws: LocalAws, source: SourceTable) -> Settings:
    return read_settings(aws.clients(), source.name)


@pytest.fixture(scope="module")
def backup(aws: LocalAws, source: SourceTable) -> str:
    return aws.back_up(source.name)


def reports_on(reports: Mailbox, target: str) -> list[dict[str, Any]]:
    bodies = (json_body(message) for message in reports.messages())
    return [body["detail"] for body in bodies if body["detail"]["target"] == target]


# --- backups ---


def test_a_restore_from_a_backup_is_cloned_from_the_table_that_was_backed_up(
    aws: LocalAws,
    deployed: Deployment,
    source: SourceTable,
    wanted: Settings,
    backup: str,
    new_target: Callable[[], str],
) -> None:
    target = new_target()
    aws.restore_from_backup(backup, target, polls=1)
    record = deployed.wait_for_end(target)

    assert read_settings(aws.clients(), target) == wanted
    assert statuses(record["report"]) == cloned(source)
    assert record["report"]["source"] == source.name
    details = aws.clients().dynamodb.describe_backup(BackupArn=backup)["BackupDescription"]["BackupDetails"]
    made_at = details["BackupCreationDateTime"].astimezone(UTC)
    assert record["report"]["restore_point"] == made_at.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_restore_by_aws_backup_is_seen_by_the_call_that_the_service_makes(
    aws: LocalAws,
    deployed: Deployment,
    source: SourceTable,
    wanted: Settings,
    backup: str,
    new_target: Callable[[], str],
) -> None:
    target = new_target()
    aws.restore_by_aws_backup(backup, target, polls=1)
    record = deployed.wait_for_end(target)

    assert read_settings(aws.clients(), target) == wanted
    assert statuses(record["report"]) == cloned(source)
    assert record["report"]["requested_by"].endswith("assumed-role/AWSBackupDefaultServiceRole/AWSBackup")


@pytest.mark.parametrize("status", ["RUNNING", "COMPLETED"])
def test_a_restore_by_aws_backup_is_seen_by_its_job_where_there_is_no_trail(
    aws: LocalAws,
    deployed: Deployment,
    source: SourceTable,
    wanted: Settings,
    backup: str,
    new_target: Callable[[], str],
    status: str,
) -> None:
    """A job that is running does not name its table at once; one that is done does, in the event itself."""
    target = new_target()
    restore = aws.restore_by_aws_backup(
        backup, target, polls=1 if status == "RUNNING" else 0, announced=False
    )
    assert restore.job
    restore.job.untold = 1 if status == "RUNNING" else 0
    aws.announce_job(restore.job, status)
    record = deployed.wait_for_end(target)

    assert read_settings(aws.clients(), target) == wanted
    assert statuses(record["report"]) == cloned(source)
    assert record["request"]["backup_arn"] == restore.job.recovery_point_arn


def test_a_restore_test_is_a_drill_and_its_table_goes_with_deletetable_alone(
    aws: LocalAws,
    deployed: Deployment,
    source: SourceTable,
    backup: str,
    new_target: Callable[..., str],
) -> None:
    """AWS Backup deletes what its restore testing has made with a role that may do no more
    (docs.aws.amazon.com/aws-backup/latest/devguide/restore-testing.html)."""
    target = new_target("restore-test", source="awsbackup")
    restore = aws.restore_by_aws_backup(backup, target, announced=False, tested=True)
    assert restore.job
    aws.announce_job(restore.job, "COMPLETED")
    record = deployed.wait_for_end(target)

    assert record["state"] == "synced"
    outside = {name for name, status in statuses(record["report"]).items() if status == "skipped"}
    assert outside == set(SETTINGS) - {"tags", "table_class", "on_demand_throughput", "stream", "indexes"}
    assert outcome_of(record["report"], "deletion_protection")["reason"] == "switched off for drills"
    made, nothing = read_settings(aws.clients(), target), nothing_set()
    forgotten = outside & nothing.keys()
    assert {name: made[name] for name in forgotten} == {name: nothing[name] for name in forgotten}

    deployed.wait_until_idle()
    aws.clients().dynamodb.delete_table(TableName=target)
    with pytest.raises(aws.clients().dynamodb.exceptions.ResourceNotFoundException):
        aws.clients().dynamodb.describe_table(TableName=target)


def test_a_job_that_failed_restores_nothing(
    aws: LocalAws, deployed: Deployment, backup: str, new_target: Callable[[], str]
) -> None:
    target = new_target()
    restore = aws.restore_by_aws_backup(backup, target, announced=False, polls=None)
    assert restore.job
    since = aws.calls.mark()
    aws.announce_job(restore.job, "RUNNING")
    restore.job.status = "FAILED"
    aws.wait_until(
        lambda: deployed.calls(since, operation="DescribeRestoreJob"),
        timeout=PATIENCE_SECONDS,
        what="a look at the job",
    )
    deployed.wait_until_idle()

    # Where it had been followed by then, that is told.
    record = deployed.record(target)
    assert record is None or record["state"] == "failed"
    assert record is None or "is FAILED" in record["report"]["reason"]
    assert read_settings(aws.observer(), target) == nothing_set()


def test_three_events_of_one_restore_end_in_one_report(
    aws: LocalAws,
    deployed: Deployment,
    source: SourceTable,
    wanted: Settings,
    backup: str,
    reports: Mailbox,
    new_target: Callable[[], str],
) -> None:
    """CloudTrail's record of the call and the job's first change of state at once, its last one afterwards."""
    target = new_target()
    restore = aws.restore_by_aws_backup(backup, target, polls=2)
    assert restore.job
    aws.announce_job(restore.job, "RUNNING")
    deployed.wait_for_end(target)
    since = aws.calls.mark()
    aws.announce_job(restore.job, "COMPLETED")
    aws.wait_until(lambda: deployed.calls(since), timeout=PATIENCE_SECONDS, what="the last event")
    record = deployed.wait_for_end(target)

    reports.wait_for(lambda message: f'"{target}"' in message["Body"], "the report on the event bus")
    assert [report["result"] for report in reports_on(reports, target)] == ["synced"]
    assert deployed.calls(since, mutating=True) == []
    assert statuses(record["report"]) == cloned(source)
    assert read_settings(aws.clients(), target) == wanted
    dead = [message for message in deployed.dead_letters.messages() if target in message["Body"]]
    assert dead == []


def test_a_restore_of_a_table_that_is_deleted_already_is_reported_plainly(
    aws: LocalAws, deployed: Deployment, reports: Mailbox, new_target: Callable[..., str]
) -> None:
    make_plain_table(aws, "gone", aws.region)
    kept = aws.back_up("gone")
    delete_tables(aws, ["gone"])
    target = new_target(source="gone")
    aws.restore_from_backup(kept, target, polls=1)

    letter = deployed.dead_letters.wait_for(
        lambda message: attribute(message, "target_table") == target, "the restore in the secondary DLQ"
    )
    record = deployed.wait_for_end(target)
    assert attribute(letter, "reason") == "source_gone"
    assert "gone was deleted before its settings could be read" in record["report"]["reason"]
    assert (record["state"], record["report"]["settings"]) == ("failed", [])
    assert read_settings(aws.clients(), target) == nothing_set()


# --- regions ---


def make_plain_table(aws: LocalAws, name: str, region: str) -> None:
    """A table with tags, time to live, a stream, a Kinesis destination and an alarm, all in its region."""
    clients = aws.clients(region=region)
    arns = f"{region}:{aws.account_id}"
    definition: dict[str, Any] = {
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
        "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
        "Tags": [{"Key": "team", "Value": "shop"}],
    }
    clients.dynamodb.create_table(TableName=name, **definition)
    clients.dynamodb.update_continuous_backups(
        TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    clients.dynamodb.update_time_to_live(
        TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "until"}
    )
    stream = {"TableName": name, "StreamArn": f"arn:aws:kinesis:{arns}:stream/shop"}
    clients.client("dynamodb").enable_kinesis_streaming_destination(**stream)
    clients.client("dynamodb").describe_kinesis_streaming_destination(TableName=name)
    clients.cloudwatch.put_metric_alarm(
        AlarmName=f"{name} throttled",
        Namespace="AWS/DynamoDB",
        MetricName="ReadThrottleEvents",
        Dimensions=[{"Name": "TableName", "Value": name}],
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[f"arn:aws:sns:{arns}:on-call"],
    )


@pytest.fixture(scope="module")
def abroad(aws: LocalAws) -> Iterator[str]:
    make_plain_table(aws, "abroad", ELSEWHERE)
    yield "abroad"
    aws.clients(region=ELSEWHERE).dynamodb.delete_table(TableName="abroad")


def test_a_restore_from_another_region_gets_what_is_not_bound_to_it(
    aws: LocalAws, deployed: Deployment, abroad: str, new_target: Callable[..., str]
) -> None:
    target = new_target(source=abroad)
    since = aws.calls.mark()
    aws.restore(abroad, target, source_region=ELSEWHERE, polls=1)
    record = deployed.wait_for_end(target)

    wanted = read_settings(aws.clients(region=ELSEWHERE), abroad)
    found = read_settings(aws.clients(), target)
    assert set(differing(found, wanted)) == {"kinesis_destination", "cloudwatch_alarms"}
    assert (found["kinesis_destination"], found["cloudwatch_alarms"]) == ([], [])
    report = record["report"]
    applied = {setting for setting, status in statuses(report).items() if status == "applied"}
    assert applied == {"point_in_time_recovery", "tags", "stream", "ttl"}
    for setting in ("kinesis_destination", "cloudwatch_alarms"):
        outcome = outcome_of(report, setting)
        assert outcome["status"] == "skipped"
        assert f":{ELSEWHERE}:" in outcome["reason"]
        assert "cannot be used from another region" in outcome["reason"]
    # Nothing is written where the source is.
    assert deployed.calls(since, region=ELSEWHERE, mutating=True) == []


def test_a_restore_from_a_region_that_nobody_named_is_set_aside_with_the_remedy(
    aws: LocalAws, deployed: Deployment, new_target: Callable[..., str]
) -> None:
    make_plain_table(aws, "unnamed", "eu-west-3")
    target = new_target(source="unnamed")
    aws.restore("unnamed", target, source_region="eu-west-3", polls=1)
    letter = deployed.dead_letters.wait_for(
        lambda message: attribute(message, "target_table") == target, "the restore in the secondary DLQ"
    )
    assert attribute(letter, "reason") == "cross_region"
    assert "source_regions" in attribute(letter, "detail")
    deployed.wait_until_idle()
    aws.clients(region="eu-west-3").dynamodb.delete_table(TableName="unnamed")


# --- restores that no event tells of ---


@pytest.fixture
def reconcile(aws: LocalAws, deployed: Deployment) -> Callable[[], dict[str, Any]]:
    """Lets the reconciler look, as its schedule would."""
    name = deployed.outputs["reconciler"]["function"]["name"]

    def run() -> dict[str, Any]:
        answer = aws.clients().lambda_.invoke(FunctionName=name, Payload=b"{}")
        result: dict[str, Any] = json.loads(answer["Payload"].read())
        assert answer.get("FunctionError") is None, result
        return result

    return run


def test_a_restore_whose_event_never_came_is_found_and_synced(
    aws: LocalAws,
    deployed: Deployment,
    source: SourceTable,
    wanted: Settings,
    new_target: Callable[..., str],
    reconcile: Callable[[], dict[str, Any]],
) -> None:
    # A source that was made after the call would be another table.
    aws.rules.restores.made_ago(aws.region, source.name, 2 * LONG_AGO)
    lost, young, announced = (new_target() for _ in range(3))
    aws.restore(source.name, lost, polls=None, announced=False, begun_ago=LONG_AGO)
    aws.restore(source.name, young, polls=None, announced=False, begun_ago=NEARLY_OVERDUE)
    aws.restore(source.name, announced, polls=None, begun_ago=LONG_AGO)
    # A record that only has a lease says nothing of the restore yet, and the reconciler takes no notice of it.
    aws.wait_until(
        lambda: "request" in (deployed.record(announced) or {}) or None,
        timeout=PATIENCE_SECONDS,
        what="the restore that was announced",
    )
    assert sorted(reconcile()["found"]) == sorted([lost, young])

    aws.wait_until(lambda: deployed.record(lost), timeout=PATIENCE_SECONDS, what="the restore that was found")
    assert reconcile()["found"] == []
    for target in (lost, announced, young):
        aws.rules.restores.release(target)
    (record, _, after_its_grace) = deployed.wait_for_ends([lost, announced, young])

    for found, of in ((lost, record), (young, after_its_grace)):
        assert read_settings(aws.clients(), found) == wanted
        assert statuses(of["report"]) == cloned(source)
    assert "as the reconciler saw it" in after_its_grace["evidence"]


def test_the_event_of_a_restore_that_was_found_before_it_came_changes_nothing(
    aws: LocalAws,
    deployed: Deployment,
    source: SourceTable,
    reports: Mailbox,
    new_target: Callable[..., str],
    reconcile: Callable[[], dict[str, Any]],
) -> None:
    aws.rules.restores.made_ago(aws.region, source.name, 2 * LONG_AGO)
    target = new_target()
    restore = aws.restore(source.name, target, polls=None, announced=False, begun_ago=LONG_AGO)
    assert reconcile()["found"] == [target]
    aws.wait_until(
        lambda: deployed.record(target), timeout=PATIENCE_SECONDS, what="the restore that was found"
    )
    aws.rules.restores.release(target)
    deployed.wait_for_end(target)
    # What names the source is told after the end.
    deployed.wait_until_idle()

    since = aws.calls.mark()
    aws.announce(restore.detail)
    aws.wait_until(lambda: deployed.calls(since), timeout=PATIENCE_SECONDS, what="the late event")
    deployed.wait_until_idle()
    assert deployed.calls(since, mutating=True) == []
    reports.wait_for(lambda message: f'"{target}"' in message["Body"], "the report on the event bus")
    assert len(reports_on(reports, target)) == 1


# --- Terraform's own ---


def test_a_table_that_terraform_restores_is_left_to_it_where_that_is_asked_for(
    aws: LocalAws, stack: Stack, source: SourceTable
) -> None:
    target = "managed-bare"
    restore = aws.restore(source.name, target, announced=False)
    agent = (
        "APN/1.0 HashiCorp/1.0 Terraform/1.11.4 (+https://www.terraform.io) terraform-provider-aws/5.100.0"
    )
    aws.announce({**restore.detail, "userAgent": agent})
    record = stack.none.wait_for_end(target)

    assert record["state"] == "skipped"
    assert "Terraform" in record["report"]["reason"]
    assert record["report"]["settings"] == []
