"""Time to live: on or off, and by which attribute."""

from __future__ import annotations

from dynamodb_restore.settings.setting import Difference, Lane, Phase, Reading, State, Step, Table


class TimeToLive:
    """Portable state: `{"attribute": name}`, or `{"attribute": None}` where TTL is off."""

    name = "ttl"
    phase = Phase.ON_CUTOVER
    lane = Lane.ALONE

    def read(self, table: Table) -> Reading:
        answer = table.clients.dynamodb.describe_time_to_live(TableName=table.name)["TimeToLiveDescription"]
        status = answer.get("TimeToLiveStatus", "DISABLED")
        # ENABLING can last an hour and needs nobody; waiting for ENABLED would only burn attempts
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
