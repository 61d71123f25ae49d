"""Warm throughput: the reads and writes a second that the table and its global secondary indexes take at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dynamodb_restore.settings.catalogue import CatalogueEntry, TableActions
from dynamodb_restore.settings.setting import Difference, Lane, Phase, Reading, State, Step, Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import (
        GlobalSecondaryIndexWarmThroughputDescriptionTypeDef,
        TableWarmThroughputDescriptionTypeDef,
    )

_KINDS = {"ReadUnitsPerSecond": "reads", "WriteUnitsPerSecond": "writes"}

_ON_DEMAND_START = {"ReadUnitsPerSecond": 12_000, "WriteUnitsPerSecond": 4_000}
"""What every on-demand table and index has from the start
(docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html)."""


class WarmThroughput:
    """Portable state, with resources named `table` and `index/NAME`:

    `{"throughput": {resource: {"ReadUnitsPerSecond": units, "WriteUnitsPerSecond": units}},
    "on_demand": bool, "rising": [resource, …], "unwarmable": {resource: why}}`

    `rising` are those that AWS is still warming up, and shows with their old values.
    """

    name = "warm_throughput"
    phase = Phase.ON_ACTIVE
    lane = Lane.TABLE
    catalogue = CatalogueEntry(
        default=False,
        what="of table and indexes",
        left_alone="never lowered",
        about="""
            How many reads and writes a second the table and each global secondary index can take at once, without
            scaling first. A restored table starts with what AWS gives every new one, so a busy application that is
            pointed at it may be throttled until it has grown. Off by default: AWS charges for raising it, and does
            not tell whether the source's was paid for or grew by use.
        """,
        read="`DescribeTable` (`WarmThroughput` of the table and of each index, with its status).",
        written="""
            `UpdateTable`, one call for the table and all indexes together, with just the values that rise. AWS needs
            minutes; that is waited for, over several deliveries if need be.
        """,
        when="it must be done before the load comes. It is the last of the settings that `UpdateTable` writes.",
        kept="""
            Values only rise: AWS never lowers them, and a target that has more keeps it without a word. The 12,000
            reads and 4,000 writes a second that every on-demand table starts with are no setting, wherever the target
            is. A change that AWS is still making is waited for, not asked for again. Skipped with the reason: the
            table or an index whose capacity the restore call set, indexes that were not restored. What is above the
            account's table quota fails with AWS's own words.
        """,
        sources=(
            "docs.aws.amazon.com/amazondynamodb/latest/developerguide/warm-throughput.html",
            "docs.aws.amazon.com/amazondynamodb/latest/developerguide/update-warm-throughput.html",
            "docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html",
        ),
        table_writes=TableActions(tables=("dynamodb:UpdateTable",)),
    )

    def read(self, table: Table) -> Reading:
        description = table.describe()
        warm: dict[str, Any] = {"table": description.get("WarmThroughput", {})}
        for index in description.get("GlobalSecondaryIndexes", []):
            warm[f"index/{index['IndexName']}"] = index.get("WarmThroughput", {})
        rising = [resource for resource, throughput in warm.items() if throughput.get("Status") == "UPDATING"]
        state = {
            "throughput": {resource: _units(throughput) for resource, throughput in warm.items()},
            "on_demand": _on_demand(table),
            "rising": rising,
            "unwarmable": _unwarmable(table),
        }
        return Reading(state, tuple(f"{resource} is being warmed up" for resource in rising))

    def diff(self, desired: State, current: State) -> Difference:
        raised: dict[str, dict[str, int]] = {}
        omitted: list[str] = []
        for resource, units in sorted(desired["throughput"].items()):
            present = current["throughput"].get(resource)
            why_not = current["unwarmable"].get(resource)
            if present is None:
                present, why_not = {}, "the restored table has no such index"
            # AWS never lowers a value, and raises it by itself as the table is used.
            missing = {
                kind: wanted
                for kind, wanted in units.items()
                if wanted > present.get(kind, 0)
                and not (desired["on_demand"] and wanted <= _ON_DEMAND_START[kind])
            }
            if not missing or resource in current["rising"]:
                continue
            if why_not is not None:
                omitted.append(f"warm throughput of {resource}: {why_not}")
            else:
                raised[resource] = missing
        steps = (Step(f"warm up {_amounts(raised)} a second", {"throughput": raised}),) if raised else ()
        return Difference(steps, omitted=tuple(omitted))

    def apply(self, table: Table, step: Step) -> None:
        # One call for all: this kind of change UpdateTable takes for the table and its indexes together
        # (docs.aws.amazon.com/amazondynamodb/latest/developerguide/update-warm-throughput.html).
        raised = dict(step.payload["throughput"])
        arguments: dict[str, Any] = {"TableName": table.name}
        if "table" in raised:
            arguments["WarmThroughput"] = raised.pop("table")
        if raised:
            arguments["GlobalSecondaryIndexUpdates"] = [
                {"Update": {"IndexName": resource.removeprefix("index/"), "WarmThroughput": units}}
                for resource, units in sorted(raised.items())
            ]
        table.clients.dynamodb.update_table(**arguments)
        table.forget()


def _units(
    throughput: TableWarmThroughputDescriptionTypeDef | GlobalSecondaryIndexWarmThroughputDescriptionTypeDef,
) -> dict[str, int]:
    return {kind: throughput[kind] for kind in _KINDS if kind in throughput}  # type: ignore[literal-required]


def _on_demand(table: Table) -> bool:
    summary = table.describe().get("BillingModeSummary", {})
    return (table.overrides.billing_mode or summary.get("BillingMode")) == "PAY_PER_REQUEST"


def _unwarmable(table: Table) -> dict[str, str]:
    """Why parts of this table are not warmed up: what the restore call decided stays as it is."""
    overrides = table.overrides
    decided = [f"index/{name}" for name in (*overrides.index_throughput, *overrides.index_warm_throughput)]
    if overrides.provisioned_throughput or overrides.on_demand_throughput:
        decided.append("table")
    return dict.fromkeys(decided, "the restore call set its capacity")


def _amounts(raised: State) -> str:
    return ", ".join(
        f"{resource} to " + " and ".join(f"{units} {_KINDS[kind]}" for kind, units in sorted(amounts.items()))
        for resource, amounts in sorted(raised.items())
    )
