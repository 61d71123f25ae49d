"""Maximum throughput of an on-demand table and of its global secondary indexes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dynamodb_restore.settings.catalogue import CatalogueEntry, TableActions
from dynamodb_restore.settings.setting import Difference, Lane, Phase, Reading, State, Step, Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import OnDemandThroughputTypeDef

_KINDS = {"MaxReadRequestUnits": "reads", "MaxWriteRequestUnits": "writes"}


class OnDemandThroughput:
    """Portable state, with resources named `table` and `index/NAME`:

    `{"maximums": {resource: {"MaxReadRequestUnits": units, "MaxWriteRequestUnits": units}},
    "unlimitable": {resource: why}}`

    Every resource of the table is there; a kind of units that has no maximum is not.
    """

    name = "on_demand_throughput"
    phase = Phase.ON_ACTIVE
    lane = Lane.TABLE
    catalogue = CatalogueEntry(
        default=True,
        what="the limits of table and indexes",
        left_alone="never lowered; the target is provisioned; the restore call set them",
        about="""
            The maximum throughput of an on-demand table and of each of its global secondary indexes: what keeps a
            runaway client from running up a bill. A restore sets what the backup has or the call says, which need not
            be what the source has now.
        """,
        read="""
            `DescribeTable` (`OnDemandThroughput` of the table and of each index; absent or -1 is no maximum).
        """,
        written="""
            `UpdateTable`, one call for the table and one for each index that differs, since AWS takes this with
            nothing else but the billing mode.
        """,
        when="it bounds what the table may cost and take.",
        kept="""
            Never lowered: a maximum that is missing on the target is set, a lower one is raised, a higher one is a
            conflict and stays; so is any where the source has none. Skipped with the reason: a target with
            provisioned capacity, what the restore call set for the table or an index, indexes that were not restored.
            What is above the account's table quota fails with AWS's own words.
        """,
        sources=(
            "docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode-max-throughput.html",
            "docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_OnDemandThroughput.html",
            "docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateGlobalSecondaryIndexAction.html",
        ),
        kept_by_drills=True,
        table_writes=TableActions(tables=("dynamodb:UpdateTable",)),
    )

    def read(self, table: Table) -> Reading:
        description = table.describe()
        maximums = {"table": _maximums(description.get("OnDemandThroughput", {}))}
        for index in description.get("GlobalSecondaryIndexes", []):
            maximums[f"index/{index['IndexName']}"] = _maximums(index.get("OnDemandThroughput", {}))
        return Reading({"maximums": maximums, "unlimitable": _unlimitable(table, list(maximums))})

    def diff(self, desired: State, current: State) -> Difference:
        steps: list[Step] = []
        conflicts: list[str] = []
        omitted: list[str] = []
        for resource, wanted in sorted(desired["maximums"].items()):
            present = current["maximums"].get(resource)
            why_not = current["unlimitable"].get(resource)
            if present is None:
                present, why_not = {}, "the restored table has no such index"
            if why_not is not None:
                if wanted and wanted != present:
                    omitted.append(f"maximum throughput of {resource}: {why_not}")
                continue
            raised = {kind: units for kind, units in wanted.items() if units > present.get(kind, 0)}
            if raised:
                # What AWS makes of a kind that is left out does not matter if it is sent as it is.
                payload = {"resource": resource, "maximums": {**present, **raised}}
                amount = " and ".join(f"{units} {_KINDS[kind]}" for kind, units in sorted(raised.items()))
                steps.append(Step(f"limit {resource} to {amount} a second", payload))
            conflicts.extend(_kept(resource, wanted, present))
        return Difference(tuple(steps), tuple(conflicts), tuple(omitted))

    def apply(self, table: Table, step: Step) -> None:
        resource, maximums = step.payload["resource"], step.payload["maximums"]
        change: dict[str, Any] = {"OnDemandThroughput": maximums}
        if resource != "table":
            update = {"IndexName": resource.removeprefix("index/"), **change}
            change = {"GlobalSecondaryIndexUpdates": [{"Update": update}]}
        table.clients.dynamodb.update_table(TableName=table.name, **change)
        table.forget()


def _maximums(throughput: OnDemandThroughputTypeDef) -> dict[str, int]:
    # -1 takes a maximum away, and can be seen for a moment
    # (docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_OnDemandThroughput.html).
    told = {
        "MaxReadRequestUnits": throughput.get("MaxReadRequestUnits", -1),
        "MaxWriteRequestUnits": throughput.get("MaxWriteRequestUnits", -1),
    }
    return {kind: units for kind, units in told.items() if units > 0}


def _unlimitable(table: Table, resources: list[str]) -> dict[str, str]:
    """Why parts of this table take no maximum: what the restore call decided stays as it is."""
    overrides = table.overrides
    billing_mode = overrides.billing_mode or table.describe().get("BillingModeSummary", {}).get("BillingMode")
    # A table that was provisioned from the start has no summary.
    if billing_mode != "PAY_PER_REQUEST":
        return dict.fromkeys(resources, "the restored table has provisioned capacity")
    decided = [f"index/{name}" for name in overrides.index_throughput]
    if overrides.on_demand_throughput:
        decided.append("table")
    return dict.fromkeys(decided, "the restore call set it")


def _kept(resource: str, wanted: State, present: State) -> list[str]:
    """Say where the target allows more than the source, or bounds what the source does not."""
    return [
        f"{resource} takes {units} {_KINDS[kind]} a second on the target and "
        f"{wanted.get(kind, 'any number')} on the source; the target's maximum is kept"
        for kind, units in sorted(present.items())
        if kind not in wanted or units > wanted[kind]
    ]
