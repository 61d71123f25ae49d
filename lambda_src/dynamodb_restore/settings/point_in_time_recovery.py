"""Point-in-time recovery: on or off, and for how many days back."""

from __future__ import annotations

from dynamodb_restore.settings.catalogue import CatalogueEntry, TableActions
from dynamodb_restore.settings.setting import Difference, Lane, Phase, Reading, State, Step, Table

_DEFAULT_DAYS = 35


class PointInTimeRecovery:
    """Portable state: `{"recovery_period_days": 1…35}`, or None in its place where recovery is off."""

    name = "point_in_time_recovery"
    phase = Phase.ON_ACTIVE
    lane = Lane.FIRST
    catalogue = CatalogueEntry(
        default=True,
        what="on or off, with its recovery period",
        left_alone="the target has it with another period",
        about="""
            Point-in-time recovery: on or off, and how many days back. A restored table has none: it cannot itself be
            restored.
        """,
        read="`DescribeContinuousBackups`.",
        written="`UpdateContinuousBackups`, always with the number of days: left out, it becomes 35.",
        when="it is the first of all, because an unprotected table is the worst state to be left in.",
        kept="""
            Another number of days on the target is a conflict and stays. A source without recovery leaves the
            target's on. AWS can refuse for some seconds after the table became `ACTIVE`; it is tried again.
        """,
        sources=(
            "docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateContinuousBackups.html",
            "docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PointInTimeRecoverySpecification.html",
            "docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_RestoreTableToPointInTime.html",
        ),
        tag_decides=False,
        table_reads=TableActions(tables=("dynamodb:DescribeContinuousBackups",)),
        table_writes=TableActions(tables=("dynamodb:UpdateContinuousBackups",)),
    )

    def read(self, table: Table) -> Reading:
        answer = table.clients.dynamodb.describe_continuous_backups(TableName=table.name)
        recovery = answer["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
        enabled = recovery.get("PointInTimeRecoveryStatus") == "ENABLED"
        days = recovery.get("RecoveryPeriodInDays", _DEFAULT_DAYS)
        return Reading({"recovery_period_days": days if enabled else None})

    def diff(self, desired: State, current: State) -> Difference:
        wanted, present = desired["recovery_period_days"], current["recovery_period_days"]
        if wanted is None or wanted == present:
            return Difference()
        if present is not None:
            conflict = (
                f"the target can be recovered {present} days back, the source {wanted}; the target's is kept"
            )
            return Difference(conflicts=(conflict,))
        payload = {"recovery_period_days": wanted}
        return Difference((Step(f"enable point-in-time recovery, {wanted} days back", payload),))

    def apply(self, table: Table, step: Step) -> None:
        # The period is always sent: left out, it becomes 35 days
        # (docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PointInTimeRecoverySpecification.html).
        table.clients.dynamodb.update_continuous_backups(
            TableName=table.name,
            PointInTimeRecoverySpecification={
                "PointInTimeRecoveryEnabled": True,
                "RecoveryPeriodInDays": step.payload["recovery_period_days"],
            },
        )
