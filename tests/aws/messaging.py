"""SNS and EventBridge: what was published, and what was put on the bus."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.aws.errors import client_error

_SUBJECT = re.compile(r"[A-Za-z0-9!-/][\x20-\x7e]{0,99}")
"""docs.aws.amazon.com/sns/latest/api/API_Publish.html"""

_LARGEST = 256 * 1024
"""Bytes of the entries of one request to EventBridge, which must be fewer, and of one message to SNS, which may be as many
(docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html,
docs.aws.amazon.com/sns/latest/api/API_Publish.html)."""


def _size(entry: Mapping[str, Any]) -> int:
    return sum(len(entry[part].encode()) for part in ("Source", "DetailType", "Detail"))


@dataclass
class Messaging:
    """Events and notifications, in the order in which they came.

    Attributes:
        refuses_events: whether the bus answers with success and takes nothing.
    """

    events: list[dict[str, Any]] = field(default_factory=list)
    notifications: list[dict[str, Any]] = field(default_factory=list)
    refuses_events: bool = False

    @property
    def operations(self) -> Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]]:
        return {"PutEvents": self._put_events, "Publish": self._publish}

    def _put_events(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        entries = parameters["Entries"]
        if sum(_size(entry) for entry in entries) >= _LARGEST:
            raise client_error(
                "PutEvents",
                "ValidationException",
                "Total size of the entries in the request is over the limit.",
            )
        if self.refuses_events:
            failure = {"ErrorCode": "InternalFailure", "ErrorMessage": "no"}
            return {"FailedEntryCount": len(entries), "Entries": [failure for _ in entries]}
        self.events.extend(entries)
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "put"} for _ in entries]}

    def _publish(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        if not _SUBJECT.fullmatch(parameters["Subject"]):
            raise client_error("Publish", "InvalidParameter", "Invalid parameter: Subject")
        # What UTF-8 cannot write down never leaves the client.
        if len(parameters["Message"].encode()) > _LARGEST:
            raise client_error("Publish", "InvalidParameter", "Invalid parameter: Message too long")
        self.notifications.append(dict(parameters))
        return {"MessageId": "published"}
