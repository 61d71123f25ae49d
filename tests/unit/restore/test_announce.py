"""Announcing: the event, the notification, and what is raised where either is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dynamodb_restore.aws import Clients
from dynamodb_restore.restore.announce import AnnounceError, Announcer
from dynamodb_restore.restore.report import Report, Result
from tests.unit.fakes import Aws

REPORT = Report(
    Result.SYNCED, "orders", "orders-restored", finished_at=datetime(2026, 11, 22, 7, 0, tzinfo=UTC)
)


@pytest.fixture
def topic(aws: Aws, clients: Clients) -> str:
    return clients.sns.create_topic(Name="notifications")["TopicArn"]


def test_the_report_goes_to_the_bus_as_json_and_to_the_topic_as_text(
    aws: Aws, clients: Clients, topic: str
) -> None:
    Announcer(clients, "default", topic).announce(REPORT)
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
    Announcer(clients, "default", None).announce(REPORT)
    assert [call.operation for call in aws.calls] == ["PutEvents"]


@pytest.mark.parametrize("operation", ["PutEvents", "Publish"])
def test_a_refused_call_is_raised(aws: Aws, clients: Clients, topic: str, operation: str) -> None:
    aws.fail(operation, "AccessDeniedException", "not authorized")
    with pytest.raises(ClientError, match="not authorized"):
        Announcer(clients, "default", topic).announce(REPORT)


@pytest.mark.parametrize(
    ("code", "retryable"),
    [
        ("ThrottlingException", True),
        ("InternalFailure", True),
        ("NotAuthorizedForDetailTypeException", False),
    ],
)
def test_an_event_that_the_bus_refuses_inside_its_answer_is_raised(
    aws: Aws, clients: Clients, topic: str, monkeypatch: pytest.MonkeyPatch, code: str, retryable: bool
) -> None:
    answer: dict[str, Any] = {"FailedEntryCount": 1, "Entries": [{"ErrorCode": code, "ErrorMessage": "no"}]}
    monkeypatch.setattr(aws, "answer", lambda *_: answer)
    with pytest.raises(AnnounceError) as caught:
        Announcer(clients, "default", topic).announce(REPORT)
    assert str(caught.value) == f"PutEvents: {code}: no"
    assert caught.value.retryable is retryable
