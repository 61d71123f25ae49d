"""Lambda triggers of a table's stream."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from typing_extensions import override

from .rule import Ask, Request, Response, Rule


class Triggers(Rule):
    """A stream trigger keeps all its properties, shows Lambda's defaults, and is Creating for a while.

    docs.aws.amazon.com/lambda/latest/api/API_EventSourceMappingConfiguration: the members with their
    defaults (-1 retries and age, one batch per shard, an empty `OnFailure`) and `State` Creating, Enabling,
    Enabled, Disabled. ministack drops what it does not itself act upon. API_CreateEventSourceMapping there:
    ResourceConflictException (409) where the function already has a mapping of the stream.
    """

    DEFAULTS: Mapping[str, Any] = {
        "BatchSize": 100,
        "MaximumBatchingWindowInSeconds": 0,
        "ParallelizationFactor": 1,
        "MaximumRecordAgeInSeconds": -1,
        "BisectBatchOnFunctionError": False,
        "MaximumRetryAttempts": -1,
        "TumblingWindowInSeconds": 0,
        "FunctionResponseTypes": [],
        "DestinationConfig": {"OnFailure": {}},
    }
    KEPT = (*DEFAULTS, "MetricsConfig")
    """What is shown as it was sent; the last has no default."""

    def __init__(self, default_polls: int = 1) -> None:
        super().__init__()
        self.default_polls = default_polls
        self._sent: dict[str, dict[str, Any]] = {}
        self._creating: dict[str, int] = {}
        self._pairs: dict[tuple[str, str], str] = {}  # stream and function to the mapping's UUID

    @override
    def reset(self) -> None:
        with self._lock:
            self._sent.clear()
            self._creating.clear()
            self._pairs.clear()

    @override
    def before(self, request: Request, ask: Ask) -> Response | None:
        if not request.is_call("lambda", "CreateEventSourceMapping"):
            return None
        stream_arn = request.parameters.get("EventSourceArn", "")
        with self._lock:
            existing = self._pairs.get((stream_arn, _function(request.parameters["FunctionName"])))
        if existing is None:
            return None
        return request.refuse(
            "ResourceConflictException",
            f'An event source mapping with event source arn (" {stream_arn} ") and function '
            f'(" {request.parameters["FunctionName"]} ") already exists. Please update or delete the existing '
            f"mapping with UUID {existing}",
            status=409,
        )

    @override
    def after(self, request: Request, response: Response, ask: Ask) -> Response:
        if request.service != "lambda" or not response.ok:
            return response
        if request.operation in ("CreateEventSourceMapping", "UpdateEventSourceMapping"):
            answer = response.json()
            with self._lock:
                sent = self._sent.setdefault(answer["UUID"], {})
                sent.update({key: request.parameters[key] for key in self.KEPT if key in request.parameters})
                if request.operation == "CreateEventSourceMapping":
                    # Only looks of functions count, so that only what they make is late: whoever else waits would wait for ever.
                    self._creating[answer["UUID"]] = self.default_polls if request.by_function else 0
                    pair = (answer["EventSourceArn"], _function(answer["FunctionArn"]))
                    self._pairs[pair] = answer["UUID"]
            shown = self._complete(answer)
            if request.operation == "CreateEventSourceMapping":
                shown["State"] = "Creating"
            return response.with_json(shown)
        if request.operation == "DeleteEventSourceMapping":
            with self._lock:
                self._pairs = {
                    pair: each for pair, each in self._pairs.items() if each != request.parameters["UUID"]
                }
        if request.operation == "GetEventSourceMapping":
            return response.with_json(self._shown(response.json(), request))
        if request.operation == "ListEventSourceMappings":
            answer = response.json()
            answer["EventSourceMappings"] = [
                self._shown(each, request) for each in answer["EventSourceMappings"]
            ]
            return response.with_json(answer)
        return response

    def _shown(self, mapping: dict[str, Any], request: Request) -> dict[str, Any]:
        shown = self._complete(mapping)
        with self._lock:
            left = self._creating.get(mapping["UUID"], 0)
            if left:
                shown["State"] = "Creating"
                if request.by_function:
                    self._creating[mapping["UUID"]] = left - 1
        return shown

    def _complete(self, mapping: dict[str, Any]) -> dict[str, Any]:
        if "/stream/" not in mapping.get("EventSourceArn", ""):
            return mapping
        with self._lock:
            sent = self._sent.get(mapping["UUID"])
        if sent is None:  # made past this gateway
            sent = {key: mapping[key] for key in self.KEPT if key in mapping}
        return {**mapping, **self.DEFAULTS, **sent}


def _function(name_or_arn: str) -> str:
    """A function with its alias or version, by whichever name it was given."""
    return name_or_arn.rpartition(":function:")[2]
