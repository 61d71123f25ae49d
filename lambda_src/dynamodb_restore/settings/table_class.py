"""The table class, Standard or Standard-Infrequent Access: what storage and throughput cost."""

from __future__ import annotations

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
