"""The table class, Standard or Standard-Infrequent Access: what storage and throughput cost."""

from __future__ import annotations

from dynamodb_restore.settings.catalogue import CatalogueEntry, TableActions
from dynamodb_restore.settings.setting import Difference, Lane, Phase, Reading, State, Step, Table

_STANDARD = "STANDARD"


class TableClass:
    """Portable state: `{"table_class": "STANDARD" | "STANDARD_INFREQUENT_ACCESS"}`.

    AWS restores every table into the Standard class
    (docs.aws.amazon.com/amazondynamodb/latest/developerguide/Restore.Tutorial.html).
    """

    name = "table_class"
    phase = Phase.ON_ACTIVE
    lane = Lane.TABLE
    catalogue = CatalogueEntry(
        default=True,
        what="standard or infrequent access",
        left_alone="the target has the other one already",
        about="""
            Standard or Standard-Infrequent Access: what storage and throughput cost. AWS always restores into the
            Standard class, so a large table that is seldom read comes back with a dearer storage bill.
        """,
        read="""
            `DescribeTable` (`TableClassSummary`; a table that never changed its class has none, and is Standard).
        """,
        written="""
            `UpdateTable` with `TableClass`, in a call of its own. AWS converts the table in the background,
            `UPDATING` meanwhile, and shows the old class until it has finished; that is waited for.
        """,
        when="it describes the table, and changes nothing for its readers and writers.",
        kept="""
            Infrequent Access on the target of a Standard source is a conflict and stays. AWS allows two changes of
            class in 30 days for each table; the third fails, with AWS's own words and without further tries. Reserved
            capacity pays for Standard tables only.
        """,
        sources=(
            "docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithTables.tableclasses.html",
            "docs.aws.amazon.com/amazondynamodb/latest/developerguide/Restore.Tutorial.html",
            "docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TableClassSummary.html",
            "docs.aws.amazon.com/amazondynamodb/latest/developerguide/reserved-capacity.html",
        ),
        kept_by_drills=True,
        table_writes=TableActions(tables=("dynamodb:UpdateTable",)),
    )

    def read(self, table: Table) -> Reading:
        # A table that has never changed its class has no summary. AWS converts a table in the background and
        # shows the old class until it has finished, so the open step itself tells that there is more to wait for
        # (docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithTables.tableclasses.html).
        summary = table.describe().get("TableClassSummary", {})
        return Reading({"table_class": summary.get("TableClass", _STANDARD)})

    def diff(self, desired: State, current: State) -> Difference:
        wanted, present = desired["table_class"], current["table_class"]
        if wanted == present:
            return Difference()
        if present != _STANDARD:
            # Somebody chose it for this table, and AWS takes two changes in 30 days.
            conflict = f"the target's class is {present}, the source's {wanted}; the target's is kept"
            return Difference(conflicts=(conflict,))
        return Difference((Step(f"change the table class to {wanted}", {"table_class": wanted}),))

    def apply(self, table: Table, step: Step) -> None:
        table.clients.dynamodb.update_table(TableName=table.name, TableClass=step.payload["table_class"])
        table.forget()
