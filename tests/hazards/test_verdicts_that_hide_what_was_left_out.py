"""A verdict of one word hides what was left out, and a tag of the source hides what it switched off.

`synced` was said of a table whose Deny had been left out of its policy. And whoever may tag the source table, which is
anybody with dynamodb:TagResource, could have the restored one made without backups and without its policy, by a tag that no
report named.
"""

from __future__ import annotations

import json

import pytest

from dynamodb_restore.aws import Clients
from dynamodb_restore.restore.delivery import Finished
from dynamodb_restore.restore.record import RestoreKey
from dynamodb_restore.restore.worker import Worker
from tests.hazards.reporting import TARGET, by_setting, make_restore, statuses, told
from tests.unit.builders import ALL_ON, SEVEN, delivery, make_worker, record_item, request
from tests.unit.fakes import Aws, Clock, table_arn

CONTROL_TAG = "choice"
PROTECTS = ["point_in_time_recovery", "deletion_protection", "resource_policy"]


@pytest.fixture
def worker(aws: Aws, clients: Clients, clock: Clock) -> Worker:
    make_restore(aws, clients, clock)
    topic = clients.sns.create_topic(Name="notifications")["TopicArn"]
    return make_worker(
        clients, clock, topic_arn=topic, control_tag=CONTROL_TAG, control_tag_excludes=PROTECTS
    )


def tag_source(clients: Clients, choice: str) -> None:
    clients.dynamodb.tag_resource(
        ResourceArn=table_arn("orders"), Tags=[{"Key": CONTROL_TAG, "Value": choice}]
    )


def tag_target(clients: Clients) -> None:
    """The target has another value of a tag, and keeps it."""
    clients.dynamodb.tag_resource(
        ResourceArn=table_arn(TARGET),
        Tags=[{"Key": "team", "Value": "search"}, {"Key": CONTROL_TAG, "Value": "x"}],
    )


def test_the_verdict_counts_what_was_left_out(worker: Worker, aws: Aws, clients: Clients) -> None:
    """In the event, in the record, and in what a person reads first."""
    tag_target(clients)

    assert isinstance(worker.follow(delivery(request(), 1)), Finished)

    (report,) = told(aws)
    summary = "synced; 1 setting left out in part: tags"
    assert (report["result"], report["summary"], report["left_out"]) == ("synced", summary, ["tags"])
    assert record_item(clients)["report"]["summary"] == summary
    (notification,) = aws.named("Publish")
    assert notification["Subject"] == "DynamoDB restore synced, 1 setting left out: orders -> orders-restored"
    assert notification["Message"].startswith(f"orders -> orders-restored: {summary}\n")


def test_a_verdict_without_anything_left_out_says_so(worker: Worker, aws: Aws) -> None:
    worker.follow(delivery(request(), 1))

    (report,) = told(aws)
    assert report["summary"] == "synced; every setting that is switched on is as on the source"
    assert report["left_out"] == []


def test_a_failure_does_not_hide_what_was_left_out(worker: Worker, aws: Aws, clients: Clients) -> None:
    tag_target(clients)
    aws.fail("UpdateTimeToLive", "AccessDeniedException", "no")

    worker.follow(delivery(request(), 1))

    (report,) = told(aws)
    assert report["summary"] == "incomplete; 1 setting failed: ttl; 1 setting left out in part: tags"


def test_what_protects_stays_on_whatever_the_tag_says(worker: Worker, aws: Aws, clients: Clients) -> None:
    tag_source(clients, "-point_in_time_recovery -ttl")

    worker.follow(delivery(request(), 1))

    (report,) = told(aws)
    settings = by_setting(report)
    assert statuses(report) == {**dict.fromkeys(SEVEN, "applied"), "ttl": "skipped"}
    assert report["notes"] == [
        "the source's tag choice does not decide about point_in_time_recovery (control_tag_excludes)"
    ]
    assert settings["ttl"]["switch"] == {"on": False, "by": "tag"}
    assert settings["ttl"]["reason"] == "switched off by the source's tag"
    assert settings["tags"]["switch"] == {"on": True, "by": "variable"}
    assert report["summary"] == "synced; 1 setting left out: ttl"


def test_opting_out_leaves_the_table_protected(worker: Worker, aws: Aws, clients: Clients) -> None:
    tag_source(clients, "off")

    worker.follow(delivery(request(), 1))

    (report,) = told(aws)
    assert statuses(report) == {**dict.fromkeys(SEVEN, "skipped"), "point_in_time_recovery": "applied"}
    assert report["notes"] == [
        (
            "the source's tag choice is 'off': only what it does not decide is cloned, point_in_time_recovery"
            " (control_tag_excludes)"
        )
    ]
    assert set(report["left_out"]) == set(SEVEN) - {"point_in_time_recovery"}


def test_opting_out_of_what_is_not_protected_leaves_the_table_alone(
    worker: Worker, aws: Aws, clients: Clients, clock: Clock
) -> None:
    """Where the deployment protects nothing, nothing is left of a restore that opts out."""
    tag_source(clients, "off")
    switches = {**ALL_ON, "point_in_time_recovery": False}
    worker = make_worker(
        clients, clock, switches=switches, control_tag=CONTROL_TAG, control_tag_excludes=PROTECTS
    )

    worker.follow(delivery(request(), 1))

    (report,) = told(aws)
    assert (report["result"], report["reason"]) == ("skipped", "left alone: the source's tag choice is 'off'")
    assert report["summary"] == "skipped; no setting was applied"


def test_who_switched_a_setting_is_in_the_text(worker: Worker, aws: Aws, clients: Clients) -> None:
    tag_source(clients, "-ttl")

    worker.follow(delivery(request(), 1))

    (notification,) = aws.named("Publish")
    assert "SKIPPED    ttl\n  - switched off by the source's tag\n" in notification["Message"]


def test_the_report_on_record_tells_the_same(worker: Worker, aws: Aws, clients: Clients) -> None:
    tag_source(clients, "-ttl")

    worker.follow(delivery(request(), 1))

    (report,) = told(aws)
    record = worker.records.get(RestoreKey("orders-restored", report["restore_id"]))
    assert record is not None
    assert json.loads(json.dumps([outcome.as_json() for outcome in record.outcomes])) == report["settings"]
