"""Restores: slow, forgetful, and across regions."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from typing_extensions import override

from ..operations import table_name
from .recovery import BACKUP_CALLS
from .rule import RESTORE_CALLS, Ask, Request, Response, Rule, Table

ITEMS_PER_WRITE = 25


@dataclass
class _Restoring:
    summary: dict[str, Any]
    polls_left: int | None  # None: until released


class Restores(Rule):
    """A restored table stays CREATING, and nothing but DescribeTable knows it until it is ACTIVE.

    API reference, API_TableDescription: `TableStatus` CREATING, and `RestoreSummary` with
    `RestoreInProgress`. API_ResourceNotFoundException as listed by API_TagResource, API_UpdateTable,
    API_UpdateTimeToLive and the rest: "its status might not be ACTIVE"; the two continuous-backups calls
    have TableNotFoundException in its place (API_UpdateContinuousBackups). API_DeleteTable: a table in
    CREATING state answers ResourceInUseException.

    Only a function's DescribeTable counts as a poll, so a test may look as often as it likes.
    """

    def __init__(self, default_polls: int | None = 0) -> None:
        super().__init__()
        self.default_polls = default_polls
        self._polls: dict[str, int | None] = {}
        self._recovery_points: dict[str, str] = {}
        self._begun_ago: dict[str, float] = {}
        self._made_ago: dict[Table, float] = {}
        self._restoring: dict[Table, _Restoring] = {}

    def stay_creating(
        self,
        target: str,
        polls: int | None,
        *,
        recovery_point: str | None = None,
        begun_ago: float = 0.0,
    ) -> None:
        """Let a target, before it is restored, stay CREATING for this many polls; None: until `release`.

        Args:
            recovery_point: what AWS Backup restores from, which the target then names as its backup.
            begun_ago: for how many seconds the target says that it has been there when it is made.
        """
        with self._lock:
            self._polls[target] = polls
            self._begun_ago[target] = begun_ago
            if recovery_point:
                self._recovery_points[target] = recovery_point

    def made_ago(self, region: str, table: str, seconds: float) -> None:
        """Let a table say that it was made so long before it was."""
        with self._lock:
            self._made_ago[(region, table)] = seconds

    def release(self, target: str) -> None:
        """Let a target that is being restored be ACTIVE from the next poll on."""
        with self._lock:
            self._polls.pop(target, None)
            for table in [table for table in self._restoring if table[1] == target]:
                del self._restoring[table]

    def restoring(self, target: str) -> bool:
        with self._lock:
            return any(name == target for _, name in self._restoring)

    @override
    def reset(self) -> None:
        with self._lock:
            self._polls.clear()
            self._recovery_points.clear()
            self._begun_ago.clear()
            self._made_ago.clear()
            self._restoring.clear()

    @override
    def before(self, request: Request, ask: Ask) -> Response | None:
        if request.service != "dynamodb" or request.operation in ("DescribeTable", *RESTORE_CALLS):
            return None
        with self._lock:
            if request.table not in self._restoring:
                return None
        if request.operation == "DeleteTable":
            return request.refuse("ResourceInUseException", f"Table is being created: {request.resource}")
        if request.operation in BACKUP_CALLS:
            return request.refuse("TableNotFoundException", f"Table not found: {request.resource}")
        return request.refuse(
            "ResourceNotFoundException", f"Requested resource not found: {request.resource}"
        )

    @override
    def after(self, request: Request, response: Response, ask: Ask) -> Response:
        if not response.ok:
            return response
        if request.is_call("dynamodb", *RESTORE_CALLS):
            return self._begin(request, response, ask)
        if request.is_call("dynamodb", "DescribeTable"):
            return self._poll(request, response)
        if request.is_call("dynamodb", "DeleteTable"):
            with self._lock:
                self._made_ago.pop(request.table, None)
        return response

    def _begin(self, request: Request, response: Response, ask: Ask) -> Response:
        answer = response.json()
        table = answer["TableDescription"]
        target = request.parameters["TargetTableName"]
        summary = _origin(table["TableArn"], request, ask)
        with self._lock:
            polls = self._polls.pop(target, self.default_polls)
            if recovery_point := self._recovery_points.pop(target, None):
                summary["SourceBackupArn"] = recovery_point
            state = _Restoring(summary, polls)
            # A table is created once, and says so for as long as it is there.
            ago = self._made_ago[(request.region, target)] = self._begun_ago.pop(target, 0.0)
            table["CreationDateTime"] -= ago
            if polls != 0:
                self._restoring[(request.region, target)] = state
        return response.with_json({"TableDescription": _creating(table, state)})

    def _poll(self, request: Request, response: Response) -> Response:
        with self._lock:
            state = self._restoring.get(request.table)
            ago = self._made_ago.get(request.table, 0.0)
            polls_left = state.polls_left if state is not None and request.by_function else None
            if polls_left == 0:
                del self._restoring[request.table]
                state = None
            elif state is not None and polls_left is not None:
                state.polls_left = polls_left - 1
        if state is None and not ago:
            return response
        table = response.json()["Table"]
        table["CreationDateTime"] -= ago
        return response.with_json({"Table": table if state is None else _creating(table, state)})


def _creating(table: dict[str, Any], state: _Restoring) -> dict[str, Any]:
    indexes = [{**index, "IndexStatus": "CREATING"} for index in table.get("GlobalSecondaryIndexes", [])]
    changed = {
        **table,
        "TableStatus": "CREATING",
        "RestoreSummary": state.summary,
    }
    return {**changed, "GlobalSecondaryIndexes": indexes} if indexes else changed


def _origin(target_arn: str, request: Request, ask: Ask) -> dict[str, Any]:
    """API_RestoreSummary: what the target is made of; `RestoreDateTime` of a backup is when it was made."""
    parameters = request.parameters
    if backup_arn := parameters.get("BackupArn"):
        backup = ask("DescribeBackup", {"BackupArn": backup_arn}).json()["BackupDescription"]
        return {
            "SourceBackupArn": backup_arn,
            "SourceTableArn": backup["SourceTableDetails"]["TableArn"],
            "RestoreDateTime": int(backup["BackupDetails"]["BackupCreationDateTime"]),
            "RestoreInProgress": True,
        }
    source_arn = parameters.get("SourceTableArn")
    moment = parameters.get("RestoreDateTime")
    return {
        "SourceTableArn": source_arn
        or f"{target_arn.partition(':table/')[0]}:table/{parameters['SourceTableName']}",
        "RestoreDateTime": moment if moment is not None else _latest_restorable(request, ask),
        "RestoreInProgress": True,
    }


def _latest_restorable(request: Request, ask: Ask) -> int:
    """The latest instant that the source can be restored to: about five minutes back, and not before it was made.

    Developer guide, PointInTimeRecovery_Howitworks: `LatestRestorableDateTime` is typically five minutes before the current
    time, and any instant lies between `EarliestRestorableDateTime` and that; nothing is backed up of a table that is not
    there yet.
    """
    described = ask("DescribeTable", {"TableName": _source_name(request.parameters)}, _source_region(request))
    created = described.json()["Table"]["CreationDateTime"] if described.ok else 0
    return max(int(time.time()) - 300, int(created))


class RestoreNeedsRecovery(Rule):
    """Only a table with point-in-time recovery can be restored to a point in time.

    API reference, API_RestoreTableToPointInTime: PointInTimeRecoveryUnavailableException, "Point in time
    recovery has not yet been enabled for this source table".
    """

    @override
    def before(self, request: Request, ask: Ask) -> Response | None:
        if not request.is_call("dynamodb", "RestoreTableToPointInTime"):
            return None
        source = _source_name(request.parameters)
        answer = ask("DescribeContinuousBackups", {"TableName": source}, _source_region(request))
        if not answer.ok:
            return None  # no such table: the emulator says so itself
        if _recovery_status(answer) == "ENABLED":
            return None
        return request.refuse(
            "PointInTimeRecoveryUnavailableException",
            f"Point in time recovery is not enabled for table '{source}'",
        )


def _recovery_status(answer: Response) -> str:
    backups = answer.json()["ContinuousBackupsDescription"]
    return str(backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus", ""))


def _source_name(parameters: Mapping[str, Any]) -> str:
    return table_name(parameters.get("SourceTableArn") or parameters.get("SourceTableName", ""))


def _source_region(request: Request) -> str:
    arn: str = request.parameters.get("SourceTableArn", "")
    return arn.split(":")[3] if arn.startswith("arn:") else request.region


class RestoresAcrossRegions(Rule):
    """A point-in-time restore may be made in another region than its source's, by the source's ARN.

    Developer guide, pointintimerecovery_restores: "You can also restore your DynamoDB table data across AWS
    Regions such that the restored table is created in a different Region from where the source table
    resides." The emulator looks for the source in the request's region; here the new table is made from
    the source's description and items instead.
    """

    DESCRIBED = ("AttributeDefinitions", "KeySchema")
    INDEX = ("IndexName", "KeySchema", "Projection")
    CAPACITY = ("ReadCapacityUnits", "WriteCapacityUnits")

    @override
    def before(self, request: Request, ask: Ask) -> Response | None:
        if not request.is_call("dynamodb", "RestoreTableToPointInTime"):
            return None
        region = _source_region(request)
        if region == request.region:
            return None
        name, target = _source_name(request.parameters), request.parameters["TargetTableName"]
        described = ask("DescribeTable", {"TableName": name}, region)
        if not described.ok:
            return request.refuse("SourceTableNotFoundException", f"Source table not found: {name}")
        made = ask("CreateTable", self._definition(described.json()["Table"], request.parameters))
        if not made.ok:
            return request.refuse("TableAlreadyExistsException", f"Table already exists: {target}")
        self._copy_items(name, region, target, ask)
        return request.answer(made.json())

    def _definition(self, source: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
        billing = source.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED")
        billing = parameters.get("BillingModeOverride", billing)
        provisioned = billing == "PROVISIONED"
        definition = {
            **{key: source[key] for key in self.DESCRIBED},
            "TableName": parameters["TargetTableName"],
            "BillingMode": billing,
        }
        if provisioned:
            definition["ProvisionedThroughput"] = self._capacity(source)
        if indexes := source.get("GlobalSecondaryIndexes"):
            definition["GlobalSecondaryIndexes"] = [
                {
                    **{key: index[key] for key in self.INDEX},
                    **({"ProvisionedThroughput": self._capacity(index)} if provisioned else {}),
                }
                for index in indexes
            ]
        return definition

    def _capacity(self, described: Mapping[str, Any]) -> dict[str, int]:
        return {unit: described["ProvisionedThroughput"][unit] for unit in self.CAPACITY}

    def _copy_items(self, source: str, region: str, target: str, ask: Ask) -> None:
        items = ask("Scan", {"TableName": source}, region).json()["Items"]
        for start in range(0, len(items), ITEMS_PER_WRITE):
            batch = [{"PutRequest": {"Item": item}} for item in items[start : start + ITEMS_PER_WRITE]]
            ask("BatchWriteItem", {"RequestItems": {target: batch}})


class RestoreOverrides(Rule):
    """A restore call decides about its target's capacity where it says so.

    API reference, API_RestoreTableToPointInTime and API_RestoreTableFromBackup:
    `ProvisionedThroughputOverride`, `OnDemandThroughputOverride`, which the emulator does not heed.
    """

    MEMBERS: Mapping[str, str] = {
        "ProvisionedThroughputOverride": "ProvisionedThroughput",
        "OnDemandThroughputOverride": "OnDemandThroughput",
    }

    @override
    def after(self, request: Request, response: Response, ask: Ask) -> Response:
        if not response.ok or not request.is_call("dynamodb", *RESTORE_CALLS):
            return response
        changes = {
            member: request.parameters[override_]
            for override_, member in self.MEMBERS.items()
            if override_ in request.parameters
        }
        if not changes:
            return response
        ask("UpdateTable", {"TableName": request.parameters["TargetTableName"], **changes})
        answer = response.json()
        answer["TableDescription"].update(changes)
        return response.with_json(answer)
