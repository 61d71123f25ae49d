"""SQS, SNS and EventBridge: what was sent, and where it lies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.unit.fakes import ACCOUNT, REGION

_COUNTS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
)


def queue_url(name: str) -> str:
    return f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}"


@dataclass
class Message:
    """One message, with how long it was hidden when it was last received."""

    message_id: str
    body: str
    attributes: dict[str, str] = field(default_factory=dict)
    hidden_seconds: int | None = None


@dataclass
class Messaging:
    """Queues by URL; events and notifications in the order in which they came.

    Attributes:
        sent: how many messages were.
        held: messages that a function has received, by their receipt handle.
    """

    queues: dict[str, list[Message]] = field(default_factory=dict)
    sent: int = 0
    held: dict[str, Message] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    notifications: list[dict[str, Any]] = field(default_factory=list)

    @property
    def operations(self) -> Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]]:
        return {
            "SendMessage": self._send,
            "ChangeMessageVisibility": self._hide,
            "GetQueueAttributes": self._attributes,
            "PutEvents": self._put_events,
            "Publish": self._publish,
        }

    def send(self, url: str, body: str, attributes: Mapping[str, str] | None = None) -> None:
        """Send a message without a call; each is another one, also where an old one is sent round again."""
        self.sent += 1
        self.queues[url].append(Message(f"message-{self.sent}", body, dict(attributes or {})))

    def _send(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        attributes = parameters.get("MessageAttributes", {})
        texts = {name: value["StringValue"] for name, value in attributes.items()}
        self.send(parameters["QueueUrl"], parameters["MessageBody"], texts)
        return {"MessageId": f"message-{self.sent}"}

    def _hide(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        self.held[parameters["ReceiptHandle"]].hidden_seconds = parameters["VisibilityTimeout"]
        return {}

    def _attributes(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        counts = dict.fromkeys(_COUNTS, "0")
        counts["ApproximateNumberOfMessages"] = str(len(self.queues[parameters["QueueUrl"]]))
        return {"Attributes": {name: counts[name] for name in parameters["AttributeNames"]}}

    def _put_events(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        self.events.extend(parameters["Entries"])
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "put"} for _ in parameters["Entries"]]}

    def _publish(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        self.notifications.append(dict(parameters))
        return {"MessageId": "published"}
