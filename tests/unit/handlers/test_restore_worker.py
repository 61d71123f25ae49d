"""The restore worker's entry point: messages as Lambda hands them over, and direct invocations."""

from __future__ import annotations

import json
import logging
import os
import sys
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest

from dynamodb_restore import aws as aws_module
from dynamodb_restore.aws import Clients
from dynamodb_restore.config import ConfigError, WorkerConfig
from dynamodb_restore.configuration import ConfigurationMissingError
from dynamodb_restore.handlers import restore_worker
from dynamodb_restore.handlers.restore_worker import InvocationError
from dynamodb_restore.handlers.wiring import Wiring
from dynamodb_restore.settings.setting import Table
from tests.unit.builders import (
    ALL_ON,
    RESTORE_TABLE,
    SEVEN_SETTINGS,
    configure,
    event,
    make_full_source,
    make_restore_table,
    make_target,
    portable,
    record_item,
)
from tests.unit.fakes import Aws, client_error, table_arn
from tests.unit.restore.test_origin import Jobs

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

TARGET = "orders-restored"

# The tests reset warnings, and with them the filter that the function sets for itself.
pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")


@dataclass
class Context:
    """What Lambda tells a function of its invocation."""

    function_name: str = "dynamodb-restore-restore-worker"
    memory_limit_in_mb: int = 256
    invoked_function_arn: str = (
        "arn:aws:lambda:eu-central-1:123456789012:function:dynamodb-restore-restore-worker"
    )
    aws_request_id: str = "11111111-2222-3333-4444-555555555555"

    def get_remaining_time_in_millis(self) -> int:
        return 120_000


CONTEXT = cast("LambdaContext", Context())


@dataclass(frozen=True)
class Queues:
    """The restore queue and the secondary DLQ, seen from outside."""

    clients: Clients
    restores: str
    dead_letters: str

    def deliver(self, body: str, attempt: int = 1) -> dict[str, Any]:
        """Put a message on the restore queue, receive it, and run the function on it as Lambda does."""
        sqs = self.clients.sqs
        sqs.send_message(QueueUrl=self.restores, MessageBody=body)
        (message,) = sqs.receive_message(QueueUrl=self.restores, VisibilityTimeout=720)["Messages"]
        record = {
            # SQS keeps a message's id over its deliveries; each of these is a message of its own.
            "messageId": f"message-of-{zlib.crc32(body.encode())}",
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": {"ApproximateReceiveCount": str(attempt), "SentTimestamp": "1795330800000"},
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:dynamodb-restore-restores",
            "awsRegion": "eu-central-1",
        }
        answer: dict[str, Any] = restore_worker.handler({"Records": [record]}, CONTEXT)
        for failure in answer["batchItemFailures"]:
            assert failure == {"itemIdentifier": record["messageId"]}
        return answer

    def dead_letter(self) -> tuple[str, dict[str, str]]:
        """The one message on the secondary DLQ: its body and its attributes."""
        (message,) = self.clients.sqs.receive_message(
            QueueUrl=self.dead_letters, MessageAttributeNames=["All"], MaxNumberOfMessages=10
        )["Messages"]
        attributes = message["MessageAttributes"]
        assert {attribute["DataType"] for attribute in attributes.values()} == {"String"}
        return message["Body"], {name: attributes[name]["StringValue"] for name in attributes}

    def dead_letter_count(self) -> int:
        attributes = self.clients.sqs.get_queue_attributes(
            QueueUrl=self.dead_letters, AttributeNames=["ApproximateNumberOfMessages"]
        )["Attributes"]
        return int(attributes["ApproximateNumberOfMessages"])


DONE: dict[str, Any] = {"batchItemFailures": []}


@pytest.fixture
def queues(aws: Aws, clients: Clients, monkeypatch: pytest.MonkeyPatch) -> Queues:
    """The deployed function's surroundings: queues, restore table, environment."""
    make_restore_table(clients)
    restores = clients.sqs.create_queue(QueueName="dynamodb-restore-restores")["QueueUrl"]
    dead_letters = clients.sqs.create_queue(QueueName="dynamodb-restore-restores-dlq")["QueueUrl"]
    environment = {
        "RESTORE_TABLE_NAME": RESTORE_TABLE,
        "RESTORE_QUEUE_URL": restores,
        "DEAD_LETTER_QUEUE_URL": dead_letters,
        "NOTIFICATION_TOPIC_ARN": clients.sns.create_topic(Name="notifications")["TopicArn"],
        "EVENT_BUS_NAME": "default",
        "RECORD_RETENTION_DAYS": "90",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    configure(clients, monkeypatch, settings=ALL_ON)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    monkeypatch.setattr(aws_module, "clients", lambda: clients)
    return Queues(clients, restores, dead_letters)


@pytest.fixture
def restore(queues: Queues, aws: Aws, clients: Clients) -> str:
    """A restore that was just called: its event, with a source and an ACTIVE target behind it."""
    make_full_source(aws, clients)
    make_target(aws, clients)
    now = datetime.now(UTC)
    aws.describe_as(TARGET, CreationDateTime=now)
    body = event("by_arn_cloudtrail_time_narrow_space")
    body["detail"]["eventTime"] = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    return json.dumps(body)


class Output:
    """What the function prints: log lines and metrics, each a JSON object."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def lines(self) -> list[dict[str, Any]]:
        """What was printed since the last look."""
        return [json.loads(line) for line in self._capsys.readouterr().out.splitlines()]


class CurrentStdout:
    """Whatever is the standard output at the moment of writing."""

    def write(self, text: str) -> int:
        return sys.stdout.write(text)

    def flush(self) -> None:
        sys.stdout.flush()


@pytest.fixture
def output(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Output:
    # The logger took hold of the standard output when it was made, before the test began.
    (handler,) = logging.getLogger("dynamodb-restore").handlers
    monkeypatch.setattr(handler, "stream", CurrentStdout())
    return Output(capsys)


def test_a_restore_is_synced_and_its_message_is_done_with(
    queues: Queues, aws: Aws, clients: Clients, restore: str
) -> None:
    assert queues.deliver(restore) == DONE
    for setting in SEVEN_SETTINGS:
        assert portable(setting, Table(TARGET, clients)) == portable(setting, Table("orders", clients))
    (notification,) = aws.named("Publish")
    assert notification["Subject"] == "DynamoDB restore synced: orders -> orders-restored"
    assert queues.dead_letter_count() == 0


def test_a_target_that_is_not_active_hides_the_message_and_leaves_it_on_the_queue(
    queues: Queues, aws: Aws, restore: str
) -> None:
    aws.describe_next(TARGET, {"TableStatus": "CREATING"})
    answer = queues.deliver(restore, attempt=2)
    assert len(answer["batchItemFailures"]) == 1
    (hidden,) = aws.named("ChangeMessageVisibility")
    assert (hidden["QueueUrl"], hidden["VisibilityTimeout"]) == (queues.restores, 20)
    assert aws.named("SendMessage") == [{"QueueUrl": queues.restores, "MessageBody": restore}]


def test_a_delay_that_cannot_be_set_still_leaves_the_message_on_the_queue(
    queues: Queues, aws: Aws, restore: str
) -> None:
    aws.describe_next(TARGET, {"TableStatus": "CREATING"})
    aws.fail("ChangeMessageVisibility", "InternalError", "no")
    assert len(queues.deliver(restore)["batchItemFailures"]) == 1


def test_after_the_last_attempt_the_message_is_set_aside_with_its_reason(
    queues: Queues, aws: Aws, restore: str
) -> None:
    aws.describe_as(TARGET, TableStatus="CREATING")
    assert len(queues.deliver(restore, attempt=2)["batchItemFailures"]) == 1
    assert queues.dead_letter_count() == 0
    assert queues.deliver(restore, attempt=3) == DONE
    assert queues.dead_letter() == (
        restore,
        {
            "reason": "still_waiting",
            "detail": "gave up after 3 attempts: orders-restored is CREATING",
            "attempts": "3",
            "source_table": "orders",
            "target_table": "orders-restored",
            "give_up": "1",
        },
    )
    (notification,) = aws.named("Publish")
    assert notification["Subject"] == "DynamoDB restore failed: orders -> orders-restored"


@pytest.mark.parametrize(
    ("body", "reason", "detail"),
    [
        ("{", "malformed_json", "the message is not JSON: "),
        ("{}", "missing_field", "detail is NoneType, not an object"),
        (
            json.dumps(event("other_call")),
            "unknown_event",
            "not a restore call: 'dynamodb.amazonaws.com' 'CreateTable'",
        ),
        (json.dumps(event("same_table")), "same_table", "source and target are both orders"),
    ],
)
def test_a_message_that_is_no_request_is_set_aside_at_once(
    queues: Queues, aws: Aws, body: str, reason: str, detail: str
) -> None:
    assert queues.deliver(body) == DONE
    set_aside, attributes = queues.dead_letter()
    assert set_aside == body
    assert attributes.pop("detail").startswith(detail)
    assert attributes == {"reason": reason, "attempts": "1"}
    assert aws.named("DescribeTable") == []


def test_a_refused_call_is_done_with(queues: Queues, aws: Aws) -> None:
    assert queues.deliver(json.dumps(event("refused_call"))) == DONE
    assert queues.dead_letter_count() == 0
    assert aws.named("DescribeTable") == []


def test_a_reason_longer_than_an_attribute_may_be_is_cut(queues: Queues) -> None:
    body = event("other_call")
    body["detail"]["eventName"] = "é" * 5000
    assert queues.deliver(json.dumps(body)) == DONE
    assert len(queues.dead_letter()[1]["detail"]) == 2000


def test_a_fault_of_our_own_comes_back_and_in_the_end_is_set_aside_with_its_name(
    queues: Queues, aws: Aws, restore: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise LookupError("a mistake")

    monkeypatch.setattr("dynamodb_restore.restore.worker.Worker.follow", fail)
    assert len(queues.deliver(restore, attempt=2)["batchItemFailures"]) == 1
    assert queues.dead_letter_count() == 0
    assert queues.deliver(restore, attempt=3) == DONE
    body, attributes = queues.dead_letter()
    assert body == restore
    assert (attributes["reason"], attributes["detail"]) == ("unexpected_error", "LookupError: a mistake")


def test_a_message_that_cannot_be_set_aside_stays_on_the_queue(
    queues: Queues, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEAD_LETTER_QUEUE_URL", f"{queues.dead_letters}-gone")
    assert len(queues.deliver("{")["batchItemFailures"]) == 1
    assert queues.dead_letter_count() == 0


def test_only_the_messages_of_a_batch_that_failed_come_back(queues: Queues, aws: Aws, restore: str) -> None:
    aws.describe_as(TARGET, TableStatus="CREATING")
    records = [
        {
            "messageId": name,
            "receiptHandle": f"receipt-{name}",
            "body": body,
            "attributes": {"ApproximateReceiveCount": "1"},
        }
        for name, body in (
            ("waits", restore),
            ("refused", json.dumps(event("refused_call"))),
            ("broken", "{"),
        )
    ]
    assert restore_worker.handler({"Records": records}, CONTEXT) == {
        "batchItemFailures": [{"itemIdentifier": "waits"}]
    }


def test_a_redriven_message_is_known_by_the_reason_that_it_carries(
    queues: Queues, aws: Aws, restore: str
) -> None:
    aws.fail("UpdateItem", "AccessDeniedException", "no")
    assert queues.deliver(restore) == DONE
    (dead,) = queues.clients.sqs.receive_message(QueueUrl=queues.dead_letters, MessageAttributeNames=["All"])[
        "Messages"
    ]
    aws.describe_next(TARGET, {"TableStatus": "CREATING"})
    queues.deliver(restore)
    redriven = {
        "messageId": "redriven",
        "receiptHandle": "receipt",
        "body": dead["Body"],
        "attributes": {"ApproximateReceiveCount": "1"},
        "messageAttributes": dead["MessageAttributes"],
    }
    assert restore_worker.handler({"Records": [redriven]}, CONTEXT) == DONE
    assert aws.named("PutEvents") != []


def test_an_origin_that_aws_has_not_told_is_waited_for_as_long_as_was_said(
    queues: Queues, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AWS Backup names the new table some time after its job has begun."""
    Jobs(aws, monkeypatch).job = {"Status": "RUNNING"}
    body = json.dumps(event("job_running_without_table"))
    assert len(queues.deliver(body, attempt=2)["batchItemFailures"]) == 1
    (hidden,) = aws.named("ChangeMessageVisibility")
    assert hidden["VisibilityTimeout"] == 20
    assert queues.dead_letter_count() == 0

    assert queues.deliver(body, attempt=3) == DONE
    set_aside, attributes = queues.dead_letter()
    assert (set_aside, attributes["reason"], attributes["attempts"]) == (body, "still_waiting", "3")
    assert attributes["detail"].endswith("has not named its table yet")


def test_an_origin_that_cannot_be_asked_for_now_is_asked_for_when_the_service_says(
    queues: Queues, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = client_error("DescribeRestoreJob", "ThrottlingException", "slow down")
    busy.response["ResponseMetadata"]["HTTPHeaders"]["retry-after"] = "777"
    answer = aws.answer

    def throttled(client: Any, operation: str, parameters: dict[str, Any], otherwise: Any) -> Any:
        if operation == "DescribeRestoreJob":
            raise busy
        return answer(client, operation, parameters, otherwise)

    monkeypatch.setattr(aws, "answer", throttled)
    assert len(queues.deliver(json.dumps(event("job_running_without_table")))["batchItemFailures"]) == 1
    (hidden,) = aws.named("ChangeMessageVisibility")
    assert hidden["VisibilityTimeout"] == 777


def test_an_origin_that_may_not_be_asked_for_is_told_at_once(queues: Queues, aws: Aws) -> None:
    aws.fail("DescribeRestoreJob", "AccessDeniedException", "not yours")
    assert queues.deliver(json.dumps(event("job_running_without_table"))) == DONE
    attributes = queues.dead_letter()[1]
    assert attributes == {
        "reason": "aws_error",
        "detail": "DescribeRestoreJob: AccessDeniedException: not yours",
        "attempts": "1",
    }


def test_a_message_that_carries_no_reason_does_not_take_the_lead(
    queues: Queues, aws: Aws, clients: Clients, restore: str
) -> None:
    """Lambda gives every message attributes, and those of EventBridge's are empty."""
    aws.describe_next(TARGET, {"TableStatus": "CREATING"})
    queues.deliver(restore)
    second = {
        "messageId": "the same event once more",
        "receiptHandle": "receipt",
        "body": restore,
        "attributes": {"ApproximateReceiveCount": "1"},
        "messageAttributes": {},
    }
    assert len(restore_worker.handler({"Records": [second]}, CONTEXT)["batchItemFailures"]) == 1
    assert aws.named("PutEvents") == []


def test_a_record_is_kept_for_as_many_days_as_was_said(
    queues: Queues, clients: Clients, restore: str
) -> None:
    queues.deliver(restore)
    item = record_item(clients)
    kept = datetime.fromtimestamp(int(item["expires_at"]), UTC) - datetime.fromisoformat(item["updated_at"])
    assert round(kept / timedelta(days=1), 3) == 90


def test_the_worker_counts_the_functions_time_in_seconds(queues: Queues) -> None:
    """Lambda tells it in milliseconds
    (docs.aws.amazon.com/lambda/latest/dg/python-context.html)."""
    clients = queues.clients
    worker = Wiring(WorkerConfig.load(os.environ, clients), clients, CONTEXT).worker()
    assert worker.cloner.pace.remaining_seconds() == 120


def test_messages_come_back_soon_while_an_apply_replaces_the_configuration(
    queues: Queues, restore: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not only when the queue's visibility timeout ends, which is six times as long as the function may run."""
    named = os.environ["CONFIGURATION"]
    monkeypatch.setenv("CONFIGURATION", "0f1e")
    hidden = []
    monkeypatch.setattr(
        queues.clients.sqs, "change_message_visibility", lambda **parameters: hidden.append(parameters)
    )
    with pytest.raises(ConfigurationMissingError, match="0f1e"):
        queues.deliver(restore)
    assert [(each["QueueUrl"], each["VisibilityTimeout"]) for each in hidden] == [(queues.restores, 60)]
    monkeypatch.setenv("CONFIGURATION", named)
    assert queues.deliver(restore) == DONE


def test_a_direct_invocation_says_so_too(
    queues: Queues, restore: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONFIGURATION", "0f1e")
    with pytest.raises(ConfigurationMissingError, match="start one"):
        restore_worker.handler({"source": "orders", "target": TARGET}, CONTEXT)


def test_a_report_is_logged_and_counted(queues: Queues, restore: str, output: Output) -> None:
    queues.deliver(restore)
    lines = output.lines()
    (report,) = [line for line in lines if line.get("message") == "report"]
    assert (report["report"]["result"], report["target"], report["attempt"]) == ("synced", TARGET, 1)
    (metrics,) = [line for line in lines if "_aws" in line]
    assert metrics["RestoresSynced"] == [1.0]
    assert metrics["SettingsApplied"] == [7.0]
    assert metrics["service"] == "dynamodb-restore"
    assert metrics["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "DynamoDBRestore"


def test_one_restores_names_do_not_stay_in_the_logs_of_the_next_message(
    queues: Queues, restore: str, output: Output
) -> None:
    queues.deliver(restore)
    output.lines()
    queues.deliver("{")
    (line,) = [line for line in output.lines() if line.get("message") == "given up"]
    assert "target" not in line


def statuses(report: Mapping[str, Any]) -> dict[str, str]:
    """Status by setting, of those that are switched on."""
    return {each["setting"]: each["status"] for each in report["settings"] if each["setting"] in ALL_ON}


def test_a_direct_invocation_returns_the_report(queues: Queues, aws: Aws, restore: str) -> None:
    invocation = {"source": "orders", "target": table_arn(TARGET)}
    planned = restore_worker.handler({**invocation, "dry_run": True}, CONTEXT)
    assert planned["result"] == "dry_run"
    assert statuses(planned) == dict.fromkeys(ALL_ON, "planned")
    applied = restore_worker.handler(invocation, CONTEXT)
    assert applied["result"] == "synced"
    assert statuses(applied) == dict.fromkeys(ALL_ON, "applied")
    nothing_left = restore_worker.handler({**invocation, "dry_run": True}, CONTEXT)
    assert statuses(nothing_left) == dict.fromkeys(ALL_ON, "unchanged")
    assert all(setting["done"] == [] for setting in nothing_left["settings"])


def test_a_direct_invocation_applies_what_is_held_where_it_says_so(
    queues: Queues, restore: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold = [{"target": "orders-*", "hold": ["ttl", "tags"]}]
    configure(queues.clients, monkeypatch, settings=ALL_ON, overrides=hold)
    invocation = {"source": "orders", "target": TARGET}
    held = restore_worker.handler(invocation, CONTEXT)
    assert held["held"] == ["tags", "ttl"]
    assert held["release"] == 'send the same invocation with "release":["tags","ttl"]'
    released = restore_worker.handler({**invocation, "release": ["ttl"]}, CONTEXT)
    assert (statuses(released)["ttl"], released["held"]) == ("applied", ["tags"])


@pytest.mark.parametrize(
    ("invocation", "message"),
    [
        (
            [],
            "send an object with the fields source, target, dry_run, requested_by, release; got []",
        ),
        ({}, 'send "source": the name or ARN of the table '),
        ({"source": "orders"}, 'send "target": the name or ARN of the table '),
        ({"source": 5, "target": "orders"}, '"source": send a table\'s name or ARN'),
        (
            {"source": "orders", "target": "x"},
            "\"target\": 'x' is neither a table name nor the ARN of a table",
        ),
        (
            {"source": "orders", "target": TARGET, "dryrun": True},
            'a direct invocation takes no field "dryrun": send source, target, dry_run, requested_by, release',
        ),
        ({"source": "orders", "target": TARGET, "dry_run": "yes"}, '"dry_run": send true or false'),
        ({"source": "orders", "target": TARGET, "dry_run": 1}, '"dry_run": send true or false'),
        (
            {"source": "orders", "target": TARGET, "requested_by": ["ana"]},
            '"requested_by": send a text of at most 256 characters',
        ),
        (
            {"source": "orders", "target": TARGET, "requested_by": "a" * 257},
            '"requested_by": send a text of at most 256 characters',
        ),
        (
            {"source": "orders", "target": TARGET, "release": "ttl"},
            '"release": send a list of names of settings',
        ),
        (
            {"source": "orders", "target": TARGET, "release": [7]},
            '"release": send a list of names of settings',
        ),
        (
            {"source": "orders", "target": TARGET, "release": ["ttl", "tll"]},
            '"release": no such setting: tll; there are point_in_time_recovery, ',
        ),
        ({"source": "orders", "target": table_arn("orders")}, "source and target are both orders"),
        ({"source": "orders", "target": "orders-copy"}, "table orders-copy does not exist"),
        (
            {"source": "arn:aws:dynamodb:us-east-1:123456789012:table/orders", "target": TARGET},
            "orders is in us-east-1, account 123456789012; this function works in eu-central-1, account 123456789012",
        ),
        (
            {"source": "arn:aws:dynamodb:eu-central-1:210987654321:table/orders", "target": TARGET},
            "orders is in eu-central-1, account 210987654321; this function works in eu-central-1, account 123456789012",
        ),
    ],
)
def test_a_direct_invocation_that_cannot_be_carried_out_says_why(
    queues: Queues, aws: Aws, restore: str, invocation: Any, message: str
) -> None:
    aws.calls.clear()
    with pytest.raises(InvocationError) as caught:
        restore_worker.handler(invocation, CONTEXT)
    assert str(caught.value).startswith(message)
    assert aws.writes() == []


def test_an_incomplete_environment_is_told(queues: Queues, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RESTORE_QUEUE_URL")
    with pytest.raises(ConfigError, match="RESTORE_QUEUE_URL"):
        restore_worker.handler({"Records": []}, CONTEXT)
