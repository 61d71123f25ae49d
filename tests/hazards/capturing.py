"""The capture function, as Lambda calls it, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from dynamodb_restore.changes.bundle import OpenedBundle, open_bundle
from dynamodb_restore.changes.change import Change
from dynamodb_restore.handlers import capture
from tests.unit.changes.house import House

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


@dataclass
class _Context:
    """What Lambda tells a function of its invocation."""

    function_name: str = "demo-orders-capture"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:eu-central-1:123456789012:function:demo-orders-capture"
    aws_request_id: str = "11111111-2222-3333-4444-555555555555"


def invoke(records: Sequence[Mapping[str, Any]]) -> str | None:
    """Deliver a batch of the stream.

    Returns:
        The sequence number that the stream resumes at; None where the batch is done with.
    """
    answer = capture.handler({"Records": list(records)}, cast("LambdaContext", _Context()))
    failures = [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]
    return failures[0] if failures else None


def bundles(pipeline: House) -> list[OpenedBundle]:
    """What is in the buffer."""
    answer = pipeline.clients.sqs.receive_message(QueueUrl=pipeline.buffer_url, MaxNumberOfMessages=10)
    return [open_bundle(message["Body"]) for message in answer.get("Messages", [])]


def changes(pipeline: House) -> list[Change]:
    """The changes that are in the buffer, by sequence number."""
    found = [change for bundle in bundles(pipeline) for change in bundle]
    return sorted(found, key=lambda change: change.sequence)
