"""Queues, and the functions that are fed from them."""

from __future__ import annotations

import json
from typing import Any

from typing_extensions import override

from .rule import Ask, Request, Response, Rule


class FifoDeadLetters(Rule):
    """The dead-letter queue of a FIFO queue is a FIFO queue, and that of a standard one a standard one.

    SQS developer guide, sqs-dead-letter-queues: "The dead-letter queue of a FIFO queue must also be a FIFO
    queue. Similarly, the dead-letter queue of a standard queue must also be a standard queue".
    """

    @override
    def before(self, request: Request, ask: Ask) -> Response | None:
        if not request.is_call("sqs", "CreateQueue", "SetQueueAttributes"):
            return None
        policy = request.parameters.get("Attributes", {}).get("RedrivePolicy")
        if not policy:
            return None
        queue = request.parameters.get("QueueName") or request.resource
        dead_letters = str(json.loads(policy).get("deadLetterTargetArn", ""))
        if queue.endswith(".fifo") == dead_letters.endswith(".fifo"):
            return None
        return request.refuse(
            "InvalidParameterValue",
            f"Value {policy} for parameter RedrivePolicy is invalid. Reason: Dead-letter queue must be same type "
            "of queue as the source.",
        )


class QueueTriggers(Rule):
    """What Lambda refuses when a function is to be fed from a queue.

    docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping, `BatchSize`: 10 at most for a FIFO queue,
    and 10 at most for another without a batching window. A batching window "is not supported for FIFO queues":
    github.com/aws/aws-lambda-dotnet, pull request 1758. The queue's visibility timeout is not shorter than the
    function's timeout: github.com/github-aws-runners/terraform-aws-github-runner, issue 465.
    """

    DEFAULT_VISIBILITY_SECONDS = 30
    DEFAULT_TIMEOUT_SECONDS = 3
    MOST_MESSAGES = 10

    def __init__(self) -> None:
        super().__init__()
        self._visibility: dict[str, int] = {}
        self._timeouts: dict[str, int] = {}

    @override
    def reset(self) -> None:
        with self._lock:
            self._visibility.clear()
            self._timeouts.clear()

    @override
    def before(self, request: Request, ask: Ask) -> Response | None:
        if not request.is_call("lambda", "CreateEventSourceMapping"):
            return None
        source: str = request.parameters.get("EventSourceArn", "")
        if ":sqs:" not in source:
            return None
        problem = self._problem(source, request.parameters)
        return request.refuse("InvalidParameterValueException", problem) if problem else None

    def _problem(self, source: str, parameters: Any) -> str | None:
        batch, window = parameters.get("BatchSize", 10), parameters.get("MaximumBatchingWindowInSeconds", 0)
        if source.endswith(".fifo") and window:
            return "Batching window is not supported for FIFO queues"
        if batch > self.MOST_MESSAGES and (source.endswith(".fifo") or not window):
            return f"BatchSize {batch} is more than {self.MOST_MESSAGES}"
        with self._lock:
            visibility = self._visibility.get(source.rpartition(":")[2], self.DEFAULT_VISIBILITY_SECONDS)
            timeout = self._timeouts.get(_function(parameters["FunctionName"]), self.DEFAULT_TIMEOUT_SECONDS)
        if visibility < timeout:
            return f"Queue visibility timeout: {visibility} seconds is less than Function timeout: {timeout} seconds"
        return None

    @override
    def after(self, request: Request, response: Response, ask: Ask) -> Response:
        if not response.ok:
            return response
        if request.is_call("sqs", "CreateQueue", "SetQueueAttributes"):
            visibility = request.parameters.get("Attributes", {}).get("VisibilityTimeout")
            if visibility is not None:
                with self._lock:
                    self._visibility[request.parameters.get("QueueName") or request.resource] = int(
                        visibility
                    )
        if request.is_call("lambda", "CreateFunction", "UpdateFunctionConfiguration"):
            answer = response.json()
            with self._lock:
                self._timeouts[answer["FunctionName"]] = answer.get("Timeout", self.DEFAULT_TIMEOUT_SECONDS)
        return response


def _function(name_or_arn: str) -> str:
    """The bare name of a function, without its alias or version."""
    return name_or_arn.rpartition(":function:")[2].partition(":")[0]
