"""Deletion protection: whether the table refuses to be deleted."""

from __future__ import annotations

from dynamodb_restore.settings.catalogue import CatalogueEntry, TableActions
from dynamodb_restore.settings.setting import Difference, Lane, Phase, Reading, State, Step, Table


class DeletionProtection:
    """Portable state: `{"enabled": bool}`."""

    name = "deletion_protection"
    phase = Phase.ON_ACTIVE
    lane = Lane.FIRST
    catalogue = CatalogueEntry(
        default=True,
        what="on",
        left_alone="never switched off",
        about="""
            Whether the table refuses to be deleted. It is off on every new table unless asked for, and a restore call
            cannot ask for it.
        """,
        read="`DescribeTable`.",
        written="""
            `UpdateTable` with `DeletionProtectionEnabled`, in a call of its own. AWS takes one such change in 15
            seconds.
        """,
        when="it protects the table.",
        kept="""
            It is only ever switched on: a target that is protected while the source is not stays protected. Whoever
            deletes the restored table later has to switch it off first. Drills do not get it.
        """,
        sources=(
            "docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithTables.Basics.html",
            "docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html",
            "docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_RestoreTableToPointInTime.html",
        ),
        tag_decides=False,
        table_writes=TableActions(tables=("dynamodb:UpdateTable",)),
    )

    def read(self, table: Table) -> Reading:
        return Reading({"enabled": bool(table.describe().get("DeletionProtectionEnabled"))})

    def diff(self, desired: State, current: State) -> Difference:
        # It is only switched on: a protected target stays protected, whatever the source has.
        if not desired["enabled"] or current["enabled"]:
            return Difference()
        return Difference((Step("enable deletion protection"),))

    def apply(self, table: Table, step: Step) -> None:
        table.clients.dynamodb.update_table(TableName=table.name, DeletionProtectionEnabled=True)
        table.forget()
