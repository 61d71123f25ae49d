"""Replicas of global tables."""

from __future__ import annotations

from typing import Any

from typing_extensions import override

from .rule import Ask, Countdown, Request, Response, Rule, Table, describes_table


class Replicas(Rule):
    """A replica is CREATING for a while, with the table UPDATING, and asks something of its table.

    API reference, API_ReplicaDescription: `ReplicaStatus` CREATING, ACTIVE. Developer guide,
    V2globaltables_HowItWorks: streams are on for every replica, with both images; write capacity is on demand
    or scales ("Table write capacity should either be Pay-Per-Request or AutoScaled" is what AWS says
    otherwise: github.com/hashicorp/terraform-provider-aws, issue 13097).

    While a replica is being made, UpdateTimeToLive is refused in these words (ack-api-quirks, DDB-TABLE-442: answers of AWS).

    Write capacity of indexes is not looked at.
    """

    def __init__(self, default_polls: int = 1) -> None:
        super().__init__()
        self.default_polls = default_polls
        self._creating = Countdown()
        self._asked: set[tuple[Table, str]] = set()
        self._scaled: set[Table] = set()

    @override
    def reset(self) -> None:
        self._creating.clear()
        with self._lock:
            self._asked.clear()
            self._scaled.clear()

    @override
    def before(self, request: Request, ask: Ask) -> Response | None:
        if not request.is_call("dynamodb", "UpdateTable", "UpdateTimeToLive"):
            return None
        making = [one for one in self._regions(request.table) if self._creating.running((request.table, one))]
        if making and request.operation == "UpdateTimeToLive":
            return request.refuse("ValidationException", being_added(request.resource, making[0]))
        if making:
            return request.refuse(
                "ResourceInUseException", f"A replica of {request.resource} is being created"
            )
        if request.operation == "UpdateTimeToLive":
            return None
        created = [update["Create"] for update in _updates(request) if "Create" in update]
        answer = ask("DescribeTable", {"TableName": request.resource}) if created else None
        if answer is None or not answer.ok:
            return None
        problem = self._problem(request.table, answer.json()["Table"])
        return request.refuse("ValidationException", problem) if problem else None

    @override
    def after(self, request: Request, response: Response, ask: Ask) -> Response:
        if not response.ok:
            return response
        self._note_scaling(request)
        member = describes_table(request)
        if member is None:
            return response
        answer = response.json()
        table = (request.region, answer[member]["TableName"])
        if request.operation == "UpdateTable":
            for update in _updates(request):
                if "Create" in update:
                    with self._lock:
                        self._asked.add((table, update["Create"]["RegionName"]))
                    self._creating.start((table, update["Create"]["RegionName"]), self.default_polls)
        for replica in answer[member].get("Replicas", []):
            key = (table, replica["RegionName"])
            replica["ReplicaArn"] = answer[member]["TableArn"].replace(
                f":{request.region}:", f":{replica['RegionName']}:", 1
            )
            counts = request.operation == "DescribeTable"
            if self._creating.tick(key) if counts else self._creating.running(key):
                replica["ReplicaStatus"] = "CREATING"
                answer[member]["TableStatus"] = "UPDATING"
        return response.with_json(answer)

    def _problem(self, table: Table, described: dict[str, Any]) -> str | None:
        stream = described.get("StreamSpecification", {})
        if stream.get("StreamEnabled") and stream["StreamViewType"] != "NEW_AND_OLD_IMAGES":
            return (
                "One or more parameter values were invalid: the stream of a global table has the view type "
                "NEW_AND_OLD_IMAGES"
            )
        on_demand = described.get("BillingModeSummary", {}).get("BillingMode") == "PAY_PER_REQUEST"
        with self._lock:
            scales = table in self._scaled
        return (
            None
            if on_demand or scales
            else "Table write capacity should either be Pay-Per-Request or AutoScaled."
        )

    def _note_scaling(self, request: Request) -> None:
        if request.service != "application-autoscaling":
            return
        if request.parameters.get("ScalableDimension") != "dynamodb:table:WriteCapacityUnits":
            return
        table = (request.region, request.parameters["ResourceId"].partition("/")[2])
        with self._lock:
            if request.operation == "PutScalingPolicy":
                self._scaled.add(table)
            elif request.operation in ("DeleteScalingPolicy", "DeregisterScalableTarget"):
                self._scaled.discard(table)

    def _regions(self, table: Table) -> list[str]:
        with self._lock:
            return [region for each, region in self._asked if each == table]


def being_added(table: str, region: str) -> str:
    """What AWS says while it makes a replica."""
    return (
        f"Create/Update/Delete of replica is not allowed while the replica is being added to table with name: '{table}' in "
        f"region: '{region}'."
    )


def _updates(request: Request) -> list[dict[str, Any]]:
    updates: list[dict[str, Any]] = request.parameters.get("ReplicaUpdates", [])
    return updates
