"""What all fuzzed functions share: boto3's clients up to the point where a request would leave, SQS's rules, the log."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

from botocore.client import BaseClient
from botocore.validate import validate_parameters
from typing_extensions import override

from tests.unit.fakes import client_error

_REFUSED_BY_SQS = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html"""

_LONGEST_MESSAGE = 1_048_576

Answer = Callable[[BaseClient, str, dict[str, Any]], dict[str, Any]]


@contextmanager
def answered_by(answer: Answer) -> Iterator[None]:
    """Let `answer` be AWS, for calls whose parameters botocore accepts and can write down."""

    def make_api_call(client: BaseClient, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        model = client.meta.service_model.operation_model(operation)
        if model.input_shape is not None:
            validate_parameters(parameters, model.input_shape)
        client._serializer.serialize_to_request(parameters, model)  # type: ignore[attr-defined]
        return answer(client, operation, parameters)

    with mock.patch.object(BaseClient, "_make_api_call", make_api_call):
        yield


def fits_sqs(text: str) -> bool:
    """Whether SQS takes a text as a message."""
    return bool(text) and not _REFUSED_BY_SQS.search(text) and len(text.encode()) <= _LONGEST_MESSAGE


@dataclass(frozen=True)
class Aside:
    """A message on a dead-letter queue."""

    body: str
    attributes: Mapping[str, str]
    group: str | None


@dataclass
class DeadLetters:
    """A dead-letter queue that takes what SQS takes."""

    url: str
    messages: list[Aside] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)

    def send(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        assert parameters["QueueUrl"] == self.url
        attributes = {
            name: attribute["StringValue"] for name, attribute in parameters["MessageAttributes"].items()
        }
        size = sum(len(text.encode()) for pair in attributes.items() for text in pair)
        texts = [parameters["MessageBody"], *attributes.values()]
        if not all(map(fits_sqs, texts)) or size + len(texts[0].encode()) > _LONGEST_MESSAGE:
            raise client_error(
                "SendMessage", "InvalidMessageContents", "an empty text, or characters outside the set"
            )
        deduplication_id = parameters.get("MessageDeduplicationId", f"{len(self.messages)}")
        if deduplication_id not in self._seen:
            self._seen.add(deduplication_id)
            self.messages.append(Aside(texts[0], attributes, parameters.get("MessageGroupId")))
        return {"MessageId": str(len(self.messages))}


@contextmanager
def logged() -> Iterator[list[dict[str, Any]]]:
    """The lines that a function logs, as CloudWatch gets them; nothing of them is printed."""
    logger = logging.getLogger("dynamodb-restore")
    (handler,) = logger.handlers
    lines: list[dict[str, Any]] = []

    class Cloudwatch(io.StringIO):
        @override
        def write(self, text: str) -> int:
            if text.strip():
                lines.append(json.loads(text.encode().decode()))
            return len(text)

    with (
        mock.patch.object(handler, "stream", Cloudwatch()),
        mock.patch.object(logger, "propagate", new=False),
        redirect_stdout(io.StringIO()),
    ):
        yield lines
