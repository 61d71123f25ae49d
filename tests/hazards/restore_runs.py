"""Restores as they run: the real functions on an account in memory, with queues, a clock, and whatever goes wrong."""

from __future__ import annotations

import json
from typing import Any

from dynamodb_restore.restore.report import DETAIL_TYPE
from tests.aws.tables import TableState
from tests.faults.actions import finish_restore
from tests.faults.estate import DEAD_LETTERS, RESTORE_QUEUE, RESTORE_TABLE, TARGET, build, restore_event
from tests.faults.functions import Functions, World


def restoring(*, events: int = 1, active: bool = True, pipeline: bool = False) -> World:
    """A world in which a table is being restored, and so many events have told of it.

    Args:
        active: whether the target is.
    """
    world = World(build(pipeline=pipeline))
    for number in range(events):
        body = json.loads(restore_event())
        body["detail"]["eventID"] = f"event-{number}"
        world.account.queues.put(RESTORE_QUEUE, json.dumps(body))
    if active:
        finish_restore(world)
    return world


def deliver_next(functions: Functions, world: World) -> bool | None:
    """Wait for the next message that is due, and deliver it: whether it is done with."""
    messages = world.account.queues.queues[RESTORE_QUEUE].messages
    world.clock.wait_until(min(message.visible_at for message in messages.values()))
    return functions.deliver(world)


def reports(world: World) -> list[dict[str, Any]]:
    """On the event bus."""
    events = world.account.messaging.events
    return [json.loads(event["Detail"]) for event in events if event["DetailType"] == DETAIL_TYPE]


def dead_letters(world: World) -> list[dict[str, str]]:
    """The attributes of the messages that were set aside."""
    return [letter.texts for letter in world.account.queues.queues[DEAD_LETTERS].messages.values()]


def record(world: World) -> dict[str, Any]:
    """The item of the restore's record."""
    items = world.account.items.tables[RESTORE_TABLE].items.values()
    (found,) = [item for item in items if item["sk"]["S"].startswith("restore#")]
    return found


def claims(world: World) -> list[str]:
    """The states of the claims of all pipelines."""
    items = world.account.items.tables[RESTORE_TABLE].items.values()
    return [item["state"]["S"] for item in items if item["sk"]["S"] == "claim"]


def target(world: World) -> TableState:
    return world.account.tables.tables[TARGET]


def calls(world: World) -> list[str]:
    """What was asked for so far, in its order."""
    return [call.operation for call in world.wire.calls]
