"""Point-in-time recovery of single tables.

"API reference" here and in the other rules is docs.aws.amazon.com/amazondynamodb/latest/APIReference,
"developer guide" is docs.aws.amazon.com/amazondynamodb/latest/developerguide.
"""

from __future__ import annotations

from typing_extensions import override

from .rule import RESTORE_CALLS, Ask, Request, Response, Rule, Table

BACKUP_CALLS = ("DescribeContinuousBackups", "UpdateContinuousBackups")


class RecoveryNotYetAvailable(Rule):
    """Continuous backups of a table that has just become ACTIVE may be refused for a while.

    API reference, API_UpdateContinuousBackups: ContinuousBackupsUnavailableException, "Backups have not
    yet been enabled for this table".
    """

    def __init__(self, default_refusals: int = 0) -> None:
        super().__init__()
        self.default_refusals = default_refusals
        self._refusals: dict[str, int] = {}
        self._left: dict[Table, int] = {}

    def refuse(self, target: str, refusals: int) -> None:
        """Refuse the first so many UpdateContinuousBackups of a target, once it has been restored."""
        with self._lock:
            self._refusals[target] = refusals

    @override
    def reset(self) -> None:
        with self._lock:
            self._refusals.clear()
            self._left.clear()

    @override
    def before(self, request: Request, ask: Ask) -> Response | None:
        if not request.is_call("dynamodb", "UpdateContinuousBackups"):
            return None
        with self._lock:
            left = self._left.get(request.table, 0)
            if left == 0:
                return None
            self._left[request.table] = left - 1
        return request.refuse(
            "ContinuousBackupsUnavailableException",
            f"Backups are being enabled for the table: {request.resource}. Please retry later",
        )

    @override
    def after(self, request: Request, response: Response, ask: Ask) -> Response:
        if response.ok and request.is_call("dynamodb", *RESTORE_CALLS):
            target = request.parameters["TargetTableName"]
            with self._lock:
                self._left[(request.region, target)] = self._refusals.pop(target, self.default_refusals)
        return response


class RecoveryPeriod(Rule):
    """Point-in-time recovery keeps its period, and falls back to 35 days where none is sent.

    API reference, API_PointInTimeRecoverySpecification: `RecoveryPeriodInDays`, "If this parameter is not
    provided, it defaults to 35"; API_PointInTimeRecoveryDescription returns it. A table that is not there is
    TableNotFoundException to these two calls (API_DescribeContinuousBackups).
    """

    DEFAULT_DAYS = 35

    def __init__(self) -> None:
        super().__init__()
        self._days: dict[Table, int] = {}

    @override
    def reset(self) -> None:
        with self._lock:
            self._days.clear()

    @override
    def after(self, request: Request, response: Response, ask: Ask) -> Response:
        if not request.is_call("dynamodb", *BACKUP_CALLS, "DeleteTable"):
            return response
        if request.operation == "DeleteTable":
            if response.ok:
                with self._lock:
                    self._days.pop(request.table, None)
            return response
        if response.error == "ResourceNotFoundException":
            return request.refuse("TableNotFoundException", f"Table not found: {request.resource}")
        if not response.ok:
            return response
        if request.operation == "UpdateContinuousBackups":
            wanted = request.parameters["PointInTimeRecoverySpecification"]
            with self._lock:
                self._days[request.table] = wanted.get("RecoveryPeriodInDays", self.DEFAULT_DAYS)
        answer = response.json()
        description = answer["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
        if description.get("PointInTimeRecoveryStatus") != "ENABLED":
            return response
        with self._lock:
            description["RecoveryPeriodInDays"] = self._days.get(request.table, self.DEFAULT_DAYS)
        return response.with_json(answer)
