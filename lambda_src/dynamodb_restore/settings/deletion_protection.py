"""Deletion protection: whether the table refuses to be deleted."""

from __future__ import annotations

from dynamodb_restore.settings.setting import Difference, Lane, Phase, Reading, State, Step, Table


class DeletionProtection:
    """Portable state: `{"enabled": bool}`."""

    name = "deletion_protection"
    phase = Phase.ON_ACTIVE
    lane = Lane.FIRST

    def read(self, table: Table) -> Reading:
        return Reading({"enabled": bool(table.describe().get("DeletionProtectionEnabled"))})

    def diff(self, desired: State, current: State) -> Difference:
        # Only ever switched on: a target that somebody has protected stays so, whatever its source is.
        if not desired["enabled"] or current["enabled"]:
            return Difference()
        return Difference((Step("enable deletion protection"),))

    def apply(self, table: Table, step: Step) -> None:
        table.clients.dynamodb.update_table(TableName=table.name, DeletionProtectionEnabled=True)
        table.forget()
