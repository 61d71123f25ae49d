"""What the local tests ask again and again: how a restore ended, and what arrived where."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from tests.local_aws import Call, LocalAws
from tests.local_aws.compare import SETTINGS
from tests.local_aws.source_table import SourceTable

FINAL_STATES = ("synced", "incomplete", "failed", "skipped")
# Far more than a restore takes here: a busy machine may take a hundred times as long, and what holds is seen at once.
PATIENCE_SECONDS = 1200.0


@dataclass
class Mailbox:
    """A queue that a test reads; what was read is kept, for another test may ask for it."""

    aws: LocalAws
    url: str
    _seen: list[dict[str, Any]] = field(default_factory=list)

    def messages(self) -> list[dict[str, Any]]:
        clients = self.aws.clients()
        while True:
            answer: dict[str, Any] = clients.client("sqs").receive_message(
                QueueUrl=self.url,
                MaxNumberOfMessages=10,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["All"],
            )
            batch = answer.get("Messages", [])
            for message in batch:
                clients.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
            self._seen += batch
            if not batch:
                return list(self._seen)

    def wait_for(self, wanted: Callable[[dict[str, Any]], bool], what: str) -> dict[str, Any]:
        def first() -> dict[str, Any] | None:
            return next((message for message in self.messages() if wanted(message)), None)

        return self.aws.wait_until(first, timeout=PATIENCE_SECONDS, what=what)


@dataclass
class Deployment:
    """One deployment of the root module on the local AWS, by its outputs."""

    aws: LocalAws
    outputs: dict[str, Any]

    def __post_init__(self) -> None:
        self.function: str = self.outputs["restore_worker"]["function"]["name"]
        self.worker = f"function/{self.function}"
        self.queue_url: str = self.outputs["restore_events"]["queue"]["url"]
        self.restore_table: str = self.outputs["restore_table"]["name"]
        self.topic_arn: str = self.outputs["notifications"]["topic_arn"] or ""
        self.dead_letters = Mailbox(self.aws, self.outputs["restore_events"]["dead_letter_queue"]["url"])

    def record(self, target: str) -> dict[str, Any] | None:
        """The restore record of a target, as plain values."""
        answer = self.aws.clients().dynamodb.query(
            TableName=self.restore_table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": f"target#{target}"}},
            ConsistentRead=True,
        )
        assert len(answer["Items"]) <= 1, f"more than one record of {target}"
        deserializer = TypeDeserializer()
        return next(
            (
                {key: deserializer.deserialize(value) for key, value in item.items()}
                for item in answer["Items"]
            ),
            None,
        )

    def wait_for_end(self, target: str) -> dict[str, Any]:
        """The restore record, once it says how the restore ended and its message is gone."""

        (record,) = self.wait_for_ends([target])
        return record

    def wait_for_ends(
        self, targets: Sequence[str], *, timeout: float = PATIENCE_SECONDS, every: float = 0.05
    ) -> list[dict[str, Any]]:
        """As `wait_for_end`, of several restores; `every` as in `CallLog.wait_until`."""

        def ended(target: str) -> bool:
            record = self.record(target)
            return record is not None and record["state"] in FINAL_STATES

        for target in targets:
            self.aws.wait_until(
                partial(ended, target),
                timeout=timeout,
                what=f"the end of the restore to {target}",
                every=every,
            )
        # A message that came round again may still be at work on a record that has ended before.
        self.wait_until_idle()
        return [record for target in targets if (record := self.record(target))]

    def wait_until_idle(self) -> None:
        """Until the restore queue is empty and no message is being worked on."""
        counts = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")

        def idle() -> bool:
            answer = (
                self.aws.clients()
                .client("sqs")
                .get_queue_attributes(QueueUrl=self.queue_url, AttributeNames=list(counts))
            )
            return all(answer["Attributes"][count] == "0" for count in counts)

        self.aws.wait_until(idle, timeout=PATIENCE_SECONDS, what=f"an empty {self.queue_url}")

    def calls(self, since: int = 0, **matching: Any) -> list[Call]:
        """The AWS calls that the worker made."""
        return self.aws.calls.find(since=since, caller=self.worker, **matching)

    def invoke(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Invoke the worker directly; returns what it returns."""
        answer = self.aws.clients().lambda_.invoke(
            FunctionName=self.function, Payload=json.dumps(payload).encode()
        )
        result: dict[str, Any] = json.loads(answer["Payload"].read())
        assert answer.get("FunctionError") is None, result
        return result

    def send(self, body: str) -> None:
        """Put a message on the restore queue, as if EventBridge had."""
        self.aws.clients().sqs.send_message(QueueUrl=self.queue_url, MessageBody=body)

    def send_round(self, letter: dict[str, Any]) -> None:
        """Do what a redrive does with a message that was set aside: it keeps its attributes."""
        attributes: Any = {
            name: {"DataType": "String", "StringValue": value["StringValue"]}
            for name, value in letter["MessageAttributes"].items()
        }
        self.aws.clients().sqs.send_message(
            QueueUrl=self.queue_url, MessageBody=letter["Body"], MessageAttributes=attributes
        )


def cloned(source: SourceTable, **otherwise: str) -> dict[str, str]:
    """How each setting of a fresh restore of a table ends, but for those that are told otherwise."""
    applied = dict.fromkeys(source.settings, "applied")
    return {**dict.fromkeys(SETTINGS, "unchanged"), **applied, **otherwise}


def outcome_of(report: dict[str, Any], setting: str) -> dict[str, Any]:
    """What the report says of one setting."""
    (outcome,) = (each for each in report["settings"] if each["setting"] == setting)
    result: dict[str, Any] = outcome
    return result


def statuses(report: dict[str, Any]) -> dict[str, str]:
    """How each setting ended, by its name."""
    return {outcome["setting"]: outcome["status"] for outcome in report["settings"]}


def attribute(message: dict[str, Any], name: str) -> str:
    """A message attribute's text, or an empty string."""
    value: str = message.get("MessageAttributes", {}).get(name, {}).get("StringValue", "")
    return value


def json_body(message: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(message["Body"])
    return body


def plain(value: Any) -> Any:
    """A value from DynamoDB as JSON has it: its numbers are numbers and not Decimals."""

    def number(decimal: Any) -> int | float:
        return int(decimal) if decimal == int(decimal) else float(decimal)

    return json.loads(json.dumps(value, default=number))
