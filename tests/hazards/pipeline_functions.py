"""The functions of one pipeline, invoked as Lambda invokes them, on the account of the unit tests."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from moto.sqs.models import Queue

from dynamodb_restore.actions.bring_in import bring_in
from dynamodb_restore.actions.cutover import CutoverRequest, cutover
from dynamodb_restore.changes.bundle import encode
from dynamodb_restore.changes.change import Change
from dynamodb_restore.handlers import capture, replay
from tests.unit.changes.house import FAILURES, UPKEEP_CONTEXT, House, build

if TYPE_CHECKING:
    import pytest

    from dynamodb_restore.aws import Clients
    from tests.unit.fakes import Aws


@dataclass
class PipelineFunctions:
    """One pipeline whose restore replays."""

    house: House

    def capture(self, *records: dict[str, Any]) -> None:
        assert capture.handler({"Records": list(records)}, UPKEEP_CONTEXT) == {"batchItemFailures": []}

    def buffered(self, *changes: Change, group: int = 6) -> list[dict[str, Any]]:
        """Put a bundle into the buffer, and let the buffer hand it out."""
        self.house.clients.sqs.send_message(
            QueueUrl=self.house.buffer_url,
            MessageBody=encode(changes, sent_at=time.time()),
            MessageGroupId=str(group),
            MessageDeduplicationId=uuid.uuid4().hex,
        )
        return self.messages()

    def messages(self) -> list[dict[str, Any]]:
        """What the buffer hands out, as Lambda delivers it to replay."""
        answer = self.house.clients.sqs.receive_message(
            QueueUrl=self.house.buffer_url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"]
        )
        return [
            {
                "messageId": found["MessageId"],
                "receiptHandle": found["ReceiptHandle"],
                "body": found["Body"],
                "attributes": found["Attributes"],
            }
            for found in answer.get("Messages", [])
        ]

    def replay(self, messages: Sequence[dict[str, Any]]) -> None:
        """Replay messages, and delete them as Lambda does."""
        assert replay.handler({"Records": list(messages)}, UPKEEP_CONTEXT) == {"batchItemFailures": []}
        self.delete(messages)

    def delete(self, messages: Sequence[dict[str, Any]]) -> None:
        for message in messages:
            self.house.clients.sqs.delete_message(
                QueueUrl=self.house.buffer_url, ReceiptHandle=message["receiptHandle"]
            )

    def give_up(self, messages: Sequence[dict[str, Any]]) -> None:
        """Do what SQS does with messages that were received too often."""
        for message in messages:
            self.house.clients.sqs.send_message(
                QueueUrl=self.house.aside_url,
                MessageBody=message["body"],
                MessageGroupId=message["attributes"]["MessageGroupId"],
                MessageDeduplicationId=message["messageId"],
            )
        self.delete(messages)

    def write(self, table: str, item: dict[str, Any]) -> None:
        self.house.clients.dynamodb.put_item(TableName=table, Item=item)

    def items(self, table: str) -> list[dict[str, Any]]:
        found = self.house.clients.dynamodb.scan(TableName=table)["Items"]
        return sorted(found, key=lambda item: json.dumps(item["id"]))

    def bring_in(self) -> dict[str, Any]:
        """Ask the operator function for it."""
        return bring_in(self.house.actions, self.house.pipeline)

    def cut_over(self) -> dict[str, Any]:
        """Ask for cutover; once more where what was brought in since the last time came in between."""
        answer = self._cutover()
        codes = [obstacle["code"] for obstacle in answer.get("refused", [])]
        return self._cutover() if codes == ["still_written"] else answer

    def _cutover(self) -> dict[str, Any]:
        return cutover(self.house.actions, self.house.pipeline, CutoverRequest(settle_seconds=0))


def _number_messages_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """As SQS does; moto draws sequence numbers at random."""
    numbers = count(1)
    add_message = Queue.add_message

    def add_numbered(queue: Queue, message: Any) -> None:
        message.sequence_number = f"{next(numbers):020}"
        add_message(queue, message)

    monkeypatch.setattr(Queue, "add_message", add_numbered)


def replaying(aws: Aws, clients: Clients, monkeypatch: pytest.MonkeyPatch) -> PipelineFunctions:
    house = build(aws, clients, monkeypatch)
    for name, value in {
        "BUFFER_ID": "buffer-1",
        "BUFFER_URL": house.buffer_url,
        "BUFFER_DEAD_LETTER_URL": house.aside_url,
        "FAILURE_BUCKET": FAILURES,
        "IMAGE_PREFIX": "images/",
        "KEEP_EXPIRIES": "true",
        "WRITE_UNITS_PER_SECOND": "",
    }.items():
        monkeypatch.setenv(name, value)
    _number_messages_in_order(monkeypatch)
    house.replaying()
    return PipelineFunctions(house)
