"""Tables, their streams and their time to live."""

from __future__ import annotations

from typing import Any

from typing_extensions import override

from .rule import Ask, Countdown, Request, Response, Rule, Table


class TableUpdates(Rule):
    """After UpdateTable the table is UPDATING for a while and takes no other UpdateTable.

    API reference, API_UpdateTable: "UpdateTable is an asynchronous operation; while it's executing, the
    table status changes from ACTIVE to UPDATING. While it's UPDATING, you can't issue another UpdateTable
    request"; ResourceInUseException. And: "You receive a ValidationException if you try to enable a stream
    on a table that already has a stream".
    """

    def __init__(self, default_polls: int = 1) -> None:
        super().__init__()
        self.default_polls = default_polls
        self._updating = Countdown()

    def settle(self, table: Table) -> None:
        """Be done with the update of a table, as if time had passed."""
        self._updating.clear(table)

    @override
    def reset(self) -> None:
        self._updating.clear()

    @override
    def before(self, request: Request, ask: Ask) -> Response | None:
        if not request.is_call("dynamodb", "UpdateTable", "DeleteTable"):
            return None
        if self._updating.running(request.table):
            return request.refuse(
                "ResourceInUseException",
                f"Attempt to change a resource which is still in use: Table is being updated: {request.resource}",
            )
        if request.parameters.get("StreamSpecification", {}).get("StreamEnabled"):
            answer = ask("DescribeTable", {"TableName": request.resource})
            if answer.ok and answer.json()["Table"].get("StreamSpecification", {}).get("StreamEnabled"):
                return request.refuse(
                    "ValidationException",
                    f"Table already has an enabled stream: TableName: {request.resource}",
                )
        return None

    @override
    def after(self, request: Request, response: Response, ask: Ask) -> Response:
        if not response.ok or not request.is_call("dynamodb", "UpdateTable", "DescribeTable"):
            return response
        if request.operation == "UpdateTable":
            self._updating.start(request.table, self.default_polls)
            updating = self.default_polls > 0
        else:
            updating = self._updating.tick(request.table)
        if not updating:
            return response
        member = "TableDescription" if request.operation == "UpdateTable" else "Table"
        answer = response.json()
        answer[member]["TableStatus"] = "UPDATING"
        return response.with_json(answer)


class OneChangeAtATime(Rule):
    """UpdateTable takes some changes only by themselves, each refused here as AWS words it.

    - the table class with anything else: github.com/hashicorp/terraform-provider-aws, pull request 29816;
    - the stream with the table's capacity: the same, issue 35673;
    - more than one index created or deleted: API reference, API_GlobalSecondaryIndexUpdate and
      API_UpdateTable ("You can create or delete only one global secondary index per UpdateTable operation");
    - more than one replica: the same project, pull request 13523.
    """

    INVALID = "One or more parameter values were invalid: "

    @override
    def before(self, request: Request, ask: Ask) -> Response | None:
        if not request.is_call("dynamodb", "UpdateTable"):
            return None
        changes = set(request.parameters) - {"TableName", "AttributeDefinitions"}
        updates: list[dict[str, Any]] = request.parameters.get("GlobalSecondaryIndexUpdates", [])
        if sum("Update" not in update for update in updates) > 1:
            return request.refuse(
                "LimitExceededException",
                "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table",
            )
        problem = None
        if "TableClass" in changes and len(changes) > 1:
            problem = "TableClass modification must be the only operation in the request"
        elif {"StreamSpecification", "ProvisionedThroughput"} <= changes:
            problem = "You cannot modify stream status while updating table IOPS"
        elif len(request.parameters.get("ReplicaUpdates", [])) > 1:
            problem = "Only one replica can be created or deleted at a time"
        return request.refuse("ValidationException", self.INVALID + problem) if problem else None


class TimeToLive(Rule):
    """TTL is enabled once: enabling it again, or disabling what is off, is an error; a change cools down.

    API reference, API_UpdateTimeToLive: "It can take up to one hour for the change to fully process. Any
    additional UpdateTimeToLive calls for the same table during this one hour duration result in a
    ValidationException." DescribeTimeToLive says ENABLING meanwhile (API_TimeToLiveDescription).
    """

    def __init__(self, default_polls: int = 1) -> None:
        super().__init__()
        self.default_polls = default_polls
        self._enabling = Countdown()

    def settle(self, table: Table) -> None:
        """Be done with the change of a table's time to live, as if time had passed."""
        self._enabling.clear(table)

    @override
    def reset(self) -> None:
        self._enabling.clear()

    @override
    def before(self, request: Request, ask: Ask) -> Response | None:
        if not request.is_call("dynamodb", "UpdateTimeToLive"):
            return None
        if self._enabling.running(request.table):
            return request.refuse(
                "ValidationException",
                "Time to live has been modified multiple times within a fixed interval",
            )
        answer = ask("DescribeTimeToLive", {"TableName": request.resource})
        if not answer.ok:
            return None
        is_on = answer.json()["TimeToLiveDescription"]["TimeToLiveStatus"] == "ENABLED"
        wanted = bool(request.parameters["TimeToLiveSpecification"]["Enabled"])
        if is_on == wanted:
            state = "enabled" if wanted else "disabled"
            return request.refuse("ValidationException", f"TimeToLive is already {state}")
        return None

    @override
    def after(self, request: Request, response: Response, ask: Ask) -> Response:
        if response.ok and request.is_call("dynamodb", "DeleteTable"):
            self._enabling.clear(request.table)
        if not response.ok or not request.is_call("dynamodb", "UpdateTimeToLive", "DescribeTimeToLive"):
            return response
        if request.operation == "UpdateTimeToLive":
            self._enabling.start(request.table, self.default_polls)
            return response
        if not self._enabling.tick(request.table):
            return response
        answer = response.json()
        description = answer["TimeToLiveDescription"]
        description["TimeToLiveStatus"] = {"ENABLED": "ENABLING", "DISABLED": "DISABLING"}[
            description["TimeToLiveStatus"]
        ]
        return response.with_json(answer)
