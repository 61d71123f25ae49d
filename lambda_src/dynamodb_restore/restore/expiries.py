"""Notes on time to live: it deletes expired items, also those that the restore brought back.

The items are not read. That would take a read of all of them, and a role that may read the items of every table which
is ever restored; the first pages of a Scan say nothing of the rest. So what is told is what TTL does, and never that
there are such items.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from dynamodb_restore.instants import iso
from dynamodb_restore.settings.ttl import TimeToLive
from dynamodb_restore.sync.outcome import Outcome
from dynamodb_restore.sync.reading import Desired, Unreadable
from dynamodb_restore.sync.task import WAITS_FOR_CUTOVER

_HOLD = 'hold = ["ttl"] in overrides'


def expiry_notes(outcomes: Sequence[Outcome], desired: Desired, restore_point: datetime | None) -> list[str]:
    """What a person should know where a restore has switched time to live on, or cutover is to do so.

    Expired items are typically deleted within days, and a change of TTL takes up to an hour, in which AWS refuses another
    (docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTimeToLive.html): so it is not said that TTL can be
    switched off again in time.

    Args:
        desired: the source's portable states.
        restore_point: the instant restored to; None where AWS has not told it.
    """
    state = desired.get(TimeToLive.name)
    ttl = next((outcome for outcome in outcomes if outcome.setting == TimeToLive.name), None)
    if ttl is None or state is None or isinstance(state, Unreadable) or state["attribute"] is None:
        return []
    since = f" since {iso(restore_point)}" if restore_point else ""
    deletes = (
        "it deletes what has expired by now, typically within days, and so also what it had deleted from the source"
        f"{since} and this restore has brought back. Whether there are such items was not looked at."
    )
    if ttl.done or ttl.in_doubt:
        was = "was" if ttl.done else "may have been"
        note = (
            f"TTL by {state['attribute']} {was} switched on: {deletes} To keep them, switch TTL off, which AWS can refuse for"
            f" an hour. For a restore that is to bring such items back, {_HOLD} has TTL wait for an operator."
        )
        return [note]
    if ttl.reason == WAITS_FOR_CUTOVER:
        note = (
            f"cutover switches TTL by {state['attribute']} on: {deletes} To keep them, apply {_HOLD} for this restore before"
            " cutover."
        )
        return [note]
    return []
