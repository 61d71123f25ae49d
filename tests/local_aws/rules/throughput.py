"""What a table and its indexes may use on demand, and what they can take at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from typing_extensions import override

from .rule import RESTORE_CALLS, Ask, Countdown, Request, Response, Rule, Table, describes_table

Part = tuple[Table, str]
"""A table with the name of one of its indexes, or with no name for the table itself."""
LIMITS = ("MaxReadRequestUnits", "MaxWriteRequestUnits")
NO_LIMIT = -1
WARM = ("ReadUnitsPerSecond", "WriteUnitsPerSecond")


class OnDemandLimits(Rule):
    """The most that a table on demand may use, and each of its indexes; a part that is not sent stays as it is.

    API reference, API_OnDemandThroughput: one of the two or both, -1 for none. API_UpdateTable: "for the
    specified table in on-demand capacity mode". The emulator keeps none for indexes, and takes one that is
    not sent for none at all. Whether a restore brings a table's limits along no page of AWS says; here none
    does.
    """

    def __init__(self) -> None:
        super().__init__()
        self._limits: dict[Part, dict[str, int]] = {}

    @override
    def reset(self) -> None:
        with self._lock:
            self._limits.clear()

    @override
    def before(self, request: Request, ask: Ask) -> Response | None:
        if not request.is_call("dynamodb", "UpdateTable"):
            return None
        if not any("OnDemandThroughput" in change for _, change in _changes(request)):
            return None
        answer = ask("DescribeTable", {"TableName": request.resource})
        if not answer.ok or _on_demand(answer.json()["Table"]) or "BillingMode" in request.parameters:
            return None
        return request.refuse(
            "ValidationException",
            "One or more parameter values were invalid: OnDemandThroughput can be set only where the billing "
            "mode is PAY_PER_REQUEST",
        )

    @override
    def after(self, request: Request, response: Response, ask: Ask) -> Response:
        if response.ok and request.is_call("dynamodb", "DeleteTable", *RESTORE_CALLS):
            name = request.parameters.get("TargetTableName", request.resource)
            with self._lock:
                self._limits = {
                    part: each for part, each in self._limits.items() if part[0] != (request.region, name)
                }
        member = describes_table(request)
        if not response.ok or member is None:
            return response
        answer = response.json()
        table = (request.region, answer[member]["TableName"])
        with self._lock:
            if request.operation in ("CreateTable", "UpdateTable"):
                for index, change in _changes(request):
                    if sent := change.get("OnDemandThroughput"):
                        before = self._limits.get((table, index), dict.fromkeys(LIMITS, NO_LIMIT))
                        self._limits[(table, index)] = {**before, **sent}
            elif "OnDemandThroughputOverride" in request.parameters:
                self._limits[(table, "")] = dict(request.parameters["OnDemandThroughputOverride"])
            for index, described in _parts(answer[member]):
                described.pop("OnDemandThroughput", None)
                if limits := self._limits.get((table, index)):
                    described["OnDemandThroughput"] = limits
        return response.with_json(answer)


class WarmThroughput(Rule):
    """How much a table and each index can take at once: never less than it was.

    Developer guide, warm-throughput: "Once increased, warm throughput values can't be decreased";
    warm-throughput-scenarios: a new table on demand starts with 12,000 and 4,000, a provisioned one with
    its capacity. update-warm-throughput: `Status` is UPDATING until the change is done. The emulator says 0.
    """

    ON_DEMAND = (12_000, 4_000)

    def __init__(self, default_polls: int = 1) -> None:
        super().__init__()
        self.default_polls = default_polls
        self._warm: dict[Part, dict[str, int]] = {}
        self._warming = Countdown()

    @override
    def reset(self) -> None:
        with self._lock:
            self._warm.clear()
        self._warming.clear()

    @override
    def before(self, request: Request, ask: Ask) -> Response | None:
        if not request.is_call("dynamodb", "UpdateTable"):
            return None
        wanted = {
            index: change["WarmThroughput"]
            for index, change in _changes(request)
            if "WarmThroughput" in change
        }
        answer = ask("DescribeTable", {"TableName": request.resource}) if wanted else None
        if answer is None or not answer.ok:
            return None
        table = answer.json()["Table"]
        for index, described in _parts(table):
            now = self._value((request.table, index), described, on_demand=_on_demand(table))
            if any(wanted.get(index, {}).get(unit, now[unit]) < now[unit] for unit in WARM):
                return request.refuse(
                    "ValidationException",
                    "One or more parameter values were invalid: Requested WarmThroughput for "
                    f"{'index ' + index if index else 'table'} is lower than the current WarmThroughput, "
                    "decreasing WarmThroughput is not supported",
                )
        return None

    @override
    def after(self, request: Request, response: Response, ask: Ask) -> Response:
        if response.ok and request.is_call("dynamodb", "DeleteTable"):
            with self._lock:
                self._warm = {part: each for part, each in self._warm.items() if part[0] != request.table}
        member = describes_table(request)
        if not response.ok or member is None:
            return response
        answer = response.json()
        table = (request.region, answer[member]["TableName"])
        on_demand = _on_demand(answer[member])
        if request.operation in ("CreateTable", "UpdateTable"):
            for index, change in _changes(request):
                if "WarmThroughput" in change:
                    with self._lock:
                        self._warm[(table, index)] = {
                            **self._warm.get((table, index), {}),
                            **change["WarmThroughput"],
                        }
                    if request.operation == "UpdateTable":
                        self._warming.start((table, index), self.default_polls)
        for index, described in _parts(answer[member]):
            part = (table, index)
            warming = (
                self._warming.tick(part)
                if request.operation == "DescribeTable"
                else self._warming.running(part)
            )
            status = "UPDATING" if warming else "ACTIVE"
            described["WarmThroughput"] = {
                **self._value(part, described, on_demand=on_demand),
                "Status": status,
            }
        return response.with_json(answer)

    def _value(self, part: Part, described: Mapping[str, Any], *, on_demand: bool) -> dict[str, int]:
        if on_demand:
            least = dict(zip(WARM, self.ON_DEMAND, strict=True))
        else:
            capacity = described["ProvisionedThroughput"]
            least = {
                WARM[0]: int(capacity["ReadCapacityUnits"]),
                WARM[1]: int(capacity["WriteCapacityUnits"]),
            }
        with self._lock:
            raised = self._warm.get(part, {})
        return {unit: max(least[unit], raised.get(unit, 0)) for unit in WARM}


def _on_demand(table: Mapping[str, Any]) -> bool:
    return bool(table.get("BillingModeSummary", {}).get("BillingMode") == "PAY_PER_REQUEST")


def _parts(description: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The table itself, and its indexes by their names, as a description has them."""
    yield "", description
    for index in description.get("GlobalSecondaryIndexes", []):
        yield index["IndexName"], index


def _changes(request: Request) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """What CreateTable or UpdateTable says about the table itself, and about indexes by their names."""
    yield "", request.parameters
    for index in request.parameters.get("GlobalSecondaryIndexes", []):
        yield index["IndexName"], index
    for update in request.parameters.get("GlobalSecondaryIndexUpdates", []):
        for action in ("Create", "Update"):
            if action in update:
                yield update[action]["IndexName"], update[action]
