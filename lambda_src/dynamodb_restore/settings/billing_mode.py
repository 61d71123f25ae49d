"""How the table is billed: on demand, or for provisioned capacity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dynamodb_restore.settings.catalogue import CatalogueEntry, TableActions
from dynamodb_restore.settings.setting import Difference, Lane, Phase, Reading, State, Step, Table

_ON_DEMAND = "PAY_PER_REQUEST"
_WORDS = {_ON_DEMAND: "on-demand", "PROVISIONED": "provisioned"}


class BillingMode:
    """Portable state:

    `{"billing_mode": "PROVISIONED" | "PAY_PER_REQUEST", "units": {resource: {"ReadCapacityUnits": n, "WriteCapacityUnits": n}},
    "indexes": [NAME], "chosen": bool}`

    Resources are `table` and `index/NAME`; a table on demand has none. `chosen` says whether the restore call chose mode or units.
    """

    name = "billing_mode"
    phase = Phase.ON_ACTIVE
    # Throughput and scaling are about the mode that a table has: they are looked at after this one.
    lane = Lane.FIRST
    catalogue = CatalogueEntry(
        default=False,
        what="on-demand or provisioned",
        left_alone="the restore call chose it",
        about="""
            Whether the table is billed for requests or for provisioned capacity. A backup brings back the mode that
            the table had then, and a restore call may choose another: a table on demand that comes back with 5 reads
            and 5 writes a second is throttled at once. The difference is reported whether this is on or off. Off by
            default, because it changes what the table costs.
        """,
        read="`DescribeTable` (`BillingModeSummary`; a table without one is provisioned).",
        written="""
            `UpdateTable` with `BillingMode`, and with the source's capacity where it becomes provisioned; an index
            that the source has not gets the table's.
        """,
        when="the table is throttled as long as it has too little.",
        kept="""
            What the restore call chose is told and stays. Where both are provisioned, other capacity is told and not
            changed: auto scaling moves it, and the setting `auto_scaling` brings that. AWS takes few changes to
            on-demand in a day, and fails what is more with its own words.
        """,
        sources=(
            "docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BillingModeSummary.html",
            "docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html",
            "docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-switching-capacity-modes.html",
        ),
        compared=True,
        table_writes=TableActions(tables=("dynamodb:UpdateTable",)),
    )

    def read(self, table: Table) -> Reading:
        description = table.describe()
        mode = description.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED")
        units: dict[str, Any] = {}
        if mode != _ON_DEMAND:
            units["table"] = _units(description.get("ProvisionedThroughput", {}))
            for index in description.get("GlobalSecondaryIndexes", []):
                units[f"index/{index['IndexName']}"] = _units(index.get("ProvisionedThroughput", {}))
        indexes = [index["IndexName"] for index in description.get("GlobalSecondaryIndexes", [])]
        overrides = table.overrides
        chosen = overrides.billing_mode is not None or overrides.provisioned_throughput
        state = {"billing_mode": mode, "units": units, "indexes": indexes, "chosen": chosen}
        return Reading(state)

    def diff(self, desired: State, current: State) -> Difference:
        wanted, present = desired["billing_mode"], current["billing_mode"]
        if wanted == present:
            return Difference(chosen=_other_units(desired["units"], current["units"]))
        if current["chosen"]:
            line = f"the target is {_described(current)}, the source {_described(desired)}; the restore call chose it"
            return Difference(chosen=(line,))
        if wanted == _ON_DEMAND:
            return Difference((Step("switch to on-demand", {"billing_mode": wanted}),))
        units = desired["units"]
        capacity = {
            resource: units.get(resource, units["table"])
            for resource in ["table", *(f"index/{name}" for name in current["indexes"])]
        }
        payload = {"billing_mode": wanted, "units": capacity}
        return Difference((Step(f"switch to provisioned capacity: {_amounts(capacity)}", payload),))

    def apply(self, table: Table, step: Step) -> None:
        arguments: dict[str, Any] = {"BillingMode": step.payload["billing_mode"]}
        units = dict(step.payload.get("units", {}))
        if units:
            arguments["ProvisionedThroughput"] = units.pop("table")
        if units:
            arguments["GlobalSecondaryIndexUpdates"] = [
                {
                    "Update": {
                        "IndexName": resource.removeprefix("index/"),
                        "ProvisionedThroughput": capacity,
                    }
                }
                for resource, capacity in sorted(units.items())
            ]
        table.clients.dynamodb.update_table(TableName=table.name, **arguments)
        table.forget()


def _units(throughput: Mapping[str, Any]) -> dict[str, int]:
    return {kind: throughput.get(kind, 0) for kind in ("ReadCapacityUnits", "WriteCapacityUnits")}


def _described(state: State) -> str:
    words = _WORDS[state["billing_mode"]]
    return f"{words} with {_amount(state['units']['table'])}" if state["units"] else words


def _other_units(wanted: State, present: State) -> tuple[str, ...]:
    """Where both are provisioned and have other capacity."""
    return tuple(
        f"{resource} has {_amount(present[resource])}, on the source {_amount(units)}"
        for resource, units in sorted(wanted.items())
        if resource in present and present[resource] != units
    )


def _amounts(capacity: Mapping[str, Mapping[str, int]]) -> str:
    return "; ".join(f"{resource} {_amount(units)}" for resource, units in capacity.items())


def _amount(units: Mapping[str, int]) -> str:
    return f"{units['ReadCapacityUnits']} reads and {units['WriteCapacityUnits']} writes a second"
