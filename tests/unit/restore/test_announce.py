"""Announcing: the event, the notification, and who is named where either is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dynamodb_restore.aws import Clients
from dynamodb_restore.restore.announce import AnnounceError, Announcer, Channel, passes
from dynamodb_restore.restore.report import Report, Result
from tests.unit.fakes import Aws

REPORT = Report(
    Result.SYNCED, "orders", "orders-restored", finished_at=datetime(2026, 11, 22, 7, 0, tzinfo=UTC)
)


def announce(clients: Clients, topic: str | None) -> dict[Channel, str]:
    announcer = Announcer(clients, "default", topic)
    return announcer.announce(REPORT, announcer.channels(notify=True))


@pytest.fixture
def topic(aws: Aws, clients: Clients) -> str:
    return clients.sns.create_topic(Name="notifications")["TopicArn"]


def test_the_report_goes_to_the_bus_as_json_and_to_the_topic_as_text(
    aws: Aws, clients: Clients, topic: str
) -> None:
    assert announce(clients, topic) == {}
    (entry,) = aws.named("PutEvents")[0]["Entries"]
    assert {**entry, "Detail": json.loads(entry["Detail"])} == {
        "EventBusName": "default",
        "Source": "dynamodb-restore",
        "DetailType": "DynamoDB Table Restore Report",
        "Detail": REPORT.as_json(),
    }
    assert aws.named("Publish") == [
        {
            "TopicArn": topic,
            "Subject": "DynamoDB restore synced: orders -> orders-restored",
            "Message": REPORT.text(),
        }
    ]


def test_without_a_topic_nothing_is_published(aws: Aws, clients: Clients) -> None:
    assert announce(clients, None) == {}
    assert [call.operation for call in aws.calls] == ["PutEvents"]


@pytest.mark.parametrize(
    ("operation", "channel"), [("PutEvents", Channel.EVENT_BUS), ("Publish", Channel.TOPIC)]
)
def test_a_channel_that_refuses_is_named_and_keeps_no_other_from_hearing(
    aws: Aws, clients: Clients, topic: str, operation: str, channel: Channel
) -> None:
    aws.fail(operation, "AccessDeniedException", "not authorized")
    assert announce(clients, topic) == {channel: f"{operation}: AccessDeniedException: not authorized"}
    assert [call.operation for call in aws.calls if call.mutating][-2:] == ["PutEvents", "Publish"]


def test_the_notification_says_that_the_event_is_missing(aws: Aws, clients: Clients, topic: str) -> None:
    aws.fail("PutEvents", "AccessDeniedException", "not authorized")
    announce(clients, topic)
    (published,) = aws.named("Publish")
    told = " ".join(published["Message"].split())
    assert "Note: this report is missing on the event bus: PutEvents: AccessDeniedException: not" in told


def test_only_the_channels_that_are_asked_for_are_told(aws: Aws, clients: Clients, topic: str) -> None:
    announcer = Announcer(clients, "default", topic)
    announcer.announce(REPORT, [Channel.TOPIC])
    assert (len(aws.named("PutEvents")), len(aws.named("Publish"))) == (0, 1)
    announcer.announce(REPORT, announcer.channels(notify=False))
    assert (len(aws.named("PutEvents")), len(aws.named("Publish"))) == (1, 1)


def test_an_error_that_passes_is_raised_for_who_comes_back(aws: Aws, clients: Clients, topic: str) -> None:
    announcer = Announcer(clients, "default", topic)
    aws.fail("PutEvents", "ThrottlingException", "slow down")
    with pytest.raises(ClientError, match="slow down"):
        announcer.announce(REPORT, announcer.channels(notify=True), raise_passing=True)
    assert aws.named("Publish") == []


@pytest.mark.parametrize(
    ("code", "retryable"),
    [
        ("ThrottlingException", True),
        ("InternalFailure", True),
        ("NotAuthorizedForDetailTypeException", False),
    ],
)
def test_an_event_that_the_bus_refuses_inside_its_answer_is_not_told(
    aws: Aws, clients: Clients, topic: str, monkeypatch: pytest.MonkeyPatch, code: str, retryable: bool
) -> None:
    answer: dict[str, Any] = {"FailedEntryCount": 1, "Entries": [{"ErrorCode": code, "ErrorMessage": "no"}]}
    monkeypatch.setattr(aws, "answer", lambda *_: answer)
    untold = announce(clients, topic)
    assert untold == {Channel.EVENT_BUS: f"AnnounceError: PutEvents: {code}: no"}
    assert passes(AnnounceError(code, "no")) is retryable
