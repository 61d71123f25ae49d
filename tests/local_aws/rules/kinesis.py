"""Kinesis destinations of tables."""

from __future__ import annotations

from typing import Any

from typing_extensions import override

from .rule import Ask, Countdown, Request, Response, Rule, Table


class KinesisDestinations(Rule):
    """A Kinesis destination is ENABLING for a while, and may end ENABLE_FAILED though the call said 200.

    API reference, API_KinesisDataStreamDestination: `DestinationStatus` ENABLING, ACTIVE, ENABLE_FAILED,
    with `DestinationStatusDescription`. Developer guide, kds_gettingstarted: "the status changes to ACTIVE".
    API_EnableKinesisStreamingDestination: ResourceInUseException while one is live or on its way.
    """

    def __init__(self, default_polls: int = 1) -> None:
        super().__init__()
        self.default_polls = default_polls
        self._failing: dict[str, tuple[str, int | None]] = {}
        self._enabling = Countdown()
        self._failed: dict[tuple[str, str, str], str] = {}

    def fail(self, table: str, reason: str, *, times: int | None = 1) -> None:
        """Let the next destinations that this table is given end ENABLE_FAILED; None: all of them."""
        with self._lock:
            self._failing[table] = (reason, times)

    @override
    def reset(self) -> None:
        with self._lock:
            self._failing.clear()
            self._enabling.clear()
            self._failed.clear()

    @override
    def before(self, request: Request, ask: Ask) -> Response | None:
        if not request.is_call("dynamodb", "EnableKinesisStreamingDestination"):
            return None
        key = (*request.table, request.parameters["StreamArn"])
        with self._lock:
            if self._enabling.running(key):
                return request.refuse(
                    "ResourceInUseException",
                    f"Table is not in a valid state to enable Kinesis: {request.resource}",
                )
            failed = self._failed.pop(key, None)
        if failed:  # the emulator holds it as active; AWS lets a failed one be enabled again
            ask("DisableKinesisStreamingDestination", {"TableName": key[1], "StreamArn": key[2]})
        return None

    @override
    def after(self, request: Request, response: Response, ask: Ask) -> Response:
        if not response.ok:
            return response
        if request.is_call("dynamodb", "EnableKinesisStreamingDestination"):
            key = (*request.table, request.parameters["StreamArn"])
            with self._lock:
                self._enabling.start(key, self.default_polls)
                reason, times = self._failing.pop(request.resource, ("", 0))
                if times != 0:
                    self._failed[key] = reason
                    self._failing[request.resource] = (reason, times and times - 1)
            return response
        if request.is_call("dynamodb", "DisableKinesisStreamingDestination"):
            key = (*request.table, request.parameters["StreamArn"])
            with self._lock:
                self._enabling.clear(key)
                self._failed.pop(key, None)
            return response
        if request.is_call("dynamodb", "DescribeKinesisStreamingDestination"):
            answer = response.json()
            for destination in answer["KinesisDataStreamDestinations"]:
                self._describe(request.table, destination)
            return response.with_json(answer)
        return response

    def _describe(self, table: Table, destination: dict[str, Any]) -> None:
        key = (*table, destination["StreamArn"])
        with self._lock:
            if self._enabling.tick(key):
                destination["DestinationStatus"] = "ENABLING"
            elif key in self._failed:
                destination["DestinationStatus"] = "ENABLE_FAILED"
                destination["DestinationStatusDescription"] = self._failed[key]
