"""Time to live: on or off, and by which attribute."""

from __future__ import annotations

from dynamodb_restore.settings.catalogue import CatalogueEntry, TableActions
from dynamodb_restore.settings.setting import Difference, Lane, Phase, Reading, State, Step, Table


class TimeToLive:
    """Portable state: `{"attribute": name}`, or `{"attribute": None}` where TTL is off."""

    name = "ttl"
    phase = Phase.ON_CUTOVER
    lane = Lane.ALONE
    catalogue = CatalogueEntry(
        default=True,
        what="on or off, with its attribute",
        left_alone="the target uses another attribute",
        about="""
            Time to live: whether expired items are deleted, and by which attribute. A restore switches it off.
        """,
        read="`DescribeTimeToLive`; enabling counts as on, disabling as off.",
        written="`UpdateTimeToLive` with the source's attribute.",
        when="""
            it deletes items, and the deletes reach streams and triggers. It waits for no other setting of that phase;
            AWS deletes nothing before the change has taken hold, which takes up to an hour.
        """,
        kept="""
            TTL by another attribute on the target is a conflict and stays. A source without TTL leaves the target's
            alone. AWS needs up to an hour to enable it everywhere; that is not waited for. While a replica is being
            added AWS takes no change of it; that is waited for. **TTL deletes what has expired, also items that the
            restore brought back**: a report by which TTL was switched on, or will be at cutover, has a note of that.
            The items are not looked at, so it is not said whether there are such. `hold = ["ttl"]` in `overrides`
            keeps TTL off until an operator releases it; once it is on, AWS can refuse to switch it off for an hour.
        """,
        sources=(
            "docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTimeToLive.html",
            "docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeTimeToLive.html",
            "docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_RestoreTableToPointInTime.html",
        ),
        table_reads=TableActions(tables=("dynamodb:DescribeTimeToLive",)),
        table_writes=TableActions(tables=("dynamodb:UpdateTimeToLive",)),
    )

    def read(self, table: Table) -> Reading:
        answer = table.clients.dynamodb.describe_time_to_live(TableName=table.name)["TimeToLiveDescription"]
        status = answer.get("TimeToLiveStatus", "DISABLED")
        # ENABLING can last an hour and needs no action; waiting for ENABLED would only use up attempts
        # (docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTimeToLive.html).
        live = status in ("ENABLED", "ENABLING")
        return Reading({"attribute": answer.get("AttributeName") if live else None})

    def diff(self, desired: State, current: State) -> Difference:
        wanted, present = desired["attribute"], current["attribute"]
        if wanted is None or wanted == present:
            return Difference()
        if present is not None:
            conflict = f"TTL uses {present} on the target and {wanted} on the source; the target's is kept"
            return Difference(conflicts=(conflict,))
        return Difference((Step(f"enable TTL by {wanted}", {"attribute": wanted}),))

    def apply(self, table: Table, step: Step) -> None:
        table.clients.dynamodb.update_time_to_live(
            TableName=table.name,
            TimeToLiveSpecification={"Enabled": True, "AttributeName": step.payload["attribute"]},
        )
